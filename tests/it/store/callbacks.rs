use belltower::clock::Timestamp;
use belltower::domain::channel::ChannelKind;
use belltower::domain::id::ProviderId;
use belltower::store::Db;
use belltower::store::callbacks::{
    NewCallback, insert, list_unread, providers, prune, remove, set_aside, take,
};
use belltower::store::providers::{self as provider_store, ProviderData};

use super::roll_back;
use crate::support::on_both;

async fn provider(db: &Db, name: &str) -> ProviderId {
    let data = ProviderData {
        name,
        channel: ChannelKind::Sms,
        kind: "http_sms",
        settings: b"sealed",
        priority: 10,
        weight: 1,
        rate: None,
        enabled: true,
    };
    let mut tx = db.begin().await.unwrap();
    let id = provider_store::insert(&mut tx, Timestamp(1), data).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    id
}

async fn put(db: &Db, at: i64, provider: ProviderId, body: &[u8]) {
    let data = NewCallback { is_post: true, query: "a=%00", content_type: Some("text/xml"), body };
    let mut tx = db.begin().await.unwrap();
    insert(&mut tx, Timestamp(at), provider, data).await.unwrap();
    tx.commit().await.unwrap();
}

on_both!(a_call_is_kept_byte_by_byte_until_somebody_has_looked_into_it, |db| async {
    let (one, other) = (provider(&db, "one").await, provider(&db, "other").await);
    assert!(providers(&db, 10).await.unwrap().is_empty());
    put(&db, 5, one, b"\x00\xff{").await;
    put(&db, 6, other, b"").await;
    put(&db, 7, one, b"third").await;
    let mut whose = providers(&db, 10).await.unwrap();
    whose.sort();
    assert_eq!(whose, [one, other]);
    assert_eq!(providers(&db, 1).await.unwrap(), [one], "the oldest is one's");

    let mut tx = db.begin().await.unwrap();
    let calls = take(&mut tx, &[one], 10).await.unwrap();
    assert_eq!(calls.len(), 2, "another's are not asked for");
    let first = &calls[0];
    assert_eq!((first.provider_id, first.received_at, first.is_post), (one, Timestamp(5), true));
    assert_eq!((first.query.as_str(), first.content_type.as_deref()), ("a=%00", Some("text/xml")));
    assert_eq!((first.body.as_slice(), calls[1].body.as_slice()), (&b"\x00\xff{"[..], &b"third"[..]));
    assert_eq!(take(&mut tx, &[one, other], 1).await.unwrap().len(), 1);
    remove(&mut tx, &[first.id]).await.unwrap();
    roll_back(tx).await;
    let mut tx = db.begin().await.unwrap();
    assert_eq!(take(&mut tx, &[one], 10).await.unwrap().len(), 2, "nothing was committed");
    remove(&mut tx, &calls.iter().map(|call| call.id).collect::<Vec<_>>()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(providers(&db, 10).await.unwrap(), [other]);
});

on_both!(what_could_not_be_read_is_listed_and_goes_in_time, |db| async {
    let one = provider(&db, "短信网关").await;
    for at in [5, 6, 7] {
        put(&db, at, one, b"rubbish").await;
    }
    let mut tx = db.begin().await.unwrap();
    let calls = take(&mut tx, &[one], 10).await.unwrap();
    for call in &calls[..2] {
        set_aside(&mut tx, call.id, "not JSON").await.unwrap();
    }
    tx.commit().await.unwrap();
    let unread = list_unread(&db, None, 1).await.unwrap();
    assert_eq!((unread.len(), unread[0].id, unread[0].received_at), (1, calls[1].id, Timestamp(6)));
    assert_eq!((unread[0].provider.as_str(), unread[0].trouble.as_str()), ("短信网关", "not JSON"));
    assert_eq!(
        (unread[0].body.as_slice(), unread[0].content_type.as_deref()),
        (&b"rubbish"[..], Some("text/xml"))
    );
    assert_eq!(unread[0].query, "a=%00");
    let older = list_unread(&db, Some(unread[0].id), 9).await.unwrap();
    assert_eq!(older.iter().map(|row| row.id).collect::<Vec<_>>(), [calls[0].id]);

    let mut tx = db.begin().await.unwrap();
    assert_eq!(take(&mut tx, &[one], 10).await.unwrap().len(), 1, "they are not tried again");
    assert_eq!(prune(&mut tx, Timestamp(6)).await.unwrap(), 1);
    assert_eq!(prune(&mut tx, Timestamp(99)).await.unwrap(), 1, "what waits is never removed");
    tx.commit().await.unwrap();
    assert_eq!(providers(&db, 10).await.unwrap(), [one]);
});
