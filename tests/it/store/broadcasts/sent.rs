use belltower::clock::Timestamp;
use belltower::domain::emergency::Part;
use belltower::domain::id::{MessageId, SourceId};
use belltower::store::broadcasts::{
    self, NewBroadcast, add_message, escalated_in, messages, messages_in, of_message, of_message_in, told_by,
    told_by_in,
};
use belltower::store::events::{self, Event};

use super::{keep, new, plan};
use crate::store::deliveries::{NOW, sending};
use crate::support::on_both;

on_both!(a_broadcast_knows_its_messages_and_what_told_its_people, |db| async {
    let plan = plan();
    let id = keep(&db, &new(&plan, "a")).await;
    let child = keep(
        &db,
        &NewBroadcast { scenario: None, follows: Some(id), source: Some(SourceId(1)), ..new(&plan, "b") },
    )
    .await;
    let mut tx = db.begin().await.unwrap();
    for (of, part, message) in
        [(id, Part::Alert, 1), (child, Part::Alert, 2), (id, Part::Escalation, 3), (id, Part::AllClear, 4)]
    {
        add_message(&mut tx, of, part, MessageId(message)).await.unwrap();
    }
    assert_eq!(told_by_in(&mut tx, id).await.unwrap(), [1, 2, 3].map(MessageId));
    assert_eq!(told_by_in(&mut tx, child).await.unwrap(), [MessageId(2)]);
    assert!(escalated_in(&mut tx, id).await.unwrap() && !escalated_in(&mut tx, child).await.unwrap());
    assert_eq!(messages_in(&mut tx, id).await.unwrap().len(), 3);
    let escalation = of_message_in(&mut tx, MessageId(3)).await.unwrap().unwrap();
    assert_eq!((escalation.broadcast_id, escalation.part), (id, Part::Escalation));
    assert!(of_message_in(&mut tx, MessageId(5)).await.unwrap().is_none());
    tx.commit().await.unwrap();
    assert_eq!(told_by(&db, id).await.unwrap(), [1, 2, 3].map(MessageId));
    let sent = messages(&db, id).await.unwrap();
    assert!(sent.iter().all(|row| row.planned_at.is_none()), "{sent:?}");
    let sent: Vec<_> = sent.iter().map(|row| (row.message_id.0, row.part)).collect();
    assert_eq!(sent, [(1, Part::Alert), (3, Part::Escalation), (4, Part::AllClear)]);
    let of = of_message(&db, MessageId(4)).await.unwrap().unwrap();
    assert_eq!((of.broadcast_id, of.part), (id, Part::AllClear));
    assert!(of_message(&db, MessageId(5)).await.unwrap().is_none());
    let children: Vec<_> =
        broadcasts::following(&db, id).await.unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(children, [child]);
});

on_both!(of_a_message_of_a_broadcast_it_is_known_when_it_was_planned_and_opened_again, |db| async {
    // Message 1, planned at that moment.
    sending(&db).await;
    let plan = plan();
    let id = keep(&db, &new(&plan, "a")).await;
    let mut tx = db.begin().await.unwrap();
    add_message(&mut tx, id, Part::Alert, MessageId(1)).await.unwrap();
    let sent = messages_in(&mut tx, id).await.unwrap();
    assert_eq!((sent[0].planned_at, sent[0].reopened_at), (Some(NOW), None));
    let told = [("resent", 70_000), ("unanswered_repeated", 60_000), ("planned", 80_000)];
    let told =
        told.map(|(kind, at)| Event { message_id: 1, at, kind: kind.to_owned(), detail: "{}".to_owned() });
    events::insert(&mut tx, &told).await.unwrap();
    tx.commit().await.unwrap();
    let sent = messages(&db, id).await.unwrap();
    assert_eq!((sent[0].planned_at, sent[0].reopened_at), (Some(NOW), Some(Timestamp(70_000))));
});
