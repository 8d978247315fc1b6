//! What is told of buttons, with the clock turned.

use belltower::domain::alarm::Matter;
use belltower::domain::button::ButtonTrouble;
use belltower::service::alarms;
use belltower::store::button_presses;

use super::*;
use crate::support::on_both;

impl Wall {
    /// What ails it, after that much time.
    pub(super) async fn troubles(&self, later: i64) -> Vec<ButtonTrouble> {
        self.turn(later);
        let s = &self.app.services;
        alarms::check(s).await.unwrap();
        let open = alarms::open(s, &TERMINAL).await.unwrap();
        let trouble = |matter: &Matter| match matter {
            Matter::Button { id, trouble, .. } if *id == self.id => Some(*trouble),
            _ => None,
        };
        let mut found: Vec<_> = open.iter().filter_map(|row| trouble(&row.matter.0)).collect();
        found.sort();
        found
    }
}

on_both!(a_button_on_mains_is_missed_after_three_minutes_and_comes_back, |db| async {
    let wall = Wall::registered(db, &form()).await;
    assert_eq!(wall.troubles(HOUR).await, [], "it is not in use");
    wall.arm().await;
    assert_eq!(wall.led("heartbeat", 1).await, "accepted");
    assert_eq!(wall.troubles(3 * MINUTE).await, []);
    assert_eq!(wall.troubles(MINUTE).await, [ButtonTrouble::Offline]);
    let open = alarms::open(&wall.app.services, &TERMINAL).await.unwrap();
    let row = open.iter().find(|row| matches!(row.matter.0, Matter::Button { .. })).unwrap();
    assert_eq!(row.severity.name(), "act");
    assert_eq!(wall.led("heartbeat", 2).await, "accepted");
    assert_eq!(wall.troubles(MINUTE).await, [ButtonTrouble::Offline], "it may go again");
    for seq in 3..9 {
        assert_eq!(wall.led("heartbeat", seq).await, "accepted");
        wall.turn(MINUTE);
    }
    assert_eq!(wall.troubles(MINUTE).await, []);
    // A heartbeat that is refused is none.
    wall.turn(MINUTE);
    wall.signal("heartbeat", 2).await.problem(409, "seq_old");
    assert_eq!(wall.troubles(3 * MINUTE).await, [ButtonTrouble::Offline]);
    buttons::disarm(&wall.app.services, &officer(1), wall.id).await.unwrap();
    wall.troubles(MINUTE).await;
    assert_eq!(wall.troubles(6 * MINUTE).await, []);
});

on_both!(a_battery_is_heard_of_every_six_hours_and_runs_down, |db| async {
    let wall = Wall::armed(db, &ButtonForm { power: Some(Power::Battery), ..form() }).await;
    let beat = async |seq, battery| {
        let body = json!({"kind": "heartbeat", "seq": seq, "battery": battery, "firmware": "2.1"});
        wall.say(body).await.expect(202);
    };
    beat(1, 21).await;
    assert_eq!(wall.troubles(18 * HOUR).await, []);
    assert_eq!(wall.troubles(MINUTE).await, [ButtonTrouble::Offline]);
    beat(2, 20).await;
    assert_eq!(wall.troubles(6 * MINUTE).await, [ButtonTrouble::Battery]);
    beat(3, 24).await;
    assert_eq!(wall.troubles(10 * MINUTE).await, [ButtonTrouble::Battery], "it warmed up");
    beat(4, 100).await;
    assert_eq!(wall.troubles(10 * MINUTE).await, []);
    let row = wall.row().await;
    assert_eq!((row.battery, row.firmware.as_deref()), (Some(100), Some("2.1")));
});

on_both!(a_test_is_due_each_week, |db| async {
    let wall = Wall::armed(db, &ButtonForm { power: Some(Power::Battery), ..form() }).await;
    let mut seq = 0;
    let mut wait = async |days: i64| {
        for _ in 0..days * 2 {
            seq += 1;
            wall.signal("heartbeat", seq).await.expect(202);
            wall.turn(DAY / 2);
        }
        seq
    };
    wait(6).await;
    assert_eq!(wall.troubles(0).await, []);
    let last = wait(1).await;
    assert_eq!(wall.troubles(0).await, [ButtonTrouble::TestDue]);
    assert_eq!(wall.led("test", last + 1).await, "test_ok");
    assert_eq!(wall.troubles(6 * MINUTE).await, []);
    assert_eq!(wall.broadcasts().await.len(), 0);
});

on_both!(a_press_that_goes_nowhere_is_told, |db| async {
    let wall = Wall::armed(db.clone(), &ButtonForm { cancel_seconds: Some(10), ..form() }).await;
    assert_eq!(wall.led("press", 1).await, "accepted");
    // No dispatcher takes it: the alarm does not depend on one.
    wall.turn(31_000);
    assert_eq!(wall.troubles(0).await, [ButtonTrouble::Unsent]);
    wall.app.drain().await;
    assert_eq!(wall.broadcasts().await.len(), 1);
    wall.led("heartbeat", 2).await;
    wall.troubles(MINUTE).await;
    wall.led("heartbeat", 3).await;
    wall.turn(2 * MINUTE);
    wall.led("heartbeat", 4).await;
    wall.turn(2 * MINUTE);
    wall.led("heartbeat", 5).await;
    assert_eq!(wall.troubles(MINUTE).await, []);
    assert!(button_presses::due(&db, wall.app.clock.now(), 10).await.unwrap().is_empty());
});

on_both!(a_button_whose_scenario_lost_a_choice_is_told, |db| async {
    let wall = Wall::armed(db.clone(), &form()).await;
    wall.led("heartbeat", 1).await;
    assert_eq!(wall.troubles(0).await, []);
    let mut tx = db.begin().await.unwrap();
    belltower::store::scenarios::retire(&mut tx, "fire", 1, "test", wall.app.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(wall.troubles(MINUTE).await, [ButtonTrouble::Outdated]);
    let version = wall.row().await.version;
    buttons::disarm(&wall.app.services, &officer(1), wall.id).await.unwrap();
    assert_eq!(
        conflict(buttons::ask(&wall.app.services, &officer(1), wall.id, version + 1).await),
        "button_outdated"
    );
});

/// So many seconds from now.
fn at(wall: &Wall, seconds: i64) -> Value {
    let at = jiff::Timestamp::from_millisecond(wall.app.clock.now().0 + seconds * 1_000).unwrap();
    json!(at.to_string())
}

on_both!(a_press_that_was_refused_is_told_for_a_day, |db| async {
    let wall = Wall::registered(db, &ButtonForm { power: Some(Power::Battery), ..form() }).await;
    let refused = async |seq: i64| {
        let body = json!({"kind": "press", "seq": seq, "at": at(&wall, -3_600)});
        wall.say(body).await.problem(409, "stale_time");
    };
    refused(1).await;
    assert_eq!(wall.troubles(0).await, [], "it was not armed");
    wall.arm().await;
    wall.say(json!({"kind": "test", "seq": 1, "at": at(&wall, -3_600)})).await.problem(409, "stale_time");
    assert_eq!(wall.troubles(MINUTE).await, [], "nobody meant that");
    assert_eq!(wall.row().await.tested_at, None);
    refused(1).await;
    // What is refused later, and is no press, takes nothing from that.
    assert_eq!(wall.led("heartbeat", 5).await, "accepted");
    wall.signal("heartbeat", 4).await.problem(409, "seq_old");
    assert_eq!(wall.troubles(MINUTE).await, [ButtonTrouble::Refused]);
    let open = alarms::open(&wall.app.services, &TERMINAL).await.unwrap();
    let row = open.iter().find(|row| matches!(row.matter.0, Matter::Button { .. })).unwrap();
    assert_eq!(row.severity.name(), "act");
    buttons::disarm(&wall.app.services, &officer(1), wall.id).await.unwrap();
    assert_eq!(wall.troubles(DAY - MINUTE - 1).await, [ButtonTrouble::Refused], "whatever became of it");
    wall.troubles(MINUTE).await;
    assert_eq!(wall.troubles(10 * MINUTE).await, []);
});

on_both!(whatever_a_press_is_refused_for_is_told, |db| async {
    let wall = Wall::armed(db, &ButtonForm { power: Some(Power::Battery), ..form() }).await;
    assert_eq!(wall.led("heartbeat", 5).await, "accepted");
    assert_eq!(wall.troubles(0).await, []);
    let is_told = async |why: &str| {
        let refused = wall.row().await.refused.unwrap().0;
        assert_eq!((refused.why.name(), refused.pressed_at), (why, Some(wall.app.clock.now())));
        assert_eq!(wall.troubles(MINUTE).await, [ButtonTrouble::Refused], "{why}");
        assert_eq!(wall.broadcasts().await.len(), 0);
    };
    wall.signal("press", 4).await.problem(409, "seq_old");
    is_told("old_seq").await;
    wall.signal("press", 5).await.problem(409, "seq_reused");
    is_told("reused_seq").await;
    assert_eq!(wall.led("double", 6).await, "refused");
    is_told("gesture").await;
    // What cannot be read was perhaps one.
    wall.say(json!({"kind": "press"})).await.problem(422, "invalid");
    is_told("body").await;
    let arm_as = async |form: ButtonForm| {
        let version = wall.row().await.version;
        buttons::change(&wall.app.services, &officer(1), wall.id, version, &form).await.unwrap();
        wall.arm().await;
    };
    let elsewhere = vec!["10.20.0.0/16".to_owned()];
    arm_as(ButtonForm { networks: elsewhere, power: Some(Power::Battery), ..form() }).await;
    wall.signal("press", 7).await.problem(403, "address_not_allowed");
    is_told("network").await;
    arm_as(ButtonForm { signed: true, power: Some(Power::Battery), ..form() }).await;
    wall.signal("press", 8).await.problem(401, "unauthenticated");
    is_told("signature").await;
});

on_both!(a_wrong_clock_is_told_before_anybody_presses, |db| async {
    let wall = Wall::armed(db, &ButtonForm { power: Some(Power::Battery), ..form() }).await;
    let beat = async |seq: i64, off: i64| {
        let body = json!({"kind": "heartbeat", "seq": seq, "at": at(&wall, off)});
        assert_eq!(wall.say(body).await.expect(202)["led"], "accepted");
    };
    beat(1, -299).await;
    assert_eq!(wall.troubles(0).await, []);
    beat(2, -301).await;
    let row = wall.row().await;
    assert_eq!((row.refused, row.beat_at), (None, Some(wall.app.clock.now())), "it is there");
    assert_eq!(wall.troubles(MINUTE).await, [ButtonTrouble::Clock]);
    assert!(buttons::clocks_off(&wall.app.services, &TERMINAL).await.unwrap().contains(&wall.id));
    // Another device with a key of its own.
    let key = buttons::rotate_key(&wall.app.services, &officer(1), wall.id, std::time::Duration::ZERO).await;
    let wall = Wall { key: key.unwrap(), ..wall };
    wall.turn(MINUTE);
    wall.say(json!({"kind": "heartbeat", "seq": 1, "at": at(&wall, 10)})).await.expect(202);
    wall.troubles(0).await;
    assert_eq!(wall.troubles(10 * MINUTE).await, []);
});
