//! How fast a source may call. Each process counts for itself.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::super::Services;
use super::super::caller::KeyCaller;
use crate::clock::Clock;
use crate::domain::id::SourceId;
use crate::{Error, Result};

/// What the `RateLimit-*` headers say after a request was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateState {
    /// Messages a second, and at once after a pause.
    pub limit: u32,
    /// Messages that would be let in right now.
    pub remaining: u32,
    /// Until `remaining` is `limit` again, rounded up.
    pub reset_seconds: u64,
}

/// Counts a call of `cost` messages against the source's rate; [`Error::RateLimited`] says how long to wait. Nothing
/// where its rate is not limited. A batch that is larger than the limit takes all of it and no more.
pub fn admit(s: &Services, key: &KeyCaller, cost: u32) -> Result<Option<RateState>> {
    let (Some(limit), Some(cost)) = (key.rate_per_second.and_then(NonZeroU32::new), NonZeroU32::new(cost))
    else {
        return Ok(None);
    };
    let limiter = s.rates.limiter(key.source, limit, &s.clock);
    // What is charged is never above the quota's burst, which is the only thing `check_n` fails for.
    match limiter.check_n(cost.min(limit)) {
        Ok(Ok(state)) => {
            let remaining = state.remaining_burst_capacity().min(limit.get());
            let missing = limit.get() - remaining;
            Ok(Some(RateState {
                limit: limit.get(),
                remaining,
                reset_seconds: u64::from(missing.div_ceil(limit.get())),
            }))
        }
        Ok(Err(not_until)) => {
            Err(Error::RateLimited { retry_after: not_until.wait_time_from(limiter.clock().now()) })
        }
        Err(too_large) => Err(Error::internal(too_large)),
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, Steady, StateInformationMiddleware>;

/// The limiter of each source that has a limit.
#[derive(Debug, Default)]
pub(in crate::service) struct Rates(Mutex<HashMap<SourceId, (NonZeroU32, Arc<Limiter>)>>);

impl Rates {
    /// The source's limiter; a fresh one where its limit has changed.
    fn limiter(&self, source: SourceId, limit: NonZeroU32, clock: &Clock) -> Arc<Limiter> {
        let mut limiters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match limiters.get(&source) {
            Some((at, limiter)) if *at == limit => limiter.clone(),
            _ => {
                let quota = Quota::per_second(limit);
                let limiter = RateLimiter::direct_with_clock(quota, Steady(clock.clone())).with_middleware();
                let limiter = Arc::new(limiter);
                limiters.insert(source, (limit, limiter.clone()));
                limiter
            }
        }
    }
}

/// The house's clock in the governor crate's words.
#[derive(Clone, Debug)]
struct Steady(Clock);

impl governor::clock::Clock for Steady {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.steady()
    }
}
