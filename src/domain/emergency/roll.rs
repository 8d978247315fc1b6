//! The roll call: what people say when they are asked whether they are safe.

use serde::{Deserialize, Serialize};
use std::fmt;

use super::scenario::Spoken;
use crate::domain::message::coded;

/// Characters of where somebody says they are, and of what else they say.
pub const LONGEST_PLACE: usize = 60;
pub const LONGEST_WORDS: usize = 300;
/// Answers of one person that are kept of one broadcast: nobody changes their mind so often, and whoever holds a link shall
/// not fill the store.
pub const MOST_ANSWERS: i64 = 100;

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
    fn a_button_has_room_for_every_answer() {
        for condition in Condition::ALL {
            let Spoken { zh, en } = condition.words();
            assert!([zh, en].iter().all(|text| (1..=10).contains(&text.chars().count())), "{condition}");
        }
    }
}
