//! What says almost the same as a draft and was sent in the last days, by anybody whose messages its author may see.

use std::cmp::Reverse;
use std::time::Duration;

use super::super::messages::Sight;
use super::super::{Caller, Services};
use crate::clock::Timestamp;
use crate::domain::content::Content;
use crate::domain::id::MessageId;
use crate::domain::likeness::{Degree, Likeness};
use crate::domain::operator::Permission;
use crate::store::prints;
use crate::{Error, Result};

const SINCE: Duration = Duration::from_hours(24 * 7);
/// The latest that are compared.
const COMPARED: u32 = 500;
/// Those that are told.
const TOLD: usize = 5;

/// A message that says almost the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimilarMessage {
    pub id: MessageId,
    pub title: String,
    pub at: Timestamp,
    pub degree: Degree,
}

/// Those that are likest to these texts, the likest and latest first; none where the caller sees no messages.
pub async fn similar(s: &Services, caller: &Caller, texts: &Content) -> Result<Vec<SimilarMessage>> {
    let sight = match Sight::by(caller, Permission::MessagesView) {
        Ok(sight) => sight,
        Err(Error::Forbidden { .. }) => return Ok(Vec::new()),
        Err(other) => return Err(other),
    };
    let own = likeness(texts);
    let of = sight.departments();
    let first = MessageId::first_at(s.clock.now().minus(SINCE));
    let lately = prints::lately(&s.db, first, of.as_deref(), COMPARED).await?;
    let alike = lately.into_iter().filter_map(|row| {
        let degree = own.degree(&likeness(&row.content.0.outline()))?;
        Some(SimilarMessage { id: row.id, title: row.title, at: row.created_at, degree })
    });
    let mut alike: Vec<_> = alike.collect();
    alike.sort_by_key(|message| Reverse((message.degree, message.id)));
    alike.truncate(TOLD);
    Ok(alike)
}

/// Of title and body: what differs by channel and language says the same.
fn likeness(content: &Content) -> Likeness {
    Likeness::of([content.title.as_str(), content.body.as_str()], "")
}
