//! Suggestions to a person from what they read, where they agreed to it: on their own page, for them alone. Kept is that they
//! agreed, and when; everything else is reckoned while they look, and withdrawing leaves nothing to remove but that (adr 67).

use std::net::IpAddr;
use std::time::Duration;

use serde_json::json;

use super::{ACTOR, set, subject};
use crate::clock::Timestamp;
use crate::domain::id::{DeliveryId, MessageId, RecipientId};
use crate::domain::reading::{self as rule, Fate, Suggestion, Told};
use crate::domain::recipient::OptOut;
use crate::service::Services;
use crate::service::short_links::{self, Purpose};
use crate::store::reading::{self as store, ToldRow};
use crate::store::{audit, opt_outs, recipients};
use crate::{Error, Result};

/// Which words people agree to now. Whoever changes what they promise raises it: who agreed to others is asked again.
const TERMS: i64 = 1;
/// Deliveries that are looked at, the latest: a person has some thousands.
const LOOKED_AT: u32 = 5_000;

/// What there is of it behind a person's own link.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Since when they want it. `None`: they do not, and nothing that they were sent was looked at.
    pub since: Option<Timestamp>,
    pub suggestions: Vec<Suggestion>,
    /// What they do not want and can take back here, suggested or not: what was switched off brings no message with a link.
    /// Of what the page offers besides nothing stands here.
    pub out: Vec<OptOut>,
}

/// What there is of it for a person, with all that they do not want.
pub(super) async fn look(s: &Services, person: RecipientId) -> Result<Reading> {
    let kept = opt_outs::list_dated(&s.db, person).await?;
    let since = agreed(s, person).await?;
    let suggestions = if since.is_some() { suggestions(s, person, &kept).await? } else { Vec::new() };
    Ok(Reading { since, suggestions, out: kept.into_iter().map(|(one, _)| one).collect() })
}

async fn agreed(s: &Services, person: RecipientId) -> Result<Option<Timestamp>> {
    let row = store::consent(&s.db, person).await?;
    Ok(row.filter(|row| row.terms == TERMS).map(|row| row.given_at))
}

async fn suggestions(
    s: &Services,
    person: RecipientId,
    kept: &[(OptOut, Timestamp)],
) -> Result<Vec<Suggestion>> {
    let now = s.clock.now();
    let first = MessageId::first_at(now.minus(Duration::from_hours(u64::from(rule::DAYS) * 24)));
    let rows = store::told(&s.db, person, first, LOOKED_AT).await?;
    let told: Vec<_> = rows.into_iter().filter_map(read).collect();
    Ok(rule::suggest(&told, kept, now))
}

fn read(row: ToldRow) -> Option<Told> {
    Some(Told {
        fate: Fate::of(row.state, row.reason.as_deref(), row.read_at.is_some())?,
        topic: row.topic.parse().ok()?,
        message: row.message_id,
        category: row.category,
        department: row.department.filter(|department| !department.is_empty()),
        channel: row.channel,
        at: row.at,
    })
}

/// Keeps that the person behind a link wants suggestions, or forgets it. Twice is once.
///
/// # Errors
///
/// [`Error::NotFound`] for what is no link to somebody's preferences: one that stands on a page that is shared will not do.
pub async fn agree(s: &Services, token: &str, remote: IpAddr, on: bool) -> Result<()> {
    let (link, id) = behind(s, token, remote).await?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let person = recipients::lock_by_id(&mut tx, id).await?.ok_or(Error::NotFound("link"))?.id;
    let changed = if on {
        store::agree(&mut tx, person, TERMS, now).await?
    } else {
        store::withdraw(&mut tx, person).await?
    };
    if changed {
        // That somebody agreed must be shown for as long as it matters; what was suggested is nobody's to know.
        let action = if on { "recipient.allow_suggestions" } else { "recipient.end_suggestions" };
        let detail = json!({ "terms": TERMS, "link": link });
        audit::append(&mut tx, now, ACTOR, action, &person.to_string(), &detail).await?;
    }
    tx.commit().await
}

/// Does what is suggested to the person behind a link, or takes back an opt-out of theirs. False where nothing changed: it was
/// done already, is suggested no longer, or they want no suggestions.
pub async fn follow(s: &Services, token: &str, remote: IpAddr, one: &OptOut, out: bool) -> Result<bool> {
    let (link, person) = behind(s, token, remote).await?;
    let shown = look(s, person).await?;
    let is_offered = if out {
        shown.suggestions.iter().any(|suggestion| suggestion.out && suggestion.opt_out == *one)
    } else {
        shown.out.contains(one)
    };
    if is_offered { set(s, (link, person), one, out).await } else { Ok(false) }
}

async fn behind(s: &Services, token: &str, remote: IpAddr) -> Result<(DeliveryId, RecipientId)> {
    let link = short_links::follow(s, Purpose::Preferences, token, remote)?;
    let (_, person, _) = subject(s, link).await?;
    s.turns.0.admit(&s.clock, link)?;
    Ok((link, person))
}
