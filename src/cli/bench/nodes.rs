//! What several nodes do together: one, and then three, each a process of its own, on one PostgreSQL server and one broker.
//! Client and vendors are this process, and all of them share this machine's cores: three nodes are to cost little, not to
//! be faster.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use super::bed::{self, Bed, CALLER};
use super::cpu::{Cost, Used};
use super::emergency::{CONNECTIONS, LATENCY, MOST, PATIENCE, PLACE, ROUTINE, campus, drill, press, sent};
use super::load::Until;
use super::process::Server;
use super::report::{Aim, Figure};
use super::vendors::Vendors;
use super::{Bench, Sizes, ingest};
use crate::domain::channel::ChannelKind;
use crate::domain::emergency::Run;
use crate::service::{Services, broadcasts, messages, sources};

const BENCH: &str = "nodes";
const SEVERAL: usize = 3;
/// Of what one node does, percent.
const LEAST: f64 = 80.0;
/// Of an alert's rate with nothing else to do, percent: it may take a tenth longer.
const LEAST_BESIDE: f64 = 100.0 * 100.0 / MOST;
/// One person in so many gets a message of their own.
const OWN_MESSAGE: usize = 5;

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let one = measured(bench, 1).await?;
    let several = measured(bench, SEVERAL).await?;
    let mut figures = Vec::new();
    let rates = [
        (["durable messages, one node", "  three nodes"], one.taken, several.taken),
        (["a message to everyone, one node", "  three nodes"], one.sent, several.sent),
        (["messages to one person, one node", "  three nodes"], one.own, several.own),
        (["an alert to everyone, one node", "  three nodes"], one.alert.rate, several.alert.rate),
    ];
    for ([first, then], one, several) in rates {
        let share = several.per_second / one.per_second * 100.0;
        figures.push(Figure::new(BENCH, first, one.per_second, "/s"));
        figures.extend(Cost::figures(one.cost, BENCH));
        figures.push(Figure::new(BENCH, then, several.per_second, "/s"));
        figures.extend(Cost::figures(several.cost, BENCH));
        figures.push(Figure::new(BENCH, "  of one", share, "%").aim(Aim::AtLeast(LEAST)));
    }
    let first = |alert: &Alert| alert.first_call.as_secs_f64() * 1_000.0;
    figures.push(Figure::new(BENCH, "the alert's first call, one node", first(&one.alert), "ms"));
    figures.push(Figure::new(BENCH, "  three nodes", first(&several.alert), "ms"));
    let beside = [
        (["an alert with routine deliveries waiting, one node", "its first call, one node"], &one),
        (["an alert with routine deliveries waiting, three nodes", "its first call, three nodes"], &several),
    ];
    for ([rate, call], rates) in beside {
        let Rates { alert: alone, beside, .. } = rates;
        figures.push(Figure::new(BENCH, rate, beside.rate.per_second, "/s"));
        let share = beside.rate.per_second / alone.rate.per_second * 100.0;
        figures.push(Figure::new(BENCH, "  of it alone", share, "%").aim(Aim::AtLeast(LEAST_BESIDE)));
        figures.push(Figure::new(BENCH, call, first(beside), "ms"));
        let share = first(beside) / first(alone) * 100.0;
        figures.push(Figure::new(BENCH, "  of it alone", share, "%").aim(Aim::AtMost(MOST)));
    }
    Ok(figures)
}

/// All nodes together, a second.
struct Rates {
    /// Messages.
    taken: Rate,
    /// Deliveries of one message to everyone by three channels, from its acceptance until the last is settled.
    sent: Rate,
    /// Messages to one person each, from the first that is accepted to the last that is handed over.
    own: Rate,
    alert: Alert,
    /// With routine deliveries waiting.
    beside: Alert,
}

struct Alert {
    /// Deliveries to everyone by three channels, from its press until the last is handed over.
    rate: Rate,
    first_call: Duration,
}

#[derive(Clone, Copy)]
struct Rate {
    per_second: f64,
    /// What one of them takes of the machine.
    cost: Option<Cost>,
}

async fn measured(bench: &Bench, count: usize) -> anyhow::Result<Rates> {
    let taken = taken(bench, count).await?;
    let (sent, own) = routine(bench, count).await?;
    let alone = Box::pin(alert(bench, count, 0)).await?;
    let beside = Box::pin(alert(bench, count, ROUTINE)).await?;
    Ok(Rates { taken, sent, own, alert: alone, beside })
}

/// Nodes that serve from one store, which this process looks into.
struct Nodes {
    bed: Bed,
    s: Services,
    servers: Vec<Server>,
}

impl Nodes {
    /// `prepare` has the store to itself.
    async fn start(
        bench: &Bench,
        count: usize,
        roles: &str,
        prepare: impl AsyncFnOnce(&Services) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let bed = Bed::make(bench).await?;
        let s = bed.services().await?;
        prepare(&s).await?;
        let mut servers = Vec::with_capacity(count);
        for _ in 0..count {
            servers.push(bed.server(roles).await?);
        }
        Ok(Self { bed, s, servers })
    }

    fn used(&self) -> Option<Used> {
        let ids: Option<Vec<u32>> = self.servers.iter().map(Server::id).collect();
        Used::now(ids?)
    }

    /// Of so many pieces that were all there was to do since then.
    fn cost(&self, since: Option<Used>, pieces: f64) -> Option<Cost> {
        Some(self.used()?.each(since?, pieces))
    }

    async fn end(self) -> anyhow::Result<()> {
        for server in self.servers {
            server.kill().await?;
        }
        self.s.close().await;
        self.bed.remove().await
    }
}

/// Each node is asked over its share of the connections.
async fn taken(bench: &Bench, count: usize) -> anyhow::Result<Rate> {
    let mut key = None;
    let nodes = Nodes::start(bench, count, "web", async |s| {
        key = Some(bed::source(s).await?);
        ingest::audience(s).await
    })
    .await?;
    let key = key.unwrap_or_default();
    let Sizes { seconds, connections, .. } = bench.sizes;
    let each = (connections / count).max(1);
    let ask = async |until: Until| -> anyhow::Result<f64> {
        let mut asking = JoinSet::new();
        for server in &nodes.servers {
            let request = ingest::request(server.address, &key);
            asking.spawn(ingest::measure(ingest::plan(server.address, request, each, until)));
        }
        let mut rate = 0.0;
        while let Some(tally) = asking.join_next().await {
            rate += tally??.per_second();
        }
        Ok(rate)
    };
    // Each answers as many as one alone does.
    ask(ingest::warm_up(connections)).await?;
    let before = nodes.used();
    let began = Instant::now();
    let per_second = ask(Until::Passed(Duration::from_secs(seconds))).await?;
    let cost = nodes.cost(before, per_second * began.elapsed().as_secs_f64());
    nodes.end().await?;
    Ok(Rate { per_second, cost })
}

/// Deliveries of a message to everyone, and messages to one person each.
async fn routine(bench: &Bench, count: usize) -> anyhow::Result<(Rate, Rate)> {
    let people = bench.sizes.count;
    let vendors = Vendors::start().await?;
    let mut key = None;
    let nodes = Nodes::start(bench, count, "dispatch", async |s| {
        key = Some(bed::source(s).await?);
        vendors.provide(s).await?;
        Box::pin(campus(s, people, 0)).await
    })
    .await?;
    let s = &nodes.s;
    let key = sources::authenticate(s, &key.unwrap_or_default()).await?;
    let mut body = bed::text();
    body["audience"] = json!({"everyone": true});
    body["channels"] = json!(ChannelKind::ALL);
    let all = people * ChannelKind::ALL.len() as u64;
    let before = nodes.used();
    let began = Instant::now();
    let message = bed::message(s, &key, &body).await?.id;
    let message = messages::wait(s, &CALLER, message, PATIENCE).await?;
    let took = began.elapsed();
    let cost = nodes.cost(before, all as f64);
    let sent = Rate { per_second: all as f64 / took.as_secs_f64(), cost };
    let settled = message.summary.counts.all.sent as u64;
    anyhow::ensure!(settled == all, "{settled} of {all} deliveries were sent");

    let own: Vec<_> = (0..people)
        .step_by(OWN_MESSAGE)
        .map(|number| {
            let mut body = bed::text();
            body["audience"] = json!({"recipients": [bed::campus_id(number)]});
            body["channels"] = json!(["email"]);
            body
        })
        .collect();
    let before = nodes.used();
    let began = Instant::now();
    bed::messages(s, &key, &own).await?;
    vendors.wait_for(ChannelKind::Email, people + own.len() as u64).await;
    let took = began.elapsed();
    let cost = nodes.cost(before, own.len() as f64);
    nodes.end().await?;
    once(vendors, &ChannelKind::ALL, all + own.len() as u64).await?;
    Ok((sent, Rate { per_second: own.len() as f64 / took.as_secs_f64(), cost }))
}

/// An alert, with so many routine mails waiting for each person when it is pressed.
async fn alert(bench: &Bench, count: usize, waiting: u64) -> anyhow::Result<Alert> {
    let people = bench.sizes.count;
    let vendors = Vendors::busy(LATENCY, CONNECTIONS, false).await?;
    let nodes = Nodes::start(bench, count, "dispatch", async |s| {
        vendors.provide(s).await?;
        Box::pin(campus(s, people, waiting)).await
    })
    .await?;
    let s = &nodes.s;
    drill(s).await?;
    let before = nodes.used();
    let id = press(s, Run::Live, PLACE).await?;
    sent(s, id, people, &ChannelKind::ALL).await?;
    let times = broadcasts::times(s, &CALLER, id).await?;
    let all = people * ChannelKind::ALL.len() as u64;
    let cost = nodes.cost(before, all as f64);
    nodes.end().await?;
    if waiting == 0 {
        once(vendors, &ChannelKind::ALL, all).await?;
    } else {
        // Nobody knows how many of the mails that waited went out.
        let others = [ChannelKind::Sms, ChannelKind::Wechat];
        once(vendors, &others, people * others.len() as u64).await?;
    }
    let took = times.all.unwrap_or(PATIENCE);
    let rate = Rate { per_second: all as f64 / took.as_secs_f64(), cost };
    Ok(Alert { rate, first_call: times.first_call.unwrap_or(PATIENCE) })
}

/// Whether nothing came twice by these channels, whichever node handed it over.
async fn once(vendors: Vendors, channels: &[ChannelKind], all: u64) -> anyhow::Result<()> {
    let totals = vendors.stop().await;
    let came: u64 = channels.iter().map(|channel| totals.of(*channel)).sum();
    anyhow::ensure!(came == all, "{came} deliveries came, and {all} were sent");
    Ok(())
}
