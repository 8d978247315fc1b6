//! Forgetting a person. Whatever says who they are goes, wherever it was written; that something was sent, and what
//! became of it, stays counted.
//!
//! It is done in many short transactions, because messages wait for the same store. The directory's own row goes last:
//! whoever is interrupted finds the person still there, though inactive, and erases them again.

use super::{Recipient, require, unknown, unread};
use crate::domain::audience::{Audience, DirectAddress};
use crate::domain::channel::AddressKind;
use crate::domain::id::{DeliveryId, MessageId, RecipientId};
use crate::domain::message::Status;
use crate::domain::operator::Permission;
use crate::domain::traces::Traces;
use crate::service::messages::AcceptedView;
use crate::service::{Caller, Services, alarms, deliveries, drafts, operators, routing};
use crate::store::messages::MessageFilter;
use crate::store::recipients as store;
use crate::store::{audit, erasure, idempotency, import_erasures, messages, receipts, replies, suppressions};
use crate::{Error, Result};

/// Messages looked through at a time.
const LOOK: u32 = 1_000;
/// Deliveries changed in one transaction.
const CHUNK: u32 = 500;

/// Forgets who a person is. What still waited to be sent to them is cancelled, and the campus id can be given again.
pub async fn delete(s: &Services, caller: &Caller, campus_id: &str) -> Result<()> {
    require(caller, Permission::DirectoryEdit)?;
    let recipient = retire(s, campus_id).await?;
    let traces = traces(s, &recipient).await?;
    forget_addresses(s, &recipient, &traces).await?;
    let mut looked = MessageId(0);
    let by_rules = routing::leave_in_force(s, caller, &traces).await?;
    leave_messages(s, &traces, by_rules, &mut looked).await?;
    leave_answers(s, &traces).await?;
    alarms::leave(s, &traces.campus_id).await?;
    operators::leave(s, caller, &traces.campus_id).await?;
    drafts::leave(s, &traces.campus_id).await?;
    wait_for_planners(s).await?;
    blank_deliveries(s, recipient.id).await?;
    bury(s, caller, recipient.id, &traces).await?;
    // What others wrote and planned while this went on, some by the rules of a moment ago.
    if by_rules {
        looked = MessageId(0);
    }
    leave_messages(s, &traces, by_rules, &mut looked).await?;
    blank_deliveries(s, recipient.id).await
}

async fn retire(s: &Services, campus_id: &str) -> Result<Recipient> {
    let mut tx = s.db.begin().await?;
    let recipient = store::lock(&mut tx, campus_id).await?.ok_or_else(unknown)?;
    store::set_active(&mut tx, recipient.id, false, s.clock.now()).await?;
    tx.commit().await?;
    Ok(recipient)
}

async fn traces(s: &Services, recipient: &Recipient) -> Result<Traces> {
    let shared = erasure::shared(&s.db, recipient.id).await?;
    let own = AddressKind::ALL.into_iter().filter(|kind| !shared.contains(kind));
    let addresses = own.filter_map(|kind| {
        recipient.person.address(kind).map(|value| DirectAddress { kind, value: value.to_owned() })
    });
    Ok(Traces { campus_id: recipient.person.campus_id.clone(), addresses: addresses.collect() })
}

/// Forgets what is kept by address alone: of those they have, and of those they had, which nothing tells any more once the
/// deliveries are blank.
async fn forget_addresses(s: &Services, recipient: &Recipient, traces: &Traces) -> Result<()> {
    let mut addresses = erasure::addresses_of(&s.db, recipient.id).await?;
    addresses.extend(traces.addresses.iter().cloned());
    if addresses.is_empty() {
        return Ok(());
    }
    unread::forget(s, &addresses).await?;
    let addresses: Vec<&str> = addresses.iter().map(|address| address.value.as_str()).collect();
    let mut tx = s.db.begin().await?;
    receipts::forget(&mut tx, &addresses).await?;
    suppressions::forget(&mut tx, &addresses).await?;
    replies::forget(&mut tx, &addresses).await?;
    tx.commit().await
}

/// Takes the person out of the messages that name them, from the one after `looked` on.
async fn leave_messages(s: &Services, traces: &Traces, by_rules: bool, looked: &mut MessageId) -> Result<()> {
    loop {
        let page = erasure::naming(&s.db, traces, by_rules, *looked, LOOK).await?;
        let Some(last) = page.last().map(|message| message.id) else { return Ok(()) };
        for message in page.into_iter().filter(|message| message.theirs) {
            leave_message(s, traces, message.id).await?;
        }
        *looked = last;
    }
}

async fn leave_message(s: &Services, traces: &Traces, id: MessageId) -> Result<()> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let Some(mut message) = erasure::lock(&mut tx, id).await? else { return Ok(()) };
    let left = message.audience.as_mut().is_some_and(|audience| traces.leave(&mut audience.0));
    let personal = message.personalise.as_mut().and_then(|people| people.0.remove(&traces.campus_id));
    let by_rules = message.routing.as_mut().is_some_and(|routed| traces.leave_routed(&mut routed.0));
    if !left && personal.is_none() && !by_rules {
        return Ok(());
    }
    // What was for this person alone is about them.
    let emptied = match (&message.audience, &message.personalise) {
        (Some(audience), people) => {
            audience.0.is_empty() && people.as_ref().is_none_or(|people| people.0.is_empty())
        }
        (None, Some(people)) => people.0.is_empty(),
        (None, None) => {
            message.routing.as_ref().is_some_and(|routed| routed.0.audiences.iter().all(Audience::is_empty))
        }
    };
    if emptied {
        message.content.0 = message.content.0.emptied();
        if let Some(routed) = &mut message.routing {
            // It repeats what stood in its texts and attributes.
            routed.0.forget_why();
            erasure::retell_routing(&mut tx, id, &routing::told_of(&routed.0)).await?;
        }
    }
    erasure::rewrite(&mut tx, id, &message, emptied, now).await?;
    let closed = if left {
        let mut direct = Vec::new();
        for address in &traces.addresses {
            direct.extend(erasure::deliveries_to(&mut tx, id, address).await?);
        }
        erasure::blank(&mut tx, &direct, now, &s.campus.day(now)).await?
    } else {
        Vec::new()
    };
    tx.commit().await?;
    deliveries::complete(s, &closed).await
}

/// Answers kept for a repeated request tell which people nobody knew. Who is known now may have been among them.
async fn leave_answers(s: &Services, traces: &Traces) -> Result<()> {
    let name = serde_json::to_string(&traces.campus_id).map_err(Error::internal)?;
    for row in idempotency::answering(&s.db, &name).await? {
        let mut answer: AcceptedView = serde_json::from_str(&row.answer).map_err(Error::internal)?;
        if let Some(unknown) = &mut answer.unknown {
            unknown.recipients.retain(|id| *id != traces.campus_id);
        }
        let answer = serde_json::to_string(&answer).map_err(Error::internal)?;
        let mut tx = s.db.begin().await?;
        let status = u16::try_from(row.status).map_err(Error::internal)?;
        idempotency::update(&mut tx, row.source_id, &row.key, row.message_id, status, &answer).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Waits until no transaction is under way that began to plan while the person was active: each holds its message.
async fn wait_for_planners(s: &Services) -> Result<()> {
    let routing = MessageFilter { status: Some(Status::Routing), ..MessageFilter::default() };
    for message in messages::list(&s.db, &routing, None, LOOK).await? {
        let mut tx = s.db.begin().await?;
        messages::standing(&mut tx, message.id).await?;
    }
    Ok(())
}

async fn blank_deliveries(s: &Services, id: RecipientId) -> Result<()> {
    let mut after = DeliveryId(0);
    loop {
        let chunk = erasure::deliveries_of(&s.db, id, after, CHUNK).await?;
        let Some(last) = chunk.last() else { return Ok(()) };
        after = *last;
        let now = s.clock.now();
        let mut tx = s.db.begin().await?;
        let closed = erasure::blank(&mut tx, &chunk, now, &s.campus.day(now)).await?;
        tx.commit().await?;
        deliveries::complete(s, &closed).await?;
    }
}

async fn bury(s: &Services, caller: &Caller, id: RecipientId, traces: &Traces) -> Result<()> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    // A file that waits, or is being read, may name them. What it kept until now is cleared here, and it keeps no more.
    import_erasures::mark(&mut tx, id, &traces.campus_id).await?;
    let recipient = store::lock(&mut tx, &traces.campus_id).await?.ok_or_else(unknown)?;
    for group in erasure::groups(&mut tx, &traces.campus_id).await? {
        if let Some(filter) = traces.filter_without(&group.filter) {
            erasure::set_filter(&mut tx, group.id, &filter).await?;
        }
    }
    routing::leave_versions(&mut tx, traces).await?;
    // No campus id has a space, so nobody is ever given this one.
    let tombstone = format!("erased {:032x}", rand::random::<u128>());
    erasure::bury(&mut tx, recipient.id, &tombstone, now).await?;
    let addresses: Vec<&str> = traces.addresses.iter().map(|address| address.value.as_str()).collect();
    receipts::forget(&mut tx, &addresses).await?;
    suppressions::forget(&mut tx, &addresses).await?;
    replies::forget(&mut tx, &addresses).await?;
    // By the row's own id: the log must not keep what was to be forgotten.
    let (actor, object) = (caller.label(), recipient.id.to_string());
    audit::append(&mut tx, now, &actor, "recipient.erase", &object, &serde_json::json!({})).await?;
    tx.commit().await
}
