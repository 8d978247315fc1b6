//! What goes wrong on the way, and what is said about it.

use OutcomeClass::{Accepted, Config, PermanentMessage, PermanentRecipient, Throttled, Transient, Unknown};
use belltower::channel::Shape;
use belltower::simulator::{WecomAct, WecomCall, WecomFault};
use futures_util::future::join_all;

use super::*;

/// What becomes of one message where `act` happens once at `call`, and of the one after it.
async fn meeting(call: WecomCall, act: WecomAct) -> (Outcome, Outcome) {
    let messaging = Messaging::with(WecomFaults::default().first(1, call, act)).await;
    let met = messaging.met(messaging.one()).await;
    let next = messaging.tell(&["wang"]).await.remove(0);
    assert_eq!(messaging.corp.mailbox().messages_to("wang"), 1, "{call:?}");
    (met, next)
}

#[tokio::test]
async fn a_message_that_went_out_without_an_answer_leaves_doubt_and_a_token_does_not() {
    for act in [WecomAct::Hang, WecomAct::Reset, WecomAct::Close, WecomAct::Garbage] {
        for (call, expected) in [(WecomCall::Send, Unknown), (WecomCall::Gettoken, Transient)] {
            let (met, next) = meeting(call, act.clone()).await;
            assert_eq!(met.class, expected, "{act:?} at {call:?}: {met:?}");
            assert_eq!(next.class, Accepted, "{act:?} at {call:?}");
        }
    }
    for act in [WecomAct::LoseAnswer, WecomAct::KeepAnswer] {
        let (met, _) = meeting(WecomCall::Send, act).await;
        assert_eq!(met.class, Unknown, "{met:?}");
    }
}

#[tokio::test]
async fn a_corp_that_is_not_there_is_tried_again_later() {
    let messaging = Messaging::with(WecomFaults::default()).await;
    let Messaging { corp, channel, .. } = messaging;
    let endpoint = corp.addr().to_string();
    corp.stop().await;
    let outcome = channel.send(&[parcel(1, "lina")]).await.remove(0);
    assert_eq!(outcome.class, Transient);
    let words = outcome.detail.unwrap();
    assert!(!words.contains(&endpoint) && !words.contains("secret"), "{words}");
}

#[tokio::test]
async fn an_answer_in_http_alone_is_a_gateways() {
    for (status, class) in
        [(502, Transient), (503, Transient), (429, Throttled), (404, Config), (302, Config)]
    {
        let (met, _) = meeting(WecomCall::Send, WecomAct::Status(status)).await;
        assert_eq!((met.class, met.code), (class, Some(format!("HTTP {status}"))));
    }
}

#[tokio::test]
async fn codes_mean_what_they_say_and_stay_as_they_came() {
    let rows = [
        (-1, Transient),
        (6_000, Transient),
        (40_003, PermanentRecipient),
        (60_111, PermanentRecipient),
        (45_002, PermanentMessage),
        (40_058, PermanentMessage),
        (48_002, Config),
        (60_011, Config),
        (301_002, Config),
        (987_654, Config),
    ];
    for (code, class) in rows {
        let messaging = Messaging::with(WecomFaults::default().refusing(WecomCall::Send, code)).await;
        let outcome = messaging.one().await;
        assert_eq!((outcome.class, outcome.code), (class, Some(code.to_string())));
        assert_eq!(outcome.detail.as_deref(), Some("simulated"));
    }
}

#[tokio::test]
async fn credentials_and_addresses_that_are_refused_ask_for_an_administrator() {
    let untrusted = WecomFaults { untrusted_address: true, ..WecomFaults::default() };
    for (faults, settings, code) in [
        (WecomFaults::default(), json!({ "secret": "wrong" }), "40001"),
        (WecomFaults::default(), json!({ "corp_id": "wrong" }), "40013"),
        (WecomFaults::default(), json!({ "agent_id": 7 }), "301002"),
        (untrusted, json!({}), "60020"),
    ] {
        let messaging = Messaging::over(faults, settings).await;
        let outcome = messaging.one().await;
        assert_eq!((outcome.class, outcome.code.as_deref()), (Config, Some(code)));
        let said = messaging.channel.check().await.unwrap_err().words;
        assert!(said.starts_with(code), "a test finds it too: {said}");
    }
    let messaging = Messaging::with(WecomFaults::default()).await;
    assert_eq!(messaging.channel.check().await.unwrap(), "127.0.0.1: 钟楼通知（模拟） (1000002)");
    assert_eq!(messaging.corp.stats().send, 0);
}

#[tokio::test]
async fn a_token_that_ends_early_is_fetched_once_more_for_all() {
    let messaging = Messaging::with(WecomFaults::default()).await;
    messaging.one().await;
    messaging.corp.invalidate_token();
    let parcels: Vec<_> = (0..8).map(|n| [parcel(n, &format!("u{n}"))]).collect();
    let outcomes = join_all(parcels.iter().map(|one| messaging.send(one))).await;
    assert!(outcomes.iter().flatten().all(|outcome| outcome.class == Accepted), "{outcomes:?}");
    assert_eq!(messaging.corp.stats().gettoken, 2);
}

#[tokio::test]
async fn a_token_that_is_never_good_is_asked_for_twice_and_no_more() {
    for code in [40_014, 41_001, 42_001] {
        let messaging = Messaging::with(WecomFaults::default().refusing(WecomCall::Send, code)).await;
        let outcome = messaging.one().await;
        assert_eq!((outcome.class, outcome.code), (Config, Some(code.to_string())));
        assert_eq!((messaging.corp.stats().gettoken, messaging.corp.stats().send), (2, 2));
    }
}

#[tokio::test]
async fn secret_and_token_are_in_no_words() {
    // The simulator repeats the token it is given.
    let messaging = Messaging::with(WecomFaults { token_seconds: 0, ..WecomFaults::default() }).await;
    let outcome = messaging.one().await;
    assert_eq!(outcome.class, Config);
    let words = outcome.detail.unwrap();
    assert_eq!(words, "access_token … expired");
    let repeating = WecomAct::Error { errcode: 40_001, errmsg: "invalid secret simulator-secret".to_owned() };
    let messaging = Messaging::with(WecomFaults::default().at(WecomCall::Gettoken, repeating)).await;
    assert_eq!(messaging.one().await.detail.unwrap(), "invalid secret …");
}

#[tokio::test]
async fn a_refusal_because_of_one_member_is_narrowed_down_to_them() {
    let refusing = |member: &str| WecomFault {
        at: WecomCall::Send,
        to: Some(member.to_owned()),
        times: None,
        act: WecomAct::Error { errcode: 60_111, errmsg: "userid not found".to_owned() },
    };
    let faults = WecomFaults::default().with(refusing("u17")).with(refusing("u90"));
    let messaging = Messaging::with(faults).await;
    let members: Vec<String> = (0..100).map(|n| format!("u{n}")).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let outcomes = messaging.tell(&members).await;
    let refused: Vec<_> = (0..100).filter(|n| outcomes[*n].class == PermanentRecipient).collect();
    assert_eq!(refused, [17, 90]);
    assert_eq!((messaging.corp.mailbox().total(), outcomes[17].code.as_deref()), (98, Some("60111")));
    assert!(messaging.corp.stats().send < 40, "{:?}", messaging.corp.stats());
}

#[tokio::test]
async fn trouble_while_narrowing_down_is_nobodys_refusal() {
    let unknown = WecomFault {
        at: WecomCall::Send,
        to: Some("u3".to_owned()),
        times: Some(1),
        act: WecomAct::Error { errcode: 60_111, errmsg: "userid not found".to_owned() },
    };
    let faults = WecomFaults::default().with(unknown).first(1, WecomCall::Send, WecomAct::Hang);
    let messaging = Messaging::with(faults).await;
    let outcomes = messaging.met(messaging.tell(&["u1", "u2", "u3", "u4"])).await;
    assert_eq!(classes(&outcomes), [Unknown, Unknown, Transient, Transient], "two were never handed over");
    assert_eq!(messaging.corp.mailbox().total(), 0);
}

#[tokio::test]
async fn too_many_calls_are_answered_by_waiting_as_long_as_the_block_lasts() {
    let messaging = Messaging::with(WecomFaults { calls_per_minute: 1, ..WecomFaults::default() }).await;
    messaging.one().await;
    let outcome = messaging.tell(&["wang"]).await.remove(0);
    assert_eq!((outcome.class, outcome.this_address), (Throttled, false));
    assert_eq!(outcome.wait, Some(Duration::from_mins(1)));
    messaging.turn(Duration::from_mins(1));
    assert_eq!(messaging.tell(&["wang"]).await[0].class, Accepted);
}

#[tokio::test]
async fn too_many_at_once_are_halved() {
    let messaging = Messaging::over(WecomFaults::default(), json!({ "concurrency": 8 })).await;
    assert_eq!(messaging.channel.shape(), Shape::Batch { size: 1_000, concurrency: 8 });
    messaging.corp.set_faults(WecomFaults { concurrency: 0, ..WecomFaults::default() });
    let outcome = messaging.one().await;
    assert_eq!((outcome.class, outcome.code.as_deref()), (Throttled, Some("45033")));
    assert_eq!(outcome.wait, Some(Duration::from_secs(3)));
    assert_eq!(messaging.channel.shape(), Shape::Batch { size: 1_000, concurrency: 4 });
}
