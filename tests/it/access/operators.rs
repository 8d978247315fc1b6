//! How operators come in, sign in and go.

use std::net::IpAddr;
use std::time::Duration;

use belltower::Error;
use belltower::config::Language;
use belltower::domain::id::OperatorId;
use belltower::domain::operator::Role;
use belltower::service::operators::{
    LinkForm, LinkPurpose, NewOperator, change_language, change_password, create, end_sessions, first_link,
    get_named, link, list, operator_of, purge, reset_password, set_enabled, sign_in, turn_off, use_link,
};
use belltower::service::{Caller, Services, audit, sessions};
use belltower::store;
use belltower::store::audit::AuditFilter;

use super::{acts, ousted, session_of};
use crate::support::{on_both, operator, services};

pub(super) const GOOD: &str = "gravel-tulip-oboe-sunday";
const BETTER: &str = "harbour lantern 走马灯 violet";
const HOUR: i64 = 60 * 60_000;

fn terminal() -> Caller {
    Caller::Command("operator create")
}

fn remote(last: u8) -> IpAddr {
    IpAddr::from([10, 1, 2, last])
}

fn person(email: &str, role: Role, password: Option<&str>) -> NewOperator {
    let password = password.map(str::to_owned);
    NewOperator { email: email.to_owned(), name: "王敏".to_owned(), grants: vec![role.into()], password }
}

pub(super) async fn add(s: &Services, email: &str, role: Role) -> OperatorId {
    create(s, &terminal(), person(email, role, Some(GOOD))).await.unwrap().done().unwrap().operator_id
}

fn token(link: &str) -> &str {
    link.strip_prefix("http://127.0.0.1:8080/set-up?token=").unwrap()
}

fn form(password: &str) -> LinkForm {
    LinkForm {
        email: "Wang@Bell.example".to_owned(),
        name: "王敏".to_owned(),
        password: password.to_owned(),
        password_again: password.to_owned(),
    }
}

fn faults<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<(String, String)> {
    match result {
        Err(Error::Invalid(faults)) => {
            faults.into_iter().map(|fault| (fault.pointer, fault.code.into_owned())).collect()
        }
        other => panic!("no faults: {other:?}"),
    }
}

fn wait<T: std::fmt::Debug>(result: Result<T, Error>) -> Duration {
    match result {
        Err(Error::RateLimited { retry_after }) => retry_after,
        other => panic!("no wait: {other:?}"),
    }
}

fn is_refused<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Unauthenticated("the email address or the password is wrong")))
}

on_both!(the_first_link_makes_the_owner_once, |db| async {
    let s = services(db);
    let superseded = first_link(&s).await.unwrap().unwrap();
    let first = first_link(&s).await.unwrap().unwrap();
    assert!(matches!(link(&s, token(&superseded)).await, Err(Error::NotFound(_))));
    assert_eq!(link(&s, token(&first)).await.unwrap(), LinkPurpose::SetUp);

    let bad = LinkForm {
        email: "wang".to_owned(),
        name: " ".to_owned(),
        password: "short".to_owned(),
        password_again: "shirt".to_owned(),
    };
    let found = faults(use_link(&s, token(&first), bad).await);
    let at: Vec<_> = found.iter().map(|(pointer, code)| (pointer.as_str(), code.as_str())).collect();
    assert_eq!(
        at,
        [
            ("/email", "invalid"),
            ("/name", "required"),
            ("/password", "too_short"),
            ("/password_again", "mismatch"),
        ]
    );

    let owner = use_link(&s, token(&first), form(GOOD)).await.unwrap().operator;
    assert_eq!(
        (owner.email.as_str(), owner.name.as_str(), owner.roles.clone()),
        ("wang@bell.example", "王敏", vec!["owner".to_owned()])
    );
    let again = use_link(&s, token(&first), form(GOOD)).await;
    assert!(matches!(again, Err(Error::Conflict { code: "link_used", .. })), "{again:?}");
    assert!(matches!(link(&s, token(&first)).await, Err(Error::Conflict { code: "link_used", .. })));
    assert_eq!(first_link(&s).await.unwrap(), None);
    assert_eq!(sign_in(&s, " WANG@bell.example", GOOD, remote(1)).await.unwrap().operator.id, owner.id);
    assert_eq!(acts(&s).await, ["operator.sign_in", "operator.set_up"]);
});

on_both!(of_two_who_follow_the_first_link_one_becomes_owner, |db| async {
    let s = services(db);
    let first = first_link(&s).await.unwrap().unwrap();
    let other = LinkForm { email: "li@bell.example".to_owned(), ..form(GOOD) };
    let (a, b) = tokio::join!(use_link(&s, token(&first), form(GOOD)), use_link(&s, token(&first), other));
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    let loser = if a.is_ok() { b } else { a };
    assert!(matches!(loser, Err(Error::Conflict { code: "link_used", .. })), "{loser:?}");
    assert_eq!(list(&s, &operator(Role::Owner)).await.unwrap().len(), 1);
});

on_both!(a_first_link_ends_after_a_day_and_when_somebody_is_there, |db| async {
    let s = services(db);
    let first = first_link(&s).await.unwrap().unwrap();
    s.clock.turn(24 * HOUR);
    let late = use_link(&s, token(&first), form(GOOD)).await;
    assert!(matches!(late, Err(Error::Conflict { code: "link_expired", .. })), "{late:?}");
    let next = first_link(&s).await.unwrap().unwrap();
    add(&s, "li@bell.example", Role::Sender).await;
    assert!(use_link(&s, token(&next), form(GOOD)).await.is_err());
    assert_eq!(first_link(&s).await.unwrap(), None);
});

on_both!(an_invited_operator_chooses_a_password_within_a_week, |db| async {
    let s = services(db);
    let made =
        create(&s, &terminal(), person("Li@Bell.Example", Role::Sender, None)).await.unwrap().done().unwrap();
    let invited = made.link.unwrap();
    let purpose = LinkPurpose::Password { email: "li@bell.example".to_owned(), name: "王敏".to_owned() };
    assert_eq!(link(&s, token(&invited)).await.unwrap(), purpose);
    assert!(is_refused(&sign_in(&s, "li@bell.example", "", remote(1)).await), "there is no password yet");

    s.clock.turn(7 * 24 * HOUR - 1);
    let found = faults(use_link(&s, token(&invited), form("li@bell.example1")).await);
    assert_eq!(found, [("/password".to_owned(), "too_weak".to_owned())], "made of what others know");
    let caller = use_link(&s, token(&invited), form(GOOD)).await.unwrap().operator;
    assert_eq!(
        (caller.id, caller.email.as_str()),
        (made.operator_id, "li@bell.example"),
        "the form names nobody"
    );
    sign_in(&s, "li@bell.example", GOOD, remote(1)).await.unwrap();
});

on_both!(resetting_a_password_ends_it_the_sessions_and_older_links, |db| async {
    let s = services(db);
    add(&s, "zhao@bell.example", Role::Owner).await;
    let id = add(&s, "li@bell.example", Role::Sender).await;
    let state = sessions::State::from([(sessions::OPERATOR.to_owned(), format!("\"{id}\""))]);
    let session = sessions::save(&s, &state).await.unwrap();
    let older = reset_password(&s, &operator(Role::Owner), id).await.unwrap().done().unwrap();
    let newer = reset_password(&s, &operator(Role::Owner), id).await.unwrap().done().unwrap();
    assert!(is_refused(&sign_in(&s, "li@bell.example", GOOD, remote(1)).await));
    assert_eq!(sessions::load(&s, &session).await.unwrap(), None);
    assert!(matches!(link(&s, token(&older)).await, Err(Error::NotFound(_))));
    use_link(&s, token(&newer), form(BETTER)).await.unwrap();
    sign_in(&s, "li@bell.example", BETTER, remote(1)).await.unwrap();
});

on_both!(whatever_is_wrong_the_answer_is_the_same, |db| async {
    let s = services(db);
    add(&s, "li@bell.example", Role::Sender).await;
    let gone = add(&s, "zhao@bell.example", Role::Sender).await;
    set_enabled(&s, &terminal(), gone, false).await.unwrap();
    for (email, password) in [
        ("li@bell.example", "wrong"),
        ("nobody@bell.example", GOOD),
        ("zhao@bell.example", GOOD),
        ("", ""),
        (&"x".repeat(10_000), &"y".repeat(10_000)),
    ] {
        assert!(is_refused(&sign_in(&s, email, password, remote(1)).await), "{email}");
    }
    let rows = audit::list(&s, &terminal(), &AuditFilter::default(), None, 5).await.unwrap();
    assert!(
        rows.iter().all(|row| row.actor == "address 10.1.2.1" && row.action == "operator.refuse_sign_in")
    );
    let unknown = rows.iter().filter(|row| row.object == "unknown").count();
    assert_eq!(unknown, 3, "what was typed may be a password and is not written down");
});

on_both!(an_account_waits_longer_each_time_and_is_locked_at_last, |db| async {
    let s = services(db);
    add(&s, "li@bell.example", Role::Sender).await;
    for email in ["li@bell.example", "nobody@bell.example"] {
        let mut waits = Vec::new();
        for n in 1..=10_u8 {
            // From another address each time: the account is what is counted.
            assert!(is_refused(&sign_in(&s, email, "wrong", remote(n)).await), "{email} {n}");
            if n >= 3 {
                let left = wait(sign_in(&s, email, GOOD, remote(99)).await);
                waits.push(left.as_secs());
                s.clock.turn(i64::try_from(left.as_millis()).unwrap() - 1);
                wait(sign_in(&s, email, GOOD, remote(99)).await);
                s.clock.turn(1);
            }
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 900], "{email}");
    }
    sign_in(&s, "li@bell.example", GOOD, remote(1)).await.unwrap();
    for _ in 0..2 {
        assert!(
            is_refused(&sign_in(&s, "li@bell.example", "wrong", remote(1)).await),
            "success forgets failures"
        );
    }
    assert!(acts(&s).await.contains(&"operator.lock_out".to_owned()));
});

on_both!(many_tries_at_once_get_no_further, |db| async {
    let s = services(db);
    add(&s, "li@bell.example", Role::Sender).await;
    let tries = (0..12).map(|n| {
        let s = s.clone();
        async move { sign_in(&s, "li@bell.example", "wrong", remote(n)).await }
    });
    let looked_at =
        futures_util::future::join_all(tries).await.iter().filter(|result| is_refused(result)).count();
    assert_eq!(looked_at, 3, "two are free, the third makes the rest wait");
});

on_both!(an_address_that_tries_many_accounts_is_locked_alone, |db| async {
    let s = services(db);
    add(&s, "li@bell.example", Role::Sender).await;
    for n in 0..21 {
        let email = format!("nobody{n}@bell.example");
        assert!(is_refused(&sign_in(&s, &email, "wrong", remote(1)).await), "{n}");
    }
    assert_eq!(wait(sign_in(&s, "li@bell.example", GOOD, remote(1)).await), Duration::from_secs(1));
    sign_in(&s, "li@bell.example", GOOD, remote(2)).await.unwrap();
});

on_both!(a_password_is_changed_by_who_knows_it, |db| async {
    let s = services(db);
    let id = add(&s, "li@bell.example", Role::Sender).await;
    let who = operator_of(&s, id).await.unwrap().unwrap();
    let state = sessions::State::from([(sessions::OPERATOR.to_owned(), format!("\"{id}\""))]);
    let session = sessions::save(&s, &state).await.unwrap();
    let this = session_of(&s, id).await;

    let found = faults(change_password(&s, &who, &this, "wrong", "short").await);
    let at: Vec<_> = found.iter().map(|(pointer, code)| (pointer.as_str(), code.as_str())).collect();
    assert_eq!(at, [("/password", "too_short"), ("/current_password", "wrong_password")]);
    assert!(sessions::load(&s, &session).await.unwrap().is_some());

    let ousted = change_password(&s, &who, &this, GOOD, BETTER).await.unwrap();
    assert_eq!(ousted, super::ousted(&s, id).await, "what the session in hand is renewed with");
    assert_eq!(sessions::load(&s, &session).await.unwrap(), None);
    assert!(is_refused(&sign_in(&s, "li@bell.example", GOOD, remote(1)).await));
    sign_in(&s, "li@bell.example", BETTER, remote(1)).await.unwrap();
    assert_eq!(acts(&s).await[2], "operator.change_password");
});

on_both!(a_sign_in_in_flight_does_not_outlive_what_ends_the_sessions, |db| async {
    let s = services(db);
    let id = add(&s, "li@bell.example", Role::Sender).await;
    let begin = async |ousted: i64| {
        let state = sessions::State::from([
            (sessions::OPERATOR.to_owned(), format!("\"{id}\"")),
            (sessions::OUSTED.to_owned(), ousted.to_string()),
        ]);
        let key = sessions::save(&s, &state).await.unwrap();
        sessions::load(&s, &key).await.unwrap().unwrap().contains_key(sessions::OPERATOR)
    };
    let entry = sign_in(&s, "li@bell.example", GOOD, remote(1)).await.unwrap();
    assert!(begin(entry.ousted).await);
    // Whatever comes between the proof and the session.
    reset_password(&s, &terminal(), id).await.unwrap();
    assert!(!begin(entry.ousted).await);
    let mut before = ousted(&s, id).await;
    for enabled in [false, true] {
        set_enabled(&s, &terminal(), id, enabled).await.unwrap();
        assert!(!begin(before).await);
    }
    before = ousted(&s, id).await;
    assert!(begin(before).await);
    end_sessions(&s, &terminal(), id, |_| true).await.unwrap();
    assert!(!begin(before).await, "also where a session is just renewed");
});

on_both!(an_ended_session_changes_no_password_and_is_not_renewed, |db| async {
    let s = services(db);
    let id = add(&s, "li@bell.example", Role::Sender).await;
    let who = operator_of(&s, id).await.unwrap().unwrap();
    let this = session_of(&s, id).await;
    end_sessions(&s, &terminal(), id, |_| true).await.unwrap();
    let signed_out =
        |result: Result<i64, Error>| matches!(result, Err(Error::Unauthenticated("sign in first")));
    assert!(signed_out(change_password(&s, &who, &this, GOOD, BETTER).await));
    assert!(signed_out(turn_off(&s, &who, &this).await));
    sign_in(&s, "li@bell.example", GOOD, remote(1)).await.unwrap();
    // Of two who change it at once one does.
    let this = session_of(&s, id).await;
    let (a, b) = tokio::join!(
        change_password(&s, &who, &this, GOOD, BETTER),
        change_password(&s, &who, &this, GOOD, "violet 走马灯 harbour lantern")
    );
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    // Nor does the old password choose another after a reset, whichever comes first.
    let id = add(&s, "zhao@bell.example", Role::Sender).await;
    let who = operator_of(&s, id).await.unwrap().unwrap();
    let this = session_of(&s, id).await;
    let by = terminal();
    let (_, reset) =
        tokio::join!(change_password(&s, &who, &this, GOOD, BETTER), reset_password(&s, &by, id));
    reset.unwrap();
    assert!(store::operators::find(&s.db, id).await.unwrap().unwrap().password_hash.is_none());
});

on_both!(a_disabled_operator_is_out_at_once_and_one_owner_stays, |db| async {
    let s = services(db);
    let (owner, sender) =
        (add(&s, "wang@bell.example", Role::Owner).await, add(&s, "li@bell.example", Role::Sender).await);
    let state = sessions::State::from([(sessions::OPERATOR.to_owned(), format!("\"{sender}\""))]);
    let session = sessions::save(&s, &state).await.unwrap();
    set_enabled(&s, &terminal(), sender, false).await.unwrap();
    assert!(operator_of(&s, sender).await.unwrap().is_none());
    assert_eq!(sessions::load(&s, &session).await.unwrap(), None);
    set_enabled(&s, &terminal(), sender, true).await.unwrap();
    sign_in(&s, "li@bell.example", GOOD, remote(1)).await.unwrap();

    let last = set_enabled(&s, &terminal(), owner, false).await;
    assert!(matches!(last, Err(Error::Conflict { code: "last_owner", .. })), "{last:?}");
    add(&s, "zhao@bell.example", Role::Owner).await;
    set_enabled(&s, &terminal(), owner, false).await.unwrap();
    let seen = get_named(&s, &terminal(), "wang@bell.example").await.unwrap();
    assert!(seen.disabled_at.is_some() && seen.has_password);
});

on_both!(a_language_is_chosen_and_left_to_the_campus_again, |db| async {
    let s = services(db);
    let id = add(&s, "li@bell.example", Role::Sender).await;
    for language in [Some(Language::English), None] {
        let who = operator_of(&s, id).await.unwrap().unwrap();
        change_language(&s, &who, language).await.unwrap();
        assert_eq!(operator_of(&s, id).await.unwrap().unwrap().language, language);
    }
});

on_both!(an_address_is_one_operators, |db| async {
    let s = services(db);
    add(&s, "li@bell.example", Role::Sender).await;
    let again = create(&s, &terminal(), person("LI@bell.example ", Role::Owner, Some(GOOD))).await;
    assert_eq!(faults(again), [("/email".to_owned(), "taken".to_owned())]);
});

on_both!(operators_are_the_owners_business_and_auditors_see_them, |db| async {
    let s = services(db);
    // The first id is the one of whoever acts.
    add(&s, "zhao@bell.example", Role::Owner).await;
    let id = add(&s, "li@bell.example", Role::Sender).await;
    for role in Role::ALL {
        let caller = operator(*role);
        let may = *role == Role::Owner;
        let sees = may || *role == Role::Auditor;
        assert_eq!(list(&s, &caller).await.is_ok(), sees, "{role}");
        assert_eq!(get_named(&s, &caller, &id.to_string()).await.is_ok(), sees, "{role}");
        assert_eq!(set_enabled(&s, &caller, id, true).await.is_ok(), may, "{role}");
        assert_eq!(reset_password(&s, &caller, id).await.is_ok(), may, "{role}");
        let new = person(&format!("{role}@bell.example"), Role::Sender, None);
        assert_eq!(create(&s, &caller, new).await.is_ok(), may, "{role}");
    }
});

on_both!(purging_keeps_what_still_counts, |db| async {
    let s = services(db);
    let invited =
        create(&s, &terminal(), person("li@bell.example", Role::Sender, None)).await.unwrap().done().unwrap();
    let session = sessions::save(&s, &sessions::State::new()).await.unwrap();
    for _ in 0..3 {
        assert!(is_refused(&sign_in(&s, "li@bell.example", "wrong", remote(1)).await));
    }
    purge(&s).await.unwrap();
    assert!(sessions::load(&s, &session).await.unwrap().is_some());
    link(&s, token(&invited.link.unwrap())).await.unwrap();
    wait(sign_in(&s, "li@bell.example", "wrong", remote(1)).await);
});
