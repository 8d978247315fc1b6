//! Whether a text, or almost the same, was sent a short time ago.

use std::time::Duration;

use super::super::Services;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::MessageId;
use crate::domain::likeness::{Likeness, Print};
use crate::domain::message::Wording;
use crate::domain::policy::{Repeats, Similar};
use crate::store::Tx;
use crate::store::prints::{self, Among};

/// No policy remembers texts for longer.
const KEPT: Duration = Duration::from_hours(168);
/// Rows forgotten in one transaction.
const CHUNK: u32 = 5_000;

/// A message's text as it is looked for.
#[derive(Debug)]
pub(in crate::service) struct Look {
    id: MessageId,
    likeness: Likeness,
    print: Print,
}

impl Look {
    /// `id`: of a preview, which is nobody's yet, the lowest there is.
    pub fn new(id: MessageId, test: bool, wording: &Wording) -> Self {
        let likeness = likeness(wording);
        let print = likeness.print(u64::from(test));
        Self { id, likeness, print }
    }

    /// Messages that said the same and are or were sent, the latest first.
    pub async fn same(&self, among: Among<'_>, policy: Repeats, now: Timestamp) -> Result<Vec<MessageId>> {
        prints::same(among, self.id, &self.print, since(policy, now)).await
    }

    /// The one that said most of it, where that is as much as the policy asks.
    pub async fn similar(
        &self,
        among: Among<'_>,
        policy: Repeats,
        similar: Similar,
        now: Timestamp,
    ) -> Result<Option<Alike>> {
        let candidates = prints::similar(among, self.id, &self.print, since(policy, now)).await?;
        Ok(candidates
            .into_iter()
            .map(|row| Alike {
                id: row.id,
                percent: self.likeness.percent(&likeness(&row.content.0)),
                source: row.source_name,
            })
            .filter(|alike| (similar.percent..100).contains(&alike.percent))
            .max_by_key(|alike| (alike.percent, alike.id)))
    }

    /// Later messages find it.
    pub async fn remember(&self, tx: &mut Tx, now: Timestamp) -> Result<()> {
        prints::insert(tx, self.id, &self.print, now).await
    }
}

fn since(policy: Repeats, now: Timestamp) -> Timestamp {
    now.minus(Duration::from_hours(u64::from(policy.within_hours)))
}

/// A message whose text is almost the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alike {
    pub id: MessageId,
    pub percent: u32,
    /// Who sent it; none where an operator did.
    pub source: Option<String>,
}

/// After the percent, where a message is held for it.
const HELD_AS: &str = " % the same as ";

impl Alike {
    /// What is kept as the reason. Whoever reads it may see the other message or not, so it names neither that nor who sent
    /// it; the event does, to those who may.
    pub fn says(&self) -> String {
        format!("{}{HELD_AS}a message of the last days", self.percent)
    }
}

/// How much the same it is for which it is held, of a reason that says so, be it kept before it ceased to name the other.
pub fn alike_held_for(reason: &str) -> Option<u32> {
    reason.split_once(HELD_AS)?.0.parse().ok()
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
    let before = s.clock.now().minus(KEPT);
    let mut all = 0;
    loop {
        let mut tx = s.db.begin().await?;
        let pruned = prints::prune(&mut tx, before, CHUNK).await?;
        tx.commit().await?;
        all += pruned;
        if pruned < u64::from(CHUNK) {
            return Ok(all);
        }
    }
}
