//! Which provider gets the next deliveries, and how many: by priority and weight, health, rate and what it has already.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::breaker::{Allowance, Breaker, Change};
use super::calls::{self, Calls};
use super::gate::{CallTime, Gate};
use super::pace::Pace;
use crate::Result;
use crate::channel::{Outcome, Shape};
use crate::clock::{Clock, Timestamp};
use crate::domain::channel::Outlet;
use crate::domain::id::ProviderId;
use crate::service::Services;
use crate::service::providers::{Directory, LiveProvider};

/// Providers are read again this often, so that an administrator's change takes effect within a second.
const REFRESH: Duration = Duration::from_millis(500);

/// The providers of one outlet, and how each of them does.
pub(super) struct Providers {
    outlet: Outlet,
    clock: Clock,
    directory: Directory,
    refreshed: Option<Timestamp>,
    standings: HashMap<Option<ProviderId>, Standing>,
}

/// Who gets the next deliveries.
#[derive(Default)]
pub(super) struct Choice {
    /// And at most how many.
    pub provider: Option<(Arc<LiveProvider>, Room)>,
    /// Some may be due, but nothing may be handed over before this.
    pub blocked_until: Option<Timestamp>,
}

/// How many deliveries a provider may be given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Room {
    /// That are handed over at once.
    pub calls: usize,
    /// That wait in line.
    pub line: usize,
}

impl Room {
    fn within(self, most: usize) -> Self {
        let calls = self.calls.min(most);
        Self { calls, line: self.line.min(most - calls) }
    }

    fn is_none(self) -> bool {
        self == Self::default()
    }
}

impl Choice {
    fn not_before(&mut self, at: Timestamp) {
        self.blocked_until = Some(self.blocked_until.map_or(at, |before| before.min(at)));
    }
}

/// What a provider's health and rate allow; outlives the adapter, which is rebuilt when settings change.
#[derive(Debug)]
struct Standing {
    breaker: Breaker,
    pace: Pace,
    gate: Gate,
    time: CallTime,
    /// Deliveries it has, that wait in line for it, or that are being claimed for it.
    calls: usize,
    /// Deliveries claimed at once for one that takes batches. Fewer where their texts differ, as each text is a call.
    appetite: usize,
    /// Settings in force when it was last judged; new ones start afresh.
    settings_of: Timestamp,
}

impl Standing {
    fn new(provider: &LiveProvider) -> Self {
        let width = match provider.adapter.shape() {
            Shape::Single { concurrency } => concurrency,
            Shape::Batch { concurrency, .. } => concurrency,
            Shape::Mixed { .. } => calls::MIXED,
        };
        Self {
            breaker: Breaker::default(),
            pace: Pace::new(provider.rate),
            gate: Gate::new(width),
            time: CallTime::default(),
            calls: 0,
            appetite: usize::MAX,
            settings_of: provider.updated_at,
        }
    }

    /// How many more deliveries it may have at hand.
    fn room(&self, shape: Shape) -> Room {
        match shape {
            Shape::Single { concurrency } => {
                let calls = concurrency.saturating_sub(self.calls);
                let waiting = self.calls.saturating_sub(concurrency);
                Room { calls, line: self.time.line(concurrency).saturating_sub(waiting) }
            }
            Shape::Batch { size, .. } | Shape::Mixed { size } if self.calls == 0 => {
                Room { calls: size.min(self.appetite), line: 0 }
            }
            Shape::Batch { .. } | Shape::Mixed { .. } => Room::default(),
        }
    }
}

impl Providers {
    pub fn new(s: &Services, outlet: Outlet) -> Self {
        let (clock, directory) = (s.clock.clone(), Directory::new(s));
        Self { outlet, clock, directory, refreshed: None, standings: HashMap::new() }
    }

    /// Whoever serves the outlet, in the order they are tried.
    pub fn live(&self) -> Vec<Arc<LiveProvider>> {
        self.directory.of(self.outlet)
    }

    /// The provider that gets the next deliveries, and how many it may get now.
    pub async fn choose(&mut self, s: &Services) -> Result<Choice> {
        let now = self.clock.now();
        if self.refreshed.is_none_or(|at| now < at || now.since(at) >= REFRESH) {
            self.directory.refresh(s).await?;
            self.refreshed = Some(now);
        }
        let live = self.live();
        for provider in &live {
            let standing = self.standings.entry(provider.id).or_insert_with(|| Standing::new(provider));
            if standing.settings_of != provider.updated_at {
                standing.gate.shut();
                *standing = Standing { calls: standing.calls, ..Standing::new(provider) };
            }
        }
        let mut choice = Choice::default();
        // Providers of equal priority share by weight; the next priority is used only when none of these may send.
        let mut rest = live.as_slice();
        while let Some(first) = rest.first() {
            let end = rest.iter().take_while(|p| p.priority == first.priority).count();
            let (tier, lower) = rest.split_at(end);
            rest = lower;
            let mut open: Vec<(&Arc<LiveProvider>, Room)> = Vec::new();
            let mut healthy = false;
            for provider in tier {
                let Some(standing) = self.standings.get_mut(&provider.id) else { continue };
                match standing.breaker.allowance(now) {
                    Allowance::NotBefore(at) => {
                        choice.not_before(at);
                        continue;
                    }
                    Allowance::All => {
                        let room = standing.room(provider.adapter.shape());
                        open.push((provider, room.within(standing.pace.available(now))));
                    }
                    Allowance::Probe => {
                        let calls = usize::from(standing.calls == 0);
                        open.push((provider, Room { calls, line: 0 }));
                    }
                }
                healthy = true;
                if let Some(at) = standing.pace.next(now) {
                    choice.not_before(at);
                }
            }
            open.retain(|(_, room)| !room.is_none());
            choice.provider = pick(&open).map(|(provider, room)| (Arc::clone(provider), room));
            // Healthy but full: its deliveries wait for it rather than leave by a worse provider.
            if choice.provider.is_some() || healthy {
                break;
            }
        }
        Ok(choice)
    }

    /// Deliveries are being claimed for a provider.
    pub fn reserve(&mut self, provider: Option<ProviderId>, count: usize) {
        if let Some(standing) = self.standings.get_mut(&provider) {
            standing.calls += count;
            standing.pace.spend(count);
        }
    }

    /// Fewer were claimed than it could have had.
    pub fn give_up(&mut self, provider: Option<ProviderId>, count: usize) {
        if let Some(standing) = self.standings.get_mut(&provider) {
            standing.calls = standing.calls.saturating_sub(count);
            standing.pace.take_back(count);
        }
    }

    /// How a claim was divided into calls, from which follows how much is claimed next.
    pub fn divided(&mut self, provider: Option<ProviderId>, calls: &Calls) {
        let handed_over = calls.now.iter().map(Vec::len).sum();
        if let Some(standing) = self.standings.get_mut(&provider) {
            standing.appetite = if !calls.later.is_empty() {
                handed_over
            } else if handed_over > calls.now.len() {
                usize::MAX
            } else {
                standing.appetite.saturating_mul(2)
            };
        }
    }

    /// The way to a provider that `count` deliveries were claimed for, and how many of them may still take it: its
    /// health or its settings may have changed since it was chosen.
    pub fn admit(&mut self, provider: &LiveProvider, count: usize) -> Option<(Gate, usize)> {
        let now = self.clock.now();
        let standing = self.standings.get_mut(&provider.id)?;
        if standing.settings_of != provider.updated_at || count == 0 {
            return None;
        }
        let admitted = match standing.breaker.allowance(now) {
            Allowance::All => count,
            Allowance::Probe => {
                standing.breaker.probe_started();
                1
            }
            Allowance::NotBefore(_) => return None,
        };
        standing.gate.open();
        Some((standing.gate.clone(), admitted))
    }

    /// Takes note of a call that took so long, and says how that changes the provider's health. No outcome: the
    /// delivery was turned away at the gate.
    pub fn note<'a>(
        &mut self,
        provider: Option<ProviderId>,
        took: Duration,
        outcomes: impl ExactSizeIterator<Item = Option<&'a Outcome>>,
    ) -> Vec<Change> {
        let now = self.clock.now();
        let Some(standing) = self.standings.get_mut(&provider) else { return Vec::new() };
        standing.calls = standing.calls.saturating_sub(outcomes.len());
        let mut changes = Vec::new();
        let mut heard = Vec::new();
        for outcome in outcomes {
            let Some(outcome) = outcome else {
                standing.pace.take_back(1);
                continue;
            };
            // What one call says of many it says once.
            if heard.contains(&(outcome.class, outcome.this_address)) {
                continue;
            }
            heard.push((outcome.class, outcome.this_address));
            let detail = outcome.detail.as_deref().or(outcome.code.as_deref()).unwrap_or_default();
            let (class, here) = (outcome.class, outcome.this_address);
            changes.extend(standing.breaker.note(class, outcome.wait, here, detail, now));
        }
        if !heard.is_empty() {
            standing.time.note(took);
        }
        if standing.breaker.allowance(now) != Allowance::All {
            standing.gate.shut();
        }
        changes.dedup();
        changes
    }

    /// Nothing more is handed over; what waits in line is turned away.
    pub fn shut(&self) {
        self.standings.values().for_each(|standing| standing.gate.shut());
    }

    /// Closes the providers' idle connections.
    pub async fn close(&self) {
        for provider in self.live() {
            provider.adapter.close().await;
        }
    }
}

/// One of equals, by weight.
fn pick<'a>(open: &[(&'a Arc<LiveProvider>, Room)]) -> Option<(&'a Arc<LiveProvider>, Room)> {
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
