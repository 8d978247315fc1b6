//! Messages that operators are writing, each its author's own until it is sent. What is filled in is kept as it is typed;
//! whether it is a message is asked when its proof is.

mod composed;
mod rights;
mod similar;
mod trial;

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::messages::{self, Accepted, MissedPage, MissedQuery, Simulation, Written, author};
use super::{Caller, Services, groups, sensitive};
use crate::clock::Timestamp;
use crate::domain::audience::Audience;
use crate::domain::id::{DraftId, MessageId};
use crate::domain::operator::Permission;
use crate::domain::sensitive::{Sighting, Treatment};
use crate::error::{Error, Fault, Result};
use crate::store::drafts::{self as store, DraftRow};
use crate::store::{audience, audit};

pub use self::composed::{Composed, Whom, campus_ids};
pub(super) use self::rights::recall_rights;
pub use self::rights::{NO_LONGER, departments, writes_for};
pub use self::similar::{SimilarMessage, similar};
pub use self::trial::{MOST_TRIALS, Tried, knows_me, try_out};

/// Drafts of one operator that are shown.
const LISTED: u32 = 100;
/// How long it is known what a draft was sent as.
const SENT_KEPT: Duration = Duration::from_hours(48);
/// How long a draft is kept that nobody touches.
const LEFT_KEPT: Duration = Duration::from_hours(24 * 180);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub id: DraftId,
    pub version: i64,
    pub composed: Composed,
    /// What it was sent as.
    pub sent: Option<MessageId>,
    pub updated_at: Timestamp,
}

impl Draft {
    fn of(row: DraftRow) -> Result<Self> {
        Ok(Self {
            id: row.id,
            version: row.version,
            composed: serde_json::from_value(row.content.0).map_err(Error::internal)?,
            sent: row.message_id,
            updated_at: row.updated_at,
        })
    }
}

/// What came of keeping a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// As this version.
    Kept(i64),
    /// It was changed in another window, and stands there as this.
    Meanwhile(Box<Draft>),
    /// It is a message by now.
    Sent(MessageId),
}

/// What came of sending one.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Accepted(Box<Accepted>),
    /// It went before, perhaps by the same press of a button.
    Before(MessageId),
    /// The audience is another than the one that was agreed to: so many people.
    Changed(i64),
    /// It says words that its author has yet to look at.
    Unlooked,
    /// It was changed in another window.
    Meanwhile,
}

/// This operator's own, the latest first.
pub async fn list(s: &Services, caller: &Caller) -> Result<Vec<Draft>> {
    let operator = author(caller)?;
    store::list(&s.db, operator.id, LISTED).await?.into_iter().map(Draft::of).collect()
}

/// A new one, or the blank one that is there already.
pub async fn create(s: &Services, caller: &Caller) -> Result<DraftId> {
    let operator = author(caller)?;
    if let Some(draft) = list(s, caller).await?.into_iter().find(|draft| draft.composed.is_blank()) {
        return Ok(draft.id);
    }
    let mut tx = s.db.begin().await?;
    let id = store::insert(&mut tx, operator.id, &document(&Composed::default())?, s.clock.now()).await?;
    tx.commit().await?;
    Ok(id)
}

fn document(composed: &Composed) -> Result<Value> {
    serde_json::to_value(composed).map_err(Error::internal)
}

/// One of this operator's own; others' are not there.
pub async fn get(s: &Services, caller: &Caller, id: DraftId) -> Result<Draft> {
    let operator = author(caller)?;
    let row = store::find(&s.db, id).await?.filter(|row| row.operator_id == operator.id);
    Draft::of(row.ok_or(Error::NotFound("draft"))?)
}

/// Keeps what is filled in, if nobody changed it since that version.
pub async fn save(
    s: &Services,
    caller: &Caller,
    id: DraftId,
    version: i64,
    composed: &Composed,
) -> Result<Saved> {
    let before = get(s, caller, id).await?;
    if let Some(message) = before.sent {
        return Ok(Saved::Sent(message));
    }
    let is_own = !composed.window.is_empty() && before.composed.window == composed.window;
    let version = if is_own { before.version } else { version };
    if before.version == version && before.composed == *composed {
        return Ok(Saved::Kept(version));
    }
    let mut tx = s.db.begin().await?;
    if store::update(&mut tx, id, version, &document(composed)?, s.clock.now()).await? {
        tx.commit().await?;
        return Ok(Saved::Kept(version + 1));
    }
    drop(tx);
    let latest = get(s, caller, id).await?;
    Ok(match latest.sent {
        Some(message) => Saved::Sent(message),
        // A form that is sent twice is no change of somebody else's.
        None if latest.composed == *composed => Saved::Kept(latest.version),
        None => Saved::Meanwhile(Box::new(latest)),
    })
}

pub async fn delete(s: &Services, caller: &Caller, id: DraftId) -> Result<()> {
    get(s, caller, id).await?;
    let mut tx = s.db.begin().await?;
    store::delete(&mut tx, id).await?;
    tx.commit().await
}

/// How many people those are now, of the departments it may be for.
///
/// # Errors
///
/// [`Error::Invalid`] with every name nobody knows.
pub async fn head_count(s: &Services, caller: &Caller, composed: &Composed) -> Result<i64> {
    author(caller)?;
    let within = rights::within(caller, composed)?;
    let whom = &composed.whom;
    if whom.is_nobody() {
        return Ok(0);
    }
    let audience: Audience = serde_json::from_value(whom.document()).map_err(Error::internal)?;
    let resolution = groups::resolve(s, &audience, true, within.as_deref()).await?;
    if !resolution.unknown.is_empty() {
        return Err(Error::Invalid(resolution.unknown));
    }
    audience::count(&s.db, &resolution.audience).await
}

/// Everything that keeps it from being a message.
pub async fn faults(s: &Services, caller: &Caller, composed: &Composed) -> Result<Vec<Fault>> {
    let (department, mut faults) = match writes_for(caller, composed) {
        Ok(department) => (department, Vec::new()),
        // The rest of it is looked at as if it were for another of theirs.
        Err(Error::Invalid(faults)) => (rights::any(caller)?, faults),
        Err(other) => return Err(other),
    };
    match messages::check_written(s, caller, department.as_deref(), &composed.document(&s.campus)).await {
        Ok(()) => {}
        Err(Error::Invalid(found)) => faults.extend(found),
        Err(other) => return Err(other),
    }
    Ok(faults)
}

/// What would become of it if it were sent now.
///
/// # Errors
///
/// [`Error::Invalid`] with everything that keeps it from being a message.
pub async fn proof(s: &Services, caller: &Caller, composed: &Composed) -> Result<Simulation> {
    let department = writes_for(caller, composed)?;
    rights::require(caller, Permission::DirectoryView, department.as_deref())?;
    messages::simulate_written(s, caller, department.as_deref(), &composed.document(&s.campus)).await
}

/// Those whom its proof tells that they would not get it, a page at a time.
///
/// # Errors
///
/// As [`proof`].
pub async fn missed(
    s: &Services,
    caller: &Caller,
    composed: &Composed,
    query: &MissedQuery,
) -> Result<MissedPage> {
    let department = writes_for(caller, composed)?;
    rights::require(caller, Permission::DirectoryView, department.as_deref())?;
    let document = composed.document(&s.campus);
    messages::missed_written(s, caller, department.as_deref(), &document, query).await
}

/// Notes in the audit log that [`missed`] is taken along as a file.
///
/// # Errors
///
/// As [`proof`].
pub async fn note_missed_export(s: &Services, caller: &Caller, draft: &Draft) -> Result<()> {
    let query = MissedQuery { limit: 1, ..MissedQuery::default() };
    missed(s, caller, &draft.composed, &query).await?;
    let department = writes_for(caller, &draft.composed)?;
    let (now, detail) = (s.clock.now(), json!({ "department": department }));
    let mut tx = s.db.begin().await?;
    audit::append(&mut tx, now, &caller.label(), "message.export_missed", &draft.id.to_string(), &detail)
        .await?;
    tx.commit().await
}

/// Sends a draft as it is at that version, if its audience is still as large as was agreed to. However often this is asked
/// for, it is sent once.
///
/// # Errors
///
/// [`Error::Invalid`] with everything that keeps it from being a message.
pub async fn send(
    s: &Services,
    caller: &Caller,
    id: DraftId,
    version: i64,
    agreed: i64,
    request_id: &str,
) -> Result<Outcome> {
    let draft = get(s, caller, id).await?;
    if let Some(message) = draft.sent {
        return Ok(Outcome::Before(message));
    }
    if draft.version != version {
        return Ok(Outcome::Meanwhile);
    }
    let seen = proof(s, caller, &draft.composed).await?;
    let people = seen.preview.audience.total;
    if people != agreed {
        return Ok(Outcome::Changed(people));
    }
    if looked_at(&seen.words).is_some_and(|words| words != draft.composed.looked_at) {
        return Ok(Outcome::Unlooked);
    }
    // A reviewer sees tomorrow's message today.
    let held = sensitive::holds(&seen.words).or_else(|| draft.composed.review.then(|| ASKED.to_owned()));
    let department = writes_for(caller, &draft.composed)?;
    let written = Written { department, held, draft: Some(id) };
    let body = draft.composed.document(&s.campus);
    match messages::accept_written(s, caller, body, written, request_id).await {
        Ok(accepted) if accepted.replayed => Ok(Outcome::Before(accepted.message.id)),
        Ok(accepted) => Ok(Outcome::Accepted(Box::new(accepted))),
        // It was changed and sent from another window between the two looks at it.
        Err(Error::IdempotencyMismatch) => match get(s, caller, id).await?.sent {
            Some(message) => Ok(Outcome::Before(message)),
            None => Err(Error::IdempotencyMismatch),
        },
        Err(error) => Err(error),
    }
}

/// What a reviewer reads where the author wished for one.
pub const ASKED: &str = "whoever wrote it asks for a second look";

/// Which words with their places an author is to have looked at before it is sent, as one word; none where it says none.
/// Another text around them is another thing to look at.
pub fn looked_at(seen: &[Sighting]) -> Option<String> {
    let mut places = Sha256::new();
    let mut is_any = false;
    for Sighting { entry, context, .. } in seen.iter().filter(|s| s.entry.treatment == Treatment::Warn) {
        is_any = true;
        for text in [&entry.word, &context.0, &context.1, &context.2] {
            places.update(text);
            places.update([0]);
        }
    }
    is_any.then(|| places.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Forgets what was sent or lies about for long.
pub async fn prune(s: &Services) -> Result<()> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    store::prune(&mut tx, now.minus(SENT_KEPT), now.minus(LEFT_KEPT)).await?;
    tx.commit().await
}

/// Takes somebody out of what others are writing.
pub(in crate::service) async fn leave(s: &Services, campus_id: &str) -> Result<()> {
    for row in store::naming(&s.db, campus_id).await? {
        let mut draft = Some(Draft::of(row)?);
        // Whoever is typing goes on meanwhile: what they wrote is read anew.
        while let Some(seen) = draft {
            let id = seen.id;
            let without = without(seen.composed, campus_id);
            let mut tx = s.db.begin().await?;
            let is_out = store::rewrite(&mut tx, id, seen.version, &document(&without)?).await?;
            tx.commit().await?;
            draft = if is_out { None } else { store::find(&s.db, id).await?.map(Draft::of).transpose()? };
        }
    }
    Ok(())
}

fn without(mut composed: Composed, campus_id: &str) -> Composed {
    let others = |ids: &str| {
        let others = campus_ids(ids).into_iter().filter(|id| id != campus_id);
        others.collect::<Vec<_>>().join("\n")
    };
    composed.whom.ids = others(&composed.whom.ids);
    composed.whom.without_ids = others(&composed.whom.without_ids);
    // A page that is open on it is out of date from now on.
    composed.window.clear();
    composed
}
