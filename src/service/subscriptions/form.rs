//! What a source asks for when it subscribes.

use serde_json::Value;
use url::Url;

use super::super::Services;
use super::super::caller::KeyCaller;
use crate::domain::fields::{Fields, below, pointer};
use crate::domain::source::Right;
use crate::domain::subscription::{EventKind, LONGEST_URL, MOST_TOPICS};
use crate::domain::topic::TopicPattern;
use crate::error::Fault;
use crate::{Error, Result};

/// What is wanted, and where it is to go.
#[derive(Debug)]
pub(super) struct Asked {
    pub topics: Vec<TopicPattern>,
    pub events: Vec<EventKind>,
    pub url: Url,
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
    let url = match fields.value("endpoint") {
        None => {
            fields.fault("endpoint", "required", "say where to, as {\"kind\": \"webhook\", \"url\": …}");
            None
        }
        Some(endpoint) => match address(s, endpoint).await {
            Ok(url) => Some(url),
            Err(faults) => {
                fields.extend(below(&pointer("endpoint"), faults));
                None
            }
        },
    };
    fields.finish()?;
    let url = url.ok_or_else(|| Error::internal("a fault was not told"))?;
    Ok(Asked { topics, events, url })
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

/// The address of an endpoint that may be called.
async fn address(s: &Services, endpoint: &Value) -> Result<Url, Vec<Fault>> {
    let faults = crate::domain::fields::faults_of;
    let mut fields = Fields::of(endpoint).map_err(faults)?;
    let kind = fields.required("kind", 20);
    if kind == "amqp" {
        fields.value("queue");
        fields.fault("kind", "unavailable", "endpoints at a message broker are not available; use `webhook`");
        fields.finish().map_err(faults)?;
        return Err(Vec::new());
    }
    if !matches!(kind.as_str(), "" | "webhook") {
        fields.fault("kind", "invalid_value", "`kind` is `webhook`");
    }
    let text = fields.required("url", LONGEST_URL);
    let url = if text.is_empty() {
        None
    } else {
        match s.outward().map_err(faults)?.check(&text).await {
            Ok(url) => Some(url),
            Err(why) => {
                fields.fault("url", why.code(), why.to_string());
                None
            }
        }
    };
    fields.finish().map_err(faults)?;
    // None only with a fault.
    url.ok_or_else(Vec::new)
}
