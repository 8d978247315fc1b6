//! What a person was sent, for portals and apps that show it to them: each message once, whatever channels carried it, as the
//! page behind its link shows it. Asked for ([`list`]), or told as it comes ([`open_stream`], [`look`]).

mod place;
mod stream;

use super::Services;
use super::caller::KeyCaller;
use super::pages::{self, KEPT};
use super::short_links::{self, Purpose};
use crate::clock::Timestamp;
use crate::domain::content::Rendered;
use crate::domain::id::{DeliveryId, MessageId, RecipientId};
use crate::domain::message::Category;
use crate::domain::source::Right;
use crate::store::inbox::{self as store, InboxFilter, InboxRow};
use crate::store::recipients;
use crate::{Error, Result};

pub(super) use self::stream::Readers;
pub use self::stream::{Following, News, Told, goes_on, look, open_stream};

/// Which messages of a person, and from where on.
#[derive(Clone, Debug, Default)]
pub struct InboxQuery {
    /// Those that can be read and were not.
    pub unread: bool,
    pub category: Option<Category>,
    /// Sent from then on.
    pub since: Option<Timestamp>,
    pub before: Option<DeliveryId>,
    pub limit: u32,
}

/// A part of somebody's messages, the latest first.
#[derive(Clone, Debug)]
pub struct Inbox {
    /// Of all that the key sees, whatever was asked for.
    pub unread: u64,
    pub entries: Vec<Entry>,
}

/// One message.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where the next part goes on.
    pub place: DeliveryId,
    pub message: MessageId,
    pub topic: String,
    pub category: Category,
    pub source: Option<String>,
    pub department: Option<String>,
    pub sent_at: Timestamp,
    pub read_at: Option<Timestamp>,
    /// It was called off, or called back.
    pub withdrawn: bool,
    /// When what it said was removed.
    pub removed_at: Option<Timestamp>,
    /// In the person's language; none where it was withdrawn or removed.
    pub text: Option<Rendered>,
    /// Where the person says what they want to be sent, as at the head of a mail; none of an emergency, which asks nobody.
    pub preferences: Option<String>,
}

/// What a person was sent that the key may see: by live keys, or by test keys.
///
/// # Errors
///
/// [`Error::Forbidden`] without the right `read_inbox`; [`Error::NotFound`].
pub async fn list(s: &Services, key: &KeyCaller, campus_id: &str, query: &InboxQuery) -> Result<Inbox> {
    let person = person(s, key, campus_id).await?;
    let all = all(s, key);
    let filter = InboxFilter {
        unread: query.unread,
        category: query.category,
        since: query.since.unwrap_or(all.since),
        ..all
    };
    let rows = store::list(&s.db, person, &filter, query.before, query.limit).await?;
    let unread = store::count(&s.db, person, &InboxFilter { unread: true, ..all }).await?;
    let entries = rows.into_iter().map(|row| Entry::of(s, row)).collect::<Result<_>>()?;
    Ok(Inbox { unread: unread.unsigned_abs(), entries })
}

/// Notes that a person read a message, unless they had before. When they read it first.
///
/// # Errors
///
/// As of [`list`]; [`Error::NotFound`] also where they were not sent that message, or it can be read no longer.
pub async fn mark_read(s: &Services, key: &KeyCaller, campus_id: &str, message: &str) -> Result<Timestamp> {
    let person = person(s, key, campus_id).await?;
    // What is no id is no message of theirs; whoever lacks the right learns neither.
    let message: MessageId = message.parse().map_err(|_| unknown())?;
    let filter = InboxFilter { message: Some(message), ..all(s, key) };
    let row = store::list(&s.db, person, &filter, None, 1).await?.pop();
    let row = row.filter(|row| row.removed_at.is_none() && !row.is_withdrawn()).ok_or_else(unknown)?;
    let Some(delivery) = row.carried_by.filter(|_| row.is_unread()) else {
        return row.read_at.ok_or_else(unknown);
    };
    let now = s.clock.now();
    pages::keep_now(s, delivery, now).await?;
    // Somebody else may have said it at the same moment.
    let row = store::list(&s.db, person, &filter, None, 1).await?.pop();
    Ok(row.and_then(|row| row.read_at).unwrap_or(now))
}

fn all(s: &Services, key: &KeyCaller) -> InboxFilter {
    InboxFilter::all(key.test, s.clock.now().minus(KEPT))
}

fn unknown() -> Error {
    Error::NotFound("message")
}

async fn person(s: &Services, key: &KeyCaller, campus_id: &str) -> Result<RecipientId> {
    admit(key)?;
    find(s, campus_id).await?.ok_or(Error::NotFound("recipient"))
}

fn admit(key: &KeyCaller) -> Result<()> {
    if key.rights.contains(&Right::ReadInbox) {
        return Ok(());
    }
    Err(Error::forbidden(
        Right::ReadInbox.name(),
        "this key's source lacks the right `read_inbox`; an administrator can grant it",
    ))
}

async fn find(s: &Services, campus_id: &str) -> Result<Option<RecipientId>> {
    Ok(recipients::find(&s.db, campus_id).await?.map(|row| row.id))
}

impl Entry {
    fn of(s: &Services, row: InboxRow) -> Result<Self> {
        let withdrawn = row.is_withdrawn();
        let text = if withdrawn || row.removed_at.is_some() {
            None
        } else {
            Some(pages::rendered(&row.content.0, row.params.as_deref(), row.language.as_deref())?)
        };
        let may_refuse = row.category != Category::Emergency;
        Ok(Self {
            preferences: may_refuse.then(|| short_links::address(s, Purpose::Preferences, row.place)),
            place: row.place,
            message: row.message_id,
            topic: row.topic,
            category: row.category,
            source: row.source,
            department: row.department.filter(|department| !department.is_empty()),
            sent_at: row.sent_at,
            read_at: row.read_at,
            withdrawn,
            removed_at: row.removed_at,
            text,
        })
    }
}
