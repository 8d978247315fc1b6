use belltower::clock::Timestamp;
use belltower::store::Db;
use belltower::store::audit::{AuditFilter, AuditRow, append, list};
use belltower::store::audit_chain::{self, SealRow};
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
        moments(
            &list(&db, &AuditFilter { action, object, actor, ..AuditFilter::default() }, None, 10)
                .await
                .unwrap(),
        )
    };
    assert_eq!(found(Some("source."), None, None).await, [3, 2, 1]);
    assert_eq!(found(Some("source.update"), Some("src_1"), None).await, [3]);
    assert_eq!(found(None, None, Some("wang@")).await, [2, 1]);
    assert_eq!(found(None, None, Some("%")).await, [0_i64; 0], "no wildcards");
});

on_both!(a_time_and_any_part_narrow_too, |db| async {
    write(&db, &[("a", "x.one", "src_1"), ("b", "x.two", "src_2"), ("c", "x.two", "SRC_1")]).await;
    let found = async |q: &str, since: Option<i64>, until: Option<i64>| {
        let [since, until] = [since, until].map(|at| at.map(Timestamp));
        let filter = AuditFilter { q: Some(q.to_owned()), since, until, ..AuditFilter::default() };
        moments(&list(&db, &filter, None, 10).await.unwrap())
    };
    assert_eq!(found("src_1", None, None).await, [3, 1]);
    assert_eq!(found("B", None, None).await, [2]);
    assert_eq!(found("\"n\":3", None, None).await, [3], "the detail");
    assert_eq!(found("_", Some(2), Some(3)).await, [2], "from, and before");
    let filter =
        AuditFilter { q: Some("b".to_owned()), mark: Some("\"n\":1".to_owned()), ..AuditFilter::default() };
    assert_eq!(moments(&list(&db, &filter, None, 10).await.unwrap()), [2, 1], "either is enough");
});

on_both!(acts_take_their_places_once, |db| async {
    write(&db, &[("a", "x.y", "1"), ("b", "x.y", "2"), ("c", "x.y", "3")]).await;
    let start = audit_chain::seal(&db).await.unwrap();
    assert_eq!((start.place, &*start.print), (0, &[0; 32][..]));

    let mut tx = db.begin().await.unwrap();
    assert_eq!(audit_chain::lock_seal(&mut tx).await.unwrap().place, 0);
    let loose = audit_chain::loose(&mut tx, 2).await.unwrap();
    let told: Vec<_> = loose.iter().map(|link| (&*link.actor, &*link.detail, link.place)).collect();
    assert_eq!(told, [("a", "{\"n\":1}", None), ("b", "{\"n\":2}", None)]);
    for (place, link) in (1..).zip(&loose) {
        audit_chain::place(&mut tx, link.id, place, &[7; 32]).await.unwrap();
    }
    audit_chain::move_seal(&mut tx, &SealRow { place: 2, print: vec![7; 32] }).await.unwrap();
    let rest = audit_chain::loose(&mut tx, 9).await.unwrap();
    assert_eq!(rest.iter().map(|link| &*link.actor).collect::<Vec<_>>(), ["c"]);
    tx.commit().await.unwrap();

    let end = audit_chain::seal(&db).await.unwrap();
    assert_eq!((end.place, end.print), (2, vec![7; 32]));
    assert_eq!(audit_chain::print_at(&db, 2).await.unwrap(), Some(vec![7; 32]));
    assert_eq!(audit_chain::print_at(&db, 3).await.unwrap(), None);
    let placed = async |after, limit| {
        let links = audit_chain::links(&db, after, limit).await.unwrap();
        links.into_iter().map(|link| (link.place, link.print)).collect::<Vec<_>>()
    };
    let print = || Some(vec![7; 32]);
    assert_eq!(placed(0, 9).await, [(Some(1), print()), (Some(2), print())]);
    assert_eq!(
        (placed(0, 1).await, placed(1, 9).await),
        (vec![(Some(1), print())], vec![(Some(2), print())])
    );

    let mut tx = db.begin().await.unwrap();
    assert!(audit_chain::place(&mut tx, rest[0].id, 2, &[7; 32]).await.is_err(), "one act in a place");
});
