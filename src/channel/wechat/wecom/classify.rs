//! What WeCom's error codes mean. Decided by the code alone; its words change.

use crate::domain::delivery::OutcomeClass as Class;
use crate::domain::provider::Advice;

/// What follows from a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The access token is not good any more.
    StaleToken,
    /// Too many calls: 45009.
    TooMany,
    /// Too many calls at once: 45033.
    TooManyAtOnce,
    /// None of those named can be reached: 81013.
    NobodyReached,
    Outcome(Class),
    /// A code in no table of ours.
    Unlisted,
}

pub(super) fn meaning(code: i64) -> Meaning {
    match code {
        40_014 | 41_001 | 42_001 => Meaning::StaleToken,
        45_009 => Meaning::TooMany,
        45_033 => Meaning::TooManyAtOnce,
        81_013 => Meaning::NobodyReached,
        // WeCom asks for no more than three tries of -1 in a row; ours are seconds apart at first, then minutes.
        -1 | 6_000 => Meaning::Outcome(Class::Transient),
        40_003 | 40_031 | 46_004 | 60_111 => Meaning::Outcome(Class::PermanentRecipient),
        40_008 | 40_032 | 40_035 | 40_058 | 40_063 | 41_016 | 41_033 | 44_004 | 45_002 | 82_001..=82_003 => {
            Meaning::Outcome(Class::PermanentMessage)
        }
        // 40001 the secret, 40013 the corp, 40056 and 301002 the agent, 48002 the rights, 60011 whom the application may
        // see, 60020 the address we call from.
        40_001 | 40_091 | 40_013 | 40_056 | 41_011 | 301_002 | 48_002 | 48_004 | 48_005 | 50_002 | 50_003
        | 60_011 | 60_020 => Meaning::Outcome(Class::Config),
        _ => Meaning::Unlisted,
    }
}

/// Whether a card is refused for its `task_id`. As each is made for one call and is well formed, that says that WeCom has
/// taken the same call before: a crash cut off its answer, and the repeat is not the same to the letter, or comes after
/// `duplicate_check_interval`. WeCom publishes no code for it and has 40058 for any argument, hence the words, which name
/// the one that is meant.
pub(super) fn names_task(code: i64, words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    code == 40_058 && ["task_id", "taskid"].iter().any(|name| words.contains(name))
}

/// What is most likely to be done about a code.
pub(super) fn advice(code: &str) -> Option<Advice> {
    match code.parse::<i64>().ok()? {
        60_020 => Some(Advice::AllowAddress),
        40_001 | 40_013 | 40_014 | 40_056 | 40_091 | 41_001 | 41_011 | 42_001 | 301_002 => {
            Some(Advice::Credentials)
        }
        48_002 | 48_004 | 48_005 | 50_002 | 50_003 | 60_011 => Some(Advice::Rights),
        45_009 | 45_033 => Some(Advice::Quota),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_table_has_its_class() {
        use Class::{Config, PermanentMessage, PermanentRecipient, Transient};
        let rows: [(&[i64], Class); 4] = [
            (&[-1, 6_000], Transient),
            (&[40_003, 40_031, 46_004, 60_111], PermanentRecipient),
            (
                &[
                    40_008, 40_035, 40_058, 40_063, 41_016, 41_033, 44_004, 45_002, 40_032, 82_001, 82_002,
                    82_003,
                ],
                PermanentMessage,
            ),
            (
                &[
                    40_001, 40_091, 40_013, 40_056, 41_011, 301_002, 48_002, 48_004, 48_005, 50_002, 50_003,
                    60_011, 60_020,
                ],
                Config,
            ),
        ];
        for (codes, class) in rows {
            for code in codes {
                assert_eq!(meaning(*code), Meaning::Outcome(class), "{code}");
            }
        }
        for code in [40_014, 41_001, 42_001] {
            assert_eq!(meaning(code), Meaning::StaleToken);
        }
        assert_eq!(meaning(81_013), Meaning::NobodyReached);
        assert_eq!((meaning(45_009), meaning(45_033)), (Meaning::TooMany, Meaning::TooManyAtOnce));
        assert_eq!(meaning(99_999), Meaning::Unlisted);
    }

    #[test]
    fn a_card_that_was_taken_before_is_told_from_one_that_is_wrong() {
        for words in ["template_card.task_id duplicated", "Invalid argument: TaskID, hint: [1790000000]"] {
            assert!(names_task(40_058, words), "{words}");
        }
        assert!(!names_task(40_058, "template_card.main_title invalid"));
        assert!(!names_task(45_009, "task_id"));
    }

    #[test]
    fn who_must_act_is_told_what_to_look_at() {
        for (code, expected) in [
            ("60020", Some(Advice::AllowAddress)),
            ("40001", Some(Advice::Credentials)),
            ("60011", Some(Advice::Rights)),
            ("45009", Some(Advice::Quota)),
            ("81013", None),
            ("invaliduser", None),
        ] {
            assert_eq!(advice(code), expected, "{code}");
        }
    }
}
