//! Held messages: somebody who did not write them lets them go or stops them.

use serde_json::json;

use crate::domain::id::MessageId;
use crate::domain::message::Status;
use crate::domain::operator::Permission;
use crate::error::{Error, Result};
use crate::queue::{Entry, Work};
use crate::service::deliveries::{event, publish};
use crate::service::{Caller, Services};
use crate::store::messages::{self, Standing};
use crate::store::{Tx, audit, events};

/// Characters in the reason of a rejection.
const LONGEST_REASON: usize = 200;

/// Lets a held message go. It is planned as the rules said when it was held.
///
/// # Errors
///
/// [`Error::Forbidden`] without the permission `messages.review` and for whoever wrote the message;
/// [`Error::Conflict`] where it is not held.
pub async fn release(s: &Services, caller: &Caller, id: MessageId) -> Result<()> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let held = held(&mut tx, caller, id).await?;
    messages::set_status(&mut tx, id, Status::Accepted, None, held.expires_at, now).await?;
    let by = caller.label();
    events::insert(&mut tx, &[event(id, now, "released", &json!({ "by": by }))]).await?;
    audit::append(&mut tx, now, &by, "message.release", &id.to_string(), &json!({})).await?;
    tx.commit().await?;
    publish(s, Entry { lane: held.lane, work: Work::Plan }).await;
    Ok(())
}

/// Stops a held message for good; `why` is told to its sender.
///
/// # Errors
///
/// As [`release`], and [`Error::Invalid`] without a reason.
pub async fn reject(s: &Services, caller: &Caller, id: MessageId, why: &str) -> Result<()> {
    let why = why.trim();
    if !(1..=LONGEST_REASON).contains(&why.chars().count()) {
        return Err(Error::fault("/reason", "length", format!("1 to {LONGEST_REASON} characters")));
    }
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let held = held(&mut tx, caller, id).await?;
    let reason = format!("rejected: {why}");
    messages::set_status(&mut tx, id, Status::Cancelled, Some(&reason), held.expires_at, now).await?;
    let by = caller.label();
    let detail = json!({ "by": by, "reason": why });
    events::insert(&mut tx, &[event(id, now, "rejected", &detail)]).await?;
    audit::append(&mut tx, now, &by, "message.reject", &id.to_string(), &json!({ "reason": why })).await?;
    tx.commit().await
}

/// The message, locked, if it waits for this caller's word.
async fn held(tx: &mut Tx, caller: &Caller, id: MessageId) -> Result<Standing> {
    caller.require(Permission::MessagesReview)?;
    let standing = messages::standing(tx, id).await?.ok_or(Error::NotFound("message"))?;
    if let Caller::Operator(operator) = caller
        && standing.operator_id == Some(operator.id)
    {
        let detail = "whoever wrote a message cannot review it; somebody else has to";
        return Err(Error::forbidden(Permission::MessagesReview.name(), detail));
    }
    if standing.status == Status::Held {
        Ok(standing)
    } else {
        Err(Error::conflict("not_held", format!("the message is {}, not held", standing.status)))
    }
}
