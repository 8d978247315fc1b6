//! The whole way: accepted, planned, handed over in calls, settled person by person.

use belltower::dispatch::Dispatcher;
use belltower::domain::delivery::State;
use belltower::domain::message::Status;
use belltower::domain::operator::Role;
use belltower::service::caller::KeyCaller;
use belltower::service::messages::{self, AcceptOptions, DeliveryQuery, MessageSummary};
use belltower::service::providers::{self, NewProvider};
use belltower::service::recipients::{Format, Import, ImportOptions};
use belltower::service::sources::{self, NewSource};
use belltower::service::{Caller, Services};
use belltower::simulator::{WecomAct, WecomCall, WecomFault, WecomQuery};
use belltower::store::Db;
use tokio::time::timeout;

use super::*;
use crate::support::{on_both, operator, services};

/// A wait that is only ever reached where something is broken.
const LONG: Duration = Duration::from_mins(1);

/// A source, people with WeCom ids, a corp on a socket, and the background half, over one store.
pub(super) struct House {
    pub(super) s: Services,
    pub(super) caller: Arc<KeyCaller>,
    pub(super) corp: WecomSimulator,
    pub(super) dispatcher: Dispatcher,
}

impl House {
    pub(super) async fn new(db: Db, people: usize) -> Self {
        Self::with(db, people, WecomFaults::default(), json!({})).await
    }

    /// `people` are students `u0`, `u1`, …, every third of them with English.
    pub(super) async fn with(db: Db, people: usize, faults: WecomFaults, more: Value) -> Self {
        let s = services(db);
        let corp = corp(faults, &s.clock).await;
        let owner = operator(Role::Owner);
        let new = NewProvider {
            name: "企业微信".to_owned(),
            channel: ChannelKind::Wechat,
            kind: ProviderKind::Wecom,
            settings: settings(&corp, &more),
            priority: 10,
            weight: 1,
            rate: None,
        };
        providers::create(&s, &owner, new).await.unwrap();
        let new = NewSource {
            name: "教务处".to_owned(),
            department: "教务处".to_owned(),
            topics: vec!["academic.#".to_owned()],
            channels: vec!["wechat".to_owned()],
            rights: vec!["send_direct".to_owned(), "emergency".to_owned()],
            ..NewSource::default()
        };
        let made = sources::create(&s, &owner, new).await.unwrap();
        let caller = sources::authenticate(&s, &made.key).await.unwrap();
        let mut import = Import::start(&s, &owner, Format::Ndjson, ImportOptions::default()).unwrap();
        for n in 0..people {
            let language = if n % 3 == 2 { "en" } else { "zh-CN" };
            let person = json!({
                "campus_id": format!("p{n}"), "name": format!("学生{n}"), "wecom_userid": format!("u{n}"),
                "language": language, "attributes": {"role": "student"},
            });
            import.feed(format!("{person}\n").as_bytes()).await.unwrap();
        }
        assert_eq!(import.finish().await.unwrap().rejected_lines, 0);
        Self { dispatcher: Dispatcher::new(s.clone()), s, caller, corp }
    }

    pub(super) async fn send(&self, body: &Value) -> MessageId {
        let options =
            AcceptOptions { idempotency_key: None, request_id: "test".to_owned(), skip_unknown: false };
        let accepted = messages::accept(&self.s, &self.caller, body.to_string().as_bytes(), &options).await;
        accepted.unwrap().message.id
    }

    pub(super) async fn drain(&mut self) {
        self.dispatcher.drain().await.unwrap();
    }

    pub(super) async fn message(&self, id: MessageId) -> MessageSummary {
        messages::get(&self.s, &owner(), id).await.unwrap().summary
    }

    pub(super) fn turn(&self, by: Duration) {
        self.s.clock.turn(by.as_millis() as i64);
    }

    pub(super) fn sends(&self) -> u64 {
        self.corp.stats().send
    }
}

pub(super) fn owner() -> Caller {
    operator(Role::Owner)
}

/// To every student.
pub(super) fn to_students() -> Value {
    json!({
        "topic": "academic.exam", "title": "期末考试安排", "body": "地点：**教三 204**。",
        "audience": {"where": "role = 'student'"},
    })
}

/// To these people, each with a name of their own in the text.
fn personal(people: std::ops::Range<usize>) -> Value {
    let personalise: Vec<_> = people
        .map(|n| json!({"campus_id": format!("p{n}"), "params": {"name": format!("同学{n}")}}))
        .collect();
    let ids: Vec<_> = personalise.iter().map(|line| line["campus_id"].clone()).collect();
    json!({
        "topic": "academic.grades", "title": "成绩", "body": "{{ name }}，你的成绩已公布。",
        "audience": {"recipients": ids}, "personalise": personalise,
    })
}

on_both!(two_and_a_half_thousand_people_with_one_text_are_three_calls, |db| async {
    let mut house = House::new(db.clone(), 2_500).await;
    let id = house.send(&to_students()).await;
    house.drain().await;
    let message = house.message(id).await;
    assert_eq!((message.status, message.counts.all.sent), (Status::Completed, 2_500));
    assert_eq!((house.sends(), house.corp.mailbox().total()), (3, 2_500));
    assert_eq!(house.corp.stats().most_at_once, 1);
});

on_both!(each_text_of_its_own_is_a_call_of_its_own_and_one_at_a_time, |db| async {
    let mut house = House::new(db.clone(), 40).await;
    let id = house.send(&personal(0..40)).await;
    house.drain().await;
    let message = house.message(id).await;
    assert_eq!((message.status, message.counts.all.sent), (Status::Completed, 40));
    assert_eq!((house.sends(), house.corp.stats().most_at_once), (40, 1));
    for n in 0..40 {
        let text = house.corp.mailbox().latest_to(&format!("u{n}")).unwrap().text;
        assert!(text.contains(&format!("同学{n}，")), "{text}");
    }
    let query = DeliveryQuery { limit: 100, ..DeliveryQuery::default() };
    let page = messages::deliveries(&house.s, &owner(), id, &query).await.unwrap();
    assert!(page.items.iter().all(|delivery| delivery.attempts == 1), "what waits is not tried");
});

on_both!(after_texts_of_their_own_a_text_for_all_is_in_whole_calls_again, |db| async {
    let mut house = House::new(db.clone(), 2_000).await;
    house.send(&personal(0..10)).await;
    house.drain().await;
    let before = house.sends();
    house.send(&to_students()).await;
    house.drain().await;
    assert_eq!(house.corp.mailbox().total(), 2_010);
    let calls = house.sends() - before;
    assert!(calls <= 4, "{calls} calls: two small ones to find out, then two large ones");
});

on_both!(settings_may_allow_several_texts_side_by_side, |db| async {
    let mut house = House::with(db.clone(), 48, WecomFaults::default(), json!({"concurrency": 4})).await;
    let id = house.send(&personal(0..24)).await;
    house.drain().await;
    assert_eq!(house.message(id).await.counts.all.sent, 24);
    assert_eq!(house.sends(), 24);
    assert!(house.corp.stats().most_at_once <= 4);

    // Calls that do not come to their end are side by side, however long each takes to get there.
    house.corp.set_faults(WecomFaults::default().slow(WecomCall::Send, Duration::from_hours(1)));
    house.send(&personal(24..48)).await;
    let four = async {
        while house.corp.stats().most_at_once < 4 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        drained = house.dispatcher.drain() => panic!("{drained:?}"),
        four = timeout(LONG, four) => four.expect("never so many side by side"),
    }
    assert_eq!(house.corp.stats().most_at_once, 4);
});

on_both!(languages_share_a_call_only_where_they_say_the_same, |db| async {
    let mut house = House::new(db.clone(), 30).await;
    house.send(&to_students()).await;
    house.drain().await;
    assert_eq!((house.sends(), house.corp.mailbox().total()), (1, 30), "there is no text in English");
    let mut body = to_students();
    body["variants"] = json!({"en": {"title": "Examinations", "body": "Room **204**."}});
    house.send(&body).await;
    house.drain().await;
    assert_eq!((house.sends(), house.corp.mailbox().total()), (3, 60));
    assert!(house.corp.mailbox().latest_to("u2").unwrap().text.starts_with("Examinations"));
});

on_both!(an_emergency_passes_texts_that_wait_for_their_calls, |db| async {
    let mut house = House::new(db.clone(), 60).await;
    house.send(&personal(0..60)).await;
    house.turn(Duration::from_secs(1));
    let mut urgent = to_students();
    urgent["category"] = json!("emergency");
    let urgent = house.send(&urgent).await;
    house.drain().await;
    assert_eq!(house.message(urgent).await.counts.all.sent, 60);
    let page = house.corp.mailbox().list(&WecomQuery { limit: 1_000, ..Default::default() });
    let place = page.messages.iter().rev().position(|message| message.members.len() == 60).unwrap();
    assert!(place <= 1, "{place} calls went first");
});

on_both!(who_cannot_be_reached_fails_alone_and_the_rest_is_sent, |db| async {
    let faults = WecomFaults {
        unknown: vec!["U3".to_owned()],
        unlicensed: vec!["u5".to_owned()],
        ..WecomFaults::default()
    };
    let mut house = House::with(db.clone(), 10, faults, json!({})).await;
    let id = house.send(&to_students()).await;
    house.drain().await;
    let message = house.message(id).await;
    assert_eq!(
        (message.status, message.counts.all.sent, message.counts.all.failed),
        (Status::Completed, 8, 2)
    );
    let query = DeliveryQuery { state: Some(State::Failed), limit: 10, ..DeliveryQuery::default() };
    let failed = messages::deliveries(&house.s, &owner(), id, &query).await.unwrap().items;
    let mut codes = Vec::new();
    for delivery in failed {
        let detail = messages::delivery(&house.s, &owner(), delivery.facts.id).await.unwrap();
        codes.push((detail.facts.recipient.campus_id.unwrap(), detail.attempts[0].code.clone().unwrap()));
    }
    codes.sort();
    let expected = [("p3", "invaliduser"), ("p5", "unlicenseduser")];
    assert_eq!(codes, expected.map(|(person, code)| (person.to_owned(), code.to_owned())));
    assert_eq!(house.sends(), 1);
});

on_both!(those_of_a_call_that_failed_for_now_are_called_together_again, |db| async {
    let busy = WecomAct::Error { errcode: -1, errmsg: "system busy".to_owned() };
    let faults = WecomFaults::default().first(1, WecomCall::Send, busy);
    let mut house = House::with(db.clone(), 200, faults, json!({})).await;
    let id = house.send(&to_students()).await;
    house.drain().await;
    assert_eq!((house.sends(), house.message(id).await.counts.all.pending), (1, 200));
    house.turn(Duration::from_secs(2));
    house.drain().await;
    assert_eq!((house.sends(), house.message(id).await.counts.all.sent), (2, 200));
});

on_both!(one_call_without_an_answer_is_one_failure_of_its_provider, |db| async {
    let faults = WecomFaults::default().first(1, WecomCall::Send, WecomAct::Reset);
    let mut house = House::with(db.clone(), 30, faults, json!({})).await;
    let lost = house.send(&to_students()).await;
    house.drain().await;
    assert_eq!(house.message(lost).await.counts.all.unknown, 30);
    // Three in a row would have it left alone.
    let next = house.send(&to_students()).await;
    house.drain().await;
    assert_eq!(house.message(next).await.counts.all.sent, 30);
});

on_both!(a_member_who_gets_too_much_waits_and_holds_up_nobody, |db| async {
    let mut house = House::new(db.clone(), 2).await;
    let mut ids = Vec::new();
    for n in 0..31 {
        let mut body = to_students();
        body["title"] = json!(format!("第 {n} 条"));
        body["audience"] = json!({"recipients": ["p0"]});
        ids.push(house.send(&body).await);
        house.drain().await;
    }
    let last = house.message(ids[30]).await;
    assert_eq!((last.status, last.counts.all.pending), (Status::Sending, 1));
    let other = house.send(&to_students()).await;
    house.drain().await;
    assert_eq!(house.message(other).await.counts.all.sent, 1, "the other one has it");
    house.turn(Duration::from_secs(62));
    house.drain().await;
    assert_eq!(house.message(ids[30]).await.counts.all.sent, 1);
    assert_eq!(house.message(other).await.counts.all.sent, 2);
    assert_eq!(house.corp.stats().dropped, 0);
});

on_both!(a_repeat_after_a_crash_is_swallowed_by_the_vendor, |db| async {
    // The corp takes the call and says nothing; meanwhile the process dies.
    let faults = WecomFaults::default().first(1, WecomCall::Send, WecomAct::KeepAnswer);
    let mut house = House::with(db.clone(), 1_500, faults, json!({})).await;
    let id = house.send(&to_students()).await;
    let hung = async {
        while house.corp.stats().hung == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        drained = house.dispatcher.drain() => panic!("{drained:?}"),
        () = hung => {}
    }
    assert_eq!(house.corp.mailbox().total(), 1_000);
    // What the next process finds; on PostgreSQL it waits for the leases first.
    house.dispatcher = Dispatcher::new(house.s.clone());
    let mut tx = db.begin().await.unwrap();
    crate::store::execute(&mut tx, "UPDATE delivery SET lease_until = 0 WHERE state = 1").await;
    tx.commit().await.unwrap();
    assert_eq!(house.dispatcher.take_over().await.unwrap(), 1_000);
    house.drain().await;
    let message = house.message(id).await;
    assert_eq!((message.status, message.counts.all.sent), (Status::Completed, 1_500));
    let stats = house.corp.stats();
    assert_eq!((stats.send, stats.swallowed, house.corp.mailbox().total()), (3, 1_000, 1_500));
    assert!((0..1_500).all(|n| house.corp.mailbox().messages_to(&format!("u{n}")) == 1));
});

on_both!(a_refused_account_is_set_aside_and_nothing_is_lost, |db| async {
    let untrusted = WecomFaults { untrusted_address: true, ..WecomFaults::default() };
    let mut house = House::with(db.clone(), 5, untrusted, json!({})).await;
    let id = house.send(&to_students()).await;
    house.drain().await;
    assert_eq!((house.sends(), house.message(id).await.counts.all.pending), (1, 5));
    let listed = providers::list(&house.s, &owner()).await.unwrap();
    let events = providers::list_events(&house.s, &owner(), listed[0].id, None, 10).await.unwrap();
    assert_eq!(events[0].kind, "opened");
    assert!(events[0].detail.0["reason"].as_str().unwrap().contains("127.0.0.1"), "it names the address");
    house.corp.set_faults(WecomFaults::default());
    house.turn(Duration::from_mins(2));
    house.drain().await;
    assert_eq!(house.message(id).await.counts.all.sent, 5);
});

on_both!(a_person_who_is_refused_by_a_call_costs_the_others_nothing, |db| async {
    let refusing = WecomFault {
        at: WecomCall::Send,
        to: Some("u7".to_owned()),
        times: None,
        act: WecomAct::Error { errcode: 60_111, errmsg: "userid not found".to_owned() },
    };
    let mut house = House::with(db.clone(), 20, WecomFaults::default().with(refusing), json!({})).await;
    let id = house.send(&to_students()).await;
    house.drain().await;
    let counts = house.message(id).await.counts.all;
    assert_eq!((counts.sent, counts.failed), (19, 1));
});
