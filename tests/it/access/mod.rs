//! Who gets in, and how long.

mod departments;
mod factors;
mod guards;
mod operators;
mod people;
mod registrations;
mod rights;
mod second;
mod sessions;
mod sources;
mod writing;

use belltower::Error;
use belltower::domain::id::OperatorId;
use belltower::domain::operator::Role;
use belltower::service::sessions as kept;
use belltower::service::{Services, audit};
use belltower::store;
use belltower::store::audit::AuditFilter;
use serde_json::json;

use crate::support::{on_both, operator, services};

/// Another process on the same store, in the same time.
fn beside(s: &Services) -> Services {
    Services::new(s.db.clone(), s.clock.clone(), s.queue.clone(), s.vault.clone(), (*s.campus).clone())
}

/// The name of a session that an operator has open.
async fn session_of(s: &Services, id: OperatorId) -> String {
    let name = "this".to_owned();
    let entries =
        [(kept::OPERATOR, json!(id)), (kept::NAME, json!(name)), (kept::OUSTED, json!(ousted(s, id).await))];
    let state = entries.map(|(entry, value)| (entry.to_owned(), value.to_string())).into();
    kept::save(s, &state).await.unwrap();
    name
}

/// How often all that an operator comes in by has ended.
async fn ousted(s: &Services, id: OperatorId) -> i64 {
    store::operators::find(&s.db, id).await.unwrap().unwrap().ousted
}

/// The actions in the audit log, the newest first.
async fn acts(s: &Services) -> Vec<String> {
    let owner = operator(Role::Owner);
    let rows = audit::list(s, &owner, &AuditFilter::default(), None, 100).await.unwrap();
    rows.into_iter().map(|row| row.action).collect()
}

on_both!(the_audit_log_is_read_by_owners_and_auditors, |db| async {
    let s = services(db);
    for role in Role::ALL {
        let read = audit::list(&s, &operator(*role), &AuditFilter::default(), None, 10).await;
        match role {
            Role::Owner | Role::Auditor => assert!(read.unwrap().is_empty()),
            _ => assert!(matches!(read, Err(Error::Forbidden { .. })), "{role}"),
        }
    }
});
