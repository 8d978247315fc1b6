//! Deliveries on their way: claimed, settled, stopped and opened again.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::counters::{Moves, count, count_day};
use super::dialect::Field;
use super::fallback::{self, Postponed, StepEnd};
use super::{Db, Tx, frequency, in_db, in_tx, quotas, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::{AddressKind, ChannelKind, Outlet};
use crate::domain::delivery::{QUIET_HOURS, State};
use crate::domain::id::{DeliveryId, MessageId, RecipientId};
use crate::domain::message::Lane;
use crate::domain::quota::vendor_day;

row! {
    /// A delivery in the hands of this process.
    pub struct Claimed {
        pub id: DeliveryId,
        pub message_id: MessageId,
        pub channel: ChannelKind,
        pub lane: Lane,
        /// None: an address that is nobody's in the directory.
        pub recipient_id: Option<RecipientId>,
        pub address_kind: Option<AddressKind>,
        pub address: Option<String>,
        pub name: Option<String>,
        pub language: Option<String>,
        pub params: Option<String>,
        /// The recipient's key, or a negative number for an address.
        pub target: i64,
        /// Why it waited, where somebody said so.
        pub reason: Option<String>,
        /// When it was due.
        pub due_at: Timestamp,
        /// Its place in a fallback plan, and that of the plan's last; 0 and 0: no fallback.
        pub step: i64,
        pub last_step: i64,
        /// The number of the attempt this claim starts.
        pub attempts: i64,
        pub failures: i64,
        /// When a provider took it before.
        pub sent_at: Option<Timestamp>,
        /// A crash cut off the attempt before this one.
        pub repeated: bool,
        /// How often it was handed over once more because no answer came.
        pub repeats: i64,
    }
}

/// What one attempt came to.
#[derive(Clone, Debug, Serialize)]
pub struct Settlement {
    pub id: i64,
    pub message_id: i64,
    pub channel: i64,
    /// The attempt's number; a settlement of any but the latest attempt changes nothing but the list of attempts.
    pub attempt: i64,
    /// [`State::code`] the delivery takes.
    pub state: i64,
    pub reason: Option<String>,
    pub due_at: i64,
    pub failures: i64,
    pub provider_id: Option<i64>,
    pub reference: Option<String>,
    pub poll_at: Option<i64>,
    /// When it is handed over once more, if nothing is heard of it until then.
    pub repeat_at: Option<i64>,
    /// Counts against its provider's daily quota.
    #[serde(skip)]
    pub metered: bool,
    pub sent_at: Option<i64>,
    pub started_at: i64,
    pub duration_ms: i64,
    /// How the attempt ended; `None` where nothing was handed to a provider, so that it was no attempt.
    pub outcome: Option<String>,
    pub code: Option<String>,
    pub detail: Option<String>,
    pub repeated: bool,
    /// Where it is to wait: the later steps of its plan, and when each is due at the earliest.
    #[serde(skip)]
    pub later: Vec<(i64, i64)>,
}

row! {
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

/// Deliveries a worker wants.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    pub outlet: Outlet,
    pub lease_ms: i64,
    pub limit: i64,
    /// Of these, those that need not be emergencies.
    pub routine: i64,
}

/// What a worker got, and what its outcomes closed.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    pub claimed: Vec<Claimed>,
    /// Deliveries whose attempts are stored now and were not before: where a commit's answer is lost, what it stored comes
    /// once more.
    pub news: HashSet<i64>,
    /// Messages that have no open delivery left on some channel, to be looked at by
    /// [`complete`](super::planning::complete).
    pub closed: Vec<MessageId>,
}

/// What a worker brings.
#[derive(Clone, Copy, Debug)]
pub struct Settling<'a> {
    pub owner: i64,
    /// What its attempts came to.
    pub settlements: &'a [Settlement],
    /// The channels on which it is counted what each person is handed.
    pub capped: &'a [ChannelKind],
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
    let (ended, news) = settle(tx, now, day, settling, &mut moves).await?;
    let claimed = match wanted {
        Some(wanted) => claim(tx, now, settling.owner, wanted, &mut moves).await?,
        None => Vec::new(),
    };
    // What others count in too comes last: it stays locked until the commit.
    let closed = count(tx, &moves).await?;
    count_day(tx, day, &ended).await?;
    quotas::add(tx, &used(settling.settlements, &news)).await?;
    Ok(Turn { claimed, news, closed })
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

async fn claim(
    tx: &mut Tx,
    now: Timestamp,
    owner: i64,
    wanted: Claim,
    moves: &mut Moves,
) -> Result<Vec<Claimed>> {
    let dialect = tx.dialect();
    // Each lane by itself, so that each look is a walk along an index that ends with the limit.
    let lanes: Vec<_> = Lane::ALL
        .iter()
        .map(|lane| {
            format!(
                "SELECT id FROM (SELECT id FROM delivery
                    WHERE state = 0 AND outlet = $1 AND lane = {lane} AND due_at <= $2
                    ORDER BY due_at, id LIMIT $3 + 0{skip}) AS lane_{lane}",
                lane = lane.code(),
                skip = dialect.skip_locked(),
            )
        })
        .collect();
    // Where a quota leaves less for what is no emergency, emergencies of the same claim use it up first.
    let reserved = wanted.routine < wanted.limit;
    let lanes = match &lanes[..] {
        [emergencies, ..] if reserved => format!(
            "{emergencies} UNION SELECT id FROM (SELECT id FROM ({all}) AS rest LIMIT $6 + 0) AS routine",
            all = lanes.join(" UNION ALL "),
        ),
        lanes => lanes.join(" UNION ALL "),
    };
    let text = format!(
        "WITH picked AS MATERIALIZED (SELECT id FROM ({lanes}) AS due LIMIT $3 + 0)
         UPDATE delivery SET state = 1, attempts = attempts + 1, lease_owner = $4, lease_until = {now} + $5,
            updated_at = $2
         WHERE id IN (SELECT id FROM picked)
         RETURNING id, message_id, channel, lane, recipient_id, address_kind, address, name, language, params, target, reason,
            due_at, step, last_step, attempts, failures, sent_at, repeated, repeats",
        now = dialect.lease_now("$2"),
    );
    let mut rows: Vec<Claimed> = in_tx!(tx, |conn| {
        let query = sqlx::query_as(sql(text))
            .bind(wanted.outlet.code())
            .bind(now.0)
            .bind(wanted.limit)
            .bind(owner)
            .bind(wanted.lease_ms);
        let query = if reserved { query.bind(wanted.routine) } else { query };
        query.fetch_all(conn).await
    })?;
    rows.sort_unstable_by_key(|row| (row.lane, row.id));
    for row in &rows {
        moves.entry((row.message_id, row.channel)).or_default().shift(State::Pending, State::Sending, 1);
    }
    Ok(rows)
}

/// Returns how many ended, by channel and state, and the deliveries whose attempts are news. What was to wait for another try is cancelled where its message is.
async fn settle(
    tx: &mut Tx,
    now: Timestamp,
    day: &str,
    settling: &Settling<'_>,
    moves: &mut Moves,
) -> Result<(BTreeMap<(i64, i64), i64>, HashSet<i64>)> {
    let Settling { owner, settlements, capped } = *settling;
    let mut ended = BTreeMap::new();
    if settlements.is_empty() {
        return Ok((ended, HashSet::new()));
    }
    let dialect = tx.dialect();
    let input = to_json(settlements)?;
    let rows = dialect.rows(
        "$1",
        &[
            ("id", Field::Int),
            ("attempt", Field::Int),
            ("state", Field::Int),
            ("reason", Field::Text),
            ("due_at", Field::Int),
            ("failures", Field::Int),
            ("provider_id", Field::Int),
            ("reference", Field::Text),
            ("poll_at", Field::Int),
            ("repeat_at", Field::Int),
            ("sent_at", Field::Int),
            ("started_at", Field::Int),
            ("outcome", Field::Text),
        ],
    );
    // `+ 0`: PostgreSQL would look through the index of what is leased, which is short but full of what was lately.
    let text = format!(
        "UPDATE delivery SET state = CASE WHEN s.state = 0 AND m.status = 7 THEN 6 ELSE s.state END,
            reason = CASE WHEN s.state = 0 AND m.status = 7 THEN 'cancelled'
                WHEN s.state = 0 AND s.outcome IS NULL THEN COALESCE(s.reason, delivery.reason) ELSE s.reason END,
            last_attempt_at = CASE WHEN s.outcome IS NULL THEN delivery.last_attempt_at ELSE s.started_at END,
            due_at = s.due_at, failures = s.failures, provider_id = COALESCE(s.provider_id, delivery.provider_id),
            reference = COALESCE(s.reference, delivery.reference), poll_at = s.poll_at,
            repeat_at = s.repeat_at, sent_at = COALESCE(s.sent_at, delivery.sent_at), lease_owner = NULL, lease_until = NULL,
            attempts = CASE WHEN s.outcome IS NULL THEN delivery.attempts - 1 ELSE delivery.attempts END,
            repeated = CASE WHEN s.outcome IS NULL THEN delivery.repeated ELSE FALSE END, updated_at = $2
         FROM {rows} AS s, message AS m
         WHERE delivery.id = s.id AND delivery.attempts = s.attempt AND delivery.state + 0 = 1
            AND delivery.lease_owner = $3 AND m.id = delivery.message_id
         RETURNING delivery.message_id, delivery.channel, delivery.outlet, delivery.lane, delivery.id,
            delivery.state, delivery.target, delivery.recipient_id, delivery.last_step"
    );
    let settled: Vec<Settled> = in_tx!(tx, |conn| {
        sqlx::query_as(sql(text)).bind(&input).bind(now.0).bind(owner).fetch_all(conn).await
    })?;

    let rows = dialect.rows(
        "$1",
        &[
            ("id", Field::Int),
            ("attempt", Field::Int),
            ("provider_id", Field::Int),
            ("started_at", Field::Int),
            ("duration_ms", Field::Int),
            ("outcome", Field::Text),
            ("code", Field::Text),
            ("detail", Field::Text),
            ("repeated", Field::Bool),
        ],
    );
    let text = format!(
        "INSERT INTO attempt (delivery_id, number, provider_id, started_at, duration_ms, outcome, code, detail, repeated)
         SELECT id, attempt, provider_id, started_at, duration_ms, outcome, code, detail, repeated FROM {rows} AS s
         WHERE outcome IS NOT NULL ON CONFLICT DO NOTHING RETURNING delivery_id"
    );
    let news: Vec<i64> = in_tx!(tx, |conn| sqlx::query_scalar(sql(text)).bind(&input).fetch_all(conn).await)?;

    let (mut steps, mut postponed, mut handed) = (Vec::new(), Vec::new(), BTreeMap::new());
    for row in settled {
        moves.entry((row.message_id, row.channel)).or_default().shift(State::Sending, row.state, 1);
        if row.state.is_terminal() && row.outlet != Outlet::Sandbox {
            *ended.entry((row.channel.code(), row.state.code())).or_default() += 1;
        }
        let live = row.outlet != Outlet::Sandbox && row.lane != Lane::Emergency;
        if let Some(person) = row.recipient_id.filter(|_| live && row.state == State::Sent)
            && capped.contains(&row.channel)
        {
            *handed.entry((person, row.channel)).or_default() += 1;
        }
        if row.last_step > 0 {
            let (message_id, target) = (row.message_id.0, row.target);
            let own = settlements.iter().find(|settlement| settlement.id == row.id.0);
            postponed.extend(
                own.into_iter().flat_map(|settlement| &settlement.later).map(|&(step, due_at)| Postponed {
                    message_id,
                    target,
                    step,
                    due_at,
                }),
            );
            steps.push(StepEnd { message_id, target, channel: row.channel, state: row.state });
        }
    }
    fallback::postpone(tx, now, &postponed).await?;
    for row in fallback::follow(tx, now, &steps).await? {
        moves.entry((row.message_id, row.channel)).or_default().shift(State::Pending, row.state, 1);
        if row.is_live() {
            *ended.entry((row.channel.code(), row.state.code())).or_default() += 1;
        }
    }
    frequency::add(tx, day, &handed).await?;
    Ok((ended, news.into_iter().collect()))
}

/// Offers again what a process that is gone had claimed, and not this `owner`: on SQLite everything (one process
/// dispatches, and its clock may jump), on PostgreSQL whatever has outlived its lease. Each is marked as repeating an
/// attempt cut off, and is where it was in the line, so that those who shared a call are claimed together again.
pub async fn release_lost(tx: &mut Tx, now: Timestamp, day: &str, owner: i64) -> Result<Vec<Moved>> {
    let dialect = tx.dialect();
    let lost = match dialect {
        super::Dialect::Sqlite => "lease_owner <> $2".to_owned(),
        super::Dialect::Postgres => {
            format!("lease_owner <> $2 AND lease_until < {}", dialect.lease_now("$1"))
        }
    };
    let text = format!(
        "WITH lost AS MATERIALIZED (
            SELECT id FROM delivery WHERE state = 1 AND {lost} ORDER BY id LIMIT 1000{skip})
         UPDATE delivery SET state = 0, repeated = TRUE, due_at = CASE WHEN due_at < $1 THEN due_at ELSE $1 END, lease_owner = NULL, lease_until = NULL,
            updated_at = $1
         WHERE id IN (SELECT id FROM lost)
         RETURNING id, message_id, channel, outlet, lane, state, target, recipient_id, last_step",
        skip = dialect.skip_locked(),
    );
    let lost: Vec<Settled> =
        in_tx!(tx, |conn| sqlx::query_as(sql(text)).bind(now.0).bind(owner).fetch_all(conn).await)?;
    let (mut moves, mut steps) = (Moves::new(), Vec::new());
    for row in &lost {
        moves.entry((row.message_id, row.channel)).or_default().shift(State::Sending, State::Pending, 1);
        if row.last_step > 0 {
            let (message_id, target) = (row.message_id.0, row.target);
            steps.push(StepEnd { message_id, target, channel: row.channel, state: row.state });
        }
    }
    let mut today = BTreeMap::new();
    for row in fallback::follow(tx, now, &steps).await? {
        moves.entry((row.message_id, row.channel)).or_default().shift(State::Pending, row.state, 1);
        *today.entry((row.channel.code(), row.state.code())).or_default() += i64::from(row.is_live());
    }
    count(tx, &moves).await?;
    count_day(tx, day, &today).await?;
    let moved = |row: Settled| Moved {
        message_id: row.message_id,
        channel: row.channel,
        outlet: row.outlet,
        state: row.state,
    };
    Ok(lost.into_iter().map(moved).collect())
}

/// Extends the leases of deliveries this owner still has in hand.
pub async fn renew(
    tx: &mut Tx,
    now: Timestamp,
    owner: i64,
    in_hand: &[DeliveryId],
    lease_ms: i64,
) -> Result<()> {
    let ids: Vec<i64> = in_hand.iter().map(|id| id.0).collect();
    let dialect = tx.dialect();
    // What a turn has locked is being settled.
    let text = format!(
        "UPDATE delivery SET lease_until = {now} + $3 WHERE id IN (SELECT id FROM delivery
            WHERE state + 0 = 1 AND lease_owner = $2 AND id IN {ids}{skip})",
        now = dialect.lease_now("$1"),
        ids = dialect.int_list("$4"),
        skip = dialect.skip_locked(),
    );
    in_tx!(tx, |conn| {
        let query = sqlx::query(sql(text)).bind(now.0).bind(owner).bind(lease_ms).bind(to_json(&ids)?);
        query.execute(conn).await.map(drop)
    })?;
    Ok(())
}

/// Makes up to `limit` deliveries due that wait for the end of quiet hours; returns how many. Where it is still quiet they
/// are put off again.
pub async fn awaken(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64> {
    let text = format!(
        "WITH picked AS MATERIALIZED (
            SELECT id FROM delivery WHERE state = 0 AND due_at > $1 AND reason = '{QUIET_HOURS}'
            ORDER BY id LIMIT $2 + 0{skip})
         UPDATE delivery SET due_at = $1, updated_at = $1 WHERE id IN (SELECT id FROM picked) AND state + 0 = 0",
        skip = tx.dialect().skip_locked(),
    );
    Ok(in_tx!(tx, |conn| {
        sqlx::query(sql(text)).bind(now.0).bind(limit).execute(conn).await.map(|r| r.rows_affected())
    })?)
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
         UPDATE delivery SET state = $2, reason = $3, updated_at = $4 WHERE id IN (SELECT id FROM picked)
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
    let probes: Vec<_> = Outlet::ALL
        .iter()
        .flat_map(|outlet| Lane::ALL.iter().map(move |lane| (outlet.code(), lane.code())))
        .map(|(outlet, lane)| {
            format!(
                "SELECT CAST({outlet} AS bigint) AS outlet, CAST({lane} AS bigint) AS lane WHERE EXISTS (SELECT 1
                 FROM delivery WHERE state = 0 AND outlet = {outlet} AND lane = {lane} AND due_at <= $1)"
            )
        })
        .chain(Outlet::ALL.iter().map(|outlet| {
            format!(
                "SELECT CAST({outlet} AS bigint) AS outlet, CAST({lane} AS bigint) AS lane WHERE EXISTS (SELECT 1
                 FROM delivery WHERE poll_at IS NOT NULL AND outlet = {outlet} AND poll_at <= $1)",
                outlet = outlet.code(),
                lane = Lane::Low.code(),
            )
        }))
        .collect();
    let text = probes.join(" UNION ALL ");
    Ok(in_db!(db, |conn| sqlx::query_as(sql(text)).bind(now.0).fetch_all(conn).await)?)
}
