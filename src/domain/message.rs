//! A message's category, priority lane and life.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::audience::Params;
use super::content::{Content, Escape, MAX_TITLE, clean_title, template};

macro_rules! coded {
    ($(#[$doc:meta])* $name:ident { $($body:tt)+ }) => {
        coded! { unordered #[derive(PartialOrd, Ord)] $(#[$doc])* $name { $($body)+ } }
    };
    // Whose numbers say nothing of their order.
    (unordered $(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant = $code,)+ }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The number kept in the store.
            pub const fn code(self) -> i64 {
                self as i64
            }

            pub fn from_code(code: i64) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.code() == code)
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|v| v.name() == text).ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|v| v.name()).collect();
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
pub(crate) use coded;

coded! {
    /// Decides priority and policy.
    Category {
        Announcement = 1 "announcement",
        ResourceUpdate = 2 "resource_update",
        Emergency = 3 "emergency",
    }
}

coded! {
    /// The queue a message waits in; emergencies wait for nobody else.
    Lane {
        Emergency = 0 "emergency",
        High = 1 "high",
        Normal = 2 "normal",
        Low = 3 "low",
    }
}

impl Lane {
    /// The lane of a rank's number, also of one that only a later version knows: below 0 all are emergencies.
    pub fn of_rank(code: i64) -> Self {
        if code <= 0 { Self::Emergency } else { Self::from_code(code).unwrap_or(Self::Low) }
    }
}

coded! {
    unordered
    /// What is handled first, in the order of this list: the lanes in theirs, and among emergencies the graver alert, and
    /// drills after all that is real. What the store calls the `lane` of a message or delivery is this number, below 0 for
    /// emergencies. It does not say what comes first, which [`is_before`](Self::is_before) does.
    Rank {
        /// The few words to those who may stop an alert: they are not to have them after everybody else.
        Duty = -6 "duty",
        /// That a red alert was false or is over: before what waits of that alert.
        RedOver = -5 "red_over",
        Red = -4 "red",
        OrangeOver = -3 "orange_over",
        Orange = -2 "orange",
        Over = -1 "over",
        Emergency = 0 "emergency",
        /// That a drill is over: before what waits of drills.
        DrillOver = -7 "drill_over",
        Drill = -8 "drill",
        High = 1 "high",
        Normal = 2 "normal",
        Low = 3 "low",
    }
}

impl Rank {
    /// The queue that it waits in.
    pub const fn lane(self) -> Lane {
        match self {
            Self::Duty
            | Self::RedOver
            | Self::Red
            | Self::OrangeOver
            | Self::Orange
            | Self::Over
            | Self::Emergency
            | Self::DrillOver
            | Self::Drill => Lane::Emergency,
            Self::High => Lane::High,
            Self::Normal => Lane::Normal,
            Self::Low => Lane::Low,
        }
    }

    /// Whether it is handled before the other.
    pub fn is_before(self, other: Self) -> bool {
        let place = |rank: Self| Self::ALL.iter().position(|one| *one == rank);
        place(self) < place(other)
    }

    /// Whether a planner that is at work on this one sees to the other first: an emergency that goes before it.
    pub fn gives_way_to(self, other: Self) -> bool {
        other.lane() == Lane::Emergency && other.is_before(self)
    }

    /// The ranks of a lane, the first to be handled first.
    pub fn of_lane(lane: Lane) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |rank| rank.lane() == lane)
    }
}

/// Where nothing else says how grave it is.
impl From<Lane> for Rank {
    fn from(lane: Lane) -> Self {
        match lane {
            Lane::Emergency => Self::Emergency,
            Lane::High => Self::High,
            Lane::Normal => Self::Normal,
            Lane::Low => Self::Low,
        }
    }
}

coded! {
    /// Where a message stands. `scheduled` → `accepted` → `routing` → `sending` → `completed`; the others end it
    /// early or wait for somebody.
    Status {
        Scheduled = 0 "scheduled",
        Accepted = 1 "accepted",
        Routing = 2 "routing",
        Sending = 3 "sending",
        Completed = 4 "completed",
        Held = 5 "held",
        Unrouted = 6 "unrouted",
        Cancelled = 7 "cancelled",
        Expired = 8 "expired",
    }
}

impl Status {
    /// Nothing more will happen by itself.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Unrouted | Self::Cancelled | Self::Expired)
    }
}

/// What a message says, as it is kept: the texts as they were when it was accepted, whatever becomes of the template
/// they were taken from. The form of the column `content`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wording {
    pub content: Content,
    /// The texts are templates still, because each person has values of their own. Otherwise they are filled in, and
    /// what looks like a variable in them is none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_variables: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateVersion>,
    /// Values for everybody; a person's own come over them.
    #[serde(default, skip_serializing_if = "Params::is_empty")]
    pub params: Params,
    /// The variables that somebody has a value of their own for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub own: BTreeSet<String>,
    /// Whoever gets it is asked whether they are safe.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub roll_call: bool,
}

impl Wording {
    /// What is left to say where nobody is left to say it to.
    #[must_use]
    pub fn emptied(self) -> Self {
        let nothing = || "–".to_owned();
        let content = Content { title: nothing(), body: nothing(), ..Content::default() };
        Self { content, template: self.template, ..Self::default() }
    }

    /// The texts as they read to somebody who is none of the recipients: what differs from person to person stands as
    /// `‹name›`.
    pub fn outline(&self) -> Content {
        if self.has_variables { self.content.outline(&self.params, &self.own) } else { self.content.clone() }
    }

    /// The title of the outline, as lists show it.
    pub fn title(&self) -> String {
        if !self.has_variables {
            return self.content.title.clone();
        }
        let title = template::outline(&self.content.title, &self.params, &self.own, Escape::None);
        let title = clean_title(&title);
        if title.chars().count() <= MAX_TITLE {
            return title;
        }
        // A value for everybody may be as long as it likes until it is sent.
        title.chars().take(MAX_TITLE - 1).chain(['…']).collect()
    }
}

/// Where a message's texts were taken from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TemplateVersion {
    pub slug: String,
    pub version: i64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wording(wording: serde_json::Value) -> Wording {
        serde_json::from_value(wording).unwrap()
    }

    #[test]
    fn only_what_has_variables_still_is_outlined() {
        let content = json!({"title": "写作 {{ x }}", "body": "{{ x }}"});
        let plain = wording(json!({"content": content}));
        assert_eq!((plain.title(), plain.outline()), ("写作 {{ x }}".to_owned(), plain.content.clone()));
        let personal = wording(json!({"content": content, "has_variables": true, "own": ["x"]}));
        let outline = personal.outline();
        assert_eq!(
            (personal.title().as_str(), outline.title.as_str(), outline.body.as_str()),
            ("写作 ‹x›", "写作 ‹x›", "‹x›")
        );
    }

    #[test]
    fn a_drill_goes_after_every_emergency_and_before_what_is_routine() {
        for drill in [Rank::DrillOver, Rank::Drill] {
            assert_eq!(drill.lane(), Lane::Emergency);
            for real in
                Rank::of_lane(Lane::Emergency).filter(|it| !matches!(it, Rank::DrillOver | Rank::Drill))
            {
                assert!(real.is_before(drill) && !drill.is_before(real), "{real}");
            }
            assert!(drill.is_before(Rank::High));
        }
        assert!(Rank::DrillOver.is_before(Rank::Drill) && !Rank::Red.is_before(Rank::Red));
        assert!(Rank::of_lane(Lane::Emergency).all(|rank| rank.code() <= 0), "as queries of lanes have it");
    }

    #[test]
    fn a_planner_leaves_a_drill_for_whatever_is_real_and_nothing_real_for_a_drill() {
        for drill in [Rank::DrillOver, Rank::Drill] {
            for real in
                Rank::of_lane(Lane::Emergency).filter(|it| !matches!(it, Rank::DrillOver | Rank::Drill))
            {
                assert!(drill.gives_way_to(real) && !real.gives_way_to(drill), "{drill} {real}");
            }
            assert!(Rank::High.gives_way_to(drill) && !drill.gives_way_to(Rank::High), "{drill}");
        }
        assert!(Rank::Orange.gives_way_to(Rank::Red) && !Rank::Red.gives_way_to(Rank::Orange));
        assert!(!Rank::Drill.gives_way_to(Rank::Drill), "they wait for each other in their turn");
        assert!(!Rank::Low.gives_way_to(Rank::High), "only emergencies are seen to in between");
    }

    #[test]
    fn the_lane_of_a_rank_is_known_though_the_rank_is_not() {
        for rank in Rank::ALL {
            assert_eq!(Lane::of_rank(rank.code()), rank.lane(), "{rank}");
        }
        assert_eq!((Lane::of_rank(-99), Lane::of_rank(99)), (Lane::Emergency, Lane::Low));
    }

    #[test]
    fn a_title_in_lists_is_one_line_of_bounded_length() {
        let of = |value: &str| {
            let content = json!({"title": "{{ course }} {{ x }}", "body": "b"});
            let params = json!({"course": value});
            wording(json!({"content": content, "has_variables": true, "params": params, "own": ["x"]}))
                .title()
        };
        assert_eq!(of("有机\n化学"), "有机 化学 ‹x›");
        let long = of(&"长".repeat(500));
        assert_eq!((long.chars().count(), long.chars().last()), (MAX_TITLE, Some('…')));
    }
}
