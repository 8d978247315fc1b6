use belltower::clock::Timestamp;
use belltower::domain::id::{DeliveryId, ProviderId};
use belltower::store::Db;
use belltower::store::card_updates::{NewUpdate, UpdateRow, any_due, claim, insert, put_off, remove};
use belltower::store::erasure::blank;

use super::deliveries::{sending, take};
use super::{execute, providers};
use crate::support::on_both;

const LATER: Timestamp = Timestamp(60_000);

fn update(delivery: DeliveryId, provider: ProviderId, response_code: &str) -> NewUpdate<'_> {
    NewUpdate { delivery, provider, member: "lina", response_code, until: Timestamp(99_000), shown: "收到" }
}

/// Two deliveries whose cards are to be changed from 5 and 6 on.
async fn due(db: &Db) -> (Vec<DeliveryId>, ProviderId) {
    let provider = providers::add(db, providers::data("corp")).await.unwrap();
    sending(db).await;
    let ids: Vec<_> = take(db, 2).await.into_iter().map(|claimed| claimed.id).collect();
    let mut tx = db.begin().await.unwrap();
    for (at, id) in [(5, ids[0]), (6, ids[1])] {
        insert(&mut tx, &update(id, provider, "code-1"), Timestamp(at)).await.unwrap();
    }
    tx.commit().await.unwrap();
    (ids, provider)
}

async fn taken(db: &Db, now: i64) -> Vec<UpdateRow> {
    let mut tx = db.begin().await.unwrap();
    let mut rows = claim(&mut tx, Timestamp(now), LATER, 10).await.unwrap();
    tx.commit().await.unwrap();
    rows.sort_by_key(|row| row.delivery_id);
    rows
}

on_both!(a_card_is_in_one_hand_at_a_time, |db| async {
    let (ids, _) = due(&db).await;
    assert!(!any_due(&db, Timestamp(4)).await.unwrap() && any_due(&db, Timestamp(5)).await.unwrap());
    let first = taken(&db, 5).await;
    assert_eq!(first.len(), 1, "the other is not due");
    let row = &first[0];
    assert_eq!((row.delivery_id, row.tries, row.until), (ids[0], 1, Timestamp(99_000)));
    assert_eq!((&*row.member, &*row.response_code, &*row.shown), ("lina", "code-1", "收到"));
    assert_eq!(taken(&db, 59_999).await.len(), 1, "the first is still in hand");
    assert_eq!(taken(&db, 60_000).await[0].tries, 2, "whoever had it is gone");
});

on_both!(a_card_is_done_with_or_put_off, |db| async {
    let (ids, _) = due(&db).await;
    let rows = taken(&db, 6).await;
    let mut tx = db.begin().await.unwrap();
    remove(&mut tx, &rows[0]).await.unwrap();
    put_off(&mut tx, &rows[1], Timestamp(70)).await.unwrap();
    tx.commit().await.unwrap();
    assert!(taken(&db, 69).await.is_empty());
    let again = taken(&db, 70_000).await;
    assert_eq!(again.iter().map(|row| (row.delivery_id, row.tries)).collect::<Vec<_>>(), [(ids[1], 2)]);
});

on_both!(a_later_answer_takes_the_place_of_one_that_is_not_shown_yet, |db| async {
    let (ids, provider) = due(&db).await;
    let rows = taken(&db, 6).await;
    let mut tx = db.begin().await.unwrap();
    let later = NewUpdate { shown: "需要帮助", ..update(ids[0], provider, "code-2") };
    insert(&mut tx, &later, Timestamp(8)).await.unwrap();
    // Whoever had the earlier one in hand comes back.
    remove(&mut tx, &rows[0]).await.unwrap();
    put_off(&mut tx, &rows[0], LATER).await.unwrap();
    tx.commit().await.unwrap();
    let left = taken(&db, 8).await;
    assert_eq!((left.len(), &*left[0].response_code, &*left[0].shown), (1, "code-2", "需要帮助"));
    assert_eq!(left[0].tries, 1);
});

on_both!(no_card_of_somebody_forgotten_is_changed, |db| async {
    let (ids, _) = due(&db).await;
    let mut tx = db.begin().await.unwrap();
    blank(&mut tx, &ids[..1], Timestamp(9), "2026-09-21").await.unwrap();
    tx.commit().await.unwrap();
    let left = taken(&db, 10).await;
    assert_eq!(left.iter().map(|row| row.delivery_id).collect::<Vec<_>>(), [ids[1]]);
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "DELETE FROM delivery").await;
    tx.commit().await.unwrap();
    assert!(taken(&db, 70_000).await.is_empty(), "it goes with its delivery");
});
