//! A code for a person who stands at the counter, and codes to be printed.

use belltower::domain::channel::ChannelKind;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::providers::{self, NewProvider, ProviderChanges};
use belltower::service::{audit, recipients};
use belltower::simulator::{OfficialAccountCall, OfficialAccountFaults};
use belltower::store::audit::AuditFilter;
use reqwest::Method;
use serde_json::json;

use super::browser::Browser;
use crate::support::account::Account;
use crate::support::app::{Answer, TestApp};
use crate::support::{operator, qr};

const LI: &str = "oLi-000000000000000000000001";

/// Li, and the path of their page.
async fn li(app: &TestApp) -> String {
    let li = json!({"name": "李伟", "email": "li@campus.example"});
    Answer::of(app.api(Method::PUT, "/recipients/2024001").json(&li)).await.expect(201);
    let li = recipients::get(&app.services, &operator(Role::Owner), "2024001").await.unwrap();
    format!("/console/people/{}", li.id)
}

async fn acts(app: &TestApp) -> Vec<String> {
    let filter = AuditFilter { action: Some("recipient.".to_owned()), ..AuditFilter::default() };
    let rows = audit::list(&app.services, &operator(Role::Owner), &filter, None, 9).await.unwrap();
    rows.iter().rev().map(|row| format!("{} by {}", row.action, row.actor)).collect()
}

#[tokio::test]
async fn a_code_at_the_counter_binds_and_the_page_notices() {
    let app = TestApp::start().await;
    let (page, account) = (li(&app).await, Account::of(&app).await);
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let there = format!("{page}/wechat");
    let before = browser.get(&page).await;
    assert!(
        before.text.contains("出示二维码") && !before.text.contains("<svg class=\"qr\""),
        "{}",
        before.text
    );
    let shown = browser.submit(&page, &there, &[]).await;
    assert_eq!(shown.header("location"), Some(&*format!("{page}#scan")), "{}", shown.text);
    let shown = browser.get(&page).await.text;
    let waiting = browser.partial(&there).await.text;
    assert!(waiting.contains(&format!("data-live hx-get=\"{there}\"")), "{waiting}");
    assert_eq!(qr::read(&waiting), qr::read(&shown));
    assert_eq!(acts(&app).await, ["recipient.show_code by 周敏 <owner@bell.example>"]);

    assert!(account.scan(&shown, LI));
    account.tell(&app).await;
    let noticed = browser.partial(&there).await.text;
    assert!(noticed.contains("已扫码，绑定完成") && !noticed.contains("data-live"), "{noticed}");
    assert!(
        noticed.contains("<hx-partial hx-target=\"#addresses\"") && noticed.contains("oL***01"),
        "{noticed}"
    );
    assert_eq!(acts(&app).await.last().unwrap(), "recipient.bind by recipient");
    let alone = browser.get(&there).await;
    assert_eq!(alone.header("location"), Some(&*format!("{page}#scan")), "the page around it");
}

#[tokio::test]
async fn what_the_account_says_against_it_is_shown_with_what_to_do() {
    let app = TestApp::start().await;
    let (page, account) = (li(&app).await, Account::of(&app).await);
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let there = format!("{page}/wechat");
    for (code, advice) in [(48_001, "权限"), (45_009, "额度")] {
        let faults = OfficialAccountFaults::default().refusing(OfficialAccountCall::Qrcode, code);
        account.set_faults(faults);
        let refused = browser.submit(&page, &there, &[]).await;
        assert_eq!(refused.status, 503, "{}", refused.text);
        let (_, said) = refused.text.split_once("公众号没有生成二维码").unwrap();
        let said = said.split("</p>").next().unwrap();
        assert!(said.contains(&format!("{code} simulated")) && said.contains(advice), "{said}");
        assert!(!refused.text.contains("<svg class=\"qr\""));
    }
    assert!(acts(&app).await.is_empty(), "nothing was shown");
}

#[tokio::test]
async fn only_who_may_change_people_shows_codes() {
    let app = TestApp::start().await;
    let page = li(&app).await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    assert!(!owner.get(&page).await.text.contains("出示二维码"), "no account makes any");
    let account = Account::of(&app).await;
    assert!(owner.get(&page).await.text.contains("出示二维码"));
    let mut sender = Browser::signed_in(&app, Role::Sender).await;
    assert!(!sender.get(&page).await.text.contains("出示二维码"));
    let there = format!("{page}/wechat");
    assert_eq!(sender.partial(&there).await.status, 403);
    assert_eq!(sender.submit("/console/people", &there, &[]).await.status, 403);
    assert_eq!(account.simulator.stats().stable_token, 0, "nobody was called");
}

#[tokio::test]
async fn posters_lead_to_where_people_bind() {
    let app = TestApp::start().await;
    li(&app).await;
    let mut browser = Browser::signed_in(&app, Role::Sender).await;
    assert!(!browser.get("/console/people").await.text.contains("posters/"), "nobody can bind yet");
    Account::of(&app).await;
    let wecom = |name: &str| NewProvider {
        name: name.to_owned(),
        channel: ChannelKind::Wechat,
        kind: ProviderKind::Wecom,
        settings: json!({"corp_id": "wwbell", "secret": "s", "agent_id": 7, "endpoint": "http://127.0.0.1:1"}),
        priority: 20,
        weight: 1,
        rate: None,
    };
    let (s, owner) = (&app.services, operator(Role::Owner));
    providers::create(s, &owner, wecom("企业微信")).await.unwrap();
    let second = providers::create(s, &owner, wecom("研究生院")).await.unwrap().id.to_string();
    let off = providers::create(s, &owner, wecom("停用的")).await.unwrap().id;
    let disabled = ProviderChanges { enabled: Some(false), ..ProviderChanges::default() };
    providers::update(s, &owner, off, disabled).await.unwrap();
    let list = browser.get("/console/people").await.text;
    assert_eq!(list.matches("href=\"/console/people/posters/").count(), 3, "{list}");
    for account in ["wechat", "wecom", &second] {
        let address = format!("http://127.0.0.1:8080/bind/{account}");
        assert!(list.contains(&format!("<code>{address}</code>")), "{list}");
        let file = browser.get(&format!("/console/people/posters/{account}")).await;
        assert_eq!(file.header("content-type"), Some("image/svg+xml"));
        let named = format!("attachment; filename=\"bind-{account}.svg\"");
        assert_eq!(file.header("content-disposition"), Some(&*named));
        assert!(file.text.contains(&format!(">{address}</text>")), "{}", file.text);
        assert!(file.text.contains("<title>微信扫码，接收钟楼大学消息</title>"), "{}", file.text);
        assert_eq!(qr::read(&file.text), address);
    }
    assert_eq!(browser.get(&format!("/console/people/posters/{off}")).await.status, 404);
}
