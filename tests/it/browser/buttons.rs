//! An alarm button, from the form to the wall: registered, armed by two, seen armed.

use std::time::Duration;

use belltower::domain::button::ButtonState;
use belltower::domain::grant::Powers;
use belltower::domain::id::OperatorId;
use belltower::domain::operator::Role;
use belltower::service::buttons::{self, ButtonRow};
use belltower::service::caller::{Caller, OperatorCaller};
use belltower::service::scenarios;
use reqwest::Method;
use serde_json::json;

use super::chrome::in_browser;
use super::person::Person;
use crate::support::TERMINAL;
use crate::support::app::{Answer, TestApp};

async fn campus() -> TestApp {
    let app = TestApp::start().await;
    scenarios::seed(&app.services).await.unwrap();
    app
}

async fn row(app: &TestApp) -> ButtonRow {
    buttons::list(&app.services, &TERMINAL).await.unwrap().remove(0)
}

/// Somebody who did not register it.
fn another() -> Caller {
    Caller::Operator(OperatorCaller {
        id: OperatorId(9_000),
        name: "李岩".to_owned(),
        email: "liyan@bell.example".to_owned(),
        roles: vec![Role::DutyOfficer.to_string()],
        powers: Powers::from(Role::DutyOfficer),
        on_duty: true,
        language: None,
    })
}

async fn choose(person: &Person, field: &str, value: &str) {
    // In a block: it is run several times on one page.
    let script = "{ const field = document.getElementById(arguments[0]); field.value = arguments[1]; \
                  field.dispatchEvent(new Event('change', { bubbles: true })) }";
    person.script(script, json!([field, value])).await;
}

#[test]
fn a_button_is_registered_armed_by_two_and_seen_armed() {
    in_browser(campus(), async |app, person| {
        person.enrol(app).await;
        person.sign_in().await;
        person.open("/console/emergency").await;
        person.press("报警按钮").await;
        person.press("登记报警按钮").await;
        person.fill("名称", "图书馆总服务台").await;
        person.fill("安装位置", "图书馆一层东侧").await;
        // The lists of a scenario come as soon as it is chosen.
        choose(person, "press_scenario", "fire").await;
        let asked = "return document.querySelector('[name=press_at_place]') !== null";
        person.until("the lists of the scenario", asked, json!([])).await;
        person.tick("图书馆").await;
        person.tick("操场").await;
        person.press("登记").await;
        person.sees("只显示这一次").await;
        person.sees("未布防").await;
        let row_id = row(app).await.id;
        person.press("申请布防").await;
        person.sees("您申请了布防、修改过该按钮或生成过它的密钥").await;
        assert_eq!(row(app).await.state, ButtonState::Disarmed);

        // The second person.
        let version = row(app).await.version;
        buttons::confirm(&app.services, &another(), row_id, version).await.unwrap();
        person.reload().await;
        person.sees("已布防").await;
        person.sees("李岩").await;
        let key = buttons::rotate_key(&app.services, &another(), row_id, Duration::ZERO).await.unwrap();
        let path = format!("/buttons/{row_id}/press");
        let pressed = app.api_as(&key, Method::POST, &path).json(&json!({"kind": "press", "seq": 1}));
        assert_eq!(Answer::of(pressed).await.expect(202)["led"], "live");
        person.open("/console/emergency/buttons").await;
        person.sees("图书馆总服务台").await;
        person.sees("已布防").await;
        person.press("图书馆总服务台").await;
        person.sees("正在发出").await;
        assert_eq!(person.log().await, [""; 0]);
    });
}
