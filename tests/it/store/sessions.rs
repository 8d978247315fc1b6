use belltower::clock::Timestamp;
use belltower::domain::operator::Role;
use belltower::store::sessions::{
    State, delete, delete_all_of, find, insert, list_of, purge, states_of, touch, update,
};

use super::operators::add;
use crate::support::on_both;

fn state(text: &str) -> State {
    State::from([("token".to_owned(), text.to_owned())])
}

on_both!(a_session_is_found_until_it_expires, |db| async {
    let operator = add(&db, "a@bell.example", Role::Owner).await;
    let mut tx = db.begin().await.unwrap();
    insert(&mut tx, &[1; 32], Some(operator), &state("\"甲\""), Timestamp(10), Timestamp(100)).await.unwrap();
    insert(&mut tx, &[2; 32], None, &State::new(), Timestamp(10), Timestamp(100)).await.unwrap();
    tx.commit().await.unwrap();

    let row = find(&db, &[1; 32], Timestamp(99)).await.unwrap().unwrap();
    assert_eq!((row.operator_id, &row.state.0), (Some(operator), &state("\"甲\"")));
    assert_eq!((row.created_at, row.seen_at, row.expires_at), (Timestamp(10), Timestamp(10), Timestamp(100)));
    let row = find(&db, &[2; 32], Timestamp(99)).await.unwrap().unwrap();
    assert_eq!((row.operator_id, row.state.0.len()), (None, 0));
    assert!(find(&db, &[1; 32], Timestamp(100)).await.unwrap().is_none());
    assert!(find(&db, &[3; 32], Timestamp(10)).await.unwrap().is_none());
});

on_both!(a_session_changes_while_it_is_there, |db| async {
    let operator = add(&db, "a@bell.example", Role::Owner).await;
    let mut tx = db.begin().await.unwrap();
    insert(&mut tx, &[1; 32], None, &state("1"), Timestamp(10), Timestamp(100)).await.unwrap();
    update(&mut tx, &[1; 32], Some(operator), &state("2")).await.unwrap();
    update(&mut tx, &[2; 32], Some(operator), &state("2")).await.unwrap();
    touch(&mut tx, &[1; 32], Timestamp(50), Timestamp(150)).await.unwrap();
    tx.commit().await.unwrap();
    let row = find(&db, &[1; 32], Timestamp(120)).await.unwrap().unwrap();
    assert_eq!((row.operator_id, row.state.0), (Some(operator), state("2")));
    assert_eq!((row.created_at, row.seen_at, row.expires_at), (Timestamp(10), Timestamp(50), Timestamp(150)));
    assert!(find(&db, &[2; 32], Timestamp(20)).await.unwrap().is_none(), "updating makes none");

    let mut tx = db.begin().await.unwrap();
    touch(&mut tx, &[1; 32], Timestamp(150), Timestamp(300)).await.unwrap();
    tx.commit().await.unwrap();
    assert!(find(&db, &[1; 32], Timestamp(150)).await.unwrap().is_none(), "what has expired stays so");
});

on_both!(sessions_end_one_by_one_by_operator_and_by_age, |db| async {
    let (a, b) =
        (add(&db, "a@bell.example", Role::Owner).await, add(&db, "b@bell.example", Role::Owner).await);
    let mut tx = db.begin().await.unwrap();
    for (n, operator, ends) in
        [(1, Some(a), 100), (2, Some(a), 100), (3, Some(b), 100), (4, Some(b), 200), (5, None, 200)]
    {
        insert(&mut tx, &[n; 32], operator, &State::new(), Timestamp(10), Timestamp(ends)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let left = async || {
        let mut left = Vec::new();
        for n in 1..=5 {
            if find(&db, &[n; 32], Timestamp(50)).await.unwrap().is_some() {
                left.push(n);
            }
        }
        left
    };
    let mut tx = db.begin().await.unwrap();
    assert_eq!(delete_all_of(&mut tx, a).await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert_eq!(left().await, [3, 4, 5]);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(purge(&mut tx, Timestamp(100)).await.unwrap(), 1);
    delete(&mut tx, &[5; 32]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(left().await, [4]);
});

on_both!(an_operators_sessions_are_listed_those_used_last_first, |db| async {
    let (a, b) =
        (add(&db, "a@bell.example", Role::Owner).await, add(&db, "b@bell.example", Role::Owner).await);
    let mut tx = db.begin().await.unwrap();
    for (n, operator, ends) in
        [(1, Some(a), 100), (2, Some(a), 100), (3, Some(b), 100), (4, Some(a), 20), (5, None, 100)]
    {
        insert(&mut tx, &[n; 32], operator, &state("1"), Timestamp(10), Timestamp(ends)).await.unwrap();
    }
    touch(&mut tx, &[2; 32], Timestamp(15), Timestamp(100)).await.unwrap();
    tx.commit().await.unwrap();
    let rows = list_of(&db, a, Timestamp(20)).await.unwrap();
    let hashes: Vec<_> = rows.iter().map(|row| row.hash[0]).collect();
    assert_eq!(hashes, [2, 1]);
    assert_eq!(
        (rows[0].created_at, rows[0].seen_at, &rows[0].state.0),
        (Timestamp(10), Timestamp(15), &state("1"))
    );
});

on_both!(what_an_operator_s_sessions_hold_is_seen_with_what_was_just_written, |db| async {
    let operator = add(&db, "a@bell.example", Role::Owner).await;
    let mut tx = db.begin().await.unwrap();
    for (n, of, ends) in [(1, Some(operator), 100), (2, Some(operator), 50), (3, None, 100)] {
        insert(&mut tx, &[n; 32], of, &state("1"), Timestamp(10), Timestamp(ends)).await.unwrap();
    }
    assert_eq!(states_of(&mut tx, operator, Timestamp(50)).await.unwrap(), [state("1")]);
    delete(&mut tx, &[1; 32]).await.unwrap();
    assert!(states_of(&mut tx, operator, Timestamp(50)).await.unwrap().is_empty());
});
