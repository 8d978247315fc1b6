//! Erasing a person: nothing in the store tells any more who they were.

use belltower::domain::message::Rank;
use belltower::domain::operator::Role;
use belltower::domain::recipient::OptOut;
use belltower::service::{audit, groups, recipients, routing, templates};
use belltower::store::audit::AuditFilter;
use belltower::store::fan_out::{self, Listed};
use belltower::store::screen::Screen;
use belltower::store::{planning, recipients as people_store};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};
use crate::support::contents::everything;
use crate::support::{on_both, operator};

const ID: &str = "20240917";
/// A fellow student, to whom nothing happens.
const OTHER: &str = "20240918";
const NAME: &str = "欧阳锋镝";
const EMAIL: &str = "ouyang.fd@stu.bell.example";
const MOBILE: &str = "+8613800137391";

/// Whatever tells who it is, and how often the store may say so afterwards: never.
const TRACES: [&str; 9] = [ID, NAME, EMAIL, MOBILE, "ouyangfd", "oWxfd", "3-991", "《蛤蟆功》", "今夜子时"];

async fn send(app: &TestApp, more: Value) -> String {
    let mut body = json!({"topic": "library.due", "title": "通知", "body": "见正文"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    if body.get("template").is_some() {
        let fields = body.as_object_mut().unwrap();
        fields.remove("title");
        fields.remove("body");
    }
    let sent = Answer::of(app.api_as(&app.test_key, Method::POST, "/messages").json(&body)).await;
    sent.expect(202)["id"].as_str().unwrap().to_owned()
}

async fn people(app: &TestApp) {
    let person = json!({
        "name": NAME, "email": EMAIL, "mobile": MOBILE, "wecom_userid": "ouyangfd", "wechat_openid": "oWxfd",
        "department": "农学院", "attributes": {"role": "student", "dorm": "3-991"},
    });
    let put =
        |id: &str, body: &Value| Answer::of(app.api(Method::PUT, &format!("/recipients/{id}")).json(body));
    put(ID, &person).await.expect(201);
    put(OTHER, &json!({"name": "黄蓉", "email": "huang@stu.bell.example"})).await.expect(201);
    let owner = operator(Role::Owner);
    let never = [OptOut { channel: None, topic: "campus.#".parse().unwrap() }];
    recipients::set_opt_outs(&app.services, &owner, ID, &never).await.unwrap();
    let two = format!("campus_id in ('{ID}', '{OTHER}')");
    let dynamic = json!({"name": "室友", "kind": "dynamic", "where": two});
    groups::put(&app.services, &owner, "room", &dynamic).await.unwrap();
    groups::put(&app.services, &owner, "choir", &json!({"name": "合唱团", "kind": "static"})).await.unwrap();
    groups::change_members(&app.services, &owner, "choir", &json!({"add": [ID, OTHER]})).await.unwrap();
    let due = json!({"name": "到期", "title": "{{ book }} 到期", "body": "{{ book }}"});
    templates::put(&app.services, &owner, "due", &due).await.unwrap();
}

/// One message for each way there is to name somebody.
fn naming() -> Vec<Value> {
    let personalise = json!([
        {"campus_id": ID, "params": {"book": "《蛤蟆功》"}}, {"campus_id": OTHER, "params": {"book": "《落英》"}},
    ]);
    vec![
        json!({"audience": {"recipients": [ID, OTHER]}}),
        json!({"audience": {"everyone": true, "exclude": {"recipients": [ID]}}}),
        json!({"audience": {"where": format!("campus_id = '{ID}' or campus_id = '{OTHER}'")}}),
        json!({"audience": {"groups": ["room"]}}),
        json!({"audience": {"recipients": [OTHER]}, "template": "due", "personalise": personalise}),
        json!({"template": "due", "personalise": personalise}),
        json!({"to": [{"email": EMAIL.to_uppercase()}, {"mobile": MOBILE}, {"email": "guo@bell.example"}]}),
        json!({
            "audience": {"recipients": [ID]}, "title": format!("{NAME}同学"), "body": "今夜子时",
            "attributes": {"student": ID},
        }),
    ]
}

async fn counts(app: &TestApp, id: &str) -> Value {
    app.get(&format!("/messages/{id}")).await.expect(200)["counts"]["all"].clone()
}

/// What of the person is in the store.
async fn found(app: &TestApp) -> Vec<String> {
    let holds = |text: &str| {
        let text = text.to_lowercase();
        TRACES.iter().any(|trace| text.contains(&trace.to_lowercase()))
    };
    everything(&app.services.db).await.into_iter().filter(|text| holds(text)).collect()
}

on_both!(nothing_of_an_erased_person_is_left_in_the_store, |db| async {
    let app = TestApp::on(db.clone()).await;
    // Nobody knows them yet, and the answer to be repeated says so.
    let early =
        json!({"topic": "library.due", "title": "早", "body": "早", "audience": {"recipients": [ID]}});
    let ask =
        || app.api(Method::POST, "/messages?unknown=skip").header("Idempotency-Key", "early").json(&early);
    let first = Answer::of(ask()).await.expect(202);
    assert_eq!(first["unknown"]["recipients"], json!([ID]));
    people(&app).await;

    let mut sent = Vec::new();
    for message in naming() {
        sent.push(send(&app, message).await);
    }
    app.drain().await;
    let mut waiting = Vec::new();
    for mut message in naming() {
        message["send_at"] = json!("2026-09-22T08:00:00+08:00");
        waiting.push(send(&app, message).await);
    }
    let before = found(&app).await.concat();
    for trace in TRACES {
        assert!(before.to_lowercase().contains(&trace.to_lowercase()), "the test says nothing about {trace}");
    }
    let mut counted = Vec::new();
    for id in &sent {
        counted.push(counts(&app, id).await);
    }

    let erased = Answer::of(app.api(Method::DELETE, &format!("/recipients/{ID}"))).await;
    assert_eq!(erased.status, 204, "{}", erased.text);
    assert_eq!(found(&app).await, [""; 0]);
    for (id, counted) in sent.iter().zip(counted) {
        assert_eq!(counts(&app, id).await, counted, "statistics stay");
    }
    let again = Answer::of(ask()).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!((&again.json()["id"], &again.json()["unknown"]["recipients"]), (&first["id"], &json!([])));

    // What still waited goes out to everybody else.
    app.clock.turn(24 * 3_600_000);
    app.drain().await;
    for (id, planned) in waiting.iter().zip([1, 1, 1, 1, 1, 1, 1, 0]) {
        let message = app.get(&format!("/messages/{id}")).await.expect(200);
        let email = &message["counts"]["email"]["planned"];
        assert_eq!(email.as_i64().unwrap_or(0), planned, "{message}");
        let status = if planned == 0 { "unrouted" } else { "completed" };
        assert_eq!(message["status"], status, "{message}");
    }
    let alone = app.get(&format!("/messages/{}", waiting[7])).await.expect(200);
    assert_eq!((&alone["title"], &alone["body"], &alone["audience"]), (&json!("–"), &json!("–"), &json!({})));
    assert_eq!(found(&app).await, [""; 0]);
    let room = groups::get(&app.services, &operator(Role::Owner), "room").await.unwrap();
    assert_eq!(room.members, Some(1));
});

on_both!(an_address_that_is_somebody_elses_too_stays, |db| async {
    let app = TestApp::on(db.clone()).await;
    for id in [ID, OTHER] {
        let person = json!({"name": NAME, "email": EMAIL});
        Answer::of(app.api(Method::PUT, &format!("/recipients/{id}")).json(&person)).await.expect(201);
    }
    let id = send(&app, json!({"to": [{"email": EMAIL}]})).await;
    Answer::of(app.api(Method::DELETE, &format!("/recipients/{ID}"))).await.expect(204);
    app.drain().await;
    let counts = counts(&app, &id).await;
    assert_eq!((&counts["planned"], &counts["cancelled"]), (&json!(1), &json!(0)), "{counts}");
    let sent = app.get(&format!("/messages/{id}/deliveries")).await.expect(200);
    assert!(sent["data"][0]["address"].is_string(), "{sent}");
});

on_both!(an_erasure_cut_off_half_way_is_done_again, |db| async {
    let app = TestApp::on(db.clone()).await;
    people(&app).await;
    send(&app, naming().remove(0)).await;
    // As far as a process came that was killed behind its first step.
    let mut tx = db.begin().await.unwrap();
    let person = people_store::lock(&mut tx, ID).await.unwrap().unwrap();
    people_store::set_active(&mut tx, person.id, false, app.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(app.get(&format!("/recipients/{ID}")).await.expect(200)["active"], false);
    let erase = async || Answer::of(app.api(Method::DELETE, &format!("/recipients/{ID}"))).await.status;
    assert_eq!((erase().await, erase().await), (204, 404));
    assert_eq!(found(&app).await, [""; 0]);
});

on_both!(a_planner_with_the_message_in_hand_plans_nothing_of_what_was_erased, |db| async {
    let app = TestApp::on(db.clone()).await;
    people(&app).await;
    let id = send(&app, json!({"to": [{"email": EMAIL}, {"email": "guo@bell.example"}]})).await;
    let now = app.clock.now();
    let mut tx = db.begin().await.unwrap();
    let in_hand = planning::claim(&mut tx, Rank::Normal, now, 7, 30_000, 10).await.unwrap();
    tx.commit().await.unwrap();
    Answer::of(app.api(Method::DELETE, &format!("/recipients/{ID}"))).await.expect(204);

    let theirs = in_hand[0].audience.as_ref().unwrap().0.to[0].clone();
    assert_eq!(theirs.value, EMAIL, "as the planner read it before");
    let mut tx = db.begin().await.unwrap();
    let listed = [Listed::Address { target: -1, address: theirs }];
    let added =
        fan_out::add_listed(&mut tx, &in_hand[0], &listed, &Screen::default(), now, 30_000).await.unwrap();
    assert_eq!(added, None, "it is no longer the planner's");
    drop(tx);
    app.drain().await;
    assert_eq!(counts(&app, &id).await["planned"], 1);
    assert_eq!(found(&app).await, [""; 0]);
});

on_both!(rules_and_what_they_made_of_messages_forget_a_person_too, |db| async {
    let app = TestApp::on(db.clone()).await;
    people(&app).await;
    let owner = operator(Role::Owner);
    let both = json!({"recipients": [ID, OTHER]});
    let alone = json!({"recipients": [ID], "mode": "replace"});
    let rules = |stop: bool| {
        json!({"rules": [
            {"name": "属性", "when": {"attributes": "student is not null"}, "then": {"quiet_hours": "ignore"}},
            {"name": "舍友", "when": {"topics": ["library.#"]}, "stop": stop, "then": {"audience": both}},
            {"name": "本人", "when": {"topics": ["dorm.#"]}, "then": {"audience": alone}},
        ]})
    };
    for stop in [false, true] {
        routing::apply(&app.services, &owner, &rules(stop)).await.unwrap();
    }
    let by_rule = send(&app, json!({})).await;
    let own = send(&app, json!({"topic": "dorm.key", "body": "今夜子时"})).await;
    let about = send(
        &app,
        json!({"topic": "exam.x", "audience": {"recipients": [ID]}, "attributes": {"student": ID}, "body": NAME}),
    )
    .await;
    app.drain().await;
    let before = found(&app).await;
    for place in ["routing_version.rules", "message.routing", "message_event.detail"] {
        assert!(before.iter().any(|text| text.starts_with(place)), "the test says nothing about {place}");
    }
    Answer::of(app.api(Method::DELETE, &format!("/recipients/{ID}"))).await.expect(204);
    assert_eq!(found(&app).await, [""; 0]);

    for id in [&own, &about] {
        assert_eq!(
            app.get(&format!("/messages/{id}")).await.expect(200)["body"],
            "–",
            "it was for them alone"
        );
    }
    assert_eq!(app.get(&format!("/messages/{by_rule}")).await.expect(200)["body"], "见正文");
    let in_force = routing::export(&app.services, &owner).await.unwrap();
    assert_eq!((in_force.version, in_force.rules.len()), (3, 3), "a version of its own");
    assert!(in_force.rules[1].stop);
    let entries = audit::list(&app.services, &owner, &AuditFilter::default(), None, 10).await.unwrap();
    let change = entries.iter().find(|entry| entry.action == "routing.change").unwrap();
    assert_eq!(change.detail.0["changed"], json!(["舍友", "本人"]));

    let (by_rule, own) = (
        send(&app, json!({})).await,
        send(&app, json!({"topic": "dorm.key", "audience": {"recipients": [OTHER]}})).await,
    );
    app.drain().await;
    assert_eq!(counts(&app, &by_rule).await["planned"], 3, "the other is still sent it, by each channel");
    let own = app.get(&format!("/messages/{own}")).await.expect(200);
    assert_eq!(own["status"], "unrouted", "the rule still takes the sender's audience away");
});
