//! Removing what its time is over for, in short transactions. Each takes what nobody else has in hand and leaves behind how
//! far it has come: whoever is cut off lost nothing, and several nodes do it together.
//!
//! A message goes first, so that from then on its pages say that it was removed, and nobody sends it again; its deliveries
//! follow from the list that the same transaction wrote them on.

use std::collections::{BTreeMap, HashMap};

use super::super::{Services, subscriptions};
use super::{LOOKED, in_force};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::message::{Category, Lane, Wording};
use crate::domain::retention::{Stage, rule};
use crate::store::retention::{self as store, RemovedRow};
use crate::store::{Tx, reports, settings};

/// Messages in one transaction.
const MESSAGES: u32 = 500;
/// Deliveries in one transaction; few, since everybody else who writes may be waiting for it.
const DELIVERIES: i64 = 2_000;
/// How often it is written down that nothing is left.
const EVERY_MS: i64 = 600_000;

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Messages, deliveries or events that it removed; more may be left.
    Removed(usize),
    /// An emergency waits for the same store.
    GaveWay,
    Nothing,
}

/// What removing all of it came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Messages and deliveries that were emptied or removed.
    pub removed: u64,
    /// An emergency waits; what is left is left.
    pub gave_way: bool,
}

/// Removes all that is due, step by step.
pub async fn purge(s: &Services) -> Result<Purged> {
    let mut purged = Purged::default();
    loop {
        match work(s).await? {
            Progress::Removed(n) => purged.removed += n as u64,
            Progress::GaveWay => return Ok(Purged { gave_way: true, ..purged }),
            Progress::Nothing => return Ok(purged),
        }
    }
}

/// The next step.
pub async fn work(s: &Services) -> Result<Progress> {
    let now = s.clock.now();
    let waiting = reports::oldest_by_lane(&s.db, now).await?;
    if waiting.iter().any(|row| row.lane == Lane::Emergency) {
        return Ok(Progress::GaveWay);
    }
    if let Some(removed) = deliveries(s, now).await? {
        return Ok(Progress::Removed(removed));
    }
    let removed = subscriptions::work::prune(s).await?;
    if removed > 0 {
        return Ok(Progress::Removed(removed));
    }
    let retention = in_force(s).await?;
    for stage in Stage::ALL {
        for category in Category::ALL.iter().copied() {
            let before = s.campus.days_before(now, retention.days(category, stage));
            // Most of the time there is nothing, and nobody who writes need wait to be told so.
            if store::count(&s.db, category, stage, before, 1).await? == 0 {
                continue;
            }
            let taken = messages(s, category, stage, before, now).await?;
            if taken > 0 {
                return Ok(Progress::Removed(taken));
            }
        }
    }
    // What another process has in hand is left, and not over.
    if store::left(&s.db, 1).await? == 0 {
        looked(s, now).await?;
    }
    Ok(Progress::Nothing)
}

async fn looked(s: &Services, now: Timestamp) -> Result<()> {
    let last: Option<i64> = settings::find(&s.db, LOOKED).await?.and_then(|at| at.parse().ok());
    if last.is_some_and(|last| (last..last.saturating_add(EVERY_MS)).contains(&now.0)) {
        return Ok(());
    }
    let mut tx = s.db.begin().await?;
    settings::take_turn(&mut tx, LOOKED, now, EVERY_MS).await?;
    tx.commit().await
}

/// Messages of a category that ended before `before`.
async fn messages(
    s: &Services,
    category: Category,
    stage: Stage,
    before: Timestamp,
    now: Timestamp,
) -> Result<usize> {
    let mut tx = s.db.begin().await?;
    let taken = store::take(&mut tx, category, stage, before, MESSAGES).await?;
    if taken.is_empty() {
        return Ok(0);
    }
    match stage {
        Stage::Content => {
            let wording = Wording::default().emptied();
            let content = serde_json::to_string(&wording).map_err(crate::Error::internal)?;
            store::empty(&mut tx, &taken, &wording.title(), &content, now).await?;
        }
        Stage::Deliveries => store::close(&mut tx, &taken, now).await?,
    }
    note(s, &mut tx, (category, stage), (taken.len() as i64, 0), now).await?;
    tx.commit().await?;
    Ok(taken.len())
}

async fn note(
    s: &Services,
    tx: &mut Tx,
    (category, stage): (Category, Stage),
    (messages, deliveries): (i64, i64),
    now: Timestamp,
) -> Result<()> {
    let (day, rule) = (s.campus.day(now), rule(category, stage).to_owned());
    store::note(tx, &RemovedRow { day, rule, messages, deliveries, at: now }).await
}

/// Deliveries of messages that were taken before; none where no message waits for that.
async fn deliveries(s: &Services, now: Timestamp) -> Result<Option<usize>> {
    if store::left(&s.db, 1).await? == 0 {
        return Ok(None);
    }
    let mut tx = s.db.begin().await?;
    let waiting = store::under_way(&mut tx, MESSAGES).await?;
    // Somebody else may have them all in hand.
    let Some(first) = waiting.first() else { return Ok(None) };
    let (moved, done) = if first.planned > DELIVERIES {
        let rows = store::next(&mut tx, first, DELIVERIES as u32).await?;
        let last = rows.last().filter(|_| rows.len() == DELIVERIES as usize);
        if let Some(last) = last {
            store::advance(&mut tx, first.message_id, last).await?;
        }
        let done = if last.is_some() { Vec::new() } else { vec![first.message_id] };
        (rows, done)
    } else {
        // Whole messages, as many as there is room for.
        let mut room = DELIVERIES;
        let whole = waiting.iter().take_while(|removal| {
            room -= removal.planned;
            room >= 0 && removal.stage == first.stage
        });
        let whole: Vec<_> = whole.map(|removal| removal.message_id).collect();
        (store::all_of(&mut tx, &whole).await?, whole)
    };
    let ids: Vec<_> = moved.iter().map(|row| row.id).collect();
    let stage = Stage::from_code(first.stage).unwrap_or(Stage::Content);
    match stage {
        Stage::Content => store::blank(&mut tx, &ids).await?,
        Stage::Deliveries => store::remove(&mut tx, &ids).await?,
    }
    let of: HashMap<_, _> = waiting.iter().map(|removal| (removal.message_id, removal.category)).collect();
    let mut by_category: BTreeMap<Category, i64> = BTreeMap::new();
    for category in moved.iter().filter_map(|row| of.get(&row.message_id)) {
        *by_category.entry(*category).or_default() += 1;
    }
    for (category, n) in by_category {
        note(s, &mut tx, (category, stage), (0, n), now).await?;
    }
    store::finish(&mut tx, &done).await?;
    tx.commit().await?;
    Ok(Some(done.len() + moved.len()))
}
