//! How states, channels and categories look: always a mark with a word, so that nothing hangs on colour.

use super::page::Theme;
use super::view::{Given, Markup, View, escape, icon};
use crate::domain::alarm::AlarmKind;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::delivery::State;
use crate::domain::filter::Asks;
use crate::domain::group::GroupKind;
use crate::domain::message::{Category, Lane, Status};
use crate::domain::operator::Role;
use crate::domain::registration::RegistrationState;
use crate::domain::source::Right;
use crate::domain::suppression::Cause;
use crate::service::imports::Stage;

/// How much attention a mark asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Quiet,
    Active,
    Good,
    /// Somebody should look.
    Amber,
    /// Red: emergencies and nothing else.
    Emergency,
}

impl Tone {
    pub const fn class(self) -> &'static str {
        match self {
            Self::Quiet => "badge-quiet",
            Self::Active => "badge-active",
            Self::Good => "badge-good",
            Self::Amber => "badge-amber",
            Self::Emergency => "badge-emergency",
        }
    }
}

const fn state_mark(state: State) -> (&'static str, Tone) {
    match state {
        State::Pending => ("clock", Tone::Quiet),
        State::Sending => ("send", Tone::Active),
        State::Sent => ("check", Tone::Good),
        State::Delivered => ("check-double", Tone::Good),
        State::Failed => ("failed", Tone::Amber),
        State::Expired => ("hourglass", Tone::Quiet),
        State::Cancelled => ("ban", Tone::Quiet),
        State::Suppressed => ("skipped", Tone::Quiet),
        State::Unknown => ("question", Tone::Amber),
    }
}

const fn status_mark(status: Status) -> (&'static str, Tone) {
    match status {
        Status::Scheduled => ("calendar", Tone::Quiet),
        Status::Accepted => ("inbox", Tone::Active),
        Status::Routing => ("route", Tone::Active),
        Status::Sending => ("send", Tone::Active),
        Status::Completed => ("check", Tone::Good),
        Status::Held => ("pause", Tone::Amber),
        Status::Unrouted => ("lost", Tone::Amber),
        Status::Cancelled => ("ban", Tone::Quiet),
        Status::Expired => ("hourglass", Tone::Quiet),
    }
}

fn badge(icon_name: &str, tone: Tone, boxed: bool, text: &str) -> Markup {
    let boxed = if boxed { " badge-boxed" } else { "" };
    Markup(format!(
        "<span class=\"badge {}{boxed}\">{}{}</span>",
        tone.class(),
        icon(icon_name),
        escape(text)
    ))
}

impl View {
    pub fn state(&self, state: impl Given<State>) -> Markup {
        let state = state.given();
        let (mark, tone) = state_mark(state);
        badge(mark, tone, false, &self.state_text(state))
    }

    pub fn state_text(&self, state: impl Given<State>) -> String {
        self.t(&format!("state-{}", state.given()))
    }

    /// Why a delivery is in its state, in words; an unknown reason code is shown as it is, and so is a carrier's beside them.
    pub fn reason(&self, reason: &str) -> String {
        let key = format!("reason-{reason}");
        match self.t(&key) {
            text if text == key => match reason {
                "EXPIRED" => self.t1("receipt-expired", "code", reason),
                "UNDELIV" => self.t1("receipt-undeliv", "code", reason),
                "REJECTD" => self.t1("receipt-rejectd", "code", reason),
                "DELETED" => self.t1("receipt-deleted", "code", reason),
                _ => reason.to_owned(),
            },
            text => text,
        }
    }

    pub fn status(&self, status: impl Given<Status>) -> Markup {
        let status = status.given();
        let (mark, tone) = status_mark(status);
        badge(mark, tone, true, &self.status_text(status))
    }

    pub fn status_text(&self, status: impl Given<Status>) -> String {
        self.t(&format!("status-{}", status.given()))
    }

    pub fn channel(&self, channel: impl Given<ChannelKind>) -> Markup {
        let channel = channel.given();
        badge(channel.name(), Tone::Quiet, false, &self.channel_text(channel))
    }

    pub fn channel_text(&self, channel: impl Given<ChannelKind>) -> String {
        self.t(&format!("channel-{}", channel.given()))
    }

    pub fn category(&self, category: impl Given<Category>) -> Markup {
        let category = category.given();
        let tone = if category == Category::Emergency { Tone::Emergency } else { Tone::Quiet };
        badge(category.name(), tone, false, &self.category_text(category))
    }

    /// What an import waits for.
    pub fn import_stage(&self, stage: impl Given<Stage>) -> Markup {
        let stage = stage.given();
        let (icon, tone) = match stage {
            Stage::Done => ("check", Tone::Good),
            Stage::Failed | Stage::BrokenOff => ("warning", Tone::Amber),
            Stage::Trying | Stage::Running => ("hourglass", Tone::Active),
            Stage::Sheet | Stage::Columns | Stage::Tried => ("pen", Tone::Quiet),
        };
        self.mark(icon, tone, self.t(&format!("import-stage-{}", stage.name())))
    }

    /// What a row of a filter asks.
    pub fn asks_text(&self, asks: impl Given<Asks>) -> String {
        self.t(&format!("filter-asks-{}", asks.given().name()))
    }

    pub fn category_text(&self, category: impl Given<Category>) -> String {
        self.t(&format!("category-{}", category.given()))
    }

    pub fn priority_text(&self, lane: impl Given<Lane>) -> String {
        self.t(&format!("priority-{}", lane.given()))
    }

    pub fn alarm_text(&self, kind: impl Given<AlarmKind>) -> &'static str {
        kind.given().say(self.language)
    }

    pub fn right_text(&self, right: impl Given<Right>) -> String {
        self.t(&format!("right-{}", right.given()))
    }

    /// What granting the right means.
    pub fn right_hint(&self, right: impl Given<Right>) -> String {
        self.t(&format!("right-{}-hint", right.given()))
    }

    pub fn theme_text(&self, theme: impl Given<Theme>) -> String {
        self.t(&format!("theme-{}", theme.given().name()))
    }

    /// A built-in role's name; one that was made keeps its own.
    pub fn role_name(&self, role: &str) -> String {
        match role.parse::<Role>() {
            Ok(role) => self.t(&format!("role-{role}")),
            Err(_) => role.to_owned(),
        }
    }

    pub fn role_names(&self, roles: &[String]) -> String {
        let names: Vec<_> = roles.iter().map(|role| self.role_name(role)).collect();
        names.join(" · ")
    }

    pub fn address_text(&self, kind: impl Given<AddressKind>) -> String {
        self.t(&format!("address-{}", kind.given().name()))
    }

    /// Of [`ACTS`](super::audit::ACTS).
    pub fn acted_on(&self, of: &str) -> String {
        self.t(&format!("acted-on-{of}"))
    }

    pub fn group_kind(&self, kind: impl Given<GroupKind>) -> Markup {
        let kind = kind.given();
        let mark = match kind {
            GroupKind::Static => "people",
            GroupKind::Dynamic => "search",
        };
        badge(mark, Tone::Quiet, false, &self.t(&format!("group-{}", kind.name())))
    }

    /// Why an address is left alone.
    pub fn cause(&self, cause: impl Given<Cause>) -> Markup {
        let cause = cause.given();
        let mark = match cause {
            Cause::Bounced => "failed",
            Cause::Asked => "person",
            Cause::Wrong => "question",
        };
        badge(mark, Tone::Quiet, false, &self.cause_text(cause))
    }

    pub fn cause_text(&self, cause: impl Given<Cause>) -> String {
        self.t(&format!("cause-{}", cause.given()))
    }

    /// When an operator says so.
    pub fn cause_hint(&self, cause: impl Given<Cause>) -> String {
        self.t(&format!("cause-{}-hint", cause.given()))
    }

    /// What became of a registration.
    pub fn registration_state(&self, state: impl Given<RegistrationState>) -> Markup {
        let state = state.given();
        let (mark, tone) = match state {
            RegistrationState::Pending => ("hourglass", Tone::Amber),
            RegistrationState::Approved => ("check", Tone::Good),
            RegistrationState::Rejected => ("ban", Tone::Quiet),
            RegistrationState::Expired => ("clock", Tone::Quiet),
        };
        badge(mark, tone, false, &self.t(&format!("registration-{state}")))
    }

    /// A mark with words of the caller's.
    pub fn mark(&self, icon_name: &str, tone: Tone, text: impl AsRef<str>) -> Markup {
        badge(icon_name, tone, false, text.as_ref())
    }
}
