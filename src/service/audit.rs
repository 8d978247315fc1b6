//! Reading the audit log. What is written to it is written by the use cases themselves, in their own transactions.

use super::{Caller, Services};
use crate::Result;
use crate::domain::operator::Permission;
use crate::store::audit::{self, AuditFilter, AuditRow};

/// The latest acts, newest first, older than `before` where it is given.
pub async fn list(
    s: &Services,
    caller: &Caller,
    filter: &AuditFilter,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<AuditRow>> {
    caller.require(Permission::AuditView)?;
    audit::list(&s.db, filter, before, limit).await
}
