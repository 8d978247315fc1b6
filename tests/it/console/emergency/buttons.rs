//! Alarm buttons in the console without script: registered, tried out, armed by two, changed, revoked.

use belltower::domain::audience::Audience;
use belltower::domain::button::ButtonState;
use belltower::domain::emergency::{Run, State};
use belltower::domain::operator::Role;
use belltower::service::buttons::{self, ButtonRow};
use belltower::service::{broadcasts, scenarios};
use belltower::store::scenarios as kept;
use reqwest::Method;
use serde_json::json;

use super::{act, all, campus, has, lacks, to};
use crate::console::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::fire::{fire_meeting, press_fire};
use crate::support::{TERMINAL, operator};

const HOME: &str = "/console/emergency/buttons";
const NEW: &str = "/console/emergency/buttons/new";
const FACTS: [(&str, &str); 4] =
    [("name", "图书馆总服务台"), ("place", "图书馆一层东侧"), ("power", "mains"), ("cancel_seconds", "0")];
const FIRE: [(&str, &str); 3] =
    [("press_scenario", "fire"), ("press_at_place", "图书馆"), ("press_at_meeting_point", "操场")];
const SAVE: (&str, &str) = ("act", "save");

async fn row(app: &TestApp) -> ButtonRow {
    buttons::list(&app.services, &operator(Role::Owner)).await.unwrap().remove(0)
}

/// Registered by that browser: its page, and its key.
async fn registered(browser: &mut Browser) -> (String, String) {
    let fields = [&FACTS[..], &FIRE[..], &[SAVE]].concat();
    let page = to(&browser.submit(NEW, HOME, &fields).await);
    let shown = browser.get(&page).await;
    has(&shown, &["图书馆总服务台", "图书馆一层东侧", "未布防", "只显示这一次", "火灾"]);
    let (_, rest) = shown.text.split_once("id=\"fresh-key\">").unwrap();
    (page, rest.split('<').next().unwrap().to_owned())
}

async fn version(app: &TestApp) -> String {
    row(app).await.version.to_string()
}

async fn press(app: &TestApp, key: &str, kind: &str, seq: i64) -> Answer {
    let path = format!("/buttons/{}/press", row(app).await.id);
    Answer::of(app.api_as(key, Method::POST, &path).json(&json!({"kind": kind, "seq": seq}))).await
}

#[tokio::test]
async fn a_form_asks_what_the_chosen_scenarios_ask_and_keeps_what_was_typed() {
    let app = campus().await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    has(&owner.get(HOME).await, &["还没有报警按钮", NEW]);
    let chosen = [&FACTS[..], &[("press_scenario", "fire"), ("hold_scenario", "fire")]].concat();
    let looked = owner.submit(NEW, NEW, &[&chosen[..], &[("act", "look")]].concat()).await;
    assert_eq!(looked.status, 200);
    has(&looked, &["name=\"press_at_place\"", "name=\"hold_at_meeting_point\"", "图书馆总服务台"]);
    lacks(&looked, &["name=\"double_at_place\"", "field-error"]);

    let networks = ("networks", "10.1.0.0/16\nhier");
    let wrong = [
        &[("cancel_seconds", "11"), ("press_scenario", "fire"), ("press_at_place", "图书馆")][..],
        &[networks, SAVE],
    ]
    .concat();
    let refused = owner.submit(NEW, HOME, &wrong).await;
    assert_eq!(refused.status, 422);
    has(
        &refused,
        &[
            "id=\"name-error\"",
            "id=\"place-error\"",
            "id=\"power-error\"",
            "请填 0 到 10 的整数秒",
            "“hier”",
            "id=\"press_at_meeting_point-error\"",
            "10.1.0.0/16",
        ],
    );
    lacks(&refused, &["id=\"press_at_place-error\""]);
    let nothing = owner.submit(NEW, HOME, &[&FACTS[..], &[SAVE]].concat()).await;
    assert_eq!(nothing.status, 422);
    has(&nothing, &["id=\"gestures-error\""]);
    assert!(buttons::list(&app.services, &TERMINAL).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_button_is_armed_by_two_and_shows_what_came_of_its_presses() {
    let app = campus().await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    let mut officer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let (page, key) = registered(&mut owner).await;
    lacks(&owner.get(&page).await, &[&key, "只显示这一次"]);

    assert_eq!(to(&act(&mut owner, &page, "test", &[]).await), page);
    assert_eq!(press(&app, &key, "press", 1).await.expect(202)["led"], "test_ok");
    has(&owner.get(&page).await, &["试用中", "测试通过", "#1", "127.0.0.1"]);

    let first = version(&app).await;
    assert_eq!(to(&act(&mut owner, &page, "arm", &[("version", &first)]).await), page);
    let own = owner.get(&page).await;
    has(&own, &["有人申请布防", "您申请了布防、修改过该按钮或生成过它的密钥"]);
    lacks(&own, &["/confirm\""]);
    let asked = version(&app).await;
    let refused = act(&mut owner, &page, "confirm", &[("version", &asked)]).await;
    assert_eq!(refused.status, 403);
    has(&refused, &["须由没有参与的人确认"]);
    let shown = officer.get(&page).await;
    has(&shown, &["/confirm\"", "确认布防", "图书馆发生火情", "总人数", "周敏", "能触发它的密钥", "生成于"]);
    let stale = act(&mut officer, &page, "confirm", &[("version", &first)]).await;
    assert_eq!(stale.status, 409);
    has(&stale, &["有人刚修改过该按钮"]);
    assert_eq!(to(&act(&mut officer, &page, "confirm", &[("version", &asked)]).await), page);
    has(&officer.get(HOME).await, &["已布防", "图书馆总服务台"]);

    assert_eq!(press(&app, &key, "press", 2).await.expect(202)["led"], "live");
    let broadcast = all(&app).await.remove(0);
    assert_eq!(broadcast.state, State::Live);
    has(&officer.get(&page).await, &[&format!("/console/emergency/broadcasts/{}", broadcast.id), "正在发出"]);
    let its_page = format!("/console/emergency/broadcasts/{}", broadcast.id);
    has(&officer.get(&its_page).await, &["报警按钮 图书馆总服务台"]);
    broadcasts::stop(&app.services, &TERMINAL, None, broadcast.id, "").await.unwrap();

    // A change disarms it, and says so before and after.
    let edit = format!("{page}/edit");
    has(&officer.get(&edit).await, &["该按钮已布防", "保存并撤防", "图书馆一层东侧"]);
    let now = version(&app).await;
    let fields = [&FACTS[..3], &[("cancel_seconds", "5"), ("version", &now)], &FIRE[..], &[SAVE]].concat();
    assert_eq!(to(&officer.submit(&edit, &edit, &fields).await), page);
    has(&officer.get(&page).await, &["按钮现已撤防", "未布防", "5 秒"]);
    assert_eq!(row(&app).await.state, ButtonState::Disarmed);
    let late = officer.submit(&edit, &edit, &fields).await;
    assert_eq!(late.status, 409, "somebody else's change is not undone");
}

#[tokio::test]
async fn a_press_with_other_choices_than_those_being_sent_is_marked() {
    let app = campus().await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    let mut officer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let (page, key) = registered(&mut owner).await;
    act(&mut owner, &page, "arm", &[("version", &version(&app).await)]).await;
    act(&mut officer, &page, "confirm", &[("version", &version(&app).await)]).await;
    let params = fire_meeting("图书馆", "东门广场");
    let pressed = press_fire(&app.services, &operator(Role::DutyOfficer), Run::Live, &params).await.unwrap();
    assert_eq!(pressed.state, State::Live);
    lacks(&officer.get(&page).await, &["与正在发出的选项不同"]);
    assert_eq!(press(&app, &key, "press", 1).await.expect(202)["differs"], true);
    let its_page = format!("/console/emergency/broadcasts/{}", pressed.id);
    has(&officer.get(&page).await, &["已收下", &its_page, "与正在发出的选项不同，没有人收到这次的内容"]);
}

#[tokio::test]
async fn who_is_to_agree_reads_and_counts_what_was_asked_for_and_is_told_when_it_is_no_more() {
    let app = campus().await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    let mut officer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let (page, key) = registered(&mut owner).await;
    act(&mut owner, &page, "arm", &[("version", &version(&app).await)]).await;
    has(&officer.get(&page).await, &["确认布防", "图书馆发生火情", "<dd>3</dd>"]);
    // Two others make it one for nobody, and in other words.
    let row = scenarios::get(&app.services, &TERMINAL, "fire").await.unwrap();
    let mut scenario = row.document.0;
    "火警".clone_into(&mut scenario.name.zh);
    scenario.audience = Audience { groups: vec!["nobody".to_owned()], ..Audience::default() };
    let mut tx = app.services.db.begin().await.unwrap();
    let new = kept::NewScenario { slug: "fire", document: &scenario, by: "test" };
    assert!(kept::update(&mut tx, &new, row.version, app.clock.now()).await.unwrap());
    tx.commit().await.unwrap();
    let shown = officer.get(&page).await;
    has(&shown, &["图书馆发生火情", "<dd>3</dd>", "申请之后，该预案有改动", "不能确认"]);
    lacks(&shown, &["确认布防</button>"]);
    let late = act(&mut officer, &page, "confirm", &[("version", &version(&app).await)]).await;
    assert_eq!(late.status, 409);
    has(&late, &["申请布防之后预案有改动，请撤回并重新申请"]);
    assert_eq!(press(&app, &key, "press", 1).await.expect(202)["led"], "refused");
}

#[tokio::test]
async fn a_refused_press_and_a_wrong_clock_are_shown() {
    let app = campus().await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    let mut officer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let (page, key) = registered(&mut owner).await;
    act(&mut owner, &page, "arm", &[("version", &version(&app).await)]).await;
    act(&mut officer, &page, "confirm", &[("version", &version(&app).await)]).await;
    assert_eq!(press(&app, &key, "heartbeat", 1).await.expect(202)["led"], "accepted");
    let marks = ["按下被拒绝", "时钟不准"];
    lacks(&owner.get(&page).await, &marks);
    lacks(&owner.get(HOME).await, &marks);
    assert_eq!(press(&app, &key, "double", 2).await.expect(202)["led"], "refused");
    let path = format!("/buttons/{}/press", row(&app).await.id);
    let beat = json!({"kind": "heartbeat", "seq": 3, "at": "2020-01-01T00:00:00Z"});
    Answer::of(app.api_as(&key, Method::POST, &path).json(&beat)).await.expect(202);
    has(&owner.get(&page).await, &[&marks[..], &["该按法没有对应的预案"]].concat());
    has(&owner.get(HOME).await, &marks);
}

#[tokio::test]
async fn keys_and_secrets_are_shown_once_and_a_lost_button_is_revoked_by_its_name() {
    let app = campus().await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    let (page, key) = registered(&mut owner).await;
    assert_eq!(to(&act(&mut owner, &page, "key", &[("overlap", "0")]).await), page);
    let shown = owner.get(&page).await;
    has(&shown, &["id=\"fresh-key\"", "bt_button_"]);
    lacks(&shown, &[&key]);
    press(&app, &key, "heartbeat", 1).await.problem(401, "unauthenticated");
    let unsigned = act(&mut owner, &page, "secret", &[]).await;
    assert_eq!(unsigned.status, 409);

    let edit = format!("{page}/edit");
    let now = version(&app).await;
    let fields = [&FACTS[..], &[("signed", "true"), ("version", &now)], &FIRE[..], &[SAVE]].concat();
    assert_eq!(to(&owner.submit(&edit, &edit, &fields).await), page);
    has(&owner.get(&page).await, &["id=\"fresh-secret\">bts_", "curl，带签名"]);
    lacks(&owner.get(&page).await, &["id=\"fresh-secret\""]);
    assert_eq!(to(&act(&mut owner, &page, "secret", &[]).await), page);
    has(&owner.get(&page).await, &["id=\"fresh-secret\">bts_"]);

    let wrong = act(&mut owner, &page, "revoke", &[("confirm", "图书馆")]).await;
    assert_eq!(wrong.status, 422);
    has(&wrong, &["id=\"confirm-error\"", "这不是它的名称", "value=\"图书馆\""]);
    assert_eq!(to(&act(&mut owner, &page, "revoke", &[("confirm", "图书馆总服务台")]).await), page);
    let gone = owner.get(&page).await;
    has(&gone, &["已停用"]);
    lacks(&gone, &["/arm\"", "/edit\"", "/revoke\""]);
    let again = act(&mut owner, &page, "arm", &[("version", "9")]).await;
    assert_eq!(again.status, 409);
}
