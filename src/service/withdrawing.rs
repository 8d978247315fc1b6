//! Who may take a message back before anybody was sent it.

use super::deliveries::own;
use super::{Caller, Services};
use crate::domain::id::MessageId;
use crate::domain::message::Status;
use crate::store::messages::{self, Standing};
use crate::store::{Tx, broadcasts};
use crate::{Error, Result};

/// Whether nobody was sent it yet, so that whoever wrote it may withdraw it by themselves.
const fn waits(status: Status) -> bool {
    matches!(status, Status::Held | Status::Scheduled)
}

/// A broadcast's message is stopped and told more of as its broadcast is, by whoever may do that to it, and with a note of
/// it in its log.
pub(super) async fn not_of_broadcast(tx: &mut Tx, message: MessageId) -> Result<()> {
    match broadcasts::of_message_in(tx, message).await? {
        Some(row) => {
            let detail = format!("the message is a part of the broadcast {}", row.broadcast_id);
            Err(Error::conflict("broadcast_message", detail))
        }
        None => Ok(()),
    }
}

/// The message, locked, if the caller may act on it, or wrote it and nobody was sent it yet.
pub(super) async fn withdrawable(tx: &mut Tx, caller: &Caller, message: MessageId) -> Result<Standing> {
    if let Some(author) = caller.operator() {
        let standing = messages::standing(tx, message).await?;
        let is_theirs = |row: &Standing| row.operator_id == Some(author) && waits(row.status);
        if let Some(standing) = standing.filter(is_theirs) {
            return Ok(standing);
        }
    }
    let standing = own(tx, caller, message).await?;
    not_of_broadcast(tx, message).await?;
    Ok(standing)
}

/// Whether the caller wrote a message that nobody was sent yet.
pub async fn may_withdraw(s: &Services, caller: &Caller, message: MessageId) -> Result<bool> {
    let Some(author) = caller.operator() else { return Ok(false) };
    let row = messages::find(&s.db, message).await?;
    Ok(row.is_some_and(|row| row.operator_id == Some(author) && waits(row.status)))
}
