//! A gateway that wants a name and a password, and one that is asked what became of a text.

use belltower::channel::{Sent, Verdict};
use belltower::domain::delivery::State;

use super::vendor::{Says, Vendor, so};
use super::*;

fn sent(number: i64, reference: &str) -> Sent {
    Sent {
        delivery: DeliveryId(number),
        address: format!("+86138{number:08}"),
        reference: Some(reference.to_owned()),
        sent_at: START,
    }
}

#[tokio::test]
async fn name_and_password_go_as_http_has_it_and_a_hash_in_upper_case() {
    let vendor = Vendor::new(|_| so((200, json!({"code": 0})))).await;
    let settings = json!({
        "request": {
            "url": vendor.url, "basic": {"username": "bell", "password": "{secret.password}"},
            "body": {"mobile": "{to}", "content": "{text}", "password": "{signature}"},
        },
        "secrets": {"password": "钟"},
        "signature": {"algorithm": "md5", "over": "{secret.password}", "encoding": "HEX"},
    });
    let channel = channel(&settings, &Clock::manual(START));
    channel.send(&[parcel(1, "+8613800000001")]).await;
    let asked = vendor.asked();
    assert_eq!(asked[0].header("authorization"), "Basic YmVsbDrpkp8=");
    let hash = asked[0].body["password"].as_str().unwrap();
    assert!(
        hash.len() == 32 && hash == hash.to_ascii_uppercase() && hash != hash.to_ascii_lowercase(),
        "{hash}"
    );
}

#[tokio::test]
async fn a_text_whose_answer_was_lost_is_asked_about() {
    let vendor = Vendor::new(|_| Says::Nothing).await;
    let mut settings = usual(&vendor.url, &json!({}));
    settings["poll"] = json!({
        "request": {"url": format!("{}/status", vendor.url), "body": {"id": "{id}", "mobile": "{to}"}},
        "records": "/data", "id": "/id",
    });
    let channel = channel(&settings, &Clock::manual(START));
    let outcome = channel.send(&[parcel(1, "+8613800000001")]).await.remove(0);
    assert_eq!(outcome.class, OutcomeClass::Unknown);
    assert!(outcome.poll_after.is_some());
    let reference = outcome.reference.unwrap();
    vendor.asked();

    vendor.answers(|asked| {
        let status = match asked.body["mobile"].as_str() {
            Some("13800000001") => "DELIVRD",
            Some("13800000002") => "UNDELIV",
            _ => "ACCEPTD",
        };
        let other = json!({"id": "another", "mobile": asked.body["mobile"], "status": "DELIVRD"});
        let this = json!({"id": asked.body["id"], "mobile": asked.body["mobile"], "status": status});
        so((200, json!({"data": [other, this]})))
    });
    let told = channel.poll(&[sent(1, &reference), sent(2, &reference), sent(3, &reference)]).await;
    let verdict = |state, code: &str| Some(Verdict { state, code: Some(code.to_owned()), detail: None });
    assert_eq!(
        told,
        [
            verdict(State::Delivered, "DELIVRD"),
            verdict(State::Failed, "UNDELIV"),
            verdict(State::Sent, "ACCEPTD"),
        ]
    );
    let mut asked: Vec<_> = vendor.asked().iter().map(|asked| asked.body["mobile"].clone()).collect();
    asked.sort_by_key(Value::to_string);
    assert_eq!(asked, ["13800000001", "13800000002", "13800000003"]);
    vendor.answers(|_| so((500, json!({}))));
    assert_eq!(channel.poll(&[sent(1, &reference)]).await, [None]);
}
