//! What the bench of emergencies is played on: a campus whose vendors take their time, served, with what makes it hard or easy.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::Client;
use serde_json::json;

use super::bed::{Bed, CALLER, Served};
use super::emergency::{
    BENCH, CONNECTIONS, LATENCY, PATIENCE, PLACE, campus, drill, ended, officer, press, sent,
};
use super::vendors::Vendors;
use super::{Bench, killed};
use crate::domain::channel::ChannelKind;
use crate::domain::emergency::{Part, Run};
use crate::domain::id::BroadcastId;
use crate::service::Services;
use crate::service::broadcasts::{self, Times};

/// Of the mails, one in so many has been taken when an alert is cut short.
const INTO: u64 = 20;

/// What makes it hard, or easy.
pub(super) struct Load {
    /// How many times as many people as were asked for.
    pub(super) crowd: u64,
    /// The gateway takes calls and answers none.
    pub(super) is_dead: bool,
    /// Routine deliveries for each person, accepted and planned and not sent yet.
    pub(super) waiting: u64,
    /// Of the mail relay.
    pub(super) accounts: u32,
    /// Deliveries that each vendor takes in a second, where that is limited.
    pub(super) rate: Option<u32>,
    /// Vendors take longer where there are few people, so that there is a midst.
    pub(super) lasts: bool,
}

impl Default for Load {
    fn default() -> Self {
        Self { crowd: 1, is_dead: false, waiting: 0, accounts: 1, rate: None, lasts: false }
    }
}

/// A campus whose vendors take their time, served.
pub(super) struct Stage {
    bed: Bed,
    vendors: Vendors,
    pub(super) served: Served,
    pub(super) s: Services,
    pub(super) people: u64,
}

/// What a stop came to.
pub(super) struct Stopped {
    /// Until it was answered.
    pub(super) answered: Duration,
    /// Deliveries that were called back by then.
    pub(super) recalled: i64,
    /// Deliveries that waited when it came.
    pub(super) waited: i64,
    pub(super) times: Times,
}

/// What a correction came to.
pub(super) struct Corrected {
    /// Deliveries of the alert that waited when it came.
    pub(super) waited: i64,
    pub(super) times: Times,
}

impl Stage {
    pub(super) async fn make(bench: &Bench, load: Load) -> anyhow::Result<Self> {
        let Load { crowd, is_dead, waiting, accounts, rate, lasts } = load;
        let people = bench.sizes.count * crowd;
        let (latency, connections) = if lasts { killed::lasting(people) } else { (LATENCY, CONNECTIONS) };
        let vendors = Vendors::busy(latency, connections, is_dead).await?;
        let vendors = vendors.with_accounts(accounts).held_to(rate);
        let bed = Bed::make(bench).await?;
        let app = bed.app("web,dispatch").await?;
        let s = app.services().clone();
        vendors.provide(&s).await?;
        Box::pin(campus(&s, people, waiting)).await?;
        let served = Served::start(app).await?;
        Ok(Self { bed, vendors, served, s, people })
    }

    /// How long it takes to count everybody, as a page does before it shows them.
    pub(super) async fn count(&self) -> anyhow::Result<Duration> {
        let params = [("place", PLACE), ("meeting_point", "操场")];
        let params = params.into_iter().map(|(name, choice)| (name.to_owned(), json!(choice))).collect();
        let began = Instant::now();
        let seen = broadcasts::foresee(&self.s, &officer(1), "fire", &params, Run::Live).await?;
        let took = began.elapsed();
        let total = seen.preview.audience.total as u64;
        anyhow::ensure!(total == self.people, "{total} of {} people were counted", self.people);
        Ok(took)
    }

    /// Sends one to everyone and waits until these channels have handed it over and stored what came of it.
    pub(super) async fn alert(&self, channels: &[ChannelKind]) -> anyhow::Result<Times> {
        drill(&self.s).await?;
        let id = press(&self.s, Run::Live, PLACE).await?;
        sent(&self.s, id, self.people, channels).await?;
        Ok(broadcasts::times(&self.s, &CALLER, id).await?)
    }

    /// How long it takes until whoever follows the feed finds it there, with its document. Called as soon as the press is
    /// answered.
    pub(super) async fn published(&self, id: BroadcastId) -> anyhow::Result<Duration> {
        let answered = Instant::now();
        let client = Client::builder().no_proxy().build()?;
        let fetch = async |path: &str| -> anyhow::Result<String> {
            let answer = client.get(format!("http://{}{path}", self.served.address)).send().await?;
            Ok(if answer.status().is_success() { answer.text().await? } else { String::new() })
        };
        let document = format!("/feeds/cap/{id}-1.xml");
        loop {
            let is_listed = fetch("/feeds/cap.atom").await?.contains(&document);
            if is_listed && fetch(&document).await?.contains(&format!("<identifier>{id}-1<")) {
                return Ok(answered.elapsed());
            }
            anyhow::ensure!(answered.elapsed() < PATIENCE, "the feed never shows it");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Stops one in the midst of its sending, and waits until nothing of it is open.
    pub(super) async fn stopped(&self) -> anyhow::Result<Stopped> {
        let id = self.midst(PLACE).await?;
        let began = Instant::now();
        let stopped = broadcasts::stop(&self.s, &officer(1), None, id, BENCH).await?;
        let answered = began.elapsed();
        ended(&self.s, id).await?;
        let recalled: i64 =
            stopped.messages.iter().flat_map(|(_, of)| &of.recall).map(|of| of.recalled).sum();
        let waited = self.waited(id).await?;
        Ok(Stopped { answered, recalled, waited, times: broadcasts::times(&self.s, &CALLER, id).await? })
    }

    /// Corrects one in the midst of its sending, and waits until the correction is being sent.
    pub(super) async fn corrected(&self) -> anyhow::Result<Corrected> {
        // Elsewhere, so that it is not the one that was stopped.
        let id = self.midst("第一教学楼").await?;
        broadcasts::correct(&self.s, &officer(1), None, id, BENCH).await?;
        let until = Instant::now() + PATIENCE;
        loop {
            ended(&self.s, id).await?;
            let times = broadcasts::times(&self.s, &CALLER, id).await?;
            // Before it is planned nothing of the correction is open, either.
            if times.corrected.is_some() {
                return Ok(Corrected { waited: self.waited(id).await?, times });
            }
            anyhow::ensure!(Instant::now() < until, "the correction is not sent");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// One that is being sent: some of its mails were taken, which go one by one and last longest.
    async fn midst(&self, place: &str) -> anyhow::Result<BroadcastId> {
        let before = self.vendors.total(ChannelKind::Email);
        let id = press(&self.s, Run::Live, place).await?;
        let some = self.vendors.wait_for(ChannelKind::Email, before + self.people.div_ceil(INTO));
        tokio::time::timeout(PATIENCE, some).await.context("hardly any mail is taken")?;
        Ok(id)
    }

    /// Deliveries of the alert that waited when it was cut short, and never went out.
    async fn waited(&self, id: BroadcastId) -> anyhow::Result<i64> {
        let progress = broadcasts::progress(&self.s, &CALLER, id).await?;
        let alert = progress.parts.iter().find(|part| part.part == Part::Alert);
        Ok(alert.map_or(0, |part| part.counts.all.cancelled - part.recalled))
    }

    pub(super) async fn end(self) -> anyhow::Result<()> {
        self.vendors.stop().await;
        self.served.stop().await?;
        self.bed.remove().await
    }
}
