//! Counters of messages and of campus days, kept as deliveries change state, so that nobody counts deliveries.
//!
//! Whoever changes a delivery's state moves its message's counters in the same transaction: the sum over states equals
//! what was planned at any moment and after any crash.

use std::collections::BTreeMap;

use super::dialect::Field;
use super::{Tx, in_tx, row, sql, to_json};
use crate::Result;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::State;
use crate::domain::id::MessageId;

row! {
    struct OpenCount {
        message_id: MessageId,
        open: i64,
    }
}

/// Deliveries of one message and channel that went from one state to another.
pub type Moves = BTreeMap<(MessageId, ChannelKind), Deltas>;

/// A change of one message's counters by state code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deltas([i64; State::ALL.len()]);

impl Deltas {
    pub fn add(&mut self, state: State, n: i64) {
        self.0[state.code() as usize] += n;
    }

    pub fn shift(&mut self, from: State, to: State, n: i64) {
        self.add(from, -n);
        self.add(to, n);
    }
}

/// Moves counters; returns the messages with a channel that has nothing open any more.
pub async fn count(tx: &mut Tx, moves: &Moves) -> Result<Vec<MessageId>> {
    if moves.is_empty() {
        return Ok(Vec::new());
    }
    let mut fields = vec![("message_id", Field::Int), ("channel", Field::Int)];
    fields.extend(State::ALL.iter().map(|s| (s.name(), Field::Int)));
    let input: Vec<_> = moves
        .iter()
        .map(|((message, channel), deltas)| {
            let mut row = serde_json::Map::new();
            row.insert("message_id".into(), message.0.into());
            row.insert("channel".into(), channel.code().into());
            for state in State::ALL {
                row.insert(state.name().into(), deltas.0[state.code() as usize].into());
            }
            row
        })
        .collect();
    let sets: Vec<_> =
        State::ALL.iter().map(|s| format!("{0} = message_count.{0} + d.{0}", s.name())).collect();
    let rows = tx.dialect().rows("$1", &fields);
    // Locked in one order, whatever order the update would take: two settlers must not wait for each other.
    let text = format!(
        "WITH mine AS MATERIALIZED (SELECT c.message_id, c.channel FROM {rows} AS w
            JOIN message_count c ON c.message_id = w.message_id AND c.channel = w.channel
            ORDER BY c.message_id, c.channel{lock})
         UPDATE message_count SET {sets} FROM {rows} AS d
         WHERE message_count.message_id = d.message_id AND message_count.channel = d.channel
            AND (d.message_id, d.channel) IN (SELECT message_id, channel FROM mine)
         RETURNING message_count.message_id, message_count.pending + message_count.sending AS open",
        sets = sets.join(", "),
        lock = tx.dialect().lock_of("c"),
    );
    let open: Vec<OpenCount> =
        in_tx!(tx, |conn| sqlx::query_as(sql(text)).bind(to_json(&input)?).fetch_all(conn).await)?;
    let mut closed: Vec<_> = open.into_iter().filter(|c| c.open == 0).map(|c| c.message_id).collect();
    closed.sort_unstable();
    closed.dedup();
    Ok(closed)
}

/// Adds to the campus day's figures; keys are channel and state codes.
pub async fn count_day(tx: &mut Tx, day: &str, n: &BTreeMap<(i64, i64), i64>) -> Result<()> {
    if n.is_empty() {
        return Ok(());
    }
    let input: Vec<_> = n
        .iter()
        .map(|((channel, state), n)| serde_json::json!({"channel": channel, "state": state, "n": n}))
        .collect();
    let text = format!(
        "INSERT INTO day_count (day, channel, state, n) SELECT $2, channel, state, n FROM {rows} AS d WHERE 1 = 1
         ON CONFLICT (day, channel, state) DO UPDATE SET n = day_count.n + excluded.n",
        rows = tx
            .dialect()
            .rows("$1", &[("channel", Field::Int), ("state", Field::Int), ("n", Field::Int)]),
    );
    in_tx!(tx, |conn| sqlx::query(sql(text)).bind(to_json(&input)?).bind(day).execute(conn).await.map(drop))?;
    Ok(())
}
