//! The line that every page bears while a broadcast is open.

use super::{BROADCASTS, Place, href};
use crate::console::timeline::actor;
use crate::console::view::View;
use crate::domain::emergency::{Overridden, Run, State};
use crate::domain::id::OperatorId;
use crate::service::broadcasts::OpenBroadcast;

/// The gravest of what is open, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLine {
    pub href: String,
    /// Of the style sheet.
    pub class: &'static str,
    pub icon: &'static str,
    /// Such as `LIVE`.
    pub mark: String,
    pub text: String,
    /// How many more are open.
    pub more: u64,
}

impl OpenLine {
    /// `None` where nothing is open.
    pub fn of(view: &View, open: &[OpenBroadcast]) -> Option<Self> {
        let mut all: Vec<_> = open.iter().filter(|one| one.state.is_open()).collect();
        all.sort_by_key(|one| rank(one));
        let first = *all.first()?;
        let more = all.len() as u64 - 1;
        let place = Place(first.run);
        let waits = first.state != State::Live;
        let mark = if waits { "line-waits" } else { "line" };
        Some(Self {
            href: if more == 0 { href(first.id) } else { BROADCASTS.to_owned() },
            class: place.class(),
            icon: place.icon(),
            mark: view.t(&place.key(mark)),
            text: sentence(view, first),
            more,
        })
    }

    /// Where all of them are listed.
    pub const fn all(&self) -> &'static str {
        BROADCASTS
    }
}

/// What is real before what is practised, what is being sent before what waits, the gravest first.
fn rank(open: &OpenBroadcast) -> (u8, bool, crate::domain::emergency::Level) {
    let run = match open.run {
        Run::Live => 0,
        Run::Exercise => 1,
        Run::Drill => 2,
    };
    (run, open.state != State::Live, open.level)
}

/// `Fire · Library, since 14:32, by Zhou Min`.
pub fn sentence(view: &View, open: &OpenBroadcast) -> String {
    let since = view.clock_time(open.since);
    let who = format!("{} {}", since, by(view, &open.pressed_by));
    view.t2("line-text", "name", view.spoken(&open.name), "since", who)
}

/// Who pressed, without the address.
pub fn by(view: &View, pressed_by: &str) -> String {
    let who = actor(view, pressed_by);
    let name = who.split_once(" <").map_or(who.as_str(), |(name, _)| name).to_owned();
    view.t1("line-by", "name", name)
}

/// Broadcasts that wait for this operator's word, and those that nobody looked at afterwards.
pub fn waits_for(open: &[OpenBroadcast], me: OperatorId) -> (u64, u64) {
    let theirs = |one: &&OpenBroadcast| one.operator != Some(me);
    let waits = open.iter().filter(theirs).filter(|one| one.state == State::PendingApproval).count();
    let unseen = open.iter().filter(theirs).filter(|one| one.overridden == Overridden::Unseen).count();
    (waits as u64, unseen as u64)
}
