//! Second proofs: codes, recovery codes, and who must have them.

use std::net::IpAddr;
use std::time::Duration;

use belltower::Error;
use belltower::domain::grant::Powers;
use belltower::domain::id::OperatorId;
use belltower::domain::operator::Role;
use belltower::service::caller::OperatorCaller;
use belltower::service::operators::{
    NewOperator, Proofs, change_rules, create, end_sessions, enrol, enter_code, factor, link_campus_id,
    must_enrol, new_secret, offer, open_sessions, operator_of, proofs, prove, rename, renew_codes,
    reset_factor, set_enabled, sign_in, turn_off,
};
use belltower::service::sessions::{self, OPERATOR, OUSTED, OWING, State};
use belltower::service::{Caller, Services, recipients, sources};
use belltower::store::campus_accounts;
use serde_json::json;
use totp_rs::{Builder, Secret, Totp};

use super::operators::{GOOD, add};
use super::{acts, session_of};
use crate::support::{TERMINAL, on_both, services};
use crate::support::{app, contents};

const STEP: i64 = 30_000;
const MINUTE: i64 = 60_000;

fn here() -> IpAddr {
    IpAddr::from([10, 1, 2, 3])
}

/// Every text in the store, which has something in it.
async fn everything(s: &Services) -> Vec<String> {
    sources::create(s, &TERMINAL, app::everything("library")).await.unwrap();
    contents::everything(&s.db).await
}

/// Somebody else of that role, who is none of the operators added here.
fn by(role: Role) -> Caller {
    Caller::Operator(OperatorCaller {
        id: OperatorId(999),
        name: "王敏".to_owned(),
        email: "wang@bell.example".to_owned(),
        roles: vec![role.to_string()],
        powers: Powers::from(role),
        on_duty: role == Role::DutyOfficer,
        language: None,
    })
}

/// An application on a telephone.
struct Phone(Totp);

impl Phone {
    fn code(&self, s: &Services) -> String {
        self.0.generate((s.clock.now().0 / 1_000).unsigned_abs()).to_string()
    }
}

async fn who(s: &Services, id: OperatorId) -> OperatorCaller {
    operator_of(s, id).await.unwrap().unwrap()
}

/// An operator with a second factor, who can sign in a time step later.
async fn enrolled(s: &Services, email: &str, role: Role) -> (OperatorId, Phone, Vec<String>) {
    let id = add(s, email, role).await;
    let who = who(s, id).await;
    let secret = new_secret(s);
    let shown = offer(s, &who, &secret).unwrap().text.replace(' ', "");
    let phone = Phone(Builder::new().with_secret(Secret::try_from_base32(shown).unwrap()).build().unwrap());
    let this = session_of(s, id).await;
    let (codes, _) = enrol(s, &who, &this, &secret, &phone.code(s)).await.unwrap();
    s.clock.turn(STEP);
    (id, phone, codes)
}

fn is_wrong<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Unauthenticated("the code is wrong or was used already")))
}

on_both!(a_code_is_asked_for_after_the_password_and_taken_once, |db| async {
    let s = services(db);
    let (id, phone, _) = enrolled(&s, "li@bell.example", Role::Sender).await;
    let entry = sign_in(&s, "li@bell.example", GOOD, here()).await.unwrap();
    assert!(entry.owes_code);
    assert_eq!(acts(&s).await[0], "operator.enrol_factor", "nobody has signed in yet");

    let code = phone.code(&s);
    assert_eq!(enter_code(&s, id, &code, here()).await.unwrap().id, id);
    assert_eq!(acts(&s).await[0], "operator.sign_in");
    assert!(is_wrong(&enter_code(&s, id, &code, here()).await), "the same again");
    assert_eq!(acts(&s).await[0], "operator.refuse_code");
    s.clock.turn(STEP);
    enter_code(&s, id, &phone.code(&s), here()).await.unwrap();
    assert!(!everything(&s).await.join("\n").contains(&phone.0.secret().to_base32()), "sealed");
});

on_both!(the_code_that_enrolled_does_not_sign_in, |db| async {
    let s = services(db);
    let (id, phone, _) = enrolled(&s, "li@bell.example", Role::Sender).await;
    s.clock.turn(-STEP);
    assert!(is_wrong(&enter_code(&s, id, &phone.code(&s), here()).await));
});

on_both!(a_recovery_code_takes_the_place_of_one_once, |db| async {
    let s = services(db);
    let (id, _, codes) = enrolled(&s, "li@bell.example", Role::Sender).await;
    assert_eq!(codes.len(), 10);
    let other = enrolled(&s, "zhao@bell.example", Role::Sender).await;
    assert!(is_wrong(&enter_code(&s, other.0, &codes[0], here()).await), "another's");
    let typed = codes[0].to_uppercase().replace('-', " ");
    enter_code(&s, id, &typed, here()).await.unwrap();
    assert_eq!(acts(&s).await[..2], ["operator.sign_in", "operator.use_recovery_code"]);
    assert!(is_wrong(&enter_code(&s, id, &codes[0], here()).await));
    assert_eq!(factor(&s, id).await.unwrap().unwrap().codes, 9);
    let kept = everything(&s).await.join("\n");
    assert!(codes.iter().all(|code| !kept.contains(code) && !kept.contains(&code.replace('-', ""))));

    let who = who(&s, id).await;
    let newer = renew_codes(&s, &who).await.unwrap();
    s.clock.turn(MINUTE);
    assert!(is_wrong(&enter_code(&s, id, &codes[1], here()).await), "made anew");
    enter_code(&s, id, &newer[9], here()).await.unwrap();
});

on_both!(guessing_codes_waits_and_locks_whatever_passwords_are_right, |db| async {
    let s = services(db);
    let (id, phone, _) = enrolled(&s, "li@bell.example", Role::Sender).await;
    for n in 1..=10 {
        assert!(is_wrong(&enter_code(&s, id, "000000", here()).await), "{n}");
        // Signing in anew forgets nothing.
        sign_in(&s, "li@bell.example", GOOD, here()).await.unwrap();
        if n > 2 {
            let right = enter_code(&s, id, &phone.code(&s), here()).await;
            assert!(matches!(right, Err(Error::RateLimited { .. })), "{n}: {right:?}");
            s.clock.turn(if n == 10 { 0 } else { MINUTE });
        }
    }
    assert_eq!(acts(&s).await.iter().filter(|act| *act == "operator.lock_out").count(), 1);
    let locked = enter_code(&s, id, &phone.code(&s), here()).await;
    let Err(Error::RateLimited { retry_after }) = locked else { panic!("{locked:?}") };
    assert_eq!(retry_after, Duration::from_mins(15));
    s.clock.turn(15 * MINUTE);
    enter_code(&s, id, &phone.code(&s), here()).await.unwrap();
});

on_both!(a_wrong_first_code_enrols_nobody, |db| async {
    let s = services(db);
    let who = who(&s, add(&s, "li@bell.example", Role::Sender).await).await;
    let refused = enrol(&s, &who, "this", &new_secret(&s), "000000").await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    assert_eq!(factor(&s, who.id).await.unwrap(), None);
    assert!(matches!(renew_codes(&s, &who).await, Err(Error::NotFound(_))));
});

on_both!(whoever_must_have_a_factor_cannot_do_without, |db| async {
    let s = services(db);
    let (id, ..) = enrolled(&s, "li@bell.example", Role::DutyOfficer).await;
    let (duty, sender) = (who(&s, id).await, who(&s, add(&s, "zhao@bell.example", Role::Sender).await).await);
    let set = async |whom: &str| {
        let rules = json!({ "factor_for": whom });
        assert!(change_rules(&s, &TERMINAL, &rules).await.unwrap().changed);
    };
    assert!(!must_enrol(&s, &sender).await.unwrap());
    set("owners_and_duty").await;
    let refused = turn_off(&s, &duty, "this").await;
    assert!(matches!(refused, Err(Error::Conflict { code: "factor_required", .. })), "{refused:?}");
    assert!(!must_enrol(&s, &duty).await.unwrap() && !must_enrol(&s, &sender).await.unwrap());
    set("everybody").await;
    assert!(must_enrol(&s, &sender).await.unwrap());
    set("nobody").await;
    let this = session_of(&s, duty.id).await;
    turn_off(&s, &duty, &this).await.unwrap();
    assert!(!sign_in(&s, "li@bell.example", GOOD, here()).await.unwrap().owes_code);
});

/// What a session holds of somebody who comes in now, after their other sessions were ended once.
async fn signed_in_now(s: &Services, as_what: &str, id: OperatorId) -> State {
    let ousted = belltower::store::operators::find(&s.db, id).await.unwrap().unwrap().ousted;
    State::from([(as_what.to_owned(), format!("\"{id}\"")), (OUSTED.to_owned(), ousted.to_string())])
}

on_both!(a_lost_telephone_is_an_owners_business, |db| async {
    let s = services(db);
    let (id, ..) = enrolled(&s, "li@bell.example", Role::Sender).await;
    let session = sessions::save(&s, &signed_in_now(&s, OPERATOR, id).await).await.unwrap();
    for role in Role::ALL.iter().filter(|role| **role != Role::Owner) {
        assert!(matches!(reset_factor(&s, &by(*role), id).await, Err(Error::Forbidden { .. })), "{role}");
    }
    assert!(sessions::load(&s, &session).await.unwrap().is_some());
    assert!(reset_factor(&s, &TERMINAL, id).await.unwrap().done().unwrap());
    assert_eq!(sessions::load(&s, &session).await.unwrap(), None);
    assert_eq!(acts(&s).await[0], "operator.remove_factor");
    assert!(!reset_factor(&s, &TERMINAL, id).await.unwrap().done().unwrap());
    assert!(!sign_in(&s, "li@bell.example", GOOD, here()).await.unwrap().owes_code);
});

on_both!(whoever_was_shut_out_meanwhile_enters_no_code, |db| async {
    let s = services(db);
    let (id, phone, _) = enrolled(&s, "li@bell.example", Role::Sender).await;
    let owing = sessions::save(&s, &signed_in_now(&s, OWING, id).await).await.unwrap();
    set_enabled(&s, &TERMINAL, id, false).await.unwrap();
    assert_eq!(sessions::load(&s, &owing).await.unwrap(), None);
    assert!(matches!(enter_code(&s, id, &phone.code(&s), here()).await, Err(Error::NotFound(_))));
});

on_both!(a_code_is_waited_for_ten_minutes, |db| async {
    let s = services(db);
    let id = add(&s, "li@bell.example", Role::Sender).await;
    let owing = sessions::save(&s, &State::from([(OWING.to_owned(), format!("\"{id}\""))])).await.unwrap();
    s.clock.turn(10 * MINUTE - 1);
    sessions::touch(&s, &owing).await.unwrap();
    assert!(sessions::load(&s, &owing).await.unwrap().is_some());
    assert!(open_sessions(&s, &TERMINAL, id).await.unwrap().is_empty(), "signed in nowhere");
    s.clock.turn(1);
    assert!(sessions::load(&s, &owing).await.unwrap().is_none());
});

on_both!(one_proves_oneself_by_a_code_or_by_the_password, |db| async {
    let s = services(db);
    let (id, phone, _) = enrolled(&s, "li@bell.example", Role::Sender).await;
    let with = who(&s, id).await;
    let without = who(&s, add(&s, "zhao@bell.example", Role::Sender).await).await;
    assert_eq!(proofs(&s, &with).await.unwrap(), Proofs { password: true, code: true });
    assert_eq!(proofs(&s, &without).await.unwrap(), Proofs { password: true, code: false });
    prove(&s, &with, "", &phone.code(&s), here()).await.unwrap();
    prove(&s, &with, GOOD, "", here()).await.unwrap();
    prove(&s, &without, GOOD, "", here()).await.unwrap();
    let at = |result: Result<(), Error>| match result {
        Err(Error::Invalid(faults)) => faults[0].pointer.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(at(prove(&s, &with, GOOD, &phone.code(&s), here()).await), "/proof_code", "used already");
    assert_eq!(at(prove(&s, &without, GOOD, "000000", here()).await), "/proof_code", "there is none");
    assert_eq!(at(prove(&s, &without, "wrong", "", here()).await), "/proof_password");
    assert_eq!(acts(&s).await[0], "operator.refuse_proof");
});

on_both!(sessions_are_seen_and_ended_by_whoever_has_them_and_by_owners, |db| async {
    let s = services(db);
    let (li, zhao) =
        (add(&s, "li@bell.example", Role::Sender).await, add(&s, "zhao@bell.example", Role::Sender).await);
    let begin = async |id: OperatorId, name: &str| {
        let json = |text: &str| format!("\"{text}\"");
        let state = State::from([
            (OPERATOR.to_owned(), json(&id.to_string())),
            (sessions::NAME.to_owned(), json(name)),
            (sessions::ADDRESS.to_owned(), json("10.0.0.9")),
            (sessions::BROWSER.to_owned(), json("Firefox/140")),
        ]);
        sessions::save(&s, &state).await.unwrap()
    };
    let first = begin(li, "first").await;
    s.clock.turn(1);
    let second = begin(li, "second").await;
    let others = begin(zhao, "first").await;

    let own = Caller::Operator(who(&s, li).await);
    let open = open_sessions(&s, &own, li).await.unwrap();
    let seen: Vec<_> = open.iter().map(|one| (one.name.as_str(), one.address.as_str())).collect();
    assert_eq!(seen, [("second", "10.0.0.9"), ("first", "10.0.0.9")]);
    assert_eq!(open[0].browser, "Firefox/140");
    assert!(matches!(open_sessions(&s, &own, zhao).await, Err(Error::Forbidden { .. })));
    assert!(end_sessions(&s, &own, zhao, |_| true).await.is_err());
    assert!(end_sessions(&s, &by(Role::Auditor), li, |_| true).await.is_err(), "who only looks");

    assert_eq!(end_sessions(&s, &own, li, |one| one.name == "first").await.unwrap(), 1);
    assert!(sessions::load(&s, &first).await.unwrap().is_none());
    assert!(sessions::load(&s, &second).await.unwrap().is_some());
    assert_eq!(end_sessions(&s, &TERMINAL, li, |_| true).await.unwrap(), 1);
    assert_eq!(end_sessions(&s, &TERMINAL, li, |_| true).await.unwrap(), 0);
    assert!(sessions::load(&s, &others).await.unwrap().is_some());
    assert_eq!(acts(&s).await.iter().filter(|act| *act == "operator.end_sessions").count(), 2);
});

on_both!(what_is_asked_of_passwords_and_sessions_is_set, |db| async {
    let s = services(db);
    let owner = TERMINAL;
    let rules = json!({ "shortest_password": 30, "idle_minutes": 5, "session_hours": 1 });
    assert!(change_rules(&s, &owner, &rules).await.unwrap().changed);
    assert!(!change_rules(&s, &owner, &rules).await.unwrap().changed, "nothing is different");
    assert!(matches!(
        change_rules(&s, &by(Role::MessageManager), &rules).await,
        Err(Error::Forbidden { .. })
    ));
    assert_eq!(acts(&s).await, ["settings.change"]);

    let new = NewOperator {
        email: "li@bell.example".to_owned(),
        name: "王敏".to_owned(),
        grants: vec![Role::Sender.into()],
        password: Some(GOOD.to_owned()),
    };
    let short = create(&s, &owner, new).await;
    assert!(matches!(&short, Err(Error::Invalid(faults)) if faults[0].code == "too_short"), "{short:?}");

    let key = sessions::save(&s, &State::new()).await.unwrap();
    s.clock.turn(5 * MINUTE - 1);
    assert!(sessions::load(&s, &key).await.unwrap().is_some());
    s.clock.turn(1);
    assert!(sessions::load(&s, &key).await.unwrap().is_none());
});

on_both!(a_name_is_changed_and_who_did_it_had_the_old_one, |db| async {
    let s = services(db);
    let id = add(&s, "li@bell.example", Role::Sender).await;
    let before = who(&s, id).await;
    assert!(matches!(rename(&s, &before, " ").await, Err(Error::Invalid(_))));
    rename(&s, &before, " 李明 ").await.unwrap();
    let after = who(&s, id).await;
    assert_eq!(after.name, "李明");
    rename(&s, &after, "李明").await.unwrap();
    assert_eq!(acts(&s).await.iter().filter(|act| *act == "operator.rename").count(), 1);
});

on_both!(a_campus_id_leads_to_one_operator_until_its_person_is_forgotten, |db| async {
    let s = services(db);
    let owner = TERMINAL;
    let (li, zhao) =
        (add(&s, "li@bell.example", Role::Sender).await, add(&s, "zhao@bell.example", Role::Sender).await);
    let own = Caller::Operator(who(&s, li).await);
    assert!(
        matches!(link_campus_id(&s, &own, li, "2001001").await, Err(Error::Forbidden { .. })),
        "one's own"
    );
    link_campus_id(&s, &owner, li, " 2001001 ").await.unwrap();
    for (id, code) in [("2001001", "taken"), ("a\u{7}b", "bad_campus_id")] {
        let refused = link_campus_id(&s, &owner, zhao, id).await;
        assert!(matches!(&refused, Err(Error::Invalid(faults)) if faults[0].code == code), "{refused:?}");
    }
    let kept = everything(&s).await;
    let audited: Vec<_> = kept.iter().filter(|row| row.contains("link_campus_id")).collect();
    assert!(audited.len() == 1 && !audited[0].contains("2001001"), "{audited:?}");
    recipients::put(&s, &owner, "2001001", &json!({ "name": "李明" })).await.unwrap();
    recipients::delete(&s, &owner, "2001001").await.unwrap();
    assert_eq!(campus_accounts::of(&s.db, li).await.unwrap(), None);
    link_campus_id(&s, &owner, zhao, "2001001").await.unwrap();
    link_campus_id(&s, &owner, zhao, "").await.unwrap();
    assert_eq!(campus_accounts::find(&s.db, "2001001").await.unwrap(), None);
    assert_eq!(acts(&s).await[0], "operator.unlink_campus_id");
});
