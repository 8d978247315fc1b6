//! An emergency whose server is killed in the midst of its sending and started again, each a process of its own: how soon it
//! goes on, who is left out, and what comes twice.

use std::time::{Duration, Instant};

use super::Bench;
use super::bed::{self, Bed};
use super::emergency::{BENCH, CONNECTIONS, LATENCY, PATIENCE, press, sent};
use super::report::{Aim, Figure};
use super::vendors::Vendors;
use crate::domain::channel::ChannelKind;
use crate::domain::emergency::Run;

/// With fewer people vendors take longer, so that there is a midst.
const FEW: u64 = 1_000;
/// Of the texts, one in so many is handed over when it is killed.
const INTO: u64 = 4;
/// After it was killed, for what its vendors were doing.
const SETTLE: Duration = Duration::from_millis(300);
/// What a crash may repeat: deliveries handed over one by one, by a relay two for each of its connections, and one call of the
/// SMS gateway and one of WeCom.
const ONE_BY_ONE: f64 = 2.0 * CONNECTIONS as f64;
const CALLS: f64 = 100.0 + 1_000.0;

/// What a call takes, and how many connections there are to the relay, where an alert to so many people is to have a midst.
pub(super) fn lasting(people: u64) -> (Duration, u64) {
    if people < FEW { (LATENCY * 4, (people / 4).clamp(1, CONNECTIONS)) } else { (LATENCY, CONNECTIONS) }
}

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let people = bench.sizes.count;
    let (latency, connections) = lasting(people);
    let vendors = Vendors::busy(latency, connections, false).await?;
    let total = || ChannelKind::ALL.iter().map(|channel| vendors.total(*channel)).sum::<u64>();
    let bed = Bed::make(bench).await?;
    let s = bed.services().await?;
    vendors.provide(&s).await?;
    bed::people(&s, people).await?;
    let id = press(&s, Run::Live, "图书馆").await?;
    s.close().await;

    let server = bed.server("dispatch").await?;
    vendors.wait_for(ChannelKind::Sms, people.div_ceil(INTO)).await;
    server.kill().await?;
    tokio::time::sleep(latency + SETTLE).await;
    let before = total();
    let all = people * ChannelKind::ALL.len() as u64;
    anyhow::ensure!(before < all, "everything was handed over before it could be killed");

    let began = Instant::now();
    let server = bed.server("dispatch").await?;
    while total() == before {
        anyhow::ensure!(began.elapsed() < PATIENCE, "nothing was handed over any more");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let resumed = began.elapsed();
    let s = bed.services().await?;
    sent(&s, id, people, &ChannelKind::ALL).await?;
    let finished = began.elapsed();
    s.close().await;
    server.kill().await?;

    let mut lost = 0;
    let mut repeated = [0; ChannelKind::ALL.len()];
    for (channel, repeated) in ChannelKind::ALL.into_iter().zip(&mut repeated) {
        for times in (0..people).map(|person| vendors.sent_to(channel, person)) {
            lost += u64::from(times == 0);
            *repeated += times.saturating_sub(1);
        }
    }
    let of = |wanted: fn(&ChannelKind) -> bool| {
        let chosen = ChannelKind::ALL.iter().zip(&repeated).filter(|(channel, _)| wanted(channel));
        chosen.map(|(_, n)| *n).sum::<u64>() as f64
    };
    let mails = of(|channel| *channel == ChannelKind::Email);
    let others = of(|channel| *channel != ChannelKind::Email);
    vendors.stop().await;
    bed.remove().await?;
    Ok(vec![
        Figure::new(BENCH, "T7 killed and started: the next hand-over", resumed.as_secs_f64(), "s")
            .aim(Aim::AtMost(10.0)),
        Figure::new(BENCH, "  all of them", finished.as_secs_f64(), "s"),
        Figure::new(BENCH, "  never handed over", lost as f64, "deliveries").aim(Aim::AtMost(0.0)),
        Figure::new(BENCH, "  mails twice", mails, "deliveries").aim(Aim::AtMost(ONE_BY_ONE)),
        Figure::new(BENCH, "  texts and WeCom messages twice", others, "deliveries").aim(Aim::AtMost(CALLS)),
    ])
}
