//! How far a broadcast is. Counts come from the counters of its messages, which always add up; people, reasons and pace are
//! asked of the deliveries, once a second at most however many look.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Mutex;

use super::super::messages::{Counts, MessageCounts};
use super::{OpenBroadcast, Services, look};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::State as DeliveryState;
use crate::domain::emergency::{Part, Run, State};
use crate::domain::id::{BroadcastId, MessageId};
use crate::domain::message::Lane;
use crate::service::{Caller, providers};
use crate::store::broadcasts::{self as store, PaceRow, ReasonRow, SentRow};
use crate::store::history;

pub(super) const FRESH: Duration = Duration::from_secs(1);
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
    progress: Mutex<HashMap<BroadcastId, (Duration, Progress)>>,
    pub(super) open: Mutex<Option<(Duration, Arc<[OpenBroadcast]>)>>,
    /// Whether routine sending stands still.
    pub(super) still: Mutex<Option<(Duration, bool)>>,
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
    if let Some((at, progress)) = lately.get(&id)
        && now.saturating_sub(*at) < FRESH
        && progress.version == row.version
    {
        return Ok(progress.clone());
    }
    let progress = read(s, &row).await?;
    if lately.len() >= KEPT {
        lately.retain(|_, (at, _)| now.saturating_sub(*at) < FRESH);
    }
    lately.insert(id, (now, progress.clone()));
    Ok(progress)
}

async fn read(s: &Services, row: &store::BroadcastRow) -> Result<Progress> {
    let sent = store::messages(&s.db, row.id).await?;
    let all: Vec<_> = sent.iter().map(|one| one.message_id).collect();
    let alerts: Vec<_> = sent
        .iter()
        .filter(|one| matches!(one.part, Part::Alert | Part::Update | Part::Escalation))
        .map(|one| one.message_id)
        .collect();
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
    let people = store::people(&s.db, &alerts).await?;
    let reasons = store::reasons(&s.db, &alerts).await?;
    let now = s.clock.now();
    let pace = store::pace(&s.db, &alerts, now).await?;
    let taken = providers::room(s, Lane::Emergency, now).await?.taken;
    let escalated = sent.iter().any(|one| one.part == Part::Escalation);
    let used = row.plan.0.scenario.channels_of_all(escalated);
    let channels = used.iter().map(|channel| {
        let counts = sum(&parts, &alerts, *channel);
        let pace = pace.iter().find(|pace| pace.channel == *channel);
        let no_provider =
            row.run != Run::Drill && !channel.address_kinds(None).iter().any(|kind| taken.contains(kind));
        let planned_at = planned_at(&sent, &parts, &alerts, *channel);
        channel_progress(*channel, counts, pace, planned_at, now, row.live_at, no_provider)
    });
    Ok(Progress {
        state: row.state,
        version: row.version,
        people: people.planned,
        reached: people.reached,
        channels: channels.collect(),
        reasons: reasons.iter().map(Reason::from).collect(),
        is_planning: !alerts.is_empty() && store::is_planning(&s.db, &alerts).await?,
        parts,
    })
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
    pace: Option<&PaceRow>,
    planned_at: Option<Timestamp>,
    now: Timestamp,
    live_at: Option<Timestamp>,
    no_provider: bool,
) -> ChannelProgress {
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
    let is_quiet = quiet_since.is_some_and(|at| now.since(at) >= QUIET);
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
