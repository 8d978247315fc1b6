//! Broadcasts and alarm buttons.

use belltower::domain::audience::Audience;
use belltower::domain::button::{Gesture, Power};
use belltower::domain::channel::ChannelKind;
use belltower::domain::emergency::free_text::FreeText;
use belltower::domain::emergency::{Level, Run, Said, Texts};
use belltower::domain::grant::Powers;
use belltower::domain::id::OperatorId;
use belltower::domain::operator::Role;
use belltower::service::Caller;
use belltower::service::broadcasts::{self, Pressing};
use belltower::service::buttons::{self, ButtonForm, GestureForm};
use belltower::service::caller::OperatorCaller;
use belltower::service::scenarios::{self, Proposal};
use reqwest::Method;
use serde_json::json;

use crate::support::app::{Answer, TestApp};
use crate::support::fire::{fire, fire_meeting};

pub(super) fn on_duty() -> Caller {
    Caller::Operator(OperatorCaller {
        id: OperatorId(9_000),
        name: "李岩".to_owned(),
        email: "liyan@bell.example".to_owned(),
        roles: vec!["sender".to_owned()],
        powers: Powers::from(Role::DutyOfficer),
        on_duty: false,
        language: None,
    })
}

/// A broadcast that waits for a second person, a drill that runs, and one in free words, by their paths.
pub(super) async fn emergencies(app: &TestApp) -> [String; 3] {
    scenarios::seed(&app.services).await.unwrap();
    let officer = on_duty();
    let params = fire_meeting("图书馆", "东门广场");
    let press = async |run| {
        let (from, note) = (Some([10, 1, 2, 3].into()), "保安巡查时看到浓烟");
        let pressing = Pressing { scenario: "fire", params: &params, run, note, from, request_id: "test" };
        broadcasts::press(&app.services, &officer, &pressing).await.unwrap().id
    };
    let (waits, drill) = (press(Run::Live).await, press(Run::Drill).await);
    let said = |title: &str, text: &str| Said {
        title: title.to_owned(),
        body: text.to_owned(),
        sms: text.to_owned(),
        wechat: text.to_owned(),
    };
    let words = FreeText {
        alert: Texts {
            zh: said("请勿饮用自来水", "校园自来水异常，请勿饮用。"),
            en: said("Do not drink tap water", "Do not drink tap water until told."),
        },
        level: Level::Orange,
        audience: Audience { everyone: true, ..Audience::default() },
        channels: ChannelKind::ALL.to_vec(),
        expires_in_minutes: 120,
    };
    let scenario = words.scenario();
    let words = broadcasts::FreeText {
        scenario: &scenario,
        follows: None,
        run: Run::Live,
        note: "",
        from: None,
        request_id: "test",
    };
    let words = broadcasts::press_words(&app.services, &officer, &words).await.unwrap().id;
    let quake = scenarios::get(&app.services, &officer, "earthquake").await.unwrap();
    let mut later = quake.document.0;
    "保卫处值班室".clone_into(&mut later.owner);
    later.expires_in_minutes += 60;
    let proposal = Proposal {
        slug: "earthquake",
        based_on: 1,
        seen: None,
        document: Some(&later),
        reason: "演练之后按值班室的意见修改",
    };
    scenarios::propose(&app.services, &officer, &proposal).await.unwrap();
    app.drain().await;
    [waits, drill, words].map(|id| format!("/console/emergency/broadcasts/{id}"))
}

/// Buttons: one armed that was pressed, tried out and is not heard of, and one that waits to be armed; by their paths.
pub(super) async fn alarm_buttons(app: &TestApp) -> [String; 2] {
    let s = &app.services;
    let officer = |number: i64, name: &str| {
        Caller::Operator(OperatorCaller {
            id: OperatorId(number),
            name: name.to_owned(),
            email: format!("duty{number}@bell.example"),
            roles: vec![Role::DutyOfficer.to_string()],
            powers: Powers::from(Role::DutyOfficer),
            on_duty: true,
            language: None,
        })
    };
    let (li, chen) = (officer(9_000, "李岩"), officer(9_001, "陈立"));
    let stands_for = |place: &str| GestureForm { scenario: "fire".to_owned(), params: fire(place) };
    let form = ButtonForm {
        name: "图书馆总服务台".to_owned(),
        place: "图书馆一层东侧，服务台内侧桌板下方".to_owned(),
        power: Some(Power::Battery),
        gestures: vec![(Gesture::Press, stands_for("图书馆")), (Gesture::Hold, stands_for("体育馆"))],
        cancel_seconds: Some(5),
        networks: vec!["127.0.0.0/8".to_owned(), "10.20.0.0/16".to_owned()],
        signed: false,
    };
    let armed = buttons::register(s, &li, &form).await.unwrap();
    buttons::ask(s, &li, armed.id, 1).await.unwrap();
    buttons::confirm(s, &chen, armed.id, 2).await.unwrap();
    for (seq, kind) in [(1, "heartbeat"), (2, "test"), (3, "press"), (4, "cancel"), (5, "double")] {
        let path = format!("/buttons/{}/press", armed.id);
        let body = json!({"kind": kind, "seq": seq, "battery": 17, "firmware": "2.3.1"});
        Answer::of(app.api_as(&armed.key, Method::POST, &path).json(&body)).await.expect(202);
    }
    let waits = ButtonForm { name: "实验楼三层走廊".to_owned(), signed: true, ..form };
    let waits = buttons::register(s, &li, &waits).await.unwrap().id;
    buttons::ask(s, &li, waits, 1).await.unwrap();
    [armed.id, waits].map(|id| format!("/console/emergency/buttons/{id}"))
}
