//! Rates from what is counted of each day anyway: the counts are kept once a minute, and a rate is a difference.

use std::time::Duration;

use super::super::Services;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::State;
use crate::store::pulse::{self as store, PulseRow};
use crate::store::reports;

/// Counts older than this are no use to anybody.
const KEPT: Duration = Duration::from_hours(2);
const MINUTE: i64 = 60_000;
/// Stands for messages accepted.
const MESSAGES: i64 = 0;

/// What came to an end within some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// None: messages accepted.
    pub channel: Option<ChannelKind>,
    pub done: i64,
    pub failed: i64,
    /// How long that time really was: shorter where nothing was counted before.
    pub within: Duration,
}

/// The counts of a day so far.
async fn counts(s: &Services, day: &str, at: Timestamp) -> Result<Vec<PulseRow>> {
    let states = reports::day_counts(&s.db, day).await?;
    let of = |channel, wanted: &[State]| {
        let rows = states.iter().filter(|row| row.channel == channel && wanted.contains(&row.state));
        rows.map(|row| row.n).sum::<i64>()
    };
    let row = |channel, done, failed| PulseRow { at, channel, day: day.to_owned(), done, failed };
    let mut rows = vec![row(MESSAGES, reports::accepted(&s.db, day).await?, 0)];
    rows.extend(ChannelKind::ALL.into_iter().map(|channel| {
        let done = of(channel, &[State::Sent, State::Delivered]);
        row(channel.code(), done, of(channel, &[State::Failed, State::Unknown]))
    }));
    Ok(rows)
}

/// Keeps the counts of the minute, once in it.
pub(super) async fn keep(s: &Services, now: Timestamp) -> Result<()> {
    let minute = Timestamp(now.0.div_euclid(MINUTE) * MINUTE);
    if store::at(&s.db, minute, now).await?.is_empty() {
        let rows = counts(s, &s.campus.day(now), now).await?;
        let mut tx = s.db.begin().await?;
        store::insert(&mut tx, &rows).await?;
        store::prune(&mut tx, now.minus(KEPT), now).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// What came to an end within that time, by channel; empty where nothing was counted yet.
pub(in crate::service) async fn rates(s: &Services, within: Duration, now: Timestamp) -> Result<Vec<Rate>> {
    // The count of that moment, or the first after it.
    let since = now.minus(within);
    let mut then = store::at(&s.db, now.minus(KEPT), since).await?;
    if then.is_empty() {
        then = store::first(&s.db, since).await?;
    }
    let Some(first) = then.first() else { return Ok(Vec::new()) };
    let (day, today, began) = (first.day.clone(), s.campus.day(now), first.at);
    let mut sums = counts(s, &today, now).await?;
    if day != today {
        for row in counts(s, &day, now).await? {
            if let Some(sum) = sums.iter_mut().find(|sum| sum.channel == row.channel) {
                sum.done += row.done;
                sum.failed += row.failed;
            }
        }
    }
    let rate = |sum: PulseRow| {
        let before = then.iter().find(|row| row.channel == sum.channel);
        Rate {
            channel: ChannelKind::from_code(sum.channel),
            // A receipt may take back what was counted.
            done: (sum.done - before.map_or(0, |row| row.done)).max(0),
            failed: (sum.failed - before.map_or(0, |row| row.failed)).max(0),
            within: now.since(began),
        }
    };
    Ok(sums.into_iter().map(rate).collect())
}
