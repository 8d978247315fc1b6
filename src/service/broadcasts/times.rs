//! How fast a broadcast was, as it was measured: for those who look at it afterwards, and for benches.

use std::time::Duration;

use serde::Serialize;

use super::changing::kept_after;
use super::{Services, look};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::emergency::{Act, Part};
use crate::domain::id::BroadcastId;
use crate::service::Caller;
use crate::store::{broadcasts as store, history};

/// Each since the broadcast went out; `None` where it has not happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Times {
    /// From the press that sent it, a second person's word where one was needed, until all of it was written and its commit
    /// began: less than T0, which is until whoever pressed is answered.
    pub kept: Option<Duration>,
    /// From the first press until it went out: what a second person took, or was waited for.
    pub decided: Option<Duration>,
    /// The first call to a provider began.
    pub first_call: Option<Duration>,
    /// Half of the people were handed it on at least one channel.
    pub half: Option<Duration>,
    /// The last delivery of the alert was handed over; `None` while any waits.
    pub all: Option<Duration>,
    /// From the stop, correction or all-clear until the last delivery that was handed over after it, of all that it called off;
    /// zero where none was.
    pub stopped: Option<Duration>,
    /// From the correction or all-clear until the first call to a provider with it.
    pub corrected: Option<Duration>,
    /// The channels that handed over something.
    pub channels: Vec<Pace>,
}

/// How one channel got on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pace {
    pub channel: ChannelKind,
    /// Its last delivery was handed over.
    pub all: Duration,
    /// The longest that it handed over nothing until then: what a failing provider cost.
    pub standstill: Duration,
}

/// Measures one.
///
/// # Errors
///
/// As [`look`].
pub async fn times(s: &Services, caller: &Caller, id: BroadcastId) -> Result<Times> {
    let row = look(s, caller, id).await?;
    let Some(live_at) = row.live_at else { return Ok(Times::default()) };
    let sent = store::messages(&s.db, id).await?;
    let of = |wanted: &[Part]| {
        let of_them = sent.iter().filter(|one| wanted.contains(&one.part));
        of_them.map(|one| one.message_id).collect::<Vec<_>>()
    };
    let (alerts, later) = (of(&[Part::Alert]), of(&[Part::Correction, Part::AllClear]));
    let people = store::people(&s.db, &alerts).await?.planned;
    let at = store::times(&s.db, &alerts, people).await?;
    let since = |at: Option<Timestamp>| at.map(|at| at.since(live_at));
    let is_open =
        history::counts(&s.db, &alerts).await?.iter().any(|count| count.pending + count.sending > 0);
    // When somebody said so: that its time was over has nothing to do with how fast a stop is.
    let acts = store::acts(&s.db, id).await?;
    let launch = acts.iter().find(|done| done.act == Act::Launch);
    let first = |wanted: &[Act]| acts.iter().find(|done| wanted.contains(&done.act)).map(|done| done.at);
    let stopped = match first(&[Act::Stop, Act::Correct, Act::AllClear]) {
        Some(said) => {
            let told = store::told_by(&s.db, id).await?;
            let last = store::times(&s.db, &told, 0).await?.last;
            Some(last.map_or(Duration::ZERO, |last| last.since(said)))
        }
        None => None,
    };
    let corrected = match (later.is_empty(), first(&[Act::Correct, Act::AllClear])) {
        (false, Some(said)) => store::times(&s.db, &later, 0).await?.first_call.map(|at| at.since(said)),
        _ => None,
    };
    Ok(Times {
        kept: launch.and_then(|launch| kept_after(&launch.detail.0)),
        decided: Some(live_at.since(row.created_at)),
        first_call: since(at.first_call),
        half: since(at.half),
        all: since(at.last).filter(|_| !is_open),
        stopped,
        corrected,
        channels: store::channel_times(&s.db, &alerts, live_at)
            .await?
            .into_iter()
            .map(|row| Pace {
                channel: row.channel,
                all: row.last.since(live_at),
                standstill: Duration::from_millis(u64::try_from(row.standstill_ms).unwrap_or(0)),
            })
            .collect(),
    })
}
