use belltower::clock::Timestamp;
use belltower::domain::alarm::{AlarmKind, Wish};
use belltower::domain::operator::Role;
use belltower::store::alarm_wishes::{claim, find, list, lock_naming, set, tell, told};
use belltower::store::operators::set_disabled;

use super::{alarms, operators};
use crate::support::on_both;

on_both!(a_wish_is_an_operator_s_own_until_it_is_withdrawn, |db| async {
    let (li, wang) = (
        operators::add(&db, "li@bell.example", Role::Owner).await,
        operators::add(&db, "wang@bell.example", Role::Sender).await,
    );
    let wish = Wish { kinds: vec![AlarmKind::Disk], ..Wish::default() };
    let mut tx = db.begin().await.unwrap();
    set(&mut tx, li, Some(&Wish::default())).await.unwrap();
    set(&mut tx, li, Some(&wish)).await.unwrap();
    set(&mut tx, wang, Some(&wish)).await.unwrap();
    set_disabled(&mut tx, wang, Some(Timestamp(9))).await.unwrap();
    tx.commit().await.unwrap();
    let rows = list(&db).await.unwrap();
    assert_eq!(rows.len(), 1, "who may not sign in is told nothing");
    assert_eq!((rows[0].operator_id, rows[0].email.as_str(), rows[0].told_at), (li, "li@bell.example", None));
    assert_eq!(rows[0].wish.0, wish);
    assert_eq!(find(&db, wang).await.unwrap().map(|row| row.wish.0), Some(wish.clone()));
    let mut tx = db.begin().await.unwrap();
    set(&mut tx, wang, Some(&Wish { campus_id: Some("2026001".to_owned()), ..wish })).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let named = lock_naming(&mut tx, "2026001").await.unwrap();
    assert_eq!(
        named.iter().map(|row| row.operator_id).collect::<Vec<_>>(),
        [wang],
        "whoever may sign in or not"
    );
    assert!(lock_naming(&mut tx, "202600").await.unwrap().is_empty());
    set(&mut tx, li, None).await.unwrap();
    tx.commit().await.unwrap();
    assert!(find(&db, li).await.unwrap().is_none());
});

on_both!(one_of_several_may_tell_an_operator, |db| async {
    let id = operators::add(&db, "li@bell.example", Role::Owner).await;
    let mut claimed = Vec::new();
    let mut tx = db.begin().await.unwrap();
    claimed.push(claim(&mut tx, id, Timestamp(0), Timestamp(10)).await.unwrap());
    set(&mut tx, id, Some(&Wish::default())).await.unwrap();
    // At once again, too early, in time, and after the clock was set back.
    for (before, now) in [(0, 10), (0, 10), (9, 20), (10, 20), (0, 5)] {
        claimed.push(claim(&mut tx, id, Timestamp(before), Timestamp(now)).await.unwrap());
    }
    tx.commit().await.unwrap();
    assert_eq!(claimed, [false, true, false, false, true, true]);
});

on_both!(what_was_told_is_known_by_alarm_and_operator, |db| async {
    let id = operators::add(&db, "li@bell.example", Role::Owner).await;
    let alarm = alarms::one(&db).await;
    assert!(told(&db, &[alarm]).await.unwrap().is_empty());
    for (end, at) in [(false, 5), (true, 8)] {
        let mut tx = db.begin().await.unwrap();
        tell(&mut tx, id, &[(alarm, end)], Timestamp(at)).await.unwrap();
        tx.commit().await.unwrap();
        let rows = told(&db, &[alarm]).await.unwrap();
        let rows: Vec<_> =
            rows.iter().map(|row| (row.alarm_id, row.operator_id, row.at.0, row.end_told)).collect();
        assert_eq!(rows, [(alarm, id, at, end)]);
    }
    assert!(told(&db, &[]).await.unwrap().is_empty());
});
