//! What attempts came to.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::Settled;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::{ChannelKind, Outlet};
use crate::domain::delivery::State;
use crate::domain::id::{DeliveryId, MessageId};
use crate::domain::message::Lane;
use crate::store::counters::Moves;
use crate::store::dialect::Field;
use crate::store::fallback::{self, Postponed, StepEnd};
use crate::store::{Tx, attention, frequency, in_tx, sql, to_json};

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
    /// SMS segments that its provider took, or may have.
    #[serde(skip)]
    pub segments: i64,
    /// Whoever gets it is asked for an answer.
    #[serde(skip)]
    pub asked: bool,
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

/// What a worker brings.
#[derive(Clone, Copy, Debug)]
pub struct Settling<'a> {
    pub owner: i64,
    /// What its attempts came to.
    pub settlements: &'a [Settlement],
    /// The channels on which it is counted what each person is handed.
    pub capped: &'a [ChannelKind],
}

/// What settling came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// How many ended, by channel and state.
    pub ended: BTreeMap<(i64, i64), i64>,
    /// The deliveries whose attempts are news.
    pub news: HashSet<i64>,
    /// Those of no emergency that failed, each with its message.
    pub failed: Vec<(DeliveryId, MessageId)>,
}

/// What was to wait for another try is cancelled where its message is.
pub(super) async fn settle(
    tx: &mut Tx,
    now: Timestamp,
    day: &str,
    settling: &Settling<'_>,
    moves: &mut Moves,
) -> Result<Outcome> {
    let Settling { owner, settlements, capped } = *settling;
    let (mut ended, mut failed) = (BTreeMap::new(), Vec::new());
    if settlements.is_empty() {
        return Ok(Outcome::default());
    }
    let dialect = tx.dialect();
    // Rows are changed, and so locked, in the order in which they stand here: that of everybody who locks deliveries.
    let mut ordered: Vec<_> = settlements.iter().collect();
    ordered.sort_unstable_by_key(|settlement| settlement.id);
    let input = to_json(&ordered)?;
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
            ("code", Field::Text),
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
            repeated = CASE WHEN s.outcome IS NULL THEN delivery.repeated ELSE FALSE END, updated_at = $2,
            counted_at = CASE WHEN s.state > 1 OR m.status = 7 THEN $2 END,
            {trouble}
         FROM {rows} AS s, message AS m
         WHERE delivery.id = s.id AND delivery.attempts = s.attempt AND delivery.state + 0 = 1
            AND delivery.lease_owner = $3 AND m.id = delivery.message_id
         RETURNING delivery.message_id, delivery.channel, delivery.outlet, delivery.lane, delivery.id,
            delivery.state, delivery.target, delivery.recipient_id, delivery.last_step",
        trouble = attention::trouble("s.state", "COALESCE(s.provider_id, delivery.provider_id)", "s.reason", "s.code"),
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
        if row.state == State::Failed && row.lane != Lane::Emergency {
            failed.push((row.id, row.message_id));
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
    Ok(Outcome { ended, news: news.into_iter().collect(), failed })
}
