use belltower::clock::Timestamp;
use belltower::domain::id::{ImportId, OperatorId};
use belltower::domain::operator::Role;
use belltower::store::Db;
use belltower::store::imports::{ImportRow, advance, delete, find, insert, list, prune, update, waiting};
use serde_json::json;

use super::operators;
use crate::support::on_both;

async fn keep(db: &Db, operator: i64, at: i64) -> ImportId {
    let mut tx = db.begin().await.unwrap();
    let detail = json!({"a": 1});
    let id =
        insert(&mut tx, OperatorId(operator), "人员.xlsx", "columns", &detail, Timestamp(at)).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn get(db: &Db, id: ImportId) -> ImportRow {
    find(db, id).await.unwrap().unwrap()
}

on_both!(imports_go_from_stage_to_stage, |db| async {
    for name in ["a", "b"] {
        operators::add(&db, &format!("{name}@bell.example"), Role::Owner).await;
    }
    let (first, second) = (keep(&db, 1, 10).await, keep(&db, 1, 20).await);
    let third = keep(&db, 2, 30).await;
    let row = get(&db, first).await;
    assert_eq!(
        (row.file_name.as_str(), row.stage.as_str(), row.position, row.size),
        ("人员.xlsx", "columns", 0, 0)
    );
    assert_eq!((row.detail.0.clone(), row.created_at), (json!({"a": 1}), Timestamp(10)));
    let ids = |rows: Vec<ImportRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(list(&db, OperatorId(1), 9).await.unwrap()), [second, first]);
    assert_eq!(ids(list(&db, OperatorId(1), 1).await.unwrap()), [second]);

    let mut tx = db.begin().await.unwrap();
    let begun = ImportRow { size: 100, ..row.clone() };
    assert!(update(&mut tx, &begun, "running", &json!({}), Timestamp(40)).await.unwrap());
    assert!(
        !update(&mut tx, &begun, "running", &json!({}), Timestamp(41)).await.unwrap(),
        "it went on meanwhile"
    );
    assert!(!advance(&mut tx, first, row.edition, 50, Timestamp(49)).await.unwrap(), "of the step before");
    assert!(advance(&mut tx, first, row.edition + 1, 60, Timestamp(50)).await.unwrap());
    assert!(!delete(&mut tx, &row).await.unwrap(), "it went on since that was read");
    tx.commit().await.unwrap();
    let row = get(&db, first).await;
    assert_eq!(
        (row.stage.as_str(), row.position, row.size, row.updated_at),
        ("running", 60, 100, Timestamp(50))
    );
    assert_eq!(ids(waiting(&db).await.unwrap()), [second, third, first]);

    let mut tx = db.begin().await.unwrap();
    let forgotten = ImportRow { forgotten: true, ..row };
    assert!(update(&mut tx, &forgotten, "done", &json!({}), Timestamp(50)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(ids(waiting(&db).await.unwrap()), [second, third]);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(prune(&mut tx, Timestamp(10)).await.unwrap(), 0, "it was handed in then, not before");
    assert_eq!(prune(&mut tx, Timestamp(30)).await.unwrap(), 1, "the others' files wait");
    tx.commit().await.unwrap();
    assert!(find(&db, first).await.unwrap().is_none());

    let row = get(&db, second).await;
    let mut tx = db.begin().await.unwrap();
    assert!(delete(&mut tx, &row).await.unwrap());
    tx.commit().await.unwrap();
    assert!(find(&db, second).await.unwrap().is_none());
});
