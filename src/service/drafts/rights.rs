//! For which departments somebody writes, and whether they still may when the time of what they wrote has come.

use std::collections::BTreeSet;

use serde_json::json;

use super::Composed;
use crate::clock::Timestamp;
use crate::domain::grant::Reach;
use crate::domain::message::Status;
use crate::domain::operator::Permission;
use crate::service::deliveries::event;
use crate::service::messages::holds;
use crate::service::{Caller, Services, operators};
use crate::store::planning::Planned;
use crate::store::{Tx, events, messages, sources};
use crate::{Error, Result};

/// What a reviewer reads of a message whose author lost the right to send it before its time came.
pub const NO_LONGER: &str = "whoever wrote it may no longer send it";

/// The departments to choose from, and whether the whole campus is among the choices.
pub async fn departments(s: &Services, caller: &Caller) -> Result<(Vec<String>, bool)> {
    match caller.reach(Permission::MessagesCompose)? {
        Reach::Departments(own) => Ok((own.into_iter().collect(), false)),
        Reach::Everywhere => {
            let rows = sources::departments(&s.db).await?;
            let all: BTreeSet<_> = rows.into_iter().map(|row| row.department).collect();
            Ok((all.into_iter().filter(|department| !department.is_empty()).collect(), true))
        }
    }
}

/// For which department it is written; for none: the whole campus.
///
/// # Errors
///
/// [`Error::Invalid`] where whoever is limited to departments chose none of several, or one that is not theirs.
pub fn writes_for(caller: &Caller, composed: &Composed) -> Result<Option<String>> {
    let chosen = composed.department.as_str();
    match caller.reach(Permission::MessagesCompose)? {
        Reach::Everywhere if chosen.is_empty() => Ok(None),
        Reach::Departments(own) if chosen.is_empty() && own.len() == 1 => Ok(own.into_iter().next()),
        Reach::Departments(_) if chosen.is_empty() => {
            Err(Error::fault("/department", "required", "say for which department you write"))
        }
        reach if reach.covers(chosen) => Ok(Some(chosen.to_owned())),
        _ => {
            let detail = "you may write messages for your own departments only";
            Err(Error::fault("/department", "not_your_department", detail))
        }
    }
}

/// One that they may write for, whichever it is.
pub(super) fn any(caller: &Caller) -> Result<Option<String>> {
    Ok(match caller.reach(Permission::MessagesCompose)? {
        Reach::Everywhere => None,
        Reach::Departments(own) => own.into_iter().next(),
    })
}

/// Of which departments people are counted: of the one it is for, or while that is open, of all it may be for.
pub(super) fn within(caller: &Caller, composed: &Composed) -> Result<Option<Vec<String>>> {
    let departments = match (writes_for(caller, composed), caller.reach(Permission::MessagesCompose)?) {
        (Ok(Some(department)), _) => vec![department],
        (Ok(None), _) | (Err(_), Reach::Everywhere) => {
            caller.require(Permission::DirectoryView)?;
            return Ok(None);
        }
        (Err(_), Reach::Departments(own)) => own.into_iter().collect(),
    };
    for department in &departments {
        require(caller, Permission::DirectoryView, Some(department))?;
    }
    Ok(Some(departments))
}

/// Refuses who does not hold the permission for that department; for none: for the whole campus.
pub(super) fn require(caller: &Caller, permission: Permission, department: Option<&str>) -> Result<()> {
    if holds(caller, permission, department)? {
        return Ok(());
    }
    let of = department.unwrap_or("the whole campus");
    Err(Error::forbidden(
        permission.name(),
        format!("you do not hold the permission `{permission}` for {of}"),
    ))
}

/// Holds what was scheduled by somebody who may no longer send it, or is no longer let in; a reviewer decides. Returns the
/// others.
pub(in crate::service) async fn recall_rights(
    tx: &mut Tx,
    claimed: Vec<Planned>,
    now: Timestamp,
) -> Result<Vec<Planned>> {
    // One that a reviewer let go, or that is partly planned, goes on.
    let asks =
        |message: &Planned| message.scheduled && message.routing.is_none() && message.plan_cursor.0 == 0;
    let authors: BTreeSet<_> =
        claimed.iter().filter(|message| asks(message)).filter_map(|message| message.operator_id).collect();
    if authors.is_empty() {
        return Ok(claimed);
    }
    let powers = operators::powers_of(tx, &authors).await?;
    let (mut go_on, mut told) = (Vec::with_capacity(claimed.len()), Vec::new());
    for message in claimed {
        let still = message.operator_id.filter(|_| asks(&message)).is_none_or(|author| {
            let reach = powers.get(&author).and_then(|powers| powers.reach(Permission::MessagesSend));
            reach.is_some_and(|reach| match &message.department {
                Some(department) => reach.covers(department),
                None => *reach == Reach::Everywhere,
            })
        });
        if still {
            go_on.push(message);
            continue;
        }
        messages::set_status(tx, message.id, Status::Held, Some(NO_LONGER), message.expires_at, now).await?;
        told.push(event(message.id, now, "held", &json!({ "reason": NO_LONGER })));
    }
    events::insert(tx, &told).await?;
    Ok(go_on)
}
