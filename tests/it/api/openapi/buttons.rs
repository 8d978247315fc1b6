//! What alarm buttons say and are answered, as described. Their keys open nothing else, and no other key opens this.

use std::collections::BTreeSet;

use belltower::domain::button::{Gesture, Power};
use belltower::domain::operator::Role;
use belltower::service::buttons::{self, ButtonForm, GestureForm};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::schema;
use super::walk::{Walk, fill, keyed};
use crate::support::fire::fire;
use crate::support::operator;

const PRESS: (&str, &str) = ("POST", "/api/v1/buttons/{id}/press");

/// A button that is being tried out: its id and key.
async fn button(walk: &Walk, networks: &[&str]) -> (String, String) {
    let (s, owner) = (&walk.app.services, operator(Role::Owner));
    let form = ButtonForm {
        name: "图书馆总服务台".to_owned(),
        place: "图书馆一层".to_owned(),
        power: Some(Power::Mains),
        gestures: vec![(Gesture::Press, GestureForm { scenario: "fire".to_owned(), params: fire("图书馆") })],
        cancel_seconds: Some(0),
        networks: networks.iter().map(|network| (*network).to_owned()).collect(),
        signed: false,
    };
    let made = buttons::register(s, &owner, &form).await.unwrap();
    buttons::try_out(s, &owner, made.id).await.unwrap();
    (made.id.to_string(), made.key)
}

/// A test of a button, for whoever walks through everything.
pub(super) async fn press(walk: &mut Walk) {
    let (id, key) = button(walk, &[]).await;
    let body = json!({"kind": "test", "seq": 1});
    let answer = walk.ask(PRESS, ("{id}", &id), |r| keyed(r.json(&body), &key)).await;
    assert_eq!(answer.expect(202), json!({"led": "test_ok"}));
}

#[tokio::test]
async fn a_button_is_answered_as_described() {
    let mut walk = Walk::start().await;
    fill(&walk.app).await;
    let (id, key) = button(&walk, &[]).await;
    let at = ("{id}", id.as_str());
    let operation = walk.document.operation(PRESS.0, PRESS.1);
    let headers = ["Belltower-Time", "Belltower-Signature"].map(str::to_owned);
    assert_eq!(operation.parameters("header"), BTreeSet::from(headers));
    let schema = operation.body().unwrap().clone();
    let whole = json!({
        "kind": "test", "gesture": "press", "seq": 1, "at": "2026-09-21T14:13:20Z", "battery": 87, "firmware": "1.2",
    });
    assert!(schema::mismatches(&walk.document, &schema, &whole).is_empty());
    let described: BTreeSet<_> =
        walk.document.properties(&schema).keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(described, whole.as_object().unwrap().keys().cloned().collect());
    let body = |r: RequestBuilder, body: &Value| keyed(r.json(body), &key);
    walk.ask(PRESS, at, |r| body(r, &whole)).await.expect(202);

    let other = json!({"kind": "hold", "seq": 1});
    walk.ask(PRESS, at, |r| body(r, &other)).await.problem(409, "seq_reused");
    walk.ask(PRESS, at, |r| r.json(&whole)).await.problem(401, "unauthenticated");
    // A device without a clock says so by saying nothing.
    let empty = json!({"kind": "heartbeat", "gesture": "", "seq": 2, "at": ""});
    assert_eq!(schema::mismatches(&walk.document, &schema, &empty), [""; 0]);
    walk.ask(PRESS, at, |r| body(r, &empty)).await.expect(202);
    let unknown = walk.ask(PRESS, at, |r| body(r, &json!({"kind": "press", "seq": 3, "zzz": 1}))).await;
    let errors = unknown.problem(422, "invalid")["errors"].clone();
    let known = errors[0]["detail"].as_str().unwrap().to_owned();
    for name in &described {
        assert!(known.contains(&format!("`{name}`")), "{name}: {known}");
    }
    let query = format!("/api/v1/buttons/{id}/press?zzz=1");
    walk.ask(PRESS, (PRESS.1, &query), |r| body(r, &whole)).await.problem(422, "invalid");
    let json = |r: RequestBuilder, text: String| {
        keyed(r.header("Content-Type", "application/json").body(text), &key)
    };
    walk.ask(PRESS, at, |r| json(r, "{".to_owned())).await.problem(400, "malformed");
    walk.ask(PRESS, at, |r| json(r, " ".repeat(16 * 1024 + 1))).await.problem(413, "too_large");
    let text = |r: RequestBuilder| keyed(r.header("Content-Type", "text/plain").body("x"), &key);
    walk.ask(PRESS, at, text).await.problem(415, "unsupported_media_type");
    let wrong = crate::support::app::Answer::of(walk.app.plain(reqwest::Method::GET, &query)).await;
    wrong.problem(405, "method_not_allowed");
    walk.check(&operation, &wrong);
    let (elsewhere, its_key) = button(&walk, &["10.9.0.0/16"]).await;
    let from_here = walk.ask(PRESS, ("{id}", &elsewhere), |r| keyed(r.json(&whole), &its_key)).await;
    from_here.problem(403, "address_not_allowed");
    for seq in 10..100 {
        let beat = json!({"kind": "heartbeat", "seq": seq});
        let answer = walk.ask(PRESS, at, |r| body(r, &beat)).await;
        if answer.status == 429 {
            break;
        }
    }
    walk.app.services.db.close().await;
    walk.app.clock.turn(60_000);
    walk.ask(PRESS, at, |r| body(r, &whole)).await.problem(503, "unavailable");
    walk.finish(|status| status != 500, super::document::Operation::is_buttons);
}
