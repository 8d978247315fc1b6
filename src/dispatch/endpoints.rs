//! Tells applications what happened: gives events their places, makes them out for endpoints and calls these. Each endpoint
//! has few calls of its own, so that one that hangs takes none from another.

use std::collections::HashMap;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Result;
use crate::domain::id::SubscriptionId;
use crate::service::Services;
use crate::service::subscriptions::work::{self, AT_ONCE, Answer, Call};

/// An event is sent at most this late, twice over where another node gives places.
const TICK: Duration = Duration::from_millis(400);
/// What calls come to is waited for so long, once one is back, and stored together.
const GATHER: Duration = Duration::from_millis(20);
/// Calls of this process at a time, to all endpoints together.
const MOST: usize = 256;
/// What was lost on its way is looked for every so many ticks.
const SELDOM: u32 = 25;

/// The calls of one process.
pub(super) struct Endpoints {
    s: Services,
    owner: i64,
    calls: JoinSet<(Call, Answer)>,
    under_way: HashMap<SubscriptionId, i64>,
    /// What calls came to that is not stored yet.
    answered: Vec<(Call, Answer)>,
}

impl Endpoints {
    pub fn new(s: Services, owner: i64) -> Self {
        Self { s, owner, calls: JoinSet::new(), under_way: HashMap::new(), answered: Vec::new() }
    }

    /// Works until told to stop, then waits for the calls that are under way.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut ticks: u32 = 0;
        while !stop.is_cancelled() {
            if ticks.is_multiple_of(SELDOM) {
                self.look_after_lost().await;
            }
            ticks = ticks.wrapping_add(1);
            if let Err(error) = self.step().await {
                super::trouble("telling applications", &error);
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                Some(answered) = self.calls.join_next() => {
                    self.take(answered);
                    tokio::time::sleep(GATHER).await;
                }
                () = tokio::time::sleep(TICK) => {}
            }
        }
        while let Some(answered) = self.calls.join_next().await {
            self.take(answered);
        }
        if let Err(error) = self.store().await {
            super::trouble("storing what applications answered", &error);
        }
    }

    async fn look_after_lost(&self) {
        if let Err(error) = work::release_lost(&self.s, self.owner).await {
            super::trouble("taking over what applications were to be told", &error);
        }
    }

    /// Does what is due now and waits for the calls that are under way; returns how much that was.
    pub async fn drain(&mut self) -> Result<usize> {
        let mut done = 0;
        loop {
            let step = self.step().await?;
            done += step;
            match self.calls.join_next().await {
                Some(answered) => self.take(answered),
                None if step == 0 => return Ok(done),
                None => {}
            }
        }
    }

    /// Stores what came back and sends what may be sent; returns how much there was to do.
    async fn step(&mut self) -> Result<usize> {
        while let Some(answered) = self.calls.try_join_next() {
            self.take(answered);
        }
        let mut done = self.store().await?;
        if work::rests(&self.s).await? {
            return Ok(done);
        }
        done += work::give_places(&self.s).await?;
        done += work::fill(&self.s).await?;
        if self.calls.len() >= MOST {
            return Ok(done);
        }
        let busy: Vec<_> = self.under_way.iter().filter(|(_, n)| **n >= AT_ONCE).map(|(id, _)| *id).collect();
        for call in work::claim(&self.s, self.owner, &busy).await? {
            done += 1;
            *self.under_way.entry(call.subscription).or_default() += 1;
            let s = self.s.clone();
            self.calls.spawn(async move {
                let answer = work::send(&s, &call).await;
                (call, answer)
            });
        }
        Ok(done)
    }

    fn take(&mut self, answered: std::result::Result<(Call, Answer), tokio::task::JoinError>) {
        match answered {
            Ok((call, answer)) => {
                if let Some(n) = self.under_way.get_mut(&call.subscription) {
                    *n -= 1;
                    if *n == 0 {
                        self.under_way.remove(&call.subscription);
                    }
                }
                self.answered.push((call, answer));
            }
            // Its lease runs out, and it is sent again. Whose it was is not known any more.
            Err(error) => {
                tracing::error!(%error, "a call to an endpoint broke off");
                if self.calls.is_empty() {
                    self.under_way.clear();
                }
            }
        }
    }

    /// Stores what calls came to; what cannot be stored stays for the next time.
    async fn store(&mut self) -> Result<usize> {
        work::settle(&self.s, self.owner, &self.answered).await?;
        let stored = self.answered.len();
        self.answered.clear();
        Ok(stored)
    }
}
