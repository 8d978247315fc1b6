//! Emergencies in the console: what can be sent, the press, and everything that is done about a broadcast.
//!
//! What is live, a drill and an announced exercise are three places with addresses, colours and words of their own, and no
//! form of one starts another. The place is in the address and once more in each form.

pub mod acts;
pub mod broadcast;
pub mod buttons;
pub mod changes;
pub mod home;
pub mod line;
pub mod list;
pub mod notice;
pub mod offers;
pub mod press;
pub mod report;
pub mod roll;
pub mod roll_acts;
pub mod scenarios;
pub mod told;

use super::access::Signed;
use super::label::Tone;
use super::view::{Given, Markup, View, escape, icon};
use crate::Result;
use crate::config::Language;
use crate::domain::emergency::{self, Level, Run, Spoken, State};
use crate::domain::id::BroadcastId;
use crate::domain::operator::Permission;
use crate::service::broadcasts;

pub const HOME: &str = "/console/emergency";
pub const BROADCASTS: &str = "/console/emergency/broadcasts";

/// The page of a broadcast.
pub fn href(id: BroadcastId) -> String {
    format!("{BROADCASTS}/{id}")
}

/// Where one kind of run is at home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(pub Run);

impl Place {
    pub const fn home(self) -> &'static str {
        match self.0 {
            Run::Live => HOME,
            Run::Drill => "/console/emergency/drill",
            Run::Exercise => "/console/emergency/exercise",
        }
    }

    pub fn press(self, slug: &str) -> String {
        format!("{}/press/{slug}", self.home())
    }

    /// Where words of one's own are written; an announced exercise has none.
    pub const fn notice(self) -> Option<&'static str> {
        match self.0 {
            Run::Live => Some("/console/emergency/notice"),
            Run::Drill => Some("/console/emergency/drill/notice"),
            Run::Exercise => None,
        }
    }

    /// Of the style sheet.
    pub const fn class(self) -> &'static str {
        match self.0 {
            Run::Live => "run-live",
            Run::Drill => "run-drill",
            Run::Exercise => "run-exercise",
        }
    }

    /// Of its banner.
    pub const fn icon(self) -> &'static str {
        match self.0 {
            Run::Live => "emergency",
            Run::Drill => "flask",
            Run::Exercise => "people",
        }
    }

    /// The key of a text that each place has in its own words.
    pub fn key(self, name: &str) -> String {
        format!("{name}-{}", self.0)
    }

    /// Where somebody comes in; who only practises does at drills, and who sees no broadcasts nowhere.
    pub fn entrance(signed: &Signed) -> Option<Self> {
        let sees = |run: &Run| broadcasts::may_see(&signed.caller, *run).is_ok();
        [Run::Live, Run::Drill].into_iter().find(sees).map(Self)
    }

    /// Whether somebody may press here.
    fn may_press(self, signed: &Signed) -> bool {
        signed.may(broadcasts::pressed_with(self.0))
    }

    fn admit(self, signed: &Signed) -> Result<()> {
        broadcasts::may_see(&signed.caller, self.0)?;
        match self.0 {
            Run::Live | Run::Drill => Ok(()),
            Run::Exercise => signed.caller.require(Permission::EmergencyExercise),
        }
    }
}

/// A person's language, as scenarios name it.
pub const fn tongue(view: &View) -> emergency::Language {
    match view.language {
        Language::SimplifiedChinese => emergency::Language::Chinese,
        Language::English => emergency::Language::English,
    }
}

const fn state_mark(state: State) -> (&'static str, Tone) {
    match state {
        State::Draft => ("pen", Tone::Quiet),
        State::PendingApproval => ("hourglass", Tone::Amber),
        State::Returned => ("repeat", Tone::Amber),
        State::Live => ("send", Tone::Active),
        State::Completed => ("check", Tone::Good),
        State::Stopped => ("ban", Tone::Quiet),
        State::Rejected => ("cross", Tone::Quiet),
    }
}

impl View {
    /// What is said in both languages, in this person's.
    pub fn spoken(&self, spoken: &Spoken) -> String {
        spoken.of(tongue(self)).to_owned()
    }

    /// How bad it is: a colour with its word.
    pub fn level(&self, level: impl Given<Level>) -> Markup {
        let level = level.given();
        let text = self.t(&format!("level-{level}"));
        Markup(format!("<span class=\"level level-{level}\">{}</span>", escape(&text)))
    }

    /// Whether it is so.
    pub fn run(&self, run: impl Given<Run>) -> Markup {
        let place = Place(run.given());
        let text = self.t(&place.key("run"));
        Markup(format!(
            "<span class=\"run-mark {}\">{}{}</span>",
            place.class(),
            icon(place.icon()),
            escape(&text)
        ))
    }

    pub fn broadcast_state(&self, state: impl Given<State>) -> Markup {
        let state = state.given();
        let (mark, tone) = state_mark(state);
        self.mark(mark, tone, self.broadcast_state_text(state))
    }

    pub fn broadcast_state_text(&self, state: impl Given<State>) -> String {
        self.t(&format!("broadcast-state-{}", state.given()))
    }
}
