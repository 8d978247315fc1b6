use belltower::clock::Timestamp;
use belltower::domain::button::{Led, Prepared, Signal};
use belltower::domain::emergency::{Chosen, Plan, State, starters};
use belltower::domain::id::{BroadcastId, ButtonId, ButtonKeyId, ButtonPressId};
use belltower::store::button_presses::{
    NewPress, attach, cancel, differing, due, find, find_seq, fire, forget_beats, give_up, insert, latest,
    latest_live, list, prune, put_off, said_last, unsent, waiting,
};
use belltower::store::{Db, broadcasts, button_keys};

use super::broadcasts::live;

use super::buttons::add;
use crate::support::on_both;

fn prepared() -> Prepared {
    let starter = starters::starters(jiff::civil::date(2026, 9, 1)).into_iter().next().unwrap();
    let plan = Plan { scenario: starter.scenario, version: 1, chosen: Chosen::default() };
    Prepared { scenario: starter.slug, plan, differs: false }
}

async fn button(db: &Db) -> (ButtonId, ButtonKeyId) {
    let button = add(db, "a").await;
    let mut tx = db.begin().await.unwrap();
    let key = button_keys::insert(&mut tx, button, &[1; 32], "wxyz", "王敏", Timestamp(1)).await.unwrap();
    tx.commit().await.unwrap();
    (button, key)
}

fn new((button, key): (ButtonId, ButtonKeyId), seq: i64, at: i64) -> NewPress<'static> {
    NewPress {
        button,
        key,
        seq,
        signal: Signal::Press,
        at: Timestamp(at),
        said_at: None,
        from: "10.0.0.1",
        led: Led::Accepted,
        joins: None,
        prepared: None,
        due_at: None,
        broadcast: None,
    }
}

async fn keep(db: &Db, new: &NewPress<'_>) -> ButtonPressId {
    let mut tx = db.begin().await.unwrap();
    let id = insert(&mut tx, new).await.unwrap();
    tx.commit().await.unwrap();
    id
}

on_both!(a_number_of_a_key_is_kept_once, |db| async {
    let of = button(&db).await;
    let prepared = prepared();
    let press = NewPress {
        prepared: Some(&prepared),
        due_at: Some(Timestamp(15)),
        said_at: Some(Timestamp(9)),
        ..new(of, 3, 10)
    };
    let id = keep(&db, &press).await;
    let row = find(&db, id).await.unwrap().unwrap();
    assert_eq!((row.button_id, row.key_id, row.seq, row.at), (of.0, of.1, 3, Timestamp(10)));
    assert_eq!((row.prepared.unwrap().0, row.due_at), (prepared.clone(), Some(Timestamp(15))));
    assert_eq!((row.said_at, row.done_from.as_str()), (Some(Timestamp(9)), "10.0.0.1"));
    let mut tx = db.begin().await.unwrap();
    assert_eq!(find_seq(&mut tx, of.1, 3).await.unwrap().unwrap().id, id);
    assert!(find_seq(&mut tx, of.1, 4).await.unwrap().is_none());
    assert!(insert(&mut tx, &press).await.is_err());
});

on_both!(a_press_becomes_one_broadcast_or_is_called_off, |db| async {
    let of = button(&db).await;
    let prepared = prepared();
    let press =
        |seq, at| NewPress { prepared: Some(&prepared), due_at: Some(Timestamp(at + 5)), ..new(of, seq, at) };
    let (first, second) = (keep(&db, &press(1, 10)).await, keep(&db, &press(2, 20)).await);
    let ids = async |now| {
        let rows = due(&db, Timestamp(now), 10).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(14).await, []);
    assert_eq!(ids(25).await, [first, second]);

    let mut tx = db.begin().await.unwrap();
    assert!(fire(&mut tx, first, BroadcastId(7), Led::Live).await.unwrap());
    assert!(!fire(&mut tx, first, BroadcastId(8), Led::Live).await.unwrap(), "once");
    assert_eq!(latest(&mut tx, of.0, Timestamp(9)).await.unwrap().unwrap().id, second);
    assert_eq!(cancel(&mut tx, of.0, Timestamp(22)).await.unwrap(), 1, "what went out cannot be called off");
    assert!(!fire(&mut tx, second, BroadcastId(9), Led::Live).await.unwrap(), "it was called off");
    assert_eq!(latest(&mut tx, of.0, Timestamp(9)).await.unwrap().unwrap().id, first);
    assert!(latest(&mut tx, of.0, Timestamp(10)).await.unwrap().is_none());
    tx.commit().await.unwrap();
    assert_eq!(ids(99).await, []);
    let row = find(&db, first).await.unwrap().unwrap();
    assert_eq!((row.broadcast_id, row.led, row.due_at), (Some(BroadcastId(7)), Led::Live, None));
    let row = find(&db, second).await.unwrap().unwrap();
    assert_eq!((row.cancelled_at, row.due_at, row.broadcast_id), (Some(Timestamp(22)), None, None));
});

on_both!(what_did_not_go_out_is_known, |db| async {
    let of = button(&db).await;
    let prepared = prepared();
    let press = NewPress { prepared: Some(&prepared), due_at: Some(Timestamp(10)), ..new(of, 1, 10) };
    let id = keep(&db, &press).await;
    keep(&db, &new(of, 2, 11)).await;
    let lost = async |since, until| {
        let rows = unsent(&db, Timestamp(since), Timestamp(until)).await.unwrap();
        rows.into_iter().map(|row| (row.button_id, row.at.0)).collect::<Vec<_>>()
    };
    assert_eq!(lost(0, 9).await, []);
    assert_eq!(lost(0, 20).await, [(of.0, 10)]);
    assert_eq!(lost(10, 20).await, []);
    let mut tx = db.begin().await.unwrap();
    put_off(&mut tx, id, Timestamp(30)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(due(&db, Timestamp(29), 10).await.unwrap().len(), 0);
    assert_eq!(due(&db, Timestamp(30), 10).await.unwrap().len(), 1);
    let mut tx = db.begin().await.unwrap();
    give_up(&mut tx, id).await.unwrap();
    assert!(latest(&mut tx, of.0, Timestamp(0)).await.unwrap().is_none(), "nothing to attach to");
    tx.commit().await.unwrap();
    assert_eq!(lost(0, 20).await, [(of.0, 10)], "still");
    let row = find(&db, id).await.unwrap().unwrap();
    assert_eq!((row.due_at, row.led, row.is_to_go_out()), (None, Led::Refused, false));
    let mut tx = db.begin().await.unwrap();
    fire(&mut tx, id, BroadcastId(7), Led::Accepted).await.unwrap();
    give_up(&mut tx, id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(lost(0, 20).await, []);
    assert_eq!(find(&db, id).await.unwrap().unwrap().led, Led::Accepted, "it went out");
});

on_both!(what_is_to_go_out_is_known_before_it_is_due, |db| async {
    let of = button(&db).await;
    let prepared = prepared();
    let press =
        |seq, due| NewPress { prepared: Some(&prepared), due_at: Some(Timestamp(due)), ..new(of, seq, 10) };
    keep(&db, &new(of, 1, 10)).await;
    let (later, sooner) = (keep(&db, &press(2, 90)).await, keep(&db, &press(3, 20)).await);
    let ids = async |limit| {
        let rows = waiting(&db, limit).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(10).await, [sooner, later]);
    assert_eq!(ids(1).await, [sooner]);
    assert!(find(&db, later).await.unwrap().unwrap().is_to_go_out());
    let mut tx = db.begin().await.unwrap();
    fire(&mut tx, sooner, BroadcastId(7), Led::Live).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ids(10).await, [later]);
});

on_both!(of_what_went_out_the_latest_that_is_live_is_found, |db| async {
    let of = button(&db).await;
    let prepared = prepared();
    let press =
        |seq, at| NewPress { prepared: Some(&prepared), due_at: Some(Timestamp(at)), ..new(of, seq, at) };
    let (first, second) = (live(&db, "live fire 图书馆").await, live(&db, "live fire 食堂").await);
    let mut tx = db.begin().await.unwrap();
    for (new, broadcast) in [(press(1, 10), first), (press(2, 20), second)] {
        let id = insert(&mut tx, &new).await.unwrap();
        fire(&mut tx, id, broadcast, Led::Live).await.unwrap();
    }
    insert(&mut tx, &press(3, 30)).await.unwrap();
    assert_eq!(latest_live(&mut tx, of.0, Timestamp(9)).await.unwrap(), Some(second));
    assert_eq!(latest_live(&mut tx, of.0, Timestamp(20)).await.unwrap(), None, "longer ago");
    let mut row = broadcasts::lock(&mut tx, second).await.unwrap().unwrap();
    row.state = State::Stopped;
    broadcasts::update(&mut tx, &row, None).await.unwrap();
    assert_eq!(latest_live(&mut tx, of.0, Timestamp(9)).await.unwrap(), Some(first));
    assert_eq!(latest_live(&mut tx, ButtonId(99), Timestamp(9)).await.unwrap(), None);
    tx.commit().await.unwrap();
});

on_both!(a_press_is_kept_with_what_is_sent_instead_of_it, |db| async {
    let of = button(&db).await;
    let prepared = prepared();
    let press =
        |seq, at| NewPress { prepared: Some(&prepared), due_at: Some(Timestamp(at)), ..new(of, seq, at) };
    let broadcast = live(&db, "live fire 图书馆").await;
    let own = keep(&db, &press(1, 10)).await;
    let other = keep(&db, &press(2, 20)).await;
    let waits = keep(&db, &press(3, 30)).await;
    let kept = Prepared { differs: true, ..prepared.clone() };
    let mut tx = db.begin().await.unwrap();
    assert!(fire(&mut tx, own, broadcast, Led::Accepted).await.unwrap());
    assert!(!attach(&mut tx, own, broadcast, &kept).await.unwrap(), "it became one");
    assert!(attach(&mut tx, other, broadcast, &kept).await.unwrap());
    assert!(!attach(&mut tx, other, broadcast, &kept).await.unwrap(), "once");
    assert!(!fire(&mut tx, other, broadcast, Led::Live).await.unwrap());
    assert_eq!(cancel(&mut tx, of.0, Timestamp(31)).await.unwrap(), 1);
    assert!(!attach(&mut tx, waits, broadcast, &kept).await.unwrap(), "it was called off");
    assert_eq!(latest_live(&mut tx, of.0, Timestamp(0)).await.unwrap(), Some(broadcast), "by the first");
    assert_eq!(latest_live(&mut tx, of.0, Timestamp(10)).await.unwrap(), None);
    let joins = NewPress { joins: Some(other), broadcast: Some(broadcast), ..new(of, 4, 40) };
    insert(&mut tx, &joins).await.unwrap();
    tx.commit().await.unwrap();
    let row = find(&db, other).await.unwrap().unwrap();
    assert_eq!((row.broadcast_id, row.led, row.due_at), (Some(broadcast), Led::Accepted, None));
    assert_eq!((row.prepared.as_ref().unwrap().0.clone(), row.differs()), (kept, true));
    assert!(!find(&db, own).await.unwrap().unwrap().differs());
    let joined = list(&db, of.0, None, 1).await.unwrap().remove(0);
    assert!(joined.differs() && joined.prepared.is_none());
    let ids = async |since| {
        let rows = differing(&db, Timestamp(since)).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(19).await, [other]);
    assert_eq!(ids(20).await, []);
    let mut tx = db.begin().await.unwrap();
    let mut row = broadcasts::lock(&mut tx, broadcast).await.unwrap().unwrap();
    row.state = State::Stopped;
    broadcasts::update(&mut tx, &row, None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ids(0).await, [], "it is over");
});

on_both!(what_each_key_said_last_is_found, |db| async {
    let of = button(&db).await;
    let other = add(&db, "b").await;
    let mut tx = db.begin().await.unwrap();
    let key = button_keys::insert(&mut tx, other, &[2; 32], "abcd", "王敏", Timestamp(1)).await.unwrap();
    button_keys::insert(&mut tx, other, &[3; 32], "efgh", "王敏", Timestamp(1)).await.unwrap();
    for (of, seq, at, said) in
        [(of, 5, 40, None), ((other, key), 1, 20, Some(7)), ((other, key), 2, 30, Some(8))]
    {
        let new = NewPress { signal: Signal::Heartbeat, said_at: said.map(Timestamp), ..new(of, seq, at) };
        insert(&mut tx, &new).await.unwrap();
        button_keys::advance(&mut tx, of.1, seq, Timestamp(at)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let rows = said_last(&db).await.unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (row.button_id, row.at.0, row.said_at.map(|at| at.0))).collect();
    assert_eq!(rows, [(other, 30, Some(8)), (of.0, 40, None)]);
});

on_both!(of_signs_of_life_the_latest_is_kept, |db| async {
    let of = button(&db).await;
    let beat = |seq| NewPress { signal: Signal::Heartbeat, ..new(of, seq, seq) };
    keep(&db, &beat(1)).await;
    let press = keep(&db, &new(of, 2, 2)).await;
    let last = keep(&db, &beat(3)).await;
    let mut tx = db.begin().await.unwrap();
    forget_beats(&mut tx, of.1, last).await.unwrap();
    tx.commit().await.unwrap();
    let ids = async |before, limit| {
        let rows = list(&db, of.0, before, limit).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(None, 10).await, [last, press]);
    assert_eq!(ids(Some(last), 10).await, [press]);
    assert_eq!(ids(None, 1).await, [last]);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(prune(&mut tx, Timestamp(3)).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(ids(None, 10).await, [last]);
});

/// A press that sends something at that moment, unless it is called off.
pub(super) async fn waiting_press(db: &Db, due_at: i64) -> ButtonPressId {
    let (of, prepared) = (button(db).await, prepared());
    keep(db, &NewPress { prepared: Some(&prepared), due_at: Some(Timestamp(due_at)), ..new(of, 1, 10) }).await
}
