//! Groups that list their members, as identity systems keep them.

use belltower::clock::Timestamp;
use belltower::domain::id::{GroupId, RecipientId};
use belltower::domain::scim::filter::Filter;
use belltower::domain::scim::order::{OF_GROUPS, Order};
use belltower::domain::scim::question::{Condition, of_groups};
use belltower::store::scim_groups::{
    add, count, find, is_called, keep, known, list, lock, members, remove, set_external_id,
};
use belltower::store::{Db, recipients, scim_users};
use serde_json::json;

use super::groups::{create, group};
use super::recipients::{keep as keep_people, person};
use crate::support::on_both;

async fn person_id(db: &Db, campus_id: &str) -> RecipientId {
    recipients::find(db, campus_id).await.unwrap().unwrap().id
}

/// The slugs that a filter finds; their number is counted as well.
async fn found(db: &Db, filter: &str) -> Vec<String> {
    let condition = of_groups(&Filter::parse(filter).unwrap()).unwrap();
    let rows = list(db, &condition, None, 0, 100).await.unwrap();
    assert_eq!(count(db, &condition).await.unwrap(), rows.len() as i64, "{filter}");
    rows.into_iter().map(|row| row.slug).collect()
}

async fn listed(db: &Db, group: GroupId) -> Vec<String> {
    members(db, &[group], 100).await.unwrap().into_iter().map(|member| member.name).collect()
}

on_both!(only_groups_that_list_their_members_are_shown, |db| async {
    let choir = create(&db, &group("choir", None), &[]).await;
    let found_by_filter = create(&db, &group("fresh", Some("year = 2024")), &[]).await;
    assert_eq!(find(&db, choir).await.unwrap().unwrap().slug, "choir");
    assert!(find(&db, found_by_filter).await.unwrap().is_none());
    let mut tx = db.begin().await.unwrap();
    assert!(lock(&mut tx, choir).await.unwrap().is_some());
    assert!(lock(&mut tx, found_by_filter).await.unwrap().is_none());
    assert!(is_called(&mut tx, "CHOIR", None).await.unwrap());
    assert!(!is_called(&mut tx, "choir", Some(choir)).await.unwrap(), "its own name");
    assert!(!is_called(&mut tx, "fresh", None).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(found(&db, "displayName pr").await, ["choir"]);
});

on_both!(members_come_and_go_by_their_ids, |db| async {
    keep_people(&db, &["1", "2", "3"].map(|id| person(id, json!({}))), 1).await;
    let (one, two, three) = (person_id(&db, "1").await, person_id(&db, "2").await, person_id(&db, "3").await);
    let choir = create(&db, &group("choir", None), &[]).await;
    let other = create(&db, &group("other", None), &["3"]).await;
    let changes = async || find(&db, choir).await.unwrap().unwrap().member_changes;
    assert_eq!(changes().await, 0);

    let mut tx = db.begin().await.unwrap();
    assert_eq!(known(&mut tx, &[three, RecipientId(99)]).await.unwrap(), [three]);
    assert_eq!(add(&mut tx, choir, &[one, two, two]).await.unwrap(), 2);
    assert_eq!(add(&mut tx, choir, &[one]).await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert_eq!((listed(&db, choir).await, changes().await), (vec!["1".to_owned(), "2".to_owned()], 1));

    let mut tx = db.begin().await.unwrap();
    assert_eq!(keep(&mut tx, choir, &[two, three]).await.unwrap(), 1);
    assert_eq!(remove(&mut tx, choir, &[three, RecipientId(99)]).await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert_eq!((listed(&db, choir).await, changes().await), (vec!["2".to_owned()], 2));
    assert_eq!(listed(&db, other).await, ["3"], "another group's stay");

    let both = members(&db, &[choir, other], 100).await.unwrap();
    assert_eq!(
        both.iter().map(|one| (one.group_id, one.id)).collect::<Vec<_>>(),
        [(choir, two), (other, three)]
    );
    assert_eq!(members(&db, &[choir, other], 1).await.unwrap().len(), 1);

    let mut tx = db.begin().await.unwrap();
    scim_users::leave(&mut tx, two, Timestamp(5)).await.unwrap();
    assert!(known(&mut tx, &[two]).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    assert!(listed(&db, choir).await.is_empty(), "whoever left is not shown");
    let mut tx = db.begin().await.unwrap();
    assert_eq!(keep(&mut tx, choir, &[]).await.unwrap(), 1);
    tx.commit().await.unwrap();
});

on_both!(filters_find_what_they_should, |db| async {
    keep_people(&db, &["1", "2"].map(|id| person(id, json!({}))), 1).await;
    let choir = create(&db, &group("choir", None), &["1"]).await;
    create(&db, &group("band", None), &["1", "2"]).await;
    create(&db, &group("nobody", None), &[]).await;
    let mut tx = db.begin().await.unwrap();
    set_external_id(&mut tx, choir, Some("G-1")).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(find(&db, choir).await.unwrap().unwrap().external_id.as_deref(), Some("G-1"));
    let two = person_id(&db, "2").await;
    for (filter, expected) in [
        ("displayName eq \"Choir\"".to_owned(), "choir"),
        ("displayName co \"o\"".to_owned(), "choir nobody"),
        ("externalId eq \"G-1\"".to_owned(), "choir"),
        ("externalId eq \"g-1\"".to_owned(), ""),
        (format!("id eq \"{choir}\""), "choir"),
        (format!("members eq \"{two}\""), "band"),
        (format!("members[value eq \"{two}\"] and id eq \"{choir}\""), ""),
        (format!("members.value ne \"{two}\""), "choir nobody"),
        ("members pr".to_owned(), "choir band"),
        ("meta.created gt \"1970-01-01T00:00:01Z\"".to_owned(), ""),
    ] {
        assert_eq!(found(&db, &filter).await.join(" "), expected, "{filter}");
    }
});

on_both!(lists_are_ordered_by_what_is_asked_for, |db| async {
    for slug in ["choir", "band", "archers"] {
        create(&db, &group(slug, None), &[]).await;
    }
    for (by, direction, expected) in [
        ("id", "ascending", "choir band archers"),
        ("displayName", "ascending", "archers band choir"),
        ("displayName", "descending", "choir band archers"),
        // All of the same moment: as they came, or the other way round.
        ("meta.created", "ascending", "choir band archers"),
        ("meta.lastModified", "descending", "archers band choir"),
    ] {
        let order = Order::read(by, Some(direction), OF_GROUPS).unwrap();
        let rows = list(&db, &Condition::Constant(true), order, 0, 9).await.unwrap();
        let slugs: Vec<_> = rows.into_iter().map(|row| row.slug).collect();
        assert_eq!(slugs.join(" "), expected, "{by} {direction}");
    }
});
