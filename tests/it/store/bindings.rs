use belltower::clock::Timestamp;
use belltower::domain::channel::{AddressKind, ChannelKind};
use belltower::domain::id::{ProviderId, RecipientId};
use belltower::store::bindings::{
    Counted, Most, NewPending, bind, count_of_day, count_try, delete, expect, find, insert, lock, prune,
    set_code, unbind,
};
use belltower::store::providers::{self, ProviderData};
use belltower::store::{Db, Tx, recipients};
use serde_json::json;
use sqlx::AssertSqlSafe;

use super::recipients::{keep, person};
use crate::support::on_both;

const OPENID: AddressKind = AddressKind::WechatOpenid;

pub(super) async fn account(db: &Db) -> ProviderId {
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

pub(super) async fn id(db: &Db, campus_id: &str) -> RecipientId {
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
    count_try(&mut tx, b"a").await.unwrap();
    expect(&mut tx, b"a", Some(b"sign-in"), Timestamp(11)).await.unwrap();
    let other = lock(&mut tx, b"a").await.unwrap().unwrap();
    assert_eq!(
        (other.recipient_id, other.code.as_deref()),
        (None, Some(&b"sign-in"[..])),
        "no code any more"
    );
    assert_eq!((other.codes, other.tries, other.expires_at), (2, 0, Timestamp(11)), "but those sent count");
    expect(&mut tx, b"a", None, Timestamp(12)).await.unwrap();
    assert_eq!(lock(&mut tx, b"a").await.unwrap().unwrap().code, None);

    assert_eq!(prune(&mut tx, Timestamp(12), "2026-09-21").await.unwrap(), 1);
    assert!(lock(&mut tx, b"a").await.unwrap().is_none(), "its time is over");
    delete(&mut tx, b"none").await.unwrap();
    assert!(lock(&mut tx, b"b").await.unwrap().is_some());
    delete(&mut tx, b"b").await.unwrap();
    assert!(lock(&mut tx, b"b").await.unwrap().is_none());
    assert!(insert(&mut tx, new(b"d", 30)).await.unwrap());
    tx.commit().await.unwrap();
    let found = find(&db, b"d").await.unwrap().unwrap();
    assert_eq!((found.provider_id, found.address.as_str(), found.codes), (provider, "oLi", 0));
    assert_eq!((found.code, found.expires_at), (None, Timestamp(30)));
    assert!(find(&db, b"b").await.unwrap().is_none());
});

on_both!(codes_and_tries_are_counted_by_person_and_day, |db| async {
    keep(&db, &[person("1", json!({})), person("2", json!({}))], 1).await;
    let (li, wang) = (id(&db, "1").await, id(&db, "2").await);
    let most = Most { codes: 2, tries: 1 };
    let mut tx = db.begin().await.unwrap();
    let mut counted = Vec::new();
    for (whose, day, what) in [
        (li, "2026-09-21", Counted::Code),
        (li, "2026-09-21", Counted::Code),
        (li, "2026-09-21", Counted::Code),
        (wang, "2026-09-21", Counted::Code),
        (li, "2026-09-21", Counted::Try),
        (li, "2026-09-21", Counted::Try),
        (li, "2026-09-22", Counted::Code),
        (li, "2026-09-22", Counted::Try),
        (li, "2026-09-22", Counted::Try),
    ] {
        counted.push(count_of_day(&mut tx, whose, day, what, most).await.unwrap());
    }
    assert_eq!(counted, [true, true, false, true, true, false, true, true, false]);
    assert_eq!(prune(&mut tx, Timestamp(0), "2026-09-22").await.unwrap(), 1, "Wang's day is over");
    assert!(!count_of_day(&mut tx, li, "2026-09-22", Counted::Try, most).await.unwrap());
    tx.commit().await.unwrap();
});

on_both!(whose_an_identity_is_is_looked_up_not_searched_for, |db| async {
    for column in ["wecom_userid", "wechat_openid"] {
        let text = format!("UPDATE recipient SET {column} = NULL WHERE {column} = 'x'");
        let plan = plan(&db, &text).await;
        assert!(plan.contains(&format!("recipient_{column}")), "{plan}");
    }
    let plan = plan(&db, "DELETE FROM pending_binding WHERE expires_at <= 5").await;
    assert!(plan.contains("pending_binding_expires_at"), "{plan}");
});

/// How the store would go about a statement, were the table not a small one.
async fn plan(db: &Db, text: &str) -> String {
    let mut tx = db.begin().await.unwrap();
    match &mut tx {
        Tx::Sqlite(tx) => {
            let text = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
            let rows: Vec<(i64, i64, i64, String)> = sqlx::query_as(text).fetch_all(&mut **tx).await.unwrap();
            rows.into_iter().map(|row| row.3).collect::<Vec<_>>().join("\n")
        }
        Tx::Postgres(tx) => {
            sqlx::query("SET LOCAL enable_seqscan = off").execute(&mut **tx).await.unwrap();
            let text = AssertSqlSafe(format!("EXPLAIN {text}"));
            let rows: Vec<String> = sqlx::query_scalar(text).fetch_all(&mut **tx).await.unwrap();
            rows.join("\n")
        }
    }
}

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
