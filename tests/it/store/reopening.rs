use belltower::clock::Timestamp;
use belltower::domain::channel::{AddressKind, Outlet};
use belltower::domain::delivery::State;
use belltower::domain::id::{DeliveryId, MessageId};
use belltower::store::Db;
use belltower::store::deliveries::{Claim, Claimed, Settlement, end_pending, turn};
use belltower::store::erasure::blank;
use belltower::store::receipts::{NewReceipt, Verdict, Wanted, candidates, insert_waiting, judge};
use belltower::store::reopening::{leave_unanswered, reopen, repeat, unanswered};
use belltower::store::reports::day_counts;
use belltower::store::restoring::set_aside;

use super::deliveries::{NOW, OWNER, by, counts, sending, settlement, store, take, wanted};
use super::{execute, providers};
use crate::support::on_both;

const LATER: Timestamp = Timestamp(90_000);
const DAY: &str = "2026-09-21";
const NEXT_DAY: &str = "2026-09-22";
const DAY_AFTER: &str = "2026-09-23";
const DAY_MS: i64 = 86_400_000;
const NONE: [(State, i64); 0] = [];

/// Deliveries that no answer came to, to be handed over once more at a moment.
async fn silent(db: &Db, n: i64, repeat_at: Timestamp) -> Vec<Settlement> {
    let claimed = take(db, n).await;
    let of = |c| Settlement {
        repeat_at: Some(repeat_at.0),
        outcome: Some("unknown".to_owned()),
        ..settlement(c, State::Unknown)
    };
    let settled: Vec<_> = claimed.iter().map(of).collect();
    store(db, &settled).await;
    settled
}

/// All that is due by then.
async fn take_at(db: &Db, now: Timestamp) -> Vec<Claimed> {
    let claim = Claim {
        outlet: Outlet::Live(AddressKind::Email),
        lease_ms: 30_000,
        limit: 100,
        routine: 100,
        still_since: None,
    };
    let mut tx = db.begin().await.unwrap();
    let turn = turn(&mut tx, now, DAY, &by(7, &[]), Some(claim)).await.unwrap();
    tx.commit().await.unwrap();
    turn.claimed
}

async fn again(db: &Db, limit: i64) -> i64 {
    let mut tx = db.begin().await.unwrap();
    let n = repeat(&mut tx, MessageId(1), LATER, &|_| DAY.to_owned(), limit).await.unwrap();
    tx.commit().await.unwrap();
    n
}

on_both!(what_no_answer_came_to_is_opened_once_more_when_it_is_time, |db| async {
    sending(&db).await;
    silent(&db, 2, LATER).await;
    silent(&db, 1, Timestamp(LATER.0 + 1)).await;
    assert!(unanswered(&db, Timestamp(LATER.0 - 1), 10).await.unwrap().is_empty());
    assert_eq!(unanswered(&db, LATER, 10).await.unwrap(), [MessageId(1)]);
    assert_eq!((again(&db, 1).await, again(&db, 10).await, again(&db, 10).await), (1, 1, 0));
    let row = counts(&db).await;
    assert_eq!((row.unknown, row.pending), (1, 7), "five were never handed over");
    let today = day_counts(&db, DAY).await.unwrap();
    let unknown = today.iter().find(|row| row.state == State::Unknown).map_or(0, |row| row.n);
    assert_eq!(unknown, 1, "those that are open again are not counted as ended");
});

on_both!(what_was_heard_of_is_not_opened_once_more, |db| async {
    sending(&db).await;
    let provider = providers::add(&db, providers::data("one")).await.unwrap();
    let settled = silent(&db, 3, LATER).await;
    let receipt = |reference: &str, also: Option<&str>| NewReceipt {
        provider_id: provider.0,
        received_at: 1,
        reference: reference.to_owned(),
        also: also.map(str::to_owned),
        address: None,
        state: State::Delivered.code(),
        code: None,
        detail: None,
    };
    let of = |i: usize| settled[i].reference.as_deref();
    let receipts = [receipt(of(0).unwrap(), None), receipt("theirs", of(1))];
    let mut tx = db.begin().await.unwrap();
    insert_waiting(&mut tx, LATER, &receipts).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(again(&db, 10).await, 1);
    let mut tx = db.begin().await.unwrap();
    let wanted = |i: usize| Wanted { reference: of(i).unwrap(), provider_id: settled[i].provider_id };
    let known = candidates(&mut tx, &[0, 2].map(wanted), &[]).await.unwrap();
    assert_eq!(known.iter().map(|c| c.awaits_repeat).collect::<Vec<_>>(), [false, true]);
});

on_both!(what_was_heard_of_another_number_of_the_same_call_spares_nobody, |db| async {
    sending(&db).await;
    let provider = providers::add(&db, providers::data("one")).await.unwrap();
    let claimed = take(&db, 2).await;
    let shared = |c| Settlement {
        repeat_at: Some(LATER.0),
        reference: Some("one call".to_owned()),
        ..settlement(c, State::Unknown)
    };
    store(&db, &claimed.iter().map(shared).collect::<Vec<_>>()).await;
    let receipt = NewReceipt {
        provider_id: provider.0,
        received_at: 1,
        reference: "theirs".to_owned(),
        also: Some("one call".to_owned()),
        address: claimed[0].address.clone(),
        state: State::Delivered.code(),
        code: None,
        detail: None,
    };
    let mut tx = db.begin().await.unwrap();
    insert_waiting(&mut tx, LATER, &[receipt]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(again(&db, 10).await, 1, "the other one");
});

on_both!(what_an_operator_sends_again_is_not_spared_by_what_came_of_the_first, |db| async {
    sending(&db).await;
    let settled = silent(&db, 1, LATER).await;
    assert_eq!(again(&db, 10).await, 1);
    let claimed = take_at(&db, LATER).await;
    let repeated = claimed.iter().find(|c| c.id.0 == settled[0].id).unwrap();
    store(&db, &[settlement(repeated, State::Unknown)]).await;
    let mut tx = db.begin().await.unwrap();
    reopen(&mut tx, MessageId(1), &[State::Unknown], (DeliveryId(0), 10), &[], LATER, &|_| DAY.to_owned())
        .await
        .unwrap()
        .unwrap();
    let reference = settled[0].reference.as_deref().unwrap();
    let wanted = Wanted { reference, provider_id: settled[0].provider_id };
    let known = candidates(&mut tx, &[wanted], &[]).await.unwrap();
    assert_eq!((known[0].state, known[0].awaits_repeat), (State::Pending, false));
    tx.commit().await.unwrap();
});

on_both!(what_is_left_unanswered_stays_as_it_is, |db| async {
    sending(&db).await;
    silent(&db, 2, LATER).await;
    let mut tx = db.begin().await.unwrap();
    leave_unanswered(&mut tx, MessageId(1), LATER).await.unwrap();
    tx.commit().await.unwrap();
    assert!(unanswered(&db, LATER, 10).await.unwrap().is_empty());
    assert_eq!(again(&db, 10).await, 0);
    assert_eq!(counts(&db).await.unknown, 2);
});

on_both!(what_was_said_a_day_later_to_have_failed_is_opened_from_the_day_of_sending, |db| async {
    sending(&db).await;
    let claimed = take(&db, 2).await;
    store(&db, &[settlement(&claimed[0], State::Sent), settlement(&claimed[1], State::Failed)]).await;
    let tomorrow = Timestamp(LATER.0 + 86_400_000);
    let day_of = |at: Timestamp| if at < tomorrow { DAY } else { "2026-09-22" }.to_owned();
    let failed = Verdict {
        id: claimed[0].id.0,
        provider_id: None,
        reference: None,
        state: State::Failed.code(),
        code: None,
        detail: None,
    };
    let mut tx = db.begin().await.unwrap();
    judge(&mut tx, tomorrow, &day_of, &[failed]).await.unwrap();
    let states = [State::Failed];
    let opened = reopen(&mut tx, MessageId(1), &states, (DeliveryId(0), 10), &[], tomorrow, &day_of);
    assert_eq!(opened.await.unwrap().unwrap().n, 2);
    tx.commit().await.unwrap();
    let yesterday = day_counts(&db, DAY).await.unwrap();
    assert!(yesterday.iter().all(|day| day.n == 0), "{yesterday:?}");
    assert!(day_counts(&db, "2026-09-22").await.unwrap().is_empty(), "nothing ended then");
});

/// The third day never ends.
fn day_of(at: Timestamp) -> String {
    let day = match (at.0 - NOW.0).div_euclid(DAY_MS) {
        0 => DAY,
        1 => NEXT_DAY,
        _ => DAY_AFTER,
    };
    day.to_owned()
}

fn said(claimed: &Claimed, state: State) -> Verdict {
    Verdict {
        id: claimed.id.0,
        provider_id: None,
        reference: None,
        state: state.code(),
        code: None,
        detail: None,
    }
}

/// What a day's figures say.
async fn figures(db: &Db, day: &str) -> Vec<(State, i64)> {
    let rows = day_counts(db, day).await.unwrap();
    let mut rows: Vec<_> = rows.iter().map(|row| (row.state, row.n)).filter(|(_, n)| *n != 0).collect();
    rows.sort();
    rows
}

/// Opens whatever ended in one of these states again; returns how many.
async fn open_at(db: &Db, now: Timestamp, states: &[State]) -> i64 {
    let mut tx = db.begin().await.unwrap();
    let opened = reopen(&mut tx, MessageId(1), states, (DeliveryId(0), 100), &[], now, &day_of).await;
    tx.commit().await.unwrap();
    opened.unwrap().map_or(0, |opened| opened.n)
}

on_both!(what_ended_without_another_try_is_opened_from_the_day_on_which_it_ended, |db| async {
    sending(&db).await;
    let claimed = take(&db, 100).await;
    store(&db, &claimed.iter().map(|c| settlement(c, State::Sent)).collect::<Vec<_>>()).await;
    let mut tx = db.begin().await.unwrap();
    let failed: Vec<_> = claimed.iter().map(|c| said(c, State::Failed)).collect();
    judge(&mut tx, NOW, &day_of, &failed).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(open_at(&db, NOW, &[State::Failed]).await, 8);
    assert_eq!(figures(&db, DAY).await, NONE);

    // In every way in which something ends that nobody hands over.
    let tomorrow = Timestamp(NOW.0 + DAY_MS);
    let mut tx = db.begin().await.unwrap();
    let expired =
        end_pending(&mut tx, MessageId(1), State::Expired, "expired", tomorrow, NEXT_DAY, 2).await.unwrap();
    blank(&mut tx, &[claimed[6].id, claimed[7].id], tomorrow, NEXT_DAY).await.unwrap();
    execute(&mut tx, "UPDATE message SET status = 7").await;
    let stopped = turn(&mut tx, tomorrow, NEXT_DAY, &by(OWNER, &[]), Some(wanted(2))).await.unwrap();
    set_aside(&mut tx, tomorrow, NEXT_DAY, 100).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((expired, stopped.claimed.len()), (2, 0));
    assert_eq!(figures(&db, DAY).await, NONE);
    assert_eq!(figures(&db, NEXT_DAY).await.iter().map(|(_, n)| n).sum::<i64>(), 8);

    let states = [State::Expired, State::Cancelled, State::Unknown];
    assert_eq!(open_at(&db, Timestamp(tomorrow.0 + DAY_MS), &states).await, 8);
    for day in [DAY, NEXT_DAY, DAY_AFTER] {
        assert_eq!(figures(&db, day).await, NONE, "{day}");
    }
});

on_both!(what_was_in_doubt_stays_on_its_day_whatever_is_heard_of_it_and_when, |db| async {
    sending(&db).await;
    let claimed = take(&db, 1).await;
    let tomorrow = Timestamp(NOW.0 + DAY_MS);
    store(&db, &[settlement(&claimed[0], State::Unknown)]).await;
    let after = Timestamp(tomorrow.0 + DAY_MS);
    for (now, state) in [(tomorrow, State::Sent), (after, State::Delivered)] {
        let mut tx = db.begin().await.unwrap();
        judge(&mut tx, now, &day_of, &[said(&claimed[0], state)]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(figures(&db, DAY).await, [(state, 1)]);
        assert_eq!((figures(&db, NEXT_DAY).await, figures(&db, DAY_AFTER).await), (vec![], vec![]));
    }
});

/// Takes one and stores as sent a day later what came of it.
async fn store_late(db: &Db, now: Timestamp) -> Vec<Claimed> {
    let claimed = take(db, 1).await;
    let mut tx = db.begin().await.unwrap();
    let late = [settlement(&claimed[0], State::Sent)];
    turn(&mut tx, now, &day_of(now), &by(OWNER, &late), None).await.unwrap();
    tx.commit().await.unwrap();
    claimed
}

on_both!(what_was_handed_over_before_midnight_and_stored_after_it_is_opened_from_the_later_day, |db| async {
    sending(&db).await;
    let tomorrow = Timestamp(NOW.0 + DAY_MS);
    let claimed = store_late(&db, tomorrow).await;
    assert_eq!((figures(&db, DAY).await, figures(&db, NEXT_DAY).await), (vec![], vec![(State::Sent, 1)]));
    let mut tx = db.begin().await.unwrap();
    judge(&mut tx, tomorrow, &day_of, &[said(&claimed[0], State::Failed)]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(figures(&db, NEXT_DAY).await, [(State::Failed, 1)]);
    assert_eq!(open_at(&db, tomorrow, &[State::Failed]).await, 1);
    assert_eq!((figures(&db, DAY).await, figures(&db, NEXT_DAY).await), (vec![], vec![]));
});

on_both!(what_an_older_version_ended_is_opened_from_the_day_that_the_row_tells, |db| async {
    sending(&db).await;
    let tomorrow = Timestamp(NOW.0 + DAY_MS);
    // It leaves the column alone: empty, or as it was before the latest attempt.
    for left in ["NULL", "counted_at - 90000000"] {
        let claimed = store_late(&db, tomorrow).await;
        let mut tx = db.begin().await.unwrap();
        execute(&mut tx, &format!("UPDATE delivery SET counted_at = {left}")).await;
        tx.commit().await.unwrap();
        assert_eq!(open_at(&db, tomorrow, &[State::Sent]).await, 1, "{}", claimed[0].id.0);
        assert_eq!((figures(&db, DAY).await, figures(&db, NEXT_DAY).await), (vec![], vec![]), "{left}");
    }
});
