//! What comes into somebody's inbox, as a stream.

use std::net::Ipv4Addr;

use belltower::domain::id::MessageId;
use belltower::domain::operator::Role;
use belltower::service::inbox::{News, goes_on, look, open_stream};
use belltower::service::sources::{NewSource, Pass};
use belltower::service::{recipients, sources};
use belltower::store::Db;
use reqwest::Method;
use serde_json::json;

use super::inbox::{add_people, inbox, read, sent};
use crate::support::app::{Answer, TestApp, everything};
use crate::support::broker::until;
use crate::support::database::with_postgres;
use crate::support::sse::{Event, Reader};
use crate::support::{on_both, operator};

const EVENTS: &str = "/recipients/2024001/inbox/events";

async fn open(app: &TestApp, last: Option<&str>) -> Reader {
    Reader::open(app.api_as(&app.test_key, Method::GET, EVENTS), last).await
}

#[track_caller]
fn is_unread(event: &Event, unread: u64) {
    assert_eq!((event.kind.as_str(), &event.data), ("inbox.unread", &json!({ "unread": unread })));
}

#[track_caller]
fn is_message(event: &Event, id: &str) {
    assert_eq!((event.kind.as_str(), &event.data["message_id"]), ("inbox.message", &json!(id)));
}

/// As it is where a node's clock is behind, or where what was sent is stored late.
async fn sent_before(app: &TestApp, message: &str, millis: i64) {
    let MessageId(id) = message.parse().unwrap();
    let mut tx = app.services.db.begin().await.unwrap();
    let text = format!("UPDATE delivery SET sent_at = sent_at - {millis} WHERE message_id = {id}");
    crate::store::execute(&mut tx, &text).await;
    tx.commit().await.unwrap();
}

on_both!(what_comes_in_is_told_with_how_much_is_unread, |db| async {
    let app = TestApp::on(db.clone()).await;
    add_people(&app).await;
    let before = sent(&app, "旧", "announcement").await;
    let mut reader = open(&app, None).await;
    is_unread(&reader.event().await, 1);
    let id = sent(&app, "借阅提醒", "announcement").await;
    let event = reader.event().await;
    is_message(&event, &id);
    assert_eq!(event.data, inbox(&app, "").await["data"][0], "as the list has it");
    is_unread(&reader.event().await, 2);
    read(&app, &id).await.expect(200);
    is_unread(&reader.event().await, 1);
    read(&app, &before).await.expect(200);
    is_unread(&reader.event().await, 0);
});

on_both!(whoever_comes_back_misses_nothing_and_sees_nothing_twice, |db| async {
    let app = TestApp::on(db.clone()).await;
    add_people(&app).await;
    let mut reader = open(&app, None).await;
    let start = reader.event().await;
    is_unread(&start, 0);
    let first = sent(&app, "一", "announcement").await;
    let seen = reader.event().await;
    is_message(&seen, &first);
    // Cut before it was told how much is unread.
    drop(reader);

    app.clock.turn(60_000);
    let second = sent(&app, "二", "announcement").await;
    app.clock.turn(60_000);
    let late = sent(&app, "三", "announcement").await;
    sent_before(&app, &late, 30 * 60_000).await;
    let mut reader = open(&app, Some(&seen.id)).await;
    is_message(&reader.event().await, &late);
    is_message(&reader.event().await, &second);
    let seen = reader.event().await;
    is_unread(&seen, 3);
    drop(reader);

    read(&app, &second).await.expect(200);
    let mut reader = open(&app, Some(&seen.id)).await;
    let seen = reader.event().await;
    is_unread(&seen, 2);
    drop(reader);

    // Whoever comes back when nothing happened is told what happens next.
    app.clock.turn(3 * 3_600_000);
    let mut reader = open(&app, Some(&seen.id)).await;
    let fourth = sent(&app, "四", "announcement").await;
    is_message(&reader.event().await, &fourth);
    is_unread(&reader.event().await, 3);

    // From the beginning it is all there once more.
    let mut again = open(&app, Some(&start.id)).await;
    for id in [&late, &first, &second, &fourth] {
        is_message(&again.event().await, id);
    }
    is_unread(&again.event().await, 3);
});

#[test]
fn whoever_comes_back_at_another_node_misses_nothing_and_sees_nothing_twice() {
    with_postgres(|url| async move {
        let db = Db::open(&url).await.unwrap();
        let one = TestApp::on(db.clone()).await;
        let two = one.beside();
        add_people(&one).await;
        let mut reader = open(&one, None).await;
        is_unread(&reader.event().await, 0);
        let first = sent(&one, "一", "announcement").await;
        is_message(&reader.event().await, &first);
        let seen = reader.event().await;
        is_unread(&seen, 1);
        drop(reader);

        one.clock.turn(60_000);
        let missed = sent(&one, "二", "announcement").await;
        let mut reader = open(&two, Some(&seen.id)).await;
        is_message(&reader.event().await, &missed);
        is_unread(&reader.event().await, 2);
        one.clock.turn(60_000);
        let next = sent(&one, "三", "announcement").await;
        is_message(&reader.event().await, &next);
        is_unread(&reader.event().await, 3);
        db.close().await;
    });
}

on_both!(more_at_once_than_are_told_together_all_arrive, |db| async {
    let app = TestApp::on(db.clone()).await;
    add_people(&app).await;
    let mut reader = open(&app, None).await;
    let start = reader.event().await;
    drop(reader);
    let message = |n: usize| {
        json!({
            "topic": "a.b", "title": format!("第 {n} 条"), "body": "b", "channels": ["email"],
            "audience": { "recipients": ["2024001"] },
        })
    };
    let batch = json!({ "messages": (0..70).map(message).collect::<Vec<_>>() });
    let request = app.api_as(&app.test_key, Method::POST, "/messages/batch").json(&batch);
    Answer::of(request).await.expect(200);
    app.drain().await;
    let mut reader = open(&app, Some(&start.id)).await;
    let (mut told, mut last) = (std::collections::BTreeSet::new(), start.id);
    while told.len() < 70 {
        let event = reader.event().await;
        if event.kind == "inbox.message" {
            let id = event.data["message_id"].as_str().unwrap().to_owned();
            assert!(told.insert(id), "twice: {event:?}");
        }
        last = event.id;
        // A reader that is cut off at each tenth.
        if told.len() % 10 == 0 {
            reader = open(&app, Some(&last)).await;
        }
    }
    let next = sent(&app, "二", "announcement").await;
    let mut reader = open(&app, Some(&last)).await;
    is_message(&reader.event().await, &next);
});

#[tokio::test]
async fn what_another_person_is_sent_is_never_told() {
    let app = TestApp::start().await;
    add_people(&app).await;
    let mut reader = open(&app, None).await;
    is_unread(&reader.event().await, 0);
    let body = json!({
        "topic": "a.b", "title": "t", "body": "b", "channels": ["email"],
        "audience": { "recipients": ["2024002"] },
    });
    let request = app.api_as(&app.test_key, Method::POST, "/messages").json(&body);
    Answer::of(request).await.expect(202);
    app.drain().await;
    let id = sent(&app, "给两个人", "announcement").await;
    is_message(&reader.event().await, &id);
    is_unread(&reader.event().await, 1);
    // Nor is what test keys sent to whoever asks with a live one.
    let mut live = Reader::open(app.api(Method::GET, EVENTS), None).await;
    is_unread(&live.event().await, 0);
}

#[tokio::test]
async fn it_takes_the_right_a_known_person_and_a_place_that_was_given() {
    let app = TestApp::start().await;
    add_people(&app).await;
    let without = NewSource { rights: vec!["directory".to_owned()], ..everything("without") };
    let key = app.add_source(without).await;
    for path in [EVENTS, "/recipients/nobody/inbox/events"] {
        let refused = Answer::of(app.api_as(&key, Method::GET, path)).await.problem(403, "forbidden");
        assert!(refused["detail"].as_str().unwrap().contains("read_inbox"), "{refused}");
    }
    app.get("/recipients/nobody/inbox/events").await.problem(404, "not_found");
    for last in ["yesterday", "evt_0123456789abc", "1.2.3"] {
        let strange = Answer::of(app.api(Method::GET, EVENTS).header("Last-Event-ID", last)).await;
        let faults = strange.faults();
        assert_eq!((faults[0].0.as_str(), faults[0].1.as_str()), ("Last-Event-ID", "invalid_value"));
    }
    app.get(&format!("{EVENTS}?since=2026-09-21T14:14:20Z")).await.problem(422, "invalid");
}

#[tokio::test]
async fn a_key_reads_two_hundred_at_a_time() {
    let app = TestApp::start().await;
    add_people(&app).await;
    let mut reading = Vec::new();
    for _ in 0..200 {
        reading.push(open(&app, None).await);
    }
    let one_more = Answer::of(app.api_as(&app.test_key, Method::GET, EVENTS)).await;
    let said = one_more.problem(429, "rate_limited");
    assert!(said["detail"].as_str().unwrap().contains("this key reads 200 streams"), "{said}");
    reading.push(Reader::open(app.api(Method::GET, EVENTS), None).await);
    // Nothing is written meanwhile that would tell the server.
    drop(reading.remove(0));
    until("somebody who left made room", async || {
        let again = app.api_as(&app.test_key, Method::GET, EVENTS).send().await.unwrap();
        (again.status() == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn of_a_head_only_the_beginning_is_sent_and_nobody_reads_on() {
    let app = TestApp::start().await;
    add_people(&app).await;
    for path in [EVENTS, "/events"] {
        for _ in 0..201 {
            let head = Answer::of(app.api_as(&app.test_key, Method::HEAD, path)).await;
            assert_eq!((head.status, head.text.as_str()), (200, ""));
            assert_eq!(head.headers["content-type"], "text/event-stream");
        }
        Reader::open(app.api_as(&app.test_key, Method::GET, path), None).await;
    }
}

#[tokio::test]
async fn it_ends_when_the_node_stops() {
    let app = TestApp::start().await;
    add_people(&app).await;
    let mut reader = open(&app, None).await;
    is_unread(&reader.event().await, 0);
    app.lifecycle.stop();
    assert_eq!(reader.block().await, None);
}

#[tokio::test]
async fn it_goes_on_while_the_person_is_there_and_the_key_may_read() {
    let app = TestApp::start().await;
    add_people(&app).await;
    let (s, owner) = (&app.services, operator(Role::Owner));
    let key = sources::authenticate(s, &app.test_key).await.unwrap();
    let pass = || Pass::new(s, &app.test_key, Ipv4Addr::LOCALHOST.into());
    let mut following = open_stream(s, &key, pass(), "2024001", None).await.unwrap();
    sent(&app, "借阅提醒", "announcement").await;
    let told = look(s, &mut following).await.unwrap();
    assert!(matches!(told.last().unwrap().news, News::Unread(1)), "{told:?}");
    let mut tx = s.db.begin().await.unwrap();
    crate::store::execute(&mut tx, "UPDATE message SET status = 7").await;
    tx.commit().await.unwrap();
    assert!(look(s, &mut following).await.unwrap().is_empty(), "nothing happened to a delivery");
    assert!(goes_on(s, &mut following).await.unwrap());
    let told = look(s, &mut following).await.unwrap();
    assert!(matches!(told[..], [ref one] if matches!(one.news, News::Unread(0))), "{told:?}");

    let mut other = open_stream(s, &key, pass(), "2024002", None).await.unwrap();
    recipients::delete(s, &owner, "2024001").await.unwrap();
    assert!(!goes_on(s, &mut following).await.unwrap(), "the person was erased");
    assert!(goes_on(s, &mut other).await.unwrap());
    sources::set_enabled(s, &owner, key.source, false).await.unwrap();
    assert!(!goes_on(s, &mut other).await.unwrap(), "the source was switched off");
}
