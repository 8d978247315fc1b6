use std::time::Duration;

use belltower::Error;
use belltower::service::messages::{self, AcceptOptions};
use belltower::service::sources::NewSource;
use belltower::store::sources::{Today, find};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Door, everything, fault, faults, keyed, message, message_and, source};
use crate::support::on_both;

async fn limited(db: belltower::store::Db, daily_messages: i64) -> Door {
    let mut door = Door::new(db).await;
    let new = NewSource { daily_messages: Some(daily_messages), ..everything("图书馆") };
    door.caller = source(&door.s, new).await;
    door
}

on_both!(a_daily_quota_holds_however_many_come_at_once, |db| async {
    let door = limited(db, 30).await;
    let results = join_all((0..50).map(|_| door.send(message()))).await;
    let refused: Vec<_> = results.iter().filter_map(|r| r.as_ref().err()).collect();
    assert_eq!(refused.len(), 20);
    for error in refused {
        let Error::QuotaExhausted { limit: 30, retry_after } = error else { panic!("{error:?}") };
        // 22:13:20 in Shanghai.
        assert_eq!(*retry_after, Duration::from_secs(3600 + 46 * 60 + 40));
    }
    assert_eq!(door.all().await.len(), 30);
    let today = Today { now: door.s.clock.now(), day: "2026-09-21" };
    let source = find(&door.s.db, door.caller.source, today).await.unwrap().unwrap();
    assert_eq!(source.used_today, 30, "what is refused costs nothing");

    door.s.clock.turn(3 * 60 * 60 * 1000);
    assert!(door.send(message()).await.is_ok(), "the next campus day begins anew");
});

on_both!(what_the_quota_refuses_leaves_no_key_behind, |db| async {
    let door = limited(db, 1).await;
    let body = message_and(json!({ "dedup_key": "d" }));
    door.send(message()).await.unwrap();
    for _ in 0..2 {
        let refused = door.send_with(body.clone(), &keyed("k")).await;
        assert!(matches!(refused, Err(Error::QuotaExhausted { .. })), "{refused:?}");
    }
    door.s.clock.turn(3 * 60 * 60 * 1000);
    let accepted = door.send_with(body, &keyed("k")).await.unwrap();
    assert_eq!((accepted.status, accepted.replayed), (202, false));
});

on_both!(answers_given_again_cost_no_quota, |db| async {
    let door = limited(db, 2).await;
    let body = message_and(json!({ "dedup_key": "d" }));
    for _ in 0..5 {
        door.send_with(message(), &keyed("k")).await.unwrap();
        door.send(body.clone()).await.unwrap();
    }
    assert!(matches!(door.send(message()).await, Err(Error::QuotaExhausted { .. })));
});

on_both!(an_emergency_is_never_turned_away_for_a_quota, |db| async {
    let door = limited(db, 1).await;
    door.send(message()).await.unwrap();
    assert!(door.send(message()).await.is_err());
    assert!(door.send(message_and(json!({ "category": "emergency" }))).await.is_ok());
});

async fn batch(door: &Door, body: Value, options: &AcceptOptions) -> Vec<Result<messages::Accepted, Error>> {
    messages::accept_batch(&door.s, &door.caller, body.to_string().as_bytes(), options).await.unwrap()
}

on_both!(a_batch_keeps_what_is_good, |db| async {
    let door = Door::new(db).await;
    let with_key = message_and(json!({ "idempotency_key": "批-1" }));
    let body = json!({ "messages": [
        message(), { "topic": "Bad" }, with_key, 7, message_and(json!({ "topic": "library.x" })),
        message_and(json!({ "idempotency_key": "" })), message(),
    ]});
    let results = batch(&door, body.clone(), &AcceptOptions::default()).await;
    assert_eq!(results.len(), 7);
    let kept: Vec<_> = results.iter().map(Result::is_ok).collect();
    assert_eq!(kept, [true, false, true, false, false, false, true]);
    let ids: Vec<_> = results.iter().flatten().map(|a| a.message.id).collect();
    assert!(ids.is_sorted(), "in order");
    let mut results = results.into_iter();
    let mut wrong = |n| faults(results.nth(n).unwrap());
    assert_eq!(
        wrong(1),
        [fault("/topic", "invalid_topic"), fault("/title", "required"), fault("/body", "required")]
    );
    assert_eq!(wrong(1), [fault("", "not_an_object")]);
    assert!(matches!(results.next().unwrap(), Err(Error::Forbidden { .. })));
    assert_eq!(faults(results.next().unwrap()), [fault("/idempotency_key", "invalid_key")]);

    let again = batch(&door, body, &AcceptOptions::default()).await;
    let again = again[2].as_ref().unwrap();
    assert!(again.replayed && again.message.id == ids[1]);
    assert_eq!(door.all().await.len(), 5);
});

on_both!(a_thousand_come_in_one_batch_and_a_key_repeats_them_all, |db| async {
    let door = Door::new(db).await;
    let body = json!({ "messages": vec![message(); 1000] });
    let first = batch(&door, body.clone(), &keyed("k")).await;
    assert!(first.iter().all(Result::is_ok));
    let again = batch(&door, body, &keyed("k")).await;
    for (first, again) in first.iter().zip(&again) {
        let (first, again) = (first.as_ref().unwrap(), again.as_ref().unwrap());
        assert!(again.replayed && again.message == first.message);
    }
});

on_both!(what_is_no_batch_is_refused, |db| async {
    let door = Door::new(db).await;
    let refused = async |body: Value| {
        let body = body.to_string();
        match messages::accept_batch(&door.s, &door.caller, body.as_bytes(), &AcceptOptions::default()).await
        {
            Err(Error::Invalid(faults)) => {
                faults.into_iter().map(|f| (f.pointer, f.code.into_owned())).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(json!([message()])).await, [fault("", "not_an_object")]);
    assert_eq!(refused(json!({})).await, [fault("/messages", "required")]);
    assert_eq!(refused(json!({ "messages": [] })).await, [fault("/messages", "required")]);
    assert_eq!(
        refused(json!({ "messages": {}, "x": 1 })).await,
        [fault("/x", "unknown_field"), fault("/messages", "not_a_list")]
    );
    assert_eq!(refused(json!({ "messages": vec![message(); 1001] })).await, [fault("/messages", "too_many")]);
});

on_both!(what_test_keys_try_out_leaves_the_real_thing_alone, |db| async {
    let mut door = limited(db, 1).await;
    let live = door.caller.clone();
    let mut trying = (*live).clone();
    trying.test = true;
    door.caller = trying.into();
    let body = message_and(json!({ "dedup_key": "d" }));
    for expected in [202, 200] {
        assert_eq!(door.send(body.clone()).await.unwrap().status, expected);
    }
    door.send(message()).await.unwrap();
    door.caller = live;
    let accepted = door.send(body).await.unwrap();
    assert_eq!(
        (accepted.status, accepted.message.test),
        (202, false),
        "the key is free, the quota untouched"
    );
    assert!(matches!(door.send(message()).await, Err(Error::QuotaExhausted { .. })));
});
