//! Deliveries that no answer came to: asked about, handed over once more where the policy says so, and never again.

use std::time::Duration;

use belltower::domain::delivery::State;
use belltower::domain::id::MessageId;
use belltower::domain::message::Status;
use belltower::service::deliveries::{self, Asked, Verdict};
use belltower::service::{receipts, unanswered};
use belltower::store::receipts::{NewReceipt, insert_waiting};
use serde_json::json;

use super::House;
use crate::support::faulty::execute;
use crate::support::on_both;

async fn attempts(house: &House, id: MessageId) -> Vec<(String, bool)> {
    let [delivery] = &house.deliveries(id).await[..] else { panic!("one") };
    delivery.attempts.iter().map(|a| (a.outcome.clone(), a.repeated_unanswered)).collect()
}

/// A receipt for the message's delivery, by whatever way it comes.
async fn hear(house: &House, id: MessageId, state: State) {
    let [delivery] = &house.deliveries(id).await[..] else { panic!("one") };
    let verdict = Verdict {
        id: delivery.facts.id.0,
        provider_id: None,
        reference: None,
        state: state.code(),
        code: None,
        detail: None,
    };
    deliveries::judge(&house.s, Asked { verdicts: &[verdict], ..Asked::default() }).await.unwrap();
}

on_both!(an_emergency_is_repeated_once_and_never_again, |db| async {
    let mut house = House::new(db).await;
    house.sandbox("silent", 10, json!({"outcome": "unknown"})).await;
    let emergency = house.send("emergency", 1).await;
    let routine = house.send("announcement", 1).await;
    house.drain().await;
    house.turn(Duration::from_secs(59));
    house.drain().await;
    assert_eq!(attempts(&house, emergency).await.len(), 1, "a receipt gets a minute");
    for _ in 0..10 {
        house.turn(Duration::from_mins(1));
        house.drain().await;
    }
    let repeated = [("unknown".to_owned(), false), ("unknown".to_owned(), true)];
    assert_eq!(attempts(&house, emergency).await, repeated);
    assert_eq!(house.timeline(emergency, "unanswered_repeated").await, [json!({"n": 1})]);
    assert_eq!(attempts(&house, routine).await.len(), 1, "twice is worse than not at all");
    let message = house.message(emergency).await;
    assert_eq!((message.status, message.counts.all.unknown), (Status::Completed, 1));
});

on_both!(the_policy_says_whether_and_when, |db| async {
    let mut house = House::new(db).await;
    house.sandbox("silent", 10, json!({"outcome": "unknown"})).await;
    house.policy(json!({"unknown": {"repeat": "always", "after_minutes": 10}})).await;
    let routine = house.send("announcement", 1).await;
    house.drain().await;
    house.turn(Duration::from_mins(9));
    house.drain().await;
    assert_eq!(attempts(&house, routine).await.len(), 1);
    house.turn(Duration::from_mins(1));
    house.drain().await;
    assert_eq!(attempts(&house, routine).await.len(), 2);

    // What the policy spares by the time it would be repeated is left.
    let emergency = house.send("emergency", 1).await;
    house.drain().await;
    house.policy(json!({"unknown": {"repeat": "never"}})).await;
    house.turn(Duration::from_mins(11));
    house.drain().await;
    assert_eq!(attempts(&house, emergency).await.len(), 1);
});

on_both!(a_receipt_that_came_meanwhile_spares_the_repeat, |db| async {
    let mut house = House::new(db).await;
    house.sandbox("silent", 10, json!({"outcome": "unknown"})).await;
    for state in [State::Delivered, State::Failed, State::Sent] {
        let id = house.send("emergency", 1).await;
        house.drain().await;
        hear(&house, id, state).await;
        house.turn(Duration::from_mins(2));
        house.drain().await;
        assert_eq!(attempts(&house, id).await.len(), 1);
        assert_eq!(house.message(id).await.counts.all.of(state), 1);
    }
});

on_both!(a_receipt_between_the_decision_and_the_repeat_spares_it_too, |db| async {
    let mut house = House::new(db).await;
    house.sandbox("silent", 10, json!({"outcome": "unknown"})).await;
    for state in [State::Delivered, State::Sent] {
        let id = house.send("emergency", 1).await;
        house.drain().await;
        house.turn(Duration::from_mins(1));
        assert_eq!(unanswered::repeat(&house.s).await.unwrap(), 1);
        let message = house.message(id).await;
        assert_eq!((message.status, message.counts.all.pending), (Status::Sending, 1));
        hear(&house, id, state).await;
        let message = house.message(id).await;
        assert_eq!((message.status, message.counts.all.of(state)), (Status::Completed, 1));
        house.drain().await;
        assert_eq!(attempts(&house, id).await.len(), 1);
    }
});

on_both!(a_receipt_that_still_looks_for_its_delivery_was_heard, |db| async {
    let mut house = House::new(db.clone()).await;
    let provider = house.sandbox("late", 10, json!({"outcome": "unheard"})).await;
    for state in [State::Delivered, State::Sent] {
        let id = house.send("emergency", 1).await;
        house.drain().await;
        let [delivery] = &house.deliveries(id).await[..] else { panic!("one") };
        let receipt = NewReceipt {
            provider_id: provider.0,
            received_at: house.s.clock.now().0,
            reference: "of its own making".to_owned(),
            also: Some(format!("sandbox-{}", delivery.facts.id)),
            address: None,
            state: state.code(),
            code: None,
            detail: None,
        };
        house.turn(Duration::from_mins(1));
        let mut tx = db.begin().await.unwrap();
        insert_waiting(&mut tx, house.s.clock.now(), &[receipt]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(unanswered::repeat(&house.s).await.unwrap(), 0);
        receipts::process(&house.s).await.unwrap();
        assert_eq!(house.message(id).await.counts.all.of(state), 1);
        house.drain().await;
        assert_eq!(attempts(&house, id).await.len(), 1);
    }
});

on_both!(one_that_can_be_asked_is_asked_first, |db| async {
    let mut house = House::new(db).await;
    house.sandbox("late", 10, json!({"outcome": "unheard"})).await;
    let id = house.send("announcement", 1).await;
    house.drain().await;
    assert_eq!(house.message(id).await.counts.all.unknown, 1);
    house.turn(Duration::from_secs(6));
    house.drain().await;
    assert_eq!(house.message(id).await.counts.all.delivered, 1);
});

on_both!(what_is_over_by_then_is_not_repeated, |db| async {
    let mut house = House::new(db).await;
    house.sandbox("silent", 10, json!({"outcome": "unknown"})).await;
    house.policy(json!({"unknown": {"repeat": "always", "after_minutes": 600}})).await;
    // An announcement is worth sending for three days, an emergency for six hours.
    let (routine, over) = (house.send("announcement", 1).await, house.send("emergency", 1).await);
    house.drain().await;
    house.turn(Duration::from_hours(10));
    house.drain().await;
    assert_eq!(attempts(&house, over).await.len(), 1);
    assert_eq!(house.message(over).await.counts.all.unknown, 1, "expired would say less");
    assert_eq!(attempts(&house, routine).await.len(), 2);
});

on_both!(more_than_one_step_takes_is_repeated_to_the_last, |db| async {
    const MORE: i64 = 1_200;
    let mut house = House::new(db.clone()).await;
    house.sandbox("silent", 10, json!({"outcome": "unknown"})).await;
    let id = house.send("emergency", 1).await;
    house.drain().await;
    // As many as a provider would never be silent to in a row: it would be left alone.
    let more = format!(
        "WITH RECURSIVE more(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM more WHERE n < {MORE})
         INSERT INTO delivery (message_id, channel, outlet, lane, target, address_kind, address, state, reason, due_at,
            attempts, provider_id, updated_at, repeat_at)
         SELECT message_id, channel, outlet, lane, -n, address_kind, address, state, reason, due_at, attempts,
            provider_id, updated_at, repeat_at FROM delivery, more;
         UPDATE message_count SET unknown = {MORE} + 1",
    );
    execute(&db, &more).await;
    house.turn(Duration::from_mins(1));
    assert_eq!(unanswered::repeat(&house.s).await.unwrap() as i64, MORE + 1);
    let steps = [json!({"n": 1_000}), json!({"n": MORE + 1 - 1_000})];
    assert_eq!(
        house.timeline(id, "unanswered_repeated").await,
        steps,
        "in steps, so that others get in between"
    );
    let message = house.message(id).await;
    assert_eq!((message.status, message.counts.all.pending), (Status::Sending, MORE + 1));
});
