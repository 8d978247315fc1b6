use std::time::Duration;

use belltower::clock::Timestamp;
use belltower::domain::audience::{After, Whose};
use belltower::domain::delivery::State as DeliveryState;
use belltower::domain::emergency::starters::starters;
use belltower::domain::emergency::{
    Act, Chosen, HandKind, Level, Overridden, Part, Plan, Run, Spoken, State,
};
use belltower::domain::id::{BroadcastId, MessageId, OperatorId, RecipientId, SourceId};
use belltower::domain::message::Status;
use belltower::store::Db;
use belltower::store::audience::{ResolvedAudience, members};
use belltower::store::broadcasts::{
    NewAct, NewBroadcast, acts, add_message, attached, be_told, be_untold, channel_times, due, escalated_in,
    find, following, had_a_hand, insert, is_planning, list, lock, messages, messages_in, note, of_message,
    of_message_in, open_with_key, pace, people, reasons, red_goes_out, times, told_by, told_by_in, untold,
    update, waiting,
};
use belltower::store::deliveries::release_lost;
use belltower::store::messages::NewMessage;
use serde_json::json;

use super::deliveries::{DAY, NOW, OWNER, sending, settlement, store, take};
use super::execute;
use super::messages::{keep as keep_messages, message, sources};
use crate::support::on_both;

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
    assert_eq!(ids(waiting(&db).await.unwrap()), [drill, red, blue]);
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

on_both!(all_that_is_done_is_kept_in_its_order_with_who_had_a_hand_in_it, |db| async {
    let plan = plan();
    let id = keep(&db, &new(&plan, "a")).await;
    let mut tx = db.begin().await.unwrap();
    let done = [
        (Act::Press, Some(3)),
        (Act::Submit, Some(3)),
        (Act::Approve, Some(4)),
        (Act::Attach, Some(5)),
        (Act::Complete, None),
    ];
    for (at, (act, operator)) in done.into_iter().enumerate() {
        let detail = json!({ "n": at });
        let new = NewAct {
            act,
            operator: operator.map(OperatorId),
            by: "王敏",
            from: Some("192.0.2.7"),
            detail: &detail,
        };
        note(&mut tx, id, Timestamp(at as i64), &new).await.unwrap();
    }
    let had = [3, 4, 5, 6].map(OperatorId);
    let mut hands = Vec::new();
    for operator in had {
        hands.push(had_a_hand(&mut tx, id, operator).await.unwrap());
    }
    assert!(attached(&mut tx, id, OperatorId(5)).await.unwrap());
    assert!(
        !attached(&mut tx, id, OperatorId(3)).await.unwrap(),
        "who began it did not press the same once more"
    );
    assert_eq!(hands, [true, false, false, false], "who approves or presses too wrote nothing of it");
    tx.commit().await.unwrap();
    let rows = acts(&db, id).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.act).collect::<Vec<_>>(), done.map(|(act, _)| act));
    assert_eq!(
        (rows[2].operator_id, rows[2].at, &rows[2].detail.0),
        (Some(OperatorId(4)), Timestamp(2), &json!({ "n": 2 }))
    );
    assert_eq!((rows[0].done_by.as_str(), rows[0].done_from.as_deref()), ("王敏", Some("192.0.2.7")));
});

on_both!(a_broadcast_knows_its_messages_and_what_told_its_people, |db| async {
    let plan = plan();
    let id = keep(&db, &new(&plan, "a")).await;
    let child = keep(
        &db,
        &NewBroadcast { scenario: None, follows: Some(id), source: Some(SourceId(1)), ..new(&plan, "b") },
    )
    .await;
    let mut tx = db.begin().await.unwrap();
    for (of, part, message) in
        [(id, Part::Alert, 1), (child, Part::Alert, 2), (id, Part::Escalation, 3), (id, Part::AllClear, 4)]
    {
        add_message(&mut tx, of, part, MessageId(message)).await.unwrap();
    }
    assert_eq!(told_by_in(&mut tx, id).await.unwrap(), [1, 2, 3].map(MessageId));
    assert_eq!(told_by_in(&mut tx, child).await.unwrap(), [MessageId(2)]);
    assert!(escalated_in(&mut tx, id).await.unwrap() && !escalated_in(&mut tx, child).await.unwrap());
    assert_eq!(messages_in(&mut tx, id).await.unwrap().len(), 3);
    let escalation = of_message_in(&mut tx, MessageId(3)).await.unwrap().unwrap();
    assert_eq!((escalation.broadcast_id, escalation.part), (id, Part::Escalation));
    assert!(of_message_in(&mut tx, MessageId(5)).await.unwrap().is_none());
    tx.commit().await.unwrap();
    assert_eq!(told_by(&db, id).await.unwrap(), [1, 2, 3].map(MessageId));
    let sent: Vec<_> =
        messages(&db, id).await.unwrap().iter().map(|row| (row.message_id.0, row.part)).collect();
    assert_eq!(sent, [(1, Part::Alert), (3, Part::Escalation), (4, Part::AllClear)]);
    let of = of_message(&db, MessageId(4)).await.unwrap().unwrap();
    assert_eq!((of.broadcast_id, of.part), (id, Part::AllClear));
    assert!(of_message(&db, MessageId(5)).await.unwrap().is_none());
    let children: Vec<_> = following(&db, id).await.unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(children, [child]);
});

on_both!(whoever_was_in_the_hands_of_a_process_that_died_may_have_it, |db| async {
    sending(&db).await;
    let lost = take(&db, 2).await;
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE delivery SET lease_until = 0 WHERE state = 1").await;
    assert_eq!(release_lost(&mut tx, NOW, DAY, OWNER + 1).await.unwrap().len(), 2);
    tx.commit().await.unwrap();
    let told = async || {
        let after = Some(After { messages: vec![MessageId(1)], whose: Whose::Told });
        let audience = ResolvedAudience { after, ..ResolvedAudience::default() };
        members(&db, &audience, RecipientId(0), 100).await.unwrap()
    };
    let mut people: Vec<_> = lost.iter().map(|one| RecipientId(one.target)).collect();
    people.sort_unstable();
    assert_eq!(told().await, people, "while they wait for another try");
    // That one fails for certain, which says nothing of the one before.
    let again = take(&db, 2).await;
    assert_eq!(
        again.iter().map(|one| one.id).collect::<Vec<_>>(),
        lost.iter().map(|one| one.id).collect::<Vec<_>>()
    );
    let failed: Vec<_> = again.iter().map(|one| settlement(one, DeliveryState::Failed)).collect();
    store(&db, &failed).await;
    assert_eq!(told().await, people);
});

on_both!(people_are_counted_once_and_those_who_may_have_it_found, |db| async {
    // Eight people with an address, one without, by mail alone.
    sending(&db).await;
    let claimed = take(&db, 6).await;
    let states = [
        DeliveryState::Sent,
        DeliveryState::Delivered,
        DeliveryState::Unknown,
        DeliveryState::Failed,
        DeliveryState::Pending,
    ];
    let settled: Vec<_> =
        claimed.iter().zip(states).map(|(claimed, state)| settlement(claimed, state)).collect();
    store(&db, &settled).await;
    let all = [MessageId(1)];
    let counted = people(&db, &all).await.unwrap();
    assert_eq!((counted.planned, counted.reached), (9, 2));
    assert_eq!(people(&db, &[]).await.unwrap().planned, 0);

    let found = async |whose, messages: &[MessageId]| {
        let after = Some(After { messages: messages.to_vec(), whose });
        let audience = ResolvedAudience { after, ..ResolvedAudience::default() };
        members(&db, &audience, RecipientId(0), 100).await.unwrap()
    };
    // Sent, delivered, unknown, and the sixth, which is still in somebody's hands.
    let mut may_have: Vec<_> = [0, 1, 2, 5].iter().map(|at| RecipientId(claimed[*at].target)).collect();
    may_have.sort_unstable();
    assert_eq!(found(Whose::Told, &all).await, may_have);
    let missed = found(Whose::Missed, &all).await;
    assert_eq!(missed.len(), 5);
    assert!(missed.iter().all(|id| !may_have.contains(id)));
    for whose in [Whose::Told, Whose::Missed] {
        assert_eq!(found(whose, &[]).await, []);
        assert_eq!(found(whose, &[MessageId(2)]).await, [], "of another message");
    }

    let why = reasons(&db, &all).await.unwrap();
    assert_eq!(why.iter().map(|row| row.n).sum::<i64>(), 3, "failed, unknown, without an address");
    let pace = pace(&db, &all).await.unwrap();
    assert_eq!((pace.len(), pace[0].handed), (1, 1));
    assert!(!is_planning(&db, &all).await.unwrap());
    let at = times(&db, &all, 1).await.unwrap();
    assert!(at.first_call.is_some() && at.half == at.last && at.last == pace[0].last_at);
    assert_eq!(times(&db, &all, 9).await.unwrap().half, None, "one of nine is not half of them");
    let since = at.last.unwrap().minus(Duration::from_secs(7));
    let by_channel = channel_times(&db, &all, since).await.unwrap();
    let by_channel: Vec<_> =
        by_channel.iter().map(|row| (row.channel, row.last, row.standstill_ms)).collect();
    assert_eq!(by_channel, [(pace[0].channel, pace[0].last_at.unwrap(), 7_000)]);
});

on_both!(a_red_alert_goes_out_while_a_message_of_it_is_under_way, |db| async {
    sources(&db).await;
    let statuses = [Status::Sending, Status::Completed, Status::Sending, Status::Sending, Status::Routing];
    let messages = (1..).zip(statuses).map(|(id, status)| NewMessage { status, ..message(id) });
    keep_messages(&db, &messages.collect::<Vec<_>>()).await;
    let plan = plan();
    let live =
        |open_key| NewBroadcast { state: State::Live, live_at: Some(Timestamp(200)), ..new(&plan, open_key) };
    for (number, others) in [
        // Not yet out, out already, practised, not so grave.
        NewBroadcast { state: State::PendingApproval, live_at: None, ..live("a") },
        live("b"),
        NewBroadcast { run: Run::Drill, ..live("c") },
        NewBroadcast { level: Level::Orange, ..live("d") },
    ]
    .iter()
    .enumerate()
    {
        let id = keep(&db, others).await;
        let mut tx = db.begin().await.unwrap();
        add_message(&mut tx, id, Part::Alert, MessageId(number as i64 + 1)).await.unwrap();
        tx.commit().await.unwrap();
    }
    assert!(!red_goes_out(&db, Timestamp(100)).await.unwrap());
    let id = keep(&db, &live("e")).await;
    let mut tx = db.begin().await.unwrap();
    add_message(&mut tx, id, Part::Alert, MessageId(5)).await.unwrap();
    tx.commit().await.unwrap();
    assert!(red_goes_out(&db, Timestamp(200)).await.unwrap());
    assert!(!red_goes_out(&db, Timestamp(201)).await.unwrap(), "it began before");
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
