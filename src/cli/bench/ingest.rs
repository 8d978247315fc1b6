//! How many messages a second are taken: each answered after it is on disk.
//!
//! The server runs as `web` alone, so that what is measured is intake; a client in the same process shares its cores.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;

use super::bed::{self, Bed, CALLER, Served};
use super::load::{self, Plan, Tally, Until};
use super::report::{Aim, Figure};
use super::request::{Request, Requests};
use super::{Bench, Sizes};
use crate::service::{Services, groups};

const BENCH: &str = "ingest";
const PATH: &str = "/api/v1/messages";
const GROUP: &str = "freshmen";

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let bed = Bed::make(bench).await?;
    let app = bed.app("web").await?;
    let s = app.services().clone();
    let key = bed::source(&s).await?;
    audience(&s).await?;
    let served = Served::start(app).await?;

    let Sizes { seconds, connections, .. } = bench.sizes;
    let measured = Until::Passed(Duration::from_secs(seconds));
    let request = request(served.address, &key);
    let ask = |request, until| measure(plan(served.address, request, connections, until));
    ask(request.clone(), warm_up(connections)).await?;
    let plain = ask(request, measured).await?;
    let once = Request::post_once(served.address, PATH, &key, body().as_bytes(), "bench");
    let keyed = ask(once, measured).await?;
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

/// Whom the messages are for: nobody who is there.
pub(super) async fn audience(s: &Services) -> anyhow::Result<()> {
    let group = json!({"name": "新生", "kind": "dynamic", "where": "grade = 2031"});
    groups::put(s, &CALLER, GROUP, &group).await?;
    Ok(())
}

fn body() -> String {
    let mut body = bed::text();
    body["audience"] = json!({"groups": [GROUP]});
    body.to_string()
}

pub(super) fn request(address: SocketAddr, key: &str) -> Request {
    Request::post(address, PATH, key, body().as_bytes())
}

pub(super) fn plan(address: SocketAddr, request: Request, connections: usize, until: Until) -> Plan {
    Plan { address, requests: Requests::Alike(request), connections, status: 202, until }
}

/// Enough for what is looked up once to be known.
pub(super) fn warm_up(connections: usize) -> Until {
    Until::Answered(connections as u64 * 20)
}

pub(super) async fn measure(plan: Plan) -> anyhow::Result<Tally> {
    let tally = tokio::task::spawn_blocking(|| load::run(plan)).await??;
    if let Some(failure) = &tally.first_failure {
        anyhow::bail!("{} request(s) failed; the first {failure}", tally.failures);
    }
    anyhow::ensure!(tally.answers() > 0, "nothing was answered");
    Ok(tally)
}
