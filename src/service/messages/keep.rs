//! Keeps a batch of messages in one transaction: keys first, then quotas, then the messages. All of it is kept or
//! nothing; what each message came to is only told after the commit.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::intake::{Incoming, Key};
use super::views::AcceptedView;
use crate::clock::{Clock, Timestamp};
use crate::domain::id::{MessageId, SourceId};
use crate::domain::message::{Category, Status};
use crate::domain::subscription::{EventKind, Interests};
use crate::error::{Error, Result};
use crate::service::Campus;
use crate::service::deliveries::event;
use crate::service::subscriptions::{self, Happening};
use crate::store::dedup::NewDedup;
use crate::store::idempotency::NewKey;
use crate::store::{Db, Tx, audit, dedup, drafts, events, idempotency, messages, usage};

/// How long a `dedup_key` stands for its first message.
const DEDUP_WINDOW: Duration = Duration::from_hours(24);
/// HTTP statuses that are replayed.
pub(super) const ACCEPTED: u16 = 202;
pub(super) const DUPLICATE: u16 = 200;
/// Where keys of messages stand that no source sent; ids of sources begin at 1.
pub(super) const NO_SOURCE: SourceId = SourceId(0);

/// What a message came to.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    /// It is in the store; `due`: the planner has work now.
    New {
        due: bool,
    },
    /// Its key was used before, and this was the answer.
    Again {
        status: u16,
        answer: String,
    },
    /// Its key was used before for another body.
    Mismatch,
    /// Its `dedup_key` stands for this message.
    Duplicate(Box<AcceptedView>),
    OverQuota {
        limit: u64,
        retry_after: Duration,
    },
}

pub(super) struct Keeper {
    pub db: Db,
    pub clock: Clock,
    pub campus: Arc<Campus>,
    pub interests: Arc<subscriptions::Known>,
}

impl Keeper {
    /// Answers for each, in order. Where the batch fails but the store is well, one of them is at fault, and each is
    /// tried by itself.
    pub(super) async fn keep(&self, batch: Vec<Incoming>) -> Vec<Result<Kept>> {
        match self.attempt(&batch).await {
            Ok(kept) => kept.into_iter().map(Ok).collect(),
            Err(Error::Unavailable { reason, retry_after }) => {
                let again = || Error::Unavailable { reason: reason.clone(), retry_after };
                batch.iter().map(|_| Err(again())).collect()
            }
            Err(error) if batch.len() > 1 => {
                tracing::error!(%error, messages = batch.len(), "a batch was not kept; trying each by itself");
                let mut results = Vec::with_capacity(batch.len());
                for one in batch {
                    let kept = self.attempt(std::slice::from_ref(&one)).await;
                    results.push(
                        kept.and_then(|mut kept| kept.pop().ok_or_else(|| Error::internal("no answer"))),
                    );
                }
                results
            }
            Err(error) => vec![Err(error)],
        }
    }

    /// Keeps a batch, and once more where the store gave it up for another's sake: nodes that differ for a moment on which
    /// sources have a quota take their rows in different orders.
    async fn attempt(&self, batch: &[Incoming]) -> Result<Vec<Kept>> {
        match self.attempt_once(batch).await {
            Err(error) if error.asks_again() => Box::pin(self.attempt_once(batch)).await,
            done => done,
        }
    }

    async fn attempt_once(&self, batch: &[Incoming]) -> Result<Vec<Kept>> {
        // Within the transaction a second connection may be one too many.
        let interests = self.interests.in_force(&self.db, &self.clock).await?;
        let mut tx = self.db.begin().await?;
        let mut sheet = Sheet::new(batch);
        sheet.take_keys(&mut tx).await?;
        sheet.take_dedup_keys(&mut tx, self.clock.now().minus(DEDUP_WINDOW)).await?;
        sheet.charge(&mut tx, self).await?;
        sheet.insert(&mut tx, &interests).await?;
        sheet.answer_duplicates(&mut tx).await?;
        sheet.count_unlimited(&mut tx, self).await?;
        let kept = sheet.close()?;
        tx.commit().await?;
        Ok(kept)
    }
}

/// What is known of each message of a batch while it is being kept.
struct Sheet<'b> {
    batch: &'b [Incoming],
    kept: Vec<Option<Kept>>,
    /// Who has each `Idempotency-Key` of the batch.
    keys: HashMap<(SourceId, &'b str), Holder>,
    /// Those whose key an earlier one of the batch brought; they get its answer.
    followers: BTreeSet<usize>,
    /// The message that is there already, for those that repeat its `dedup_key`.
    firsts: BTreeMap<usize, MessageId>,
    /// Sources whose messages are counted already.
    charged: BTreeSet<SourceId>,
}

/// How many of each source.
fn counts_of(by_source: &BTreeMap<SourceId, Vec<usize>>) -> Vec<(SourceId, i64)> {
    by_source.iter().map(|(source, places)| (*source, places.len() as i64)).collect()
}

enum Holder {
    /// One of the batch, by its place.
    Batch(usize),
    /// A message kept before.
    Before(Record),
}

/// The first answer to a key.
struct Record {
    body_hash: String,
    status: u16,
    answer: String,
}

impl Record {
    fn again(&self, key: &Key) -> Kept {
        if self.body_hash == key.body_hash {
            Kept::Again { status: self.status, answer: self.answer.clone() }
        } else {
            Kept::Mismatch
        }
    }
}

impl<'b> Sheet<'b> {
    fn new(batch: &'b [Incoming]) -> Self {
        Self {
            batch,
            kept: vec![None; batch.len()],
            keys: HashMap::new(),
            followers: BTreeSet::new(),
            firsts: BTreeMap::new(),
            charged: BTreeSet::new(),
        }
    }

    fn source(&self, i: usize) -> SourceId {
        self.batch[i].message.source.unwrap_or(NO_SOURCE)
    }

    /// The places of those that nothing is known of yet.
    fn open(&self) -> Vec<usize> {
        (0..self.batch.len())
            .filter(|i| {
                self.kept[*i].is_none() && !self.followers.contains(i) && !self.firsts.contains_key(i)
            })
            .collect()
    }

    async fn take_keys(&mut self, tx: &mut Tx) -> Result<()> {
        for (i, incoming) in self.batch.iter().enumerate() {
            let Some(key) = &incoming.key else { continue };
            match self.keys.entry((self.source(i), &key.name)) {
                Entry::Vacant(place) => drop(place.insert(Holder::Batch(i))),
                Entry::Occupied(_) => drop(self.followers.insert(i)),
            }
        }
        let mut new: Vec<NewKey<'_>> = Vec::with_capacity(self.keys.len());
        for (i, incoming) in self.batch.iter().enumerate() {
            let Some(key) = incoming.key.as_ref().filter(|_| !self.followers.contains(&i)) else { continue };
            new.push(NewKey {
                source: self.source(i),
                key: &key.name,
                body_hash: &key.body_hash,
                message: incoming.message.id,
                status: ACCEPTED,
                answer: &key.answer,
                created_at: incoming.message.created_at,
            });
        }
        if new.is_empty() {
            return Ok(());
        }
        let taken = idempotency::insert(tx, &new).await?;
        if taken.len() == new.len() {
            return Ok(());
        }
        let taken: HashSet<_> = taken.iter().map(|name| (name.source_id, name.key.as_str())).collect();
        let lost: Vec<_> =
            new.iter().map(|new| (new.source, new.key)).filter(|name| !taken.contains(name)).collect();
        let mut records = HashMap::new();
        for row in idempotency::find_all(tx, &lost).await? {
            let record = Record { body_hash: row.body_hash, status: row.status as u16, answer: row.answer };
            records.insert((row.source_id, row.key), record);
        }
        for (source, name) in lost {
            // A key that was pruned in between: trying again takes it.
            let record = records
                .remove(&(source, name.to_owned()))
                .ok_or_else(|| Error::internal("a key was taken and then gone"))?;
            if let Some(Holder::Batch(i)) = self.keys.get(&(source, name)) {
                self.kept[*i] = self.batch[*i].key.as_ref().map(|key| record.again(key));
            }
            self.keys.insert((source, name), Holder::Before(record));
        }
        Ok(())
    }

    async fn take_dedup_keys(&mut self, tx: &mut Tx, since: Timestamp) -> Result<()> {
        let keyed = |i: usize| {
            let incoming = &self.batch[i];
            incoming.dedup_key.as_deref().map(|key| NewDedup {
                source: self.source(i),
                key,
                message: incoming.message.id,
                created_at: incoming.message.created_at,
            })
        };
        let all: Vec<_> = self.open().into_iter().filter_map(|i| Some((i, keyed(i)?))).collect();
        if all.is_empty() {
            return Ok(());
        }
        let mut seen = HashSet::new();
        let new: Vec<_> =
            all.iter().map(|(_, new)| *new).filter(|new| seen.insert((new.source, new.key))).collect();
        let stands: HashMap<_, _> = dedup::take(tx, &new, since)
            .await?
            .into_iter()
            .map(|row| ((row.source_id, row.key), row.message_id))
            .collect();
        for (i, new) in all {
            if let Some(first) =
                stands.get(&(new.source, new.key.to_owned())).filter(|id| **id != new.message)
            {
                self.firsts.insert(i, *first);
            }
        }
        Ok(())
    }

    /// The places of those in `places` that count as sent by their source: trying something out uses up nothing, and
    /// operators have no quota.
    fn counted(&self, places: Vec<usize>) -> BTreeMap<SourceId, Vec<usize>> {
        let mut by_source: BTreeMap<SourceId, Vec<usize>> = BTreeMap::new();
        for i in places {
            let message = &self.batch[i].message;
            if let Some(source) = message.source.filter(|_| !message.test) {
                by_source.entry(source).or_default().push(i);
            }
        }
        by_source
    }

    /// What a source may send a campus day, as this batch knows it.
    fn daily_limit(&self, places: &[usize]) -> Option<u64> {
        places.iter().filter_map(|i| self.batch[*i].daily_limit).min()
    }

    /// Counts new messages against their sources' daily quotas and turns away, the latest first, what is above. An
    /// emergency is counted, but never turned away. Sources that may send as much as they like are counted later.
    async fn charge(&mut self, tx: &mut Tx, keeper: &Keeper) -> Result<()> {
        let mut by_source = self.counted(self.open());
        by_source.retain(|_, places| self.daily_limit(places).is_some());
        if by_source.is_empty() {
            return Ok(());
        }
        let now = keeper.clock.now();
        let day = keeper.campus.day(now);
        let counts = counts_of(&by_source);
        self.charged = by_source.keys().copied().collect();
        let mut refused = Vec::new();
        let mut taken_back = Vec::new();
        for row in usage::add(tx, &day, &counts, now).await? {
            let places = by_source.remove(&row.source_id).unwrap_or_default();
            let Some(limit) = self.daily_limit(&places) else { continue };
            let over = usize::try_from(row.messages - limit as i64).unwrap_or(0);
            let turned_away = places
                .into_iter()
                .rev()
                .filter(|i| self.batch[*i].message.category != Category::Emergency)
                .take(over)
                .map(|i| (i, limit));
            let before = refused.len();
            refused.extend(turned_away);
            taken_back.push((row.source_id, before as i64 - refused.len() as i64));
        }
        taken_back.retain(|(_, n)| *n != 0);
        if taken_back.is_empty() {
            return Ok(());
        }
        usage::add(tx, &day, &taken_back, now).await?;
        // Whoever repeats one that is turned away is turned away with it.
        let ids: HashMap<_, _> =
            refused.iter().map(|(i, limit)| (self.batch[*i].message.id, *limit)).collect();
        let repeats: Vec<_> =
            self.firsts.iter().filter_map(|(i, first)| Some((*i, *ids.get(first)?))).collect();
        self.firsts.retain(|_, first| !ids.contains_key(first));
        refused.extend(repeats);
        let retry_after = keeper.campus.day_ends(now).since(now);
        for (i, limit) in &refused {
            self.kept[*i] = Some(Kept::OverQuota { limit: *limit, retry_after });
        }
        self.free(tx, refused.into_iter().map(|(i, _)| i)).await
    }

    /// Counts the new messages of sources without a quota. Last of all: a source's count is one row, which other nodes
    /// wait for until this is on disk, and nothing of what the batch does depends on it.
    async fn count_unlimited(&self, tx: &mut Tx, keeper: &Keeper) -> Result<()> {
        let new = (0..self.batch.len()).filter(|i| matches!(self.kept[*i], Some(Kept::New { .. })));
        let mut by_source = self.counted(new.collect());
        by_source.retain(|source, _| !self.charged.contains(source));
        if by_source.is_empty() {
            return Ok(());
        }
        let now = keeper.clock.now();
        usage::add(tx, &keeper.campus.day(now), &counts_of(&by_source), now).await.map(drop)
    }

    /// Gives back the keys of messages that are not kept after all.
    async fn free(&self, tx: &mut Tx, places: impl Iterator<Item = usize>) -> Result<()> {
        let mut names = Vec::new();
        let mut dedup_keys = Vec::new();
        for i in places {
            let incoming = &self.batch[i];
            names.extend(incoming.key.as_ref().map(|key| (self.source(i), key.name.as_str())));
            dedup_keys.extend(incoming.dedup_key.as_deref().map(|key| NewDedup {
                source: self.source(i),
                key,
                message: incoming.message.id,
                created_at: incoming.message.created_at,
            }));
        }
        idempotency::delete(tx, &names).await?;
        dedup::release(tx, &dedup_keys).await
    }

    async fn insert(&mut self, tx: &mut Tx, interests: &Interests) -> Result<()> {
        let open = self.open();
        let new: Vec<_> = open.iter().map(|i| &self.batch[*i].message).collect();
        messages::insert(tx, &new).await?;
        for i in &open {
            let Incoming { message, author: Some(author), .. } = &self.batch[*i] else { continue };
            let (id, now) = (message.id, message.created_at);
            let mut detail = json!({ "topic": message.topic, "category": message.category.name() });
            if let Some(why) = &author.held {
                messages::set_status(tx, id, Status::Held, Some(why), message.expires_at, now).await?;
                events::insert(tx, &[event(id, now, "held", &json!({ "reason": why }))]).await?;
                detail["held"] = why.as_str().into();
            }
            if let Some(draft) = author.draft {
                drafts::close(tx, draft, id).await?;
            }
            audit::append(tx, now, &author.name, "message.send", &id.to_string(), &detail).await?;
        }
        let mut happened = Vec::new();
        for i in &open {
            let Incoming { message, author, .. } = &self.batch[*i];
            happened.push(Happening::of_message(EventKind::Accepted, message.id));
            if author.as_ref().is_some_and(|author| author.held.is_some()) {
                happened.push(Happening::of_message(EventKind::Held, message.id));
            }
        }
        if let Some(first) = open.first() {
            subscriptions::note(tx, interests, &happened, self.batch[*first].message.created_at).await?;
        }
        for i in open {
            self.kept[i] = Some(Kept::New { due: self.batch[i].message.status == Status::Accepted });
        }
        Ok(())
    }

    async fn answer_duplicates(&mut self, tx: &mut Tx) -> Result<()> {
        if self.firsts.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = self.firsts.values().copied().collect();
        let rows = messages::find_all(tx, &ids).await?;
        for (i, first) in std::mem::take(&mut self.firsts) {
            let row = rows.iter().find(|row| row.id == first).cloned();
            let view =
                AcceptedView::of_first(row.ok_or(Error::NotFound("the first message of a dedup_key"))?);
            if let Some(key) = &self.batch[i].key {
                let answer = serde_json::to_string(&view).map_err(Error::internal)?;
                idempotency::update(tx, self.source(i), &key.name, first, DUPLICATE, &answer).await?;
            }
            self.kept[i] = Some(Kept::Duplicate(Box::new(view)));
        }
        Ok(())
    }

    /// What each came to, once all of it is kept.
    fn close(mut self) -> Result<Vec<Kept>> {
        for i in std::mem::take(&mut self.followers) {
            let Some(key) = &self.batch[i].key else { continue };
            self.kept[i] = match self.keys.get(&(self.source(i), key.name.as_str())) {
                Some(Holder::Before(record)) => Some(record.again(key)),
                Some(Holder::Batch(leader)) => self.as_leader(*leader, key)?,
                None => None,
            };
        }
        self.kept
            .into_iter()
            .collect::<Option<_>>()
            .ok_or_else(|| Error::internal("a message without an answer"))
    }

    /// The answer to one that came with another's key.
    fn as_leader(&self, leader: usize, key: &Key) -> Result<Option<Kept>> {
        let Some(first) = &self.batch[leader].key else { return Ok(None) };
        let record = |status, answer| Record { body_hash: first.body_hash.clone(), status, answer };
        Ok(match &self.kept[leader] {
            Some(Kept::New { .. }) => Some(record(ACCEPTED, first.answer.clone()).again(key)),
            Some(Kept::Duplicate(view)) => {
                let answer = serde_json::to_string(view).map_err(Error::internal)?;
                Some(record(DUPLICATE, answer).again(key))
            }
            other => other.clone(),
        })
    }
}
