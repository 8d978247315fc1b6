//! What reached the telephones: the latest texts in full, and counts of all of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::SmsRequest;
use crate::simulator::pages::page;
use crate::simulator::tally::Tally;

/// Texts kept in full unless the owner wants another number.
const KEEP: usize = 10_000;
/// Counts per number are exact for at least so many different ones.
const COUNTED: usize = 250_000;

/// A shared handle: clones see the same texts. Its size is bounded, the oldest go first.
#[derive(Clone, Debug)]
pub struct Inbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    keep: usize,
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug)]
struct State {
    kept: VecDeque<Sms>,
    last_sequence: u64,
    total: u64,
    by_number: Tally,
    by_number_and_text: Tally,
}

/// One text on one telephone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sms {
    /// Its place in the order of arrival, from 1; never given twice, not even after a clear.
    pub sequence: u64,
    /// In milliseconds since 1970.
    pub received_at: i64,
    /// Of the mainland without its country, others with `00`.
    pub number: String,
    pub text: String,
    /// How many texts the customer pays for it: 70 characters, or 67 each of several.
    pub segments: usize,
    /// The gateway's id of the call that brought it.
    pub call: String,
    /// The status its receipt told last.
    pub receipt: Option<String>,
    /// The call itself.
    #[serde(skip)]
    pub request: Arc<SmsRequest>,
}

/// Which texts, and which page of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InboxQuery {
    /// Looked for in number and text, in any case; empty finds all.
    pub anywhere: String,
    /// Only texts older than this sequence: the [`InboxPage::older`] of the page before.
    pub before: Option<u64>,
    /// Texts on a page; 0 means 50.
    pub limit: usize,
}

/// Newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InboxPage {
    pub texts: Vec<Sms>,
    /// How many of the kept texts match, on this page or any other.
    pub matching: usize,
    /// What to pass as [`InboxQuery::before`] for the next page; none on the last.
    pub older: Option<u64>,
}

impl Default for Inbox {
    fn default() -> Self {
        Self::keeping(KEEP)
    }
}

impl Inbox {
    /// Keeps the latest `keep` texts in full. With 0 it only counts, for benches.
    pub fn keeping(keep: usize) -> Self {
        let state = State {
            kept: VecDeque::new(),
            last_sequence: 0,
            total: 0,
            by_number: Tally::remembering(COUNTED),
            by_number_and_text: Tally::remembering(COUNTED),
        };
        Self { inner: Arc::new(Inner { keep, state: Mutex::new(state), arrived: Notify::new() }) }
    }

    /// How many texts came since the start or the last clear, kept or not.
    pub fn total(&self) -> u64 {
        self.state().total
    }

    /// How many of them are still kept in full.
    pub fn kept(&self) -> usize {
        self.state().kept.len()
    }

    /// How many texts came for this number.
    pub fn texts_to(&self, number: &str) -> u64 {
        self.state().by_number.of(number)
    }

    /// Numbers that got the same text more than once, with the text and how often.
    pub fn duplicates(&self) -> Vec<(String, u64)> {
        self.state().by_number_and_text.repeated()
    }

    pub fn list(&self, query: &InboxQuery) -> InboxPage {
        let wanted = query.anywhere.trim().to_lowercase();
        let is_wanted = |sms: &Sms| sms.number.contains(&wanted) || sms.text.to_lowercase().contains(&wanted);
        let state = self.state();
        let page = page(state.kept.iter(), query.before, query.limit, |sms| sms.sequence, is_wanted);
        let texts = page.rows.into_iter().cloned().collect();
        InboxPage { texts, matching: page.matching, older: page.older }
    }

    /// The text with this sequence, if it is still kept.
    pub fn find(&self, sequence: u64) -> Option<Sms> {
        let state = self.state();
        let oldest = state.kept.front()?.sequence;
        state.kept.get(usize::try_from(sequence.checked_sub(oldest)?).ok()?).cloned()
    }

    /// The latest kept text for this number.
    pub fn latest_to(&self, number: &str) -> Option<Sms> {
        self.state().kept.iter().rev().find(|sms| sms.number == number).cloned()
    }

    /// Forgets texts and counts. Sequences go on.
    pub fn clear(&self) {
        let mut state = self.state();
        state.kept.clear();
        state.total = 0;
        state.by_number.clear();
        state.by_number_and_text.clear();
    }

    /// Waits until [`total`](Self::total) is at least `total`. Has no time limit of its own.
    pub async fn wait_for(&self, total: u64) {
        loop {
            let arrived = self.inner.arrived.notified();
            if self.total() >= total {
                return;
            }
            arrived.await;
        }
    }

    pub(in crate::simulator) fn take(&self, number: &str, text: &str, call: &str, request: &Arc<SmsRequest>) {
        {
            let mut state = self.state();
            state.last_sequence += 1;
            state.total += 1;
            state.by_number.add(number);
            state.by_number_and_text.add(&format!("{number} {text}"));
            let sms = Sms {
                sequence: state.last_sequence,
                received_at: now(),
                number: number.to_owned(),
                text: text.to_owned(),
                segments: segments(text),
                call: call.to_owned(),
                receipt: None,
                request: Arc::clone(request),
            };
            state.kept.push_back(sms);
            while state.kept.len() > self.inner.keep {
                state.kept.pop_front();
            }
        }
        self.inner.arrived.notify_waiters();
    }

    /// A receipt told this of it.
    pub(in crate::simulator) fn note(&self, call: &str, number: &str, status: &str) {
        let mut state = self.state();
        let sms = state.kept.iter_mut().rev().find(|sms| sms.call == call && sms.number == number);
        if let Some(sms) = sms {
            sms.receipt = Some(status.to_owned());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As vendors of the mainland count, the sign in its brackets included.
pub(in crate::simulator) fn segments(text: &str) -> usize {
    match text.encode_utf16().count() {
        0..=70 => 1,
        n => n.div_ceil(67),
    }
}

#[expect(clippy::disallowed_methods, reason = "a vendor has its own clock, and this stands for one")]
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(inbox: &Inbox, number: &str, text: &str) {
        inbox.take(number, text, "88", &Arc::default());
    }

    #[test]
    fn texts_are_found_and_paged_from_the_newest() {
        let inbox = Inbox::keeping(3);
        for n in 1..=4 {
            put(&inbox, &format!("1380000000{n}"), &format!("第 {n} 条 ABC"));
        }
        put(&inbox, "13800000004", "第 4 条 ABC");
        assert_eq!((inbox.total(), inbox.kept(), inbox.texts_to("13800000004")), (5, 3, 2));
        assert_eq!(inbox.duplicates(), [("13800000004 第 4 条 ABC".to_owned(), 2)]);
        let page = |anywhere: &str, before| {
            let page = inbox.list(&InboxQuery { anywhere: anywhere.to_owned(), before, limit: 2 });
            (page.texts.iter().map(|sms| sms.sequence).collect::<Vec<_>>(), page.matching, page.older)
        };
        assert_eq!(page("abc", None), (vec![5, 4], 3, Some(4)));
        assert_eq!(page("", Some(4)), (vec![3], 3, None));
        assert_eq!(page("0004", None), (vec![5, 4], 2, None));
        assert_eq!(inbox.find(2), None, "it was let go");
        assert_eq!(inbox.find(4).unwrap().number, "13800000004");
        inbox.note("88", "13800000004", "DELIVRD");
        assert_eq!(inbox.latest_to("13800000004").unwrap().receipt.as_deref(), Some("DELIVRD"));
        inbox.clear();
        put(&inbox, "1", "x");
        assert_eq!((inbox.total(), inbox.list(&InboxQuery::default()).texts[0].sequence), (1, 6));
    }

    #[test]
    fn texts_are_billed_by_seventy_characters() {
        for (characters, billed) in [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3)] {
            assert_eq!(segments(&"钟".repeat(characters)), billed);
        }
    }
}
