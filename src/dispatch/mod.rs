//! The background half: plans accepted messages, sends due deliveries, asks for receipts, sweeps up.
//!
//! Everything it does is a step on the store that can be repeated; the queue only says when to look. [`Dispatcher::run`]
//! starts one task per kind of work; [`Dispatcher::drain`] does the same steps in the caller's task until nothing is
//! left, for tests that turn the clock.

mod alarms;
mod aside;
mod billed;
mod breaker;
mod calls;
mod choice;
mod endpoints;
mod gate;
mod in_flight;
mod letter;
mod pace;
mod polling;
mod settle;
mod standing;
mod sweeper;
mod tally;
mod telling;
mod worker;

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::clock::Timestamp;
use crate::domain::channel::Outlet;
use crate::lifecycle::Lifecycle;
use crate::queue::{Taken, Work};
use crate::service::{Services, answers, buttons, deliveries, planning, recalls, subscriptions};
use crate::{Error, Result};
use aside::Aside;
use endpoints::Endpoints;
use in_flight::InFlight;
use worker::Worker;

pub use in_flight::LIMIT as IN_FLIGHT_LIMIT;

/// The background half of one process.
pub struct Dispatcher {
    s: Services,
    /// Marks this process's claims.
    owner: i64,
    workers: Vec<Worker>,
    endpoints: Endpoints,
}

/// How often a worker that only waits for slow calls looks after their leases.
const RENEWAL: Duration = Duration::from_secs(5);
/// After trouble with the store or the queue, before the next try.
const RECOVERY: Duration = Duration::from_secs(1);
/// After the store gave something up for another one's sake, which is as good as done by then.
const AGAIN: Duration = Duration::from_millis(20);
/// How often a stopping worker tries again to store what it has; several turns may fail of one cause.
const LAST_TRIES: u32 = 5;

/// How often it is looked for what takes no time where there is nothing.
const SOON: Duration = Duration::from_millis(400);

/// What is done beside sending: what is due is found, what processes that are gone had in hand is offered again, an alert that
/// somebody pressed by a button and nobody called off goes out, cards that were pressed show what was answered, and what was
/// stopped is called back.
const ASIDE: [Aside; 5] = [
    Aside {
        name: "due",
        doing: "looking for what is due",
        within: SOON,
        // Whoever was woken for it looks by themselves.
        step: |s, _| Box::pin(async move { deliveries::offer_due(s).await.map(|_| 0) }),
    },
    Aside {
        name: "lost",
        doing: "taking over what is nobody's any more",
        within: Duration::from_secs(2),
        step: |s, owner| Box::pin(take_over(s, owner)),
    },
    Aside {
        name: "buttons",
        doing: "sending what buttons asked for",
        within: SOON,
        step: |s, _| Box::pin(buttons::fire_due(s)),
    },
    Aside { name: "cards", doing: "changing cards", within: SOON, step: |s, _| Box::pin(answers::show(s)) },
    Aside {
        name: "recalls",
        doing: "calling back what was stopped",
        within: SOON,
        step: |s, _| Box::pin(recalls::work(s)),
    },
];

/// Where others dispatch from the same store, or did.
async fn take_over(s: &Services, owner: i64) -> Result<usize> {
    if deliveries::others_may_dispatch(s) { deliveries::release_lost(s, owner).await } else { Ok(0) }
}

impl Dispatcher {
    pub fn new(s: Services) -> Self {
        let owner = rand::random_range(1..i64::MAX);
        let in_flight = InFlight::default();
        let workers = Outlet::ALL.into_iter().map(|o| Worker::new(s.clone(), o, owner, &in_flight)).collect();
        let endpoints = Endpoints::new(s.clone(), owner);
        Self { s, owner, workers, endpoints }
    }

    /// Takes back what an earlier process left in hand, then works until the lifecycle stops it.
    pub async fn run(self, lifecycle: &Lifecycle) -> Result<()> {
        let released = deliveries::release_lost(&self.s, self.owner).await?;
        if released > 0 {
            tracing::info!(released, "took over what an earlier process had left unfinished");
        }
        subscriptions::work::release_lost(&self.s, self.owner).await?;
        let (s, owner) = (self.s, self.owner);
        lifecycle.spawn("endpoints", self.endpoints.run(lifecycle.soft().clone()));
        lifecycle.spawn("planner", plan(s.clone(), owner, lifecycle.soft().clone()));
        lifecycle.spawn("sweeper", sweeper::run(s.clone(), lifecycle.soft().clone()));
        lifecycle.spawn("alarms", alarms::run(s.clone(), lifecycle.soft().clone()));
        for aside in ASIDE {
            lifecycle.spawn(aside.name, aside.run(s.clone(), owner, lifecycle.soft().clone()));
        }
        for worker in self.workers {
            lifecycle.spawn("worker", send(s.clone(), worker, lifecycle.soft().clone()));
        }
        deliveries::offer_due(&s).await?;
        Ok(())
    }

    /// Does everything that is due now, and what follows from it now, and returns when nothing is left to do.
    /// Deliveries that wait for a later moment are left waiting.
    pub async fn drain(&mut self) -> Result<()> {
        loop {
            let mut done = sweeper::sweep(&self.s).await?;
            while plan_next(&self.s, self.owner).await? > 0 {
                done += 1;
            }
            for worker in &mut self.workers {
                done += run_dry(worker).await?;
                done += worker.poll().await?;
            }
            for aside in ASIDE {
                done += (aside.step)(&self.s, self.owner).await?;
            }
            done += self.endpoints.drain().await?;
            if done == 0 {
                return Ok(());
            }
        }
    }

    /// One step of one outlet's worker: it deals with what has come in and asks for what is due, until the store has answered.
    /// What it handed over goes on meanwhile, so that tests see what several outlets have in hand at the same time.
    pub async fn step(&mut self, outlet: Outlet) -> Result<()> {
        for worker in self.workers.iter_mut().filter(|worker| worker.outlet() == outlet) {
            worker.wake();
            worker.step().await?;
            worker.answered().await;
        }
        Ok(())
    }

    /// What an earlier process left in hand is offered again; [`run`](Self::run) does it by itself.
    pub async fn take_over(&self) -> Result<usize> {
        subscriptions::work::release_lost(&self.s, self.owner).await?;
        deliveries::release_lost(&self.s, self.owner).await
    }
}

async fn run_dry(worker: &mut Worker) -> Result<usize> {
    worker.wake();
    let mut done = 0;
    loop {
        let step = worker.step().await?;
        done += step.moved;
        if worker.is_busy() {
            worker.wait().await;
        } else if !worker.is_hungry() || step.blocked_until.is_some() {
            return Ok(done);
        }
    }
}

async fn plan_next(s: &Services, owner: i64) -> Result<usize> {
    let began = Instant::now();
    let planned = planning::plan_next(s, owner).await?;
    if planned > 0 {
        s.metrics.planned(planned, began);
    }
    Ok(planned)
}

/// Plans whenever there is something to plan.
async fn plan(s: Services, owner: i64, stop: CancellationToken) {
    while let Some(taken) = next(&s, Work::Plan, &stop).await {
        loop {
            if stop.is_cancelled() {
                return hand_back(&s, taken).await;
            }
            match planning::plan_next(&s, owner).await {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    trouble("planning", &error);
                    if !give_back(&s, owner, &stop, rest_after(&error)).await {
                        return hand_back(&s, taken).await;
                    }
                }
            }
        }
        settle(&s, taken).await;
    }
}

/// Offers what the planner had taken again, once the store lets it. `false` if told to stop: the next start does it.
async fn give_back(s: &Services, owner: i64, stop: &CancellationToken, mut rest: Duration) -> bool {
    loop {
        if pause(stop, rest).await {
            return false;
        }
        match planning::give_back(s, owner).await {
            Ok(()) => return true,
            Err(error) => {
                trouble("giving messages back", &error);
                rest = rest_after(&error);
            }
        }
    }
}

/// How long nothing is tried after that.
fn rest_after(error: &Error) -> Duration {
    if error.asks_again() { AGAIN } else { RECOVERY }
}

/// Keeps one outlet busy while anything is due, and finishes what is in hand when told to stop.
async fn send(s: Services, mut worker: Worker, stop: CancellationToken) {
    let work = Work::Send(worker.outlet());
    let mut failures = 0;
    // What it was woken by, until the store knows what came of that.
    let mut held: Option<Taken> = None;
    worker.wake();
    loop {
        let stopping = stop.is_cancelled();
        if stopping {
            worker.stop();
        }
        let stepped = worker.step().await;
        if let Some(taken) = held.take_if(|_| worker.is_served()) {
            settle(&s, taken).await;
        }
        // Whoever else there is may look at once; this worker does by itself, unless it stops.
        if let Some(taken) = held.take_if(|_| stopping || stepped.is_err()) {
            hand_back(&s, taken).await;
        }
        let (recovering, rest) = match stepped {
            // Something may be due, but its provider may not have it yet.
            Ok(step) => (false, step.blocked_until.map(|at| wait_until(at, s.clock.now()))),
            Err(error) => {
                trouble("sending", &error);
                // A few more tries, then the rest is left to whoever starts next.
                failures += u32::from(stopping);
                if failures > LAST_TRIES {
                    break;
                }
                (true, Some(if stopping { RECOVERY } else { rest_after(&error) }))
            }
        };
        if stopping && !worker.is_busy() {
            break;
        }
        tokio::select! {
            biased;
            () = stop.cancelled(), if !stopping => {}
            () = worker.wait(), if !recovering => {}
            () = tokio::time::sleep(RENEWAL), if worker.is_busy() => {}
            taken = next(&s, work, &stop), if held.is_none() && !worker.is_hungry() && !stopping => {
                if taken.is_some() {
                    worker.wake();
                    held = taken;
                }
            }
            () = tokio::time::sleep(rest.unwrap_or(Duration::MAX)), if rest.is_some() => {}
        }
        if let Err(error) = worker.renew_due().await {
            trouble("renewing claims", &error);
        }
        if !stopping {
            worker.poll_due();
        }
    }
    worker.close().await;
}

fn wait_until(at: Timestamp, now: Timestamp) -> Duration {
    at.since(now).clamp(Duration::from_millis(1), Duration::from_secs(1))
}

/// The next entry of this work; `None` when stopping. A queue that is away gives what this process's sweeper offers.
async fn next(s: &Services, work: Work, stop: &CancellationToken) -> Option<Taken> {
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        taken = s.queue.take(work) => Some(taken),
    }
}

async fn settle(s: &Services, taken: Taken) {
    if let Err(error) = s.queue.settle(taken).await {
        tracing::warn!(%error, "queue entry not settled; it will be offered again");
    }
}

/// Somebody else is to look into it, or this process after its next start.
async fn hand_back(s: &Services, taken: Taken) {
    if let Err(error) = s.queue.give_back(taken).await {
        tracing::debug!(%error, "queue entry not given back");
    }
}

/// Waits; `true` if told to stop meanwhile.
async fn pause(stop: &CancellationToken, wait: Duration) -> bool {
    tokio::select! {
        () = stop.cancelled() => true,
        () = tokio::time::sleep(wait) => false,
    }
}

fn trouble(doing: &str, error: &Error) {
    match error {
        Error::Unavailable { reason, .. } => tracing::warn!(doing, reason, "waiting for the store"),
        error => tracing::error!(doing, %error, "a step failed and will be tried again"),
    }
}
