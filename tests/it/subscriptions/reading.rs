//! Events as a stream.

use belltower::store::Db;
use reqwest::Method;

use super::{SECOND, add_people, app, send, source};
use crate::support::app::{Answer, TestApp};
use crate::support::database::with_postgres;
use crate::support::sse::{Event, Reader};

const EVENTS: &str = "/events";

async fn open(app: &TestApp, query: &str, last: Option<&str>) -> Reader {
    Reader::open(app.api(Method::GET, &format!("{EVENTS}{query}")), last).await
}

/// The next event. The clock is turned until it is there: what a process knows of the store, it knows for half a second.
async fn next(reader: &mut Reader, app: &TestApp) -> Event {
    app.drain().await;
    app.clock.turn(SECOND);
    reader.event().await
}

#[tokio::test]
async fn a_stream_goes_on_after_the_last_event_that_was_seen() {
    let app = app().await;
    let query = "?topics=library.%23&events=message.accepted";
    let mut reader = open(&app, query, None).await;
    let first = send(&app, &["P1"]).await;
    let event = next(&mut reader, &app).await;
    assert_eq!(
        (event.kind.as_str(), event.data["type"].as_str()),
        ("message.accepted", Some("message.accepted"))
    );
    assert_eq!(event.data["data"]["message"]["id"], first.as_str());
    assert_eq!(event.data["data"]["id"], event.id.as_str());
    drop(reader);

    // What happens while nobody reads is there when somebody comes back.
    let missed = [send(&app, &["P1"]).await, send(&app, &["P1"]).await];
    app.drain().await;
    app.clock.turn(SECOND);
    let mut reader = open(&app, query, Some(&event.id)).await;
    for message in missed {
        assert_eq!(next(&mut reader, &app).await.data["data"]["message"]["id"], message.as_str());
    }
    drop(reader);

    // Without it what is to come is read alone.
    let mut reader = open(&app, query, None).await;
    let last = send(&app, &["P1"]).await;
    assert_eq!(next(&mut reader, &app).await.data["data"]["message"]["id"], last.as_str());
}

#[test]
fn a_stream_goes_on_at_another_node() {
    with_postgres(|url| async move {
        let db = Db::open(&url).await.unwrap();
        let one = TestApp::on(db.clone()).await;
        let two = one.beside();
        add_people(&one).await;
        let query = "?topics=library.%23&events=message.accepted";
        let mut reader = open(&one, query, None).await;
        let mut sent = Vec::new();
        for _ in 0..4 {
            sent.push(send(&one, &["P1"]).await);
        }
        let (mut told, mut last) = (Vec::new(), String::new());
        for _ in 0..2 {
            let event = next(&mut reader, &one).await;
            told.push(event.data["data"]["message"]["id"].as_str().unwrap().to_owned());
            last = event.id;
        }
        drop(reader);

        let mut reader = open(&two, query, Some(&last)).await;
        sent.push(send(&two, &["P1"]).await);
        while told.len() < sent.len() {
            let event = next(&mut reader, &two).await;
            told.push(event.data["data"]["message"]["id"].as_str().unwrap().to_owned());
        }
        assert_eq!(told, sent, "each once, in the order in which they were sent");
        db.close().await;
    });
}

#[tokio::test]
async fn a_stream_ends_when_the_node_stops() {
    let app = app().await;
    let mut reader = open(&app, "", None).await;
    app.lifecycle.stop();
    assert_eq!(reader.block().await, None);
}

#[tokio::test]
async fn it_takes_the_right_known_words_and_no_more_streams_than_there_may_be() {
    let app = app().await;
    let key = source(&app, "none", &["read_all"]).await;
    Answer::of(app.api_as(&key, Method::GET, EVENTS)).await.problem(403, "forbidden");
    let wrong = app.get(&format!("{EVENTS}?topics=A&events=message.read")).await.faults();
    let at: Vec<_> = wrong.iter().map(|(at, code)| (at.as_str(), code.as_str())).collect();
    assert_eq!(at, [("?topics", "invalid_topic"), ("?events", "unknown_event")]);
    let strange = app.api(Method::GET, EVENTS).header("Last-Event-ID", "yesterday");
    assert_eq!(Answer::of(strange).await.faults()[0].0, "Last-Event-ID");
    let mut reading = Vec::new();
    for _ in 0..8 {
        reading.push(open(&app, "", None).await);
    }
    let refused = app.get(EVENTS).await;
    let said = refused.problem(429, "rate_limited");
    assert!(said["detail"].as_str().unwrap().contains("this key reads 8 streams"), "{said}");
    assert_eq!(refused.header("retry-after"), Some("30"));
}
