//! The audit log. What is written to it is written by the use cases themselves, in their own transactions; here it is read,
//! made into a chain, and held against itself.

use serde::Serialize;
use serde_json::json;

use super::{Caller, Services};
use crate::Result;
use crate::domain::operator::Permission;
use crate::store::audit_chain::{self, LinkRow, SealRow};

pub use crate::store::JsonText;
pub use crate::store::audit::{AuditFilter, AuditRow};

/// Acts in one transaction, or read at once.
const CHUNK: u32 = 500;

/// The latest acts, newest first, older than `before` where it is given.
pub async fn list(
    s: &Services,
    caller: &Caller,
    filter: &AuditFilter,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<AuditRow>> {
    caller.require(Permission::AuditView)?;
    crate::store::audit::list(&s.db, filter, before, limit).await
}

/// Writes down that somebody takes the log along.
pub async fn note_export(s: &Services, caller: &Caller) -> Result<()> {
    caller.require(Permission::AuditView)?;
    let mut tx = s.db.begin().await?;
    let now = s.clock.now();
    crate::store::audit::append(&mut tx, now, &caller.label(), "audit.export", "", &json!({})).await?;
    tx.commit().await
}

/// Gives acts that have none yet their places in the chain; returns how many. Whoever changes, adds or takes away one later,
/// past this program, cannot make its hash, nor those of all after it, without the installation's key.
pub async fn seal(s: &Services) -> Result<u64> {
    let mut sealed = 0;
    loop {
        let mut tx = s.db.begin().await?;
        let mut end = audit_chain::lock_seal(&mut tx).await?;
        let loose = audit_chain::loose(&mut tx, CHUNK).await?;
        for link in &loose {
            end = SealRow { place: end.place + 1, print: print(s, &end.print, end.place + 1, link) };
            audit_chain::place(&mut tx, link.id, end.place, &end.print).await?;
        }
        if !loose.is_empty() {
            audit_chain::move_seal(&mut tx, &end).await?;
        }
        tx.commit().await?;
        sealed += loose.len() as u64;
        if loose.len() < CHUNK as usize {
            return Ok(sealed);
        }
    }
}

/// Of everything that is said of an act, each part with its length, so that nothing can be moved from one to the next.
fn print(s: &Services, before: &[u8], place: i64, link: &LinkRow) -> Vec<u8> {
    let mut data = Vec::new();
    for number in [place, link.id, link.at.0] {
        data.extend(number.to_be_bytes());
    }
    for part in [
        before,
        link.actor.as_bytes(),
        link.action.as_bytes(),
        link.object.as_bytes(),
        link.detail.as_bytes(),
    ] {
        data.extend((part.len() as u64).to_be_bytes());
        data.extend(part);
    }
    s.vault.fingerprint("audit chain", &data).to_vec()
}

/// What a look at the whole chain came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Acts that are as they were.
    pub acts: u64,
    /// The hash of the last of them, in hexadecimal: who notes it down can tell later whether the log was replaced by another.
    pub head: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

/// Where the chain breaks first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Trouble {
    /// The act in this place was changed, or one of those before it was put in another's place.
    Changed { place: i64 },
    /// Nothing stands in this place.
    Missing { place: i64 },
}

/// Reads all of the log and reckons its hashes again.
pub async fn check(s: &Services, caller: &Caller) -> Result<Checked> {
    caller.require(Permission::AuditView)?;
    seal(s).await?;
    // Read first, so that what is added meanwhile is behind it and no trouble.
    let end = audit_chain::seal(&s.db).await?;
    let mut last = SealRow { place: 0, print: vec![0; 32] };
    let trouble = loop {
        if last.place == end.place {
            break (last.print != end.print).then_some(Trouble::Changed { place: end.place });
        }
        let ahead = u32::try_from(end.place - last.place).unwrap_or(CHUNK).min(CHUNK);
        let links = audit_chain::links(&s.db, last.place, ahead).await?;
        let is_over = links.is_empty();
        if let Some(trouble) = follow(s, &mut last, links) {
            break Some(trouble);
        }
        if is_over {
            break Some(Trouble::Missing { place: last.place + 1 });
        }
    };
    Ok(Checked { acts: last.place as u64, head: hex(&last.print), trouble })
}

/// Goes on along these, as far as they hold.
fn follow(s: &Services, last: &mut SealRow, links: Vec<LinkRow>) -> Option<Trouble> {
    for link in links {
        let place = last.place + 1;
        if link.place != Some(place) {
            return Some(Trouble::Missing { place });
        }
        let expected = print(s, &last.print, place, &link);
        if link.print.as_ref() != Some(&expected) {
            return Some(Trouble::Changed { place });
        }
        *last = SealRow { place, print: expected };
    }
    None
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
