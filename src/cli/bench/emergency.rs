//! How fast an emergency reaches everyone: pressed as an officer on duty presses it, by three channels whose vendors take
//! 50 ms a call, with nothing else to do, with a great many routine deliveries waiting, beside a dead channel, and how fast it
//! is stopped and corrected. [`super::killed`] is what becomes of one whose server is killed.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::Client;
use serde_json::json;

use super::Bench;
use super::bed::{self, Bed, CALLER, Served};
use super::killed;
use super::report::{Aim, Figure};
use super::vendors::Vendors;
use crate::domain::channel::ChannelKind;
use crate::domain::emergency::{Run, State};
use crate::domain::grant::Powers;
use crate::domain::id::{BroadcastId, OperatorId};
use crate::domain::operator::Role;
use crate::service::broadcasts::{self, Pressing};
use crate::service::caller::OperatorCaller;
use crate::service::messages::Counts;
use crate::service::{Caller, Services, planning, sources};

pub(super) const BENCH: &str = "emergency";
/// What a call to a vendor takes, and a mail.
pub(super) const LATENCY: Duration = Duration::from_millis(50);
/// To the relay, which takes mails one by one: as many as a provider may have.
pub(super) const CONNECTIONS: u64 = 64;
/// Accounts at the relay where one alone is the narrowest place.
const ACCOUNTS: u32 = 3;
/// Routine deliveries that wait, for each person.
const ROUTINE: u64 = 20;
pub(super) const PATIENCE: Duration = Duration::from_mins(10);
/// Drills in a row, for the answer's time.
const DRILLS: usize = 20;

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let people = bench.sizes.count as f64;
    let mut figures = Vec::new();
    let ms = |value: Option<Duration>| value.unwrap_or(PATIENCE).as_secs_f64() * 1_000.0;
    let s = |value: Option<Duration>| value.unwrap_or(PATIENCE).as_secs_f64();

    let idle = Box::pin(Stage::make(bench, Load::default())).await?;
    let answered = idle.drills().await?;
    figures.push(
        Figure::new(BENCH, "T0 a press answered, the slowest of 20", ms(Some(answered)), "ms")
            .aim(Aim::AtMost(300.0)),
    );
    let counted = idle.count().await?;
    figures.push(
        Figure::new(BENCH, "T9 its people counted before", ms(Some(counted)), "ms").aim(Aim::AtMost(500.0)),
    );
    let id = press(&idle.s, Run::Live, "图书馆").await?;
    let published = idle.published(id).await?;
    sent(&idle.s, id, idle.people, &ChannelKind::ALL).await?;
    let alone = broadcasts::times(&idle.s, &CALLER, id).await?;
    figures.push(Figure::new(BENCH, "T1 first call", ms(alone.first_call), "ms").aim(Aim::AtMost(1_000.0)));
    figures.push(Figure::new(BENCH, "T2 half of the people", s(alone.half), "s").aim(Aim::AtMost(3.0)));
    figures.push(Figure::new(BENCH, "T3 all by three channels", s(alone.all), "s").aim(Aim::AtMost(15.0)));
    figures.push(Figure::new(BENCH, "  deliveries", people * 3.0 / s(alone.all), "/s"));
    figures.push(
        Figure::new(BENCH, "T8 feed and CAP document show it", ms(Some(published)), "ms")
            .aim(Aim::AtMost(1_000.0)),
    );
    idle.end().await?;

    let wide = Box::pin(Stage::make(bench, Load { accounts: ACCOUNTS, ..Load::default() })).await?;
    let widely = wide.alert("图书馆", &ChannelKind::ALL).await?;
    figures.push(Figure::new(BENCH, "T2 by three mail accounts", s(widely.half), "s").aim(Aim::AtMost(3.0)));
    figures.push(Figure::new(BENCH, "T3 by three mail accounts", s(widely.all), "s").aim(Aim::AtMost(15.0)));
    wide.end().await?;

    let cut = Box::pin(Stage::make(bench, Load::default())).await?;
    let cut_times = cut.stopped().await?;
    figures.push(
        Figure::new(BENCH, "T5 last hand-over after a stop", s(cut_times.stopped), "s").aim(Aim::AtMost(2.0)),
    );
    figures.push(
        Figure::new(BENCH, "T5 first of the correction", s(cut_times.corrected), "s").aim(Aim::AtMost(3.0)),
    );
    cut.end().await?;

    let dead = Box::pin(Stage::make(bench, Load { is_dead: true, ..Load::default() })).await?;
    let others = [ChannelKind::Email, ChannelKind::Wechat];
    let beside = dead.alert("图书馆", &others).await?;
    let beside =
        beside.channels.iter().filter(|pace| others.contains(&pace.channel)).map(|pace| pace.all).max();
    figures.push(Figure::new(BENCH, "T4 the others beside a dead gateway", s(beside), "s"));
    figures
        .push(Figure::new(BENCH, "  of T3", s(beside) / s(alone.all) * 100.0, "%").aim(Aim::AtMost(110.0)));
    dead.end().await?;

    let busy = Box::pin(Stage::make(bench, Load { waiting: ROUTINE, ..Load::default() })).await?;
    let loaded = busy.alert("图书馆", &ChannelKind::ALL).await?;
    figures.push(Figure::new(BENCH, "T6 T1 with routine deliveries waiting", ms(loaded.first_call), "ms"));
    figures.push(Figure::new(BENCH, "T6 T3 with routine deliveries waiting", s(loaded.all), "s"));
    figures.push(
        Figure::new(BENCH, "  of T3 alone", s(loaded.all) / s(alone.all) * 100.0, "%")
            .aim(Aim::AtMost(110.0)),
    );
    busy.end().await?;
    figures.extend(killed::run(bench).await.context("T7")?);
    Ok(figures)
}

/// Fires the scenario of the bench at that place, as whoever is on duty.
pub(super) async fn press(s: &Services, run: Run, place: &str) -> anyhow::Result<BroadcastId> {
    let params = [("place", place), ("meeting_point", "操场")];
    let params = params.into_iter().map(|(name, choice)| (name.to_owned(), json!(choice))).collect();
    let pressing =
        Pressing { scenario: "fire", params: &params, run, note: "", from: None, request_id: BENCH };
    let pressed = broadcasts::press(s, &officer(), &pressing).await?;
    anyhow::ensure!(pressed.state == State::Live, "the broadcast is {}", pressed.state);
    Ok(pressed.id)
}

/// Waits until these channels have handed it over to all people and stored what came of it.
pub(super) async fn sent(
    s: &Services,
    id: BroadcastId,
    people: u64,
    channels: &[ChannelKind],
) -> anyhow::Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        let progress = broadcasts::progress(s, &CALLER, id).await?;
        let of_them = || progress.channels.iter().filter(|one| channels.contains(&one.channel));
        let sent: i64 = of_them().map(|one| one.counts.sent + one.counts.delivered).sum();
        if sent as u64 >= people * channels.len() as u64 {
            return Ok(());
        }
        let ended: Vec<_> = of_them()
            .flat_map(|one| {
                let Counts { failed, expired, cancelled, suppressed, .. } = one.counts;
                let ended = [
                    ("failed", failed),
                    ("expired", expired),
                    ("cancelled", cancelled),
                    ("suppressed", suppressed),
                ];
                let some = ended.into_iter().filter(|(_, n)| *n > 0);
                some.map(|(what, n)| format!("{n} {what} by {}", one.channel.name()))
            })
            .collect();
        anyhow::ensure!(ended.is_empty(), "it does not reach everybody: {}", ended.join(", "));
        anyhow::ensure!(Instant::now() < until, "{sent} deliveries were sent, and no more");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// What makes it hard, or easy.
struct Load {
    /// The gateway takes calls and answers none.
    is_dead: bool,
    /// Routine deliveries for each person, accepted and planned and not sent yet.
    waiting: u64,
    /// Of the mail relay.
    accounts: u32,
}

impl Default for Load {
    fn default() -> Self {
        Self { is_dead: false, waiting: 0, accounts: 1 }
    }
}

/// A campus whose vendors take their time, served.
struct Stage {
    bed: Bed,
    vendors: Vendors,
    served: Served,
    s: Services,
    people: u64,
}

impl Stage {
    async fn make(bench: &Bench, load: Load) -> anyhow::Result<Self> {
        let Load { is_dead, waiting, accounts } = load;
        let people = bench.sizes.count;
        let vendors = Vendors::busy(LATENCY, CONNECTIONS, is_dead).await?.with_accounts(accounts);
        let bed = Bed::make(bench).await?;
        let app = bed.app("web,dispatch").await?;
        let s = app.services().clone();
        vendors.provide(&s).await?;
        bed::people(&s, people).await?;
        if waiting > 0 {
            let key = bed::source(&s).await?;
            let key = sources::authenticate(&s, &key).await?;
            for number in 0..waiting {
                let mut body = bed::text();
                body["title"] = json!(format!("通知 {number}"));
                body["audience"] = json!({ "everyone": true });
                body["channels"] = json!(["email"]);
                bed::message(&s, &key, &body).await?;
            }
            while planning::plan_next(&s, 1).await? > 0 {}
        }
        let served = Served::start(app).await?;
        Ok(Self { bed, vendors, served, s, people })
    }

    /// The slowest answer to a press, of drills at one place after another.
    async fn drills(&self) -> anyhow::Result<Duration> {
        let places = ["图书馆", "第一教学楼", "第二教学楼", "实验楼", "食堂"];
        let mut slowest = Duration::ZERO;
        for number in 0..DRILLS {
            let began = Instant::now();
            let id = press(&self.s, Run::Drill, places[number % places.len()]).await?;
            slowest = slowest.max(began.elapsed());
            broadcasts::stop(&self.s, &officer(), None, id, "").await?;
        }
        Ok(slowest)
    }

    async fn count(&self) -> anyhow::Result<Duration> {
        let params = [("place", "图书馆"), ("meeting_point", "操场")];
        let params = params.into_iter().map(|(name, choice)| (name.to_owned(), json!(choice))).collect();
        let began = Instant::now();
        let seen = broadcasts::foresee(&self.s, &officer(), "fire", &params, Run::Live).await?;
        let took = began.elapsed();
        let total = seen.preview.audience.total as u64;
        anyhow::ensure!(total == self.people, "{total} of {} people were counted", self.people);
        Ok(took)
    }

    /// Sends one to everyone and waits until these channels have handed it over and stored what came of it.
    async fn alert(&self, place: &str, channels: &[ChannelKind]) -> anyhow::Result<broadcasts::Times> {
        let id = press(&self.s, Run::Live, place).await?;
        sent(&self.s, id, self.people, channels).await?;
        Ok(broadcasts::times(&self.s, &CALLER, id).await?)
    }

    /// How long it takes until whoever follows the feed finds it there, with its document. Called as soon as the press is
    /// answered.
    async fn published(&self, id: BroadcastId) -> anyhow::Result<Duration> {
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

    /// Corrects one in the midst of its sending.
    async fn stopped(&self) -> anyhow::Result<broadcasts::Times> {
        let id = press(&self.s, Run::Live, "图书馆").await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        broadcasts::correct(&self.s, &officer(), None, id, BENCH).await?;
        let until = Instant::now() + PATIENCE;
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let progress = broadcasts::progress(&self.s, &CALLER, id).await?;
            let open = |counts: &Counts| counts.pending + counts.sending;
            let left: i64 = progress.parts.iter().map(|part| open(&part.counts.all)).sum();
            if left == 0 && !progress.is_planning {
                break;
            }
            anyhow::ensure!(Instant::now() < until, "{left} deliveries are open still");
        }
        Ok(broadcasts::times(&self.s, &CALLER, id).await?)
    }

    async fn end(self) -> anyhow::Result<()> {
        self.vendors.stop().await;
        self.served.stop().await?;
        self.bed.remove().await
    }
}

/// Who is on duty.
fn officer() -> Caller {
    Caller::Operator(OperatorCaller {
        id: OperatorId(1),
        name: "bench".to_owned(),
        email: "bench@campus.example".to_owned(),
        roles: vec![Role::DutyOfficer.name().to_owned()],
        powers: Powers::from(Role::DutyOfficer),
        on_duty: true,
        language: None,
    })
}
