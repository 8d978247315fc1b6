//! Routine sending stands still while a red alert goes out.

use belltower::domain::channel::{AddressKind, Outlet};
use belltower::domain::id::MessageId;
use belltower::domain::subscription::EventKind;
use belltower::service::broadcasts::{Rules, change_rules};
use belltower::service::messages::{self, AcceptOptions, Counts};
use belltower::service::planning;
use belltower::service::sources::{self, NewSource};
use belltower::simulator::{Reply, Stage};
use belltower::store::subscription_events::{self, NewEvent};

use super::*;
use crate::support::on_both;

/// A text to one telephone, as a department sends it.
async fn routine(campus: &Campus) -> MessageId {
    let new = NewSource {
        name: "图书馆".to_owned(),
        department: "图书馆".to_owned(),
        topics: vec!["library.#".to_owned()],
        channels: vec!["sms".to_owned()],
        rights: vec!["send_direct".to_owned()],
        ..NewSource::default()
    };
    let made = sources::create(&campus.s, &operator(Role::Owner), new).await.unwrap();
    let source = sources::authenticate(&campus.s, &made.key).await.unwrap();
    let body = json!({
        "topic": "library.due", "title": "图书到期", "body": "请尽快归还。", "to": [{"mobile": "13912345678"}],
    });
    let options = AcceptOptions { idempotency_key: None, request_id: "test".to_owned(), skip_unknown: false };
    let body = body.to_string();
    messages::accept(&campus.s, &source, body.as_bytes(), &options).await.unwrap().message.id
}

async fn texts(campus: &Campus) {
    let new = NewProvider {
        name: "短信".to_owned(),
        channel: ChannelKind::Sms,
        kind: ProviderKind::Sandbox,
        settings: json!({}),
        priority: 10,
        weight: 1,
        rate: None,
    };
    providers::create(&campus.s, &operator(Role::Owner), new).await.unwrap();
}

async fn counts(campus: &Campus, id: MessageId) -> Counts {
    let counts = messages::get(&campus.s, &operator(Role::Owner), id).await.unwrap().summary.counts.all;
    assert_eq!(counts.planned, 1, "{counts:?}");
    counts
}

async fn is_out(campus: &Campus, id: MessageId) -> bool {
    let counts = counts(campus, id).await;
    counts.sent + counts.delivered == 1
}

/// Texts are looked for once, and whether this one was taken.
async fn is_taken(campus: &mut Campus, id: MessageId) -> bool {
    campus.dispatcher.step(Outlet::Live(AddressKind::Mobile)).await.unwrap();
    counts(campus, id).await.pending == 0
}

/// A text that is planned. Texts were looked for before, when there was none.
async fn waiting(campus: &mut Campus) -> MessageId {
    texts(campus).await;
    campus.dispatcher.step(Outlet::Live(AddressKind::Mobile)).await.unwrap();
    let routine = routine(campus).await;
    while planning::plan_next(&campus.s, 7).await.unwrap() > 0 {}
    routine
}

/// A relay that takes nothing for now: the alert does not go out by mail.
async fn held_up(db: Db) -> (Campus, BroadcastId, MessageId) {
    let busy = Faults::default().at(Stage::Connect, Reply::new(421, "busy"));
    let mut campus = Campus::with(db, 3, busy).await;
    texts(&campus).await;
    let id = campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap().id;
    let routine = routine(&campus).await;
    campus.drain().await;
    (campus, id, routine)
}

on_both!(what_is_routine_waits_until_a_red_alert_is_out, |db| async {
    let (mut campus, _, routine) = held_up(db).await;
    assert!(!is_out(&campus, routine).await);
    campus.relay.set_faults(Faults::default());
    for _ in 0..3 {
        campus.turn(Duration::from_secs(30));
        campus.drain().await;
    }
    assert_eq!(campus.arrived().len(), 3, "the alert");
    campus.turn(Duration::from_secs(1));
    campus.drain().await;
    assert!(is_out(&campus, routine).await, "and then the rest");
});

on_both!(what_is_routine_does_not_wait_for_a_dead_channel_for_ever, |db| async {
    let (mut campus, _, routine) = held_up(db).await;
    campus.turn(Duration::from_secs(119));
    campus.drain().await;
    assert!(!is_out(&campus, routine).await);
    campus.turn(Duration::from_secs(2));
    campus.drain().await;
    assert!(is_out(&campus, routine).await);
});

on_both!(a_stop_lets_what_is_routine_go_on, |db| async {
    let (mut campus, id, routine) = held_up(db).await;
    broadcasts::stop(&campus.s, &person(Role::DutyOfficer, 1), None, id, "").await.unwrap();
    campus.drain().await;
    assert!(is_out(&campus, routine).await);
});

on_both!(routine_goes_on_beside_it_where_the_rules_say_so, |db| async {
    let busy = Faults::default().at(Stage::Connect, Reply::new(421, "busy"));
    let mut campus = Campus::with(db, 3, busy).await;
    texts(&campus).await;
    let rules = Rules { pause_routine: false, ..Rules::default() };
    assert!(change_rules(&campus.s, &operator(Role::Owner), Rules::default(), rules).await.unwrap());
    campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap();
    let routine = routine(&campus).await;
    campus.drain().await;
    assert!(is_out(&campus, routine).await);
});

on_both!(nothing_routine_is_taken_once_it_is_pressed_though_nobody_has_planned_it, |db| async {
    let mut campus = Campus::new(db, 3).await;
    let routine = waiting(&mut campus).await;
    let id = campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap().id;
    assert!(!is_taken(&mut campus, routine).await);
    assert!(!is_taken(&mut campus, routine).await, "that was not remembered as another answer");
    broadcasts::stop(&campus.s, &person(Role::DutyOfficer, 1), None, id, "").await.unwrap();
    assert!(is_taken(&mut campus, routine).await);
});

/// Takes what is routine while what is begun stands at the door of the store, and afterwards. On PostgreSQL: of one writer nobody
/// takes anything meanwhile.
async fn while_it_is_kept(
    mut campus: Campus,
    routine: MessageId,
    doing: impl Future<Output = Result<BroadcastId>> + Send + 'static,
) {
    let Db::Postgres(pool) = campus.s.db.clone() else { return };
    let mut held = pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE broadcast_message IN EXCLUSIVE MODE").execute(&mut *held).await.unwrap();
    let doing = tokio::spawn(doing);
    let text = "SELECT count(*) > 0 FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND datname = current_database()";
    let waits = async {
        while !sqlx::query_scalar::<_, bool>(text).fetch_one(&pool).await.unwrap() {
            assert!(!doing.is_finished());
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waits).await.expect("it waits for nothing");
    assert!(!is_taken(&mut campus, routine).await);
    held.rollback().await.unwrap();
    let id = doing.await.unwrap().unwrap();
    broadcasts::stop(&campus.s, &person(Role::DutyOfficer, 1), None, id, "").await.unwrap();
    assert!(is_taken(&mut campus, routine).await);
}

on_both!(nothing_routine_is_taken_while_a_press_is_being_kept, |db| async {
    let mut campus = Campus::new(db, 3).await;
    let routine = waiting(&mut campus).await;
    let s = campus.s.clone();
    let press = async move {
        let pressed = press_fire(&s, &person(Role::DutyOfficer, 1), Run::Live, &fire("图书馆")).await?;
        Ok(pressed.id)
    };
    Box::pin(while_it_is_kept(campus, routine, press)).await;
});

on_both!(nothing_routine_is_taken_while_an_approval_is_being_kept, |db| async {
    let mut campus = Campus::new(db, 3).await;
    let routine = waiting(&mut campus).await;
    let id = campus.press(&person(Role::Owner, 1), Run::Live).await.unwrap().id;
    let (s, version) = (campus.s.clone(), campus.row(id).await.version);
    let approval = async move {
        broadcasts::approve(&s, &person(Role::Reviewer, 2), None, id, version, "test").await?;
        Ok(id)
    };
    Box::pin(while_it_is_kept(campus, routine, approval)).await;
});

on_both!(what_is_routine_waits_for_a_correction_as_well, |db| async {
    let mut campus = Campus::new(db, 3).await;
    texts(&campus).await;
    let officer = person(Role::DutyOfficer, 1);
    let id = campus.press(&officer, Run::Live).await.unwrap().id;
    campus.drain().await;
    assert_eq!(campus.arrived().len(), 3, "the alert");
    campus.relay.set_faults(Faults::default().at(Stage::Connect, Reply::new(421, "busy")));
    broadcasts::correct(&campus.s, &officer, None, id, "test").await.unwrap();
    let routine = routine(&campus).await;
    campus.drain().await;
    assert!(!is_out(&campus, routine).await);
    campus.relay.set_faults(Faults::default());
    for _ in 0..3 {
        campus.turn(Duration::from_secs(30));
        campus.drain().await;
    }
    assert_eq!(campus.arrived().len(), 6, "that it was false");
    campus.turn(Duration::from_secs(1));
    campus.drain().await;
    assert!(is_out(&campus, routine).await);
});

on_both!(a_drill_keeps_nobody_waiting, |db| async {
    let mut campus = Campus::new(db, 3).await;
    texts(&campus).await;
    campus.press(&person(Role::DutyOfficer, 1), Run::Drill).await.unwrap();
    let routine = routine(&campus).await;
    campus.drain().await;
    assert!(is_out(&campus, routine).await);
});

on_both!(applications_are_told_of_nothing_until_a_red_alert_is_out, |db| async {
    let (mut campus, ..) = held_up(db).await;
    let happened = NewEvent {
        kind: EventKind::Accepted.code(),
        message_id: Some(1),
        source_id: None,
        topic: "library.due".to_owned(),
        delivery_id: None,
        at: campus.s.clock.now().0,
        detail: "{}".to_owned(),
    };
    let mut tx = campus.s.db.begin().await.unwrap();
    subscription_events::insert(&mut tx, &[happened]).await.unwrap();
    tx.commit().await.unwrap();
    campus.drain().await;
    assert!(subscription_events::any_new(&campus.s.db).await.unwrap(), "its place is not given");
    campus.turn(Duration::from_secs(121));
    campus.drain().await;
    assert!(!subscription_events::any_new(&campus.s.db).await.unwrap());
});
