//! One worker per outlet: takes what is due, hands it to a provider, stores what came of it.
//!
//! A turn stores the outcomes that have come in and claims as many new deliveries as may be in flight, in one
//! transaction. A delivery counts as in flight from its claim until the commit of its outcome, so what a crash can
//! repeat is bounded by [`InFlight`], and no row is locked while a provider thinks.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinSet;

use super::breaker::{Allowance, Breaker, Change};
use super::gate::{CallTime, Gate};
use super::in_flight::{Hold, InFlight};
use super::letter::{Letters, Unfit};
use super::pace::Pace;
use super::settle::{self, Made};
use crate::Result;
use crate::channel::{self, Outcome, Parcel, Sent, Shape};
use crate::clock::{Clock, Timestamp};
use crate::domain::channel::Outlet;
use crate::domain::delivery::{OutcomeClass, State};
use crate::domain::id::{DeliveryId, ProviderId};
use crate::service::Services;
use crate::service::deliveries::{self, Claimed, Settlement, ToPoll, Verdict, Wanted};
use crate::service::providers::{self, Directory, LiveProvider};

/// What a provider's health and rate allow; outlives the adapter, which is rebuilt when settings change.
#[derive(Debug)]
struct Standing {
    breaker: Breaker,
    pace: Pace,
    gate: Gate,
    time: CallTime,
    /// Deliveries it has, or that wait in line for it.
    calls: usize,
    /// Settings in force when it was last judged; new ones start afresh.
    settings_of: Timestamp,
}

impl Standing {
    fn new(provider: &LiveProvider) -> Self {
        let width = match provider.adapter.shape() {
            Shape::Single { concurrency } => concurrency,
            Shape::Batch { .. } => 1,
        };
        Self {
            breaker: Breaker::default(),
            pace: Pace::new(provider.rate),
            gate: Gate::new(width),
            time: CallTime::default(),
            calls: 0,
            settings_of: provider.updated_at,
        }
    }

    /// How many more deliveries it may have at hand.
    fn room(&self, shape: Shape) -> usize {
        match shape {
            Shape::Single { concurrency } => {
                (concurrency + self.time.line(concurrency)).saturating_sub(self.calls)
            }
            Shape::Batch { size } if self.calls == 0 => size,
            Shape::Batch { .. } => 0,
        }
    }
}

/// A finished call.
struct Done {
    provider: Option<ProviderId>,
    started_at: Timestamp,
    took: Duration,
    /// `None`: its provider's gate was shut before it was handed over.
    results: Vec<(Claimed, Option<Outcome>)>,
}

/// How a turn went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    pub claimed: usize,
    pub settled: usize,
    /// Nothing may be handed over before this, whatever is due.
    pub blocked_until: Option<Timestamp>,
}

pub struct Worker {
    s: Services,
    outlet: Outlet,
    owner: i64,
    directory: Directory,
    refreshed: Option<Timestamp>,
    polled: Option<Timestamp>,
    standings: HashMap<Option<ProviderId>, Standing>,
    letters: Letters,
    hold: Hold,
    calls: JoinSet<Done>,
    /// Claimed and not settled.
    in_hand: HashSet<DeliveryId>,
    renewed: Option<Timestamp>,
    /// Outcomes not stored yet.
    finished: Vec<Settlement>,
}

/// Providers are read again this often, so that an administrator's change takes effect within a second.
const REFRESH: Duration = Duration::from_millis(500);
/// How often the store is asked whether a receipt is to be asked for.
const LOOK: Duration = Duration::from_millis(200);
/// Leases are renewed this often: well within their thirty seconds.
const RENEW: Duration = Duration::from_secs(8);
/// Deliveries asked about in one go.
const POLL: i64 = 500;
/// How long before a provider that knew nothing is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(30);

impl Worker {
    pub fn new(s: Services, outlet: Outlet, owner: i64, in_flight: &InFlight) -> Self {
        Self {
            s,
            outlet,
            owner,
            directory: Directory::new(),
            refreshed: None,
            polled: None,
            standings: HashMap::new(),
            letters: Letters::default(),
            hold: in_flight.hold(),
            calls: JoinSet::new(),
            in_hand: HashSet::new(),
            renewed: None,
            finished: Vec::new(),
        }
    }

    pub fn outlet(&self) -> Outlet {
        self.outlet
    }

    /// Calls under way or outcomes not stored.
    pub fn is_busy(&self) -> bool {
        !self.calls.is_empty() || !self.finished.is_empty()
    }

    /// Waits for a call to end. Cancel-safe; never returns while none is under way.
    pub async fn wait(&mut self) {
        match self.calls.join_next().await {
            Some(done) => self.note(done).await,
            None => std::future::pending().await,
        }
    }

    /// Stores what has come in and, if asked, takes what is due.
    pub async fn turn(&mut self, take: bool) -> Result<Turn> {
        while let Some(done) = self.calls.try_join_next() {
            self.note(done).await;
        }
        let mut turn = Turn::default();
        let chosen = if take {
            self.choose(&mut turn).await?
        } else {
            // Only what is handed over already is waited for.
            self.standings.values().for_each(|standing| standing.gate.shut());
            None
        };
        if self.finished.is_empty() && chosen.is_none() {
            return Ok(turn);
        }
        let room = chosen.as_ref().map_or(0, |c| c.room);
        let granted = if chosen.as_ref().is_some_and(|c| c.batch) { room } else { self.hold.grow(room) };
        let wanted =
            (granted > 0).then_some(Wanted { outlet: self.outlet, owner: self.owner, most: granted });
        let stored = deliveries::turn(&self.s, &self.finished, wanted).await;
        let claimed = match stored {
            Ok(claimed) => claimed,
            Err(error) => {
                // Outcomes stay in hand and are stored when the store is back; nothing new is taken meanwhile.
                self.hold.shrink_to(self.in_hand.len());
                return Err(error);
            }
        };
        turn.settled = self.finished.len();
        turn.claimed = claimed.len();
        for settled in self.finished.drain(..) {
            self.in_hand.remove(&DeliveryId(settled.id));
        }
        self.in_hand.extend(claimed.iter().map(|c| c.id));
        if let Some(chosen) = chosen {
            self.hand_over(&chosen, claimed).await?;
        }
        self.hold.shrink_to(self.in_hand.len());
        Ok(turn)
    }

    /// Keeps what is in hand from being taken for lost while a slow provider thinks.
    pub async fn renew_due(&mut self) -> Result<()> {
        let now = self.s.clock.now();
        let soon = self.renewed.is_some_and(|at| now >= at && now.since(at) < RENEW);
        if soon || self.in_hand.is_empty() || !deliveries::others_may_dispatch(&self.s) {
            return Ok(());
        }
        self.renewed = Some(now);
        let in_hand: Vec<DeliveryId> = self.in_hand.iter().copied().collect();
        deliveries::renew(&self.s, self.owner, &in_hand).await
    }

    /// The provider that gets the next deliveries, and how many it may get now.
    async fn choose(&mut self, turn: &mut Turn) -> Result<Option<Chosen>> {
        let now = self.s.clock.now();
        if self.refreshed.is_none_or(|at| now < at || now.since(at) >= REFRESH) {
            self.directory.refresh(&self.s).await?;
            self.refreshed = Some(now);
        }
        let live = self.directory.of(self.outlet);
        for provider in &live {
            let standing = self.standings.entry(provider.id).or_insert_with(|| Standing::new(provider));
            if standing.settings_of != provider.updated_at {
                standing.gate.shut();
                *standing = Standing { calls: standing.calls, ..Standing::new(provider) };
            }
        }
        // Providers of equal priority share by weight; the next priority is used only when none of these may send.
        let mut rest = live.as_slice();
        while let Some(first) = rest.first() {
            let end = rest.iter().take_while(|p| p.priority == first.priority).count();
            let (tier, lower) = rest.split_at(end);
            rest = lower;
            let mut open: Vec<(&Arc<LiveProvider>, usize)> = Vec::new();
            let mut healthy = false;
            for provider in tier {
                let Some(standing) = self.standings.get_mut(&provider.id) else { continue };
                match standing.breaker.allowance(now) {
                    Allowance::NotBefore(at) => {
                        turn.blocked_until = Some(turn.blocked_until.map_or(at, |b| b.min(at)));
                        continue;
                    }
                    Allowance::All => {
                        let room = standing.room(provider.adapter.shape());
                        open.push((provider, room.min(standing.pace.available(now))));
                    }
                    Allowance::Probe => open.push((provider, usize::from(standing.calls == 0))),
                }
                healthy = true;
                if let Some(at) = standing.pace.next(now) {
                    turn.blocked_until = Some(turn.blocked_until.map_or(at, |b| b.min(at)));
                }
            }
            open.retain(|(_, room)| *room > 0);
            if let Some((provider, room)) = pick(&open) {
                let batch = matches!(provider.adapter.shape(), Shape::Batch { .. });
                return Ok(Some(Chosen { provider: provider.clone(), room, batch }));
            }
            // Healthy but full: its deliveries wait for it rather than leave by a worse provider.
            if healthy {
                return Ok(None);
            }
        }
        Ok(None)
    }

    async fn hand_over(&mut self, chosen: &Chosen, claimed: Vec<Claimed>) -> Result<()> {
        if claimed.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.letters.load(&self.s, &claimed).await {
            let due_at = self.s.clock.now();
            self.finished.extend(claimed.iter().map(|c| settle::given_back(c, due_at)));
            return Err(error);
        }
        let mut ready: Vec<(Claimed, Parcel)> = Vec::with_capacity(claimed.len());
        for c in claimed {
            match self.letters.parcel(&self.s, &c) {
                Ok(parcel) => ready.push((c, parcel)),
                Err(Unfit::Expired) => self.finished.push(settle::ended(&c, State::Expired, "expired", None)),
                Err(Unfit::NoAddress) => {
                    self.finished.push(settle::ended(&c, State::Suppressed, "no_address", None));
                }
                Err(Unfit::Text(detail)) => {
                    self.finished.push(settle::ended(&c, State::Failed, "text_not_rendered", Some(detail)));
                }
            }
        }
        let Some(standing) = self.standings.get_mut(&chosen.provider.id) else { return Ok(()) };
        standing.pace.spend(ready.len());
        if !ready.is_empty() && standing.breaker.allowance(self.s.clock.now()) == Allowance::Probe {
            standing.breaker.probe_started();
        }
        standing.calls += ready.len();
        standing.gate.open();
        let calls: Vec<Vec<(Claimed, Parcel)>> = match chosen.provider.adapter.shape() {
            Shape::Single { .. } => ready.into_iter().map(|one| vec![one]).collect(),
            Shape::Batch { .. } => vec![ready],
        };
        for call in calls.into_iter().filter(|c| !c.is_empty()) {
            let (provider, gate) = (chosen.provider.clone(), standing.gate.clone());
            self.calls.spawn(hand_over(provider, gate, self.s.clock.clone(), call));
        }
        Ok(())
    }

    /// Takes note of a finished call: its outcomes wait to be stored, its provider's health is judged.
    async fn note(&mut self, done: std::result::Result<Done, tokio::task::JoinError>) {
        // Calls are neither aborted nor able to panic past `hand_over`.
        let Ok(done) = done else { return };
        let now = self.s.clock.now();
        let mut changes = Vec::new();
        if let Some(standing) = self.standings.get_mut(&done.provider) {
            standing.calls = standing.calls.saturating_sub(done.results.len());
            if done.results.iter().any(|(_, outcome)| outcome.is_some()) {
                standing.time.note(done.took);
            }
            for outcome in done.results.iter().filter_map(|(_, outcome)| outcome.as_ref()) {
                let detail = outcome.detail.as_deref().or(outcome.code.as_deref()).unwrap_or_default();
                let change =
                    standing.breaker.note(outcome.class, outcome.wait, outcome.this_address, detail, now);
                changes.extend(change);
            }
            if standing.breaker.allowance(now) != Allowance::All {
                standing.gate.shut();
            }
        }
        for (claimed, outcome) in done.results {
            let made = Made {
                provider: done.provider,
                started_at: done.started_at,
                ended_at: now,
                jitter: rand::random_range(0.0..1.0),
            };
            self.finished.push(match outcome {
                Some(outcome) => settle::attempted(&claimed, outcome, made),
                None => settle::given_back(&claimed, now),
            });
        }
        changes.dedup();
        if let Some(provider) = done.provider {
            for change in changes {
                self.tell(provider, &change).await;
            }
        }
    }

    async fn tell(&self, provider: ProviderId, change: &Change) {
        let (kind, detail) = match change {
            Change::Opened { until, reason } => {
                tracing::warn!(%provider, reason, %until, "provider left alone after failures");
                ("opened", serde_json::json!({"until": until.to_string(), "reason": reason}))
            }
            Change::Paused { until, reason } => {
                tracing::warn!(%provider, reason, %until, "provider asks for less");
                ("paused", serde_json::json!({"until": until.to_string(), "reason": reason}))
            }
            Change::Closed => {
                tracing::info!(%provider, "provider works again");
                ("closed", serde_json::json!({}))
            }
        };
        if let Err(error) = providers::record_event(&self.s, provider, kind, &detail).await {
            tracing::warn!(%provider, %error, "provider event not stored");
        }
    }

    /// Asks for receipts if it is time to look again.
    pub async fn poll_due(&mut self) -> Result<()> {
        let now = self.s.clock.now();
        if self.polled.is_some_and(|at| now >= at && now.since(at) < LOOK) {
            return Ok(());
        }
        self.polled = Some(now);
        while self.poll().await? as i64 == POLL {}
        Ok(())
    }

    /// Asks providers what became of deliveries they took; returns how many were asked about.
    pub async fn poll(&mut self) -> Result<usize> {
        let all = deliveries::to_poll(&self.s, self.outlet, POLL).await?;
        let mut by_provider: HashMap<Option<ProviderId>, Vec<ToPoll>> = HashMap::new();
        for row in all {
            by_provider.entry(row.provider_id).or_default().push(row);
        }
        let live = self.directory.of(self.outlet);
        let mut asked = 0;
        for (id, rows) in by_provider {
            asked += rows.len();
            let (mut verdicts, mut undecided): (Vec<Verdict>, Vec<DeliveryId>) = (Vec::new(), Vec::new());
            let mut again = Some(ASK_AGAIN);
            if let Some(provider) = live.iter().find(|p| p.id == id) {
                let sent: Vec<_> = rows.iter().map(as_sent).collect();
                let answers = provider.adapter.poll(&sent).await;
                for (row, answer) in rows.iter().zip(answers) {
                    match answer {
                        Some(verdict) => verdicts.push(judged(row, verdict)),
                        None => undecided.push(row.id),
                    }
                }
            } else {
                // The provider is gone; nobody is left to ask.
                undecided.extend(rows.iter().map(|r| r.id));
                again = None;
            }
            deliveries::judge(&self.s, &verdicts, &undecided, again).await?;
        }
        Ok(asked)
    }

    /// Closes the providers' idle connections.
    pub async fn close(&mut self) {
        for provider in self.directory.of(self.outlet) {
            provider.adapter.close().await;
        }
    }
}

fn as_sent(row: &ToPoll) -> Sent {
    Sent {
        delivery: row.id,
        address: row.address.clone().unwrap_or_default(),
        reference: row.reference.clone(),
        sent_at: row.sent_at.unwrap_or_default(),
    }
}

fn judged(row: &ToPoll, verdict: channel::Verdict) -> Verdict {
    Verdict {
        id: row.id.0,
        provider_id: row.provider_id.map(|p| p.0),
        reference: row.reference.clone(),
        state: verdict.state.code(),
        code: verdict.code,
        detail: verdict.detail,
    }
}

struct Chosen {
    provider: Arc<LiveProvider>,
    room: usize,
    batch: bool,
}

/// One of equals, by weight.
fn pick<'a>(open: &[(&'a Arc<LiveProvider>, usize)]) -> Option<(&'a Arc<LiveProvider>, usize)> {
    let total: i64 = open.iter().map(|(p, _)| p.weight.max(1)).sum();
    if total == 0 {
        return None;
    }
    let mut at = rand::random_range(0..total);
    open.iter().copied().find(|(p, _)| {
        at -= p.weight.max(1);
        at < 0
    })
}

async fn hand_over(
    provider: Arc<LiveProvider>,
    gate: Gate,
    clock: Clock,
    call: Vec<(Claimed, Parcel)>,
) -> Done {
    let (claimed, parcels): (Vec<_>, Vec<_>) = call.into_iter().unzip();
    let slot = gate.pass().await;
    let (started_at, began) = (clock.now(), clock.steady());
    let outcomes: Vec<_> = if slot.is_some() {
        // An adapter that panics must not leave its deliveries in hand for ever.
        let sent = std::panic::AssertUnwindSafe(provider.adapter.send(&parcels)).catch_unwind().await;
        let mut outcomes: Vec<_> = sent.unwrap_or_default().into_iter().map(Some).collect();
        // One that answers for too few leaves the rest unknown rather than unsettled.
        outcomes.resize_with(parcels.len(), || {
            Some(Outcome::new(OutcomeClass::Unknown).detail("the provider did not say"))
        });
        outcomes
    } else {
        vec![None; parcels.len()]
    };
    Done {
        provider: provider.id,
        started_at,
        took: clock.steady().saturating_sub(began),
        results: claimed.into_iter().zip(outcomes).collect(),
    }
}
