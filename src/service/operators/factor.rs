//! The second factor: codes by time (RFC 6238) of a secret that an application on the operator's telephone shares, and ten
//! codes on paper for when the telephone is lost. Each code is good once.

use std::net::IpAddr;

use serde_json::json;
use totp_rs::{Builder, Totp};

use super::super::Services;
use super::super::caller::{Caller, OperatorCaller};
use super::gate::Gate;
use super::making::{self, Settled};
use super::rights::Rights;
use super::sign_in::in_session;
use super::{oust, rules};
use crate::clock::Timestamp;
use crate::domain::id::OperatorId;
use crate::domain::operator::Permission;
use crate::domain::rights_change::RightsChange;
use crate::store::second_factors::{self as store, FactorRow};
use crate::store::{self as all, Tx, audit};
use crate::{Error, Result};

/// As RFC 4226 §4 recommends.
const SECRET_BYTES: usize = 20;
/// Recovery codes at a time.
const CODES: usize = 10;
/// Letters and digits that nobody takes for one another, in two groups of five.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
const GROUP: usize = 5;

pub(super) const WRONG: &str = "the code is wrong or was used already";

/// What is known of somebody's second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    pub since: Timestamp,
    /// Recovery codes that are left.
    pub codes: u64,
}

/// A secret that waits for its first code.
#[derive(Clone, Debug)]
pub struct Offer {
    /// As it is typed in by hand, in groups.
    pub text: String,
    /// As it is scanned.
    pub address: String,
}

/// How a code was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spent {
    Code,
    /// One on paper, of which so many are left.
    Recovery(u64),
}

impl Spent {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Recovery(_) => "recovery_code",
        }
    }
}

/// An operator's second factor, if there is one.
pub async fn factor(s: &Services, of: OperatorId) -> Result<Option<Factor>> {
    let row = store::find(&s.db, of).await?;
    Ok(row.map(|row| Factor { since: row.since, codes: row.codes.unsigned_abs() }))
}

/// Whether this operator must have a second factor and has none: nothing else is theirs to do before.
pub async fn must_enrol(s: &Services, who: &OperatorCaller) -> Result<bool> {
    Ok(needs_factor(s, who).await? && store::find(&s.db, who.id).await?.is_none())
}

/// Whether this operator may not do without.
pub async fn needs_factor(s: &Services, who: &OperatorCaller) -> Result<bool> {
    Ok(rules::in_force(s).await?.factor_for.includes(&who.roles, &who.powers))
}

/// A new secret, sealed.
pub fn new_secret(s: &Services) -> Vec<u8> {
    let secret: [u8; SECRET_BYTES] = rand::random();
    s.vault.seal(&secret)
}

/// How a sealed secret is brought to the operator's telephone.
pub fn offer(s: &Services, who: &OperatorCaller, sealed: &[u8]) -> Result<Offer> {
    // A colon parts the two in the address.
    let plain = |text: &str| text.replace(':', " ");
    let named = Builder::new()
        .with_secret(s.vault.open_sealed(sealed)?)
        .with_account_name(plain(&who.email))
        .with_issuer(Some(plain(&s.campus.name)))
        .build()
        .map_err(Error::internal)?;
    let letters = named.secret().to_base32();
    let groups: Vec<_> = letters.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
    Ok(Offer { text: groups.join(" "), address: named.to_url().map_err(Error::internal)? })
}

/// Puts a secret in force, in place of the one before, once the telephone shows a code of it. Gives the recovery codes, which
/// are shown this once, and with what to renew the session of that name, which is in hand: every session of theirs ends.
///
/// # Errors
///
/// [`Error::Invalid`] at `/code`; [`Error::Unauthenticated`] where the session was ended or the operator shut out meanwhile.
pub async fn enrol(
    s: &Services,
    who: &OperatorCaller,
    session: &str,
    sealed: &[u8],
    code: &str,
) -> Result<(Vec<String>, i64)> {
    let now = s.clock.now();
    let totp = totp(s, sealed)?;
    let Some(step) = step(&totp, code, now) else {
        return Err(Error::fault("/code", "wrong_code", "this is not what the application shows now"));
    };
    let mut tx = s.db.begin().await?;
    in_session(s, &mut tx, who, session).await?;
    store::set(&mut tx, who.id, sealed, step, now).await?;
    let codes = renew(s, &mut tx, who.id).await?;
    let ousted = oust(&mut tx, who.id).await?;
    note(&mut tx, who, "operator.enrol_factor", now).await?;
    tx.commit().await?;
    Ok((codes, ousted))
}

/// New recovery codes; the old ones are good for nothing any more.
pub async fn renew_codes(s: &Services, who: &OperatorCaller) -> Result<Vec<String>> {
    let mut tx = s.db.begin().await?;
    // Of two at once the later one's codes are good, and no others.
    let row = all::operators::lock(&mut tx, who.id).await?;
    row.filter(|row| row.disabled_at.is_none()).ok_or(Error::Unauthenticated("sign in first"))?;
    if !store::lock(&mut tx, who.id).await? {
        return Err(Error::NotFound("second factor"));
    }
    let codes = renew(s, &mut tx, who.id).await?;
    note(&mut tx, who, "operator.renew_codes", s.clock.now()).await?;
    tx.commit().await?;
    Ok(codes)
}

/// An operator does without from now on. Every session of theirs ends: renew the one in hand, which is called so, with what
/// comes back.
///
/// # Errors
///
/// [`Error::Conflict`] `factor_required` where they must have one; [`Error::Unauthenticated`] where the session was ended or
/// the operator shut out meanwhile.
pub async fn turn_off(s: &Services, who: &OperatorCaller, session: &str) -> Result<i64> {
    if needs_factor(s, who).await? {
        return Err(Error::conflict("factor_required", "your role must have a second factor"));
    }
    let mut tx = s.db.begin().await?;
    in_session(s, &mut tx, who, session).await?;
    if store::remove(&mut tx, who.id).await? {
        note(&mut tx, who, "operator.remove_factor", s.clock.now()).await?;
    }
    let ousted = oust(&mut tx, who.id).await?;
    tx.commit().await?;
    Ok(ousted)
}

/// Takes another operator's second factor away, whose telephone is lost, and ends their sessions; false where there was none.
pub async fn reset(s: &Services, caller: &Caller, of: OperatorId) -> Result<Settled<bool>> {
    caller.require(Permission::OperatorsEdit)?;
    if store::find(&s.db, of).await?.is_none() {
        let rights = Rights::to_change(s, caller).await?;
        rights.judge(&rights.by, &RightsChange::ResetFactor { operator: of })?;
        return Ok(Settled::Done(false));
    }
    let change = RightsChange::ResetFactor { operator: of };
    Ok(making::settle(s, caller, change, None, None).await?.map(|made| made.changed))
}

/// Uses a code up: what the telephone shows, or one on paper. What is to be kept together with it goes into the transaction
/// that comes back. [`Error::RateLimited`] says how long to wait before the next try, [`Error::Unauthenticated`] that it is wrong.
pub(super) async fn spend(
    s: &Services,
    who: &OperatorCaller,
    code: &str,
    gate: &Gate,
    remote: IpAddr,
) -> Result<(Tx, Spent)> {
    let passed = gate.pass(&s.db, s.clock.now()).await?;
    let factor = match store::find(&s.db, who.id).await {
        Ok(factor) => factor,
        Err(error) => {
            gate.undo(&s.db, s.clock.now()).await?;
            return Err(error);
        }
    };
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let row = all::operators::lock(&mut tx, who.id).await?;
    row.filter(|row| row.disabled_at.is_none()).ok_or(Error::NotFound("operator"))?;
    let spent = match &factor {
        Some(factor) => judge(s, &mut tx, who.id, factor, code, now).await?,
        None => None,
    };
    let object = who.id.to_string();
    let Some(spent) = spent else {
        let action = if passed.locks { "operator.lock_out" } else { "operator.refuse_code" };
        let actor = format!("address {remote}");
        audit::append(&mut tx, now, &actor, action, &object, &json!({})).await?;
        tx.commit().await?;
        return Err(Error::Unauthenticated(WRONG));
    };
    gate.succeed(&mut tx, now).await?;
    if let Spent::Recovery(left) = spent {
        let actor = Caller::Operator(who.clone()).label();
        let detail = json!({ "left": left });
        audit::append(&mut tx, now, &actor, "operator.use_recovery_code", &object, &detail).await?;
    }
    Ok((tx, spent))
}

async fn judge(
    s: &Services,
    tx: &mut Tx,
    who: OperatorId,
    factor: &FactorRow,
    code: &str,
    now: Timestamp,
) -> Result<Option<Spent>> {
    let typed: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    if typed.len() == 2 * GROUP {
        let used = store::use_code(tx, who, &hash(s, who, &typed)).await?;
        let left = factor.codes.unsigned_abs().saturating_sub(1);
        return Ok(used.then_some(Spent::Recovery(left)));
    }
    let Some(step) = step(&totp(s, &factor.secret)?, &typed, now) else { return Ok(None) };
    Ok(store::use_step(tx, who, &factor.secret, step).await?.then_some(Spent::Code))
}

fn totp(s: &Services, sealed: &[u8]) -> Result<Totp> {
    Builder::new().with_secret(s.vault.open_sealed(sealed)?).build().map_err(Error::internal)
}

/// The time step whose code this is, one before and after the present one included.
fn step(totp: &Totp, code: &str, now: Timestamp) -> Option<i64> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let is_code = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let step = totp.check(&digits, u64::try_from(now.0 / 1_000).ok()?).filter(|_| is_code)?;
    i64::try_from(step).ok()
}

fn hash(s: &Services, who: OperatorId, code: &str) -> [u8; 32] {
    s.vault.fingerprint("recovery-code", format!("{} {}", who.0, code.to_ascii_lowercase()).as_bytes())
}

async fn renew(s: &Services, tx: &mut Tx, who: OperatorId) -> Result<Vec<String>> {
    let codes: Vec<String> = (0..CODES).map(|_| recovery_code()).collect();
    let hashes: Vec<_> = codes.iter().map(|code| hash(s, who, &code.replace('-', ""))).collect();
    store::set_codes(tx, who, &hashes).await?;
    Ok(codes)
}

fn recovery_code() -> String {
    let random: [u8; 2 * GROUP] = rand::random();
    let letters: String =
        random.iter().map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect();
    let (first, second) = letters.split_at(GROUP);
    format!("{first}-{second}")
}

async fn note(tx: &mut Tx, who: &OperatorCaller, action: &str, now: Timestamp) -> Result<()> {
    let actor = Caller::Operator(who.clone()).label();
    audit::append(tx, now, &actor, action, &who.id.to_string(), &json!({})).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let totp = Builder::new().with_secret(b"12345678901234567890".to_vec()).build().unwrap();
        for (second, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            let at = |offset: i64| Timestamp((second + offset) * 1_000);
            assert_eq!(step(&totp, code, at(0)), Some(second / 30));
            assert_eq!(step(&totp, code, at(30)), Some(second / 30), "a slow telephone");
            assert_eq!(step(&totp, code, at(60)), None);
        }
        assert_eq!(step(&totp, "287 082", Timestamp(59_000)), Some(1), "as it is shown");
        for wrong in ["", "28708", "0287082", "28708x"] {
            assert_eq!(step(&totp, wrong, Timestamp(59_000)), None, "{wrong}");
        }
    }

    #[test]
    fn recovery_codes_are_read_aloud_without_mistakes() {
        let code = recovery_code();
        assert_eq!((code.len(), code.find('-')), (11, Some(5)), "{code}");
        assert!(code.chars().all(|c| c == '-' || ALPHABET.contains(&(c as u8))), "{code}");
        assert_ne!(code, recovery_code());
    }
}
