//! Figures for whoever watches the platform from outside: what this process counted, and what is in the store and the
//! queue at this moment. The latter come from counters and index probes, so that they cost the same whatever waits, and
//! once a second at most, however many ask.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::broadcasts::{self, Times};
use super::providers::{self, Doubt, TroubleKind};
use super::{Caller, Services, alarms, nodes, reports};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::emergency::{Run, State as Standing};
use crate::domain::id::{BroadcastId, MessageId};
use crate::domain::message::{Lane, Status};
use crate::domain::subscription::{EndpointKind, Standing as EndpointStanding};
use crate::queue::{Entry, Work};
use crate::store::{
    Dialect, broadcasts as broadcast_store, receipts, reports as store, subscriptions as endpoints,
};
use crate::telemetry::metrics::{Metrics, Sheet, catalogue as names};
use crate::telemetry::process;

/// A store that takes longer is as good as gone for whoever asks.
const PATIENCE: Duration = Duration::from_secs(2);
const FRESH: Duration = Duration::from_secs(1);
/// Messages under way whose deliveries are summed up.
const MOST_MESSAGES: u32 = 10_000;

/// Of what providers told, so much is counted.
const MOST_RECEIPTS: u32 = 10_000;
/// How often it is reckoned anew how fast a broadcast is that goes on: that looks through its deliveries.
const RECKONED: Duration = Duration::from_mins(1);
/// What was being handed over when a broadcast ended is stored after that long.
const SETTLES: Duration = Duration::from_mins(10);
/// Broadcasts among which the latest that went out is looked for.
const LOOKED_AT: u32 = 10;

/// The figures of a moment, and when that was.
#[derive(Debug, Default)]
pub(super) struct Latest(Mutex<Option<(Duration, String)>>, Mutex<HashMap<i64, Fast>>);

/// How fast the latest broadcast of a kind was.
#[derive(Clone, Debug)]
struct Fast {
    id: BroadcastId,
    version: i64,
    reckoned: Duration,
    times: Times,
}

/// Everything, in Prometheus's text format.
pub async fn render(s: &Services) -> String {
    let mut latest = s.figures.0.lock().await;
    let now = s.clock.steady();
    let moment = match latest.take().filter(|(at, _)| now.saturating_sub(*at) < FRESH && now >= *at) {
        Some(known) => known,
        None => (now, moment(s).await),
    };
    let (_, moment) = latest.insert(moment);
    s.metrics.render() + moment
}

async fn moment(s: &Services) -> String {
    let sheet = Metrics::moment();
    let database = match s.db.dialect() {
        Dialect::Sqlite => "sqlite",
        Dialect::Postgres => "postgres",
    };
    sheet.set(names::BUILD, &[("version", env!("CARGO_PKG_VERSION")), ("database", database)], 1.0);
    if let Some(memory) = process::own_memory() {
        sheet.set(names::MEMORY, &[], memory.resident as f64);
    }
    if let Some((free, total)) = s.node.disk_bytes() {
        sheet.set(names::DISK_FREE, &[], free as f64);
        sheet.set(names::DISK_TOTAL, &[], total as f64);
    }
    if let Some(silent) = s.node.silent_for(s.clock.steady()) {
        sheet.set(names::STORE_WRITE_AGE, &[], silent.as_secs_f64());
    }
    sheet.set(names::QUEUE_CONNECTED, &[], f64::from(u8::from(s.queue.trouble().is_none())));
    for lane in Lane::ALL {
        sheet.counted(names::QUEUE_RECEIVED, &[("lane", lane.name())], s.queue.received(*lane));
    }
    // A queue that is away shows by its lines being gone.
    if tokio::time::timeout(PATIENCE, queue(s, &sheet)).await.is_err() {
        tracing::warn!("figures of the queue left out: no answer in time");
    }
    for pool in s.db.pools() {
        for (state, n) in [("used", pool.used), ("most", pool.most)] {
            sheet.set(names::CONNECTIONS, &[("pool", pool.pool), ("state", state)], f64::from(n));
        }
    }
    let began = Instant::now();
    let is_up = matches!(tokio::time::timeout(PATIENCE, s.db.ping()).await, Ok(Ok(())));
    sheet.set(names::STORE_UP, &[], f64::from(u8::from(is_up)));
    if is_up {
        sheet.set(names::STORE_PING, &[], began.elapsed().as_secs_f64());
        match tokio::time::timeout(PATIENCE, stored(s, &sheet)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "figures of the store left out"),
            Err(_) => tracing::warn!("figures of the store left out: no answer in time"),
        }
        match tokio::time::timeout(PATIENCE, emergencies(s, &sheet)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "figures of broadcasts left out"),
            Err(_) => tracing::warn!("figures of broadcasts left out: no answer in time"),
        }
    }
    sheet.render()
}

async fn queue(s: &Services, sheet: &Sheet) {
    for work in Work::ALL {
        for lane in Lane::ALL {
            let Ok(waiting) = s.queue.depth(Entry { lane: *lane, work }).await else { return };
            let labels = [("work", work.name()), ("lane", lane.name())];
            sheet.set(names::QUEUE_WAITING, &labels, waiting as f64);
        }
    }
}

async fn stored(s: &Services, sheet: &Sheet) -> Result<()> {
    let now = s.clock.now();
    let open = store::open_by_lane(&s.db, MOST_MESSAGES).await?;
    let due = store::oldest_by_lane(&s.db, now).await?;
    for channel in ChannelKind::ALL {
        for lane in Lane::ALL {
            let here = |other: (ChannelKind, Lane)| other == (channel, *lane);
            let labels = [("channel", channel.name()), ("lane", lane.name())];
            let waiting: i64 = open.iter().filter(|row| here((row.channel, row.lane))).map(|row| row.n).sum();
            sheet.set(names::OPEN, &labels, waiting as f64);
            let oldest = due.iter().find(|row| here((row.channel, row.lane)));
            let since = oldest.map_or(Duration::ZERO, |row| now.since(row.due_at));
            sheet.set(names::OLDEST_DUE, &labels, since.as_secs_f64());
        }
    }
    for row in store::day_counts(&s.db, &s.campus.day(now)).await? {
        let labels = [("channel", row.channel.name()), ("state", row.state.name())];
        sheet.set(names::TODAY, &labels, row.n as f64);
    }
    let unplanned = store::oldest_unplanned(&s.db, now).await?;
    for lane in Lane::ALL {
        let oldest = unplanned.iter().find(|row| row.lane == *lane);
        let since = oldest.map_or(Duration::ZERO, |row| now.since(row.send_at));
        sheet.set(names::OLDEST_UNPLANNED, &[("lane", lane.name())], since.as_secs_f64());
    }
    let living = nodes::living(s).await?;
    for role in nodes::ROLES {
        let n = living.iter().filter(|row| row.facts.0.roles.iter().any(|of| of == role)).count();
        sheet.set(names::NODES, &[("role", role)], n as f64);
    }
    stuck(s, sheet, now).await?;
    let lag = receipts::lag(&s.db, MOST_RECEIPTS).await?;
    for (step, n) in [("unread", lag.unread), ("unmatched", lag.unmatched)] {
        sheet.set(names::RECEIPTS_WAITING, &[("step", step)], n as f64);
    }
    let oldest = lag.oldest.map_or(Duration::ZERO, |at| now.since(at));
    sheet.set(names::OLDEST_RECEIPT, &[], oldest.as_secs_f64());
    for (kind, severity, n) in alarms::by_kind(s).await? {
        sheet.set(names::ALARMS_OPEN, &[("kind", kind.name()), ("severity", severity.name())], n as f64);
    }
    subscriptions(s, sheet).await?;
    for provider in providers::health(s).await? {
        let state = match provider.trouble.map(|trouble| trouble.kind) {
            // Between two pauses nobody knows better than before the first.
            None if provider.doubt == Some(Doubt::Untried) => 1.0,
            None => 0.0,
            Some(TroubleKind::Failed) => 1.0,
            Some(TroubleKind::Paused) => 2.0,
            Some(TroubleKind::Unusable) => 3.0,
        };
        let labels = [("channel", provider.channel.name()), ("provider", provider.name.as_str())];
        sheet.set(names::PROVIDER_STATE, &labels, state);
    }
    Ok(())
}

async fn subscriptions(s: &Services, sheet: &Sheet) -> Result<()> {
    let rows = endpoints::figures(&s.db).await?;
    for kind in EndpointKind::ALL.iter().filter(|kind| kind.is_handed()) {
        let of_kind = || rows.iter().filter(|row| row.kind == *kind);
        for standing in EndpointStanding::ALL {
            let n: i64 = of_kind().filter(|row| row.standing == *standing).map(|row| row.endpoints).sum();
            let labels = [("kind", kind.name()), ("status", standing.name())];
            sheet.set(names::ENDPOINTS, &labels, n as f64);
        }
        let waiting: i64 = of_kind().map(|row| row.waiting).sum();
        sheet.set(names::TO_BE_TOLD, &[("kind", kind.name())], waiting as f64);
    }
    Ok(())
}

/// What took how long of the latest broadcast, and of the latest drill.
async fn emergencies(s: &Services, sheet: &Sheet) -> Result<()> {
    for run in [Run::Live, Run::Drill] {
        let rows = broadcast_store::list(&s.db, Some(run), None, LOOKED_AT).await?;
        let Some(row) = rows.into_iter().find(|row| row.state.has_gone_out()) else { continue };
        let mut known = s.figures.1.lock().await;
        let now = s.clock.steady();
        let goes_on =
            row.state == Standing::Live || row.ended_at.is_some_and(|at| s.clock.now().since(at) < SETTLES);
        let is_fresh = |fast: &&Fast| {
            fast.id == row.id
                && fast.version == row.version
                && (!goes_on || now.saturating_sub(fast.reckoned) < RECKONED)
        };
        let times = match known.get(&run.code()).filter(is_fresh) {
            Some(fast) => fast.times.clone(),
            None => {
                // Before it is reckoned: what takes too long is not begun again with every fetch.
                let last =
                    known.get(&run.code()).filter(|fast| fast.id == row.id).map(|fast| fast.times.clone());
                let fast = |times| Fast { id: row.id, version: row.version, reckoned: now, times };
                known.insert(run.code(), fast(last.unwrap_or_default()));
                let times = broadcasts::times(s, &Caller::Command("figures"), row.id).await?;
                known.insert(run.code(), fast(times.clone()));
                times
            }
        };
        let moments = [
            ("decided", times.decided),
            ("first_call", times.first_call),
            ("half", times.half),
            ("all", times.all),
            ("stopped", times.stopped),
            ("corrected", times.corrected),
        ];
        for (moment, took) in moments {
            if let Some(took) = took {
                let labels = [("run", run.name()), ("moment", moment)];
                sheet.set(names::EMERGENCY_SECONDS, &labels, took.as_secs_f64());
            }
        }
    }
    Ok(())
}

async fn stuck(s: &Services, sheet: &Sheet, now: Timestamp) -> Result<()> {
    let rows = store::stuck(&s.db, MessageId::first_at(now.minus(reports::WORTH_ROUTING)), None).await?;
    for status in [Status::Held, Status::Unrouted] {
        let n: i64 = rows.iter().filter(|row| row.status == status).map(|row| row.n).sum();
        sheet.set(names::STUCK, &[("status", status.name())], n as f64);
    }
    Ok(())
}
