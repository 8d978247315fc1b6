use belltower::clock::Timestamp;
use belltower::domain::group::{GroupInput, GroupKind};
use belltower::domain::id::GroupId;
use belltower::store::Db;
use belltower::store::erasure::bury;
use belltower::store::groups::{
    add_members, choices, delete, dynamic, find, find_by_id, insert, leave_all, list, listing, lock,
    remove_members, update, waiting,
};
use belltower::store::recipients::deactivate_missing;
use serde_json::{Value, json};

use super::recipients::{keep, person};
use super::{execute, messages};
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
    let all = list(&db, "", None, 10).await.unwrap();
    assert_eq!(all.iter().map(|g| g.id).collect::<Vec<_>>(), [fresh, choir]);
    assert_eq!(all[0].filter.as_deref(), Some("year = 2024"));
    assert_eq!((all[0].kind, all[0].listed), (GroupKind::Dynamic, None));
    assert_eq!((all[1].kind, all[1].listed), (GroupKind::Static, Some(0)));
    assert_eq!(list(&db, "", Some(fresh), 10).await.unwrap()[0].id, choir);
    assert_eq!(list(&db, "", None, 1).await.unwrap().len(), 1);
    assert!(find(&db, "nobody").await.unwrap().is_none());

    let mut tx = db.begin().await.unwrap();
    assert_eq!(insert(&mut tx, &group("choir", None), Timestamp(2)).await.unwrap(), None, "taken");
    assert!(delete(&mut tx, "fresh").await.unwrap());
    assert!(!delete(&mut tx, "fresh").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(list(&db, "", None, 10).await.unwrap().len(), 1);
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

on_both!(somebody_leaves_every_group_that_lists_them, |db| async {
    keep(&db, &["1", "2"].map(|id| person(id, json!({}))), 1).await;
    create(&db, &group("choir", None), &["1", "2"]).await;
    create(&db, &group("other", None), &["1"]).await;
    create(&db, &group("third", None), &["2"]).await;
    let one = belltower::store::recipients::find(&db, "1").await.unwrap().unwrap().id;
    let mut tx = db.begin().await.unwrap();
    assert_eq!(leave_all(&mut tx, one).await.unwrap(), 2);
    assert_eq!(leave_all(&mut tx, one).await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert!(listing(&db, one).await.unwrap().is_empty());
    assert_eq!((listed(&db, "choir").await, listed(&db, "third").await), (Some(1), Some(1)));
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

on_both!(a_group_has_a_version_and_a_name_to_choose_by, |db| async {
    let choir = create(&db, &group("choir", None), &[]).await;
    create(&db, &group("band", None), &[]).await;
    let mut tx = db.begin().await.unwrap();
    assert_eq!(lock(&mut tx, choir).await.unwrap(), Some(1));
    let renamed = GroupInput::read("choir", &json!({"name": "a choir", "kind": "static"})).unwrap();
    assert!(update(&mut tx, &renamed, Timestamp(2)).await.unwrap());
    assert!(!update(&mut tx, &renamed, Timestamp(3)).await.unwrap());
    assert_eq!(lock(&mut tx, choir).await.unwrap(), Some(2), "what changes nothing is no version");
    assert_eq!(lock(&mut tx, GroupId(99)).await.unwrap(), None);
    tx.commit().await.unwrap();
    assert_eq!(find(&db, "choir").await.unwrap().unwrap().version, 2);
    let all: Vec<_> = choices(&db).await.unwrap().into_iter().map(|one| (one.slug, one.name)).collect();
    let expected = [("choir", "a choir"), ("band", "band")];
    assert_eq!(all, expected.map(|(slug, name)| (slug.to_owned(), name.to_owned())));
});

on_both!(groups_are_found_by_id_and_by_part_of_a_name, |db| async {
    let choir = create(&db, &group("choir", None), &[]).await;
    create(&db, &group("fresh-2024", Some("year = 2024")), &[]).await;
    assert_eq!(find_by_id(&db, choir).await.unwrap().unwrap().slug, "choir");
    assert!(find_by_id(&db, GroupId(99)).await.unwrap().is_none());
    let mut tx = db.begin().await.unwrap();
    let renamed = GroupInput::read("choir", &json!({"name": "合唱团 100%", "kind": "static"})).unwrap();
    update(&mut tx, &renamed, Timestamp(2)).await.unwrap();
    tx.commit().await.unwrap();
    let found = async |q: &str| {
        let rows = list(&db, q, None, 10).await.unwrap();
        rows.into_iter().map(|row| row.slug).collect::<Vec<_>>()
    };
    assert_eq!(found(" 合唱 ").await, ["choir"]);
    assert_eq!(found("FRESH").await, ["fresh-2024"]);
    assert_eq!(found("%").await, ["choir"], "no wildcards");
    assert_eq!(found("none").await, [""; 0]);
});

on_both!(who_is_in_which_group_is_told_by_name, |db| async {
    keep(&db, &["1", "2"].map(|id| person(id, json!({}))), 1).await;
    create(&db, &group("choir", None), &["1"]).await;
    create(&db, &group("band", None), &["1", "2"]).await;
    create(&db, &group("fresh", Some("year = 2024")), &[]).await;
    let names = |rows: Vec<belltower::store::groups::GroupName>| {
        rows.into_iter().map(|row| (row.slug, row.filter)).collect::<Vec<_>>()
    };
    let one = belltower::store::recipients::find(&db, "1").await.unwrap().unwrap();
    let listed = names(listing(&db, one.id).await.unwrap());
    assert_eq!(listed, [("band".to_owned(), None), ("choir".to_owned(), None)]);
    let found = names(dynamic(&db, 9).await.unwrap());
    assert_eq!(found, [("fresh".to_owned(), Some("year = 2024".to_owned()))]);
    assert!(dynamic(&db, 0).await.unwrap().is_empty());
});

on_both!(messages_that_wait_for_a_group_are_found_until_they_are_planned, |db| async {
    messages::sources(&db).await;
    messages::keep(&db, &(1..=6).map(messages::message).collect::<Vec<_>>()).await;
    let mut tx = db.begin().await.unwrap();
    let names = r#"'{"groups":["choir"]}'"#;
    for (id, status) in [(1, 0), (2, 1), (3, 2), (4, 3), (5, 5)] {
        execute(
            &mut tx,
            &format!("UPDATE message SET audience = {names}, status = {status} WHERE id = {id}"),
        )
        .await;
    }
    let routed = r#"'{"version":1,"matched":[],"audiences":[{"groups":["choir"]}]}'"#;
    execute(
        &mut tx,
        &format!("UPDATE message SET audience = NULL, routing = {routed}, status = 5 WHERE id = 6"),
    )
    .await;
    tx.commit().await.unwrap();
    let waits = async |slug: &str, limit| {
        let rows = waiting(&db, slug, limit).await.unwrap();
        rows.iter().map(|row| row.id.0).collect::<Vec<_>>()
    };
    assert_eq!(waits("choir", 9).await, [1, 2, 3, 5, 6]);
    assert_eq!(waits("choir", 2).await, [1, 2]);
    assert_eq!(waits("choi", 9).await, [0; 0]);
    let rows = waiting(&db, "choir", 9).await.unwrap();
    assert!(rows[0].audience.as_ref().unwrap().0.names_group("choir"));
    assert!(rows[4].routing.as_ref().unwrap().0.audiences[0].names_group("choir"));
});
