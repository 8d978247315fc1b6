use belltower::clock::Timestamp;
use belltower::domain::channel::ChannelKind;
use belltower::domain::id::RecipientId;
use belltower::domain::recipient::OptOut;
use belltower::store::Db;
use belltower::store::opt_outs::{add, list, list_dated, list_within, remove, replace};
use serde_json::json;

use super::recipients::{keep, person};
use crate::support::on_both;

fn opt_out(channel: Option<ChannelKind>, topic: &str) -> OptOut {
    OptOut { channel, topic: topic.parse().unwrap() }
}

async fn set(db: &Db, id: RecipientId, all: &[OptOut]) {
    let mut tx = db.begin().await.unwrap();
    replace(&mut tx, id, all, Timestamp(1)).await.unwrap();
    tx.commit().await.unwrap();
}

on_both!(opt_outs_are_replaced_person_by_person, |db| async {
    keep(&db, &[person("1", json!({})), person("2", json!({}))], 1).await;
    let mut ids = Vec::new();
    for id in ["1", "2"] {
        ids.push(belltower::store::recipients::find(&db, id).await.unwrap().unwrap().id);
    }
    let several = [
        opt_out(None, "academic.#"),
        opt_out(Some(ChannelKind::Email), "library.*"),
        opt_out(Some(ChannelKind::Wechat), "library.*"),
    ];
    set(&db, ids[0], &several).await;
    set(&db, ids[1], &[several[0].clone(), several[0].clone()]).await;
    assert_eq!(list(&db, ids[0]).await.unwrap(), several);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(list_within(&mut tx, ids[0]).await.unwrap(), several);
    tx.commit().await.unwrap();
    assert_eq!(list(&db, ids[1]).await.unwrap(), several[..1], "twice is once");
    set(&db, ids[0], &[]).await;
    assert!(list(&db, ids[0]).await.unwrap().is_empty());
    assert_eq!(list(&db, ids[1]).await.unwrap().len(), 1);
});

on_both!(one_opt_out_comes_and_goes, |db| async {
    keep(&db, &[person("1", json!({}))], 1).await;
    let id = belltower::store::recipients::find(&db, "1").await.unwrap().unwrap().id;
    let kept = opt_out(None, "academic.#");
    set(&db, id, std::slice::from_ref(&kept)).await;
    let by_mail = opt_out(Some(ChannelKind::Email), "academic.#");
    let mut tx = db.begin().await.unwrap();
    assert!(add(&mut tx, id, &by_mail, Timestamp(2)).await.unwrap());
    assert!(!add(&mut tx, id, &by_mail, Timestamp(3)).await.unwrap(), "twice is once");
    tx.commit().await.unwrap();
    assert_eq!(list(&db, id).await.unwrap(), [kept.clone(), by_mail.clone()]);
    let dated = list_dated(&db, id).await.unwrap();
    assert_eq!(dated, [(kept.clone(), Timestamp(1)), (by_mail.clone(), Timestamp(2))]);
    let mut tx = db.begin().await.unwrap();
    assert!(remove(&mut tx, id, &by_mail).await.unwrap());
    assert!(!remove(&mut tx, id, &by_mail).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(list(&db, id).await.unwrap(), [kept], "only the one named");
});
