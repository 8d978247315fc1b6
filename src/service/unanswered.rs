//! Deliveries that no answer came to. They may have arrived, so that a receipt is waited for; where none comes, those that
//! the policy names are handed over once more, and never again.

use serde_json::json;

use super::deliveries::{complete, event, publish};
use super::{Services, policies};
use crate::Result;
use crate::domain::channel::Outlet;
use crate::domain::id::MessageId;
use crate::domain::message::Status;
use crate::queue::{Entry, Work};
use crate::store::{events, messages, reopening};

/// Rows changed in one transaction; short, so that emergencies get in between.
const CHUNK: i64 = 1_000;

/// Hands over once more what it is time for; returns how many deliveries.
pub async fn repeat(s: &Services) -> Result<usize> {
    let mut repeated = 0;
    for message in reopening::unanswered(&s.db, s.clock.now(), CHUNK).await? {
        loop {
            let n = repeat_of(s, message).await?;
            repeated += n;
            if (n as i64) < CHUNK {
                break;
            }
        }
    }
    Ok(repeated)
}

/// Some of a message's at a time.
async fn repeat_of(s: &Services, message: MessageId) -> Result<usize> {
    let now = s.clock.now();
    let policy = policies::in_force(s).await?;
    let mut tx = s.db.begin().await?;
    let standing = messages::standing(&mut tx, message).await?;
    // What changed since counts: it was called off, is worth nothing any more, or the policy spares it now.
    let open = standing.filter(|standing| {
        matches!(standing.status, Status::Sending | Status::Completed)
            && standing.expires_at > now
            && standing.content_removed_at.is_none()
            && policy.unknown.repeat_after(standing.lane).is_some()
    });
    let Some(standing) = open else {
        reopening::leave_unanswered(&mut tx, message, now).await?;
        tx.commit().await?;
        return Ok(0);
    };
    let n = reopening::repeat(&mut tx, message, now, &|at| s.campus.day(at), CHUNK).await?;
    if n > 0 {
        messages::set_status(&mut tx, message, Status::Sending, None, standing.expires_at, now).await?;
        let told = event(message, now, "unanswered_repeated", &json!({ "n": n }));
        events::insert(&mut tx, &[told]).await?;
    }
    tx.commit().await?;
    complete(s, &[message]).await?;
    for outlet in Outlet::ALL {
        publish(s, Entry { lane: standing.lane, work: Work::Send(outlet) });
    }
    Ok(n as usize)
}
