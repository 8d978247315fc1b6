//! What time does to broadcasts: those nobody said a word about lapse, those who do not answer, or whom no channel has reached, are sent it by
//! others, and what is over ends.

use std::time::Duration;

use serde_json::json;

use super::Services;
use super::changing::{Doer, InHand, lapse};
use super::telling;
use super::words::{self, Way, Words};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::emergency::{Act, Part, Plan, State};
use crate::domain::id::BroadcastId;
use crate::service::{Caller, buttons};
use crate::store::broadcasts as store;

/// Looked at in one go.
const AT_ONCE: i64 = 50;
/// As whom the clock takes a broadcast in hand.
const CLOCK: Caller = Caller::Command("belltower");

/// When time does the next thing to a broadcast that stands so.
pub(super) fn next(
    plan: &Plan,
    state: State,
    live_at: Timestamp,
    expires_at: Timestamp,
    escalated: bool,
) -> Timestamp {
    match (state, &plan.scenario.escalation) {
        (State::Live, Some(escalation)) if !escalated => {
            expires_at.min(live_at.plus(Duration::from_mins(u64::from(escalation.after_minutes))))
        }
        _ => expires_at,
    }
}

/// Does to broadcasts what is due by now; returns to how many.
///
/// # Errors
///
/// Where the store is away; it is tried again.
pub async fn tick(s: &Services) -> Result<usize> {
    let fired = buttons::fire_due(s).await?;
    let told = telling::go_on(s).await?;
    let due = store::due(&s.db, s.clock.now(), AT_ONCE).await?;
    let mut done = 0;
    for id in &due {
        // One that cannot be gone on with keeps no other waiting.
        match tick_one(s, *id).await {
            Ok(()) => done += 1,
            Err(error) => {
                tracing::error!(broadcast = %id, %error, "time stands still for a broadcast; it is tried again");
            }
        }
    }
    Ok(fired + told + done)
}

async fn tick_one(s: &Services, id: BroadcastId) -> Result<()> {
    let mut hand = InHand::take(s, &CLOCK, id).await?;
    // Another process was faster.
    if hand.row.next_at.is_none_or(|at| at > hand.now) {
        return Ok(());
    }
    let doer = Doer::time();
    let is_over = hand.row.expires_at <= hand.now;
    match hand.state() {
        State::Live if is_over => complete(hand).await?,
        State::Live if leader_ended(&mut hand).await? => complete(hand).await?,
        State::Live => escalate(s, hand, &doer).await?,
        State::Draft | State::PendingApproval | State::Returned if is_over => {
            lapse(&mut hand.tx, &mut hand.row, hand.now).await?;
            hand.commit().await?;
        }
        State::Draft | State::PendingApproval | State::Returned => {
            hand.row.next_at = Some(hand.row.expires_at);
            hand.commit().await?;
        }
        State::Completed | State::Stopped | State::Rejected => {
            hand.row.next_at = None;
            hand.commit().await?;
        }
    }
    Ok(())
}

async fn complete(mut hand: InHand) -> Result<()> {
    hand.act(&Doer::time(), Act::Complete, &json!({})).await?;
    hand.row.next_at = None;
    hand.commit().await.map(drop)
}

/// Whether it tells more of one that is over. That one is locked after it, as where it went out.
async fn leader_ended(hand: &mut InHand) -> Result<bool> {
    let Some(followed) = hand.row.follows else { return Ok(false) };
    let leader = store::lock(&mut hand.tx, followed).await?;
    Ok(leader.is_none_or(|leader| leader.state != State::Live))
}

/// Ends what told more of a broadcast that somebody ended. What fails is seen to when its time comes.
pub(super) async fn end_following(s: &Services, id: BroadcastId) {
    let ended = async {
        for row in store::following(&s.db, id).await? {
            if row.state != State::Live {
                continue;
            }
            let mut hand = InHand::take(s, &CLOCK, row.id).await?;
            if hand.state() == State::Live && leader_ended(&mut hand).await? {
                complete(hand).await?;
            }
        }
        Ok::<_, crate::Error>(())
    };
    if let Err(error) = ended.await {
        tracing::warn!(broadcast = %id, %error, "what follows a broadcast is not ended yet");
    }
}

/// Sends the alert once more, by other channels: to those who have not answered, and where nobody was asked to those whom
/// none has reached.
async fn escalate(s: &Services, mut hand: InHand, doer: &Doer) -> Result<()> {
    let (id, now) = (hand.row.id, hand.now);
    let plan = hand.row.plan.0.clone();
    hand.row.next_at = Some(hand.row.expires_at);
    let Some(escalation) = plan.scenario.escalation.as_ref() else {
        hand.commit().await?;
        return Ok(());
    };
    let asked = store::messages_in(&mut hand.tx, id).await?;
    if asked.iter().any(|sent| sent.part == Part::Escalation) {
        hand.commit().await?;
        return Ok(());
    }
    let alerts = asked.into_iter().filter(|sent| sent.part == Part::Alert).map(|sent| sent.message_id);
    let alerts = alerts.collect();
    let audience = if plan.scenario.roll_call { words::silent(alerts) } else { words::missed(alerts) };
    let words = Words {
        scenario: hand.row.scenario.as_deref(),
        plan: &plan,
        run: hand.row.run,
        part: Part::Escalation,
        texts: &plan.scenario.alert,
        at: hand.row.live_at.unwrap_or(now),
    };
    let way = Way {
        audience: &audience,
        channels: &escalation.channels,
        now,
        expires_at: hand.row.expires_at,
        request_id: "escalation",
    };
    let word = words::word(s, &words, &way).await?;
    hand.act(doer, Act::Escalate, &json!({ "message": word.id(), "channels": escalation.channels })).await?;
    word.keep_broadcast(&mut hand.tx, &hand.interests).await?;
    store::add_message(&mut hand.tx, id, Part::Escalation, word.id()).await?;
    hand.commit().await?;
    word.announce(s);
    Ok(())
}
