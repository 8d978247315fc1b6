//! What a CAP document says of an emergency besides its words, in the terms of CAP 1.2 (§3.2.2).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::scenario::{Level, Spoken};
use crate::domain::message::Rank;

/// A list of CAP's, whose words are the same in its documents, in JSON and here.
macro_rules! listed {
    ($(#[$doc:meta])* $name:ident { $($(#[$attribute:meta])* $variant:ident $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$attribute])* $variant,)+ }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// CAP's word.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|one| one.name() == text).ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|one| one.name()).collect();
                    format!("`{text}` is not one of {}", known.join(", "))
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

listed! {
    Category {
        Geo "Geo",
        Met "Met",
        Safety "Safety",
        Security "Security",
        Rescue "Rescue",
        Fire "Fire",
        Health "Health",
        Env "Env",
        Transport "Transport",
        Infra "Infra",
        #[serde(rename = "CBRNE")]
        Cbrne "CBRNE",
        Other "Other",
    }
}

listed! {
    /// How soon people should act.
    Urgency {
        Immediate "Immediate",
        Expected "Expected",
        Future "Future",
        Past "Past",
        Unknown "Unknown",
    }
}

listed! {
    /// Follows from the level.
    Severity {
        Extreme "Extreme",
        Severe "Severe",
        Moderate "Moderate",
        Minor "Minor",
    }
}

listed! {
    Certainty {
        Observed "Observed",
        Likely "Likely",
        Possible "Possible",
        Unlikely "Unlikely",
        Unknown "Unknown",
    }
}

listed! {
    /// What people should do.
    ResponseType {
        Shelter "Shelter",
        Evacuate "Evacuate",
        Prepare "Prepare",
        Execute "Execute",
        Avoid "Avoid",
        Monitor "Monitor",
        Assess "Assess",
        AllClear "AllClear",
        None "None",
    }
}

impl Level {
    pub const fn severity(self) -> Severity {
        match self {
            Self::Red => Severity::Extreme,
            Self::Orange => Severity::Severe,
            Self::Yellow => Severity::Moderate,
            Self::Blue => Severity::Minor,
        }
    }

    /// Red goes out before orange, and orange before all else; and that one was false or is over before more of it.
    pub const fn rank(self, is_over: bool) -> Rank {
        match (self, is_over) {
            (Self::Red, true) => Rank::RedOver,
            (Self::Red, false) => Rank::Red,
            (Self::Orange, true) => Rank::OrangeOver,
            (Self::Orange, false) => Rank::Orange,
            (Self::Yellow | Self::Blue, true) => Rank::Over,
            (Self::Yellow | Self::Blue, false) => Rank::Emergency,
        }
    }
}

/// How a scenario's alert is described to machines. Its severity is its level's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapFacts {
    pub category: Category,
    pub urgency: Urgency,
    pub certainty: Certainty,
    pub response_type: ResponseType,
    /// The kind of event in a word or two.
    pub event: Spoken,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same_word<T: Copy + Serialize + FromStr<Err = String> + PartialEq + fmt::Debug>(
        all: &[T],
        name: impl Fn(T) -> &'static str,
    ) {
        for one in all {
            assert_eq!(serde_json::to_value(one).unwrap(), name(*one));
            assert_eq!(name(*one).parse::<T>().as_ref(), Ok(one));
        }
    }

    #[test]
    fn a_word_of_cap_is_the_same_everywhere() {
        same_word(Category::ALL, Category::name);
        same_word(Urgency::ALL, Urgency::name);
        same_word(Severity::ALL, Severity::name);
        same_word(Certainty::ALL, Certainty::name);
        same_word(ResponseType::ALL, ResponseType::name);
        assert!("cbrne".parse::<Category>().unwrap_err().contains("CBRNE"));
    }

    #[test]
    fn a_level_is_a_severity() {
        let severities: Vec<_> = Level::ALL.iter().map(|level| level.severity().name()).collect();
        assert_eq!(severities, ["Extreme", "Severe", "Moderate", "Minor"]);
    }
}
