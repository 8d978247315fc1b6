//! Writes down what happened, in the transaction in which it does.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::{DeliveryId, MessageId};
use crate::domain::message::{Lane, Status};
use crate::domain::subscription::{EventKind, Interests};
use crate::domain::topic::Topic;
use crate::store::Tx;
use crate::store::subscription_events::{self as store, NewEvent, OfDeliveryRow, SubjectRow, TotalRow};

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::service) struct Happening {
    kind: EventKind,
    message: MessageId,
    delivery: Option<DeliveryId>,
}

impl Happening {
    pub const fn of_message(kind: EventKind, message: MessageId) -> Self {
        Self { kind, message, delivery: None }
    }

    pub const fn of_delivery(kind: EventKind, message: MessageId, delivery: DeliveryId) -> Self {
        Self { kind, message, delivery: Some(delivery) }
    }
}

/// Writes down what somebody wants to be told of, as it is at this point of the transaction, in the order given. Where nobody
/// wants any of these kinds, nothing is asked of the store.
pub(in crate::service) async fn note(
    tx: &mut Tx,
    interests: &Interests,
    happened: &[Happening],
    now: Timestamp,
) -> Result<()> {
    let wanted: Vec<_> = happened.iter().filter(|one| interests.has(one.kind)).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let mut messages: Vec<_> = wanted.iter().map(|one| one.message).collect();
    messages.sort_unstable();
    messages.dedup();
    let subjects: HashMap<_, _> =
        store::subjects(tx, &messages).await?.into_iter().map(|row| (row.id, row)).collect();
    let is_wanted = |one: &&Happening| {
        let Some(subject) = subjects.get(&one.message) else { return false };
        let Ok(topic) = subject.topic.parse::<Topic>() else { return false };
        !(one.kind.is_of_delivery() && subject.lane == Lane::Emergency)
            && interests.wants(one.kind, &topic, subject.source_id)
    };
    let wanted: Vec<_> = wanted.into_iter().filter(is_wanted).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let completed: Vec<_> =
        wanted.iter().filter(|one| one.kind == EventKind::Completed).map(|one| one.message).collect();
    let totals = if completed.is_empty() { Vec::new() } else { store::totals(tx, &completed).await? };
    let totals: HashMap<_, _> = totals.into_iter().map(|row| (row.message_id, row)).collect();
    let ids: Vec<_> = wanted.iter().filter_map(|one| one.delivery).collect();
    let deliveries = if ids.is_empty() { Vec::new() } else { store::of_deliveries(tx, &ids).await? };
    let deliveries: HashMap<_, _> = deliveries.into_iter().map(|row| (row.id, row)).collect();
    let mut events = Vec::with_capacity(wanted.len());
    for one in wanted {
        let Some(subject) = subjects.get(&one.message) else { continue };
        let detail = match one.delivery {
            None => {
                of_message(subject, totals.get(&one.message).filter(|_| one.kind == EventKind::Completed))
            }
            Some(delivery) => of_delivery(deliveries.get(&delivery)),
        };
        events.push(NewEvent {
            kind: one.kind.code(),
            message_id: Some(one.message.0),
            source_id: subject.source_id.map(|id| id.0),
            topic: subject.topic.clone(),
            delivery_id: one.delivery.map(|id| id.0),
            at: now.0,
            detail: detail.to_string(),
        });
    }
    store::insert(tx, &events).await.map(drop)
}

/// As [`note`], of messages that a planner took and that are not to be planned: held, or for nobody.
pub(in crate::service) async fn note_stopped(
    tx: &mut Tx,
    interests: &Interests,
    messages: &[MessageId],
    now: Timestamp,
) -> Result<()> {
    if messages.is_empty() || !(interests.has(EventKind::Held) || interests.has(EventKind::Unrouted)) {
        return Ok(());
    }
    let happening = |row: SubjectRow| match row.status {
        Status::Held => Some(Happening::of_message(EventKind::Held, row.id)),
        Status::Unrouted => Some(Happening::of_message(EventKind::Unrouted, row.id)),
        _ => None,
    };
    let happened: Vec<_> = store::subjects(tx, messages).await?.into_iter().filter_map(happening).collect();
    note(tx, interests, &happened, now).await
}

fn of_message(subject: &SubjectRow, counts: Option<&TotalRow>) -> Value {
    let mut detail = json!({ "status": subject.status });
    if let Some(reason) = &subject.reason {
        detail["reason"] = reason.as_str().into();
    }
    if let Some(counts) = counts {
        let TotalRow {
            pending,
            sending,
            sent,
            delivered,
            failed,
            expired,
            cancelled,
            suppressed,
            unknown,
            ..
        } = counts;
        detail["counts"] = json!({
            "planned": pending + sending + sent + delivered + failed + expired + cancelled + suppressed + unknown,
            "pending": pending,
            "sending": sending,
            "sent": sent,
            "delivered": delivered,
            "failed": failed,
            "expired": expired,
            "cancelled": cancelled,
            "suppressed": suppressed,
            "unknown": unknown,
        });
    }
    detail
}

fn of_delivery(row: Option<&OfDeliveryRow>) -> Value {
    let Some(row) = row else { return json!({}) };
    json!({
        "delivery": {
            "channel": row.channel,
            "state": row.state,
            "reason": row.reason,
            "attempts": row.attempts,
        }
    })
}
