//! Addresses that nothing is sent to: the list, one of them, and the form that adds one.

use askama::Template;

use super::form::FieldFaults;
use super::label::Tone;
use super::page::{Fact, Shell, Theme};
use super::view::View;
use crate::clock::Timestamp;
use crate::domain::channel::AddressKind;
use crate::domain::id::SuppressionId;
use crate::domain::suppression::Cause;

/// What an operator may say; that it bounced is for providers to tell.
pub const CAUSES: [Cause; 2] = [Cause::Asked, Cause::Wrong];

#[derive(Debug, Template)]
#[template(path = "console/suppression.html")]
pub struct SuppressionPage {
    pub shell: Shell,
    pub q: String,
    pub may_edit: bool,
    pub list: SuppressionFragment,
}

#[derive(Debug, Template)]
#[template(path = "console/suppression_list.html")]
pub struct SuppressionFragment {
    pub view: View,
    pub q: String,
    /// Where this page of the list begins.
    pub cursor: String,
    /// Addresses may be chosen and taken off it.
    pub may_edit: bool,
    pub chosen: Chosen,
    pub rows: Vec<ListedRow>,
    /// Something was searched for.
    pub filtered: bool,
    /// Link to the latest added, from earlier ones.
    pub newest: Option<String>,
    pub older: Option<String>,
}

/// What was chosen to be taken off the list, as the form was sent.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    pub ids: Vec<SuppressionId>,
    pub reason: String,
    pub faults: FieldFaults,
}

/// One address on the list.
#[derive(Clone, Debug)]
pub struct ListedRow {
    pub id: SuppressionId,
    pub kind: AddressKind,
    /// Masked.
    pub address: String,
    pub cause: Cause,
    /// A provider's words, or an operator's.
    pub note: String,
    pub since: Timestamp,
    pub by: By,
    pub until: Until,
}

/// Who put an address on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// Whoever is named.
    Operator(String),
    /// A provider: the link to the delivery that told, and the title of its message.
    Delivery(String, String),
    /// A provider, by a delivery that is no longer kept.
    Gone,
}

/// How long an address is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    Good,
    Day(Timestamp),
    /// It is written to again since then.
    Over(Timestamp),
}

impl Until {
    pub fn new(until: Timestamp, now: Timestamp) -> Self {
        match until {
            Timestamp::NEVER => Self::Good,
            until if until <= now => Self::Over(until),
            until => Self::Day(until),
        }
    }
}

#[derive(Debug, Template)]
#[template(path = "console/suppression_entry.html")]
pub struct ListedPage {
    pub shell: Shell,
    pub id: SuppressionId,
    pub kind: AddressKind,
    /// Masked or whole.
    pub address: String,
    pub cause: Cause,
    /// It is written to again already.
    pub over: bool,
    /// It stands there whole, which was written down.
    pub revealed: bool,
    pub may_reveal: bool,
    pub may_edit: bool,
    pub facts: Vec<Fact>,
    /// The reason as typed.
    pub typed: String,
    pub faults: FieldFaults,
}

impl ListedPage {
    /// The key of what follows from taking it off.
    fn what_follows(&self) -> String {
        if self.over { "suppression-remove-over".to_owned() } else { format!("cause-{}-remove", self.cause) }
    }
}

#[derive(Debug, Template)]
#[template(path = "console/suppression_form.html")]
pub struct SuppressionFormPage {
    pub shell: Shell,
    pub form: SuppressionForm,
    pub faults: FieldFaults,
}

/// As typed.
#[derive(Clone, Debug, Default)]
pub struct SuppressionForm {
    pub kind: String,
    pub address: String,
    pub cause: String,
    pub note: String,
    /// Empty: for good.
    pub days: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_over_at_its_end() {
        let now = Timestamp(50);
        assert_eq!(Until::new(Timestamp::NEVER, now), Until::Good);
        assert_eq!(Until::new(Timestamp(51), now), Until::Day(Timestamp(51)));
        assert_eq!(Until::new(now, now), Until::Over(now));
    }
}
