use belltower::domain::channel::ChannelKind;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::callback_events::list_replies;
use belltower::service::providers::{self, NewProvider};
use belltower::service::receipts::list_unread;
use belltower::service::recipients;
use belltower::store::callbacks::{self, NewCallback};
use belltower::store::replies;
use reqwest::Method;
use serde_json::json;

use super::{news, sent};
use crate::support::app::{Answer, TestApp};
use crate::support::contents::everything;
use crate::support::{on_both, operator};

on_both!(what_is_kept_by_address_alone_is_erased_with_whom_it_was, |db| async {
    let app = TestApp::on(db.clone()).await;
    let (s, owner) = (&app.services, operator(Role::Owner));
    let put = async |campus_id: &str, person: &serde_json::Value, status: u16| {
        let path = format!("/recipients/{campus_id}");
        Answer::of(app.api(Method::PUT, &path).json(person)).await.expect(status);
    };
    put("2024001", &json!({"name": "李伟", "email": "li.old@campus.example", "mobile": "13812345678"}), 201)
        .await;
    for channel in ["email", "sms"] {
        let mut body = news();
        body["channels"] = json!([channel]);
        sent(&app, &body).await;
    }
    // Of what they had, one address is another's by now.
    put("2024001", &json!({"name": "李伟", "email": "li.new@campus.example"}), 200).await;
    put("2024002", &json!({"name": "王芳", "mobile": "13912345678"}), 201).await;

    let settings = json!({"host": "127.0.0.1", "port": 25, "tls": "none", "from_address": "bell@campus.example", "from_name": "钟楼"});
    let (name, channel, kind) = ("邮件".to_owned(), ChannelKind::Email, ProviderKind::Smtp);
    let new = NewProvider { name, channel, kind, settings, priority: 1, weight: 1, rate: None };
    let provider = providers::create(s, &owner, new).await.unwrap().id;
    let now = s.clock.now();
    let mut tx = db.begin().await.unwrap();
    for (number, body) in
        [("+8613812345678", "phone=%2B8613812345678&a=x"), ("+8613912345678", "phone=13912345678")]
    {
        replies::insert(&mut tx, provider, now, number, "收到").await.unwrap();
        let call = NewCallback { is_post: true, query: "", content_type: None, body: body.as_bytes() };
        callbacks::insert(&mut tx, now, provider, call).await.unwrap();
    }
    for call in callbacks::take(&mut tx, &[provider], 9).await.unwrap() {
        callbacks::set_aside(&mut tx, call.id, "no such state").await.unwrap();
    }
    let text = "INSERT INTO soft_bounce (kind, address, at) VALUES
        (1, 'li.old@campus.example', 0), (1, 'li.new@campus.example', 0), (1, 'wang@campus.example', 0)";
    crate::store::execute(&mut tx, text).await;
    tx.commit().await.unwrap();

    recipients::delete(s, &owner, "2024001").await.unwrap();
    let kept = everything(&db).await.join("\n");
    for trace in ["li.old", "li.new", "13812345678", "2024001"] {
        assert!(!kept.contains(trace), "{trace}: {kept}");
    }
    assert!(kept.contains("soft_bounce.address: wang@campus.example"), "{kept}");
    let left = list_replies(s, &owner, None, 9).await.unwrap();
    assert_eq!(left.iter().map(|reply| reply.number.as_str()).collect::<Vec<_>>(), ["+8613912345678"]);
    let left = list_unread(s, &owner, None, 9).await.unwrap();
    assert_eq!(left.iter().map(|call| call.body.as_slice()).collect::<Vec<_>>(), [b"phone=13912345678"]);
});
