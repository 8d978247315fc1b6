//! The installation held against itself, from a terminal: after a restore, after an update, or because somebody doubts.

use serde::Serialize;

use super::audit::{self, Checked, Noted, Trouble};
use super::{Caller, Services, Vault};
use crate::Result;
use crate::domain::operator::Permission;
use crate::store::{Db, checks as store};

/// Objects that a check names.
const NAMED: u32 = 20;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: &'static str,
    pub ok: bool,
    /// Rows that were looked at.
    pub checked: u64,
    /// Rows with something wrong.
    pub wrong: u64,
    /// What is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<&'static str>,
}

impl Check {
    fn new(name: &'static str, checked: u64, wrong: u64, found: Vec<String>, advice: &'static str) -> Self {
        let ok = wrong == 0;
        Self { name, ok, checked, wrong, found, advice: (!ok).then_some(advice) }
    }
}

/// What a look at everything came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    pub ok: bool,
    pub checks: Vec<Check>,
    /// Of the audit log.
    #[serde(flatten)]
    pub audit: Checked,
}

/// Looks at everything. `noted`: an act of the audit log that was noted down elsewhere. It may be done beside a running server.
///
/// # Errors
///
/// Where the store does not answer. What is wrong with it is no error.
pub async fn verify(s: &Services, caller: &Caller, noted: Option<&Noted>) -> Result<Verified> {
    caller.require(Permission::AuditView)?;
    let mut checks = Vec::new();
    if let Some(found) = store::damage(&s.db).await? {
        let wrong = found.len() as u64;
        checks.push(Check::new(
            "database",
            1,
            wrong,
            found,
            "stop the server, keep the file as it is, and restore the latest backup: belltower restore FILE",
        ));
    }
    checks.push(references(&s.db).await?);
    checks.push(counters(&s.db).await?);
    checks.push(days(&s.db).await?);
    checks.push(attempts(&s.db).await?);
    checks.push(secrets(&s.db, &s.vault).await?);
    let audit = audit::check(s, caller, noted).await?;
    checks.push(log(&audit));
    Ok(Verified { ok: checks.iter().all(|check| check.ok), checks, audit })
}

async fn references(db: &Db) -> Result<Check> {
    let (mut wrong, mut found) = (0, Vec::new());
    for reference in store::REFERENCES {
        let n = store::orphans(db, *reference).await?;
        if n > 0 {
            wrong += n as u64;
            let store::Reference { table, column, parent } = reference;
            found.push(format!("{table}.{column}: {n} name a {parent} that is not there"));
        }
    }
    Ok(Check::new(
        "references",
        store::REFERENCES.len() as u64,
        wrong,
        found,
        "rows were removed past this program; restore a backup from before, or ask whoever did it",
    ))
}

async fn counters(db: &Db) -> Result<Check> {
    let wrong = store::miscounted(db, NAMED).await?;
    let found =
        wrong.iter().map(|message| format!("{message}: its counts are not what its deliveries come to"));
    Ok(Check::new(
        "message counters",
        store::counters(db).await? as u64,
        wrong.len() as u64,
        found.collect(),
        "deliveries were changed past this program, or this is a defect: keep a backup, and report it with these ids",
    ))
}

async fn days(db: &Db) -> Result<Check> {
    let (figures, below) = store::days(db).await?;
    let unlike = store::days_unlike(db).await?;
    let mut found = Vec::new();
    if below > 0 {
        found.push(format!("{below} figures of campus days are below zero"));
    }
    found.extend(unlike.iter().map(|sum| {
        let (channel, state) = (sum.channel.name(), sum.state.name());
        format!("{channel}, {state}: {} on all days, {} of all messages", sum.of_days, sum.of_messages)
    }));
    Ok(Check::new(
        "day figures",
        figures as u64,
        below as u64 + unlike.len() as u64,
        found,
        "figures of days were changed past this program, or this is a defect: keep a backup, and report it",
    ))
}

async fn attempts(db: &Db) -> Result<Check> {
    let (attempts, beyond) = store::attempts(db).await?;
    let found = if beyond > 0 {
        vec![format!("{beyond} attempts have numbers that were never given")]
    } else {
        Vec::new()
    };
    Ok(Check::new(
        "attempt numbers",
        attempts as u64,
        beyond as u64,
        found,
        "two stores were mixed, or rows were added past this program; restore a backup from before",
    ))
}

/// Whether the installation's key opens what is sealed.
pub(super) async fn secrets(db: &Db, vault: &Vault) -> Result<Check> {
    let sealed = store::sealed(db).await?;
    let closed: Vec<_> = sealed.iter().filter(|row| vault.open_sealed(&row.sealed).is_err()).collect();
    let found = closed.iter().map(|row| format!("{} `{}` does not open", row.kind, row.name));
    Ok(Check::new(
        "secrets",
        sealed.len() as u64,
        closed.len() as u64,
        found.collect(),
        "put the secret key back that belongs to this store (secrets.key_file); where it is lost, enter providers' \
         settings again, and have operators set up their second factor anew",
    ))
}

fn log(audit: &Checked) -> Check {
    let found = audit.trouble.map(|trouble| match trouble {
        Trouble::Changed { place } => {
            format!("act {place} is not as it was written; {} before it are", audit.acts)
        }
        Trouble::Missing { place } => {
            format!("act {place} is gone; {} before it are as they were written", audit.acts)
        }
        Trouble::Replaced { place } => format!(
            "whole in itself, but act {place} is not the one that was noted down: acts were taken away, or all of it was \
             made anew"
        ),
    });
    let wrong = u64::from(found.is_some());
    Check::new(
        "audit log",
        audit.acts + wrong,
        wrong,
        found.into_iter().collect(),
        "somebody changed it past this program, or the store came back from a backup without belltower restore: keep the \
         store, its key and audit_note as evidence",
    )
}
