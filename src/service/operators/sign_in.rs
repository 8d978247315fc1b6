//! Signing in: a first proof, which is a password or the university's word, and a second one where the operator has a second
//! factor. And proving oneself once more before a grave act.

use std::net::IpAddr;

use serde_json::json;

use super::super::Services;
use super::super::caller::{Caller, OperatorCaller};
use super::super::sessions;
use super::gate::Gate;
use super::{acting, factor, form, operator_of, oust, passwords, rules};
use crate::domain::id::OperatorId;
use crate::error::Faults;
use crate::store::operators::OperatorRow;
use crate::store::{self, Tx, audit};
use crate::{Error, Result};

const WRONG: &str = "the email address or the password is wrong";

/// Whoever gave a first proof.
#[derive(Clone, Debug)]
pub struct Entry {
    pub operator: OperatorCaller,
    /// Not signed in before a code is given, too: see [`enter_code`].
    pub owes_code: bool,
    /// How often all they come in by had ended by then: goes into their session.
    pub ousted: i64,
}

impl Entry {
    /// Of whoever gave a first proof of that kind. What was done is kept in the transaction.
    pub(super) async fn keep(
        s: &Services,
        tx: &mut Tx,
        (operator, ousted): (OperatorCaller, i64),
        proof: &str,
        remote: IpAddr,
    ) -> Result<Self> {
        let owes_code = store::second_factors::find(&s.db, operator.id).await?.is_some();
        if !owes_code {
            note(s, tx, &operator, proof, remote).await?;
        }
        Ok(Self { operator, owes_code, ousted })
    }
}

async fn note(s: &Services, tx: &mut Tx, who: &OperatorCaller, by: &str, remote: IpAddr) -> Result<()> {
    let now = s.clock.now();
    store::operators::touch(tx, who.id, now).await?;
    let actor = Caller::Operator(who.clone()).label();
    let detail = json!({ "address": remote, "by": by });
    audit::append(tx, now, &actor, "operator.sign_in", &who.id.to_string(), &detail).await
}

/// Writes down that somebody signed out. Nothing where they may not come in any more: they were out before.
pub async fn note_sign_out(s: &Services, id: OperatorId) -> Result<()> {
    let Some(who) = operator_of(s, id).await? else { return Ok(()) };
    let mut tx = s.db.begin().await?;
    let actor = Caller::Operator(who).label();
    audit::append(&mut tx, s.clock.now(), &actor, "operator.sign_out", &id.to_string(), &json!({})).await?;
    tx.commit().await
}

/// Who gives that email address and password. [`Error::Unauthenticated`] says the same after the same work
/// whatever was wrong; [`Error::RateLimited`] says how long to wait before the next try.
pub async fn sign_in(s: &Services, email: &str, password: &str, remote: IpAddr) -> Result<Entry> {
    let login = form::login(email);
    let gate = Gate::new(s, &login, remote);
    let passed = gate.pass(&s.db, s.clock.now()).await?;
    let (row, right) = match judge(s, &login, password).await {
        Ok(judged) => judged,
        Err(error) => {
            gate.undo(&s.db, s.clock.now()).await?;
            return Err(error);
        }
    };
    let judged = match row {
        Some(row) if right => Ok((acting(s, row.clone()).await?, row)),
        row => Err(row),
    };
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    // Operators before failures: the order in which all lock them.
    let judged = match judged {
        Ok((operator, row)) if is_still(&mut tx, &row).await?.is_some() => Ok((operator, row.ousted)),
        // The password was another by the time it was found right.
        Ok((_, row)) => Err(Some(row)),
        Err(row) => Err(row),
    };
    match judged {
        Ok(operator) => {
            let entry = Entry::keep(s, &mut tx, operator, "password", remote).await?;
            gate.succeed(&mut tx, now).await?;
            tx.commit().await?;
            Ok(entry)
        }
        Err(row) => {
            // What was typed is not kept where it is nobody's: it may be a password in the wrong field.
            let object = row.map_or_else(|| "unknown".to_owned(), |row| row.id.to_string());
            let actor = format!("address {remote}");
            let action = if passed.locks { "operator.lock_out" } else { "operator.refuse_sign_in" };
            audit::append(&mut tx, now, &actor, action, &object, &json!({})).await?;
            tx.commit().await?;
            Err(Error::Unauthenticated(WRONG))
        }
    }
}

/// The second proof of whoever owes one. [`Error::Unauthenticated`] for a wrong code, or one that was used before;
/// [`Error::NotFound`] where the operator was shut out meanwhile.
pub async fn enter_code(s: &Services, id: OperatorId, code: &str, remote: IpAddr) -> Result<OperatorCaller> {
    let who = operator_of(s, id).await?.ok_or(Error::NotFound("operator"))?;
    let gate = Gate::for_code(s, who.id, remote);
    let (mut tx, spent) = factor::spend(s, &who, code, &gate, remote).await?;
    note(s, &mut tx, &who, spent.name(), remote).await?;
    tx.commit().await?;
    Ok(who)
}

/// An operator's row, locked, where they are let in and the password is the one it was.
async fn is_still(tx: &mut Tx, was: &OperatorRow) -> Result<Option<OperatorRow>> {
    let row = store::operators::lock(tx, was.id).await?;
    Ok(row.filter(|row| {
        row.disabled_at.is_none() && row.password_hash == was.password_hash && row.ousted == was.ousted
    }))
}

/// An operator's row, locked, where whoever acts in that session is still let in by it.
pub(super) async fn in_session(s: &Services, tx: &mut Tx, who: &OperatorCaller, session: &str) -> Result<()> {
    let gone = || Error::Unauthenticated("sign in first");
    let row = store::operators::lock(tx, who.id).await?;
    row.filter(|row| row.disabled_at.is_none()).ok_or_else(gone)?;
    if sessions::goes_on(s, tx, who.id, session).await? { Ok(()) } else { Err(gone()) }
}

/// The account, if there is one, and whether the password opens it.
async fn judge(s: &Services, login: &str, password: &str) -> Result<(Option<OperatorRow>, bool)> {
    let row = store::operators::find_by_email(&s.db, login).await?;
    let hash = row.as_ref().filter(|row| row.disabled_at.is_none()).and_then(|row| row.password_hash.clone());
    let right = s.passwords.verify(password.to_owned(), hash).await?;
    Ok((row, right))
}

/// By what an operator can prove who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proofs {
    pub password: bool,
    pub code: bool,
}

pub async fn proofs(s: &Services, who: &OperatorCaller) -> Result<Proofs> {
    let row = store::operators::find(&s.db, who.id).await?;
    Ok(Proofs {
        password: row.is_some_and(|row| row.password_hash.is_some()),
        code: store::second_factors::find(&s.db, who.id).await?.is_some(),
    })
}

/// A signed-in operator proves once more who they are: by a code, or else by the password.
///
/// # Errors
///
/// [`Error::Invalid`] at `/proof_code` or `/proof_password`, [`Error::RateLimited`] before the next try.
pub async fn prove(
    s: &Services,
    who: &OperatorCaller,
    password: &str,
    code: &str,
    remote: IpAddr,
) -> Result<()> {
    let gate = Gate::for_proof(s, who.id);
    if !code.is_empty() {
        return match factor::spend(s, who, code, &gate, remote).await {
            Ok((tx, _)) => tx.commit().await,
            Err(Error::Unauthenticated(wrong)) => Err(Error::fault("/proof_code", "wrong_code", wrong)),
            Err(other) => Err(other),
        };
    }
    let now = s.clock.now();
    let passed = gate.pass(&s.db, now).await?;
    let right = own_password(s, &gate, who, password).await?.is_some();
    let mut tx = s.db.begin().await?;
    if right {
        gate.succeed(&mut tx, now).await?;
        return tx.commit().await;
    }
    let (actor, object) = (Caller::Operator(who.clone()).label(), who.id.to_string());
    let action = if passed.locks { "operator.lock_out" } else { "operator.refuse_proof" };
    audit::append(&mut tx, now, &actor, action, &object, &json!({ "address": remote })).await?;
    tx.commit().await?;
    Err(Error::fault("/proof_password", "wrong_password", "this is not your password"))
}

/// Their row as it was where it is theirs; the gate forgets a try that cannot be judged.
async fn own_password(
    s: &Services,
    gate: &Gate,
    who: &OperatorCaller,
    password: &str,
) -> Result<Option<OperatorRow>> {
    match judge(s, &who.email, password).await {
        Ok((row, right)) => Ok(row.filter(|_| right)),
        Err(error) => {
            gate.undo(&s.db, s.clock.now()).await?;
            Err(error)
        }
    }
}

/// An operator changes their own password, in the session of that name. Every session of theirs ends: renew the one in
/// hand, with what comes back.
///
/// # Errors
///
/// [`Error::Invalid`]; [`Error::Unauthenticated`] where the session was ended or the operator shut out meanwhile.
pub async fn change_password(
    s: &Services,
    who: &OperatorCaller,
    session: &str,
    current: &str,
    new: &str,
) -> Result<i64> {
    let mut faults = Faults::default();
    let shortest = rules::shortest_password(s).await?;
    faults.extend(passwords::fault(new, shortest, form::known(s, &who.email, &who.name)).await?);
    let gate = Gate::for_proof(s, who.id);
    gate.pass(&s.db, s.clock.now()).await?;
    let Some(was) = own_password(s, &gate, who, current).await? else {
        faults.add("/current_password", "wrong_password", "this is not your password");
        return faults.into_result().map(|()| 0);
    };
    if !faults.is_empty() {
        gate.undo(&s.db, s.clock.now()).await?;
        return faults.into_result().map(|()| 0);
    }
    let hash = s.passwords.hash(new.to_owned()).await?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    in_session(s, &mut tx, who, session).await?;
    // Of two who change it at once the later one's present password is it no more.
    is_still(&mut tx, &was).await?.ok_or(Error::Unauthenticated("sign in first"))?;
    store::operators::set_password(&mut tx, who.id, Some(&hash)).await?;
    let ousted = oust(&mut tx, who.id).await?;
    gate.succeed(&mut tx, now).await?;
    let actor = Caller::Operator(who.clone()).label();
    audit::append(&mut tx, now, &actor, "operator.change_password", &who.id.to_string(), &json!({})).await?;
    tx.commit().await?;
    Ok(ousted)
}
