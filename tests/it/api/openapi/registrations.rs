//! Asking for a key and fetching it, as described.

use belltower::domain::operator::Role;
use belltower::service::sources::{self, registrations};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::document::Operation;
use super::walk::{NONE, Walk, keyed};
use crate::support::app::{Answer, everything};
use crate::support::operator;

const ASK: (&str, &str) = ("POST", "/api/v1/source-registrations");
const CLAIM: (&str, &str) = ("GET", "/api/v1/source-registrations/{id}");

pub(super) fn asked(name: &str) -> Value {
    json!({
        "name": name, "department": "图书馆", "contact_name": "李伟", "contact_email": "liwei@lib.bell.example",
        "purpose": "借阅到期提醒", "topics": ["library.#"], "channels": ["email"],
    })
}

/// The id and the token of one that waits.
async fn registered(walk: &mut Walk, name: &str) -> (String, String) {
    let answer = walk.ask(ASK, NONE, |r| r.json(&asked(name))).await.expect(202);
    let text = |field: &str| answer[field].as_str().unwrap().to_owned();
    (text("id"), text("claim_token"))
}

/// One that waits, is approved and has its key fetched, for whoever walks through everything.
pub(super) async fn claim(walk: &mut Walk) {
    let (id, token) = registered(walk, "门户").await;
    let at = ("{id}", id.as_str());
    let waits = walk.ask(CLAIM, at, |r| keyed(r, &token)).await.expect(200);
    assert_eq!((&waits["status"], &waits["key"]), (&json!("pending"), &Value::Null));
    let new = everything("门户");
    registrations::approve(&walk.app.services, &operator(Role::Owner), id.parse().unwrap(), new)
        .await
        .unwrap();
    for has_key in [true, false] {
        let approved = walk.ask(CLAIM, at, |r| keyed(r, &token)).await.expect(200);
        assert_eq!((&approved["status"], approved["key"].is_string()), (&json!("approved"), has_key));
    }
}

#[tokio::test]
async fn every_refusal_is_described() {
    let mut walk = Walk::start().await;
    let owner = operator(Role::Owner);
    let (id, token) = registered(&mut walk, "门户").await;
    let at = ("{id}", id.as_str());
    let json = |r: RequestBuilder, text: String| r.header("Content-Type", "application/json").body(text);
    walk.ask(ASK, NONE, |r| json(r, "{".to_owned())).await.problem(400, "malformed");
    walk.ask(ASK, NONE, |r| json(r, "{}".to_owned())).await.problem(422, "invalid");
    walk.ask(ASK, NONE, |r| json(r, " ".repeat(64 * 1024 + 1))).await.problem(413, "too_large");
    let text = |r: RequestBuilder| r.header("Content-Type", "text/plain").body("x");
    walk.ask(ASK, NONE, text).await.problem(415, "unsupported_media_type");
    walk.ask(CLAIM, at, |r| r).await.problem(401, "unauthenticated");
    let unknown = format!("/api/v1/source-registrations/{id}?zzz=1");
    walk.ask(CLAIM, (CLAIM.1, &unknown), |r| keyed(r, &token)).await.problem(422, "invalid");
    for (method, path) in [ASK, CLAIM] {
        let operation = walk.document.operation(method, path);
        let wrong = Answer::of(walk.app.plain(Method::PUT, path)).await;
        wrong.problem(405, "method_not_allowed");
        walk.check(&operation, &wrong);
    }

    let new = everything("门户");
    let source = registrations::approve(&walk.app.services, &owner, id.parse().unwrap(), new).await.unwrap();
    for _ in 0..20 {
        sources::create_key(&walk.app.services, &owner, source, false).await.unwrap();
    }
    walk.ask(CLAIM, at, |r| keyed(r, &token)).await.problem(409, "too_many_keys");
    for _ in 0..60 {
        let answer = walk.ask(CLAIM, at, |r| keyed(r, &token)).await;
        if answer.status == 429 {
            answer.problem(429, "rate_limited");
            break;
        }
    }
    for n in 0..20 {
        let answer = walk.ask(ASK, NONE, |r| r.json(&asked(&n.to_string()))).await;
        if answer.status == 429 {
            answer.problem(429, "rate_limited");
        }
    }
    walk.app.services.db.close().await;
    walk.app.clock.turn(3_600_000);
    walk.ask(ASK, NONE, |r| r.json(&asked("x"))).await.problem(503, "unavailable");
    walk.ask(CLAIM, at, |r| keyed(r, &token)).await.problem(503, "unavailable");
    walk.finish(|status| ![200, 500].contains(&status), Operation::is_registrations);
}
