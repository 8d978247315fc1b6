//! What an operator should look at: its kinds, how grave it is, from which figure on it is one, and who asked to be told.
//!
//! An alarm is kept as its [`Matter`], figures and names only; what it says in either language is the services' to know.

mod limits;
mod matter;
mod wish;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::message::coded;

pub use self::limits::{Limits, WAITS};
pub use self::matter::{Matter, ProviderTrouble, Waits};
pub use self::wish::Wish;

coded! {
    /// What an alarm is about.
    AlarmKind {
        Provider = 1 "provider",
        Source = 2 "source",
        Backlog = 3 "backlog",
        Quota = 4 "quota",
        Failures = 5 "failures",
        Clock = 6 "clock",
        Disk = 7 "disk",
        Waiting = 8 "waiting",
        Button = 9 "button",
        Help = 10 "help",
        Queue = 11 "queue",
        Audit = 12 "audit",
    }
}

coded! {
    /// What it asks of whoever is told.
    Severity {
        Look = 1 "look",
        Act = 2 "act",
    }
}

/// Something that is so at this moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub matter: Matter,
    pub severity: Severity,
    /// It is grave enough to begin an alarm; else it only keeps one from ending.
    pub opens: bool,
}

impl Condition {
    pub fn new(matter: Matter, severity: Severity, opens: bool) -> Self {
        Self { matter, severity, opens }
    }
}
