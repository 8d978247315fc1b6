use belltower::clock::Timestamp;
use belltower::domain::id::{ImportId, OperatorId};
use belltower::domain::operator::Role;
use belltower::store::import_pieces::{delete, delete_all, find, insert, prune};
use belltower::store::{Db, imports};
use serde_json::json;

use super::operators;
use crate::support::on_both;

async fn import(db: &Db) -> ImportId {
    let mut tx = db.begin().await.unwrap();
    let id = imports::insert(&mut tx, OperatorId(1), "人员.csv", "columns", &json!({}), Timestamp(10)).await;
    tx.commit().await.unwrap();
    id.unwrap()
}

async fn keep(db: &Db, import: ImportId, file: &str, pieces: &[&[u8]]) -> bool {
    let mut tx = db.begin().await.unwrap();
    let mut kept = true;
    for (number, bytes) in (0..).zip(pieces) {
        kept &= insert(&mut tx, import, file, number, bytes).await.unwrap();
    }
    tx.commit().await.unwrap();
    kept
}

/// All there is of a file, piece by piece.
async fn pieces(db: &Db, import: ImportId, file: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for number in 0.. {
        match find(db, import, file, number).await.unwrap() {
            Some(piece) => found.push(piece),
            None => break,
        }
    }
    found
}

on_both!(files_of_an_import_are_kept_in_pieces_and_go_with_it, |db| async {
    operators::add(&db, "a@bell.example", Role::Owner).await;
    let (first, second) = (import(&db).await, import(&db).await);
    let long = vec![7_u8; 300_000];
    let bytes: &[&[u8]] = &[b"\x00\xff\r\n", &long];
    assert!(keep(&db, first, "a", bytes).await);
    assert!(keep(&db, first, "b", &[b"b"]).await);
    assert!(keep(&db, second, "a", &[b"another's"]).await);
    assert_eq!(pieces(&db, first, "a").await, bytes);
    assert_eq!(pieces(&db, second, "a").await, [b"another's"]);
    assert!(pieces(&db, second, "b").await.is_empty());

    let mut tx = db.begin().await.unwrap();
    delete(&mut tx, first, "a").await.unwrap();
    tx.commit().await.unwrap();
    assert!(pieces(&db, first, "a").await.is_empty());
    assert_eq!(pieces(&db, first, "b").await, [b"b"]);

    assert!(keep(&db, first, "c", &[b"c"]).await);
    let mut tx = db.begin().await.unwrap();
    delete_all(&mut tx, first).await.unwrap();
    tx.commit().await.unwrap();
    assert!(pieces(&db, first, "b").await.is_empty() && pieces(&db, first, "c").await.is_empty());
    assert_eq!(pieces(&db, second, "a").await.len(), 1, "the other's stays");

    assert!(keep(&db, first, "late", &[b"late"]).await);
    let row = imports::find(&db, first).await.unwrap().unwrap();
    let row = imports::ImportRow { forgotten: true, ..row };
    let mut tx = db.begin().await.unwrap();
    assert_eq!(prune(&mut tx).await.unwrap(), 0, "both wait");
    assert!(imports::update(&mut tx, &row, "done", &json!({}), Timestamp(20)).await.unwrap());
    assert_eq!(prune(&mut tx).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert!(pieces(&db, first, "late").await.is_empty());
    assert_eq!(pieces(&db, second, "a").await.len(), 1, "the other's stays");

    let row = imports::find(&db, second).await.unwrap().unwrap();
    let mut tx = db.begin().await.unwrap();
    assert!(imports::delete(&mut tx, &row).await.unwrap());
    tx.commit().await.unwrap();
    assert!(pieces(&db, second, "a").await.is_empty());
    assert!(!keep(&db, second, "d", &[b"d"]).await, "nobody would ever remove it");
    assert!(pieces(&db, second, "d").await.is_empty());
});
