//! A store with a sandbox for every channel, on which one case after the other is played.

use std::sync::Arc;
use std::time::Duration;

use belltower::Error;
use belltower::clock::Timestamp;
use belltower::dispatch::Dispatcher;
use belltower::domain::channel::ChannelKind;
use belltower::domain::id::MessageId;
use belltower::domain::message::Status;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::domain::recipient::OptOut;
use belltower::service::caller::KeyCaller;
use belltower::service::messages::{self, AcceptOptions, MessageSummary};
use belltower::service::providers::{self, NewProvider};
use belltower::service::recipients::{self, Format, Import, ImportOptions};
use belltower::service::sources::{self, NewSource};
use belltower::service::{Caller, Services, groups, planning, policies, routing, suppressions, templates};
use belltower::store::Db;
use serde_json::{Value, json};

use super::cases::{Case, GROUPS, Letter, PEOPLE, SOURCES, TEMPLATES, campus_id};
use crate::support::app::everything;
use crate::support::{operator, services};

/// Marks what the planner of these tests takes.
const PLANNER: i64 = 1;

pub(super) struct Stage {
    pub s: Services,
    /// The live and the test key of each source.
    keys: Vec<[Arc<KeyCaller>; 2]>,
    pub dispatcher: Dispatcher,
}

pub(super) fn owner() -> Caller {
    operator(Role::Owner)
}

impl Stage {
    pub(super) async fn new(db: Db) -> Self {
        let s = services(db);
        let mut keys = Vec::new();
        for (name, channels) in SOURCES {
            let channels = channels.iter().map(|&channel| channel.to_owned()).collect();
            let new = NewSource { channels, ..everything(name) };
            let made = sources::create(&s, &owner(), new).await.unwrap();
            let test = sources::create_key(&s, &owner(), made.source_id, true).await.unwrap().key;
            let key = async |key: &str| sources::authenticate(&s, key).await.unwrap();
            keys.push([key(&made.key).await, key(&test).await]);
        }
        for channel in ChannelKind::ALL {
            let new = NewProvider {
                name: channel.to_string(),
                channel,
                kind: ProviderKind::Sandbox,
                settings: json!({}),
                priority: 10,
                weight: 1,
                rate: None,
            };
            providers::create(&s, &owner(), new).await.unwrap();
        }
        for (slug, body) in TEMPLATES {
            let body = json!({"name": slug, "title": "通知", "body": body});
            templates::put(&s, &owner(), slug, &body).await.unwrap();
        }
        let dispatcher = Dispatcher::new(s.clone());
        let stage = Self { s, keys, dispatcher };
        stage.admit().await;
        stage
    }

    /// Makes everybody known who may be named, with those who were erased.
    pub(super) async fn admit(&self) {
        let all: Vec<_> =
            (0..PEOPLE).map(|n| json!({"campus_id": campus_id(n), "name": format!("同学{n}")})).collect();
        self.import(&all).await;
    }

    async fn import(&self, people: &[Value]) {
        let options = ImportOptions { deactivate_missing: true, ..ImportOptions::default() };
        let mut import = Import::start(&self.s, &owner(), Format::Ndjson, options).unwrap();
        for person in people {
            import.feed(format!("{person}\n").as_bytes()).await.unwrap();
        }
        let report = import.finish().await.unwrap();
        assert_eq!(report.rejected, []);
    }

    /// Makes everything but the messages as the case says, whatever there was before.
    pub(super) async fn set(&self, case: &Case) {
        self.turn(case.turn);
        self.import(&case.people).await;
        for person in &case.people {
            let id = person["campus_id"].as_str().unwrap();
            let wishes = case.opt_outs.iter().filter(|(n, ..)| campus_id(*n) == id);
            let all: Vec<_> = wishes
                .map(|(_, channel, topic)| OptOut {
                    channel: channel.map(|channel| channel.parse().unwrap()),
                    topic: topic.parse().unwrap(),
                })
                .collect();
            recipients::set_opt_outs(&self.s, &owner(), id, &all).await.unwrap();
        }
        for (slug, filter) in GROUPS.iter().zip(case.filters) {
            let body = json!({"name": slug, "kind": "dynamic", "where": filter});
            groups::put(&self.s, &owner(), slug, &body).await.unwrap();
        }
        for (slug, members) in GROUPS[2..].iter().zip(&case.members) {
            let body = json!({"name": slug, "kind": "static"});
            groups::put(&self.s, &owner(), slug, &body).await.unwrap();
            let is_in = |n: &usize| members.contains(n);
            let (add, remove): (Vec<_>, Vec<_>) = (0..PEOPLE).partition(is_in);
            let ids = |people: Vec<usize>| people.into_iter().map(campus_id).collect::<Vec<_>>();
            let changes = json!({"add": ids(add), "remove": ids(remove)});
            groups::change_members(&self.s, &owner(), slug, &changes).await.unwrap();
        }
        for row in suppressions::list(&self.s, &owner(), None, None, 1_000).await.unwrap() {
            suppressions::remove(&self.s, &owner(), row.id, "新的一轮").await.unwrap();
        }
        for body in &case.suppressions {
            suppressions::add(&self.s, &owner(), body).await.unwrap();
        }
        policies::apply(&self.s, &owner(), &case.policy).await.unwrap();
        routing::apply(&self.s, &owner(), &case.rules).await.unwrap();
    }

    /// Accepts a message; `None` where it is refused, which is no error of ours.
    pub(super) async fn send(&self, letter: &Letter) -> Option<MessageId> {
        let now = self.s.clock.now();
        let at = |minutes: u32| now.plus(minutes_long(minutes)).to_string();
        let mut body = letter.body.clone();
        for (name, minutes) in [("send_at", letter.send_in), ("expires_at", letter.expires_in)] {
            if let Some(minutes) = minutes {
                body[name] = at(minutes).into();
            }
        }
        let key = &self.keys[letter.source][usize::from(letter.test)];
        let options = AcceptOptions { request_id: "test".to_owned(), ..AcceptOptions::default() };
        match messages::accept(&self.s, key, body.to_string().as_bytes(), &options).await {
            Ok(accepted) => Some(accepted.message.id),
            Err(Error::Invalid(_) | Error::Forbidden { .. }) => None,
            Err(error) => panic!("{error}: {body}"),
        }
    }

    /// Plans whatever may be planned now.
    pub(super) async fn plan(&self) {
        while planning::plan_next(&self.s, PLANNER).await.unwrap() > 0 {}
    }

    pub(super) async fn drain(&mut self) {
        self.dispatcher.drain().await.unwrap();
    }

    pub(super) fn turn(&self, minutes: u32) {
        self.s.clock.turn(minutes_long(minutes).as_millis() as i64);
    }

    /// The next campus day begins.
    pub(super) fn turn_to_tomorrow(&self) {
        let now = self.now();
        self.s.clock.turn(self.s.campus.day_ends(now).since(now).as_millis() as i64);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.s.clock.now()
    }

    pub(super) async fn message(&self, id: MessageId) -> MessageSummary {
        messages::get(&self.s, &owner(), id).await.unwrap().summary
    }

    /// Lets those of the messages go that a reviewer is to look at.
    pub(super) async fn release(&self, ids: &[MessageId]) {
        for id in ids {
            if self.message(*id).await.status == Status::Held {
                messages::release(&self.s, &owner(), *id, "").await.unwrap();
            }
        }
    }
}

pub(super) fn minutes_long(minutes: u32) -> Duration {
    Duration::from_mins(u64::from(minutes))
}
