//! One worker per outlet: takes what is due, hands it to a provider, stores what came of it.
//!
//! A turn stores the outcomes that have come in, with what they told of providers, and claims as many new deliveries as
//! may be in flight, in one transaction. A delivery counts as in flight from its claim until the commit of its outcome, so what a crash can
//! repeat is bounded by [`InFlight`], and no row is locked while a provider thinks. Turns run beside the worker, so
//! that it goes on handing over what it has; several at once where the store has more than one writer.

mod handing;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::{JoinError, JoinSet};

use self::handing::Done;
use super::choice::{Choice, Providers, Room};
use super::in_flight::{Hold, InFlight};
use super::letter::Letters;
use super::polling::Polling;
use super::settle::{self, Made};
use super::telling;
use crate::channel::Shape;
use crate::clock::Timestamp;
use crate::domain::channel::Outlet;
use crate::domain::delivery::OutcomeClass;
use crate::domain::id::{DeliveryId, MessageId, ProviderId};
use crate::domain::policy::Unanswered;
use crate::service::deliveries::{self, Brought, Settlement, Turn, Wanted};
use crate::service::providers::{LiveProvider, Told};
use crate::service::{Services, policies};
use crate::{Error, Result};

/// A finished turn of the store.
struct Stored {
    settlements: Vec<Settlement>,
    /// Messages it was to complete.
    closed: Vec<MessageId>,
    told: Vec<Told>,
    chosen: Option<Chosen>,
    /// Of [`Worker::wakes`], when it began.
    wakes: u64,
    result: Result<Turn>,
}

/// Whom deliveries are claimed for.
struct Chosen {
    provider: Arc<LiveProvider>,
    /// At most how many.
    granted: usize,
    /// Of these, those that need not be emergencies.
    routine: usize,
    /// They are handed over one by one, and count against what may be in flight.
    one_by_one: bool,
}

enum Landed {
    Done(Result<Done, JoinError>),
    Stored(Result<Stored, JoinError>),
}

/// What a step came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Deliveries that were claimed or settled.
    pub moved: usize,
    /// Nothing could be taken although something may be due, because nothing may be handed over before this.
    pub blocked_until: Option<Timestamp>,
}

pub struct Worker {
    s: Services,
    outlet: Outlet,
    owner: i64,
    providers: Providers,
    polling: Polling,
    letters: Letters,
    hold: Hold,
    calls: JoinSet<Done>,
    turns: JoinSet<Stored>,
    /// What [`wait`](Self::wait) came upon and nobody has looked at yet.
    landed: Vec<Landed>,
    /// Claimed and not settled, and whether they are handed over one by one.
    in_hand: HashMap<DeliveryId, bool>,
    /// To be handed over one by one, asked of the store and not claimed yet.
    asked: usize,
    renewed: Option<Timestamp>,
    /// Outcomes not stored yet.
    finished: Vec<Settlement>,
    /// Messages that may have nothing open any more.
    closed: Vec<MessageId>,
    /// What administrators are to be told of providers, not stored yet.
    told: Vec<Told>,
    /// A turn stores what was told before: one at a time, so that histories are in order.
    telling: bool,
    /// A turn that was to claim failed: whether it did is not known.
    astray: bool,
    /// There may be something due.
    hungry: bool,
    /// How often it was told so: a look that began before the last time proves nothing.
    wakes: u64,
    /// Of [`wakes`](Self::wakes), the last that the store was looked into for, with what was found there claimed.
    served: u64,
    stopping: bool,
}

/// Leases are renewed this often: well within their thirty seconds.
const RENEW: Duration = Duration::from_secs(8);
/// Turns at once in a store with many writers. Each is some round trips and a synced write, most of it waiting.
const TURNS: usize = 3;

impl Worker {
    pub fn new(s: Services, outlet: Outlet, owner: i64, in_flight: &InFlight) -> Self {
        Self {
            outlet,
            owner,
            providers: Providers::new(&s, outlet),
            polling: Polling::new(s.clone(), outlet),
            letters: Letters::default(),
            hold: in_flight.hold(),
            calls: JoinSet::new(),
            turns: JoinSet::new(),
            landed: Vec::new(),
            in_hand: HashMap::new(),
            asked: 0,
            renewed: None,
            finished: Vec::new(),
            closed: Vec::new(),
            told: Vec::new(),
            telling: false,
            astray: false,
            hungry: false,
            wakes: 0,
            served: 0,
            stopping: false,
            s,
        }
    }

    pub fn outlet(&self) -> Outlet {
        self.outlet
    }

    /// There may be something due.
    pub fn wake(&mut self) {
        self.hungry = true;
        self.wakes += 1;
        self.providers.look_again();
    }

    pub fn is_hungry(&self) -> bool {
        self.hungry
    }

    /// A turn that began after the last [`wake`](Self::wake) has committed, or there was nobody to claim for: what it was
    /// woken for is in the store's hands.
    pub fn is_served(&self) -> bool {
        self.served == self.wakes
    }

    /// Calls or turns are under way, or their results not dealt with.
    pub fn is_busy(&self) -> bool {
        self.is_waiting() || !self.landed.is_empty() || self.has_to_store()
    }

    fn has_to_store(&self) -> bool {
        !self.finished.is_empty() || !self.closed.is_empty() || !self.told.is_empty()
    }

    fn is_waiting(&self) -> bool {
        !self.calls.is_empty() || !self.turns.is_empty()
    }

    /// Waits for a call or a turn to end. Cancel-safe; never returns while none is under way.
    pub async fn wait(&mut self) {
        let landed = tokio::select! {
            Some(done) = self.calls.join_next() => Landed::Done(done),
            Some(stored) = self.turns.join_next() => Landed::Stored(stored),
            else => std::future::pending().await,
        };
        self.landed.push(landed);
    }

    /// Waits until the store has answered every turn that is under way; what it said is dealt with by the next step.
    pub async fn answered(&mut self) {
        while let Some(stored) = self.turns.join_next().await {
            self.landed.push(Landed::Stored(stored));
        }
    }

    /// Deals with what has come in, and starts storing outcomes and, if hungry, taking what is due.
    pub async fn step(&mut self) -> Result<Step> {
        let mut step = Step::default();
        let mut failure = None;
        let mut stored: Vec<_> = Vec::new();
        for landed in std::mem::take(&mut self.landed) {
            match landed {
                Landed::Done(done) => self.note(done).await,
                Landed::Stored(turn) => stored.push(turn),
            }
        }
        while let Some(done) = self.calls.try_join_next() {
            self.note(done).await;
        }
        // Only now: what calls say of a provider's health decides whether it gets what was claimed for it.
        while let Some(turn) = stored.pop().or_else(|| self.turns.try_join_next()) {
            match self.took(turn).await {
                Ok(moved) => step.moved += moved,
                Err(error) => failure = Some(error),
            }
        }
        self.hear();
        match failure {
            Some(error) => Err(error),
            None => self.start_turn(step).await,
        }
    }

    /// Takes what there is to tell of providers to what is to be stored.
    fn hear(&mut self) {
        let now = self.s.clock.now();
        let news = self.providers.news();
        self.told.extend(news.into_iter().map(|(provider, news)| telling::tell(provider, news, now)));
    }

    async fn start_turn(&mut self, mut step: Step) -> Result<Step> {
        let most = if deliveries::others_may_dispatch(&self.s) { TURNS } else { 1 };
        // Outcomes wait with what they told.
        if self.turns.len() >= most || self.telling && !self.told.is_empty() {
            return Ok(step);
        }
        if self.astray {
            // Nothing is being claimed: what is ours and not in hand was claimed by a turn that never heard of it.
            if !self.turns.is_empty() {
                return Ok(step);
            }
            let in_hand: Vec<DeliveryId> = self.in_hand.keys().copied().collect();
            step.moved += deliveries::take_back(&self.s, self.owner, self.outlet, &in_hand).await?;
            self.astray = false;
        }
        let mut chosen = None;
        if self.hungry {
            let Choice { provider, blocked_until } = self.providers.choose(&self.s).await?;
            chosen = provider.map(|(provider, Room { calls, line, routine })| {
                let (one_by_one, granted) = match provider.adapter.shape() {
                    // Nobody waits for the sandbox: all of it is in line behind outlets that are short of room.
                    Shape::Single { concurrency } if self.outlet == Outlet::Sandbox => {
                        (true, self.hold.grow(concurrency, 0, calls + line))
                    }
                    Shape::Single { concurrency } => (true, self.hold.grow(concurrency, calls, line)),
                    _ => (false, calls),
                };
                Chosen { provider, granted, routine: routine.min(granted), one_by_one }
            });
            chosen.take_if(|chosen| chosen.granted == 0);
            step.blocked_until = blocked_until.filter(|_| chosen.is_none());
            if chosen.is_none() && blocked_until.is_none() && !self.is_busy() {
                // Nobody serves this outlet; the sweeper asks again.
                self.hungry = false;
                self.served = self.wakes;
            }
            self.hear();
        }
        if !self.has_to_store() && chosen.is_none() {
            return Ok(step);
        }
        let wanted = chosen.as_ref().map(|chosen| {
            self.providers.reserve(chosen.provider.id, chosen.granted);
            self.asked += if chosen.one_by_one { chosen.granted } else { 0 };
            Wanted { outlet: self.outlet, most: chosen.granted, routine: chosen.routine }
        });
        let (s, owner, wakes) = (self.s.clone(), self.owner, self.wakes);
        let settlements = std::mem::take(&mut self.finished);
        let closed = std::mem::take(&mut self.closed);
        let told = if self.telling { Vec::new() } else { std::mem::take(&mut self.told) };
        self.telling |= !told.is_empty();
        self.turns.spawn(async move {
            let brought = Brought { settlements: &settlements, closed: &closed, told: &told };
            let turn = deliveries::turn(&s, owner, brought, wanted);
            let result = AssertUnwindSafe(turn).catch_unwind().await;
            let result = result.unwrap_or_else(|_| Err(Error::internal("a turn of the store panicked")));
            Stored { settlements, closed, told, chosen, wakes, result }
        });
        Ok(step)
    }

    /// Deals with a finished turn; returns how many deliveries it moved.
    async fn took(&mut self, stored: Result<Stored, JoinError>) -> Result<usize> {
        // Turns are neither aborted nor able to panic.
        let Ok(Stored { settlements, closed, told, chosen, wakes, result }) = stored else { return Ok(0) };
        let granted = chosen.as_ref().map_or(0, |chosen| chosen.granted);
        let one_by_one = chosen.as_ref().is_some_and(|chosen| chosen.one_by_one);
        self.asked -= if one_by_one { granted } else { 0 };
        self.telling &= told.is_empty();
        let outcome = match result {
            Ok(Turn { claimed, closed }) => {
                self.closed.extend(closed);
                if chosen.is_some() {
                    self.served = self.served.max(wakes);
                }
                let moved = settlements.len() + claimed.len();
                if granted > 0 && claimed.is_empty() && wakes == self.wakes {
                    if chosen.as_ref().is_some_and(|chosen| chosen.routine == 0) {
                        self.providers.nothing_urgent();
                    } else {
                        self.hungry = false;
                    }
                }
                for settled in &settlements {
                    self.in_hand.remove(&DeliveryId(settled.id));
                    if let Some(provider) = settled.provider_id.filter(|_| settled.metered) {
                        self.providers.stored(ProviderId(provider), 1);
                    }
                }
                self.in_hand.extend(claimed.iter().map(|c| (c.id, one_by_one)));
                self.s.metrics.settled(self.outlet, settlements.iter().map(|s| (s.channel, s.state)));
                match chosen {
                    Some(Chosen { provider, .. }) => {
                        let ready = self.ready(claimed).await;
                        let (ready, failure) = match ready {
                            Ok(ready) => (ready, None),
                            Err(error) => (Vec::new(), Some(error)),
                        };
                        let handed_over = self.hand_over(&provider, ready);
                        self.providers.give_up(provider.id, granted.saturating_sub(handed_over));
                        failure.map_or(Ok(moved), Err)
                    }
                    None => Ok(moved),
                }
            }
            Err(error) => {
                // Outcomes stay in hand and are stored when the store is back.
                self.finished.extend(settlements);
                self.closed.extend(closed);
                let since = std::mem::replace(&mut self.told, told);
                self.told.extend(since);
                if let Some(chosen) = chosen {
                    self.providers.give_up(chosen.provider.id, granted);
                    self.astray = true;
                }
                Err(error)
            }
        };
        let one_by_one = self.in_hand.values().filter(|one_by_one| **one_by_one).count();
        self.hold.shrink_to(one_by_one + self.asked);
        self.s.metrics.in_flight(self.outlet, self.in_hand.len());
        outcome
    }

    /// Takes note of a finished call: its outcomes wait to be stored, its provider's health is judged.
    async fn note(&mut self, done: Result<Done, JoinError>) {
        // Calls are neither aborted nor able to panic past `hand_over`.
        let Ok(done) = done else { return };
        let outcomes = done.results.iter().map(|(claimed, outcome)| (claimed.id, outcome.as_ref()));
        self.providers.note(done.provider, done.settings_of, done.took, outcomes);
        let mut outcomes = done.results.iter().filter_map(|(_, outcome)| outcome.as_ref());
        let no_answer = outcomes.any(|outcome| outcome.class == OutcomeClass::Unknown);
        let now = self.s.clock.now();
        // The same for all of a call, so that those who shared it share the next one.
        let made = Made {
            provider: done.provider,
            metered: done.metered,
            started_at: done.started_at,
            ended_at: now,
            jitter: rand::random_range(0.0..1.0),
            unanswered: if no_answer { policies::unanswered(&self.s).await } else { Unanswered::default() },
        };
        for ((claimed, outcome), segments) in done.results.into_iter().zip(done.segments) {
            self.finished.push(match outcome {
                Some(outcome) => Settlement { segments, ..settle::attempted(&claimed, outcome, made) },
                None => settle::given_back(&claimed, now),
            });
        }
    }

    /// Keeps what is in hand from being taken for lost while a slow provider thinks.
    pub async fn renew_due(&mut self) -> Result<()> {
        let now = self.s.clock.now();
        let soon = self.renewed.is_some_and(|at| now >= at && now.since(at) < RENEW);
        if soon || self.in_hand.is_empty() || !deliveries::others_may_dispatch(&self.s) {
            return Ok(());
        }
        self.renewed = Some(now);
        let in_hand: Vec<DeliveryId> = self.in_hand.keys().copied().collect();
        deliveries::renew(&self.s, self.owner, &in_hand).await
    }

    /// Begins to ask for receipts if it is time to look again.
    pub fn poll_due(&mut self) {
        self.polling.poll_due(self.providers.live());
    }

    /// Asks providers what became of deliveries they took; returns how many were asked about.
    pub async fn poll(&self) -> Result<usize> {
        self.polling.poll(&self.providers.live()).await
    }

    /// Takes nothing more; what waits in line for a provider is given back.
    pub fn stop(&mut self) {
        self.hungry = false;
        self.stopping = true;
        self.polling.stop();
        self.providers.shut();
    }

    /// Closes the providers' idle connections.
    pub async fn close(&self) {
        self.providers.close().await;
    }
}
