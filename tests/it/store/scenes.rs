use belltower::clock::Timestamp;
use belltower::domain::id::{OperatorId, ProviderId, RecipientId};
use belltower::store::scenes::{NewScene, Place, find, keep, of_hash, prune, use_up};
use belltower::store::{Db, erasure, recipients};
use serde_json::json;

use super::bindings::{account, id};
use super::recipients::{keep as keep_people, person};
use crate::support::on_both;

/// Li, Wang and an account.
async fn people(db: &Db) -> (RecipientId, RecipientId, ProviderId) {
    let provider = account(db).await;
    keep_people(db, &[person("1", json!({})), person("2", json!({}))], 1).await;
    (id(db, "1").await, id(db, "2").await, provider)
}

fn new<'a>(
    hash: &'a [u8],
    picture: &'a [u8],
    expires_at: Timestamp,
    shown_to: Option<OperatorId>,
) -> NewScene<'a> {
    NewScene { hash, picture, expires_at, shown_to }
}

on_both!(a_code_is_good_once_and_until_its_time, |db| async {
    let (li, wang, provider) = people(&db).await;
    let place = |recipient, by_operator| Place { recipient, provider, by_operator };
    let mut tx = db.begin().await.unwrap();
    keep(&mut tx, place(li, false), new(b"a", b"first", Timestamp(10), None)).await.unwrap();
    keep(&mut tx, place(li, true), new(b"b", b"second", Timestamp(20), Some(OperatorId(7)))).await.unwrap();
    keep(&mut tx, place(wang, false), new(b"c", b"third", Timestamp(30), None)).await.unwrap();
    assert!(!use_up(&mut tx, b"a", Timestamp(10)).await.unwrap(), "its time is over");
    assert!(use_up(&mut tx, b"a", Timestamp(9)).await.unwrap());
    assert!(!use_up(&mut tx, b"a", Timestamp(9)).await.unwrap(), "once");
    assert!(!use_up(&mut tx, b"d", Timestamp(9)).await.unwrap(), "nobody's");
    assert!(of_hash(&mut tx, b"d").await.unwrap().is_none());
    let used = of_hash(&mut tx, b"a").await.unwrap().unwrap();
    assert_eq!((used.recipient_id, used.provider_id, used.by_operator), (li, provider, false));
    assert_eq!((used.expires_at, used.used_at), (Timestamp(10), Some(Timestamp(9))));
    tx.commit().await.unwrap();
    let shown = find(&db, place(li, true)).await.unwrap().unwrap();
    assert_eq!((shown.picture.as_slice(), shown.used_at), (&b"second"[..], None));
    assert_eq!((shown.shown_to, used.shown_to), (Some(OperatorId(7)), None));
    assert!(find(&db, place(wang, true)).await.unwrap().is_none());

    let mut tx = db.begin().await.unwrap();
    keep(&mut tx, place(li, false), new(b"e", b"anew", Timestamp(40), None)).await.unwrap();
    assert!(of_hash(&mut tx, b"a").await.unwrap().is_none(), "another stands in its place");
    assert_eq!(of_hash(&mut tx, b"e").await.unwrap().unwrap().used_at, None);
    assert_eq!(prune(&mut tx, Timestamp(29)).await.unwrap(), 1);
    assert!(of_hash(&mut tx, b"b").await.unwrap().is_none());
    assert!(of_hash(&mut tx, b"c").await.unwrap().is_some());
    tx.commit().await.unwrap();
});

on_both!(codes_of_whoever_is_erased_are_gone, |db| async {
    let (li, wang, provider) = people(&db).await;
    let mut tx = db.begin().await.unwrap();
    for (recipient, hash) in [(li, b"a"), (wang, b"b")] {
        let place = Place { recipient, provider, by_operator: true };
        keep(&mut tx, place, new(hash, b"picture", Timestamp(10), None)).await.unwrap();
    }
    erasure::bury(&mut tx, li, "erased 1", Timestamp(9)).await.unwrap();
    assert!(of_hash(&mut tx, b"a").await.unwrap().is_none());
    assert!(of_hash(&mut tx, b"b").await.unwrap().is_some());
    tx.commit().await.unwrap();
    assert!(recipients::find(&db, "1").await.unwrap().is_none());
});
