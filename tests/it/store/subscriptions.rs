use belltower::clock::Timestamp;
use belltower::domain::id::{SourceId, SubscriptionId};
use belltower::domain::source::Right;
use belltower::domain::subscription::{EndpointKind, EventKind, Standing, WhyDisabled};
use belltower::domain::topic::TopicPattern;
use belltower::store::subscription_handings::NewHanding;
use belltower::store::subscriptions::{
    Advance, Called, New, SubscriptionRow, advance, all, any_removed, behind, clear_out, count, disable, due,
    enable, far_behind, figures, find, find_stream, forget_stream, hasten, insert, list, lock, lock_all,
    note, prune, remove, reseal, see, take_all,
};
use belltower::store::{Db, Tx, subscription_events, subscription_handings};

use super::execute;
use super::messages::sources;
use super::subscription_events::{event, keep};
use crate::support::on_both;

pub(super) const NOW: Timestamp = Timestamp(1_000);

pub(super) async fn done<T>(db: &Db, act: impl AsyncFnOnce(&mut Tx) -> T) -> T {
    let mut tx = db.begin().await.unwrap();
    let came = act(&mut tx).await;
    tx.commit().await.unwrap();
    came
}

fn topics() -> Vec<TopicPattern> {
    vec!["academic.#".parse().unwrap()]
}

/// An endpoint of source 1, which may be told of everything.
pub(super) async fn webhook(db: &Db) -> SubscriptionId {
    add(db, EndpointKind::Webhook, &[EventKind::Completed]).await
}

async fn add(db: &Db, kind: EndpointKind, events: &[EventKind]) -> SubscriptionId {
    let topics = topics();
    let new = New {
        source: SourceId(1),
        kind,
        topics: &topics,
        events,
        url: (kind == EndpointKind::Webhook).then_some("https://app.example/hooks"),
        queue: (kind == EndpointKind::Amqp).then_some("library"),
        secret: kind.is_handed().then_some(&b"sealed"[..]),
    };
    done(db, async |tx| insert(tx, new, NOW).await.unwrap()).await
}

async fn row(db: &Db, id: SubscriptionId) -> SubscriptionRow {
    find(db, id).await.unwrap().unwrap()
}

on_both!(a_subscription_comes_back_as_it_was_kept, |db| async {
    sources(&db).await;
    done(&db, async |tx| {
        execute(tx, r#"UPDATE source SET rights = '["subscribe"]' WHERE id = 1"#).await;
    })
    .await;
    let id = webhook(&db).await;
    let found = row(&db, id).await;
    assert_eq!((found.kind, found.source_id), (EndpointKind::Webhook, SourceId(1)));
    assert_eq!((found.source_name.as_str(), &found.rights.0), ("教务处", &vec![Right::Subscribe]));
    assert_eq!((found.topics.0.clone(), found.events.0.clone()), (topics(), vec![EventKind::Completed]));
    assert_eq!(found.url.as_deref(), Some("https://app.example/hooks"));
    assert_eq!((found.secret.as_deref(), found.standing), (Some(&b"sealed"[..]), Standing::Active));
    assert_eq!((found.failures, found.next_at, found.seen_at), (0, Timestamp(0), None));
    assert!(found.is_granted());
    let other = webhook(&db).await;
    let queue = add(&db, EndpointKind::Amqp, &[EventKind::Completed]).await;
    let found = row(&db, queue).await;
    assert_eq!((found.kind, found.queue.as_deref(), found.url), (EndpointKind::Amqp, Some("library"), None));
    add(&db, EndpointKind::Stream, &[EventKind::Completed]).await;
    let ids = async |before| -> Vec<_> {
        list(&db, SourceId(1), before, 9).await.unwrap().iter().map(|row| row.id).collect()
    };
    assert_eq!((ids(None).await, ids(Some(other)).await), (vec![queue, other, id], vec![id]));
    assert_eq!(list(&db, SourceId(2), None, 9).await.unwrap().len(), 0);
    assert_eq!(all(&db).await.unwrap().len(), 4);
    done(&db, async |tx| {
        assert_eq!(count(tx, SourceId(1)).await.unwrap(), (3, 1), "endpoints and streams");
        assert_eq!(count(tx, SourceId(2)).await.unwrap(), (0, 0));
        assert!(lock(tx, id).await.unwrap().is_some());
        let of = |rows: Vec<SubscriptionRow>| rows.iter().map(|row| row.id).collect::<Vec<_>>();
        assert_eq!(of(lock_all(tx, &[other, id]).await.unwrap()), [id, other]);
        assert_eq!(of(take_all(tx, &[other]).await.unwrap()), [other]);
    })
    .await;
});

on_both!(one_that_is_taken_away_is_gone_at_once_and_cleared_out_little_by_little, |db| async {
    sources(&db).await;
    let (id, stays) = (webhook(&db).await, webhook(&db).await);
    let events = keep(&db, &[event(EventKind::Completed, 1), event(EventKind::Held, 1)]).await;
    let handing = |subscription, event| NewHanding { subscription, event, message: None, whole: true };
    let all_of = [handing(id, events[0]), handing(id, events[1]), handing(stays, events[0])];
    done(&db, async |tx| {
        subscription_handings::insert(tx, &all_of, NOW).await.unwrap();
        subscription_events::give_places(tx, 9).await.unwrap();
    })
    .await;
    assert!(!any_removed(&db).await.unwrap());
    assert_eq!(done(&db, async |tx| clear_out(tx, 9).await.unwrap()).await, 0);
    done(&db, async |tx| remove(tx, id, NOW).await.unwrap()).await;
    assert!(any_removed(&db).await.unwrap() && find(&db, id).await.unwrap().is_none());
    let of = |rows: Vec<SubscriptionRow>| rows.iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(of(all(&db).await.unwrap()), [stays]);
    assert_eq!(of(list(&db, SourceId(1), None, 9).await.unwrap()), [stays]);
    assert_eq!(of(behind(&db).await.unwrap()), [stays]);
    assert_eq!(due(&db, NOW, &[]).await.unwrap(), [stays]);
    done(&db, async |tx| {
        assert!(lock(tx, id).await.unwrap().is_none());
        assert_eq!(of(lock_all(tx, &[id, stays]).await.unwrap()), [stays]);
        assert_eq!(count(tx, SourceId(1)).await.unwrap(), (1, 0));
    })
    .await;
    for expected in [1, 1, 1, 0] {
        assert_eq!(done(&db, async |tx| clear_out(tx, 1).await.unwrap()).await, expected);
    }
    assert!(!any_removed(&db).await.unwrap());
    assert_eq!(subscription_handings::list(&db, stays, None, 9).await.unwrap().len(), 1);
});

on_both!(a_stream_is_found_by_what_it_asks_for_and_forgotten_unread, |db| async {
    sources(&db).await;
    let id = add(&db, EndpointKind::Stream, &[EventKind::Accepted, EventKind::Failed]).await;
    let find = async |source, events: &[EventKind]| {
        done(&db, async |tx| find_stream(tx, SourceId(source), &topics(), events).await.unwrap()).await
    };
    assert_eq!(find(1, &[EventKind::Accepted, EventKind::Failed]).await, Some(id));
    assert_eq!(find(1, &[EventKind::Accepted]).await, None);
    assert_eq!(find(2, &[EventKind::Accepted, EventKind::Failed]).await, None);
    assert_eq!(row(&db, id).await.seen_at, Some(NOW));
    let later = add(&db, EndpointKind::Stream, &[EventKind::Held]).await;
    done(&db, async |tx| {
        see(tx, id, Timestamp(2_000)).await.unwrap();
        forget_stream(tx, SourceId(2)).await.unwrap();
        forget_stream(tx, SourceId(1)).await.unwrap();
    })
    .await;
    assert_eq!(find(1, &[EventKind::Held]).await, None, "{later} was read the longest ago");
    assert_eq!(find(1, &[EventKind::Accepted, EventKind::Failed]).await, Some(id));
    webhook(&db).await;
    done(&db, async |tx| {
        see(tx, id, Timestamp(5_000)).await.unwrap();
        see(tx, id, Timestamp(4_000)).await.unwrap();
        assert_eq!(prune(tx, Timestamp(5_000)).await.unwrap(), 0);
    })
    .await;
    assert_eq!(row(&db, id).await.seen_at, Some(Timestamp(5_000)));
    assert_eq!(done(&db, async |tx| prune(tx, Timestamp(5_001)).await.unwrap()).await, 1);
    assert_eq!(all(&db).await.unwrap().len(), 1, "endpoints are not forgotten");
});

on_both!(secrets_overlap_and_endpoints_come_and_go, |db| async {
    sources(&db).await;
    let id = webhook(&db).await;
    done(&db, async |tx| reseal(tx, id, b"new", Timestamp(9_000)).await.unwrap()).await;
    let found = row(&db, id).await;
    assert_eq!(
        (found.secret.as_deref(), found.old_secret.as_deref()),
        (Some(&b"new"[..]), Some(&b"sealed"[..]))
    );
    assert_eq!(found.old_until, Some(Timestamp(9_000)));

    let called = |succeeded: bool, failures, next| Called {
        at: Timestamp(2_000),
        status: succeeded.then_some(204),
        answer: "words",
        succeeded,
        failed: !succeeded,
        failures,
        next_at: Timestamp(next),
    };
    done(&db, async |tx| {
        note(tx, id, called(false, 3, 8_000)).await.unwrap();
        disable(tx, id, WhyDisabled::Exhausted, Timestamp(2_500)).await.unwrap();
    })
    .await;
    let found = row(&db, id).await;
    assert_eq!((found.standing, found.why_disabled), (Standing::Disabled, Some(WhyDisabled::Exhausted)));
    assert_eq!((found.failures, found.failed_at, found.succeeded_at), (3, Some(Timestamp(2_000)), None));
    assert_eq!((found.last_status, found.last_answer.as_deref()), (None, Some("words")));
    let refused = Called { at: Timestamp(2_200), failed: false, ..called(false, 3, 8_000) };
    done(&db, async |tx| note(tx, id, refused).await.unwrap()).await;
    assert_eq!(row(&db, id).await.failed_at, Some(Timestamp(2_000)), "that was no failure");
    assert_eq!((found.next_at, found.disabled_at), (Timestamp(8_000), Some(Timestamp(2_500))));
    done(&db, async |tx| hasten(tx, id, Timestamp(3_000)).await.unwrap()).await;
    assert_eq!(row(&db, id).await.next_at, Timestamp(3_000));

    done(&db, async |tx| enable(tx, id, Timestamp(4_000)).await.unwrap()).await;
    let found = row(&db, id).await;
    assert_eq!((found.standing, found.why_disabled, found.failures), (Standing::Active, None, 0));
    done(&db, async |tx| note(tx, id, called(true, 0, 2_000)).await.unwrap()).await;
    let found = row(&db, id).await;
    assert_eq!((found.last_status, found.succeeded_at), (Some(204), Some(Timestamp(2_000))));
    assert_eq!(found.failed_at, None);
    done(&db, async |tx| {
        note(tx, id, called(false, 1, 2_000)).await.unwrap();
        let held = Called { at: Timestamp(3_000), failed: false, ..called(false, 1, 5_000) };
        note(tx, id, held).await.unwrap();
    })
    .await;
    let found = row(&db, id).await;
    assert_eq!(
        (found.failed_at, found.last_at),
        (Some(Timestamp(2_000)), Some(Timestamp(3_000))),
        "it was held"
    );
});

on_both!(who_is_behind_and_who_has_something_due_is_found, |db| async {
    sources(&db).await;
    let id = webhook(&db).await;
    let queue = add(&db, EndpointKind::Amqp, &[EventKind::Completed]).await;
    let stream = add(&db, EndpointKind::Stream, &[EventKind::Completed]).await;
    let behind = async || behind(&db).await.unwrap().iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(behind().await, []);
    let event = keep(&db, &[event(EventKind::Completed, 1)]).await[0];
    done(&db, async |tx| subscription_events::give_places(tx, 9).await.unwrap()).await;
    assert_eq!(behind().await, [id, queue], "and no stream: {stream}");
    let far = async |before| -> Vec<_> {
        far_behind(&db, Timestamp(before)).await.unwrap().iter().map(|row| row.id).collect()
    };
    assert_eq!((far(1).await, far(2).await), (vec![], vec![id, queue]), "it happened at 1");
    let place = subscription_events::last_place(&db).await.unwrap();
    done(&db, async |tx| {
        advance(tx, &[Advance { id: queue, place, single_place: place }]).await.unwrap();
        let at = |place, single_place| [Advance { id, place, single_place }];
        advance(tx, &at(place, place - 1)).await.unwrap();
        advance(tx, &at(place - 1, place)).await.unwrap();
        advance(tx, &at(place, place - 1)).await.unwrap();
        let handing = NewHanding { subscription: id, event, message: None, whole: true };
        subscription_handings::insert(tx, &[handing], NOW).await.unwrap();
    })
    .await;
    assert_eq!(behind().await, [id], "single deliveries have a place of their own");
    assert_eq!(far(2).await, [id]);
    assert_eq!((row(&db, id).await.place, row(&db, id).await.single_place), (place, place - 1));
    done(&db, async |tx| advance(tx, &[Advance { id, place, single_place: place }]).await.unwrap()).await;
    assert_eq!(behind().await, []);
    assert_eq!(far(2).await, []);

    let due = async |at, busy: &[SubscriptionId]| due(&db, Timestamp(at), busy).await.unwrap();
    assert_eq!(due(NOW.0 - 1, &[]).await, []);
    assert_eq!(due(NOW.0, &[]).await, [id]);
    assert_eq!(due(NOW.0, &[id]).await, []);
    let fails = Called {
        at: NOW,
        status: Some(500),
        answer: "",
        succeeded: false,
        failed: true,
        failures: 1,
        next_at: Timestamp(NOW.0 + 5_000),
    };
    done(&db, async |tx| note(tx, id, fails).await.unwrap()).await;
    assert_eq!(due(NOW.0 + 4_999, &[]).await, []);
    assert_eq!(due(NOW.0 + 5_000, &[]).await, [id]);
    done(&db, async |tx| disable(tx, id, WhyDisabled::Gone, NOW).await.unwrap()).await;
    assert_eq!(due(NOW.0 + 5_000, &[]).await, []);
    let later = webhook(&db).await;
    assert_eq!(behind().await, [], "what happened before it came is not for {later}");
});

on_both!(endpoints_are_counted_by_kind_and_standing_with_what_waits, |db| async {
    sources(&db).await;
    assert!(figures(&db).await.unwrap().is_empty());
    let (one, other) = (webhook(&db).await, webhook(&db).await);
    let queue = add(&db, EndpointKind::Amqp, &[EventKind::Completed]).await;
    add(&db, EndpointKind::Stream, &[EventKind::Completed]).await;
    let events = keep(&db, &[event(EventKind::Completed, 1), event(EventKind::Completed, 2)]).await;
    done(&db, async |tx| {
        subscription_events::give_places(tx, 9).await.unwrap();
        let handing = |subscription, event| NewHanding { subscription, event, message: None, whole: true };
        let all = [handing(one, events[0]), handing(one, events[1]), handing(queue, events[0])];
        subscription_handings::insert(tx, &all, NOW).await.unwrap();
        disable(tx, other, WhyDisabled::Gone, NOW).await.unwrap();
    })
    .await;
    let rows = figures(&db).await.unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (row.kind, row.standing, row.endpoints, row.waiting)).collect();
    assert_eq!(
        rows,
        [
            (EndpointKind::Webhook, Standing::Active, 1, 2),
            (EndpointKind::Webhook, Standing::Disabled, 1, 0),
            (EndpointKind::Amqp, Standing::Active, 1, 1),
        ]
    );
});
