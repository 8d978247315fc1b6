//! What a source asks for when it subscribes.

use serde_json::Value;
use url::Url;

use super::super::Services;
use super::super::caller::KeyCaller;
use crate::domain::fields::{Fields, below, pointer};
use crate::domain::source::Right;
use crate::domain::subscription::{EventKind, LONGEST_QUEUE, LONGEST_URL, MOST_TOPICS, QueueName};
use crate::domain::topic::TopicPattern;
use crate::error::Fault;
use crate::{Error, Result};

/// What is wanted, and where it is to go.
#[derive(Debug)]
pub(super) struct Asked {
    pub topics: Vec<TopicPattern>,
    pub events: Vec<EventKind>,
    pub place: Place,
}

/// Where events are to go.
#[derive(Debug)]
pub(super) enum Place {
    Url(Url),
    Queue(QueueName),
}

/// Reads the body; looks the endpoint's name up.
pub(super) async fn read(s: &Services, key: &KeyCaller, body: &Value) -> Result<Asked> {
    let mut fields = Fields::of(body)?;
    let topics = topics(&mut fields, key);
    let mut events: Vec<EventKind> = fields.parsed("events", EventKind::ALL.len(), "unknown_event");
    if events.is_empty() {
        needed(&mut fields, "events", "name the events to be told of, such as `message.completed`");
    }
    events.sort_unstable();
    events.dedup();
    let place = match fields.value("endpoint") {
        None => {
            fields.fault("endpoint", "required", "say where to, as {\"kind\": \"webhook\", \"url\": …}");
            None
        }
        Some(endpoint) => match place(s, endpoint).await {
            Ok(place) => Some(place),
            Err(faults) => {
                fields.extend(below(&pointer("endpoint"), faults));
                None
            }
        },
    };
    fields.finish()?;
    let place = place.ok_or_else(|| Error::internal("a fault was not told"))?;
    Ok(Asked { topics, events, place })
}

/// Something has to be named, unless what was given is wrong already.
fn needed(fields: &mut Fields<'_>, name: &'static str, detail: &str) {
    let is_given = fields.value(name).and_then(Value::as_array).is_none_or(|list| !list.is_empty())
        && fields.value(name).is_some();
    if !is_given {
        fields.fault(name, "required", detail);
    }
}

/// Patterns under which there is something that the source may see.
fn topics(fields: &mut Fields<'_>, key: &KeyCaller) -> Vec<TopicPattern> {
    let mut topics: Vec<TopicPattern> = fields.parsed("topics", MOST_TOPICS, "invalid_topic");
    if topics.is_empty() {
        needed(fields, "topics", "name topics, such as `library.#`");
    }
    fields.extend(beyond(key, &topics));
    topics.sort_unstable();
    topics.dedup();
    topics
}

/// A fault for each pattern under which the source can see nothing: without `read_all` it sees its own messages, which are on
/// its own topics.
pub(super) fn beyond(key: &KeyCaller, topics: &[TopicPattern]) -> Vec<Fault> {
    if key.rights.contains(&Right::ReadAll) {
        return Vec::new();
    }
    let is_beyond = |topic: &TopicPattern| !key.topics.iter().any(|own| own.meets(topic));
    let fault = |i: usize| {
        Fault::new(
            format!("/topics/{i}"),
            "topic_not_readable",
            "this source sends nothing on such a topic, and without the right `read_all` it sees its own messages only",
        )
    };
    topics.iter().enumerate().filter(|(_, topic)| is_beyond(topic)).map(|(i, _)| fault(i)).collect()
}

/// An endpoint that may be used.
async fn place(s: &Services, endpoint: &Value) -> Result<Place, Vec<Fault>> {
    let faults = crate::domain::fields::faults_of;
    let mut fields = Fields::of(endpoint).map_err(faults)?;
    let place = match fields.required("kind", 20).as_str() {
        "amqp" => queue(s, &mut fields).map(Place::Queue),
        "webhook" => address(s, &mut fields).await?.map(Place::Url),
        kind => {
            if !kind.is_empty() {
                fields.fault("kind", "invalid_value", "`kind` is `webhook` or `amqp`");
            }
            // Either may be meant.
            fields.value("queue");
            fields.value("url");
            None
        }
    };
    fields.finish().map_err(faults)?;
    // None only with a fault.
    place.ok_or_else(Vec::new)
}

/// The address of a webhook; none with a fault.
async fn address(s: &Services, fields: &mut Fields<'_>) -> Result<Option<Url>, Vec<Fault>> {
    let text = fields.required("url", LONGEST_URL);
    if text.is_empty() {
        return Ok(None);
    }
    let outward = s.outward().map_err(crate::domain::fields::faults_of)?;
    Ok(match outward.check(&text).await {
        Ok(url) => Some(url),
        Err(why) => {
            fields.fault("url", why.code(), why.to_string());
            None
        }
    })
}

/// The source's own name for a queue; none with a fault.
fn queue(s: &Services, fields: &mut Fields<'_>) -> Option<QueueName> {
    if s.source_queues.is_none() {
        fields.value("queue");
        let detail = "this installation has no message broker (its setting `queue.url` names none); use `webhook`, or read `GET /events`";
        fields.fault("kind", "unavailable", detail);
        return None;
    }
    // Longer ones get the same answer as others that cannot be.
    let text = fields.required("queue", LONGEST_QUEUE * 4);
    if text.is_empty() {
        return None;
    }
    text.parse().map_err(|why: String| fields.fault("queue", "invalid_value", why)).ok()
}
