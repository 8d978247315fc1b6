//! Alarms, from what is wrong to whoever is told of it, with the clock turned.

mod conditions;
mod telling;

use std::time::Duration;

use belltower::clock::Timestamp;
use belltower::domain::alarm::Matter;
use belltower::domain::node::NodeFacts;
use belltower::domain::operator::Role;
use belltower::service::caller::OperatorCaller;
use belltower::service::operators::{self, NewOperator};
use belltower::service::{Caller, Services, alarms};
use belltower::store::nodes;
use serde_json::Value;

use crate::routing::{Campus, owner};
use crate::support::TERMINAL;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// Turns the clock and has the conditions asked, as a process does every so often.
async fn later(campus: &mut Campus, by: Duration) -> Vec<Matter> {
    campus.turn(by);
    alarms::check(&campus.s).await.unwrap();
    campus.drain().await;
    open(&campus.s).await
}

/// As [`later`], with so much of a disk free by then.
async fn with_disk(campus: &mut Campus, by: Duration, free: u64) -> Vec<Matter> {
    campus.turn(by);
    disk(&campus.s, free).await;
    later(campus, Duration::ZERO).await
}

async fn open(s: &Services) -> Vec<Matter> {
    alarms::open(s, &owner()).await.unwrap().into_iter().map(|row| row.matter.0).collect()
}

/// A node says how much of its disk is free.
async fn disk(s: &Services, free: u64) {
    let facts = NodeFacts {
        name: "bell:8080".to_owned(),
        disk_free: free,
        disk_total: 100_000_000_000,
        ..NodeFacts::default()
    };
    says(s, &facts).await;
}

async fn says(s: &Services, facts: &NodeFacts) {
    let mut tx = s.db.begin().await.unwrap();
    nodes::beat(&mut tx, 1, facts, s.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
}

/// An operator in the store, signed in.
async fn operator(s: &Services, email: &str, role: Role) -> Caller {
    let new = NewOperator {
        email: email.to_owned(),
        name: email.split('@').next().unwrap().to_owned(),
        grants: vec![role.into()],
        password: None,
    };
    let id = operators::create(s, &TERMINAL, new).await.unwrap().done().unwrap().operator_id;
    let name = email.to_owned();
    Caller::Operator(OperatorCaller {
        id,
        name,
        email: email.to_owned(),
        roles: vec![role.to_string()],
        powers: role.into(),
        on_duty: role == Role::DutyOfficer,
        language: None,
    })
}

/// As from a form that was opened just now.
async fn change_limits(s: &Services, who: &Caller, document: &Value) -> belltower::Result<bool> {
    let seen = alarms::limits(s, &owner()).await?.word();
    alarms::change_limits(s, who, &seen, document).await
}

async fn wishes(s: &Services, who: &Caller, wish: Value) {
    alarms::choose(s, who, &wish).await.unwrap();
}

fn minutes(n: u64) -> Duration {
    MINUTE * u32::try_from(n).unwrap()
}

fn ago(s: &Services, by: Duration) -> Timestamp {
    s.clock.now().minus(by)
}
