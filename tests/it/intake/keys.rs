use belltower::Error;
use belltower::queue::Work;
use belltower::service::Services;
use belltower::service::messages;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use serde_json::json;

use super::{Door, everything, fault, faults, keyed, message, message_and, source};
use crate::support::on_both;

const DAY: i64 = 24 * 60 * 60 * 1000;

on_both!(a_message_is_kept_and_the_planner_woken, |db| async {
    let door = Door::new(db).await;
    let accepted = door.send(message()).await.unwrap();
    assert_eq!((accepted.status, accepted.replayed), (202, false));
    assert_eq!(door.all().await[0].id, accepted.message.id);
    assert!(door.s.queue.take(Work::Plan).now_or_never().is_some());
});

on_both!(a_hundred_calls_with_one_key_make_one_message, |db| async {
    let door = Door::new(db).await;
    let options = keyed("order 66");
    let answers = join_all((0..100).map(|_| door.send_with(message(), &options))).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|a| a.status == 202 && a.message == answers[0].message));
    assert_eq!(answers.iter().filter(|a| !a.replayed).count(), 1);
    assert_eq!(door.all().await.len(), 1);

    let later = door.send_with(message(), &options).await.unwrap();
    assert!(later.replayed && later.message == answers[0].message);
});

on_both!(processes_on_one_store_share_the_keys, |db| async {
    let door = Door::new(db).await;
    let s = &door.s;
    let beside =
        Services::new(s.db.clone(), s.clock.clone(), s.queue.clone(), s.vault.clone(), (*s.campus).clone());
    let options = keyed("both");
    let body = message().to_string();
    let calls = (0..40).map(|n| {
        let s = if n % 2 == 0 { &door.s } else { &beside };
        messages::accept(s, &door.caller, body.as_bytes(), &options)
    });
    let answers: Vec<_> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|a| a.message == answers[0].message));
    assert_eq!(door.all().await.len(), 1);

    let one = door.send(message()).await.unwrap().message.id;
    let other = messages::accept(&beside, &door.caller, body.as_bytes(), &keyed("other")).await.unwrap();
    assert_ne!(one, other.message.id, "even in the same millisecond");
});

on_both!(a_key_stands_for_one_body, |db| async {
    let door = Door::new(db).await;
    let options = keyed("k");
    let first = door.send_with(message(), &options).await.unwrap();
    let other = message_and(json!({ "title": "另一个" }));
    assert!(matches!(door.send_with(other.clone(), &options).await, Err(Error::IdempotencyMismatch)));
    let wrong = message_and(json!({ "title": 7 }));
    assert!(
        matches!(door.send_with(wrong, &options).await, Err(Error::IdempotencyMismatch)),
        "whatever is wrong"
    );

    let rewritten = r#" { "title":"考试安排","topic" : "academic.exam", "body":"周一 **8:00**" } "#;
    let again = messages::accept(&door.s, &door.caller, rewritten.as_bytes(), &options).await.unwrap();
    assert!(again.replayed && again.message == first.message, "the same is the same however it is written");

    // At once, too: whichever is first, the others differ from it.
    let options = keyed("at once");
    let calls = (0..20).map(|n| door.send_with(if n % 2 == 0 { message() } else { other.clone() }, &options));
    let results = join_all(calls).await;
    let refused = results.iter().filter(|r| matches!(r, Err(Error::IdempotencyMismatch))).count();
    assert_eq!(refused, 10);
    assert_eq!(door.all().await.len(), 2);
});

on_both!(keys_of_other_sources_and_of_test_keys_are_others, |db| async {
    let door = Door::new(db).await;
    let mut test = everything("测试");
    test.test = true;
    let other = source(&door.s, test).await;
    let body = message().to_string();
    let tried_out = messages::accept(&door.s, &other, body.as_bytes(), &keyed("k")).await.unwrap();
    assert!(tried_out.message.test);
    let live = door.send_with(message(), &keyed("k")).await.unwrap();
    assert!(!live.replayed && !live.message.test);
});

on_both!(a_first_answer_stands_though_the_message_would_be_refused_now, |db| async {
    let door = Door::new(db).await;
    let in_an_hour = "2026-09-21T23:13:20+08:00";
    let body = message_and(json!({ "expires_at": in_an_hour }));
    let first = door.send_with(body.clone(), &keyed("k")).await.unwrap();
    door.s.clock.turn(2 * 60 * 60 * 1000);
    assert_eq!(door.faults(body.clone()).await, [fault("/expires_at", "too_early")]);
    let again = door.send_with(body, &keyed("k")).await.unwrap();
    assert!(again.replayed && again.message == first.message);
});

on_both!(keys_are_forgotten_after_their_time_and_not_before, |db| async {
    let door = Door::new(db).await;
    let first = door.send_with(message(), &keyed("k")).await.unwrap();
    door.s.clock.turn(DAY);
    assert_eq!(messages::prune(&door.s).await.unwrap(), 0);
    assert!(door.send_with(message(), &keyed("k")).await.unwrap().replayed);
    door.s.clock.turn(2 * DAY);
    assert_eq!(messages::prune(&door.s).await.unwrap(), 1);
    assert_ne!(door.send_with(message(), &keyed("k")).await.unwrap().message.id, first.message.id);
});

on_both!(keys_that_cannot_be_are_refused, |db| async {
    let door = Door::new(db).await;
    for key in ["", "a\nb", "钥匙", &"k".repeat(256)] {
        assert_eq!(
            faults(door.send_with(message(), &keyed(key)).await),
            [fault("", "invalid_idempotency_key")]
        );
    }
    assert!(door.send_with(message(), &keyed(&"k".repeat(255))).await.is_ok());
});

on_both!(a_repeated_dedup_key_is_answered_with_the_first_message, |db| async {
    let door = Door::new(db).await;
    let body = message_and(json!({ "dedup_key": "期末 2026" }));
    let first = door.send(body.clone()).await.unwrap();
    assert_eq!((first.status, first.message.duplicate_of), (202, None));

    let calls = (0..20).map(|_| door.send(body.clone()));
    for again in join_all(calls).await.into_iter().map(Result::unwrap) {
        assert_eq!((again.status, again.message.id), (200, first.message.id));
        assert_eq!(again.message.duplicate_of, Some(first.message.id));
    }
    let with_key = door.send_with(body.clone(), &keyed("k")).await.unwrap();
    let replayed = door.send_with(body.clone(), &keyed("k")).await.unwrap();
    assert_eq!((replayed.status, replayed.message), (200, with_key.message));
    assert!(replayed.replayed);
    assert_eq!(door.all().await.len(), 1);

    door.s.clock.turn(DAY + 1);
    let later = door.send(body).await.unwrap();
    assert_eq!((later.status, door.all().await.len()), (202, 2));
});

on_both!(many_at_once_with_one_dedup_key_make_one_message, |db| async {
    let door = Door::new(db).await;
    let body = message_and(json!({ "dedup_key": "k" }));
    let answers = join_all((0..50).map(|_| door.send(body.clone()))).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|a| a.status == 202).count(), 1);
    assert!(answers.iter().all(|a| a.message.id == answers[0].message.id));
    assert_eq!(door.all().await.len(), 1);
});
