//! How fast what vendors tell later is taken in and matched: texts are handed over to everyone, then their vendor tells of
//! all of them, in calls over HTTP as it makes them, one after the other.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;
use url::Url;

use super::Bench;
use super::bed::{self, Bed, CALLER, Served};
use super::report::{Aim, Figure};
use super::vendors::Vendors;
use crate::domain::channel::ChannelKind;
use crate::domain::id::MessageId;
use crate::service::{Services, messages, providers, sources};

const BENCH: &str = "receipts";
const PATIENCE: Duration = Duration::from_mins(10);
/// Between two looks at what is matched.
const LOOK: Duration = Duration::from_millis(10);
/// Receipts a second, by either vendor.
const LEAST: f64 = 5_000.0;
/// Records in a push, as Aliyun has them and gateways may.
const TOGETHER: usize = 100;
/// Receipts that come in a call each: enough to see how fast they are.
const ONE_BY_ONE: u64 = 5_000;

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let people = bench.sizes.count;
    let aliyun = Box::pin(told(bench, Vendors::with_aliyun().await?, people)).await?;
    let gateway = Box::pin(told(bench, Vendors::telling(TOGETHER).await?, people)).await?;
    let each = Box::pin(told(bench, Vendors::telling(1).await?, people.min(ONE_BY_ONE))).await?;
    let aim = Aim::AtLeast(LEAST);
    Ok(vec![
        Figure::new(BENCH, "taken in, by Aliyun", aliyun.taken, "/s").aim(aim),
        Figure::new(BENCH, "  matched, to the last", aliyun.matched, "/s").aim(aim),
        Figure::new(BENCH, "taken in, by a gateway", gateway.taken, "/s").aim(aim),
        Figure::new(BENCH, "  matched, to the last", gateway.matched, "/s").aim(aim),
        Figure::new(BENCH, "taken in, a call for each", each.taken, "/s"),
        Figure::new(BENCH, "  matched, to the last", each.matched, "/s"),
    ])
}

/// Receipts a second.
struct Rates {
    taken: f64,
    matched: f64,
}

/// Of texts to so many people.
async fn told(bench: &Bench, vendors: Vendors, people: u64) -> anyhow::Result<Rates> {
    let bed = Bed::make(bench).await?;
    let app = bed.app("web,dispatch").await?;
    let s = app.services().clone();
    let key = bed::source(&s).await?;
    let key = sources::authenticate(&s, &key).await?;
    vendors.provide(&s).await?;
    bed::people(&s, people).await?;
    let served = Served::start(app).await?;
    let mut body = bed::text();
    body["audience"] = json!({"everyone": true});
    body["channels"] = json!(["sms"]);
    let message = bed::message(&s, &key, &body).await?.id;
    messages::wait(&s, &CALLER, message, PATIENCE).await?;
    let url = address(&s).await?;

    let began = Instant::now();
    let all = people as f64;
    let taking = async {
        let answers = vendors.tell(&url).await;
        let taken = all / began.elapsed().as_secs_f64();
        let refused = answers.iter().find(|answer| answer.status != 200);
        anyhow::ensure!(!answers.is_empty() && refused.is_none(), "a push was answered {refused:?}");
        Ok(taken)
    };
    let (taken, matched) = tokio::join!(taking, matched(&s, message, people, began));
    let rates = Rates { taken: taken?, matched: all / matched?.as_secs_f64() };
    vendors.stop().await;
    served.stop().await?;
    bed.remove().await?;
    Ok(rates)
}

/// Where whoever takes texts tells what became of them.
async fn address(s: &Services) -> anyhow::Result<Url> {
    let providers = providers::list(s, &CALLER).await?;
    let texts = providers.into_iter().find(|provider| provider.channel == ChannelKind::Sms);
    let url = texts.and_then(|provider| provider.callback_url).context("nobody may tell of texts")?;
    Ok(url.parse()?)
}

/// How long it takes until all of them are known to have arrived.
async fn matched(s: &Services, message: MessageId, people: u64, began: Instant) -> anyhow::Result<Duration> {
    loop {
        let delivered = messages::get(s, &CALLER, message).await?.summary.counts.all.delivered;
        if delivered as u64 == people {
            return Ok(began.elapsed());
        }
        anyhow::ensure!(
            began.elapsed() < PATIENCE,
            "of {people} texts {delivered} are known to have arrived"
        );
        tokio::time::sleep(LOOK).await;
    }
}
