//! What people settled themselves of their WeChat identities, and what imports say.

use belltower::clock::Timestamp;
use belltower::domain::channel::AddressKind;
use belltower::domain::id::RecipientId;
use belltower::store::bindings::{bind, unbind};
use belltower::store::bound::kinds;
use belltower::store::{Db, recipients};
use serde_json::{Value, json};

use super::recipients::{keep, person};
use crate::support::on_both;

const OPENID: AddressKind = AddressKind::WechatOpenid;
const MEMBER: AddressKind = AddressKind::WecomUserid;

async fn id(db: &Db, campus_id: &str) -> RecipientId {
    recipients::find(db, campus_id).await.unwrap().unwrap().id
}

/// Empty where there is none.
async fn openid(db: &Db, campus_id: &str) -> String {
    recipients::find(db, campus_id).await.unwrap().unwrap().person.wechat_openid.unwrap_or_default()
}

/// An import that says this openid of person 1; answers what the directory has after it.
async fn says(db: &Db, said: Value) -> String {
    keep(db, &[person("1", json!({ "wechat_openid": said }))], 5).await;
    openid(db, "1").await
}

async fn binds(db: &Db, campus_id: &str, kind: AddressKind, address: &str) {
    let id = id(db, campus_id).await;
    let mut tx = db.begin().await.unwrap();
    bind(&mut tx, id, kind, address, Timestamp(3), Timestamp(3)).await.unwrap();
    tx.commit().await.unwrap();
}

on_both!(what_somebody_bound_outlives_imports_that_say_what_they_said_before, |db| async {
    assert_eq!(says(&db, json!("o-old")).await, "o-old");
    let li = id(&db, "1").await;
    assert_eq!(kinds(&db, li).await.unwrap(), []);
    binds(&db, "1", OPENID, "o-own").await;
    assert_eq!(kinds(&db, li).await.unwrap(), [OPENID]);
    for said in [json!("o-old"), json!(null), json!(""), json!("o-own"), json!("o-old")] {
        assert_eq!(says(&db, said.clone()).await, "o-own", "{said}");
    }
    // Nothing is written that stays.
    let same = keep(&db, &[person("1", json!({ "wechat_openid": "o-old" }))], 9).await;
    assert_eq!((same.updated, same.unchanged), (0, 1));
    assert_eq!(says(&db, json!("o-new")).await, "o-new", "another than before is news");
    assert_eq!(kinds(&db, li).await.unwrap(), []);
    assert_eq!(says(&db, json!(null)).await, "", "what was imported goes as it came");
});

on_both!(what_imports_say_for_the_first_time_is_only_remembered, |db| async {
    says(&db, json!(null)).await;
    binds(&db, "1", OPENID, "o-own").await;
    binds(&db, "1", MEMBER, "u-own").await;
    assert_eq!(kinds(&db, id(&db, "1").await).await.unwrap(), [MEMBER, OPENID]);
    assert_eq!(says(&db, json!("o-first")).await, "o-own");
    assert_eq!(says(&db, json!("o-first")).await, "o-own");
    assert_eq!(says(&db, json!("o-second")).await, "o-second");
    assert_eq!(kinds(&db, id(&db, "1").await).await.unwrap(), [MEMBER], "each kind for itself");
});

on_both!(what_was_left_or_lost_is_not_given_back_by_an_import, |db| async {
    says(&db, json!("o-1")).await;
    keep(&db, &[person("2", json!({}))], 1).await;
    binds(&db, "2", OPENID, "o-1").await;
    assert_eq!([openid(&db, "1").await, openid(&db, "2").await], ["", "o-1"]);
    assert_eq!(says(&db, json!("o-1")).await, "", "somebody else proved to hold it");
    assert_eq!(kinds(&db, id(&db, "1").await).await.unwrap(), []);

    let mut tx = db.begin().await.unwrap();
    unbind(&mut tx, OPENID, "o-1", Timestamp(7), Timestamp(7)).await.unwrap();
    tx.commit().await.unwrap();
    keep(&db, &[person("2", json!({ "wechat_openid": "o-1" }))], 8).await;
    assert_eq!(openid(&db, "2").await, "", "they left the account");
    keep(&db, &[person("2", json!({ "wechat_openid": "o-2" }))], 8).await;
    assert_eq!(openid(&db, "2").await, "o-2");
    assert_eq!(says(&db, json!("o-3")).await, "o-3");
});

on_both!(whoever_changes_it_by_hand_means_it, |db| async {
    says(&db, json!("o-old")).await;
    binds(&db, "1", OPENID, "o-own").await;
    let li = id(&db, "1").await;
    let write = async |openid: Value, name: &str| {
        let body = json!({ "name": name, "wechat_openid": openid });
        let mut tx = db.begin().await.unwrap();
        recipients::update(&mut tx, li, &person("1", body), Timestamp(9)).await.unwrap();
        tx.commit().await.unwrap();
    };
    write(json!("o-own"), "李伟").await;
    assert_eq!(kinds(&db, li).await.unwrap(), [OPENID], "another name is nothing to it");
    write(json!("o-hand"), "李伟").await;
    assert_eq!(openid(&db, "1").await, "o-hand");
    assert_eq!(kinds(&db, li).await.unwrap(), []);
});
