use belltower::clock::Timestamp;
use belltower::domain::delivery::State;
use belltower::domain::id::MessageId;
use belltower::domain::message::Status;
use belltower::store::messages::NewMessage;
use belltower::store::restoring::{calm, forget_visitors, hold_unplanned, set_aside};
use belltower::store::sessions::{self, State as SessionState};
use belltower::store::{attention, reports};

use super::deliveries::{DAY, NOW, counts, sending, take};
use super::messages::{keep, message, sources};
use super::planning::status;
use super::{broadcasts, button_presses, execute};
use crate::support::on_both;

on_both!(what_was_to_be_planned_is_held_and_what_is_not_yet_due_waits, |db| async {
    sources(&db).await;
    let scheduled = NewMessage { status: Status::Scheduled, send_at: Timestamp(90_000), ..message(2) };
    let of_a_test_key = NewMessage { test: true, ..message(3) };
    keep(&db, &[message(1), scheduled, of_a_test_key, message(4)]).await;
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE message SET status = 2, lease_owner = 3, lease_until = 99000 WHERE id = 4")
        .await;
    let mut held = hold_unplanned(&mut tx, NOW).await.unwrap();
    tx.commit().await.unwrap();
    held.sort_unstable();
    assert_eq!(held, [MessageId(1), MessageId(4)]);
    let mut all = Vec::new();
    for id in 1..=4 {
        all.push(status(&db, id).await);
    }
    assert_eq!(all, [Status::Held, Status::Scheduled, Status::Accepted, Status::Held]);
});

on_both!(what_was_under_way_is_unknown_and_counted_and_needs_somebody, |db| async {
    sending(&db).await;
    take(&db, 2).await;
    let mut tx = db.begin().await.unwrap();
    execute(
        &mut tx,
        "UPDATE delivery SET due_at = 90000 WHERE id = (SELECT max(id) FROM delivery WHERE state = 0)",
    )
    .await;
    tx.commit().await.unwrap();
    let mut done = Vec::new();
    loop {
        let mut tx = db.begin().await.unwrap();
        let chunk = set_aside(&mut tx, NOW, DAY, 3).await.unwrap();
        tx.commit().await.unwrap();
        done.push((chunk.n, chunk.closed));
        if done.last().is_some_and(|(n, _)| *n == 0) {
            break;
        }
    }
    assert_eq!(done, [(5, vec![]), (2, vec![]), (0, vec![])], "two in hand, five due, one that is not yet");
    let row = counts(&db).await;
    assert_eq!((row.unknown, row.pending, row.sending), (7, 1, 0));
    assert_eq!(attention::count(&db, 100, None).await.unwrap(), 7);
    let groups = attention::groups(&db, 10, 100, None).await.unwrap();
    assert_eq!(groups.iter().map(|group| group.trouble.as_str()).collect::<Vec<_>>(), ["8:1:0:restored:"]);
    let today = reports::day_counts(&db, DAY).await.unwrap();
    let unknown = today.iter().find(|day| day.state == State::Unknown).unwrap();
    assert_eq!(unknown.n, 7);

    let mut tx = db.begin().await.unwrap();
    let last = set_aside(&mut tx, Timestamp(90_000), DAY, 3).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((last.n, last.closed), (1, vec![MessageId(1)]), "nothing of it is open any more");
});

on_both!(nothing_goes_on_by_itself, |db| async {
    sending(&db).await;
    let press = button_presses::waiting_press(&db, 15).await;
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE delivery SET repeat_at = 5 WHERE id IN (SELECT max(id) FROM delivery)").await;
    let done = calm(&mut tx, NOW).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(done, [1, 0, 1, 0]);
    let press = belltower::store::button_presses::find(&db, press).await.unwrap().unwrap();
    assert_eq!((press.due_at, press.cancelled_at), (None, Some(NOW)));
    let broadcast = broadcasts::escalating(&db, 300, 500).await;
    let mut tx = db.begin().await.unwrap();
    assert_eq!(calm(&mut tx, NOW).await.unwrap(), [0, 1, 0, 0]);
    tx.commit().await.unwrap();
    let row = belltower::store::broadcasts::find(&db, broadcast).await.unwrap().unwrap();
    assert_eq!(row.next_at, Some(Timestamp(500)), "it ends when its time is over");
});

on_both!(whoever_was_signed_in_is_not, |db| async {
    let mut tx = db.begin().await.unwrap();
    for n in [1, 2] {
        sessions::insert(&mut tx, &[n; 32], None, &SessionState::new(), Timestamp(10), Timestamp(100))
            .await
            .unwrap();
    }
    execute(&mut tx, "INSERT INTO node (id, facts, seen_at) VALUES (1, '{}', 5)").await;
    assert_eq!(forget_visitors(&mut tx).await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert!(sessions::find(&db, &[1; 32], Timestamp(50)).await.unwrap().is_none());
    assert_eq!(belltower::store::nodes::list(&db, Timestamp(0)).await.unwrap().len(), 0);
});
