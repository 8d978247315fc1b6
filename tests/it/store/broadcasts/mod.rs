mod acts;
mod progress;
mod sent;

use belltower::clock::Timestamp;
use belltower::domain::emergency::starters::starters;
use belltower::domain::emergency::{Chosen, HandKind, Level, Overridden, Part, Plan, Run, Spoken, State};
use belltower::domain::id::{BroadcastId, MessageId, OperatorId};
use belltower::domain::message::Status;
use belltower::store::Db;
use belltower::store::broadcasts::{
    NewBroadcast, add_message, be_told, be_untold, due, find, insert, list, lock, open_with_key,
    red_goes_out, untold, update, waiting,
};
use belltower::store::messages::NewMessage;

use super::deliveries::NOW;
use super::messages::{keep as keep_messages, message, sources};
use crate::support::on_both;

/// A moment of which messages' ids can tell.
pub(super) const FIRST: i64 = 1_790_000_000_000;

fn plan() -> Plan {
    let fire = starters(jiff::civil::date(2026, 9, 21)).swap_remove(0).scenario;
    let place = Spoken::new("图书馆", "Library");
    let chosen: Chosen = [("place".to_owned(), place)].into_iter().collect();
    Plan { scenario: fire, version: 3, chosen }
}

fn new<'a>(plan: &'a Plan, open_key: &'a str) -> NewBroadcast<'a> {
    NewBroadcast {
        scenario: Some("fire"),
        follows: None,
        run: Run::Live,
        level: Level::Red,
        state: State::PendingApproval,
        plan,
        open_key,
        hand: HandKind::Operator,
        operator: Some(OperatorId(3)),
        source: None,
        pressed_by: "王敏",
        note: "三楼冒烟",
        may_override: true,
        override_at: Some(Timestamp(160)),
        created_at: Timestamp(100),
        live_at: None,
        expires_at: Timestamp(500),
        next_at: Some(Timestamp(500)),
        untold_since: None,
    }
}

async fn keep(db: &Db, new: &NewBroadcast<'_>) -> BroadcastId {
    let mut tx = db.begin().await.unwrap();
    let id = insert(&mut tx, new).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    id
}

/// One that is being sent.
pub(super) async fn live(db: &Db, open_key: &str) -> BroadcastId {
    let plan = plan();
    let at = Some(Timestamp(100));
    keep(db, &NewBroadcast { state: State::Live, live_at: at, ..new(&plan, open_key) }).await
}

on_both!(a_broadcast_is_read_back_as_it_was_kept, |db| async {
    let plan = plan();
    let id = keep(&db, &new(&plan, "live fire 图书馆")).await;
    let row = find(&db, id).await.unwrap().unwrap();
    assert_eq!((&row.plan.0, row.scenario.as_deref(), row.follows), (&plan, Some("fire"), None));
    assert_eq!(
        (row.run, row.level, row.state, row.hand),
        (Run::Live, Level::Red, State::PendingApproval, HandKind::Operator)
    );
    assert_eq!((row.operator_id, row.source_id), (Some(OperatorId(3)), None));
    assert_eq!((row.pressed_by.as_str(), row.note.as_str(), row.reason), ("王敏", "三楼冒烟", None));
    assert_eq!((row.version, row.may_override, row.overridden), (1, true, Overridden::No));
    assert_eq!((row.override_at, row.created_at), (Some(Timestamp(160)), Timestamp(100)));
    assert_eq!((row.live_at, row.ended_at), (None, None));
    assert_eq!((row.expires_at, row.next_at), (Timestamp(500), Some(Timestamp(500))));
    assert!(find(&db, BroadcastId(99)).await.unwrap().is_none());
});

on_both!(one_of_a_key_is_open_at_a_time, |db| async {
    let plan = plan();
    let id = keep(&db, &new(&plan, "live fire 图书馆")).await;
    let mut tx = db.begin().await.unwrap();
    assert_eq!(insert(&mut tx, &new(&plan, "live fire 图书馆")).await.unwrap(), None);
    assert_eq!(open_with_key(&mut tx, "live fire 图书馆").await.unwrap().unwrap().id, id);
    assert!(open_with_key(&mut tx, "live fire 食堂").await.unwrap().is_none());
    let mut row = lock(&mut tx, id).await.unwrap().unwrap();
    row.state = State::Rejected;
    row.reason = Some("误报".to_owned());
    row.overridden = Overridden::Unseen;
    row.live_at = Some(Timestamp(200));
    row.ended_at = Some(Timestamp(300));
    row.next_at = None;
    row.override_at = None;
    update(&mut tx, &row, None).await.unwrap();
    assert!(open_with_key(&mut tx, "live fire 图书馆").await.unwrap().is_none());
    assert!(insert(&mut tx, &new(&plan, "live fire 图书馆")).await.unwrap().is_some());
    assert!(lock(&mut tx, BroadcastId(99)).await.unwrap().is_none());
    tx.commit().await.unwrap();
    let changed = find(&db, id).await.unwrap().unwrap();
    assert_eq!(
        (changed.state, changed.version, changed.reason.as_deref()),
        (State::Rejected, 2, Some("误报"))
    );
    assert_eq!((changed.overridden, changed.override_at), (Overridden::Unseen, None));
    assert_eq!(
        (changed.live_at, changed.ended_at, changed.next_at),
        (Some(Timestamp(200)), Some(Timestamp(300)), None)
    );
});

on_both!(what_waits_is_listed_by_its_gravity_and_what_is_due_by_its_time, |db| async {
    let plan = plan();
    let blue =
        keep(&db, &NewBroadcast { level: Level::Blue, next_at: Some(Timestamp(50)), ..new(&plan, "a") })
            .await;
    let red = keep(&db, &NewBroadcast { next_at: Some(Timestamp(60)), ..new(&plan, "b") }).await;
    let drill = keep(&db, &NewBroadcast { run: Run::Drill, next_at: None, ..new(&plan, "c") }).await;
    let over = keep(&db, &NewBroadcast { state: State::Completed, next_at: None, ..new(&plan, "d") }).await;
    let ids = |rows: Vec<belltower::store::broadcasts::BroadcastRow>| {
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(waiting(&db).await.unwrap()), [red, blue, drill]);
    let mut tx = db.begin().await.unwrap();
    let mut row = lock(&mut tx, over).await.unwrap().unwrap();
    row.overridden = Overridden::Unseen;
    update(&mut tx, &row, None).await.unwrap();
    tx.commit().await.unwrap();
    assert!(ids(waiting(&db).await.unwrap()).contains(&over), "somebody has to look at it");
    assert_eq!(ids(list(&db, None, None, 3).await.unwrap()), [over, drill, red]);
    assert_eq!(ids(list(&db, Some(Run::Live), Some(over), 10).await.unwrap()), [red, blue]);
    assert_eq!(due(&db, Timestamp(59), 10).await.unwrap(), [blue]);
    assert_eq!(due(&db, Timestamp(60), 10).await.unwrap(), [blue, red]);
    assert_eq!(due(&db, Timestamp(60), 1).await.unwrap(), [blue]);
});

on_both!(no_number_of_drills_hides_what_is_real_or_comes_before_it, |db| async {
    let plan = plan();
    let at = Some(Timestamp(60));
    let blue = keep(&db, &NewBroadcast { level: Level::Blue, next_at: at, ..new(&plan, "real") }).await;
    let mut tx = db.begin().await.unwrap();
    for number in 0..200 {
        let key = format!("drill {number}");
        let at = Some(Timestamp(50));
        let drill = NewBroadcast { run: Run::Drill, next_at: at, ..new(&plan, &key) };
        insert(&mut tx, &drill).await.unwrap().unwrap();
    }
    tx.commit().await.unwrap();
    let rows = waiting(&db).await.unwrap();
    assert_eq!((rows.len(), rows[0].id), (200, blue));
    assert_eq!(due(&db, Timestamp(60), 1).await.unwrap(), [blue]);
});

on_both!(a_red_alert_goes_out_while_a_message_of_it_is_under_way, |db| async {
    sources(&db).await;
    let plan = plan();
    let live = NewBroadcast { state: State::Live, ..new(&plan, "") };
    let (drill, orange) = (Run::Drill, Level::Orange);
    let (pending, stopped, completed) = (State::PendingApproval, State::Stopped, State::Completed);
    for (number, (broadcast, part, status, goes_out)) in [
        // Not yet out, out already, practised, not so grave, called off.
        (NewBroadcast { state: pending, ..live.clone() }, Part::Alert, Status::Sending, false),
        (live.clone(), Part::Alert, Status::Completed, false),
        (NewBroadcast { run: drill, ..live.clone() }, Part::Alert, Status::Sending, false),
        (NewBroadcast { level: orange, ..live.clone() }, Part::Alert, Status::Sending, false),
        (NewBroadcast { state: stopped, ..live.clone() }, Part::Alert, Status::Sending, false),
        (live.clone(), Part::Alert, Status::Accepted, true),
        (live.clone(), Part::Alert, Status::Routing, true),
        (live.clone(), Part::Alert, Status::Sending, true),
        (live.clone(), Part::Escalation, Status::Sending, true),
        // What is said of it afterwards.
        (NewBroadcast { state: stopped, ..live.clone() }, Part::Correction, Status::Accepted, true),
        (NewBroadcast { state: completed, ..live.clone() }, Part::AllClear, Status::Sending, true),
        (
            NewBroadcast { run: drill, state: stopped, ..live.clone() },
            Part::Correction,
            Status::Sending,
            false,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let at = Timestamp(FIRST + number as i64);
        let id = MessageId::first_at(at);
        keep_messages(&db, &[NewMessage { status, ..message(id.0) }]).await;
        let broadcast = keep(&db, &NewBroadcast { open_key: &number.to_string(), ..broadcast }).await;
        let mut tx = db.begin().await.unwrap();
        add_message(&mut tx, broadcast, part, id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(red_goes_out(&db, at).await.unwrap(), goes_out, "{number}");
        let later = Timestamp(at.0 + 1);
        assert!(!red_goes_out(&db, later).await.unwrap(), "{number} began before");
    }
});

on_both!(others_are_told_once_and_of_what_stands, |db| async {
    let plan = plan();
    let id = keep(&db, &NewBroadcast { state: State::Live, ..new(&plan, "a") }).await;
    let (soon, later) = (Timestamp(NOW.0 - 1), NOW);
    assert_eq!(untold(&db, later, 10).await.unwrap(), []);
    let mut tx = db.begin().await.unwrap();
    be_untold(&mut tx, id, NOW).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(untold(&db, soon, 10).await.unwrap(), []);
    assert_eq!(untold(&db, later, 10).await.unwrap(), [id]);
    let mut tx = db.begin().await.unwrap();
    assert!(!be_told(&mut tx, id, State::PendingApproval).await.unwrap(), "it went out meanwhile");
    assert!(be_told(&mut tx, id, State::Live).await.unwrap());
    assert!(!be_told(&mut tx, id, State::Live).await.unwrap(), "once");
    tx.commit().await.unwrap();
    assert_eq!(untold(&db, later, 10).await.unwrap(), []);
});

on_both!(one_that_becomes_the_same_as_another_is_refused, |db| async {
    let plan = plan();
    keep(&db, &new(&plan, "live fire 图书馆")).await;
    let id = keep(&db, &new(&plan, "live fire 食堂")).await;
    let mut tx = db.begin().await.unwrap();
    let row = lock(&mut tx, id).await.unwrap().unwrap();
    let Err(belltower::Error::Conflict { code, .. }) = update(&mut tx, &row, Some("live fire 图书馆")).await
    else {
        panic!("two of a key")
    };
    assert_eq!(code, "broadcast_open");
});

/// One that time does something to at that moment, and that ends later.
pub(super) async fn escalating(db: &Db, next_at: i64, expires_at: i64) -> BroadcastId {
    let plan = plan();
    let new = NewBroadcast {
        state: State::Live,
        next_at: Some(Timestamp(next_at)),
        expires_at: Timestamp(expires_at),
        ..new(&plan, "live fire 图书馆")
    };
    keep(db, &new).await
}
