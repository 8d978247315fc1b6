//! Providers, what their vendors approved, and what went wrong with them.

use std::time::Duration;

use belltower::domain::channel::ChannelKind;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::attention::{self, Remedy};
use belltower::service::providers::{self, NewProvider};
use belltower::service::{Vault, templates};
use reqwest::Method;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::{TERMINAL, operator};

/// A provider with a history, by the path of its page; a gateway's; and one whose settings open no more.
pub(super) async fn providers(app: &TestApp) -> [String; 3] {
    let owner = operator(Role::Owner);
    let new = |name: &str, channel, kind, settings| NewProvider {
        name: name.to_owned(),
        channel,
        kind,
        settings,
        priority: 10,
        weight: 1,
        rate: None,
    };
    // Nobody listens there.
    let relay = json!({
        "host": "127.0.0.1", "port": 1, "tls": "none", "username": "bell", "password": "hunter2",
        "from_address": "bell@bell.example", "from_name": "钟楼大学",
    });
    let relay = new("校内邮件", ChannelKind::Email, ProviderKind::Smtp, relay);
    let relay = providers::create(&app.services, &owner, relay).await.unwrap().id;
    let until = app.clock.now().plus(Duration::from_mins(1));
    let detail = json!({"until": until.to_string(), "reason": "421 busy"});
    providers::record_event(&app.services, relay, "opened", &detail).await.unwrap();
    let gateway = json!({
        "request": {"url": "https://gw.example/{secret.key}", "body": {"to": "{to}"}}, "secrets": {"key": "k"},
    });
    let gateway = new("短信网关", ChannelKind::Sms, ProviderKind::HttpSms, gateway);
    let gateway = providers::create(&app.services, &owner, gateway).await.unwrap();
    let url = gateway.callback_url.unwrap();
    let path = url.strip_prefix("http://127.0.0.1:8080").unwrap();
    for body in [r#"[{"msgid": "S1", "mobile": "13800000001", "status": "UNDELIV"}]"#, "{"] {
        app.plain(Method::POST, path).body(body).send().await.unwrap();
    }
    let mut other_key = app.services.clone();
    other_key.vault = Vault::from_key([8; 32]);
    let lost = new("换了密钥的", ChannelKind::Email, ProviderKind::Sandbox, json!({}));
    let lost = providers::create(&other_key, &owner, lost).await.unwrap().id;
    app.drain().await;
    [relay, gateway.id, lost].map(|id| format!("/console/providers/{id}"))
}

/// A template with samples of every kind, and three providers that fill templates of their vendors: by names, by places, and by
/// kinds of fields, of which the last has none for it yet. The paths of its mappings.
pub(super) async fn vendors(app: &TestApp) -> [String; 3] {
    let owner = operator(Role::Owner);
    let due = json!({
        "name": "图书到期提醒", "title": "《{{ book }}》将于 {{ day }} 到期",
        "body": "{{ reader.name }}同学：您在{{ library }}借阅的《{{ book }}》将于 **{{ day }}** 到期，共借 {{ count }} 册。\n\n{% for one in others %}《{{ one.title }}》{% endfor %}{% if renewable %}可在线续借。{% endif %}{{ note | default('') }}",
        "link": "https://lib.bell.example/loans",
        "variants": {"en": {"title": "“{{ book }}” is due on {{ day }}"}},
        "samples": {
            "book": "平凡的世界（全三册，精装纪念版，附作者手迹）", "day": "2026年9月30日", "library": "总馆", "count": 3,
            "reader": {"name": "李娜"}, "others": [{"title": "三体"}, {"title": "活着"}], "renewable": true,
        },
    });
    templates::put(&app.services, &owner, "book-due", &due).await.unwrap();
    let new = |name: &str, channel, kind, settings| NewProvider {
        name: name.to_owned(),
        channel,
        kind,
        settings,
        priority: 20,
        weight: 1,
        rate: None,
    };
    let aliyun = json!({
        "access_key_id": "LTAI5tExample", "access_key_secret": "hunter2hunter2", "sign_name": "钟楼大学",
        "templates": {"book-due": {
            "code": "SMS_465021103", "variables": {"book": "book", "day": "day", "code": "page_code"},
            "text": "您借阅的《${book}》将于${day}到期，续借请打开 bell.example/m/${code}",
        }},
    });
    let tencent = json!({
        "secret_id": "AKIDexample", "secret_key": "hunter2hunter2", "sdk_app_id": "1400006666", "sign_name": "钟楼大学",
        "templates": {"book-due": {"id": "2104417", "variables": ["book", "day", "count"]}},
    });
    let followers = json!({
        "app_id": "wx0123456789abcdef", "app_secret": "hunter2hunter2",
        "default_template": {"id": "all-notices", "fields": {"thing1": "title", "thing2": "body"}},
    });
    let all = [
        new("阿里云短信", ChannelKind::Sms, ProviderKind::AliyunSms, aliyun),
        new("腾讯云短信（备用）", ChannelKind::Sms, ProviderKind::TencentSms, tencent),
        new("学校公众号", ChannelKind::Wechat, ProviderKind::WechatOfficialAccount, followers),
    ];
    let mut paths = [const { String::new() }; 3];
    for (path, new) in paths.iter_mut().zip(all) {
        let id = providers::create(&app.services, &owner, new).await.unwrap().id;
        *path = format!("/console/templates/book-due/mappings/{id}");
    }
    paths
}

/// What one kind of failed deliveries has in common; others were set aside.
pub(super) const FAILED: &str = "4:1:0:permanent_recipient:550";

pub(super) async fn trouble(app: &TestApp) {
    let silent = "8:1:0:no_answer:";
    let mut tx = app.services.db.begin().await.unwrap();
    let text = format!(
        "UPDATE delivery SET trouble = CASE state WHEN 4 THEN '{FAILED}' ELSE '{silent}' END WHERE state IN (3, 4)"
    );
    crate::store::execute(&mut tx, &text).await;
    tx.commit().await.unwrap();
    attention::begin(&app.services, &TERMINAL, silent, Remedy::SetAside).await.unwrap();
}
