//! A source that is limited to groups: what it may name, and whom it reaches.

use belltower::domain::operator::Role;
use belltower::service::routing;
use belltower::service::sources::{self, GrantForm, NewSource};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp, everything};
use crate::support::operator;

/// Readers are 1 and 2, staff are 2 and 3; 4 is in no group. The key is limited to readers.
async fn limited() -> (TestApp, String) {
    let app = TestApp::start().await;
    for id in 1..=4 {
        let role = if id == 1 { "student" } else { "staff" };
        let body = json!({
            "name": format!("某人{id}"), "email": format!("p{id}@bell.example"), "attributes": {"role": role},
        });
        Answer::of(app.api(Method::PUT, &format!("/recipients/{id}")).json(&body)).await.expect(201);
    }
    for (slug, members) in [("readers", ["1", "2"]), ("staff", ["2", "3"])] {
        let group = json!({"name": slug, "kind": "static"});
        Answer::of(app.api(Method::PUT, &format!("/groups/{slug}")).json(&group)).await.expect(201);
        app.post(&format!("/groups/{slug}/members"), &json!({"add": members})).await.expect(200);
    }
    let new = NewSource {
        rights: Vec::new(),
        channels: vec!["email".to_owned()],
        groups: vec!["readers".to_owned()],
        ..everything("library")
    };
    let key = app.add_source(new).await;
    (app, key)
}

fn message(audience: &Value) -> Value {
    json!({"topic": "library.hours", "title": "开馆时间", "body": "周日九点", "audience": audience})
}

async fn post(app: &TestApp, key: &str, path: &str, body: &Value) -> Answer {
    Answer::of(app.api_as(key, Method::POST, path).json(body)).await
}

/// Who is sent a message once it is planned.
async fn sent_to(app: &TestApp, id: &str) -> Vec<String> {
    app.drain().await;
    let rows = app.get(&format!("/messages/{id}/deliveries")).await.expect(200);
    let rows = rows["data"].as_array().unwrap().iter();
    let mut ids: Vec<_> =
        rows.map(|row| row["recipient"]["campus_id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

async fn reached(app: &TestApp, key: &str, audience: Value) -> Vec<String> {
    let sent = post(app, key, "/messages", &message(&audience)).await.expect(202);
    sent_to(app, sent["id"].as_str().unwrap()).await
}

#[tokio::test]
async fn it_reaches_people_of_its_groups_however_they_are_named() {
    let (app, key) = limited().await;
    let own = Answer::of(app.api_as(&key, Method::GET, "/source")).await.expect(200);
    assert_eq!(own["groups"], json!(["readers"]));
    assert_eq!(app.get("/source").await.expect(200)["groups"], json!([]));
    assert_eq!(reached(&app, &key, json!({"groups": ["readers"]})).await, ["1", "2"]);
    assert_eq!(reached(&app, &key, json!({"recipients": ["2"]})).await, ["2"]);
    assert_eq!(
        reached(&app, &key, json!({"where": "role = 'staff'"})).await,
        ["2"],
        "no further than its groups"
    );
    let less = json!({"groups": ["readers"], "exclude": {"groups": ["staff"]}});
    assert_eq!(reached(&app, &key, less).await, ["1"], "whoever is left out");
    let but = json!({"where": "campus_id like '%'", "exclude": {"where": "role = 'student'"}});
    assert_eq!(reached(&app, &key, but).await, ["2"]);
    // Whose variables they are is whom it is for.
    let personal = json!({
        "topic": "library.hours", "title": "借阅到期", "body": "{{ title }}",
        "personalise": [{"campus_id": "1", "params": {"title": "诗经"}}],
    });
    let sent = post(&app, &key, "/messages", &personal).await.expect(202);
    assert_eq!(sent_to(&app, sent["id"].as_str().unwrap()).await, ["1"]);
}

#[tokio::test]
async fn what_it_may_not_name_is_refused() {
    let (app, key) = limited().await;
    for audience in [
        json!({"everyone": true}),
        json!({"groups": ["staff"]}),
        json!({"groups": ["readers", "staff"]}),
        json!({"groups": ["no-such-group"]}),
    ] {
        for path in ["/messages", "/messages/preview"] {
            let refused = post(&app, &key, path, &message(&audience)).await.problem(403, "forbidden");
            let detail = refused["detail"].as_str().unwrap();
            assert!(detail.contains("`readers`") && detail.contains("groups"), "{detail}");
        }
    }
    let mut direct = message(&json!(null));
    direct["to"] = json!([{"email": "li@bell.example"}]);
    post(&app, &key, "/messages", &direct).await.problem(403, "forbidden");

    // Somebody elsewhere and nobody at all are told alike.
    let strangers = json!({"recipients": ["1", "3", "999"], "exclude": {"recipients": ["2", "4"]}});
    let faults = post(&app, &key, "/messages", &message(&strangers)).await.faults();
    let not_theirs = |at: &str| (at.to_owned(), "recipient_not_yours".to_owned());
    let expected = ["/audience/recipients/1", "/audience/recipients/2", "/audience/exclude/recipients/1"];
    assert_eq!(faults, expected.map(not_theirs));
    let skipped = post(&app, &key, "/messages?unknown=skip", &message(&strangers)).await.expect(202);
    assert_eq!(skipped["unknown"]["recipients"], json!(["3", "999", "4"]));
    assert_eq!(sent_to(&app, skipped["id"].as_str().unwrap()).await, ["1"]);
    let personal = json!({
        "topic": "library.hours", "title": "借阅到期", "body": "{{ title }}",
        "personalise": [{"campus_id": "3", "params": {"title": "诗经"}}],
    });
    let faults = post(&app, &key, "/messages", &personal).await.faults();
    assert_eq!(faults, [not_theirs("/personalise/0/campus_id")]);

    let batch = json!({"messages": [
        message(&json!({"groups": ["staff"]})), message(&json!({"groups": ["readers"]})),
        message(&json!({"recipients": ["3"]})),
    ]});
    let results = post(&app, &key, "/messages/batch", &batch).await.expect(200)["results"].clone();
    let statuses: Vec<_> = results.as_array().unwrap().iter().map(|one| one["status"].as_u64()).collect();
    assert_eq!(statuses, [Some(403), Some(202), Some(422)]);
    let seen = post(&app, &key, "/messages/preview", &message(&json!({"where": "role = 'staff'"}))).await;
    assert_eq!(seen.expect(200)["audience"]["total"], 1);
}

#[tokio::test]
async fn rules_send_it_on_to_whomever_they_name() {
    let (app, key) = limited().await;
    let rules = json!([{
        "name": "开馆", "when": {"topics": ["library.#"]},
        "then": {"audience": {"mode": "add", "groups": ["staff"]}},
    }]);
    let owner = operator(Role::Owner);
    routing::apply(&app.services, &owner, &json!({"rules": rules})).await.unwrap();
    assert_eq!(reached(&app, &key, json!({"where": "role = 'student'"})).await, ["1", "2", "3"]);
    let sent = json!({"topic": "library.hours", "title": "开馆时间", "body": "周日九点"});
    let sent = post(&app, &key, "/messages", &sent).await.expect(202);
    assert_eq!(sent_to(&app, sent["id"].as_str().unwrap()).await, ["2", "3"]);
}

#[tokio::test]
async fn what_was_accepted_goes_as_far_as_its_source_might_then() {
    let (app, key) = limited().await;
    let owner = operator(Role::Owner);
    let source = sources::get_named(&app.services, &owner, "library").await.unwrap();
    let mut later = message(&json!({"where": "role = 'staff'"}));
    later["send_at"] = json!("2026-09-21T20:00:00Z");
    let sent = post(&app, &key, "/messages", &later).await.expect(202);
    let form = GrantForm {
        department: source.department,
        topics: source.topics.iter().map(ToString::to_string).collect(),
        channels: vec!["email".to_owned()],
        ..GrantForm::default()
    };
    sources::update(&app.services, &owner, source.id, form).await.unwrap();
    // Nobody deletes a group as long as somebody is limited to it, or a message still is.
    let delete = async || Answer::of(app.api(Method::DELETE, "/groups/readers")).await;
    delete().await.problem(409, "group_in_use");
    assert_eq!(
        reached(&app, &key, json!({"where": "role = 'staff'"})).await,
        ["2", "3", "4"],
        "no limit any more"
    );
    // Who comes into the group by then is in it.
    app.post("/groups/readers/members", &json!({"add": ["3"], "remove": ["2"]})).await.expect(200);
    app.clock.turn(6 * 60 * 60 * 1000);
    assert_eq!(sent_to(&app, sent["id"].as_str().unwrap()).await, ["3"]);
    assert_eq!(delete().await.status, 204);
}

#[tokio::test]
async fn a_group_that_a_source_is_limited_to_stays() {
    let (app, key) = limited().await;
    Answer::of(app.api(Method::DELETE, "/groups/readers")).await.problem(409, "group_in_use");
    Answer::of(app.api(Method::DELETE, "/groups/staff")).await.expect(204);
    // Its name and members may change; it is the same group.
    let renamed = json!({"name": "读者", "kind": "dynamic", "where": "campus_id in ('2', '4')"});
    Answer::of(app.api(Method::PUT, "/groups/readers").json(&renamed)).await.expect(200);
    assert_eq!(reached(&app, &key, json!({"groups": ["readers"]})).await, ["2", "4"]);
}
