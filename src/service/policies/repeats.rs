//! Whether a text, or almost the same, was sent a short time ago.

use std::time::Duration;

use super::super::Services;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::MessageId;
use crate::domain::likeness::Likeness;
use crate::domain::message::Wording;
use crate::domain::policy::Repeats;
use crate::store::{Tx, prints};

/// No policy remembers texts for longer.
const KEPT: Duration = Duration::from_hours(168);

/// The message a text belongs to.
#[derive(Clone, Copy, Debug)]
pub(in crate::service) struct Look<'m> {
    /// Of a preview, which is nobody's yet, the lowest there is.
    pub id: MessageId,
    pub test: bool,
    pub wording: &'m Wording,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::service) struct Found {
    /// Messages that said the same, the latest first.
    pub same: Vec<MessageId>,
    /// Where there are none, the one that said most of it.
    pub similar: Option<Alike>,
}

/// A message whose text is almost the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alike {
    pub id: MessageId,
    pub percent: u32,
    /// Who sent it; none where an operator did.
    pub source: Option<String>,
}

impl Alike {
    /// What a reviewer reads.
    pub fn says(&self) -> String {
        let from = self.source.as_ref().map(|source| format!(" of {source}")).unwrap_or_default();
        format!("{} % the same as the message {}{from}", self.percent, self.id)
    }
}

/// Looks for texts like this one. `remember`: later messages will find it.
pub(in crate::service) async fn repeats(
    tx: &mut Tx,
    policy: Repeats,
    look: &Look<'_>,
    now: Timestamp,
    remember: bool,
) -> Result<Found> {
    let likeness = likeness(look.wording);
    let print = likeness.print(u64::from(look.test));
    let since = now.minus(Duration::from_hours(u64::from(policy.within_hours)));
    let mut found = Found { same: prints::same(tx, look.id, &print, since).await?, similar: None };
    if let Some(similar) = policy.similar.filter(|_| found.same.is_empty()) {
        let candidates = prints::similar(tx, look.id, &print, since).await?;
        found.similar = candidates
            .into_iter()
            .map(|row| Alike {
                id: row.id,
                percent: likeness.percent(&self::likeness(&row.content.0)),
                source: row.source_name,
            })
            .filter(|alike| (similar.percent..100).contains(&alike.percent))
            .max_by_key(|alike| (alike.percent, alike.id));
    }
    if remember {
        prints::insert(tx, look.id, &print, now).await?;
    }
    Ok(found)
}

fn likeness(wording: &Wording) -> Likeness {
    let content = &wording.content;
    let variants = content.variants.iter().flat_map(|(key, variant)| {
        [Some(key.as_str()), variant.title.as_deref(), variant.body.as_deref()].into_iter().flatten()
    });
    let values = serde_json::to_string(&wording.params).unwrap_or_default();
    let texts = [content.title.as_str(), content.body.as_str()].into_iter().chain(variants);
    Likeness::of(texts.chain([values.as_str()]), content.link.as_deref().unwrap_or_default())
}

/// Forgets texts that no policy asks for any more, and says how many numbers that were.
pub async fn prune(s: &Services) -> Result<u64> {
    let mut tx = s.db.begin().await?;
    let pruned = prints::prune(&mut tx, s.clock.now().minus(KEPT)).await?;
    tx.commit().await?;
    Ok(pruned)
}
