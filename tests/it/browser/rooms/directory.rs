//! People, groups, and addresses that are left alone.

use belltower::domain::channel::AddressKind;
use belltower::domain::id::GroupId;
use belltower::domain::operator::Role;
use belltower::domain::recipient::OptOut;
use belltower::domain::suppression::Cause;
use belltower::service::{groups, recipients, suppressions};
use belltower::store::suppressions::{NewSuppression, insert};
use serde_json::json;

use crate::browser::accepted;
use crate::support::app::TestApp;
use crate::support::operator;
use crate::support::services::START;

/// Somebody in the directory by the path of their page, and the ids of a group that lists them and one that finds them.
pub(super) async fn directory(app: &TestApp) -> (String, GroupId, GroupId) {
    let owner = operator(Role::Owner);
    let s = &app.services;
    let body = json!({
        "name": "Li Wei", "email": "li@bell.example", "mobile": "13812345678", "wecom_userid": "liwei",
        "department": "图书馆", "language": "zh-CN", "attributes": {"role": "student", "year": 2024},
    });
    let person = recipients::create(s, &owner, "2024001", &body).await.unwrap();
    for topic in ["campus.activity.#", "library.*"] {
        let one = OptOut { channel: None, topic: topic.parse().unwrap() };
        recipients::opt_out(s, &owner, "2024001", &one, "asked").await.unwrap();
    }
    let choir = json!({"name": "Choir", "kind": "static"});
    let choir = groups::create(s, &owner, "choir", &choir, &["2024001".to_owned()]).await.unwrap();
    let found = json!({"name": "Students", "kind": "dynamic", "where": "role = 'student'"});
    let found = groups::create(s, &owner, "students", &found, &[]).await.unwrap();
    let body = json!({
        "topic": "library.loan", "title": "续借", "body": "b", "audience": {"recipients": ["2024001"]},
    });
    accepted(app, &body).await;
    app.drain().await;
    (format!("/console/people/{person}"), choir, found)
}

/// Addresses on the suppression list by the paths of their pages: a person's, for good, and one whose time is over.
pub(super) async fn left_alone(app: &TestApp) -> (String, String) {
    let body = json!({"kind": "email", "address": "li@bell.example", "cause": "asked", "note": "来电要求"});
    let asked = suppressions::add(&app.services, &operator(Role::Owner), &body).await.unwrap();
    let new = NewSuppression {
        kind: AddressKind::Mobile,
        address: "+8613812345679",
        cause: Cause::Wrong,
        note: "",
        by: "Zhou Min <zhou@bell.example>",
        until: START,
    };
    let mut tx = app.services.db.begin().await.unwrap();
    let over = insert(&mut tx, &new, START).await.unwrap();
    tx.commit().await.unwrap();
    (format!("/console/suppression/{asked}"), format!("/console/suppression/{over}"))
}
