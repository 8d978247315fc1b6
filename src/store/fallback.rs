//! Fallback between channels: what the end of one step means for the others of the same message and person.
//!
//! All steps are planned at once, the later ones due after the waits before them. One that reached its person makes
//! those that still wait unneeded; one that missed lets the next go at once. Both in the transaction that tells so,
//! and before anything is claimed in it: two workers then never wait for one another.

use serde::Serialize;

use super::deliveries::Moved;
use super::dialect::Field;
use super::{Tx, in_tx, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::{State, suppressed};

/// A delivery with others in its plan that took a state.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepEnd {
    pub message_id: i64,
    pub target: i64,
    pub channel: ChannelKind,
    pub state: State,
}

#[derive(Serialize)]
struct PlanRow {
    message_id: i64,
    target: i64,
}

const PLAN: [(&str, Field); 2] = [("message_id", Field::Int), ("target", Field::Int)];

/// Moves the steps that wait; returns those that are suppressed now, which were pending.
pub(super) async fn follow(tx: &mut Tx, now: Timestamp, ends: &[StepEnd]) -> Result<Vec<Moved>> {
    let plans = |wanted: fn(&StepEnd) -> bool| -> Vec<PlanRow> {
        let row = |end: &StepEnd| PlanRow { message_id: end.message_id, target: end.target };
        ends.iter().filter(|end| wanted(end)).map(row).collect()
    };
    let reached = plans(|end| end.state.has_reached(end.channel));
    let missed = plans(|end| end.state.has_missed());
    // One that was on its way and waits again: another may have reached the person meanwhile.
    let waiting = plans(|end| end.state == State::Pending);
    let mut moved = if reached.is_empty() { Vec::new() } else { suppress(tx, now, &reached, "").await? };
    if !waiting.is_empty() {
        moved.extend(suppress(tx, now, &waiting, &overtaken()).await?);
    }
    if !missed.is_empty() {
        hasten(tx, now, &missed).await?;
    }
    Ok(moved)
}

/// Holds of a step `d` of whose plan another reached the person; follows a condition.
pub(super) fn overtaken() -> String {
    let reached: Vec<_> = ChannelKind::ALL
        .iter()
        .flat_map(|channel| {
            let states = State::ALL.iter().filter(|state| state.has_reached(*channel));
            states.map(|state| format!("(e.channel = {} AND e.state = {})", channel.code(), state.code()))
        })
        .collect();
    format!(
        " AND EXISTS (SELECT 1 FROM delivery e WHERE e.message_id = d.message_id AND e.target = d.target
            AND e.last_step > 0 AND e.id <> d.id AND ({}))",
        reached.join(" OR ")
    )
}

async fn suppress(tx: &mut Tx, now: Timestamp, plans: &[PlanRow], besides: &str) -> Result<Vec<Moved>> {
    let text = format!(
        "WITH picked AS MATERIALIZED (
            SELECT d.id FROM delivery d JOIN {rows} AS x ON d.message_id = x.message_id AND d.target = x.target
            WHERE d.last_step > 0 AND d.state = 0{besides} ORDER BY d.id{lock})
         UPDATE delivery SET state = 7, reason = '{reason}', updated_at = $2, counted_at = $2
         WHERE id IN (SELECT id FROM picked) AND state + 0 = 0
         RETURNING message_id, channel, outlet, state",
        rows = tx.dialect().rows("$1", &PLAN),
        reason = suppressed::NOT_NEEDED,
        lock = tx.dialect().lock_content_of("d"),
    );
    let plans = to_json(plans)?;
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(plans).bind(now.0).fetch_all(c).await)?)
}

/// A later step of a plan whose first has to wait.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Postponed {
    pub message_id: i64,
    pub target: i64,
    pub step: i64,
    /// The earliest it may be due.
    pub due_at: i64,
}

/// The steps after one that waits come later, so that it has its time.
pub(super) async fn postpone(tx: &mut Tx, now: Timestamp, steps: &[Postponed]) -> Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    let fields = [PLAN[0], PLAN[1], ("step", Field::Int), ("due_at", Field::Int)];
    let text = format!(
        "WITH picked AS MATERIALIZED (
            SELECT d.id, x.due_at FROM {rows} AS x JOIN delivery d ON d.message_id = x.message_id AND d.target = x.target
            WHERE d.last_step > 0 AND d.step = x.step AND d.state = 0 AND d.attempts = 0 AND d.due_at < x.due_at
            ORDER BY d.id{lock})
         UPDATE delivery SET due_at = picked.due_at, updated_at = $2 FROM picked WHERE delivery.id = picked.id",
        rows = tx.dialect().rows("$1", &fields),
        lock = tx.dialect().lock_content_of("d"),
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(to_json(steps)?).bind(now.0).execute(c).await.map(drop))?;
    Ok(())
}

/// Of each plan the first step that was never tried goes at once if all before it have missed; those after it come as
/// much earlier.
async fn hasten(tx: &mut Tx, now: Timestamp, plans: &[PlanRow]) -> Result<()> {
    let missed: Vec<_> = State::ALL.iter().filter(|s| s.has_missed()).map(|s| s.code().to_string()).collect();
    let text = format!(
        "WITH next AS MATERIALIZED (
            SELECT DISTINCT n.message_id, n.target, n.step, n.due_at - $2 AS sooner
            FROM {rows} AS x JOIN delivery n ON n.message_id = x.message_id AND n.target = x.target
            WHERE n.last_step > 0 AND n.state = 0 AND n.attempts = 0 AND n.due_at > $2
              AND NOT EXISTS (SELECT 1 FROM delivery e WHERE e.message_id = n.message_id AND e.target = n.target
                AND e.last_step > 0 AND e.step < n.step AND e.state NOT IN ({missed}))),
         picked AS MATERIALIZED (
            SELECT d.id, next.sooner FROM next JOIN delivery d ON d.message_id = next.message_id
              AND d.target = next.target
            WHERE d.last_step > 0 AND d.step >= next.step AND d.state = 0 AND d.attempts = 0 ORDER BY d.id{lock})
         UPDATE delivery SET due_at = delivery.due_at - picked.sooner, updated_at = $2 FROM picked
         WHERE delivery.id = picked.id",
        rows = tx.dialect().rows("$1", &PLAN),
        lock = tx.dialect().lock_content_of("d"),
        missed = missed.join(", "),
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(to_json(plans)?).bind(now.0).execute(c).await.map(drop))?;
    Ok(())
}
