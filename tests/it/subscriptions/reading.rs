//! Events as a stream.

use reqwest::header::HeaderValue;
use reqwest::{Method, Response};
use serde_json::Value;

use super::{SECOND, app, send, source};
use crate::support::app::{Answer, TestApp};

const EVENTS: &str = "/events";

/// A stream that is being read.
struct Reader {
    response: Response,
    text: String,
}

/// An event as it came.
#[derive(Debug)]
struct Event {
    id: String,
    kind: String,
    data: Value,
}

impl Reader {
    async fn open(app: &TestApp, query: &str, last: Option<&str>) -> Self {
        let mut request = app.api(Method::GET, &format!("{EVENTS}{query}"));
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let kind = response.headers().get("content-type").cloned();
        assert_eq!(kind, Some(HeaderValue::from_static("text/event-stream")));
        let mut reader = Self { response, text: String::new() };
        // It is open once its first words are there.
        assert!(reader.block().await.unwrap().starts_with("retry: "));
        reader
    }

    /// What stands before the next empty line; nothing where the stream is over.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let piece = self.response.chunk().await.unwrap()?;
            self.text.push_str(str::from_utf8(&piece).unwrap());
        }
    }

    /// The next event. The clock is turned until it is there: what a process knows of the store, it knows for half a second.
    async fn next(&mut self, app: &TestApp) -> Event {
        app.drain().await;
        app.clock.turn(SECOND);
        loop {
            let block = self.block().await.unwrap();
            let field = |name: &str| {
                block.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
            };
            if let (Some(id), Some(kind), Some(data)) = (field("id:"), field("event:"), field("data:")) {
                return Event { id, kind, data: serde_json::from_str(&data).unwrap() };
            }
        }
    }
}

#[tokio::test]
async fn a_stream_goes_on_after_the_last_event_that_was_seen() {
    let app = app().await;
    let query = "?topics=library.%23&events=message.accepted";
    let mut reader = Reader::open(&app, query, None).await;
    let first = send(&app, &["P1"]).await;
    let event = reader.next(&app).await;
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
    let mut reader = Reader::open(&app, query, Some(&event.id)).await;
    for message in missed {
        assert_eq!(reader.next(&app).await.data["data"]["message"]["id"], message.as_str());
    }
    drop(reader);

    // Without it what is to come is read alone.
    let mut reader = Reader::open(&app, query, None).await;
    let last = send(&app, &["P1"]).await;
    assert_eq!(reader.next(&app).await.data["data"]["message"]["id"], last.as_str());
}

#[tokio::test]
async fn a_stream_ends_when_the_node_stops() {
    let app = app().await;
    let mut reader = Reader::open(&app, "", None).await;
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
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(Reader::open(&app, "", None).await);
    }
    app.get(EVENTS).await.problem(429, "rate_limited");
}
