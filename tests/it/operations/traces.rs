//! Where the time of requests and messages went, as a collector of traces is told.

use std::sync::{Arc, Mutex};

use belltower::domain::channel::ChannelKind;
use belltower::domain::id::MessageId;
use belltower::telemetry::traces::{Teller, Traces};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Attribute;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::app::{Answer, TestApp};
use crate::support::process::Installation;

/// A collector: it keeps what it is told, and answers with that status.
#[derive(Clone)]
struct Collector {
    url: String,
    told: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
    status: u16,
}

impl Collector {
    async fn new(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/otlp/", listener.local_addr().unwrap());
        let collector = Self { url, told: Arc::default(), status };
        let here = collector.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(here.clone().answer(stream));
            }
        });
        collector
    }

    async fn answer(self, mut stream: TcpStream) {
        let mut bytes = Vec::new();
        let (head, length) = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8(bytes.drain(..end + 4).collect()).unwrap().to_ascii_lowercase();
                let (_, rest) = head.split_once("content-length:").unwrap();
                let length: usize = rest.lines().next().unwrap().trim().parse().unwrap();
                break (head, length);
            }
            if stream.read_buf(&mut bytes).await.unwrap() == 0 {
                return;
            }
        };
        assert!(head.starts_with("post /otlp/v1/traces "), "{head}");
        assert!(head.contains("content-type: application/x-protobuf"), "{head}");
        while bytes.len() < length {
            stream.read_buf(&mut bytes).await.unwrap();
        }
        self.told.lock().unwrap().push(ExportTraceServiceRequest::decode(&bytes[..]).unwrap());
        let answer = format!("HTTP/1.1 {} So\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", self.status);
        stream.write_all(answer.as_bytes()).await.unwrap();
    }

    fn traces(&self, share: f64) -> Arc<Traces> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let teller = Teller { secret: [7; 32], node: "bell-1" };
        let client = Client::builder().no_proxy().build().unwrap();
        Arc::new(Traces::told_to(&self.url.parse().unwrap(), share, client, teller).unwrap())
    }

    fn spans(&self) -> Vec<Span> {
        let told = self.told.lock().unwrap();
        let resources = told.iter().flat_map(|request| &request.resource_spans);
        resources.flat_map(|of| &of.scope_spans).flat_map(|of| &of.spans).cloned().collect()
    }

    /// All that was told, as text: for what must not be in it.
    fn text(&self) -> String {
        format!("{:?}", self.told.lock().unwrap())
    }
}

fn one<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
    assert_eq!(found.len(), 1, "{name} of {:?}", spans.iter().map(|span| &span.name).collect::<Vec<_>>());
    found[0]
}

fn attribute(span: &Span, name: &str) -> Value {
    let found = span.attributes.iter().find(|attribute| attribute.key == name);
    match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(Attribute::StringValue(text)) => json!(text),
        Some(Attribute::IntValue(number)) => json!(number),
        other => panic!("{name} of {}: {other:?}", span.name),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const CALLERS: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn message() -> Value {
    json!({
        "topic": "library.loans", "title": "秘密的书", "body": "请归还《秘密的书》。",
        "to": [{ "email": "li.hua@campus.example" }],
    })
}

#[tokio::test]
async fn a_message_has_a_trace_of_its_own_that_its_request_is_linked_with() {
    let collector = Collector::new(200).await;
    let traces = collector.traces(1.0);
    let app = TestApp::start_with(|s| s.traces = Arc::clone(&traces)).await;
    let request = app.api_as(&app.test_key, Method::POST, "/messages");
    let request = request.header("traceparent", format!("00-{CALLERS}-00f067aa0ba902b7-01"));
    let accepted = Answer::of(request.json(&message())).await.expect(202);
    app.drain().await;
    traces.flush().await;

    let spans = collector.spans();
    let request = one(&spans, "POST /api/v1/messages");
    assert_eq!(
        (hex(&request.trace_id).as_str(), hex(&request.parent_span_id).as_str()),
        (CALLERS, "00f067aa0ba902b7")
    );
    assert_eq!(attribute(request, "http.response.status_code"), 202);
    let root = one(&spans, "accept message");
    assert_eq!(attribute(root, "belltower.message"), accepted["id"]);
    assert!(root.parent_span_id.is_empty() && root.trace_id != request.trace_id, "{root:?}");
    assert_eq!(root.links[0].span_id, request.span_id);
    assert_eq!((&request.links[0].trace_id, &request.links[0].span_id), (&root.trace_id, &root.span_id));
    for name in ["plan message", "call provider"] {
        let part = one(&spans, name);
        assert_eq!((&part.trace_id, &part.parent_span_id), (&root.trace_id, &root.span_id), "{name}");
        assert_eq!(attribute(part, "belltower.message"), accepted["id"], "{name}");
        assert!(part.end_time_unix_nano >= part.start_time_unix_nano, "{part:?}");
    }
    let call = one(&spans, "call provider");
    let noted = ["belltower.provider", "belltower.channel", "belltower.deliveries", "belltower.accepted"]
        .map(|name| attribute(call, name));
    assert_eq!(noted, [json!("sandbox"), json!("email"), json!(1), json!(1)]);
    let text = collector.text();
    for secret in ["秘密", "li.hua", &app.test_key] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert!(text.contains("bell-1"), "{text}");
    traces.close().await;
}

#[tokio::test]
async fn the_trace_of_a_message_is_found_again_by_another_process_and_told_whole_or_not_at_all() {
    let collector = Collector::new(200).await;
    let (one_node, other) = (collector.traces(0.5), collector.traces(0.5));
    let app = TestApp::start_with(|s| s.traces = Arc::clone(&one_node)).await;
    let mut ids = Vec::new();
    for _ in 0..40 {
        let request = app.api_as(&app.test_key, Method::POST, "/messages");
        let accepted = Answer::of(request.json(&message())).await.expect(202);
        ids.push(accepted["id"].as_str().unwrap().to_owned());
    }
    for id in &ids {
        drop(other.planning(id.parse().unwrap()));
    }
    one_node.close().await;
    other.close().await;
    let spans = collector.spans();
    let of = |name: &str| {
        let mut told: Vec<_> = spans
            .iter()
            .filter(|span| span.name == name)
            .map(|span| (hex(&span.trace_id), attribute(span, "belltower.message")))
            .collect();
        told.sort_by_key(|(trace, _)| trace.clone());
        told
    };
    let (roots, parts) = (of("accept message"), of("plan message"));
    assert_eq!(roots, parts);
    // Of forty as many as a coin falls; all or none would be one time in a million million.
    assert!((1..40).contains(&roots.len()), "{}", roots.len());
}

/// A request may come from anybody: what it says of its trace is followed, and how much is told is not for it to say.
#[tokio::test]
async fn callers_decide_neither_how_much_is_told_nor_what_it_is_called() {
    let (all, none) = (Collector::new(200).await, Collector::new(200).await);
    let (telling, silent) = (all.traces(1.0), none.traces(0.0));
    let long = "BREW".repeat(2_000);
    for traces in [&telling, &silent] {
        let app = TestApp::start_with(|s| s.traces = Arc::clone(traces)).await;
        for (method, flag) in [("GET", "00"), ("GET", "01"), (long.as_str(), "01")] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let request = app.plain(method, "/healthz");
            let request = request.header("traceparent", format!("00-{CALLERS}-00f067aa0ba902b7-{flag}"));
            Answer::of(request).await;
        }
        traces.close().await;
    }
    assert_eq!(none.spans().len(), 0, "not even where the caller's is recorded");
    let spans = all.spans();
    assert_eq!(spans.len(), 3, "even where the caller's is not");
    assert!(spans.iter().all(|span| hex(&span.trace_id) == CALLERS));
    let odd = spans.iter().find(|span| span.name.starts_with("HTTP")).unwrap();
    assert_eq!(attribute(odd, "http.request.method"), "_OTHER");
    assert!(!all.text().contains("BREW"));
}

/// A call that several messages share is a part of the first that is told, and linked with the others that are.
#[tokio::test]
async fn a_call_for_several_messages_is_found_from_each_that_is_told() {
    let collector = Collector::new(200).await;
    let traces = collector.traces(0.5);
    let messages: Vec<_> = (1..=40).map(MessageId).collect();
    for message in &messages {
        traces.accepted(*message, "announcement");
    }
    // Each twice, as in a call with several of its people.
    let all = messages.iter().chain(&messages).copied();
    drop(traces.call("aliyun", ChannelKind::Sms, all));
    traces.close().await;
    let spans = collector.spans();
    let mut roots: Vec<_> = spans.iter().filter(|span| span.name == "accept message").collect();
    assert!((1..40).contains(&roots.len()), "{}", roots.len());
    roots.sort_by_key(|root| {
        attribute(root, "belltower.message").as_str().unwrap().parse::<MessageId>().unwrap()
    });
    let call = one(&spans, "call provider");
    assert_eq!(attribute(call, "belltower.deliveries"), 80);
    assert_eq!((&call.trace_id, &call.parent_span_id), (&roots[0].trace_id, &roots[0].span_id));
    let linked: Vec<_> = call.links.iter().map(|link| (&link.trace_id, &link.span_id)).collect();
    let others: Vec<_> = roots[1..].iter().map(|root| (&root.trace_id, &root.span_id)).collect();
    assert_eq!(linked, others);
}

#[tokio::test]
async fn a_collector_that_takes_nothing_keeps_nobody_waiting() {
    let collector = Collector::new(503).await;
    let traces = collector.traces(1.0);
    let app = TestApp::start_with(|s| s.traces = Arc::clone(&traces)).await;
    let request = app.api_as(&app.test_key, Method::POST, "/messages");
    let accepted = Answer::of(request.json(&message())).await.expect(202);
    app.drain().await;
    let id = accepted["id"].as_str().unwrap();
    let request = app.api_as(&app.test_key, Method::GET, &format!("/messages/{id}"));
    assert_eq!(Answer::of(request).await.expect(200)["status"], "completed");
    traces.close().await;
    assert!(!collector.spans().is_empty(), "it was told, and took nothing");
}

#[tokio::test]
async fn a_server_tells_what_is_left_when_it_stops() {
    let collector = Collector::new(200).await;
    let here = Installation::with(vec![("BELLTOWER_TRACES__ENDPOINT", collector.url.clone())]);
    let server = here.serve().await;
    let client = Client::builder().no_proxy().build().unwrap();
    assert!(client.get(format!("{}/healthz", server.url())).send().await.unwrap().status().is_success());
    assert!(server.stop().await.success());
    let spans = collector.spans();
    let status = attribute(one(&spans, "GET /healthz"), "http.response.status_code");
    assert_eq!(status, 200);
}
