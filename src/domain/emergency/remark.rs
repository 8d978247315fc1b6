//! What is remarked on a scenario.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::Fault;

/// What becomes of a scenario with such a remark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gravity {
    /// It cannot be used.
    Refused,
    /// Whoever approves it should know.
    Warning,
}

impl Gravity {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Warning => "warning",
        }
    }
}

/// Something wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    /// RFC 6901 pointer into the scenario, such as `/alert/zh/sms`.
    pub pointer: String,
    /// One of [`CODES`].
    pub code: &'static str,
    pub severity: Gravity,
    /// What the sentence about it needs: numbers and strings by name.
    pub figures: BTreeMap<&'static str, Value>,
    /// The sentence in English.
    pub detail: String,
}

impl Remark {
    pub fn is_refusal(&self) -> bool {
        self.severity == Gravity::Refused
    }

    pub(super) fn figure(&mut self, name: &'static str, value: impl Into<Value>) -> &mut Self {
        self.figures.insert(name, value.into());
        self
    }

    pub(super) fn bounds(&mut self, [least, most]: [u32; 2]) -> &mut Self {
        self.figure("least", least).figure("most", most)
    }

    pub fn into_fault(self) -> Fault {
        Fault::new(self.pointer, self.code, self.detail)
    }
}

/// Every code of a remark.
pub const CODES: [&str; 26] = [
    "card_long",
    "choice_long",
    "code_shape",
    "correction_not_said",
    "escalation_bounds",
    "escalation_without_roll_call",
    "expiry_bounds",
    "government_warning",
    "headline_long",
    "left_blank",
    "mentions_warning",
    "no_channels",
    "not_a_drill",
    "only_placeholders",
    "outside_addresses",
    "placeholder_missing",
    "review_overdue",
    "same_in_both_languages",
    "sms_segments",
    "template_syntax",
    "text_missing",
    "title_cut",
    "too_many_placeholders",
    "unknown_placeholder",
    "unused_placeholder",
    "wrong_language",
];
