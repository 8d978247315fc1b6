//! A message's whole way in one process: accepted, planned, sent to a relay on a socket, settled. The clock is turned by
//! hand and the dispatcher drained, so nothing here waits.

use std::sync::Arc;
use std::time::Duration;

use belltower::clock::Clock;
use belltower::dispatch::Dispatcher;
use belltower::domain::channel::ChannelKind;
use belltower::domain::delivery::State;
use belltower::domain::id::MessageId;
use belltower::domain::message::Status;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::caller::KeyCaller;
use belltower::service::messages::{self, AcceptOptions, DeliveryQuery, MessageSummary};
use belltower::service::providers::{self, NewProvider, ProviderChanges};
use belltower::service::sources::{self, NewSource};
use belltower::service::{Caller, Services, deliveries};
use belltower::service::{groups, recipients};
use belltower::simulator::{Faults, Mailbox, Reply, SmtpOptions, SmtpSimulator, Stage};
use belltower::store::Db;
use serde_json::{Value, json};

use crate::support::{on_both, operator, services};

/// A source, a relay on a socket, and the background half, over one store.
struct House {
    s: Services,
    caller: Arc<KeyCaller>,
    relay: SmtpSimulator,
    dispatcher: Dispatcher,
}

impl House {
    async fn new(db: Db) -> Self {
        Self::with(db, Faults::default(), json!({})).await
    }

    async fn with(db: Db, faults: Faults, more_settings: Value) -> Self {
        let relay = SmtpSimulator::start(SmtpOptions { faults, ..SmtpOptions::default() }).await.unwrap();
        let s = services(db);
        let caller = source(&s, false).await;
        provider(&s, "relay", &relay, 10, more_settings).await;
        let dispatcher = Dispatcher::new(s.clone());
        Self { s, caller, relay, dispatcher }
    }

    async fn send(&self, body: Value) -> MessageId {
        accept(&self.s, &self.caller, body).await
    }

    async fn drain(&mut self) {
        self.dispatcher.drain().await.unwrap();
    }

    async fn message(&self, id: MessageId) -> MessageSummary {
        messages::get(&self.s, &operator(Role::Owner), id).await.unwrap().summary
    }

    fn turn(&self, by: Duration) {
        self.s.clock.turn(by.as_millis() as i64);
    }

    fn mailbox(&self) -> Mailbox {
        self.relay.mailbox()
    }
}

async fn source(s: &Services, test: bool) -> Arc<KeyCaller> {
    let new = NewSource {
        name: format!("教务处 {test}"),
        department: "教务处".to_owned(),
        topics: vec!["academic.#".to_owned()],
        channels: vec!["email".to_owned()],
        rights: vec!["send_direct".to_owned(), "emergency".to_owned()],
        test,
        ..NewSource::default()
    };
    let made = sources::create(s, &operator(Role::Owner), new).await.unwrap();
    sources::authenticate(s, &made.key).await.unwrap()
}

async fn provider(s: &Services, name: &str, relay: &SmtpSimulator, priority: i64, more_settings: Value) {
    let mut settings = json!({
        "host": relay.addr().ip().to_string(), "port": relay.addr().port(), "tls": "none",
        "from_address": "noreply@campus.example", "from_name": "钟楼大学",
    });
    settings.as_object_mut().unwrap().extend(more_settings.as_object().unwrap().clone());
    let new = NewProvider {
        name: name.to_owned(),
        channel: ChannelKind::Email,
        kind: ProviderKind::Smtp,
        settings,
        priority,
        weight: 1,
        rate: None,
    };
    providers::create(s, &operator(Role::Owner), new).await.unwrap();
}

async fn accept(s: &Services, caller: &KeyCaller, body: Value) -> MessageId {
    let options = AcceptOptions { idempotency_key: None, request_id: "test".to_owned(), skip_unknown: false };
    messages::accept(s, caller, body.to_string().as_bytes(), &options).await.unwrap().message.id
}

fn to(addresses: &[&str]) -> Value {
    let to: Vec<_> = addresses.iter().map(|email| json!({"email": email})).collect();
    json!({"topic": "academic.exam", "title": "期末考试安排", "body": "地点：**教三 204**。", "to": to})
}

fn counts_add_up(message: &MessageSummary) {
    let all = &message.counts.all;
    let sum = all.pending
        + all.sending
        + all.sent
        + all.delivered
        + all.failed
        + all.expired
        + all.cancelled
        + all.suppressed
        + all.unknown;
    assert_eq!(all.planned, sum, "{all:?}");
}

on_both!(a_message_reaches_everyone_and_is_completed, |db| async {
    let mut house = House::new(db.clone()).await;
    let id = house.send(to(&["wang@campus.example", "li@campus.example"])).await;
    assert_eq!(house.message(id).await.status, Status::Accepted);
    house.drain().await;
    let message = house.message(id).await;
    assert_eq!((message.status, message.counts.all.sent), (Status::Completed, 2));
    counts_add_up(&message);
    assert_eq!(house.mailbox().total(), 2);
    let mail = house.mailbox().latest_to("wang@campus.example").unwrap();
    assert_eq!(mail.summary.subject, "期末考试安排");
    assert!(mail.text.unwrap().contains("教三 204"));
    assert!(mail.html.unwrap().contains("<strong>教三 204</strong>"));
});

on_both!(nobody_gets_one_message_twice_by_being_named_twice, |db| async {
    let mut house = House::new(db.clone()).await;
    let id = house.send(to(&["wang@campus.example", "Wang@campus.example", "wang@campus.example"])).await;
    house.drain().await;
    let message = house.message(id).await;
    assert_eq!(house.mailbox().total() as i64, message.counts.all.planned);
    assert_eq!(house.mailbox().mails_to("wang@campus.example"), 1);
});

on_both!(a_greylisting_relay_gets_it_again_within_two_seconds, |db| async {
    let greylist = Faults::default().greylisting("*", 1, Reply::new(451, "4.3.2 come back later"));
    let mut house = House::with(db.clone(), greylist, json!({})).await;
    let id = house.send(to(&["wang@campus.example"])).await;
    house.drain().await;
    let message = house.message(id).await;
    assert_eq!((message.status, message.counts.all.pending), (Status::Sending, 1));
    house.turn(Duration::from_secs(2));
    house.drain().await;
    let message = house.message(id).await;
    assert_eq!((message.status, message.counts.all.sent), (Status::Completed, 1));
    let query = DeliveryQuery::default();
    let page = messages::deliveries(&house.s, &operator(Role::Owner), id, &query).await.unwrap();
    let detail = messages::delivery(&house.s, &operator(Role::Owner), page.items[0].facts.id).await.unwrap();
    let outcomes: Vec<_> = detail.attempts.iter().map(|a| a.outcome.as_str()).collect();
    assert_eq!(outcomes, ["transient", "accepted"]);
});

on_both!(an_address_nobody_has_fails_at_once_and_can_be_sent_again, |db| async {
    let refusal = Faults::default().refusing("gone*", Reply::new(550, "5.1.1 no such person"));
    let mut house = House::with(db.clone(), refusal, json!({})).await;
    let id = house.send(to(&["gone@campus.example", "li@campus.example"])).await;
    house.drain().await;
    let message = house.message(id).await;
    assert_eq!(
        (message.status, message.counts.all.failed, message.counts.all.sent),
        (Status::Completed, 1, 1)
    );

    house.relay.set_faults(Faults::default());
    let owner = operator(Role::Owner);
    let resent = deliveries::resend(&house.s, &owner, id, &[State::Failed], &[]).await.unwrap();
    assert_eq!(resent.reopened, 1);
    assert_eq!(house.message(id).await.status, Status::Sending);
    house.drain().await;
    let message = house.message(id).await;
    assert_eq!(
        (message.status, message.counts.all.sent, message.counts.all.failed),
        (Status::Completed, 2, 0)
    );
    assert_eq!(house.mailbox().total(), 2, "only the one that had failed went out again");
    counts_add_up(&message);
});

on_both!(an_answer_that_got_lost_is_unknown_and_not_sent_again, |db| async {
    let mut house = House::with(db.clone(), Faults::default().losing_answers(), json!({})).await;
    let id = house.send(to(&["wang@campus.example"])).await;
    house.drain().await;
    house.turn(Duration::from_hours(1));
    house.drain().await;
    let message = house.message(id).await;
    assert_eq!((message.status, message.counts.all.unknown), (Status::Completed, 1));
    assert_eq!(house.mailbox().total(), 1);
});

on_both!(a_schedule_waits_for_its_moment, |db| async {
    let mut house = House::new(db.clone()).await;
    let mut body = to(&["wang@campus.example"]);
    let at = house.s.clock.now().plus(Duration::from_hours(2));
    body["send_at"] = json!(at.to_string());
    let id = house.send(body).await;
    house.drain().await;
    assert_eq!(house.message(id).await.status, Status::Scheduled);
    house.turn(Duration::from_hours(2));
    house.drain().await;
    assert_eq!(house.message(id).await.status, Status::Completed);
    assert_eq!(house.mailbox().total(), 1);
});

on_both!(what_is_past_its_time_is_not_sent, |db| async {
    let dead = Faults::default().first(u64::MAX, Stage::Mail, Reply::new(451, "4.3.2 not now"));
    let mut house = House::with(db.clone(), dead, json!({})).await;
    let mut body = to(&["wang@campus.example", "li@campus.example"]);
    body["expires_at"] = json!(house.s.clock.now().plus(Duration::from_mins(10)).to_string());
    let id = house.send(body).await;
    house.drain().await;
    assert_eq!(house.message(id).await.counts.all.pending, 2);
    house.turn(Duration::from_mins(11));
    house.relay.set_faults(Faults::default());
    house.drain().await;
    let message = house.message(id).await;
    assert_eq!((message.status, message.counts.all.expired), (Status::Completed, 2));
    assert_eq!(house.mailbox().total(), 0);
    counts_add_up(&message);
});

on_both!(a_cancelled_message_stops_what_still_waits, |db| async {
    let mut house = House::new(db.clone()).await;
    let mut body = to(&["wang@campus.example"]);
    body["send_at"] = json!(house.s.clock.now().plus(Duration::from_hours(1)).to_string());
    let id = house.send(body).await;
    let caller = Caller::Key(house.caller.clone());
    let done = deliveries::cancel(&house.s, &caller, id).await.unwrap();
    assert_eq!((done.stopped, done.already_sent), (0, 0));
    house.turn(Duration::from_hours(2));
    house.drain().await;
    assert_eq!(house.message(id).await.status, Status::Cancelled);
    assert_eq!(house.mailbox().total(), 0);
    assert!(deliveries::cancel(&house.s, &caller, id).await.is_err(), "it has ended");
});

on_both!(a_dead_relay_is_left_alone_and_the_next_one_takes_over, |db| async {
    let dead = Faults::default().connections(0);
    let mut house = House::with(db.clone(), dead, json!({})).await;
    let second = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
    provider(&house.s, "second", &second, 20, json!({})).await;
    let addresses: Vec<String> = (0..40).map(|i| format!("p{i}@campus.example")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let id = house.send(to(&addresses)).await;
    for _ in 0..10 {
        house.drain().await;
        house.turn(Duration::from_secs(2));
    }
    let message = house.message(id).await;
    assert_eq!((message.status, message.counts.all.sent), (Status::Completed, 40));
    assert_eq!(second.mailbox().total(), 40);
    let providers = providers::list(&house.s, &operator(Role::Owner)).await.unwrap();
    let first = providers.iter().find(|p| p.name == "relay").unwrap();
    let events = providers::list_events(&house.s, &operator(Role::Owner), first.id, None, 10).await.unwrap();
    assert!(events.iter().any(|e| e.kind == "paused"), "an administrator can see why");
});

on_both!(what_waits_in_line_for_a_relay_that_fails_is_not_handed_to_it, |db| async {
    let reply = Reply::new(530, "5.7.0 authentication required");
    let refusing = Faults::default().refusing("p*@campus.example", reply);
    let mut house = House::with(db.clone(), refusing, json!({"connections": 1, "concurrency": 1})).await;
    let second = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
    provider(&house.s, "second", &second, 20, json!({})).await;
    // From its first call on it is known how quick the relay is, and others may wait in line for it.
    house.send(to(&["first@campus.example"])).await;
    house.drain().await;
    assert_eq!(house.mailbox().total(), 1);
    let addresses: Vec<String> = (0..30).map(|i| format!("p{i}@campus.example")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let id = house.send(to(&addresses)).await;
    for _ in 0..3 {
        house.drain().await;
        house.turn(Duration::from_secs(2));
    }
    let message = house.message(id).await;
    assert_eq!((message.status, message.counts.all.sent), (Status::Completed, 30));
    assert_eq!(second.mailbox().total(), 30);
    let query = DeliveryQuery { limit: 100, ..DeliveryQuery::default() };
    let page = messages::deliveries(&house.s, &operator(Role::Owner), id, &query).await.unwrap();
    assert_eq!(
        page.items.iter().map(|d| d.attempts).sum::<i64>(),
        31,
        "one saw that the relay refuses, and went on"
    );
});

on_both!(one_mailbox_that_takes_nothing_from_outside_closes_no_relay, |db| async {
    let reply = Reply::new(550, "5.7.1 not from outside");
    let mut house = House::with(db.clone(), Faults::default().refusing("closed*", reply), json!({})).await;
    let id = house.send(to(&["closed@campus.example", "closed2@campus.example"])).await;
    // Beyond all its tries, with mail to others now and then.
    for round in 0..12 {
        house.drain().await;
        let other = house.send(to(&[&format!("p{round}@campus.example")])).await;
        house.drain().await;
        assert_eq!(house.message(other).await.status, Status::Completed, "{round}: nobody waits for it");
        house.turn(Duration::from_hours(2));
    }
    let message = house.message(id).await;
    assert_eq!((message.status, message.counts.all.failed), (Status::Completed, 2));
    assert_eq!(house.mailbox().total(), 12);
    let providers = providers::list(&house.s, &operator(Role::Owner)).await.unwrap();
    let events =
        providers::list_events(&house.s, &operator(Role::Owner), providers[0].id, None, 10).await.unwrap();
    assert!(events.iter().all(|e| e.kind != "opened"), "{events:?}");
});

on_both!(a_cancelled_message_is_not_tried_again, |db| async {
    let busy = Faults::default().greylisting("*", 1, Reply::new(451, "4.3.0 try again"));
    let mut house = House::with(db.clone(), busy, json!({})).await;
    let id = house.send(to(&["p1@campus.example"])).await;
    house.drain().await;
    assert_eq!(house.message(id).await.counts.all.pending, 1, "it waits for its second try");
    // Whoever stopped it was cut off before the deliveries were ended.
    let mut tx = db.begin().await.unwrap();
    let (status, now) = (Status::Cancelled, house.s.clock.now());
    belltower::store::messages::set_status(&mut tx, id, status, None, now, now).await.unwrap();
    tx.commit().await.unwrap();
    house.turn(Duration::from_secs(10));
    house.drain().await;
    let message = house.message(id).await;
    assert_eq!((message.status, message.counts.all.cancelled), (Status::Cancelled, 1));
    assert_eq!(house.mailbox().total(), 0);
});

on_both!(an_audience_of_nobody_is_told, |db| async {
    let mut house = House::new(db.clone()).await;
    let caller = operator(Role::Owner);
    let body = json!({"name": "读书会", "kind": "static"});
    groups::put(&house.s, &caller, "readers", &body).await.unwrap();
    let to = json!({"groups": ["readers"]});
    let id =
        house.send(json!({"topic": "academic.exam", "title": "考试", "body": "…", "audience": to})).await;
    let refused = groups::delete(&house.s, &caller, "readers").await;
    assert!(matches!(refused, Err(belltower::Error::Conflict { code: "group_in_use", .. })), "{refused:?}");
    // Deleted all the same, by somebody who looked before the message came; groups are known for half a second.
    let mut tx = db.begin().await.unwrap();
    belltower::store::groups::delete(&mut tx, "readers").await.unwrap();
    tx.commit().await.unwrap();
    house.s.clock.turn(1_000);
    house.drain().await;
    let message = house.message(id).await;
    assert_eq!(message.status, Status::Unrouted);
    assert!(message.reason.as_deref().is_some_and(|reason| reason.contains("`readers`")), "{message:?}");
    let events = messages::timeline(&house.s, &caller, id).await.unwrap();
    assert!(events.iter().all(|event| event.kind != "planned"), "{events:?}");
});

on_both!(what_is_not_opened_again_stays_as_it_ended, |db| async {
    let mut house = House::new(db.clone()).await;
    let mut body = to(&["p1@campus.example"]);
    body["send_at"] = json!("2026-09-22T08:00:00+08:00");
    let id = house.send(body).await;
    let caller = operator(Role::Owner);
    deliveries::cancel(&house.s, &caller, id).await.unwrap();
    let resent = deliveries::resend(&house.s, &caller, id, &[State::Failed], &[]).await.unwrap();
    house.drain().await;
    assert_eq!((resent.reopened, house.message(id).await.status), (0, Status::Cancelled));
});

on_both!(a_person_named_twice_keeps_their_own_values, |db| async {
    let mut house = House::new(db.clone()).await;
    let caller = operator(Role::Owner);
    for number in 1..=3 {
        let body = json!({"name": format!("同学{number}"), "email": format!("p{number}@campus.example")});
        recipients::put(&house.s, &caller, &format!("2023{number:03}"), &body).await.unwrap();
    }
    let id = house
        .send(json!({
            "topic": "academic.exam", "title": "成绩", "body": "{{ score }} 分",
            "audience": {"recipients": ["2023001", "2023002", "2023001"]},
            "personalise": [{"campus_id": "2023001", "params": {"score": 91}},
                            {"campus_id": "2023002", "params": {"score": 84}}],
        }))
        .await;
    house.drain().await;
    assert_eq!(house.message(id).await.counts.all.sent, 2);
    let mail = house.mailbox().latest_to("p1@campus.example").unwrap();
    assert!(mail.text.as_deref().is_some_and(|text| text.contains("91 分")), "{mail:?}");
});

on_both!(without_an_audience_a_message_says_that_nobody_is_meant, |db| async {
    let mut house = House::new(db.clone()).await;
    let id = house.send(json!({"topic": "academic.exam", "title": "考试", "body": "…"})).await;
    house.drain().await;
    assert_eq!(house.message(id).await.status, Status::Unrouted);
});

on_both!(the_sandbox_answers_a_test_key_as_the_contract_says, |db| async {
    let mut house = House::new(db.clone()).await;
    let tester = source(&house.s, true).await;
    let cases = [
        ("anyone@campus.example", State::Delivered),
        ("temp-fail@sandbox.invalid", State::Delivered),
        ("bounce@sandbox.invalid", State::Failed),
        ("slow@sandbox.invalid", State::Delivered),
        ("silent@sandbox.invalid", State::Sent),
        ("unknown@sandbox.invalid", State::Unknown),
    ];
    let mut ids = Vec::new();
    for (address, _) in cases {
        ids.push(accept(&house.s, &tester, to(&[address])).await);
    }
    house.drain().await;
    let slow = house.message(ids[3]).await;
    assert_eq!((slow.counts.all.sent, slow.counts.all.delivered), (1, 0), "not yet");
    for _ in 0..4 {
        house.turn(Duration::from_secs(5));
        house.drain().await;
    }
    for (id, (address, state)) in ids.into_iter().zip(cases) {
        let message = house.message(id).await;
        assert_eq!(message.counts.all.of(state), 1, "{address}: {:?}", message.counts.all);
        assert_eq!(message.status, Status::Completed, "{address}");
        counts_add_up(&message);
    }
    assert_eq!(house.mailbox().total(), 0, "nothing left the house");
});

on_both!(an_emergency_is_sent_before_what_waited_longer, |db| async {
    let mut house = House::new(db.clone()).await;
    let routine: Vec<String> = (0..300).map(|i| format!("p{i}@campus.example")).collect();
    let routine: Vec<&str> = routine.iter().map(String::as_str).collect();
    house.send(to(&routine)).await;
    house.turn(Duration::from_secs(1));
    let mut urgent = to(&["everyone@campus.example"]);
    urgent["category"] = json!("emergency");
    let urgent = house.send(urgent).await;
    house.drain().await;
    assert_eq!(house.message(urgent).await.status, Status::Completed);
    let page = house.mailbox().list(&belltower::simulator::MailQuery { limit: 1_000, ..Default::default() });
    let place = page.mails.iter().rev().position(|m| m.recipients[0] == "everyone@campus.example").unwrap();
    assert!(place < belltower::dispatch::IN_FLIGHT_LIMIT, "{place} went first");
});

on_both!(a_clock_that_jumps_loses_and_doubles_nothing, |db| async {
    let mut house = House::new(db.clone()).await;
    let first = house.send(to(&["a@campus.example"])).await;
    house.s.clock.turn(-3_600_000);
    house.drain().await;
    let second = house.send(to(&["b@campus.example"])).await;
    house.s.clock.turn(2 * 3_600_000);
    house.drain().await;
    house.s.clock.turn(-3_600_000);
    house.drain().await;
    for id in [first, second] {
        assert_eq!(house.message(id).await.status, Status::Completed);
    }
    assert_eq!(house.mailbox().total(), 2);
    let Clock::Manual(_) = &house.s.clock else { panic!("the clock is turned by hand") };
});

on_both!(what_several_processes_hand_over_keeps_to_one_rate, |db| async {
    // Of an embedded store's deliveries one process hands over.
    let Db::Postgres(_) = db else { return };
    let mut house = House::new(db.clone()).await;
    let relay = providers::find_by_name(&house.s, &operator(Role::Owner), "relay").await.unwrap();
    let changes = ProviderChanges { rate: Some(Some(50)), ..ProviderChanges::default() };
    providers::update(&house.s, &operator(Role::Owner), relay.id, changes).await.unwrap();
    let others = [services(db.clone()), services(db.clone())];
    let mut dispatchers = others.clone().map(Dispatcher::new);
    let people: Vec<String> = (0..40).map(|i| format!("p{i}@campus.example")).collect();
    house.send(to(&people.iter().map(String::as_str).collect::<Vec<_>>())).await;

    let mut sent = Vec::new();
    for _ in 0..6 {
        house.drain().await;
        for dispatcher in &mut dispatchers {
            dispatcher.drain().await.unwrap();
        }
        sent.push(house.mailbox().total());
        for s in others.iter().chain([&house.s]) {
            s.clock.turn(100);
        }
    }
    assert_eq!(sent, [5, 10, 15, 20, 25, 30], "fifty a second, five of them at once");
});
