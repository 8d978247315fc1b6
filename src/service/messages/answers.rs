//! How many answered what.

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::answers::CountRow;

/// What those answered whom a message asked. `asked` is the sum of the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct AnswerCounts {
    /// Deliveries that asked for an answer.
    pub asked: i64,
    /// Of these, those without one.
    pub unanswered: i64,
    /// The others by what they say, the most frequent first.
    pub given: Vec<AnswerCount>,
}

/// How many answered the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AnswerCount {
    #[schema(example = "received")]
    pub key: String,
    /// Its words as most of them read them.
    #[schema(example = "收到")]
    pub text: String,
    pub count: i64,
}

impl AnswerCounts {
    /// `None` where nobody was asked. Of the rows of one key the most frequent comes first.
    pub(super) fn of(rows: Vec<CountRow>) -> Option<Self> {
        let mut counts = Self::default();
        for CountRow { choice, shown, n } in rows {
            counts.asked += n;
            match (choice, counts.given.last_mut()) {
                (None, _) => counts.unanswered += n,
                (Some(key), Some(last)) if last.key == key => last.count += n,
                (Some(key), _) => {
                    let text = shown.unwrap_or_default();
                    counts.given.push(AnswerCount { key, text, count: n });
                }
            }
        }
        // Stable: alike ones stay in the order of their keys.
        counts.given.sort_by_key(|answer| std::cmp::Reverse(answer.count));
        (counts.asked > 0).then_some(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_is_one_answer_in_whatever_words_it_was_read() {
        let row = |choice: Option<&str>, shown: &str, n| CountRow {
            choice: choice.map(str::to_owned),
            shown: choice.map(|_| shown.to_owned()),
            n,
        };
        let rows = vec![
            row(Some("help"), "需要帮助", 3),
            row(Some("received"), "收到", 800),
            row(Some("received"), "Received", 12),
            row(None, "", 391),
        ];
        let counts = AnswerCounts::of(rows).unwrap();
        assert_eq!((counts.asked, counts.unanswered), (1_206, 391));
        let given: Vec<_> = counts.given.iter().map(|a| (&*a.key, &*a.text, a.count)).collect();
        assert_eq!(given, [("received", "收到", 812), ("help", "需要帮助", 3)]);
        assert_eq!(AnswerCounts::of(Vec::new()), None);
    }
}
