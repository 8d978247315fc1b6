//! How long one message to everyone takes to become a delivery for each person and channel.

use std::time::Instant;

use serde_json::json;

use super::Bench;
use super::bed::{self, Bed, CALLER};
use super::report::{Aim, Figure, MIB};
use crate::domain::channel::ChannelKind;
use crate::domain::provider::ProviderKind;
use crate::domain::recipient::OptOut;
use crate::service::{messages, planning, recipients, sources};
use crate::telemetry::process;

const BENCH: &str = "fanout";
/// One person in so many has opted out, as some have everywhere.
const OPTED_OUT: usize = 500;
/// The aims are for this many people.
const PEOPLE: u64 = 50_000;

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let people = bench.sizes.count;
    let bed = Bed::make(&bench.folder, bench.database.as_deref()).await?;
    let app = bed.app("web").await?;
    let s = app.services();
    let key = bed::source(s).await?;
    let key = sources::authenticate(s, &key).await?;
    for channel in ChannelKind::ALL {
        bed::provider(s, channel, ProviderKind::Sandbox, json!({})).await?;
    }
    bed::people(s, people).await?;
    let no_exams =
        OptOut { channel: Some(ChannelKind::Sms), topic: "academic.#".parse().map_err(anyhow::Error::msg)? };
    for number in (0..people).step_by(OPTED_OUT) {
        recipients::set_opt_outs(s, &CALLER, &bed::campus_id(number), std::slice::from_ref(&no_exams))
            .await?;
    }
    let mut body = bed::text();
    body["audience"] = json!({"everyone": true});
    let message = bed::message(s, &key, &body).await?;

    let before = process::own_memory();
    let began = Instant::now();
    while planning::plan_next(s, 1).await? > 0 {}
    let took = began.elapsed().as_secs_f64();
    let after = process::own_memory();

    let counts = messages::get(s, &CALLER, message.id).await?.summary.counts.all;
    let planned = people as i64 * ChannelKind::ALL.len() as i64;
    anyhow::ensure!(counts.planned == planned, "{} of {planned} deliveries were planned", counts.planned);
    anyhow::ensure!(counts.suppressed > 0, "nobody's opt-out was heeded");
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
