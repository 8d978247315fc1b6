//! What may be done with a broadcast: while it waits, while it is sent, and afterwards.

use askama::Template;

use crate::console::emergency::offers::{Alone, Offers};
use crate::console::emergency::told::{PeopleFragment, TextsFragment};
use crate::console::emergency::{Place, href};
use crate::console::form::FieldFaults;
use crate::console::view::View;
use crate::domain::emergency::State;
use crate::domain::id::BroadcastId;

/// How long whoever began it waits for a second person.
#[derive(Debug, Template)]
#[template(path = "console/emergency/wait.html")]
pub struct WaitFragment {
    pub view: View,
    pub id: BroadcastId,
    pub alone: Option<Alone>,
}

impl WaitFragment {
    fn at(&self) -> String {
        href(self.id)
    }
}

/// What may be done while it waits, and that it may be stopped.
#[derive(Debug, Template)]
#[template(path = "console/emergency/doing.html")]
pub struct DoingFragment {
    pub view: View,
    pub id: BroadcastId,
    pub place: Place,
    pub state: State,
    pub name: String,
    pub version: i64,
    /// What is typed to go on alone.
    pub code: String,
    pub offers: Offers,
    /// The alert.
    pub said: TextsFragment,
    /// Whom it would reach; before it is sent.
    pub people: Option<PeopleFragment>,
    /// It was stopped, and nobody said to those who have it what is so.
    pub untold: bool,
    /// People are asked whether they are safe.
    pub has_roll: bool,
    /// There is something to report.
    pub has_report: bool,
    /// What was typed into the form of an act.
    pub typed: Typed,
}

impl DoingFragment {
    fn reason(&self, act: &str) -> &str {
        self.typed.reason(act)
    }

    fn fault(&self, act: &str, field: &str) -> Option<&String> {
        self.typed.fault(act, field)
    }

    fn why_form(&self, act: &'static str) -> WhyFragment {
        WhyFragment::new(&self.view, self.id, act, &self.typed)
    }

    fn at(&self) -> String {
        href(self.id)
    }

    fn waits(&self) -> bool {
        matches!(self.state, State::Draft | State::PendingApproval | State::Returned)
    }
}

/// What it said, and what can be said to those who read it.
#[derive(Debug, Template)]
#[template(path = "console/emergency/after.html")]
pub struct AfterFragment {
    pub view: View,
    pub id: BroadcastId,
    pub place: Place,
    /// What is typed to send it.
    pub code: String,
    pub offers: Offers,
    /// The alert; `None` before it went out.
    pub said: Option<TextsFragment>,
    pub correction: Option<TextsFragment>,
    pub all_clear: Option<TextsFragment>,
    /// What was typed into the form of an act.
    pub typed: Typed,
}

impl AfterFragment {
    fn at(&self) -> String {
        href(self.id)
    }

    fn fault(&self, act: &str) -> Option<&String> {
        self.typed.fault(act, "code")
    }

    /// Whoever looked through it says so.
    fn review_form(&self) -> WhyFragment {
        WhyFragment::new(&self.view, self.id, "review", &self.typed)
    }
}

/// A reason that was refused, and why.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    pub act: &'static str,
    pub reason: String,
    pub faults: FieldFaults,
}

impl Typed {
    fn fault(&self, act: &str, field: &str) -> Option<&String> {
        self.faults.of(field).filter(|_| self.act == act)
    }

    fn reason(&self, act: &str) -> &str {
        if self.act == act { &self.reason } else { "" }
    }
}

/// An act that is explained, folded away until it is wanted.
#[derive(Debug, Template)]
#[template(path = "console/emergency/why.html")]
pub struct WhyFragment {
    pub view: View,
    pub act: &'static str,
    pub action: String,
    pub reason: String,
    pub fault: Option<String>,
    pub typed: bool,
}

impl WhyFragment {
    /// A form that asks why: of `return`, `reject`, `withdraw` and `review`.
    fn new(view: &View, id: BroadcastId, act: &'static str, typed: &Typed) -> Self {
        Self {
            view: view.clone(),
            act,
            action: format!("{}/{act}", href(id)),
            reason: typed.reason(act).to_owned(),
            fault: typed.fault(act, "reason").cloned(),
            typed: typed.act == act,
        }
    }
}
