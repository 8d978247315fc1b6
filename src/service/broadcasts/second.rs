//! The second person: lets a broadcast go, gives it back or turns it down. And the first, who may go on alone where nobody
//! comes.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::json;

use super::changing::{Doer, InHand, illegal, launched, text_as_it_is};
use super::words::{self, Way, Words};
use super::{Services, may_choose, still, telling, time};
use crate::domain::audience::{Audience, Params};
use crate::domain::emergency::{Act, HandKind, Overridden, Part, Run, Scenario, State, choose};
use crate::domain::id::BroadcastId;
use crate::domain::operator::Permission;
use crate::service::Caller;
use crate::service::cap::{Publish, publish};
use crate::service::messages::OwnWord;
use crate::store::broadcasts as store;
use crate::{Error, Result};

/// Characters in what somebody says about it.
const LONGEST_REASON: usize = 500;

/// Says why, in a sentence; `needed`: somebody has to be told.
fn said(why: &str, needed: bool) -> Result<&str> {
    let why = why.trim();
    if why.is_empty() && needed {
        return Err(Error::fault("/reason", "required", "say why, in a sentence"));
    }
    if why.chars().count() > LONGEST_REASON {
        return Err(Error::fault("/reason", "too_long", format!("at most {LONGEST_REASON} characters")));
    }
    Ok(why)
}

/// The broadcast, for somebody who had no hand in it and does this to it.
async fn for_second(s: &Services, caller: &Caller, id: BroadcastId, act: Act) -> Result<InHand> {
    caller.require(Permission::EmergencyApprove)?;
    let mut hand = InHand::take(s, caller, id).await?;
    let Some(operator) = caller.operator() else {
        let detail = "only somebody who is signed in to the console decides about a broadcast";
        return Err(Error::forbidden(Permission::EmergencyApprove.name(), detail));
    };
    if store::had_a_hand(&mut hand.tx, id, operator).await? {
        let detail = "you had a hand in this broadcast; somebody who had none has to decide";
        return Err(Error::forbidden(Permission::EmergencyApprove.name(), detail));
    }
    hand.in_time(act).await
}

/// Sends it, as it was when the approver looked at it.
///
/// # Errors
///
/// [`Error::Forbidden`] without the permission, and for whoever had a hand in it; [`Error::Conflict`] where it does not wait,
/// which it no longer does from the end of its time on, or is no longer at that version.
pub async fn approve(
    s: &Services,
    caller: &Caller,
    from: Option<IpAddr>,
    id: BroadcastId,
    version: i64,
    request_id: &str,
) -> Result<()> {
    let since = s.clock.steady();
    let hand = for_second(s, caller, id, Act::Approve).await?;
    // What it is, and then whether it is what was seen: whoever comes second is told who was first.
    hand.state().after(Act::Approve).map_err(illegal)?;
    hand.expect_version(version)?;
    let doer = Doer::of(caller, from);
    let detail = json!({ "text": text_as_it_is(&hand.row.plan.0) });
    launch(s, hand, &doer, (Act::Approve, since), &detail, request_id).await
}

/// Sends what waited for a second person, by an act that was begun at `since` of the steady clock. Its time is that of this
/// moment, and its end is reckoned from it.
async fn launch(
    s: &Services,
    mut hand: InHand,
    doer: &Doer,
    (act, since): (Act, Duration),
    detail: &serde_json::Value,
    request_id: &str,
) -> Result<()> {
    let (id, now) = (hand.row.id, hand.now);
    let going_out = still::going_out(s, hand.row.run, hand.row.plan.0.scenario.level);
    hand.act(doer, act, detail).await?;
    begins_anew(&mut hand);
    hand.row.live_at = Some(now);
    hand.row.override_at = None;
    let audience = audience(&mut hand, doer).await?;
    let alert = alert(s, &hand, &audience, request_id).await?;
    hand.row.next_at = Some(time::next(&hand.row.plan.0, State::Live, now, hand.row.expires_at, false));
    alert.keep_broadcast(&mut hand.tx, &hand.interests).await?;
    store::add_message(&mut hand.tx, id, Part::Alert, alert.id()).await?;
    let plan = hand.row.plan.0.clone();
    let what = Publish {
        broadcast: id,
        of: hand.row.follows.unwrap_or(id),
        run: hand.row.run,
        part: Part::Alert,
        plan: &plan,
        texts: &plan.scenario.alert,
        at: now,
        expires_at: hand.row.expires_at,
        // The drill of an alert from elsewhere is perhaps a test key's, of which nothing leaves.
        listed: !(hand.row.hand == HandKind::Alert && hand.row.run == Run::Drill),
    };
    publish(s, &mut hand.tx, &what).await?;
    if hand.row.run != Run::Drill {
        store::be_untold(&mut hand.tx, id, now).await?;
    }
    // At the end, as it says what all of this took.
    doer.note(&mut hand.tx, id, now, Act::Launch, &launched(s, &alert, since)).await?;
    hand.commit().await?;
    drop(going_out);
    alert.announce(s);
    telling::others(s, id, doer.operator);
    Ok(())
}

/// All of its time is from now on.
fn begins_anew(hand: &mut InHand) {
    let life = u64::from(hand.row.plan.0.scenario.expires_in_minutes);
    hand.row.expires_at = hand.now.plus(Duration::from_mins(life));
}

/// It waits until all of its time is over, which is from now on.
fn waits_anew(hand: &mut InHand) {
    begins_anew(hand);
    hand.row.next_at = Some(hand.row.expires_at);
}

/// Whom it goes to: those of the broadcast that it follows, which is told that it was, and has to be going on still.
async fn audience(hand: &mut InHand, doer: &Doer) -> Result<Audience> {
    let Some(followed) = hand.row.follows else { return Ok(hand.row.plan.0.scenario.audience.clone()) };
    let parent = store::lock(&mut hand.tx, followed).await?.ok_or_else(super::unknown)?;
    parent.state.after(Act::Update).map_err(illegal)?;
    let detail = json!({ "broadcast": hand.row.id });
    doer.note(&mut hand.tx, followed, hand.now, Act::Update, &detail).await?;
    Ok(words::told(store::told_by_in(&mut hand.tx, followed).await?))
}

async fn alert(s: &Services, hand: &InHand, audience: &Audience, request_id: &str) -> Result<OwnWord> {
    let row = &hand.row;
    let plan = &row.plan.0;
    let words = Words {
        scenario: row.scenario.as_deref(),
        plan,
        run: row.run,
        part: Part::Alert,
        texts: &plan.scenario.alert,
        at: hand.now,
    };
    let way = Way {
        audience,
        channels: &plan.scenario.channels,
        now: hand.now,
        expires_at: row.expires_at,
        request_id,
    };
    words::word(s, &words, &way).await
}

/// Turns it down for good.
///
/// # Errors
///
/// As [`approve`], and [`Error::Invalid`] without a reason.
pub async fn reject(
    s: &Services,
    caller: &Caller,
    from: Option<IpAddr>,
    id: BroadcastId,
    why: &str,
) -> Result<()> {
    let why = said(why, true)?;
    let hand = for_second(s, caller, id, Act::Reject).await?;
    turn_down(hand, &Doer::of(caller, from), Act::Reject, why).await
}

/// Gives it back to whoever began it, with what to change.
///
/// # Errors
///
/// As [`reject`].
pub async fn send_back(
    s: &Services,
    caller: &Caller,
    from: Option<IpAddr>,
    id: BroadcastId,
    why: &str,
) -> Result<()> {
    let why = said(why, true)?;
    let mut hand = for_second(s, caller, id, Act::Return).await?;
    let doer = Doer::of(caller, from);
    hand.act(&doer, Act::Return, &json!({ "reason": why })).await?;
    hand.row.reason = Some(why.to_owned());
    hand.commit().await?;
    Ok(())
}

/// Takes it back before it goes out.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but whoever began it; [`Error::Conflict`] where it does not wait.
pub async fn withdraw(
    s: &Services,
    caller: &Caller,
    from: Option<IpAddr>,
    id: BroadcastId,
    why: &str,
) -> Result<()> {
    let why = said(why, false)?;
    let hand = InHand::take(s, caller, id).await?;
    is_its_own(caller, &hand)?;
    let hand = hand.in_time(Act::Withdraw).await?;
    turn_down(hand, &Doer::of(caller, from), Act::Withdraw, why).await
}

async fn turn_down(mut hand: InHand, doer: &Doer, act: Act, why: &str) -> Result<()> {
    hand.act(doer, act, &json!({ "reason": why })).await?;
    hand.row.reason = (!why.is_empty()).then(|| why.to_owned());
    hand.row.next_at = None;
    hand.commit().await?;
    Ok(())
}

/// Somebody else's is nobody's to change.
fn is_its_own(caller: &Caller, hand: &InHand) -> Result<()> {
    let own = match caller {
        Caller::Operator(operator) => hand.row.operator_id == Some(operator.id),
        Caller::Key(key) => hand.row.source_id == Some(key.source),
        Caller::Command(_) => true,
    };
    if own {
        return Ok(());
    }
    let detail = "only whoever began a broadcast can do this";
    Err(Error::forbidden(Permission::EmergencyFire.name(), detail))
}

/// What waits is live, an exercise or another system's alert: whoever only practises changes none of them.
fn may_change(caller: &Caller) -> Result<()> {
    super::hand(caller, Run::Live).map(drop)
}

/// What is different in a broadcast that waits.
#[derive(Clone, Copy, Debug)]
pub enum Changed<'a> {
    /// Other choices for its placeholders.
    Choices(&'a Params),
    /// Other words, where they are nobody's scenario.
    Words(&'a Scenario),
}

/// Changes what a broadcast that is not out yet says. Whoever does has a hand in it. It waits for all of its time from then on,
/// however little was left.
///
/// # Errors
///
/// [`Error::Forbidden`] without `emergency.fire`, and for an operator who may not [choose](may_choose) whom it goes to where
/// that is changed; [`Error::Conflict`] where it went out or is no longer at that version, or
/// is the same as another that is open; [`Error::Invalid`] where a choice is none.
pub async fn edit(
    s: &Services,
    caller: &Caller,
    from: Option<IpAddr>,
    id: BroadcastId,
    version: i64,
    changed: Changed<'_>,
) -> Result<()> {
    may_change(caller)?;
    let rules = super::rules::in_force(s).await?;
    let mut hand = InHand::take(s, caller, id).await?.in_time(Act::Edit).await?;
    hand.state().after(Act::Edit).map_err(illegal)?;
    hand.expect_version(version)?;
    let before = text_as_it_is(&hand.row.plan.0);
    let plan = &mut hand.row.plan.0;
    match changed {
        Changed::Choices(params) => {
            plan.chosen = choose(&plan.scenario, params).map_err(Error::Invalid)?;
        }
        Changed::Words(scenario) if plan.is_free_text() => {
            let faults = words::refused(s, scenario);
            if !faults.is_empty() {
                return Err(Error::Invalid(faults));
            }
            if scenario.audience != plan.scenario.audience {
                may_choose(caller, &scenario.audience)?;
            }
            plan.scenario = scenario.clone();
        }
        Changed::Words(_) => {
            let detail = "the words of a scenario are changed where scenarios are, not in a broadcast";
            return Err(Error::conflict("broadcast_state", detail));
        }
    }
    hand.row.level = hand.row.plan.0.scenario.level;
    // A second person has all of the time for what is new.
    waits_anew(&mut hand);
    if hand.state() == State::PendingApproval {
        hand.row.override_at = hand.row.may_override.then(|| hand.now.plus(rules.override_after()));
    }
    if let Some(slug) = &hand.row.scenario {
        let key = hand.row.plan.0.open_key(slug, hand.row.run);
        let other = store::open_with_key(&mut hand.tx, &key).await?;
        if other.is_some_and(|other| other.id != id) {
            return Err(Error::conflict("broadcast_open", "the same broadcast is open already"));
        }
    }
    let doer = Doer::of(caller, from);
    let after = text_as_it_is(&hand.row.plan.0);
    hand.act(&doer, Act::Edit, &json!({ "before": before, "text": after })).await?;
    hand.commit().await?;
    Ok(())
}

/// Hands in again what was given back, by whoever says so that it holds: a second person has all of its time for it, however
/// little was left.
///
/// # Errors
///
/// As [`edit`].
pub async fn submit(s: &Services, caller: &Caller, from: Option<IpAddr>, id: BroadcastId) -> Result<()> {
    may_change(caller)?;
    let rules = super::rules::in_force(s).await?;
    let mut hand = InHand::take(s, caller, id).await?.in_time(Act::Submit).await?;
    let doer = Doer::of(caller, from);
    let detail = json!({ "text": text_as_it_is(&hand.row.plan.0) });
    hand.act(&doer, Act::Submit, &detail).await?;
    waits_anew(&mut hand);
    hand.row.reason = None;
    hand.row.override_at = hand.row.may_override.then(|| hand.now.plus(rules.override_after()));
    if hand.row.run != Run::Drill {
        store::be_untold(&mut hand.tx, id, hand.now).await?;
    }
    hand.commit().await?;
    telling::others(s, id, doer.operator);
    Ok(())
}

/// Sends it without a second person, who did not come in time; that is looked at afterwards. `version`: as it was looked
/// at.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but whoever began it or pressed the same, and where it never goes out without a second person;
/// [`Error::Conflict`] before its time and where it does not wait; [`Error::Invalid`] without a reason.
pub async fn go_alone(
    s: &Services,
    caller: &Caller,
    from: Option<IpAddr>,
    id: BroadcastId,
    version: Option<i64>,
    why: &str,
    request_id: &str,
) -> Result<()> {
    let since = s.clock.steady();
    may_change(caller)?;
    let why = said(why, true)?;
    let mut hand = InHand::take(s, caller, id).await?;
    let pressed_too = match caller.operator() {
        Some(operator) => store::attached(&mut hand.tx, id, operator).await?,
        None => false,
    };
    if !pressed_too {
        is_its_own(caller, &hand)?;
    }
    let mut hand = hand.in_time(Act::Override).await?;
    hand.state().after(Act::Override).map_err(illegal)?;
    if let Some(version) = version {
        hand.expect_version(version)?;
    }
    match hand.row.override_at.filter(|_| hand.row.may_override) {
        None => {
            let detail = "this one never goes out without a second person";
            return Err(Error::forbidden(Permission::EmergencyApprove.name(), detail));
        }
        Some(at) if at > hand.now => {
            let seconds = at.since(hand.now).as_secs() + 1;
            let detail = format!("a second person has {seconds} seconds more");
            return Err(Error::conflict("override_too_early", detail));
        }
        Some(_) => {}
    }
    hand.row.overridden = Overridden::Unseen;
    let detail = json!({ "reason": why, "text": text_as_it_is(&hand.row.plan.0) });
    launch(s, hand, &Doer::of(caller, from), (Act::Override, since), &detail, request_id).await
}

/// Notes that somebody else has looked at what was sent alone.
///
/// # Errors
///
/// As [`approve`]; [`Error::Conflict`] where there is nothing to look at.
pub async fn review(
    s: &Services,
    caller: &Caller,
    from: Option<IpAddr>,
    id: BroadcastId,
    words: &str,
) -> Result<()> {
    let words = said(words, false)?;
    let mut hand = for_second(s, caller, id, Act::Review).await?;
    if hand.row.overridden != Overridden::Unseen {
        return Err(Error::conflict("broadcast_state", "there is nothing of it to look at"));
    }
    hand.row.overridden = Overridden::Seen;
    hand.act(&Doer::of(caller, from), Act::Review, &json!({ "words": words })).await?;
    hand.commit().await?;
    Ok(())
}
