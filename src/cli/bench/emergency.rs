//! How fast an emergency reaches everyone: pressed as an officer on duty presses it, by three channels whose vendors take
//! 50 ms a call, with nothing else to do, with a great many routine deliveries waiting, beside a dead channel, and how fast it
//! is stopped and corrected. It is played on a [`super::stage`]; [`super::presses`] is what is waited for over HTTP, and
//! [`super::killed`] what becomes of one whose server is killed.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;

use super::bed::{self, CALLER};
use super::report::{Aim, Figure};
use super::stage::{Load, Stage};
use super::{Bench, killed, presses};
use crate::domain::channel::ChannelKind;
use crate::domain::emergency::{Run, State};
use crate::domain::grant::Powers;
use crate::domain::id::{BroadcastId, OperatorId};
use crate::domain::operator::Role;
use crate::service::broadcasts::{self, Pressing, Times};
use crate::service::caller::OperatorCaller;
use crate::service::messages::Counts;
use crate::service::{Caller, Services, planning, scratch, sources};

pub(super) const BENCH: &str = "emergency";
/// What a call to a vendor takes, and a mail.
pub(super) const LATENCY: Duration = Duration::from_millis(50);
/// To the relay, which takes mails one by one: as many as a provider may have.
pub(super) const CONNECTIONS: u64 = 64;
/// Accounts at the relay where one alone is the narrowest place.
const ACCOUNTS: u32 = 3;
/// Routine deliveries that wait, for each person.
pub(super) const ROUTINE: u64 = 20;
pub(super) const PATIENCE: Duration = Duration::from_mins(10);
/// Where it happens.
pub(super) const PLACE: &str = "图书馆";
/// What routine deliveries that wait, or a dead gateway, may make of a time, percent of it.
pub(super) const MOST: f64 = 110.0;
/// How many times as many people are counted on the page of a press.
const CROWD: u64 = 2;
/// Deliveries a second that a vendor takes where it takes no more, and what it all may take then, of what that allows.
const HELD: u32 = 500;
const HELD_MOST: f64 = 1.2;
/// Why there is no time of a stop or a correction.
const TOO_LATE: &str = "nothing waited any more when it came";
/// People with whom this is measured: with fewer it says little, with more it takes long.
const FEWEST_HELD: u64 = 10_000;
const MOST_HELD: u64 = 50_000;

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let (alone, mut figures) = Box::pin(alone(bench)).await?;
    figures.push(Box::pin(crowd(bench)).await.context("T9")?);
    figures.extend(Box::pin(wide(bench)).await?);
    figures.extend(Box::pin(cut_short(bench)).await.context("T5")?);
    figures.extend(Box::pin(beside_a_dead_gateway(bench, &alone)).await.context("T4")?);
    figures.extend(Box::pin(beside_routine(bench, &alone)).await.context("T6")?);
    figures.extend(Box::pin(killed::run(bench)).await.context("T7")?);
    Ok(figures)
}

fn seconds(time: Option<Duration>) -> f64 {
    time.unwrap_or(PATIENCE).as_secs_f64()
}

fn millis(time: Option<Duration>) -> f64 {
    seconds(time) * 1_000.0
}

/// With nothing else to do, and how fast that was.
async fn alone(bench: &Bench) -> anyhow::Result<(Times, Vec<Figure>)> {
    let idle = Box::pin(Stage::make(bench, Load::default())).await?;
    drill(&idle.s).await?;
    let id = press(&idle.s, Run::Live, PLACE).await?;
    let published = idle.published(id).await?;
    sent(&idle.s, id, idle.people, &ChannelKind::ALL).await?;
    let times = broadcasts::times(&idle.s, &CALLER, id).await?;
    // Afterwards, so that no more is known when it is pressed than where it is pressed beside something else.
    let counted = idle.count().await?;
    let answered = Box::pin(presses::answered(&idle.s, &idle.served, idle.people)).await.context("T0")?;
    let deliveries = idle.people as f64 * 3.0;
    idle.end().await?;
    let figures = vec![
        Figure::new(BENCH, "T0 a live press for a few, the slowest of 20", millis(Some(answered.live)), "ms")
            .aim(Aim::AtMost(300.0)),
        Figure::new(BENCH, "T0 a drill for everyone, the slowest of 20", millis(Some(answered.drill)), "ms")
            .aim(Aim::AtMost(300.0)),
        Figure::new(BENCH, "T1 first call", millis(times.first_call), "ms").aim(Aim::AtMost(1_000.0)),
        Figure::new(BENCH, "T2 half of the people", seconds(times.half), "s").aim(Aim::AtMost(3.0)),
        Figure::new(BENCH, "T3 all by three channels", seconds(times.all), "s").aim(Aim::AtMost(15.0)),
        Figure::new(BENCH, "  deliveries", deliveries / seconds(times.all), "/s"),
        Figure::new(BENCH, "T8 feed and CAP document show it", millis(Some(published)), "ms")
            .aim(Aim::AtMost(1_000.0)),
        Figure::new(BENCH, "T9 its people counted before", millis(Some(counted)), "ms")
            .aim(Aim::AtMost(500.0)),
    ];
    Ok((times, figures))
}

/// The page of a press that counts more people.
async fn crowd(bench: &Bench) -> anyhow::Result<Figure> {
    let crowd = Box::pin(Stage::make(bench, Load { crowd: CROWD, ..Load::default() })).await?;
    let shown = Box::pin(presses::page(&crowd.s, &crowd.served, crowd.people)).await?;
    crowd.end().await?;
    let what = "T9 the page of twice as many, the slowest of 20";
    Ok(Figure::new(BENCH, what, millis(Some(shown)), "ms").aim(Aim::AtMost(500.0)))
}

/// By more mail accounts, and by vendors that take no more than so many a second.
async fn wide(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let wide = Box::pin(Stage::make(bench, Load { accounts: ACCOUNTS, ..Load::default() })).await?;
    let times = wide.alert(&ChannelKind::ALL).await?;
    wide.end().await?;
    let mut figures = vec![
        Figure::new(BENCH, "T2 by three mail accounts", seconds(times.half), "s").aim(Aim::AtMost(3.0)),
        Figure::new(BENCH, "T3 by three mail accounts", seconds(times.all), "s").aim(Aim::AtMost(15.0)),
    ];
    let people = bench.sizes.count;
    if (FEWEST_HELD..=MOST_HELD).contains(&people) {
        let held = Box::pin(Stage::make(bench, Load { rate: Some(HELD), ..Load::default() })).await?;
        let times = held.alert(&ChannelKind::ALL).await?;
        held.end().await?;
        let most = people as f64 / f64::from(HELD) * HELD_MOST;
        figures.push(
            Figure::new(BENCH, "T3 by vendors that take 500 a second", seconds(times.all), "s")
                .aim(Aim::AtMost(most)),
        );
    }
    Ok(figures)
}

/// One stopped in its midst, and one corrected.
async fn cut_short(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let cut = Box::pin(Stage::make(bench, Load { lasts: true, ..Load::default() })).await?;
    let stopped = cut.stopped().await?;
    let corrected = cut.corrected().await?;
    cut.end().await?;
    // Where all had gone out, nothing had to be held back, and how fast that was says nothing.
    let cut_off = |what, took, waited: i64| {
        if waited > 0 {
            Figure::new(BENCH, what, seconds(took), "s")
        } else {
            Figure::unmeasured(BENCH, what, "s", TOO_LATE)
        }
    };
    Ok(vec![
        cut_off("T5 last hand-over after a stop", stopped.times.stopped, stopped.waited)
            .aim(Aim::AtMost(2.0)),
        Figure::new(BENCH, "  the stop answered", seconds(Some(stopped.answered)), "s"),
        Figure::new(BENCH, "  waited when it came", stopped.waited as f64, "deliveries"),
        Figure::new(BENCH, "  called back by then", stopped.recalled as f64, "deliveries"),
        cut_off("T5 first of the correction", corrected.times.corrected, corrected.waited)
            .aim(Aim::AtMost(3.0)),
    ])
}

async fn beside_a_dead_gateway(bench: &Bench, alone: &Times) -> anyhow::Result<Vec<Figure>> {
    let dead = Box::pin(Stage::make(bench, Load { is_dead: true, ..Load::default() })).await?;
    let others = [ChannelKind::Email, ChannelKind::Wechat];
    let times = dead.alert(&others).await?;
    dead.end().await?;
    let of_them = |times: &Times| {
        times.channels.iter().filter(|pace| others.contains(&pace.channel)).map(|pace| pace.all).max()
    };
    let beside = of_them(&times);
    Ok(vec![
        Figure::new(BENCH, "T4 the others beside a dead gateway", seconds(beside), "s"),
        Figure::new(BENCH, "  of theirs alone", seconds(beside) / seconds(of_them(alone)) * 100.0, "%")
            .aim(Aim::AtMost(MOST)),
    ])
}

async fn beside_routine(bench: &Bench, alone: &Times) -> anyhow::Result<Vec<Figure>> {
    let busy = Box::pin(Stage::make(bench, Load { waiting: ROUTINE, ..Load::default() })).await?;
    let times = busy.alert(&ChannelKind::ALL).await?;
    busy.end().await?;
    let first = millis(times.first_call) / millis(alone.first_call) * 100.0;
    let all = seconds(times.all) / seconds(alone.all) * 100.0;
    Ok(vec![
        Figure::new(BENCH, "T6 T1 with routine deliveries waiting", millis(times.first_call), "ms"),
        Figure::new(BENCH, "  of T1 alone", first, "%").aim(Aim::AtMost(MOST)),
        Figure::new(BENCH, "T6 T3 with routine deliveries waiting", seconds(times.all), "s"),
        Figure::new(BENCH, "  of T3 alone", all, "%").aim(Aim::AtMost(MOST)),
    ])
}

/// Fires the scenario of the bench at that place, as whoever is on duty.
pub(super) async fn press(s: &Services, run: Run, place: &str) -> anyhow::Result<BroadcastId> {
    let params = [("place", place), ("meeting_point", "操场")];
    let params = params.into_iter().map(|(name, choice)| (name.to_owned(), json!(choice))).collect();
    let pressing =
        Pressing { scenario: "fire", params: &params, run, note: "", from: None, request_id: BENCH };
    let pressed = broadcasts::press(s, &officer(1), &pressing).await?;
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

/// Waits until nothing of it, nor of what was said of it afterwards, is open.
pub(super) async fn ended(s: &Services, id: BroadcastId) -> anyhow::Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        let progress = broadcasts::progress(s, &CALLER, id).await?;
        let open = |counts: &Counts| counts.pending + counts.sending;
        let left: i64 = progress.parts.iter().map(|part| open(&part.counts.all)).sum();
        if left == 0 && !progress.is_planning {
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < until, "{left} deliveries are open still");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// One that reaches nobody and is stopped at once: what is looked up once is known when it matters, wherever that is measured.
pub(super) async fn drill(s: &Services) -> anyhow::Result<()> {
    let id = press(s, Run::Drill, PLACE).await?;
    broadcasts::stop(s, &officer(1), None, id, "").await?;
    ended(s, id).await
}

/// So many people, and so many routine mails for each of them accepted and planned, which wait until somebody sends them. The
/// store has settled down after that: what is measured is that they wait, not that they were just written.
pub(super) async fn campus(s: &Services, people: u64, each: u64) -> anyhow::Result<()> {
    bed::people(s, people).await?;
    if each > 0 {
        backlog(s, each).await?;
    }
    Ok(scratch::settle_down(s).await?)
}

async fn backlog(s: &Services, each: u64) -> anyhow::Result<()> {
    let key = bed::source(s).await?;
    let key = sources::authenticate(s, &key).await?;
    for number in 0..each {
        let mut body = bed::text();
        body["title"] = json!(format!("通知 {number}"));
        body["audience"] = json!({ "everyone": true });
        body["channels"] = json!(["email"]);
        bed::message(s, &key, &body).await?;
    }
    while planning::plan_next(s, 1).await? > 0 {}
    Ok(())
}

/// Somebody who is on duty.
pub(super) fn officer(number: i64) -> Caller {
    Caller::Operator(OperatorCaller {
        id: OperatorId(number),
        name: "bench".to_owned(),
        email: "bench@campus.example".to_owned(),
        roles: vec![Role::DutyOfficer.name().to_owned()],
        powers: Powers::from(Role::DutyOfficer),
        on_duty: true,
        language: None,
    })
}
