use belltower::clock::Timestamp;
use belltower::domain::group::{GroupInput, GroupKind};
use belltower::domain::id::GroupId;
use belltower::store::Db;
use belltower::store::erasure::bury;
use belltower::store::groups::{add_members, delete, find, insert, list, remove_members, update};
use belltower::store::recipients::deactivate_missing;
use serde_json::{Value, json};

use super::recipients::{keep, person};
use crate::support::on_both;

pub(super) fn group(slug: &str, filter: Option<&str>) -> GroupInput {
    let body = match filter {
        Some(filter) => json!({"name": slug, "kind": "dynamic", "where": filter}),
        None => json!({"name": slug, "kind": "static", "where": Value::Null}),
    };
    GroupInput::read(slug, &body).unwrap()
}

pub(super) async fn create(db: &Db, group: &GroupInput, members: &[&str]) -> GroupId {
    let mut tx = db.begin().await.unwrap();
    let id = insert(&mut tx, group, Timestamp(1)).await.unwrap().unwrap();
    add_members(&mut tx, id, &texts(members)).await.unwrap();
    tx.commit().await.unwrap();
    id
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

async fn listed(db: &Db, slug: &str) -> Option<i64> {
    find(db, slug).await.unwrap().unwrap().listed
}

on_both!(groups_are_kept_newest_first, |db| async {
    let choir = create(&db, &group("choir", None), &[]).await;
    let fresh = create(&db, &group("fresh", Some("year = 2024")), &[]).await;
    let all = list(&db, None, 10).await.unwrap();
    assert_eq!(all.iter().map(|g| g.id).collect::<Vec<_>>(), [fresh, choir]);
    assert_eq!(all[0].filter.as_deref(), Some("year = 2024"));
    assert_eq!((all[0].kind, all[0].listed), (GroupKind::Dynamic, None));
    assert_eq!((all[1].kind, all[1].listed), (GroupKind::Static, Some(0)));
    assert_eq!(list(&db, Some(fresh), 10).await.unwrap()[0].id, choir);
    assert_eq!(list(&db, None, 1).await.unwrap().len(), 1);
    assert!(find(&db, "nobody").await.unwrap().is_none());

    let mut tx = db.begin().await.unwrap();
    assert_eq!(insert(&mut tx, &group("choir", None), Timestamp(2)).await.unwrap(), None, "taken");
    assert!(delete(&mut tx, "fresh").await.unwrap());
    assert!(!delete(&mut tx, "fresh").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(list(&db, None, 10).await.unwrap().len(), 1);
});

on_both!(members_come_and_go, |db| async {
    keep(&db, &["1", "2", "3"].map(|id| person(id, json!({}))), 1).await;
    let id = create(&db, &group("choir", None), &["1", "2"]).await;
    create(&db, &group("other", None), &["1"]).await;
    let mut tx = db.begin().await.unwrap();
    assert_eq!(add_members(&mut tx, id, &texts(&["2", "3", "3"])).await.unwrap(), 1);
    assert_eq!(remove_members(&mut tx, id, &texts(&["1", "nobody"])).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(listed(&db, "choir").await, Some(2));
    assert_eq!(listed(&db, "other").await, Some(1));
});

on_both!(only_the_active_are_counted, |db| async {
    keep(&db, &["1", "2", "3"].map(|id| person(id, json!({}))), 1).await;
    create(&db, &group("choir", None), &["1", "2", "3"]).await;
    let gone = belltower::store::recipients::find(&db, "3").await.unwrap().unwrap();
    let mut tx = db.begin().await.unwrap();
    deactivate_missing(&mut tx, &texts(&["1", "3"]), Timestamp(2)).await.unwrap();
    bury(&mut tx, gone.id, "erased 1", Timestamp(2)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(listed(&db, "choir").await, Some(1));
});

on_both!(a_group_that_becomes_dynamic_forgets_its_list, |db| async {
    keep(&db, &[person("1", json!({}))], 1).await;
    create(&db, &group("choir", None), &["1"]).await;
    for (filter, expected) in [(Some("a = 1"), None), (None, Some(0))] {
        let mut tx = db.begin().await.unwrap();
        assert!(update(&mut tx, &group("choir", filter), Timestamp(7)).await.unwrap());
        assert!(!update(&mut tx, &group("choir", filter), Timestamp(8)).await.unwrap(), "the same already");
        tx.commit().await.unwrap();
        let row = find(&db, "choir").await.unwrap().unwrap();
        assert_eq!((row.listed, row.filter.as_deref()), (expected, filter));
        assert_eq!((row.created_at, row.updated_at), (Timestamp(1), Timestamp(7)));
    }
});
