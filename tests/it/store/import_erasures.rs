use belltower::clock::Timestamp;
use belltower::domain::id::{ImportId, OperatorId, RecipientId};
use belltower::domain::operator::Role;
use belltower::store::import_erasures::{mark, marked, marked_now};
use belltower::store::imports::{self, ImportRow};
use belltower::store::{Db, import_pieces};
use serde_json::json;

use super::operators;
use crate::support::on_both;

async fn import(db: &Db) -> ImportId {
    let mut tx = db.begin().await.unwrap();
    let id = imports::insert(&mut tx, OperatorId(1), "人员.csv", "columns", &json!({}), Timestamp(10)).await;
    tx.commit().await.unwrap();
    id.unwrap()
}

async fn erase(db: &Db, person: i64, campus_id: &str) -> u64 {
    let mut tx = db.begin().await.unwrap();
    let marks = mark(&mut tx, RecipientId(person), campus_id).await.unwrap();
    tx.commit().await.unwrap();
    marks
}

on_both!(whoever_is_erased_stands_beside_each_import_that_waits, |db| async {
    operators::add(&db, "a@bell.example", Role::Owner).await;
    assert_eq!(erase(&db, 1, "2024001").await, 0, "none waits");
    let (first, second, over) = (import(&db).await, import(&db).await, import(&db).await);
    let row = imports::find(&db, over).await.unwrap().unwrap();
    let row = ImportRow { forgotten: true, ..row };
    let mut tx = db.begin().await.unwrap();
    assert!(imports::update(&mut tx, &row, "done", &json!({}), Timestamp(20)).await.unwrap());
    assert!(import_pieces::insert(&mut tx, first, "a", 0, b"2024009").await.unwrap());
    tx.commit().await.unwrap();
    assert!(marked(&db, first).await.unwrap().is_empty(), "a piece of its file is nobody");

    assert_eq!(erase(&db, 7, "2024001").await, 2);
    assert_eq!(erase(&db, 7, "2024001").await, 0, "it stands there already");
    assert_eq!(erase(&db, 8, "学 7'").await, 2);
    for id in [first, second] {
        assert_eq!(marked(&db, id).await.unwrap(), ["2024001", "学 7'"]);
    }
    assert!(marked(&db, over).await.unwrap().is_empty(), "its file is gone");
    let mut tx = db.begin().await.unwrap();
    assert_eq!(marked_now(&mut tx, first).await.unwrap(), ["2024001", "学 7'"]);
    import_pieces::delete_all(&mut tx, first).await.unwrap();
    assert!(marked_now(&mut tx, first).await.unwrap().is_empty(), "they go with the file");
    tx.commit().await.unwrap();

    let row = imports::find(&db, second).await.unwrap().unwrap();
    let mut tx = db.begin().await.unwrap();
    assert!(imports::delete(&mut tx, &row).await.unwrap());
    tx.commit().await.unwrap();
    assert!(marked(&db, second).await.unwrap().is_empty());
});
