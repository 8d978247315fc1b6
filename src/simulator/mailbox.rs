//! What a simulator took: the latest mails in full, and counts of all of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::mail::{Mail, MailSummary, StoredMail, bare_id, message_id};
use super::pages::page;
use super::tally::Tally;

/// Mails kept in full unless the owner wants another number.
const KEEP: usize = 10_000;
/// No more bytes than this are kept, however few mails they are.
const KEEP_BYTES: usize = 256 << 20;
/// Counts per recipient and per Message-ID are exact for at least so many different ones.
const COUNTED: usize = 250_000;

/// A shared handle: clones see the same mails. Its size is bounded by count and by bytes, the oldest go first.
#[derive(Clone, Debug)]
pub struct Mailbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    keep: usize,
    keep_bytes: usize,
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug)]
struct State {
    kept: VecDeque<Arc<StoredMail>>,
    bytes: usize,
    last_sequence: u64,
    total: u64,
    by_recipient: Tally,
    by_message_id: Tally,
}

/// Which mails of a mailbox, and which page of them. Texts are looked for anywhere and in any case; empty finds all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MailQuery {
    /// In an envelope recipient.
    pub recipient: String,
    /// In the decoded subject.
    pub subject: String,
    /// In either of the two: for one search field.
    pub anywhere: String,
    /// Only mails older than this sequence: the [`MailPage::older`] of the page before.
    pub before: Option<u64>,
    /// Mails on a page; 0 means 50.
    pub limit: usize,
}

/// Newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MailPage {
    pub mails: Vec<MailSummary>,
    /// How many of the kept mails match, on this page or any other.
    pub matching: usize,
    /// What to pass as [`MailQuery::before`] for the next page; none on the last.
    pub older: Option<u64>,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self::keeping(KEEP)
    }
}

impl Mailbox {
    /// A mailbox that keeps the latest `keep` mails in full. With 0 it only counts, for benches.
    pub fn keeping(keep: usize) -> Self {
        Self::bounded(keep, KEEP_BYTES)
    }

    fn bounded(keep: usize, keep_bytes: usize) -> Self {
        let state = State {
            kept: VecDeque::new(),
            bytes: 0,
            last_sequence: 0,
            total: 0,
            by_recipient: Tally::remembering(COUNTED),
            by_message_id: Tally::remembering(COUNTED),
        };
        let arrived = Notify::new();
        Self { inner: Arc::new(Inner { keep, keep_bytes, state: Mutex::new(state), arrived }) }
    }

    /// How many mails came since the start or the last clear, kept or not.
    pub fn total(&self) -> u64 {
        self.state().total
    }

    /// How many of them are still kept in full.
    pub fn kept(&self) -> usize {
        self.state().kept.len()
    }

    /// How many mails came with this Message-ID (brackets or not): 2 is a duplicate.
    pub fn copies_of(&self, message_id: &str) -> u64 {
        self.state().by_message_id.of(bare_id(message_id))
    }

    /// How many mails came for this envelope recipient, in any case.
    pub fn mails_to(&self, recipient: &str) -> u64 {
        self.state().by_recipient.of(&recipient.to_ascii_lowercase())
    }

    /// How many different Message-IDs came.
    pub fn message_ids(&self) -> usize {
        self.state().by_message_id.words()
    }

    /// The Message-IDs that came more than once, with how often.
    pub fn duplicates(&self) -> Vec<(String, u64)> {
        self.state().by_message_id.repeated()
    }

    pub fn list(&self, query: &MailQuery) -> MailPage {
        let recipient = query.recipient.trim().to_lowercase();
        let subject = query.subject.trim().to_lowercase();
        let anywhere = query.anywhere.trim().to_lowercase();
        let in_recipients = |mail: &StoredMail, text: &str| {
            text.is_empty() || mail.recipients.iter().any(|recipient| recipient.to_lowercase().contains(text))
        };
        let in_subject =
            |mail: &StoredMail, text: &str| text.is_empty() || mail.subject().to_lowercase().contains(text);
        let is_wanted = |mail: &Arc<StoredMail>| {
            in_recipients(mail, &recipient)
                && in_subject(mail, &subject)
                && (in_recipients(mail, &anywhere) || in_subject(mail, &anywhere))
        };
        let kept = self.snapshot();
        let page = page(kept.iter(), query.before, query.limit, |mail| mail.sequence, is_wanted);
        let mails = page.rows.into_iter().map(|mail| mail.summary()).collect();
        MailPage { mails, matching: page.matching, older: page.older }
    }

    /// The mail with this sequence, if it is still kept.
    pub fn find(&self, sequence: u64) -> Option<Mail> {
        let mail = {
            let state = self.state();
            let oldest = state.kept.front()?.sequence;
            let place = usize::try_from(sequence.checked_sub(oldest)?).ok()?;
            Arc::clone(state.kept.get(place)?)
        };
        Some(mail.open())
    }

    /// The latest kept mail for this envelope recipient, in any case.
    pub fn latest_to(&self, recipient: &str) -> Option<Mail> {
        let is_for = |mail: &&Arc<StoredMail>| {
            mail.recipients.iter().any(|address| address.eq_ignore_ascii_case(recipient))
        };
        let mail = self.state().kept.iter().rev().find(is_for).cloned();
        mail.map(|mail| mail.open())
    }

    /// Forgets mails and counts. Sequences go on, so that an address of a mail never shows another one.
    pub fn clear(&self) {
        let mut state = self.state();
        state.kept = VecDeque::new();
        state.bytes = 0;
        state.total = 0;
        state.by_recipient.clear();
        state.by_message_id.clear();
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

    /// Takes a mail in and gives its sequence.
    pub(super) fn take(&self, sender: &str, recipients: &[String], raw: &[u8]) -> u64 {
        let message_id = message_id(raw);
        let mail = (self.inner.keep > 0)
            .then(|| StoredMail::new(now(), sender, recipients, message_id.clone(), raw));
        let sequence = {
            let mut state = self.state();
            state.last_sequence += 1;
            state.total += 1;
            for recipient in recipients {
                state.by_recipient.add(&recipient.to_ascii_lowercase());
            }
            if let Some(id) = &message_id {
                state.by_message_id.add(id);
            }
            let sequence = state.last_sequence;
            if let Some(mut mail) = mail {
                mail.sequence = sequence;
                state.keep(mail, &self.inner);
            }
            sequence
        };
        self.inner.arrived.notify_waiters();
        sequence
    }

    /// Handles to what is kept, so that nothing is parsed while the relay waits for the lock.
    fn snapshot(&self) -> Vec<Arc<StoredMail>> {
        self.state().kept.iter().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep(&mut self, mail: StoredMail, bounds: &Inner) {
        self.bytes += mail.raw.len();
        self.kept.push_back(Arc::new(mail));
        while self.kept.len() > bounds.keep || (self.bytes > bounds.keep_bytes && self.kept.len() > 1) {
            if let Some(oldest) = self.kept.pop_front() {
                self.bytes -= oldest.raw.len();
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a vendor has its own clock, and this stands for one")]
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(mailbox: &Mailbox, to: &str, subject: &str, id: &str) -> u64 {
        let raw = format!("Subject: {subject}\r\nMessage-ID: <{id}>\r\n\r\nhello\r\n");
        mailbox.take("from@campus.example", &[to.to_owned()], raw.as_bytes())
    }

    fn sequences(page: &MailPage) -> Vec<u64> {
        page.mails.iter().map(|mail| mail.sequence).collect()
    }

    #[test]
    fn pages_run_from_the_newest_to_the_oldest_without_gap() {
        let mailbox = Mailbox::keeping(100);
        for number in 1..=7 {
            put(&mailbox, "a@x.example", &number.to_string(), &number.to_string());
        }
        let mut query = MailQuery { limit: 3, ..MailQuery::default() };
        let first = mailbox.list(&query);
        assert_eq!((sequences(&first), first.matching), (vec![7, 6, 5], 7));
        query.before = first.older;
        put(&mailbox, "a@x.example", "late", "late");
        let second = mailbox.list(&query);
        assert_eq!(sequences(&second), [4, 3, 2], "a mail that came meanwhile moves nothing");
        query.before = second.older;
        let last = mailbox.list(&query);
        assert_eq!((sequences(&last), last.older), (vec![1], None));
    }

    #[test]
    fn search_by_recipient_and_decoded_subject() {
        let mailbox = Mailbox::default();
        put(&mailbox, "Li.Na@x.example", "=?utf-8?B?6ICD6K+V5a6J5o6S?=", "1");
        put(&mailbox, "wang@x.example", "Exam room", "2");
        let found = |query: MailQuery| sequences(&mailbox.list(&query));
        assert_eq!(found(MailQuery { recipient: "li.na".into(), ..MailQuery::default() }), [1]);
        assert_eq!(found(MailQuery { subject: "考试".into(), ..MailQuery::default() }), [1]);
        assert_eq!(found(MailQuery { subject: "exam".into(), ..MailQuery::default() }), [2]);
        assert_eq!(found(MailQuery { anywhere: "WANG".into(), ..MailQuery::default() }), [2]);
        assert_eq!(found(MailQuery { anywhere: "X.EXAMPLE".into(), ..MailQuery::default() }), [2, 1]);
        let none = MailQuery { recipient: "wang".into(), subject: "考试".into(), ..MailQuery::default() };
        assert!(found(none).is_empty());
    }

    #[test]
    fn copies_are_counted_also_when_the_mail_is_gone() {
        let mailbox = Mailbox::keeping(2);
        for id in ["a", "b", "a", "c"] {
            put(&mailbox, "P@x.example", "s", id);
        }
        assert_eq!((mailbox.total(), mailbox.kept(), mailbox.message_ids()), (4, 2, 3));
        assert_eq!((mailbox.copies_of("<a>"), mailbox.copies_of("b"), mailbox.copies_of("d")), (2, 1, 0));
        assert_eq!(mailbox.duplicates(), [("a".to_owned(), 2)]);
        assert_eq!(mailbox.mails_to("p@X.example"), 4);
        assert!(mailbox.find(2).is_none());
        assert_eq!(mailbox.find(3).unwrap().summary.message_id.unwrap(), "a");
        assert_eq!(mailbox.latest_to("p@x.EXAMPLE").unwrap().summary.sequence, 4);
        assert!(mailbox.find(5).is_none() && mailbox.find(0).is_none());
    }

    #[test]
    fn counting_only_keeps_nothing() {
        let mailbox = Mailbox::keeping(0);
        put(&mailbox, "a@x.example", "s", "1");
        assert_eq!((mailbox.total(), mailbox.kept(), mailbox.copies_of("1")), (1, 0, 1));
        assert!(mailbox.find(1).is_none() && mailbox.latest_to("a@x.example").is_none());
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mailbox = Mailbox::bounded(100, 40);
        for _ in 0..6 {
            mailbox.take("", &[], b"Subject: x\r\n");
        }
        assert_eq!((mailbox.kept(), mailbox.total()), (3, 6));
        mailbox.take("", &[], &[b'x'; 100]);
        assert_eq!(mailbox.kept(), 1, "the latest is kept whatever its size");
    }

    #[test]
    fn clearing_forgets_everything_but_the_sequence() {
        let mailbox = Mailbox::default();
        put(&mailbox, "a@x.example", "s", "1");
        mailbox.clear();
        assert_eq!((mailbox.total(), mailbox.kept(), mailbox.mails_to("a@x.example")), (0, 0, 0));
        assert!(mailbox.find(1).is_none());
        assert_eq!(put(&mailbox, "a@x.example", "s", "1"), 2);
        assert_eq!(mailbox.copies_of("1"), 1);
    }

    #[tokio::test]
    async fn waiting_ends_when_the_mail_comes() {
        let mailbox = Mailbox::default();
        let waiting = tokio::spawn({
            let mailbox = mailbox.clone();
            async move { mailbox.wait_for(2).await }
        });
        put(&mailbox, "a@x.example", "s", "1");
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        put(&mailbox, "a@x.example", "s", "2");
        waiting.await.unwrap();
    }
}
