//! What administrators do with people and groups by hand, and what is in the way of deleting a group.

use belltower::Error;
use belltower::domain::operator::Role;
use belltower::domain::recipient::OptOut;
use belltower::service::{audit, groups, messages, recipients, routing};
use belltower::store::audit::AuditFilter;
use serde_json::{Value, json};

use super::{acts, faults, pair, put, put_students, registry};
use crate::support::app::{Answer, TestApp};
use crate::support::{on_both, operator, services};

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

on_both!(a_group_is_made_with_its_members_or_not_at_all, |db| async {
    let s = services(db);
    put_students(&s, 2).await;
    let owner = operator(Role::Owner);
    let body = json!({"name": "合唱团", "kind": "static"});
    let refused =
        groups::create(&s, &owner, "Choir", &json!({"kind": "static"}), &texts(&["s1", "no"])).await;
    let mut told = faults(refused);
    told.sort();
    assert_eq!(
        told,
        [pair("/members/1", "unknown_recipient"), pair("/name", "required"), pair("/slug", "bad_slug")]
    );
    assert!(groups::list(&s, &owner, "", None, 9).await.unwrap().is_empty());

    let id = groups::create(&s, &owner, "choir", &body, &texts(&["s1", "s2"])).await.unwrap();
    assert_eq!(groups::find(&s, &owner, id).await.unwrap().members, Some(2));
    let again = groups::create(&s, &owner, "choir", &body, &[]).await;
    assert_eq!(faults(again), [pair("/slug", "taken")]);
    let many = vec!["s1".to_owned(); 10_001];
    assert_eq!(
        faults(groups::create(&s, &owner, "band", &body, &many).await),
        [pair("/members", "too_many")]
    );

    groups::update(&s, &owner, id, 1, &json!({"name": "校合唱团"})).await.unwrap();
    let group = groups::find(&s, &owner, id).await.unwrap();
    assert_eq!((group.name.as_str(), group.members), ("校合唱团", Some(2)), "its members stay");
    assert_eq!(
        faults(groups::update(&s, &owner, id, 1, &json!({"name": " "})).await),
        [pair("/name", "required")]
    );
    assert_eq!(acts(&s).await, ["group.create", "group.update"]);
    let sender = operator(Role::Sender);
    assert!(matches!(groups::create(&s, &sender, "x", &body, &[]).await, Err(Error::Forbidden { .. })));
    assert!(matches!(groups::update(&s, &sender, id, 1, &body).await, Err(Error::Forbidden { .. })));
});

on_both!(a_person_is_in_the_groups_that_reach_them, |db| async {
    let s = services(db);
    let body =
        json!({"name": "李伟", "department": "农学院", "attributes": {"role": "student", "year": "2024"}});
    put(&s, "2024001", body).await;
    put(&s, "2024002", json!({"name": "王芳"})).await;
    let owner = operator(Role::Owner);
    for (slug, filter) in [
        ("freshers", "year = 2024"),
        ("farmers", "department = '农学院' and campus_id like '2024%'"),
        ("silent", "language is not null"),
    ] {
        let body = json!({"name": slug, "kind": "dynamic", "where": filter});
        groups::put(&s, &owner, slug, &body).await.unwrap();
    }
    let fixed = json!({"name": "choir", "kind": "static"});
    groups::create(&s, &owner, "choir", &fixed, &texts(&["2024001"])).await.unwrap();
    for (campus_id, expected) in [("2024001", &["choir", "farmers", "freshers"][..]), ("2024002", &[])] {
        let person = recipients::get(&s, &owner, campus_id).await.unwrap();
        let found = groups::of_person(&s, &owner, &person).await.unwrap();
        assert_eq!(found.iter().map(|group| group.slug.as_str()).collect::<Vec<_>>(), expected);
        for slug in expected {
            let reached = groups::members(&s, &owner, slug, None, 9).await.unwrap();
            assert!(reached.iter().any(|one| one.person.campus_id == campus_id), "{slug} says otherwise");
        }
    }
});

on_both!(a_person_is_added_once_and_set_aside, |db| async {
    let s = services(db);
    let owner = operator(Role::Owner);
    let body = json!({"name": "李伟", "email": "li.wei@example.edu"});
    let id = recipients::create(&s, &owner, "2024001", &body).await.unwrap();
    let found = recipients::find(&s, &owner, id).await.unwrap();
    assert_eq!(found.person.email.as_deref(), Some("l***@example.edu"));
    let again = recipients::create(&s, &owner, "2024001", &json!({"name": "王芳"})).await;
    assert_eq!(faults(again), [pair("/campus_id", "taken")]);
    assert_eq!(recipients::get(&s, &owner, "2024001").await.unwrap().person.name, "李伟");
    let everyone = json!({"where": "campus_id like '%'"});
    for (active, reached) in [(false, 0), (false, 0), (true, 1)] {
        recipients::set_active(&s, &owner, "2024001", active).await.unwrap();
        assert_eq!(groups::preview(&s, &owner, &everyone).await.unwrap().count, reached);
    }
    assert_eq!(acts(&s).await, ["recipient.create", "recipient.deactivate", "recipient.activate"]);
    let sender = operator(Role::Sender);
    let refused = recipients::set_active(&s, &sender, "2024001", false).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    assert!(matches!(recipients::set_active(&s, &owner, "none", true).await, Err(Error::NotFound(_))));
});

on_both!(an_opt_out_by_hand_has_a_reason_that_is_written_down, |db| async {
    let s = services(db);
    put(&s, "1", json!({"name": "李伟"})).await;
    let owner = operator(Role::Owner);
    let concerts = OptOut { channel: None, topic: "campus.activity.#".parse().unwrap() };
    for (reason, code) in [(" ", "required"), (&*"长".repeat(201), "too_long"), ("a\nb", "control_character")]
    {
        let refused = recipients::opt_out(&s, &owner, "1", &concerts, reason).await;
        assert_eq!(faults(refused), [pair("/reason", code)]);
    }
    recipients::opt_out(&s, &owner, "1", &concerts, "本人来电").await.unwrap();
    recipients::opt_out(&s, &owner, "1", &concerts, "again").await.unwrap();
    assert_eq!(recipients::opt_outs(&s, &owner, "1").await.unwrap(), std::slice::from_ref(&concerts));
    recipients::opt_in(&s, &owner, "1", &concerts, "又想收了").await.unwrap();
    assert!(recipients::opt_outs(&s, &owner, "1").await.unwrap().is_empty());
    let log = audit::list(&s, &owner, &AuditFilter::default(), None, 9).await.unwrap();
    let told: Vec<_> =
        log.iter().rev().map(|row| (row.action.as_str(), row.detail.0["reason"].clone())).collect();
    assert_eq!(
        told,
        [("recipient.opt_out", json!("本人来电")), ("recipient.opt_in", json!("又想收了"))],
        "what changed nothing is no act"
    );
});

async fn say(app: &TestApp, audience: Value) -> String {
    let body = json!({
        "topic": "campus.concert", "title": "音乐会", "body": "周五晚", "audience": audience,
        "send_at": "2026-10-01T00:00:00Z",
    });
    Answer::of(app.api(reqwest::Method::POST, "/messages").json(&body)).await.expect(202)["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

on_both!(a_group_that_something_needs_is_not_deleted, |db| async {
    let app = TestApp::on(db).await;
    let s = &app.services;
    put_students(s, 2).await;
    let owner = operator(Role::Owner);
    let fixed = json!({"name": "合唱团", "kind": "static"});
    groups::create(s, &owner, "choir", &fixed, &texts(&["s1"])).await.unwrap();
    groups::create(s, &owner, "band", &fixed, &[]).await.unwrap();
    // Without the group everyone would get what is for everyone else.
    let id = say(&app, json!({"everyone": true, "exclude": {"groups": ["choir"]}})).await;
    let others = say(&app, json!({"groups": ["band"]})).await;
    let uses = groups::uses(s, &owner, "choir").await.unwrap();
    assert_eq!(uses.messages, [(id.parse().unwrap(), "音乐会".to_owned())]);
    assert!(uses.rules.is_empty());
    let delete = async || Answer::of(app.api(reqwest::Method::DELETE, "/groups/choir")).await;
    delete().await.problem(409, "group_in_use");
    messages_cancel(&app, &id).await;
    assert!(groups::uses(s, &owner, "choir").await.unwrap().is_empty());

    let rule =
        json!({"rules": [{"name": "音乐会", "then": {"audience": {"mode": "add", "groups": ["choir"]}}}]});
    routing::apply(s, &owner, &rule).await.unwrap();
    assert_eq!(groups::uses(s, &owner, "choir").await.unwrap().rules, ["音乐会"]);
    delete().await.problem(409, "group_in_use");
    routing::apply(s, &owner, &json!({"rules": []})).await.unwrap();
    assert_eq!(delete().await.status, 204);
    messages_cancel(&app, &others).await;
});

async fn messages_cancel(app: &TestApp, id: &str) {
    Answer::of(app.api(reqwest::Method::POST, &format!("/messages/{id}/cancel"))).await.expect(200);
}

on_both!(only_who_may_see_messages_sees_what_a_person_was_sent, |db| async {
    let s = services(db);
    let (_, li) = put(&s, "1", json!({"name": "李伟"})).await;
    let seen = messages::deliveries_to(&s, &operator(Role::Sender), li.id, None, 9).await.unwrap();
    assert!(seen.is_empty());
    for caller in [operator(Role::Auditor), registry()] {
        let refused = messages::deliveries_to(&s, &caller, li.id, None, 9).await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    }
});
