//! How many messages a second are taken: each answered after it is on disk.
//!
//! The server runs as `web` alone, so that what is measured is intake; a client in the same process shares its cores.

use std::time::Duration;

use serde_json::json;

use super::bed::{self, Bed, CALLER, Served};
use super::load::{self, Plan, Request, Tally, Until};
use super::report::{Aim, Figure};
use super::{Bench, Sizes};
use crate::service::groups;

const BENCH: &str = "ingest";

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let bed = Bed::make(bench).await?;
    let app = bed.app("web").await?;
    let s = app.services().clone();
    let key = bed::source(&s).await?;
    groups::put(
        &s,
        &CALLER,
        "freshmen",
        &json!({"name": "新生", "kind": "dynamic", "where": "grade = 2026"}),
    )
    .await?;
    let served = Served::start(app).await?;

    let mut body = bed::text();
    body["audience"] = json!({"groups": ["freshmen"]});
    let body = body.to_string();
    let (address, path) = (served.address, "/api/v1/messages");
    let Sizes { seconds, connections, .. } = bench.sizes;
    let measured = Until::Passed(Duration::from_secs(seconds));
    let ask = |request, until| measure(Plan { address, request, connections, status: 202, until });
    ask(Request::post(address, path, &key, body.as_bytes()), Until::Answered(connections as u64 * 20))
        .await?;
    let plain = ask(Request::post(address, path, &key, body.as_bytes()), measured).await?;
    let keyed = ask(Request::post_once(address, path, &key, body.as_bytes(), "bench"), measured).await?;
    served.stop().await?;
    bed.remove().await?;

    let least = if bench.database.is_none() { 8_000.0 } else { 5_000.0 };
    let millis = |tally: &Tally, share| tally.quantile(share).as_secs_f64() * 1_000.0;
    Ok(vec![
        Figure::new(BENCH, "durable messages", plain.per_second(), "/s").aim(Aim::AtLeast(least)),
        Figure::new(BENCH, "answered, median", millis(&plain, 0.5), "ms"),
        Figure::new(BENCH, "answered, 95 %", millis(&plain, 0.95), "ms"),
        Figure::new(BENCH, "answered, 99 %", millis(&plain, 0.99), "ms").aim(Aim::AtMost(50.0)),
        Figure::new(BENCH, "answered, slowest", millis(&plain, 1.0), "ms"),
        Figure::new(BENCH, "with an Idempotency-Key", keyed.per_second(), "/s").aim(Aim::AtLeast(least)),
        Figure::new(BENCH, "  answered, 99 %", millis(&keyed, 0.99), "ms").aim(Aim::AtMost(50.0)),
    ])
}

async fn measure(plan: Plan) -> anyhow::Result<Tally> {
    let tally = tokio::task::spawn_blocking(|| load::run(plan)).await??;
    if let Some(failure) = &tally.first_failure {
        anyhow::bail!("{} request(s) failed; the first {failure}", tally.failures);
    }
    anyhow::ensure!(tally.answers() > 0, "nothing was answered");
    Ok(tally)
}
