//! Deliveries on their way: claimed, settled, stopped and opened again.

mod claim;
mod leases;
mod settle;

use std::collections::{BTreeMap, HashSet};

use super::answers::{self, Asked};
use super::counters::{Moves, count, count_day};
use super::{Db, Tx, in_db, in_tx, quotas, row, spending, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::{ChannelKind, Outlet};
use crate::domain::delivery::{QUIET_HOURS, State};
use crate::domain::id::{DeliveryId, MessageId, ProviderId, RecipientId};
use crate::domain::message::{Lane, Rank};
use crate::domain::quota::vendor_day;

pub use claim::{Claim, Claimed};
pub use leases::{release_lost, renew, take_back};
pub use settle::{Settlement, Settling};

row! {
    /// A delivery whose attempt ended, or whose claim was lost.
    struct Settled {
        message_id: MessageId,
        channel: ChannelKind,
        outlet: Outlet,
        lane: Lane,
        id: DeliveryId,
        state: State,
        target: i64,
        recipient_id: Option<RecipientId>,
        last_step: i64,
    }
}

row! {
    /// A message's channel whose deliveries changed state.
    pub struct Moved {
        pub message_id: MessageId,
        pub channel: ChannelKind,
        pub outlet: Outlet,
        pub state: State,
    }
}

impl Moved {
    /// Counts for the day: what test keys send does not.
    pub fn is_live(&self) -> bool {
        self.outlet != Outlet::Sandbox
    }
}

/// What a worker got, and what its outcomes closed.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    pub claimed: Vec<Claimed>,
    /// Deliveries whose attempts are stored now and were not before: where a commit's answer is lost, what it stored comes
    /// once more.
    pub news: HashSet<i64>,
    /// Those of no emergency that failed, each with its message.
    pub failed: Vec<(DeliveryId, MessageId)>,
    /// Messages that have no open delivery left on some channel, to be looked at by
    /// [`complete`](super::planning::complete).
    pub closed: Vec<MessageId>,
}

/// Stores what attempts of this `owner` came to and takes up to `limit` due deliveries, the most urgent lane and the longest due first.
/// Those are `sending` from the commit on. One step, so that both share their counters' update and their commit.
pub async fn turn(
    tx: &mut Tx,
    now: Timestamp,
    day: &str,
    settling: &Settling<'_>,
    wanted: Option<Claim>,
) -> Result<Turn> {
    let mut moves = Moves::new();
    let settle::Outcome { mut ended, news, failed } =
        settle::settle(tx, now, day, settling, &mut moves).await?;
    let asked: Vec<_> = settling
        .settlements
        .iter()
        .filter(|one| one.asked && news.contains(&one.id))
        .map(|one| Asked { delivery_id: one.id, message_id: one.message_id })
        .collect();
    if !asked.is_empty() {
        answers::ask(tx, &asked).await?;
    }
    let claimed = match wanted {
        Some(wanted) => claim::claim(tx, now, settling.owner, wanted, &mut moves, &mut ended).await?,
        None => Vec::new(),
    };
    // What others count in too comes last: it stays locked until the commit.
    let closed = count(tx, &moves).await?;
    count_day(tx, day, &ended).await?;
    quotas::add(tx, &used(settling.settlements, &news)).await?;
    spending::add(tx, day.get(..MONTH).unwrap_or(day), &segments(settling.settlements, &news)).await?;
    Ok(Turn { claimed, news, failed, closed })
}

/// Characters of a day's month.
const MONTH: usize = "2026-11".len();

/// What is billed of texts, by message and provider.
fn segments(settlements: &[Settlement], news: &HashSet<i64>) -> BTreeMap<(MessageId, ProviderId), i64> {
    let mut segments = BTreeMap::new();
    for settlement in settlements.iter().filter(|one| one.segments > 0 && news.contains(&one.id)) {
        if let Some(provider) = settlement.provider_id {
            *segments.entry((MessageId(settlement.message_id), ProviderId(provider))).or_default() +=
                settlement.segments;
        }
    }
    segments
}

/// What counts against daily quotas, by provider and its vendor's day.
fn used(settlements: &[Settlement], news: &HashSet<i64>) -> BTreeMap<(i64, String), i64> {
    let mut used = BTreeMap::new();
    for settlement in settlements.iter().filter(|one| one.metered && news.contains(&one.id)) {
        if let Some(provider) = settlement.provider_id {
            *used.entry((provider, vendor_day(Timestamp(settlement.started_at)))).or_default() += 1;
        }
    }
    used
}

/// Makes up to `limit` deliveries due that wait for the end of quiet hours; returns how many. Where it is still quiet they
/// are put off again. The few that wait so stand in an index of their own.
pub async fn awaken(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64> {
    let text = format!(
        "WITH picked AS MATERIALIZED (
            SELECT id FROM delivery WHERE state = 0 AND due_at > $1 AND reason = '{QUIET_HOURS}'
            ORDER BY due_at LIMIT $2 + 0{skip})
         UPDATE delivery SET due_at = $1, updated_at = $1 WHERE id IN (SELECT id FROM picked) AND state + 0 = 0",
        skip = tx.dialect().skip_locked(),
    );
    Ok(in_tx!(tx, |conn| {
        sqlx::query(sql(text)).bind(now.0).bind(limit).execute(conn).await.map(|r| r.rows_affected())
    })?)
}

/// Has nobody claim what waits of a message before this transaction ends, and waits for those who are claiming some of it.
/// Whoever stops a message in this transaction, and plans another for all who may have it in a later one, finds whatever was
/// claimed in time as being sent, and never as waiting with a claim on it that nobody sees yet. To be called with the message
/// locked, as deliveries come after it: claims hold deliveries and could not wait for a message. SQLite has one writer anyway.
pub async fn hold_pending(tx: &mut Tx, message: MessageId) -> Result<()> {
    if tx.is_only_writer() {
        return Ok(());
    }
    let text = format!(
        "SELECT CAST(count(*) AS bigint) FROM (
            SELECT id FROM delivery WHERE message_id = $1 AND state = 0 ORDER BY id{lock}) AS held",
        lock = tx.dialect().lock_content(),
    );
    in_tx!(tx, |conn| sqlx::query_scalar::<_, i64>(sql(text))
        .bind(message.0)
        .fetch_one(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// Locks deliveries in the order of their ids, as everybody does who changes several that others may change too: of two who
/// took them in orders of their own each would wait for the other. SQLite has one writer anyway.
pub(in crate::store) async fn lock_in_order(tx: &mut Tx, ids: &[i64]) -> Result<()> {
    if tx.is_only_writer() {
        return Ok(());
    }
    let text = format!(
        "SELECT CAST(count(*) AS bigint) FROM (SELECT id FROM delivery WHERE id IN {} ORDER BY id{}) AS held",
        tx.dialect().int_list("$1"),
        tx.dialect().lock_content(),
    );
    let ids = to_json(ids)?;
    in_tx!(tx, |conn| sqlx::query_scalar::<_, i64>(sql(text)).bind(ids).fetch_one(conn).await.map(drop))?;
    Ok(())
}

/// Ends up to `limit` pending deliveries of a message; returns how many.
pub async fn end_pending(
    tx: &mut Tx,
    message: MessageId,
    to: State,
    reason: &str,
    now: Timestamp,
    day: &str,
    limit: i64,
) -> Result<i64> {
    let text = format!(
        "WITH picked AS MATERIALIZED (
            SELECT id FROM delivery WHERE message_id = $1 AND state = 0 LIMIT $5 + 0{skip})
         UPDATE delivery SET state = $2, reason = $3, updated_at = $4, counted_at = $4 WHERE id IN (SELECT id FROM picked)
         RETURNING message_id, channel, outlet, state",
        skip = tx.dialect().skip_locked()
    );
    let moved: Vec<Moved> = in_tx!(tx, |conn| {
        sqlx::query_as(sql(text))
            .bind(message.0)
            .bind(to.code())
            .bind(reason)
            .bind(now.0)
            .bind(limit)
            .fetch_all(conn)
            .await
    })?;
    let mut moves = Moves::new();
    let mut today = BTreeMap::new();
    for row in &moved {
        moves.entry((row.message_id, row.channel)).or_default().shift(State::Pending, to, 1);
        *today.entry((row.channel.code(), to.code())).or_default() += i64::from(row.is_live());
    }
    count(tx, &moves).await?;
    count_day(tx, day, &today).await?;
    Ok(moved.len() as i64)
}

row! {
    /// Where deliveries are due.
    pub struct Due {
        pub outlet: i64,
        pub lane: Lane,
    }
}

/// The outlets and lanes in which something is due, receipts to ask for included: a few looks into an index, whatever
/// the backlog.
pub async fn due(db: &Db, now: Timestamp) -> Result<Vec<Due>> {
    // The first in the order of the index: asked whether there is any, PostgreSQL walks the table where it takes many for due.
    let probe = |outlet: &Outlet, lane: i64, of: &str, at: &str| {
        let outlet = outlet.code();
        format!(
            "SELECT CAST({outlet} AS bigint) AS outlet, CAST({lane} AS bigint) AS lane
             FROM (SELECT id FROM delivery WHERE {of} AND outlet = {outlet} AND {at} <= $1 ORDER BY {at} LIMIT 1) AS one"
        )
    };
    let waits = |outlet: &'static Outlet| {
        Rank::ALL.iter().map(move |rank| {
            let lane = rank.code();
            probe(outlet, lane, &format!("state = 0 AND lane = {lane}"), "due_at")
        })
    };
    let asks =
        Outlet::ALL.iter().map(|outlet| probe(outlet, Lane::Low.code(), "poll_at IS NOT NULL", "poll_at"));
    let probes: Vec<_> = Outlet::ALL.iter().flat_map(waits).chain(asks).collect();
    let text = probes.join(" UNION ALL ");
    Ok(in_db!(db, |conn| sqlx::query_as(sql(text)).bind(now.0).fetch_all(conn).await)?)
}
