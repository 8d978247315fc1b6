//! Finds what nobody is looking after: waits that are over, schedules that have come, entries a queue lost, claims of
//! processes that are gone, messages past their time. It also looks into what providers told by themselves.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::Result;
use crate::service::retention::Progress;
use crate::service::sources::registrations;
use crate::service::{
    Services, alarms, attention, audit, bindings, broadcasts, buttons, callback_events, deliveries, drafts,
    messages, operators, pages, planning, policies, providers, receipts, retention, subscriptions,
    suppressions, unanswered,
};

/// A retry is at most this late.
const TICK: Duration = Duration::from_millis(400);
/// Steps that look through more than a few rows are taken every so many ticks.
const SELDOM: u32 = 5;
/// What only a crash or two turns at the same moment leave behind is looked for every so many ticks: each ten seconds.
const RARELY: u32 = 25;
/// What has served its time (idempotency keys, ended sessions, one-time links) is removed every so many ticks: hourly.
const HOURLY: u32 = 9_000;
/// Steps of receipts in a tick: what comes faster must not keep the rest waiting.
const RECEIPTS: usize = 20;

pub(super) async fn run(s: Services, stop: CancellationToken) {
    let mut ticks: u32 = 0;
    let mut is_removing = false;
    loop {
        if let Err(error) = tick(&s, ticks).await {
            super::trouble("sweeping", &error);
        }
        is_removing |= is_hour(ticks);
        if is_removing && ticks.is_multiple_of(SELDOM) {
            is_removing = remove(&s).await;
        }
        ticks = ticks.wrapping_add(1);
        if super::pause(&stop, TICK).await {
            return;
        }
    }
}

async fn tick(s: &Services, ticks: u32) -> Result<()> {
    for _ in 0..RECEIPTS {
        match receipts::process(s).await {
            Ok(0) => break,
            Ok(_) => {}
            // What providers tell comes later then. What is to be sent does not.
            Err(error) => {
                super::trouble("reading what providers told", &error);
                break;
            }
        }
    }
    if ticks.is_multiple_of(SELDOM) {
        // What is wrong with the log keeps nothing else from being looked after.
        if let Err(error) = audit::seal(s).await {
            super::trouble("chaining the audit log", &error);
        }
        expire(s).await?;
    }
    // An act of an operator's that cannot go on keeps nothing else from being looked after.
    if let Err(error) = attention::work(s).await {
        super::trouble("going on with what operators asked of many deliveries", &error);
    }
    if ticks.is_multiple_of(RARELY) {
        deliveries::complete_left_open(s).await?;
    }
    if ticks.is_multiple_of(HOURLY) {
        clear_out(s).await;
    }
    if is_hour(ticks) {
        told("what operators did", retention::prune(s).await);
    }
    Ok(())
}

/// What is kept for as long as somebody said is not removed at the start: whoever began a new version has an hour to say so, or to
/// go back.
const fn is_hour(ticks: u32) -> bool {
    ticks > 0 && ticks.is_multiple_of(HOURLY)
}

/// One step of removing what is kept no longer; whether another is to follow.
async fn remove(s: &Services) -> bool {
    match retention::work(s).await {
        Ok(progress) => progress != Progress::Nothing,
        Err(error) => {
            super::trouble("removing what is kept no longer", &error);
            true
        }
    }
}

/// What cannot be removed keeps nothing else from it.
fn told<T>(what: &str, done: Result<T>) {
    if let Err(error) = done {
        super::trouble(&format!("clearing out {what}"), &error);
    }
}

/// Removes what has served its time, which is the same everywhere.
async fn clear_out(s: &Services) {
    told("messages", messages::prune(s).await);
    // Those that came in while processes of an older version still ran.
    told("messages of older nodes", planning::give_departments(s).await);
    told("policies", policies::prune(s).await);
    told("operators", operators::purge(s).await);
    told("receipts", receipts::prune(s).await);
    told("providers", providers::prune(s).await);
    told("suppressions", suppressions::prune(s).await);
    told("what vendors called about", callback_events::prune(s).await);
    told("bindings", bindings::prune(s).await);
    told("drafts", drafts::prune(s).await);
    told("alarms", alarms::prune(s).await);
    told("keys of presses", broadcasts::prune(s).await);
    told("what came from buttons", buttons::prune(s).await);
    told("registrations", registrations::prune(s).await);
    told("streams that nobody reads", subscriptions::work::prune_streams(s).await);
}

/// Everything but wake-ups, once; returns how much it changed.
pub(super) async fn sweep(s: &Services) -> Result<usize> {
    let told = receipts::process(s).await? + attention::work(s).await?;
    pages::keep_left(s).await?;
    let removed = match retention::work(s).await? {
        Progress::Removed(n) => n,
        Progress::GaveWay | Progress::Nothing => 0,
    };
    Ok(told + removed + expire(s).await? + deliveries::complete_left_open(s).await?)
}

async fn expire(s: &Services) -> Result<usize> {
    // First: clearing away a message to very many takes its time.
    let mut changed = broadcasts::tick(s).await?;
    changed += deliveries::expire(s).await? as usize;
    changed += unanswered::repeat(s).await?;
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_removed_before_an_hour_has_passed() {
        let hour = (Duration::from_hours(1).as_millis() / TICK.as_millis()) as u32;
        let first = (0..2 * hour).find(|ticks| is_hour(*ticks));
        assert_eq!(first, Some(hour));
        assert_eq!((hour + 1..=2 * hour).find(|ticks| is_hour(*ticks)), Some(2 * hour));
    }
}
