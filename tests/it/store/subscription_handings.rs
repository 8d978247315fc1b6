use belltower::clock::Timestamp;
use belltower::domain::id::{EventId, MessageId, SourceId, SubscriptionId};
use belltower::domain::subscription::{EventKind, Handed};
use belltower::store::subscription_events::NewEvent;
use belltower::store::subscription_handings::{
    Claim, ClaimedRow, HandingRow, NewHanding, Settled, claim, find, hasten, insert, list, next, oldest,
    open, release_lost, replay, sending, settle, test_waits, waiting, withhold,
};
use belltower::store::{Db, subscription_events};

use super::execute;
use super::messages::sources;
use super::subscription_events::{event, keep};
use super::subscriptions::{NOW, done, webhook};
use crate::support::on_both;

const OWNER: i64 = 7;
const OTHER: i64 = 8;

/// An endpoint for which events of these messages wait, in that order.
async fn waits(db: &Db, messages: &[i64]) -> (SubscriptionId, Vec<EventId>) {
    sources(db).await;
    let id = webhook(db).await;
    let events: Vec<_> = messages
        .iter()
        .map(|message| NewEvent { message_id: Some(*message), ..event(EventKind::Completed, 1) })
        .collect();
    let kept = keep(db, &events).await;
    let new: Vec<_> =
        kept.iter().zip(messages).map(|(event, message)| handing(id, *event, *message, true)).collect();
    done(db, async |tx| insert(tx, &new, NOW).await.unwrap()).await;
    (id, kept)
}

fn handing(subscription: SubscriptionId, event: EventId, message: i64, whole: bool) -> NewHanding {
    NewHanding { subscription, event, message: Some(MessageId(message)), whole }
}

async fn take(db: &Db, id: SubscriptionId, at: i64, limit: i64) -> Vec<ClaimedRow> {
    take_after(db, id, (at, limit), (&[], 0)).await
}

/// Of an endpoint that is told of these kinds of events of single deliveries, made out up to a place.
async fn take_after(
    db: &Db,
    id: SubscriptionId,
    (at, limit): (i64, i64),
    singles: (&[EventKind], i64),
) -> Vec<ClaimedRow> {
    let wanted = Claim { owner: OWNER, lease_ms: 60_000, limit, singles };
    done(db, async |tx| claim(tx, id, Timestamp(at), wanted).await.unwrap()).await
}

async fn end(db: &Db, row: &ClaimedRow, state: Handed, due: i64) -> bool {
    end_with(db, row, state, due, Some(500)).await
}

async fn end_with(db: &Db, row: &ClaimedRow, state: Handed, due: i64, status: Option<i64>) -> bool {
    let settled = Settled {
        id: row.id,
        owner: OWNER,
        attempt: row.attempts,
        state,
        failures: row.failures + i64::from(state == Handed::Waiting),
        due_at: Timestamp(due),
        status,
        answer: "words",
    };
    done(db, async |tx| settle(tx, settled).await.unwrap()).await
}

async fn rows(db: &Db, id: SubscriptionId) -> Vec<HandingRow> {
    list(db, id, None, 9).await.unwrap()
}

on_both!(events_of_one_message_go_one_after_the_other, |db| async {
    let (id, events) = waits(&db, &[1, 1, 2]).await;
    let first = take(&db, id, NOW.0, 9).await;
    let of = |rows: &[ClaimedRow]| rows.iter().map(|row| row.event_id).collect::<Vec<_>>();
    assert_eq!(of(&first), [events[0], events[2]], "the second waits for the first of its message");
    assert_eq!((first[0].attempts, first[0].failures, first[0].first_at), (1, 0, NOW));
    let sent = done(&db, async |tx| sending(tx).await.unwrap()).await;
    let sent: Vec<_> = sent.iter().map(|row| (row.subscription_id, row.source_id, row.sending)).collect();
    assert_eq!(sent, [(id, SourceId(1), 2)]);
    let opened = open(&db, &[id]).await.unwrap();
    assert_eq!(opened.iter().map(|row| (row.whole, row.open)).collect::<Vec<_>>(), [(1, 3)]);
    assert!(take(&db, id, NOW.0, 9).await.is_empty());

    // While it waits for its next try, too.
    assert!(end(&db, &first[0], Handed::Waiting, NOW.0 + 5_000).await);
    assert!(!end(&db, &first[0], Handed::Delivered, 0).await, "once");
    assert!(end(&db, &first[1], Handed::Delivered, NOW.0).await);
    assert!(take(&db, id, NOW.0 + 4_999, 9).await.is_empty());
    let again = take(&db, id, NOW.0 + 5_000, 9).await;
    assert_eq!(of(&again), [events[0]]);
    assert_eq!((again[0].attempts, again[0].failures, again[0].first_at), (2, 1, NOW));
    // One that is given up is waited for no more.
    assert!(end(&db, &again[0], Handed::GivenUp, NOW.0).await);
    assert_eq!(of(&take(&db, id, NOW.0 + 5_000, 9).await), [events[1]]);

    let listed = rows(&db, id).await;
    assert_eq!(listed.iter().map(|row| row.event_id).collect::<Vec<_>>(), [events[2], events[1], events[0]]);
    assert_eq!((listed[2].state, listed[2].attempts), (Handed::GivenUp, 2));
    assert_eq!((listed[2].last_status, listed[2].last_answer.as_deref()), (Some(500), Some("words")));
    assert_eq!(list(&db, id, Some(listed[1].id), 9).await.unwrap().len(), 1);
    let counted = waiting(&db, &[id]).await.unwrap();
    assert_eq!((counted.len(), counted[0].waiting), (1, 1));
});

on_both!(what_is_refused_by_itself_is_counted_apart_with_what_waits_for_it, |db| async {
    let (id, _) = waits(&db, &[1, 1, 2, 3]).await;
    let single = |message| NewEvent {
        message_id: Some(message),
        delivery_id: Some(1),
        ..event(EventKind::Delivered, 2)
    };
    let last = NewEvent { message_id: Some(4), ..event(EventKind::Completed, 3) };
    let kept = keep(&db, &[single(1), single(4), single(4), last]).await;
    let messages = [1, 4, 4, 4];
    let new: Vec<_> = kept
        .iter()
        .zip(messages)
        .map(|(event, message)| handing(id, *event, message, *event == kept[3]))
        .collect();
    done(&db, async |tx| insert(tx, &new, NOW).await.unwrap()).await;
    let counted = async || -> Vec<_> {
        open(&db, &[id]).await.unwrap().iter().map(|row| (row.whole, row.open, row.put_off)).collect()
    };
    assert_eq!(counted().await, [(0, 3, 0), (1, 5, 0)]);
    let claimed = take(&db, id, NOW.0, 9).await;
    assert_eq!(claimed.len(), 5);
    let later = NOW.0 + 5_000;
    for (row, status) in claimed.iter().zip([404, 503, 429, 422, 500]) {
        assert!(end_with(&db, row, Handed::Waiting, later, Some(status)).await);
    }
    // The first, and what comes after it of its message; the first delivery of the last message, and its completion.
    assert_eq!(counted().await, [(0, 1, 2), (1, 2, 3)]);
    let again = take(&db, id, later, 9).await;
    assert_eq!(counted().await, [(0, 1, 2), (1, 2, 3)], "while they are tried again, too");
    assert!(end(&db, &again[0], Handed::Delivered, later).await);
    assert_eq!(counted().await, [(0, 2, 1), (1, 3, 1)]);
});

on_both!(what_failed_least_goes_first_and_what_failed_meanwhile_with_it, |db| async {
    let (id, events) = waits(&db, &[1, 2]).await;
    let first = take(&db, id, NOW.0, 1).await;
    assert!(end(&db, &first[0], Handed::Waiting, NOW.0).await);
    let next = take(&db, id, NOW.0, 1).await;
    assert_eq!(next[0].event_id, events[1], "the other has failed");
    assert!(end(&db, &next[0], Handed::Waiting, NOW.0 + 300_000).await);
    assert_eq!(done(&db, async |tx| hasten(tx, id, false, NOW).await.unwrap()).await, 2);
    let both = take(&db, id, NOW.0, 9).await;
    assert_eq!(
        both.iter().map(|row| (row.event_id, row.failures)).collect::<Vec<_>>(),
        [(events[0], 0), (events[1], 0)]
    );
    // What is refused by itself, by 4xx, is hastened only where that is asked for.
    assert!(end_with(&db, &both[0], Handed::Waiting, NOW.0 + 300_000, Some(404)).await);
    assert!(end_with(&db, &both[1], Handed::Waiting, NOW.0 + 300_000, Some(429)).await);
    assert_eq!(done(&db, async |tx| hasten(tx, id, false, NOW).await.unwrap()).await, 1);
    assert_eq!(take(&db, id, NOW.0, 9).await[0].event_id, events[1]);
    assert_eq!(done(&db, async |tx| hasten(tx, id, true, NOW).await.unwrap()).await, 1);
    let last = take(&db, id, NOW.0, 9).await;
    assert!(end_with(&db, &last[0], Handed::Waiting, NOW.0 + 300_000, None).await, "no answer");
    assert_eq!(done(&db, async |tx| hasten(tx, id, false, NOW).await.unwrap()).await, 1);
});

on_both!(what_a_process_had_in_hand_when_it_died_is_offered_again, |db| async {
    let (id, _) = waits(&db, &[1]).await;
    let mine = take(&db, id, NOW.0, 1).await;
    let release = async |owner| done(&db, async |tx| release_lost(tx, NOW, owner).await.unwrap()).await;
    assert_eq!(release(OWNER).await, 0, "one's own");
    // On PostgreSQL a lease has to run out, by the database's clock.
    done(&db, async |tx| execute(tx, "UPDATE subscription_handing SET lease_until = 1").await).await;
    assert_eq!(release(OTHER).await, 1);
    assert!(!end(&db, &mine[0], Handed::Delivered, NOW.0).await, "whoever comes late changes nothing");
    assert_eq!(take(&db, id, NOW.0, 1).await[0].attempts, 2);
});

on_both!(an_event_goes_once_more_when_it_is_asked_for, |db| async {
    let (id, _) = waits(&db, &[1]).await;
    let mine = take(&db, id, NOW.0, 1).await;
    let handing = mine[0].id;
    done(&db, async |tx| {
        let found = find(tx, id, handing).await.unwrap().unwrap();
        assert_eq!((found.id, found.source_id), (handing, Some(SourceId(1))));
        assert!(find(tx, SubscriptionId(99), handing).await.unwrap().is_none());
        assert!(!replay(tx, id, handing, NOW).await.unwrap(), "it is being sent");
    })
    .await;
    assert!(end(&db, &mine[0], Handed::Delivered, NOW.0).await);
    assert!(take(&db, id, NOW.0, 1).await.is_empty());
    done(&db, async |tx| {
        assert!(!replay(tx, SubscriptionId(99), handing, NOW).await.unwrap());
        assert!(replay(tx, id, handing, NOW).await.unwrap());
    })
    .await;
    assert_eq!(take(&db, id, NOW.0, 1).await[0].attempts, 2);
    // With its event it goes.
    done(&db, async |tx| subscription_events::prune(tx, Timestamp(9_999), 9).await.unwrap()).await;
    assert!(rows(&db, id).await.is_empty());
});

on_both!(what_an_endpoint_may_not_be_told_of_any_more_is_given_up_unsent, |db| async {
    let (id, events) = waits(&db, &[1, 2, 3]).await;
    let claimed = take(&db, id, NOW.0, 2).await;
    let waits = rows(&db, id).await[0].id;
    done(&db, async |tx| withhold(tx, &[claimed[0].id, waits], "why").await.unwrap()).await;
    let listed = rows(&db, id).await;
    assert_eq!((listed[2].event_id, listed[2].state, listed[2].attempts), (events[0], Handed::GivenUp, 0));
    assert_eq!((listed[2].last_status, listed[2].last_answer.as_deref()), (None, Some("why")));
    assert_eq!((listed[1].state, listed[0].state), (Handed::Sending, Handed::Waiting), "not in hand");
    assert!(!end(&db, &claimed[0], Handed::Delivered, NOW.0).await);
});

on_both!(events_of_single_deliveries_go_together_and_between_those_of_their_message, |db| async {
    let (id, accepted) = waits(&db, &[1]).await;
    let single = NewEvent { delivery_id: Some(1), ..event(EventKind::Delivered, 2) };
    let kept = keep(
        &db,
        &[single.clone(), single.clone(), single.clone(), event(EventKind::Completed, 3), single.clone()],
    )
    .await;
    let new: Vec<_> = kept.iter().map(|event| handing(id, *event, 1, *event == kept[3])).collect();
    done(&db, async |tx| {
        subscription_events::give_places(tx, 9).await.unwrap();
        // All but the third, which stands in line behind others.
        let some: Vec<_> = new.iter().copied().filter(|one| one.event != kept[2]).collect();
        assert_eq!(insert(tx, &some, NOW).await.unwrap(), 4);
        assert_eq!(insert(tx, &some, NOW).await.unwrap(), 0, "each once");
        let gone = handing(id, EventId(9_999), 1, true);
        assert_eq!(insert(tx, &[gone], NOW).await.unwrap(), 0, "and none of what is not there any more");
    })
    .await;
    let told: &[EventKind] = &[EventKind::Delivered];
    let of = |rows: &[ClaimedRow]| rows.iter().map(|row| row.event_id).collect::<Vec<_>>();
    let take = async || take_after(&db, id, (NOW.0, 9), (told, 3)).await;
    let nexts = async |kinds: &[EventKind], place: i64, few: u32| -> Vec<_> {
        let rows = next(&db, id, (kinds, place), few, 9).await.unwrap();
        rows.iter().map(|row| (row.message_id, row.event_id)).collect()
    };
    assert!(nexts(told, 0, 9).await.is_empty(), "the first of its message waits for none");
    let first = take().await;
    assert_eq!(of(&first), accepted, "what was told of the message first");
    assert!(take().await.is_empty());
    assert!(end(&db, &first[0], Handed::Delivered, NOW.0).await);
    let both = take().await;
    assert_eq!(of(&both), kept[..2], "together; what came after its completion waits for that");
    assert!(end(&db, &both[0], Handed::Delivered, NOW.0).await);
    assert!(take().await.is_empty());
    assert!(end(&db, &both[1], Handed::Delivered, NOW.0).await);
    assert!(take().await.is_empty(), "one is still to be made out");
    assert_eq!(nexts(told, 0, 1).await, [(MessageId(1), kept[3])]);
    assert_eq!(nexts(told, 3, 1).await, [(MessageId(1), kept[3])]);
    assert!(nexts(told, 4, 1).await.is_empty(), "what comes after that place alone");
    assert!(nexts(told, 3, 0).await.is_empty(), "it waits for more than so many");
    assert!(nexts(&[EventKind::Failed], 3, 1).await.is_empty(), "it is told of failures alone");
    assert_eq!(done(&db, async |tx| insert(tx, &[new[2]], NOW).await.unwrap()).await, 1);
    let third = take().await;
    assert_eq!(of(&third), [kept[2]]);
    assert!(end(&db, &third[0], Handed::Delivered, NOW.0).await);
    let completed = take().await;
    assert_eq!(of(&completed), [kept[3]]);
    assert!(end(&db, &completed[0], Handed::Delivered, NOW.0).await);
    assert_eq!(of(&take().await), [kept[4]]);
});

on_both!(an_endpoint_that_is_told_of_no_single_deliveries_waits_for_none, |db| async {
    sources(&db).await;
    let id = webhook(&db).await;
    let single = NewEvent { delivery_id: Some(1), ..event(EventKind::Delivered, 1) };
    let kept = keep(&db, &[single, event(EventKind::Completed, 2)]).await;
    done(&db, async |tx| {
        subscription_events::give_places(tx, 9).await.unwrap();
        insert(tx, &[handing(id, kept[1], 1, true)], NOW).await.unwrap();
    })
    .await;
    let both: &[EventKind] = &[EventKind::Failed, EventKind::Delivered];
    assert!(take_after(&db, id, (NOW.0, 9), (both, 0)).await.is_empty());
    let other = take_after(&db, id, (NOW.0, 9), (&[EventKind::Failed], 0)).await;
    assert_eq!(other.len(), 1, "it is told of failures alone");
    assert!(end(&db, &other[0], Handed::Waiting, NOW.0).await);
    assert_eq!(take(&db, id, NOW.0, 9).await.len(), 1);
});

on_both!(for_whom_something_has_waited_for_long_is_found, |db| async {
    let (id, _) = waits(&db, &[1]).await;
    let found = async |before| -> Vec<_> {
        let rows = oldest(&db, Timestamp(before)).await.unwrap();
        rows.iter().map(|row| (row.subscription_id, row.at)).collect()
    };
    assert_eq!((found(1).await, found(2).await), (vec![], vec![(id, Timestamp(1))]));
    let claimed = take(&db, id, NOW.0, 1).await;
    assert_eq!(found(2).await.len(), 1, "while it is being sent");
    assert!(end_with(&db, &claimed[0], Handed::Waiting, NOW.0, Some(400)).await);
    assert_eq!(found(2).await.len(), 1);
    let text = format!("UPDATE subscription SET succeeded_at = {}", NOW.0);
    done(&db, async |tx| execute(tx, &text).await).await;
    assert_eq!(found(2).await.len(), 0, "it takes others");
    let claimed = take(&db, id, NOW.0, 1).await;
    assert!(end_with(&db, &claimed[0], Handed::Waiting, NOW.0, Some(503)).await);
    assert_eq!(found(2).await.len(), 1);
    let claimed = take(&db, id, NOW.0, 1).await;
    assert!(end(&db, &claimed[0], Handed::Delivered, NOW.0).await);
    assert_eq!(found(2).await.len(), 0);
});

on_both!(a_test_that_waits_is_found, |db| async {
    let (id, events) = waits(&db, &[1]).await;
    let of = async || done(&db, async |tx| test_waits(tx, id).await.unwrap()).await;
    assert!(!of().await);
    let other = keep(&db, &[NewEvent { kind: 0, message_id: None, ..event(EventKind::Held, 1) }]).await[0];
    assert_ne!(other, events[0]);
    let test = NewHanding { subscription: id, event: other, message: None, whole: true };
    done(&db, async |tx| insert(tx, &[test], NOW).await.unwrap()).await;
    assert!(of().await);
    for row in take(&db, id, NOW.0, 9).await {
        assert!(of().await);
        assert!(end(&db, &row, Handed::Delivered, NOW.0).await);
    }
    assert!(!of().await);
});
