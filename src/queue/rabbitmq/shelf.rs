//! What this process has in hand: entries that the broker delivered and nobody has taken yet, entries of this process's
//! own, and those that were taken and not settled. Equal ones are merged, so it is bounded by lanes times kinds of work.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lapin::Acker;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use super::super::wakers::Wakers;
use super::super::{Entry, Taken, Work};
use crate::domain::message::Lane;

/// A delivery that the broker waits to hear of. Its mark is good on its own connection only.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) acker: Acker,
    since: Instant,
}

impl Held {
    pub(super) fn new(acker: Acker) -> Self {
        Self { acker, since: Instant::now() }
    }
}

/// Equal entries that wait; taken as one, as one look into the store serves them all.
#[derive(Debug, Default)]
struct Waiting {
    /// This process offered one itself.
    here: bool,
    held: Vec<Held>,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: BTreeMap<Work, BTreeMap<Lane, Waiting>>,
    taken: HashMap<u64, Vec<Held>>,
    last_tag: u64,
    /// Deliveries since the process began.
    received: BTreeMap<Lane, u64>,
}

#[derive(Debug, Default)]
pub(super) struct Shelf {
    inner: Mutex<Inner>,
    woken: Wakers,
}

impl Shelf {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn offer_here(&self, entry: Entry) {
        let mut inner = self.inner();
        inner.waiting.entry(entry.work).or_default().entry(entry.lane).or_default().here = true;
        drop(inner);
        self.woken.of(entry.work).notify_one();
    }

    pub(super) fn deliver(&self, entry: Entry, held: Held) {
        self.deliver_all(entry.work, vec![(entry.lane, held)]);
    }

    /// Several at once, so that whoever takes meanwhile takes the most urgent one.
    pub(super) fn deliver_all(&self, work: Work, found: Vec<(Lane, Held)>) {
        if found.is_empty() {
            return;
        }
        let mut inner = self.inner();
        for (lane, held) in found {
            *inner.received.entry(lane).or_default() += 1;
            inner.waiting.entry(work).or_default().entry(lane).or_default().held.push(held);
        }
        drop(inner);
        self.woken.of(work).notify_one();
    }

    /// Resolves once something of this work may wait.
    pub(super) fn woken(&self, work: Work) -> Notified<'_> {
        self.woken.of(work).notified()
    }

    /// The most urgent lane's.
    pub(super) fn pop(&self, work: Work) -> Option<Taken> {
        let mut inner = self.inner();
        let lanes = inner.waiting.get_mut(&work)?;
        let (lane, waiting) = lanes.pop_first()?;
        let more = !lanes.is_empty();
        inner.last_tag += 1;
        let tag = inner.last_tag;
        if !waiting.held.is_empty() {
            inner.taken.insert(tag, waiting.held);
        }
        drop(inner);
        // `notify_one` keeps one permit only: pass it on while entries remain.
        if more {
            self.woken.of(work).notify_one();
        }
        Some(Taken { entry: Entry { lane, work }, tag })
    }

    /// The deliveries that a taken entry stands for; none where it was this process's own, or its connection is gone.
    pub(super) fn settle(&self, tag: u64) -> Vec<Held> {
        self.inner().taken.remove(&tag).unwrap_or_default()
    }

    /// Entries that the broker delivered since the process began.
    pub(super) fn received(&self, lane: Lane) -> u64 {
        self.inner().received.get(&lane).copied().unwrap_or_default()
    }

    /// Entries that wait here; this process's own among them where `own`.
    pub(super) fn count(&self, entry: Entry, own: bool) -> usize {
        let inner = self.inner();
        let waiting = inner.waiting.get(&entry.work).and_then(|lanes| lanes.get(&entry.lane));
        waiting.map_or(0, |waiting| waiting.held.len() + usize::from(own && waiting.here))
    }

    /// The connection is gone, and with it whatever the broker had delivered by it: the broker offers it again, to
    /// whoever. Here it is looked after at once.
    pub(super) fn forget(&self) {
        let mut inner = self.inner();
        inner.taken.clear();
        for waiting in inner.waiting.values_mut().flat_map(BTreeMap::values_mut) {
            waiting.here |= !waiting.held.is_empty();
            waiting.held.clear();
        }
    }

    /// What nobody has taken, to be given back. This process's own stay.
    pub(super) fn give_up(&self) -> Vec<Held> {
        let mut inner = self.inner();
        let mut given = Vec::new();
        for lanes in inner.waiting.values_mut() {
            lanes.retain(|_, waiting| {
                given.append(&mut waiting.held);
                waiting.here
            });
        }
        given
    }

    /// What the broker has waited for since before then: it gives a taker up that says nothing for half an hour. What
    /// nobody has taken becomes this process's own; what was taken is as good as settled.
    pub(super) fn older_than(&self, then: Instant) -> Vec<Held> {
        let mut inner = self.inner();
        let mut old = Vec::new();
        for waiting in inner.waiting.values_mut().flat_map(BTreeMap::values_mut) {
            let before = old.len();
            old.extend(waiting.held.extract_if(.., |held| held.since < then));
            waiting.here |= old.len() > before;
        }
        inner.taken.retain(|_, held| {
            old.extend(held.extract_if(.., |held| held.since < then));
            !held.is_empty()
        });
        old
    }
}
