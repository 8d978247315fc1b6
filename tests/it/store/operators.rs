use belltower::clock::Timestamp;
use belltower::domain::grant::Grant;
use belltower::domain::id::OperatorId;
use belltower::domain::operator::Role;
use belltower::store::Db;
use belltower::store::operators::{
    OperatorRow, any, find, find_all, find_by_email, insert, list, lock, lock_all, oust, set_disabled,
    set_grants, set_handed_to, set_language, set_name, set_password, touch,
};

use crate::support::on_both;

pub(super) async fn add(db: &Db, email: &str, role: Role) -> OperatorId {
    let mut tx = db.begin().await.unwrap();
    let id =
        insert(&mut tx, email, "王敏", &[role.into()], Some("hash"), Timestamp(5)).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    id
}

async fn get(db: &Db, id: OperatorId) -> OperatorRow {
    find(db, id).await.unwrap().unwrap()
}

on_both!(an_operator_is_found_by_id_and_address, |db| async {
    let mut tx = db.begin().await.unwrap();
    assert!(!any(&mut tx).await.unwrap());
    drop(tx);
    for role in Role::ALL {
        let email = format!("{role}@bell.example");
        let id = add(&db, &email, *role).await;
        let row = find_by_email(&db, &email).await.unwrap().unwrap();
        assert_eq!((row.id, row.grants.0, row.name.as_str()), (id, vec![Grant::from(*role)], "王敏"));
        assert_eq!(row.password_hash.as_deref(), Some("hash"));
        assert_eq!((row.created_at, row.language), (Timestamp(5), None));
        assert_eq!((row.disabled_at, row.last_seen_at), (None, None));
        assert_eq!(get(&db, id).await.email, email);
    }
    assert!(find_by_email(&db, "Owner@bell.example").await.unwrap().is_none());
    let all = list(&db).await.unwrap();
    assert_eq!(all.len(), Role::ALL.len());
    let mut tx = db.begin().await.unwrap();
    let some = find_all(&mut tx, &[all[1].id, OperatorId(9_999), all[0].id]).await.unwrap();
    assert_eq!(some.len(), 2);
    assert!(any(&mut tx).await.unwrap());
});

on_both!(an_address_is_taken_once, |db| async {
    add(&db, "a@bell.example", Role::Owner).await;
    let mut tx = db.begin().await.unwrap();
    let again =
        insert(&mut tx, "a@bell.example", "B", &[Role::Sender.into()], None, Timestamp(6)).await.unwrap();
    assert!(again.is_none());
});

on_both!(each_property_changes_by_itself, |db| async {
    let (id, other) =
        (add(&db, "a@bell.example", Role::Owner).await, add(&db, "b@bell.example", Role::Owner).await);
    let limited = Grant { departments: ["图书馆".to_owned()].into(), ..Grant::from(Role::Sender) };
    let mut tx = db.begin().await.unwrap();
    set_password(&mut tx, id, None).await.unwrap();
    set_language(&mut tx, id, Some("en")).await.unwrap();
    set_grants(&mut tx, id, std::slice::from_ref(&limited)).await.unwrap();
    set_name(&mut tx, id, "李明").await.unwrap();
    set_disabled(&mut tx, id, Some(Timestamp(9))).await.unwrap();
    assert_eq!((oust(&mut tx, id).await.unwrap(), oust(&mut tx, id).await.unwrap()), (1, 2));
    assert_eq!(oust(&mut tx, OperatorId(99)).await.unwrap(), 0);
    set_handed_to(&mut tx, id, Some(other)).await.unwrap();
    touch(&mut tx, id, Timestamp(20)).await.unwrap();
    touch(&mut tx, id, Timestamp(10)).await.unwrap();
    tx.commit().await.unwrap();
    let row = get(&db, id).await;
    assert_eq!((row.password_hash, row.language.as_deref()), (None, Some("en")));
    assert_eq!(row.grants.0, [limited]);
    assert_eq!((row.ousted, row.handed_to), (2, Some(other)));
    assert_eq!((row.name.as_str(), get(&db, other).await.name.as_str()), ("李明", "王敏"));
    assert_eq!((row.disabled_at, row.last_seen_at), (Some(Timestamp(9)), Some(Timestamp(20))));
    let row = get(&db, other).await;
    assert_eq!((row.password_hash.as_deref(), row.language), (Some("hash"), None));
    assert_eq!((row.disabled_at, row.last_seen_at), (None, None));
    assert_eq!((row.ousted, row.handed_to), (0, None));
    let mut tx = db.begin().await.unwrap();
    set_handed_to(&mut tx, id, None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(get(&db, id).await.handed_to, None);
});

on_both!(all_are_locked_in_the_order_of_their_ids, |db| async {
    let a = add(&db, "b@bell.example", Role::Owner).await;
    let b = add(&db, "a@bell.example", Role::Sender).await;
    let mut tx = db.begin().await.unwrap();
    let rows = lock_all(&mut tx).await.unwrap();
    let seen: Vec<_> = rows.into_iter().map(|row| (row.id, row.grants.0)).collect();
    assert_eq!(seen, [(a, vec![Grant::from(Role::Owner)]), (b, vec![Grant::from(Role::Sender)])]);
    assert_eq!(lock(&mut tx, b).await.unwrap().unwrap().email, "a@bell.example");
    assert!(lock(&mut tx, OperatorId(999)).await.unwrap().is_none());
});

on_both!(whoever_is_let_in_while_it_waits_is_among_them, |db| async {
    let first = add(&db, "a@bell.example", Role::Owner).await;
    let mut tx = db.begin().await.unwrap();
    lock_all(&mut tx).await.unwrap();
    let grants = [Role::Owner.into()];
    let inserted = insert(&mut tx, "b@bell.example", "B", &grants, None, Timestamp(6)).await;
    let second = inserted.unwrap().unwrap();
    let waits = async {
        let mut tx = db.begin().await.unwrap();
        lock_all(&mut tx).await.unwrap().into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    let commits = async {
        somebody_waits(&db).await;
        tx.commit().await.unwrap();
    };
    let (seen, ()) = tokio::join!(waits, commits);
    assert_eq!(seen, [first, second]);
});

/// Until somebody waits for rows that another holds.
async fn somebody_waits(db: &Db) {
    let Db::Postgres(pool) = db else { return };
    let text = "SELECT count(*) > 0 FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND datname = current_database()";
    while !sqlx::query_scalar::<_, bool>(text).fetch_one(pool).await.unwrap() {}
}
