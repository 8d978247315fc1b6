use belltower::clock::Timestamp;
use belltower::domain::channel::AddressKind;
use belltower::domain::delivery::State;
use belltower::domain::id::{DeliveryId, RecipientId, SuppressionId};
use belltower::domain::suppression::Cause;
use belltower::store::Db;
use belltower::store::suppressions::{
    NewSuppression, Refused, any, bounced, cause, count, delete, delete_many, find, forget, insert,
    insert_told, lift, list, of_person, prune, soft_bounced,
};

use super::deliveries::{sending, take};
use super::execute;
use crate::support::on_both;

async fn add(db: &Db, address: &str, cause: Cause, until: Timestamp) -> SuppressionId {
    let mut tx = db.begin().await.unwrap();
    let new =
        NewSuppression {
            kind: AddressKind::Email, address, cause, note: "来电要求", by: "周敏", until
        };
    let id = insert(&mut tx, &new, Timestamp(5)).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn refuse(db: &Db, delivery: DeliveryId, now: i64) {
    let mut tx = db.begin().await.unwrap();
    let refused = Refused { id: delivery.0, note: "550 5.1.1 no such user".to_owned(), until: now + 100 };
    bounced(&mut tx, &[refused.clone(), refused], Timestamp(now)).await.unwrap();
    tx.commit().await.unwrap();
}

on_both!(an_address_stands_on_the_list_once_however_it_is_written, |db| async {
    assert!(!any(&db).await.unwrap());
    let first = add(&db, "Li.Na@campus.example", Cause::Asked, Timestamp::NEVER).await;
    let again = add(&db, "li.na@CAMPUS.example", Cause::Wrong, Timestamp(9)).await;
    let other = add(&db, "wang@campus.example", Cause::Asked, Timestamp::NEVER).await;
    assert!(any(&db).await.unwrap() && first == again && other != first);
    let all = list(&db, None, None, 10).await.unwrap();
    assert_eq!(all.iter().map(|row| row.id).collect::<Vec<_>>(), [other, first]);
    assert_eq!(
        (all[1].address.as_str(), all[1].cause, all[1].until),
        ("li.na@campus.example", Cause::Wrong, Timestamp(9))
    );
    assert_eq!((all[1].note.as_str(), all[1].created_by.as_str()), ("来电要求", "周敏"));
    assert_eq!(list(&db, Some("LI.NA"), None, 10).await.unwrap().len(), 1);
    assert_eq!(count(&db, Some("LI.NA")).await.unwrap(), 1);
    assert_eq!(count(&db, None).await.unwrap(), 2);
    assert_eq!(list(&db, None, Some(other), 10).await.unwrap()[0].id, first);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(find(&db, first).await.unwrap().unwrap().address, "li.na@campus.example");
    assert_eq!(delete(&mut tx, first).await.unwrap().unwrap().address, "li.na@campus.example");
    assert!(delete(&mut tx, first).await.unwrap().is_none());
    tx.commit().await.unwrap();
    assert!(find(&db, first).await.unwrap().is_none());
    assert_eq!(list(&db, None, None, 10).await.unwrap().len(), 1);
});

on_both!(a_bounce_lists_the_address_and_leaves_what_operators_wrote, |db| async {
    sending(&db).await;
    let claimed = take(&db, 3).await;
    assert_eq!(claimed[0].recipient_id, Some(RecipientId(1)));
    refuse(&db, claimed[0].id, 20).await;
    let told = of_person(&db, RecipientId(1)).await.unwrap().remove(0);
    assert_eq!(
        (told.cause, told.until, told.delivery_id, told.message_id),
        (Cause::Bounced, Timestamp(120), Some(claimed[0].id), Some(claimed[0].message_id))
    );
    assert_eq!(told.note, "550 5.1.1 no such user");
    assert!(of_person(&db, RecipientId(2)).await.unwrap().is_empty());
    refuse(&db, claimed[0].id, 30).await;
    assert_eq!(
        of_person(&db, RecipientId(1)).await.unwrap()[0].until,
        Timestamp(130),
        "a second bounce lengthens it"
    );

    let written = add(&db, "p2@campus.example", Cause::Asked, Timestamp(50)).await;
    refuse(&db, claimed[1].id, 40).await;
    let kept = of_person(&db, RecipientId(2)).await.unwrap().remove(0);
    assert_eq!((kept.id, kept.cause, kept.until), (written, Cause::Asked, Timestamp(50)));
    refuse(&db, claimed[1].id, 60).await;
    let anew = of_person(&db, RecipientId(2)).await.unwrap().remove(0);
    assert_eq!((anew.until, anew.cause), (Timestamp(160), Cause::Bounced), "its time was over");
    assert_eq!((anew.delivery_id, anew.created_by.as_str()), (Some(claimed[1].id), ""));

    // What test keys send says nothing of real addresses.
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, &format!("UPDATE delivery SET outlet = 0, state = {}", State::Failed.code())).await;
    tx.commit().await.unwrap();
    refuse(&db, claimed[2].id, 70).await;
    assert!(of_person(&db, RecipientId(3)).await.unwrap().is_empty());
    assert_eq!(list(&db, None, None, 10).await.unwrap().len(), 2);

    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, &format!("DELETE FROM delivery WHERE id = {}", claimed[0].id.0)).await;
    tx.commit().await.unwrap();
    let left = of_person(&db, RecipientId(1)).await.unwrap().remove(0);
    assert_eq!((left.delivery_id, left.message_id), (None, None), "a delivery that is no longer kept");
});

on_both!(what_a_provider_tells_leaves_what_operators_wrote, |db| async {
    add(&db, "wrong@campus.example", Cause::Wrong, Timestamp::NEVER).await;
    add(&db, "over@campus.example", Cause::Wrong, Timestamp(9)).await;
    add(&db, "gone@campus.example", Cause::Bounced, Timestamp::NEVER).await;
    let mut tx = db.begin().await.unwrap();
    for address in
        ["wrong@campus.example", "Over@campus.example", "gone@campus.example", "new@campus.example"]
    {
        let (kind, cause, until) = (AddressKind::Email, Cause::Asked, Timestamp::NEVER);
        let new = NewSuppression { kind, address, cause, note: "TD", by: "", until };
        insert_told(&mut tx, &new, Timestamp(10)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut causes: Vec<_> =
        list(&db, None, None, 10).await.unwrap().into_iter().map(|row| (row.address, row.cause)).collect();
    causes.sort();
    let expected = [
        ("gone@campus.example", Cause::Asked),
        ("new@campus.example", Cause::Asked),
        ("over@campus.example", Cause::Asked),
        ("wrong@campus.example", Cause::Wrong),
    ];
    assert_eq!(causes, expected.map(|(address, cause)| (address.to_owned(), cause)));

    add(&db, "gone@campus.example", Cause::Bounced, Timestamp::NEVER).await;
    let mut tx = db.begin().await.unwrap();
    for address in ["GONE@campus.example", "new@campus.example"] {
        lift(&mut tx, AddressKind::Email, address, Timestamp::NEVER).await.unwrap();
    }
    tx.commit().await.unwrap();
    let left = list(&db, None, None, 10).await.unwrap();
    assert_eq!(left.len(), 3, "only what a provider had told of was taken off: {left:?}");
});

on_both!(passing_troubles_are_counted_by_address_and_time, |db| async {
    sending(&db).await;
    let claimed = take(&db, 2).await;
    let ids: Vec<_> = claimed.iter().map(|c| c.id.0).collect();
    let trouble = async |ids: &[i64], since: i64, now: i64| {
        let mut tx = db.begin().await.unwrap();
        let enough = soft_bounced(&mut tx, ids, 2, Timestamp(since), Timestamp(now)).await.unwrap();
        tx.commit().await.unwrap();
        enough
    };
    assert!(trouble(&ids, 0, 100).await.is_empty());
    assert_eq!(trouble(&ids[..1], 0, 200).await, ids[..1]);
    assert!(trouble(&ids[1..], 101, 300).await.is_empty(), "the first was too long ago");
    let mut tx = db.begin().await.unwrap();
    forget(&mut tx, &[claimed[0].address.as_deref().unwrap()]).await.unwrap();
    assert_eq!(prune(&mut tx, Timestamp(0), Timestamp(300)).await.unwrap(), 1, "that of the other at 100");
    tx.commit().await.unwrap();
    assert!(trouble(&ids[..1], 0, 400).await.is_empty());
    assert_eq!(trouble(&ids[1..], 0, 400).await, ids[1..]);
});

on_both!(why_an_address_stands_there_is_told_while_it_does, |db| async {
    add(&db, "Li@campus.example", Cause::Wrong, Timestamp(9)).await;
    let told = async |kind, address: &str, now| cause(&db, kind, address, Timestamp(now)).await.unwrap();
    assert_eq!(told(AddressKind::Email, "li@CAMPUS.example", 8).await, Some(Cause::Wrong));
    assert_eq!(told(AddressKind::Email, "li@campus.example", 9).await, None);
    assert_eq!(told(AddressKind::Mobile, "li@campus.example", 8).await, None);
    assert_eq!(told(AddressKind::Email, "wang@campus.example", 8).await, None);
});

on_both!(several_are_taken_off_in_one_order, |db| async {
    let mut ids = Vec::new();
    for address in ["b@campus.example", "a_b@campus.example", "a-c@campus.example", "ab@campus.example"] {
        ids.push(add(&db, address, Cause::Asked, Timestamp::NEVER).await);
    }
    let mut tx = db.begin().await.unwrap();
    let wanted = [ids[0], ids[1], ids[2], ids[3], SuppressionId(ids[3].0 + 1)];
    let gone = delete_many(&mut tx, &wanted).await.unwrap();
    assert!(delete_many(&mut tx, &wanted).await.unwrap().is_empty());
    assert!(delete_many(&mut tx, &[]).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    let order: Vec<_> = gone.into_iter().map(|row| row.address).collect();
    let by_bytes = ["a-c@campus.example", "a_b@campus.example", "ab@campus.example", "b@campus.example"];
    assert_eq!(order, by_bytes, "by bytes, whatever the database's language");
    assert!(!any(&db).await.unwrap());
});

on_both!(what_is_over_goes_in_time, |db| async {
    add(&db, "a@campus.example", Cause::Asked, Timestamp(9)).await;
    add(&db, "b@campus.example", Cause::Asked, Timestamp::NEVER).await;
    let mut tx = db.begin().await.unwrap();
    assert_eq!(prune(&mut tx, Timestamp(10), Timestamp(0)).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(list(&db, None, None, 10).await.unwrap().len(), 1);
});
