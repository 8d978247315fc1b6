//! How cost grows with what is stored: the same load on a small store and on a large one, each with ten deliveries and more
//! for each person, all of them ended.

use std::time::{Duration, Instant};

use serde_json::json;

use super::bed::{self, Bed, Served};
use super::console::{self, PAGES, Times};
use super::load::Until;
use super::report::{Aim, Figure};
use super::vendors::Vendors;
use super::{Bench, Sizes, ingest, stored};
use crate::domain::channel::ChannelKind;
use crate::service::caller::KeyCaller;
use crate::service::{Services, sources};

const BENCH: &str = "history";
/// People of the small store, or a tenth of the large one's.
const SMALL: u64 = 10_000;
/// One in so many of the messages to one person each is sent before the others are measured.
const WARM_UP: u64 = 10;
/// How much more anything may take on the large store.
const MOST: f64 = 1.2;

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let people = bench.sizes.count;
    let few = (people / 10).clamp(1, SMALL);
    let small = Box::pin(measured(bench, few, few)).await?;
    let large = Box::pin(measured(bench, people, few)).await?;
    let mut figures = Vec::new();
    let rates = [
        (["durable messages, small store", "  large store"], small.taken, large.taken),
        (["messages to one person, small store", "  large store"], small.own, large.own),
    ];
    for ([at_first, later], small, large) in rates {
        figures.push(Figure::new(BENCH, at_first, small, "/s"));
        figures.push(Figure::new(BENCH, later, large, "/s"));
        figures.push(
            Figure::new(BENCH, "  cost of one, large by small", small / large, "×").aim(Aim::AtMost(MOST)),
        );
    }
    for ((small, large), (_, slow)) in small.pages.iter().zip(&large.pages).zip(PAGES) {
        let (small, large) = (small.within(0.95), large.within(0.95));
        figures.push(Figure::new(BENCH, slow, large, "ms"));
        figures.push(Figure::new(BENCH, "  large by small", large / small, "×").aim(Aim::AtMost(MOST)));
    }
    Ok(figures)
}

struct Measured {
    /// Messages a second.
    taken: f64,
    /// Messages to one person each a second, from the first that is accepted to the last that is handed over.
    own: f64,
    pages: Vec<Times>,
}

/// On a store of its own with so many people, by so many messages to one person each.
async fn measured(bench: &Bench, people: u64, own: u64) -> anyhow::Result<Measured> {
    let vendors = Vendors::start().await?;
    let bed = Bed::make(bench).await?;
    let app = bed.app("web").await?;
    let s = app.services().clone();
    let key = bed::source(&s).await?;
    let caller = sources::authenticate(&s, &key).await?;
    vendors.provide(&s).await?;
    bed::people(&s, people).await?;
    ingest::audience(&s).await?;
    let message = stored::seed(&s, &caller, people).await?;
    console::enrol(&s, bench.limited).await?;
    // Each part by itself, so that none has to do with what another left behind.
    let served = Served::start(app).await?;
    let pages = console::pages(&served, message).await?;
    served.stop().await?;

    let app = bed.app("dispatch").await?;
    let s = app.services().clone();
    let caller = sources::authenticate(&s, &key).await?;
    let served = Served::start(app).await?;
    let sender = Sender { s: &s, key: &caller, vendors: &vendors, people };
    sender.send(own.div_ceil(WARM_UP)).await?;
    let own = own as f64 / sender.send(own).await?.as_secs_f64();
    served.stop().await?;

    let served = Served::start(bed.app("web").await?).await?;
    let Sizes { seconds, connections, .. } = bench.sizes;
    let request = ingest::request(served.address, &key);
    let ask = |until| ingest::measure(ingest::plan(served.address, request.clone(), connections, until));
    ask(ingest::warm_up(connections)).await?;
    let taken = ask(Until::Passed(Duration::from_secs(seconds))).await?.per_second();
    served.stop().await?;
    vendors.stop().await;
    bed.remove().await?;
    Ok(Measured { taken, own, pages })
}

struct Sender<'a> {
    s: &'a Services,
    key: &'a KeyCaller,
    vendors: &'a Vendors,
    people: u64,
}

impl Sender<'_> {
    /// Sends a mail of their own to so many people, spread over all there are, and tells how long that took.
    async fn send(&self, messages: u64) -> anyhow::Result<Duration> {
        let bodies: Vec<_> = (0..messages)
            .map(|n| {
                let mut body = bed::text();
                body["audience"] = json!({"recipients": [bed::campus_id(n * self.people / messages)]});
                body["channels"] = json!(["email"]);
                body
            })
            .collect();
        let before = self.vendors.total(ChannelKind::Email);
        let began = Instant::now();
        bed::messages(self.s, self.key, &bodies).await?;
        self.vendors.wait_for(ChannelKind::Email, before + messages).await;
        Ok(began.elapsed())
    }
}
