//! What followers received: the latest messages in full, and counts of all of them.

use std::sync::Arc;

use serde::Serialize;

use crate::simulator::shelf::{Arrived, Lookup, Room, Shelf};

/// Messages kept in full unless the owner wants another number.
const KEEP: usize = 20_000;

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

impl Arrived for OfficialAccountMessage {
    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn set_sequence(&mut self, sequence: u64) {
        self.sequence = sequence;
    }
}

/// Which messages, and which page of them: looked for in openid, title and lines.
pub type OfficialAccountQuery = Lookup;

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
    shelf: Shelf<OfficialAccountMessage>,
}

impl Default for OfficialAccountMailbox {
    fn default() -> Self {
        Self::keeping(KEEP)
    }
}

impl OfficialAccountMailbox {
    /// Keeps the latest messages in full. With 0 it only counts, for benches.
    pub fn keeping(keep: usize) -> Self {
        Self { shelf: Shelf::with(Room { count: keep, weight: usize::MAX }) }
    }

    /// How many messages were received since the start or the last clear.
    pub fn total(&self) -> u64 {
        self.shelf.total()
    }

    /// How many messages this follower received.
    pub fn messages_to(&self, openid: &str) -> u64 {
        self.shelf.of_whom(openid)
    }

    /// Followers who got the same words more than once, with the words and how often.
    pub fn duplicates(&self) -> Vec<(String, u64)> {
        self.shelf.repeated()
    }

    /// The latest kept message to this follower.
    pub fn latest_to(&self, openid: &str) -> Option<OfficialAccountMessage> {
        self.shelf.latest(|message| message.openid == openid).map(Arc::unwrap_or_clone)
    }

    pub fn list(&self, query: &OfficialAccountQuery) -> OfficialAccountPage {
        let is_wanted = |message: &OfficialAccountMessage| {
            let lines = message.lines.iter().map(|(_, value)| value.as_str());
            query.finds(lines.chain([message.openid.as_str(), &message.title]))
        };
        let listed = self.shelf.list(query.before, query.limit, is_wanted);
        let messages = listed.rows.into_iter().map(Arc::unwrap_or_clone).collect();
        OfficialAccountPage { messages, matching: listed.matching, older: listed.older }
    }

    /// The message with this sequence, if it is still kept.
    pub fn find(&self, sequence: u64) -> Option<OfficialAccountMessage> {
        self.shelf.find(sequence).map(Arc::unwrap_or_clone)
    }

    /// Waits until [`total`](Self::total) is at least `total`. Has no time limit of its own.
    pub async fn wait_for(&self, total: u64) {
        self.shelf.wait_for(total).await;
    }

    /// Forgets messages and counts. Sequences go on.
    pub fn clear(&self) {
        self.shelf.clear();
    }

    pub(super) fn take(&self, message: OfficialAccountMessage) {
        let words: Vec<&str> = message.lines.iter().map(|(_, value)| value.as_str()).collect();
        let words = format!("{} {}", message.openid, words.join(" "));
        self.shelf.take(1, [message.openid.clone()], Some(&words), Some(message));
    }
}
