use belltower::domain::operator::Role;
use belltower::store::campus_accounts::{find, forget, of, set};

use super::operators::add;
use crate::support::on_both;

on_both!(a_campus_id_is_one_operators, |db| async {
    let (a, b) =
        (add(&db, "a@bell.example", Role::Owner).await, add(&db, "b@bell.example", Role::Owner).await);
    let mut tx = db.begin().await.unwrap();
    assert!(set(&mut tx, a, Some("2001001")).await.unwrap());
    assert!(set(&mut tx, a, Some("2001001")).await.unwrap(), "again the same");
    assert!(!set(&mut tx, b, Some("2001001")).await.unwrap());
    assert!(set(&mut tx, b, None).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(find(&db, "2001001").await.unwrap(), Some(a));
    assert_eq!((of(&db, a).await.unwrap().as_deref(), of(&db, b).await.unwrap()), (Some("2001001"), None));

    let mut tx = db.begin().await.unwrap();
    forget(&mut tx, "2001001").await.unwrap();
    assert!(set(&mut tx, b, Some("2001001")).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(find(&db, "2001001").await.unwrap(), Some(b));
    assert_eq!(of(&db, a).await.unwrap(), None);
});
