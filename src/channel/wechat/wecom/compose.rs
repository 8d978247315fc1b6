//! From a message to the body of `message/send`.

use serde_json::Value;

use super::button::{Button, Mark};
use super::card::{Look, Words, shape};
use crate::clock::Timestamp;
use crate::domain::content::Rendered;
use crate::domain::id::MessageId;

/// In seconds: the default, and the most WeCom takes.
const LEAST_INTERVAL: u64 = 1_800;
const MOST_INTERVAL: u64 = 14_400;

/// What one call says, to however many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Letter<'a> {
    pub(super) agent_id: u64,
    pub(super) campus: &'a str,
    pub(super) look: Look,
    pub(super) buttons: &'a [Button],
    pub(super) mark: &'a Mark,
    pub(super) content: &'a Rendered,
    pub(super) message: MessageId,
    /// The recipient's own page, where there is one recipient.
    pub(super) page: Option<&'a str>,
    pub(super) emergency: bool,
    /// Where everybody who gets it says whether they are safe, where it asks that.
    pub(super) roll_call: Option<&'a str>,
    /// When a provider took any of these deliveries before.
    pub(super) sent_before: Option<Timestamp>,
}

/// The request for these members.
///
/// WeCom drops a request whose JSON is the same as an earlier one's within `duplicate_check_interval`, which swallows a
/// call that is repeated because a crash cut off its answer. For that, the members come in an order of their own. So
/// that nothing else is swallowed, the interval differs from message to message and, after a message was called back,
/// from the time before: two messages with the same words to the same person are two requests.
pub(super) fn body(letter: &Letter<'_>, members: &[&str]) -> Value {
    let mut members = members.to_vec();
    members.sort_by_cached_key(|member| member.to_ascii_lowercase());
    members.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
    let task = letter.mark.task(letter.message, &members, letter.sent_before);
    let words = Words {
        content: letter.content,
        page: letter.page,
        whole: letter.emergency,
        campus: letter.campus,
        buttons: letter.buttons,
        task: &task,
        roll_call: letter.roll_call,
    };
    let mut body = shape(letter.look, words);
    body["touser"] = members.join("|").into();
    body["agentid"] = letter.agent_id.into();
    body["enable_duplicate_check"] = 1.into();
    body["duplicate_check_interval"] = interval(letter.message, letter.sent_before).into();
    body
}

/// Whether whoever gets this is asked for an answer.
pub(super) fn asks(body: &Value) -> bool {
    body.pointer("/template_card/button_list").is_some()
}

fn interval(message: MessageId, sent_before: Option<Timestamp>) -> u64 {
    let before = sent_before.map_or(0, Timestamp::millis).cast_unsigned();
    // Fibonacci hashing: ids and moments that are near each other end up far apart.
    let mixed =
        (message.0.cast_unsigned() ^ before.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    LEAST_INTERVAL + mixed % (MOST_INTERVAL - LEAST_INTERVAL + 1)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    static MARK: LazyLock<Mark> = LazyLock::new(|| Mark::of("ww1", 1_000_002));

    const MESSAGE: MessageId = MessageId(7_001);

    fn letter(content: &Rendered) -> Letter<'_> {
        Letter {
            agent_id: 1_000_002,
            campus: "钟楼大学",
            look: Look::Fitting,
            buttons: &[],
            mark: &MARK,
            content,
            message: MESSAGE,
            page: None,
            emergency: false,
            roll_call: None,
            sent_before: None,
        }
    }

    #[test]
    fn members_come_once_each_and_in_order() {
        let content = Rendered::new("t", "b", None);
        let body = body(&letter(&content), &["lina", "Anna", "LINA"]);
        assert_eq!((&body["touser"], &body["agentid"]), (&json!("Anna|lina"), &json!(1_000_002)));
        assert_eq!(body["enable_duplicate_check"], 1);
    }

    #[test]
    fn only_a_repeat_is_the_same_request() {
        let content = Rendered::new("t", "b", None);
        for look in [Look::Fitting, Look::TemplateCard] {
            let usual = Letter { look, page: Some("https://bell.example/m/x"), ..letter(&content) };
            let first = body(&usual, &["a", "b"]);
            assert_eq!(first, body(&usual, &["b", "a"]));
            assert_ne!(first, body(&Letter { message: MessageId(7_002), ..usual }, &["a", "b"]));
            let again = Letter { sent_before: Some(Timestamp(1_790_000_000_000)), ..usual };
            assert_ne!(first, body(&again, &["a", "b"]));
        }
    }

    proptest! {
        #[test]
        fn the_interval_is_one_that_wecom_takes(id: i64, at: i64) {
            let interval = interval(MessageId(id), Some(Timestamp(at)));
            prop_assert!((LEAST_INTERVAL..=MOST_INTERVAL).contains(&interval));
        }
    }
}
