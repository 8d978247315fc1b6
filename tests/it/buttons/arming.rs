//! Who may register, change and arm a button.

use std::time::Duration;

use belltower::domain::audience::Audience;
use belltower::domain::button::ButtonState;
use belltower::domain::emergency::Scenario;
use belltower::service::groups;
use belltower::store::audit::{self, AuditFilter};
use belltower::store::scenarios as kept;

use super::*;
use crate::support::on_both;

on_both!(arming_takes_two_who_are_not_the_same, |db| async {
    let wall = Wall::registered(db.clone(), &form()).await;
    let s = &wall.app.services;
    let version = async || wall.row().await.version;
    assert_eq!(conflict(buttons::confirm(s, &officer(2), wall.id, version().await).await), "button_state");
    assert!(is_forbidden(buttons::ask(s, &person(Role::Reviewer, 3), wall.id, version().await).await));
    buttons::ask(s, &officer(4), wall.id, version().await).await.unwrap();
    assert_eq!(wall.led("press", 1).await, "refused", "not yet");
    assert_eq!(conflict(buttons::ask(s, &officer(1), wall.id, version().await).await), "button_state");
    let now = version().await;
    assert!(is_forbidden(buttons::confirm(s, &officer(4), wall.id, now).await), "who asked");
    assert!(is_forbidden(buttons::confirm(s, &officer(1), wall.id, now).await), "who registered it");
    assert!(is_forbidden(buttons::confirm(s, &person(Role::Auditor, 5), wall.id, now).await));
    assert_eq!(conflict(buttons::confirm(s, &officer(2), wall.id, now - 1).await), "button_changed");
    buttons::confirm(s, &person(Role::Reviewer, 3), wall.id, now).await.unwrap();
    let row = wall.row().await;
    assert_eq!((row.state, row.asked, row.editors.0), (ButtonState::Armed, None, vec![]));
    let armed = row.armed.unwrap().0;
    assert!(armed.asked_by.contains("duty4") && armed.confirmed_by.contains("duty3"));
    assert_eq!(wall.led("press", 2).await, "live");
    let acts: Vec<_> = audit::list(&db, &AuditFilter::default(), None, 50)
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.action)
        .filter(|act| act.starts_with("button."))
        .collect();
    assert_eq!(acts, ["button.arm", "button.ask", "button.create"]);
});

on_both!(a_change_disarms_and_whoever_changed_it_is_nobody_to_agree, |db| async {
    let wall = Wall::armed(db, &form()).await;
    let s = &wall.app.services;
    let version = async || wall.row().await.version;
    let nothing = buttons::change(s, &officer(2), wall.id, version().await, &form()).await.unwrap();
    assert_eq!((nothing, wall.row().await.state), (None, ButtonState::Armed), "nothing is different");
    let other = ButtonForm { gestures: vec![(Gesture::Press, fire_in("食堂"))], ..form() };
    buttons::change(s, &officer(2), wall.id, version().await, &other).await.unwrap();
    assert_eq!(wall.row().await.state, ButtonState::Disarmed);
    assert_eq!(wall.led("press", 1).await, "refused");
    buttons::ask(s, &officer(1), wall.id, version().await).await.unwrap();
    assert!(is_forbidden(buttons::confirm(s, &officer(2), wall.id, version().await).await));
    // What was asked for is no longer what it is.
    let seen = version().await;
    let again = ButtonForm { cancel_seconds: Some(3), ..other.clone() };
    buttons::change(s, &officer(4), wall.id, seen, &again).await.unwrap();
    assert_eq!(conflict(buttons::confirm(s, &officer(3), wall.id, seen).await), "button_state");
    assert_eq!(conflict(buttons::change(s, &officer(4), wall.id, seen, &other).await), "button_changed");
    buttons::ask(s, &officer(1), wall.id, version().await).await.unwrap();
    assert!(is_forbidden(buttons::confirm(s, &officer(4), wall.id, version().await).await));
    buttons::withdraw(s, &person(Role::Reviewer, 5), wall.id).await.unwrap();
    assert_eq!(wall.row().await.asked, None);
    buttons::ask(s, &officer(1), wall.id, version().await).await.unwrap();
    buttons::confirm(s, &officer(3), wall.id, version().await).await.unwrap();
    assert_eq!(wall.row().await.armed.unwrap().0.plans.len(), 1);
});

on_both!(a_form_is_checked_whole, |db| async {
    let wall = Wall::registered(db, &form()).await;
    let mut gone = fire_in("月球");
    gone.params.insert("colour".to_owned(), json!("red"));
    let nowhere = GestureForm { scenario: "flood-of-frogs".to_owned(), ..GestureForm::default() };
    let wrong = ButtonForm {
        name: " ".to_owned(),
        place: "p".repeat(121),
        power: None,
        gestures: vec![(Gesture::Press, gone), (Gesture::Hold, nowhere)],
        cancel_seconds: Some(11),
        networks: vec!["10.0.0.0/8".to_owned(), "here".to_owned()],
        signed: false,
    };
    let Err(Error::Invalid(faults)) = buttons::register(&wall.app.services, &officer(1), &wrong).await else {
        panic!("registered")
    };
    let at: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(
        at,
        [
            "/name",
            "/place",
            "/power",
            "/cancel_seconds",
            "/networks/1",
            "/gestures/press/params/place",
            "/gestures/press/params/colour",
            "/gestures/hold/scenario",
        ]
    );
    let empty = ButtonForm { gestures: Vec::new(), ..form() };
    assert!(matches!(
        buttons::register(&wall.app.services, &officer(1), &empty).await,
        Err(Error::Invalid(faults)) if faults[0].pointer == "/gestures"
    ));
});

on_both!(an_old_key_lives_as_long_as_it_is_told_to, |db| async {
    let wall = Wall::armed(db, &form()).await;
    let s = &wall.app.services;
    let new = buttons::rotate_key(s, &officer(1), wall.id, Duration::from_hours(1)).await.unwrap();
    assert_eq!(wall.led("heartbeat", 1).await, "accepted");
    let with_new = Answer::of(
        wall.app.api_as(&new, Method::POST, &wall.path()).json(&json!({"kind": "heartbeat", "seq": 1})),
    );
    assert_eq!(with_new.await.status, 202);
    wall.turn(HOUR);
    wall.signal("heartbeat", 2).await.problem(401, "unauthenticated");
    let keys = buttons::keys(s, &TERMINAL, wall.id).await.unwrap();
    let valid: Vec<_> = keys.iter().map(|key| key.is_valid(wall.app.clock.now())).collect();
    assert_eq!(valid, [true, false]);
    assert!(
        keys[0].masked.starts_with("bt_button_…")
            && new.ends_with(&keys[0].masked[keys[0].masked.len() - 4..])
    );
});

on_both!(whoever_was_shown_a_key_is_nobody_to_agree, |db| async {
    let wall = Wall::registered(db, &ButtonForm { signed: true, ..form() }).await;
    let s = &wall.app.services;
    let version = async || wall.row().await.version;
    for (number, secret) in [(2, false), (3, true)] {
        buttons::ask(s, &officer(1), wall.id, version().await).await.unwrap();
        let seen = version().await;
        if secret {
            buttons::renew_secret(s, &officer(number), wall.id).await.unwrap();
        } else {
            buttons::rotate_key(s, &officer(number), wall.id, Duration::ZERO).await.unwrap();
        }
        assert_eq!(wall.row().await.asked, None, "its keys are others than those that were read");
        assert_eq!(conflict(buttons::confirm(s, &officer(4), wall.id, seen).await), "button_state");
        buttons::ask(s, &officer(1), wall.id, version().await).await.unwrap();
        assert!(is_forbidden(buttons::confirm(s, &officer(number), wall.id, version().await).await));
        buttons::withdraw(s, &officer(1), wall.id).await.unwrap();
    }
    buttons::ask(s, &officer(2), wall.id, version().await).await.unwrap();
    buttons::confirm(s, &officer(4), wall.id, version().await).await.unwrap();
    // One that is armed stays armed, and whoever has its new key is nobody to agree the next time.
    buttons::rotate_key(s, &officer(5), wall.id, Duration::ZERO).await.unwrap();
    let row = wall.row().await;
    assert_eq!((row.state, row.editors.0), (ButtonState::Armed, vec![OperatorId(5)]));
    assert!(row.armed.is_some());
});

on_both!(nobody_agrees_to_words_that_are_no_more, |db| async {
    let wall = Wall::registered(db.clone(), &form()).await;
    let s = &wall.app.services;
    let version = async || wall.row().await.version;
    buttons::ask(s, &officer(1), wall.id, version().await).await.unwrap();
    let row = scenarios::get(s, &TERMINAL, "fire").await.unwrap();
    let mut scenario = row.document.0;
    "火警".clone_into(&mut scenario.name.zh);
    let mut tx = db.begin().await.unwrap();
    let new = kept::NewScenario { slug: "fire", document: &scenario, by: "test" };
    assert!(kept::update(&mut tx, &new, row.version, wall.app.clock.now()).await.unwrap());
    tx.commit().await.unwrap();
    let seen = version().await;
    assert_eq!(conflict(buttons::confirm(s, &officer(2), wall.id, seen).await), "button_overtaken");
    buttons::withdraw(s, &officer(2), wall.id).await.unwrap();
    wall.arm().await;
    let armed = wall.row().await.armed.unwrap().0;
    assert!(armed.plans.values().all(|prepared| prepared.plan.scenario.name.zh == "火警"));
});

on_both!(a_group_that_a_button_is_for_is_not_deleted, |db| async {
    let wall = Wall::registered(db.clone(), &ButtonForm { cancel_seconds: Some(10), ..form() }).await;
    let s = &wall.app.services;
    let refused = async || match groups::delete(s, &TERMINAL, "dorm").await {
        Err(Error::Conflict { code: "group_in_use", detail }) => detail.contains("图书馆总服务台"),
        other => panic!("{other:?}"),
    };
    groups::put(s, &TERMINAL, "dorm", &json!({"name": "宿舍", "kind": "static"})).await.unwrap();
    let write = async |audience: Audience| {
        let row = scenarios::get(s, &TERMINAL, "fire").await.unwrap();
        let scenario = Scenario { audience, ..row.document.0 };
        let mut tx = db.begin().await.unwrap();
        let new = kept::NewScenario { slug: "fire", document: &scenario, by: "test" };
        assert!(kept::update(&mut tx, &new, row.version, wall.app.clock.now()).await.unwrap());
        tx.commit().await.unwrap();
    };
    let everyone = scenarios::get(s, &TERMINAL, "fire").await.unwrap().document.0.audience;
    let dorm = Audience { groups: vec!["dorm".to_owned()], ..Audience::default() };
    // Somebody wants it armed with that, and the scenario is another one by now.
    write(dorm.clone()).await;
    buttons::ask(s, &officer(1), wall.id, wall.row().await.version).await.unwrap();
    write(everyone.clone()).await;
    assert!(refused().await);
    let uses = groups::uses(s, &TERMINAL, "dorm").await.unwrap();
    assert_eq!(uses.buttons, [(wall.id, "图书馆总服务台".to_owned())]);
    assert!(uses.scenarios.is_empty() && !uses.is_empty());
    buttons::withdraw(s, &officer(1), wall.id).await.unwrap();
    // It is armed with that.
    write(dorm).await;
    wall.arm().await;
    assert_eq!(wall.led("press", 1).await, "accepted");
    write(everyone).await;
    assert!(refused().await);
    // It is disarmed, and a press of it is still to go out.
    buttons::disarm(s, &officer(1), wall.id).await.unwrap();
    assert!(refused().await);
    assert_eq!(wall.led("cancel", 2).await, "accepted");
    groups::delete(s, &TERMINAL, "dorm").await.unwrap();
});

on_both!(a_revoked_button_is_gone_for_good, |db| async {
    let wall = Wall::armed(db, &form()).await;
    let s = &wall.app.services;
    let wrong = buttons::revoke(s, &officer(1), wall.id, "图书馆").await;
    assert!(matches!(wrong, Err(Error::Invalid(_))), "{wrong:?}");
    buttons::revoke(s, &officer(1), wall.id, "图书馆总服务台").await.unwrap();
    let row = wall.row().await;
    assert_eq!((row.state, row.armed), (ButtonState::Revoked, None));
    let version = row.version;
    for refused in [
        buttons::ask(s, &officer(1), wall.id, version).await,
        buttons::disarm(s, &officer(1), wall.id).await,
        buttons::try_out(s, &officer(1), wall.id).await,
        buttons::change(s, &officer(1), wall.id, version, &form()).await.map(drop),
        buttons::rotate_key(s, &officer(1), wall.id, Duration::ZERO).await.map(drop),
    ] {
        assert_eq!(conflict(refused), "button_state");
    }
});

on_both!(whoever_may_not_see_emergencies_sees_no_button, |db| async {
    let wall = Wall::armed(db, &form()).await;
    let s = &wall.app.services;
    let sender = person(Role::Sender, 8);
    assert!(is_forbidden(buttons::list(s, &sender).await));
    assert!(is_forbidden(buttons::get(s, &sender, wall.id).await));
    assert!(is_forbidden(buttons::keys(s, &sender, wall.id).await));
    let auditor = person(Role::Auditor, 9);
    assert_eq!(buttons::list(s, &auditor).await.unwrap().len(), 1);
    assert!(is_forbidden(buttons::register(s, &auditor, &form()).await.map(drop)));
    assert!(is_forbidden(buttons::rotate_key(s, &auditor, wall.id, Duration::ZERO).await));
    assert!(is_forbidden(buttons::disarm(s, &auditor, wall.id).await));
    // A terminal has no number that could be told apart from another.
    assert!(is_forbidden(buttons::confirm(s, &TERMINAL, wall.id, 1).await));
});
