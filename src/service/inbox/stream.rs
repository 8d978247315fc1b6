//! What comes into somebody's inbox, as a stream for whoever shows it to them.

use std::sync::Arc;

use super::place::{MOST_NAMED, Place};
use super::{Entry, admit, all, find};
use crate::domain::id::RecipientId;
use crate::domain::source::Right;
use crate::service::Services;
use crate::service::caller::KeyCaller;
use crate::service::seats::{Seat, Seats};
use crate::service::sources::{self, Pass};
use crate::store::inbox::{self as store, InboxFilter, Mark};
use crate::{Error, Result};

/// Streams that a key may read at a time, at each process: a portal has one for each person who looks.
const OF_A_KEY: usize = 200;
/// Streams that are read at a time at each process: each looks into the store once a second.
const IN_ALL: usize = 500;
/// Messages told at a time.
const TOLD_AT_ONCE: usize = 50;

/// Who reads streams of this process.
#[derive(Debug)]
pub(in crate::service) struct Readers(Arc<Seats>);

impl Default for Readers {
    fn default() -> Self {
        Self(Seats::new(OF_A_KEY, IN_ALL))
    }
}

/// A stream that is open.
#[derive(Debug)]
pub struct Following {
    key: KeyCaller,
    pass: Pass,
    campus_id: String,
    person: RecipientId,
    place: Place,
    /// How the person's deliveries stood when all that there was had been told.
    done: Option<Mark>,
    _seat: Seat,
}

/// One event.
#[derive(Clone, Debug)]
pub struct Told {
    /// Said by a reader that comes back.
    pub place: String,
    pub news: News,
}

#[derive(Clone, Debug)]
pub enum News {
    Message(Box<Entry>),
    /// How many messages can be read and were not.
    Unread(u64),
}

/// Opens a stream of what a person is sent. `last`: the place of the event that was seen last; without it, it is what comes
/// from now on.
///
/// # Errors
///
/// [`Error::Forbidden`] without the right `read_inbox`; [`Error::NotFound`]; [`Error::AllTaken`] where the key, or all keys
/// together, read as many as they may.
pub async fn open_stream(
    s: &Services,
    key: &KeyCaller,
    pass: Pass,
    campus_id: &str,
    last: Option<&str>,
) -> Result<Following> {
    admit(key)?;
    let last: Option<Place> = last.map(str::parse).transpose().map_err(|_| {
        Error::fault(
            "Last-Event-ID",
            "invalid_value",
            "send the `id` of the last event you have seen of an inbox, as it was",
        )
    })?;
    let person = find(s, campus_id).await?.ok_or(Error::NotFound("recipient"))?;
    let seat = s.inboxes.0.take(key.key.ok_or(Error::NotFound("key"))?)?;
    let place = match last {
        Some(place) => place,
        None => now(s, key, person).await?,
    };
    let campus_id = campus_id.to_owned();
    Ok(Following { key: key.clone(), pass, campus_id, person, place, done: None, _seat: seat })
}

/// Where everything that is there counts as told.
async fn now(s: &Services, key: &KeyCaller, person: RecipientId) -> Result<Place> {
    let newest = store::newest(&s.db, person, &all(s, key), MOST_NAMED as u32 + 1).await?;
    let mut place = Place::default();
    for row in newest.into_iter().rev() {
        place.note((row.sent_at, row.message_id));
    }
    Ok(place)
}

/// What is new since it was looked last, or nothing.
pub async fn look(s: &Services, following: &mut Following) -> Result<Vec<Told>> {
    let Following { key, person, place, done, .. } = following;
    // Taken first: what happens while it is looked is looked for once more.
    let mark = store::mark(&s.db, *person).await?;
    if *done == Some(mark) {
        return Ok(Vec::new());
    }
    let all = all(s, key);
    let limit = place.named() + TOLD_AT_ONCE;
    let (since, beyond) = place.from();
    let filter = InboxFilter { since, ..all };
    let rows = store::after(&s.db, *person, &filter, beyond, limit as u32).await?;
    let mut told = Vec::new();
    for row in &rows {
        if place.has(row.message_id) {
            place.moved((row.sent_at, row.message_id));
            continue;
        }
        let one = InboxFilter { message: Some(row.message_id), ..all };
        // It may have gone at this moment.
        let Some(found) = store::list(&s.db, *person, &one, None, 1).await?.pop() else { continue };
        place.note((row.sent_at, row.message_id));
        told.push(Told { place: place.to_string(), news: News::Message(Box::new(Entry::of(s, found)?)) });
    }
    let unread = store::count(&s.db, *person, &InboxFilter { unread: true, ..all }).await?.unsigned_abs();
    if place.unread != Some(unread) {
        place.unread = Some(unread);
        told.push(Told { place: place.to_string(), news: News::Unread(unread) });
    }
    if rows.len() < limit {
        *done = Some(mark);
    }
    Ok(told)
}

/// Whether the stream goes on: the person is there, and the key may read still. To be asked every so often; what no delivery
/// says, such as that a message was withdrawn, is looked for then as well.
pub async fn goes_on(s: &Services, following: &mut Following) -> Result<bool> {
    following.done = None;
    let Following { pass, campus_id, person, .. } = following;
    Ok(find(s, campus_id).await? == Some(*person) && sources::still_opens(s, pass, Right::ReadInbox).await?)
}
