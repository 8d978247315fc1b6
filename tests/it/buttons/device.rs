//! What a device says, and what becomes of it.

use belltower::domain::emergency::{HandKind, Run};
use belltower::store::scenarios::{self as kept, NewScenario};
use futures_util::future::join_all;

use super::*;
use crate::support::on_both;

on_both!(an_armed_button_is_enough_alone, |db| async {
    let wall = Wall::armed(db, &form()).await;
    let answer = wall.signal("press", 1).await.expect(202);
    let rows = wall.broadcasts().await;
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!(answer, json!({"broadcast_id": row.id.to_string(), "led": "live"}));
    assert_eq!((row.state, row.run, row.hand), (State::Live, Run::Live, HandKind::Button));
    assert_eq!(row.pressed_by, "button 图书馆总服务台");
    assert_eq!(row.plan.0.place().unwrap().zh, "图书馆");
    wall.app.drain().await;
    assert_eq!(wall.told("图书馆发生火情"), EVERYBODY);
    // The same again is answered as before, even when all is over.
    broadcasts::all_clear(&wall.app.services, &TERMINAL, None, row.id, "test").await.unwrap();
    wall.turn(HOUR);
    assert_eq!(wall.signal("press", 1).await.expect(202), answer);
    assert_eq!(wall.broadcasts().await.len(), 1);
});

on_both!(a_hundred_repeats_at_once_are_one_broadcast_and_one_answer, |db| async {
    let wall = Wall::armed(db, &form()).await;
    let answers = join_all((0..100).map(|_| wall.signal("press", 7))).await;
    let first = answers[0].expect(202);
    assert_eq!(first["led"], "live");
    for answer in &answers {
        assert_eq!(answer.expect(202), first);
    }
    let rows = wall.broadcasts().await;
    assert_eq!(rows.len(), 1);
    assert_eq!(wall.acts(rows[0].id).await, [Act::Press, Act::Launch], "nobody attached");
    let log = buttons::presses(&wall.app.services, &TERMINAL, wall.id, None, 50).await.unwrap();
    assert_eq!(log.len(), 1);
    wall.app.drain().await;
    assert_eq!(wall.told("图书馆发生火情"), EVERYBODY);
});

on_both!(numbers_only_rise_and_are_used_once, |db| async {
    let wall = Wall::armed(db, &form()).await;
    assert_eq!(wall.led("heartbeat", 10).await, "accepted");
    wall.signal("press", 9).await.problem(409, "seq_old");
    wall.signal("press", 10).await.problem(409, "seq_reused");
    assert_eq!(wall.broadcasts().await.len(), 0);
    let refused = wall.row().await.refused.unwrap().0;
    assert_eq!(refused.why.name(), "reused_seq");
    assert_eq!(wall.led("press", 11).await, "live");
    // A heartbeat between a press and its repeat takes nothing from it.
    assert_eq!(wall.led("heartbeat", 12).await, "accepted");
    assert_eq!(wall.led("press", 11).await, "live");
    wall.signal("heartbeat", 10).await.problem(409, "seq_old");
    // A new device with a new key begins anew.
    let s = &wall.app.services;
    let key = buttons::rotate_key(s, &officer(1), wall.id, std::time::Duration::ZERO).await.unwrap();
    wall.signal("heartbeat", 13).await.problem(401, "unauthenticated");
    let new = Wall { key, ..wall };
    assert_eq!(new.led("heartbeat", 1).await, "accepted");
});

on_both!(presses_within_ten_seconds_are_one, |db| async {
    let wall = Wall::armed(db, &form()).await;
    let first = wall.signal("press", 1).await.expect(202);
    wall.turn(9_999);
    assert_eq!(wall.signal("hold", 2).await.expect(202), first, "one with the press before");
    assert_eq!(wall.broadcasts().await.len(), 1);
    wall.turn(1);
    let later = wall.signal("press", 3).await.expect(202);
    assert_eq!(later, first, "the same is open");
    let rows = wall.broadcasts().await;
    assert_eq!((rows.len(), wall.acts(rows[0].id).await.last()), (1, Some(&Act::Attach)));
    wall.turn(10_000);
    let gym = wall.signal("hold", 4).await.expect(202);
    assert_ne!(gym["broadcast_id"], first["broadcast_id"], "another place");
    assert_eq!(wall.broadcasts().await.len(), 2);
});

on_both!(what_is_tried_out_or_disarmed_sends_nothing, |db| async {
    let wall = Wall::registered(db, &form()).await;
    let s = &wall.app.services;
    assert_eq!(wall.led("press", 1).await, "refused");
    assert_eq!(wall.led("test", 2).await, "refused");
    assert_eq!(wall.led("heartbeat", 3).await, "refused");
    assert_eq!(wall.row().await.tested_at, None);
    buttons::try_out(s, &officer(1), wall.id).await.unwrap();
    assert_eq!(wall.led("press", 4).await, "test_ok");
    assert_eq!(wall.led("double", 5).await, "refused", "it stands for nothing");
    assert_eq!(wall.row().await.tested_at, Some(wall.app.clock.now()));
    assert_eq!(wall.row().await.refused.unwrap().0.why.name(), "gesture");
    wall.arm().await;
    wall.turn(1_000);
    assert_eq!(wall.led("test", 6).await, "test_ok");
    assert_eq!(wall.row().await.tested_at, Some(wall.app.clock.now()));
    assert_eq!(wall.led("double", 7).await, "refused");
    assert_eq!(wall.led("cancel", 8).await, "refused", "there is nothing to call off");
    wall.app.drain().await;
    assert_eq!((wall.broadcasts().await.len(), wall.told("").len()), (0, 0));
    buttons::revoke(s, &officer(1), wall.id, "图书馆总服务台").await.unwrap();
    for (seq, kind) in [(9, "press"), (10, "test"), (11, "heartbeat"), (12, "cancel")] {
        assert_eq!(wall.led(kind, seq).await, "refused", "{kind}");
    }
    assert_eq!(wall.broadcasts().await.len(), 0);
    let log = buttons::presses(s, &TERMINAL, wall.id, None, 50).await.unwrap();
    assert_eq!(log[0].seq, 12, "what a lost device says is on record");
});

on_both!(a_test_passes_where_what_it_tries_stands_for_something, |db| async {
    let wall = Wall::armed(db, &form()).await;
    let test = |seq: i64, gesture: &str| json!({"kind": "test", "seq": seq, "gesture": gesture});
    assert_eq!(wall.say(test(1, "double")).await.expect(202)["led"], "refused");
    assert_eq!(wall.row().await.tested_at, None, "it proves nothing");
    assert_eq!(wall.say(test(2, "hold")).await.expect(202)["led"], "test_ok");
    assert_eq!(wall.row().await.tested_at, Some(wall.app.clock.now()));
    let press = wall.say(json!({"kind": "press", "seq": 3, "gesture": "hold"})).await;
    assert_eq!(press.faults(), [("/gesture".to_owned(), "invalid_value".to_owned())]);
    assert_eq!(wall.broadcasts().await.len(), 0);
});

on_both!(a_scenario_that_changed_never_silences_a_button, |db| async {
    let wall = Wall::armed(db.clone(), &form()).await;
    let change = async |edit: &dyn Fn(&mut belltower::domain::emergency::Scenario)| {
        let row = kept::find(&db, "fire").await.unwrap().unwrap();
        let mut scenario = row.document.0;
        edit(&mut scenario);
        let mut tx = db.begin().await.unwrap();
        let new = NewScenario { slug: "fire", document: &scenario, by: "test" };
        assert!(kept::update(&mut tx, &new, row.version, wall.app.clock.now()).await.unwrap());
        tx.commit().await.unwrap();
    };
    // Other words that two people agreed to: those are sent.
    change(&|scenario| "火警".clone_into(&mut scenario.name.zh)).await;
    assert_eq!(wall.led("press", 1).await, "live");
    let rows = wall.broadcasts().await;
    assert_eq!((rows[0].plan.0.version, rows[0].plan.0.name().zh.as_str()), (2, "火警 · 图书馆"));
    broadcasts::stop(&wall.app.services, &TERMINAL, None, rows[0].id, "").await.unwrap();
    // A choice that is gone: what was armed is sent.
    wall.turn(MINUTE);
    change(&|scenario| {
        for asked in &mut scenario.placeholders {
            asked.choices.retain(|choice| choice.zh != "图书馆");
        }
    })
    .await;
    assert_eq!(wall.led("press", 2).await, "live");
    let rows = wall.broadcasts().await;
    assert_eq!((rows[0].plan.0.version, rows[0].plan.0.name().zh.as_str()), (1, "火灾 · 图书馆"));
    broadcasts::stop(&wall.app.services, &TERMINAL, None, rows[0].id, "").await.unwrap();
    // Out of use.
    wall.turn(MINUTE);
    let mut tx = db.begin().await.unwrap();
    assert!(kept::retire(&mut tx, "fire", 3, "test", wall.app.clock.now()).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(wall.led("press", 3).await, "live");
    assert_eq!(wall.broadcasts().await[0].state, State::Live);
    wall.app.drain().await;
    assert!(!wall.told("图书馆发生火情").is_empty());
});
