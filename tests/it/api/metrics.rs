//! What Prometheus fetches.

use std::collections::BTreeMap;

use belltower::dispatch::Dispatcher;
use belltower::domain::channel::ChannelKind;
use belltower::domain::node::NodeFacts;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::nodes;
use belltower::service::providers::{self, NewProvider};
use belltower::telemetry::metrics::catalogue;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};
use crate::support::operator;
use crate::support::services::{calls_this_machine, has_a_broker};

/// The figures of one fetch by their lines up to the value.
struct Figures {
    text: String,
    values: BTreeMap<String, String>,
}

impl Figures {
    async fn fetch(app: &TestApp) -> Self {
        let answer = Answer::of(app.plain(Method::GET, "/metrics")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        let samples = answer.text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let values = samples
            .map(|line| {
                let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
                assert!(value.parse::<f64>().is_ok(), "{line}");
                (name.to_owned(), value.to_owned())
            })
            .collect();
        Self { text: answer.text, values }
    }

    /// As it is written there.
    #[track_caller]
    fn value(&self, line: &str) -> &str {
        self.values.get(line).unwrap_or_else(|| panic!("no {line} in\n{}", self.text))
    }

    #[track_caller]
    fn number(&self, line: &str) -> f64 {
        self.value(line).parse().unwrap()
    }
}

/// A provider that answers always the same.
async fn sandbox(app: &TestApp, name: &str, priority: i64, outcome: &str) {
    let new = NewProvider {
        name: name.to_owned(),
        channel: ChannelKind::Email,
        kind: ProviderKind::Sandbox,
        settings: json!({"outcome": outcome}),
        priority,
        weight: 1,
        rate: None,
    };
    providers::create(&app.services, &operator(Role::Owner), new).await.unwrap();
}

fn mail(addresses: &[&str]) -> Value {
    let to: Vec<_> = addresses.iter().map(|address| json!({"email": address})).collect();
    json!({"topic": "library.new-books", "title": "新书上架", "body": "本周新到。", "to": to})
}

#[tokio::test]
async fn a_message_leaves_its_trace_from_intake_to_receipt() {
    let app = TestApp::start().await;
    sandbox(&app, "relay \"one\"", 10, "delivered").await;
    let mut emergency = mail(&["a@campus.example", "b@campus.example"]);
    emergency["category"] = "emergency".into();
    app.post("/messages", &emergency).await.expect(202);
    let test = app.api_as(&app.test_key, Method::POST, "/messages").json(&mail(&["bounce@sandbox.invalid"]));
    Answer::of(test).await.expect(202);
    app.drain().await;

    let figures = Figures::fetch(&app).await;
    let accepted = |category: &str, test: bool| {
        figures
            .value(&format!("belltower_messages_accepted_total{{category=\"{category}\",test=\"{test}\"}}"))
    };
    assert_eq!((accepted("emergency", false), accepted("announcement", true)), ("1", "1"));
    assert_eq!(figures.value("belltower_intake_batch_messages_sum"), "2");
    assert_eq!(
        figures.value("belltower_intake_commit_seconds_count"),
        figures.value("belltower_intake_batch_messages_count")
    );
    assert_eq!(figures.value("belltower_messages_planned_total"), "2");
    let attempts = |provider: &str, outcome: &str| {
        figures.value(&format!(
            "belltower_attempts_total{{channel=\"email\",provider=\"{provider}\",outcome=\"{outcome}\"}}"
        ))
    };
    assert_eq!(attempts("relay \\\"one\\\"", "accepted"), "2");
    assert_eq!(attempts("sandbox", "permanent_recipient"), "1");
    let calls = "belltower_attempt_seconds_count{channel=\"email\",provider=\"relay \\\"one\\\"\"}";
    assert_eq!(figures.value(calls), "2");
    assert_eq!(figures.value("belltower_deliveries_settled_total{channel=\"email\",state=\"sent\"}"), "2");
    assert_eq!(figures.value("belltower_deliveries_settled_total{channel=\"email\",state=\"failed\"}"), "0");
    assert_eq!(figures.value("belltower_receipts_total{channel=\"email\",state=\"delivered\"}"), "2");
    assert_eq!(figures.value("belltower_deliveries_today{channel=\"email\",state=\"delivered\"}"), "2");
    assert_eq!(figures.value("belltower_deliveries_in_flight{outlet=\"email\"}"), "0");
    assert!(figures.number("belltower_dispatch_commit_seconds_count") >= 1.0);
    for personal in ["campus.example", "新书", "zhang"] {
        assert!(!figures.text.contains(personal), "{personal}");
    }
}

#[tokio::test]
async fn receipts_are_counted_from_the_start() {
    let figures = Figures::fetch(&TestApp::start().await).await;
    for (channel, state) in [("email", "delivered"), ("sms", "failed"), ("wechat", "delivered")] {
        let figure = format!("belltower_receipts_total{{channel=\"{channel}\",state=\"{state}\"}}");
        assert_eq!(figures.value(&figure), "0");
    }
    // Of what rises from nothing to its first burst, nobody sees the rise.
    for figure in [
        "belltower_deliveries_settled_total{channel=\"sms\",state=\"failed\"}",
        "belltower_deliveries_settled_total{channel=\"wechat\",state=\"unknown\"}",
        "belltower_http_problems_total{code=\"rate_limited\"}",
        "belltower_messages_refused_total{code=\"quota_exhausted\"}",
    ] {
        assert_eq!(figures.value(figure), "0", "{figure}");
    }
}

#[tokio::test]
async fn what_nobody_plans_and_who_is_there_to_do_it_shows() {
    let app = TestApp::start().await;
    let mut emergency = mail(&["a@campus.example"]);
    emergency["category"] = "emergency".into();
    app.post("/messages", &emergency).await.expect(202);
    app.clock.turn(40_000);
    let figures = Figures::fetch(&app).await;
    let lane = |figures: &Figures, lane: &str| {
        figures.value(&format!("belltower_oldest_unplanned_seconds{{lane=\"{lane}\"}}")).to_owned()
    };
    assert_eq!((lane(&figures, "emergency"), lane(&figures, "normal")), ("40".to_owned(), "0".to_owned()));
    let there = |figures: &Figures| figures.value("belltower_nodes{role=\"dispatch\"}").to_owned();
    assert_eq!(there(&figures), "0");
    let mut tx = app.services.db.begin().await.unwrap();
    let facts = NodeFacts { roles: vec!["dispatch".to_owned()], ..NodeFacts::default() };
    belltower::store::nodes::beat(&mut tx, 7, &facts, app.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    app.clock.turn(2_000);
    assert_eq!(there(&Figures::fetch(&app).await), "1");
    app.drain().await;
    app.clock.turn(61_000);
    let figures = Figures::fetch(&app).await;
    assert_eq!((lane(&figures, "emergency").as_str(), there(&figures).as_str()), ("0", "0"));
}

#[tokio::test]
async fn a_store_that_takes_nothing_shows() {
    let app = TestApp::start_as_node().await;
    let s = &app.services;
    let age = "belltower_store_write_age_seconds";
    assert_eq!(Figures::fetch(&app).await.value(age), "0");
    let mut tx = s.db.begin().await.unwrap();
    let full = "CREATE TRIGGER full BEFORE INSERT ON node BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END";
    crate::store::execute(&mut tx, full).await;
    tx.commit().await.unwrap();
    let ready = async || Answer::of(app.plain(Method::GET, "/readyz")).await.expect(200)["parts"][0].clone();
    app.clock.turn(45_000);
    assert!(nodes::beat(s).await.is_err());
    assert_eq!(ready().await["status"], "ok", "one that waits for a lock for a while is none");
    app.clock.turn(45_000);
    assert!(nodes::beat(s).await.is_err());
    let store = ready().await;
    assert_eq!((&store["name"], &store["status"]), (&json!("store"), &json!("degraded")));
    assert!(store["detail"].as_str().unwrap().contains("90 seconds"), "{store}");
    let figures = Figures::fetch(&app).await;
    assert_eq!((figures.value(age), figures.value("belltower_store_up")), ("90", "1"));
    assert!(figures.number("belltower_disk_free_bytes") < figures.number("belltower_disk_total_bytes"));

    let mut tx = s.db.begin().await.unwrap();
    crate::store::execute(&mut tx, "DROP TRIGGER full").await;
    tx.commit().await.unwrap();
    nodes::beat(s).await.unwrap();
    app.clock.turn(1_000);
    assert_eq!((ready().await["status"].as_str(), Figures::fetch(&app).await.value(age)), (Some("ok"), "1"));
}

#[tokio::test]
async fn repeated_messages_count_once_and_refused_ones_by_their_problem() {
    let app = TestApp::start().await;
    for _ in 0..2 {
        let request = app.api(Method::POST, "/messages").header("Idempotency-Key", "one");
        Answer::of(request.json(&mail(&["a@campus.example"]))).await.expect(202);
    }
    let mut bad = mail(&["a@campus.example"]);
    bad["colour"] = 1.into();
    app.post("/messages", &bad).await.expect(422);
    let batch = json!({"messages": [bad, mail(&["b@campus.example"]), bad]});
    app.post("/messages/batch", &batch).await.expect(200);
    let figures = Figures::fetch(&app).await;
    assert_eq!(
        figures.value("belltower_messages_accepted_total{category=\"announcement\",test=\"false\"}"),
        "2"
    );
    assert_eq!(figures.value("belltower_messages_refused_total{code=\"invalid\"}"), "3");
    assert_eq!(figures.value("belltower_http_problems_total{code=\"invalid\"}"), "1");
}

#[tokio::test]
async fn requests_are_told_by_their_route_and_never_by_their_path() {
    let app = TestApp::start().await;
    for path in ["/recipients/2023123456", "/recipients/2023999999", "/messages?q=2023123456"] {
        app.get(path).await;
    }
    Answer::of(app.plain(Method::GET, "/nowhere/2023123456")).await.expect(404);
    let brew = Method::from_bytes(b"BREW2023123456").unwrap();
    Answer::of(app.plain(brew, "/healthz")).await.expect(405);
    Answer::of(app.plain(Method::GET, "/api/v1/messages")).await.expect(401);
    let figures = Figures::fetch(&app).await;
    // Only what names a figure: its value (bytes of memory, seconds) may hold any digits.
    let names: Vec<&str> =
        figures.text.lines().filter_map(|line| line.rsplit_once(' ')).map(|(name, _)| name).collect();
    assert!(names.iter().all(|name| !name.contains("2023")), "{names:#?}");
    let requests = |route: &str, method: &str, status: &str| {
        let labels = format!("{{route=\"{route}\",method=\"{method}\",status=\"{status}\"}}");
        figures.value(&format!("belltower_http_requests_total{labels}"))
    };
    assert_eq!(requests("/api/v1/recipients/{campus_id}", "GET", "4xx"), "2");
    assert_eq!(requests("/api/v1/messages", "GET", "2xx"), "1");
    assert_eq!(requests("/api/v1/messages", "GET", "4xx"), "1");
    assert_eq!(requests("none", "GET", "4xx"), "1");
    assert_eq!(requests("/healthz", "other", "4xx"), "1");
    let seconds = "belltower_http_request_seconds_count{route=\"/api/v1/messages\",method=\"GET\"}";
    assert_eq!(figures.value(seconds), "2");
    assert_eq!(figures.value("belltower_http_problems_total{code=\"unauthenticated\"}"), "1");
}

#[tokio::test]
async fn what_waits_shows_by_channel_and_lane_and_whoever_fails_by_name() {
    let app = TestApp::start().await;
    sandbox(&app, "dead", 10, "config").await;
    sandbox(&app, "busy", 20, "throttled").await;
    app.post("/messages", &mail(&["a@campus.example"])).await.expect(202);
    let mut dispatcher = Dispatcher::new(app.services.clone());
    dispatcher.drain().await.unwrap();
    app.clock.turn(1_000);
    dispatcher.drain().await.unwrap();
    app.clock.turn(5_000);
    let figures = Figures::fetch(&app).await;
    let here =
        |name: &str, lane: &str| figures.value(&format!("{name}{{channel=\"email\",lane=\"{lane}\"}}"));
    assert_eq!(here("belltower_open_deliveries", "normal"), "1");
    assert_eq!(here("belltower_open_deliveries", "emergency"), "0");
    assert_eq!(here("belltower_oldest_due_seconds", "normal"), "4", "a second after they were given back");
    assert_eq!(here("belltower_oldest_due_seconds", "low"), "0");
    let state = |name: &str| {
        figures.value(&format!("belltower_provider_state{{channel=\"email\",provider=\"{name}\"}}"))
    };
    assert_eq!((state("dead"), state("busy")), ("1", "2"));
    let email = "belltower_queue_waiting{work=\"email\",lane=\"normal\"}";
    assert_eq!(figures.value(email), "1", "it was woken for what was planned");
    assert_eq!(figures.value("belltower_stuck_messages{status=\"unrouted\"}"), "0");
    assert_eq!(figures.value("belltower_store_up"), "1");
    assert!(figures.number("belltower_store_ping_seconds") > 0.0);
    assert!(figures.number("belltower_process_resident_memory_bytes") > 1e6);
    let build =
        format!("belltower_build_info{{version=\"{}\",database=\"sqlite\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(figures.value(&build), "1");

    // Its pause is over, and nobody has tried it since: as far as anybody knows it is as dead as before.
    app.clock.turn(86_400_000);
    let later = Figures::fetch(&app).await;
    let dead = "belltower_provider_state{channel=\"email\",provider=\"dead\"}";
    assert_eq!(later.value(dead), "1");
}

#[tokio::test]
async fn what_is_in_the_store_is_looked_up_once_a_second_at_most() {
    let app = TestApp::start().await;
    let open = "belltower_open_deliveries{channel=\"email\",lane=\"normal\"}";
    assert_eq!(Figures::fetch(&app).await.value(open), "0");
    app.post("/messages", &mail(&["a@campus.example"])).await.expect(202);
    app.drain().await;
    assert_eq!(Figures::fetch(&app).await.value(open), "0");
    app.clock.turn(1_000);
    assert_eq!(Figures::fetch(&app).await.value(open), "1");
    app.clock.turn(-3_600_000);
    assert_eq!(
        Figures::fetch(&app).await.value(open),
        "1",
        "and does not wait for a clock that was set back"
    );
}

#[tokio::test]
async fn a_store_that_is_gone_shows_and_the_rest_is_there() {
    let app = TestApp::start().await;
    app.get("/source").await.expect(200);
    app.services.db.close().await;
    let figures = Figures::fetch(&app).await;
    assert_eq!(figures.value("belltower_store_up"), "0");
    assert!(!figures.text.contains("belltower_open_deliveries"), "{}", figures.text);
    let requests = "belltower_http_requests_total{route=\"/api/v1/source\",method=\"GET\",status=\"2xx\"}";
    assert_eq!(figures.value(requests), "1");
}

#[tokio::test]
async fn two_services_in_one_process_count_apart() {
    let (one, other) = (TestApp::start().await, TestApp::start().await);
    one.post("/messages", &mail(&["a@campus.example"])).await.expect(202);
    let accepted = "belltower_messages_accepted_total{category=\"announcement\",test=\"false\"}";
    assert_eq!(Figures::fetch(&one).await.value(accepted), "1");
    assert!(!Figures::fetch(&other).await.values.contains_key(accepted));
}

#[tokio::test]
async fn endpoints_show_by_kind_with_what_waits_and_what_came_of_it() {
    let app = TestApp::start_with(|s| {
        calls_this_machine(s);
        has_a_broker(s);
    })
    .await;
    let subscribe = async |endpoint: Value| {
        let body = json!({"topics": ["#"], "events": ["message.accepted"], "endpoint": endpoint});
        app.post("/subscriptions", &body).await.expect(201)
    };
    // Nobody answers at either.
    subscribe(json!({"kind": "webhook", "url": "http://127.0.0.1:1/"})).await;
    subscribe(json!({"kind": "amqp", "queue": "library"})).await;
    app.post("/messages", &mail(&["a@campus.example"])).await.expect(202);
    app.drain().await;
    app.clock.turn(1_000);
    let figures = Figures::fetch(&app).await;
    let sent = |kind: &str, outcome: &str| {
        let labels = format!("kind=\"{kind}\",outcome=\"{outcome}\"");
        figures.value(&format!("belltower_subscription_attempts_total{{{labels}}}"))
    };
    assert_eq!(
        (sent("webhook", "failed"), sent("webhook", "held"), sent("webhook", "taken")),
        ("1", "0", "0")
    );
    assert_eq!((sent("amqp", "failed"), sent("amqp", "held")), ("0", "1"));
    for kind in ["webhook", "amqp"] {
        let of = |status: &str| {
            figures.value(&format!("belltower_subscriptions{{kind=\"{kind}\",status=\"{status}\"}}"))
        };
        assert_eq!((of("active"), of("disabled")), ("1", "0"), "{kind}");
        let waiting = format!("belltower_subscription_events_waiting{{kind=\"{kind}\"}}");
        assert_eq!(figures.value(&waiting), "1", "{kind}");
    }
}

#[tokio::test]
async fn every_figure_is_in_the_catalogue_with_its_kind_and_its_help() {
    let app = TestApp::start_as_node().await;
    sandbox(&app, "relay", 10, "delivered").await;
    app.post("/messages", &mail(&["a@campus.example"])).await.expect(202);
    app.post("/messages", &json!({})).await.expect(422);
    app.drain().await;
    let figures = Figures::fetch(&app).await;
    let described: Vec<_> = figures.text.lines().filter_map(|line| line.strip_prefix("# HELP ")).collect();
    // There was no broadcast.
    let told = || catalogue::ALL.iter().filter(|metric| **metric != catalogue::EMERGENCY_SECONDS);
    for metric in told() {
        let line = format!("{} {}", metric.name, metric.help);
        assert_eq!(described.iter().filter(|d| **d == line).count(), 1, "{line}\n{}", figures.text);
        let kind = match metric.name {
            name if name.ends_with("_total") => "counter",
            name if figures.values.contains_key(&format!("{name}_count")) => "histogram",
            name if figures.text.contains(&format!("{name}_bucket")) => "histogram",
            _ => "gauge",
        };
        let line = format!("# TYPE {} {kind}\n", metric.name);
        assert!(figures.text.contains(&line), "{line}{}", figures.text);
    }
    assert_eq!(described.len(), told().count());
}
