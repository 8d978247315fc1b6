use std::collections::BTreeMap;

use belltower::domain::channel::ChannelKind;
use belltower::domain::delivery::State;
use belltower::domain::id::MessageId;
use belltower::store::counters::{Deltas, Moves, count, count_day};

use super::deliveries::{counts, sending};
use super::execute;
use crate::support::on_both;

const DAY: &str = "2026-09-21";

on_both!(counters_move_together_and_days_add_up, |db| async {
    sending(&db).await;
    let mut deltas = Deltas::default();
    deltas.shift(State::Pending, State::Expired, 8);
    let moves = Moves::from([((MessageId(1), ChannelKind::Email), deltas)]);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(count(&mut tx, &moves).await.unwrap(), [MessageId(1)]);
    for _ in 0..2 {
        count_day(&mut tx, DAY, &BTreeMap::from([((1, 5), 8)])).await.unwrap();
    }
    execute(&mut tx, "CREATE TABLE probe (n BIGINT)").await;
    execute(&mut tx, "INSERT INTO probe SELECT n FROM day_count").await;
    tx.commit().await.unwrap();
    assert_eq!(counts(&db).await.expired, 8);
    assert_eq!(crate::store::numbers(&db).await, [16]);
});
