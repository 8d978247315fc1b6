//! Receipts of providers that can be asked: what became of deliveries they took.
//!
//! They are asked beside the worker, so that one that hangs keeps nothing waiting that is to be sent or renewed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::JoinSet;

use crate::Result;
use crate::channel::{self, Channel, Sent};
use crate::clock::Timestamp;
use crate::domain::channel::Outlet;
use crate::domain::delivery::State;
use crate::domain::id::ProviderId;
use crate::domain::message::Lane;
use crate::domain::said;
use crate::service::Services;
use crate::service::deliveries::{self, AskLater, Asked, ToPoll, Verdict};
use crate::service::providers::LiveProvider;

/// How often the store is asked whether a receipt is to be asked for.
const LOOK: Duration = Duration::from_millis(200);
/// Deliveries asked about in one round, and in one go of it: what is known of those before a provider hangs is kept.
const ROUND: i64 = 100;
const GO: usize = 20;
/// How long a provider has for a round.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long before a provider that knew nothing is asked again: at first, and at most.
const FIRST_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// Asks for one outlet.
pub(super) struct Polling {
    s: Services,
    outlet: Outlet,
    looked: Option<Timestamp>,
    /// One at a time.
    asking: JoinSet<()>,
}

impl Polling {
    pub fn new(s: Services, outlet: Outlet) -> Self {
        Self { s, outlet, looked: None, asking: JoinSet::new() }
    }

    /// Begins to ask for receipts if it is time to look again and nothing is being asked.
    pub fn poll_due(&mut self, live: Vec<Arc<LiveProvider>>) {
        while self.asking.try_join_next().is_some() {}
        let now = self.s.clock.now();
        let soon = self.looked.is_some_and(|at| now >= at && now.since(at) < LOOK);
        if soon || !self.asking.is_empty() {
            return;
        }
        self.looked = Some(now);
        let (s, outlet) = (self.s.clone(), self.outlet);
        self.asking.spawn(async move {
            if let Err(error) = ask_all(&s, outlet, &live).await {
                super::trouble("asking for receipts", &error);
            }
        });
    }

    /// Asks for all receipts that are due; returns how many were asked about.
    pub async fn poll(&self, live: &[Arc<LiveProvider>]) -> Result<usize> {
        ask_all(&self.s, self.outlet, live).await
    }

    /// Asks for nothing more.
    pub fn stop(&mut self) {
        self.asking.abort_all();
    }
}

async fn ask_all(s: &Services, outlet: Outlet, live: &[Arc<LiveProvider>]) -> Result<usize> {
    let mut asked = 0;
    loop {
        let rows = deliveries::to_poll(s, outlet, 2 * DEADLINE, ROUND).await?;
        let n = rows.len();
        asked += n;
        let mut by_provider: HashMap<Option<ProviderId>, Vec<ToPoll>> = HashMap::new();
        for row in rows {
            by_provider.entry(row.provider_id).or_default().push(row);
        }
        // At once, so that they do not wait for one another.
        let asking = by_provider.iter().map(|(id, rows)| {
            let provider = live.iter().find(|provider| provider.id == *id);
            ask(s, outlet, provider, rows)
        });
        for told in join_all(asking).await {
            told?;
        }
        if (n as i64) < ROUND {
            return Ok(asked);
        }
    }
}

/// Asks a provider what became of deliveries it took. One that is gone, or switched off for now, knows nothing.
async fn ask(
    s: &Services,
    outlet: Outlet,
    provider: Option<&Arc<LiveProvider>>,
    rows: &[ToPoll],
) -> Result<()> {
    let answers = match provider {
        Some(provider) => answers(&*provider.adapter, &provider.name, rows, DEADLINE).await,
        None => vec![None; rows.len()],
    };
    let now = s.clock.now();
    let (mut verdicts, mut bounced, mut later) = (Vec::new(), Vec::new(), Vec::with_capacity(rows.len()));
    for (row, answer) in rows.iter().zip(answers) {
        // That it has one is told once.
        let answer = answer.filter(|verdict| verdict.state != State::Sent || row.state != State::Sent);
        let decided = answer.as_ref().is_some_and(|verdict| verdict.state != State::Sent);
        later.push(AskLater { id: row.id.0, poll_at: again(row, now).filter(|_| !decided).map(|at| at.0) });
        let Some(verdict) = answer else { continue };
        let failed = verdict.code.as_deref().filter(|_| verdict.state == State::Failed);
        if let (Some(provider), Some(code)) = (provider, failed)
            && provider.adapter.is_bounce(code)
        {
            bounced.push((row.id, provider.channel));
        }
        if let (Some(channel), Some(sent_at), true) =
            (outlet.channel(), row.sent_at, verdict.state != State::Sent)
        {
            s.metrics.receipt_came(channel, now.since(sent_at));
        }
        verdicts.push(judged(row, verdict));
    }
    deliveries::judge(s, Asked { verdicts: &verdicts, bounced: &bounced, later: &later }).await?;
    if let Some(channel) = outlet.channel() {
        s.metrics.receipts(channel, verdicts.iter().map(|verdict| verdict.state));
    }
    Ok(())
}

/// What it knows of each; of what it was not asked in time, nothing.
async fn answers(
    adapter: &dyn Channel,
    name: &str,
    rows: &[ToPoll],
    deadline: Duration,
) -> Vec<Option<channel::Verdict>> {
    let mut answers = Vec::with_capacity(rows.len());
    let asking = async {
        for some in rows.chunks(GO) {
            let sent: Vec<_> = some.iter().map(as_sent).collect();
            answers.extend(adapter.poll(&sent).await);
        }
    };
    if tokio::time::timeout(deadline, asking).await.is_err() {
        tracing::warn!(provider = name, "asked for receipts and hangs; it is asked again later");
    }
    answers.resize(rows.len(), None);
    answers
}

/// When a provider that knew nothing is asked again: the older a delivery the later, until nobody waits for it any more.
fn again(row: &ToPoll, now: Timestamp) -> Option<Timestamp> {
    let patience = match row.lane {
        Lane::Emergency => Duration::from_hours(1),
        _ => Duration::from_hours(24),
    };
    let age = now.since(row.sent_at.unwrap_or_default());
    (age < patience).then(|| now.plus(age.clamp(FIRST_WAIT, LONGEST_WAIT)))
}

fn as_sent(row: &ToPoll) -> Sent {
    Sent {
        delivery: row.id,
        address: row.address.clone().unwrap_or_default(),
        reference: row.reference.clone(),
        sent_at: row.sent_at.unwrap_or_default(),
    }
}

fn judged(row: &ToPoll, verdict: channel::Verdict) -> Verdict {
    Verdict {
        id: row.id.0,
        provider_id: row.provider_id.map(|p| p.0),
        reference: row.reference.clone(),
        state: verdict.state.code(),
        code: verdict.code.map(|text| said::word(&text)),
        detail: verdict.detail.map(|text| said::words(&text)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use async_trait::async_trait;

    use super::*;
    use crate::channel::{Outcome, Parcel, Refusal, Shape};
    use crate::domain::id::DeliveryId;

    /// Answers once, and hangs ever after.
    struct Hangs(AtomicBool);

    #[async_trait]
    impl Channel for Hangs {
        fn shape(&self) -> Shape {
            Shape::Single { concurrency: 1 }
        }

        async fn send(&self, _parcels: &[Parcel]) -> Vec<Outcome> {
            Vec::new()
        }

        async fn poll(&self, sent: &[Sent]) -> Vec<Option<channel::Verdict>> {
            if self.0.swap(true, Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            vec![Some(channel::Verdict { state: State::Delivered, code: None, detail: None }); sent.len()]
        }

        async fn check(&self) -> std::result::Result<String, Refusal> {
            Ok(String::new())
        }
    }

    #[tokio::test]
    async fn a_provider_that_hangs_is_given_up_and_what_it_told_before_is_kept() {
        let rows: Vec<_> = (0..50).map(|_| row(Lane::Normal)).collect();
        let answers = answers(&Hangs(AtomicBool::new(false)), "hangs", &rows, Duration::ZERO).await;
        assert_eq!((answers.len(), answers.iter().flatten().count()), (50, GO));
    }

    const SENT: Timestamp = Timestamp(1_790_000_000_000);

    fn row(lane: Lane) -> ToPoll {
        ToPoll {
            id: DeliveryId(1),
            lane,
            state: State::Unknown,
            provider_id: None,
            address: None,
            reference: None,
            sent_at: Some(SENT),
        }
    }

    /// Seconds after which it is asked, the first time after five seconds.
    fn asked(lane: Lane) -> Vec<u64> {
        let first = SENT.plus(Duration::from_secs(5));
        let all = std::iter::successors(Some(first), |at| again(&row(lane), *at));
        all.map(|at| at.since(SENT).as_secs()).collect()
    }

    #[test]
    fn it_is_asked_less_and_less_and_at_last_no_more() {
        let (emergency, routine) = (asked(Lane::Emergency), asked(Lane::Normal));
        assert_eq!(emergency[..6], [5, 35, 70, 140, 280, 560]);
        assert_eq!(emergency.last(), Some(&4_120), "the last word within an hour and a wait");
        assert!(routine.windows(2).all(|two| two[1] - two[0] <= 600));
        assert!((24 * 3_600..24 * 3_600 + 600).contains(routine.last().expect("asked")));
        assert!(routine.len() < 160, "{}", routine.len());
    }
}
