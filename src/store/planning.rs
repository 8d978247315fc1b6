//! From an accepted message to one delivery per person and channel: who takes it, how far it got, what it came to.

use serde::Serialize;

use super::audience::{ResolvedAudience, bind_all};
use super::dialect::Field;
use super::{Db, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::audience::{Audience, DirectAddress};
use crate::domain::channel::{AddressKind, ChannelKind, Outlet};
use crate::domain::delivery::{State, suppressed};
use crate::domain::id::{MessageId, RecipientId};
use crate::domain::message::{Category, Lane, Status};

row! {
    /// A message in the planner's hands.
    pub struct Planned {
        pub id: MessageId,
        pub test: bool,
        pub topic: String,
        pub category: Category,
        pub lane: Lane,
        pub audience: Option<JsonText<Audience>>,
        pub personalise: Option<String>,
        pub channels: JsonText<Vec<ChannelKind>>,
        /// Whose claim it is; a planner that lost it adds nothing more.
        pub lease_owner: i64,
        /// The last recipient already planned.
        pub plan_cursor: RecipientId,
    }
}

row! {
    struct Max {
        id: Option<RecipientId>,
    }
}

row! {
    struct StateCount {
        state: State,
        n: i64,
    }
}

row! {
    struct OneId {
        id: MessageId,
    }
}

row! {
    struct TopicRow {
        topic: String,
    }
}

/// Takes up to `limit` messages of a lane whose time has come. They are `routing`, and this `owner`'s.
pub async fn claim(
    tx: &mut Tx,
    lane: Lane,
    now: Timestamp,
    owner: i64,
    lease_ms: i64,
    limit: i64,
) -> Result<Vec<Planned>> {
    let dialect = tx.dialect();
    let text = format!(
        "WITH picked AS MATERIALIZED (
            SELECT id FROM message WHERE status <= 1 AND lane = $1 AND send_at <= $2
            ORDER BY send_at, id LIMIT $3{skip})
         UPDATE message SET status = 2, lease_owner = $4, lease_until = {now} + $5, updated_at = $2
         WHERE id IN (SELECT id FROM picked)
         RETURNING id, test, topic, category, lane, audience, personalise, channels, lease_owner, plan_cursor",
        skip = dialect.skip_locked(),
        now = dialect.lease_now("$2"),
    );
    let mut rows: Vec<Planned> = in_tx!(tx, |conn| {
        sqlx::query_as(sql(text))
            .bind(lane.code())
            .bind(now.0)
            .bind(limit)
            .bind(owner)
            .bind(lease_ms)
            .fetch_all(conn)
            .await
    })?;
    rows.sort_unstable_by_key(|r| r.id);
    Ok(rows)
}

/// Offers messages again whose planner is gone; they go on where it stopped.
pub async fn release_lost(tx: &mut Tx, now: Timestamp, owner: i64) -> Result<u64> {
    let dialect = tx.dialect();
    let lost = match dialect {
        super::Dialect::Sqlite => "lease_owner <> $2".to_owned(),
        super::Dialect::Postgres => {
            format!("lease_owner <> $2 AND lease_until < {}", dialect.lease_now("$1"))
        }
    };
    let text = format!("UPDATE message SET status = 1, updated_at = $1 WHERE status = 2 AND {lost}");
    Ok(in_tx!(tx, |conn| {
        sqlx::query(sql(text)).bind(now.0).bind(owner).execute(conn).await.map(|r| r.rows_affected())
    })?)
}

/// The opt-out patterns in use; few, whatever the number of people.
pub async fn opt_out_patterns(db: &Db) -> Result<Vec<String>> {
    let rows: Vec<TopicRow> =
        in_db!(db, |conn| sqlx::query_as("SELECT DISTINCT topic FROM opt_out").fetch_all(conn).await)?;
    Ok(rows.into_iter().map(|r| r.topic).collect())
}

/// One chunk of a fan-out: the people of an audience after the message's cursor, by every channel asked for.
#[derive(Clone, Debug)]
pub struct FanOut<'a> {
    pub message: &'a Planned,
    pub audience: &'a ResolvedAudience,
    /// Opt-out patterns that match the message's topic; empty where wishes do not count.
    pub opt_outs: &'a [String],
    pub now: Timestamp,
}

/// Deliveries added by one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    pub channel: ChannelKind,
    pub state: State,
    pub n: i64,
}

/// Where the next chunk of at most `size` people ends; `None` when nobody is left.
pub async fn chunk_end(db: &Db, fan_out: &FanOut<'_>, size: i64) -> Result<Option<RecipientId>> {
    let selection = fan_out.audience.select(db.dialect(), 3);
    let text = format!(
        "SELECT MAX(t.id) AS id FROM (SELECT r.id FROM recipient r WHERE r.id > $1 AND ({condition})
         ORDER BY r.id LIMIT $2) AS t",
        condition = selection.condition
    );
    let max: Max = in_db!(db, |conn| {
        let query = sqlx::query_as(sql(text)).bind(fan_out.message.plan_cursor.0).bind(size);
        bind_all!(query, &selection.binds).fetch_one(conn).await
    })?;
    Ok(max.id)
}

/// Adds the deliveries of everyone up to `end`, moves the cursor and the counters. Adds nothing that is there already,
/// so a chunk cut off by a crash is simply done again. `None`: the message is no longer being planned.
pub async fn add_chunk(
    tx: &mut Tx,
    fan_out: &FanOut<'_>,
    end: RecipientId,
    lease_ms: i64,
) -> Result<Option<Vec<Added>>> {
    let message = fan_out.message;
    let start = message.plan_cursor;
    if !advance(tx, message, end, fan_out.now, lease_ms).await? {
        return Ok(None);
    }
    let dialect = tx.dialect();
    let selection = fan_out.audience.select(dialect, 10);
    let personal = match &message.personalise {
        // The object's entries as (campus_id, params); one parse however many people the chunk holds.
        Some(_) => match dialect {
            super::Dialect::Sqlite => {
                "LEFT JOIN (SELECT key AS campus_id, value AS params FROM json_each($9)) p ON p.campus_id = r.campus_id"
            }
            super::Dialect::Postgres => {
                "LEFT JOIN (SELECT key AS campus_id, CAST(value AS text) AS params FROM jsonb_each(CAST($9 AS jsonb))) p
                 ON p.campus_id = r.campus_id"
            }
        },
        None => "",
    };
    let params = if message.personalise.is_some() { "p.params" } else { "NULL" };
    let mut added = Vec::new();
    for channel in &message.channels.0 {
        let address = coalesce(*channel);
        let opted_out = if fan_out.opt_outs.is_empty() {
            "FALSE".to_owned()
        } else {
            format!(
                "EXISTS (SELECT 1 FROM opt_out o WHERE o.recipient_id = r.id AND o.channel IN (0, {channel})
                 AND o.topic IN {list})",
                channel = channel.code(),
                list = dialect.text_list("$8")
            )
        };
        let text = format!(
            "INSERT INTO delivery (message_id, channel, outlet, lane, target, recipient_id, address_kind, address,
                name, language, params, state, reason, due_at, updated_at)
             SELECT $1, $2, $3, $4, r.id, r.id, {kind}, {address}, r.name, r.language, {params},
                CASE WHEN {address} IS NULL OR {opted_out} THEN 7 ELSE 0 END,
                CASE WHEN {opted_out} THEN '{out}' WHEN {address} IS NULL THEN '{none}' END, $5, $5
             FROM recipient r {personal}
             WHERE r.id > $6 AND r.id <= $7 AND ({condition})
             ORDER BY r.id
             ON CONFLICT DO NOTHING",
            kind = kind_of(*channel),
            out = suppressed::OPTED_OUT,
            none = suppressed::NO_ADDRESS,
            condition = selection.condition,
        );
        in_tx!(tx, |conn| {
            let query = sqlx::query(sql(text))
                .bind(message.id.0)
                .bind(channel.code())
                .bind(outlet(message.test, *channel).code())
                .bind(message.lane.code())
                .bind(fan_out.now.0)
                .bind(start.0)
                .bind(end.0)
                .bind(to_json(fan_out.opt_outs)?)
                .bind(message.personalise.as_deref().unwrap_or("{}").to_owned());
            bind_all!(query, &selection.binds).execute(conn).await.map(drop)
        })?;
        let states: Vec<StateCount> = in_tx!(tx, |conn| {
            sqlx::query_as(
                "SELECT state, CAST(count(*) AS bigint) AS n FROM delivery
                 WHERE message_id = $1 AND channel = $2 AND target > $3 AND target <= $4 GROUP BY state",
            )
            .bind(message.id.0)
            .bind(channel.code())
            .bind(start.0)
            .bind(end.0)
            .fetch_all(conn)
            .await
        })?;
        added.extend(states.into_iter().map(|s| Added { channel: *channel, state: s.state, n: s.n }));
    }
    count_added(tx, message.id, &added).await?;
    Ok(Some(added))
}

/// Moves the cursor of a message that this planner still holds, and renews the claim; `false` if it lost it.
async fn advance(
    tx: &mut Tx,
    message: &Planned,
    cursor: RecipientId,
    now: Timestamp,
    lease_ms: i64,
) -> Result<bool> {
    let text = format!(
        "UPDATE message SET plan_cursor = $2, lease_until = {now} + $5
         WHERE id = $1 AND status = 2 AND lease_owner = $4",
        now = tx.dialect().lease_now("$3")
    );
    let changed = in_tx!(tx, |conn| {
        sqlx::query(sql(text))
            .bind(message.id.0)
            .bind(cursor.0)
            .bind(now.0)
            .bind(message.lease_owner)
            .bind(lease_ms)
            .execute(conn)
            .await
            .map(|r| r.rows_affected())
    })?;
    Ok(changed == 1)
}

#[derive(Serialize)]
struct DirectRow<'a> {
    channel: i64,
    outlet: i64,
    kind: i64,
    target: i64,
    address: &'a str,
}

/// Adds the deliveries to addresses outside the directory. `targets` are negative, one per address.
pub async fn add_direct(
    tx: &mut Tx,
    message: &Planned,
    to: &[(i64, &DirectAddress)],
    now: Timestamp,
    lease_ms: i64,
) -> Result<Option<Vec<Added>>> {
    if !advance(tx, message, message.plan_cursor, now, lease_ms).await? {
        return Ok(None);
    }
    let rows: Vec<_> = to
        .iter()
        .map(|(target, address)| DirectRow {
            channel: address.kind.channel().code(),
            outlet: outlet(message.test, address.kind.channel()).code(),
            kind: address.kind.code(),
            target: *target,
            address: &address.value,
        })
        .collect();
    let text = format!(
        "INSERT INTO delivery (message_id, channel, outlet, lane, target, address_kind, address, state, due_at,
            updated_at)
         SELECT $2, d.channel, d.outlet, $3, d.target, d.kind, d.address, 0, $4, $4 FROM {rows} AS d
         WHERE 1 = 1 ON CONFLICT DO NOTHING
         RETURNING channel, state",
        rows = tx.dialect().rows(
            "$1",
            &[
                ("channel", Field::Int),
                ("outlet", Field::Int),
                ("kind", Field::Int),
                ("target", Field::Int),
                ("address", Field::Text)
            ]
        )
    );
    let inserted: Vec<ChannelState> = in_tx!(tx, |conn| {
        sqlx::query_as(sql(text))
            .bind(to_json(&rows)?)
            .bind(message.id.0)
            .bind(message.lane.code())
            .bind(now.0)
            .fetch_all(conn)
            .await
    })?;
    let added = tally(&inserted);
    count_added(tx, message.id, &added).await?;
    Ok(Some(added))
}

row! {
    struct ChannelState {
        channel: ChannelKind,
        state: State,
    }
}

fn tally(rows: &[ChannelState]) -> Vec<Added> {
    let mut n: std::collections::BTreeMap<(ChannelKind, State), i64> = std::collections::BTreeMap::new();
    for row in rows {
        *n.entry((row.channel, row.state)).or_default() += 1;
    }
    n.into_iter().map(|((channel, state), n)| Added { channel, state, n }).collect()
}

/// Adds deliveries by `channel` for the people whose deliveries stand in any of `states`, where there is none yet.
pub async fn add_channel(
    tx: &mut Tx,
    message: MessageId,
    channel: ChannelKind,
    states: &[State],
    now: Timestamp,
) -> Result<Vec<Added>> {
    let codes: Vec<i64> = states.iter().map(|s| s.code()).collect();
    let address = coalesce(channel);
    let text = format!(
        "INSERT INTO delivery (message_id, channel, outlet, lane, target, recipient_id, address_kind, address, name,
            language, params, state, reason, due_at, updated_at)
         SELECT m.id, $2, CASE WHEN m.test THEN 0 ELSE $2 END, m.lane, r.id, r.id, {kind}, {address}, r.name,
            r.language, d.params, CASE WHEN {address} IS NULL THEN 7 ELSE 0 END,
            CASE WHEN {address} IS NULL THEN '{none}' END, $4, $4
         FROM message m JOIN delivery d ON d.message_id = m.id JOIN recipient r ON r.id = d.recipient_id
         WHERE m.id = $1 AND d.state IN {states} AND r.active
         ORDER BY r.id
         ON CONFLICT DO NOTHING
         RETURNING channel, state",
        kind = kind_of(channel),
        none = suppressed::NO_ADDRESS,
        states = tx.dialect().int_list("$3"),
    );
    let inserted: Vec<ChannelState> = in_tx!(tx, |conn| {
        sqlx::query_as(sql(text))
            .bind(message.0)
            .bind(channel.code())
            .bind(to_json(&codes)?)
            .bind(now.0)
            .fetch_all(conn)
            .await
    })?;
    let added = tally(&inserted);
    count_added(tx, message, &added).await?;
    Ok(added)
}

async fn count_added(tx: &mut Tx, message: MessageId, added: &[Added]) -> Result<()> {
    let mut by_channel: std::collections::BTreeMap<ChannelKind, (i64, i64)> =
        std::collections::BTreeMap::new();
    for a in added {
        let (pending, suppressed) = by_channel.entry(a.channel).or_default();
        match a.state {
            State::Suppressed => *suppressed += a.n,
            _ => *pending += a.n,
        }
    }
    for (channel, (pending, suppressed)) in by_channel {
        in_tx!(tx, |conn| {
            sqlx::query(
                "INSERT INTO message_count (message_id, channel, pending, suppressed) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (message_id, channel) DO UPDATE SET pending = message_count.pending + excluded.pending,
                    suppressed = message_count.suppressed + excluded.suppressed",
            )
            .bind(message.0)
            .bind(channel.code())
            .bind(pending)
            .bind(suppressed)
            .execute(conn)
            .await
            .map(drop)
        })?;
    }
    Ok(())
}

/// Everyone is planned: the message is `sending`, or `completed` where nothing is open. `false`: somebody stopped it.
pub async fn finish(tx: &mut Tx, message: MessageId, now: Timestamp) -> Result<bool> {
    let changed = in_tx!(tx, |conn| {
        sqlx::query(
            "UPDATE message SET status = 3, planned_at = COALESCE(planned_at, $2), updated_at = $2
             WHERE id = $1 AND status = 2",
        )
        .bind(message.0)
        .bind(now.0)
        .execute(conn)
        .await
        .map(|r| r.rows_affected())
    })?;
    if changed == 1 {
        complete(tx, &[message], now).await?;
    }
    Ok(changed == 1)
}

/// Ends planning another way than by sending: `unrouted` with a reason.
pub async fn unrouted(tx: &mut Tx, messages: &[MessageId], reason: &str, now: Timestamp) -> Result<()> {
    let ids: Vec<i64> = messages.iter().map(|m| m.0).collect();
    let text = format!(
        "UPDATE message SET status = 6, reason = $2, planned_at = $3, updated_at = $3
         WHERE status = 2 AND id IN {}",
        tx.dialect().int_list("$1")
    );
    in_tx!(tx, |conn| {
        sqlx::query(sql(text)).bind(to_json(&ids)?).bind(reason).bind(now.0).execute(conn).await.map(drop)
    })?;
    Ok(())
}

/// Completes those of the messages that are `sending` and have nothing open; returns them. Call it after the commit
/// of whatever closed the last delivery: two settlers of one message then cannot both miss the other's work.
pub async fn complete(tx: &mut Tx, messages: &[MessageId], now: Timestamp) -> Result<Vec<MessageId>> {
    let ids: Vec<i64> = messages.iter().map(|m| m.0).collect();
    let text = format!(
        "UPDATE message SET status = 4, completed_at = $2, updated_at = $2
         WHERE status = 3 AND id IN {} AND NOT EXISTS (SELECT 1 FROM message_count c
            WHERE c.message_id = message.id AND c.pending + c.sending > 0)
         RETURNING id",
        tx.dialect().int_list("$1")
    );
    let rows: Vec<OneId> =
        in_tx!(tx, |conn| sqlx::query_as(sql(text)).bind(to_json(&ids)?).bind(now.0).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

/// Messages that stand at `sending` with nothing open: their completion was cut off by a crash.
pub async fn left_open(db: &Db, limit: i64) -> Result<Vec<MessageId>> {
    let rows: Vec<OneId> = in_db!(db, |conn| {
        sqlx::query_as(
            "SELECT id FROM message WHERE status = 3 AND NOT EXISTS (SELECT 1 FROM message_count c
                WHERE c.message_id = message.id AND c.pending + c.sending > 0) ORDER BY id LIMIT $1",
        )
        .bind(limit)
        .fetch_all(conn)
        .await
    })?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

/// Messages being sent whose time is over.
pub async fn overdue(db: &Db, now: Timestamp, limit: i64) -> Result<Vec<MessageId>> {
    let rows: Vec<OneId> = in_db!(db, |conn| {
        sqlx::query_as(
            "SELECT m.id FROM message m WHERE m.status = 3 AND m.expires_at <= $1 AND EXISTS (SELECT 1
                FROM message_count c WHERE c.message_id = m.id AND c.pending > 0) ORDER BY m.expires_at LIMIT $2",
        )
        .bind(now.0)
        .bind(limit)
        .fetch_all(conn)
        .await
    })?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

/// Ends messages whose time was over before anything of them was planned.
pub async fn expire_unplanned(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    Ok(in_tx!(tx, |conn| {
        sqlx::query(
            "UPDATE message SET status = 8, updated_at = $1, completed_at = $1
             WHERE status <= 1 AND send_at <= $1 AND expires_at <= $1 AND plan_cursor = 0",
        )
        .bind(now.0)
        .execute(conn)
        .await
        .map(|r| r.rows_affected())
    })?)
}

row! {
    /// Lanes with messages to plan.
    pub struct DueLane {
        pub lane: Lane,
    }
}

/// The lanes in which a message waits to be planned.
pub async fn due(db: &Db, now: Timestamp) -> Result<Vec<DueLane>> {
    let probes: Vec<_> = Lane::ALL
        .iter()
        .map(|lane| {
            format!(
                "SELECT CAST({lane} AS bigint) AS lane WHERE EXISTS (SELECT 1 FROM message
                 WHERE status <= 1 AND lane = {lane} AND send_at <= $1)",
                lane = lane.code()
            )
        })
        .collect();
    let text = probes.join(" UNION ALL ");
    Ok(in_db!(db, |conn| sqlx::query_as(sql(text)).bind(now.0).fetch_all(conn).await)?)
}

row! {
    /// What sending a message needs, once for all its deliveries.
    pub struct ToSend {
        pub id: MessageId,
        pub test: bool,
        pub category: Category,
        pub lane: Lane,
        pub status: Status,
        /// As accepted: the texts, and the template's variables where there is one.
        pub content: String,
        pub expires_at: Timestamp,
    }
}

/// The messages by their ids.
pub async fn to_send(db: &Db, messages: &[MessageId]) -> Result<Vec<ToSend>> {
    let ids: Vec<i64> = messages.iter().map(|m| m.0).collect();
    let text = format!(
        "SELECT id, test, category, lane, status, content, expires_at FROM message WHERE id IN {}",
        db.dialect().int_list("$1")
    );
    Ok(in_db!(db, |conn| sqlx::query_as(sql(text)).bind(to_json(&ids)?).fetch_all(conn).await)?)
}

row! {
    /// What may be done with a message by hand.
    pub struct Standing {
        pub id: MessageId,
        pub source_id: Option<crate::domain::id::SourceId>,
        pub status: Status,
        pub lane: Lane,
        pub test: bool,
        pub channels: JsonText<Vec<ChannelKind>>,
        pub expires_at: Timestamp,
    }
}

/// The message, locked until the transaction ends.
pub async fn standing(tx: &mut Tx, message: MessageId) -> Result<Option<Standing>> {
    let lock = match tx.dialect() {
        super::Dialect::Sqlite => "",
        super::Dialect::Postgres => " FOR UPDATE",
    };
    let text = format!(
        "SELECT id, source_id, status, lane, test, channels, expires_at FROM message WHERE id = $1{lock}"
    );
    Ok(in_tx!(tx, |conn| sqlx::query_as(sql(text)).bind(message.0).fetch_optional(conn).await)?)
}

/// Sets a message's status by hand (cancelled, or `sending` again with a later end).
pub async fn set_status(
    tx: &mut Tx,
    message: MessageId,
    status: Status,
    reason: Option<&str>,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    in_tx!(tx, |conn| {
        sqlx::query(
            "UPDATE message SET status = $2, reason = $3, expires_at = $4, updated_at = $5,
                completed_at = CASE WHEN $6 = 1 THEN $5 ELSE NULL END WHERE id = $1",
        )
        .bind(message.0)
        .bind(status.code())
        .bind(reason)
        .bind(expires_at.0)
        .bind(now.0)
        .bind(i64::from(status.is_final()))
        .execute(conn)
        .await
        .map(drop)
    })?;
    Ok(())
}

/// One line of a message's timeline.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    pub message_id: i64,
    pub at: i64,
    pub kind: String,
    /// A JSON object as text.
    pub detail: String,
}

pub async fn add_events(tx: &mut Tx, events: &[Event]) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let text = format!(
        "INSERT INTO message_event (message_id, at, kind, detail) SELECT message_id, at, kind, detail FROM {} AS e",
        tx.dialect().rows(
            "$1",
            &[("message_id", Field::Int), ("at", Field::Int), ("kind", Field::Text), ("detail", Field::Text)]
        )
    );
    in_tx!(tx, |conn| sqlx::query(sql(text)).bind(to_json(events)?).execute(conn).await.map(drop))?;
    Ok(())
}

fn outlet(test: bool, channel: ChannelKind) -> Outlet {
    if test { Outlet::Sandbox } else { Outlet::Live(channel) }
}

/// The preferred address of a recipient for a channel, as SQL over `recipient r`.
fn coalesce(channel: ChannelKind) -> String {
    match channel.address_kinds() {
        [only] => format!("r.{}", only.name()),
        kinds => format!(
            "COALESCE({})",
            kinds.iter().map(|k| format!("r.{}", k.name())).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// The kind of that address, as SQL.
fn kind_of(channel: ChannelKind) -> String {
    let cases: Vec<_> = channel
        .address_kinds()
        .iter()
        .map(|kind: &AddressKind| format!("WHEN r.{} IS NOT NULL THEN {}", kind.name(), kind.code()))
        .collect();
    format!("CASE {} END", cases.join(" "))
}
