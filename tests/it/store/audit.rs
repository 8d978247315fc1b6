use belltower::clock::Timestamp;
use belltower::store::Db;
use belltower::store::audit::{AuditFilter, AuditRow, append, list};
use serde_json::json;

use crate::support::on_both;

async fn write(db: &Db, acts: &[(&str, &str, &str)]) {
    let mut tx = db.begin().await.unwrap();
    for (i, (actor, action, object)) in (1..).zip(acts) {
        append(&mut tx, Timestamp(i), actor, action, object, &json!({ "n": i })).await.unwrap();
    }
    tx.commit().await.unwrap();
}

fn moments(rows: &[AuditRow]) -> Vec<i64> {
    rows.iter().map(|row| row.at.0).collect()
}

on_both!(acts_come_newest_first_and_go_on_from_the_last, |db| async {
    write(&db, &[("a", "source.create", "src_1"), ("b", "key.revoke", "key_1"), ("c", "x.y", "z")]).await;
    let first = list(&db, &AuditFilter::default(), None, 2).await.unwrap();
    assert_eq!(moments(&first), [3, 2]);
    assert_eq!(first[1].actor, "b");
    assert_eq!(first[1].object, "key_1");
    assert_eq!(first[1].detail.0, json!({ "n": 2 }));
    let rest = list(&db, &AuditFilter::default(), Some(first[1].id), 2).await.unwrap();
    assert_eq!(moments(&rest), [1]);
});

on_both!(filters_narrow_together, |db| async {
    write(
        &db,
        &[
            ("王敏 <Wang@bell.example>", "source.create", "src_1"),
            ("王敏 <Wang@bell.example>", "source.update", "src_2"),
            ("李华 <li@bell.example>", "source.update", "src_1"),
            ("李华 <li@bell.example>", "sign_in.refused", "li@bell.example"),
        ],
    )
    .await;
    let found = async |action: Option<&str>, object: Option<&str>, actor: Option<&str>| {
        let [action, object, actor] = [action, object, actor].map(|text| text.map(str::to_owned));
        moments(&list(&db, &AuditFilter { action, object, actor }, None, 10).await.unwrap())
    };
    assert_eq!(found(Some("source."), None, None).await, [3, 2, 1]);
    assert_eq!(found(Some("source.update"), Some("src_1"), None).await, [3]);
    assert_eq!(found(None, None, Some("wang@")).await, [2, 1]);
    assert_eq!(found(None, None, Some("%")).await, [0_i64; 0], "no wildcards");
});
