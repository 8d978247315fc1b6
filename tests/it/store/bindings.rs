use belltower::clock::Timestamp;
use belltower::domain::channel::{AddressKind, ChannelKind};
use belltower::domain::id::{ProviderId, RecipientId};
use belltower::store::bindings::{NewPending, bind, count_try, delete, insert, lock, set_code, unbind};
use belltower::store::providers::{self, ProviderData};
use belltower::store::{Db, recipients};
use serde_json::json;

use super::recipients::{keep, person};
use crate::support::on_both;

const OPENID: AddressKind = AddressKind::WechatOpenid;

async fn account(db: &Db) -> ProviderId {
    let data = ProviderData {
        name: "公众号",
        channel: ChannelKind::Wechat,
        kind: "wecom",
        settings: b"sealed",
        priority: 1,
        weight: 1,
        rate: None,
        enabled: true,
    };
    let mut tx = db.begin().await.unwrap();
    let id = providers::insert(&mut tx, Timestamp(1), data).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    id
}

async fn id(db: &Db, campus_id: &str) -> RecipientId {
    recipients::find(db, campus_id).await.unwrap().unwrap().id
}

async fn openid(db: &Db, campus_id: &str) -> (Option<String>, Timestamp) {
    let row = recipients::find(db, campus_id).await.unwrap().unwrap();
    (row.person.wechat_openid, row.updated_at)
}

on_both!(an_identity_waits_for_its_code_and_is_gone, |db| async {
    let provider = account(&db).await;
    keep(&db, &[person("1", json!({}))], 1).await;
    let li = id(&db, "1").await;
    let new = |hash: &'static [u8], expires_at| NewPending {
        hash,
        provider,
        kind: OPENID,
        address: "oLi",
        expires_at: Timestamp(expires_at),
    };
    let mut tx = db.begin().await.unwrap();
    assert!(insert(&mut tx, new(b"a", 10)).await.unwrap());
    assert!(!insert(&mut tx, new(b"a", 99)).await.unwrap(), "a ticket is good once");
    assert!(insert(&mut tx, new(b"b", 20)).await.unwrap());
    assert!(lock(&mut tx, b"c").await.unwrap().is_none());
    let fresh = lock(&mut tx, b"a").await.unwrap().unwrap();
    assert_eq!((fresh.provider_id, fresh.kind, fresh.address.as_str()), (provider, OPENID, "oLi"));
    assert_eq!((fresh.recipient_id, fresh.code, fresh.codes, fresh.tries), (None, None, 0, 0));
    assert_eq!(fresh.expires_at, Timestamp(10));

    set_code(&mut tx, b"a", None, b"first", Timestamp(11)).await.unwrap();
    count_try(&mut tx, b"a").await.unwrap();
    count_try(&mut tx, b"a").await.unwrap();
    let tried = lock(&mut tx, b"a").await.unwrap().unwrap();
    assert_eq!((tried.code.as_deref(), tried.codes, tried.tries), (Some(&b"first"[..]), 1, 2));
    set_code(&mut tx, b"a", Some(li), b"second", Timestamp(12)).await.unwrap();
    let again = lock(&mut tx, b"a").await.unwrap().unwrap();
    assert_eq!((again.recipient_id, again.codes, again.tries), (Some(li), 2, 0));
    assert_eq!((again.code.as_deref(), again.expires_at), (Some(&b"second"[..]), Timestamp(12)));

    delete(&mut tx, b"none", Timestamp(12)).await.unwrap();
    assert!(lock(&mut tx, b"a").await.unwrap().is_none(), "its time is over");
    delete(&mut tx, b"b", Timestamp(13)).await.unwrap();
    assert!(lock(&mut tx, b"b").await.unwrap().is_none());
    tx.commit().await.unwrap();
});

on_both!(an_identity_is_one_persons, |db| async {
    let people = [
        person("1", json!({"wechat_openid": "oShared"})),
        person("2", json!({"wechat_openid": "oOld"})),
        person("3", json!({"wechat_openid": "oshared"})),
    ];
    keep(&db, &people, 1).await;
    let (first, second) = (id(&db, "1").await, id(&db, "2").await);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(bind(&mut tx, second, OPENID, "oShared", Timestamp(5)).await.unwrap(), [first]);
    assert!(bind(&mut tx, second, OPENID, "oShared", Timestamp(7)).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    assert_eq!(openid(&db, "1").await, (None, Timestamp(5)));
    assert_eq!(
        openid(&db, "2").await,
        (Some("oShared".to_owned()), Timestamp(5)),
        "what stays is not written"
    );
    assert_eq!(openid(&db, "3").await.0.as_deref(), Some("oshared"), "its case tells it apart");

    let mut tx = db.begin().await.unwrap();
    assert_eq!(unbind(&mut tx, OPENID, "oShared", Timestamp(9)).await.unwrap(), [second]);
    assert!(unbind(&mut tx, OPENID, "oShared", Timestamp(9)).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    assert_eq!(openid(&db, "2").await, (None, Timestamp(9)));
});
