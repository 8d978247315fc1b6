//! Asking for a key without one, on the wire.

use belltower::domain::operator::Role;
use belltower::service::sources::registrations::{self, MOST_FROM_ONE};
use reqwest::Method;
use serde_json::{Value, json};

use super::pairs;
use crate::support::app::{Answer, TestApp, everything};
use crate::support::operator;

const PATH: &str = "/api/v1/source-registrations";

fn asked() -> Value {
    json!({
        "name": "图书馆门户", "department": "图书馆", "contact_name": "李伟", "contact_email": "liwei@lib.bell.example",
        "purpose": "借阅到期提醒", "topics": ["library.#"], "channels": ["email"],
    })
}

async fn ask(app: &TestApp, body: &Value) -> Answer {
    Answer::of(app.plain(Method::POST, PATH).json(body)).await
}

#[tokio::test]
async fn a_registration_is_kept_and_its_place_told() {
    let app = TestApp::start().await;
    let answer = ask(&app, &asked()).await;
    let made = answer.expect(202);
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("reg_"), "{made}");
    assert_eq!(answer.header("location"), Some(format!("{PATH}/{id}").as_str()));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!((&made["status"], &made["expires_at"]), (&json!("pending"), &json!("2026-10-21T14:13:20Z")));
    let token = made["claim_token"].as_str().unwrap();
    assert!(token.starts_with("bt_claim_"), "{made}");
    let place = format!("{PATH}/{id}");
    let claimed = Answer::of(app.plain(Method::GET, &place).bearer_auth(token)).await;
    assert_eq!(claimed.header("cache-control"), Some("no-store"));
    let claimed = claimed.expect(200);
    assert_eq!((&claimed["status"], &claimed["name"]), (&json!("pending"), &json!("图书馆门户")));
    for absent in ["key", "source_id", "reason", "decided_at", "key_handed_over_at"] {
        assert_eq!(claimed[absent], Value::Null, "{absent}");
    }
    // A claim token is no key, and a key no claim token.
    Answer::of(app.api_as(token, Method::GET, "/source")).await.problem(401, "unauthenticated");
    for key in [&app.live_key, &app.test_key] {
        Answer::of(app.plain(Method::GET, &place).bearer_auth(key)).await.problem(401, "unauthenticated");
    }
    let none = Answer::of(app.plain(Method::GET, &place)).await;
    let said = none.problem(401, "unauthenticated");
    assert!(said["detail"].as_str().unwrap().starts_with("the claim token"), "{said}");
    assert!(none.header("www-authenticate").unwrap().starts_with("Bearer"));
    let nobody = format!("{PATH}/reg_0123456789abc");
    let unknown = Answer::of(app.plain(Method::GET, &nobody).bearer_auth(token)).await;
    let wrong = Answer::of(app.plain(Method::GET, &place).bearer_auth("bt_claim_x")).await;
    let said = |answer: Answer| answer.problem(401, "unauthenticated")["detail"].clone();
    assert_eq!(said(unknown), said(wrong), "nobody learns which there are");
}

#[tokio::test]
async fn every_fault_comes_at_once_and_rights_cannot_be_asked_for() {
    let app = TestApp::start().await;
    let mut body = asked();
    body["name"] = json!("教\u{202e}务");
    body["contact_email"] = json!("nobody");
    body["topics"] = json!([]);
    body["channels"] = json!(["fax"]);
    body["rights"] = json!(["emergency"]);
    let mut faults = ask(&app, &body).await.faults();
    faults.sort();
    let mut expected = pairs(&[
        ("/name", "hidden_character"),
        ("/contact_email", "bad_address"),
        ("/topics", "required"),
        ("/channels/0", "invalid"),
        ("/rights", "unknown_field"),
    ]);
    expected.sort();
    assert_eq!(faults, expected);
    let wrong = Answer::of(app.plain(Method::POST, &format!("{PATH}?x=1")).json(&asked())).await;
    assert_eq!(wrong.faults(), pairs(&[("?x", "unknown_parameter")]));
    assert!(registrations::waiting(&app.services, &operator(Role::Owner)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_flood_is_told_how_long_to_wait() {
    let app = TestApp::start().await;
    for _ in 0..MOST_FROM_ONE {
        ask(&app, &asked()).await.expect(202);
    }
    let refused = ask(&app, &asked()).await;
    refused.problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), Some("3600"));
    app.clock.turn(3_600_000);
    let refused = ask(&app, &asked()).await;
    let said = refused.problem(429, "too_many_waiting");
    assert!(said["detail"].as_str().unwrap().contains("20 registrations from your network"), "{said}");
    assert_eq!(refused.header("retry-after"), Some("3600"));
    Answer::of(app.plain(Method::GET, "/problems/too_many_waiting")).await.expect(200);
}

#[tokio::test]
async fn a_head_takes_no_key() {
    let app = TestApp::start().await;
    let made = ask(&app, &asked()).await.expect(202);
    let id = made["id"].as_str().unwrap();
    let owner = operator(Role::Owner);
    registrations::approve(&app.services, &owner, id.parse().unwrap(), everything("门户")).await.unwrap();
    let claim = async |method: Method| {
        let request = app.plain(method, &format!("{PATH}/{id}"));
        Answer::of(request.bearer_auth(made["claim_token"].as_str().unwrap())).await
    };
    assert_eq!(claim(Method::HEAD).await.status, 200);
    let first = claim(Method::GET).await.expect(200);
    assert!(first["key"].as_str().unwrap().starts_with("bt_live_"), "{first}");
    let again = claim(Method::GET).await.expect(200);
    assert_eq!((&again["status"], &again["key"]), (&json!("approved"), &Value::Null));
    assert_eq!(again["key_handed_over_at"], "2026-09-21T14:13:20Z");
    assert!(again["detail"].as_str().unwrap().contains("handed over at 2026-09-21T14:13:20"), "{again}");
}
