//! Proving who one is by the university's own sign-in. Where there is one it comes first: whoever could choose would choose the
//! weaker proof. A code is sent where it was tried and is down.
//!
//! What a ticket's row expects is one thing at a time: a code, the return from a sign-in that was begun, or somebody who may ask
//! for a code. So a sign-in is begun and finished in one browser, once.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use subtle::ConstantTimeEq as _;
use url::Url;

use super::{bind, hash, pending, seen};
use crate::config::Language;
use crate::identity::{Attempt, Proof, Returned, SignIn, Trouble};
use crate::service::Services;
use crate::service::throttle::network;
use crate::store::bindings::{self as store, PendingRow};
use crate::store::recipients;
use crate::{Error, Result};

/// Where the sign-in leads back to. One for all accounts, as universities register it letter by letter.
pub const BACK: &str = "/bind/signed-in";
const SEED_BYTES: usize = 32;
/// In a state: no character of base64url.
const BEFORE_LANGUAGE: char = '.';

/// How whoever holds a ticket is to prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    SignIn,
    Code,
    /// By a code, because the sign-in is down.
    CodeInstead,
}

/// Which way it is for that ticket.
pub async fn way(s: &Services, ticket: &str) -> Result<Way> {
    if s.sign_in.is_none() {
        return Ok(Way::Code);
    }
    let row = seen(s, ticket).await?;
    Ok(if may_have_code(s, ticket, &row) { Way::CodeInstead } else { Way::SignIn })
}

/// The account whose identity is behind a ticket, as its addresses have it.
pub async fn account(s: &Services, ticket: &str) -> Result<String> {
    Ok(seen(s, ticket).await?.provider_id.to_string())
}

/// Where the browser goes to sign in, and comes back from in the language of the page that it leaves.
///
/// # Errors
///
/// [`Error::NotFound`] for a ticket that is over, [`Error::Conflict`] `sign_in_down` where it cannot be reached; from then on a
/// code may be asked for.
pub async fn begin_sign_in(s: &Services, ticket: &str, language: Language, remote: IpAddr) -> Result<String> {
    s.binders.begun.admit(&s.clock, network(remote))?;
    let (sign_in, back) = door(s)?;
    let seed: [u8; SEED_BYTES] = rand::random();
    let mut tx = s.db.begin().await?;
    // It ends when it would have: whoever leaves again and again keeps nothing alive.
    let row = pending(s, &mut tx, ticket).await?;
    store::expect(&mut tx, &hash(s, ticket), Some(&seed), row.expires_at).await?;
    tx.commit().await?;
    match sign_in.address(&back, &attempt(s, ticket, &seed, language)).await {
        Ok(address) => Ok(address.into()),
        Err(trouble) => Err(told(s, ticket, &trouble).await?),
    }
}

/// Binds the identity behind the ticket to whom the sign-in says came back.
///
/// # Errors
///
/// [`Error::NotFound`] for a browser that did not leave for there, or came back before; [`Error::Conflict`] with what to tell
/// the person.
pub async fn come_back_signed_in(s: &Services, ticket: &str, query: &str, remote: IpAddr) -> Result<()> {
    s.binders.came.admit(&s.clock, network(remote))?;
    let (sign_in, back) = door(s)?;
    let returned = Returned::read(query);
    let mut tx = s.db.begin().await?;
    let row = pending(s, &mut tx, ticket).await?;
    let seed = row.code.as_deref().ok_or(Error::NotFound("binding"))?;
    let attempt = attempt(s, ticket, seed, language(query).unwrap_or(s.campus.language));
    let is_theirs: bool = attempt.state.as_bytes().ct_eq(returned.state.as_bytes()).into();
    if !is_theirs {
        return Err(Error::NotFound("binding"));
    }
    // Before anybody is asked: whatever comes of it, this attempt was made.
    store::expect(&mut tx, &hash(s, ticket), None, row.expires_at).await?;
    tx.commit().await?;
    match sign_in.prove(&back, &attempt, &returned).await {
        Ok(proof) => bind_to(s, ticket, &proof).await,
        Err(trouble) => Err(told(s, ticket, &trouble).await?),
    }
}

/// The language of the page that a browser left which comes back with this query.
pub fn language(query: &str) -> Option<Language> {
    let state = Returned::read(query).state;
    state.split_once(BEFORE_LANGUAGE).and_then(|(_, tag)| Language::from_tag(tag))
}

async fn bind_to(s: &Services, ticket: &str, proof: &Proof) -> Result<()> {
    let held = seen(s, ticket).await?;
    let mut tx = s.db.begin().await?;
    store::hold(&mut tx, held.kind, &held.address).await?;
    let person = recipients::lock(&mut tx, &proof.campus_id).await?;
    let row = pending(s, &mut tx, ticket).await?;
    let Some(person) = person.filter(|person| person.active) else {
        return Err(Error::conflict(
            "not_in_directory",
            "the directory has nobody of that campus id who is active",
        ));
    };
    bind(s, &mut tx, ticket, &row, person.id, "campus_sign_in").await?;
    tx.commit().await
}

/// Whether a code is the way: without a sign-in always, with one once it was found to be down.
pub(super) fn may_have_code(s: &Services, ticket: &str, row: &PendingRow) -> bool {
    s.sign_in.is_none() || row.codes > 0 || row.code.as_deref() == Some(&instead(s, ticket))
}

fn door(s: &Services) -> Result<(&SignIn, Url)> {
    let sign_in = s.sign_in.as_deref().ok_or(Error::NotFound("sign-in"))?;
    Ok((sign_in, s.campus.public_url.join(BACK).map_err(Error::internal)?))
}

/// Notes and logs what went wrong; what comes back is what the person is told of it.
async fn told(s: &Services, ticket: &str, trouble: &Trouble) -> Result<Error> {
    match trouble {
        Trouble::Refused(_) => tracing::info!(%trouble, "nobody was identified"),
        _ => tracing::warn!(%trouble, "nobody was identified"),
    }
    Ok(match trouble {
        Trouble::Down(_) => {
            let mut tx = s.db.begin().await?;
            let row = pending(s, &mut tx, ticket).await?;
            store::expect(&mut tx, &hash(s, ticket), Some(&instead(s, ticket)), row.expires_at).await?;
            tx.commit().await?;
            Error::conflict("sign_in_down", "the campus sign-in cannot be reached; ask for a code")
        }
        Trouble::Refused(_) => {
            Error::conflict("sign_in_refused", "the campus sign-in did not say who this is; begin again")
        }
        Trouble::Untrusted(_) => {
            Error::conflict("sign_in_untrusted", "what the campus sign-in says is not to be trusted")
        }
        Trouble::Nameless(_) => Error::conflict("sign_in_nameless", "the campus sign-in gives no campus id"),
    })
}

/// What goes with one attempt. Whoever has the store alone cannot make it, nor whoever has the cookie alone.
fn attempt(s: &Services, ticket: &str, seed: &[u8], language: Language) -> Attempt {
    let of = |purpose: &str| {
        URL_SAFE_NO_PAD.encode(s.vault.fingerprint(purpose, &[ticket.as_bytes(), b" ", seed].concat()))
    };
    Attempt {
        state: format!("{}{BEFORE_LANGUAGE}{}", of("sign-in state"), language.as_str()),
        nonce: SecretString::from(of("sign-in nonce")),
        verifier: SecretString::from(of("sign-in verifier")),
    }
}

/// What a row expects of whoever may ask for a code because the sign-in is down.
fn instead(s: &Services, ticket: &str) -> [u8; 32] {
    s.vault.fingerprint("binding by code instead", ticket.as_bytes())
}
