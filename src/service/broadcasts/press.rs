//! The press.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::super::messages::OwnWord;
use super::changing::{Doer, lapse, launched, text_as_it_is, waited_too_long};
use super::once::Once;
use super::words::{self, Way, Words};
use super::{Services, hand, may_choose, rules, still, telling};
use crate::clock::Timestamp;
use crate::domain::audience::Params;
use crate::domain::emergency::{Act, Chosen, Hand, Needs, Part, Plan, Run, Scenario, State, choose};
use crate::domain::id::BroadcastId;
use crate::domain::operator::Permission;
use crate::domain::source::Right;
use crate::service::cap::{Publish, publish};
use crate::service::messages::AudienceCounts;
use crate::service::{Caller, subscriptions};
use crate::store::broadcasts::{self as store, BroadcastRow, NewBroadcast};
use crate::store::{Tx, audit, cap, scenarios};
use crate::{Error, Result};

/// Characters in what somebody notes about a broadcast.
const LONGEST_NOTE: usize = 500;

/// A scenario to be run.
#[derive(Clone, Copy, Debug)]
pub struct Pressing<'a> {
    /// Its slug.
    pub scenario: &'a str,
    /// What is chosen for its placeholders.
    pub params: &'a Params,
    pub run: Run,
    /// For those who look at it later; perhaps empty.
    pub note: &'a str,
    /// Where the press came from.
    pub from: Option<IpAddr>,
    pub request_id: &'a str,
}

/// Words that nobody prepared.
#[derive(Clone, Copy, Debug)]
pub struct FreeText<'a> {
    /// A scenario in its form, without placeholders.
    pub scenario: &'a Scenario,
    /// Whose people it tells more, of one that is being sent; its own audience is not asked then.
    pub follows: Option<BroadcastId>,
    pub run: Run,
    pub note: &'a str,
    pub from: Option<IpAddr>,
    pub request_id: &'a str,
}

/// What a press came to.
#[derive(Clone, Debug)]
pub struct Pressed {
    pub id: BroadcastId,
    pub state: State,
    pub run: Run,
    /// The same was open already, begun by this one; nothing new went out.
    pub attached_to: Option<String>,
    /// What is open was pressed with other choices.
    pub differs: bool,
    /// Whom it reaches; `None` where they could not be counted, which keeps nothing back.
    pub audience: Option<AudienceCounts>,
}

/// Runs a scenario: at once, or after a second person's word, as [`Press::needs`](crate::domain::emergency::Press::needs)
/// says. Where the same is open already, the press attaches to it.
///
/// # Errors
///
/// [`Error::Forbidden`] without the permission or right, and for a test key that does not drill;
/// [`Error::NotFound`] where there is no such scenario; [`Error::Invalid`] where a placeholder is not filled in.
pub async fn press(s: &Services, caller: &Caller, pressing: &Pressing<'_>) -> Result<Pressed> {
    press_by(s, caller, pressing, None, None).await
}

/// As [`press`], of the scenario in the version that was looked at.
///
/// # Errors
///
/// As [`press`]; [`Error::Conflict`] where it says something else by now.
pub async fn press_seen(
    s: &Services,
    caller: &Caller,
    pressing: &Pressing<'_>,
    version: i64,
) -> Result<Pressed> {
    press_by(s, caller, pressing, Some(version), None).await
}

/// As [`press`], which is known again by `once`.
pub(super) async fn press_by(
    s: &Services,
    caller: &Caller,
    pressing: &Pressing<'_>,
    seen: Option<i64>,
    once: Option<Once<'_>>,
) -> Result<Pressed> {
    let since = s.clock.steady();
    let hand = hand(caller, pressing.run)?;
    may_run(caller, pressing.run)?;
    let row = scenarios::find(&s.db, pressing.scenario).await?;
    let row = row.filter(|row| row.retired_at.is_none()).ok_or(Error::NotFound("scenario"))?;
    if seen.is_some_and(|seen| seen != row.version) {
        let detail = "the scenario says something else since you looked; look at it again";
        return Err(Error::conflict("broadcast_changed", detail));
    }
    let scenario = row.document.0;
    let note = said(pressing.note)?;
    let chosen = choose(&scenario, pressing.params).map_err(Error::Invalid)?;
    let plan = Plan { scenario, version: row.version, chosen };
    let doer = Doer::of(caller, pressing.from);
    let begin = Begin {
        scenario: Some(&row.slug),
        follows: None,
        run: pressing.run,
        note,
        once,
        since,
        request_id: pressing.request_id,
    };
    Box::pin(self::begin(s, &doer, hand, plan, &begin)).await
}

/// Sends words that nobody prepared, after a second person's word.
///
/// # Errors
///
/// As [`press`], and for an operator who may not [choose](may_choose) whom they go to; [`Error::Invalid`] where the words are
/// such as no scenario may say.
pub async fn press_words(s: &Services, caller: &Caller, words: &FreeText<'_>) -> Result<Pressed> {
    let since = s.clock.steady();
    let hand = hand(caller, words.run)?;
    may_run(caller, words.run)?;
    if words.follows.is_none() {
        may_choose(caller, &words.scenario.audience)?;
    }
    let faults = words::refused(s, words.scenario);
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let note = said(words.note)?;
    let plan = Plan { scenario: words.scenario.clone(), version: 0, chosen: Chosen::default() };
    let doer = Doer::of(caller, words.from);
    let begin = Begin {
        scenario: None,
        follows: words.follows,
        run: words.run,
        note,
        once: None,
        since,
        request_id: words.request_id,
    };
    Box::pin(self::begin(s, &doer, hand, plan, &begin)).await
}

/// Has the words of another system's alert wait for a second person, whatever they say.
///
/// # Errors
///
/// [`Error::Forbidden`] without the right.
pub(in crate::service) async fn press_alert(
    s: &Services,
    caller: &Caller,
    words: &FreeText<'_>,
    once: Once<'_>,
) -> Result<Pressed> {
    let since = s.clock.steady();
    hand(caller, words.run)?;
    may_run(caller, words.run)?;
    let plan = Plan { scenario: words.scenario.clone(), version: 0, chosen: Chosen::default() };
    let doer = Doer::of(caller, words.from);
    let begin = Begin {
        scenario: None,
        follows: words.follows,
        run: words.run,
        note: words.note,
        once: Some(once),
        since,
        request_id: words.request_id,
    };
    Box::pin(self::begin(s, &doer, Hand::Alert, plan, &begin)).await
}

fn may_run(caller: &Caller, run: Run) -> Result<()> {
    match (caller, run) {
        (Caller::Key(key), Run::Live | Run::Exercise) if key.test => Err(Error::forbidden(
            "live_key",
            "a test key reaches nobody: send `drill: true`, or use a live key",
        )),
        (Caller::Key(_), Run::Exercise) => caller.require_right(Right::Exercise),
        (Caller::Operator(_), Run::Exercise) => caller.require(Permission::EmergencyExercise),
        _ => Ok(()),
    }
}

/// One line or several, of bounded length.
fn said(note: &str) -> Result<&str> {
    let note = note.trim();
    if note.chars().count() > LONGEST_NOTE {
        return Err(Error::fault("/note", "too_long", format!("at most {LONGEST_NOTE} characters")));
    }
    Ok(note)
}

pub(super) struct Begin<'a> {
    pub scenario: Option<&'a str>,
    pub follows: Option<BroadcastId>,
    pub run: Run,
    pub note: &'a str,
    /// By what it is known when it is asked for again.
    pub once: Option<Once<'a>>,
    /// When it was pressed, by the steady clock.
    pub since: Duration,
    pub request_id: &'a str,
}

/// Keeps a broadcast, and its alert where nobody else is to be asked.
pub(super) async fn begin(
    s: &Services,
    doer: &Doer,
    hand: Hand,
    plan: Plan,
    begin: &Begin<'_>,
) -> Result<Pressed> {
    let now = s.clock.now();
    let rules = rules::in_force(s).await?;
    let needs = plan.press(begin.run, hand).needs();
    let expires_at = now.plus(Duration::from_mins(u64::from(plan.scenario.expires_in_minutes)));
    let words = Words {
        scenario: begin.scenario,
        plan: &plan,
        run: begin.run,
        part: Part::Alert,
        texts: &plan.scenario.alert,
        at: now,
    };
    let audience = match begin.follows {
        Some(followed) => words::told(store::told_by(&s.db, followed).await?),
        None => plan.scenario.audience.clone(),
    };
    let way = Way {
        audience: &audience,
        channels: &plan.scenario.channels,
        now,
        expires_at,
        request_id: begin.request_id,
    };
    let alert = words::word(s, &words, &way).await?;
    let going_out = match needs {
        Needs::Nobody => still::going_out(s, begin.run, plan.scenario.level),
        Needs::Second { .. } => None,
    };
    let kept = keep(s, doer, hand, &plan, begin, needs, &alert, expires_at, &rules).await?;
    if kept.attached_to.is_none() && kept.state == State::Live {
        alert.announce(s);
    }
    s.broadcasts.forget_open().await;
    drop(going_out);
    if kept.attached_to.is_none() {
        telling::others(s, kept.id, doer.operator);
    } else if kept.differs && matches!(hand, Hand::Button) {
        // Everybody else is told by the answer.
        telling::other_choices(s, kept.id, &doer.label, &plan);
    }
    // At the end: counting everybody would take a processor from the alert, and keep whoever is to be told of it waiting.
    let audience = match hand {
        // Its device has no use for a number, and waits.
        Hand::Button => Ok(None),
        _ => alert.count(s).await.map(Some),
    };
    let audience =
        audience.inspect_err(|error| tracing::warn!(%error, "a broadcast's people are not counted")).ok();
    Ok(Pressed { audience: audience.flatten(), ..kept })
}

#[expect(clippy::too_many_arguments, reason = "one transaction of `begin`, apart for its early ends")]
async fn keep(
    s: &Services,
    doer: &Doer,
    hand: Hand,
    plan: &Plan,
    begin: &Begin<'_>,
    needs: Needs,
    alert: &OwnWord,
    expires_at: Timestamp,
    rules: &rules::Rules,
) -> Result<Pressed> {
    let now = s.clock.now();
    let state = match needs {
        Needs::Nobody => State::Live,
        Needs::Second { .. } => State::PendingApproval,
    };
    let may_override = matches!(needs, Needs::Second { may_override: true });
    let slug = begin.scenario.unwrap_or("");
    // Words of one's own are the same as no other's.
    let open_key = match begin.scenario {
        Some(slug) => plan.open_key(slug, begin.run),
        None => format!("{} {}", begin.run, alert.id()),
    };
    let new = NewBroadcast {
        scenario: begin.scenario,
        follows: begin.follows,
        run: begin.run,
        level: plan.scenario.level,
        state,
        plan,
        open_key: &open_key,
        hand: hand.kind(),
        operator: doer.operator,
        source: doer.source,
        pressed_by: &doer.label,
        note: begin.note,
        may_override,
        override_at: may_override.then(|| now.plus(rules.override_after())),
        created_at: now,
        live_at: (state == State::Live).then_some(now),
        expires_at,
        next_at: Some(super::time::next(plan, state, now, expires_at, false)),
        // A drill reaches nobody, and is not to wake anybody.
        untold_since: (begin.run != Run::Drill).then_some(now),
    };
    // It goes out whether those who are told of it can be looked up or not.
    let interests = subscriptions::in_force(s).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "who is told of an emergency was not looked up");
        Arc::default()
    });
    let mut tx = s.db.begin().await?;
    let mut id = store::insert(&mut tx, &new).await?;
    if id.is_none() {
        id = in_its_place(&mut tx, doer, &new).await?;
    }
    let Some(id) = id else {
        let open = store::open_with_key(&mut tx, &open_key).await?;
        let Some(open) = open else {
            // It ended in this very instant.
            return Err(Error::conflict("try_again", "the same broadcast ended just now; press again"));
        };
        open.state.after(Act::Attach).map_err(super::changing::illegal)?;
        let differs = open.plan.0.chosen != plan.chosen;
        let mut said = json!({ "note": begin.note });
        if differs {
            said["chosen"] = json!(plan.chosen);
        }
        doer.note(&mut tx, open.id, now, Act::Attach, &said).await?;
        match begin.once {
            Some(once) if differs => once.attach(&mut tx, open.id, now).await?,
            Some(once) => once.take(&mut tx, open.id, now).await?,
            None => {}
        }
        if !differs {
            Box::pin(publish_too(s, &mut tx, doer, &open, now)).await?;
        }
        tx.commit().await?;
        return Ok(Pressed {
            id: open.id,
            state: open.state,
            run: open.run,
            differs,
            attached_to: Some(open.pressed_by),
            audience: None,
        });
    };
    if let Some(once) = begin.once {
        once.take(&mut tx, id, now).await?;
    }
    let pressed = json!({ "note": begin.note, "run": begin.run, "text": text_as_it_is(plan) });
    doer.note(&mut tx, id, now, Act::Press, &pressed).await?;
    if state == State::Live {
        alert.keep_broadcast(&mut tx, &interests).await?;
        store::add_message(&mut tx, id, Part::Alert, alert.id()).await?;
        let what = Publish {
            broadcast: id,
            of: begin.follows.unwrap_or(id),
            run: begin.run,
            part: Part::Alert,
            plan,
            texts: &plan.scenario.alert,
            at: now,
            expires_at,
            // Nothing of what a test key tries out leaves.
            listed: !doer.test,
        };
        if doer.publishes || begin.run != Run::Drill {
            publish(s, &mut tx, &what).await?;
        }
    } else {
        doer.note(&mut tx, id, now, Act::Submit, &json!({})).await?;
    }
    let detail = json!({ "scenario": slug, "run": begin.run, "state": state });
    audit::append(&mut tx, now, &doer.label, "broadcast.press", &id.to_string(), &detail).await?;
    if state == State::Live {
        // At the end, as it says what all of this took.
        doer.note(&mut tx, id, now, Act::Launch, &launched(s, alert, begin.since)).await?;
    }
    tx.commit().await?;
    tracing::warn!(broadcast = %id, scenario = slug, run = %begin.run, %state, by = %doer.label, "a broadcast was begun");
    Ok(Pressed { id, state, run: begin.run, attached_to: None, differs: false, audience: None })
}

/// Publishes a drill of which nothing is, as only such as may not publish pressed it so far, where this one does.
async fn publish_too(
    s: &Services,
    tx: &mut Tx,
    doer: &Doer,
    open: &BroadcastRow,
    now: Timestamp,
) -> Result<()> {
    // Nothing of what a test key tries out leaves.
    if !doer.publishes || doer.test || open.run != Run::Drill || open.state != State::Live {
        return Ok(());
    }
    if !cap::chain(tx, open.id).await?.is_empty() {
        return Ok(());
    }
    let plan = &open.plan.0;
    let what = Publish {
        broadcast: open.id,
        of: open.id,
        run: open.run,
        part: Part::Alert,
        plan,
        texts: &plan.scenario.alert,
        at: now,
        expires_at: open.expires_at,
        listed: true,
    };
    publish(s, tx, &what).await
}

/// Begins what needs nobody where the same waits for a second person: that one ends, so that whoever may go on alone is not
/// kept waiting by whoever may not. So does what was given back, which waits for whoever began it and is perhaps not there.
/// `None` where the same is being sent or waits as this one would, or another press was faster.
async fn in_its_place(tx: &mut Tx, doer: &Doer, new: &NewBroadcast<'_>) -> Result<Option<BroadcastId>> {
    let Some(mut waits) = store::open_with_key(tx, new.open_key).await? else {
        // It ended, or was replaced, in this very instant.
        return store::insert(tx, new).await;
    };
    if waited_too_long(&waits, new.created_at) {
        // Nobody swept it away yet. Whoever attached to it would wait for nothing.
        lapse(tx, &mut waits, new.created_at).await?;
        store::update(tx, &waits, None).await?;
        return store::insert(tx, new).await;
    }
    if waits.state == State::Live || (new.state != State::Live && waits.state == State::PendingApproval) {
        return Ok(None);
    }
    waits.state = waits.state.after(Act::Withdraw).map_err(super::changing::illegal)?;
    waits.ended_at = Some(new.created_at);
    waits.next_at = None;
    // Its key is the new one's from here on.
    store::update(tx, &waits, None).await?;
    let Some(id) = store::insert(tx, new).await? else {
        return Err(Error::conflict("try_again", "the same was begun at this very moment; press again"));
    };
    let why = format!("{id}: {}", doer.label);
    waits.reason = Some(why.chars().take(LONGEST_NOTE).collect());
    store::update(tx, &waits, None).await?;
    let detail = json!({ "reason": why, "broadcast": id });
    doer.note(tx, waits.id, new.created_at, Act::Withdraw, &detail).await?;
    let detail = json!({ "state": waits.state, "broadcast": id });
    let ended = waits.id.to_string();
    audit::append(tx, new.created_at, &doer.label, "broadcast.withdraw", &ended, &detail).await?;
    Ok(Some(id))
}
