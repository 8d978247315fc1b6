//! From where a source may call, what it called, and when it is missed.

use std::net::IpAddr;
use std::time::Duration;

use belltower::Error;
use belltower::domain::calendar::DayKind;
use belltower::domain::operator::Role;
use belltower::service::sources::{
    Answered, GuardForm, SourceCreated, WatchForm, authenticate, authenticate_from, calls, create, get,
    guard, keep_calls, late_keys, note_call, set_enabled, silent, totals,
};
use belltower::service::{Caller, Services};
use belltower::store;

use super::{acts, beside};
use crate::support::app::everything;
use crate::support::services::START;
use crate::support::{on_both, operator, services};

const HOUR: i64 = 3_600_000;

fn owner() -> Caller {
    operator(Role::Owner)
}

async fn add(s: &Services) -> SourceCreated {
    create(s, &owner(), everything("library")).await.unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn networks(list: &[&str]) -> GuardForm {
    GuardForm { networks: list.iter().map(|text| (*text).to_owned()).collect(), ..GuardForm::default() }
}

fn after(hours: u32) -> GuardForm {
    let watch = WatchForm::After { hours: Some(hours), days: Vec::new(), times: String::new() };
    GuardForm { watch, ..GuardForm::default() }
}

on_both!(a_key_opens_only_from_its_source_s_networks, |db| async {
    let s = services(db);
    let made = add(&s).await;
    assert!(authenticate_from(&s, &made.key, ip("192.0.2.1")).await.is_ok(), "there is no list");
    guard(&s, &owner(), made.source_id, &networks(&["10.1.0.0/16", "2001:da8::/32", "10.1.2.0/16"]))
        .await
        .unwrap();
    let source = get(&s, &owner(), made.source_id).await.unwrap();
    let kept: Vec<_> = source.networks.iter().map(ToString::to_string).collect();
    assert_eq!(kept, ["10.1.0.0/16", "2001:da8::/32"], "each once");
    // What was known of the key before does not let it in, here or beside.
    for s in [&s, &beside(&s)] {
        for _ in 0..2 {
            let refused = authenticate_from(s, &made.key, ip("192.0.2.1")).await.unwrap_err();
            assert!(
                matches!(refused.error, Error::AddressNotAllowed { address } if address == ip("192.0.2.1"))
            );
            assert_eq!(refused.by.unwrap().source, made.source_id);
            assert!(authenticate_from(s, &made.key, ip("10.1.255.1")).await.is_ok());
            assert!(authenticate_from(s, &made.key, ip("::ffff:10.1.0.7")).await.is_ok());
        }
    }
    assert!(authenticate(&s, &made.key).await.is_ok(), "a command calls from nowhere");
    assert_eq!(acts(&s).await[0], "source.guard");
});

/// As many unknown keys as are looked up for one network in a minute.
const STRANGERS: u32 = 60;

/// How long whoever comes with that key waits; `None`: it was looked up.
async fn waits(s: &Services, key: &str, address: &str) -> Option<Duration> {
    match authenticate_from(s, key, ip(address)).await {
        Err(refused) => match refused.error {
            Error::RateLimited { retry_after } => Some(retry_after),
            Error::Unauthenticated(_) => None,
            other => panic!("{other}"),
        },
        Ok(_) => panic!("let in"),
    }
}

on_both!(unknown_keys_are_looked_up_so_often_and_good_ones_always, |db| async {
    let s = services(db);
    let (used, never_used) = (add(&s).await, create(&s, &owner(), everything("gym")).await.unwrap());
    authenticate_from(&s, &used.key, ip("192.0.2.1")).await.unwrap();
    for n in 0..STRANGERS {
        assert_eq!(waits(&s, &format!("bt_live_guess{n}"), "192.0.2.1").await, None, "{n}");
    }
    assert_eq!(waits(&s, "bt_live_guess", "192.0.2.1").await, Some(Duration::from_mins(1)));
    assert_eq!(waits(&s, "bt_test_guess", "192.0.2.2").await, None, "somebody else's network");
    // Long after what was known of them is forgotten, and for the first time.
    s.clock.turn(20_000);
    assert_eq!(waits(&s, "bt_live_guess", "192.0.2.1").await, Some(Duration::from_secs(40)));
    for made in [&used, &never_used] {
        authenticate_from(&s, &made.key, ip("192.0.2.1")).await.unwrap();
    }
    let newest = create(&s, &owner(), everything("canteen")).await.unwrap();
    authenticate_from(&s, &newest.key, ip("192.0.2.1")).await.unwrap();
    let elsewhere = create(&beside(&s), &owner(), everything("hall")).await.unwrap();
    s.clock.turn(1_001);
    authenticate_from(&s, &elsewhere.key, ip("192.0.2.1")).await.unwrap();
    s.clock.turn(39_000);
    assert_eq!(waits(&s, "bt_live_guess", "192.0.2.1").await, None, "a minute after the first");
});

on_both!(whoever_has_a_network_of_ipv6_is_one_stranger, |db| async {
    let s = services(db);
    for n in 0..STRANGERS {
        assert_eq!(
            waits(&s, &format!("bt_live_guess{n}"), &format!("2001:db8:1:2::{n:x}")).await,
            None,
            "{n}"
        );
    }
    assert!(waits(&s, "bt_live_guess", "2001:db8:1:2:ffff::1").await.is_some());
    assert_eq!(waits(&s, "bt_live_guess", "2001:db8:1:3::1").await, None);
});

on_both!(good_calls_and_keys_that_ended_are_not_counted, |db| async {
    let s = services(db);
    let made = add(&s).await;
    let other = create(&s, &owner(), everything("gym")).await.unwrap();
    set_enabled(&s, &owner(), other.source_id, false).await.unwrap();
    for _ in 0..2 * STRANGERS {
        authenticate_from(&s, &made.key, ip("192.0.2.1")).await.unwrap();
        assert_eq!(waits(&s, &other.key, "192.0.2.1").await, None);
        assert_eq!(waits(&s, "no key at all", "192.0.2.1").await, None);
        s.clock.turn(1);
    }
    assert_eq!(waits(&s, "bt_live_guess", "192.0.2.1").await, None);
});

on_both!(a_wrong_list_and_a_wrong_limit_are_told_all_at_once, |db| async {
    let s = services(db);
    let made = add(&s).await;
    let form = GuardForm {
        watch: WatchForm::After { hours: Some(0), days: vec![DayKind::Workday], times: "8-18".to_owned() },
        ..networks(&["10.1.0.0/16", "campus", "10.1.0.0/99"])
    };
    let Err(Error::Invalid(faults)) = guard(&s, &owner(), made.source_id, &form).await else {
        panic!("taken")
    };
    let faults: Vec<_> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.code.as_ref())).collect();
    let expected = [
        ("/networks/1", "bad_network"),
        ("/networks/2", "bad_network"),
        ("/hours", "out_of_range"),
        ("/times", "bad_times"),
    ];
    assert_eq!(faults, expected);
    for role in [Role::Auditor, Role::Sender] {
        let refused = guard(&s, &operator(role), made.source_id, &after(1)).await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })), "{role}");
    }
});

on_both!(a_source_is_missed_by_its_own_limit, |db| async {
    let s = services(db);
    let made = add(&s).await;
    let is_missed = async || silent(&s).await.unwrap().iter().any(|silent| silent.id == made.source_id);
    guard(&s, &owner(), made.source_id, &after(5)).await.unwrap();
    s.clock.turn(5 * HOUR - 1);
    assert!(!is_missed().await);
    s.clock.turn(1);
    let missed = silent(&s).await.unwrap();
    assert_eq!((missed[0].name.as_str(), missed[0].last_message_at), ("library", None));
    assert_eq!(missed[0].since.0, START.0 + 5 * HOUR);
    let mut tx = s.db.begin().await.unwrap();
    store::usage::add(&mut tx, "2026-09-22", &[(made.source_id, 1)], s.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!is_missed().await, "it sent");
    s.clock.turn(5 * HOUR);
    assert!(is_missed().await);
    set_enabled(&s, &owner(), made.source_id, false).await.unwrap();
    assert!(!is_missed().await, "whoever is shut out is not awaited");
    set_enabled(&s, &owner(), made.source_id, true).await.unwrap();
    assert!(!is_missed().await, "it is awaited from now on");
    s.clock.turn(5 * HOUR);
    assert!(is_missed().await);
    let never = GuardForm { watch: WatchForm::Never, ..GuardForm::default() };
    guard(&s, &owner(), made.source_id, &never).await.unwrap();
    assert!(!is_missed().await);
});

async fn note(s: &Services, key: &str, address: &str, status: u16, error: Option<Error>) {
    let (_, by) = authenticate_from(s, key, ip(address)).await.unwrap();
    let answered = Answered {
        address: Some(ip(address)),
        method: "POST",
        route: "/api/v1/messages".to_owned(),
        status,
        took: Duration::from_micros(1_250),
        request_id: "r1",
    };
    note_call(s, by, answered, error.as_ref());
}

on_both!(what_several_processes_were_called_is_told_by_each, |db| async {
    let s = services(db);
    let made = add(&s).await;
    let other = beside(&s);
    note(&s, &made.key, "10.1.0.1", 202, None).await;
    s.clock.turn(1);
    note(&other, &made.key, "10.1.0.2", 422, Some(Error::fault("/topic", "invalid", "`Exam` is no topic")))
        .await;
    let addresses = async |s: &Services, only_refused| {
        let calls = calls(s, &owner(), made.source_id, only_refused, 9).await.unwrap();
        calls.into_iter().map(|call| call.address).collect::<Vec<_>>()
    };
    assert_eq!(addresses(&s, false).await, ["10.1.0.1"], "before it is kept");
    for s in [&s, &other] {
        keep_calls(s).await;
        keep_calls(s).await;
    }
    for s in [&s, &other] {
        assert_eq!(addresses(s, false).await, ["10.1.0.2", "10.1.0.1"]);
        assert_eq!(addresses(s, true).await, ["10.1.0.2"]);
        let totals = totals(s, &owner(), START).await.unwrap()[&made.source_id];
        assert_eq!((totals.calls, totals.refused, totals.strangers), (2, 1, 0));
    }
    let call = &calls(&s, &owner(), made.source_id, true, 9).await.unwrap()[0];
    assert_eq!((call.code.as_deref(), call.pointer.as_deref()), (Some("invalid"), Some("/topic")));
    assert_eq!(
        (call.detail.as_deref(), call.took),
        (Some("`Exam` is no topic"), Duration::from_micros(1_250))
    );
    assert!(call.key.starts_with("bt_live_…") && made.key.ends_with(&call.key["bt_live_…".len()..]));
    for role in Role::ALL {
        let may = matches!(role, Role::Owner | Role::MessageManager | Role::Auditor);
        let caller = operator(*role);
        assert_eq!(calls(&s, &caller, made.source_id, false, 9).await.is_ok(), may, "{role}");
        assert_eq!(totals(&s, &caller, START).await.is_ok(), may, "{role}");
        assert_eq!(late_keys(&s, &caller).await.is_ok(), may, "{role}");
    }
});

on_both!(what_the_store_does_not_take_waits_for_the_next_time, |db| async {
    let s = services(db);
    let made = add(&s).await;
    note(&s, &made.key, "10.1.0.1", 202, None).await;
    let mut tx = s.db.begin().await.unwrap();
    crate::store::execute(&mut tx, "ALTER TABLE source_call RENAME TO away").await;
    tx.commit().await.unwrap();
    keep_calls(&s).await;
    note(&s, &made.key, "10.1.0.2", 202, None).await;
    let mut tx = s.db.begin().await.unwrap();
    crate::store::execute(&mut tx, "ALTER TABLE away RENAME TO source_call").await;
    tx.commit().await.unwrap();
    keep_calls(&s).await;
    let beside = beside(&s);
    let kept = calls(&beside, &owner(), made.source_id, false, 9).await.unwrap();
    assert_eq!(kept.len(), 2);
    assert_eq!(totals(&beside, &owner(), START).await.unwrap()[&made.source_id].calls, 2, "each once");
});
