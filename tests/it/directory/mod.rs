//! People, groups and templates, as systems and administrators keep them.

mod by_hand;
mod groups;
mod imports;
mod people;
mod tables;
mod templates;
mod workbooks;

use std::sync::Arc;

use belltower::Error;
use belltower::domain::id::{KeyId, SourceId};
use belltower::domain::operator::Role;
use belltower::domain::source::Right;
use belltower::service::caller::{Caller, KeyCaller};
use belltower::service::recipients::{self, Recipient};
use belltower::service::{Change, Services, audit};
use belltower::store::audit::AuditFilter;
use serde_json::{Value, json};

use crate::support::operator;

fn key(rights: &[Right]) -> Caller {
    Caller::Key(Arc::new(KeyCaller {
        key: Some(KeyId(1)),
        test: false,
        source: SourceId(1),
        source_name: "教务处".to_owned(),
        department: "教务处".to_owned(),
        topics: Vec::new(),
        channels: Vec::new(),
        rights: rights.to_vec(),
        groups: Vec::new(),
        rate_per_second: None,
        daily_messages: None,
    }))
}

fn registry() -> Caller {
    key(&[Right::Directory])
}

async fn put(s: &Services, campus_id: &str, body: Value) -> (Change, Recipient) {
    recipients::put(s, &registry(), campus_id, &body).await.unwrap()
}

async fn put_students(s: &Services, n: usize) {
    for i in 1..=n {
        put(s, &format!("s{i}"), json!({"name": format!("学生{i}"), "attributes": {"role": "student"}}))
            .await;
    }
}

fn ids(people: &[Recipient]) -> Vec<&str> {
    people.iter().map(|one| one.person.campus_id.as_str()).collect()
}

#[track_caller]
fn faults<T>(result: Result<T, Error>) -> Vec<(String, String)> {
    match result {
        Err(Error::Invalid(faults)) => faults.into_iter().map(|f| (f.pointer, f.code.into_owned())).collect(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("taken"),
    }
}

fn pair(pointer: &str, code: &str) -> (String, String) {
    (pointer.to_owned(), code.to_owned())
}

async fn acts(s: &Services) -> Vec<String> {
    let owner = operator(Role::Owner);
    let rows = audit::list(s, &owner, &AuditFilter::default(), None, 100).await.unwrap();
    rows.into_iter().rev().map(|row| row.action).collect()
}
