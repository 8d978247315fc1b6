//! The own account, second factors, sessions and grave acts over a running server.

use belltower::domain::operator::Role;
use belltower::service::operators::{self, change_rules};
use belltower::service::recipients;
use serde_json::json;
use totp_rs::{Builder, Secret, Totp};

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::{TERMINAL, operator};

const HOME: &str = "/console/account";
const FACTOR: &str = "/console/account/factor";
const RULES: &str = "/console/settings/sign-in";
const PASSWORD: &str = "seven quiet lamps by the lake";
const OTHER: &str = "harbour lantern 走马灯 violet";
const MINUTE: i64 = 60_000;

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    text.split_once(before).unwrap_or_else(|| panic!("{before} in {text}")).1.split(after).next().unwrap()
}

/// An application on a telephone.
struct Phone(Totp);

impl Phone {
    /// Which has scanned, or rather read, what the page shows.
    fn of(page: &Answer) -> Self {
        let secret = between(&page.text, "<code id=\"factor-secret\">", "<").replace(' ', "");
        Self(Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build().unwrap())
    }

    fn code(&self, app: &TestApp) -> String {
        self.0.generate((app.clock.now().0 / 1_000).unsigned_abs()).to_string()
    }
}

/// Sets a second factor up; the telephone and the recovery codes.
async fn enrol(app: &TestApp, browser: &mut Browser) -> (Phone, Vec<String>) {
    let page = browser.get(FACTOR).await;
    assert!(page.text.contains("<svg class=\"qr\""), "{}", page.text);
    let phone = Phone::of(&page);
    let wrong = browser.submit(FACTOR, FACTOR, &[("code", "000000")]).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    assert!(wrong.text.contains("验证码不正确"), "{}", wrong.text);
    let done = browser.submit(FACTOR, FACTOR, &[("code", &phone.code(app))]).await;
    assert_eq!((done.status, done.header("location")), (303, Some(FACTOR)), "{}", done.text);
    let shown = browser.get(FACTOR).await;
    let codes = between(&shown.text, "<pre id=\"recovery-codes\" tabindex=\"0\">", "<");
    let codes: Vec<_> = codes.lines().map(str::to_owned).collect();
    assert_eq!(codes.len(), 10, "{}", shown.text);
    assert!(!browser.get(FACTOR).await.text.contains(&codes[0]), "shown once");
    (phone, codes)
}

/// As far as the password leads.
async fn password(app: &TestApp, role: Role) -> (Browser, Answer) {
    let mut browser = Browser::new(app);
    let email = format!("{role}@bell.example");
    let fields = [("email", email.as_str()), ("password", PASSWORD), ("return_to", "/console/messages")];
    let answer = browser.submit("/sign-in", "/sign-in", &fields).await;
    (browser, answer)
}

#[tokio::test]
async fn whoever_has_a_second_factor_gives_a_code_before_anything_opens() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Sender).await;
    let (phone, codes) = enrol(&app, &mut browser).await;
    app.clock.turn(MINUTE);

    let (mut browser, answer) = password(&app, Role::Sender).await;
    let step = "/sign-in/code?return_to=%2Fconsole%2Fmessages";
    assert_eq!((answer.status, answer.header("location")), (303, Some(step)), "{}", answer.text);
    assert_eq!(browser.get("/console").await.status, 303, "nothing is open");
    let with = |code: &str| [("code", code.to_owned()), ("return_to", "/console/messages".to_owned())];
    let submit = async |browser: &mut Browser, code: &str| {
        let fields = with(code);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.submit(step, "/sign-in/code", &fields).await
    };
    let wrong = submit(&mut browser, "123456").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("code-error"), "{}", wrong.text);
    let code = phone.code(&app);
    let came = submit(&mut browser, &code).await;
    assert_eq!((came.status, came.header("location")), (303, Some("/console/messages")), "{}", came.text);
    assert_eq!(browser.get("/console").await.status, 200);

    let (mut other, _) = password(&app, Role::Sender).await;
    assert_eq!(submit(&mut other, &code).await.status, 422, "taken once");
    assert_eq!(submit(&mut other, &codes[3]).await.status, 303, "on paper");
    assert!(other.get(HOME).await.text.contains("9 个"));
    assert_eq!(Browser::new(&app).get("/sign-in/code").await.header("location"), Some("/sign-in"));
}

#[tokio::test]
async fn whoever_must_have_a_second_factor_sets_it_up_before_anything_else() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::DutyOfficer).await;
    let rules = json!({ "factor_for": "owners_and_duty" });
    change_rules(&app.services, &TERMINAL, &rules).await.unwrap();
    for path in ["/console", HOME, "/console/messages"] {
        let led = browser.get(path).await;
        assert_eq!((led.status, led.header("location")), (303, Some(FACTOR)), "{path}");
    }
    let page = browser.get(FACTOR).await;
    assert!(page.text.contains("应急值班员必须启用第二因素"), "{}", page.text);
    browser.submit(FACTOR, "/preferences", &[("language", "en")]).await;
    browser.submit(FACTOR, "/preferences", &[("language", "zh-CN")]).await;
    enrol(&app, &mut browser).await;
    assert_eq!(browser.get("/console").await.status, 200);
    let refused = browser.submit(FACTOR, FACTOR, &[("act", "off")]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains("按学校的规定"), "{}", refused.text);
    assert_eq!(Browser::signed_in(&app, Role::Sender).await.get("/console").await.status, 200);
}

#[tokio::test]
async fn a_second_factor_is_moved_and_given_up() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Sender).await;
    let (old, codes) = enrol(&app, &mut browser).await;
    browser.submit(FACTOR, FACTOR, &[("act", "renew")]).await;
    let page = browser.get(FACTOR).await;
    assert!(page.text.contains("换一部手机"), "{}", page.text);
    browser.submit(FACTOR, FACTOR, &[("act", "leave")]).await;
    assert!(!browser.get(FACTOR).await.text.contains("class=\"qr\""), "as it was");
    browser.submit(FACTOR, FACTOR, &[("act", "renew")]).await;
    let new = Phone::of(&browser.get(FACTOR).await);
    assert_ne!(old.0.secret(), new.0.secret());
    browser.submit(FACTOR, FACTOR, &[("code", &new.code(&app))]).await;
    let shown = browser.get(FACTOR).await;
    assert!(shown.text.contains("recovery-codes") && !shown.text.contains(&codes[0]), "{}", shown.text);
    let renewed = browser.submit(FACTOR, FACTOR, &[("act", "codes")]).await;
    assert_eq!(renewed.status, 303, "{}", renewed.text);
    assert!(browser.get(FACTOR).await.text.contains("recovery-codes"));
    let off = browser.submit(FACTOR, FACTOR, &[("act", "off")]).await;
    assert_eq!(off.header("location"), Some(HOME));
    assert_eq!(password(&app, Role::Sender).await.1.header("location"), Some("/console/messages"));
}

#[tokio::test]
async fn name_language_and_password_are_ones_own() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Auditor).await;
    let mut elsewhere = Browser::coming_back(&app, Role::Auditor).await;
    let refused = browser.submit(HOME, HOME, &[("name", ""), ("language", "en")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("name-error"), "{}", refused.text);
    browser.submit(HOME, HOME, &[("name", "<b>周</b>"), ("language", "en")]).await;
    let page = browser.get(HOME).await;
    assert!(
        page.text.contains("&#60;b&#62;周&#60;/b&#62;") && page.text.contains("My account"),
        "{}",
        page.text
    );
    browser.submit(HOME, HOME, &[("name", "周敏"), ("language", "")]).await;

    let change = async |browser: &mut Browser, current: &str, new: &str, again: &str| {
        let fields = [("current_password", current), ("password", new), ("password_again", again)];
        browser.submit(HOME, "/console/account/password", &fields).await
    };
    let wrong = change(&mut browser, "wrong", "short", "short").await;
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.text.contains("current_password-error") && wrong.text.contains("\"password-error\""),
        "{}",
        wrong.text
    );
    assert!(change(&mut browser, PASSWORD, OTHER, PASSWORD).await.text.contains("两次输入不一致"));
    let done = change(&mut browser, PASSWORD, OTHER, OTHER).await;
    assert_eq!((done.status, done.header("location")), (303, Some(HOME)), "{}", done.text);
    assert!(browser.get(HOME).await.text.contains("密码已修改"), "still signed in");
    assert_eq!(elsewhere.get("/console").await.status, 303, "everywhere else not");
    let mut browser = Browser::new(&app);
    let fields = [("email", "auditor@bell.example"), ("password", OTHER)];
    assert_eq!(browser.submit("/sign-in", "/sign-in", &fields).await.status, 303);
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_and_all_at_once() {
    let app = TestApp::start().await;
    let mut here = Browser::signed_in(&app, Role::Sender).await;
    let mut there = Browser::coming_back(&app, Role::Sender).await;
    let mut third = Browser::coming_back(&app, Role::Sender).await;
    let page = here.get(HOME).await;
    assert!(page.text.contains("127.0.0.1") && page.text.contains("当前设备"), "{}", page.text);
    let acts: Vec<_> = page.text.match_indices("/end\"").collect();
    assert_eq!(acts.len(), 2, "its own is not among them");
    let paths = page.text.split("action=\"/console/account/sessions/").skip(1);
    let path = paths.map(|rest| rest.split('"').next().unwrap()).find(|path| path.ends_with("/end"));
    let path = format!("/console/account/sessions/{}", path.unwrap());
    let done = here.submit(HOME, &path, &[]).await;
    assert_eq!((done.status, done.header("location")), (303, Some(HOME)));
    assert!(here.get(HOME).await.text.contains("已退出 1 处登录"));
    let open = [there.get("/console").await.status, third.get("/console").await.status];
    assert!(open == [200, 303] || open == [303, 200], "{open:?}");
    assert!(here.submit(HOME, &path, &[]).await.status == 303);
    assert!(here.get(HOME).await.text.contains("已经结束"));

    let mut more = Browser::coming_back(&app, Role::Sender).await;
    here.submit(HOME, "/console/account/sessions/end-others", &[]).await;
    for browser in [&mut there, &mut third, &mut more] {
        assert_eq!(browser.get("/console").await.status, 303);
    }
    assert_eq!(here.get("/console").await.status, 200);
}

#[tokio::test]
async fn an_administrator_sees_how_another_signs_in_and_ends_it() {
    let app = TestApp::start().await;
    let mut sender = Browser::signed_in(&app, Role::Sender).await;
    enrol(&app, &mut sender).await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    let found =
        operators::get_named(&app.services, &operator(Role::Owner), "sender@bell.example").await.unwrap();
    let page = format!("/console/operators/{}/sign-in", found.id);
    let shown = owner.get(&page).await;
    assert!(
        shown.text.contains("sender@bell.example") && shown.text.contains("移除第二因素"),
        "{}",
        shown.text
    );
    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    let looked = auditor.get(&page).await;
    assert!(looked.status == 200 && !looked.text.contains("移除第二因素"), "{}", looked.text);
    let acts = [format!("{page}/reset-factor"), format!("{page}/end-sessions"), format!("{page}/campus")];
    for act in &acts {
        assert_eq!(auditor.submit(HOME, act, &[]).await.status, 403, "{act}");
    }
    let mut other = Browser::signed_in(&app, Role::Reviewer).await;
    assert_eq!(other.get(&page).await.status, 403);

    assert_eq!(sender.get("/console").await.status, 200);
    owner.submit(&page, &acts[1], &[]).await;
    assert_eq!(sender.get("/console").await.status, 303);
    let reset = owner.submit(&page, &acts[0], &[]).await;
    assert_eq!((reset.status, reset.header("location")), (303, Some(page.as_str())), "{}", reset.text);
    assert!(owner.get(&page).await.text.contains("第二因素已移除"));
    assert_eq!(password(&app, Role::Sender).await.1.header("location"), Some("/console/messages"));
}

/// What a form that waits goes along as.
fn held(page: &Answer) -> &str {
    assert!(page.text.contains("请再次确认身份"), "{}", page.text);
    between(&page.text, "name=\"held\" value=\"", "\"")
}

#[tokio::test]
async fn before_a_grave_act_one_proves_oneself_again_and_nothing_typed_is_lost() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let (s, caller) = (&app.services, operator(Role::Owner));
    let id = recipients::create(s, &caller, "2024001", &json!({ "name": "李伟" })).await.unwrap();
    let person = format!("/console/people/{id}");
    let act = format!("{person}/erase");
    app.clock.turn(11 * MINUTE);
    let asked = browser.submit(&act, &act, &[("campus_id", "2024001")]).await;
    assert_eq!(asked.status, 200);
    let held = held(&asked).to_owned();
    assert!(!asked.text.contains("2024001"), "what was typed is not shown");
    let there = async || recipients::find(s, &caller, id).await.is_ok();
    assert!(there().await);

    let wrong = browser.submit(&act, &act, &[("held", &held), ("proof_password", "wrong")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("proof_password-error"), "{}", wrong.text);
    assert!(there().await);
    // Elsewhere, or as somebody else, it is nobody's.
    let key = "/console/sources";
    let elsewhere = browser.submit(&act, key, &[("held", &held), ("proof_password", PASSWORD)]).await;
    assert_eq!(elsewhere.status, 403, "{}", elsewhere.text);
    assert!(there().await);
    let done = browser.submit(&act, &act, &[("held", &held), ("proof_password", PASSWORD)]).await;
    assert_eq!((done.status, done.header("location")), (303, Some("/console/people")), "{}", done.text);
    assert!(!there().await, "the act goes on");
    // Nobody is asked again within ten minutes.
    let rules = [("factor_for", "nobody"), ("idle_minutes", "20")];
    let changed = browser.submit(RULES, RULES, &rules).await;
    assert_eq!((changed.status, changed.header("location")), (303, Some(RULES)), "{}", changed.text);
}

#[tokio::test]
async fn a_code_proves_it_too_and_guessing_waits() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let (phone, _) = enrol(&app, &mut browser).await;
    app.clock.turn(11 * MINUTE);
    let asked = browser.submit(FACTOR, FACTOR, &[("act", "off")]).await;
    let held = held(&asked).to_owned();
    for _ in 0..3 {
        let wrong = browser.submit(FACTOR, FACTOR, &[("held", &held), ("proof_code", "000000")]).await;
        assert!(wrong.text.contains("proof_code-error"), "{}", wrong.text);
    }
    let slowed = browser.submit(FACTOR, FACTOR, &[("held", &held), ("proof_code", &phone.code(&app))]).await;
    assert_eq!(slowed.status, 429);
    assert!(slowed.text.contains("尝试次数太多") && slowed.text.contains("name=\"held\""), "{}", slowed.text);
    app.clock.turn(MINUTE);
    let done = browser.submit(FACTOR, FACTOR, &[("held", &held), ("proof_code", &phone.code(&app))]).await;
    assert_eq!((done.status, done.header("location")), (303, Some(HOME)), "{}", done.text);
    assert!(browser.get(HOME).await.text.contains("第二因素已停用"));
}

#[tokio::test]
async fn acts_that_give_secrets_or_change_who_comes_in_are_grave() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let source = app.get("/source").await.expect(200)["id"].as_str().unwrap().to_owned();
    let found = operators::get_named(&app.services, &operator(Role::Owner), "owner@bell.example").await;
    let owner = found.unwrap();
    app.clock.turn(11 * MINUTE);
    for act in [
        "/console/sources".to_owned(),
        format!("/console/sources/{source}/keys"),
        "/console/providers".to_owned(),
        RULES.to_owned(),
        FACTOR.to_owned(),
        format!("/console/operators/{}/sign-in/reset-factor", owner.id),
    ] {
        held(&browser.submit(HOME, &act, &[("kind", "live")]).await);
    }
}

#[tokio::test]
async fn what_is_asked_of_operators_is_a_form() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = browser.get(RULES).await;
    assert!(page.text.contains("没有校园统一身份认证"), "{}", page.text);
    let wrong =
        [("factor_for", "owls"), ("shortest_password", "8"), ("idle_minutes", "x"), ("session_hours", "")];
    let refused = browser.submit(RULES, RULES, &wrong).await;
    assert_eq!(refused.status, 422);
    for holds in ["factor_for-error", "shortest_password-error", "idle_minutes-error", "value=\"8\""] {
        assert!(refused.text.contains(holds), "{holds}: {}", refused.text);
    }
    let right = [
        ("factor_for", "nobody"),
        ("shortest_password", "16"),
        ("idle_minutes", "15"),
        ("session_hours", "8"),
    ];
    assert_eq!(browser.submit(RULES, RULES, &right).await.header("location"), Some(RULES));
    let page = browser.get(RULES).await;
    assert!(page.text.contains("value=\"16\"") && page.text.contains("value=\"15\""), "{}", page.text);
    assert!(browser.get(HOME).await.text.contains("至少 16 个字符"));
    let mut browser = Browser::coming_back(&app, Role::Owner).await;
    app.clock.turn(15 * MINUTE);
    assert_eq!(browser.get("/console").await.status, 303, "unused for a quarter of an hour");
    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    let looked = auditor.get(RULES).await;
    assert!(looked.status == 200 && looked.text.contains("disabled"), "{}", looked.text);
    assert_eq!(auditor.submit(HOME, RULES, &right).await.status, 403);
}

#[tokio::test]
async fn a_waiting_secret_is_shown_only_to_whoever_proved_who_they_are() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Sender).await;
    let shown = Phone::of(&browser.get(FACTOR).await);
    app.clock.turn(11 * MINUTE);
    let page = browser.get(FACTOR).await;
    assert!(page.text.contains("确认身份并继续") && !page.text.contains("factor-secret"), "{}", page.text);
    let asked = browser.submit(FACTOR, FACTOR, &[("act", "show")]).await;
    let held = held(&asked).to_owned();
    let done = browser.submit(FACTOR, FACTOR, &[("held", &held), ("proof_password", PASSWORD)]).await;
    assert_eq!((done.status, done.header("location")), (303, Some(FACTOR)), "{}", done.text);
    assert_eq!(Phone::of(&browser.get(FACTOR).await).0.secret(), shown.0.secret());
    // Whoever has one and leaves its renewal waiting sees what is in force, and may leave it.
    enrol(&app, &mut browser).await;
    app.clock.turn(11 * MINUTE);
    let page = browser.get(FACTOR).await;
    assert!(page.text.contains("重新生成恢复码"), "{}", page.text);
}

#[tokio::test]
async fn another_way_to_sign_in_ends_the_sessions_that_came_by_the_old_one() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Sender).await;
    let mut elsewhere = Browser::coming_back(&app, Role::Sender).await;
    let (phone, _) = enrol(&app, &mut browser).await;
    assert_eq!(elsewhere.get("/console").await.status, 303, "signed in without it");
    assert_eq!(browser.get("/console").await.status, 200);
    app.clock.turn(MINUTE);
    let (mut elsewhere, _) = password(&app, Role::Sender).await;
    elsewhere.submit("/sign-in/code", "/sign-in/code", &[("code", &phone.code(&app))]).await;
    assert_eq!(elsewhere.get("/console").await.status, 200);
    browser.submit(FACTOR, FACTOR, &[("act", "off")]).await;
    assert_eq!(elsewhere.get("/console").await.status, 303);
    assert!(browser.get(HOME).await.text.contains("第二因素已停用"));
}

#[tokio::test]
async fn a_form_that_waits_is_one_sessions_and_for_ten_minutes() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let mut other = Browser::coming_back(&app, Role::Owner).await;
    app.clock.turn(11 * MINUTE);
    let fields = [("factor_for", "nobody"), ("idle_minutes", "20")];
    let waiting = held(&browser.submit(RULES, RULES, &fields).await).to_owned();
    let answer = [("held", waiting.as_str()), ("proof_password", PASSWORD)];
    assert_eq!(other.submit(RULES, RULES, &answer).await.status, 403, "another session of the same operator");
    app.clock.turn(10 * MINUTE);
    assert_eq!(browser.submit(RULES, RULES, &answer).await.status, 403, "too late");
    let waiting = held(&browser.submit(RULES, RULES, &fields).await).to_owned();
    let answer = [("held", waiting.as_str()), ("proof_password", PASSWORD)];
    assert_eq!(browser.submit(RULES, RULES, &answer).await.header("location"), Some(RULES));
}

#[tokio::test]
async fn strangers_at_the_sign_in_keep_nobody_from_proving_who_they_are() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    app.clock.turn(11 * MINUTE);
    let mut stranger = Browser::new(&app);
    for _ in 0..4 {
        let fields = [("email", "owner@bell.example"), ("password", "wrong")];
        stranger.submit("/sign-in", "/sign-in", &fields).await;
    }
    let fields = [("email", "owner@bell.example"), ("password", PASSWORD)];
    assert_eq!(stranger.submit("/sign-in", "/sign-in", &fields).await.status, 429);
    let waiting = held(&browser.submit(RULES, RULES, &[("factor_for", "nobody")]).await).to_owned();
    let answer = [("held", waiting.as_str()), ("proof_password", PASSWORD)];
    assert_eq!(browser.submit(RULES, RULES, &answer).await.header("location"), Some(RULES));
    let change = [("current_password", PASSWORD), ("password", OTHER), ("password_again", OTHER)];
    assert_eq!(
        browser.submit(HOME, "/console/account/password", &change).await.header("location"),
        Some(HOME)
    );
}
