use belltower::clock::Timestamp;
use belltower::domain::answer::{Answered, Via};
use belltower::domain::channel::AddressKind;
use belltower::domain::delivery::State;
use belltower::domain::id::{DeliveryId, MessageId};
use belltower::store::answers::{Asked, NewAnswer, ask, counts, delivery_to, insert};
use belltower::store::deliveries::Settlement;
use belltower::store::history::{DeliveryFilter, deliveries, find_delivery};
use belltower::store::{Db, erasure};

use super::deliveries::{sending, settlement, store, take};
use super::execute;
use super::messages::{keep, message, sources};
use crate::support::on_both;

const MESSAGE: MessageId = MessageId(1);

/// A message by WeCom: to Li, whose id is written otherwise by now, to two people with one id, to somebody outside the
/// directory, and to somebody who was not handed it yet.
async fn cards(db: &Db) {
    sources(db).await;
    keep(db, &[message(1), message(2)]).await;
    let mut tx = db.begin().await.unwrap();
    let text = "
        INSERT INTO recipient (id, campus_id, name, wecom_userid, attributes, active, created_at, updated_at)
        VALUES (11, '1', '李娜', 'LiNa', '{}', TRUE, 0, 0), (12, '2', '王强', 'wang', '{}', TRUE, 0, 0),
            (13, '3', '王芳', 'Wang', '{}', TRUE, 0, 0), (14, '4', '赵敏', 'zhao', '{}', TRUE, 0, 0);
        INSERT INTO delivery (id, message_id, channel, outlet, lane, target, recipient_id, address_kind, address, name,
          state, due_at, attempts, updated_at)
        VALUES
          (101, 1, 3, 3, 2, 11, 11, 3, 'lina', '李娜', 1, 5, 1, 6), (102, 1, 3, 3, 2, 13, 13, 3, 'Wang', '王芳', 2, 5, 1, 6),
          (103, 1, 3, 3, 2, 12, 12, 3, 'wang', '王强', 2, 5, 1, 6), (104, 1, 3, 3, 2, 14, 14, 3, 'zhao', '赵敏', 0, 5, 0, 6),
          (105, 1, 3, 3, 2, -7, NULL, 3, 'guest', NULL, 2, 5, 1, 6), (106, 2, 3, 3, 2, 14, 14, 3, 'zhao', '赵敏', 2, 5, 1, 6)";
    execute(&mut tx, text).await;
    tx.commit().await.unwrap();
}

fn answer(delivery: i64, choice: &'static str, shown: &'static str, at: i64) -> NewAnswer<'static> {
    let at = Timestamp(at);
    NewAnswer { delivery: DeliveryId(delivery), message: MESSAGE, choice, shown, via: Via::Card, at }
}

async fn kept(db: &Db, new: NewAnswer<'_>) -> bool {
    let mut tx = db.begin().await.unwrap();
    let kept = insert(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    kept
}

async fn asked(db: &Db, ids: &[i64]) {
    let mut tx = db.begin().await.unwrap();
    let asked: Vec<_> = ids.iter().map(|id| Asked { delivery_id: *id, message_id: 1 }).collect();
    ask(&mut tx, &asked).await.unwrap();
    tx.commit().await.unwrap();
}

async fn counted(db: &Db) -> Vec<(Option<String>, Option<String>, i64)> {
    let mut rows = counts(db, MESSAGE).await.unwrap();
    // Databases differ about where nothing stands.
    rows.sort_by(|a, b| a.choice.cmp(&b.choice));
    rows.into_iter().map(|row| (row.choice, row.shown, row.n)).collect()
}

on_both!(a_delivery_is_found_by_its_message_and_member_in_any_case, |db| async {
    cards(&db).await;
    for (message, member, expected) in [
        (1, "LINA", Some(101)),
        (1, "WaNg", Some(103)),
        (1, "GUEST", Some(105)),
        (1, "zhao", None),
        (2, "zhao", Some(106)),
        (2, "lina", None),
        (3, "lina", None),
    ] {
        let mut tx = db.begin().await.unwrap();
        let found = delivery_to(&mut tx, MessageId(message), AddressKind::WecomUserid, member).await.unwrap();
        assert_eq!(found.map(|id| id.0), expected, "{message} {member}");
        let other =
            delivery_to(&mut tx, MessageId(message), AddressKind::WechatOpenid, member).await.unwrap();
        assert_eq!(other, None, "{member} is no openid");
        tx.commit().await.unwrap();
    }
});

on_both!(the_latest_answer_stands_however_often_and_in_whatever_order_they_come, |db| async {
    cards(&db).await;
    assert!(kept(&db, answer(101, "received", "收到", 5_000)).await, "before anybody knows that it asks");
    assert!(!kept(&db, answer(101, "received", "收到", 5_000)).await, "it came again");
    asked(&db, &[101, 102, 103]).await;
    assert!(!kept(&db, answer(101, "help", "需要帮助", 4_000)).await, "they said that before");
    assert!(kept(&db, answer(101, "help", "需要帮助", 6_000)).await);
    assert!(!kept(&db, answer(101, "received", "收到", 5_000)).await);
    // Of two of one second a call for help stands, and what came again is no news.
    assert!(!kept(&db, answer(101, "received", "收到", 6_000)).await);
    assert!(kept(&db, answer(102, "safe", "我安全", 6_000)).await);
    assert!(kept(&db, answer(102, "help", "需要帮助", 6_000)).await);
    for (choice, shown) in [("safe", "我安全"), ("help", "需要帮助")] {
        assert!(!kept(&db, answer(102, choice, shown, 6_000)).await, "{choice}");
    }
    asked(&db, &[101]).await;
    let row = find_delivery(&db, DeliveryId(101)).await.unwrap().unwrap();
    assert_eq!((row.choice.as_deref(), row.shown.as_deref()), (Some("help"), Some("需要帮助")));
    assert_eq!((row.asked, row.via, row.answered_at), (true, Some(Via::Card), Some(Timestamp(6_000))));
    assert!(!find_delivery(&db, DeliveryId(104)).await.unwrap().unwrap().asked);
});

on_both!(answers_are_counted_by_key_and_words_and_narrow_the_list, |db| async {
    cards(&db).await;
    asked(&db, &[101, 102, 103, 105]).await;
    kept(&db, answer(101, "received", "收到", 5)).await;
    kept(&db, answer(102, "received", "Received", 5)).await;
    kept(&db, answer(103, "received", "收到", 5)).await;
    let said = |choice: &str, shown: &str, n| (Some(choice.to_owned()), Some(shown.to_owned()), n);
    assert_eq!(
        counted(&db).await,
        [(None, None, 1), said("received", "收到", 2), said("received", "Received", 1)]
    );
    assert!(counts(&db, MessageId(2)).await.unwrap().is_empty());
    for (wanted, expected) in [
        (Answered::With("received".to_owned()), vec![101, 103, 102]),
        (Answered::With("help".to_owned()), vec![]),
        (Answered::NotYet, vec![105]),
    ] {
        let filter = DeliveryFilter { answer: Some(wanted.clone()), ..DeliveryFilter::default() };
        let rows = deliveries(&db, MESSAGE, &filter, None, 10).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.id.0).collect::<Vec<_>>(), expected, "{wanted:?}");
    }
});

on_both!(what_a_provider_took_with_a_question_is_known_to_ask, |db| async {
    sending(&db).await;
    let claimed = take(&db, 2).await;
    let settlements: Vec<_> = claimed
        .iter()
        .zip([true, false])
        .map(|(claimed, asked)| Settlement { asked, ..settlement(claimed, State::Sent) })
        .collect();
    for _ in 0..2 {
        store(&db, &settlements).await;
    }
    for (claimed, asks) in claimed.iter().zip([true, false]) {
        assert_eq!(find_delivery(&db, claimed.id).await.unwrap().unwrap().asked, asks);
    }
    assert_eq!(counted(&db).await, [(None, None, 1)]);
});

on_both!(an_answer_is_forgotten_with_its_delivery, |db| async {
    cards(&db).await;
    asked(&db, &[101, 102]).await;
    kept(&db, answer(101, "help", "需要帮助", 5)).await;
    let mut tx = db.begin().await.unwrap();
    erasure::blank(&mut tx, &[DeliveryId(101)], Timestamp(9), "2026-09-21").await.unwrap();
    assert_eq!(delivery_to(&mut tx, MESSAGE, AddressKind::WecomUserid, "lina").await.unwrap(), None);
    tx.commit().await.unwrap();
    assert_eq!(counted(&db).await, [(None, None, 1)]);
});
