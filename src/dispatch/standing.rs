//! How a provider does, and how many deliveries that lets it have.

use std::collections::HashSet;

use super::breaker::{Allowance, Breaker};
use super::calls;
use super::gate::{CallTime, Gate};
use super::pace::{Draw, Pace};
use super::tally::{Left, Tally};
use crate::channel::Shape;
use crate::clock::Timestamp;
use crate::service::providers::LiveProvider;

/// How many deliveries a provider may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// That are handed over at once.
    pub calls: usize,
    /// That wait in line.
    pub line: usize,
    /// Of both, those that need not be emergencies.
    pub routine: usize,
}

impl Room {
    pub fn of(calls: usize, line: usize) -> Self {
        Self { calls, line, routine: usize::MAX }
    }

    pub fn within(self, most: usize) -> Self {
        let calls = self.calls.min(most);
        Self { calls, line: self.line.min(most - calls), ..self }
    }

    /// What of it a daily quota leaves.
    pub fn left(self, left: Left) -> Self {
        Self { routine: self.routine.min(left.others), ..self.within(left.emergencies) }
    }

    pub fn is_none(self) -> bool {
        self.calls + self.line == 0
    }
}

/// What a provider's health and rate allow; outlives the adapter, which is rebuilt when settings change.
#[derive(Debug)]
pub(super) struct Standing {
    pub breaker: Breaker,
    pub pace: Pace,
    pub gate: Gate,
    pub time: CallTime,
    /// Deliveries it has, that wait in line for it, or that are being claimed for it.
    pub calls: usize,
    /// Deliveries claimed at once for one that takes batches. Fewer where their texts differ, as each text is a call.
    pub appetite: usize,
    /// Of a provider with a daily quota.
    pub tally: Option<Tally>,
    /// Codes of its that nobody knows.
    pub unlisted: HashSet<String>,
    /// Settings in force when it was last judged; new ones start afresh.
    pub settings_of: Timestamp,
}

impl Standing {
    /// `is_shared`: other processes hand over to it too.
    pub fn new(provider: &LiveProvider, is_shared: bool) -> Self {
        let width = match provider.adapter.shape() {
            Shape::Single { concurrency } => concurrency,
            Shape::Batch { concurrency, .. } => concurrency,
            Shape::Mixed { .. } => calls::MIXED,
        };
        Self {
            breaker: Breaker::default(),
            pace: if is_shared { Pace::shared(provider.rate) } else { Pace::new(provider.rate) },
            gate: Gate::new(width),
            time: CallTime::default(),
            calls: 0,
            appetite: usize::MAX,
            tally: provider.quota.map(|_| Tally::default()),
            unlisted: HashSet::new(),
            settings_of: provider.updated_at,
        }
    }

    /// How many more deliveries it may have at hand.
    fn room(&self, shape: Shape) -> Room {
        match shape {
            Shape::Single { concurrency } => {
                let calls = concurrency.saturating_sub(self.calls);
                let waiting = self.calls.saturating_sub(concurrency);
                Room::of(calls, self.time.line(concurrency).saturating_sub(waiting))
            }
            Shape::Batch { size, .. } | Shape::Mixed { size } if self.calls == 0 => {
                Room::of(size.min(self.appetite), 0)
            }
            Shape::Batch { .. } | Shape::Mixed { .. } => Room::of(0, 0),
        }
    }

    /// What of a rate that is shared it has a use for, and how many at most.
    pub fn draws(&mut self, allowance: Allowance, shape: Shape, now: Timestamp) -> Option<(Draw, usize)> {
        if matches!(allowance, Allowance::Probe | Allowance::NotBefore(_)) {
            return None;
        }
        let Room { calls, line, .. } = self.room(shape);
        let most = calls.saturating_add(line);
        self.pace.draws(now).filter(|_| most > 0).map(|draw| (draw, most))
    }

    /// How many more its health and its rate let it have.
    pub fn allowed(&mut self, allowance: Allowance, shape: Shape, now: Timestamp) -> Room {
        let room = match allowance {
            Allowance::All | Allowance::Spare => self.room(shape),
            Allowance::Share(share) => {
                Room { line: 0, ..self.room(shape).within(share.saturating_sub(self.calls)) }
            }
            Allowance::Probe => return Room::of(usize::from(self.calls == 0), 0),
            Allowance::NotBefore(_) => return Room::of(0, 0),
        };
        room.within(self.pace.available(now))
    }
}
