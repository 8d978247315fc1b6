//! Every operation is brought to every success, and to every error that a test can bring about.

use belltower::domain::channel::ChannelKind;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::domain::subscription::WhyDisabled;
use belltower::service::providers::{self, NewProvider};
use belltower::service::sources::NewSource;
use belltower::service::{broadcasts, routing, scenarios};
use belltower::store::subscriptions::disable;
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use url::Url;

use super::document::Operation;
use super::values::{endpoint, subscribe};
use super::walk::{NONE, Walk, cap, fill, keyed, message, press};
use crate::store::execute;
use crate::support::app::{Answer, everything};
use crate::support::operator;

#[tokio::test]
async fn every_success_described_happens_and_looks_so() {
    let mut walk = Walk::start().await;
    fill(&walk.app).await;
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/problems"] {
        walk.ask(("GET", path), NONE, |r| r).await;
    }
    walk.ask(("GET", "/problems/{code}"), ("{code}", "invalid"), |r| r).await;
    walk.ask(("GET", "/problems/{code}"), ("{code}", "nonsense"), |r| r).await;

    let id = ("{campus_id}", "2024001");
    let person = ("PUT", "/api/v1/recipients/{campus_id}");
    let body = json!({"name": "李伟", "email": "bounce@sandbox.invalid", "mobile": "13812345678", "attributes": {"year": 1}});
    walk.ask(person, id, |r| r.json(&body)).await.expect(201);
    walk.ask(person, id, |r| r.json(&body)).await.expect(200);
    walk.ask(("PATCH", person.1), id, |r| r.json(&json!({"language": "en"}))).await.expect(200);
    walk.ask(("GET", person.1), id, |r| r).await.expect(200);
    walk.ask(("GET", "/api/v1/recipients"), NONE, |r| r).await.expect(200);
    let lines = "{\"campus_id\": \"2024009\", \"name\": \"a\"}\n{\"campus_id\": \"\", \"name\": 7}\n";
    let import = walk
        .ask(("POST", "/api/v1/recipients/import"), NONE, |r| {
            r.header("Content-Type", "application/x-ndjson").body(lines)
        })
        .await
        .expect(200);
    assert_eq!(import["rejected_lines"], 1);
    let table = "学号,姓名,手机\n2024009,a,\n2024010,b,110\n";
    let import = walk
        .ask(("POST", "/api/v1/recipients/import"), NONE, |r| {
            r.header("Content-Type", "text/csv").body(table)
        })
        .await
        .expect(200);
    assert_eq!((&import["unchanged"], &import["rejected"][0]["column"]), (&json!(1), &json!("手机")));

    let group = ("PUT", "/api/v1/groups/{slug}");
    let slug = ("{slug}", "staff");
    let body = json!({"name": "教工", "kind": "static"});
    walk.ask(group, slug, |r| r.json(&body)).await.expect(201);
    walk.ask(group, slug, |r| r.json(&body)).await.expect(200);
    walk.ask(("POST", "/api/v1/groups/{slug}/members"), slug, |r| r.json(&json!({"add": ["2024001"]})))
        .await
        .expect(200);
    walk.ask(("GET", "/api/v1/groups/{slug}/members"), slug, |r| r).await.expect(200);
    walk.ask(("GET", group.1), slug, |r| r).await.expect(200);
    walk.ask(("GET", "/api/v1/groups"), NONE, |r| r).await.expect(200);
    walk.ask(("POST", "/api/v1/groups/preview"), NONE, |r| r.json(&json!({"where": "year = 1"})))
        .await
        .expect(200);
    walk.ask(("GET", "/api/v1/templates"), NONE, |r| r).await.expect(200);
    walk.ask(("GET", "/api/v1/templates/{slug}"), ("{slug}", "book-due"), |r| r).await.expect(200);
    walk.ask(("GET", "/api/v1/source"), NONE, |r| r).await.expect(200);

    // Test keys' messages come to an end here; what live keys send waits for providers that are not there.
    let send = ("POST", "/api/v1/messages");
    let mut first = message("t");
    first["dedup_key"] = "d".into();
    first["audience"] = json!({"groups": ["staff", "gone"]});
    let test_key = walk.app.test_key.clone();
    let test = |r: RequestBuilder| keyed(r, &test_key);
    let skipping = ("/api/v1/messages", "/api/v1/messages?unknown=skip");
    let sent = walk.ask(send, skipping, |r| test(r.json(&first).header("Idempotency-Key", "k"))).await;
    let sent = sent.expect(202);
    let again = walk.ask(send, skipping, |r| test(r.json(&first).header("Idempotency-Key", "k"))).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"), "{}", again.text);
    let duplicate = walk.ask(send, skipping, |r| test(r.json(&first))).await.expect(200);
    assert!(duplicate["duplicate_of"].is_string(), "{duplicate}");
    walk.app.drain().await;
    walk.app.clock.turn(60_000);
    walk.app.drain().await;
    let waited = walk
        .ask(send, skipping, |r| {
            test(r.json(&first).header("Idempotency-Key", "k").header("Prefer", "wait=30"))
        })
        .await;
    assert_eq!(waited.expect(200)["status"], "completed");
    let open = walk.ask(send, NONE, |r| r.json(&message("t")).header("Prefer", "wait=0")).await;
    assert!(open.expect(202)["counts"].is_object(), "{}", open.text);
    let batch = json!({"messages": [message("t"), {"topic": 1}]});
    walk.ask(("POST", "/api/v1/messages/batch"), NONE, |r| r.json(&batch)).await.expect(200);

    let inbox = "/api/v1/recipients/{campus_id}/inbox";
    let found = walk.ask(("GET", inbox), ("{campus_id}", "2024001"), test).await.expect(200);
    assert_eq!((&found["unread"], &found["data"][0]["message_id"]), (&json!(1), &sent["id"]));
    let read = "/api/v1/recipients/{campus_id}/inbox/{message_id}/read";
    let at = format!("2024001/inbox/{}", sent["id"].as_str().unwrap());
    walk.ask(("POST", read), ("{campus_id}/inbox/{message_id}", &at), test).await.expect(200);
    let events = "/api/v1/recipients/{campus_id}/inbox/events";
    assert_eq!(walk.ask(("GET", events), ("{campus_id}", "2024001"), test).await.status, 200);

    let id = ("{id}", sent["id"].as_str().unwrap());
    walk.ask(("GET", "/api/v1/messages"), NONE, |r| r).await.expect(200);
    walk.ask(("GET", "/api/v1/messages/{id}"), id, |r| r).await.expect(200);
    walk.ask(("GET", "/api/v1/messages/{id}/timeline"), id, |r| r).await.expect(200);
    let deliveries = walk.ask(("GET", "/api/v1/messages/{id}/deliveries"), id, |r| r).await.expect(200);
    for delivery in deliveries["data"].as_array().unwrap() {
        let id = ("{id}", delivery["id"].as_str().unwrap());
        walk.ask(("GET", "/api/v1/deliveries/{id}"), id, |r| r).await.expect(200);
    }
    let again = json!({"states": ["failed"]});
    walk.ask(("POST", "/api/v1/messages/{id}/resend"), id, |r| r.json(&again)).await.expect(200);
    walk.ask(("POST", "/api/v1/messages/{id}/cancel"), id, |r| r).await.expect(200);

    let rules = json!({"rules": [
        {"name": "图书馆", "when": {"topics": ["library.#"]}, "then": {"audience": {"groups": ["staff"]}}},
        {"name": "教务", "when": {"topics": ["academic.#"]}, "stop": true},
    ]});
    routing::apply(&walk.app.services, &operator(Role::Owner), &rules).await.unwrap();
    let previewing = ("/api/v1/messages/preview", "/api/v1/messages/preview?unknown=skip");
    let preview =
        walk.ask(("POST", "/api/v1/messages/preview"), previewing, |r| r.json(&first)).await.expect(200);
    assert_eq!((preview["rules"].as_array().unwrap().len(), &preview["audience"]["total"]), (2, &json!(1)));

    emergencies(&mut walk).await;
    super::buttons::press(&mut walk).await;
    super::registrations::claim(&mut walk).await;

    subscriptions(&mut walk).await;

    let door = "/callbacks/{provider}/{secret}";
    let shown = callback(&walk).await;
    for (method, path) in [("GET", door), ("POST", door)] {
        walk.ask((method, path), (door, &shown), |r| r).await;
        walk.ask((method, path), (door, "/callbacks/prv_zzzzzzzzzzzzz/x"), |r| r).await;
    }
    walk.ask(("POST", door), (door, &shown), |r| r.body(vec![b'x'; 1_100 * 1024])).await;

    routing::apply(&walk.app.services, &operator(Role::Owner), &json!({"rules": []})).await.unwrap();
    walk.ask(("DELETE", group.1), slug, |r| r).await.expect(204);
    walk.ask(("DELETE", person.1), ("{campus_id}", "2024001"), |r| r).await;
    walk.ask(("POST", "/api/v1/source/keys/rotate"), NONE, |r| r).await.expect(200);
    walk.app.services.db.close().await;
    walk.ask(("GET", "/readyz"), NONE, |r| r).await.expect(503);
    walk.finish(|status| status < 300, |_| true);
    walk.finish(|_| true, |operation| !operation.is_api());
}

/// An endpoint from its first call to its end, which nobody calls: nothing is sent from here on.
async fn subscriptions(walk: &mut Walk) {
    const ONE: &str = "/api/v1/subscriptions/{id}";
    let made = subscribe(walk).await;
    let id = ("{id}", made["id"].as_str().unwrap());
    walk.ask(("GET", "/api/v1/subscriptions"), NONE, |r| r).await.expect(200);
    walk.ask(("GET", ONE), id, |r| r).await.expect(200);
    walk.ask(("POST", "/api/v1/subscriptions/{id}/test"), id, |r| r).await.expect(202);
    let list = "/api/v1/subscriptions/{id}/deliveries";
    let sent = walk.ask(("GET", list), id, |r| r).await.expect(200);
    let replay = "/api/v1/subscriptions/{id}/deliveries/{delivery}/replay";
    let at = format!(
        "/api/v1/subscriptions/{}/deliveries/{}/replay",
        id.1,
        sent["data"][0]["id"].as_str().unwrap()
    );
    walk.ask(("POST", replay), (replay, &at), |r| r).await.expect(202);
    walk.ask(("POST", "/api/v1/subscriptions/{id}/enable"), id, |r| r).await.expect(200);
    walk.ask(("POST", "/api/v1/subscriptions/{id}/secret/rotate"), id, |r| r).await.expect(200);
    assert_eq!(walk.ask(("GET", "/api/v1/events"), NONE, |r| r).await.status, 200);
    walk.ask(("DELETE", ONE), id, |r| r).await.expect(204);
}

/// A drill from the press to the end, what is published of it, and an alert of another system.
async fn emergencies(walk: &mut Walk) {
    walk.ask(("GET", "/api/v1/scenarios"), NONE, |r| r).await.expect(200);
    let pressing = ("POST", "/api/v1/broadcasts");
    let keyed = |r: RequestBuilder| r.json(&press()).header("Idempotency-Key", "k");
    let pressed = walk.ask(pressing, NONE, keyed).await.expect(202);
    let again = walk.ask(pressing, NONE, keyed).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"), "{}", again.text);
    walk.ask(pressing, NONE, |r| r.json(&press())).await.expect(202);
    walk.app.drain().await;
    walk.ask(("GET", "/api/v1/broadcasts"), NONE, |r| r).await.expect(200);
    let id = ("{id}", pressed["id"].as_str().unwrap());
    let shown = walk.ask(("GET", "/api/v1/broadcasts/{id}"), id, |r| r).await.expect(200);
    let more = json!({"zh": {"title": "t", "body": "b"}});
    walk.ask(("POST", "/api/v1/broadcasts/{id}/update"), id, |r| r.json(&more)).await.expect(202);
    walk.ask(("POST", "/api/v1/broadcasts/{id}/stop"), id, |r| r).await.expect(200);
    walk.ask(("POST", "/api/v1/broadcasts/{id}/all-clear"), id, |r| r).await.expect(202);
    walk.ask(("POST", "/api/v1/broadcasts/{id}/correction"), id, |r| r).await.expect(202);
    for _ in 0..2 {
        let send = |r: RequestBuilder| r.header("Content-Type", "application/cap+xml").body(cap("a1"));
        walk.ask(("POST", "/api/v1/cap"), NONE, send).await.expect(202);
    }
    let document = "/feeds/cap/{id}.xml";
    for (path, at) in [("/feeds/cap.atom", "/feeds/cap.atom"), (document, shown["cap"][0].as_str().unwrap())]
    {
        let found = walk.ask(("GET", path), (path, at), |r| r).await;
        let tag = found.header("etag").unwrap().to_owned();
        walk.ask(("GET", path), (path, at), |r| r.header("If-None-Match", tag)).await;
    }
    walk.ask(("GET", document), (document, "/feeds/cap/x-1.xml"), |r| r).await;
}

/// Where a gateway tells its receipts.
async fn callback(walk: &Walk) -> String {
    let new = NewProvider {
        name: "gateway".to_owned(),
        channel: ChannelKind::Sms,
        kind: ProviderKind::HttpSms,
        settings: json!({"request": {"url": "https://gateway.example/send"}}),
        priority: 10,
        weight: 1,
        rate: None,
    };
    let provider = providers::create(&walk.app.services, &operator(Role::Owner), new).await.unwrap();
    let url: Url = provider.callback_url.unwrap().parse().unwrap();
    url.path().to_owned()
}

#[tokio::test]
async fn every_error_that_can_be_brought_about_is_described() {
    let mut walk = Walk::start().await;
    let slow = NewSource { rate_per_second: Some(1), ..everything("slow") };
    let slow = walk.app.add_source(slow).await;
    let powerless =
        NewSource { topics: vec!["other.#".to_owned()], rights: Vec::new(), ..everything("powerless") };
    let powerless = walk.app.add_source(powerless).await;
    let operations: Vec<_> =
        walk.document.operations().into_iter().filter(Operation::is_for_sources).collect();
    let json = |r: RequestBuilder, operation: &Operation, body: &str| {
        let media =
            operation.says["requestBody"]["content"].as_object().and_then(|content| content.keys().next());
        match media {
            Some(media) => r.header("Content-Type", media).body(body.to_owned()),
            None => r,
        }
    };
    for (number, operation) in operations.iter().enumerate() {
        let (method, path) = (operation.method.as_str(), operation.path.as_str());
        let at = (method, path);
        let name = format!("gone{number}");
        let id = match path.split('/').nth(3) {
            Some("broadcasts") => "brd_0123456789abc",
            Some("subscriptions") => "sub_0123456789abc",
            _ => "msg_zzzzzzzzzzzzz",
        };
        let gone = path.replace("{delivery}", "hnd_0123456789abc");
        let gone = gone.replace("{id}", id).replace("{campus_id}", &name).replace("{slug}", &name);
        let gone = (path, gone.as_str());
        let has_body = operation.says.get("requestBody").is_some();
        let right = match path {
            "/api/v1/messages" | "/api/v1/messages/preview" => message("t").to_string(),
            "/api/v1/messages/batch" => json!({"messages": [message("t")]}).to_string(),
            "/api/v1/groups/preview" => json!({"where": "a = 1"}).to_string(),
            "/api/v1/broadcasts" => press().to_string(),
            _ if path.ends_with("/update") => json!({"zh": {"title": "t", "body": "b"}}).to_string(),
            _ if method == "PUT" && path.contains("groups") => {
                json!({"name": "g", "kind": "static"}).to_string()
            }
            _ if path.ends_with("resend") => json!({"states": ["failed"]}).to_string(),
            _ if path.ends_with("import") => "{\"campus_id\": \"1\", \"name\": \"a\"}".to_owned(),
            _ if path.contains("{campus_id}") => json!({"name": "a"}).to_string(),
            _ => "{}".to_owned(),
        };
        walk.ask(at, gone, |r| keyed(json(r, operation, &right), "bt_live_x"))
            .await
            .problem(401, "unauthenticated");
        let unknown = format!("{}?zzz=1", gone.1);
        walk.ask(at, (path, &unknown), |r| json(r, operation, &right)).await.problem(422, "invalid");
        for turn in 0..2 {
            let answer = walk.ask(at, gone, |r| keyed(json(r, operation, &right), &slow)).await;
            assert_eq!(answer.status == 429, turn == 1, "{}: {answer:?}", operation.name());
            walk.app.clock.turn(if turn == 1 { 10_000 } else { 0 });
        }
        let refused = walk.ask(at, gone, |r| keyed(json(r, operation, &right), &powerless)).await;
        let needs_right =
            ["recipients", "groups", "broadcasts", "scenarios", "/cap", "subscriptions", "/events"]
                .iter()
                .any(|room| path.contains(room));
        assert!(!needs_right || refused.status == 403, "{}: {refused:?}", operation.name());
        if path.contains('{') && method != "PUT" {
            walk.ask(at, gone, |r| json(r, operation, &right)).await.problem(404, "not_found");
        }
        if has_body && !path.ends_with("import") {
            walk.ask(at, gone, |r| json(r, operation, "{")).await.problem(400, "malformed");
            walk.ask(at, gone, |r| json(r, operation, "{\"zzz\": 1}")).await;
            let large = " ".repeat(1024 * 1024 + 1);
            if !path.ends_with("batch") {
                walk.ask(at, gone, |r| json(r, operation, &large)).await.problem(413, "too_large");
            }
        }
        if has_body {
            let text = walk.ask(at, gone, |r| r.header("Content-Type", "text/plain").body("x")).await;
            text.problem(415, "unsupported_media_type");
        }
        // 405 is another method's answer; each path describes it for whoever reads about one of its methods.
        let wrong = Answer::of(walk.app.plain(Method::TRACE, path).bearer_auth(&walk.app.live_key)).await;
        wrong.problem(405, "method_not_allowed");
        walk.check(operation, &wrong);
    }
    let of_nobody = ("/api/v1/recipients", "/api/v1/recipients?group=gone");
    walk.ask(("GET", of_nobody.0), of_nobody, |r| r).await.problem(404, "not_found");
    conflicts(&mut walk).await;
    walk.app.services.db.close().await;
    walk.app.clock.turn(10_000);
    for operation in &operations {
        let answer = walk.ask((&operation.method, &operation.path), NONE, |r| json(r, operation, "{}")).await;
        assert_eq!(answer.status, 503, "{}: {}", operation.name(), answer.text);
    }
    // The others are what no request, or none that a test can afford, brings about at some operations.
    let brought_about = [400, 401, 405, 409, 415, 422, 429, 503];
    // An import is malformed where its connection breaks, so that nobody is there to be told.
    let is_told = |operation: &Operation| operation.is_for_sources() && !operation.path.ends_with("/import");
    walk.finish(|status| brought_about.contains(&status), is_told);
}

async fn conflicts(walk: &mut Walk) {
    let group = json!({"name": "g", "kind": "dynamic", "where": "a = 1"});
    let slug = ("{slug}", "dynamic");
    walk.ask(("PUT", "/api/v1/groups/{slug}"), slug, |r| r.json(&group)).await.expect(201);
    let members = ("POST", "/api/v1/groups/{slug}/members");
    walk.ask(members, slug, |r| r.json(&json!({"add": ["1"]}))).await.problem(409, "dynamic_group");
    let rule = json!({"rules": [{"name": "r", "then": {"audience": {"groups": ["dynamic"]}}}]});
    routing::apply(&walk.app.services, &operator(Role::Owner), &rule).await.unwrap();
    walk.ask(("DELETE", "/api/v1/groups/{slug}"), slug, |r| r).await.problem(409, "group_in_use");
    let mut later = message("later");
    later["send_at"] = "2026-12-01T00:00:00Z".into();
    later["expires_at"] = "2026-12-02T00:00:00Z".into();
    later["audience"] = json!({"everyone": true});
    let sent = walk.ask(("POST", "/api/v1/messages"), NONE, |r| r.json(&later)).await.expect(202);
    let id = ("{id}", sent["id"].as_str().unwrap());
    let states = json!({"states": ["failed"]});
    walk.ask(("POST", "/api/v1/messages/{id}/resend"), id, |r| r.json(&states))
        .await
        .problem(409, "not_sent");
    let cancel = ("POST", "/api/v1/messages/{id}/cancel");
    walk.ask(cancel, id, |r| r).await.expect(200);
    walk.ask(cancel, id, |r| r).await.problem(409, "ended");
    scenarios::seed(&walk.app.services).await.unwrap();
    let pressed = walk.ask(("POST", "/api/v1/broadcasts"), NONE, |r| r.json(&press())).await.expect(202);
    let id = ("{id}", pressed["id"].as_str().unwrap());
    let stop = ("POST", "/api/v1/broadcasts/{id}/stop");
    walk.ask(stop, id, |r| r).await.expect(200);
    walk.ask(stop, id, |r| r).await.problem(409, "broadcast_state");
    let more = json!({"en": {"title": "t", "body": "b"}});
    let update = ("POST", "/api/v1/broadcasts/{id}/update");
    walk.ask(update, id, |r| r.json(&more)).await.problem(409, "broadcast_state");
    for path in ["/api/v1/broadcasts/{id}/all-clear", "/api/v1/broadcasts/{id}/correction"] {
        walk.ask(("POST", path), id, |r| r).await.expect(202);
        walk.ask(("POST", path), id, |r| r).await.problem(409, "broadcast_said");
    }
    conflicts_of_what_lapsed(walk).await;
    conflicts_at_endpoints(walk).await;
    too_many(walk, "/api/v1/source/keys/rotate", |r| r, "too_many_keys").await;
}

/// Nobody let it go in time.
async fn conflicts_of_what_lapsed(walk: &mut Walk) {
    let mut live = press();
    live["drill"] = false.into();
    let waits = walk.ask(("POST", "/api/v1/broadcasts"), NONE, |r| r.json(&live)).await.expect(202);
    assert_eq!(waits["status"], "pending_approval");
    let services = &walk.app.services;
    let mut tx = services.db.begin().await.unwrap();
    let over = "UPDATE broadcast SET expires_at = created_at, next_at = created_at WHERE live_at IS NULL";
    execute(&mut tx, over).await;
    tx.commit().await.unwrap();
    broadcasts::tick(services).await.unwrap();
    let id = ("{id}", waits["id"].as_str().unwrap());
    for act in ["stop", "all-clear", "correction"] {
        let path = format!("/api/v1/broadcasts/{{id}}/{act}");
        walk.ask(("POST", &path), id, |r| r).await.problem(409, "broadcast_lapsed");
    }
    let more = json!({"en": {"title": "t", "body": "b"}});
    let update = ("POST", "/api/v1/broadcasts/{id}/update");
    walk.ask(update, id, |r| r.json(&more)).await.problem(409, "broadcast_lapsed");
}

async fn conflicts_at_endpoints(walk: &mut Walk) {
    let made = subscribe(walk).await;
    let id = ("{id}", made["id"].as_str().unwrap());
    let test = ("POST", "/api/v1/subscriptions/{id}/test");
    walk.ask(test, id, |r| r).await.expect(202);
    walk.ask(test, id, |r| r).await.problem(409, "test_waits");
    let list = ("GET", "/api/v1/subscriptions/{id}/deliveries");
    let sent = walk.ask(list, id, |r| r).await.expect(200);
    let delivery = sent["data"][0]["id"].as_str().unwrap();
    // As one that failed for days is.
    let services = &walk.app.services;
    let mut tx = services.db.begin().await.unwrap();
    disable(&mut tx, id.1.parse().unwrap(), WhyDisabled::Exhausted, services.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    walk.ask(test, id, |r| r).await.problem(409, "subscription_disabled");
    let replay = "/api/v1/subscriptions/{id}/deliveries/{delivery}/replay";
    let at = format!("/api/v1/subscriptions/{}/deliveries/{delivery}/replay", id.1);
    walk.ask(("POST", replay), (replay, &at), |r| r).await.problem(409, "subscription_disabled");
    let another = |r: RequestBuilder| r.json(&endpoint());
    too_many(walk, "/api/v1/subscriptions", another, "too_many_subscriptions").await;
}

/// Posts until there are as many as there may be.
async fn too_many(walk: &mut Walk, path: &str, body: impl Fn(RequestBuilder) -> RequestBuilder, code: &str) {
    for _ in 0..100 {
        let answer = walk.ask(("POST", path), NONE, &body).await;
        if answer.status == 409 {
            answer.problem(409, code);
            return;
        }
        assert!(answer.status < 300, "{answer:?}");
    }
    panic!("there may be any number: {code}");
}
