//! Calling back what was sent.

use belltower::Error;
use belltower::domain::delivery::State;
use belltower::domain::emergency::{Part, Run};
use belltower::domain::message::Status;
use belltower::domain::operator::Role;
use belltower::service::broadcasts;
use belltower::service::deliveries::{Cancelled, Recall, cancel, resend};
use belltower::service::messages::{self, DeliveryQuery};
use belltower::service::scenarios;
use belltower::simulator::{WecomAct, WecomCall};

use super::path::{House, owner, to_students};
use super::*;
use crate::support::fire::{fire, press_fire};
use crate::support::{on_both, operator};

fn recall(recalled: i64, impossible: i64) -> Vec<Recall> {
    vec![Recall { channel: ChannelKind::Wechat, recalled, impossible }]
}

/// 1,200 people who got a message, in two calls.
async fn sent(db: &belltower::store::Db, faults: WecomFaults) -> (House, MessageId) {
    let mut house = House::with(db.clone(), 1_200, faults, json!({})).await;
    let id = house.send(&to_students()).await;
    house.drain().await;
    assert_eq!(house.message(id).await.counts.all.sent, 1_200);
    (house, id)
}

on_both!(what_was_sent_is_called_back_and_says_so, |db| async {
    let (mut house, id) = sent(&db, WecomFaults::default()).await;
    house.turn(Duration::from_secs(1));
    let said = cancel(&house.s, &owner(), id).await.unwrap();
    assert_eq!(said, Cancelled { stopped: 0, already_sent: 1_200, recall: recall(1_200, 0) });
    let message = house.message(id).await;
    assert_eq!((message.status, message.counts.all.cancelled), (Status::Completed, 1_200));
    assert_eq!(message.counts.all.sent, 0);
    assert_eq!(house.corp.stats().recall, 2);
    for member in ["u0", "u1199"] {
        assert!(house.corp.mailbox().latest_to(member).unwrap().is_recalled);
    }
    let query = DeliveryQuery { state: Some(State::Cancelled), limit: 1, ..DeliveryQuery::default() };
    let page = messages::deliveries(&house.s, &owner(), id, &query).await.unwrap();
    assert_eq!(page.items[0].facts.reason.as_deref(), Some("recalled"));
    let timeline = messages::timeline(&house.s, &owner(), id).await.unwrap();
    let last = timeline.last().unwrap();
    assert_eq!((last.kind.as_str(), &last.detail["recalled"]), ("recalled", &json!(1_200)));

    // Sent once more on purpose, it is not taken for a repeat.
    resend(&house.s, &owner(), id, &[State::Cancelled], &[]).await.unwrap();
    house.turn(Duration::from_mins(2));
    house.drain().await;
    assert_eq!(house.message(id).await.counts.all.sent, 1_200);
    assert_eq!((house.corp.stats().swallowed, house.corp.mailbox().total()), (0, 2_400));
});

on_both!(what_the_vendor_refuses_to_call_back_counts_as_impossible, |db| async {
    let busy = WecomAct::Error { errcode: -1, errmsg: "system busy".to_owned() };
    let (house, id) = sent(&db, WecomFaults::default().first(1, WecomCall::Recall, busy)).await;
    let said = cancel(&house.s, &owner(), id).await.unwrap();
    let [Recall { recalled, impossible, .. }] = said.recall[..] else { panic!("{said:?}") };
    assert_eq!((recalled + impossible, said.already_sent), (1_200, 1_200));
    assert!(matches!(recalled, 200 | 1_000), "one of two calls: {said:?}");
    let counts = house.message(id).await.counts.all;
    assert_eq!((counts.cancelled, counts.sent), (recalled, impossible));

    // Asked again, the rest comes back too.
    let again = cancel(&house.s, &owner(), id).await.unwrap();
    assert_eq!((again.already_sent, again.recall), (impossible, recall(impossible, 0)));
    let nothing_left = cancel(&house.s, &owner(), id).await.unwrap();
    assert_eq!(nothing_left, Cancelled { stopped: 0, already_sent: 0, recall: Vec::new() });
});

on_both!(what_the_vendor_was_too_busy_for_is_called_back_later_by_itself, |db| async {
    let busy = WecomAct::Error { errcode: -1, errmsg: "system busy".to_owned() };
    let (mut house, id) = sent(&db, WecomFaults::default().first(2, WecomCall::Recall, busy)).await;
    let said = cancel(&house.s, &owner(), id).await.unwrap();
    assert_eq!(said.recall, recall(0, 1_200));
    house.drain().await;
    assert_eq!(house.message(id).await.counts.all.sent, 1_200, "not at once");
    house.turn(Duration::from_secs(30));
    house.drain().await;
    assert_eq!(house.message(id).await.counts.all.cancelled, 1_200);
    assert_eq!(house.corp.stats().recall, 4);
    house.turn(Duration::from_mins(5));
    house.drain().await;
    assert_eq!(house.corp.stats().recall, 4, "nothing is left to ask for");
});

on_both!(a_vendor_that_refuses_for_good_is_asked_three_times, |db| async {
    let never = WecomAct::Error { errcode: 301_085, errmsg: "not permitted".to_owned() };
    let (mut house, id) = sent(&db, WecomFaults::default().first(99, WecomCall::Recall, never)).await;
    cancel(&house.s, &owner(), id).await.unwrap();
    for _ in 0..6 {
        house.turn(Duration::from_secs(30));
        house.drain().await;
    }
    assert_eq!((house.corp.stats().recall, house.message(id).await.counts.all.sent), (6, 1_200));
});

on_both!(after_a_day_nothing_is_called_back, |db| async {
    let (house, id) = sent(&db, WecomFaults::default()).await;
    house.turn(Duration::from_hours(24));
    let said = cancel(&house.s, &owner(), id).await.unwrap();
    assert_eq!(said, Cancelled { stopped: 0, already_sent: 1_200, recall: recall(0, 1_200) });
    assert_eq!((house.corp.stats().recall, house.message(id).await.counts.all.sent), (0, 1_200));
});

on_both!(a_message_stopped_half_way_is_called_back_from_those_who_have_it, |db| async {
    let limit = WecomFaults { calls_per_minute: 1, ..WecomFaults::default() };
    let mut house = House::with(db.clone(), 1_200, limit, json!({})).await;
    let id = house.send(&to_students()).await;
    house.drain().await;
    let counts = house.message(id).await.counts.all;
    assert_eq!((counts.sent, counts.pending), (1_000, 200));
    let said = cancel(&house.s, &owner(), id).await.unwrap();
    assert_eq!(said, Cancelled { stopped: 200, already_sent: 1_000, recall: recall(1_000, 0) });
    let message = house.message(id).await;
    assert_eq!((message.status, message.counts.all.cancelled), (Status::Cancelled, 1_200));
    let Err(Error::Conflict { code, .. }) = cancel(&house.s, &owner(), id).await else { panic!("again") };
    assert_eq!(code, "ended");
});

on_both!(what_was_false_disappears_and_what_is_over_stays, |db| async {
    let mut house = House::with(db.clone(), 3, WecomFaults::default(), json!({})).await;
    scenarios::seed(&house.s).await.unwrap();
    let officer = operator(Role::DutyOfficer);
    let mut alerts = Vec::new();
    for part in [Part::AllClear, Part::Correction] {
        let id = press_fire(&house.s, &officer, Run::Live, &fire("图书馆")).await.unwrap().id;
        house.drain().await;
        alerts.push(
            (0..3)
                .map(|n| house.corp.mailbox().latest_to(&format!("u{n}")).unwrap().sequence)
                .collect::<Vec<_>>(),
        );
        if part == Part::AllClear {
            broadcasts::all_clear(&house.s, &officer, None, id, "test").await.unwrap();
        } else {
            broadcasts::correct(&house.s, &officer, None, id, "test").await.unwrap();
            // By the dispatcher: whoever says that it was false waits for no vendor.
            assert_eq!(house.corp.stats().recall, 0);
        }
        house.drain().await;
        house.turn(Duration::from_hours(1));
    }
    // What was called back is a figure of its own, and no channel's sum loses anybody by it.
    let falsified = broadcasts::list(&house.s, &officer, None, None, 1).await.unwrap()[0].id;
    let progress = broadcasts::progress(&house.s, &officer, falsified).await.unwrap();
    let wechat = progress.channels.iter().find(|line| line.channel == ChannelKind::Wechat).unwrap();
    assert_eq!((wechat.recalled, wechat.counts.cancelled, wechat.counts.planned), (3, 3, 3));
    let parts: Vec<_> = progress.parts.iter().map(|part| (part.part, part.recalled)).collect();
    assert_eq!(parts, [(Part::Alert, 3), (Part::Correction, 0)]);
    let is_recalled = |id: &u64| house.corp.mailbox().find(*id).unwrap().is_recalled;
    assert!(!alerts[0].iter().any(is_recalled), "it burnt");
    assert!(alerts[1].iter().all(is_recalled), "it did not");
    for n in 0..3 {
        assert!(
            !house.corp.mailbox().latest_to(&format!("u{n}")).unwrap().is_recalled,
            "the correction stays"
        );
    }
});
