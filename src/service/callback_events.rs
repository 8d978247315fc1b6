//! What providers tell besides receipts: who follows an account no more, who answers a text.

use std::time::Duration;

use super::{Caller, Services, bindings};
use crate::Result;
use crate::channel::Event;
use crate::clock::Timestamp;
use crate::domain::address::normalise;
use crate::domain::channel::AddressKind;
use crate::domain::id::ProviderId;
use crate::domain::operator::Permission;
use crate::domain::suppression::{Cause, asks_to_stop};
use crate::store::suppressions::{self, NewSuppression};
use crate::store::{Tx, replies};

pub use crate::store::replies::ReplyRow;

/// Replies are kept so long.
const KEPT: Duration = Duration::from_hours(90 * 24);
/// A reply is a text: a longer one is cut.
const LONGEST: usize = 1_000;

/// Does what follows from an event, in the transaction that takes it off the calls that wait.
pub async fn handle(
    s: &Services,
    tx: &mut Tx,
    provider: ProviderId,
    at: Timestamp,
    event: Event,
) -> Result<()> {
    match event {
        Event::Unfollowed { openid } => {
            // People before the list, as whoever binds and whoever erases.
            bindings::unfollowed(s, tx, provider, &openid).await?;
            leave_alone(tx, AddressKind::WechatOpenid, &openid, Cause::Bounced, "unfollowed", at).await
        }
        Event::Followed { openid, .. } => suppressions::lift(tx, AddressKind::WechatOpenid, &openid).await,
        Event::Reply { number, text } => replied(tx, provider, &number, &text, at).await,
        // What they are about is not kept here yet.
        Event::SubscriptionChanged { .. } | Event::Card { .. } => Ok(()),
    }
}

/// Keeps a reply; one that asks for it spares its number everything but emergencies.
async fn replied(tx: &mut Tx, provider: ProviderId, number: &str, text: &str, at: Timestamp) -> Result<()> {
    let number = normalise(AddressKind::Mobile, number).unwrap_or_else(|_| number.trim().to_owned());
    let text: String = text.chars().take(LONGEST).collect();
    replies::insert(tx, provider, at, &number, &text).await?;
    if asks_to_stop(&text) {
        leave_alone(tx, AddressKind::Mobile, &number, Cause::Asked, text.trim(), at).await?;
    }
    Ok(())
}

async fn leave_alone(
    tx: &mut Tx,
    kind: AddressKind,
    address: &str,
    cause: Cause,
    note: &str,
    at: Timestamp,
) -> Result<()> {
    let new = NewSuppression { kind, address, cause, note, by: "", until: Timestamp::NEVER };
    suppressions::insert_told(tx, &new, at).await
}

/// What people answered to texts, the latest first, older than the one with the id `before`.
pub async fn list_replies(
    s: &Services,
    caller: &Caller,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<ReplyRow>> {
    caller.require(Permission::DirectoryReveal)?;
    replies::list(&s.db, before, limit).await
}

/// Forgets replies after some time.
pub async fn prune(s: &Services) -> Result<u64> {
    let mut tx = s.db.begin().await?;
    let removed = replies::prune(&mut tx, s.clock.now().minus(KEPT)).await?;
    tx.commit().await?;
    Ok(removed)
}
