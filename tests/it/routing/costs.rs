//! What SMS cost: counted as they are handed over, and told beforehand.

use belltower::domain::costs::Money;
use belltower::domain::operator::Role;
use belltower::service::Caller;
use belltower::service::costs::{OPERATORS, change, estimate, show};
use belltower::service::drafts::{self, Composed, Whom};
use belltower::service::operators::{self, NewOperator};
use belltower::service::recipients;
use serde_json::json;

use super::{Campus, exam, owner};
use crate::support::{TERMINAL, on_both};

on_both!(segments_count_for_the_sources_department_and_a_draft_is_held_against_its_budget, |db| async {
    let mut campus = Campus::new(db).await;
    let seen = show(&campus.s, &owner()).await.unwrap().costs.word();
    let document = json!({"price": "0.05", "budgets": {"": "0.30", "教务处": "1", "农学院": "2"}});
    assert!(change(&campus.s, &owner(), &seen, &document).await.unwrap());
    // One of the two has no mobile; mails cost nothing.
    let mut message = exam();
    message["body"] = json!("停".repeat(80));
    message["audience"] = json!({"groups": ["information"]});
    campus.send(message).await;
    campus.drain().await;
    let account = show(&campus.s, &owner()).await.unwrap();
    let of = |name: &str| account.departments.iter().find(|(department, _)| department == name).unwrap().1;
    assert_eq!((of("教务处").segments, of("教务处").money), (2, Some(Money(1_000))));
    assert_eq!((of(OPERATORS).segments, of(OPERATORS).money), (0, Some(Money(0))));

    let new = NewOperator {
        email: "fa@bell.example".to_owned(),
        name: "发".to_owned(),
        grants: vec![Role::Sender.into()],
        password: None,
    };
    let id = operators::create(&campus.s, &TERMINAL, new).await.unwrap().done().unwrap().operator_id;
    let author = Caller::Operator(operators::operator_of(&campus.s, id).await.unwrap().unwrap());
    let mut composed = Composed {
        topic: "academic.exam".to_owned(),
        title: "停水".to_owned(),
        body: "停".repeat(80),
        channels: vec!["sms".parse().unwrap()],
        whom: Whom { everyone: true, ..Whom::default() },
        ..Composed::default()
    };
    let proof = drafts::proof(&campus.s, &author, &composed).await.unwrap();
    let told = estimate(&campus.s, &author, None, &proof).await.unwrap().unwrap();
    assert_eq!((told.people, told.each, told.segments), (3, 2, 6));
    assert_eq!((told.money, told.budget, told.is_over()), (Some(Money(3_000)), Some(Money(3_000)), false));
    let id = drafts::create(&campus.s, &author).await.unwrap();
    drafts::save(&campus.s, &author, id, 1, &composed).await.unwrap();
    drafts::send(&campus.s, &author, id, 2, 4, "test").await.unwrap();
    campus.drain().await;
    let told = estimate(&campus.s, &author, None, &proof).await.unwrap().unwrap();
    assert_eq!((told.spent.segments, told.is_over()), (6, true), "it warns and forbids nothing");
    // What is written for a department is held against its budget, and counts there.
    let body = json!({"name": "农", "department": "农学院", "mobile": "13800000099"});
    recipients::put(&campus.s, &TERMINAL, "2026099", &body).await.unwrap();
    "农学院".clone_into(&mut composed.department);
    let theirs = drafts::proof(&campus.s, &author, &composed).await.unwrap();
    let before = estimate(&campus.s, &author, Some("农学院"), &theirs).await.unwrap().unwrap();
    assert_eq!((before.budget, before.spent.segments), (Some(Money(20_000)), 0));
    let id = drafts::create(&campus.s, &author).await.unwrap();
    drafts::save(&campus.s, &author, id, 1, &composed).await.unwrap();
    let people = theirs.preview.audience.total;
    drafts::send(&campus.s, &author, id, 2, people, "test").await.unwrap();
    campus.drain().await;
    let after = estimate(&campus.s, &author, Some("农学院"), &theirs).await.unwrap().unwrap();
    assert_eq!(after.spent.segments, before.segments);
    assert!(before.segments > 0);
    let told = estimate(&campus.s, &author, None, &proof).await.unwrap().unwrap();
    assert_eq!(told.spent.segments, 6, "and not with what is for the whole campus");
    composed.department.clear();
    composed.channels = vec!["email".parse().unwrap()];
    let proof = drafts::proof(&campus.s, &author, &composed).await.unwrap();
    assert_eq!(estimate(&campus.s, &author, None, &proof).await.unwrap(), None);
});
