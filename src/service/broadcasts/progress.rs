//! How far a broadcast is. Counts come from the counters of its messages, which always add up; people, reasons and pace are
//! asked of the deliveries, once a second at most however many look, and less often where that takes the store long.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Mutex;

use super::super::messages::{Counts, MessageCounts};
use super::still::Known;
use super::{OpenBroadcast, Services, look};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::State as DeliveryState;
use crate::domain::emergency::{Part, Run, State};
use crate::domain::id::{BroadcastId, MessageId};
use crate::domain::message::Lane;
use crate::service::{Caller, providers};
use crate::store::broadcasts::{self as store, PaceRow, PeopleRow, ReasonRow, SentRow};
use crate::store::history;

pub(super) const FRESH: Duration = Duration::from_secs(1);
/// What a walk through the deliveries found is good for so many times as long as it took, so that where the store takes long for
/// it, as beside its own alert, whoever looks takes less from what is sent.
const WORTH: u32 = 4;
/// It is never good for longer.
const STALE: Duration = Duration::from_millis(1_500);
/// Broadcasts of which the latest is kept at hand.
const KEPT: usize = 32;
/// A channel by which something has been due for so long, and that handed over nothing meanwhile, is named. Where more waits
/// than it ever handed over, and not one person alone, that they are tried again makes no difference.
const QUIET: Duration = Duration::from_secs(8);

/// The alert and its escalation by one channel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChannelProgress {
    pub channel: ChannelKind,
    pub counts: Counts,
    /// Of `suppressed`: nobody has an address for them by this channel.
    pub no_address: i64,
    /// Of `cancelled`: was handed over, and called back afterwards.
    pub recalled: i64,
    pub first_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    /// Handed over in each second since the first, on the average.
    pub per_second: Option<f64>,
    /// When all will be handed over at this pace.
    pub done_at: Option<Timestamp>,
    /// It has something to hand over, and does not. What waits for another try is not to be handed over before its time, unless
    /// several wait, and more than were ever handed over.
    pub is_stuck: bool,
}

/// Why deliveries did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    pub channel: ChannelKind,
    pub state: DeliveryState,
    pub reason: Option<String>,
    pub n: i64,
}

/// One message of a broadcast.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartProgress {
    pub part: Part,
    pub message: MessageId,
    pub counts: MessageCounts,
    /// Of `cancelled`, by all channels: called back.
    pub recalled: i64,
}

/// How far a broadcast is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    pub state: State,
    pub version: i64,
    /// Of the alert: people, and how many of them were reached on at least one channel.
    pub people: i64,
    pub reached: i64,
    pub channels: Vec<ChannelProgress>,
    pub reasons: Vec<Reason>,
    /// Everything it sent, in its order.
    pub parts: Vec<PartProgress>,
    /// People of the alert are still being planned.
    pub is_planning: bool,
}

/// What was known of broadcasts a moment ago.
#[derive(Debug, Default)]
pub(in crate::service) struct Lately {
    progress: Mutex<HashMap<BroadcastId, Latest>>,
    pub(super) open: Mutex<Option<(Duration, Arc<[OpenBroadcast]>)>>,
    /// Whether routine sending stands still, and how many red alerts are being kept: see [`still`](super::still).
    pub(super) still: Mutex<Option<Known>>,
    pub(super) going_out: AtomicUsize,
}

/// What was known of one.
#[derive(Debug)]
struct Latest {
    at: Duration,
    progress: Progress,
    walk: Arc<Walk>,
}

/// What has been sent and planned, on which depends what a walk through its deliveries finds. While something waits, or people
/// are still planned, that changes from moment to moment; afterwards only together with what is counted.
#[derive(Debug, PartialEq)]
struct Standing {
    of: Vec<MessageId>,
    version: i64,
    is_planning: bool,
    /// Once nothing waits.
    counts: Option<Vec<MessageCounts>>,
}

/// What a walk through the deliveries of an alert found.
#[derive(Debug)]
struct Walk {
    /// When whoever looked first came, and how long it took.
    looked: Duration,
    took: Duration,
    at: Timestamp,
    standing: Standing,
    people: PeopleRow,
    reasons: Vec<ReasonRow>,
    pace: Vec<PaceRow>,
}

impl Walk {
    async fn make(s: &Services, standing: Standing, looked: Duration) -> Result<Self> {
        let (began, of) = (s.clock.steady(), &standing.of);
        let people = store::people(&s.db, of).await?;
        let reasons = store::reasons(&s.db, of).await?;
        let at = s.clock.now();
        let pace = store::pace(&s.db, of, at).await?;
        let took = s.clock.steady().saturating_sub(began);
        Ok(Self { looked, took, at, standing, people, reasons, pace })
    }

    /// Whether it is good enough still for whoever looks now.
    fn is_fresh(&self, standing: &Standing, now: Duration) -> bool {
        self.standing == *standing
            && now.saturating_sub(self.looked) < (self.took * WORTH).clamp(FRESH, STALE)
    }
}

impl Lately {
    /// Something was done to a broadcast.
    pub(super) async fn forget_open(&self) {
        *self.open.lock().await = None;
        *self.still.lock().await = None;
    }
}

/// How far one is.
///
/// # Errors
///
/// As [`look`].
pub async fn progress(s: &Services, caller: &Caller, id: BroadcastId) -> Result<Progress> {
    let row = look(s, caller, id).await?;
    let mut lately = s.broadcasts.progress.lock().await;
    let now = s.clock.steady();
    let before = lately.get(&id);
    if let Some(Latest { at, progress, .. }) = before
        && now.saturating_sub(*at) < FRESH
        && progress.version == row.version
    {
        return Ok(progress.clone());
    }
    let before = before.map(|latest| Arc::clone(&latest.walk));
    let (progress, walk) = read(s, &row, before, now).await?;
    if lately.len() >= KEPT {
        lately.retain(|_, latest| now.saturating_sub(latest.at) < FRESH);
    }
    lately.insert(id, Latest { at: now, progress: progress.clone(), walk });
    Ok(progress)
}

/// How far one is, all of it asked of the store now: for what is written down.
///
/// # Errors
///
/// As [`look`].
pub(super) async fn exact(s: &Services, caller: &Caller, id: BroadcastId) -> Result<Progress> {
    let row = look(s, caller, id).await?;
    Ok(read(s, &row, None, s.clock.steady()).await?.0)
}

/// `before`: what the latest walk through its deliveries found.
async fn read(
    s: &Services,
    row: &store::BroadcastRow,
    before: Option<Arc<Walk>>,
    looked: Duration,
) -> Result<(Progress, Arc<Walk>)> {
    let sent = store::messages(&s.db, row.id).await?;
    let all: Vec<_> = sent.iter().map(|one| one.message_id).collect();
    let alerts: Vec<_> = sent
        .iter()
        .filter(|one| matches!(one.part, Part::Alert | Part::Update | Part::Escalation))
        .map(|one| one.message_id)
        .collect();
    // Before anything is counted: where nobody is planned any more, all are.
    let is_planning = !alerts.is_empty() && store::is_planning(&s.db, &alerts).await?;
    let mut counts: BTreeMap<MessageId, MessageCounts> = BTreeMap::new();
    for count in history::counts(&s.db, &all).await? {
        counts.entry(count.message_id).or_default().add(&count);
    }
    let mut parts = Vec::with_capacity(sent.len());
    for one in &sent {
        let counts = counts.get(&one.message_id).cloned().unwrap_or_default();
        let recalled = match counts.all.cancelled {
            0 => 0,
            _ => store::recalled(&s.db, one.message_id).await?,
        };
        parts.push(PartProgress { part: one.part, message: one.message_id, counts, recalled });
    }
    let counted: Vec<_> =
        parts.iter().filter(|part| alerts.contains(&part.message)).map(|part| part.counts.clone()).collect();
    let is_open = counted.iter().any(|counts| counts.all.pending + counts.all.sending > 0);
    let counts = (!is_open).then_some(counted);
    let standing = Standing { of: alerts.clone(), version: row.version, is_planning, counts };
    let walk = match before.filter(|walk| walk.is_fresh(&standing, looked)) {
        Some(walk) => walk,
        None => Arc::new(Walk::make(s, standing, looked).await?),
    };
    let Walk { at, people, reasons, pace, .. } = &*walk;
    let now = s.clock.now();
    let taken = providers::room(s, Lane::Emergency, now).await?.taken;
    let escalated = sent.iter().any(|one| one.part == Part::Escalation);
    let used = row.plan.0.scenario.channels_of_all(escalated);
    let channels = used.iter().map(|channel| {
        let counts = sum(&parts, &alerts, *channel);
        let pace = pace.iter().find(|pace| pace.channel == *channel).map(|pace| (pace, *at));
        let no_provider =
            row.run != Run::Drill && !channel.address_kinds(None).iter().any(|kind| taken.contains(kind));
        let planned_at = planned_at(&sent, &parts, &alerts, *channel);
        channel_progress(*channel, counts, pace, planned_at, now, row.live_at, no_provider)
    });
    let progress = Progress {
        state: row.state,
        version: row.version,
        people: people.planned,
        reached: people.reached,
        channels: channels.collect(),
        reasons: reasons.iter().map(Reason::from).collect(),
        is_planning,
        parts,
    };
    Ok((progress, walk))
}

impl From<&ReasonRow> for Reason {
    fn from(row: &ReasonRow) -> Self {
        Self { channel: row.channel, state: row.state, reason: row.reason.clone(), n: row.n }
    }
}

fn sum(parts: &[PartProgress], of: &[MessageId], channel: ChannelKind) -> Counts {
    let of = |state: DeliveryState| {
        parts
            .iter()
            .filter(|part| of.contains(&part.message))
            .filter_map(|part| part.counts.channel(channel))
            .map(|counts| counts.of(state))
            .sum()
    };
    Counts::new(of)
}

/// When that was planned, or last opened again, of which something waits by this channel: the first of these messages.
fn planned_at(
    sent: &[SentRow],
    parts: &[PartProgress],
    of: &[MessageId],
    channel: ChannelKind,
) -> Option<Timestamp> {
    let waits = |part: &PartProgress| {
        part.counts.channel(channel).is_some_and(|counts| counts.pending + counts.sending > 0)
    };
    sent.iter()
        .zip(parts)
        .filter(|(one, part)| of.contains(&one.message_id) && waits(part))
        .filter_map(|(one, _)| one.planned_at.map(|at| at.max(one.reopened_at.unwrap_or(at))))
        .min()
}

fn channel_progress(
    channel: ChannelKind,
    counts: Counts,
    pace: Option<(&PaceRow, Timestamp)>,
    planned_at: Option<Timestamp>,
    now: Timestamp,
    live_at: Option<Timestamp>,
    no_provider: bool,
) -> ChannelProgress {
    // Whether it stands still is said of the moment in which it was looked at.
    let at = pace.map_or(now, |(_, at)| at);
    let pace = pace.map(|(pace, _)| pace);
    let first_at = pace.and_then(|pace| pace.first_at);
    let last_at = pace.and_then(|pace| pace.last_at);
    let handed = pace.map_or(0, |pace| pace.handed);
    let per_second = first_at.zip(last_at).and_then(|(first, last)| {
        let seconds = last.since(first).as_secs_f64();
        (seconds >= 1.0).then(|| handed as f64 / seconds)
    });
    let left = counts.pending + counts.sending;
    let done_at = per_second
        .filter(|pace| left > 0 && *pace > 0.0)
        .map(|pace| now.plus(Duration::from_secs_f64((left as f64 / pace).min(86_400.0))));
    // What is due was planned when it was due first: a message that goes out minutes after the alert has its own beginning.
    // What is refused each time is due again and again and never for long: one mailbox may do that, a provider that takes
    // nothing, or nothing more, does it to everybody.
    let refused_since = planned_at.filter(|_| left > 1 && left > handed);
    let due_since = pace.and_then(|pace| pace.due_since).into_iter().chain(refused_since).min();
    let quiet_since = due_since.map(|due| due.max(last_at.unwrap_or(due)).max(live_at.unwrap_or(due)));
    let is_quiet = quiet_since.is_some_and(|since| at.since(since) >= QUIET);
    ChannelProgress {
        channel,
        counts,
        no_address: pace.map_or(0, |pace| pace.no_address),
        recalled: pace.map_or(0, |pace| pace.recalled),
        first_at,
        last_at,
        per_second,
        done_at,
        is_stuck: left > 0 && (no_provider || is_quiet),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_through_deliveries_is_good_for_longer_where_it_took_long_and_never_for_what_changed() {
        let standing = || Standing { of: vec![MessageId(1)], version: 1, is_planning: false, counts: None };
        let walk = |took| Walk {
            looked: Duration::from_secs(100),
            took: Duration::from_millis(took),
            at: Timestamp(0),
            standing: standing(),
            people: PeopleRow { planned: 0, reached: 0 },
            reasons: Vec::new(),
            pace: Vec::new(),
        };
        let is_fresh = |took, millis| {
            walk(took).is_fresh(&standing(), Duration::from_secs(100) + Duration::from_millis(millis))
        };
        assert_eq!([999, 1_000].map(|millis| is_fresh(3, millis)), [true, false]);
        assert_eq!([1_199, 1_200].map(|millis| is_fresh(300, millis)), [true, false]);
        assert_eq!([1_499, 1_500].map(|millis| is_fresh(5_000, millis)), [true, false], "and no longer");
        let at = Duration::from_secs(100);
        let (more, done) = (vec![MessageId(1), MessageId(2)], Some(vec![MessageCounts::default()]));
        for other in [
            Standing { of: more, ..standing() },
            Standing { version: 2, ..standing() },
            Standing { is_planning: true, ..standing() },
            Standing { counts: done, ..standing() },
        ] {
            assert!(!walk(3).is_fresh(&other, at), "{other:?}");
        }
    }
}
