//! Signing in: a first proof, which is a password or the university's word, and a second one where the operator has a second
//! factor. And proving oneself once more before a grave act.

use std::net::IpAddr;

use serde_json::json;

use super::super::Services;
use super::super::caller::{Caller, OperatorCaller};
use super::gate::Gate;
use super::{acting, factor, form, operator_of, passwords, rules};
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
}

impl Entry {
    /// Of whoever gave a first proof of that kind. What was done is kept in the transaction.
    pub(super) async fn keep(
        s: &Services,
        tx: &mut Tx,
        operator: OperatorCaller,
        proof: &str,
        remote: IpAddr,
    ) -> Result<Self> {
        let owes_code = store::second_factors::find(&s.db, operator.id).await?.is_some();
        if !owes_code {
            note(s, tx, &operator, proof, remote).await?;
        }
        Ok(Self { operator, owes_code })
    }
}

async fn note(s: &Services, tx: &mut Tx, who: &OperatorCaller, by: &str, remote: IpAddr) -> Result<()> {
    let now = s.clock.now();
    store::operators::touch(tx, who.id, now).await?;
    let actor = Caller::Operator(who.clone()).label();
    let detail = json!({ "address": remote, "by": by });
    audit::append(tx, now, &actor, "operator.sign_in", &who.id.to_string(), &detail).await
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
        Some(row) if right => Ok(acting(s, row).await?),
        row => Err(row),
    };
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    match judged {
        Ok(operator) => {
            // Operators before failures: the order in which all lock them.
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
    let right = own_password(s, &gate, who, password).await?;
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

/// Whether it is theirs; the gate forgets a try that cannot be judged.
async fn own_password(s: &Services, gate: &Gate, who: &OperatorCaller, password: &str) -> Result<bool> {
    match judge(s, &who.email, password).await {
        Ok((_, right)) => Ok(right),
        Err(error) => {
            gate.undo(&s.db, s.clock.now()).await?;
            Err(error)
        }
    }
}

/// An operator changes their own password. Every session of theirs ends: renew the one in hand.
pub async fn change_password(s: &Services, who: &OperatorCaller, current: &str, new: &str) -> Result<()> {
    let mut faults = Faults::default();
    let shortest = rules::shortest_password(s).await?;
    faults.extend(passwords::fault(new, shortest, form::known(s, &who.email, &who.name)).await?);
    let gate = Gate::for_proof(s, who.id);
    gate.pass(&s.db, s.clock.now()).await?;
    if !own_password(s, &gate, who, current).await? {
        faults.add("/current_password", "wrong_password", "this is not your password");
        return faults.into_result();
    }
    if !faults.is_empty() {
        gate.undo(&s.db, s.clock.now()).await?;
        return faults.into_result();
    }
    let hash = s.passwords.hash(new.to_owned()).await?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    store::operators::set_password(&mut tx, who.id, Some(&hash)).await?;
    store::sessions::delete_all_of(&mut tx, who.id).await?;
    gate.succeed(&mut tx, now).await?;
    let actor = Caller::Operator(who.clone()).label();
    audit::append(&mut tx, now, &actor, "operator.change_password", &who.id.to_string(), &json!({})).await?;
    tx.commit().await
}
