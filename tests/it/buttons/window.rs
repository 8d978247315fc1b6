//! The time in which a press can be called off.

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
