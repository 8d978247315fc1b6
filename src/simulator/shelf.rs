//! What a simulator was sent: the latest in full, and counts of all of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::held::lock;
use super::pages::page;
use super::tally::Tally;

/// Counts by whom and by what are exact for at least so many different ones.
const COUNTED: usize = 250_000;

/// Something that came, with its place in the order of arrival.
pub(super) trait Arrived {
    fn sequence(&self) -> u64;

    fn set_sequence(&mut self, sequence: u64);

    /// How much room it takes.
    fn weight(&self) -> usize {
        1
    }
}

/// Which of what is kept, and which page of it. An empty text finds all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lookup {
    /// Looked for in the words and in who got them, in any case.
    pub anywhere: String,
    /// Only what is older than this sequence: what the page before says of the `older`.
    pub before: Option<u64>,
    /// On a page; 0 means 50.
    pub limit: usize,
}

impl Lookup {
    /// Whether one of these texts holds what is looked for.
    pub(super) fn finds<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> bool {
        let wanted = self.anywhere.trim().to_lowercase();
        wanted.is_empty() || texts.into_iter().any(|text| text.to_lowercase().contains(&wanted))
    }
}

/// Newest first.
pub(super) struct Listed<T> {
    pub(super) rows: Vec<Arc<T>>,
    /// How many of what is kept match, on this page or any other.
    pub(super) matching: usize,
    /// The sequence that the next page begins before; none on the last.
    pub(super) older: Option<u64>,
}

/// Room for so many, and for so much. The oldest go first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) count: usize,
    pub(super) weight: usize,
}

/// A shared handle: clones see the same.
#[derive(Debug)]
pub(super) struct Shelf<T>(Arc<Inner<T>>);

impl<T> Clone for Shelf<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct Inner<T> {
    room: Room,
    state: Mutex<State<T>>,
    arrived: Notify,
}

#[derive(Debug)]
struct State<T> {
    kept: VecDeque<Arc<T>>,
    weight: usize,
    last_sequence: u64,
    total: u64,
    by_whom: Tally,
    by_what: Tally,
}

impl<T: Arrived> Shelf<T> {
    pub(super) fn with(room: Room) -> Self {
        let state = State {
            kept: VecDeque::new(),
            weight: 0,
            last_sequence: 0,
            total: 0,
            by_whom: Tally::remembering(COUNTED),
            by_what: Tally::remembering(COUNTED),
        };
        Self(Arc::new(Inner { room, state: Mutex::new(state), arrived: Notify::new() }))
    }

    /// Whether anything is kept at all; without it a bench need not even make it.
    pub(super) fn keeps(&self) -> bool {
        self.0.room.count > 0
    }

    /// How much came since the start or the last clear, kept or not.
    pub(super) fn total(&self) -> u64 {
        lock(&self.0.state).total
    }

    pub(super) fn kept(&self) -> usize {
        lock(&self.0.state).kept.len()
    }

    pub(super) fn of_whom(&self, who: &str) -> u64 {
        lock(&self.0.state).by_whom.of(who)
    }

    pub(super) fn of_what(&self, what: &str) -> u64 {
        lock(&self.0.state).by_what.of(what)
    }

    /// How many different words came.
    pub(super) fn whats(&self) -> usize {
        lock(&self.0.state).by_what.words()
    }

    /// What came more than once, with how often.
    pub(super) fn repeated(&self) -> Vec<(String, u64)> {
        lock(&self.0.state).by_what.repeated()
    }

    /// Looked through while more comes.
    pub(super) fn list(
        &self,
        before: Option<u64>,
        limit: usize,
        is_wanted: impl Fn(&T) -> bool,
    ) -> Listed<T> {
        let kept: Vec<_> = lock(&self.0.state).kept.iter().cloned().collect();
        let page = page(kept.iter(), before, limit, |row| row.sequence(), |row| is_wanted(row));
        let rows = page.rows.into_iter().cloned().collect();
        Listed { rows, matching: page.matching, older: page.older }
    }

    /// What came with this sequence, if it is still kept.
    pub(super) fn find(&self, sequence: u64) -> Option<Arc<T>> {
        let state = lock(&self.0.state);
        let oldest = state.kept.front()?.sequence();
        state.kept.get(usize::try_from(sequence.checked_sub(oldest)?).ok()?).cloned()
    }

    /// The latest of what is kept that is wanted.
    pub(super) fn latest(&self, is_wanted: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        lock(&self.0.state).kept.iter().rev().find(|row| is_wanted(row)).cloned()
    }

    /// Forgets all of it and all counts. Sequences go on, so that an address of one never shows another.
    pub(super) fn clear(&self) {
        let mut state = lock(&self.0.state);
        state.kept = VecDeque::new();
        (state.weight, state.total) = (0, 0);
        state.by_whom.clear();
        state.by_what.clear();
    }

    /// Waits until [`total`](Self::total) is at least `total`. Has no time limit of its own.
    pub(super) async fn wait_for(&self, total: u64) {
        loop {
            let arrived = self.0.arrived.notified();
            if self.total() >= total {
                return;
            }
            arrived.await;
        }
    }

    /// Takes something in, which counts `count` times, and gives its sequence.
    pub(super) fn take(
        &self,
        count: u64,
        by_whom: impl IntoIterator<Item = String>,
        by_what: Option<&str>,
        row: Option<T>,
    ) -> u64 {
        let sequence = {
            let mut state = lock(&self.0.state);
            state.last_sequence += 1;
            state.total += count;
            for who in by_whom {
                state.by_whom.add(&who);
            }
            if let Some(what) = by_what {
                state.by_what.add(what);
            }
            let sequence = state.last_sequence;
            if let Some(mut row) = row {
                row.set_sequence(sequence);
                state.keep(row, self.0.room);
            }
            sequence
        };
        self.0.arrived.notify_waiters();
        sequence
    }
}

impl<T: Arrived + Clone> Shelf<T> {
    /// Changes the latest of what is kept that is wanted.
    pub(super) fn change(&self, is_wanted: impl Fn(&T) -> bool, change: impl FnOnce(&mut T)) {
        let mut state = lock(&self.0.state);
        if let Some(row) = state.kept.iter_mut().rev().find(|row| is_wanted(row)) {
            change(Arc::make_mut(row));
        }
    }
}

impl<T: Arrived> State<T> {
    /// The latest is kept whatever its weight.
    fn keep(&mut self, row: T, room: Room) {
        self.weight += row.weight();
        self.kept.push_back(Arc::new(row));
        while self.kept.len() > room.count || (self.weight > room.weight && self.kept.len() > 1) {
            if let Some(oldest) = self.kept.pop_front() {
                self.weight -= oldest.weight();
            }
        }
    }
}
