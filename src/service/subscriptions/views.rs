//! Subscriptions as the API and the console show them.

use serde::Serialize;
use url::Url;
use utoipa::ToSchema;

use super::super::Services;
use crate::clock::Timestamp;
use crate::domain::id::{EventId, HandingId, MessageId, SourceId, SubscriptionId};
use crate::domain::subscription::{EndpointKind, EventKind, Handed, Standing, TEST, WhyDisabled};
use crate::store::subscription_handings::HandingRow;
use crate::store::subscriptions::SubscriptionRow;

/// Where events go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EndpointView {
    pub kind: EndpointKind,
    /// Of a webhook.
    #[schema(example = "https://app.example/hooks/belltower")]
    pub url: Option<String>,
    /// Of `amqp`: the whole name of the queue at the broker.
    #[schema(example = "belltower.out.src_0a1b2c3d4e5f6.library")]
    pub queue: Option<String>,
}

/// Why it is called no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DisabledView {
    /// `gone`: it answered 410. `exhausted`: it took nothing for as long as it is tried.
    pub reason: Option<WhyDisabled>,
    pub at: jiff::Timestamp,
}

/// How it answered lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CalledView {
    pub at: jiff::Timestamp,
    /// HTTP; null where no answer came, and for a queue.
    pub status: Option<i64>,
    /// The beginning of the answer, or what went wrong. Of a queue a word for it first: `confirmed`, `no_queue`, `refused` or
    /// `broker_away`.
    pub answer: Option<String>,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SubscriptionView {
    #[schema(value_type = String, example = "sub_0a1b2c3d4e5f6")]
    pub id: SubscriptionId,
    #[schema(example = json!(["library.#"]))]
    pub topics: Vec<String>,
    pub events: Vec<EventKind>,
    pub endpoint: EndpointView,
    pub status: Standing,
    pub disabled: Option<DisabledView>,
    /// Calls in a row that failed.
    pub failures: i64,
    /// Events that wait for it; of a longer row the first 200 or so.
    pub waiting: i64,
    /// Where calls fail, or the broker is away: when it is called again.
    pub next_attempt_at: Option<jiff::Timestamp>,
    pub last: Option<CalledView>,
    /// Where its secret was replaced: until when the old one signs too.
    pub old_secret_until: Option<jiff::Timestamp>,
    pub created_at: jiff::Timestamp,
}

impl SubscriptionView {
    pub(super) fn new(s: &Services, row: SubscriptionRow, waiting: i64) -> Self {
        let now = s.clock.now();
        let rests = (row.failures > 0 || row.next_at > now) && row.standing == Standing::Active;
        let queue = queue(s, &row);
        Self {
            id: row.id,
            topics: row.topics.0.iter().map(ToString::to_string).collect(),
            events: row.events.0,
            endpoint: EndpointView { kind: row.kind, url: row.url, queue },
            status: row.standing,
            disabled: row.disabled_at.map(|at| DisabledView { reason: row.why_disabled, at: at.to_jiff() }),
            failures: row.failures,
            waiting,
            next_attempt_at: rests.then(|| row.next_at.to_jiff()),
            last: row.last_at.map(|at| CalledView {
                at: at.to_jiff(),
                status: row.last_status,
                answer: row.last_answer,
            }),
            old_secret_until: row.old_until.filter(|until| *until > now).map(Timestamp::to_jiff),
            created_at: row.created_at.to_jiff(),
        }
    }
}

/// A subscription and whose it is, as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub source: SourceId,
    pub source_name: String,
    pub department: String,
    /// Its source may be told of something.
    pub is_granted: bool,
    /// Of its address, without path and query, which may hold a secret; of a queue the name.
    pub host: String,
    pub view: SubscriptionView,
}

/// The whole name of an endpoint's queue; without a broker, what its source calls it.
pub(super) fn queue(s: &Services, row: &SubscriptionRow) -> Option<String> {
    let own = row.queue.as_deref()?;
    let whole = s.source_queues.as_ref().zip(own.parse().ok());
    Some(whole.map_or_else(|| own.to_owned(), |(queues, own)| queues.name(row.source_id, &own)))
}

/// The host and port of an endpoint's address, or its queue.
pub(super) fn host(s: &Services, row: &SubscriptionRow) -> String {
    if let Some(queue) = queue(s, row) {
        return queue;
    }
    let url = row.url.as_deref().and_then(|url| Url::parse(url).ok());
    let host = url.map(|url| match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => String::new(),
    });
    host.unwrap_or_default()
}

/// What is told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EventRefView {
    /// The same as the header `webhook-id`, and as the `message_id` in a queue.
    #[schema(value_type = String, example = "evt_0a1b2c3d4e5f6")]
    pub id: EventId,
    /// Such as `message.completed`; a test is `subscription.test`.
    #[serde(rename = "type")]
    #[schema(example = "delivery.failed")]
    pub kind: String,
    #[schema(example = "library.new-books")]
    pub topic: Option<String>,
    #[schema(value_type = Option<String>)]
    pub message_id: Option<MessageId>,
    pub at: jiff::Timestamp,
}

/// An event on its way to an endpoint, or there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HandingView {
    #[schema(value_type = String, example = "hnd_0a1b2c3d4e5f6")]
    pub id: HandingId,
    pub event: EventRefView,
    pub state: Handed,
    /// How often it was sent.
    pub attempts: i64,
    pub last_attempt_at: Option<jiff::Timestamp>,
    /// HTTP; null where no answer came, and for a queue.
    pub last_status: Option<i64>,
    /// The beginning of the answer, or what went wrong; of a queue a word for it first.
    pub last_answer: Option<String>,
    /// While it waits; null where its endpoint is disabled.
    pub next_attempt_at: Option<jiff::Timestamp>,
}

/// The word for a kind of event as the store numbers it.
pub(super) fn word(kind: i64) -> &'static str {
    EventKind::from_code(kind).map_or(TEST, EventKind::name)
}

impl HandingView {
    pub(super) fn new(row: HandingRow, of: &SubscriptionRow) -> Self {
        let waits = row.state == Handed::Waiting && of.standing == Standing::Active;
        Self {
            id: row.id,
            event: EventRefView {
                id: row.event_id,
                kind: word(row.kind).to_owned(),
                topic: (!row.topic.is_empty()).then_some(row.topic),
                message_id: row.message_id,
                at: row.at.to_jiff(),
            },
            state: row.state,
            attempts: row.attempts,
            last_attempt_at: row.last_at.map(Timestamp::to_jiff),
            last_status: row.last_status,
            last_answer: row.last_answer,
            next_attempt_at: waits.then(|| row.due_at.max(of.next_at).to_jiff()),
        }
    }
}
