//! What an operator asks to be told of.

use serde_json::{Value, json};

use super::super::{Caller, Services};
use crate::domain::alarm::Wish;
use crate::domain::operator::Permission;
use crate::service::caller::OperatorCaller;
use crate::store::recipients::{self, RecipientRow};
use crate::store::{alarm_wishes as store, audit};
use crate::{Error, Result};

fn own(caller: &Caller) -> Result<&OperatorCaller> {
    caller.require(Permission::MessagesView)?;
    match caller {
        Caller::Operator(operator) => Ok(operator),
        _ => Err(Error::forbidden("operator", "everybody who is signed in asks for themselves")),
    }
}

/// What this operator asked for, if anything.
pub async fn wish(s: &Services, caller: &Caller) -> Result<Option<Wish>> {
    let row = store::find(&s.db, own(caller)?.id).await?;
    Ok(row.map(|row| row.wish.0))
}

/// Nobody is told as that person any more.
pub(in crate::service) async fn leave(s: &Services, campus_id: &str) -> Result<()> {
    let mut tx = s.db.begin().await?;
    for row in store::lock_naming(&mut tx, campus_id).await? {
        let wish = Wish { campus_id: None, channels: Vec::new(), ..row.wish.0 };
        store::set(&mut tx, row.operator_id, Some(&wish).filter(|wish| wish.email)).await?;
    }
    tx.commit().await
}

/// That person of the directory has the mail address of the operator's account.
pub(in crate::service) async fn is_theirs(
    s: &Services,
    operator: &OperatorCaller,
    campus_id: &str,
) -> Result<bool> {
    let person = recipients::find(&s.db, campus_id).await?.filter(|row| row.active);
    Ok(person.is_some_and(|row| has_address(&row, operator)))
}

fn has_address(row: &RecipientRow, operator: &OperatorCaller) -> bool {
    row.person.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(&operator.email))
}

/// Whoever looks after operators may name anybody; everybody else only the person whose mail address in the directory is
/// that of their account. Others neither hear of the campus's troubles nor whether they are in the directory.
async fn require_own(
    s: &Services,
    caller: &Caller,
    operator: &OperatorCaller,
    campus_id: &str,
) -> Result<()> {
    let person = recipients::find(&s.db, campus_id).await?.filter(|row| row.active);
    if person.as_ref().is_some_and(|row| has_address(row, operator)) {
        return Ok(());
    }
    if caller.require(Permission::OperatorsEdit).is_err() {
        let detail = "nobody whose mail address in the directory is that of your account has this campus id";
        return Err(Error::fault("/campus_id", "not_yours", detail));
    }
    if person.is_none() {
        let detail = format!("nobody in the directory has the campus id `{campus_id}`");
        return Err(Error::fault("/campus_id", "unknown_recipient", detail));
    }
    Ok(())
}

/// Sets what this operator asks for, from a [`Wish`] as JSON; one without kinds is none.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault.
pub async fn choose(s: &Services, caller: &Caller, document: &Value) -> Result<()> {
    let operator = own(caller)?;
    let wish = Wish::read(document)?;
    if let Some(campus_id) = &wish.campus_id {
        require_own(s, caller, operator, campus_id).await?;
    }
    let (now, id) = (s.clock.now(), operator.id);
    let mut tx = s.db.begin().await?;
    store::set(&mut tx, id, Some(&wish).filter(|wish| !wish.kinds.is_empty())).await?;
    // The audit log, which forgets nothing, holds no campus id.
    let detail = json!({
        "kinds": wish.kinds, "severity": wish.severity, "email": wish.email, "channels": wish.channels,
    });
    audit::append(&mut tx, now, &caller.label(), "alarm.choose", &id.to_string(), &detail).await?;
    tx.commit().await
}
