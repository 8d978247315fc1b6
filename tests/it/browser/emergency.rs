//! The press: held, let go, typed, without a mouse, on a phone, without script; and what follows it.

use std::time::Duration;

use belltower::domain::emergency::{Run, State};
use belltower::domain::grant::Powers;
use belltower::domain::id::OperatorId;
use belltower::domain::operator::Role;
use belltower::service::broadcasts::{self, BroadcastRow};
use belltower::service::caller::{Caller, OperatorCaller};
use belltower::service::operators::{self, NewOperator};
use belltower::service::{recipients, scenarios, short_links};
use reqwest::Method;
use serde_json::{Value, json};

use super::PASSWORD;
use super::chrome::in_browser;
use super::keyboard::tab_to;
use super::person::{ENTER, Person};
use crate::support::app::{Answer, TestApp};
use crate::support::fire::{fire, press_fire};
use crate::support::{TERMINAL, operator};

/// It is two seconds, and a page that has no time may come to look at its clock late.
const LONG_ENOUGH: Duration = Duration::from_secs(3);
const TOO_SHORT: Duration = Duration::from_millis(100);
const SEND: &str = "向 3 人 发出“火灾 · 图书馆”";
const REHEARSE: &str = "在沙箱中演练“火灾 · 图书馆”（按 3 人 计）";

/// A desk's screen and a phone's, and where it burns as somebody looks at each: what burns at one place is one broadcast.
const SCREENS: [(u32, &str); 2] = [(1440, "图书馆"), (390, "食堂")];

async fn campus() -> TestApp {
    let app = TestApp::start().await;
    scenarios::seed(&app.services).await.unwrap();
    let owner = operator(Role::Owner);
    for (id, email) in
        [("1", "li@campus.example"), ("2", "wang@campus.example"), ("3", "zhao@campus.example")]
    {
        let body = json!({"name": id, "email": email});
        recipients::put(&app.services, &owner, id, &body).await.unwrap();
    }
    app
}

/// Somebody who is on duty, at the console.
fn on_duty(test: impl AsyncFnOnce(&TestApp, &Person)) {
    in_browser(campus(), async |app, person| {
        let new = NewOperator {
            email: "zhou@bell.example".to_owned(),
            name: "Zhou Min".to_owned(),
            grants: vec![Role::DutyOfficer.into()],
            password: Some(PASSWORD.to_owned()),
        };
        operators::create(&app.services, &TERMINAL, new).await.unwrap();
        person.sign_in().await;
        test(app, person).await;
    });
}

async fn all(app: &TestApp) -> Vec<BroadcastRow> {
    broadcasts::list(&app.services, &operator(Role::Owner), None, None, 50).await.unwrap()
}

/// Somebody who is not the one at the console, and not on duty.
fn another() -> Caller {
    Caller::Operator(OperatorCaller {
        id: OperatorId(9_000),
        name: "李岩".to_owned(),
        email: "liyan@bell.example".to_owned(),
        roles: vec![Role::Owner.to_string()],
        powers: Powers::from(Role::Owner),
        on_duty: false,
        language: None,
    })
}

/// As somebody else presses, who is not on duty.
async fn pressed_by_another(app: &TestApp, run: Run, place: &str) -> String {
    let pressed = press_fire(&app.services, &another(), run, &fire(place)).await.unwrap();
    format!("/console/emergency/broadcasts/{}", pressed.id)
}

async fn choose(person: &Person) {
    choose_at(person, "图书馆").await;
}

async fn choose_at(person: &Person, place: &str) {
    person.tick(place).await;
    person.tick("操场").await;
}

/// With a finger on a phone, with the mouse at a desk.
async fn hold(person: &Person, width: u32, name: &str, span: Duration) {
    if width < 600 {
        person.touch(name, span).await;
    } else {
        person.hold(name, span).await;
    }
}

#[test]
fn a_button_that_is_let_go_early_sends_nothing_and_one_that_is_held_sends() {
    on_duty(async |app, person| {
        person.press("紧急广播").await;
        person.is_at("/console/emergency").await;
        person.press("火灾红色F1").await;
        choose(person).await;
        person.sees("图书馆发生火情，请立即从安全出口撤离").await;
        person.hold(SEND, TOO_SHORT).await;
        person.sees("松开过早，没有发出。").await;
        // Nor does a click.
        person.hold(SEND, Duration::ZERO).await;
        person.sees("松开过早，没有发出。").await;
        assert_eq!(all(app).await.len(), 0);
        person.hold(SEND, LONG_ENOUGH).await;
        person.sees("正在发送").await;
        let rows = all(app).await;
        assert_eq!((rows.len(), rows[0].state, rows[0].run), (1, State::Live, Run::Live));
        assert_eq!(person.log().await, [""; 0]);
    });
}

#[test]
fn it_is_held_stopped_and_given_the_all_clear_at_a_desk_and_on_a_phone() {
    on_duty(async |app, person| {
        for (before, (width, place)) in SCREENS.into_iter().enumerate() {
            let send = format!("向 3 人 发出“火灾 · {place}”");
            person.look_at_width(width).await;
            person.open("/console/emergency/press/fire").await;
            choose_at(person, place).await;
            hold(person, width, &send, TOO_SHORT).await;
            person.sees("松开过早，没有发出。").await;
            assert_eq!(all(app).await.len(), before);
            hold(person, width, &send, LONG_ENOUGH).await;
            person.sees("正在发送").await;
            person.press(&format!("停止“火灾 · {place}”")).await;
            person.sees("已停止：").await;
            assert_eq!(all(app).await[0].state, State::Stopped);
            person.press("情况结束，发解除").await;
            hold(person, width, "立即发出解除", TOO_SHORT).await;
            person.sees("松开过早，没有发出。").await;
            hold(person, width, "立即发出解除", LONG_ENOUGH).await;
            person.sees("解除正在发出。").await;
            person.sees_no("立即发出解除").await;
        }
    });
}

#[test]
fn without_a_mouse_the_key_is_held_or_the_code_typed() {
    on_duty(async |app, person| {
        person.open("/console/emergency").await;
        tab_to(person, "输入代码，按回车").await;
        person.keys("f1".chars().chain([ENTER])).await;
        person.is_at("/console/emergency/press/fire").await;
        tab_to(person, "图书馆").await;
        person.keys([' ']).await;
        tab_to(person, "操场").await;
        person.keys([' ']).await;
        person.sees(SEND).await;
        tab_to(person, SEND).await;
        for key in [' ', ENTER] {
            person.hold_key(key, TOO_SHORT).await;
            person.sees("松开过早，没有发出。").await;
        }
        assert_eq!(all(app).await.len(), 0);
        tab_to(person, "或输入 F1 并按回车发出").await;
        person.keys("f1".chars().chain([ENTER])).await;
        person.sees("正在发送").await;
        assert_eq!(all(app).await.len(), 1);

        // The same is open: it attaches.
        person.open("/console/emergency/press/fire").await;
        choose(person).await;
        person.sees(SEND).await;
        tab_to(person, SEND).await;
        person.hold_key(' ', LONG_ENOUGH).await;
        person.sees("同样的广播已由").await;
        assert_eq!(all(app).await.len(), 1);
    });
}

#[test]
fn a_second_person_approves_what_renews_itself_on_their_page() {
    on_duty(async |app, person| {
        for (width, place) in SCREENS {
            let name = format!("火灾 · {place}");
            let page = pressed_by_another(app, Run::Live, place).await;
            person.look_at_width(width).await;
            person.open("/console").await;
            person.press("等待第二人审批的紧急广播1").await;
            person.press(&name).await;
            person.is_at(&page).await;
            person.press(&format!("批准：立即向 3 人 发出“{name}”")).await;
            person.sees("已批准，正在发出。").await;
            person.sees(&format!("停止“{name}”")).await;
            assert_eq!(all(app).await[0].state, State::Live);
            // Somebody else stops it: this page learns of it by itself.
            let id = all(app).await[0].id;
            broadcasts::stop(&app.services, &another(), None, id, "").await.unwrap();
            app.clock.turn(1_000);
            person.sees("已停止").await;
            person.sees_no(&format!("停止“{name}”")).await;
        }
    });
}

#[test]
fn whoever_goes_on_alone_sees_the_seconds_run_and_is_told_at_the_field_that_a_reason_is_missing() {
    on_duty(async |app, person| {
        person.look_at_width(390).await;
        person.open("/console/emergency/press/bomb-threat").await;
        choose(person).await;
        person.sees("或输入 B1 并按回车提交").await;
        person.touch("将“爆炸威胁 · 图书馆”（3 人）提交第二人审批", LONG_ENOUGH).await;
        person.sees("第二人还有 60 秒").await;
        app.clock.turn(20_000);
        person.sees("第二人还有 40 秒").await;
        app.clock.turn(40_000);
        person.press("没有第二人审批，您可以单独发出").await;
        person.touch("不经第二人发出", TOO_SHORT).await;
        person.sees("请先写明理由，再按住发出。").await;
        assert_eq!(all(app).await[0].state, State::PendingApproval);
        person.fill("为什么不等第二人？", "无人应答").await;
        person.sees_no("请先写明理由").await;
        person.touch("不经第二人发出", LONG_ENOUGH).await;
        person.sees("未经第二人审批，正在发出").await;
        assert_eq!(all(app).await[0].state, State::Live);
    });
}

#[test]
fn a_drill_looks_reads_and_acts_unlike_what_is_live() {
    on_duty(async |app, person| {
        const COLOURS: &str = "const of = (css) => getComputedStyle(document.querySelector(css));
            return [of('.run-banner').backgroundColor, of('.hold').backgroundColor, of('.hold').color]";
        let mut seen = Vec::new();
        for (path, act) in [("/console/emergency", SEND), ("/console/emergency/drill", REHEARSE)] {
            for width in [1440, 390] {
                person.look_at_width(width).await;
                person.open(&format!("{path}/press/fire")).await;
                choose(person).await;
                person.sees(act).await;
                seen.push(person.script(COLOURS, json!([])).await);
            }
        }
        for (live, narrow, drill) in [0, 1, 2].map(|at| (&seen[0][at], &seen[1][at], &seen[2][at])) {
            assert_eq!(live, narrow);
            assert_ne!(live, drill, "live and drill in the same colour");
        }
        person.sees_no("发出“火灾").await;
        person.sees("【演练】").await;
        person.touch(REHEARSE, LONG_ENOUGH).await;
        person.sees("演练正在沙箱中进行。").await;
        person.sees_no("实发").await;
        let rows = all(app).await;
        assert_eq!((rows.len(), rows[0].run), (1, Run::Drill));
    });
}

#[test]
fn without_script_the_code_is_typed() {
    on_duty(async |app, person| {
        person.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
        for (before, (width, place)) in SCREENS.into_iter().enumerate() {
            let send = format!("向 3 人 发出“火灾 · {place}”");
            person.look_at_width(width).await;
            person.open("/console/emergency").await;
            person.fill("输入代码，按回车", "f1").await;
            person.press("前往").await;
            person.tick(place).await;
            person.press("查看将发出的内容").await;
            person.sees("请选择。").await;
            person.tick("操场").await;
            person.press("查看将发出的内容").await;
            person.sees(&format!("{place}发生火情，请立即从安全出口撤离")).await;
            person.sees_no("请按住 2 秒").await;
            person.fill("或输入 F1 并按回车发出", "g1").await;
            person.press(&send).await;
            person.sees("没有发出：代码不对").await;
            assert_eq!(all(app).await.len(), before);
            person.fill("或输入 F1 并按回车发出", "F1").await;
            person.press(&send).await;
            person.sees("正在发出。").await;
            assert_eq!(all(app).await.len(), before + 1);
            person.press(&format!("停止“火灾 · {place}”")).await;
            person.sees("已停止：").await;
            person.press("情况不实：更正").await;
            person.press("立即发出更正").await;
            person.sees("没有发出：代码不对").await;
            person.fill("或输入 F1 并按回车", "f1").await;
            person.press("立即发出更正").await;
            person.sees("更正正在发出。").await;
        }
    });
}

#[test]
fn whoever_needs_help_says_so_and_the_officer_sees_it_on_top_on_a_phone_and_at_a_desk() {
    on_duty(async |app, person| {
        person.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
        let page = pressed_by_another(app, Run::Drill, "图书馆").await;
        app.drain().await;
        let id = all(app).await[0].id;
        let owner = operator(Role::Owner);
        let message = broadcasts::progress(&app.services, &owner, id).await.unwrap().parts[0].message;
        let list = format!("/messages/{message}/deliveries?channel=email");
        let found = app.get(&list).await.expect(200)["data"].clone();
        let link = |id: &str| {
            let of = |one: &&Value| one["recipient"]["campus_id"] == id;
            let delivery = found.as_array().unwrap().iter().find(of).unwrap()["id"].as_str().unwrap();
            short_links::roll_call_path(&app.services.vault, delivery.parse().unwrap())
        };
        person.look_at_width(390).await;
        person.open(&link("2")).await;
        person.sees("这是演练。").await;
        person.press("需要帮助").await;
        person.sees("已收到您的回答：").await;
        person.sees("这是演练：已记录您按下了“需要帮助”").await;
        // What was heard is seen at once, on the screen of a small phone.
        let seen = "const { top, bottom } = document.querySelector('[role=status]').getBoundingClientRect();
            return [scrollY, top > 0, bottom < 667]";
        assert_eq!(person.script(seen, json!([])).await, json!([0, true, true]));
        person.fill("请告诉我们您在哪里（楼、楼层、房间）", "教三 204").await;
        // Enter in a field never says that somebody is safe.
        person.keys([ENTER]).await;
        person.sees("您在别处了？请更改").await;
        person.sees("教三 204").await;

        person.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": false })).await;
        person.look_at_width(1440).await;
        person.open(&page).await;
        person.press("报平安情况").await;
        person.sees("教三 204").await;
        const ORDER: &str = "return [...document.querySelectorAll('main h2')].map((head) => head.id)";
        let order = person.script(ORDER, json!([])).await;
        assert_eq!(order[0], "need-title", "{order}");
        person.sees("需要帮助 1").await;
        // Somebody else says that they are safe: the board learns of it by itself.
        let form =
            app.plain(Method::POST, &link("1")).header("content-type", "application/x-www-form-urlencoded");
        assert_eq!(Answer::of(form.body("answer=help")).await.status, 200);
        // A board is counted anew after two seconds.
        app.clock.turn(3_000);
        person.sees("需要帮助 2").await;
        person.press("已联系，安全 2").await;
        person.sees("已登记：2 安全。").await;

        // The other way about: it is said at a desk, and seen on a phone.
        person.open(&link("3")).await;
        person.press("需要帮助").await;
        person.sees("已收到您的回答：").await;
        person.fill("请告诉我们您在哪里（楼、楼层、房间）", "宿舍 301").await;
        person.keys([ENTER]).await;
        person.sees("您在别处了？请更改").await;
        app.clock.turn(3_000);
        person.look_at_width(390).await;
        person.open(&page).await;
        person.press("报平安情况").await;
        person.sees("宿舍 301").await;
        assert_eq!(person.script(ORDER, json!([])).await[0], "need-title");
        person.press("已联系，安全 3").await;
        person.sees("已登记：3 安全。").await;
    });
}
