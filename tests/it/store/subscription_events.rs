use belltower::clock::Timestamp;
use belltower::domain::channel::ChannelKind;
use belltower::domain::delivery::State;
use belltower::domain::id::{DeliveryId, EventId, MessageId, SourceId};
use belltower::domain::message::{Lane, Status};
use belltower::domain::subscription::EventKind;
use belltower::store::subscription_events::{
    NewEvent, after, any_new, any_old, give_places, insert, last_place, of_deliveries, place_of, prune,
    singles, subjects, told, told_in, totals,
};
use belltower::store::subscription_handings::NewHanding;
use belltower::store::{Db, subscription_handings};

use super::deliveries::{self, sending, settlement, take};
use super::subscriptions::{NOW, done, webhook};
use super::{execute, messages};
use crate::support::on_both;

/// An event of message 1 of source 1.
pub(super) fn event(kind: EventKind, at: i64) -> NewEvent {
    NewEvent {
        kind: kind.code(),
        message_id: Some(1),
        source_id: Some(1),
        topic: "academic.exam".to_owned(),
        delivery_id: None,
        at,
        detail: r#"{"status":"completed"}"#.to_owned(),
    }
}

pub(super) async fn keep(db: &Db, events: &[NewEvent]) -> Vec<EventId> {
    done(db, async |tx| insert(tx, events).await.unwrap()).await
}

on_both!(events_get_their_places_in_the_order_they_were_written, |db| async {
    messages::sources(&db).await;
    assert!(!any_new(&db).await.unwrap());
    assert_eq!(last_place(&db).await.unwrap(), 0);
    let first = keep(&db, &[event(EventKind::Accepted, 1), event(EventKind::Held, 1)]).await;
    let second = keep(&db, &[event(EventKind::Completed, 2)]).await;
    assert!(any_new(&db).await.unwrap());
    assert_eq!(place_of(&db, first[0]).await.unwrap(), Some(0), "none yet");
    assert_eq!(after(&db, 0, 9).await.unwrap().len(), 0);
    assert_eq!(done(&db, async |tx| give_places(tx, 2).await.unwrap()).await, 2);
    assert_eq!(last_place(&db).await.unwrap(), 2);
    assert_eq!(done(&db, async |tx| give_places(tx, 2).await.unwrap()).await, 1);
    assert_eq!(done(&db, async |tx| give_places(tx, 2).await.unwrap()).await, 0);
    assert!(!any_new(&db).await.unwrap());
    let ids = [first[0], first[1], second[0]];
    let placed = after(&db, 0, 9).await.unwrap();
    assert_eq!(placed.iter().map(|row| row.id).collect::<Vec<_>>(), ids);
    assert_eq!(placed.iter().map(|row| row.place).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((placed[2].kind, placed[2].at), (EventKind::Completed.code(), Timestamp(2)));
    assert_eq!((placed[2].source_id, placed[2].message_id), (Some(SourceId(1)), Some(MessageId(1))));
    assert_eq!(after(&db, 1, 1).await.unwrap()[0].id, first[1]);
    assert_eq!(place_of(&db, second[0]).await.unwrap(), Some(3));
    assert_eq!(place_of(&db, EventId(99)).await.unwrap(), None);

    // What goes leaves its place empty.
    assert!(any_old(&db, Timestamp(3)).await.unwrap() && !any_old(&db, Timestamp(1)).await.unwrap());
    assert_eq!(done(&db, async |tx| prune(tx, Timestamp(3), 2).await.unwrap()).await, 2);
    assert_eq!(done(&db, async |tx| prune(tx, Timestamp(3), 2).await.unwrap()).await, 1);
    keep(&db, &[event(EventKind::Completed, 9)]).await;
    done(&db, async |tx| give_places(tx, 9).await.unwrap()).await;
    assert_eq!(after(&db, 0, 9).await.unwrap()[0].place, 4);
});

on_both!(what_is_told_of_a_message_and_a_delivery_is_read, |db| async {
    sending(&db).await;
    let claimed = take(&db, 2).await;
    deliveries::store(&db, &[settlement(&claimed[0], State::Failed)]).await;
    let id = claimed[0].id;
    done(&db, async |tx| {
        let subject = &subjects(tx, &[MessageId(1), MessageId(9)]).await.unwrap()[0];
        assert_eq!((subject.id, subject.source_id), (MessageId(1), Some(SourceId(1))));
        assert_eq!((subject.topic.as_str(), subject.lane), ("academic.exam", Lane::Normal));
        assert_eq!(subject.status, Status::Sending);
        let total = &totals(tx, &[MessageId(1)]).await.unwrap()[0];
        assert_eq!((total.sending, total.failed, total.suppressed), (1, 1, 1));
        assert_eq!((total.message_id, total.pending), (MessageId(1), 6));
        let of = &of_deliveries(tx, &[id, DeliveryId(999)]).await.unwrap()[0];
        assert_eq!((of.id, of.channel, of.state), (id, ChannelKind::Email, State::Failed));
        assert_eq!(of.attempts, 1);
    })
    .await;
    let failed = NewEvent { delivery_id: Some(id.0), ..event(EventKind::Failed, 5) };
    let test = NewEvent { kind: 0, message_id: None, topic: String::new(), ..event(EventKind::Held, 6) };
    let kept = keep(&db, &[failed, test]).await;
    let rows = told(&db, &kept).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), kept);
    assert_eq!(done(&db, async |tx| told_in(tx, &kept[..1]).await.unwrap()).await.len(), 1);
    let (failed, test) = (&rows[0], &rows[1]);
    assert_eq!((failed.title.as_deref(), failed.source_name.as_deref()), (Some("考试安排"), Some("教务处")));
    assert_eq!((failed.delivery_id, failed.test), (Some(id), Some(false)));
    assert_eq!(failed.source_id, Some(SourceId(1)));
    assert!(failed.campus_id.is_some() && failed.address.is_some());
    assert_eq!((test.message_id, test.title.as_deref(), test.campus_id.as_deref()), (None, None, None));

    // Whoever is erased is not told of.
    done(&db, async |tx| {
        execute(tx, "UPDATE delivery SET address = NULL, address_kind = NULL").await;
        let person = "(SELECT recipient_id FROM delivery WHERE recipient_id IS NOT NULL)";
        execute(
            tx,
            &format!("UPDATE recipient SET campus_id = 'erased ' || id, erased_at = 1 WHERE id IN {person}"),
        )
        .await;
    })
    .await;
    let erased = &told(&db, &kept).await.unwrap()[0];
    assert_eq!((erased.campus_id.as_deref(), erased.address.as_deref()), (None, None));
});

on_both!(events_of_single_deliveries_that_are_not_made_out_are_found_by_their_message, |db| async {
    messages::sources(&db).await;
    let id = webhook(&db).await;
    let single = |message| NewEvent {
        delivery_id: Some(1),
        message_id: Some(message),
        ..event(EventKind::Delivered, 1)
    };
    let kept =
        keep(&db, &[single(1), single(1), single(2), event(EventKind::Completed, 1), single(1), single(1)])
            .await;
    done(&db, async |tx| give_places(tx, 9).await.unwrap()).await;
    let found = async |place, before, limit| -> Vec<_> {
        let kinds = [EventKind::Delivered];
        let rows = singles(&db, id, (MessageId(1), place), before, &kinds, limit).await.unwrap();
        rows.iter().map(|row| row.id).collect()
    };
    assert_eq!(found(0, kept[3], 9).await, kept[..2], "older than that alone");
    assert_eq!(found(1, kept[5], 9).await, [kept[1], kept[4]]);
    assert_eq!(found(0, kept[5], 1).await, [kept[0]]);
    let failed = singles(&db, id, (MessageId(1), 0), kept[5], &[EventKind::Failed], 9).await.unwrap();
    assert!(failed.is_empty(), "of the kinds that are asked for");
    let (event, message) = (kept[0], Some(MessageId(1)));
    let handing = NewHanding { subscription: id, event, message, whole: false };
    done(&db, async |tx| subscription_handings::insert(tx, &[handing], NOW).await.unwrap()).await;
    assert_eq!(found(0, kept[3], 9).await, [kept[1]]);
});
