//! What an ordered list of rules says of one message.

use super::condition::{Clause, Subject};
use super::{Action, AudienceMode, ChannelPlan, QuietHours, Rule};
use crate::domain::audience::Audience;
use crate::domain::message::Category;

/// How one rule came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'r> {
    Matched,
    /// A condition does not hold.
    Differs,
    /// It would have matched, were it not for its exception.
    Excepted,
    Disabled,
    /// The rule of this name stopped the search before it.
    NotReached(&'r str),
}

/// One rule put to the message.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked<'r> {
    pub rule: &'r Rule,
    pub outcome: Outcome<'r>,
    /// Of `when`.
    pub clauses: Vec<Clause>,
    /// Of `unless`; empty where there is none.
    pub exceptions: Vec<Clause>,
}

/// A setting, and the rule it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen<'r, T> {
    pub rule: &'r str,
    pub value: T,
}

/// What the matching rules say together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision<'r> {
    /// Every rule, in order.
    pub checked: Vec<Checked<'r>>,
    /// Whom the rules add.
    pub audiences: Vec<&'r Audience>,
    /// The sender's own audience does not count.
    pub replaced: bool,
    pub channels: Option<Chosen<'r, &'r ChannelPlan>>,
    pub template: Option<Chosen<'r, &'r str>>,
    pub hold: Option<Chosen<'r, &'r str>>,
    pub expires_in_minutes: Option<Chosen<'r, u32>>,
    pub quiet_hours: Option<Chosen<'r, QuietHours>>,
}

/// Puts the rules to a message in their order. Audiences accumulate; any other setting is the first matching rule's that
/// has it. An emergency is neither held nor kept waiting for the morning.
pub fn decide<'r>(rules: &'r [Rule], message: &Subject<'_>) -> Decision<'r> {
    let mut decision = Decision::default();
    let mut stopped = None;
    for rule in rules {
        let clauses = rule.when.check(message);
        let exceptions = rule.unless.as_ref().map(|unless| unless.check(message)).unwrap_or_default();
        let outcome = if !rule.enabled {
            Outcome::Disabled
        } else if let Some(by) = stopped {
            Outcome::NotReached(by)
        } else if !clauses.iter().all(Clause::holds) {
            Outcome::Differs
        } else if rule.unless.is_some() && exceptions.iter().all(Clause::holds) {
            Outcome::Excepted
        } else {
            decision.take(&rule.name, &rule.then);
            stopped = rule.stop.then_some(rule.name.as_str());
            Outcome::Matched
        };
        decision.checked.push(Checked { rule, outcome, clauses, exceptions });
    }
    if message.category == Category::Emergency {
        decision.hold = None;
        decision.quiet_hours = None;
    }
    decision
}

impl<'r> Decision<'r> {
    fn take(&mut self, rule: &'r str, action: &'r Action) {
        if let Some(audience) = &action.audience {
            if audience.mode == AudienceMode::Replace {
                self.replaced = true;
                self.audiences.clear();
            }
            self.audiences.push(&audience.people);
        }
        let by = |value| Chosen { rule, value };
        self.channels =
            self.channels.or_else(|| action.channels.as_ref().map(|value| Chosen { rule, value }));
        self.template = self.template.or_else(|| action.template.as_deref().map(by));
        self.hold = self.hold.or_else(|| action.hold.as_deref().map(by));
        self.expires_in_minutes =
            self.expires_in_minutes.or_else(|| action.expires_in_minutes.map(|value| Chosen { rule, value }));
        self.quiet_hours =
            self.quiet_hours.or_else(|| action.quiet_hours.map(|value| Chosen { rule, value }));
    }

    /// Those that matched.
    pub fn matched(&self) -> impl Iterator<Item = &Checked<'r>> {
        self.checked.iter().filter(|checked| checked.outcome == Outcome::Matched)
    }
}
