//! Who gets in, and how long.

use belltower::Error;
use belltower::domain::operator::Role;
use belltower::service::audit;
use belltower::store::audit::AuditFilter;

use crate::support::{on_both, operator, services};

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
