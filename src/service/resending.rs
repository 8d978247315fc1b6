//! Sending again: deliveries that ended are opened, and people are tried by channels that were not planned for them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::deliveries::{audit, complete, default_life, event, own, publish};
use super::policies::{Heeded, Subject};
use super::withdrawing::not_of_broadcast;
use super::{Caller, Services};
use crate::domain::channel::{ChannelKind, Outlet};
use crate::domain::delivery::State;
use crate::domain::id::{DeliveryId, MessageId, RecipientId};
use crate::domain::message::Status;
use crate::domain::routing::Routed;
use crate::queue::{Entry, Work};
use crate::store::fan_out::{self, OneMore};
use crate::store::messages::{self, Standing};
use crate::store::reopening::{Reopened, reopen};
use crate::store::screen::Screen;
use crate::store::{Tx, events, planning};
use crate::{Error, Result};

/// Rows changed in one transaction; short, so that emergencies get in between.
const CHUNK: i64 = 1_000;

/// What sending again opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Resent {
    /// Deliveries opened again.
    pub reopened: i64,
    /// Deliveries added on channels that had none for these people.
    pub added: i64,
}

/// Opens exactly the deliveries in `states` again, and adds `channels` for the people they belong to where a channel
/// was not planned for them before. If it is cut off half way, asking again does the rest.
pub async fn resend(
    s: &Services,
    caller: &Caller,
    message: MessageId,
    states: &[State],
    channels: &[ChannelKind],
) -> Result<Resent> {
    check(states)?;
    let mut tx = s.db.begin().await?;
    let lane = resendable(&mut tx, caller, message, channels).await?.lane;
    drop(tx);
    let (screen, waits) = heeded(s, message).await?;
    let mut resending = Resending { s, caller, message, resent: Resent { reopened: 0, added: 0 } };
    // First the rows for other channels: they are for the people whose deliveries still stand in those states.
    for channel in channels {
        let mut after = RecipientId(i64::MIN);
        loop {
            let more = OneMore { message, channel: *channel, states, screen: &screen, after, limit: CHUNK };
            let mut tx = s.db.begin().await?;
            let standing = resendable(&mut tx, caller, message, channels).await?;
            let Some((last, added)) = fan_out::add_channel(&mut tx, &more, s.clock.now()).await? else {
                break;
            };
            after = last;
            let opened = Resent { reopened: 0, added: added.iter().map(|a| a.n).sum() };
            resending.commit(tx, &standing, opened).await?;
        }
    }
    let mut after = DeliveryId(0);
    loop {
        let now = s.clock.now();
        let mut tx = s.db.begin().await?;
        let standing = resendable(&mut tx, caller, message, channels).await?;
        let reopened =
            reopen(&mut tx, message, states, (after, CHUNK), &waits, now, &|at| s.campus.day(at)).await?;
        let Some(Reopened { n, last }) = reopened else { break };
        after = last;
        resending.commit(tx, &standing, Resent { reopened: n, added: 0 }).await?;
    }
    let resent = resending.resent;
    if resent.reopened + resent.added == 0 {
        // Nothing came of it: a cancelled message stays cancelled.
        return Ok(resent);
    }
    let mut tx = s.db.begin().await?;
    let detail =
        serde_json::json!({"by": caller.label(), "reopened": resent.reopened, "added": resent.added});
    events::insert(&mut tx, &[event(message, s.clock.now(), "resent", &detail)]).await?;
    tx.commit().await?;
    complete(s, &[message]).await?;
    for outlet in Outlet::ALL {
        publish(s, Entry { lane, work: Work::Send(outlet) });
    }
    Ok(resent)
}

/// A message being sent again, some rows at a time.
struct Resending<'a> {
    s: &'a Services,
    caller: &'a Caller,
    message: MessageId,
    resent: Resent,
}

impl Resending<'_> {
    /// Commits what was opened; the message is `sending` from the first of it on.
    async fn commit(&mut self, mut tx: Tx, standing: &Standing, opened: Resent) -> Result<()> {
        let now = self.s.clock.now();
        let before = self.resent.reopened + self.resent.added;
        if opened.reopened + opened.added > 0 {
            // Open again with at least as much time as a new message would have.
            let fresh = now.plus(default_life(standing.lane));
            let expires_at = if standing.expires_at <= now { fresh } else { standing.expires_at };
            messages::set_status(&mut tx, self.message, Status::Sending, None, expires_at, now).await?;
            if before == 0 {
                audit(&mut tx, self.caller, now, "message.resend", self.message).await?;
            }
        }
        tx.commit().await?;
        self.resent.reopened += opened.reopened;
        self.resent.added += opened.added;
        Ok(())
    }
}

/// The message, locked, if this caller may send it again by these channels.
async fn resendable(
    tx: &mut Tx,
    caller: &Caller,
    message: MessageId,
    channels: &[ChannelKind],
) -> Result<Standing> {
    let standing = own(tx, caller, message).await?;
    not_of_broadcast(tx, message).await?;
    if !matches!(standing.status, Status::Sending | Status::Completed | Status::Cancelled) {
        return Err(Error::conflict(
            "not_sent",
            format!("a message that is {} has nothing to send again", standing.status),
        ));
    }
    if standing.content_removed_at.is_some() {
        return Err(removed());
    }
    if let Caller::Key(key) = caller
        && let Some(refused) = channels.iter().find(|c| !key.channels.contains(c))
    {
        return Err(Error::fault("/channels", "not_allowed", format!("this source may not use {refused}")));
    }
    Ok(standing)
}

/// What it said is not there any more.
pub(super) fn removed() -> Error {
    let detail = "what the message said was removed because the time for which it is kept is over";
    Error::conflict("content_removed", detail)
}

/// What keeps people from being sent it by one more channel: their wishes, and addresses that are left alone. And how long
/// the steps of its fallback plan, if it has one, come after the first.
async fn heeded(s: &Services, message: MessageId) -> Result<(Screen, Vec<i64>)> {
    let (Some(row), Some(to_send)) =
        (messages::find(&s.db, message).await?, planning::to_send(&s.db, &[message]).await?.pop())
    else {
        return Err(Error::NotFound("message"));
    };
    let routed: Routed = to_send.routing.unwrap_or_default().0;
    let (category, expires_at) = (row.category, row.expires_at);
    let subject = Subject { topic: &row.topic, category, routed: &routed, expires_at };
    let screen = Heeded::load(s).await?.screen(&subject, s.clock.now());
    Ok((Screen { repeats: Vec::new(), quiet: BTreeMap::new(), ..screen }, routed.waits()))
}

fn check(states: &[State]) -> Result<()> {
    let mut faults = crate::error::Faults::default();
    if states.is_empty() {
        faults.add("/states", "required", "name at least one of failed, unknown, expired, cancelled");
    }
    for (i, state) in states.iter().enumerate() {
        if !matches!(state, State::Failed | State::Unknown | State::Expired | State::Cancelled) {
            let detail = format!(
                "deliveries that are {state} cannot be sent again; use failed, unknown, expired or cancelled"
            );
            faults.add(format!("/states/{i}"), "not_allowed", detail);
        }
    }
    faults.into_result()
}
