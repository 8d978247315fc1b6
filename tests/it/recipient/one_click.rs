use std::sync::Arc;

use belltower::domain::channel::ChannelKind;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::Campus;
use belltower::service::providers::{self, NewProvider};
use belltower::simulator::{Mail, SmtpOptions, SmtpSimulator};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::{news, one_click};
use crate::support::app::{Answer, TestApp};
use crate::support::operator;

const LI: &str = "li@campus.example";

/// State and reason of Li's delivery, sent with the live key.
async fn send(app: &TestApp, body: &Value) -> (String, Value) {
    let id = app.post("/messages", body).await.expect(202)["id"].as_str().unwrap().to_owned();
    app.drain().await;
    let found = app.get(&format!("/messages/{id}/deliveries")).await.expect(200);
    let one = &found["data"][0];
    (one["state"].as_str().unwrap().to_owned(), one["reason"].clone())
}

fn latest(relay: &SmtpSimulator) -> Mail {
    relay.mailbox().latest_to(LI).unwrap()
}

#[tokio::test]
async fn the_header_of_a_mail_that_arrived_ends_its_topic_by_one_click() {
    let app = TestApp::start_with(|s| {
        let public_url = Url::parse("https://bell.campus.example").unwrap();
        s.campus = Arc::new(Campus { public_url, ..Campus::clone(&s.campus) });
    })
    .await;
    let relay = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
    let settings = json!({
        "host": "127.0.0.1", "port": relay.addr().port(), "tls": "none", "from_address": "bell@campus.example", "from_name": "钟楼",
    });
    let (name, channel, kind) = ("邮件".to_owned(), ChannelKind::Email, ProviderKind::Smtp);
    let new = NewProvider { name, channel, kind, settings, priority: 1, weight: 1, rate: None };
    providers::create(&app.services, &operator(Role::Owner), new).await.unwrap();
    let li = json!({"name": "李伟", "email": LI});
    Answer::of(app.api(Method::PUT, "/recipients/2024001").json(&li)).await.expect(201);

    assert_eq!(send(&app, &news()).await, ("sent".to_owned(), Value::Null));
    let mail = latest(&relay);
    assert_eq!(mail.header("List-Unsubscribe-Post"), Some("List-Unsubscribe=One-Click"));
    let header = mail.header("List-Unsubscribe").unwrap();
    let link = Url::parse(header.trim_start_matches('<').trim_end_matches('>')).unwrap();
    assert_eq!(header, format!("<{link}>"));
    assert!(link.as_str().starts_with("https://bell.campus.example/u/"), "{link}");

    let clicked = one_click(&app, link.path()).await;
    assert_eq!(clicked.status, 200, "{}", clicked.text);
    assert_eq!(send(&app, &news()).await, ("suppressed".to_owned(), json!("opted_out")));
    assert_eq!(relay.mailbox().total(), 1);

    let mut fire = news();
    fire["category"] = json!("emergency");
    assert_eq!(send(&app, &fire).await, ("sent".to_owned(), Value::Null));
    let mail = latest(&relay);
    assert_eq!(relay.mailbox().total(), 2);
    for name in ["List-Unsubscribe", "List-Unsubscribe-Post"] {
        assert_eq!(mail.header(name), None, "nobody refuses an emergency");
    }
}
