//! How long a browser's session lives.

use std::time::Duration;

use belltower::domain::id::OperatorId;
use belltower::domain::operator::Role;
use belltower::service::operators::{NewOperator, create, get_named};
use belltower::service::sessions::{OPERATOR, State, delete, delete_all_of, load, save, touch, update};
use belltower::service::{Caller, Services};

use super::beside;
use crate::support::{on_both, services};

const MINUTE: i64 = 60_000;

fn state(value: &str) -> State {
    State::from([("csrf".to_owned(), value.to_owned())])
}

async fn add(s: &Services, email: &str) -> OperatorId {
    let (email, name) = (email.to_owned(), "王敏".to_owned());
    let new = NewOperator { email, name, grants: vec![Role::Sender.into()], password: None };
    create(s, &Caller::Command("operator create"), new).await.unwrap().done().unwrap().operator_id
}

fn signed_in(operator: OperatorId) -> State {
    State::from([(OPERATOR.to_owned(), format!("\"{operator}\""))])
}

async fn written(s: &Services) {
    s.background.close();
    s.background.wait().await;
    s.background.reopen();
}

on_both!(a_session_is_the_same_in_every_process, |db| async {
    let here = services(db);
    let there = beside(&here);
    let key = save(&here, &state("1")).await.unwrap();
    assert_eq!(load(&there, &key).await.unwrap(), Some(state("1")));
    update(&there, &key, &state("2")).await.unwrap();
    assert_eq!(load(&here, &key).await.unwrap(), Some(state("2")));
    delete(&there, &key).await.unwrap();
    assert_eq!(load(&here, &key).await.unwrap(), None);
    update(&here, &key, &state("3")).await.unwrap();
    assert_eq!(load(&here, &key).await.unwrap(), None, "what was ended stays ended");
});

on_both!(an_idle_session_ends, |db| async {
    let s = services(db);
    let key = save(&s, &state("1")).await.unwrap();
    s.clock.turn(30 * MINUTE - 1);
    assert!(load(&s, &key).await.unwrap().is_some());
    s.clock.turn(1);
    assert!(load(&s, &key).await.unwrap().is_none());
    touch(&s, &key).await.unwrap();
    written(&s).await;
    assert!(load(&s, &key).await.unwrap().is_none(), "too late");
});

on_both!(a_session_in_use_lives_half_a_day, |db| async {
    let s = services(db);
    let operator = add(&s, "li@bell.example").await;
    let key = save(&s, &signed_in(operator)).await.unwrap();
    let began = s.clock.now();
    while s.clock.now().since(began) + Duration::from_mins(20) < Duration::from_hours(12) {
        s.clock.turn(20 * MINUTE);
        assert!(load(&s, &key).await.unwrap().is_some(), "after {:?}", s.clock.now().since(began));
        touch(&s, &key).await.unwrap();
        written(&s).await;
    }
    let terminal = Caller::Command("operator list");
    let seen = get_named(&s, &terminal, "li@bell.example").await.unwrap().last_seen_at;
    assert_eq!(seen, Some(s.clock.now()));
    s.clock.turn(20 * MINUTE);
    assert!(load(&s, &key).await.unwrap().is_none(), "however much it is used");
});

on_both!(an_operators_sessions_end_together, |db| async {
    let s = services(db);
    let (li, wang) = (add(&s, "li@bell.example").await, add(&s, "wang@bell.example").await);
    let at_sign_in = save(&s, &State::new()).await.unwrap();
    update(&s, &at_sign_in, &signed_in(li)).await.unwrap();
    let second = save(&s, &signed_in(li)).await.unwrap();
    let other = save(&s, &signed_in(wang)).await.unwrap();
    assert_eq!(delete_all_of(&s, li).await.unwrap(), 2);
    for key in [&at_sign_in, &second] {
        assert!(load(&s, key).await.unwrap().is_none());
    }
    assert!(load(&s, &other).await.unwrap().is_some());
});
