//! Signing in, and changing the password one signs in with.

use std::net::IpAddr;

use serde_json::json;

use super::super::Services;
use super::super::caller::{Caller, OperatorCaller};
use super::gate::Gate;
use super::{acting, form, passwords};
use crate::error::Faults;
use crate::store::operators::OperatorRow;
use crate::store::{self, audit};
use crate::{Error, Result};

const WRONG: &str = "the email address or the password is wrong";

/// Who signs in with that email address and password. [`Error::Unauthenticated`] says the same after the same work
/// whatever was wrong; [`Error::RateLimited`] says how long to wait before the next try.
pub async fn sign_in(s: &Services, email: &str, password: &str, remote: IpAddr) -> Result<OperatorCaller> {
    let login = form::login(email);
    let gate = Gate::new(s, &login, Some(remote));
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
            let object = operator.id.to_string();
            gate.succeed(&mut tx, now).await?;
            store::operators::touch(&mut tx, operator.id, now).await?;
            let actor = Caller::Operator(operator.clone()).label();
            let detail = json!({ "address": remote });
            audit::append(&mut tx, now, &actor, "operator.sign_in", &object, &detail).await?;
            tx.commit().await?;
            Ok(operator)
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

/// The account, if there is one, and whether the password opens it.
async fn judge(s: &Services, login: &str, password: &str) -> Result<(Option<OperatorRow>, bool)> {
    let row = store::operators::find_by_email(&s.db, login).await?;
    let hash = row.as_ref().filter(|row| row.disabled_at.is_none()).and_then(|row| row.password_hash.clone());
    let right = s.passwords.verify(password.to_owned(), hash).await?;
    Ok((row, right))
}

/// An operator changes their own password. Every session of theirs ends: renew the one in hand.
pub async fn change_password(s: &Services, who: &OperatorCaller, current: &str, new: &str) -> Result<()> {
    let mut faults = Faults::default();
    faults.extend(passwords::fault(new, form::known(s, &who.email, &who.name)).await?);
    let gate = Gate::new(s, &who.email, None);
    gate.pass(&s.db, s.clock.now()).await?;
    let right = match judge(s, &who.email, current).await {
        Ok((_, right)) => right,
        Err(error) => {
            gate.undo(&s.db, s.clock.now()).await?;
            return Err(error);
        }
    };
    if !right {
        faults.add("/current_password", "wrong", "this is not your password");
        return faults.into_result();
    }
    if !faults.is_empty() {
        gate.undo(&s.db, s.clock.now()).await?;
        return faults.into_result();
    }
    let hash = s.passwords.hash(new.to_owned()).await?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    gate.succeed(&mut tx, now).await?;
    store::operators::set_password(&mut tx, who.id, Some(&hash)).await?;
    store::sessions::delete_all_of(&mut tx, who.id).await?;
    let actor = Caller::Operator(who.clone()).label();
    audit::append(&mut tx, now, &actor, "operator.change_password", &who.id.to_string(), &json!({})).await?;
    tx.commit().await
}
