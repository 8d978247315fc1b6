//! What is looked at when it is over, or so far: everything that was done, how fast it was, what came back, and what
//! somebody learnt of it.

use std::net::IpAddr;

use serde_json::json;

use super::changing::{Doer, InHand};
use super::progress::exact;
use super::{ActRow, BroadcastRow, Progress, Services, Times, acts, look, times};
use crate::domain::emergency::Act;
use crate::domain::id::BroadcastId;
use crate::domain::operator::Permission;
use crate::service::{Caller, roll_call};
use crate::store::roll_call::{CountsRow, ViaRow};
use crate::store::{audit, broadcasts as store};
use crate::{Error, Result};

/// Characters in what somebody learnt.
pub const LONGEST_LESSON: usize = 4_000;

/// All there is to say about one that went out.
#[derive(Clone, Debug)]
pub struct Report {
    pub row: BroadcastRow,
    pub acts: Vec<ActRow>,
    pub progress: Progress,
    pub times: Times,
    /// Those that told its people more.
    pub following: Vec<BroadcastRow>,
    /// How the roll call stands; `None` where nobody was asked.
    pub counts: Option<CountsRow>,
    /// What was answered, by which way.
    pub replies: Vec<ViaRow>,
}

/// Puts together what is known of one.
///
/// # Errors
///
/// As [`look`]; [`Error::NotFound`] where it never went out.
pub async fn report(s: &Services, caller: &Caller, id: BroadcastId) -> Result<Report> {
    let row = look(s, caller, id).await?;
    if row.live_at.is_none() {
        return Err(Error::NotFound("report"));
    }
    let counts = roll_call::of_broadcast(s, caller, id).await?;
    let replies = if counts.is_some() { roll_call::replies(s, caller, id).await? } else { Vec::new() };
    Ok(Report {
        acts: acts(s, caller, id).await?,
        progress: exact(s, caller, id).await?,
        times: times(s, caller, id).await?,
        following: store::following(&s.db, id).await?,
        counts,
        replies,
        row,
    })
}

/// Writes down that somebody takes a report along.
///
/// # Errors
///
/// As [`report`].
pub async fn note_report(s: &Services, caller: &Caller, id: BroadcastId) -> Result<()> {
    look(s, caller, id).await?;
    let mut tx = s.db.begin().await?;
    let (now, label) = (s.clock.now(), caller.label());
    audit::append(&mut tx, now, &label, "broadcast.export", &id.to_string(), &json!({ "list": "report" }))
        .await?;
    tx.commit().await
}

/// Writes into the log what was learnt of one. Whoever may let broadcasts go may, also of their own.
///
/// # Errors
///
/// [`Error::Forbidden`] without the permission `emergency.approve`; [`Error::Invalid`] without words, or with too many;
/// [`Error::Conflict`] where it never went out.
pub async fn learn(
    s: &Services,
    caller: &Caller,
    from: Option<IpAddr>,
    id: BroadcastId,
    words: &str,
) -> Result<()> {
    caller.require(Permission::EmergencyApprove)?;
    let words = words.trim();
    if words.is_empty() {
        return Err(Error::fault("/reason", "required", "say what was learnt"));
    }
    if words.chars().count() > LONGEST_LESSON {
        let detail = format!("at most {LONGEST_LESSON} characters");
        return Err(Error::fault("/reason", "too_long", detail));
    }
    let mut hand = InHand::take(s, caller, id).await?.in_time(Act::Learn).await?;
    hand.act(&Doer::of(caller, from), Act::Learn, &json!({ "words": words })).await?;
    hand.commit().await?;
    Ok(())
}
