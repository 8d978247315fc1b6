//! Systems that ask for a key by themselves: who may decide, who learns what, and that a key is had once.

use std::net::{IpAddr, Ipv4Addr};

use belltower::Error;
use belltower::domain::id::RegistrationId;
use belltower::domain::operator::Role;
use belltower::domain::registration::{Registration, RegistrationState as State};
use belltower::service::sources::registrations::{
    Claimed, Doubts, MOST_FROM_ONE, MOST_WAITING, Registered, approve, claim, decided, doubts, get,
    of_source, prune, register, reject, waiting, waits_for,
};
use belltower::service::sources::{self, NewSource};
use belltower::service::{Caller, Services};
use serde_json::{Value, json};

use super::departments::limited;
use super::{acts, beside};
use crate::support::{on_both, operator, services};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 1, 4, 20));

fn owner() -> Caller {
    operator(Role::Owner)
}

fn body(name: &str, department: &str) -> Value {
    json!({
        "name": name, "department": department, "contact_name": "李伟", "contact_email": "liwei@lib.bell.example",
        "purpose": "借阅到期提醒", "topics": ["library.#", "campus.hours"], "channels": ["email", "sms"],
    })
}

fn asked(name: &str, department: &str) -> Registration {
    Registration::read(&body(name, department)).unwrap()
}

async fn add(s: &Services, name: &str, department: &str) -> Registered {
    register(s, &asked(name, department), HERE).await.unwrap()
}

/// Narrower than what was asked for.
fn grant(name: &str, department: &str) -> NewSource {
    NewSource {
        name: name.to_owned(),
        department: department.to_owned(),
        topics: vec!["library.#".to_owned()],
        channels: vec!["email".to_owned()],
        daily_messages: Some(500),
        ..NewSource::default()
    }
}

async fn look(s: &Services, made: &Registered) -> Claimed {
    claim(s, &made.id.to_string(), &made.claim_token, HERE, true).await.unwrap()
}

fn is_conflict<T: std::fmt::Debug>(answer: belltower::Result<T>, expected: &str) -> bool {
    matches!(answer, Err(Error::Conflict { code, .. }) if code == expected)
}

fn is_unknown(answer: &belltower::Result<Claimed>) -> bool {
    matches!(answer, Err(Error::Unauthenticated(_)))
}

async fn operator_of(s: &Services, role: Role) -> belltower::service::caller::OperatorCaller {
    let Caller::Operator(who) = limited(s, role).await else { panic!("no operator") };
    who
}

on_both!(what_is_approved_gets_what_it_was_granted_and_its_key_once, |db| async {
    let s = services(db);
    let made = add(&s, "门户", "图书馆").await;
    assert!(
        made.claim_token.starts_with("bt_claim_") && made.claim_token.len() >= 40,
        "{}",
        made.claim_token
    );
    assert_eq!(look(&s, &made).await.state, State::Pending);
    assert_eq!(sources::list(&s, &owner()).await.unwrap(), [], "nothing is granted yet");

    let source = approve(&s, &owner(), made.id, grant("图书馆门户", "图书馆")).await.unwrap();
    assert!(sources::keys(&s, &owner(), source).await.unwrap().is_empty(), "nobody fetched it");
    let head = claim(&s, &made.id.to_string(), &made.claim_token, HERE, false).await.unwrap();
    assert_eq!((head.state, head.key, head.handed_at), (State::Approved, None, None));
    let first = look(&s, &made).await;
    let key = first.key.unwrap();
    assert_eq!((first.source, first.handed_at), (Some(source), Some(s.clock.now())));
    let caller = sources::authenticate(&s, &key).await.unwrap();
    assert_eq!((caller.source, caller.source_name.as_str(), caller.test), (source, "图书馆门户", false));
    assert_eq!((caller.topics.len(), caller.channels.len(), caller.daily_messages), (1, 1, Some(500)));
    assert!(caller.rights.is_empty());

    s.clock.turn(1_000);
    let again = look(&s, &made).await;
    assert_eq!((again.state, again.key, again.handed_at), (State::Approved, None, first.handed_at));
    assert_eq!(acts(&s).await, ["key.create", "registration.approve", "source.create"]);
    assert_eq!(of_source(&s, &owner(), source).await.unwrap().unwrap().contact_name, "李伟");
    assert_eq!(decided(&s, &owner()).await.unwrap().len(), 1);
    assert!(waiting(&s, &owner()).await.unwrap().is_empty());
});

on_both!(a_test_key_is_handed_over_where_that_was_decided, |db| async {
    let s = services(db);
    let made = add(&s, "门户", "图书馆").await;
    let new = NewSource { test: true, ..grant("门户", "图书馆") };
    approve(&s, &owner(), made.id, new).await.unwrap();
    assert!(look(&s, &made).await.key.unwrap().starts_with("bt_test_"));
});

on_both!(of_two_that_ask_at_once_one_gets_the_key, |db| async {
    let here = services(db);
    let there = beside(&here);
    let made = add(&here, "门户", "图书馆").await;
    let source = approve(&here, &owner(), made.id, grant("门户", "图书馆")).await.unwrap();
    let (one, other, third) = tokio::join!(look(&here, &made), look(&there, &made), look(&here, &made));
    let got: Vec<_> = [one, other, third].into_iter().filter_map(|claimed| claimed.key).collect();
    assert_eq!(got.len(), 1);
    assert_eq!(sources::keys(&here, &owner(), source).await.unwrap().len(), 1, "no other was made");
    assert_eq!(sources::authenticate(&there, &got[0]).await.unwrap().source, source);
});

on_both!(a_registration_is_opened_by_its_own_token_alone, |db| async {
    let s = services(db);
    let (made, other) = (add(&s, "门户", "图书馆").await, add(&s, "选课", "教务处").await);
    approve(&s, &owner(), made.id, grant("门户", "图书馆")).await.unwrap();
    let id = made.id.to_string();
    let nobody = RegistrationId(99).to_string();
    let mut wrong = made.claim_token.clone();
    wrong.pop();
    for (id, token) in [
        (&id, &other.claim_token),
        (&other.id.to_string(), &made.claim_token),
        (&nobody, &made.claim_token),
        (&"src_1".to_owned(), &made.claim_token),
        (&id, &wrong),
        (&id, &String::new()),
        (&id, &made.claim_token.replace("claim", "live")),
        (&id, &"bt_claim_".repeat(1_000)),
    ] {
        assert!(is_unknown(&claim(&s, id, token, HERE, true).await), "{id} {token}");
    }
    assert!(look(&s, &made).await.key.is_some(), "none of them took it");
});

on_both!(whoever_guesses_tokens_is_slowed_down_and_holds_up_nobody, |db| async {
    let s = services(db);
    let made = add(&s, "门户", "图书馆").await;
    let guess = async |n: u32| claim(&s, &made.id.to_string(), &format!("bt_claim_{n}"), HERE, true).await;
    let mut n = 0;
    while is_unknown(&guess(n).await) {
        n += 1;
        assert!(n <= 100, "never slowed down");
    }
    assert!(matches!(guess(n).await, Err(Error::RateLimited { .. })));
    assert_eq!(look(&s, &made).await.state, State::Pending);
    let mut looks = 1;
    while claim(&s, &made.id.to_string(), &made.claim_token, HERE, true).await.is_ok() {
        looks += 1;
        assert!(looks <= 100, "whoever asks without end is never slowed down");
    }
    s.clock.turn(60_000);
    assert_eq!(look(&s, &made).await.state, State::Pending);
});

on_both!(what_is_rejected_says_why_to_whoever_holds_the_token, |db| async {
    let s = services(db);
    let made = add(&s, "门户", "图书馆").await;
    for reason in ["", "  ", &"x".repeat(501), "a\0b"] {
        assert!(matches!(reject(&s, &owner(), made.id, reason, false).await, Err(Error::Invalid(_))));
    }
    assert_eq!(reject(&s, &owner(), made.id, " 请由馆里统一接入 ", false).await.unwrap(), 1);
    let claimed = look(&s, &made).await;
    assert_eq!((claimed.state, claimed.reason.as_str()), (State::Rejected, "请由馆里统一接入"));
    assert!(is_conflict(reject(&s, &owner(), made.id, "再说", false).await, "registration_decided"));
    let late = approve(&s, &owner(), made.id, grant("门户", "图书馆")).await;
    assert!(is_conflict(late, "registration_decided"));
    assert_eq!(sources::list(&s, &owner()).await.unwrap(), []);
    assert_eq!(acts(&s).await, ["registration.reject"]);
    s.clock.turn(30 * DAY);
    prune(&s).await.unwrap();
    let gone = claim(&s, &made.id.to_string(), &made.claim_token, HERE, true).await;
    assert!(is_unknown(&gone), "{gone:?}");
});

on_both!(what_nobody_looks_at_expires_and_is_forgotten, |db| async {
    let s = services(db);
    let made = add(&s, "门户", "图书馆").await;
    s.clock.turn(30 * DAY - 1);
    assert_eq!(look(&s, &made).await.state, State::Pending);
    s.clock.turn(1);
    assert_eq!(look(&s, &made).await.state, State::Expired);
    assert!(waiting(&s, &owner()).await.unwrap().is_empty());
    let late = approve(&s, &owner(), made.id, grant("门户", "图书馆")).await;
    assert!(is_conflict(late, "registration_decided"));
    prune(&s).await.unwrap();
    assert_eq!(look(&s, &made).await.state, State::Expired, "it is told for a while");
    s.clock.turn(30 * DAY);
    prune(&s).await.unwrap();
    assert!(matches!(get(&s, &owner(), made.id).await, Err(Error::NotFound(_))));
    assert_eq!(acts(&s).await, ["registration.expire"]);
});

on_both!(a_key_that_is_not_fetched_in_time_is_never_made, |db| async {
    let s = services(db);
    let (late, shut) = (add(&s, "门户", "图书馆").await, add(&s, "选课", "教务处").await);
    let source = approve(&s, &owner(), late.id, grant("门户", "图书馆")).await.unwrap();
    let disabled = approve(&s, &owner(), shut.id, grant("选课", "教务处")).await.unwrap();
    sources::set_enabled(&s, &owner(), disabled, false).await.unwrap();
    let claimed = look(&s, &shut).await;
    assert_eq!((claimed.key, claimed.disabled), (None, true));
    sources::set_enabled(&s, &owner(), disabled, true).await.unwrap();
    assert!(look(&s, &shut).await.key.is_some());
    s.clock.turn(30 * DAY);
    prune(&s).await.unwrap();
    let claimed = look(&s, &late).await;
    assert_eq!((claimed.state, claimed.key, claimed.handed_at), (State::Approved, None, None));
    assert!(sources::keys(&s, &owner(), source).await.unwrap().is_empty());
});

on_both!(a_flood_takes_no_more_room_than_there_is, |db| async {
    let s = services(db);
    let from = |n: i64| IpAddr::V4(Ipv4Addr::new(10, 2, 0, u8::try_from(n).unwrap()));
    let ask = async |s: &Services, n: i64| register(s, &asked("门户", "图书馆"), from(n)).await;
    for _ in 0..MOST_FROM_ONE {
        ask(&s, 0).await.unwrap();
    }
    assert!(matches!(ask(&s, 0).await, Err(Error::RateLimited { .. })), "an hour's worth");
    s.clock.turn(HOUR);
    let full = ask(&s, 0).await;
    assert!(
        matches!(&full, Err(Error::TooManyWaiting { detail, .. }) if detail.contains("your network")),
        "{full:?}"
    );
    for n in MOST_FROM_ONE..MOST_WAITING {
        ask(&s, n).await.unwrap();
    }
    let full = ask(&s, MOST_WAITING).await;
    assert!(matches!(&full, Err(Error::TooManyWaiting { detail, .. }) if detail.contains("200")), "{full:?}");
    let first = waiting(&s, &owner()).await.unwrap()[0].id;
    assert_eq!(
        reject(&s, &owner(), first, "来自同一网络的垃圾申请", true).await.unwrap(),
        MOST_FROM_ONE.unsigned_abs()
    );
    ask(&s, MOST_WAITING).await.unwrap();
});

on_both!(names_are_seen_to_be_taken_by_who_decides_and_by_nobody_else, |db| async {
    let s = services(db);
    sources::create(&s, &owner(), grant("图书馆门户", "图书馆")).await.unwrap();
    let same = add(&s, "图书馆门户", "图书馆").await;
    let alike = add(&s, "图书馆 门户", "图书馆分馆").await;
    let plain = add(&s, "座位预约", "图书馆").await;
    let seen = async |made: &Registered| {
        let row = get(&s, &owner(), made.id).await.unwrap();
        doubts(&s, &owner(), &row).await.unwrap()
    };
    assert_eq!(seen(&same).await, Doubts { name: true, department: false });
    assert_eq!(seen(&alike).await, Doubts { name: true, department: true });
    assert_eq!(seen(&plain).await, Doubts::default());
    let taken = approve(&s, &owner(), same.id, grant("图书馆门户", "图书馆")).await;
    let Err(Error::Invalid(faults)) = taken else { panic!("{taken:?}") };
    assert_eq!((faults[0].pointer.as_str(), faults[0].code.as_ref()), ("/name", "taken"));
    assert_eq!(look(&s, &same).await.state, State::Pending, "it waits on");
    approve(&s, &owner(), same.id, grant("图书馆门户（新）", "图书馆")).await.unwrap();
});

on_both!(whoever_is_limited_decides_for_their_departments_alone, |db| async {
    let s = services(db);
    let library = limited(&s, Role::Owner).await;
    let (ours, theirs) = (add(&s, "门户", "图书馆").await, add(&s, "选课", "教务处").await);
    let rows: Vec<_> = waiting(&s, &library).await.unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(rows, [ours.id]);
    assert_eq!(waits_for(&s, &operator_of(&s, Role::Owner).await).await.unwrap(), 1);
    assert_eq!(waits_for(&s, &operator_of(&s, Role::Auditor).await).await.unwrap(), 0);
    assert!(matches!(get(&s, &library, theirs.id).await, Err(Error::NotFound(_))));
    let answer = approve(&s, &library, theirs.id, grant("选课", "图书馆")).await;
    assert!(matches!(answer, Err(Error::NotFound(_))), "{answer:?}");
    assert!(matches!(reject(&s, &library, theirs.id, "不", false).await, Err(Error::NotFound(_))));

    // As of a source that they create: in their departments, no rights, and not to anybody.
    let wide = NewSource { rights: vec!["emergency".to_owned()], ..grant("门户", "教务处") };
    let Err(Error::Invalid(faults)) = approve(&s, &library, ours.id, wide).await else { panic!("approved") };
    let at: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(at, ["/department", "/rights/0"]);
    let Err(Error::Invalid(faults)) = approve(&s, &library, ours.id, grant("门户", "图书馆")).await
    else {
        panic!("approved")
    };
    assert_eq!(faults[0].code, "groups_needed");
    assert_eq!(reject(&s, &library, ours.id, "不", true).await.unwrap(), 1, "what is not theirs waits on");
    assert_eq!(look(&s, &theirs).await.state, State::Pending);
});

on_both!(whoever_may_only_look_decides_nothing, |db| async {
    let s = services(db);
    let made = add(&s, "门户", "图书馆").await;
    for role in [Role::Auditor, Role::MessageManager] {
        let who = operator(role);
        assert_eq!(waiting(&s, &who).await.unwrap().len(), 1);
        let answer = approve(&s, &who, made.id, grant("门户", "图书馆")).await;
        assert!(matches!(answer, Err(Error::Forbidden { .. })), "{answer:?}");
        assert!(matches!(reject(&s, &who, made.id, "不", false).await, Err(Error::Forbidden { .. })));
    }
    for role in [Role::Sender, Role::Reviewer, Role::DutyOfficer] {
        assert!(matches!(waiting(&s, &operator(role)).await, Err(Error::Forbidden { .. })), "{role}");
        assert!(matches!(get(&s, &operator(role), made.id).await, Err(Error::Forbidden { .. })), "{role}");
    }
});
