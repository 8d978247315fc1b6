//! U+0000, which PostgreSQL can neither store nor compare, is refused by either database alike, wherever it comes.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::pairs;
use crate::support::app::{Answer, TestApp};
use crate::support::on_both;

on_both!(what_cannot_be_looked_for_is_told, |db| async {
    let app = TestApp::on(db.clone()).await;
    let id = "msg_0000000000000";
    let deliveries = format!("/messages/{id}/deliveries");
    for (path, name) in [
        ("/recipients", "q"),
        ("/recipients", "group"),
        ("/templates", "cursor"),
        ("/messages", "q"),
        (&*deliveries, "campus_id"),
        (&*deliveries, "answer"),
    ] {
        let answer = app.get(&format!("{path}?{name}=a%00b")).await;
        assert_eq!(answer.faults(), pairs(&[(&format!("?{name}"), "control_character")]), "{path} {name}");
    }
});

on_both!(a_path_with_it_leads_nowhere, |db| async {
    let app = TestApp::on(db.clone()).await;
    let members = json!({"add": []});
    for (method, path, body) in [
        (Method::GET, "/recipients/a%00", Value::Null),
        (Method::PATCH, "/recipients/a%00", json!({"name": "a"})),
        (Method::DELETE, "/recipients/a%00", Value::Null),
        (Method::GET, "/groups/a%00", Value::Null),
        (Method::DELETE, "/groups/a%00", Value::Null),
        (Method::GET, "/groups/a%00/members", Value::Null),
        (Method::POST, "/groups/a%00/members", members),
        (Method::GET, "/templates/a%00", Value::Null),
    ] {
        let request = app.api(method.clone(), path);
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text);
    }
    let alert = Answer::of(app.plain(Method::GET, "/feeds/cap/a%00.xml")).await;
    alert.problem(404, "not_found");
});

on_both!(a_body_with_it_is_told_where, |db| async {
    let app = TestApp::on(db.clone()).await;
    Answer::of(app.api(Method::PUT, "/groups/staff").json(&json!({"name": "g", "kind": "static"})))
        .await
        .expect(201);
    let message = |audience: Value| json!({"topic": "a.b", "title": "t", "body": "b", "audience": audience});
    let group = message(json!({"groups": ["a\0"]}));
    let press = json!({"scenario": "fire", "drill": true, "note": "a\0b"});
    for (path, body, at) in [
        ("/groups/staff/members", json!({"add": ["a\0"]}), "/add/0"),
        ("/groups/staff/members", json!({"remove": ["a\0"]}), "/remove/0"),
        ("/messages", group.clone(), "/audience/groups/0"),
        ("/messages/preview", group.clone(), "/audience/groups/0"),
        ("/messages?unknown=skip", group, "/audience/groups/0"),
        ("/broadcasts", press, "/note"),
    ] {
        let faults = app.post(path, &body).await.faults();
        assert!(faults.contains(&(at.to_owned(), "control_character".to_owned())), "{path}: {faults:?}");
    }
});
