//! From an audience to deliveries: one for each person, or address, and channel.

mod listed;

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use serde::Serialize;

pub use self::listed::Listed;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::{AddressKind, ChannelKind, Outlet};
use crate::domain::delivery::{QUIET_HOURS, State};
use crate::domain::id::{MessageId, RecipientId};
use crate::store::audience::{ResolvedAudience, bind_all};
use crate::store::deliveries::Moved;
use crate::store::dialect::Field;
use crate::store::planning::{self, Planned};
use crate::store::screen::Screen;
use crate::store::{Db, Tx, in_db, in_tx, row, sql, to_json};

row! {
    struct EndRow {
        last: Option<RecipientId>,
        n: i64,
    }
}

row! {
    struct StateCount {
        outlet: Outlet,
        state: State,
        n: i64,
    }
}

/// One chunk of a fan-out: the people of an audience after the message's cursor, by every channel asked for.
#[derive(Clone, Copy, Debug)]
pub struct FanOut<'a> {
    pub message: &'a Planned,
    pub audience: &'a ResolvedAudience,
    pub screen: &'a Screen,
    pub now: Timestamp,
}

/// The people of one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The last of them.
    pub end: RecipientId,
    pub people: i64,
}

/// Everything that becomes of a message, where that is little enough for one transaction.
#[derive(Clone, Copy, Debug)]
pub struct Whole<'a> {
    pub message: &'a Planned,
    pub listed: &'a [Listed],
    /// For those who are listed.
    pub screen: &'a Screen,
    /// Those the audience finds, up to the last of them.
    pub people: Option<(FanOut<'a>, RecipientId)>,
}

/// Deliveries that were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    pub message: MessageId,
    pub channel: ChannelKind,
    pub outlet: Outlet,
    pub state: State,
    pub n: i64,
}

/// The next chunk, of at most `size` people; `None` when nobody is left.
pub async fn next_chunk(db: &Db, fan_out: &FanOut<'_>, size: i64) -> Result<Option<Chunk>> {
    let selection = fan_out.audience.select(db.dialect(), 3);
    let text = format!(
        "SELECT MAX(t.id) AS last, CAST(count(*) AS bigint) AS n
         FROM (SELECT r.id FROM recipient r WHERE r.id > $1 AND ({condition}) ORDER BY r.id LIMIT $2 + 0) AS t",
        condition = selection.condition
    );
    let row: EndRow = in_db!(db, |conn| {
        let query = sqlx::query_as(sql(text)).bind(fan_out.message.plan_cursor.0).bind(size);
        bind_all!(query, &selection.binds).fetch_one(conn).await
    })?;
    Ok(row.last.map(|end| Chunk { end, people: row.n }))
}

/// Adds the deliveries of everyone up to `end`, moves the cursor and the counters. Adds nothing that is there already,
/// so a chunk cut off by a crash is simply done again. `None`: the message is no longer this planner's.
pub async fn add_chunk(
    tx: &mut Tx,
    fan_out: &FanOut<'_>,
    end: RecipientId,
    lease_ms: i64,
) -> Result<Option<Vec<Added>>> {
    if !advance(tx, fan_out.message, end, fan_out.now, lease_ms).await? {
        return Ok(None);
    }
    let added = add_people(tx, fan_out, end).await?;
    count_added(tx, &added).await?;
    Ok(Some(added))
}

/// Plans messages from beginning to end, so that they are `sending`, or `completed` where all of it is suppressed.
/// Those that are no longer this planner's are passed over; the others' ids are returned with what was added.
pub async fn add_whole(
    tx: &mut Tx,
    now: Timestamp,
    whole: &[Whole<'_>],
) -> Result<(HashSet<MessageId>, Vec<Added>)> {
    let Some(first) = whole.first() else { return Ok((HashSet::new(), Vec::new())) };
    let ids: Vec<_> = whole.iter().map(|whole| whole.message.id).collect();
    let held = planning::finish(tx, &ids, first.message.lease_owner, now).await?;
    let whole: Vec<_> = whole.iter().filter(|whole| held.contains(&whole.message.id)).collect();
    let lists: Vec<_> = whole.iter().map(|whole| (whole.message, whole.listed, whole.screen)).collect();
    let mut added = listed::add(tx, &lists, now).await?;
    for (fan_out, end) in whole.iter().filter_map(|whole| whole.people.as_ref()) {
        added.extend(add_people(tx, fan_out, *end).await?);
    }
    count_added(tx, &added).await?;
    let open: HashSet<_> = added.iter().filter(|a| a.state == State::Pending).map(|a| a.message).collect();
    let mut closed: Vec<_> = added.iter().map(|a| a.message).filter(|id| !open.contains(id)).collect();
    closed.dedup();
    if !closed.is_empty() {
        planning::complete(tx, &closed, now).await?;
    }
    Ok((held, added))
}

async fn add_people(tx: &mut Tx, fan_out: &FanOut<'_>, end: RecipientId) -> Result<Vec<Added>> {
    let message = fan_out.message;
    let start = message.plan_cursor;
    let dialect = tx.dialect();
    let selection = fan_out.audience.select(dialect, 9);
    let personal = match &message.personalise {
        // The object's entries as (campus_id, params); one parse however many people the chunk holds.
        Some(_) => match dialect {
            super::Dialect::Sqlite => {
                "LEFT JOIN (SELECT key AS campus_id, value AS params FROM json_each($8)) p ON p.campus_id = r.campus_id"
            }
            super::Dialect::Postgres => {
                "LEFT JOIN (SELECT key AS campus_id, CAST(value AS text) AS params FROM jsonb_each(CAST($8 AS jsonb))) p
                 ON p.campus_id = r.campus_id"
            }
        },
        None => "",
    };
    let params = if message.personalise.is_some() { "p.params" } else { "NULL" };
    let screen = fan_out.screen;
    let mut added = Vec::new();
    for place in message.places() {
        let channel = place.channel;
        let is_fallback = place.last_step > 0;
        let why = |channel| screen.why(dialect, channel, "$7", "$4", is_fallback);
        let mut begins = vec!["$4".to_owned()];
        let mut waits = String::new();
        for (earlier, wait) in &place.waits {
            let why = why(*earlier);
            let _ = write!(waits, " + CASE WHEN {why} IS NULL THEN {wait} ELSE 0 END");
            if let Some(end) = screen.end(*earlier) {
                begins.push(format!("CASE WHEN {why} IS NULL THEN {end} ELSE 0 END", end = end.0));
            }
        }
        let quiet = screen.end(channel);
        begins.extend(quiet.map(|end| end.0.to_string()));
        let waits_for = quiet.map_or("NULL".to_owned(), |_| format!("'{QUIET_HOURS}'"));
        let text = format!(
            "INSERT INTO delivery (message_id, channel, outlet, lane, target, recipient_id, address_kind, address,
                name, language, params, state, reason, due_at, updated_at, step, last_step)
             SELECT $1, $2, {outlet}, $3, r.id, r.id, {kind}, {address}, r.name, r.language, {params},
                CASE WHEN {why} IS NULL THEN 0 ELSE 7 END, COALESCE({why}, {waits_for}), {begins}{waits}, $4, {step},
                {last}
             FROM recipient r {personal}
             WHERE r.id > $5 AND r.id <= $6 AND ({condition})
             ORDER BY r.id
             ON CONFLICT DO NOTHING",
            outlet = if message.test { "0".to_owned() } else { outlet_of(channel, screen.prefers) },
            address = coalesce(channel, screen.prefers),
            kind = kind_of(channel, screen.prefers),
            why = why(channel),
            begins = dialect.greatest(&begins),
            step = place.step,
            last = place.last_step,
            condition = selection.condition,
        );
        in_tx!(tx, |conn| {
            let query = sqlx::query(sql(text))
                .bind(message.id.0)
                .bind(channel.code())
                .bind(message.rank.code())
                .bind(fan_out.now.0)
                .bind(start.0)
                .bind(end.0)
                .bind(to_json(&screen.opt_outs)?)
                .bind(message.personalise.as_deref().unwrap_or("{}").to_owned());
            bind_all!(query, &selection.binds).execute(conn).await.map(drop)
        })?;
        let states: Vec<StateCount> = in_tx!(tx, |conn| {
            sqlx::query_as(
                "SELECT outlet, state, CAST(count(*) AS bigint) AS n FROM delivery
                 WHERE message_id = $1 AND channel = $2 AND target > $3 AND target <= $4 GROUP BY outlet, state",
            )
            .bind(message.id.0)
            .bind(channel.code())
            .bind(start.0)
            .bind(end.0)
            .fetch_all(conn)
            .await
        })?;
        let of =
            |s: StateCount| Added { message: message.id, channel, outlet: s.outlet, state: s.state, n: s.n };
        added.extend(states.into_iter().map(of));
    }
    Ok(added)
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

/// Adds deliveries to some of those a message names. `None`: the message is no longer this planner's.
pub async fn add_listed(
    tx: &mut Tx,
    message: &Planned,
    listed: &[Listed],
    screen: &Screen,
    now: Timestamp,
    lease_ms: i64,
) -> Result<Option<Vec<Added>>> {
    if !advance(tx, message, message.plan_cursor, now, lease_ms).await? {
        return Ok(None);
    }
    let added = listed::add(tx, &[(message, listed, screen)], now).await?;
    count_added(tx, &added).await?;
    Ok(Some(added))
}

fn tally(rows: &[Moved]) -> Vec<Added> {
    let mut n: BTreeMap<(MessageId, ChannelKind, Outlet, State), i64> = BTreeMap::new();
    for row in rows {
        *n.entry((row.message_id, row.channel, row.outlet, row.state)).or_default() += 1;
    }
    n.into_iter()
        .map(|((message, channel, outlet, state), n)| Added { message, channel, outlet, state, n })
        .collect()
}

/// Some of the people whose deliveries of a message stand in any of `states`, to be sent it by one more channel.
#[derive(Clone, Copy, Debug)]
pub struct OneMore<'a> {
    pub message: MessageId,
    pub channel: ChannelKind,
    pub states: &'a [State],
    pub screen: &'a Screen,
    /// Whose keys come after it.
    pub after: RecipientId,
    pub limit: i64,
}

row! {
    struct Last {
        last: Option<RecipientId>,
    }
}

/// Adds their deliveries where there is none yet, and says who was the last of them; `None`: there are no more.
pub async fn add_channel(
    tx: &mut Tx,
    more: &OneMore<'_>,
    now: Timestamp,
) -> Result<Option<(RecipientId, Vec<Added>)>> {
    let OneMore { message, channel, states, screen, after, limit } = *more;
    let dialect = tx.dialect();
    let codes: Vec<i64> = states.iter().map(|s| s.code()).collect();
    let codes = to_json(&codes)?;
    let text = format!(
        "SELECT max(t.recipient_id) AS last FROM (SELECT DISTINCT d.recipient_id FROM delivery d
         WHERE d.message_id = $1 AND d.recipient_id > $3 AND d.state IN {states}
         ORDER BY d.recipient_id LIMIT $4 + 0) AS t",
        states = dialect.int_list("$2"),
    );
    let last: Last = in_tx!(tx, |conn| {
        sqlx::query_as(sql(text)).bind(message.0).bind(&codes).bind(after.0).bind(limit).fetch_one(conn).await
    })?;
    let Some(last) = last.last else { return Ok(None) };
    let text = format!(
        "INSERT INTO delivery (message_id, channel, outlet, lane, target, recipient_id, address_kind, address, name,
            language, params, state, reason, due_at, updated_at)
         SELECT m.id, $2, CASE WHEN m.test THEN 0 ELSE {outlet} END, m.lane, r.id, r.id, {kind}, {address}, r.name,
            r.language, d.params, CASE WHEN {why} IS NULL THEN 0 ELSE 7 END, {why}, $4, $4
         FROM message m JOIN delivery d ON d.message_id = m.id JOIN recipient r ON r.id = d.recipient_id
         WHERE m.id = $1 AND d.state IN {states} AND d.recipient_id > $5 AND d.recipient_id <= $6 AND r.active
            AND CAST($7 AS text) IS NOT NULL
         ORDER BY r.id
         ON CONFLICT DO NOTHING
         RETURNING message_id, channel, outlet, state",
        outlet = outlet_of(channel, screen.prefers),
        kind = kind_of(channel, screen.prefers),
        address = coalesce(channel, screen.prefers),
        why = screen.why(dialect, channel, "$7", "$4", false),
        states = dialect.int_list("$3"),
    );
    let inserted: Vec<Moved> = in_tx!(tx, |conn| {
        sqlx::query_as(sql(text))
            .bind(message.0)
            .bind(channel.code())
            .bind(&codes)
            .bind(now.0)
            .bind(after.0)
            .bind(last.0)
            .bind(to_json(&screen.opt_outs)?)
            .fetch_all(conn)
            .await
    })?;
    let added = tally(&inserted);
    count_added(tx, &added).await?;
    Ok(Some((last, added)))
}

async fn count_added(tx: &mut Tx, added: &[Added]) -> Result<()> {
    #[derive(Serialize)]
    struct CountRow {
        message_id: i64,
        channel: i64,
        pending: i64,
        suppressed: i64,
    }
    let mut by_channel: BTreeMap<(MessageId, ChannelKind), CountRow> = BTreeMap::new();
    for a in added {
        let row = by_channel.entry((a.message, a.channel)).or_insert(CountRow {
            message_id: a.message.0,
            channel: a.channel.code(),
            pending: 0,
            suppressed: 0,
        });
        match a.state {
            State::Suppressed => row.suppressed += a.n,
            _ => row.pending += a.n,
        }
    }
    if by_channel.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = by_channel.into_values().collect();
    let text = format!(
        "INSERT INTO message_count (message_id, channel, pending, suppressed)
         SELECT message_id, channel, pending, suppressed FROM {rows} AS d WHERE 1 = 1
         ON CONFLICT (message_id, channel) DO UPDATE SET pending = message_count.pending + excluded.pending,
            suppressed = message_count.suppressed + excluded.suppressed",
        rows = tx.dialect().rows(
            "$1",
            &[
                ("message_id", Field::Int),
                ("channel", Field::Int),
                ("pending", Field::Int),
                ("suppressed", Field::Int)
            ]
        ),
    );
    in_tx!(tx, |conn| sqlx::query(sql(text)).bind(to_json(&rows)?).execute(conn).await.map(drop))?;
    Ok(())
}

/// The preferred address of a recipient for a channel, as SQL over `recipient r`.
pub(super) fn coalesce(channel: ChannelKind, prefers: Option<AddressKind>) -> String {
    match &channel.address_kinds(prefers)[..] {
        [only] => format!("r.{}", only.name()),
        kinds => format!(
            "COALESCE({})",
            kinds.iter().map(|k| format!("r.{}", k.name())).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// The kind of that address, as SQL.
pub(super) fn kind_of(channel: ChannelKind, prefers: Option<AddressKind>) -> String {
    let cases: Vec<_> = channel
        .address_kinds(prefers)
        .iter()
        .map(|kind| format!("WHEN r.{} IS NOT NULL THEN {}", kind.name(), kind.code()))
        .collect();
    format!("CASE {} END", cases.join(" "))
}

/// Where what is sent to that address queues, as SQL; without any it goes nowhere, and there it stands.
fn outlet_of(channel: ChannelKind, prefers: Option<AddressKind>) -> String {
    match &channel.address_kinds(prefers)[..] {
        [only] => Outlet::Live(*only).code().to_string(),
        kinds => format!(
            "CASE {} ELSE {} END",
            kinds
                .iter()
                .map(|kind| format!("WHEN r.{} IS NOT NULL THEN {}", kind.name(), Outlet::Live(*kind).code()))
                .collect::<Vec<_>>()
                .join(" "),
            Outlet::Live(kinds[0]).code()
        ),
    }
}
