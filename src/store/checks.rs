//! The store held against itself: what is kept twice says the same, and what names another row finds it. Each looks through
//! whole tables; nothing here is for a page.

use super::{Db, in_db, row, sql};
use crate::Result;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::State;
use crate::domain::id::MessageId;

/// A column whose values are the ids of another table's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    pub table: &'static str,
    pub column: &'static str,
    pub parent: &'static str,
}

macro_rules! references {
    ($($table:ident . $column:ident -> $parent:ident)*) => {
        /// Those that the schema declares, and of the others those whose rows are never removed.
        pub const REFERENCES: &[Reference] = &[$(Reference {
            table: stringify!($table),
            column: stringify!($column),
            parent: stringify!($parent),
        }),*];
    };
}

references! {
    alarm_told.alarm_id -> alarm
    alarm_told.operator_id -> operator
    alarm_wish.operator_id -> operator
    answer.delivery_id -> delivery
    api_key.source_id -> source
    attempt.delivery_id -> delivery
    attempt.provider_id -> provider
    binding_day.recipient_id -> recipient
    bound_identity.recipient_id -> recipient
    broadcast.follows -> broadcast
    broadcast_act.broadcast_id -> broadcast
    broadcast_key.broadcast_id -> broadcast
    broadcast_message.broadcast_id -> broadcast
    broadcast_message.message_id -> message
    button_key.button_id -> button
    button_press.button_id -> button
    button_press.key_id -> button_key
    callback.provider_id -> provider
    cap_document.broadcast_id -> broadcast
    cap_received.broadcast_id -> broadcast
    card_update.delivery_id -> delivery
    card_update.provider_id -> provider
    delivery.message_id -> message
    delivery.provider_id -> provider
    delivery.recipient_id -> recipient
    draft.operator_id -> operator
    group_member.group_id -> recipient_group
    group_member.recipient_id -> recipient
    import.operator_id -> operator
    import_piece.import_id -> import
    message.source_id -> source
    message_count.message_id -> message
    message_event.message_id -> message
    message_print.message_id -> message
    operator.handed_to -> operator
    operator_link.operator_id -> operator
    opt_out.recipient_id -> recipient
    pending_binding.provider_id -> provider
    pending_binding.recipient_id -> recipient
    person_day.recipient_id -> recipient
    provider_day.provider_id -> provider
    provider_event.provider_id -> provider
    provider_pace.provider_id -> provider
    reading_consent.recipient_id -> recipient
    recall.message_id -> message
    receipt.delivery_id -> delivery
    recovery_code.operator_id -> operator
    registration.key_id -> api_key
    registration.source_id -> source
    removal.message_id -> message
    reply.provider_id -> provider
    rights_request.proposed_by -> operator
    roll_answer.broadcast_id -> broadcast
    roll_call.broadcast_id -> broadcast
    scene.provider_id -> provider
    scene.recipient_id -> recipient
    second_factor.operator_id -> operator
    session.operator_id -> operator
    source_call.source_id -> source
    source_quarter.source_id -> source
    source_usage.source_id -> source
    subscription.source_id -> source
    subscription_event.message_id -> message
    subscription_event.source_id -> source
    subscription_handing.event_id -> subscription_event
    subscription_handing.subscription_id -> subscription
}

/// How many rows name one that is not there.
pub async fn orphans(db: &Db, of: Reference) -> Result<i64> {
    let Reference { table, column, parent } = of;
    let text = format!(
        "SELECT CAST(count(*) AS bigint) FROM {table} c WHERE c.{column} IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE p.id = c.{column})"
    );
    Ok(in_db!(db, |conn| sqlx::query_scalar(sql(text)).fetch_one(conn).await)?)
}

row! {
    struct OneMessage {
        message_id: MessageId,
    }
}

/// How many counters of messages there are whose deliveries are still kept.
pub async fn counters(db: &Db) -> Result<i64> {
    let text = "SELECT CAST(count(*) AS bigint) FROM message_count c
        JOIN message m ON m.id = c.message_id AND m.deliveries_removed_at IS NULL";
    Ok(in_db!(db, |conn| sqlx::query_scalar(text).fetch_one(conn).await)?)
}

/// Messages whose counters are not what their deliveries come to, up to `most`. One statement sees all at one moment.
pub async fn miscounted(db: &Db, most: u32) -> Result<Vec<MessageId>> {
    let of = |state: &State| {
        format!(
            "CAST(sum(CASE WHEN state = {} THEN 1 ELSE 0 END) AS bigint) AS {}",
            state.code(),
            state.name()
        )
    };
    let sums: Vec<_> = State::ALL.iter().map(of).collect();
    let differs: Vec<_> =
        State::ALL.iter().map(|state| format!("c.{0} <> COALESCE(t.{0}, 0)", state.name())).collect();
    let text = format!(
        "WITH there AS MATERIALIZED (SELECT message_id, channel, {sums} FROM delivery GROUP BY message_id, channel)
         SELECT DISTINCT message_id FROM (
            SELECT c.message_id FROM message_count c
                JOIN message m ON m.id = c.message_id AND m.deliveries_removed_at IS NULL
                LEFT JOIN there t ON t.message_id = c.message_id AND t.channel = c.channel
                WHERE {differs}
            UNION ALL
            SELECT t.message_id FROM there t
                JOIN message m ON m.id = t.message_id AND m.deliveries_removed_at IS NULL
                LEFT JOIN message_count c ON c.message_id = t.message_id AND c.channel = t.channel
                WHERE c.message_id IS NULL) AS wrong
         ORDER BY message_id LIMIT $1 + 0",
        sums = sums.join(", "),
        differs = differs.join(" OR "),
    );
    let rows: Vec<OneMessage> =
        in_db!(db, |conn| sqlx::query_as(sql(text)).bind(i64::from(most)).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(|row| row.message_id).collect())
}

/// Figures of campus days, and how many of them are below zero: more was taken from them than was ever counted.
pub async fn days(db: &Db) -> Result<(i64, i64)> {
    let text = "SELECT CAST(count(*) AS bigint) AS figures,
        CAST(COALESCE(sum(CASE WHEN n < 0 THEN 1 ELSE 0 END), 0) AS bigint) AS below FROM day_count";
    Ok(in_db!(db, |conn| sqlx::query_as(text).fetch_one(conn).await)?)
}

row! {
    /// Deliveries of a channel that ended in a state, all campus days together.
    pub struct DaySum {
        pub channel: ChannelKind,
        pub state: State,
        /// As the figures of days say.
        pub of_days: i64,
        /// As the counters of messages say.
        pub of_messages: i64,
    }
}

/// What the figures of all campus days come to, where that is not what the counters of all live messages say. Both are moved in
/// one transaction, whichever day a delivery counts for, and both are kept for good: they agree at every moment, and one
/// statement sees one. Days are not recounted one by one: deliveries say on which they are counted, but go before the figures do,
/// and those that an older version ended say it nearly. What is suppressed is left out, as planning counts it for its message and for no day.
pub async fn days_unlike(db: &Db) -> Result<Vec<DaySum>> {
    let counted: Vec<State> = State::ALL
        .iter()
        .copied()
        .filter(|state| state.is_terminal() && *state != State::Suppressed)
        .collect();
    let codes: Vec<_> = counted.iter().map(|state| state.code().to_string()).collect();
    let sums: Vec<_> =
        counted.iter().map(|state| format!("CAST(sum(c.{0}) AS bigint) AS {0}", state.name())).collect();
    let told: Vec<_> = counted
        .iter()
        .map(|state| format!("SELECT ch, {}, 0, {} FROM live", state.code(), state.name()))
        .collect();
    let text = format!(
        "WITH live AS MATERIALIZED (SELECT c.channel AS ch, {sums} FROM message_count c
            JOIN message m ON m.id = c.message_id AND NOT m.test GROUP BY c.channel)
         SELECT CAST(ch AS bigint) AS channel, CAST(st AS bigint) AS state,
            CAST(sum(days) AS bigint) AS of_days, CAST(sum(told) AS bigint) AS of_messages
         FROM (SELECT channel AS ch, state AS st, n AS days, 0 AS told FROM day_count WHERE state IN ({codes})
            UNION ALL {told}) AS counted
         GROUP BY ch, st HAVING sum(days) <> sum(told) ORDER BY ch, st",
        sums = sums.join(", "),
        codes = codes.join(", "),
        told = told.join(" UNION ALL "),
    );
    Ok(in_db!(db, |conn| sqlx::query_as(sql(text)).fetch_all(conn).await)?)
}

/// Attempts, and how many of them nobody claimed their deliveries for: numbered beyond the latest. That one is missing is no
/// fault: a crash cut it off, and the next is marked as repeating it.
pub async fn attempts(db: &Db) -> Result<(i64, i64)> {
    let text = "SELECT CAST(count(*) AS bigint) AS attempts,
            CAST(COALESCE(sum(CASE WHEN a.number < 1 OR a.number > d.attempts THEN 1 ELSE 0 END), 0) AS bigint) AS beyond
        FROM attempt a JOIN delivery d ON d.id = a.delivery_id";
    Ok(in_db!(db, |conn| sqlx::query_as(text).fetch_one(conn).await)?)
}

row! {
    /// Something that only the installation's key opens.
    pub struct SealedRow {
        /// `provider`, `second factor`, `button` or `endpoint`.
        pub kind: String,
        pub name: String,
        pub sealed: Vec<u8>,
    }
}

/// All that is sealed and stays: settings of providers, second factors, secrets of buttons and endpoints.
pub async fn sealed(db: &Db) -> Result<Vec<SealedRow>> {
    let text = "SELECT 'provider' AS kind, name, settings AS sealed FROM provider
        UNION ALL SELECT 'second factor', o.email, f.secret FROM second_factor f JOIN operator o ON o.id = f.operator_id
        UNION ALL SELECT 'button', name, secret FROM button WHERE secret IS NOT NULL
        UNION ALL SELECT 'endpoint', COALESCE(url, queue, ''), secret FROM subscription WHERE secret IS NOT NULL
        UNION ALL SELECT 'endpoint', COALESCE(url, queue, ''), old_secret FROM subscription WHERE old_secret IS NOT NULL";
    Ok(in_db!(db, |conn| sqlx::query_as(text).fetch_all(conn).await)?)
}

/// What the database itself finds wrong with its pages; nothing where it has tools of its own for that.
pub async fn damage(db: &Db) -> Result<Option<Vec<String>>> {
    let Db::Sqlite { readers, .. } = db else { return Ok(None) };
    let said: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(20)").fetch_all(readers).await?;
    Ok(Some(said.into_iter().filter(|line| line != "ok").collect()))
}
