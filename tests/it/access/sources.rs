//! Sources, their keys and their limits.

use std::time::Duration;

use belltower::Error;
use belltower::domain::operator::Role;
use belltower::service::sources::{
    DEFAULT_OVERLAP, GrantForm, NewSource, RateState, SourceCreated, admit, authenticate, create, create_key,
    get, get_named, keys, list, own, replace_key, revoke_key, rotate_key, set_enabled, update,
};
use belltower::service::{Caller, Services};
use belltower::store;

use super::{acts, beside};
use crate::support::services::START;
use crate::support::{on_both, operator, services};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn library() -> NewSource {
    NewSource {
        name: "library".to_owned(),
        department: "图书馆".to_owned(),
        topics: texts(&["library.#"]),
        channels: texts(&["email", "sms"]),
        rights: texts(&["directory"]),
        ..NewSource::default()
    }
}

fn owner() -> Caller {
    operator(Role::Owner)
}

async fn add(s: &Services, new: NewSource) -> SourceCreated {
    create(s, &owner(), new).await.unwrap()
}

async fn refused(s: &Services, key: &str) -> &'static str {
    match authenticate(s, key).await {
        Err(Error::Unauthenticated(why)) => why,
        other => panic!("let in: {other:?}"),
    }
}

on_both!(a_key_opens_what_its_source_was_granted, |db| async {
    let s = services(db);
    let new = NewSource { rate_per_second: Some(20), daily_messages: Some(500), ..library() };
    let made = add(&s, new).await;
    assert!(made.key.starts_with("bt_live_") && made.key.len() >= "bt_live_".len() + 27, "{}", made.key);
    let key = authenticate(&s, &made.key).await.unwrap();
    assert_eq!((key.key, key.source, key.test), (Some(made.key_id), made.source_id, false));
    assert_eq!((key.source_name.as_str(), key.department.as_str()), ("library", "图书馆"));
    assert_eq!((key.rate_per_second, key.daily_messages), (Some(20), Some(500)));

    let test = create_key(&s, &owner(), made.source_id, true).await.unwrap();
    assert!(test.key.starts_with("bt_test_"));
    assert!(authenticate(&s, &test.key).await.unwrap().test);

    let mut wrong = made.key.clone();
    wrong.pop();
    for key in ["", "bt_live_", &wrong, &made.key.replace("live", "test"), &"bt_live_".repeat(1000)] {
        assert_eq!(refused(&s, key).await, "this API key is not known");
    }
});

on_both!(a_key_is_kept_by_its_fingerprint_alone, |db| async {
    let s = services(db);
    let made = add(&s, library()).await;
    let row = &keys(&s, &owner(), made.source_id).await.unwrap()[0];
    assert!(made.key.ends_with(&row.hint) && row.hint.len() == 4);
    let hash = s.vault.fingerprint("api-key", made.key.as_bytes());
    assert!(store::keys::find_by_hash(&s.db, &hash).await.unwrap().is_some());
});

on_both!(all_faults_of_a_source_come_at_once_and_nothing_is_kept, |db| async {
    let s = services(db);
    let bad = NewSource { department: String::new(), channels: texts(&["fax"]), ..library() };
    let Err(Error::Invalid(faults)) = create(&s, &owner(), bad).await else { panic!("taken") };
    let at: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(at, ["/department", "/channels/0"]);
    assert!(list(&s, &owner()).await.unwrap().is_empty());

    add(&s, library()).await;
    let Err(Error::Invalid(faults)) = create(&s, &owner(), library()).await else { panic!("taken twice") };
    assert_eq!((faults[0].pointer.as_str(), faults[0].code.as_ref()), ("/name", "taken"));
    assert_eq!(acts(&s).await, ["source.create"]);
});

on_both!(a_user_of_the_broker_is_one_sources, |db| async {
    let s = services(db);
    let publishes = |name: &str, user: &str| NewSource {
        name: name.to_owned(),
        broker_user: user.to_owned(),
        ..library()
    };
    let taken = |made: Result<(), Error>| match made {
        Err(Error::Invalid(faults)) => (faults[0].pointer.clone(), faults[0].code.to_string()),
        other => panic!("taken twice: {other:?}"),
    };
    let made = add(&s, publishes("library", " library ")).await;
    let source = get(&s, &owner(), made.source_id).await.unwrap();
    assert_eq!(source.broker_user.as_deref(), Some("library"));
    let expected = ("/broker_user".to_owned(), "taken".to_owned());
    assert_eq!(taken(create(&s, &owner(), publishes("other", "library")).await.map(drop)), expected);
    let other = add(&s, publishes("other", "")).await;
    let form = |user: &str| GrantForm {
        department: "图书馆".to_owned(),
        topics: texts(&["library.#"]),
        channels: texts(&["email"]),
        broker_user: user.to_owned(),
        ..GrantForm::default()
    };
    assert_eq!(taken(update(&s, &owner(), other.source_id, form("library")).await), expected);
    update(&s, &owner(), made.source_id, form("library")).await.unwrap();
    update(&s, &owner(), made.source_id, form("")).await.unwrap();
    update(&s, &owner(), other.source_id, form("library")).await.unwrap();
    assert_eq!(get(&s, &owner(), made.source_id).await.unwrap().broker_user, None);

    let caller = owner();
    let (one, two) = tokio::join!(
        create(&s, &caller, publishes("one", "registry")),
        create(&s, &caller, publishes("two", "registry")),
    );
    let refused = if one.is_ok() { two } else { one };
    assert_eq!(taken(refused.map(drop)), expected);
    let all = list(&s, &caller).await.unwrap();
    assert_eq!(all.iter().filter(|source| source.broker_user.as_deref() == Some("registry")).count(), 1);
});

on_both!(a_revoked_key_stops_here_at_once_and_elsewhere_within_a_second, |db| async {
    let here = services(db);
    let there = beside(&here);
    let made = add(&here, library()).await;
    authenticate(&here, &made.key).await.unwrap();
    authenticate(&there, &made.key).await.unwrap();

    revoke_key(&here, &owner(), made.key_id).await.unwrap();
    assert_eq!(refused(&here, &made.key).await, "this API key was revoked");
    here.clock.turn(999);
    assert_eq!(refused(&there, &made.key).await, "this API key was revoked");

    revoke_key(&here, &owner(), made.key_id).await.unwrap();
    assert_eq!(acts(&here).await, ["key.revoke", "source.create"], "revoking again is no act");
});

on_both!(a_disabled_source_is_shut_out_until_it_is_enabled, |db| async {
    let here = services(db);
    let there = beside(&here);
    let made = add(&here, library()).await;
    authenticate(&there, &made.key).await.unwrap();

    set_enabled(&here, &owner(), made.source_id, false).await.unwrap();
    assert!(refused(&here, &made.key).await.contains("disabled"));
    here.clock.turn(999);
    assert!(refused(&there, &made.key).await.contains("disabled"));

    set_enabled(&here, &owner(), made.source_id, true).await.unwrap();
    authenticate(&here, &made.key).await.unwrap();
    here.clock.turn(999);
    authenticate(&there, &made.key).await.unwrap();
    assert_eq!(acts(&here).await, ["source.enable", "source.disable", "source.create"]);
});

on_both!(a_changed_grant_reaches_every_process_within_a_second, |db| async {
    let here = services(db);
    let there = beside(&here);
    let made = add(&here, library()).await;
    authenticate(&here, &made.key).await.unwrap();
    authenticate(&there, &made.key).await.unwrap();
    let form = GrantForm {
        department: "图书馆".to_owned(),
        topics: texts(&["library.new-books"]),
        channels: texts(&["wechat"]),
        ..GrantForm::default()
    };
    update(&here, &owner(), made.source_id, form).await.unwrap();
    assert!(authenticate(&here, &made.key).await.unwrap().rights.is_empty());
    here.clock.turn(999);
    assert!(authenticate(&there, &made.key).await.unwrap().rights.is_empty());

    let faulty = update(&here, &owner(), made.source_id, GrantForm::default()).await;
    let Err(Error::Invalid(faults)) = faulty else { panic!("taken") };
    assert_eq!(faults.len(), 3, "{faults:?}");
});

on_both!(a_rotated_key_lives_on_for_the_overlap, |db| async {
    let s = services(db);
    let made = add(&s, NewSource { test: true, ..library() }).await;
    let old = authenticate(&s, &made.key).await.unwrap();
    let rotated = rotate_key(&s, &old, DEFAULT_OVERLAP).await.unwrap();
    assert_eq!((rotated.old_key_id, rotated.old_key_expires_at.0), (made.key_id, START.0 + DAY));
    assert!(authenticate(&s, &rotated.key).await.unwrap().test, "a test key's heir is a test key");

    s.clock.turn(DAY - 100);
    authenticate(&s, &made.key).await.unwrap();
    s.clock.turn(100);
    assert_eq!(refused(&s, &made.key).await, "this API key has expired");
    authenticate(&s, &rotated.key).await.unwrap();
    assert!(matches!(rotate_key(&s, &old, DEFAULT_OVERLAP).await, Err(Error::Conflict { .. })));
    assert_eq!(acts(&s).await, ["key.rotate", "source.create"]);
});

on_both!(rotating_again_makes_no_overlap_longer_and_no_crowd_of_keys, |db| async {
    let s = services(db);
    let made = add(&s, library()).await;
    let old = authenticate(&s, &made.key).await.unwrap();
    let ends = rotate_key(&s, &old, Duration::from_mins(1)).await.unwrap().old_key_expires_at;
    assert_eq!(rotate_key(&s, &old, DEFAULT_OVERLAP).await.unwrap().old_key_expires_at, ends);
    let too_long = rotate_key(&s, &old, Duration::from_hours(31 * 24)).await;
    assert!(matches!(too_long, Err(Error::Invalid(_))));
    let mut made = 0;
    let refused = loop {
        match rotate_key(&s, &old, DEFAULT_OVERLAP).await {
            Ok(_) if made < 100 => made += 1,
            other => break other,
        }
    };
    assert!(matches!(refused, Err(Error::Conflict { code: "too_many_keys", .. })), "{refused:?}");
});

on_both!(an_administrator_replaces_a_key_at_once, |db| async {
    let s = services(db);
    let made = add(&s, library()).await;
    authenticate(&s, &made.key).await.unwrap();
    let new = replace_key(&s, &owner(), made.key_id, Duration::ZERO).await.unwrap();
    assert_eq!(refused(&s, &made.key).await, "this API key has expired");
    authenticate(&s, &new.key).await.unwrap();
});

on_both!(the_last_use_is_noted_once_a_minute, |db| async {
    let s = services(db);
    let made = add(&s, library()).await;
    for millis in [0, 30_000, 31_000] {
        s.clock.turn(millis);
        authenticate(&s, &made.key).await.unwrap();
        s.background.close();
        s.background.wait().await;
        s.background.reopen();
        let used = get(&s, &owner(), made.source_id).await.unwrap().last_activity_at.unwrap();
        let expected = if millis == 31_000 { START.0 + 61_000 } else { START.0 };
        assert_eq!(used.0, expected, "after {millis} ms more");
    }
    let row = &keys(&s, &owner(), made.source_id).await.unwrap()[0];
    assert_eq!(row.last_used_at.unwrap().0, START.0 + 61_000);
});

on_both!(a_rate_is_held_and_follows_its_setting, |db| async {
    let s = services(db);
    let free = add(&s, library()).await;
    let free = authenticate(&s, &free.key).await.unwrap();
    assert_eq!(admit(&s, &free, 1000).unwrap(), None);

    let new = NewSource { name: "slow".to_owned(), rate_per_second: Some(4), ..library() };
    let made = add(&s, new).await;
    let key = authenticate(&s, &made.key).await.unwrap();
    for remaining in (0..4).rev() {
        let state = RateState { limit: 4, remaining, reset_seconds: 1 };
        assert_eq!(admit(&s, &key, 1).unwrap(), Some(state));
    }
    match admit(&s, &key, 1) {
        Err(Error::RateLimited { retry_after }) => assert_eq!(retry_after, Duration::from_millis(250)),
        other => panic!("let in: {other:?}"),
    }
    s.clock.turn(250);
    assert_eq!(admit(&s, &key, 1).unwrap().unwrap().remaining, 0);

    s.clock.turn(1000);
    assert!(admit(&s, &key, 100).is_ok(), "a batch takes the whole second");
    assert!(admit(&s, &key, 1).is_err());

    let mut faster = (*key).clone();
    faster.rate_per_second = Some(8);
    assert_eq!(admit(&s, &faster, 1).unwrap().unwrap().limit, 8, "a raised limit holds at once");
});

on_both!(a_source_sees_its_quota_and_what_is_left_today, |db| async {
    let s = services(db);
    let made = add(&s, NewSource { daily_messages: Some(100), ..library() }).await;
    let key = authenticate(&s, &made.key).await.unwrap();
    let mut tx = s.db.begin().await.unwrap();
    store::usage::add(&mut tx, "2026-09-21", &[(made.source_id, 30)], START).await.unwrap();
    tx.commit().await.unwrap();

    let seen = own(&s, &key).await.unwrap();
    assert_eq!(seen.source.name, "library");
    assert_eq!((seen.source.used_today, seen.left_today), (30, Some(70)));
    s.clock.turn(seen.resets_at.0 - START.0);
    let seen = own(&s, &key).await.unwrap();
    assert_eq!((seen.source.used_today, seen.left_today), (0, Some(100)), "the next day");
});

on_both!(sources_are_seen_and_changed_by_those_who_may, |db| async {
    let s = services(db);
    let made = add(&s, library()).await;
    let key = Caller::Key(authenticate(&s, &made.key).await.unwrap());
    let callers = Role::ALL.iter().map(|role| operator(*role)).chain([key, Caller::Command("source create")]);
    for caller in callers {
        let (sees, edits) = match &caller {
            Caller::Operator(who) => match who.roles[0].parse().unwrap() {
                Role::Owner => (true, true),
                Role::MessageManager | Role::Auditor => (true, false),
                _ => (false, false),
            },
            Caller::Command(_) => (true, true),
            Caller::Key(_) => (false, false),
        };
        let label = caller.label();
        assert_eq!(list(&s, &caller).await.is_ok(), sees, "{label}");
        assert_eq!(get_named(&s, &caller, "library").await.is_ok(), sees, "{label}");
        assert_eq!(keys(&s, &caller, made.source_id).await.is_ok(), sees, "{label}");
        let id = made.source_id.to_string();
        assert_eq!(get_named(&s, &caller, &id).await.is_ok(), sees, "{label}");
        assert_eq!(set_enabled(&s, &caller, made.source_id, true).await.is_ok(), edits, "{label}");
        assert_eq!(create_key(&s, &caller, made.source_id, true).await.is_ok(), edits, "{label}");
        let new = NewSource { name: format!("of {}", rand::random::<u32>()), ..library() };
        assert_eq!(create(&s, &caller, new).await.is_ok(), edits, "{label}");
    }
});
