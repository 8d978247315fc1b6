//! Addresses that stop working by and by, and people who answer.

use std::time::Duration;

use belltower::channel::Event;
use belltower::dispatch::Dispatcher;
use belltower::domain::channel::AddressKind;
use belltower::domain::provider::ProviderKind;
use belltower::domain::suppression::Cause;
use belltower::lifecycle::{Ending, Lifecycle};
use belltower::service::callback_events::{handle, list_replies, prune};
use belltower::service::suppressions;
use belltower::simulator::{Faults, Reply};
use serde_json::json;

use super::failover::relay;
use super::{House, owner};
use crate::support::on_both;

on_both!(a_mailbox_that_stays_full_is_left_alone_in_the_end, |db| async {
    let mut house = House::new(db).await;
    let (_relay, settings) =
        relay(Faults::default().refusing("full*", Reply::new(552, "5.2.2 mailbox full"))).await;
    house.provider("relay", 10, ProviderKind::Smtp, settings).await;
    let to = ["full@campus.example".to_owned()];
    for n in 1..=3 {
        let id = house.send_to("announcement", &to).await;
        house.drain().await;
        assert_eq!(house.message(id).await.counts.all.failed, 1, "the {n}. is tried");
        house.turn(Duration::from_hours(24));
    }
    let [entry] = &suppressions::list(&house.s, &owner(), None, None, 10).await.unwrap()[..] else {
        panic!("one")
    };
    assert_eq!((entry.cause, entry.note.as_str()), (Cause::Bounced, "552 5.2.2 · mailbox full"));
    let id = house.send_to("announcement", &to).await;
    house.drain().await;
    let [delivery] = &house.deliveries(id).await[..] else { panic!("one") };
    assert_eq!(delivery.facts.reason.as_deref(), Some("bounced_before"));
});

on_both!(full_mailboxes_are_forgiven_where_the_policy_says_so, |db| async {
    let mut house = House::new(db).await;
    let (_relay, settings) =
        relay(Faults::default().refusing("full*", Reply::new(552, "5.2.2 mailbox full"))).await;
    house.provider("relay", 10, ProviderKind::Smtp, settings).await;
    house.policy(json!({"suppression": {"soft_bounces": {"after": 2, "within_days": 1}}})).await;
    for _ in 0..4 {
        house.send_to("announcement", &["full@campus.example".to_owned()]).await;
        house.drain().await;
        house.turn(Duration::from_hours(25));
    }
    assert!(suppressions::list(&house.s, &owner(), None, None, 10).await.unwrap().is_empty());
});

on_both!(who_answers_that_it_is_enough_is_spared, |db| async {
    let house = House::new(db.clone()).await;
    let provider = house.sandbox("gateway", 10, json!({})).await;
    for (number, text) in [("13800000001", "收到，谢谢"), ("+8613800000002", " td "), ("13800000003", "退订")]
    {
        let event = Event::Reply { number: number.to_owned(), text: text.to_owned() };
        let mut tx = db.begin().await.unwrap();
        handle(&house.s, &mut tx, provider, house.s.clock.now(), event).await.unwrap();
        tx.commit().await.unwrap();
    }
    let replies = list_replies(&house.s, &owner(), None, 10).await.unwrap();
    let said: Vec<_> = replies.iter().map(|reply| (reply.number.as_str(), reply.text.as_str())).collect();
    assert_eq!(
        said,
        [("+8613800000003", "退订"), ("+8613800000002", " td "), ("+8613800000001", "收到，谢谢")]
    );
    let rows = belltower::store::suppressions::list(&db, None, None, 10).await.unwrap();
    let spared: Vec<_> = rows.iter().map(|row| (row.kind, row.cause, row.address.as_str())).collect();
    let asked = |number| (AddressKind::Mobile, Cause::Asked, number);
    assert_eq!(spared, [asked("+8613800000003"), asked("+8613800000002")]);
});

on_both!(who_follows_again_is_written_to_again, |db| async {
    let house = House::new(db.clone()).await;
    let provider = house.sandbox("account", 10, json!({})).await;
    let tell = async |event: Event| {
        let mut tx = db.begin().await.unwrap();
        handle(&house.s, &mut tx, provider, house.s.clock.now(), event).await.unwrap();
        tx.commit().await.unwrap();
        belltower::store::suppressions::list(&db, None, None, 10).await.unwrap()
    };
    let openid = || "oABC-1".to_owned();
    let rows = tell(Event::Unfollowed { openid: openid(), at: None }).await;
    assert_eq!((rows[0].kind, rows[0].cause), (AddressKind::WechatOpenid, Cause::Bounced));
    assert!(tell(Event::Followed { openid: openid(), scene: None, at: None }).await.is_empty());
});

on_both!(what_somebody_answered_is_forgotten_after_ninety_days, |db| async {
    let house = House::new(db.clone()).await;
    let provider = house.sandbox("gateway", 10, json!({})).await;
    let event = Event::Reply { number: "13800000001".to_owned(), text: "收到".to_owned() };
    let mut tx = db.begin().await.unwrap();
    handle(&house.s, &mut tx, provider, house.s.clock.now(), event).await.unwrap();
    tx.commit().await.unwrap();
    house.turn(Duration::from_hours(90 * 24));
    assert_eq!(prune(&house.s).await.unwrap(), 0);
    assert_eq!(list_replies(&house.s, &owner(), None, 10).await.unwrap().len(), 1);
    // When the day in Shanghai is over on which it came.
    house.turn(Duration::from_hours(2));
    // By whoever sweeps up, not by somebody who thinks of it.
    let lifecycle = Lifecycle::new();
    Dispatcher::new(house.s.clone()).run(&lifecycle).await.unwrap();
    while !list_replies(&house.s, &owner(), None, 10).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    lifecycle.stop();
    assert_eq!(lifecycle.wait(Duration::from_mins(1)).await, Ending::Finished);
});
