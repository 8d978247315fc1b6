//! What followers received: the latest messages in full, and counts of all of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::Notify;

use crate::simulator::pages::page;
use crate::simulator::tally::Tally;

/// Messages kept in full unless the owner wants another number.
const KEEP: usize = 20_000;
/// Counts per follower are exact for at least so many.
const COUNTED: usize = 250_000;

/// A message as it lies in a follower's phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfficialAccountMessage {
    /// Its place in the order of arrival, from 1; never given twice. Zero before it has arrived.
    pub sequence: u64,
    /// In milliseconds since 1970.
    pub received_at: i64,
    pub msgid: i64,
    pub openid: String,
    pub template_id: String,
    /// Needed a consent, which it used up.
    pub by_subscription: bool,
    pub title: String,
    /// The words before each place, and what stands there.
    pub lines: Vec<(String, String)>,
    /// Where it leads; with a mini-program as well, only that is opened.
    pub link: Option<String>,
    /// Its id and the page in it.
    pub mini_program: Option<(String, String)>,
    /// The sender's own id of it.
    pub client_msg_id: Option<String>,
}

/// Which messages, and which page of them. An empty text finds all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfficialAccountQuery {
    /// Looked for in openid, title and lines, in any case.
    pub anywhere: String,
    /// Only messages older than this sequence: the [`OfficialAccountPage::older`] of the page before.
    pub before: Option<u64>,
    /// 0: 50.
    pub limit: usize,
}

/// Newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfficialAccountPage {
    pub messages: Vec<OfficialAccountMessage>,
    /// How many of the kept messages match, on this page or any other.
    pub matching: usize,
    /// What to pass as [`OfficialAccountQuery::before`] for the next page; none on the last.
    pub older: Option<u64>,
}

/// A shared handle: clones see the same messages. Its size is bounded, the oldest go first.
#[derive(Clone, Debug)]
pub struct OfficialAccountMailbox {
    keep: usize,
    state: Arc<Mutex<State>>,
    arrived: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    kept: VecDeque<OfficialAccountMessage>,
    last_sequence: u64,
    total: u64,
    by_openid: Tally,
    by_openid_and_text: Tally,
}

impl Default for OfficialAccountMailbox {
    fn default() -> Self {
        Self::keeping(KEEP)
    }
}

impl OfficialAccountMailbox {
    /// Keeps the latest messages in full. With 0 it only counts, for benches.
    pub fn keeping(keep: usize) -> Self {
        let state = State {
            kept: VecDeque::new(),
            last_sequence: 0,
            total: 0,
            by_openid: Tally::remembering(COUNTED),
            by_openid_and_text: Tally::remembering(COUNTED),
        };
        Self { keep, state: Arc::new(Mutex::new(state)), arrived: Arc::default() }
    }

    /// How many messages were received since the start or the last clear.
    pub fn total(&self) -> u64 {
        self.state().total
    }

    /// How many messages this follower received.
    pub fn messages_to(&self, openid: &str) -> u64 {
        self.state().by_openid.of(openid)
    }

    /// Followers who got the same words more than once, with the words and how often.
    pub fn duplicates(&self) -> Vec<(String, u64)> {
        self.state().by_openid_and_text.repeated()
    }

    /// The latest kept message to this follower.
    pub fn latest_to(&self, openid: &str) -> Option<OfficialAccountMessage> {
        self.state().kept.iter().rev().find(|message| message.openid == openid).cloned()
    }

    pub fn list(&self, query: &OfficialAccountQuery) -> OfficialAccountPage {
        let wanted = query.anywhere.trim().to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&wanted);
        let is_wanted = |message: &OfficialAccountMessage| {
            has(&message.openid) || has(&message.title) || message.lines.iter().any(|(_, value)| has(value))
        };
        let state = self.state();
        let page = page(state.kept.iter(), query.before, query.limit, |message| message.sequence, is_wanted);
        let messages = page.rows.into_iter().cloned().collect();
        OfficialAccountPage { messages, matching: page.matching, older: page.older }
    }

    /// The message with this sequence, if it is still kept.
    pub fn find(&self, sequence: u64) -> Option<OfficialAccountMessage> {
        let state = self.state();
        let oldest = state.kept.front()?.sequence;
        state.kept.get(usize::try_from(sequence.checked_sub(oldest)?).ok()?).cloned()
    }

    /// Waits until [`total`](Self::total) is at least `total`. Has no time limit of its own.
    pub async fn wait_for(&self, total: u64) {
        loop {
            let arrived = self.arrived.notified();
            if self.total() >= total {
                return;
            }
            arrived.await;
        }
    }

    /// Forgets messages and counts. Sequences go on.
    pub fn clear(&self) {
        let mut state = self.state();
        state.kept.clear();
        state.total = 0;
        state.by_openid.clear();
        state.by_openid_and_text.clear();
    }

    pub(super) fn take(&self, mut message: OfficialAccountMessage) {
        {
            let mut state = self.state();
            state.last_sequence += 1;
            state.total += 1;
            message.sequence = state.last_sequence;
            let words: Vec<&str> = message.lines.iter().map(|(_, value)| value.as_str()).collect();
            state.by_openid.add(&message.openid);
            state.by_openid_and_text.add(&format!("{} {}", message.openid, words.join(" ")));
            state.kept.push_back(message);
            while state.kept.len() > self.keep {
                state.kept.pop_front();
            }
        }
        self.arrived.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
