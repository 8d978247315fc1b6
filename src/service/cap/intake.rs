//! Alerts that other systems send in. None goes out by itself: an Alert and an Update wait for a second person, a Cancel
//! takes back or stops what came from the same sender by the same source.

use std::net::IpAddr;

use serde_json::Value;

use super::super::broadcasts::{self, FreeText, Once, Pressed, PressedView, once_only};
use super::super::caller::KeyCaller;
use super::super::{Caller, Services};
use crate::domain::cap::{self, Alert, Fault, MsgType};
use crate::domain::emergency::{Run, State, cap_in};
use crate::domain::id::BroadcastId;
use crate::domain::operator::Permission;
use crate::domain::source::Right;
use crate::store::broadcasts::{self as rows, BroadcastRow};
use crate::store::cap::{self as store, Named};
use crate::{Error, Result};

/// An alert as it came.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'a> {
    pub document: &'a [u8],
    pub from: Option<IpAddr>,
    pub request_id: &'a str,
}

/// The answer to an alert.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Of the broadcast it became, or of the first that it ended.
    pub id: BroadcastId,
    /// A [`broadcasts::PressedView`].
    pub body: Value,
    /// The same alert came before.
    pub replayed: bool,
}

/// Takes an alert of CAP 1.2.
///
/// # Errors
///
/// [`Error::Malformed`] where it is no XML; [`Error::Invalid`] with everything that is wrong with it, by its place in the
/// document; [`Error::Forbidden`] without the right.
pub async fn take(s: &Services, caller: &Caller, taken: &Taken<'_>) -> Result<Answer> {
    caller.require_right(Right::Broadcast)?;
    let Caller::Key(key) = caller else {
        return Err(Error::forbidden(
            Permission::EmergencyFire.name(),
            "alerts come from systems, by their keys",
        ));
    };
    let alert = cap::read(taken.document).map_err(refused)?;
    let faults = cap_in::faults(&alert, s.clock.now());
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let named = named(key, &alert.sender, &alert.identifier, alert.sent.at());
    let document = String::from_utf8_lossy(taken.document);
    let once = Once::Alert { named, document: &document };
    if let Some(before) = once.before(s).await? {
        return Ok(Answer { id: before.id, body: before.body, replayed: true });
    }
    let earlier = earlier(s, key, &alert).await?;
    if alert.msg_type == MsgType::Cancel {
        return Box::pin(cancel(s, caller, taken, &alert, &earlier, once)).await;
    }
    announce(s, caller, key, taken, &alert, &earlier, once).await
}

fn refused(faults: Vec<Fault>) -> Error {
    match faults.as_slice() {
        [only] if only.code == "malformed" => Error::Malformed(only.detail.clone()),
        _ => Error::Invalid(faults.into_iter().map(crate::error::Fault::from).collect()),
    }
}

fn named<'a>(
    key: &KeyCaller,
    sender: &'a str,
    identifier: &'a str,
    sent_at: crate::clock::Timestamp,
) -> Named<'a> {
    Named { source: key.source, test: key.test, sender, identifier, sent_at }
}

/// The broadcasts of what an alert refers to, as far as they are its sender's own and came by the same source.
async fn earlier(s: &Services, key: &KeyCaller, alert: &Alert) -> Result<Vec<BroadcastRow>> {
    let mut found: Vec<BroadcastRow> = Vec::new();
    for reference in alert.references.iter().filter(|reference| reference.sender == alert.sender) {
        let named = named(key, &reference.sender, &reference.identifier, reference.sent.at());
        let Some(row) = store::received(&s.db, named).await? else { continue };
        let Some(row) = rows::find(&s.db, row.broadcast_id).await? else { continue };
        if !found.iter().any(|other| other.id == row.id) {
            found.push(row);
        }
    }
    if alert.msg_type != MsgType::Alert && found.is_empty() {
        let detail = "none of these came from this sender by this source; send its first word as an Alert";
        return Err(Error::fault("/alert/references", "unknown_reference", detail));
    }
    Ok(found)
}

/// What still waits of these is taken back: of two texts about the same thing nobody is to send the old one.
async fn take_back(
    s: &Services,
    caller: &Caller,
    from: Option<IpAddr>,
    id: BroadcastId,
    why: &str,
) -> Result<()> {
    match broadcasts::withdraw(s, caller, from, id, why).await {
        // Somebody decided about it in this very moment, or its time is over.
        Err(Error::Conflict { code: "broadcast_state" | "broadcast_lapsed", .. }) => Ok(()),
        done => done,
    }
}

/// Takes back what waits and stops what is being sent; what somebody let go between the two is stopped as well.
async fn end(s: &Services, caller: &Caller, from: Option<IpAddr>, id: BroadcastId, why: &str) -> Result<()> {
    let row = rows::find(&s.db, id).await?.ok_or(Error::NotFound("broadcast"))?;
    if row.state.is_open() && row.state != State::Live {
        take_back(s, caller, from, id, why).await?;
    }
    let row = rows::find(&s.db, id).await?.ok_or(Error::NotFound("broadcast"))?;
    if row.state != State::Live {
        return Ok(());
    }
    match broadcasts::stop(s, caller, from, id, why).await {
        Ok(_) | Err(Error::Conflict { code: "broadcast_state", .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The first of those that are being sent, or that it follows, whose people can be told more: as things stand now.
async fn still_sent(s: &Services, earlier: &[BroadcastRow]) -> Result<Option<BroadcastId>> {
    for row in earlier {
        let Some(row) = rows::find(&s.db, row.id).await? else { continue };
        if !row.state.has_gone_out() {
            continue;
        }
        let root = row.follows.unwrap_or(row.id);
        if rows::find(&s.db, root).await?.is_some_and(|root| root.state == State::Live) {
            return Ok(Some(root));
        }
    }
    Ok(None)
}

async fn announce(
    s: &Services,
    caller: &Caller,
    key: &KeyCaller,
    taken: &Taken<'_>,
    alert: &Alert,
    earlier: &[BroadcastRow],
    once: Once<'_>,
) -> Result<Answer> {
    let channels = &key.channels;
    let scenario = cap_in::scenario(alert, &key.source_name, channels, s.clock.now())
        .ok_or_else(|| Error::fault("/alert/info", "required", "say what happens"))?;
    let run = if key.test { Run::Drill } else { cap_in::run(alert) };
    for row in earlier.iter().filter(|row| !row.state.has_gone_out() && row.state.is_open()) {
        let why = format!("followed by {},{},{}", alert.sender, alert.identifier, alert.sent);
        take_back(s, caller, taken.from, row.id, &short(&why)).await?;
    }
    let note = short(&format!("CAP {} {},{},{}", alert.msg_type, alert.sender, alert.identifier, alert.sent));
    let words = FreeText {
        scenario: &scenario,
        follows: still_sent(s, earlier).await?,
        run,
        note: &note,
        from: taken.from,
        request_id: taken.request_id,
    };
    let press = broadcasts::press_alert(s, caller, &words, once);
    let answered = once_only(s, once, press).await?;
    Ok(Answer { id: answered.id, body: answered.body, replayed: answered.replayed })
}

async fn cancel(
    s: &Services,
    caller: &Caller,
    taken: &Taken<'_>,
    alert: &Alert,
    earlier: &[BroadcastRow],
    once: Once<'_>,
) -> Result<Answer> {
    let said = alert.note.as_deref().map(str::trim).unwrap_or_default();
    let why = short(&format!("CAP Cancel {},{}: {said}", alert.sender, alert.identifier));
    for row in earlier {
        end(s, caller, taken.from, row.id, &why).await?;
    }
    let first = earlier.first().ok_or(Error::NotFound("broadcast"))?;
    let row = rows::find(&s.db, first.id).await?.ok_or(Error::NotFound("broadcast"))?;
    let pressed = Pressed {
        id: row.id,
        state: row.state,
        run: row.run,
        attached_to: None,
        differs: false,
        audience: None,
    };
    let body = PressedView::from(pressed).body()?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    match once.take(&mut tx, row.id, now).await {
        Ok(()) => tx.commit().await?,
        // Two of the same came at once; both did the same.
        Err(Error::Conflict { code: "try_again", .. }) => {}
        Err(error) => return Err(error),
    }
    once.answered(s, &body.to_string()).await?;
    Ok(Answer { id: row.id, body, replayed: false })
}

/// As long as notes and reasons may be.
fn short(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect()
}
