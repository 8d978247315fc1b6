use belltower::clock::Timestamp;
use belltower::domain::operator::Role;
use belltower::store::second_factors::{find, lock, remove, set, set_codes, use_code, use_step};

use super::operators::add;
use crate::support::on_both;

on_both!(a_step_is_used_once_and_none_before_it, |db| async {
    let operator = add(&db, "a@bell.example", Role::Owner).await;
    assert!(find(&db, operator).await.unwrap().is_none());
    let mut tx = db.begin().await.unwrap();
    set(&mut tx, operator, b"sealed", 7, Timestamp(10)).await.unwrap();
    for (step, is_new) in [(7, false), (8, true), (8, false), (7, false), (10, true), (9, false)] {
        assert_eq!(use_step(&mut tx, operator, b"sealed", step).await.unwrap(), is_new, "{step}");
    }
    assert!(!use_step(&mut tx, operator, b"older", 20).await.unwrap(), "of another secret");
    set(&mut tx, operator, b"newer", 3, Timestamp(20)).await.unwrap();
    assert!(use_step(&mut tx, operator, b"newer", 4).await.unwrap(), "steps are a secret's own");
    tx.commit().await.unwrap();
    let row = find(&db, operator).await.unwrap().unwrap();
    assert_eq!((row.secret.as_slice(), row.since, row.codes), (&b"newer"[..], Timestamp(20), 0));
});

on_both!(a_recovery_code_is_good_once_and_its_owners, |db| async {
    let (a, b) =
        (add(&db, "a@bell.example", Role::Owner).await, add(&db, "b@bell.example", Role::Owner).await);
    let mut tx = db.begin().await.unwrap();
    set(&mut tx, a, b"sealed", 0, Timestamp(10)).await.unwrap();
    set_codes(&mut tx, a, &[[1; 32], [2; 32], [3; 32]]).await.unwrap();
    assert!(!use_code(&mut tx, b, &[1; 32]).await.unwrap(), "another's");
    assert!(use_code(&mut tx, a, &[1; 32]).await.unwrap());
    assert!(!use_code(&mut tx, a, &[1; 32]).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(find(&db, a).await.unwrap().unwrap().codes, 2);

    let mut tx = db.begin().await.unwrap();
    set_codes(&mut tx, a, &[[4; 32]]).await.unwrap();
    assert!(!use_code(&mut tx, a, &[2; 32]).await.unwrap(), "one of those before");
    assert!(lock(&mut tx, a).await.unwrap() && !lock(&mut tx, b).await.unwrap());
    assert!(remove(&mut tx, a).await.unwrap());
    assert!(!lock(&mut tx, a).await.unwrap());
    assert!(!use_code(&mut tx, a, &[4; 32]).await.unwrap());
    assert!(!remove(&mut tx, a).await.unwrap());
    tx.commit().await.unwrap();
    assert!(find(&db, a).await.unwrap().is_none());
});
