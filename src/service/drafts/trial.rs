//! A draft sent to nobody but its author, to be looked at where it arrives. It stays a draft: what is sent is the
//! installation's own word to that operator, marked in its title, and no rule, cap or reviewer keeps it back.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::alarms;
use super::super::caller::OperatorCaller;
use super::super::messages::OwnWord;
use super::super::{Caller, Services};
use super::{author, get, proof, writes_for};
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::id::{DraftId, MessageId};
use crate::domain::message::Category;
use crate::store::{alarm_wishes, audit, campus_accounts, settings};
use crate::{Error, Result};

/// Trials of one operator within an hour.
pub const MOST_TRIALS: usize = 5;
const HOUR: Duration = Duration::from_hours(1);
/// When whom was sent one lately.
const NAME: &str = "trials";

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// One to their account's address, one to the person they are in the directory.
    Sent(Vec<MessageId>),
    /// They have been sent enough of them; from then on they may be sent another.
    Enough(Timestamp),
    /// By none of its channels is anything known of them.
    Nowhere,
}

/// Sends a draft as it is now to the operator who writes it, by the channels that it would go by: mail to the address they
/// sign in with, everything else to the person they are in the directory.
///
/// # Errors
///
/// [`Error::Invalid`] with everything that keeps it from being a message.
pub async fn try_out(s: &Services, caller: &Caller, id: DraftId, request_id: &str) -> Result<Tried> {
    let operator = author(caller)?;
    let draft = get(s, caller, id).await?;
    let seen = proof(s, caller, &draft.composed).await?;
    let department = writes_for(caller, &draft.composed)?;
    let document = draft.composed.document(&s.campus);
    let mut bodies = Vec::new();
    let (mails, others): (Vec<ChannelKind>, Vec<_>) =
        seen.preview.audience.by_channel.keys().partition(|channel| **channel == ChannelKind::Email);
    if !mails.is_empty() {
        bodies.push(addressed(&document, &mails, ("to", json!([{ "email": operator.email }]))));
    }
    if !others.is_empty()
        && let Some(campus_id) = person(s, operator).await?
    {
        let to = ("audience", json!({ "recipients": [campus_id] }));
        bodies.push(addressed(&document, &others, to));
    }
    let mut words = Vec::with_capacity(bodies.len());
    for body in bodies {
        let word = OwnWord::of(s, operator.id, department.clone(), &body, request_id).await?;
        words.push(word.on_trial(s, seen.wording.as_ref())?);
    }
    if words.is_empty() {
        return Ok(Tried::Nowhere);
    }
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let mut lately = read(settings::lock(&mut tx, NAME).await?, now)?;
    let own = lately.entry(operator.id.to_string()).or_default();
    if own.len() >= MOST_TRIALS {
        return Ok(Tried::Enough(own.first().map_or(now, |first| first.plus(HOUR))));
    }
    own.push(now);
    settings::set(&mut tx, NAME, &serde_json::to_string(&lately).map_err(Error::internal)?).await?;
    for word in &words {
        word.keep(&mut tx).await?;
        let detail = json!({ "draft": id, "channels": word.channels()? });
        audit::append(&mut tx, now, &caller.label(), "message.try", &word.id().to_string(), &detail).await?;
    }
    tx.commit().await?;
    for word in &words {
        word.announce(s);
    }
    Ok(Tried::Sent(words.iter().map(OwnWord::id).collect()))
}

/// Whether it is known who they are in the directory, whose telephone and WeChat are there.
pub async fn knows_me(s: &Services, caller: &Caller) -> Result<bool> {
    Ok(person(s, author(caller)?).await?.is_some())
}

/// Who they are in the directory, as an administrator has said; or as they themselves did, where that person has their
/// mail address: whoever looks after operators may have named anybody.
async fn person(s: &Services, operator: &OperatorCaller) -> Result<Option<String>> {
    if let Some(campus_id) = campus_accounts::of(&s.db, operator.id).await? {
        return Ok(Some(campus_id));
    }
    let wish = alarm_wishes::find(&s.db, operator.id).await?;
    match wish.and_then(|row| row.wish.0.campus_id) {
        Some(campus_id) if alarms::is_theirs(s, operator, &campus_id).await? => Ok(Some(campus_id)),
        _ => Ok(None),
    }
}

/// The same texts for somebody else, now.
fn addressed(document: &Value, channels: &[ChannelKind], to: (&str, Value)) -> Value {
    let mut body = document.clone();
    if let Some(message) = body.as_object_mut() {
        for name in ["audience", "send_at", "expires_at"] {
            message.remove(name);
        }
    }
    body["category"] = Category::Announcement.name().into();
    body["channels"] = json!(channels);
    body[to.0] = to.1;
    body
}

/// Those of the last hour, by operator.
fn read(kept: Option<String>, now: Timestamp) -> Result<BTreeMap<String, Vec<Timestamp>>> {
    let mut lately: BTreeMap<String, Vec<Timestamp>> = match kept {
        Some(kept) => serde_json::from_str(&kept).map_err(Error::internal)?,
        None => BTreeMap::new(),
    };
    lately.retain(|_, times| {
        // One that lies in the future was sent before the clock was set back.
        times.retain(|at| *at <= now && now.since(*at) < HOUR);
        !times.is_empty()
    });
    Ok(lately)
}
