use belltower::clock::Timestamp;
use belltower::domain::delivery::State;
use belltower::domain::emergency::Part;
use belltower::domain::id::{MessageId, RecipientId};
use belltower::domain::message::Status;
use belltower::store::broadcasts::add_message;
use belltower::store::messages::NewMessage;
use belltower::store::restoring::{
    calm, forget_visitors, hold_unplanned, later, latest, latest_act, latest_in, move_ids_ahead, remember,
    set_aside,
};
use belltower::store::sessions::{self, State as SessionState};
use belltower::store::{Db, attention, audit, reports};
use serde_json::json;

use super::deliveries::{DAY, NOW, counts, sending, take};
use super::messages::{keep, message, sources};
use super::planning::status;
use super::{broadcasts, button_presses, buttons, execute};
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
    let consent = "
        INSERT INTO recipient (id, campus_id, name, attributes, active, created_at, updated_at)
        VALUES (11, '2024001', '李伟', '{}', TRUE, 0, 0);
        INSERT INTO reading_consent (recipient_id, terms, given_at) VALUES (11, 1, 5)";
    execute(&mut tx, consent).await;
    assert_eq!(forget_visitors(&mut tx).await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert!(sessions::find(&db, &[1; 32], Timestamp(50)).await.unwrap().is_none());
    assert_eq!(belltower::store::nodes::list(&db, Timestamp(0)).await.unwrap().len(), 0);
    let consent = belltower::store::reading::consent(&db, RecipientId(11)).await.unwrap();
    assert_eq!(consent, None, "it may have been withdrawn since");
});

/// Tables that draw ids of their own, and what they gave out last.
async fn given_out(db: &Db) -> Vec<(String, i64)> {
    match db {
        Db::Sqlite { readers, .. } => {
            let text = "SELECT name, seq FROM sqlite_sequence ORDER BY name";
            sqlx::query_as(text).fetch_all(readers).await.unwrap()
        }
        Db::Postgres(pool) => {
            let text = "SELECT CAST(t.tablename AS text), COALESCE(pg_sequence_last_value(c.oid), 0)
                FROM pg_tables t JOIN pg_class c ON c.relname = t.tablename || '_id_seq' AND c.relkind = 'S'
                WHERE t.schemaname = 'public' ORDER BY 1";
            sqlx::query_as(text).fetch_all(pool).await.unwrap()
        }
    }
}

on_both!(ids_that_leave_the_house_go_on_far_ahead, |db| async {
    sending(&db).await;
    let button = buttons::add(&db, "one more").await;
    let ahead = async |gap, floor| {
        let mut tx = db.begin().await.unwrap();
        move_ids_ahead(&mut tx, gap, floor).await.unwrap();
        tx.commit().await.unwrap();
    };
    ahead(1_000, 0).await;
    assert_eq!(buttons::add(&db, "next").await.0, button.0 + 1_001);
    ahead(1_000, 5_000_000).await;
    assert_eq!(buttons::add(&db, "next but one").await.0, 5_000_001);
    let moved: Vec<_> = given_out(&db).await.into_iter().filter(|(_, last)| *last >= 5_000_000).collect();
    let names: Vec<_> = moved.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "alarm",
        "api_key",
        "broadcast",
        "button",
        "button_key",
        "button_press",
        "delivery",
        "draft",
        "import",
        "operator",
        "provider",
        "receipt",
        "recipient",
        "recipient_group",
        "registration",
        "rights_request",
        "role",
        "scenario",
        "scenario_change",
        "source",
        "subscription",
        "subscription_event",
        "subscription_handing",
        "suppression",
    ];
    assert_eq!(names, expected);
});

on_both!(a_store_remembers_by_which_act_it_was_restored_last, |db| async {
    assert!(latest(&db).await.unwrap().is_none());
    for (at, seal) in [(7, "one"), (9, "two")] {
        let mut tx = db.begin().await.unwrap();
        assert_eq!(latest_act(&mut tx, "backup.restore").await.unwrap().is_some(), at > 7);
        audit::append(&mut tx, Timestamp(at), "restore", "backup.restore", "", &json!({})).await.unwrap();
        let act = latest_act(&mut tx, "backup.restore").await.unwrap().unwrap();
        audit::append(&mut tx, Timestamp(at + 1), "restore", "backup.make", "", &json!({})).await.unwrap();
        remember(&mut tx, act, seal).await.unwrap();
        let within = latest_in(&mut tx).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        let row = latest(&db).await.unwrap().unwrap();
        assert_eq!((row.act, row.at, row.place, row.seal.as_str()), (act, Timestamp(at), None, seal));
        assert_eq!((within.act, within.seal), (row.act, row.seal));
    }
});

on_both!(what_waits_for_a_later_moment_is_counted_and_of_broadcasts_nothing_does, |db| async {
    sending(&db).await;
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE delivery SET due_at = 90000 WHERE state = 0").await;
    tx.commit().await.unwrap();
    let scheduled =
        |id, send_at| NewMessage { status: Status::Scheduled, send_at: Timestamp(send_at), ..message(id) };
    let of_a_test_key = NewMessage { test: true, ..scheduled(4, 30_000) };
    keep(&db, &[scheduled(2, 80_000), scheduled(3, 70_000), of_a_test_key]).await;
    let row = later(&db, NOW).await.unwrap();
    assert_eq!((row.messages, row.deliveries, row.first_at), (2, 8, Some(Timestamp(70_000))));
    let row = later(&db, Timestamp(80_000)).await.unwrap();
    assert_eq!((row.messages, row.deliveries, row.first_at), (0, 8, Some(Timestamp(90_000))));
    let row = later(&db, Timestamp(90_000)).await.unwrap();
    assert_eq!((row.messages, row.deliveries, row.first_at), (0, 0, None));

    // Somebody may have stopped it since.
    let broadcast = broadcasts::live(&db, "live fire").await;
    let mut tx = db.begin().await.unwrap();
    for id in [1, 2] {
        add_message(&mut tx, broadcast, Part::Alert, MessageId(id)).await.unwrap();
    }
    assert_eq!(hold_unplanned(&mut tx, NOW).await.unwrap(), [MessageId(2)]);
    assert_eq!(set_aside(&mut tx, NOW, DAY, 100).await.unwrap().n, 8);
    tx.commit().await.unwrap();
    let row = later(&db, NOW).await.unwrap();
    assert_eq!((row.messages, row.deliveries, row.first_at), (1, 0, Some(Timestamp(70_000))));
});
