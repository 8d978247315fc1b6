//! What a balancer and whoever watches it are told: only a node that cannot keep anything is taken off.

use belltower::domain::channel::ChannelKind;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::providers::{self, NewProvider};
use belltower::service::{Vault, sources};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp, everything};
use crate::support::{operator, services};

async fn ready(app: &TestApp, status: u16) -> Value {
    Answer::of(app.plain(Method::GET, "/readyz")).await.expect(status)
}

/// The detail of a part that is degraded, of a node that is ready all the same.
async fn shortcoming(app: &TestApp, name: &str) -> String {
    let ready = ready(app, 200).await;
    assert_eq!(ready["status"], "degraded", "{ready}");
    let part = ready["parts"].as_array().unwrap().iter().find(|part| part["name"] == name).unwrap();
    assert_eq!(part["status"], "degraded", "{ready}");
    part["detail"].as_str().unwrap().to_owned()
}

fn sandbox(channel: ChannelKind, settings: Value) -> NewProvider {
    NewProvider {
        name: format!("{channel} one"),
        channel,
        kind: ProviderKind::Sandbox,
        settings,
        priority: 10,
        weight: 1,
        rate: None,
    }
}

async fn set_up(app: &TestApp, new: NewProvider) {
    providers::create(&app.services, &operator(Role::Owner), new).await.unwrap();
}

async fn served() -> TestApp {
    let app = TestApp::start().await;
    for channel in ChannelKind::ALL {
        set_up(&app, sandbox(channel, json!({}))).await;
    }
    app
}

#[tokio::test]
async fn a_node_that_lacks_nothing_is_ready() {
    let app = served().await;
    let ready = ready(&app, 200).await;
    assert_eq!(ready["status"], "ready", "{ready}");
    let parts: Vec<_> = ready["parts"].as_array().unwrap().iter().map(|part| &part["name"]).collect();
    assert_eq!(parts, ["store", "queue", "providers"]);
}

#[tokio::test]
async fn a_new_installation_is_told_what_it_lacks() {
    let app = TestApp::start().await;
    let detail = shortcoming(&app, "providers").await;
    assert!(
        detail.contains("no provider is set up") && detail.contains("belltower provider create"),
        "{detail}"
    );
}

#[tokio::test]
async fn a_channel_that_sources_may_use_and_nobody_serves_is_told() {
    let app = TestApp::start().await;
    set_up(&app, sandbox(ChannelKind::Email, json!({}))).await;
    set_up(&app, sandbox(ChannelKind::Wechat, json!({}))).await;
    let detail = shortcoming(&app, "providers").await;
    assert!(detail.contains("may use sms") && !detail.contains("email"), "{detail}");
    set_up(&app, sandbox(ChannelKind::Sms, json!({}))).await;
    assert_eq!(ready(&app, 200).await["status"], "ready");
}

#[tokio::test]
async fn what_no_source_may_use_is_not_missed() {
    let app = TestApp::start().await;
    let email = sources::NewSource { channels: vec!["email".to_owned()], ..everything("library") };
    app.add_source(email).await;
    set_up(&app, sandbox(ChannelKind::Email, json!({}))).await;
    assert!(shortcoming(&app, "providers").await.contains("sms"));
    let all = sources::list(&app.services, &operator(Role::Owner)).await.unwrap();
    let registry = all.iter().find(|source| source.name == "registry").unwrap();
    sources::set_enabled(&app.services, &operator(Role::Owner), registry.id, false).await.unwrap();
    assert_eq!(ready(&app, 200).await["status"], "ready");
}

#[tokio::test]
async fn a_provider_that_fails_degrades_the_node_and_says_nothing_of_its_own() {
    let app = served().await;
    let failing = NewProvider {
        name: "dead relay".to_owned(),
        priority: 5,
        ..sandbox(ChannelKind::Email, json!({"outcome": "config"}))
    };
    set_up(&app, failing).await;
    let body =
        json!({"topic": "a.b", "title": "t", "body": "b", "to": [{"email": "zhang.wei@campus.example"}]});
    app.post("/messages", &body).await.expect(202);
    app.drain().await;
    let detail = shortcoming(&app, "providers").await;
    let until = app.clock.now().plus(std::time::Duration::from_mins(1));
    assert_eq!(detail, format!("the email provider `dead relay` failed and is tried again at {until}"));
    app.clock.turn(61_000);
    assert_eq!(ready(&app, 200).await["status"], "ready", "the next delivery finds out");
}

#[tokio::test]
async fn settings_that_do_not_open_degrade_the_node_until_they_are_mended() {
    let app = served().await;
    let mut with_another_key = services(app.services.db.clone());
    with_another_key.vault = Vault::from_key([8; 32]);
    let sealed = NewProvider { name: "sealed".to_owned(), ..sandbox(ChannelKind::Sms, json!({})) };
    let made = providers::create(&with_another_key, &operator(Role::Owner), sealed).await.unwrap();
    assert_eq!(ready(&app, 200).await["status"], "ready", "no dispatcher has looked yet");
    app.drain().await;
    let detail = shortcoming(&app, "providers").await;
    assert_eq!(detail, "the sms provider `sealed` has settings that cannot be used");
    let anew =
        providers::ProviderChanges { settings: Some(json!({})), ..providers::ProviderChanges::default() };
    app.clock.turn(1);
    providers::update(&app.services, &operator(Role::Owner), made.id, anew).await.unwrap();
    assert_eq!(ready(&app, 200).await["status"], "ready");
}

#[tokio::test]
async fn a_store_that_is_gone_takes_the_node_off_the_balancer() {
    let app = served().await;
    app.services.db.close().await;
    let ready = ready(&app, 503).await;
    assert_eq!(ready["status"], "unavailable");
    assert_eq!(Answer::of(app.plain(Method::GET, "/healthz")).await.status, 200);
}
