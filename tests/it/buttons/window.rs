//! The time in which a press can be called off.

use std::time::Duration;

use belltower::domain::button::{ButtonTrouble, Led, Signal};
use belltower::store::button_presses::{self, NewPress};

use super::*;
use crate::support::{on_both, services};

fn with_window(seconds: u32) -> ButtonForm {
    ButtonForm { cancel_seconds: Some(seconds), ..form() }
}

on_both!(a_press_waits_its_time_and_goes_out, |db| async {
    let wall = Wall::armed(db, &with_window(10)).await;
    let answer = wall.signal("press", 1).await.expect(202);
    assert_eq!(answer, json!({"led": "accepted"}));
    wall.app.drain().await;
    assert_eq!(wall.broadcasts().await.len(), 0);
    wall.turn(9_999);
    assert_eq!(wall.signal("press", 2).await.expect(202), answer, "one with the first");
    wall.app.drain().await;
    assert_eq!(wall.broadcasts().await.len(), 0);
    wall.turn(1);
    wall.app.drain().await;
    let rows = wall.broadcasts().await;
    assert_eq!((rows.len(), rows[0].state), (1, State::Live));
    assert_eq!(wall.told("图书馆发生火情"), EVERYBODY);
    assert_eq!(wall.signal("press", 1).await.expect(202), answer, "the first answer again");
    // Too late to be called off; the device is told what is so.
    let late = wall.signal("cancel", 3).await.expect(202);
    assert_eq!(late, json!({"broadcast_id": rows[0].id.to_string(), "led": "live"}));
    wall.app.drain().await;
    assert_eq!(wall.broadcasts().await.len(), 1);
});

on_both!(a_press_that_is_called_off_sends_nothing, |db| async {
    let wall = Wall::armed(db, &with_window(5)).await;
    assert_eq!(wall.led("press", 1).await, "accepted");
    wall.turn(4_000);
    assert_eq!(wall.signal("cancel", 2).await.expect(202), json!({"led": "accepted"}));
    wall.turn(MINUTE);
    wall.app.drain().await;
    assert_eq!(wall.broadcasts().await.len(), 0);
    // Pressed once more right afterwards it is meant.
    assert_eq!(wall.led("press", 3).await, "accepted");
    assert_eq!(wall.led("cancel", 4).await, "accepted");
    assert_eq!(wall.led("press", 5).await, "accepted");
    wall.turn(5_000);
    wall.app.drain().await;
    assert_eq!(wall.broadcasts().await.len(), 1);
});

on_both!(a_process_that_dies_in_between_takes_no_press_along, |db| async {
    let wall = Wall::armed(db.clone(), &with_window(10)).await;
    assert_eq!(wall.led("press", 1).await, "accepted");
    // Another process on the same store, which never heard of it.
    let other = services(db);
    other.clock.turn(10_000);
    belltower::dispatch::Dispatcher::new(other.clone()).drain().await.unwrap();
    let rows = wall.broadcasts().await;
    assert_eq!((rows.len(), rows[0].state), (1, State::Live));
    assert_eq!(wall.told("图书馆发生火情"), EVERYBODY);
    // The first comes back and finds it done.
    wall.turn(10_000);
    wall.app.drain().await;
    assert_eq!(wall.broadcasts().await.len(), 1);
    assert_eq!(wall.told("图书馆发生火情"), EVERYBODY);
});

on_both!(a_press_outlives_the_disarming_of_its_button, |db| async {
    let wall = Wall::armed(db, &with_window(10)).await;
    assert_eq!(wall.led("press", 1).await, "accepted");
    buttons::disarm(&wall.app.services, &officer(2), wall.id).await.unwrap();
    wall.turn(10_000);
    wall.app.drain().await;
    assert_eq!(wall.broadcasts().await.len(), 1);
});

on_both!(a_press_of_long_ago_is_given_up_and_told, |db| async {
    let wall = Wall::armed(db, &with_window(5)).await;
    assert_eq!(wall.led("press", 1).await, "accepted");
    wall.turn(10_000);
    assert_eq!(wall.led("hold", 2).await, "accepted");
    // Everything was away, and comes back ten minutes after the first; the second has ten seconds more.
    wall.turn(10 * MINUTE - 10_000);
    wall.app.drain().await;
    let rows = wall.broadcasts().await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].plan.0.place().unwrap().zh, "体育馆");
    assert_eq!(wall.signal("press", 1).await.expect(202), json!({"led": "refused"}), "nothing follows");
    assert_eq!(wall.troubles(0).await, [ButtonTrouble::Offline, ButtonTrouble::Unsent]);
    wall.turn(HOUR);
    wall.app.drain().await;
    assert_eq!(wall.broadcasts().await.len(), 1);
    assert_eq!(wall.led("press", 3).await, "accepted", "a new one is a new one");
    wall.turn(5_000);
    wall.app.drain().await;
    assert_eq!(wall.broadcasts().await.len(), 2);
});

on_both!(a_repeat_after_hours_sends_nothing, |db| async {
    let wall = Wall::armed(db.clone(), &with_window(10)).await;
    let key = buttons::keys(&wall.app.services, &TERMINAL, wall.id).await.unwrap()[0].id;
    let prepared = wall.row().await.armed.unwrap().0.plans[&Gesture::Press].clone();
    for (seq, window) in [(1, 0), (2, 10_000)] {
        // Kept, and then the process was gone before it was sent.
        let now = wall.app.clock.now();
        let new = NewPress {
            button: wall.id,
            key,
            seq,
            signal: Signal::Press,
            at: now,
            said_at: None,
            from: "127.0.0.1",
            led: Led::Accepted,
            joins: None,
            prepared: Some(&prepared),
            due_at: Some(now.plus(Duration::from_millis(window))),
            broadcast: None,
        };
        let mut tx = db.begin().await.unwrap();
        button_presses::insert(&mut tx, &new).await.unwrap();
        tx.commit().await.unwrap();
        wall.turn(3 * HOUR);
        // Its device has repeated it ever since, and comes before whoever looks for what is due.
        assert_eq!(wall.signal("press", seq).await.expect(202), json!({"led": "refused"}));
        assert!(button_presses::waiting(&db, 10).await.unwrap().is_empty());
        wall.app.drain().await;
        assert_eq!(wall.broadcasts().await.len(), 0);
        assert!(wall.troubles(0).await.contains(&ButtonTrouble::Unsent));
    }
});

on_both!(a_cancel_tells_of_an_alert_that_is_going_out_all_the_same, |db| async {
    let wall = Wall::armed(db, &with_window(5)).await;
    assert_eq!(wall.led("press", 1).await, "accepted");
    wall.turn(5_000);
    wall.app.drain().await;
    let library = wall.broadcasts().await.remove(0).id;
    wall.turn(10_000);
    assert_eq!(wall.led("hold", 2).await, "accepted");
    let answer = wall.signal("cancel", 3).await.expect(202);
    assert_eq!(answer, json!({"broadcast_id": library.to_string(), "led": "live"}));
    wall.turn(5_000);
    wall.app.drain().await;
    assert_eq!(wall.broadcasts().await.len(), 1, "the second was called off");
    broadcasts::stop(&wall.app.services, &TERMINAL, None, library, "").await.unwrap();
    assert_eq!(wall.led("cancel", 4).await, "refused", "there is nothing any more");
});

on_both!(a_press_can_be_called_off_whatever_became_of_its_button, |db| async {
    let wall = Wall::armed(db, &with_window(10)).await;
    let s = &wall.app.services;
    let other = ButtonForm { place: "图书馆二层".to_owned(), ..with_window(10) };
    for (round, became) in ["disarmed", "changed", "test", "revoked"].into_iter().enumerate() {
        let seq = i64::try_from(round).unwrap() * 10;
        assert_eq!(wall.led("press", seq + 1).await, "accepted");
        match became {
            "disarmed" => buttons::disarm(s, &officer(2), wall.id).await.unwrap(),
            "changed" => {
                let version = wall.row().await.version;
                buttons::change(s, &officer(1), wall.id, version, &other).await.map(drop).unwrap();
            }
            "test" => buttons::try_out(s, &officer(1), wall.id).await.unwrap(),
            _ => buttons::revoke(s, &officer(1), wall.id, "图书馆总服务台").await.unwrap(),
        }
        assert_eq!(wall.signal("cancel", seq + 2).await.expect(202), json!({"led": "accepted"}), "{became}");
        let then = if became == "test" { "test_ok" } else { "refused" };
        assert_eq!(wall.led("cancel", seq + 3).await, then, "{became}");
        wall.turn(MINUTE);
        wall.app.drain().await;
        assert_eq!(wall.broadcasts().await.len(), 0, "{became}");
        if became != "revoked" {
            wall.arm().await;
        }
    }
});
