use std::pin::pin;

use belltower::clock::Timestamp;
use belltower::domain::channel::{AddressKind, ChannelKind};
use belltower::domain::id::{ProviderId, RecipientId};
use belltower::store::bindings::{
    Counted, Most, NewPending, bind, count_of_day, count_of_identity, count_try, delete, expect, find, hold,
    insert, is_anothers, is_newer, lock, prune, set_code, unbind,
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

on_both!(codes_and_tries_are_counted_by_whoever_asks_and_types, |db| async {
    let most = Most { codes: 1, tries: 1 };
    let mut tx = db.begin().await.unwrap();
    let mut counted = Vec::new();
    for (who, day, what) in [
        (b"a", "2026-09-21", Counted::Code),
        (b"a", "2026-09-21", Counted::Code),
        (b"a", "2026-09-21", Counted::Try),
        (b"b", "2026-09-21", Counted::Code),
        (b"a", "2026-09-22", Counted::Code),
    ] {
        counted.push(count_of_identity(&mut tx, who, day, what, most).await.unwrap());
    }
    assert_eq!(counted, [true, false, true, true, true]);
    assert_eq!(prune(&mut tx, Timestamp(0), "2026-09-22").await.unwrap(), 1, "the day of b is over");
    assert!(!count_of_identity(&mut tx, b"a", "2026-09-22", Counted::Code, most).await.unwrap());
    tx.commit().await.unwrap();
});

on_both!(wecom_takes_its_ids_in_any_case, |db| async {
    let people = [person("1", json!({"wecom_userid": "LiWei"})), person("2", json!({}))];
    keep(&db, &people, 1).await;
    let (first, second) = (id(&db, "1").await, id(&db, "2").await);
    let member =
        async |campus_id| recipients::find(&db, campus_id).await.unwrap().unwrap().person.wecom_userid;
    let kind = AddressKind::WecomUserid;
    let mut tx = db.begin().await.unwrap();
    assert!(is_anothers(&mut tx, second, kind, "liwei").await.unwrap());
    assert_eq!(bind(&mut tx, second, kind, "liwei", Timestamp(5), Timestamp(5)).await.unwrap(), [first]);
    tx.commit().await.unwrap();
    keep(&db, &people[..1], 6).await;
    assert_eq!((member("1").await, member("2").await.as_deref()), (None, Some("liwei")));
    let shouted = [person("2", json!({"wecom_userid": "LIWEI"}))];
    keep(&db, &shouted, 6).await;
    assert_eq!(member("2").await.as_deref(), Some("liwei"), "an import that says the same says nothing new");
    let mut tx = db.begin().await.unwrap();
    let whose = unbind(&mut tx, kind, "LiWEI", Timestamp(7), Timestamp(7)).await.unwrap();
    assert_eq!(whose, Some(vec![second]));
    tx.commit().await.unwrap();
});

on_both!(of_two_who_bind_one_identity_at_once_one_has_it, |db| async {
    keep(&db, &[person("1", json!({})), person("2", json!({}))], 1).await;
    let (first, second) = (id(&db, "1").await, id(&db, "2").await);
    // Where there is one writer, the second has not begun.
    if let Db::Postgres(_) = &db {
        let mut one = db.begin().await.unwrap();
        let mut two = db.begin().await.unwrap();
        bind(&mut one, first, OPENID, "oShared", Timestamp(5), Timestamp(5)).await.unwrap();
        let mut later = pin!(async {
            hold(&mut two, OPENID, "oShared").await.unwrap();
            let whose = bind(&mut two, second, OPENID, "oShared", Timestamp(6), Timestamp(6)).await.unwrap();
            two.commit().await.unwrap();
            whose
        });
        // The second goes as far as it can before the first is done.
        let early = tokio::select! {
            whose = &mut later => Some(whose),
            () = somebody_waits(&db) => None,
        };
        one.commit().await.unwrap();
        let whose = match early {
            Some(whose) => whose,
            None => later.await,
        };
        assert_eq!(whose, [first]);
        assert_eq!(openid(&db, "1").await.0, None);
    }
    let mut tx = db.begin().await.unwrap();
    bind(&mut tx, second, OPENID, "oShared", Timestamp(7), Timestamp(7)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(openid(&db, "2").await.0.as_deref(), Some("oShared"));
});

/// Until somebody waits for an identity, or another text, that another holds.
pub(super) async fn somebody_waits(db: &Db) {
    let Db::Postgres(pool) = db else { return };
    let text = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND locktype = 'advisory'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while !sqlx::query_scalar::<_, bool>(text).fetch_one(pool).await.unwrap() {}
}

on_both!(whose_an_identity_is_is_looked_up_not_searched_for, |db| async {
    let follower = plan(&db, "UPDATE recipient SET wechat_openid = NULL WHERE wechat_openid = 'x'").await;
    assert!(follower.contains("recipient_wechat_openid"), "{follower}");
    let text = "UPDATE recipient SET wecom_userid = NULL WHERE wecom_userid IS NOT NULL AND lower(wecom_userid) = 'x'";
    let member = plan(&db, text).await;
    assert!(member.contains("recipient_wecom_member"), "{member}");
    let plan = plan(&db, "DELETE FROM pending_binding WHERE expires_at <= 5").await;
    assert!(plan.contains("pending_binding_expires_at"), "{plan}");
});

/// How the store would go about a statement, were the table not a small one.
pub(super) async fn plan(db: &Db, text: &str) -> String {
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
    assert_eq!(bind(&mut tx, second, OPENID, "oShared", Timestamp(5), Timestamp(5)).await.unwrap(), [first]);
    assert!(bind(&mut tx, second, OPENID, "oShared", Timestamp(7), Timestamp(7)).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    assert_eq!(openid(&db, "1").await, (None, Timestamp(5)));
    assert_eq!(
        openid(&db, "2").await,
        (Some("oShared".to_owned()), Timestamp(5)),
        "what stays is not written"
    );
    assert_eq!(openid(&db, "3").await.0.as_deref(), Some("oshared"), "its case tells it apart");

    let mut tx = db.begin().await.unwrap();
    assert!(is_anothers(&mut tx, first, OPENID, "oShared").await.unwrap());
    assert!(!is_anothers(&mut tx, second, OPENID, "oShared").await.unwrap());
    for (told, newer) in [(6, true), (7, false)] {
        assert_eq!(is_newer(&mut tx, OPENID, "oShared", Timestamp(told)).await.unwrap(), newer, "{told}");
    }
    let late = unbind(&mut tx, OPENID, "oShared", Timestamp(6), Timestamp(9)).await.unwrap();
    assert_eq!(late, None, "it was bound again since");
    let told = Timestamp(7);
    assert_eq!(unbind(&mut tx, OPENID, "oShared", told, Timestamp(9)).await.unwrap(), Some(vec![second]));
    assert_eq!(unbind(&mut tx, OPENID, "oShared", told, Timestamp(9)).await.unwrap(), Some(Vec::new()));
    assert!(!is_anothers(&mut tx, first, OPENID, "oShared").await.unwrap(), "it is nobody's");
    tx.commit().await.unwrap();
    assert_eq!(openid(&db, "2").await, (None, Timestamp(9)));
});
