use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use belltower::clock::Timestamp;
use belltower::domain::channel::ChannelKind;
use belltower::domain::id::RegistrationId;
use belltower::domain::registration::{Registration, RegistrationState as State};
use belltower::store::Db;
use belltower::store::registrations::{
    RegistrationRow, approve, claims, count_waiting, decided, find, find_by_claim, find_by_source, hand_over,
    insert, prune, reject, waiting, waiting_by_department,
};

use super::{keys, sources};
use crate::support::on_both;

const NOW: Timestamp = Timestamp(100);
const LATER: Timestamp = Timestamp(900);

fn asked(department: &str) -> Registration {
    Registration {
        name: "图书馆门户".to_owned(),
        department: department.to_owned(),
        contact_name: "李伟".to_owned(),
        contact_email: "liwei@lib.bell.example".to_owned(),
        purpose: "借阅到期提醒".to_owned(),
        topics: vec!["library.#".parse().unwrap()],
        channels: vec![ChannelKind::Email, ChannelKind::Wechat],
    }
}

/// One whose token has the hash `[n; 32]`, from the address that ends in `n / 10`.
async fn add(db: &Db, n: u8, department: &str, ends_at: i64) -> RegistrationId {
    let network = Ipv4Addr::new(10, 0, 0, n / 10).to_string();
    let mut tx = db.begin().await.unwrap();
    let at = Timestamp(i64::from(n));
    let id = insert(&mut tx, &asked(department), &network, &[n; 32], at, Timestamp(ends_at)).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn get(db: &Db, id: RegistrationId) -> RegistrationRow {
    find(db, id).await.unwrap().unwrap()
}

fn ids(rows: &[RegistrationRow]) -> Vec<RegistrationId> {
    rows.iter().map(|row| row.id).collect()
}

on_both!(what_was_asked_for_comes_back_by_its_id_and_by_its_token, |db| async {
    let id = add(&db, 10, "图书馆", 200).await;
    let row = get(&db, id).await;
    let back = Registration {
        name: row.name,
        department: row.department,
        contact_name: row.contact_name,
        contact_email: row.contact_email,
        purpose: row.purpose,
        topics: row.topics.0,
        channels: row.channels.0,
    };
    assert_eq!(back, asked("图书馆"));
    assert_eq!((row.state, row.network.as_str(), row.test), (State::Pending, "10.0.0.1", false));
    assert_eq!((row.created_at, row.ends_at), (Timestamp(10), Timestamp(200)));
    assert_eq!((row.decided_at, row.source_id, row.key_id, row.handed_at), (None, None, None, None));
    assert_eq!(find_by_claim(&db, &[10; 32]).await.unwrap().unwrap().id, id);
    assert!(find_by_claim(&db, &[11; 32]).await.unwrap().is_none());
    assert!(find(&db, RegistrationId(id.0 + 1)).await.unwrap().is_none());
    assert_eq!(claims(&db).await.unwrap(), [vec![10; 32]]);
});

on_both!(those_that_wait_are_listed_and_counted_until_they_expire, |db| async {
    let second = add(&db, 20, "图书馆", 200).await;
    let first = add(&db, 10, "教务处", 200).await;
    let other = add(&db, 21, "图书馆", 101).await;
    add(&db, 22, "图书馆", 100).await;
    assert_eq!(ids(&waiting(&db, NOW).await.unwrap()), [first, second, other]);
    let mut tx = db.begin().await.unwrap();
    let count = count_waiting(&mut tx, "10.0.0.2", NOW).await.unwrap();
    assert_eq!((count.all, count.of_network), (3, 2));
    let nobody = count_waiting(&mut tx, "10.0.0.9", LATER).await.unwrap();
    assert_eq!((nobody.all, nobody.of_network), (0, 0));
    tx.commit().await.unwrap();
    let by_department = async |until| -> BTreeMap<_, _> {
        let rows = waiting_by_department(&db, NOW, Timestamp(until)).await.unwrap();
        rows.into_iter().map(|row| (row.department, row.n)).collect()
    };
    let of = |library| BTreeMap::from([("图书馆".to_owned(), library), ("教务处".to_owned(), 1)]);
    assert_eq!((by_department(100).await, by_department(20).await), (of(2), of(1)));
    assert!(by_department(9).await.is_empty());
    let expired = get(&db, other).await;
    assert_eq!((expired.standing(NOW), expired.standing(Timestamp(101))), (State::Pending, State::Expired));
});

on_both!(what_waits_is_decided_once, |db| async {
    let (yes, no) = (add(&db, 10, "图书馆", 200).await, add(&db, 20, "图书馆", 200).await);
    let late = add(&db, 30, "图书馆", 100).await;
    let source = sources::add(&db, "library").await;
    let mut tx = db.begin().await.unwrap();
    assert!(!approve(&mut tx, late, (source, true), "王敏", NOW, LATER).await.unwrap());
    assert!(!reject(&mut tx, late, "重复", "王敏", NOW, LATER).await.unwrap());
    assert!(approve(&mut tx, yes, (source, true), "王敏", NOW, LATER).await.unwrap());
    assert!(!approve(&mut tx, yes, (source, true), "李伟", NOW, LATER).await.unwrap());
    assert!(!reject(&mut tx, yes, "重复", "李伟", NOW, LATER).await.unwrap());
    assert!(reject(&mut tx, no, "重复", "王敏", Timestamp(101), LATER).await.unwrap());
    tx.commit().await.unwrap();
    let row = get(&db, yes).await;
    assert_eq!(
        (row.state, row.source_id, row.test, row.ends_at),
        (State::Approved, Some(source), true, LATER)
    );
    assert_eq!((row.decided_by.as_deref(), row.decided_at), (Some("王敏"), Some(NOW)));
    let row = get(&db, no).await;
    assert_eq!((row.state, row.reason.as_str(), row.source_id), (State::Rejected, "重复", None));
    assert_eq!(ids(&decided(&db, 10).await.unwrap()), [no, yes]);
    assert_eq!(ids(&decided(&db, 1).await.unwrap()), [no]);
    assert_eq!(find_by_source(&db, source).await.unwrap().unwrap().id, yes);
    assert!(waiting(&db, NOW).await.unwrap().is_empty());
});

on_both!(a_key_is_handed_over_once_and_in_time, |db| async {
    let (one, late, no) =
        (add(&db, 10, "a", 200).await, add(&db, 20, "a", 200).await, add(&db, 30, "a", 200).await);
    let source = sources::add(&db, "library").await;
    let key = keys::key(&db, source, 1).await;
    let mut tx = db.begin().await.unwrap();
    approve(&mut tx, one, (source, false), "王敏", NOW, LATER).await.unwrap();
    approve(&mut tx, late, (source, false), "王敏", NOW, Timestamp(150)).await.unwrap();
    assert!(!hand_over(&mut tx, no, key, NOW).await.unwrap(), "nobody approved it");
    assert!(!hand_over(&mut tx, late, key, Timestamp(150)).await.unwrap(), "its time is over");
    assert!(hand_over(&mut tx, one, key, Timestamp(150)).await.unwrap());
    assert!(!hand_over(&mut tx, one, key, Timestamp(151)).await.unwrap());
    tx.commit().await.unwrap();
    let row = get(&db, one).await;
    assert_eq!((row.key_id, row.handed_at), (Some(key), Some(Timestamp(150))));
    assert!(!row.owes_key(NOW) && get(&db, late).await.owes_key(NOW));
    assert!(!get(&db, late).await.owes_key(Timestamp(150)));
});

on_both!(what_is_over_is_forgotten_and_what_was_approved_stays, |db| async {
    let (yes, no) = (add(&db, 10, "图书馆", 200).await, add(&db, 20, "图书馆", 200).await);
    let (expired, waits) = (add(&db, 30, "教务处", 100).await, add(&db, 40, "图书馆", 101).await);
    let source = sources::add(&db, "library").await;
    let mut tx = db.begin().await.unwrap();
    approve(&mut tx, yes, (source, false), "王敏", NOW, Timestamp(110)).await.unwrap();
    reject(&mut tx, no, "重复", "王敏", NOW, Timestamp(120)).await.unwrap();
    let gone = prune(&mut tx, Timestamp(99), Timestamp(119)).await.unwrap();
    assert_eq!(gone.len(), 0);
    let mut gone = prune(&mut tx, Timestamp(100), Timestamp(120)).await.unwrap();
    gone.sort_by_key(|row| row.id);
    let told: Vec<_> = gone.iter().map(|row| (row.id, row.state, row.department.as_str())).collect();
    assert_eq!(told, [(no, State::Rejected, "图书馆"), (expired, State::Pending, "教务处")]);
    assert_eq!(gone[0].name, "图书馆门户");
    tx.commit().await.unwrap();
    assert_eq!((get(&db, yes).await.state, get(&db, waits).await.state), (State::Approved, State::Pending));
});
