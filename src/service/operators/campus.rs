//! Coming in by the university's own sign-in. It proves a campus id; which operator that is, an administrator said before, and
//! who is nobody's comes in as nobody. Everything that joins leaving to coming back is sealed in the browser's cookie, so that
//! somebody who only looks in costs the store nothing.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::json;
use subtle::ConstantTimeEq as _;
use url::Url;

use super::super::Services;
use super::super::throttle::{Throttle, network};
use super::sign_in::Entry;
use super::{operator_of, rules};
use crate::clock::Timestamp;
use crate::config::SignInName;
use crate::identity::{Attempt, Proof, Returned, SignIn, Trouble};
use crate::store::{audit, campus_accounts, operators};
use crate::{Error, Result};

/// Where the sign-in leads back to, as universities register it letter by letter.
pub const BACK: &str = "/sign-in/campus/back";
/// Long enough for a password and a code over there.
const LASTS: Duration = Duration::from_mins(15);
const SEED_BYTES: usize = 32;

/// How often browsers of one address may leave or come back.
#[derive(Debug)]
pub(in crate::service) struct Doors(Throttle<IpAddr>);

impl Default for Doors {
    fn default() -> Self {
        Self(Throttle::new(300, Duration::from_mins(1)))
    }
}

/// What a browser that left keeps, sealed.
#[derive(Serialize, Deserialize)]
struct Left {
    seed: Vec<u8>,
    until: Timestamp,
    return_to: String,
}

/// A browser's way there, and what it keeps until it comes back.
#[derive(Clone, Debug)]
pub struct Leaving {
    pub address: String,
    pub kept: String,
}

/// The sign-in's name where operators may come in by it.
pub async fn campus_sign_in(s: &Services) -> Result<Option<&SignInName>> {
    let Some(sign_in) = s.sign_in.as_deref() else { return Ok(None) };
    Ok(rules::in_force(s).await?.campus_sign_in.then_some(&sign_in.name))
}

async fn door(s: &Services) -> Result<(&SignIn, Url)> {
    campus_sign_in(s).await?.ok_or(Error::NotFound("sign-in"))?;
    let sign_in = s.sign_in.as_deref().ok_or(Error::NotFound("sign-in"))?;
    Ok((sign_in, s.campus.public_url.join(BACK).map_err(Error::internal)?))
}

/// Where the browser goes.
///
/// # Errors
///
/// [`Error::NotFound`] where operators may not come in by it, [`Error::Conflict`] where it cannot be reached.
pub async fn leave_for_campus(s: &Services, return_to: &str, remote: IpAddr) -> Result<Leaving> {
    let (sign_in, back) = door(s).await?;
    s.campus_doors.0.admit(&s.clock, network(remote))?;
    let seed: [u8; SEED_BYTES] = rand::random();
    let address = sign_in.address(&back, &attempt(s, &seed)).await.map_err(|trouble| told(&trouble))?;
    let left =
        Left { seed: seed.to_vec(), until: s.clock.now().plus(LASTS), return_to: return_to.to_owned() };
    let left = serde_json::to_vec(&left).map_err(Error::internal)?;
    Ok(Leaving { address: address.into(), kept: URL_SAFE_NO_PAD.encode(s.vault.seal(&left)) })
}

/// Who came back, and where they wanted to go.
///
/// # Errors
///
/// [`Error::NotFound`] for a browser that did not leave from here or stayed too long, [`Error::Conflict`] with what to tell the person:
/// `not_an_operator` for a campus id that is no operator's.
pub async fn come_back_from_campus(
    s: &Services,
    kept: &str,
    query: &str,
    remote: IpAddr,
) -> Result<(Entry, String)> {
    let (sign_in, back) = door(s).await?;
    s.campus_doors.0.admit(&s.clock, network(remote))?;
    let left = read(s, kept).ok_or(Error::NotFound("sign-in"))?;
    let (attempt, returned) = (attempt(s, &left.seed), Returned::read(query));
    let is_theirs: bool = attempt.state.as_bytes().ct_eq(returned.state.as_bytes()).into();
    if !is_theirs || left.until <= s.clock.now() {
        return Err(Error::NotFound("sign-in"));
    }
    let proof = sign_in.prove(&back, &attempt, &returned).await.map_err(|trouble| told(&trouble))?;
    Ok((entry(s, &proof, remote).await?, left.return_to))
}

async fn entry(s: &Services, proof: &Proof, remote: IpAddr) -> Result<Entry> {
    let operator = match campus_accounts::find(&s.db, &proof.campus_id).await? {
        Some(id) => operator_of(s, id).await?,
        None => None,
    };
    let mut tx = s.db.begin().await?;
    let operator = match operator {
        Some(operator) => {
            // It may be theirs no more by now.
            let row = operators::lock(&mut tx, operator.id).await?.filter(|row| {
                row.disabled_at.is_none() && row.campus_id.as_deref() == Some(proof.campus_id.as_str())
            });
            row.map(|row| (operator, row.ousted))
        }
        None => None,
    };
    let Some(operator) = operator else {
        // Nor is their campus id kept: the audit log forgets nothing.
        let (now, actor, detail) = (s.clock.now(), format!("address {remote}"), json!({ "by": "campus" }));
        audit::append(&mut tx, now, &actor, "operator.refuse_sign_in", "unknown", &detail).await?;
        tx.commit().await?;
        return Err(Error::conflict("not_an_operator", "no operator has this campus id"));
    };
    let entry = Entry::keep(s, &mut tx, operator, "campus", remote).await?;
    tx.commit().await?;
    Ok(entry)
}

fn read(s: &Services, kept: &str) -> Option<Left> {
    let sealed = URL_SAFE_NO_PAD.decode(kept).ok()?;
    serde_json::from_slice(&s.vault.open_sealed(&sealed).ok()?).ok()
}

/// What goes with one attempt. Whoever has the cookie alone cannot make it.
fn attempt(s: &Services, seed: &[u8]) -> Attempt {
    let of = |purpose: &str| URL_SAFE_NO_PAD.encode(s.vault.fingerprint(purpose, seed));
    Attempt {
        state: of("operator sign-in state"),
        nonce: SecretString::from(of("operator sign-in nonce")),
        verifier: SecretString::from(of("operator sign-in verifier")),
    }
}

/// Logs what went wrong; what comes back is what the person is told of it.
fn told(trouble: &Trouble) -> Error {
    match trouble {
        Trouble::Refused(_) => tracing::info!(%trouble, "no operator was identified"),
        _ => tracing::warn!(%trouble, "no operator was identified"),
    }
    match trouble {
        Trouble::Down(_) => Error::conflict("sign_in_down", "the campus sign-in cannot be reached"),
        Trouble::Refused(_) => {
            Error::conflict("sign_in_refused", "the campus sign-in did not say who this is; begin again")
        }
        Trouble::Untrusted(_) => {
            Error::conflict("sign_in_untrusted", "what the campus sign-in says is not to be trusted")
        }
        Trouble::Nameless(_) => Error::conflict("sign_in_nameless", "the campus sign-in gives no campus id"),
    }
}
