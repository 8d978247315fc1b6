//! How long one message to everyone takes to become a delivery for each person and channel, with rules to be put to it,
//! and with wishes, a policy and addresses that are left alone to be heeded.

use std::time::Instant;

use serde_json::json;

use super::Bench;
use super::bed::{self, Bed, CALLER};
use super::campus::{self, Spared};
use super::report::{Aim, Figure, MIB};
use crate::domain::channel::ChannelKind;
use crate::domain::provider::ProviderKind;
use crate::service::{messages, planning, sources};
use crate::telemetry::process;

const BENCH: &str = "fanout";
/// The aims are for this many people.
const PEOPLE: u64 = 50_000;

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let people = bench.sizes.count;
    let bed = Bed::make(bench).await?;
    let app = bed.app("web").await?;
    let s = app.services();
    let key = bed::source(s).await?;
    let key = sources::authenticate(s, &key).await?;
    for channel in ChannelKind::ALL {
        bed::provider(s, channel, ProviderKind::Sandbox, json!({}), None).await?;
    }
    bed::people(s, people).await?;
    let Spared(spared) = campus::furnish(s, people).await?;
    let mut body = bed::text();
    body["audience"] = json!({"everyone": true});
    let message = bed::message(s, &key, &body).await?;

    let before = process::own_memory();
    let began = Instant::now();
    while planning::plan_next(s, 1).await? > 0 {}
    let took = began.elapsed().as_secs_f64();
    let after = process::own_memory();

    let message = messages::get(s, &CALLER, message.id).await?;
    let counts = message.summary.counts.all;
    let planned = people as i64 * ChannelKind::ALL.len() as i64;
    anyhow::ensure!(counts.planned == planned, "{} of {planned} deliveries were planned", counts.planned);
    anyhow::ensure!(
        counts.suppressed == spared,
        "{} deliveries were suppressed instead of {spared}",
        counts.suppressed
    );
    anyhow::ensure!(message.matched_rules.len() > 1, "the rules did not match");
    s.close().await;
    drop(app);
    bed.remove().await?;

    let most = if bench.database.is_none() { 1.0 } else { 2.0 };
    let time = Figure::new(BENCH, "one message planned for everyone", took, "s");
    let mut figures = vec![
        if people == PEOPLE { time.aim(Aim::AtMost(most)) } else { time },
        Figure::new(BENCH, "deliveries planned", planned as f64 / took, "/s"),
    ];
    if let (Some(before), Some(after)) = (before, after) {
        let gained = after.peak.saturating_sub(before.resident) as f64 / MIB;
        figures.push(Figure::new(BENCH, "memory gained at most", gained, "MiB"));
    }
    Ok(figures)
}
