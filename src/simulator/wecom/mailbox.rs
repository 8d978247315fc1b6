//! What members received: the latest messages in full, and counts of all of them.

use std::sync::Arc;

use serde::Serialize;

use super::cards::WecomCard;
use super::rules::Message;
use crate::simulator::shelf::{Arrived, Lookup, Room, Shelf};

/// Messages kept in full, counted once for each who received them, unless the owner wants another number.
const KEEP: usize = 200_000;

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

impl Arrived for WecomMessage {
    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn set_sequence(&mut self, sequence: u64) {
        self.sequence = sequence;
    }

    fn weight(&self) -> usize {
        self.members.len()
    }
}

/// Which messages, and which page of them: looked for in members, title and text.
pub type WecomQuery = Lookup;

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
    shelf: Shelf<WecomMessage>,
}

impl Default for WecomMailbox {
    fn default() -> Self {
        Self::keeping(KEEP)
    }
}

impl WecomMailbox {
    /// Keeps the latest messages in full, up to so many receivers of them. With 0 it only counts, for benches.
    pub fn keeping(keep: usize) -> Self {
        Self { shelf: Shelf::with(Room { count: keep, weight: keep }) }
    }

    /// How many messages were received since the start, one for each who received it.
    pub fn total(&self) -> u64 {
        self.shelf.total()
    }

    /// How many messages this member received, in any case.
    pub fn messages_to(&self, member: &str) -> u64 {
        self.shelf.of_whom(&member.to_lowercase())
    }

    /// The latest kept message to this member, in any case.
    pub fn latest_to(&self, member: &str) -> Option<WecomMessage> {
        let is_for = |m: &WecomMessage| m.members.iter().any(|other| other.eq_ignore_ascii_case(member));
        self.shelf.latest(is_for).map(Arc::unwrap_or_clone)
    }

    pub fn list(&self, query: &WecomQuery) -> WecomPage {
        let is_wanted = |message: &WecomMessage| {
            let members = message.members.iter().map(String::as_str);
            query.finds(members.chain([message.title.as_str(), &message.text]))
        };
        let listed = self.shelf.list(query.before, query.limit, is_wanted);
        let messages = listed.rows.into_iter().map(Arc::unwrap_or_clone).collect();
        WecomPage { messages, matching: listed.matching, older: listed.older }
    }

    /// The message with this sequence, if it is still kept.
    pub fn find(&self, sequence: u64) -> Option<WecomMessage> {
        self.shelf.find(sequence).map(Arc::unwrap_or_clone)
    }

    /// Waits until [`total`](Self::total) is at least `total`. Has no time limit of its own.
    pub async fn wait_for(&self, total: u64) {
        self.shelf.wait_for(total).await;
    }

    pub(super) fn take(&self, message: Message, members: Vec<String>, msgid: &str, now: i64) {
        let (count, whom) =
            (members.len() as u64, members.iter().map(|m| m.to_lowercase()).collect::<Vec<_>>());
        let Message { kind, title, text, link, button, card, is_cut, .. } = message;
        let message = self.shelf.keeps().then(|| WecomMessage {
            sequence: 0,
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
        self.shelf.take(count, whom, None, message);
    }

    pub(super) fn recall(&self, msgid: &str) {
        self.shelf.change(|message| message.msgid == msgid, |message| message.is_recalled = true);
    }

    /// The kept message with this id.
    pub fn with_msgid(&self, msgid: &str) -> Option<WecomMessage> {
        self.shelf.latest(|message| message.msgid == msgid).map(Arc::unwrap_or_clone)
    }

    /// The kept card of this task.
    pub fn card(&self, task: &str) -> Option<WecomMessage> {
        let is_of = |message: &WecomMessage| message.card.as_ref().is_some_and(|card| card.task_id == task);
        self.shelf.latest(is_of).map(Arc::unwrap_or_clone)
    }

    /// What a card's button says from now on to these members, in lower case; to everybody where none is named.
    pub(super) fn update(&self, msgid: &str, members: &[String], words: &str) {
        self.shelf.change(
            |message| message.msgid == msgid,
            |message| {
                let Some(card) = &mut message.card else { return };
                for member in message.members.iter().map(|member| member.to_lowercase()) {
                    if members.is_empty() || members.contains(&member) {
                        card.replaced.insert(member, words.to_owned());
                    }
                }
            },
        );
    }

    /// Forgets messages and counts. Sequences go on.
    pub fn clear(&self) {
        self.shelf.clear();
    }
}
