//! The directory, as far as somebody sees it who is let into one department alone.

use belltower::domain::id::RecipientId;
use belltower::domain::operator::Role;
use belltower::service::messages::deliveries_to;
use belltower::service::recipients::{self, ListFilter};
use belltower::service::{Caller, Services, coverage, groups, suppressions, templates};
use serde_json::json;

use super::acts;
use super::departments::{limited, refused, unknown};
use crate::support::{on_both, operator, services};

const LIBRARY: &str = "图书馆";

async fn add(s: &Services, id: &str, department: Option<&str>) -> RecipientId {
    let owner = operator(Role::Owner);
    let body = json!({"name": id, "email": format!("{id}@campus.example"), "department": department, "attributes": {"desk": id}});
    recipients::put(s, &owner, id, &body).await.unwrap().1.id
}

async fn listed(s: &Services, caller: &Caller, filter: ListFilter) -> Vec<String> {
    let rows = recipients::list(s, caller, &filter, None, 10).await.unwrap();
    rows.into_iter().map(|row| row.person.campus_id).collect()
}

on_both!(people_of_other_departments_are_not_there, |db| async {
    let s = services(db);
    let ours = add(&s, "L1", Some(LIBRARY)).await;
    let others = [("A1", add(&s, "A1", Some("教务处")).await), ("N1", add(&s, "N1", None).await)];
    let owner = limited(&s, Role::Owner).await;
    assert_eq!(listed(&s, &owner, ListFilter::default()).await, ["L1"]);
    for (id, theirs) in others {
        let q = ListFilter { q: Some(id.to_owned()), ..ListFilter::default() };
        assert!(listed(&s, &owner, q).await.is_empty());
        unknown(recipients::get(&s, &owner, id).await);
        unknown(recipients::find(&s, &owner, theirs).await);
        unknown(recipients::bound(&s, &owner, theirs).await);
        unknown(recipients::opt_outs(&s, &owner, id).await);
        unknown(recipients::reveal(&s, &owner, id).await);
        unknown(suppressions::of_person(&s, &owner, theirs).await);
        unknown(deliveries_to(&s, &owner, theirs, None, 10).await);
    }
    assert_eq!(recipients::find(&s, &owner, ours).await.unwrap().person.campus_id, "L1");
    assert!(deliveries_to(&s, &owner, ours, None, 10).await.unwrap().is_empty());
    let sender = limited(&s, Role::Sender).await;
    refused(recipients::reveal(&s, &sender, "L1").await);
    let whole = recipients::reveal(&s, &owner, "L1").await.unwrap();
    assert_eq!(whole.person.email.as_deref(), Some("L1@campus.example"));
    let revealed = acts(&s).await.into_iter().filter(|act| act == "recipient.reveal").count();
    assert_eq!(revealed, 1, "what was not shown was not looked at");
    assert_eq!(coverage::of_everyone(&s, &owner).await.unwrap().people, 1);
    // Who they are is changed for the whole campus.
    refused(recipients::set_active(&s, &owner, "L1", false).await);
    refused(recipients::put(&s, &owner, "L2", &json!({"name": "新", "department": LIBRARY})).await);
});

on_both!(groups_are_seen_and_count_their_people_alone, |db| async {
    let s = services(db);
    let owner = operator(Role::Owner);
    for (id, department) in [("L1", LIBRARY), ("L2", LIBRARY), ("A1", "教务处")] {
        add(&s, id, Some(department)).await;
    }
    groups::put(&s, &owner, "all", &json!({"name": "全体", "kind": "dynamic", "where": "desk is not null"}))
        .await
        .unwrap();
    groups::put(&s, &owner, "choir", &json!({"name": "合唱团", "kind": "static"})).await.unwrap();
    groups::change_members(&s, &owner, "choir", &json!({"add": ["L1", "A1"]})).await.unwrap();
    let sender = limited(&s, Role::Sender).await;
    let names: Vec<_> = groups::list(&s, &sender, "", None, 10).await.unwrap();
    assert!(names.len() == 2 && names.iter().all(|group| group.members.is_none()), "{names:?}");
    for (slug, members, theirs) in [("all", 2, &["L2", "L1"][..]), ("choir", 1, &["L1"])] {
        assert_eq!(groups::get(&s, &sender, slug).await.unwrap().members, Some(members));
        assert_eq!(coverage::of_group(&s, &sender, slug).await.unwrap().people, members.unsigned_abs());
        let of = ListFilter { group: Some(slug.to_owned()), ..ListFilter::default() };
        assert_eq!(listed(&s, &sender, of).await, theirs);
    }
    let found = groups::preview(&s, &sender, &json!({"where": "department = '教务处'"})).await.unwrap();
    assert_eq!((found.count, found.sample.len()), (0, 0));
    // Nothing that only others have is offered to filter by, whoever asked before.
    let values = async |caller: &Caller| {
        let known = groups::attributes(&s, caller).await.unwrap();
        known.all.iter().find(|it| it.name == "department").map(|it| it.people)
    };
    assert_eq!(values(&owner).await, Some(3));
    assert_eq!(values(&sender).await, Some(2));
    assert_eq!(values(&owner).await, Some(3));
    refused(groups::delete(&s, &limited(&s, Role::Owner).await, "choir").await);
});

on_both!(templates_are_the_whole_campuss, |db| async {
    let s = services(db);
    let body = json!({"name": "到期", "title": "到期", "body": "请还"});
    templates::put(&s, &operator(Role::Owner), "due", &body).await.unwrap();
    let manager = limited(&s, Role::MessageManager).await;
    assert_eq!(templates::list(&s, &manager, None, 10).await.unwrap().len(), 1);
    assert_eq!(templates::get(&s, &manager, "due", None).await.unwrap().name, "到期");
    assert_eq!(templates::versions(&s, &manager, "due", 10).await.unwrap().len(), 1);
    refused(templates::put(&s, &manager, "due", &body).await);
});
