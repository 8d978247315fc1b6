use std::collections::BTreeSet;

use belltower::clock::Timestamp;
use belltower::domain::channel::{AddressKind, Outlet};
use belltower::domain::delivery::State;
use belltower::domain::emergency::Part;
use belltower::domain::id::{DeliveryId, MessageId};
use belltower::domain::message::{Lane, Rank};
use belltower::store::Db;
use belltower::store::audience::ResolvedAudience;
use belltower::store::broadcasts::add_message;
use belltower::store::deliveries::{
    Claim, Claimed, Settlement, Settling, awaken, due, end_pending, hold_pending, release_lost, turn,
};
use belltower::store::fan_out::{FanOut, add_chunk};
use belltower::store::handover::{self, Repeat};
use belltower::store::history::{self, CountRow};
use belltower::store::planning::{finish, half_cancelled};
use belltower::store::reopening::{self, Reopened};
use belltower::store::screen::Screen;

use super::broadcasts::{FIRST, live};
use super::messages::{keep, message, sources};
use super::planning::{people, planned};
use super::{execute, roll_back};
use crate::support::on_both;

pub(super) const OWNER: i64 = 7;
pub(super) const LEASE: i64 = 30_000;
pub(super) const NOW: Timestamp = Timestamp(20_000);
pub(super) const EMAIL: Outlet = Outlet::Live(AddressKind::Email);
pub(super) const DAY: &str = "2026-09-21";

/// What a worker brings that counts nobody's messages.
pub(super) fn by(owner: i64, settlements: &[Settlement]) -> Settling<'_> {
    Settling { owner, settlements, capped: &[] }
}

/// Message 1 to everyone by e-mail: eight pending, one without an address.
pub(super) async fn sending(db: &Db) {
    sources(db).await;
    people(db).await;
    let message = planned(db, message(1)).await;
    let audience = ResolvedAudience { everyone: true, ..ResolvedAudience::default() };
    let fan_out =
        FanOut { message: &message, audience: &audience, screen: &Screen::default(), now: Timestamp(10_000) };
    let mut tx = db.begin().await.unwrap();
    add_chunk(&mut tx, &fan_out, belltower::domain::id::RecipientId(10), LEASE).await.unwrap();
    finish(&mut tx, &[message.id], OWNER, NOW).await.unwrap();
    tx.commit().await.unwrap();
}

pub(super) fn wanted(limit: i64) -> Claim {
    Claim { outlet: EMAIL, lease_ms: LEASE, limit, routine: limit, still_since: None }
}

pub(super) async fn take(db: &Db, n: i64) -> Vec<Claimed> {
    let mut tx = db.begin().await.unwrap();
    let turn = turn(&mut tx, NOW, DAY, &by(OWNER, &[]), Some(wanted(n))).await.unwrap();
    tx.commit().await.unwrap();
    turn.claimed
}

pub(super) fn settlement(claimed: &Claimed, state: State) -> Settlement {
    Settlement {
        id: claimed.id.0,
        message_id: claimed.message_id.0,
        channel: claimed.channel.code(),
        attempt: claimed.attempts,
        state: state.code(),
        reason: None,
        due_at: NOW.0 + 1_000,
        failures: 0,
        provider_id: None,
        reference: Some(format!("ref-{}", claimed.id.0)),
        poll_at: (state == State::Sent).then_some(NOW.0),
        repeat_at: None,
        metered: false,
        segments: 0,
        asked: false,
        sent_at: (state == State::Sent).then_some(NOW.0),
        started_at: NOW.0,
        duration_ms: 12,
        outcome: Some("accepted".to_owned()),
        code: Some("250".to_owned()),
        detail: None,
        repeated: claimed.repeated,
        later: Vec::new(),
    }
}

pub(super) async fn store(db: &Db, settlements: &[Settlement]) -> Vec<MessageId> {
    store_as(db, OWNER, settlements).await
}

pub(super) async fn store_as(db: &Db, owner: i64, settlements: &[Settlement]) -> Vec<MessageId> {
    let mut tx = db.begin().await.unwrap();
    let turn = turn(&mut tx, NOW, DAY, &by(owner, settlements), None).await.unwrap();
    tx.commit().await.unwrap();
    turn.closed
}

pub(super) async fn counts(db: &Db) -> CountRow {
    history::counts(db, &[MessageId(1)]).await.unwrap().remove(0)
}

on_both!(a_claim_takes_what_is_due_once_and_counts_it, |db| async {
    sending(&db).await;
    let due_now = due(&db, NOW).await.unwrap();
    assert_eq!((due_now.len(), due_now[0].outlet, due_now[0].lane), (1, EMAIL.code(), Lane::Normal));
    assert!(due(&db, Timestamp(0)).await.unwrap().is_empty());
    let first = take(&db, 5).await;
    let second = take(&db, 100).await;
    assert_eq!((first.len(), second.len(), take(&db, 100).await.len()), (5, 3, 0));
    assert_eq!(first[0].attempts, 1);
    assert_eq!(first[0].address.as_deref(), Some("p1@campus.example"));
    assert_eq!(
        (counts(&db).await.pending, counts(&db).await.sending, counts(&db).await.suppressed),
        (0, 8, 1)
    );
});

on_both!(outcomes_are_stored_with_their_attempts_and_the_last_one_closes_the_message, |db| async {
    sending(&db).await;
    let claimed = take(&db, 100).await;
    let most: Vec<_> = claimed[..7].iter().map(|c| settlement(c, State::Sent)).collect();
    assert!(store(&db, &most).await.is_empty());
    assert_eq!(store(&db, &[settlement(&claimed[7], State::Failed)]).await, [MessageId(1)]);
    let row = counts(&db).await;
    assert_eq!((row.sent, row.failed, row.sending, row.pending), (7, 1, 0, 0));
    let attempts = history::attempts(&db, claimed[0].id).await.unwrap();
    assert_eq!((attempts.len(), attempts[0].code.as_deref()), (1, Some("250")));
});

on_both!(what_would_wait_for_another_try_is_cancelled_with_its_message, |db| async {
    sending(&db).await;
    let claimed = take(&db, 2).await;
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE message SET status = 7, updated_at = 20000").await;
    tx.commit().await.unwrap();
    assert_eq!(half_cancelled(&db, NOW, 10).await.unwrap(), [MessageId(1)], "six still wait");
    assert!(half_cancelled(&db, Timestamp(NOW.0 + 1), 10).await.unwrap().is_empty());
    store(&db, &[settlement(&claimed[0], State::Pending), settlement(&claimed[1], State::Sent)]).await;
    let row = counts(&db).await;
    assert_eq!((row.cancelled, row.sent, row.sending, row.pending), (1, 1, 0, 6));
});

on_both!(a_retry_waits_for_its_moment, |db| async {
    sending(&db).await;
    let claimed = take(&db, 100).await;
    let all: Vec<_> = claimed.iter().map(|c| settlement(c, State::Pending)).collect();
    assert!(store(&db, &all).await.is_empty());
    assert!(take(&db, 100).await.is_empty());
    let mut tx = db.begin().await.unwrap();
    let later = turn(&mut tx, Timestamp(NOW.0 + 1_000), DAY, &by(OWNER, &[]), Some(wanted(100)))
        .await
        .unwrap()
        .claimed;
    tx.commit().await.unwrap();
    assert_eq!((later.len(), later[0].attempts), (8, 2));
});

on_both!(what_still_waits_can_be_ended_in_steps, |db| async {
    sending(&db).await;
    take(&db, 2).await;
    let mut left = Vec::new();
    for _ in 0..4 {
        let mut tx = db.begin().await.unwrap();
        left.push(
            end_pending(&mut tx, MessageId(1), State::Cancelled, "cancelled", NOW, DAY, 4).await.unwrap(),
        );
        tx.commit().await.unwrap();
    }
    assert_eq!(left, [4, 2, 0, 0]);
    let row = counts(&db).await;
    assert_eq!((row.cancelled, row.sending, row.pending, row.suppressed), (6, 2, 0, 1));
});

on_both!(ended_deliveries_open_again_and_keep_their_attempts, |db| async {
    sending(&db).await;
    let claimed = take(&db, 100).await;
    let all: Vec<_> = claimed
        .iter()
        .enumerate()
        .map(|(i, c)| settlement(c, if i < 3 { State::Failed } else { State::Sent }))
        .collect();
    store(&db, &all).await;
    let states = [State::Failed, State::Unknown];
    let open = async |after, limit| {
        let mut tx = db.begin().await.unwrap();
        let reopened =
            reopening::reopen(&mut tx, MessageId(1), &states, (after, limit), &[], NOW, &|_| DAY.to_owned())
                .await
                .unwrap();
        tx.commit().await.unwrap();
        reopened
    };
    let first = open(DeliveryId(0), 2).await.unwrap();
    assert_eq!(first, Reopened { n: 2, last: claimed[1].id });
    assert_eq!(open(first.last, 2).await, Some(Reopened { n: 1, last: claimed[2].id }));
    assert_eq!(open(claimed[2].id, 2).await, None);
    assert_eq!(open(DeliveryId(0), 2).await, None, "they are not in those states any more");
    let row = counts(&db).await;
    assert_eq!((row.failed, row.pending, row.sent), (0, 3, 5));
    assert_eq!(
        take(&db, 100).await.iter().map(|c| (c.attempts, c.failures)).collect::<Vec<_>>(),
        [(2, 0); 3]
    );
});

on_both!(the_most_urgent_lane_goes_first_and_one_turn_settles_and_takes, |db| async {
    sending(&db).await;
    let mut tx = db.begin().await.unwrap();
    // The last two were planned last, but are an emergency's.
    execute(&mut tx, "UPDATE delivery SET lane = 0, due_at = 19000 WHERE recipient_id >= 9").await;
    tx.commit().await.unwrap();
    let first = take(&db, 3).await;
    assert_eq!(
        first.iter().map(|c| c.lane).collect::<Vec<_>>(),
        [Lane::Emergency, Lane::Emergency, Lane::Normal]
    );
    let outcomes: Vec<_> = first.iter().map(|c| settlement(c, State::Sent)).collect();
    let mut tx = db.begin().await.unwrap();
    let turn = turn(&mut tx, NOW, DAY, &by(OWNER, &outcomes), Some(wanted(100))).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((turn.claimed.len(), turn.closed.len()), (5, 0));
    let row = counts(&db).await;
    assert_eq!((row.sent, row.sending, row.pending), (3, 5, 0));
});

/// The first two people have a plan: e-mail, and ten seconds later the same again as if it were an SMS.
async fn plans(db: &Db) -> Vec<Claimed> {
    sending(db).await;
    let claimed = take(db, 2).await;
    let mut tx = db.begin().await.unwrap();
    for text in [
        "UPDATE delivery SET last_step = 1 WHERE recipient_id <= 2",
        "INSERT INTO delivery (message_id, channel, outlet, lane, target, recipient_id, address, state, due_at,
            updated_at, step, last_step)
         SELECT message_id, 2, 2, lane, target, recipient_id, address, 0, 30000, 0, 1, 1 FROM delivery
         WHERE recipient_id <= 2",
        "INSERT INTO message_count (message_id, channel, pending) VALUES (1, 2, 2)",
    ] {
        execute(&mut tx, text).await;
    }
    tx.commit().await.unwrap();
    claimed
}

async fn column(db: &Db, text: &'static str) -> Vec<i64> {
    match db {
        Db::Sqlite { readers, .. } => sqlx::query_scalar(text).fetch_all(readers).await.unwrap(),
        Db::Postgres(pool) => sqlx::query_scalar(text).fetch_all(pool).await.unwrap(),
    }
}

on_both!(a_step_that_waits_again_is_not_needed_where_another_got_through, |db| async {
    let claimed = plans(&db).await;
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE delivery SET state = 3 WHERE channel = 2 AND recipient_id = 1").await;
    execute(&mut tx, "UPDATE message_count SET pending = 1, delivered = 1 WHERE channel = 2").await;
    tx.commit().await.unwrap();
    store(&db, &[settlement(&claimed[0], State::Pending), settlement(&claimed[1], State::Pending)]).await;
    let states =
        column(&db, "SELECT state FROM delivery WHERE channel = 1 AND last_step > 0 ORDER BY target").await;
    assert_eq!(states, [State::Suppressed.code(), State::Pending.code()]);
    let row = counts(&db).await;
    assert_eq!((row.pending, row.sending, row.suppressed), (7, 0, 2));
});

on_both!(a_step_cut_off_by_a_crash_is_not_needed_either, |db| async {
    plans(&db).await;
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE delivery SET state = 3 WHERE channel = 2 AND recipient_id = 1").await;
    execute(&mut tx, "UPDATE message_count SET pending = 1, delivered = 1 WHERE channel = 2").await;
    execute(&mut tx, "UPDATE delivery SET lease_until = 0 WHERE state = 1").await;
    assert_eq!(release_lost(&mut tx, NOW, DAY, OWNER + 1).await.unwrap().len(), 2);
    tx.commit().await.unwrap();
    let row = counts(&db).await;
    assert_eq!((row.pending, row.sending, row.suppressed), (7, 0, 2));
});

on_both!(later_steps_come_no_sooner_than_they_are_told_and_are_not_told_twice, |db| async {
    let claimed = plans(&db).await;
    let text = "SELECT due_at FROM delivery WHERE channel = 2 ORDER BY target";
    for _ in 0..2 {
        let wait =
            Settlement { outcome: None, later: vec![(1, 50_000)], ..settlement(&claimed[0], State::Pending) };
        store(&db, &[wait]).await;
        assert_eq!(column(&db, text).await, [50_000, 30_000]);
        let mut tx = db.begin().await.unwrap();
        execute(&mut tx, "UPDATE delivery SET state = 1, attempts = 1, lease_owner = 7 WHERE id = (SELECT min(id) FROM delivery)").await;
        execute(
            &mut tx,
            "UPDATE message_count SET pending = pending - 1, sending = sending + 1 WHERE channel = 1",
        )
        .await;
        tx.commit().await.unwrap();
    }
});

on_both!(a_later_step_overtakes_one_that_was_not_tried_to_its_end, |db| async {
    let claimed = plans(&db).await;
    let later: Vec<_> = column(&db, "SELECT id FROM delivery WHERE channel = 2 ORDER BY target").await;
    let later: Vec<_> = later.into_iter().map(DeliveryId).collect();
    assert_eq!(
        handover::overtaking(&db, &later).await.unwrap(),
        later.iter().copied().collect(),
        "both are on their way"
    );
    store(&db, &[settlement(&claimed[0], State::Unknown)]).await;
    assert_eq!(handover::overtaking(&db, &later).await.unwrap(), [later[1]].into());
    let first: Vec<_> = claimed.iter().map(|c| c.id).collect();
    assert!(handover::overtaking(&db, &first).await.unwrap().is_empty());
});

on_both!(a_repeat_is_one_whose_text_is_there_or_on_its_way, |db| async {
    sending(&db).await;
    let claimed = take(&db, 3).await;
    store(&db, &[settlement(&claimed[0], State::Sent), settlement(&claimed[1], State::Failed)]).await;
    let repeat = |id: i64, target: i64, channel: i64| Repeat {
        id,
        target,
        channels: vec![channel],
        messages: vec![1, 9],
    };
    let all = [
        repeat(101, 1, 1),
        repeat(102, 2, 1),
        repeat(103, 3, 1),
        repeat(104, 4, 1),
        repeat(105, 5, 1),
        repeat(106, 1, 2),
    ];
    let on_its_way = claimed[2].target;
    let found = handover::repeated(&db, &all).await.unwrap();
    let expected = [DeliveryId(101), DeliveryId(100 + on_its_way)];
    assert_eq!(found, expected.into(), "neither what failed nor what only waits nor another channel");
});

on_both!(what_waits_for_the_morning_is_looked_at_again, |db| async {
    sending(&db).await;
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE delivery SET due_at = 99000, reason = 'quiet_hours' WHERE recipient_id <= 5")
        .await;
    execute(&mut tx, "UPDATE delivery SET due_at = 99000, reason = 'retrying' WHERE recipient_id > 5").await;
    let mut awakened = Vec::new();
    for _ in 0..3 {
        awakened.push(awaken(&mut tx, NOW, 3).await.unwrap());
    }
    tx.commit().await.unwrap();
    // The third has no e-mail and is suppressed.
    assert_eq!(awakened, [3, 1, 0]);
    assert_eq!(take(&db, 100).await.len(), 4);
});

on_both!(among_emergencies_the_graver_alert_goes_first_whatever_waited_longer, |db| async {
    sending(&db).await;
    let ids: Vec<_> = take(&db, 8).await.iter().map(|claimed| claimed.id).collect();
    let mut tx = db.begin().await.unwrap();
    let lanes = [
        (0, Rank::Normal),
        (1, Rank::Drill),
        (2, Rank::DrillOver),
        (3, Rank::Emergency),
        (4, Rank::Orange),
        (5, Rank::Red),
        (6, Rank::RedOver),
        (7, Rank::Duty),
    ];
    for (at, rank) in lanes {
        let text = format!(
            "UPDATE delivery SET state = 0, lane = {}, due_at = {} WHERE id = {}",
            rank.code(),
            10_000 + 100 * at as i64,
            ids[at].0
        );
        execute(&mut tx, &text).await;
    }
    tx.commit().await.unwrap();
    let due_now = due(&db, NOW).await.unwrap();
    assert!(due_now.iter().any(|due| due.lane == Lane::Emergency));
    // Whatever is left for what is no emergency.
    for routine in 0..=3 {
        let mut tx = db.begin().await.unwrap();
        let claim = Claim { routine, ..wanted(3) };
        let turn = turn(&mut tx, NOW, DAY, &by(OWNER, &[]), Some(claim)).await.unwrap();
        roll_back(tx).await;
        let taken: BTreeSet<_> = turn.claimed.iter().map(|claimed| claimed.id).collect();
        assert_eq!(taken, BTreeSet::from([ids[5], ids[6], ids[7]]), "{routine}");
    }
    let mut taken = Vec::new();
    for _ in 0..lanes.len() {
        let [one] = &take(&db, 1).await[..] else { panic!("one at a time") };
        taken.push((one.id, one.lane));
    }
    let expected: Vec<_> = lanes.iter().rev().map(|(at, rank)| (ids[*at], rank.lane())).collect();
    assert_eq!(taken, expected);
});

on_both!(a_claim_limits_what_is_no_emergency_apart, |db| async {
    sending(&db).await;
    let mut tx = db.begin().await.unwrap();
    execute(
        &mut tx,
        "UPDATE delivery SET lane = 0 WHERE id IN (SELECT id FROM delivery WHERE state = 0 ORDER BY id LIMIT 3)",
    )
    .await;
    tx.commit().await.unwrap();
    let lanes = async |limit: i64, routine: i64| {
        let mut tx = db.begin().await.unwrap();
        let claim = Claim { routine, ..wanted(limit) };
        let turn = turn(&mut tx, NOW, DAY, &by(OWNER, &[]), Some(claim)).await.unwrap();
        roll_back(tx).await;
        let urgent = turn.claimed.iter().filter(|c| c.lane == Lane::Emergency).count();
        (urgent, turn.claimed.len() - urgent)
    };
    assert_eq!(lanes(6, 6).await, (3, 3));
    assert_eq!(lanes(6, 5).await, (3, 2), "emergencies use up what there is for all");
    assert_eq!(lanes(6, 2).await, (3, 0));
    assert_eq!(lanes(6, 0).await, (3, 0));
    assert_eq!(lanes(2, 0).await, (2, 0));
});

on_both!(nothing_but_emergencies_is_claimed_while_a_red_alert_goes_out, |db| async {
    sending(&db).await;
    let mut tx = db.begin().await.unwrap();
    execute(
        &mut tx,
        "UPDATE delivery SET lane = 0 WHERE id IN (SELECT id FROM delivery WHERE state = 0 ORDER BY id LIMIT 3)",
    )
    .await;
    tx.commit().await.unwrap();
    let lanes = async |routine: i64, still_since: Option<i64>| {
        let mut tx = db.begin().await.unwrap();
        let claim = Claim { routine, still_since: still_since.map(Timestamp), ..wanted(6) };
        let turn = turn(&mut tx, NOW, DAY, &by(OWNER, &[]), Some(claim)).await.unwrap();
        roll_back(tx).await;
        let urgent = turn.claimed.iter().filter(|c| c.lane == Lane::Emergency).count();
        (urgent, turn.claimed.len() - urgent)
    };
    for routine in [6, 5] {
        assert_eq!(lanes(routine, Some(FIRST)).await, (3, routine as usize - 3), "there is none");
    }
    let alert = MessageId::first_at(Timestamp(FIRST));
    keep(&db, &[message(alert.0)]).await;
    let broadcast = live(&db, "live fire").await;
    let mut tx = db.begin().await.unwrap();
    add_message(&mut tx, broadcast, Part::Alert, alert).await.unwrap();
    tx.commit().await.unwrap();
    for routine in [6, 5, 0] {
        assert_eq!(lanes(routine, Some(FIRST)).await, (3, 0), "{routine}");
    }
    assert_eq!(lanes(6, Some(FIRST + 1)).await, (3, 3), "it began before");
    assert_eq!(lanes(6, None).await, (3, 3));
});

on_both!(nothing_is_claimed_of_a_message_that_is_being_stopped, |db| async {
    sending(&db).await;
    let mut stopping = db.begin().await.unwrap();
    hold_pending(&mut stopping, MessageId(1)).await.unwrap();
    // On SQLite whoever claims waits for the transaction itself.
    if !stopping.is_only_writer() {
        assert_eq!(take(&db, 100).await.len(), 0);
    }
    roll_back(stopping).await;
    assert_eq!(take(&db, 100).await.len(), 8, "held no longer than the transaction");
    // What is claimed already is nobody's to hold.
    let mut stopping = db.begin().await.unwrap();
    hold_pending(&mut stopping, MessageId(1)).await.unwrap();
    stopping.commit().await.unwrap();
    assert_eq!(counts(&db).await.sending, 8);
});
