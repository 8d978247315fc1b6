//! What providers say later of deliveries they took: asked for where a provider can be asked, or told by itself and then
//! matched with the delivery it is about.

use std::collections::BTreeMap;

use serde::Serialize;

use super::counters::{Moves, count, count_day};
use super::dialect::Field;
use super::fallback::{self, StepEnd};
use super::{Db, Tx, attention, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::{ChannelKind, Outlet};
use crate::domain::delivery::State;
use crate::domain::id::{DeliveryId, MessageId, ProviderId, ReceiptId};
use crate::domain::message::Lane;
use crate::domain::trouble::REPORTED;

row! {
    /// A delivery whose provider is to be asked what became of it.
    pub struct ToPoll {
        pub id: DeliveryId,
        pub lane: Lane,
        pub state: State,
        pub provider_id: Option<ProviderId>,
        pub address: Option<String>,
        pub reference: Option<String>,
        /// Or when it was handed over, where no answer came.
        pub sent_at: Option<Timestamp>,
    }
}

const AWAITS_REPEAT: &str = "(state = 0 AND repeats > 0)";

/// Whether any delivery is due to be asked about.
pub async fn any_to_poll(db: &Db, outlet: Outlet, now: Timestamp) -> Result<bool> {
    let text = "SELECT id FROM delivery WHERE poll_at IS NOT NULL AND outlet = $2 AND poll_at <= $1 LIMIT 1";
    let found: Option<i64> = in_db!(db, |conn| {
        sqlx::query_scalar(text).bind(now.0).bind(outlet.code()).fetch_optional(conn).await
    })?;
    Ok(found.is_some())
}

/// Takes deliveries due to be asked about, those due first. Nobody else gets them until `until`.
pub async fn to_poll(
    tx: &mut Tx,
    outlet: Outlet,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<ToPoll>> {
    let text = format!(
        "UPDATE delivery SET poll_at = $4 WHERE id IN (SELECT id FROM delivery
            WHERE poll_at IS NOT NULL AND outlet = $3 AND poll_at <= $1 ORDER BY poll_at, id LIMIT $2 + 0{skip})
         RETURNING id, lane, state, provider_id, address, reference,
            COALESCE(sent_at, last_attempt_at) AS sent_at",
        skip = tx.dialect().skip_locked()
    );
    Ok(in_tx!(tx, |conn| {
        let query = sqlx::query_as(sql(text)).bind(now.0).bind(limit).bind(outlet.code());
        query.bind(until.0).fetch_all(conn).await
    })?)
}

/// A provider's later word on a delivery.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    pub id: i64,
    pub provider_id: Option<i64>,
    pub reference: Option<String>,
    pub state: i64,
    pub code: Option<String>,
    pub detail: Option<String>,
}

row! {
    /// A delivery that a receipt may move.
    struct Movable {
        id: DeliveryId,
        message_id: MessageId,
        channel: ChannelKind,
        outlet: i64,
        target: i64,
        last_step: i64,
        state: State,
        counted_at: Timestamp,
    }
}

/// What verdicts came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Messages that may have nothing open any more: those where what waited last is not needed now.
    pub closed: Vec<MessageId>,
    /// The deliveries that moved, each with its message and the state it has now.
    pub moved: Vec<(DeliveryId, MessageId, State)>,
}

/// The moment on whose day a delivery is counted, of the rows of that table or alias: `counted_at`, which stands there as long as it
/// has ended. A release before it (step 51) neither writes nor clears it. So one from before the latest attempt began is of an end
/// before, and where there is none it is as near as the row tells: the end itself, but for one that was sent and of which its provider
/// told more later the sending, as [`judge`] counts it for that day.
pub(super) fn counted_at(of: &str) -> String {
    format!(
        "CASE WHEN {of}.counted_at >= COALESCE({of}.last_attempt_at, {of}.counted_at) THEN {of}.counted_at
            WHEN {of}.state <> 2 AND {of}.sent_at >= {of}.last_attempt_at THEN {of}.sent_at
            ELSE {of}.updated_at END"
    )
}

/// Which campus day a moment is in.
pub type DayOf<'a> = &'a (dyn Fn(Timestamp) -> String + Sync);

/// Stores receipts and moves the deliveries they decide. Only `sent` and `unknown` deliveries move, and those that wait to
/// be handed over once more because no answer came, so a receipt that comes twice, or late, changes nothing but the list
/// of receipts. That a provider has one says something only of those whose answer never came. A delivery moves in the figures of the day on which
/// it was counted before: they say what became of what was sent that day.
pub async fn judge(tx: &mut Tx, now: Timestamp, day_of: DayOf<'_>, verdicts: &[Verdict]) -> Result<Judged> {
    let rows = tx.dialect().rows(
        "$1",
        &[
            ("id", Field::Int),
            ("provider_id", Field::Int),
            ("reference", Field::Text),
            ("state", Field::Int),
            ("code", Field::Text),
            ("detail", Field::Text),
        ],
    );
    let text = format!(
        "INSERT INTO receipt (delivery_id, provider_id, received_at, reference, state, code, detail)
         SELECT id, provider_id, $2, reference, state, code, detail FROM {rows} AS v"
    );
    // Each receipt holds on to its delivery.
    let mut ordered: Vec<_> = verdicts.iter().collect();
    ordered.sort_by_key(|verdict| verdict.id);
    let input = to_json(&ordered)?;
    in_tx!(tx, |conn| sqlx::query(sql(text)).bind(&input).bind(now.0).execute(conn).await.map(drop))?;
    decide(tx, now, day_of, verdicts).await
}

/// Of several verdicts on one delivery the first that says what became of it counts; where none does, that its provider
/// has it.
async fn decide(tx: &mut Tx, now: Timestamp, day_of: DayOf<'_>, verdicts: &[Verdict]) -> Result<Judged> {
    let mut deciding: BTreeMap<i64, &Verdict> = BTreeMap::new();
    let (taken, decided): (Vec<&Verdict>, Vec<&Verdict>) =
        verdicts.iter().partition(|verdict| verdict.state == State::Sent.code());
    for verdict in decided.into_iter().chain(taken) {
        deciding.entry(verdict.id).or_insert(verdict);
    }
    let dialect = tx.dialect();
    let text = format!(
        "SELECT id, message_id, channel, outlet, target, last_step, state, {} AS counted_at FROM delivery
         WHERE id IN {} AND (state IN ({}, {}) OR {AWAITS_REPEAT}) ORDER BY id{}",
        counted_at("delivery"),
        dialect.int_list("$1"),
        State::Sent.code(),
        State::Unknown.code(),
        dialect.lock_content(),
    );
    let ids = to_json(&deciding.keys().collect::<Vec<_>>())?;
    let movable: Vec<Movable> = in_tx!(tx, |conn| sqlx::query_as(sql(text)).bind(ids).fetch_all(conn).await)?;
    let told = |row: Movable| deciding.get(&row.id.0).map(|verdict| (row, *verdict));
    let is_news = |(row, verdict): &(Movable, &Verdict)| {
        row.state != State::Sent || verdict.state != State::Sent.code()
    };
    let (movable, moved): (Vec<_>, Vec<_>) = movable.into_iter().filter_map(told).filter(is_news).unzip();
    if moved.is_empty() {
        return Ok(Judged::default());
    }
    let rows = dialect.rows("$1", &[("id", Field::Int), ("state", Field::Int), ("code", Field::Text)]);
    let text = format!(
        "UPDATE delivery SET state = v.state, reason = CASE WHEN v.state = 4 THEN v.code ELSE NULL END,
            delivered_at = CASE WHEN v.state = 3 THEN $2 ELSE delivered_at END, updated_at = $2,
            counted_at = {counted},
            sent_at = CASE WHEN v.state = 2 THEN COALESCE(sent_at, last_attempt_at, $2) ELSE sent_at END,
            poll_at = CASE WHEN v.state = 2 THEN poll_at ELSE NULL END,
            repeat_at = CASE WHEN v.state = 8 THEN repeat_at ELSE NULL END, {trouble}
         FROM {rows} AS v WHERE delivery.id = v.id",
        counted = counted_at("delivery"),
        trouble = attention::trouble("v.state", "delivery.provider_id", &format!("'{REPORTED}'"), "v.code"),
    );
    let input = to_json(&moved)?;
    in_tx!(tx, |conn| sqlx::query(sql(text)).bind(&input).bind(now.0).execute(conn).await.map(drop))?;
    let mut moves = Moves::new();
    let mut days: BTreeMap<String, BTreeMap<(i64, i64), i64>> = BTreeMap::new();
    let (mut steps, mut ended, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for (row, verdict) in movable.iter().zip(&moved) {
        let Some(to) = State::from_code(verdict.state) else { continue };
        told.push((row.id, row.message_id, to));
        moves.entry((row.message_id, row.channel)).or_default().shift(row.state, to, 1);
        if row.outlet != Outlet::Sandbox.code() {
            let day = days.entry(day_of(row.counted_at)).or_default();
            *day.entry((row.channel.code(), to.code())).or_default() += 1;
            if row.state.is_terminal() {
                *day.entry((row.channel.code(), row.state.code())).or_default() -= 1;
            }
        }
        if !row.state.is_terminal() {
            ended.push(row.message_id);
        }
        if row.last_step > 0 {
            let (message_id, target) = (row.message_id.0, row.target);
            steps.push(StepEnd { message_id, target, channel: row.channel, state: to });
        }
    }
    for row in fallback::follow(tx, now, &steps).await? {
        moves.entry((row.message_id, row.channel)).or_default().shift(State::Pending, row.state, 1);
        if row.is_live() {
            let today = days.entry(day_of(now)).or_default();
            *today.entry((row.channel.code(), row.state.code())).or_default() += 1;
        }
        ended.push(row.message_id);
    }
    let mut closed = count(tx, &moves).await?;
    for (day, n) in days {
        count_day(tx, &day, &n).await?;
    }
    closed.retain(|message| ended.contains(message));
    Ok(Judged { closed, moved: told })
}

/// A receipt that came by itself and has found no delivery yet.
#[derive(Clone, Debug, Serialize)]
pub struct NewReceipt {
    pub provider_id: i64,
    pub received_at: i64,
    pub reference: String,
    /// Another one it may have been taken under.
    pub also: Option<String>,
    pub address: Option<String>,
    pub state: i64,
    pub code: Option<String>,
    pub detail: Option<String>,
}

/// Stores receipts that are to find their deliveries from now on.
pub async fn insert_waiting(tx: &mut Tx, now: Timestamp, receipts: &[NewReceipt]) -> Result<()> {
    let rows = tx.dialect().rows(
        "$1",
        &[
            ("provider_id", Field::Int),
            ("received_at", Field::Int),
            ("reference", Field::Text),
            ("also", Field::Text),
            ("address", Field::Text),
            ("state", Field::Int),
            ("code", Field::Text),
            ("detail", Field::Text),
        ],
    );
    let text = format!(
        "INSERT INTO receipt (provider_id, received_at, reference, also, address, state, code, detail, look_at)
         SELECT provider_id, received_at, reference, also, address, state, code, detail, $2 FROM {rows} AS v"
    );
    let input = to_json(receipts)?;
    in_tx!(tx, |conn| sqlx::query(sql(text)).bind(&input).bind(now.0).execute(conn).await.map(drop))?;
    Ok(())
}

/// Whether any receipt is due to look for its delivery.
pub async fn any_waiting(db: &Db, now: Timestamp) -> Result<bool> {
    let text = "SELECT id FROM receipt WHERE look_at IS NOT NULL AND look_at <= $1 LIMIT 1";
    let found: Option<i64> =
        in_db!(db, |conn| sqlx::query_scalar(text).bind(now.0).fetch_optional(conn).await)?;
    Ok(found.is_some())
}

row! {
    /// What providers told and nobody has made anything of yet.
    pub struct LagRow {
        /// Calls that nobody looked into; as many as were asked for at most.
        pub unread: i64,
        /// When the oldest of them came.
        pub oldest: Option<Timestamp>,
        /// Receipts that look for their delivery; as many as were asked for at most.
        pub unmatched: i64,
    }
}

/// How far behind what providers tell this is: a few looks into indexes, and counts up to `most`.
pub async fn lag(db: &Db, most: u32) -> Result<LagRow> {
    let text = "SELECT
        (SELECT CAST(count(*) AS bigint) FROM (SELECT 1 AS one FROM callback WHERE trouble IS NULL LIMIT $1 + 0) AS c)
            AS unread,
        (SELECT received_at FROM callback WHERE trouble IS NULL ORDER BY id LIMIT 1) AS oldest,
        (SELECT CAST(count(*) AS bigint) FROM (SELECT 1 AS one FROM receipt WHERE look_at IS NOT NULL LIMIT $1 + 0) AS r)
            AS unmatched";
    Ok(in_db!(db, |conn| sqlx::query_as(text).bind(i64::from(most)).fetch_one(conn).await)?)
}

row! {
    /// A receipt that looks for its delivery.
    pub struct WaitingRow {
        pub id: i64,
        pub provider_id: Option<ProviderId>,
        pub received_at: Timestamp,
        pub reference: Option<String>,
        pub also: Option<String>,
        pub address: Option<String>,
        pub state: State,
        pub code: Option<String>,
        pub detail: Option<String>,
    }
}

/// Receipts due to look for their deliveries, this transaction's alone, in the order they came.
pub async fn waiting(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<Vec<WaitingRow>> {
    let text = format!(
        "SELECT id, provider_id, received_at, reference, also, address, state, code, detail FROM receipt
         WHERE look_at IS NOT NULL AND look_at <= $1 ORDER BY look_at, id LIMIT $2 + 0{}",
        tx.dialect().skip_locked()
    );
    Ok(in_tx!(tx, |conn| sqlx::query_as(sql(text)).bind(now.0).bind(limit).fetch_all(conn).await)?)
}

row! {
    /// A delivery that a receipt may be about.
    pub struct Candidate {
        pub id: DeliveryId,
        pub provider_id: Option<ProviderId>,
        pub reference: Option<String>,
        /// None for who was erased.
        pub address: Option<String>,
        pub channel: ChannelKind,
        pub state: State,
        /// It waits to be handed over once more because no answer came: a receipt may still spare that.
        pub awaits_repeat: bool,
        pub sent_at: Option<Timestamp>,
    }
}

/// What a provider may have taken something under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Wanted<'a> {
    pub reference: &'a str,
    pub provider_id: Option<i64>,
}

/// What was taken under these references for these addresses, and of each provider's reference two deliveries more, so
/// that who looks for the only one sees whether it is. All of them would be too many: a whole campus may have been sent to
/// under one.
pub async fn candidates(tx: &mut Tx, wanted: &[Wanted<'_>], addresses: &[&str]) -> Result<Vec<Candidate>> {
    let dialect = tx.dialect();
    let rows = dialect.rows("$1", &[("reference", Field::Text), ("provider_id", Field::Int)]);
    let one = |offset: u8| {
        format!(
            "SELECT (SELECT d.id FROM delivery d WHERE d.reference = w.reference
               AND d.provider_id IS NOT DISTINCT FROM w.provider_id LIMIT 1 OFFSET {offset}) AS id FROM {rows} AS w"
        )
    };
    let text = format!(
        "SELECT id, provider_id, reference, address, channel, state, {AWAITS_REPEAT} AS awaits_repeat, sent_at FROM delivery
         WHERE id IN (SELECT id FROM delivery WHERE reference IS NOT NULL AND {} AND address IN {}
            UNION {} UNION {})
         ORDER BY id",
        dialect.is_listed("reference", "$2"),
        dialect.text_list("$3"),
        one(0),
        one(1),
    );
    let references: Vec<_> = wanted.iter().map(|wanted| wanted.reference).collect();
    let (rows, references, addresses) = (to_json(wanted)?, to_json(&references)?, to_json(addresses)?);
    Ok(in_tx!(tx, |conn| {
        sqlx::query_as(sql(text)).bind(rows).bind(references).bind(addresses).fetch_all(conn).await
    })?)
}

/// A waiting receipt and the delivery it is about.
#[derive(Clone, Debug, Serialize)]
pub struct Match {
    pub receipt: i64,
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Gives receipts to their deliveries and moves those they decide, as [`judge`] does.
pub async fn settle(tx: &mut Tx, now: Timestamp, day_of: DayOf<'_>, matches: &[Match]) -> Result<Judged> {
    let rows = tx.dialect().rows("$1", &[("receipt", Field::Int), ("id", Field::Int)]);
    // The delivery has the number.
    let text = format!(
        "UPDATE receipt SET delivery_id = m.id, also = NULL, address = NULL, look_at = NULL
         FROM {rows} AS m WHERE receipt.id = m.receipt"
    );
    let input = to_json(matches)?;
    in_tx!(tx, |conn| sqlx::query(sql(text)).bind(&input).execute(conn).await.map(drop))?;
    let verdicts: Vec<Verdict> = matches.iter().map(|m| m.verdict.clone()).collect();
    decide(tx, now, day_of, &verdicts).await
}

/// When a receipt that has found nothing looks again.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Later {
    pub id: i64,
    /// `None`: not any more.
    pub look_at: Option<i64>,
}

pub async fn look_later(tx: &mut Tx, later: &[Later]) -> Result<()> {
    let rows = tx.dialect().rows("$1", &[("id", Field::Int), ("look_at", Field::Int)]);
    let text = format!("UPDATE receipt SET look_at = l.look_at FROM {rows} AS l WHERE receipt.id = l.id");
    in_tx!(tx, |conn| sqlx::query(sql(text)).bind(to_json(later)?).execute(conn).await.map(drop))?;
    Ok(())
}

row! {
    /// A receipt of something we know nothing of, or not yet.
    pub struct UnmatchedRow {
        pub id: ReceiptId,
        /// The provider's name.
        pub provider: Option<String>,
        pub received_at: Timestamp,
        pub reference: Option<String>,
        pub address: Option<String>,
        pub state: State,
        pub code: Option<String>,
        /// When it looks for its delivery again.
        pub look_at: Option<Timestamp>,
    }
}

/// Receipts without a delivery, the latest first, older than the one with the id `before`.
pub async fn list_unmatched(db: &Db, before: Option<ReceiptId>, limit: u32) -> Result<Vec<UnmatchedRow>> {
    let text =
        "SELECT r.id, p.name AS provider, r.received_at, r.reference, r.address, r.state, r.code, r.look_at
         FROM receipt r LEFT JOIN provider p ON p.id = r.provider_id
         WHERE r.delivery_id IS NULL AND r.id < $1 ORDER BY r.id DESC LIMIT $2 + 0";
    Ok(in_db!(db, |conn| {
        sqlx::query_as(text)
            .bind(before.map_or(i64::MAX, |id| id.0))
            .bind(i64::from(limit))
            .fetch_all(conn)
            .await
    })?)
}

/// Removes receipts that found nothing and came before `before`; returns how many.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let text = "DELETE FROM receipt WHERE delivery_id IS NULL AND look_at IS NULL AND received_at < $1";
    Ok(in_tx!(tx, |conn| {
        sqlx::query(text).bind(before.0).execute(conn).await.map(|done| done.rows_affected())
    })?)
}

/// Takes a number that is to be forgotten out of receipts that found no delivery.
pub async fn forget(tx: &mut Tx, addresses: &[&str]) -> Result<()> {
    let text = format!(
        "UPDATE receipt SET address = NULL WHERE delivery_id IS NULL AND address IN {}",
        tx.dialect().text_list("$1")
    );
    in_tx!(tx, |conn| sqlx::query(sql(text)).bind(to_json(addresses)?).execute(conn).await.map(drop))?;
    Ok(())
}

/// When a delivery is asked about again.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AskLater {
    pub id: i64,
    /// `None`: never again.
    pub poll_at: Option<i64>,
}

/// Puts off what was asked about. What is neither sent nor unknown any more needs no asking.
pub async fn poll_later(tx: &mut Tx, later: &[AskLater]) -> Result<()> {
    let dialect = tx.dialect();
    let rows = dialect.rows("$1", &[("id", Field::Int), ("poll_at", Field::Int)]);
    // In their order, as everybody locks deliveries.
    let text = format!(
        "WITH asked AS MATERIALIZED (
            SELECT d.id FROM delivery d WHERE d.id IN {ids} ORDER BY d.id{lock})
         UPDATE delivery SET poll_at = CASE WHEN delivery.state IN ({sent}, {unknown}) THEN l.poll_at ELSE NULL END
         FROM {rows} AS l WHERE delivery.id = l.id AND delivery.id IN (SELECT id FROM asked)",
        ids = dialect.int_list("$2"),
        lock = dialect.lock_content(),
        sent = State::Sent.code(),
        unknown = State::Unknown.code(),
    );
    let ids: Vec<i64> = later.iter().map(|asked| asked.id).collect();
    let (later, ids) = (to_json(later)?, to_json(&ids)?);
    in_tx!(tx, |conn| sqlx::query(sql(text)).bind(later).bind(ids).execute(conn).await.map(drop))?;
    Ok(())
}
