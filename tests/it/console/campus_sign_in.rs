//! Operators who come in by the university's own sign-in, against its simulator.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use belltower::clock::Clock;
use belltower::config::Config;
use belltower::domain::operator::Role;
use belltower::identity::SignIn;
use belltower::service::Caller;
use belltower::service::operators::{self, change_rules, link_campus_id};
use belltower::simulator::campus_sign_in::Account;
use belltower::simulator::{CampusSignInOptions, CampusSignInSimulator, VendorClock};
use belltower::store::audit::{self, AuditFilter};
use reqwest::Client;
use reqwest::redirect::Policy;
use serde_json::json;
use url::Url;

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::operator;
use crate::support::services::START;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Nobody of those who sign in.
const TERMINAL: Caller = Caller::Command("operator create");

/// A server beside a university's sign-in, where Li and Zhou have accounts.
async fn university(by_oidc: bool) -> (TestApp, CampusSignInSimulator) {
    let time: Arc<OnceLock<Clock>> = Arc::default();
    let shown = Arc::clone(&time);
    let clock = VendorClock(Arc::new(move || shown.get().map_or(START.0, |clock| clock.now().0)));
    let accounts = vec![Account::new("2001001", "李伟"), Account::new("2001002", "周敏")];
    let options = CampusSignInOptions { accounts, clock, ..CampusSignInOptions::default() };
    let simulator = CampusSignInSimulator::start(options).await.unwrap();
    let settings = if by_oidc { simulator.oidc() } else { simulator.cas() };
    let variables = settings.as_object().unwrap().iter().map(|(key, value)| {
        let name = format!("BELLTOWER_CAMPUS_SIGN_IN__{}", key.to_uppercase());
        (name, value.as_str().unwrap().to_owned())
    });
    let settings = Config::load(None, variables).unwrap().campus_sign_in.unwrap();
    let app = TestApp::start_with(|services| {
        time.set(services.clock.clone()).unwrap();
        let sign_in = SignIn::waiting(&settings, services.clock.clone(), PATIENCE).unwrap();
        services.sign_in = Some(Arc::new(sign_in));
    })
    .await;
    (app, simulator)
}

async fn open(app: &TestApp) {
    let rules = json!({ "campus_sign_in": true });
    assert!(change_rules(&app.services, &TERMINAL, &rules).await.unwrap().changed);
}

/// There, where they say that they are of that login, and back as far as it leads.
async fn come(browser: &mut Browser, login: &str) -> Answer {
    let gone = browser.get("/sign-in/campus?return_to=%2Fconsole%2Fmessages").await;
    assert_eq!(gone.status, 303, "{}", gone.text);
    let mut there = Url::parse(gone.header("location").unwrap()).unwrap();
    there.query_pairs_mut().append_pair("as", login);
    let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let led = client.get(there).send().await.unwrap();
    let back = Url::parse(led.headers()["location"].to_str().unwrap()).unwrap();
    assert_eq!(back.path(), "/sign-in/campus/back");
    browser.get(&format!("{}?{}", back.path(), back.query().unwrap())).await
}

async fn last_act(app: &TestApp) -> (String, String) {
    let row = audit::list(&app.services.db, &AuditFilter::default(), None, 1).await.unwrap().remove(0);
    (row.action, row.detail.0.to_string())
}

#[tokio::test]
async fn an_operator_comes_in_by_the_campus_account_that_an_administrator_named() {
    for by_oidc in [false, true] {
        let (app, _simulator) = university(by_oidc).await;
        let mut browser = Browser::signed_in(&app, Role::Sender).await;
        open(&app).await;
        let owner = operator(Role::Owner);
        let sender = operators::get_named(&app.services, &owner, "sender@bell.example").await.unwrap();
        link_campus_id(&app.services, &TERMINAL, sender.id, "2001001").await.unwrap();
        assert!(browser.get("/console/account").await.text.contains("2001001"));

        let mut browser = Browser::new(&app);
        let page = browser.get("/sign-in").await;
        assert!(page.text.contains("href=\"/sign-in/campus"), "{}", page.text);
        let came = come(&mut browser, "2001001").await;
        assert_eq!((came.status, came.header("location")), (303, Some("/console/messages")), "{}", came.text);
        assert_eq!(browser.get("/console").await.status, 200);
        let (act, detail) = last_act(&app).await;
        assert_eq!(act, "operator.sign_in");
        assert!(detail.contains("campus") && !detail.contains("2001001"), "{detail}");
    }
}

#[tokio::test]
async fn a_campus_account_that_is_no_operators_opens_nothing() {
    let (app, _simulator) = university(false).await;
    Browser::signed_in(&app, Role::Sender).await;
    open(&app).await;
    let mut browser = Browser::new(&app);
    let refused = come(&mut browser, "2001002").await;
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains("没有对应的操作员"), "{}", refused.text);
    assert_eq!(browser.get("/console").await.status, 303);
    assert_eq!(
        operators::list(&app.services, &operator(Role::Owner)).await.unwrap().len(),
        1,
        "none is made"
    );
    let (act, detail) = last_act(&app).await;
    assert_eq!(act, "operator.refuse_sign_in");
    assert!(!detail.contains("2001002"), "{detail}");
}

#[tokio::test]
async fn whoever_has_a_second_factor_gives_a_code_all_the_same() {
    let (app, _simulator) = university(false).await;
    Browser::signed_in(&app, Role::Sender).await;
    open(&app).await;
    let owner = operator(Role::Owner);
    let sender = operators::get_named(&app.services, &owner, "sender@bell.example").await.unwrap();
    link_campus_id(&app.services, &TERMINAL, sender.id, "2001001").await.unwrap();
    let mut tx = app.services.db.begin().await.unwrap();
    belltower::store::second_factors::set(&mut tx, sender.id, b"sealed", 0, START).await.unwrap();
    tx.commit().await.unwrap();
    let mut browser = Browser::new(&app);
    let came = come(&mut browser, "2001001").await;
    assert_eq!(
        came.header("location"),
        Some("/sign-in/code?return_to=%2Fconsole%2Fmessages"),
        "{}",
        came.text
    );
    assert_eq!(browser.get("/console").await.status, 303);
}

#[tokio::test]
async fn only_the_browser_that_left_comes_back_once_and_only_while_it_is_open() {
    let (app, simulator) = university(false).await;
    Browser::signed_in(&app, Role::Sender).await;
    let mut browser = Browser::new(&app);
    assert!(!browser.get("/sign-in").await.text.contains("/sign-in/campus"), "off until it is turned on");
    assert_eq!(browser.get("/sign-in/campus").await.status, 404);
    open(&app).await;
    let owner = operator(Role::Owner);
    let sender = operators::get_named(&app.services, &owner, "sender@bell.example").await.unwrap();
    link_campus_id(&app.services, &TERMINAL, sender.id, "2001001").await.unwrap();

    let gone = browser.get("/sign-in/campus").await;
    let mut there = Url::parse(gone.header("location").unwrap()).unwrap();
    there.query_pairs_mut().append_pair("as", "2001001");
    let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let led = client.get(there).send().await.unwrap();
    let back = Url::parse(led.headers()["location"].to_str().unwrap()).unwrap();
    let back = format!("{}?{}", back.path(), back.query().unwrap());
    let stranger = Browser::new(&app).get(&back).await;
    assert_eq!(stranger.status, 404, "{}", stranger.text);
    assert!(stranger.text.contains("已经失效"), "{}", stranger.text);
    let mut other = Browser::new(&app);
    other.get("/sign-in/campus").await;
    assert_eq!(other.get(&back).await.status, 404, "its own, but not this one");
    let late = browser.clone();
    assert_eq!(browser.get(&back).await.status, 303);
    assert_ne!(late.clone().get(&back).await.status, 303, "its ticket is used");
    app.clock.turn(16 * 60_000);
    assert_eq!(late.clone().get(&back).await.status, 404, "too late");

    drop(simulator);
    let mut lost = Browser::new(&app);
    let down = lost.get("/sign-in/campus").await;
    assert_eq!(down.status, 409, "{}", down.text);
    assert!(down.text.contains("暂时连不上") && down.text.contains("name=\"password\""), "{}", down.text);
}
