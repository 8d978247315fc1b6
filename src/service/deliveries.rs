//! What becomes of deliveries: claimed for sending, settled, stopped, opened again, judged by receipts, expired.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::messages::{Sight, holds};
use super::providers::{self, Told};
use super::subscriptions::{self as told_to, Happening};
use super::suppressions::{self, Bounce};
use super::{Caller, Services, broadcasts, policies, recalls, withdrawing};
use crate::clock::Timestamp;
use crate::domain::channel::{ChannelKind, Outlet};
use crate::domain::delivery::State;
use crate::domain::id::{DeliveryId, MessageId};
use crate::domain::message::{Lane, Status};
use crate::domain::operator::Permission;
use crate::domain::source::Right;
use crate::domain::subscription::{EventKind, Interests};
use crate::queue::{Entry, Work};
use crate::store::deliveries::Settling;
use crate::store::events::{self, Event};
use crate::store::messages::{self, Standing};
use crate::store::{Tx, deliveries as store, planning, receipts};
use crate::{Error, Result};

pub use super::resending::{Resent, resend};
pub use super::withdrawing::may_withdraw;
pub use crate::store::deliveries::{Claimed, Settlement};
pub use crate::store::receipts::{AskLater, ToPoll, Verdict};

/// A claim is another node's to take after this long without being renewed.
pub const LEASE: Duration = Duration::from_secs(30);

/// Deliveries that a worker has room for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub outlet: Outlet,
    pub most: usize,
    /// Of these, those that need not be emergencies.
    pub routine: usize,
}

impl Wanted {
    /// Of whatever is due.
    pub const fn any(outlet: Outlet, most: usize) -> Self {
        Self { outlet, most, routine: most }
    }
}

/// A delivery of a cancelled message that was in hand for longer than this is not looked for.
const CANCELLED_LATELY: Duration = Duration::from_hours(24);

/// Rows changed in one transaction by stopping, expiring and reopening; short, so that emergencies get in between.
const CHUNK: i64 = 1_000;

/// What a turn came to.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    pub claimed: Vec<Claimed>,
    /// Messages that may have nothing open any more, to be completed in a later turn.
    pub closed: Vec<MessageId>,
}

/// What a worker brings to a turn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Brought<'a> {
    /// What attempts came to.
    pub settlements: &'a [Settlement],
    /// Messages that an earlier turn closed.
    pub closed: &'a [MessageId],
    /// What administrators are told of providers.
    pub told: &'a [Told],
}

impl<'a> Brought<'a> {
    pub fn settled(settlements: &'a [Settlement]) -> Self {
        Self { settlements, ..Self::default() }
    }
}

/// Stores what attempts came to and told of providers, takes the next due deliveries, and completes what an earlier turn
/// closed, in one transaction: one synced write for all of it, and no news without its outcome. `owner` has what is
/// settled, and from then on what is claimed.
pub async fn turn(s: &Services, owner: i64, brought: Brought<'_>, wanted: Option<Wanted>) -> Result<Turn> {
    let Brought { settlements, closed, told } = brought;
    let (now, began) = (s.clock.now(), Instant::now());
    let stillness = match wanted {
        Some(wanted) if wanted.outlet != Outlet::Sandbox => Some(broadcasts::stillness(s).await?),
        _ => None,
    };
    let stands_still = stillness.is_some_and(|stillness| stillness.stands);
    let claim = wanted.map(|wanted| store::Claim {
        outlet: wanted.outlet,
        lease_ms: LEASE.as_millis() as i64,
        limit: wanted.most as i64,
        routine: if stands_still { 0 } else { wanted.routine as i64 },
        still_since: stillness.and_then(|stillness| stillness.since),
    });
    let policy = policies::in_force(s).await?;
    let capped: Vec<_> = policy.frequency_cap.keys().copied().collect();
    let settling = Settling { owner, settlements, capped: &capped };
    let interests = told_to::in_force(s).await?;
    let mut tx = s.db.begin().await?;
    providers::tell(&mut tx, told).await?;
    if !closed.is_empty() {
        complete_in(&mut tx, &interests, closed, now).await?;
    }
    let mut turn = store::turn(&mut tx, now, &s.campus.day(now), &settling, claim).await?;
    let news = settlements.iter().filter(|settlement| turn.news.contains(&settlement.id));
    suppressions::note(&policy, &mut tx, news, now).await?;
    let failed =
        turn.failed.iter().map(|(id, message)| Happening::of_delivery(EventKind::Failed, *message, *id));
    told_to::note(&mut tx, &interests, &failed.collect::<Vec<_>>(), now).await?;
    // Where there is one writer nobody else can be closing the same message; else see [`planning::complete`].
    if tx.is_only_writer() && !turn.closed.is_empty() {
        complete_in(&mut tx, &interests, &std::mem::take(&mut turn.closed), now).await?;
    }
    tx.commit().await?;
    s.metrics.dispatched(began);
    Ok(Turn { claimed: turn.claimed, closed: turn.closed })
}

/// Completes those of the messages that have nothing open any more.
pub async fn complete(s: &Services, messages: &[MessageId]) -> Result<()> {
    if messages.is_empty() {
        return Ok(());
    }
    let interests = told_to::in_force(s).await?;
    let mut tx = s.db.begin().await?;
    complete_in(&mut tx, &interests, messages, s.clock.now()).await?;
    tx.commit().await
}

async fn complete_in(
    tx: &mut Tx,
    interests: &Interests,
    messages: &[MessageId],
    now: Timestamp,
) -> Result<()> {
    let completed = planning::complete(tx, messages, now).await?;
    let completed = completed.into_iter().map(|message| Happening::of_message(EventKind::Completed, message));
    told_to::note(tx, interests, &completed.collect::<Vec<_>>(), now).await
}

/// What receipts did to deliveries, as far as anybody is told of it.
pub(super) fn happened(moved: &[(DeliveryId, MessageId, State)]) -> Vec<Happening> {
    let kind = |state| match state {
        State::Delivered => Some(EventKind::Delivered),
        State::Failed => Some(EventKind::Failed),
        _ => None,
    };
    let happening = |(id, message, state): &(DeliveryId, MessageId, State)| {
        Some(Happening::of_delivery(kind(*state)?, *message, *id))
    };
    moved.iter().filter_map(happening).collect()
}

/// Keeps deliveries in hand from being taken for lost while a slow provider thinks.
pub async fn renew(s: &Services, owner: i64, in_hand: &[DeliveryId]) -> Result<()> {
    let mut tx = s.db.begin().await?;
    store::renew(&mut tx, s.clock.now(), owner, in_hand, LEASE.as_millis() as i64).await?;
    tx.commit().await
}

/// Whether another process may dispatch from this store; the embedded one has a single dispatching process.
pub fn others_may_dispatch(s: &Services) -> bool {
    s.db.dialect() == crate::store::Dialect::Postgres
}

/// Offers again what processes that are gone had in hand; returns how many deliveries and messages.
pub async fn release_lost(s: &Services, owner: i64) -> Result<usize> {
    let now = s.clock.now();
    let mut released = 0;
    loop {
        let mut tx = s.db.begin().await?;
        let moved = store::release_lost(&mut tx, now, &s.campus.day(now), owner).await?;
        tx.commit().await?;
        // By itself: whoever plans holds a message before it counts its deliveries.
        let mut tx = s.db.begin().await?;
        let messages = planning::release_lost(&mut tx, now, owner).await?;
        tx.commit().await?;
        released += moved.len() + messages as usize;
        if moved.is_empty() {
            return Ok(released);
        }
    }
}

/// Offers again what `owner` claimed of an outlet and never heard of, because the store's answer was lost on the way. All
/// it has heard of is `in_hand`. Returns how many.
pub async fn take_back(s: &Services, owner: i64, outlet: Outlet, in_hand: &[DeliveryId]) -> Result<usize> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let back = store::take_back(&mut tx, now, &s.campus.day(now), owner, outlet, in_hand).await?;
    tx.commit().await?;
    if back > 0 {
        tracing::warn!(back, "claims whose answer was lost are offered again");
    }
    Ok(back)
}

/// Deliveries whose providers are to be asked what became of them. Nobody else gets them for so long.
pub async fn to_poll(s: &Services, outlet: Outlet, kept: Duration, limit: i64) -> Result<Vec<ToPoll>> {
    let now = s.clock.now();
    if !receipts::any_to_poll(&s.db, outlet, now).await? {
        return Ok(Vec::new());
    }
    let mut tx = s.db.begin().await?;
    let rows = receipts::to_poll(&mut tx, outlet, now, now.plus(kept), limit).await?;
    tx.commit().await?;
    Ok(rows)
}

/// What providers that were asked knew.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    pub verdicts: &'a [Verdict],
    /// Of those, the ones that say that nothing will ever arrive at their address, each with its channel.
    pub bounced: &'a [(DeliveryId, ChannelKind)],
    /// When those that were asked about are asked about again.
    pub later: &'a [AskLater],
}

/// Stores receipts and moves the deliveries they decide, then puts off what is asked about again. Each by itself: whoever holds
/// deliveries waits only for such as come after them. Should this process end in between, they are asked about when their time
/// is over.
pub async fn judge(s: &Services, asked: Asked<'_>) -> Result<()> {
    let Asked { verdicts, bounced, later } = asked;
    if !verdicts.is_empty() {
        decide(s, verdicts, bounced).await?;
    }
    if !later.is_empty() {
        let mut tx = s.db.begin().await?;
        receipts::poll_later(&mut tx, later).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn decide(s: &Services, verdicts: &[Verdict], bounced: &[(DeliveryId, ChannelKind)]) -> Result<()> {
    let now = s.clock.now();
    let (policy, interests) = (policies::in_force(s).await?, told_to::in_force(s).await?);
    let mut tx = s.db.begin().await?;
    let judged = receipts::judge(&mut tx, now, &|at| s.campus.day(at), verdicts).await?;
    let of = |(delivery, channel): &(DeliveryId, ChannelKind)| {
        let verdict = verdicts.iter().find(|verdict| verdict.id == delivery.0)?;
        let (code, detail) = (verdict.code.as_deref(), verdict.detail.as_deref());
        Some(Bounce { delivery: delivery.0, channel: *channel, code, detail })
    };
    let bounces: Vec<_> = bounced.iter().filter_map(of).collect();
    suppressions::note_bounces(&policy, &mut tx, &bounces, now).await?;
    told_to::note(&mut tx, &interests, &happened(&judged.moved), now).await?;
    tx.commit().await?;
    complete(s, &judged.closed).await
}

/// Wakes this process's own dispatcher for whatever is due: retries whose wait is over, schedules, entries a queue lost.
/// The others look by themselves, so that nothing of it goes by way of a broker, be there one or not.
pub async fn offer_due(s: &Services) -> Result<usize> {
    let now = s.clock.now();
    let mut entries = Vec::new();
    for due in planning::due(&s.db, now).await? {
        entries.push(Entry { lane: due.rank.lane(), work: Work::Plan });
    }
    for due in store::due(&s.db, now).await? {
        if let Some(outlet) = Outlet::from_code(due.outlet) {
            entries.push(Entry { lane: due.lane, work: Work::Send(outlet) });
        }
    }
    let offered = entries.len();
    for entry in entries {
        s.queue.offer_here(entry);
    }
    Ok(offered)
}

/// Wakes whoever dispatches, this process's own workers first. What there is to find must be committed. Nobody waits for a
/// queue that is slow or away, which is no reason to fail: the sweepers find the work in the store.
pub fn publish(s: &Services, entry: Entry) {
    s.wake_ups.wake(entry);
}

/// Ends what is past its time, and what still waits of cancelled messages; returns how many rows changed.
pub async fn expire(s: &Services) -> Result<u64> {
    let now = s.clock.now();
    let interests = told_to::in_force(s).await?;
    let mut tx = s.db.begin().await?;
    let expired = planning::expire_unplanned(&mut tx, now).await?;
    let told: Vec<_> =
        expired.iter().map(|message| event(*message, now, "expired", &serde_json::json!({}))).collect();
    events::insert(&mut tx, &told).await?;
    let over: Vec<_> =
        expired.iter().map(|message| Happening::of_message(EventKind::Expired, *message)).collect();
    told_to::note(&mut tx, &interests, &over, now).await?;
    tx.commit().await?;
    let mut changed = expired.len() as u64;
    for message in planning::overdue(&s.db, now, 100).await? {
        changed += end_all(s, message, State::Expired, "expired").await? as u64;
    }
    for message in planning::half_cancelled(&s.db, now.minus(CANCELLED_LATELY), 100).await? {
        changed += end_all(s, message, State::Cancelled, "cancelled").await? as u64;
    }
    Ok(changed)
}

/// Completes messages whose completion a crash cut off; returns how many. Looks at every message that is being sent.
pub async fn complete_left_open(s: &Services) -> Result<usize> {
    let mut completed = 0;
    loop {
        let left_open = planning::left_open(&s.db, CHUNK).await?;
        completed += left_open.len();
        complete(s, &left_open).await?;
        if (left_open.len() as i64) < CHUNK {
            return Ok(completed);
        }
    }
}

async fn end_all(s: &Services, message: MessageId, to: State, reason: &str) -> Result<i64> {
    let mut ended = 0;
    loop {
        let now = s.clock.now();
        let mut tx = s.db.begin().await?;
        let n = store::end_pending(&mut tx, message, to, reason, now, &s.campus.day(now), CHUNK).await?;
        tx.commit().await?;
        ended += n;
        if n < CHUNK {
            break;
        }
    }
    complete(s, &[message]).await?;
    Ok(ended)
}

/// What stopping a message achieved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Cancelled {
    /// Deliveries that will not be sent.
    pub stopped: i64,
    /// Deliveries handed over before the stop.
    pub already_sent: i64,
    /// What could be called back, by channel.
    pub recall: Vec<Recall>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Recall {
    pub channel: ChannelKind,
    pub recalled: i64,
    /// Handed over and not called back: the provider cannot, refused, or was still being called.
    pub impossible: i64,
}

/// Stops a message: nothing that still waits will be sent, and what providers can call back is called back. One that
/// has ended is only called back; where there is nothing to call back either, that is a conflict. Whoever wrote it may stop
/// it too while nobody was sent it. If this is cut off half way, the sweeper goes on with the stopping.
pub async fn cancel(s: &Services, caller: &Caller, message: MessageId) -> Result<Cancelled> {
    let now = s.clock.now();
    let interests = told_to::in_force(s).await?;
    let mut tx = s.db.begin().await?;
    let standing = withdrawing::withdrawable(&mut tx, caller, message).await?;
    if standing.status.is_final() {
        drop(tx);
        if standing.status != Status::Completed && recalls::recallable(s, message).await? == 0 {
            return Err(Error::conflict("ended", format!("the message is already {}", standing.status)));
        }
        let mut tx = s.db.begin().await?;
        recalls::ask(&mut tx, caller, message, recalls::in_hand(now)).await?;
        tx.commit().await?;
        return call_back(s, caller, message, 0, recalls::PATIENCE).await;
    }
    let by = caller.label();
    put_down(&mut tx, &interests, &standing, ("cancelled by its sender or an administrator", &by), now)
        .await?;
    recalls::ask(&mut tx, caller, message, recalls::in_hand(now)).await?;
    audit(&mut tx, caller, now, "message.cancel", message).await?;
    tx.commit().await?;
    let stopped = end_stopped(s, message).await?;
    call_back(s, caller, message, stopped, recalls::PATIENCE).await
}

/// Stops a message of a broadcast in the transaction that decides so; false where nothing of it is out or will be. What waits
/// of it is for [`end_stopped`]. One that was sent to its end is stopped as well: else what no answer came to would be handed
/// over once more after people were told that it is over, and could be opened again by hand.
pub(super) async fn stop_in(
    tx: &mut Tx,
    interests: &Interests,
    message: MessageId,
    by: &str,
    now: Timestamp,
) -> Result<bool> {
    match messages::standing(tx, message).await? {
        Some(standing) if !standing.status.is_final() || standing.status == Status::Completed => {
            put_down(tx, interests, &standing, ("its broadcast was ended", by), now).await?;
            store::hold_pending(tx, message).await?;
            Ok(true)
        }
        Some(_) | None => Ok(false),
    }
}

async fn put_down(
    tx: &mut Tx,
    interests: &Interests,
    standing: &Standing,
    (reason, by): (&str, &str),
    now: Timestamp,
) -> Result<()> {
    let (message, expires_at) = (standing.id, standing.expires_at);
    messages::set_status(tx, message, Status::Cancelled, Some(reason), expires_at, now).await?;
    events::insert(tx, &[event(message, now, "cancelled", &serde_json::json!({"by": by}))]).await?;
    told_to::note(tx, interests, &[Happening::of_message(EventKind::Cancelled, message)], now).await
}

/// Ends what waits of a message that was stopped; how many deliveries that is.
pub(super) async fn end_stopped(s: &Services, message: MessageId) -> Result<i64> {
    end_all(s, message, State::Cancelled, "cancelled").await
}

/// Calls back what can be called back of a message, for as long as somebody waits for it.
pub(super) async fn call_back(
    s: &Services,
    caller: &Caller,
    message: MessageId,
    stopped: i64,
    patience: Duration,
) -> Result<Cancelled> {
    let recalled = recalls::call_back(s, caller, message, patience).await?;
    let mut recall = Vec::new();
    let mut already_sent = 0;
    for count in crate::store::history::counts(&s.db, &[message]).await? {
        let recalled = recalled.get(&count.channel).copied().unwrap_or(0);
        let impossible = count.sending + count.sent + count.delivered + count.unknown;
        already_sent += recalled + impossible;
        if recalled + impossible > 0 {
            recall.push(Recall { channel: count.channel, recalled, impossible });
        }
    }
    Ok(Cancelled { stopped, already_sent, recall })
}

/// How many deliveries of a message can still be called back.
pub async fn recallable(s: &Services, caller: &Caller, message: MessageId) -> Result<i64> {
    let sight = Sight::by(caller, Permission::MessagesSend)?;
    let row = messages::find(&s.db, message).await?;
    row.filter(|row| sight.holds(row.source_id, row.department.as_deref()))
        .ok_or(Error::NotFound("message"))?;
    recalls::recallable(s, message).await
}

/// How long a message is worth sending where its sender does not say.
pub const fn default_life(lane: Lane) -> Duration {
    match lane {
        Lane::Emergency => Duration::from_hours(6),
        _ => Duration::from_hours(72),
    }
}

/// The message if the caller may act on it, locked.
pub(super) async fn own(tx: &mut Tx, caller: &Caller, message: MessageId) -> Result<Standing> {
    if !matches!(caller, Caller::Key(_)) {
        caller.reach(Permission::MessagesSend)?;
    }
    let standing = messages::standing(tx, message).await?.ok_or(Error::NotFound("message"))?;
    match caller {
        // Another source's message is as unknown to a key as one that does not exist.
        Caller::Key(key)
            if standing.source_id != Some(key.source) && !key.rights.contains(&Right::ReadAll) =>
        {
            Err(Error::NotFound("message"))
        }
        Caller::Key(key) if standing.source_id != Some(key.source) => Err(Error::forbidden(
            Right::ReadAll.name(),
            "the right `read_all` lets this key read other sources' messages, not act on them",
        )),
        Caller::Key(_) => Ok(standing),
        _ if holds(caller, Permission::MessagesSend, standing.department.as_deref())? => Ok(standing),
        _ => Err(Error::NotFound("message")),
    }
}

pub(super) async fn audit(
    tx: &mut Tx,
    caller: &Caller,
    now: Timestamp,
    action: &str,
    message: MessageId,
) -> Result<()> {
    if matches!(caller, Caller::Key(_)) {
        return Ok(());
    }
    crate::store::audit::append(
        tx,
        now,
        &caller.label(),
        action,
        &message.to_string(),
        &serde_json::json!({}),
    )
    .await
}

pub(super) fn event(message: MessageId, at: Timestamp, kind: &str, detail: &serde_json::Value) -> Event {
    Event { message_id: message.0, at: at.0, kind: kind.to_owned(), detail: detail.to_string() }
}
