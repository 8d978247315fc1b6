//! Sign-in, one-time links, sign-out, language and theme over a running server.

use belltower::domain::operator::Role;
use belltower::service::operators::{self, NewOperator};
use belltower::store::audit::{self, AuditFilter};
use reqwest::Method;

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::{TERMINAL, operator};

const PASSWORD: &str = "seven quiet lamps by the lake";

async fn first_link(app: &TestApp) -> String {
    let link = operators::first_link(&app.services).await.unwrap().unwrap();
    link.strip_prefix("http://127.0.0.1:8080").unwrap().to_owned()
}

fn token(link: &str) -> &str {
    link.strip_prefix("/set-up?token=").unwrap()
}

#[tokio::test]
async fn the_first_link_makes_one_owner_and_no_second() {
    let app = TestApp::start().await;
    let link = first_link(&app).await;
    let mut browser = Browser::new(&app);
    let fill = |password: &'static str, again: &'static str| {
        let (name, email) = ("王敏", "wang@bell.example");
        [("name", name), ("email", email), ("password", password), ("password_again", again)]
    };
    let with_token = |fields: [(&'static str, &'static str); 4]| {
        let mut all = vec![("token", token(&link))];
        all.extend(fields);
        all
    };

    let weak = browser.submit(&link, "/set-up", &with_token(fill("password1234", "password1234"))).await;
    assert_eq!(weak.status, 422, "{}", weak.text);
    assert!(weak.text.contains("太容易猜到") && weak.text.contains("wang@bell.example"), "{}", weak.text);
    assert!(!weak.text.contains("password1234"), "a password is never shown again");
    let differing = browser.submit(&link, "/set-up", &with_token(fill(PASSWORD, "something else"))).await;
    assert!(differing.text.contains("两次输入不一致"), "{}", differing.text);

    let made = browser.submit(&link, "/set-up", &with_token(fill(PASSWORD, PASSWORD))).await;
    assert_eq!((made.status, made.header("location")), (303, Some("/console")), "{}", made.text);
    let home = browser.get("/console").await;
    assert!(home.status == 200 && home.text.contains("王敏"), "{}", home.text);

    let again = Browser::new(&app).get(&link).await;
    assert_eq!(again.status, 409);
    assert!(again.text.contains("这个链接已经用过"), "{}", again.text);
    let unknown = Browser::new(&app).get("/set-up?token=guess").await;
    assert_eq!(unknown.status, 404);
    for page in [again, unknown] {
        assert!(page.text.contains("<h1>这个链接已失效</h1>"), "{}", page.text);
        assert!(page.text.contains("href=\"/sign-in\">前往登录"), "{}", page.text);
    }
}

#[tokio::test]
async fn a_new_installation_says_where_the_first_link_is_until_somebody_came_in() {
    let app = TestApp::start().await;
    let hint = "还没有管理员";
    let mut browser = Browser::new(&app);
    assert!(browser.get("/sign-in").await.text.contains(hint));
    let wrong = [("email", "wang@bell.example"), ("password", "not this one")];
    assert!(browser.submit("/sign-in", "/sign-in", &wrong).await.text.contains(hint));
    Browser::signed_in(&app, Role::Owner).await;
    assert!(!browser.get("/sign-in").await.text.contains(hint));
}

#[tokio::test]
async fn a_wrong_address_in_the_console_is_answered_by_a_page_with_a_way_back() {
    let app = TestApp::start().await;
    let signed_in = Browser::signed_in(&app, Role::Owner).await;
    for mut browser in [Browser::new(&app), signed_in] {
        for path in ["/console/nothing", "/console/sources/a/b/c"] {
            let page = browser.get(path).await;
            assert_eq!(page.status, 404, "{path}");
            assert!(page.text.contains("找不到这个页面"), "{path}: {}", page.text);
            assert!(page.text.contains("href=\"/console\">回到概览"), "{path}: {}", page.text);
            assert!(!page.text.contains("not found"), "{path}: {}", page.text);
        }
    }
}

#[tokio::test]
async fn an_invited_operator_chooses_a_password_only() {
    let app = TestApp::start().await;
    let new = NewOperator {
        email: "zhou@bell.example".to_owned(),
        name: "周敏".to_owned(),
        grants: vec![Role::Sender.into()],
        password: None,
    };
    let made = operators::create(&app.services, &TERMINAL, new).await.unwrap().done().unwrap();
    let link = made.link.unwrap().strip_prefix("http://127.0.0.1:8080").unwrap().to_owned();
    let mut browser = Browser::new(&app);
    let page = browser.get(&link).await;
    assert!(page.text.contains("周敏") && !page.text.contains("name=\"name\""), "{}", page.text);
    let fields = [("token", token(&link)), ("password", PASSWORD), ("password_again", PASSWORD)];
    assert_eq!(browser.submit(&link, "/set-up", &fields).await.status, 303);
    assert!(browser.get("/console").await.text.contains("周敏"));
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_guessing_has_to_wait() {
    let app = TestApp::start().await;
    Browser::signed_in(&app, Role::Owner).await;
    let mut browser = Browser::new(&app);
    let wrong = [("email", "owner@bell.example"), ("password", "not this one")];
    let refused = browser.submit("/sign-in", "/sign-in", &wrong).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("邮箱地址或密码不正确") && refused.text.contains("owner@bell.example"));
    let nobody = [("email", "nobody@bell.example"), ("password", "not this one")];
    assert!(browser.submit("/sign-in", "/sign-in", &nobody).await.text.contains("邮箱地址或密码不正确"));
    for _ in 0..2 {
        browser.submit("/sign-in", "/sign-in", &wrong).await;
    }
    let slowed = browser.submit("/sign-in", "/sign-in", &wrong).await;
    assert_eq!(slowed.status, 429, "{}", slowed.text);
    assert!(slowed.header("retry-after").is_some() && slowed.text.contains("尝试次数太多"));
    assert_eq!(browser.get("/console").await.status, 303);
}

/// Tries to sign in as somebody, each time somebody else.
async fn guess(browser: &mut Browser, number: usize) -> u16 {
    let email = format!("guess{number}@bell.example");
    browser.submit("/sign-in", "/sign-in", &[("email", &email), ("password", "wrong")]).await.status
}

async fn last_actor(app: &TestApp) -> String {
    audit::list(&app.services.db, &AuditFilter::default(), None, 1).await.unwrap()[0].actor.clone()
}

#[tokio::test]
async fn behind_a_proxy_guessing_slows_down_only_whoever_guesses() {
    let app = TestApp::start_behind(&["127.0.0.1/32"]).await;
    let mut guesser = Browser::coming_from(&app, "198.51.100.1, 203.0.113.1");
    for number in 0..21 {
        assert_eq!(guess(&mut guesser, number).await, 422, "{number}");
    }
    assert_eq!(last_actor(&app).await, "address 203.0.113.1", "not what it wrote itself");
    assert_eq!(guess(&mut guesser, 21).await, 429);
    let mut disguised = Browser::coming_from(&app, "203.0.113.2, 203.0.113.1");
    assert_eq!(guess(&mut disguised, 22).await, 429);
    let mut neighbour = Browser::coming_from(&app, "203.0.113.2");
    assert_eq!(guess(&mut neighbour, 23).await, 422);
}

#[tokio::test]
async fn a_proxy_that_nobody_named_is_not_believed() {
    for proxies in [&[][..], &["10.0.0.0/8"]] {
        let app = TestApp::start_behind(proxies).await;
        let mut browser = Browser::coming_from(&app, "203.0.113.1");
        assert_eq!(guess(&mut browser, 0).await, 422);
        assert_eq!(last_actor(&app).await, "address 127.0.0.1");
    }
}

#[tokio::test]
async fn the_way_on_after_sign_in_stays_in_the_console() {
    let app = TestApp::start().await;
    Browser::signed_in(&app, Role::Owner).await;
    let asked = Browser::new(&app).get("/console/sources?x=1").await;
    assert_eq!(asked.header("location"), Some("/sign-in?return_to=%2Fconsole%2Fsources%3Fx%3D1"));
    for (wish, way) in [
        ("/console/sources", "/console/sources"),
        ("//evil.example", "/console"),
        ("https://evil.example", "/console"),
        ("/sign-in", "/console"),
    ] {
        let mut browser = Browser::new(&app);
        let fields = [("email", "owner@bell.example"), ("password", PASSWORD), ("return_to", wish)];
        let answer = browser.submit("/sign-in", "/sign-in", &fields).await;
        assert_eq!(answer.header("location"), Some(way), "{wish}");
    }
    let root = Browser::new(&app).get("/").await;
    assert_eq!((root.status, root.header("location")), (303, Some("/console")));
}

#[tokio::test]
async fn forms_from_elsewhere_are_refused() {
    let app = TestApp::start().await;
    let mut signed_in = Browser::signed_in(&app, Role::Owner).await;
    let fields = [("email", "owner@bell.example"), ("password", PASSWORD)];
    let refused = Browser::new(&app).post("/sign-in", &fields).await;
    assert_eq!(refused.status, 403);
    let id = refused.header("x-request-id").unwrap();
    assert!(refused.text.contains("另一次登录") && refused.text.contains(id), "{}", refused.text);

    let others = Browser::signed_in(&app, Role::Auditor).await.get("/console").await;
    let token = others.text.split_once("name=\"csrf\" value=\"").unwrap().1.split('"').next().unwrap();
    assert_eq!(signed_in.post("/sign-out", &[("csrf", token)]).await.status, 403);
    assert_eq!(signed_in.get("/console").await.status, 200, "still signed in");
}

#[tokio::test]
async fn a_session_ends_by_sign_out_by_time_and_with_its_operator() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let kept = browser.clone();
    let left = browser.submit("/console", "/sign-out", &[]).await;
    assert_eq!((left.status, left.header("location")), (303, Some("/sign-in")));
    assert_eq!(kept.clone().get("/console").await.status, 303, "the cookie alone opens nothing");
    assert_eq!(browser.get("/console").await.status, 303);
    let outs = async || {
        let filter = AuditFilter { action: Some("operator.sign_out".to_owned()), ..AuditFilter::default() };
        audit::list(&app.services.db, &filter, None, 10).await.unwrap()
    };
    let [out] = &outs().await[..] else { panic!("written down once: {:?}", outs().await) };
    let who =
        operators::get_named(&app.services, &operator(Role::Owner), "owner@bell.example").await.unwrap();
    assert_eq!(out.object, who.id.to_string());
    // Who was out is not out once more.
    browser.submit("/sign-in", "/sign-out", &[]).await;
    assert_eq!(outs().await.len(), 1);

    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    assert_eq!(auditor.get("/console").await.status, 200);
    let owner = operator(Role::Owner);
    let found = operators::get_named(&app.services, &owner, "auditor@bell.example").await.unwrap();
    operators::set_enabled(&app.services, &owner, found.id, false).await.unwrap();
    assert_eq!(auditor.get("/console").await.status, 303);

    let mut sender = Browser::signed_in(&app, Role::Sender).await;
    app.clock.turn(31 * 60_000);
    assert_eq!(sender.get("/console").await.status, 303, "unused for half an hour");
}

#[tokio::test]
async fn whoever_was_signed_out_is_told_that_nothing_was_done_and_comes_back_to_the_page_of_it() {
    let app = TestApp::start().await;
    let stop = app.plain(Method::POST, "/console/emergency/broadcasts/brd_2/stop");
    let from = "/console/emergency/fire?place=%E9%A3%9F%E5%A0%82";
    // It is led to the door.
    let page = Answer::of(stop.header("referer", format!("http://bell.example{from}#now"))).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("刚才的操作没有执行"), "{}", page.text);
    assert!(page.text.contains(&format!(r#"name="return_to" value="{from}""#)), "{}", page.text);
    let stop = app.plain(Method::POST, "/console/emergency/broadcasts/brd_2/stop");
    let answer = Answer::of(
        stop.header("referer", "nowhere").header("hx-request", "true").header("hx-request-type", "partial"),
    )
    .await;
    assert_eq!(answer.header("hx-redirect"), Some("/sign-in?undone=1"));
    assert!(!Browser::new(&app).get("/sign-in").await.text.contains("刚才的操作没有执行"));
}

#[tokio::test]
async fn cookies_hold_nothing_a_script_could_take() {
    let app = TestApp::start().await;
    let page = Browser::new(&app).get("/sign-in").await;
    let visit = page.header("set-cookie").unwrap();
    assert!(visit.starts_with("bt_visit=") && visit.contains("HttpOnly") && visit.contains("SameSite=Lax"));
    let mut browser = Browser::new(&app);
    Browser::signed_in(&app, Role::Owner).await;
    let fields = [("email", "owner@bell.example"), ("password", PASSWORD)];
    let answer = browser.submit("/sign-in", "/sign-in", &fields).await;
    let session = answer.header("set-cookie").unwrap();
    assert!(session.starts_with("bt_session=") && session.contains("HttpOnly"), "{session}");
    assert!(session.contains("SameSite=Lax") && !session.contains("Max-Age"), "{session}");
}

#[tokio::test]
async fn language_and_theme_are_chosen_before_and_after_sign_in() {
    let app = TestApp::start().await;
    let mut browser = Browser::new(&app);
    let english = [("language", "en"), ("return_to", "/sign-in")];
    let answer = browser.submit("/sign-in", "/preferences", &english).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/sign-in")));
    let dark = [("theme", "dark"), ("return_to", "//evil.example")];
    let answer = browser.submit("/sign-in", "/preferences", &dark).await;
    assert_eq!(answer.header("location"), Some("/console"));
    let page = browser.get("/sign-in").await;
    assert!(page.text.contains("<html lang=\"en\" data-theme=\"dark\">"), "{}", page.text);

    let mut signed_in = Browser::signed_in(&app, Role::Owner).await;
    signed_in.submit("/console", "/preferences", &[("language", "en"), ("return_to", "/console")]).await;
    let mut elsewhere = Browser::new(&app);
    let fields = [("email", "owner@bell.example"), ("password", PASSWORD)];
    elsewhere.submit("/sign-in", "/sign-in", &fields).await;
    assert!(elsewhere.get("/console").await.text.contains("<html lang=\"en\""), "kept with the operator");
}
