//! Held messages: somebody who did not write them lets them go or stops them.

use serde_json::json;

use super::sight::holds;
use crate::clock::Timestamp;
use crate::domain::id::MessageId;
use crate::domain::message::Status;
use crate::domain::operator::Permission;
use crate::domain::routing::Routed;
use crate::domain::subscription::EventKind;
use crate::error::{Error, Result};
use crate::queue::{Entry, Work};
use crate::service::deliveries::{event, publish};
use crate::service::subscriptions::{self, Happening};
use crate::service::{Caller, Services};
use crate::store::messages::{self, Standing};
use crate::store::{JsonText, Tx, audit, events, routing};

/// Characters in what a reviewer says.
const LONGEST_REASON: usize = 200;

/// Lets a held message go. It is planned as the rules said when it was held, but whoever was sent the same meanwhile is
/// spared it. `why` is kept with it, where the reviewer said something.
///
/// # Errors
///
/// [`Error::Forbidden`] without the permission `messages.review` and for whoever wrote the message;
/// [`Error::NotFound`] where it is of a department in which the caller does not hold it;
/// [`Error::Conflict`] where it is not held or its time is over; [`Error::Invalid`] where `why` is too long.
pub async fn release(s: &Services, caller: &Caller, id: MessageId, why: &str) -> Result<()> {
    let why = said(why, 0)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let held = held(&mut tx, caller, id, now).await?;
    let routed = match held.routing {
        Some(JsonText(routed)) => Routed { released: true, ..routed },
        // It was held as it came, and has yet to be routed.
        None => Routed { approved: true, ..Routed::default() },
    };
    routing::set_routed(&mut tx, id, &routed).await?;
    let status = if held.send_at > now { Status::Scheduled } else { Status::Accepted };
    messages::set_status(&mut tx, id, status, None, held.expires_at, now).await?;
    let by = caller.label();
    let mut detail = json!({ "by": by });
    let mut noted = json!({});
    if !why.is_empty() {
        detail["reason"] = why.into();
        noted["reason"] = why.into();
    }
    events::insert(&mut tx, &[event(id, now, "released", &detail)]).await?;
    audit::append(&mut tx, now, &by, "message.release", &id.to_string(), &noted).await?;
    tx.commit().await?;
    publish(s, Entry { lane: held.lane, work: Work::Plan });
    Ok(())
}

/// Stops a held message for good; `why` is told to its sender.
///
/// # Errors
///
/// As [`release`], and [`Error::Invalid`] without a reason.
pub async fn reject(s: &Services, caller: &Caller, id: MessageId, why: &str) -> Result<()> {
    let why = said(why, 1)?;
    let now = s.clock.now();
    let interests = subscriptions::in_force(s).await?;
    let mut tx = s.db.begin().await?;
    let held = held(&mut tx, caller, id, now).await?;
    let reason = format!("rejected: {why}");
    messages::set_status(&mut tx, id, Status::Cancelled, Some(&reason), held.expires_at, now).await?;
    let by = caller.label();
    let detail = json!({ "by": by, "reason": why });
    events::insert(&mut tx, &[event(id, now, "rejected", &detail)]).await?;
    let happened = Happening::of_message(EventKind::Cancelled, id);
    subscriptions::note(&mut tx, &interests, &[happened], now).await?;
    audit::append(&mut tx, now, &by, "message.reject", &id.to_string(), &json!({ "reason": why })).await?;
    tx.commit().await
}

/// One line of at least so many characters.
fn said(why: &str, shortest: usize) -> Result<&str> {
    let why = why.trim();
    let length = why.chars().count();
    if length == 0 && shortest > 0 {
        return Err(Error::fault("/reason", "required", "say why, in a sentence"));
    }
    if length > LONGEST_REASON {
        return Err(Error::fault("/reason", "too_long", format!("at most {LONGEST_REASON} characters")));
    }
    if why.chars().any(char::is_control) {
        return Err(Error::fault("/reason", "control_character", "write it in one line"));
    }
    Ok(why)
}

/// The message, locked, if it waits for this caller's word.
async fn held(tx: &mut Tx, caller: &Caller, id: MessageId, now: Timestamp) -> Result<Standing> {
    caller.reach(Permission::MessagesReview)?;
    let standing = messages::standing(tx, id).await?.ok_or(Error::NotFound("message"))?;
    if !holds(caller, Permission::MessagesReview, standing.department.as_deref())? {
        return Err(Error::NotFound("message"));
    }
    if let Caller::Operator(operator) = caller
        && standing.operator_id == Some(operator.id)
    {
        let detail = "whoever wrote a message cannot review it; somebody else has to";
        return Err(Error::forbidden(Permission::MessagesReview.name(), detail));
    }
    match standing.status {
        Status::Held if standing.expires_at > now => Ok(standing),
        Status::Held => Err(Error::conflict("not_held", "the time of the message is over")),
        status => Err(Error::conflict("not_held", format!("the message is {status}, not held"))),
    }
}
