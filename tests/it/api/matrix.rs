//! Every route of the API, every kind of key: what each is answered. What is expected stands in `matrix.txt`.

use std::collections::BTreeSet;
use std::fs;

use belltower::api;
use belltower::domain::emergency::{Run, State};
use belltower::domain::operator::Role;
use belltower::service::broadcasts;
use belltower::service::messages::{self, DeliveryQuery};
use belltower::service::sources::{self, GuardForm, NewSource, SourceCreated};
use belltower::service::{groups, recipients, scenarios, templates};
use reqwest::Method;
use serde_json::json;

use crate::support::app::{Answer, TestApp, everything};
use crate::support::fire::{fire, press_fire};
use crate::support::services::calls_this_machine;
use crate::support::{TERMINAL, operator};

const TABLE: &str = "tests/it/api/matrix.txt";
/// In the order of the table, each with its source's rights; nothing: every right.
const KINDS: [(&str, Option<&[&str]>); 13] = [
    ("all", None),
    ("test", None),
    ("none", Some(&[])),
    ("direct", Some(&["send_direct"])),
    ("emergency", Some(&["emergency"])),
    ("broadcast", Some(&["broadcast"])),
    ("read_all", Some(&["read_all"])),
    ("inbox", Some(&["read_inbox"])),
    ("directory", Some(&["directory"])),
    ("other", Some(&[])),
    ("other_all", Some(&["read_all"])),
    ("subscribe", Some(&["subscribe"])),
    ("other_sub", Some(&["subscribe"])),
];

struct Line {
    method: String,
    path: String,
    statuses: Vec<u16>,
    body: String,
}

impl Line {
    fn read(line: &str) -> Self {
        let (line, body) = line.split_once('|').unwrap_or((line, ""));
        let mut words = line.split_whitespace();
        let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
        let statuses: Vec<_> = words.map(|word| word.parse().unwrap()).collect();
        assert_eq!(statuses.len(), KINDS.len(), "{line}");
        Self { method, path, statuses, body: body.trim().to_owned() }
    }
}

fn table() -> Vec<Line> {
    let text = fs::read_to_string(TABLE).unwrap();
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(Line::read).collect()
}

/// Endpoints may be on this machine, where nobody answers.
async fn app() -> TestApp {
    TestApp::start_with(calls_this_machine).await
}

async fn source(app: &TestApp, kind: &str, rights: Option<&[&str]>, test: bool) -> SourceCreated {
    let rights = rights.map(|rights| rights.iter().map(|&right| right.to_owned()).collect());
    let all = everything(kind);
    let new = NewSource { test, rights: rights.unwrap_or_else(|| all.rights.clone()), ..all };
    sources::create(&app.services, &operator(Role::Owner), new).await.unwrap()
}

/// What is asked for: something of the key's own, or of another's, and what belongs to all.
struct Things {
    message: String,
    delivery: String,
    broadcast: String,
    subscription: String,
    /// On its way to the subscription's endpoint.
    handing: String,
}

impl Things {
    /// To be had anew after whatever may have changed them.
    async fn of(app: &TestApp, key: &str) -> Self {
        let (s, owner) = (&app.services, operator(Role::Owner));
        for id in ["P1", "P9"] {
            recipients::put(s, &owner, id, &json!({"name": "n", "email": "p1@sandbox.invalid"}))
                .await
                .unwrap();
        }
        groups::put(s, &owner, "choir", &json!({"name": "合唱团", "kind": "static"})).await.unwrap();
        let body = json!({"topic": "a.b", "title": "t", "body": "b", "audience": {"recipients": ["P1"]}});
        let sent = Answer::of(app.api_as(key, Method::POST, "/messages").json(&body)).await.expect(202);
        app.drain().await;
        let message = sent["id"].as_str().unwrap().to_owned();
        let query = DeliveryQuery { limit: 1, ..DeliveryQuery::default() };
        let found = messages::deliveries(s, &owner, message.parse().unwrap(), &query).await.unwrap();
        let (subscription, handing) = subscription(app, key).await;
        let delivery = found.items[0].facts.id.to_string();
        Self { message, delivery, broadcast: broadcast(app, key).await, subscription, handing }
    }

    fn fill(&self, path: &str) -> String {
        let id = match path.split('/').nth(1) {
            Some("deliveries") => &self.delivery,
            Some("broadcasts") => &self.broadcast,
            Some("subscriptions") => &self.subscription,
            _ => &self.message,
        };
        let slug = if path.starts_with("/templates") { "due" } else { "choir" };
        // What a live key sends waits for providers that are not there: nobody was sent it.
        let person = if path.contains("/inbox") { "P1" } else { "P9" };
        let path = path.replace("{delivery}", &self.handing);
        let filled = path.replace("{id}", id).replace("{campus_id}", person).replace("{slug}", slug);
        let filled = filled.replace("{message_id}", &self.message);
        assert!(!filled.contains('{'), "nothing to put into {path}");
        filled
    }
}

/// One of the key's source with an event that was sent, where it may subscribe; else one of nobody's. There is no other.
async fn subscription(app: &TestApp, key: &str) -> (String, String) {
    let ask = async |method, path: &str, body| Answer::of(app.api_as(key, method, path).json(&body)).await;
    let listed = ask(Method::GET, "/subscriptions", json!({})).await;
    if listed.status != 200 {
        return ("sub_0123456789abc".to_owned(), "hnd_0123456789abc".to_owned());
    }
    for one in listed.json()["data"].as_array().unwrap() {
        let path = format!("/subscriptions/{}", one["id"].as_str().unwrap());
        assert_eq!(ask(Method::DELETE, &path, json!({})).await.status, 204);
    }
    let body = json!({
        "topics": ["a.#"], "events": ["message.expired"],
        "endpoint": {"kind": "webhook", "url": "http://127.0.0.1:1/"},
    });
    let one = ask(Method::POST, "/subscriptions", body).await.expect(201);
    let id = one["id"].as_str().unwrap().to_owned();
    ask(Method::POST, &format!("/subscriptions/{id}/test"), json!({})).await.expect(202);
    let sent = ask(Method::GET, &format!("/subscriptions/{id}/deliveries"), json!({})).await.expect(200);
    let mut tx = app.services.db.begin().await.unwrap();
    crate::store::execute(&mut tx, "UPDATE subscription_handing SET state = 2").await;
    tx.commit().await.unwrap();
    (id, sent["data"][0]["id"].as_str().unwrap().to_owned())
}

/// One that this key began, where it may; else one of nobody's.
async fn broadcast(app: &TestApp, key: &str) -> String {
    let s = &app.services;
    for row in broadcasts::waiting(s, &TERMINAL).await.unwrap() {
        if row.state == State::Live {
            broadcasts::stop(s, &TERMINAL, None, row.id, "").await.unwrap();
        } else {
            broadcasts::withdraw(s, &TERMINAL, None, row.id, "").await.unwrap();
        }
    }
    let params = json!({"place": "图书馆", "meeting_point": "操场"});
    let body = json!({"scenario": "fire", "params": params, "drill": true});
    let pressed = Answer::of(app.api_as(key, Method::POST, "/broadcasts").json(&body)).await;
    if pressed.status == 202 {
        return pressed.json()["id"].as_str().unwrap().to_owned();
    }
    press_fire(s, &TERMINAL, Run::Drill, &fire("图书馆")).await.unwrap().id.to_string()
}

async fn ask(app: &TestApp, key: Option<&str>, line: &Line, path: &str) -> Answer {
    let method: Method = line.method.parse().unwrap();
    let path = format!("/api/v1{path}");
    let mut request = app.plain(method, &path);
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    if !line.body.is_empty() {
        let kind = match path.rsplit('/').next() {
            Some("import") => "application/x-ndjson",
            Some("cap") => "application/cap+xml",
            _ => "application/json",
        };
        request = request.header("content-type", kind).body(line.body.clone());
    }
    Answer::of(request).await
}

#[test]
fn every_route_stands_in_the_table() {
    let mut routes = BTreeSet::new();
    for route in api::PATHS {
        routes.extend(route.methods.iter().map(|method| format!("{method} {}", route.path)));
    }
    let listed: BTreeSet<_> = table().iter().map(|line| format!("{} {}", line.method, line.path)).collect();
    assert_eq!(listed, routes);
}

#[tokio::test]
async fn each_key_goes_as_far_as_the_table_says() {
    let app = app().await;
    scenarios::seed(&app.services).await.unwrap();
    let template = json!({"name": "到期", "title": "t", "body": "b"});
    templates::put(&app.services, &operator(Role::Owner), "due", &template).await.unwrap();
    let another = source(&app, "another", None, false).await.key;
    let mut wrongs = Vec::new();
    for (place, (kind, rights)) in KINDS.into_iter().enumerate() {
        let made = source(&app, kind, rights, kind == "test").await;
        let owner = if kind.starts_with("other") { &another } else { &made.key };
        let mut things = Things::of(&app, owner).await;
        for line in table() {
            let answer = ask(&app, Some(&made.key), &line, &things.fill(&line.path)).await;
            if line.method != "GET" && answer.status < 400 {
                things = Things::of(&app, owner).await;
            }
            if answer.status != line.statuses[place] {
                let Line { method, path, body, .. } = &line;
                wrongs.push(format!("{kind} {method} {path} {body}: {} {}", answer.status, answer.text));
            }
        }
    }
    assert!(wrongs.is_empty(), "\n{}", wrongs.join("\n"));
}

#[tokio::test]
async fn whoever_is_not_let_in_is_answered_the_same_everywhere() {
    let app = app().await;
    scenarios::seed(&app.services).await.unwrap();
    let (s, owner) = (&app.services, operator(Role::Owner));
    let things = Things::of(&app, &app.live_key).await;
    let revoked = source(&app, "revoked", None, false).await;
    sources::revoke_key(s, &owner, revoked.key_id).await.unwrap();
    let elsewhere = source(&app, "elsewhere", None, false).await;
    let networks = GuardForm { networks: vec!["10.0.0.0/8".to_owned()], ..GuardForm::default() };
    sources::guard(s, &owner, elsewhere.source_id, &networks).await.unwrap();
    let disabled = source(&app, "disabled", None, false).await;
    sources::set_enabled(s, &owner, disabled.source_id, false).await.unwrap();
    let unknown = format!("{}x", revoked.key);
    let mut wrongs = Vec::new();
    for line in table() {
        for (who, key, status) in [
            ("nobody", None, 401),
            ("unknown", Some(&unknown), 401),
            ("revoked", Some(&revoked.key), 401),
            ("disabled", Some(&disabled.key), 401),
            ("elsewhere", Some(&elsewhere.key), 403),
        ] {
            let status = match line.path.as_str() {
                // No key of a source opens what alarm buttons say, nor a registration, wherever it comes from.
                path if path.starts_with("/buttons/") || path.starts_with("/source-registrations/") => 401,
                "/source-registrations" => 202,
                _ => status,
            };
            let answer = ask(&app, key.map(String::as_str), &line, &things.fill(&line.path)).await;
            if answer.status != status || answer.text.contains(&things.message) {
                wrongs
                    .push(format!("{who} {} {}: {} {}", line.method, line.path, answer.status, answer.text));
            }
        }
    }
    assert!(wrongs.is_empty(), "\n{}", wrongs.join("\n"));
}
