//! Providers over a running server: the lines of each channel, forms, tests, and who may do what.

use std::time::Duration;

use belltower::domain::channel::ChannelKind;
use belltower::domain::id::ProviderId;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::providers::{self, NewProvider, ProviderChanges};
use belltower::simulator::{SmtpOptions, SmtpSimulator, WecomOptions, WecomSimulator};
use reqwest::Method;
use serde_json::{Value, json};

use super::browser::Browser;
use crate::support::app::TestApp;
use crate::support::operator;

const HOME: &str = "/console/providers";
const NEW_RELAY: &str = "/console/providers/new?channel=email&kind=smtp";

async fn add(
    app: &TestApp,
    name: &str,
    channel: ChannelKind,
    kind: ProviderKind,
    settings: Value,
) -> ProviderId {
    let new =
        NewProvider { name: name.to_owned(), channel, kind, settings, priority: 10, weight: 1, rate: None };
    providers::create(&app.services, &operator(Role::Owner), new).await.unwrap().id
}

async fn sandbox(app: &TestApp, name: &str) -> ProviderId {
    add(app, name, ChannelKind::Email, ProviderKind::Sandbox, json!({})).await
}

/// The settings as they are kept, secrets hidden.
async fn kept(app: &TestApp, path: &str) -> Value {
    let id = path.rsplit('/').next().unwrap().parse().unwrap();
    providers::show(&app.services, &operator(Role::Owner), id).await.unwrap().1
}

/// A relay as typed into its form.
fn relay<'a>(port: &'a str, password: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![
        ("channel", "email"),
        ("kind", "smtp"),
        ("name", "校内邮件"),
        ("priority", "10"),
        ("weight", "1"),
        ("rate", ""),
        ("settings-host", "127.0.0.1"),
        ("settings-port", port),
        ("settings-tls", "none"),
        ("settings-username", "bell"),
        ("settings-password", password),
        ("settings-from_address", "bell@bell.example"),
        ("settings-from_name", "钟楼大学"),
    ]
}

#[tokio::test]
async fn each_channel_says_who_serves_it_and_what_is_missing() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = browser.get(HOME).await;
    for channel in ["email", "sms", "wechat"] {
        assert!(page.text.contains(&format!("{HOME}/new?channel={channel}")), "{channel}: {}", page.text);
    }
    assert_eq!(page.text.matches("却没有启用的服务商").count(), 3, "{}", page.text);

    let first = sandbox(&app, "校内邮件 <1>").await;
    let second = sandbox(&app, "云推送").await;
    let until = app.services.clock.now().plus(Duration::from_mins(1));
    let detail = json!({"until": until.to_string(), "reason": "421 li.wei@bell.example is busy"});
    providers::record_event(&app.services, second, "opened", &detail).await.unwrap();
    let page = browser.get(HOME).await;
    assert_eq!(page.text.matches("却没有启用的服务商").count(), 2, "{}", page.text);
    for holds in [
        "校内邮件 &#60;1&#62;",
        "沙箱",
        "第 1 顺位",
        "分担 50%",
        "正常",
        "暂停使用",
        "421 l***@bell.example is busy",
    ] {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }

    browser.submit(HOME, &format!("{HOME}/{first}/enabled"), &[("enabled", "false")]).await;
    let page = browser.get(HOME).await;
    assert!(page.text.contains("已停用") && !page.text.contains("分担 "), "{}", page.text);
}

#[tokio::test]
async fn a_kind_is_chosen_and_its_form_keeps_what_was_typed_but_secrets() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let kinds = browser.get(&format!("{HOME}/new?channel=sms&kind=smtp")).await;
    assert!(kinds.text.contains("kind=http_sms") && kinds.text.contains("kind=wecom"), "{}", kinds.text);

    let mut fields = relay("70000", "hunter2");
    fields.extend([("settings-connections", "many"), ("settings-dkim-selector", "s1")]);
    for field in &mut fields {
        match field.0 {
            "name" | "settings-from_name" => field.1 = "",
            "settings-host" => field.1 = "relay.bell.example:25",
            "weight" => field.1 = "heavy",
            _ => {}
        }
    }
    let refused = browser.submit(NEW_RELAY, HOME, &fields).await;
    assert_eq!(refused.status, 422);
    for field in [
        "name",
        "weight",
        "settings-host",
        "settings-port",
        "settings-tls",
        "settings-from_name",
        "settings-connections",
        "settings-dkim-domain",
        "settings-dkim-private_key",
    ] {
        assert!(refused.text.contains(&format!("id=\"{field}-error\"")), "{field}: {}", refused.text);
    }
    for holds in [
        "请只填主机名或 IP 地址",
        "1 到 65,535",
        "value=\"relay.bell.example:25\"",
        "value=\"s1\"",
        "不加密时，密码只能发给本机",
        "密码和密钥不会带回这里",
    ] {
        assert!(refused.text.contains(holds), "{holds}: {}", refused.text);
    }
    assert!(!refused.text.contains("hunter2"), "a secret is never shown again");
    assert!(refused.text.contains("<details class=\"fold\" open>"), "{}", refused.text);
}

#[tokio::test]
async fn where_no_provider_stands_is_said_at_the_address() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    for nowhere in ["169.254.169.254", "fe80::1", "100.100.100.200"] {
        let mut fields = relay("2525", "");
        fields.retain(|field| field.0 != "settings-username");
        fields.iter_mut().filter(|field| field.0 == "settings-host").for_each(|field| field.1 = nowhere);
        let refused = browser.submit(NEW_RELAY, HOME, &fields).await;
        assert_eq!(refused.status, 422, "{nowhere}");
        for holds in ["id=\"settings-host-error\"", "链路本地地址"] {
            assert!(refused.text.contains(holds), "{nowhere}: {}", refused.text);
        }
    }
}

#[tokio::test]
async fn a_change_keeps_secrets_that_are_left_empty() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let made = browser.submit(NEW_RELAY, HOME, &relay("2525", "hunter2")).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let path = made.header("location").unwrap().to_owned();
    let edit = format!("{path}/edit");
    let form = browser.get(&edit).await;
    assert!(form.text.contains("value=\"2525\"") && !form.text.contains("hunter2"), "{}", form.text);

    let mut fields = relay("2525", "");
    fields.push(("settings-timeout_seconds", "0.5"));
    assert_eq!(browser.submit(&edit, &path, &fields).await.status, 303);
    let settings = kept(&app, &path).await;
    assert_eq!(
        (&settings["port"], &settings["password"], &settings["timeout_seconds"]),
        (&json!(2525), &json!("…"), &json!(0.5))
    );

    fields.push(("remove-password", "true"));
    let refused = browser.submit(&edit, &path, &fields).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("id=\"settings-password-error\""), "{}", refused.text);
    fields.iter_mut().filter(|field| field.0 == "settings-username").for_each(|field| field.1 = "");
    assert_eq!(browser.submit(&edit, &path, &fields).await.status, 303);
    let settings = kept(&app, &path).await;
    assert_eq!((settings.get("username"), settings.get("password")), (None, None));
}

#[tokio::test]
async fn an_address_that_leads_elsewhere_takes_the_password_again() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let made = browser.submit(NEW_RELAY, HOME, &relay("2525", "hunter2")).await;
    let path = made.header("location").unwrap().to_owned();
    let edit = format!("{path}/edit");
    let refused = browser.submit(&edit, &path, &relay("2526", "")).await;
    assert_eq!(refused.status, 422);
    for holds in ["id=\"settings-password-error\"", "它将发往别处", "value=\"2526\""] {
        assert!(refused.text.contains(holds), "{holds}: {}", refused.text);
    }
    assert_eq!(kept(&app, &path).await["port"], 2525);
    assert_eq!(browser.submit(&edit, &path, &relay("2526", "hunter2")).await.status, 303);
    assert_eq!(kept(&app, &path).await["port"], 2526);
}

#[tokio::test]
async fn json_is_told_where_it_breaks_and_changed_as_it_is_shown() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let new = format!("{HOME}/new?channel=sms&kind=http_sms");
    let fields = |request: &'static str, secrets: &'static str| {
        vec![
            ("channel", "sms"),
            ("kind", "http_sms"),
            ("name", "短信网关"),
            ("priority", "10"),
            ("weight", "1"),
            ("settings-request", request),
            ("settings-secrets", secrets),
        ]
    };
    let broken = browser.submit(&new, HOME, &fields("{\"url\":\n ?}", "{\"key\": 5}")).await;
    assert_eq!(broken.status, 422);
    for holds in ["第 2 行", "/key: ", "{&#34;url&#34;:\n ?}"] {
        assert!(broken.text.contains(holds), "{holds}: {}", broken.text);
    }
    let good = r#"{"url": "https://gw.example/{secret.key}", "body": {"to": "{to}"}}"#;
    let made = browser.submit(&new, HOME, &fields(good, r#"{"key": "hunter2", "old": "o"}"#)).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let path = made.header("location").unwrap().to_owned();
    let page = browser.get(&path).await;
    for holds in ["https://gw.example/{secret.key}", "/callbacks/prv_", "状态报告推送地址"] {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }
    assert!(!page.text.contains("hunter2"), "{}", page.text);

    let changed = browser.submit(&format!("{path}/edit"), &path, &fields(good, r#"{"key": "…"}"#)).await;
    assert_eq!(changed.status, 303, "{}", changed.text);
    assert_eq!(kept(&app, &path).await["secrets"], json!({"key": "…"}));
}

/// What a form carries under that name and does not show.
fn hidden(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    let written = rest.split('"').next().unwrap();
    written.replace("&#34;", "\"").replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&")
}

#[tokio::test]
async fn a_save_over_somebody_elses_is_noticed_and_nothing_typed_is_lost() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let made = browser.submit(NEW_RELAY, HOME, &relay("2525", "hunter2")).await;
    let path = made.header("location").unwrap().to_owned();
    let edit = format!("{path}/edit");
    let form = browser.get(&edit).await;
    let (seen, was) = (hidden(&form.text, "seen"), hidden(&form.text, "was"));
    assert!(!was.contains("hunter2") && was.contains("2525"), "{was}");

    // Somebody else changes port and name; then the form is sent with another port, another user and the old name.
    let id: ProviderId = path.rsplit('/').next().unwrap().parse().unwrap();
    let changes = ProviderChanges {
        name: Some("备用邮件".to_owned()),
        settings: Some(json!({"port": 2600, "password": "hunter2"})),
        ..ProviderChanges::default()
    };
    providers::update(&app.services, &operator(Role::Owner), id, changes).await.unwrap();
    let mut fields = relay("2526", "typed-secret");
    fields.iter_mut().filter(|field| field.0 == "settings-username").for_each(|field| field.1 = "porter");
    fields.extend([("seen", seen.as_str()), ("was", was.as_str())]);
    let asked = browser.submit(&edit, &path, &fields).await;
    assert_eq!(asked.status, 409);
    for holds in [
        "value=\"2526\"",
        "value=\"porter\"",
        "value=\"备用邮件\"",
        "<dd>2600<",
        "<dd>备用邮件<",
        "保存会覆盖对方的",
        "下面已换成对方的",
    ] {
        assert!(asked.text.contains(holds), "{holds}: {}", asked.text);
    }
    assert!(!asked.text.contains("typed-secret"), "a secret is never shown again");
    assert_eq!(kept(&app, &path).await["port"], 2600, "nothing was saved");

    // What is sent again is meant.
    let (seen, was) = (hidden(&asked.text, "seen"), hidden(&asked.text, "was"));
    let mut again = relay("2526", "typed-secret");
    again.iter_mut().filter(|field| field.0 == "settings-username").for_each(|field| field.1 = "porter");
    again.iter_mut().filter(|field| field.0 == "name").for_each(|field| field.1 = "备用邮件");
    again.extend([("seen", seen.as_str()), ("was", was.as_str())]);
    let saved = browser.submit(&edit, &path, &again).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let settings = kept(&app, &path).await;
    assert_eq!((&settings["port"], &settings["username"]), (&json!(2526), &json!("porter")));
    assert_eq!(browser.submit(&edit, &path, &again).await.status, 409, "the form is of before");
}

#[tokio::test]
async fn a_secret_that_somebody_else_replaced_is_told_without_a_word_of_it() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let made = browser.submit(NEW_RELAY, HOME, &relay("2525", "hunter2")).await;
    let path = made.header("location").unwrap().to_owned();
    let edit = format!("{path}/edit");
    let form = browser.get(&edit).await;
    let (seen, was) = (hidden(&form.text, "seen"), hidden(&form.text, "was"));
    let id: ProviderId = path.rsplit('/').next().unwrap().parse().unwrap();
    let settings = Some(json!({"password": "hunter3"}));
    let changes = ProviderChanges { settings, ..ProviderChanges::default() };
    providers::update(&app.services, &operator(Role::Owner), id, changes).await.unwrap();
    let mut fields = relay("2525", "");
    fields.extend([("seen", seen.as_str()), ("was", was.as_str())]);
    let asked = browser.submit(&edit, &path, &fields).await;
    assert_eq!(asked.status, 409);
    assert!(asked.text.contains("可能换了密钥") && !asked.text.contains("hunter3"), "{}", asked.text);
}

#[tokio::test]
async fn a_test_tells_what_the_provider_said() {
    let app = TestApp::start().await;
    let auth = Some(("bell".to_owned(), "hunter2".to_owned()));
    let simulator = SmtpSimulator::start(SmtpOptions { auth, ..SmtpOptions::default() }).await.unwrap();
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let port = simulator.addr().port().to_string();
    let made = browser.submit(NEW_RELAY, HOME, &relay(&port, "wrong")).await;
    let path = made.header("location").unwrap().to_owned();
    let test = format!("{path}/test");
    let failed = browser.submit(&path, &test, &[]).await;
    assert_eq!(failed.status, 200);
    for holds in ["自检未通过", "535 5.7.8", "没有发出任何消息", "建议"] {
        assert!(failed.text.contains(holds), "{holds}: {}", failed.text);
    }
    browser.submit(&format!("{path}/edit"), &path, &relay(&port, "hunter2")).await;
    let passed = browser.submit(&path, &test, &[]).await;
    assert!(passed.text.contains("自检通过") && passed.text.contains("ESMTP ready"), "{}", passed.text);
    assert!(!passed.text.contains("建议"), "{}", passed.text);

    let corp = WecomSimulator::start(WecomOptions::default()).await.unwrap();
    let mut settings = corp.settings();
    settings["secret"] = "nobodys".into();
    let id = add(&app, "企业微信", ChannelKind::Wechat, ProviderKind::Wecom, settings).await;
    let path = format!("{HOME}/{id}");
    let failed = browser.submit(&path, &format!("{path}/test"), &[]).await;
    assert!(failed.text.contains("对方的代码</dt><dd class=\"code\">40001<"), "{}", failed.text);
}

#[tokio::test]
async fn a_history_is_told_page_by_page_whatever_is_in_it() {
    let app = TestApp::start().await;
    let id = sandbox(&app, "校内邮件").await;
    for number in 0..14 {
        let detail = json!({"reason": format!("<b>no {number}</b>")});
        providers::record_event(&app.services, id, "alarm", &detail).await.unwrap();
    }
    providers::record_event(&app.services, id, "re<wired", &json!({"code": 5})).await.unwrap();
    let mut browser = Browser::signed_in(&app, Role::Auditor).await;
    let page = browser.get(&format!("{HOME}/{id}")).await;
    assert!(
        page.text.contains("re&#60;wired") && page.text.contains("&#60;b&#62;no 13&#60;/b&#62;"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("no 2&#60;"), "{}", page.text);
    let (_, rest) = page.text.split_once("?before=").unwrap();
    let before = rest.split('"').next().unwrap();
    let page = browser.get(&format!("{HOME}/{id}?before={before}")).await;
    assert!(page.text.contains("no 2&#60;") && page.text.contains("回到最新"), "{}", page.text);
    assert!(browser.get(&format!("{HOME}/{id}?before=nonsense")).await.text.contains("no 13&#60;"));
}

#[tokio::test]
async fn what_belongs_to_no_delivery_is_listed_masked() {
    let app = TestApp::start().await;
    let settings = json!({"request": {"url": "https://gw.example", "body": {"to": "{to}"}}});
    let id = add(&app, "短信网关", ChannelKind::Sms, ProviderKind::HttpSms, settings).await;
    let mut browser = Browser::signed_in(&app, Role::Auditor).await;
    let list = format!("{HOME}/receipts");
    assert!(browser.get(&list).await.text.contains("没有无主回执"));
    let (provider, _) = providers::show(&app.services, &operator(Role::Owner), id).await.unwrap();
    let url = provider.callback_url.unwrap();
    let path = url.strip_prefix("http://127.0.0.1:8080").unwrap();
    for body in
        [r#"[{"msgid": "S1<", "mobile": "13800000001", "status": "UNDELIV"}]"#, r#"{"phone": "13800000002"}"#]
    {
        let request = app.client.request(Method::POST, format!("{}{path}", app.url));
        let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    app.drain().await;
    let page = browser.get(&list).await;
    for holds in ["S1&#60;", "UNDELIV", "仍在寻找", "短信网关", "读不懂的推送"] {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }
    assert!(!page.text.contains("13800000001") && !page.text.contains("13800000002"), "{}", page.text);
    assert!(browser.get(&format!("{list}?cursor=nonsense")).await.text.contains("S1&#60;"));
}

#[tokio::test]
async fn every_route_is_for_those_who_may() {
    let app = TestApp::start().await;
    let id = sandbox(&app, "校内邮件").await;
    let one = format!("{HOME}/{id}");
    let views = [HOME.to_owned(), one.clone(), format!("{HOME}/receipts")];
    let forms = [format!("{HOME}/new"), NEW_RELAY.to_owned(), format!("{one}/edit")];
    let acts = [HOME.to_owned(), one.clone(), format!("{one}/test"), format!("{one}/enabled")];
    for role in Role::ALL {
        let mut browser = Browser::signed_in(&app, *role).await;
        let (sees, edits) = (matches!(role, Role::Owner | Role::Auditor), *role == Role::Owner);
        for path in &views {
            assert_eq!(browser.get(path).await.status, if sees { 200 } else { 403 }, "{role} {path}");
        }
        for path in &forms {
            assert_eq!(browser.get(path).await.status, if edits { 200 } else { 403 }, "{role} {path}");
        }
        for path in acts.iter().filter(|_| !edits) {
            assert_eq!(browser.submit("/console", path, &relay("25", "")).await.status, 403, "{role} {path}");
        }
        let room = format!("href=\"{HOME}\"");
        assert_eq!(browser.get("/console").await.text.contains(&room), sees, "{role}");
    }
    let mut auditor = Browser::coming_back(&app, Role::Auditor).await;
    let page = auditor.get(&one).await;
    assert!(!page.text.contains(&format!("{one}/")), "no way to what is refused: {}", page.text);
    assert_eq!(auditor.get(&format!("{HOME}/prv_none")).await.status, 404);
}
