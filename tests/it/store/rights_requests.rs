use belltower::clock::Timestamp;
use belltower::domain::id::{OperatorId, RightsRequestId};
use belltower::domain::operator::Role;
use belltower::domain::rights_change::{Effect, RightsChange};
use belltower::store::Db;
use belltower::store::rights_requests::{count_of_others, insert, list, list_in, purge, set_reason, take};

use super::operators::add;
use crate::support::on_both;

const NOW: Timestamp = Timestamp(100);

fn change() -> RightsChange {
    RightsChange::Grant { operator: OperatorId(2), grants: vec![Role::Auditor.into()] }
}

fn effect() -> Effect {
    Effect { before: Role::Sender.into(), after: Role::Auditor.into() }
}

async fn propose(db: &Db, by: OperatorId, until: i64) -> RightsRequestId {
    let mut tx = db.begin().await.unwrap();
    let id = insert(&mut tx, by, &change(), &effect(), Timestamp(5), Timestamp(until)).await.unwrap();
    tx.commit().await.unwrap();
    id
}

on_both!(what_waits_is_listed_with_what_it_comes_to_until_it_expires, |db| async {
    let (wang, li) =
        (add(&db, "a@bell.example", Role::Owner).await, add(&db, "b@bell.example", Role::Owner).await);
    let first = propose(&db, wang, 200).await;
    let second = propose(&db, li, 101).await;
    propose(&db, li, 100).await;
    let mut tx = db.begin().await.unwrap();
    set_reason(&mut tx, second, "代班").await.unwrap();
    let seen: Vec<_> =
        list_in(&mut tx, NOW).await.unwrap().into_iter().map(|row| (row.id, row.reason)).collect();
    tx.commit().await.unwrap();
    assert_eq!(seen, [(first, String::new()), (second, "代班".to_owned())]);
    let rows = list(&db, NOW).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [first, second]);
    assert_eq!((&rows[0].change.0, &rows[0].effect.0), (&change(), &effect()));
    assert_eq!(
        (rows[0].proposed_by, rows[0].proposed_at, rows[0].expires_at),
        (wang, Timestamp(5), Timestamp(200))
    );
    assert_eq!(count_of_others(&db, wang, NOW).await.unwrap(), 1);
    assert_eq!(count_of_others(&db, li, NOW).await.unwrap(), 1);
    assert_eq!(count_of_others(&db, OperatorId(99), NOW).await.unwrap(), 2);
});

on_both!(what_waits_is_taken_once_and_not_when_it_expired, |db| async {
    let by = add(&db, "a@bell.example", Role::Owner).await;
    let (open, late) = (propose(&db, by, 200).await, propose(&db, by, 100).await);
    let mut tx = db.begin().await.unwrap();
    assert!(take(&mut tx, late, NOW).await.unwrap().is_none());
    assert_eq!(take(&mut tx, open, NOW).await.unwrap().unwrap().proposed_by, by);
    assert!(take(&mut tx, open, NOW).await.unwrap().is_none());
    let gone: Vec<_> = purge(&mut tx, NOW).await.unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(gone, [late]);
    tx.commit().await.unwrap();
    assert!(list(&db, Timestamp(0)).await.unwrap().is_empty());
});

on_both!(no_id_is_given_twice, |db| async {
    let by = add(&db, "a@bell.example", Role::Owner).await;
    let decided = propose(&db, by, 200).await;
    let mut tx = db.begin().await.unwrap();
    take(&mut tx, decided, NOW).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert!(propose(&db, by, 200).await > decided, "a page may still show the one before");
});
