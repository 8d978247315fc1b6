//! What is said and done after the alert: more of it, that it was false, that it is over, or nothing more at all.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::json;

use super::Services;
use super::changing::{Doer, InHand, illegal};
use super::press::{self, FreeText, Pressed};
use super::time;
use super::words::{self, Way, Words};
use crate::domain::channel::ChannelKind;
use crate::domain::emergency::free_text::reworded;
use crate::domain::emergency::{Act, Part, Run, Scenario, State, Texts};
use crate::domain::id::{BroadcastId, MessageId};
use crate::domain::operator::Permission;
use crate::domain::source::Right;
use crate::service::Caller;
use crate::service::cap::{Publish, publish};
use crate::service::deliveries::{self, Cancelled};
use crate::service::messages::OwnWord;
use crate::service::recalls;
use crate::store::broadcasts as store;
use crate::{Error, Result};

/// How long whoever stops one waits to be told what could be called back; the rest is called back all the same.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a correction and an all-clear are worth sending.
const WORTH: Duration = Duration::from_hours(24);

/// What stopping a broadcast achieved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// Of each message that was not at its end.
    pub messages: Vec<(MessageId, Cancelled)>,
}

/// A message that was sent afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    pub message: MessageId,
}

/// One person may do this to their own; to anybody's, who may stop broadcasts; to anybody's drill, who may run drills.
fn may_end(caller: &Caller, hand: &InHand) -> Result<()> {
    match caller {
        Caller::Key(_) => caller.require_right(Right::Broadcast),
        Caller::Operator(operator) if hand.row.operator_id == Some(operator.id) => Ok(()),
        Caller::Operator(_)
            if hand.row.run == Run::Drill && caller.require(Permission::EmergencyDrill).is_ok() =>
        {
            Ok(())
        }
        Caller::Operator(_) | Caller::Command(_) => caller.require(Permission::EmergencyStop),
    }
}

/// Stops a broadcast: nothing more of it is handed over, and what providers can call back is called back. It answers when the
/// stop holds; what is still being called back then counts as not called back.
///
/// # Errors
///
/// [`Error::Forbidden`] for whoever did not begin it and may not stop others' (nor, where it is a drill, run drills);
/// [`Error::NotFound`]; [`Error::Conflict`] where it is not being sent.
pub async fn stop(
    s: &Services,
    caller: &Caller,
    from: Option<IpAddr>,
    id: BroadcastId,
    why: &str,
) -> Result<Stopped> {
    let hand = InHand::take(s, caller, id).await?;
    may_end(caller, &hand)?;
    let mut hand = hand.in_time(Act::Stop).await?;
    let doer = Doer::of(caller, from);
    hand.act(&doer, Act::Stop, &json!({ "reason": why.trim() })).await?;
    let stopped = silence(&mut hand, &doer).await?;
    for message in &stopped {
        recalls::ask(&mut hand.tx, caller, *message, recalls::in_hand(hand.now)).await?;
    }
    hand.row.next_at = None;
    hand.commit().await?;
    time::end_following(s, id).await;
    let ended = end(s, &stopped).await?;
    let until = s.clock.steady() + PATIENCE;
    let mut said = Stopped::default();
    for (message, stopped) in ended {
        let patience = until.saturating_sub(s.clock.steady());
        said.messages.push((message, deliveries::call_back(s, caller, message, stopped, patience).await?));
    }
    Ok(said)
}

/// Takes back what of a broadcast waits, in the transaction that decides it: from its commit on nothing more is claimed.
async fn silence(hand: &mut InHand, doer: &Doer) -> Result<Vec<MessageId>> {
    let told = store::told_by_in(&mut hand.tx, hand.row.id).await?;
    let mut stopped = Vec::new();
    for message in told {
        if deliveries::stop_in(&mut hand.tx, &hand.interests, message, &doer.label, hand.now).await? {
            stopped.push(message);
        }
    }
    Ok(stopped)
}

/// Ends what waits of messages that were stopped: how many deliveries of each.
async fn end(s: &Services, stopped: &[MessageId]) -> Result<Vec<(MessageId, i64)>> {
    let mut ended = Vec::with_capacity(stopped.len());
    for message in stopped {
        ended.push((*message, deliveries::end_stopped(s, *message).await?));
    }
    Ok(ended)
}

/// Says that it was false, to whoever has it or may have it; what has not gone out never will.
///
/// # Errors
///
/// As [`stop`]; [`Error::Conflict`] where it never went out.
pub async fn correct(
    s: &Services,
    caller: &Caller,
    from: Option<IpAddr>,
    id: BroadcastId,
    request_id: &str,
) -> Result<Said> {
    finish(s, caller, from, id, Part::Correction, request_id).await
}

/// Says that it is over, as [`correct`] does.
///
/// # Errors
///
/// As [`correct`].
pub async fn all_clear(
    s: &Services,
    caller: &Caller,
    from: Option<IpAddr>,
    id: BroadcastId,
    request_id: &str,
) -> Result<Said> {
    finish(s, caller, from, id, Part::AllClear, request_id).await
}

async fn finish(
    s: &Services,
    caller: &Caller,
    from: Option<IpAddr>,
    id: BroadcastId,
    part: Part,
    request_id: &str,
) -> Result<Said> {
    let hand = InHand::take(s, caller, id).await?;
    may_end(caller, &hand)?;
    let act = part.sent_by();
    let mut hand = hand.in_time(act).await?;
    hand.state().after(act).map_err(illegal)?;
    let before = store::messages_in(&mut hand.tx, id).await?;
    if let Some(said) = before.iter().find(|sent| sent.part == part) {
        let detail = format!("that was said before, by the message {}", said.message_id);
        return Err(Error::conflict("broadcast_said", detail));
    }
    if part == Part::AllClear && before.iter().any(|sent| sent.part == Part::Correction) {
        let detail = "it was said that it was false; there is nothing left to be over";
        return Err(Error::conflict("broadcast_said", detail));
    }
    let doer = Doer::of(caller, from);
    let told = store::told_by_in(&mut hand.tx, id).await?;
    let scenario = &hand.row.plan.0.scenario;
    let texts =
        if part == Part::Correction { scenario.correction.clone() } else { scenario.all_clear.clone() };
    // Whoever has it by the escalation alone has no address of another channel.
    let escalated = store::escalated_in(&mut hand.tx, id).await?;
    let channels = scenario.channels_of_all(escalated);
    let word = said(s, &hand, (part, &texts), told, &channels, request_id).await?;
    hand.act(&doer, act, &json!({ "message": word.id(), "text": texts })).await?;
    let stopped = silence(&mut hand, &doer).await?;
    // What was false is called back, by the dispatcher. What was true stays with those who have it.
    if part == Part::Correction {
        for message in &stopped {
            recalls::ask(&mut hand.tx, caller, *message, hand.now).await?;
        }
    }
    word.keep_broadcast(&mut hand.tx, &hand.interests).await?;
    store::add_message(&mut hand.tx, id, part, word.id()).await?;
    let plan = hand.row.plan.0.clone();
    let what = Publish {
        broadcast: id,
        of: id,
        run: hand.row.run,
        part,
        plan: &plan,
        texts: &texts,
        at: hand.now,
        expires_at: hand.row.expires_at,
        listed: true,
    };
    publish(s, &mut hand.tx, &what).await?;
    hand.row.next_at = None;
    hand.commit().await?;
    // Before anything else: whoever read that it burns is to read at once that it does not.
    word.announce(s);
    time::end_following(s, id).await;
    end(s, &stopped).await?;
    Ok(Said { message: word.id() })
}

/// A message to those who have, or may have, what was said before.
async fn said(
    s: &Services,
    hand: &InHand,
    (part, texts): (Part, &Texts),
    told: Vec<MessageId>,
    channels: &[ChannelKind],
    request_id: &str,
) -> Result<OwnWord> {
    let plan = &hand.row.plan.0;
    let words =
        Words { scenario: hand.row.scenario.as_deref(), plan, run: hand.row.run, part, texts, at: hand.now };
    let way = Way {
        audience: &words::told(told),
        channels,
        now: hand.now,
        expires_at: hand.now.plus(WORTH),
        request_id,
    };
    words::word(s, &words, &way).await
}

/// Tells the people of one that is being sent more, in words that nobody prepared: a broadcast of its own, which waits for a
/// second person as such words do.
///
/// # Errors
///
/// As [`press`](super::press()); [`Error::Conflict`] where it is not being sent.
pub async fn update(
    s: &Services,
    caller: &Caller,
    from: Option<IpAddr>,
    id: BroadcastId,
    texts: &Texts,
    note: &str,
    request_id: &str,
) -> Result<Pressed> {
    let row = super::look(s, caller, id).await?;
    if let Err(no) = row.state.after(Act::Update) {
        // One that waited too long lapses here, too, and whoever asked is told that it did.
        Box::pin(InHand::take(s, caller, id).await?.in_time(Act::Update)).await?;
        return Err(illegal(no));
    }
    debug_assert_eq!(row.state, State::Live, "nothing else is told more");
    // More of an update is more of the alert: one that is stopped stops everything said of it.
    let root = row.follows.unwrap_or(id);
    if root != id {
        super::look(s, caller, root).await?.state.after(Act::Update).map_err(illegal)?;
    }
    let plan = row.plan.0;
    // What was false or is over is what the update says, in words of ours about its title: the prepared ones name choices
    // that it does not have.
    let scenario = Scenario {
        placeholders: Vec::new(),
        escalation: None,
        cap: plan.scenario.cap.clone(),
        ..reworded(&plan.scenario, texts.clone())
    };
    let words = FreeText { scenario: &scenario, follows: Some(root), run: row.run, note, from, request_id };
    press::press_words(s, caller, &words).await
}
