//! What whoever holds the token of a registration learns of it, and the key, once.

use std::net::IpAddr;

use serde_json::json;

use super::super::super::Services;
use super::super::super::throttle::network;
use super::super::keys::Secret;
use super::RegistrationRow;
use crate::clock::Timestamp;
use crate::domain::id::{RegistrationId, SourceId};
use crate::domain::registration::RegistrationState;
use crate::store::{audit, registrations as store};
use crate::{Error, Result};

/// Whatever is wrong, so that nobody learns which registrations there are.
const UNKNOWN: Error = Error::Unauthenticated("this is no claim token of a registration of that id");
const PREFIX: &str = "bt_claim_";
const BYTES: usize = 24;
const LONGEST: usize = 100;

/// A token that is being made: random beyond guessing, so a fast keyed hash of it is kept.
pub(super) struct Token {
    pub(super) text: String,
    pub(super) hash: [u8; 32],
}

impl Token {
    pub(super) fn new(s: &Services) -> Self {
        let text = format!("{PREFIX}{}", s.vault.token(BYTES));
        Self { hash: fingerprint(s, &text), text }
    }
}

fn fingerprint(s: &Services, token: &str) -> [u8; 32] {
    s.vault.fingerprint("claim-token", token.as_bytes())
}

/// A registration as whoever holds its token sees it.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub id: RegistrationId,
    pub state: RegistrationState,
    pub name: String,
    pub department: String,
    pub created_at: Timestamp,
    /// Until when it waits, the key can be fetched, or this is told; nothing once the key was handed over.
    pub expires_at: Option<Timestamp>,
    pub decided_at: Option<Timestamp>,
    /// Why it was rejected; else empty.
    pub reason: String,
    pub source: Option<SourceId>,
    /// This once.
    pub key: Option<String>,
    pub handed_at: Option<Timestamp>,
    /// Its source is shut out, so that no key is made for it.
    pub disabled: bool,
}

/// The registration of that id, by its token, for a call from that address. Where it was approved, the key is made now, if it
/// was not before and the call `takes` it: nobody had it until then, and nobody gets it again.
///
/// # Errors
///
/// [`Error::Unauthenticated`], the same whether there is no such registration or the token is not its; [`Error::RateLimited`].
pub async fn claim(s: &Services, id: &str, bearer: &str, from: IpAddr, takes: bool) -> Result<Claimed> {
    if !bearer.starts_with(PREFIX) || bearer.len() > LONGEST {
        return Err(UNKNOWN);
    }
    let hash = fingerprint(s, bearer);
    s.registrations.strangers.check(&s.clock, (&hash, from), store::claims(&s.db)).await?;
    s.registrations.claims.admit(&s.clock, (hash, network(from)))?;
    let Some(row) = store::find_by_claim(&s.db, &hash).await? else {
        s.registrations.strangers.count(&s.clock, from);
        return Err(UNKNOWN);
    };
    if id.parse() != Ok(row.id) {
        return Err(UNKNOWN);
    }
    let now = s.clock.now();
    let source = row.source_id.filter(|_| row.owes_key(now));
    let Some(source) = source else { return Ok(shown(row, now, None, false)) };
    if super::super::find(s, source).await?.disabled_at.is_some() {
        return Ok(shown(row, now, None, true));
    }
    if !takes {
        return Ok(shown(row, now, None, false));
    }
    let key = hand_over(s, &row, source, now).await?;
    // As it is now: somebody else may have been faster.
    let row = store::find(&s.db, row.id).await?.ok_or(UNKNOWN)?;
    Ok(shown(row, now, key, false))
}

fn shown(row: RegistrationRow, now: Timestamp, key: Option<String>, disabled: bool) -> Claimed {
    Claimed {
        id: row.id,
        state: row.standing(now),
        name: row.name,
        department: row.department,
        created_at: row.created_at,
        expires_at: row.handed_at.is_none().then_some(row.ends_at),
        decided_at: row.decided_at,
        reason: row.reason,
        source: row.source_id,
        key,
        handed_at: row.handed_at,
        disabled,
    }
}

/// Makes the key; nothing where one was handed over meanwhile.
async fn hand_over(
    s: &Services,
    row: &RegistrationRow,
    source: SourceId,
    now: Timestamp,
) -> Result<Option<String>> {
    let secret = Secret::new(s, row.test);
    let mut tx = s.db.begin().await?;
    let key = secret.insert(&mut tx, source, now).await?;
    if !store::hand_over(&mut tx, row.id, key, now).await? {
        return Ok(None);
    }
    let detail = json!({ "source": source, "test": row.test, "registration": row.id });
    let actor = format!("registration {}", row.name);
    audit::append(&mut tx, now, &actor, "key.create", &key.to_string(), &detail).await?;
    tx.commit().await?;
    s.keys.made();
    Ok(Some(secret.text))
}
