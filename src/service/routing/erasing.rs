//! Rules that name somebody who is to be forgotten.

use serde_json::json;

use super::Changes;
use crate::Result;
use crate::domain::traces::Traces;
use crate::service::{Caller, Services};
use crate::store::{Tx, audit, routing as store};

/// Puts rules in force that do not name the person, where some did. Says whether any version still names them.
pub(in crate::service) async fn leave_in_force(
    s: &Services,
    caller: &Caller,
    traces: &Traces,
) -> Result<bool> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let latest = store::lock(&mut tx).await?;
    if let Some(row) = latest {
        let mut rules = row.rules.0.clone();
        if traces.leave_rules(&mut rules) {
            let (by, version) = (caller.label(), row.number + 1);
            store::insert(&mut tx, version, &rules, "a person was erased", &by, now).await?;
            let changes = json!(Changes::between(&row.rules.0, &rules));
            audit::append(&mut tx, now, &by, "routing.change", &version.to_string(), &changes).await?;
        }
    }
    let still = !store::holding(&mut tx, &traces.words()).await?.is_empty();
    tx.commit().await?;
    s.rules.forget();
    Ok(still)
}

/// Takes the person out of earlier versions, which somebody may restore.
pub(in crate::service) async fn leave_versions(tx: &mut Tx, traces: &Traces) -> Result<()> {
    for row in store::holding(tx, &traces.words()).await? {
        let mut rules = row.rules.0;
        if traces.leave_rules(&mut rules) {
            store::rewrite(tx, row.number, &rules).await?;
        }
    }
    Ok(())
}
