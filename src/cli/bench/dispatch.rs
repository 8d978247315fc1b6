//! How fast deliveries are handed to vendors that answer at once, over real sockets: those of one message to everyone by
//! all three channels, the same while the SMS gateway takes calls and answers none, mails alone, and mails to a relay
//! far away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::bed::{self, Bed, CALLER, Served};
use super::report::{Aim, Figure};
use super::vendors::Vendors;
use super::{Bench, Sizes};
use crate::domain::channel::ChannelKind;
use crate::domain::id::MessageId;
use crate::domain::message::Status;
use crate::service::caller::KeyCaller;
use crate::service::{Services, messages, planning, sources};

const BENCH: &str = "dispatch";
/// One person in so many gets a message of their own.
const OWN_MESSAGE: usize = 5;
/// How long one message may take to be completed before the bench gives up.
const PATIENCE: Duration = Duration::from_mins(10);
/// From campus to a relay in another city, there and back.
const ROUND_TRIP: Duration = Duration::from_millis(20);
/// How many connections are opened to it, how many mails are enough to see how fast they are, and how fast they should be.
const FAR_AWAY: [(u64, u64, Option<f64>, [&str; 2]); 2] = [
    (16, 8_000, None, ["mails to a relay 20 ms away, 16 connections", "  of what the round trips allow, 16"]),
    (
        64,
        24_000,
        Some(2_000.0),
        ["mails to a relay 20 ms away, 64 connections", "  of what the round trips allow, 64"],
    ),
];
/// Without the gateway that is dead.
const OTHERS: [ChannelKind; 2] = [ChannelKind::Email, ChannelKind::Wechat];

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let together = Box::pin(together(bench)).await?;
    let beside = Box::pin(beside_a_dead_gateway(bench)).await?;
    let mut figures = vec![
        Figure::new(BENCH, "deliveries handed over", together.all, "/s").aim(Aim::AtLeast(10_000.0)),
        Figure::new(BENCH, "  mails", together.email, "/s"),
        Figure::new(BENCH, "  texts", together.sms, "/s"),
        Figure::new(BENCH, "  WeCom messages", together.wechat, "/s"),
        Figure::new(BENCH, "deliveries settled, to the last", together.settled, "/s"),
        Figure::new(BENCH, "mails and WeCom messages beside", together.others, "/s"),
        Figure::new(BENCH, "  with a dead SMS gateway", beside, "/s"),
        Figure::new(BENCH, "  of what it was before", beside / together.others * 100.0, "%")
            .aim(Aim::AtLeast(90.0)),
    ];
    figures.extend(Box::pin(mails(bench)).await?);
    figures.push(Figure::new(
        BENCH,
        "texts alone, by Aliyun",
        Box::pin(texts(bench, Vendors::with_aliyun().await?)).await?,
        "/s",
    ));
    let tencent = Box::pin(texts(bench, Vendors::with_tencent().await?)).await?;
    figures.push(Figure::new(BENCH, "texts alone, by Tencent", tencent, "/s"));
    for (connections, most, aim, [rate, share]) in FAR_AWAY {
        let handed = Box::pin(far_away(bench, connections, most)).await?;
        // A mail's content and the next one's envelope take one together.
        let possible = connections as f64 / ROUND_TRIP.as_secs_f64();
        let figure = Figure::new(BENCH, rate, handed, "/s");
        figures.push(match aim {
            Some(aim) => figure.aim(Aim::AtLeast(aim)),
            None => figure,
        });
        figures.push(Figure::new(BENCH, share, handed / possible * 100.0, "%"));
    }
    Ok(figures)
}

/// Texts a second by whoever takes them.
async fn texts(bench: &Bench, vendors: Vendors) -> anyhow::Result<f64> {
    let ready = Box::pin(Ready::make(bench, vendors, &[ChannelKind::Sms])).await?;
    let handed = ready.handed_over(ChannelKind::Sms).await;
    ready.settled(1).await?;
    let people = ready.people;
    ready.end(&[(ChannelKind::Sms, people)]).await?;
    Ok(handed)
}

/// Mails a second to a relay whose every answer takes a while.
async fn far_away(bench: &Bench, connections: u64, most: u64) -> anyhow::Result<f64> {
    let sizes = Sizes { count: bench.sizes.count.min(most), ..bench.sizes };
    let bench = Bench {
        folder: bench.folder.clone(),
        database: bench.database.clone(),
        queue: bench.queue.clone(),
        limited: false,
        sizes,
    };
    let vendors = Vendors::far_away(ROUND_TRIP, connections).await?;
    let ready = Box::pin(Ready::make(&bench, vendors, &[ChannelKind::Email])).await?;
    let handed = ready.handed_over(ChannelKind::Email).await;
    ready.settled(1).await?;
    let people = ready.people;
    ready.end(&[(ChannelKind::Email, people)]).await?;
    Ok(handed)
}

/// A directory, vendors, and one message to everyone that is planned and not yet sent.
struct Ready {
    bed: Bed,
    vendors: Vendors,
    served: Served,
    s: Services,
    key: Arc<KeyCaller>,
    message: MessageId,
    people: u64,
    began: Instant,
}

impl Ready {
    /// From its last step on deliveries are handed over.
    async fn make(bench: &Bench, vendors: Vendors, channels: &[ChannelKind]) -> anyhow::Result<Self> {
        let people = bench.sizes.count;
        let bed = Bed::make(bench).await?;
        let app = bed.app("dispatch").await?;
        let s = app.services().clone();
        let key = bed::source(&s).await?;
        let key = sources::authenticate(&s, &key).await?;
        vendors.provide(&s).await?;
        bed::people(&s, people).await?;
        let mut body = bed::text();
        body["audience"] = json!({"everyone": true});
        body["channels"] = json!(channels);
        let message = bed::message(&s, &key, &body).await?.id;
        while planning::plan_next(&s, 1).await? > 0 {}
        let began = Instant::now();
        let served = Served::start(app).await?;
        Ok(Self { bed, vendors, served, s, key, message, people, began })
    }

    /// Deliveries a second of so many channels, by now.
    fn rate(&self, channels: usize) -> f64 {
        (self.people * channels as u64) as f64 / self.began.elapsed().as_secs_f64()
    }

    /// Waits until everybody has it by this channel.
    async fn handed_over(&self, channel: ChannelKind) -> f64 {
        self.vendors.wait_for(channel, self.people).await;
        self.rate(1)
    }

    /// Waits until the last outcome is stored.
    async fn settled(&self, channels: usize) -> anyhow::Result<f64> {
        let message = messages::wait(&self.s, &CALLER, self.message, PATIENCE).await?;
        let rate = self.rate(channels);
        let (status, sent) = (message.summary.status, message.summary.counts.all.sent);
        let all = self.people as i64 * channels as i64;
        anyhow::ensure!(
            status == Status::Completed && sent == all,
            "{sent} of {all} deliveries were sent, and the message is {status}"
        );
        Ok(rate)
    }

    /// `most`: how many each vendor may have taken.
    async fn end(self, most: &[(ChannelKind, u64)]) -> anyhow::Result<()> {
        // Calls that hang end with their gateway.
        let totals = self.vendors.stop().await;
        self.served.stop().await?;
        for (channel, most) in most {
            let twice = totals.of(*channel).saturating_sub(*most);
            anyhow::ensure!(twice == 0, "{twice} deliveries by {channel} came twice");
        }
        self.bed.remove().await
    }
}

/// Deliveries a second.
struct Rates {
    all: f64,
    email: f64,
    sms: f64,
    wechat: f64,
    others: f64,
    settled: f64,
}

async fn together(bench: &Bench) -> anyhow::Result<Rates> {
    let ready = Box::pin(Ready::make(bench, Vendors::start().await?, &ChannelKind::ALL)).await?;
    let others = async {
        let [email, wechat] = OTHERS.map(|channel| ready.handed_over(channel));
        let (email, wechat) = tokio::join!(email, wechat);
        (email, wechat, ready.rate(OTHERS.len()))
    };
    let ((email, wechat, others), sms) = tokio::join!(others, ready.handed_over(ChannelKind::Sms));
    let all = ready.rate(ChannelKind::ALL.len());
    let settled = ready.settled(ChannelKind::ALL.len()).await?;
    let people = ready.people;
    ready.end(&ChannelKind::ALL.map(|channel| (channel, people))).await?;
    Ok(Rates { all, email, sms, wechat, others, settled })
}

/// Deliveries a second by the other channels.
async fn beside_a_dead_gateway(bench: &Bench) -> anyhow::Result<f64> {
    let ready =
        Box::pin(Ready::make(bench, Vendors::with_a_dead_gateway().await?, &ChannelKind::ALL)).await?;
    let [email, wechat] = OTHERS.map(|channel| ready.handed_over(channel));
    tokio::join!(email, wechat);
    let rate = ready.rate(OTHERS.len());
    anyhow::ensure!(ready.vendors.total(ChannelKind::Sms) == 0, "the dead gateway took something");
    let people = ready.people;
    ready.end(&OTHERS.map(|channel| (channel, people))).await?;
    Ok(rate)
}

/// Mails alone: those of a message to everyone, planned before, and of messages to one person each, planned meanwhile.
async fn mails(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let ready = Box::pin(Ready::make(bench, Vendors::start().await?, &[ChannelKind::Email])).await?;
    ready.vendors.wait_for(ChannelKind::Email, 1).await;
    let first = ready.began.elapsed();
    let handed = ready.handed_over(ChannelKind::Email).await;
    ready.settled(1).await?;

    let people = ready.people;
    let own: Vec<_> = (0..people)
        .step_by(OWN_MESSAGE)
        .map(|number| {
            let mut body = bed::text();
            body["audience"] = json!({"recipients": [bed::campus_id(number)]});
            body["channels"] = json!(["email"]);
            body
        })
        .collect();
    let all = people + own.len() as u64;
    let began = Instant::now();
    bed::messages(&ready.s, &ready.key, &own).await?;
    ready.vendors.wait_for(ChannelKind::Email, all).await;
    let took = began.elapsed();
    ready.end(&[(ChannelKind::Email, all)]).await?;
    Ok(vec![
        Figure::new(BENCH, "mails alone", handed, "/s").aim(Aim::AtLeast(8_000.0)),
        Figure::new(
            BENCH,
            "messages to one person, accepted to handed over",
            own.len() as f64 / took.as_secs_f64(),
            "/s",
        ),
        Figure::new(BENCH, "start to the first mail", first.as_secs_f64() * 1_000.0, "ms"),
    ])
}
