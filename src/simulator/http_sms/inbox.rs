//! What reached the telephones: the latest texts in full, and counts of all of them.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use super::SmsRequest;
use crate::simulator::clock::VendorClock;
use crate::simulator::shelf::{Arrived, Lookup, Room, Shelf};

/// Texts kept in full unless the owner wants another number.
const KEEP: usize = 10_000;

/// A shared handle: clones see the same texts. Its size is bounded, the oldest go first.
#[derive(Clone, Debug)]
pub struct Inbox {
    shelf: Shelf<Sms>,
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

impl Arrived for Sms {
    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn set_sequence(&mut self, sequence: u64) {
        self.sequence = sequence;
    }
}

/// Which texts, and which page of them: looked for in number and text.
pub type InboxQuery = Lookup;

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
        Self { shelf: Shelf::with(Room { count: keep, weight: usize::MAX }) }
    }

    /// How many texts came since the start or the last clear, kept or not.
    pub fn total(&self) -> u64 {
        self.shelf.total()
    }

    /// How many of them are still kept in full.
    pub fn kept(&self) -> usize {
        self.shelf.kept()
    }

    /// How many texts came for this number.
    pub fn texts_to(&self, number: &str) -> u64 {
        self.shelf.of_whom(number)
    }

    /// Numbers that got the same text more than once, with the text and how often.
    pub fn duplicates(&self) -> Vec<(String, u64)> {
        self.shelf.repeated()
    }

    pub fn list(&self, query: &InboxQuery) -> InboxPage {
        let is_wanted = |sms: &Sms| query.finds([sms.number.as_str(), &sms.text]);
        let listed = self.shelf.list(query.before, query.limit, is_wanted);
        let texts = listed.rows.into_iter().map(Arc::unwrap_or_clone).collect();
        InboxPage { texts, matching: listed.matching, older: listed.older }
    }

    /// The text with this sequence, if it is still kept.
    pub fn find(&self, sequence: u64) -> Option<Sms> {
        self.shelf.find(sequence).map(Arc::unwrap_or_clone)
    }

    /// The same with the call that brought it, for whoever looks over HTTP.
    pub(in crate::simulator) fn shown(&self, sequence: u64) -> Option<Value> {
        let sms = self.find(sequence)?;
        let mut shown = json!(sms);
        shown["source"] = sms.request.source().into();
        Some(shown)
    }

    /// The latest kept text for this number.
    pub fn latest_to(&self, number: &str) -> Option<Sms> {
        self.shelf.latest(|sms| sms.number == number).map(Arc::unwrap_or_clone)
    }

    /// Forgets texts and counts. Sequences go on.
    pub fn clear(&self) {
        self.shelf.clear();
    }

    /// Waits until [`total`](Self::total) is at least `total`. Has no time limit of its own.
    pub async fn wait_for(&self, total: u64) {
        self.shelf.wait_for(total).await;
    }

    pub(in crate::simulator) fn take(&self, number: &str, text: &str, call: &str, request: &Arc<SmsRequest>) {
        let sms = self.shelf.keeps().then(|| Sms {
            sequence: 0,
            received_at: VendorClock::default().now(),
            number: number.to_owned(),
            text: text.to_owned(),
            segments: segments(text),
            call: call.to_owned(),
            receipt: None,
            request: Arc::clone(request),
        });
        self.shelf.take(1, [number.to_owned()], Some(&format!("{number} {text}")), sms);
    }

    /// A receipt told this of it.
    pub(in crate::simulator) fn note(&self, call: &str, number: &str, status: &str) {
        let is_it = |sms: &Sms| sms.call == call && sms.number == number;
        self.shelf.change(is_it, |sms| sms.receipt = Some(status.to_owned()));
    }
}

/// As vendors of the mainland count, the sign in its brackets included.
pub(in crate::simulator) fn segments(text: &str) -> usize {
    match text.encode_utf16().count() {
        0..=70 => 1,
        n => n.div_ceil(67),
    }
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
