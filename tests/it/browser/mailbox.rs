//! What the simulated relay took is read in the console.

use std::sync::Arc;

use belltower::cli::RelayMailbox;
use belltower::domain::channel::ChannelKind;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::providers::{self, NewProvider};
use belltower::simulator::{SmtpOptions, SmtpSimulator};
use serde_json::json;

use super::signed_in;
use crate::support::app::TestApp;
use crate::support::operator;

/// A server whose mail goes to a simulated relay, which is there for as long as it is held.
async fn with_a_relay(held: &mut Option<SmtpSimulator>) -> TestApp {
    let relay = held.insert(SmtpSimulator::start(SmtpOptions::default()).await.unwrap());
    let app = TestApp::start_with(|services| {
        services.simulators = Some(Arc::new(RelayMailbox(relay.mailbox())));
    })
    .await;
    let new = NewProvider {
        name: "校园邮件网关".to_owned(),
        channel: ChannelKind::Email,
        kind: ProviderKind::Smtp,
        settings: json!({
            "host": "127.0.0.1", "port": relay.addr().port(), "tls": "none",
            "from_address": "bell@campus.example", "from_name": "钟楼大学",
        }),
        priority: 10,
        weight: 1,
        rate: None,
    };
    providers::create(&app.services, &operator(Role::Owner), new).await.unwrap();
    app
}

#[test]
fn a_mail_arrives_and_is_read_in_every_form() {
    let mut relay = None;
    signed_in(with_a_relay(&mut relay), async |app, person| {
        person.press("模拟收件箱").await;
        person.sees("还没有收到邮件").await;
        for (title, to) in [("停水通知", "li@campus.example"), ("停电通知", "wu@campus.example")] {
            let body = json!({
                "topic": "logistics.water", "title": title, "body": "周日 **8:00** 起。", "to": [{ "email": to }],
            });
            app.post("/messages", &body).await.expect(202);
        }
        app.drain().await;
        person.sees("共 2 封").await;
        person.fill("收件人或标题", "li@").await;
        person.is_at("/console/mailbox?q=li%40").await;
        person.sees("共 1 封").await;
        person.sees_no("停电通知").await;
        person.press("停水通知").await;
        person.sees("发给 li@campus.example").await;
        person.enter_frame().await;
        person.sees("周日 8:00 起。").await;
        person.leave_frame().await;
        person.press("纯文本").await;
        person.sees("周日 8:00 起。").await;
        person.press("原文").await;
        person.sees("Content-Type: text/html; charset=utf-8").await;
    });
}
