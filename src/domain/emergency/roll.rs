//! The roll call: what people say when they are asked whether they are safe.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::scenario::Spoken;
use crate::clock::Timestamp;
use crate::domain::message::coded;

/// Characters of where somebody says they are, and of what else they say.
pub const LONGEST_PLACE: usize = 60;
pub const LONGEST_WORDS: usize = 300;
/// Answers of one person that are kept of one broadcast beside the last: nobody changes their mind so often, and whoever
/// holds a link shall not fill the store. The last counts all the same.
pub const MOST_ANSWERS: i64 = 100;
/// A call for help that a provider told us of so much later than it was pressed was held up on the way.
const HELD_UP: Duration = Duration::from_mins(5);
/// By so much the clocks of our own processes may differ before anybody is alarmed. Within it nobody knows which of two
/// answers came first.
pub const SKEW: Duration = Duration::from_secs(5);

coded! {
    /// How somebody says they are.
    Condition {
        Safe = 1 "safe",
        Help = 2 "help",
    }
}

impl Condition {
    /// As a button says it: at most ten characters, which is what a card of WeCom's shows.
    pub fn words(self) -> Spoken {
        match self {
            Self::Safe => Spoken::new("我安全", "I am safe"),
            Self::Help => Spoken::new("需要帮助", "Need help"),
        }
    }

    /// When an answer counts as given that was pressed at `said` by another's clock, and that we were told of at `heard`
    /// by ours. What is in doubt is taken for help: a call for it counts from when we heard it, as it may not lose to
    /// something that was said before; that somebody is safe counts from when they may have said it.
    pub fn given_at(self, said: Option<Timestamp>, heard: Timestamp) -> Timestamp {
        let Some(said) = said.filter(|said| *said < heard) else { return heard };
        match self {
            Self::Help if heard.since(said) < HELD_UP => heard,
            Self::Help | Self::Safe => said,
        }
    }
}

coded! {
    /// What people of a roll call are counted by.
    Unit {
        /// The directory's department: a college, or an office.
        College = 1 "college",
        Class = 2 "class",
        /// The house where somebody lives.
        Dormitory = 3 "dormitory",
    }
}

impl Unit {
    /// The attributes that say it, the first that somebody has counting; none: the directory's department does.
    pub const fn attributes(self) -> &'static [&'static str] {
        match self {
            Self::College => &[],
            Self::Class => &["class", "班级"],
            Self::Dormitory => &["building", "dormitory", "dorm", "楼栋", "宿舍楼", "宿舍"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_doubt_is_taken_for_help() {
        let heard = Timestamp(1_790_000_000_000);
        let said = Some(Timestamp(heard.0 - 1_000));
        assert_eq!(Condition::Help.given_at(said, heard), heard);
        assert_eq!(Condition::Safe.given_at(said, heard), Timestamp(heard.0 - 1_000));
        for condition in Condition::ALL {
            assert_eq!(condition.given_at(None, heard), heard);
            assert_eq!(
                condition.given_at(Some(Timestamp(heard.0 + 9_000)), heard),
                heard,
                "its clock is fast"
            );
            let long = Timestamp(heard.0 - 300_000);
            assert_eq!(condition.given_at(Some(long), heard), long, "it was held up");
        }
    }

    #[test]
    fn a_button_has_room_for_every_answer() {
        for condition in Condition::ALL {
            let Spoken { zh, en } = condition.words();
            assert!([zh, en].iter().all(|text| (1..=10).contains(&text.chars().count())), "{condition}");
        }
    }
}
