//! What a relay took: the latest mails in full, and counts of all of them.

use serde::{Deserialize, Serialize};

use super::clock::VendorClock;
use super::mail::{Mail, MailSummary, StoredMail, bare_id, message_id};
use super::shelf::{Arrived, Lookup, Room, Shelf};

/// Mails kept in full unless the owner wants another number.
const KEEP: usize = 10_000;
/// No more bytes than this are kept, however few mails they are.
const KEEP_BYTES: usize = 256 << 20;

/// A shared handle: clones see the same mails. Its size is bounded by count and by bytes, the oldest go first.
#[derive(Clone, Debug)]
pub struct Mailbox {
    shelf: Shelf<StoredMail>,
}

impl Arrived for StoredMail {
    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn set_sequence(&mut self, sequence: u64) {
        self.sequence = sequence;
    }

    fn weight(&self) -> usize {
        self.raw.len()
    }
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

impl From<&Lookup> for MailQuery {
    fn from(lookup: &Lookup) -> Self {
        let Lookup { anywhere, before, limit } = lookup.clone();
        Self { anywhere, before, limit, ..Self::default() }
    }
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

    fn bounded(count: usize, weight: usize) -> Self {
        Self { shelf: Shelf::with(Room { count, weight }) }
    }

    /// How many mails came since the start or the last clear, kept or not.
    pub fn total(&self) -> u64 {
        self.shelf.total()
    }

    /// How many of them are still kept in full.
    pub fn kept(&self) -> usize {
        self.shelf.kept()
    }

    /// How many mails came with this Message-ID (brackets or not): 2 is a duplicate.
    pub fn copies_of(&self, message_id: &str) -> u64 {
        self.shelf.of_what(bare_id(message_id))
    }

    /// How many mails came for this envelope recipient, in any case.
    pub fn mails_to(&self, recipient: &str) -> u64 {
        self.shelf.of_whom(&recipient.to_ascii_lowercase())
    }

    /// How many different Message-IDs came.
    pub fn message_ids(&self) -> usize {
        self.shelf.whats()
    }

    /// The Message-IDs that came more than once, with how often.
    pub fn duplicates(&self) -> Vec<(String, u64)> {
        self.shelf.repeated()
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
        let is_wanted = |mail: &StoredMail| {
            in_recipients(mail, &recipient)
                && in_subject(mail, &subject)
                && (in_recipients(mail, &anywhere) || in_subject(mail, &anywhere))
        };
        let listed = self.shelf.list(query.before, query.limit, is_wanted);
        let mails = listed.rows.iter().map(|mail| mail.summary()).collect();
        MailPage { mails, matching: listed.matching, older: listed.older }
    }

    /// The mail with this sequence, if it is still kept.
    pub fn find(&self, sequence: u64) -> Option<Mail> {
        self.shelf.find(sequence).map(|mail| mail.open())
    }

    /// The latest kept mail for this envelope recipient, in any case.
    pub fn latest_to(&self, recipient: &str) -> Option<Mail> {
        let is_for =
            |mail: &StoredMail| mail.recipients.iter().any(|other| other.eq_ignore_ascii_case(recipient));
        self.shelf.latest(is_for).map(|mail| mail.open())
    }

    /// Forgets mails and counts. Sequences go on, so that an address of a mail never shows another one.
    pub fn clear(&self) {
        self.shelf.clear();
    }

    /// Waits until [`total`](Self::total) is at least `total`. Has no time limit of its own.
    pub async fn wait_for(&self, total: u64) {
        self.shelf.wait_for(total).await;
    }

    /// Takes a mail in and gives its sequence.
    pub(super) fn take(&self, sender: &str, recipients: &[String], raw: &[u8]) -> u64 {
        let id = message_id(raw);
        let now = VendorClock::default().now();
        let mail = self.shelf.keeps().then(|| StoredMail::new(now, sender, recipients, id.clone(), raw));
        let whom = recipients.iter().map(|recipient| recipient.to_ascii_lowercase());
        self.shelf.take(1, whom, id.as_deref(), mail)
    }
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
