//! What the dispatcher makes of vendors: of codes that nobody knows, of quotas, of answers that never come, of accounts
//! that fail by halves. The clock is turned by hand and the dispatcher drained.

mod addresses;
mod failover;
mod matrix;
mod overrides;
mod quotas;
mod told;
mod unanswered;

use std::sync::Arc;
use std::time::Duration;

use belltower::dispatch::Dispatcher;
use belltower::domain::channel::ChannelKind;
use belltower::domain::id::{MessageId, ProviderId};
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::caller::{Caller, KeyCaller};
use belltower::service::messages::{self, AcceptOptions, DeliveryDetail, DeliveryQuery, MessageSummary};
use belltower::service::providers::{self, NewProvider, ProviderEventRow, ProviderHealth};
use belltower::service::sources::{self, NewSource};
use belltower::service::{Services, policies};
use belltower::store::Db;
use serde_json::{Value, json};

use crate::support::{operator, services};

fn owner() -> Caller {
    operator(Role::Owner)
}

/// A source that sends mails, and the background half.
struct House {
    s: Services,
    source: Arc<KeyCaller>,
    dispatcher: Dispatcher,
}

impl House {
    async fn new(db: Db) -> Self {
        let s = services(db);
        let new = NewSource {
            name: "教务处".to_owned(),
            department: "教务处".to_owned(),
            topics: vec!["academic.#".to_owned()],
            channels: vec!["email".to_owned()],
            rights: vec!["send_direct".to_owned(), "emergency".to_owned()],
            ..NewSource::default()
        };
        let made = sources::create(&s, &owner(), new).await.unwrap();
        let source = sources::authenticate(&s, &made.key).await.unwrap();
        let dispatcher = Dispatcher::new(s.clone());
        Self { s, source, dispatcher }
    }

    /// A provider that answers always the same.
    async fn sandbox(&self, name: &str, priority: i64, settings: Value) -> ProviderId {
        self.provider(name, priority, ProviderKind::Sandbox, settings).await
    }

    async fn provider(&self, name: &str, priority: i64, kind: ProviderKind, settings: Value) -> ProviderId {
        let new = NewProvider {
            name: name.to_owned(),
            channel: ChannelKind::Email,
            kind,
            settings,
            priority,
            weight: 1,
            rate: None,
        };
        providers::create(&self.s, &owner(), new).await.unwrap().id
    }

    async fn change(&self, id: ProviderId, settings: Value) {
        let changes = providers::ProviderChanges { settings: Some(settings), ..Default::default() };
        providers::update(&self.s, &owner(), id, changes).await.unwrap();
    }

    async fn stop_using(&self, id: ProviderId) {
        let changes = providers::ProviderChanges { enabled: Some(false), ..Default::default() };
        providers::update(&self.s, &owner(), id, changes).await.unwrap();
    }

    async fn policy(&self, document: Value) {
        policies::apply(&self.s, &owner(), &document).await.unwrap();
    }

    /// To as many addresses.
    async fn send(&self, category: &str, n: usize) -> MessageId {
        let to: Vec<_> = (0..n).map(|i| format!("p{i}@campus.example")).collect();
        self.send_to(category, &to).await
    }

    async fn send_to(&self, category: &str, to: &[String]) -> MessageId {
        let options =
            AcceptOptions { idempotency_key: None, request_id: "test".to_owned(), skip_unknown: false };
        let body = message_to(category, to).to_string();
        messages::accept(&self.s, &self.source, body.as_bytes(), &options).await.unwrap().message.id
    }

    async fn drain(&mut self) {
        self.dispatcher.drain().await.unwrap();
    }

    fn turn(&self, by: Duration) {
        self.s.clock.turn(by.as_millis() as i64);
    }

    async fn message(&self, id: MessageId) -> MessageSummary {
        messages::get(&self.s, &owner(), id).await.unwrap().summary
    }

    /// Every delivery of a message, with its attempts.
    async fn deliveries(&self, id: MessageId) -> Vec<DeliveryDetail> {
        let query = DeliveryQuery { limit: 500, ..DeliveryQuery::default() };
        let page = messages::deliveries(&self.s, &owner(), id, &query).await.unwrap();
        let mut all = Vec::new();
        for row in page.items {
            all.push(messages::delivery(&self.s, &owner(), row.facts.id).await.unwrap());
        }
        all
    }

    async fn events(&self, id: ProviderId) -> Vec<ProviderEventRow> {
        providers::list_events(&self.s, &owner(), id, None, 100).await.unwrap()
    }

    async fn health(&self, name: &str) -> ProviderHealth {
        let all = providers::list_health(&self.s, &owner()).await.unwrap();
        all.into_iter().find(|provider| provider.name == name).unwrap()
    }

    async fn timeline(&self, id: MessageId, kind: &str) -> Vec<Value> {
        let events = messages::timeline(&self.s, &owner(), id).await.unwrap();
        events.into_iter().filter(|event| event.kind == kind).map(|event| event.detail).collect()
    }
}

fn message_to(category: &str, to: &[String]) -> Value {
    let to: Vec<_> = to.iter().map(|email| json!({ "email": email })).collect();
    json!({"topic": "academic.exam", "category": category, "title": "停课", "body": "今天停课。", "to": to})
}
