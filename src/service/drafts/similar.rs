//! What says almost the same as a draft and was sent in the last days, by anybody whose messages its author may see.

use std::cmp::Reverse;
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::super::messages::{self, Sight};
use super::super::policies::Alike;
use super::super::{Caller, Services};
use crate::clock::Timestamp;
use crate::domain::content::Content;
use crate::domain::id::MessageId;
use crate::domain::likeness::{Degree, Likeness};
use crate::domain::operator::Permission;
use crate::store::prints::{self, LatelyRow};
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

/// Those that are likest to these texts, the likest and latest first, and before them `found`, which the policy took for
/// almost the same; none where the caller sees no messages.
pub async fn similar(
    s: &Services,
    caller: &Caller,
    texts: &Content,
    found: Option<&Alike>,
) -> Result<Vec<SimilarMessage>> {
    let sight = match Sight::by(caller, Permission::MessagesView) {
        Ok(sight) => sight,
        Err(Error::Forbidden { .. }) => return Ok(Vec::new()),
        Err(other) => return Err(other),
    };
    let of = sight.departments();
    let first = MessageId::first_at(s.clock.now().minus(SINCE));
    let lately = prints::lately(&s.db, first, of.as_deref(), COMPARED).await?;
    let texts = texts.clone();
    // Some tenths of a second of reckoning, which no other answer waits for.
    let reckoned = spawn_blocking(move || likest(&texts, lately)).await.map_err(Error::internal)?;
    let mut alike = Vec::new();
    if let Some(found) = found {
        alike.extend(messages::get_many(s, caller, &[found.id]).await?.into_iter().map(|message| {
            let degree = Degree::of(found.percent);
            SimilarMessage { id: message.id, title: message.title, at: message.created_at.into(), degree }
        }));
    }
    let is_other = |message: &SimilarMessage| found.is_none_or(|found| found.id != message.id);
    alike.extend(reckoned.into_iter().filter(is_other));
    alike.truncate(TOLD);
    Ok(alike)
}

fn likest(texts: &Content, lately: Vec<LatelyRow>) -> Vec<SimilarMessage> {
    let own = likeness(texts);
    let alike = lately.into_iter().filter_map(|row| {
        let degree = own.degree(&likeness(&row.content.0.outline()))?;
        Some(SimilarMessage { id: row.id, title: row.title, at: row.created_at, degree })
    });
    let mut alike: Vec<_> = alike.collect();
    alike.sort_by_key(|message| Reverse((message.degree, message.id)));
    alike.truncate(TOLD);
    alike
}

/// Of title and body: what differs by channel and language says the same.
fn likeness(content: &Content) -> Likeness {
    Likeness::of([content.title.as_str(), content.body.as_str()], "")
}
