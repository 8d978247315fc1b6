//! A broadcast as it is looked up for its page, and what each part of the page says of it.

use super::doing::{AfterFragment, DoingFragment, Typed, WaitFragment};
use super::lines::{ActLine, ChannelLine, PartLine, ReasonLine};
use super::live::{LiveFragment, LogFragment};
use super::{Facts, HeadFragment};
use crate::Result;
use crate::console::access::Signed;
use crate::console::emergency::line::by;
use crate::console::emergency::offers::{Alone, Offers};
use crate::console::emergency::told::{Filled, PeopleFragment, TextsFragment};
use crate::console::emergency::{Place, href};
use crate::console::view::View;
use crate::domain::emergency::texts::time_of_day;
use crate::domain::emergency::{Overridden, Part, State};
use crate::domain::id::BroadcastId;
use crate::domain::operator::Permission;
use crate::service::Services;
use crate::service::broadcasts::{self, ActRow, BroadcastRow, Progress};

/// How often the figures renew themselves: while something is on its way or waits, and while receipts come in.
const UNDER_WAY: &str = "1s";

const AWAITING: &str = "5s";

/// So long after its end most receipts are in.
const RECEIPTS_TAKE: std::time::Duration = std::time::Duration::from_mins(15);

/// All that a page of a broadcast says.
pub(super) struct Whole {
    row: BroadcastRow,
    acts: Vec<ActRow>,
    progress: Progress,
    offers: Offers,
}

impl Whole {
    pub(super) async fn load(s: &Services, signed: &Signed, id: BroadcastId) -> Result<Self> {
        let row = broadcasts::look(s, &signed.caller, id).await?;
        let acts = broadcasts::acts(s, &signed.caller, id).await?;
        let progress = broadcasts::progress(s, &signed.caller, id).await?;
        let offers = Offers::new(signed, &row, &acts, &progress.parts, s.clock.now());
        Ok(Self { row, acts, progress, offers })
    }

    pub(super) fn head(&self, view: &View) -> HeadFragment {
        let row = &self.row;
        HeadFragment {
            id: row.id,
            place: Place(row.run),
            level: row.level,
            state: row.state,
            name: view.spoken(&row.plan.0.name()),
            facts: (!row.state.has_gone_out()).then(|| self.facts(view)),
            unseen: row.overridden == Overridden::Unseen,
            view: view.clone(),
        }
    }

    fn facts(&self, view: &View) -> Facts {
        let row = &self.row;
        Facts {
            by: by(view, &row.pressed_by),
            began: row.created_at,
            live_at: row.live_at,
            ended_at: row.ended_at,
            expires_at: row.expires_at,
            note: row.note.clone(),
            reason: row.reason.clone(),
            follows: row.follows.map(href),
        }
    }

    pub(super) fn wait(&self, view: &View) -> WaitFragment {
        WaitFragment { view: view.clone(), id: self.row.id, alone: self.offers.alone }
    }

    pub(super) async fn doing(
        &self,
        s: &Services,
        signed: &Signed,
        view: &View,
        typed: Typed,
    ) -> Result<DoingFragment> {
        let row = &self.row;
        let plan = &row.plan.0;
        let waits = row.state.is_open() && !row.state.has_gone_out();
        let foreseen =
            if waits { Some(broadcasts::foresee_waiting(s, &signed.caller, row.id).await?) } else { None };
        let said = match &foreseen {
            Some(foreseen) => TextsFragment::of_foreseen(view, foreseen),
            None => self.said(s, view),
        };
        Ok(DoingFragment {
            id: row.id,
            place: Place(row.run),
            state: row.state,
            name: view.spoken(&plan.name()),
            version: row.version,
            code: plan.scenario.code.clone(),
            offers: self.offers,
            said,
            people: foreseen.as_ref().map(|foreseen| PeopleFragment::new(view, foreseen)),
            untold: row.state == State::Stopped && row.follows.is_none() && !self.is_answered(),
            has_roll: plan.scenario.roll_call && row.follows.is_none() && row.state.has_gone_out(),
            has_report: row.state.has_gone_out(),
            typed,
            view: view.clone(),
        })
    }

    /// That it was false, or that it is over, was said.
    fn is_answered(&self) -> bool {
        self.progress.parts.iter().any(|sent| matches!(sent.part, Part::Correction | Part::AllClear))
    }

    /// The alert as it was sent, or would be now.
    fn said(&self, s: &Services, view: &View) -> TextsFragment {
        let (row, plan) = (&self.row, &self.row.plan.0);
        let time = time_of_day(&s.campus.zoned(row.live_at.unwrap_or_else(|| s.clock.now())));
        TextsFragment::filled(view, "said", &Filled::of_plan(plan, &plan.scenario.alert, &time, row.run))
    }

    pub(super) fn after(&self, s: &Services, view: &View, typed: Typed) -> AfterFragment {
        let (row, plan) = (&self.row, &self.row.plan.0);
        let now = time_of_day(&s.campus.zoned(s.clock.now()));
        let prepared = |offered: bool, id, texts| {
            offered.then(|| TextsFragment::filled(view, id, &Filled::of_plan(plan, texts, &now, row.run)))
        };
        AfterFragment {
            id: row.id,
            place: Place(row.run),
            code: plan.scenario.code.clone(),
            offers: self.offers,
            said: row.state.has_gone_out().then(|| self.said(s, view)),
            correction: prepared(self.offers.correct, "correction-said", &plan.scenario.correction),
            all_clear: prepared(self.offers.all_clear, "clear-said", &plan.scenario.all_clear),
            typed,
            view: view.clone(),
        }
    }

    pub(super) fn log(&self, s: &Services, view: &View) -> LogFragment {
        let row = &self.row;
        LogFragment {
            facts: row.state.has_gone_out().then(|| self.facts(view)),
            acts: self.acts.iter().map(|act| ActLine::new(view, s, row, act)).collect(),
            view: view.clone(),
        }
    }

    pub(super) fn live(&self, signed: &Signed, view: &View) -> LiveFragment {
        let (row, progress) = (&self.row, &self.progress);
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        LiveFragment {
            id: row.id,
            version: row.version,
            late: self.offers.alone.is_some_and(Alone::is_now),
            pace: self.pace(view),
            state: row.state,
            has_gone_out: row.state.has_gone_out(),
            is_planning: progress.is_planning,
            people: count(progress.people),
            reached: count(progress.reached),
            channels: progress.channels.iter().map(ChannelLine::from).collect(),
            reasons: ReasonLine::all(view, &progress.reasons),
            parts: progress.parts.iter().map(PartLine::from).collect(),
            sees_messages: signed.may(Permission::MessagesView),
            sees_providers: signed.may(Permission::ProvidersView),
            wait: None,
            changed: None,
            view: view.clone(),
        }
    }

    fn pace(&self, view: &View) -> Option<&'static str> {
        if self.row.state.is_open() {
            return Some(UNDER_WAY);
        }
        let lately = self.row.ended_at.is_some_and(|at| view.now < at.plus(RECEIPTS_TAKE));
        (lately && self.row.state.has_gone_out()).then_some(AWAITING)
    }
}
