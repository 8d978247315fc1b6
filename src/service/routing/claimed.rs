//! Routing the messages a planner has just claimed, in the transaction that claims them.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::in_force::InForce;
use super::route::{Arrived, Fate, Route, route};
use crate::clock::Timestamp;
use crate::domain::id::MessageId;
use crate::domain::message::{Category, Status};
use crate::domain::policy::{Policy, ThenFor};
use crate::domain::routing::Routed;
use crate::domain::sensitive::Searcher;
use crate::domain::topic::Topic;
use crate::service::deliveries::event;
use crate::service::policies::Look;
use crate::service::sensitive;
use crate::store::events::{self, Event};
use crate::store::planning::Planned;
use crate::store::prints::{self, Among};
use crate::store::routing::{self as store, Record, SubjectRow};
use crate::store::{JsonText, Tx};
use crate::{Error, Result};

/// Puts the rules to messages that nobody has routed yet and keeps with each what came of it. One that a reviewer let go
/// stays as it was routed, but for what was said meanwhile. Returns those that are to be planned; the others are held, or
/// nobody can be sent them.
pub(in crate::service) async fn route_claimed(
    tx: &mut Tx,
    in_force: &InForce,
    policy: &Policy,
    words: &Searcher,
    messages: Vec<Planned>,
    now: Timestamp,
) -> Result<Vec<Planned>> {
    // One that is partly planned goes on as it began.
    let is_new = |message: &Planned| message.routing.is_none() && message.plan_cursor.0 == 0;
    let asks = !in_force.rules.is_empty() || policy.repeats.is_some() || !words.is_empty();
    let looked_at =
        |message: &&Planned| is_released(message) || is_approved(message) || (asks && is_new(message));
    let ids: Vec<_> = messages.iter().filter(looked_at).map(|message| message.id).collect();
    if ids.is_empty() {
        return Ok(messages);
    }
    // Before any text is looked for: two planners then see each other's.
    let looks = |message: &Planned| message.category != Category::Emergency && message.personalise.is_none();
    let repeats = policy.repeats.filter(|_| messages.iter().any(looks));
    if repeats.is_some() {
        prints::lock(tx).await?;
    }
    let subjects = store::subjects(tx, &ids).await?;
    // Bytes to be looked through for words while others wait for the transaction.
    let mut left = sensitive::AT_ONCE;
    let (mut records, mut told, mut go_on) = (Vec::new(), Vec::new(), Vec::new());
    // Of two that repeat each other only one may know it, or neither would be sent.
    let mut to_come: HashSet<MessageId> =
        messages.iter().filter(|message| is_released(message)).map(|message| message.id).collect();
    for mut message in messages {
        let Some(subject) = subjects.iter().find(|subject| subject.id == message.id) else {
            go_on.push(message);
            continue;
        };
        let approved = is_approved(&message);
        if let Some(JsonText(mut routed)) = message.routing.take().filter(|_| !approved) {
            // Whoever takes it up after a crash leaves it at that.
            routed.released = false;
            to_come.remove(&message.id);
            if let Some(policy) = repeats.filter(|_| looks(&message)) {
                let look = Look::new(message.id, message.test, &subject.content.0);
                routed.repeats = look.same(Among::Tx(tx), policy, now).await?;
                routed.repeats.retain(|id| !to_come.contains(id));
                look.remember(tx, now).await?;
            }
            records.push(goes_on(&message, &routed)?);
            message.routing = Some(JsonText(routed));
            go_on.push(message);
            continue;
        }
        // Every topic was read when it was accepted.
        let topic: Topic = message.topic.parse().map_err(|why: String| Error::internal(why))?;
        let mut route = route(in_force, &arrived(&message, subject, &topic));
        if approved && matches!(route.fate, Fate::Hold(_)) {
            route.fate = Fate::Send;
        }
        if let Some(policy) = repeats.filter(|_| looks(&message) && !matches!(route.fate, Fate::Unrouted(_)))
        {
            let wording = route.wording.as_ref().unwrap_or(&subject.content.0);
            let look = Look::new(message.id, message.test, wording);
            route.routed.repeats = look.same(Among::Tx(tx), policy, now).await?;
            route.routed.repeats.retain(|id| !to_come.contains(id));
            if let Some(similar) = policy.similar.filter(|_| route.routed.repeats.is_empty())
                && let Some(alike) = look.similar(Among::Tx(tx), policy, similar, now).await?
            {
                let detail = json!({ "message": alike.id, "percent": alike.percent, "source": alike.source });
                told.push(event(message.id, now, "similar", &detail));
                if similar.then == ThenFor::Hold && route.fate == Fate::Send && !approved {
                    route.fate = Fate::Hold(alike.says());
                }
            }
            look.remember(tx, now).await?;
        }
        // Nobody waits for a second look at an emergency.
        if !words.is_empty() && message.category != Category::Emergency {
            let wording = route.wording.as_ref().unwrap_or(&subject.content.0);
            let room = left.clamp(sensitive::OF_EACH, sensitive::OF_ONE);
            let looked = sensitive::look(words, wording, message.personalise.as_deref(), room)?;
            left = left.saturating_sub(looked.bytes);
            let detail = sensitive::told_of(&looked.seen);
            told.extend(detail.map(|detail| event(message.id, now, "words", &detail)));
            if let Some(why) =
                sensitive::holds_cut(words, &looked).filter(|_| route.fate == Fate::Send && !approved)
            {
                route.fate = Fate::Hold(why);
            }
        }
        records.push(record(&message, &route)?);
        told.extend(events_of(&message, &route, now));
        message.expires_at = route.expires_at;
        if route.fate == Fate::Send {
            message.routing = Some(JsonText(route.routed));
            go_on.push(message);
        }
    }
    store::record(tx, &records, now).await?;
    events::insert(tx, &told).await?;
    Ok(go_on)
}

/// It was held until a reviewer let it go.
fn is_released(message: &Planned) -> bool {
    message.routing.as_ref().is_some_and(|routing| routing.0.released)
}

/// A reviewer let it go before it was routed.
fn is_approved(message: &Planned) -> bool {
    message.routing.as_ref().is_some_and(|routing| routing.0.approved)
}

fn arrived<'m>(message: &'m Planned, subject: &'m SubjectRow, topic: &'m Topic) -> Arrived<'m> {
    Arrived {
        source: subject.source_name.as_deref(),
        topic,
        category: message.category,
        lane: message.rank.lane(),
        attributes: &subject.attributes.0,
        wording: &subject.content.0,
        channels: &message.channels.0,
        own_channels: subject.own_channels,
        send_at: subject.send_at,
        expires_at: subject.expires_at,
        own_expiry: subject.own_expiry,
        addressed: message.audience.is_some(),
        personal: message.personalise.is_some(),
    }
}

fn record(message: &Planned, route: &Route<'_>) -> Result<Record> {
    let (status, reason) = match &route.fate {
        Fate::Send => (Status::Routing, None),
        Fate::Hold(why) => (Status::Held, Some(why.clone())),
        Fate::Unrouted(why) => (Status::Unrouted, Some(why.to_string())),
    };
    let json = |wording| serde_json::to_string(wording).map_err(Error::internal);
    Ok(Record {
        id: message.id.0,
        routing: serde_json::to_string(&route.routed).map_err(Error::internal)?,
        status: status.code(),
        reason,
        expires_at: route.expires_at.0,
        title: route.wording.as_ref().map(|wording| wording.content.title.clone()),
        content: route.wording.as_ref().map(json).transpose()?,
    })
}

/// A message that is planned as it was routed before.
fn goes_on(message: &Planned, routed: &Routed) -> Result<Record> {
    Ok(Record {
        id: message.id.0,
        routing: serde_json::to_string(routed).map_err(Error::internal)?,
        status: Status::Routing.code(),
        reason: None,
        expires_at: message.expires_at.0,
        title: None,
        content: None,
    })
}

/// What the event `routed` says.
pub(in crate::service) fn told_of(routed: &Routed) -> Value {
    json!({ "version": routed.version, "rules": routed.matched })
}

fn events_of(message: &Planned, route: &Route<'_>, now: Timestamp) -> Vec<Event> {
    let mut told = Vec::new();
    if !route.routed.matched.is_empty() {
        told.push(event(message.id, now, "routed", &told_of(&route.routed)));
    }
    match &route.fate {
        Fate::Send => {}
        Fate::Hold(why) => told.push(event(message.id, now, "held", &json!({ "reason": why }))),
        Fate::Unrouted(why) => {
            told.push(event(message.id, now, "unrouted", &why.told(&why.to_string())));
        }
    }
    told
}
