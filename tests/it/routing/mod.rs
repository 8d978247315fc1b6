//! Routing rules, from the document to what becomes of messages.

mod costs;
mod document;
mod edit;
mod fallback;
mod hindsight;
mod preview;
mod review;
mod sending;
mod sensitive;
mod similar;
mod simulate;
mod trial;
mod written;

use std::sync::Arc;
use std::time::Duration;

use belltower::dispatch::Dispatcher;
use belltower::domain::channel::ChannelKind;
use belltower::domain::id::MessageId;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::caller::KeyCaller;
use belltower::service::messages::{self, AcceptOptions, Counts, DeliveryQuery, DeliveryView, MessageView};
use belltower::service::providers::{self, NewProvider};
use belltower::service::routing::{self, Applied};
use belltower::service::sources::{self, NewSource};
use belltower::service::{Caller, Services, groups, recipients, templates};
use belltower::simulator::{Faults, SmtpOptions, SmtpSimulator};
use belltower::store::Db;
use serde_json::{Value, json};

use crate::support::{operator, services};

/// A campus of four with an e-mail relay on a socket and a sandbox for SMS, over one store.
pub(crate) struct Campus {
    pub(crate) s: Services,
    pub(crate) academic: Arc<KeyCaller>,
    relay: SmtpSimulator,
    pub(crate) dispatcher: Dispatcher,
}

pub(crate) fn owner() -> Caller {
    operator(Role::Owner)
}

impl Campus {
    pub(crate) async fn new(db: Db) -> Self {
        let relay = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
        let s = services(db);
        let academic = source(&s, "教务处", &["email", "sms"]).await;
        provider(
            &s,
            ChannelKind::Email,
            ProviderKind::Smtp,
            json!({
                "host": relay.addr().ip().to_string(), "port": relay.addr().port(), "tls": "none",
                "from_address": "noreply@campus.example", "from_name": "钟楼大学",
            }),
        )
        .await;
        provider(&s, ChannelKind::Sms, ProviderKind::Sandbox, json!({})).await;
        // The third has no e-mail, the fourth no mobile.
        for (n, email, mobile, college) in [
            (1, Some("p1@campus.example"), Some("13800000011"), "农学院"),
            (2, Some("p2@campus.example"), Some("13800000012"), "农学院"),
            (3, None, Some("13800000013"), "信息学院"),
            (4, Some("p4@campus.example"), None, "信息学院"),
        ] {
            let body = json!({
                "name": format!("同学{n}"), "email": email, "mobile": mobile,
                "attributes": {"role": "student", "college": college},
            });
            recipients::put(&s, &owner(), &format!("202600{n}"), &body).await.unwrap();
        }
        for (slug, college) in [("agronomy", "农学院"), ("information", "信息学院")] {
            let filter = format!("college = '{college}'");
            let body = json!({"name": slug, "kind": "dynamic", "where": filter});
            groups::put(&s, &owner(), slug, &body).await.unwrap();
        }
        let body = json!({"name": "调课", "title": "调课：{{ course }}", "body": "改到 {{ room }}"});
        templates::put(&s, &owner(), "course-change", &body).await.unwrap();
        let dispatcher = Dispatcher::new(s.clone());
        Self { s, academic, relay, dispatcher }
    }

    pub(crate) async fn apply(&self, rules: Value) -> Applied {
        routing::apply(&self.s, &owner(), &json!({ "rules": rules })).await.unwrap()
    }

    pub(crate) async fn send(&self, body: Value) -> MessageId {
        let options =
            AcceptOptions { idempotency_key: None, request_id: "test".to_owned(), skip_unknown: false };
        let body = body.to_string();
        messages::accept(&self.s, &self.academic, body.as_bytes(), &options).await.unwrap().message.id
    }

    pub(crate) async fn drain(&mut self) {
        self.dispatcher.drain().await.unwrap();
    }

    pub(crate) fn turn(&self, by: Duration) {
        self.s.clock.turn(by.as_millis() as i64);
    }

    pub(crate) fn faults(&self, faults: Faults) {
        self.relay.set_faults(faults);
    }

    pub(crate) fn mails_to(&self, address: &str) -> usize {
        self.relay.mailbox().mails_to(address) as usize
    }

    pub(crate) fn subject(&self, address: &str) -> String {
        self.relay.mailbox().latest_to(address).unwrap().summary.subject
    }

    pub(crate) async fn message(&self, id: MessageId) -> MessageView {
        let message = messages::get(&self.s, &owner(), id).await.unwrap();
        let all = &message.summary.counts.all;
        let channels = ChannelKind::ALL.into_iter().filter_map(|c| message.summary.counts.channel(c));
        for counts in channels.chain([all]) {
            assert_eq!(counts.planned, sum(counts), "{counts:?}");
        }
        message
    }

    pub(crate) async fn deliveries(&self, id: MessageId) -> Vec<DeliveryView> {
        let query = DeliveryQuery { limit: 100, ..DeliveryQuery::default() };
        let deliveries = messages::deliveries(&self.s, &owner(), id, &query).await.unwrap().items;
        let counts = self.message(id).await.summary.counts.all;
        assert_eq!(counts.planned, deliveries.len() as i64, "every delivery is counted once");
        for state in belltower::domain::delivery::State::ALL {
            let n = deliveries.iter().filter(|d| d.facts.state == *state).count() as i64;
            assert_eq!(counts.of(*state), n, "{state}");
        }
        deliveries
    }

    /// For each delivery: person, channel, state and reason, in this order.
    pub(crate) async fn outcomes(&self, id: MessageId) -> Vec<String> {
        let mut outcomes: Vec<_> = self
            .deliveries(id)
            .await
            .iter()
            .map(|delivery| {
                let facts = &delivery.facts;
                let who = facts.recipient.campus_id.as_deref().unwrap_or("-");
                let reason = facts.reason.as_deref().map(|why| format!(" {why}")).unwrap_or_default();
                format!("{who} {} {}{reason}", facts.channel, facts.state)
            })
            .collect();
        outcomes.sort();
        outcomes
    }

    pub(crate) async fn events(&self, id: MessageId) -> Vec<String> {
        let events = messages::timeline(&self.s, &owner(), id).await.unwrap();
        events.into_iter().map(|event| event.kind).collect()
    }
}

fn sum(counts: &Counts) -> i64 {
    belltower::domain::delivery::State::ALL.iter().map(|state| counts.of(*state)).sum()
}

pub(crate) async fn source(s: &Services, name: &str, channels: &[&str]) -> Arc<KeyCaller> {
    let new = NewSource {
        name: name.to_owned(),
        department: name.to_owned(),
        topics: vec!["#".to_owned()],
        channels: channels.iter().map(|&channel| channel.to_owned()).collect(),
        rights: vec!["send_direct".to_owned(), "emergency".to_owned()],
        ..NewSource::default()
    };
    let made = sources::create(s, &owner(), new).await.unwrap();
    sources::authenticate(s, &made.key).await.unwrap()
}

async fn provider(s: &Services, channel: ChannelKind, kind: ProviderKind, settings: Value) {
    let name = format!("{channel}");
    let new = NewProvider { name, channel, kind, settings, priority: 10, weight: 1, rate: None };
    providers::create(s, &owner(), new).await.unwrap();
}

/// The smallest message.
pub(crate) fn exam() -> Value {
    json!({"topic": "academic.exam", "title": "考试安排", "body": "地点：**教三 204**。"})
}
