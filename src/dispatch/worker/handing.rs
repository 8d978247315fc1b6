//! From what was claimed to a finished call: what can be handed over of it, handing it to its provider, and what that said.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use super::super::billed::segments;
use super::super::breaker::Breaker;
use super::super::calls::{self, Ready};
use super::super::gate::Gate;
use super::super::letter::Unfit;
use super::super::settle;
use super::Worker;
use crate::Result;
use crate::channel::Outcome;
use crate::clock::{Clock, Timestamp};
use crate::domain::delivery::{OutcomeClass, QUIET_HOURS, State, suppressed};
use crate::domain::id::ProviderId;
use crate::service::Campus;
use crate::service::deliveries::{Claimed, Settlement};
use crate::service::policies::{self, Stop};
use crate::service::providers::LiveProvider;

/// A finished call.
pub(super) struct Done {
    pub(super) provider: Option<ProviderId>,
    /// The settings it was called with.
    pub(super) settings_of: Timestamp,
    /// What it takes counts against a daily quota.
    pub(super) metered: bool,
    pub(super) started_at: Timestamp,
    pub(super) took: Duration,
    /// `None`: it was turned away at its provider's gate.
    pub(super) results: Vec<(Claimed, Option<Outcome>)>,
    /// For each, the SMS segments that were taken, or may have been.
    pub(super) segments: Vec<i64>,
}

impl Worker {
    /// What can be handed over of what was claimed.
    pub(super) async fn ready(&mut self, claimed: Vec<Claimed>) -> Result<Vec<Ready>> {
        let loaded = if self.stopping { Ok(()) } else { self.letters.load(&self.s, &claimed).await };
        if self.stopping || loaded.is_err() {
            let due_at = self.s.clock.now();
            self.finished.extend(claimed.iter().map(|c| settle::given_back(c, due_at)));
            return loaded.map(|()| Vec::new());
        }
        let facing: Vec<_> = claimed.iter().filter_map(|c| self.letters.facing(c)).collect();
        let stops = match policies::stops(&self.s, &facing).await {
            Ok(stops) => stops,
            Err(error) => {
                let due_at = self.s.clock.now();
                self.finished.extend(claimed.iter().map(|c| settle::given_back(c, due_at)));
                return Err(error);
            }
        };
        let mut ready = Vec::with_capacity(claimed.len());
        for c in claimed {
            if let Some(stop) = stops.get(&c.id) {
                self.finished.push(self.stopped(&c, *stop));
                continue;
            }
            match self.letters.parcel(&self.s, &c) {
                Ok(parcel) => ready.push((c, parcel)),
                Err(Unfit::Expired) => self.finished.push(settle::ended(&c, State::Expired, "expired", None)),
                Err(Unfit::NoAddress) => {
                    self.finished.push(settle::ended(&c, State::Suppressed, suppressed::NO_ADDRESS, None));
                }
                Err(Unfit::Text(detail)) => {
                    self.finished.push(settle::ended(&c, State::Failed, "text_not_rendered", Some(detail)));
                }
            }
        }
        Ok(ready)
    }

    /// What becomes of a delivery that its person is spared, for now or for good.
    fn stopped(&self, claimed: &Claimed, stop: Stop) -> Settlement {
        let spared = |reason| settle::ended(claimed, State::Suppressed, reason, None);
        match stop {
            Stop::Capped => spared(suppressed::FREQUENCY_CAP),
            Stop::Repeat => spared(suppressed::DUPLICATE),
            Stop::Early(until) => settle::deferred(claimed, until, None, self.letters.waits(claimed)),
            Stop::Quiet(end)
                if self.letters.expires_at(claimed).is_some_and(|expires_at| expires_at <= end) =>
            {
                spared(suppressed::QUIET_EXPIRED)
            }
            Stop::Quiet(end) => {
                settle::deferred(claimed, end, Some(QUIET_HOURS), self.letters.waits(claimed))
            }
        }
    }

    /// Hands over what may still be handed over, gives the rest back, and says how many it handed over.
    pub(super) fn hand_over(&mut self, provider: &Arc<LiveProvider>, mut ready: Vec<Ready>) -> usize {
        let admission = self.providers.admit(provider, ready.len());
        let admitted = admission.as_ref().map_or(0, |(_, admitted)| *admitted);
        let mut back = ready.split_off(admitted);
        let mut handed_over = 0;
        if let Some((gate, _)) = admission {
            let calls = calls::divide(provider.adapter.shape(), ready);
            self.providers.divided(provider.id, &calls);
            handed_over = admitted - calls.later.len();
            for call in calls.now {
                let (clock, campus) = (self.s.clock.clone(), Arc::clone(&self.s.campus));
                self.calls.spawn(hand_over(provider.clone(), gate.clone(), clock, campus, call));
            }
            back.extend(calls.later);
        }
        let due_at = self.s.clock.now();
        self.finished.extend(back.iter().map(|(claimed, _)| settle::given_back(claimed, due_at)));
        handed_over
    }
}

async fn hand_over(
    provider: Arc<LiveProvider>,
    gate: Gate,
    clock: Clock,
    campus: Arc<Campus>,
    call: Vec<Ready>,
) -> Done {
    let (claimed, parcels): (Vec<_>, Vec<_>) = call.into_iter().unzip();
    let slot = gate.pass().await;
    let (started_at, began) = (clock.now(), clock.steady());
    let outcomes: Vec<_> = if slot.is_some() {
        // An adapter that panics must not leave its deliveries in hand for ever.
        let sent = AssertUnwindSafe(provider.adapter.send(&parcels)).catch_unwind().await;
        let mut outcomes: Vec<_> = sent.unwrap_or_default().into_iter().map(Some).collect();
        // One that answers for too few leaves the rest unknown rather than unsettled.
        outcomes.resize_with(parcels.len(), || {
            Some(Outcome::new(OutcomeClass::Unknown).detail("the provider did not say"))
        });
        let opens = |outcome: &Outcome| {
            !outcome.unlisted && Breaker::opens_at_once(outcome.class, outcome.this_address)
        };
        if outcomes.iter().flatten().any(opens) {
            gate.shut();
        }
        outcomes
    } else {
        vec![None; parcels.len()]
    };
    Done {
        provider: provider.id,
        settings_of: provider.updated_at,
        metered: provider.quota.is_some(),
        started_at,
        took: clock.steady().saturating_sub(began),
        segments: parcels
            .iter()
            .zip(&outcomes)
            .map(|(parcel, outcome)| segments(&*provider.adapter, &campus.name, parcel, outcome.as_ref()))
            .collect(),
        results: claimed.into_iter().zip(outcomes).collect(),
    }
}
