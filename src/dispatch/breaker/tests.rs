use proptest::prelude::*;

use super::*;

const T: Timestamp = Timestamp(1_790_000_000_000);
const QUICK: Duration = Duration::from_millis(50);

fn heard(class: OutcomeClass) -> Heard<'static> {
    Heard {
        class,
        wait: None,
        this_address: false,
        detail: "451 try later",
        deliveries: &[DeliveryId(1)],
        unlisted: false,
        took: QUICK,
    }
}

fn fail(breaker: &mut Breaker, n: u32, at: Timestamp) {
    for _ in 0..n {
        breaker.note(heard(OutcomeClass::Transient), at);
    }
}

fn succeed(breaker: &mut Breaker, n: u32, at: Timestamp) {
    for _ in 0..n {
        breaker.note(heard(OutcomeClass::Accepted), at);
    }
}

/// The moment its pause is over.
fn paused_until(breaker: &Breaker, now: Timestamp) -> Timestamp {
    let Allowance::NotBefore(until) = breaker.allowance(now) else { panic!("{breaker:?}") };
    until
}

#[test]
fn what_opens_it_at_once_is_what_leaves_nothing_allowed() {
    for class in OutcomeClass::ALL {
        for this_address in [false, true] {
            let mut breaker = Breaker::default();
            breaker.note(Heard { this_address, ..heard(class) }, T);
            let is_open = breaker.allowance(T) != Allowance::All;
            assert_eq!(Breaker::opens_at_once(class, this_address), is_open, "{class:?} {this_address}");
        }
    }
}

#[test]
fn a_row_of_failures_opens_it_and_one_probe_closes_it() {
    let mut breaker = Breaker::default();
    fail(&mut breaker, TRANSIENT_LIMIT - 1, T);
    assert_eq!(breaker.allowance(T), Allowance::All);
    fail(&mut breaker, 1, T);
    assert_eq!(breaker.allowance(T), Allowance::NotBefore(T.plus(FIRST_PAUSE)));

    let later = T.plus(FIRST_PAUSE);
    assert_eq!(breaker.allowance(later), Allowance::Probe);
    assert_eq!(breaker.probe_started(), Change::HalfOpen { reason: "451 try later".to_owned() });
    assert!(matches!(breaker.allowance(later), Allowance::NotBefore(_)), "one probe at a time");
    assert_eq!(breaker.note(heard(OutcomeClass::Accepted), later), Some(Change::Closed));
    assert_eq!(breaker.allowance(later), Allowance::Share(1));
}

#[test]
fn a_probe_that_never_left_is_tried_again() {
    let mut breaker = Breaker::default();
    fail(&mut breaker, TRANSIENT_LIMIT, T);
    let later = T.plus(FIRST_PAUSE);
    breaker.probe_started();
    breaker.turned_away();
    assert_eq!(breaker.allowance(later), Allowance::Probe);
}

#[test]
fn what_came_back_gets_more_and_more_and_less_where_it_fails() {
    let mut breaker = Breaker::default();
    fail(&mut breaker, TRANSIENT_LIMIT, T);
    let later = T.plus(FIRST_PAUSE);
    breaker.probe_started();
    succeed(&mut breaker, 1, later);
    for share in [1, 2, 4, 8, 16, 32] {
        assert_eq!(breaker.allowance(later), Allowance::Share(share));
        // As many as it has at hand succeed.
        let at_hand = vec![DeliveryId(1); share];
        breaker.note(Heard { deliveries: &at_hand, ..heard(OutcomeClass::Accepted) }, later);
    }
    assert_eq!(breaker.allowance(later), Allowance::All);

    let mut breaker = Breaker { share: Some(8), ..Breaker::default() };
    fail(&mut breaker, 2, later);
    assert_eq!(breaker.allowance(later), Allowance::Share(2));
    fail(&mut breaker, 3, later);
    assert_eq!(breaker.allowance(later), Allowance::Share(1));
}

#[test]
fn each_failed_probe_waits_longer_up_to_a_minute() {
    let mut breaker = Breaker::default();
    fail(&mut breaker, TRANSIENT_LIMIT, T);
    let (mut now, mut last) = (T, Duration::ZERO);
    for _ in 0..10 {
        let until = paused_until(&breaker, now);
        let pause = until.since(now);
        assert!(pause >= last && pause <= LONGEST_PAUSE);
        last = pause;
        now = until;
        breaker.probe_started();
        fail(&mut breaker, 1, now);
    }
    assert_eq!(last, LONGEST_PAUSE);
}

#[test]
fn pauses_stay_long_until_it_has_all_of_its_share_again() {
    let mut breaker = Breaker::default();
    let mut now = T;
    let mut pauses = Vec::new();
    for _ in 0..4 {
        fail(&mut breaker, TRANSIENT_LIMIT, now);
        let until = paused_until(&breaker, now);
        pauses.push(until.since(now).as_secs());
        now = until;
        breaker.probe_started();
        succeed(&mut breaker, 1, now);
    }
    assert_eq!(pauses, [2, 4, 8, 16]);
    succeed(&mut breaker, FULL_SHARE as u32, now);
    fail(&mut breaker, TRANSIENT_LIMIT, now);
    assert_eq!(paused_until(&breaker, now), now.plus(FIRST_PAUSE));
}

#[test]
fn answers_of_calls_under_way_neither_lengthen_the_pause_nor_tell_anything() {
    let mut breaker = Breaker::default();
    fail(&mut breaker, TRANSIENT_LIMIT, T);
    for _ in 0..40 {
        assert_eq!(breaker.note(heard(OutcomeClass::Transient), T), None);
    }
    assert_eq!(breaker.allowance(T), Allowance::NotBefore(T.plus(FIRST_PAUSE)));
}

#[test]
fn a_success_between_forgives_a_row() {
    let mut breaker = Breaker::default();
    for _ in 0..20 {
        fail(&mut breaker, TRANSIENT_LIMIT - 1, T);
        succeed(&mut breaker, 2 * TRANSIENT_LIMIT, T);
    }
    assert_eq!(breaker.allowance(T), Allowance::All);
}

#[test]
fn half_of_the_calls_failing_opens_it_and_only_a_probe_closes_it() {
    let mut breaker = Breaker::default();
    for _ in 0..FEWEST_CALLS / 2 - 1 {
        fail(&mut breaker, 1, T);
        succeed(&mut breaker, 1, T);
    }
    succeed(&mut breaker, 1, T);
    let change = breaker.note(heard(OutcomeClass::Transient), T);
    let Some(Change::Opened { reason, .. }) = change else { panic!("{change:?}") };
    assert_eq!(reason, "10 of 20 calls failed; the last: 451 try later");
    succeed(&mut breaker, 5, T);
    let until = paused_until(&breaker, T);
    breaker.probe_started();
    assert_eq!(breaker.note(heard(OutcomeClass::Accepted), until), Some(Change::Closed));
}

#[test]
fn failures_of_an_hour_are_no_share() {
    let mut breaker = Breaker::default();
    for minute in 0..60 {
        let now = T.plus(Duration::from_mins(minute));
        fail(&mut breaker, 7, now);
        succeed(&mut breaker, 1, now);
    }
    assert_eq!(breaker.allowance(T.plus(Duration::from_hours(1))), Allowance::All);
}

#[test]
fn limits_of_single_addresses_are_no_share() {
    let mut breaker = Breaker::default();
    let one = Heard { this_address: true, ..heard(OutcomeClass::Transient) };
    for _ in 0..30 {
        breaker.note(one, T);
        succeed(&mut breaker, 1, T);
    }
    assert_eq!(breaker.allowance(T), Allowance::All);
}

#[test]
fn one_that_is_far_slower_than_usual_is_used_only_where_nobody_else_may_be() {
    let slow = Heard { took: Duration::from_secs(5), ..heard(OutcomeClass::Accepted) };
    let mut breaker = Breaker::default();
    succeed(&mut breaker, 30, T);
    let later = T.plus(Duration::from_mins(2));
    let mut changes: Vec<_> = (0..FEWEST_CALLS).filter_map(|_| breaker.note(slow, later)).collect();
    let Some(Change::Opened { until, reason }) = changes.pop() else { panic!("{breaker:?}") };
    assert!(reason.starts_with("20 of 20 answers take 5000 ms instead of "), "{reason}");
    assert_eq!(breaker.allowance(later), Allowance::Spare);
    assert_eq!(breaker.allowance(until), Allowance::Probe);
    breaker.probe_started();
    assert_eq!(breaker.allowance(until), Allowance::Spare, "others need not wait for the probe");
    assert!(matches!(breaker.note(slow, until), Some(Change::Opened { .. })), "it is slow still");

    let until = until.plus(2 * FIRST_PAUSE);
    breaker.probe_started();
    assert_eq!(breaker.note(heard(OutcomeClass::Accepted), until), Some(Change::Closed));
}

#[test]
fn one_that_is_slow_is_judged_by_its_next_answer_where_it_has_others_at_hand() {
    let slow = Heard { took: Duration::from_secs(5), ..heard(OutcomeClass::Accepted) };
    let mut breaker = Breaker::default();
    succeed(&mut breaker, 30, T);
    let later = T.plus(Duration::from_mins(2));
    let opened = (0..FEWEST_CALLS).filter_map(|_| breaker.note(slow, later)).next_back();
    let Some(Change::Opened { until, .. }) = opened else { panic!("{breaker:?}") };
    succeed(&mut breaker, 1, later);
    assert_eq!(breaker.allowance_beside(1, later), Allowance::Spare, "calls under way before prove nothing");
    assert_eq!(breaker.allowance_beside(1, until), Allowance::Spare, "it need not run dry");
    assert_eq!(breaker.allowance_beside(0, until), Allowance::Probe);
    assert!(matches!(breaker.note(slow, until), Some(Change::Opened { .. })), "it is slow still");
    let until = until.plus(2 * FIRST_PAUSE);
    assert_eq!(breaker.note(heard(OutcomeClass::Accepted), until), Some(Change::Closed));

    // What fails is not spared the probe.
    let mut breaker = Breaker::default();
    fail(&mut breaker, TRANSIENT_LIMIT, T);
    assert_eq!(breaker.allowance_beside(1, T.plus(FIRST_PAUSE)), Allowance::Probe);
}

#[test]
fn codes_that_nobody_knows_open_it_once_several_deliveries_in_a_row_got_one() {
    let unlisted = |breaker: &mut Breaker, id: i64, now| {
        let of = [DeliveryId(id)];
        let heard = Heard { deliveries: &of, unlisted: true, ..heard(OutcomeClass::Config) };
        breaker.note(heard, now).is_some()
    };
    let mut breaker = Breaker::default();
    for _ in 0..5 {
        assert!(!unlisted(&mut breaker, 1, T), "one delivery may be at fault itself");
    }
    assert!(!unlisted(&mut breaker, 2, T));
    succeed(&mut breaker, 1, T);
    assert!(!unlisted(&mut breaker, 1, T) && !unlisted(&mut breaker, 2, T));
    assert!(unlisted(&mut breaker, 3, T));
    let later = T.plus(CONFIG_PAUSE);
    assert_eq!(breaker.allowance(T), Allowance::NotBefore(later));
    breaker.probe_started();
    assert!(unlisted(&mut breaker, 1, later), "the probe got one as well");
}

#[test]
fn refusals_that_may_be_their_addresss_open_it_once_several_in_a_row_met_one() {
    let refused = |breaker: &mut Breaker, id: i64, now| {
        let of = [DeliveryId(id)];
        let heard = Heard { deliveries: &of, this_address: true, ..heard(OutcomeClass::Config) };
        breaker.note(heard, now).is_some()
    };
    let mut breaker = Breaker::default();
    for id in [1, 1, 1, 2] {
        assert!(!refused(&mut breaker, id, T));
        assert_eq!(breaker.allowance(T), Allowance::All);
    }
    assert!(refused(&mut breaker, 3, T), "the third in a row: it is the account");
    let later = T.plus(CONFIG_PAUSE);
    breaker.probe_started();
    succeed(&mut breaker, 1, later);
    assert!(!refused(&mut breaker, 1, later), "it takes others");

    fail(&mut breaker, TRANSIENT_LIMIT, later);
    let later = later.plus(LONGEST_PAUSE);
    breaker.probe_started();
    assert!(!refused(&mut breaker, 1, later));
    assert_eq!(breaker.allowance(later), Allowance::Probe, "one refusal proves nothing; the next is tried");
}

#[test]
fn wrong_credentials_open_it_at_once() {
    let mut breaker = Breaker::default();
    let change = breaker.note(Heard { detail: "535 5.7.8", ..heard(OutcomeClass::Config) }, T);
    assert!(matches!(change, Some(Change::Opened { reason, .. }) if reason == "535 5.7.8"));
    assert_eq!(breaker.allowance(T), Allowance::NotBefore(T.plus(CONFIG_PAUSE)));
}

#[test]
fn a_limit_of_one_address_pauses_nobody_else() {
    let mut breaker = Breaker::default();
    breaker.note(Heard { this_address: true, ..heard(OutcomeClass::Throttled) }, T);
    assert_eq!(breaker.allowance(T), Allowance::All);
    let wait = Duration::from_secs(7);
    breaker.note(Heard { wait: Some(wait), ..heard(OutcomeClass::Throttled) }, T);
    assert_eq!(breaker.allowance(T), Allowance::NotBefore(T.plus(wait)));
    assert_eq!(breaker.allowance(T.plus(wait)), Allowance::All);
}

#[test]
fn a_provider_that_only_ever_says_later_is_asked_less_and_less() {
    let mut breaker = Breaker::default();
    let mut now = T;
    let mut pauses = Vec::new();
    for _ in 0..8 {
        for _ in 0..5 {
            breaker.note(heard(OutcomeClass::Throttled), now);
        }
        let until = paused_until(&breaker, now);
        pauses.push(until.since(now));
        now = until;
    }
    assert!(pauses.is_sorted() && pauses[0] == THROTTLE_PAUSE && pauses[7] == LONGEST_THROTTLE, "{pauses:?}");
    breaker.note(heard(OutcomeClass::Accepted), now);
    breaker.note(heard(OutcomeClass::Throttled), now);
    assert_eq!(breaker.allowance(now), Allowance::NotBefore(now.plus(THROTTLE_PAUSE)));
}

fn any_call() -> impl Strategy<Value = (OutcomeClass, bool, u64, u64)> {
    let class = prop::sample::select(OutcomeClass::ALL.to_vec());
    (class, prop::bool::weighted(0.2), 0..20_000_u64, 0..10_000_u64)
}

proptest! {
    /// Whatever came: nothing keeps it from being tried again within the longest pause, one call at a time.
    #[test]
    fn it_is_never_left_alone_for_ever(calls in prop::collection::vec(any_call(), 1..300)) {
        let mut breaker = Breaker::default();
        let mut now = T;
        for (class, this_address, gap, took) in calls {
            now = now.plus(Duration::from_millis(gap));
            if breaker.allowance(now) == Allowance::Probe {
                breaker.probe_started();
                prop_assert_ne!(breaker.allowance(now), Allowance::Probe, "one probe at a time");
            }
            let took = Duration::from_millis(took);
            breaker.note(Heard { this_address, took, ..heard(class) }, now);
            match breaker.allowance(now) {
                Allowance::NotBefore(until) => prop_assert!(until.since(now) <= LONGEST_THROTTLE),
                Allowance::Share(share) => prop_assert!((1..FULL_SHARE).contains(&share)),
                Allowance::All | Allowance::Spare | Allowance::Probe => {}
            }
        }
        let later = now.plus(LONGEST_THROTTLE);
        prop_assert!(!matches!(breaker.allowance(later), Allowance::NotBefore(_)));
        if breaker.allowance(later) == Allowance::Probe {
            breaker.probe_started();
        }
        // And what works from then on has all of its share after as many deliveries.
        for _ in 0..=FULL_SHARE {
            breaker.note(heard(OutcomeClass::Accepted), later);
        }
        prop_assert_eq!(breaker.allowance(later), Allowance::All);
    }

    /// Fewer than half failing, and never many in a row, keeps all of it open however long that goes on.
    #[test]
    fn a_few_failures_are_nothing(gaps in prop::collection::vec(0..2_000_u64, 30..300)) {
        let mut breaker = Breaker::default();
        let mut now = T;
        for gap in gaps {
            now = now.plus(Duration::from_millis(gap));
            breaker.note(heard(OutcomeClass::Transient), now);
            for _ in 0..2 {
                breaker.note(heard(OutcomeClass::Accepted), now);
            }
            prop_assert_eq!(breaker.allowance(now), Allowance::All);
        }
    }
}
