//! What a button says, and what it is answered.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::super::Services;
use super::authenticate::ButtonCaller;
use super::{fire, plans, unknown};
use crate::clock::Timestamp;
use crate::domain::button::{ButtonState, Gesture, Led, Prepared, Refusal, Refused, Signal, signature};
use crate::domain::id::{BroadcastId, ButtonPressId};
use crate::store::button_presses::{self as presses, NewPress, PressRow};
use crate::store::buttons::{self as store, ButtonRow, Sign};
use crate::store::{Tx, audit, button_keys};
use crate::{Error, Result};

/// How far a time that a device says may be from ours.
const OFF: Duration = Duration::from_mins(5);
/// Presses so close to one another are one.
const TOGETHER: Duration = Duration::from_secs(10);
/// How long after a press went out a device that calls it off is told that it did.
const LATELY: Duration = Duration::from_mins(10);

/// What a device says.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    pub signal: Signal,
    /// Which way to press it a test tries out, where it says that.
    pub gesture: Option<Gesture>,
    /// Rises with everything that a device says by one key.
    pub seq: i64,
    /// When it was, by the device's own clock.
    pub at: Option<Timestamp>,
    /// Percent.
    pub battery: Option<u32>,
    pub firmware: Option<&'a str>,
    /// All of it, as it came.
    pub body: &'a [u8],
    /// The header that bears the time, in seconds since 1970.
    pub time: Option<&'a str>,
    pub signature: Option<&'a str>,
    pub request_id: &'a str,
}

/// What it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ButtonAnswer)]
pub struct Answer {
    /// The broadcast that is going out by it, or, where it `differs`, instead of it; where it waits to be called off there
    /// is none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String, example = "brd_0a1b2c3d4e5f6")]
    pub broadcast_id: Option<BroadcastId>,
    /// `live`: the alert is going out. `accepted`: it is kept; an alert goes out when it can be called off no more, or was
    /// called off, or it `differs`. `test_ok`: it would have worked, and nothing was sent. `refused`: nothing follows, as the button is
    /// disarmed, revoked, that way to press it stands for nothing, or the press could not be sent in time.
    #[schema(inline)]
    pub led: Led,
    /// The same scenario is being sent for the same place, begun with other choices: nobody is told of those of this press.
    /// Whoever may stop the broadcast has word of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub differs: bool,
}

impl From<&PressRow> for Answer {
    fn from(row: &PressRow) -> Self {
        let differs = row.differs();
        let broadcast_id = row.broadcast_id.filter(|_| row.led == Led::Live || differs);
        Self { broadcast_id, led: row.led, differs }
    }
}

/// Notes for those who look after a button why something of it was not taken; `signal` is none where nobody could read so
/// far. Missing it is no loss to the answer.
pub(super) async fn note_refusal(s: &Services, caller: &ButtonCaller, signal: Option<Signal>, why: Refused) {
    let noted = async {
        let mut tx = s.db.begin().await?;
        let button = store::lock(&mut tx, caller.button.id).await?.ok_or_else(unknown)?;
        note(&mut tx, &button, signal, why, &caller.from.to_string(), s.clock.now()).await?;
        tx.commit().await
    };
    if let Err(error) = noted.await {
        tracing::debug!(%error, button = %caller.button.id, "why it was refused is not noted");
    }
    tracing::warn!(button = %caller.button.id, name = caller.button.name, %why, from = %caller.from, "a button was refused");
}

/// Somebody who presses an armed button means it: that it was not taken is an alarm, and what could not be read may have been
/// such a press.
async fn note(
    tx: &mut Tx,
    button: &ButtonRow,
    signal: Option<Signal>,
    why: Refused,
    from: &str,
    now: Timestamp,
) -> Result<()> {
    let may_be_press =
        button.state == ButtonState::Armed && signal.is_none_or(|signal| signal.gesture().is_some());
    let refusal = Refusal { at: now, why, from: from.to_owned(), pressed_at: None };
    let before = button.refused.as_ref().map(|refused| &refused.0);
    store::refused(tx, button.id, &refusal.after(before, may_be_press)).await
}

/// Its body was no good.
pub async fn not_read(s: &Services, caller: &ButtonCaller) {
    note_refusal(s, caller, None, Refused::Body).await;
}

/// Takes what a button says. What is to become a broadcast is kept when this answers, whatever happens then.
///
/// # Errors
///
/// [`Error::RateLimited`]; [`Error::Unauthenticated`] where it has to be signed and is not; [`Error::Conflict`] where its
/// time is not ours (`stale_time`), its number was passed (`seq_old`) or used for something else (`seq_reused`).
pub async fn press(s: &Services, caller: &ButtonCaller, said: &Said<'_>) -> Result<Answer> {
    // Whoever has the key and not the secret uses up nothing that the device needs.
    let let_in = is_signed(s, caller, said).and_then(|()| admit(s, caller, said.signal).map_err(otherwise));
    let kept = match let_in {
        // Looked up before the button is held: whoever holds it waits for nothing else.
        Ok(()) => match ready(s, &caller.button, said.signal).await {
            Ok(ready) => keep(s, caller, said, ready).await,
            Err(error) => Err(otherwise(error)),
        },
        Err(refused) => Err(refused),
    };
    let row = match kept {
        Ok(row) => row,
        Err((Some(why), error)) => {
            note_refusal(s, caller, Some(said.signal), why).await;
            return Err(error);
        }
        Err((None, error)) => return Err(error),
    };
    // One that waits is the sweeper's, but nobody is told that it goes out when it will not.
    if !row.goes_out_at_once() && !fire::is_too_late(&row, s.clock.now()) {
        return Ok(Answer::from(&row));
    }
    match fire(s, &row, &caller.button.name, said.request_id).await {
        Ok(row) => Ok(Answer::from(&row)),
        Err(error) => {
            // It is kept, and is tried again.
            tracing::error!(%error, press = %row.id, button = caller.button.name, "a press did not go out at once");
            Ok(Answer { broadcast_id: None, led: Led::Accepted, differs: false })
        }
    }
}

fn admit(s: &Services, caller: &ButtonCaller, signal: Signal) -> Result<()> {
    let rate = match signal {
        Signal::Heartbeat | Signal::Test => &s.buttons.beats,
        Signal::Press | Signal::Double | Signal::Hold | Signal::Cancel => &s.buttons.presses,
    };
    rate.admit(&s.clock, caller.button.id)
}

/// Why it is not taken, where whoever looks after the button should know.
type Kept<T> = Result<T, (Option<Refused>, Error)>;

fn because(why: Refused, error: Error) -> (Option<Refused>, Error) {
    (Some(why), error)
}

fn otherwise(error: Error) -> (Option<Refused>, Error) {
    (None, error)
}

/// Another clock than ours.
fn stale(what: &str) -> Error {
    let minutes = OFF.as_secs() / 60;
    let detail =
        format!("{what} is more than {minutes} minutes from ours; set the device's clock, or leave it out");
    Error::conflict("stale_time", detail)
}

/// Whether a device's clock is ours, as far as that is asked of it.
pub(super) fn is_near(at: Timestamp, now: Timestamp) -> bool {
    at.0.abs_diff(now.0) <= OFF.as_millis() as u64
}

fn is_signed(s: &Services, caller: &ButtonCaller, said: &Said<'_>) -> Kept<()> {
    const UNSIGNED: Error = Error::Unauthenticated(
        "this button signs what it says: send Belltower-Time and Belltower-Signature, as docs/BUTTONS.md describes",
    );
    const WRONG: Error = Error::Unauthenticated("the signature is not that of this time, number and body");
    let Some(sealed) = &caller.button.secret else { return Ok(()) };
    let (Some(time), Some(signature)) = (said.time, said.signature) else {
        return Err(because(Refused::Signature, UNSIGNED));
    };
    let secret = s.vault.open_sealed(sealed).map_err(otherwise)?;
    let secret = str::from_utf8(&secret).map_err(|error| otherwise(Error::internal(error)))?;
    if !signature::is_right(secret, time, said.seq, said.body, signature) {
        return Err(because(Refused::Signature, WRONG));
    }
    let at = time.parse::<i64>().ok().and_then(|seconds| seconds.checked_mul(1_000)).map(Timestamp);
    if at.is_some_and(|at| is_near(at, s.clock.now())) {
        return Ok(());
    }
    Err(because(Refused::Time, stale("the time that was signed")))
}

impl PressRow {
    /// It is to become a broadcast, and nobody has time to call it off.
    fn goes_out_at_once(&self) -> bool {
        self.is_to_go_out() && self.due_at.is_some_and(|due| due <= self.at)
    }
}

/// What was armed for a way to press it.
fn armed_for(button: &ButtonRow, signal: Signal) -> Option<&Prepared> {
    let armed = button.armed.as_ref().filter(|_| button.state == ButtonState::Armed)?;
    armed.0.plans.get(&signal.gesture()?)
}

/// What a press would send by now, with the version of the button that this holds for.
async fn ready(s: &Services, button: &ButtonRow, signal: Signal) -> Result<Option<(i64, Prepared)>> {
    match armed_for(button, signal) {
        Some(armed) => Ok(Some((button.version, plans::now(s, armed).await?))),
        None => Ok(None),
    }
}

/// Decides what it means and keeps that, once for each number.
async fn keep(
    s: &Services,
    caller: &ButtonCaller,
    said: &Said<'_>,
    ready: Option<(i64, Prepared)>,
) -> Kept<PressRow> {
    let mut tx = s.db.begin().await.map_err(otherwise)?;
    let button = store::lock(&mut tx, caller.button.id).await.map_err(otherwise)?;
    let button = button.ok_or_else(|| otherwise(unknown()))?;
    if let Some(before) = presses::find_seq(&mut tx, caller.key, said.seq).await.map_err(otherwise)? {
        if before.signal == said.signal {
            return Ok(before);
        }
        let detail =
            format!("{} was `{}` before; a device never uses a number twice", said.seq, before.signal);
        return Err(because(Refused::ReusedSeq, Error::conflict("seq_reused", detail)));
    }
    let key = button_keys::get(&mut tx, caller.key).await.map_err(otherwise)?;
    if let Some(last) = key.and_then(|key| key.last_seq).filter(|last| said.seq <= *last) {
        let detail = format!("{} is not higher than {last}, which came before", said.seq);
        return Err(because(Refused::OldSeq, Error::conflict("seq_old", detail)));
    }
    let now = s.clock.now();
    // That it is there may say a device whose clock stands; a test that passes says that a press would be taken.
    let is_beat = said.signal == Signal::Heartbeat;
    if !is_beat && said.at.is_some_and(|at| !is_near(at, now)) {
        return Err(because(Refused::Time, stale("`at`")));
    }
    // Armed anew in this very moment: what was agreed to is as good.
    let ready = match ready {
        Some((version, ready)) if version == button.version => Some(ready),
        _ => armed_for(&button, said.signal).cloned(),
    };
    let meaning = meaning(&mut tx, &button, said, ready, now).await.map_err(otherwise)?;
    write(s, caller, said, tx, &button, meaning).await.map_err(otherwise)
}

/// What something means.
#[derive(Debug)]
struct Meaning {
    led: Led,
    is_test: bool,
    broadcast: Option<BroadcastId>,
    joins: Option<ButtonPressId>,
    prepared: Option<Prepared>,
    /// Why nothing follows, where whoever looks after the button should know.
    refused: Option<Refused>,
}

impl Meaning {
    const fn of(led: Led) -> Self {
        Self { led, is_test: false, broadcast: None, joins: None, prepared: None, refused: None }
    }

    /// That way to press it stands for nothing.
    fn nothing() -> Self {
        Self { refused: Some(Refused::Gesture), ..Self::of(Led::Refused) }
    }
}

async fn write(
    s: &Services,
    caller: &ButtonCaller,
    said: &Said<'_>,
    mut tx: Tx,
    button: &ButtonRow,
    meaning: Meaning,
) -> Result<PressRow> {
    let now = s.clock.now();
    let from = caller.from.to_string();
    let window = Duration::from_secs(u64::try_from(button.cancel_seconds).unwrap_or_default());
    let due_at = meaning.prepared.as_ref().map(|_| now.plus(window));
    let new = NewPress {
        button: button.id,
        key: caller.key,
        seq: said.seq,
        signal: said.signal,
        at: now,
        said_at: said.at,
        from: &from,
        led: meaning.led,
        joins: meaning.joins,
        prepared: meaning.prepared.as_ref(),
        due_at,
        broadcast: meaning.broadcast,
    };
    let id = presses::insert(&mut tx, &new).await?;
    button_keys::advance(&mut tx, caller.key, said.seq, now).await?;
    if button.state != ButtonState::Revoked {
        let sign = Sign {
            is_beat: said.signal == Signal::Heartbeat,
            is_test: meaning.is_test,
            battery: said.battery,
            firmware: said.firmware,
        };
        store::heard(&mut tx, button.id, sign, now).await?;
    }
    if let Some(why) = meaning.refused {
        note(&mut tx, button, Some(said.signal), why, &from, now).await?;
    }
    if said.signal == Signal::Heartbeat {
        presses::forget_beats(&mut tx, caller.key, id).await?;
    }
    tx.commit().await?;
    if meaning.prepared.is_some() {
        tracing::warn!(button = %button.id, name = button.name, signal = %said.signal, press = %id, "a button was pressed");
    }
    presses::find(&s.db, id).await?.ok_or_else(unknown)
}

async fn meaning(
    tx: &mut Tx,
    button: &ButtonRow,
    said: &Said<'_>,
    ready: Option<Prepared>,
    now: Timestamp,
) -> Result<Meaning> {
    let tried = |gesture: Option<Gesture>| match gesture {
        Some(gesture) if !stands_for_something(button, gesture) => Meaning::nothing(),
        _ => Meaning { is_test: true, ..Meaning::of(Led::TestOk) },
    };
    Ok(match (button.state, said.signal) {
        // A press goes out whatever became of its button since, so it can be called off whatever became of it.
        (state, Signal::Cancel) => match cancel(tx, button, now).await? {
            Meaning { led: Led::Refused, .. } if state == ButtonState::Test => Meaning::of(Led::TestOk),
            meaning => meaning,
        },
        (ButtonState::Disarmed | ButtonState::Revoked, _) => Meaning::of(Led::Refused),
        (ButtonState::Test | ButtonState::Armed, Signal::Test) => tried(said.gesture),
        (ButtonState::Test, Signal::Heartbeat) => Meaning::of(Led::TestOk),
        (ButtonState::Test, Signal::Press | Signal::Double | Signal::Hold) => tried(said.signal.gesture()),
        (ButtonState::Armed, Signal::Heartbeat) => Meaning::of(Led::Accepted),
        (ButtonState::Armed, Signal::Press | Signal::Double | Signal::Hold) => {
            gesture(tx, button, ready, now).await?
        }
    })
}

/// Whether a way to press it does something: what was agreed to of one that is armed, else what somebody wants it to.
fn stands_for_something(button: &ButtonRow, gesture: Gesture) -> bool {
    match button.armed.as_ref().filter(|_| button.state == ButtonState::Armed) {
        Some(armed) => armed.0.plans.contains_key(&gesture),
        None => button.gestures.0.contains_key(&gesture),
    }
}

/// Calls off what has not gone out yet; where an alert of its is being sent all the same, its device is told that. What was
/// begun with other choices than a press's is none of its.
async fn cancel(tx: &mut Tx, button: &ButtonRow, now: Timestamp) -> Result<Meaning> {
    let is_called_off = presses::cancel(tx, button.id, now).await? > 0;
    if is_called_off {
        let by = fire::label(&button.name);
        audit::append(tx, now, &by, "button.cancel", &button.id.to_string(), &json!({})).await?;
    }
    Ok(match presses::latest_live(tx, button.id, now.minus(LATELY)).await? {
        Some(broadcast) => Meaning { broadcast: Some(broadcast), ..Meaning::of(Led::Live) },
        None if is_called_off => Meaning::of(Led::Accepted),
        None => Meaning::of(Led::Refused),
    })
}

async fn gesture(
    tx: &mut Tx,
    button: &ButtonRow,
    ready: Option<Prepared>,
    now: Timestamp,
) -> Result<Meaning> {
    if ready.is_none() {
        return Ok(Meaning::nothing());
    }
    if let Some(first) = presses::latest(tx, button.id, now.minus(TOGETHER)).await? {
        let goes_out = first.broadcast_id.is_some() && !first.differs();
        let led = if goes_out { Led::Live } else { Led::Accepted };
        let broadcast = first.broadcast_id;
        return Ok(Meaning { broadcast, joins: Some(first.id), ..Meaning::of(led) });
    }
    Ok(Meaning { prepared: ready, ..Meaning::of(Led::Accepted) })
}
