//! Whose press is enough, and who has to be asked first.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::scenario::{Level, Run};
use crate::domain::message::coded;

coded! {
    /// By what a broadcast was begun.
    HandKind {
        Operator = 1 "operator",
        Key = 2 "key",
        Button = 3 "button",
        Command = 4 "command",
        /// An alert that another system wrote.
        Alert = 5 "alert",
    }
}

/// Who pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// An operator; `on_duty`: one who was named to decide such things alone.
    Operator { on_duty: bool },
    /// A system with its key.
    Key,
    /// A button that two people armed.
    Button,
    /// A command on the server.
    Command,
    /// An alert that another system wrote.
    Alert,
}

impl Hand {
    pub const fn kind(self) -> HandKind {
        match self {
            Self::Operator { .. } => HandKind::Operator,
            Self::Key => HandKind::Key,
            Self::Button => HandKind::Button,
            Self::Command => HandKind::Command,
            Self::Alert => HandKind::Alert,
        }
    }
}

/// What decides whether one person is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    pub run: Run,
    pub level: Level,
    /// A prepared scenario in which people may die while somebody is looked for.
    pub life_threatening: bool,
    /// Nobody approved the words before.
    pub free_text: bool,
    pub whole_campus: bool,
    pub hand: Hand,
}

/// What a press needs before it goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    Nobody,
    /// A second person, who had no hand in it.
    Second {
        /// Where none comes in time, whoever began it may go on alone, and has to say why.
        may_override: bool,
    },
}

impl Press {
    pub const fn needs(self) -> Needs {
        const ALONE: Needs = Needs::Nobody;
        const TWO: Needs = Needs::Second { may_override: true };
        const ALWAYS_TWO: Needs = Needs::Second { may_override: false };
        match (self.run, self.hand) {
            // What others wrote is never sent unread, not even to the sandbox.
            (_, Hand::Alert) => ALWAYS_TWO,
            // It reaches nobody.
            (Run::Drill, _) => ALONE,
            (Run::Exercise, _) => ALWAYS_TWO,
            (Run::Live, Hand::Button) => ALONE,
            (Run::Live, Hand::Operator { on_duty }) => {
                let is_grave = matches!(self.level, Level::Red | Level::Orange);
                if self.free_text {
                    TWO
                } else if on_duty && (self.life_threatening || !is_grave) {
                    ALONE
                } else if is_grave || self.whole_campus {
                    TWO
                } else {
                    ALONE
                }
            }
            (Run::Live, Hand::Key | Hand::Command) => {
                let is_grave = matches!(self.level, Level::Red | Level::Orange);
                match self.hand {
                    _ if !is_grave && !self.free_text && !self.whole_campus => ALONE,
                    // Whoever sits at the server does because the console is gone, and with it every second person.
                    Hand::Command => TWO,
                    // Nobody sits there who could go on alone.
                    _ => ALWAYS_TWO,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON_DUTY: Hand = Hand::Operator { on_duty: true };
    const OTHER: Hand = Hand::Operator { on_duty: false };
    const HANDS: [Hand; 6] = [ON_DUTY, OTHER, Hand::Key, Hand::Button, Hand::Command, Hand::Alert];
    const TWO: Needs = Needs::Second { may_override: true };
    const ALWAYS_TWO: Needs = Needs::Second { may_override: false };

    fn press(hand: Hand) -> Press {
        Press {
            run: Run::Live,
            level: Level::Red,
            life_threatening: true,
            free_text: false,
            whole_campus: true,
            hand,
        }
    }

    #[test]
    fn a_life_is_saved_by_one_who_is_on_duty_or_by_an_armed_button() {
        assert_eq!(
            HANDS.map(|hand| press(hand).needs()),
            [Needs::Nobody, TWO, ALWAYS_TWO, Needs::Nobody, TWO, ALWAYS_TWO]
        );
        let orange = |hand| Press {
            level: Level::Orange,
            life_threatening: false,
            whole_campus: false,
            ..press(hand)
        };
        assert_eq!(orange(ON_DUTY).needs(), TWO, "grave, and nobody's life");
        assert_eq!(orange(Hand::Button).needs(), Needs::Nobody);
    }

    #[test]
    fn the_whole_campus_is_told_lesser_things_by_one_on_duty_and_by_two_others() {
        let blue = |whole_campus, hand| {
            Press { level: Level::Blue, life_threatening: false, whole_campus, ..press(hand) }.needs()
        };
        assert_eq!((blue(true, ON_DUTY), blue(true, OTHER)), (Needs::Nobody, TWO));
        assert_eq!((blue(false, ON_DUTY), blue(false, OTHER)), (Needs::Nobody, Needs::Nobody));
        assert_eq!((blue(true, Hand::Key), blue(false, Hand::Key)), (ALWAYS_TWO, Needs::Nobody));
        assert_eq!((blue(true, Hand::Command), blue(false, Hand::Command)), (TWO, Needs::Nobody));
    }

    #[test]
    fn words_that_nobody_approved_are_read_by_a_second_person() {
        for level in Level::ALL {
            let free = |hand| Press { level: *level, free_text: true, ..press(hand) }.needs();
            assert_eq!((free(ON_DUTY), free(OTHER)), (TWO, TWO), "{level}");
        }
    }

    #[test]
    fn a_drill_takes_one_and_an_exercise_always_two() {
        for hand in HANDS {
            let run = |run| Press { run, ..press(hand) }.needs();
            let alone = if hand == Hand::Alert { ALWAYS_TWO } else { Needs::Nobody };
            assert_eq!((run(Run::Drill), run(Run::Exercise)), (alone, ALWAYS_TWO), "{hand:?}");
        }
    }
}
