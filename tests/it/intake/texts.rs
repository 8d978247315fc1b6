use belltower::domain::message::TemplateVersion;
use serde_json::json;

use super::{Door, fault, message, message_and};
use crate::support::on_both;

on_both!(a_template_is_filled_in_when_the_message_is_accepted, |db| async {
    let door = Door::with_directory(db).await;
    let body = json!({
        "topic": "academic.exam", "template": "exam", "params": { "course": "有机{{ 化学 }}", "room": "A*101*" },
        "variants": { "sms": { "body": "{{ course }}" } }, "link": "https://bell.example/",
    });
    let view = door.kept(body).await;
    assert_eq!(view.summary.title, "有机{{ 化学 }}考试");
    assert!(view.body.starts_with("教室 A") && !view.body.contains("{{ room"), "{}", view.body);
    assert!(view.variants["sms"].body.as_ref().unwrap().contains("化学"));
    assert_eq!(view.template, Some(TemplateVersion { slug: "exam".to_owned(), version: 1 }));
    assert_eq!(view.params["room"], "A*101*");
    assert!(!view.personalised);
});

on_both!(variables_are_all_there_and_all_used, |db| async {
    let door = Door::with_directory(db).await;
    let template = |params| json!({ "topic": "academic.exam", "template": "exam", "params": params });
    let mut found = door.faults(template(json!({ "course": "x", "seat": 1 }))).await;
    found.sort();
    assert_eq!(found, [fault("/params/room", "missing_variable"), fault("/params/seat", "unknown_variable")]);
    let long = door.faults(template(json!({ "course": "x".repeat(300), "room": "1" }))).await;
    assert_eq!(long, [fault("/params", "too_long")]);

    let unknown = json!({ "topic": "academic.exam", "template": "gone" });
    assert_eq!(door.faults(unknown).await, [fault("/template", "unknown_template")]);
    let mut both = message();
    both["template"] = json!("exam");
    both["params"] = json!({ "course": "x", "room": "1" });
    assert_eq!(door.faults(both).await, [fault("/title", "exclusive"), fault("/body", "exclusive")]);
    let alone = door.faults(message_and(json!({ "params": { "a": 1 } }))).await;
    assert_eq!(alone, [fault("/params", "exclusive")]);
});

on_both!(each_person_has_every_variable, |db| async {
    let door = Door::with_directory(db).await;
    let body = |people| {
        json!({
            "topic": "academic.exam", "template": "exam", "params": { "course": "化学" }, "personalise": people,
        })
    };
    let right = json!([
        { "campus_id": "2023001", "params": { "room": "A1" } },
        { "campus_id": 2_023_002, "params": { "room": "A2", "course": "物理" } },
    ]);
    let view = door.kept(body(right)).await;
    assert!(view.personalised);
    assert_eq!(
        view.summary.title, "‹course›考试",
        "filled in for each person, of whom one has another course"
    );
    assert_eq!((view.body.as_str(), view.outline.body.as_str()), ("教室 {{ room }}", "教室 ‹room›"));

    let same = json!([{ "campus_id": "2023001", "params": { "room": "A1" } }]);
    let view = door.kept(body(same)).await;
    assert_eq!(view.summary.title, "化学考试", "the same for everybody");
    assert_eq!(view.params["course"], "化学");

    let wrong = json!([
        { "campus_id": "2023001", "params": {} },
        { "campus_id": "2023002", "params": { "room": "A2", "seat": 7 } },
        { "campus_id": "9", "params": { "room": "A3" } },
        { "campus_id": "2023001", "params": { "room": "A4" } },
        { "params": [] },
    ]);
    let mut found = door.faults(body(wrong)).await;
    found.sort();
    assert_eq!(
        found,
        [
            fault("/personalise/0/params/room", "missing_variable"),
            fault("/personalise/1/params/seat", "unknown_variable"),
            fault("/personalise/2/campus_id", "unknown_recipient"),
            fault("/personalise/3/campus_id", "duplicate"),
            fault("/personalise/4/campus_id", "required"),
            fault("/personalise/4/params", "not_an_object"),
        ]
    );
});

on_both!(people_who_are_named_and_have_no_variables_are_told, |db| async {
    let door = Door::with_directory(db).await;
    let body = |params: serde_json::Value| {
        json!({
            "topic": "academic.exam", "template": "exam", "params": params,
            "personalise": [{ "campus_id": "2023001", "params": { "room": "A1" } }],
            "audience": { "recipients": ["2023001", "2023002"] },
        })
    };
    let found = door.faults(body(json!({ "course": "化学" }))).await;
    assert_eq!(found, [fault("/audience/recipients/1", "missing_variable")]);
    assert!(door.send(body(json!({ "course": "化学", "room": "待定" }))).await.is_ok());
});

on_both!(own_texts_have_variables_only_where_people_have_values, |db| async {
    let door = Door::with_directory(db).await;
    let code = json!({ "body": "写作 `{{ name }}` 与 {% raw" });
    assert_eq!(door.kept(message_and(code)).await.body, "写作 `{{ name }}` 与 {% raw");

    let people = json!([{ "campus_id": "2023001", "params": { "grade": 95 } }]);
    let right = json!({ "body": "成绩 {{ grade }}", "personalise": people });
    assert_eq!(door.kept(message_and(right)).await.body, "成绩 {{ grade }}");
    let broken = json!({ "body": "成绩 {{ grade", "personalise": people });
    assert_eq!(door.faults(message_and(broken)).await, [fault("/body", "template_syntax")]);
});
