//! What WeChat's error codes mean for a template or subscribe message. Decided by the code alone; its words change.

use crate::domain::delivery::OutcomeClass as Class;
use crate::domain::provider::Advice;

/// What follows from a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The access token is not good any more. From the call that gets one: the secret is wrong.
    StaleToken,
    /// The day's calls are used up: 45009.
    DayIsOver,
    /// Too many calls in a minute: 45011.
    TooMany,
    /// Too much to this person: 45047.
    TooMuchForOne,
    /// No such template, which WeChat also says now and then of one that is there: 40037.
    NoTemplate,
    /// It has a message with this `client_msg_id` already: 45065.
    Repeat,
    Outcome(Class),
    /// A code in no table of ours.
    Unlisted,
}

pub(super) fn meaning(code: i64) -> Meaning {
    match code {
        40_001 | 40_014 | 41_001 | 42_001 => Meaning::StaleToken,
        45_009 => Meaning::DayIsOver,
        45_011 => Meaning::TooMany,
        45_047 => Meaning::TooMuchForOne,
        40_037 => Meaning::NoTemplate,
        45_065 => Meaning::Repeat,
        -1 => Meaning::Outcome(Class::Transient),
        40_003 | 43_004 | 43_019 | 43_101 | 46_004 | 48_002 | 50_005 => {
            Meaning::Outcome(Class::PermanentRecipient)
        }
        // Those from 41028 on are other APIs' and not to be expected.
        47_003 | 47_001 | 40_035 | 40_039 | 44_002 | 41_028 | 41_029 | 45_066 | 45_067 => {
            Meaning::Outcome(Class::PermanentMessage)
        }
        40_013 | 40_125 | 40_164 | 61_004 | 89_503 | 40_036 | 48_001 | 48_004 | 48_008 | 50_002 | 45_109
        | 43_002 => Meaning::Outcome(Class::Config),
        _ => Meaning::Unlisted,
    }
}

/// What is most likely to be done about a code.
pub(super) fn advice(code: &str) -> Option<Advice> {
    match code.parse::<i64>().ok()? {
        40_164 | 61_004 | 89_503 => Some(Advice::AllowAddress),
        40_001 | 40_013 | 40_014 | 40_125 | 41_001 | 42_001 => Some(Advice::Credentials),
        40_036 | 40_037 | 47_003 => Some(Advice::Template),
        45_009 | 45_011 => Some(Advice::Quota),
        48_001 | 48_004 | 48_008 | 50_002 => Some(Advice::Rights),
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
            (&[-1], Transient),
            (&[40_003, 43_004, 43_019, 43_101, 46_004, 48_002, 50_005], PermanentRecipient),
            (&[47_003, 47_001, 40_035, 40_039, 44_002, 41_028, 41_029, 45_066, 45_067], PermanentMessage),
            (
                &[
                    40_013, 40_125, 40_164, 61_004, 89_503, 40_036, 48_001, 48_004, 48_008, 50_002, 45_109,
                    43_002,
                ],
                Config,
            ),
        ];
        for (codes, class) in rows {
            for code in codes {
                assert_eq!(meaning(*code), Meaning::Outcome(class), "{code}");
            }
        }
        for code in [40_001, 40_014, 41_001, 42_001] {
            assert_eq!(meaning(code), Meaning::StaleToken);
        }
        assert_eq!((meaning(45_009), meaning(45_011)), (Meaning::DayIsOver, Meaning::TooMany));
        assert_eq!((meaning(45_047), meaning(45_065)), (Meaning::TooMuchForOne, Meaning::Repeat));
        assert_eq!((meaning(40_037), meaning(99_999)), (Meaning::NoTemplate, Meaning::Unlisted));
    }

    #[test]
    fn who_must_act_is_told_what_to_look_at() {
        for (code, expected) in [
            ("40164", Some(Advice::AllowAddress)),
            ("40125", Some(Advice::Credentials)),
            ("40037", Some(Advice::Template)),
            ("45009", Some(Advice::Quota)),
            ("48001", Some(Advice::Rights)),
            ("43004", None),
            ("HTTP 502", None),
        ] {
            assert_eq!(advice(code), expected, "{code}");
        }
    }
}
