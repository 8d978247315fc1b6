use belltower::clock::Timestamp;
use belltower::domain::channel::AddressKind;
use belltower::domain::delivery::State;
use belltower::domain::id::{DeliveryId, RecipientId, SuppressionId};
use belltower::domain::suppression::Cause;
use belltower::store::Db;
use belltower::store::suppressions::{
    NewSuppression, Refused, any, bounced, delete, find, insert, lift_bounced, list, of_person,
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
    assert_eq!(list(&db, None, Some(other), 10).await.unwrap()[0].id, first);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(find(&db, first).await.unwrap().unwrap().address, "li.na@campus.example");
    assert_eq!(delete(&mut tx, first).await.unwrap().unwrap().address, "li.na@campus.example");
    assert!(delete(&mut tx, first).await.unwrap().is_none());
    tx.commit().await.unwrap();
    assert!(find(&db, first).await.unwrap().is_none());
    assert_eq!(list(&db, None, None, 10).await.unwrap().len(), 1);
});

on_both!(what_a_provider_said_is_lifted_and_what_people_asked_for_is_not, |db| async {
    add(&db, "Bounced@campus.example", Cause::Bounced, Timestamp::NEVER).await;
    let asked = add(&db, "asked@campus.example", Cause::Asked, Timestamp::NEVER).await;
    let mut tx = db.begin().await.unwrap();
    for address in ["BOUNCED@campus.example", "asked@campus.example", "nobody@campus.example"] {
        lift_bounced(&mut tx, AddressKind::Email, address).await.unwrap();
    }
    lift_bounced(&mut tx, AddressKind::Mobile, "asked@campus.example").await.unwrap();
    tx.commit().await.unwrap();
    let left: Vec<_> = list(&db, None, None, 10).await.unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(left, [asked]);
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
