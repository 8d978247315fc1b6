//! What members received: the latest messages in full, and counts of all of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::Notify;

use super::cards::WecomCard;
use super::rules::Message;
use crate::simulator::pages::page;
use crate::simulator::tally::Tally;

/// Messages kept in full, counted once for each who received them, unless the owner wants another number.
const KEEP: usize = 200_000;
/// Counts per member are exact for at least so many.
const COUNTED: usize = 250_000;

/// A message as it was received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WecomMessage {
    /// Its place in the order of arrival, from 1; never given twice.
    pub sequence: u64,
    /// In milliseconds since 1970.
    pub received_at: i64,
    pub msgid: String,
    /// Who received it.
    pub members: Vec<String>,
    /// `text`, `markdown`, `textcard` or `template_card`.
    pub kind: &'static str,
    /// Of a card.
    pub title: String,
    pub text: String,
    /// Where a card leads.
    pub link: Option<String>,
    /// What a card's button says.
    pub button: Option<String>,
    /// A template card.
    pub card: Option<WecomCard>,
    /// It was longer than it is shown.
    pub is_cut: bool,
    /// It was called back.
    pub is_recalled: bool,
}

/// Which messages, and which page of them. An empty text finds all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WecomQuery {
    /// Looked for in members, title and text, in any case.
    pub anywhere: String,
    /// Only messages older than this sequence: the [`WecomPage::older`] of the page before.
    pub before: Option<u64>,
    /// 0: 50.
    pub limit: usize,
}

/// Newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WecomPage {
    pub messages: Vec<WecomMessage>,
    /// How many of the kept messages match, on this page or any other.
    pub matching: usize,
    /// What to pass as [`WecomQuery::before`] for the next page; none on the last.
    pub older: Option<u64>,
}

/// A shared handle: clones see the same messages. Its size is bounded, the oldest go first.
#[derive(Clone, Debug)]
pub struct WecomMailbox {
    keep: usize,
    state: Arc<Mutex<State>>,
    arrived: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    kept: VecDeque<WecomMessage>,
    /// Receivers of what is kept.
    receivers: usize,
    last_sequence: u64,
    total: u64,
    by_member: Tally,
}

impl Default for WecomMailbox {
    fn default() -> Self {
        Self::keeping(KEEP)
    }
}

impl WecomMailbox {
    /// Keeps the latest messages in full, up to so many receivers of them. With 0 it only counts, for benches.
    pub fn keeping(keep: usize) -> Self {
        let state = State {
            kept: VecDeque::new(),
            receivers: 0,
            last_sequence: 0,
            total: 0,
            by_member: Tally::remembering(COUNTED),
        };
        Self { keep, state: Arc::new(Mutex::new(state)), arrived: Arc::default() }
    }

    /// How many messages were received since the start, one for each who received it.
    pub fn total(&self) -> u64 {
        self.state().total
    }

    /// How many messages this member received, in any case.
    pub fn messages_to(&self, member: &str) -> u64 {
        self.state().by_member.of(&member.to_lowercase())
    }

    /// The latest kept message to this member, in any case.
    pub fn latest_to(&self, member: &str) -> Option<WecomMessage> {
        let is_for = |m: &&WecomMessage| m.members.iter().any(|other| other.eq_ignore_ascii_case(member));
        self.state().kept.iter().rev().find(is_for).cloned()
    }

    pub fn list(&self, query: &WecomQuery) -> WecomPage {
        let wanted = query.anywhere.trim().to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&wanted);
        let is_wanted = |message: &WecomMessage| {
            wanted.is_empty()
                || has(&message.title)
                || has(&message.text)
                || message.members.iter().any(|member| has(member))
        };
        let state = self.state();
        let page = page(state.kept.iter(), query.before, query.limit, |message| message.sequence, is_wanted);
        let messages = page.rows.into_iter().cloned().collect();
        WecomPage { messages, matching: page.matching, older: page.older }
    }

    /// The message with this sequence, if it is still kept.
    pub fn find(&self, sequence: u64) -> Option<WecomMessage> {
        let state = self.state();
        let oldest = state.kept.front()?.sequence;
        let place = usize::try_from(sequence.checked_sub(oldest)?).ok()?;
        state.kept.get(place).cloned()
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

    pub(super) fn take(&self, message: Message, members: Vec<String>, msgid: &str, now: i64) {
        self.keep(message, members, msgid, now);
        self.arrived.notify_waiters();
    }

    fn keep(&self, message: Message, members: Vec<String>, msgid: &str, now: i64) {
        let mut state = self.state();
        state.last_sequence += 1;
        state.total += members.len() as u64;
        for member in &members {
            state.by_member.add(&member.to_lowercase());
        }
        let Message { kind, title, text, link, button, card, is_cut, .. } = message;
        let sequence = state.last_sequence;
        state.receivers += members.len();
        state.kept.push_back(WecomMessage {
            sequence,
            received_at: now,
            msgid: msgid.to_owned(),
            members,
            kind,
            title,
            text,
            link,
            button,
            card,
            is_cut,
            is_recalled: false,
        });
        while state.receivers > self.keep {
            let Some(oldest) = state.kept.pop_front() else { break };
            state.receivers -= oldest.members.len();
        }
    }

    pub(super) fn recall(&self, msgid: &str) {
        if let Some(message) = self.state().kept.iter_mut().rev().find(|message| message.msgid == msgid) {
            message.is_recalled = true;
        }
    }

    /// The kept message with this id.
    pub fn with_msgid(&self, msgid: &str) -> Option<WecomMessage> {
        self.state().kept.iter().rev().find(|message| message.msgid == msgid).cloned()
    }

    /// The kept card of this task.
    pub fn card(&self, task: &str) -> Option<WecomMessage> {
        let is_of = |message: &&WecomMessage| message.card.as_ref().is_some_and(|card| card.task_id == task);
        self.state().kept.iter().rev().find(is_of).cloned()
    }

    /// What a card's button says from now on to these members, in lower case; to everybody where none is named.
    pub(super) fn update(&self, msgid: &str, members: &[String], words: &str) {
        let mut state = self.state();
        let Some(message) = state.kept.iter_mut().rev().find(|message| message.msgid == msgid) else {
            return;
        };
        let Some(card) = &mut message.card else { return };
        for member in &message.members {
            let member = member.to_lowercase();
            if members.is_empty() || members.contains(&member) {
                card.replaced.insert(member, words.to_owned());
            }
        }
    }

    /// Forgets messages and counts. Sequences go on.
    pub fn clear(&self) {
        let mut state = self.state();
        state.kept.clear();
        (state.receivers, state.total) = (0, 0);
        state.by_member.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
