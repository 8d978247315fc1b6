//! Who may take a message back before anybody was sent it.

use super::deliveries::own;
use super::{Caller, Services};
use crate::Result;
use crate::domain::id::MessageId;
use crate::domain::message::Status;
use crate::store::Tx;
use crate::store::messages::{self, Standing};

/// Whether nobody was sent it yet, so that whoever wrote it may withdraw it by themselves.
const fn waits(status: Status) -> bool {
    matches!(status, Status::Held | Status::Scheduled)
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
    own(tx, caller, message).await
}

/// Whether the caller wrote a message that nobody was sent yet.
pub async fn may_withdraw(s: &Services, caller: &Caller, message: MessageId) -> Result<bool> {
    let Some(author) = caller.operator() else { return Ok(false) };
    let row = messages::find(&s.db, message).await?;
    Ok(row.is_some_and(|row| row.operator_id == Some(author) && waits(row.status)))
}
