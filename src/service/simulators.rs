//! What the simulators of this process took, for the console's mailbox page. Only a process that runs simulators, such
//! as `demo`, has any; the rest of the product knows them by this trait alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::{Caller, Services};
use crate::clock::Timestamp;
use crate::domain::operator::Permission;
use crate::{Error, Result};

/// Which mails or texts, and which page of them. An empty text finds all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailQuery {
    /// Looked for in recipients and subject, or in number and text, in any case.
    pub q: String,
    /// Only those older than this sequence: the [`MailPage::older`] of the page before.
    pub before: Option<u64>,
    pub limit: usize,
}

/// Newest first.
#[derive(Clone, Debug, Default, Serialize)]
pub struct MailPage {
    pub mails: Vec<MailLine>,
    /// How many of the kept mails match, on this page or any other.
    pub matching: usize,
    /// What to pass as [`MailQuery::before`] for the next page; none on the last.
    pub older: Option<u64>,
}

/// A mail in a list.
#[derive(Clone, Debug, Serialize)]
pub struct MailLine {
    /// Its place in the order of arrival, from 1; never given twice.
    pub sequence: u64,
    pub received_at: Timestamp,
    /// The envelope's recipients.
    pub recipients: Vec<String>,
    pub subject: String,
    /// In bytes.
    pub size: usize,
}

/// A mail as its reader sees it.
#[derive(Clone, Debug, Serialize)]
pub struct MailDetail {
    #[serde(flatten)]
    pub line: MailLine,
    /// The envelope's sender.
    pub sender: String,
    /// The `From` header.
    pub from: String,
    /// The `To` header.
    pub to: String,
    /// The `Date` header as written.
    pub date: Option<String>,
    pub text: Option<String>,
    /// As sent: shown only where its markup cannot act, such as a sandboxed frame.
    pub html: Option<String>,
    /// In the order they stand in the mail.
    pub headers: Vec<(String, String)>,
    /// The whole mail as text.
    pub source: String,
}

/// A text on a telephone.
#[derive(Clone, Debug, Serialize)]
pub struct SmsLine {
    /// Its place in the order of arrival, from 1; never given twice.
    pub sequence: u64,
    pub received_at: Timestamp,
    pub number: String,
    pub text: String,
    /// How many messages that is on the vendor's bill.
    pub segments: usize,
    /// The status that the gateway told last.
    pub receipt: Option<String>,
}

/// Newest first.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SmsPage {
    pub texts: Vec<SmsLine>,
    /// How many of the kept texts match, on this page or any other.
    pub matching: usize,
    /// What to pass as [`MailQuery::before`] for the next page; none on the last.
    pub older: Option<u64>,
}

/// A text with the call that brought it.
#[derive(Clone, Debug, Serialize)]
pub struct SmsDetail {
    #[serde(flatten)]
    pub line: SmsLine,
    /// The gateway's id of the call.
    pub call: String,
    /// The whole call as text.
    pub source: String,
}

/// A message in WeCom.
#[derive(Clone, Debug, Serialize)]
pub struct CardLine {
    /// Its place in the order of arrival, from 1; never given twice.
    pub sequence: u64,
    pub received_at: Timestamp,
    /// Empty for a plain text.
    pub title: String,
    pub text: String,
    /// Who received it.
    pub members: Vec<String>,
}

/// Newest first.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CardPage {
    pub cards: Vec<CardLine>,
    /// How many of the kept messages match, on this page or any other.
    pub matching: usize,
    /// What to pass as [`MailQuery::before`] for the next page; none on the last.
    pub older: Option<u64>,
}

/// A message in WeCom as its members see it.
#[derive(Clone, Debug, Serialize)]
pub struct CardDetail {
    #[serde(flatten)]
    pub line: CardLine,
    pub link: Option<String>,
    /// What can be pressed: keys and words.
    pub buttons: Vec<(String, String)>,
    /// By member in lower case: what stands in place of the buttons.
    pub replaced: BTreeMap<String, String>,
}

/// Implemented over the simulators by whoever starts them. Answers come from memory, so nothing waits.
pub trait Mailboxes: Send + Sync {
    fn list(&self, query: &MailQuery) -> MailPage;

    /// The mail with this sequence, if it is still kept.
    fn find(&self, sequence: u64) -> Option<MailDetail>;

    /// The telephones behind a simulated gateway; none where no such gateway runs.
    fn telephones(&self) -> Option<&dyn Telephones> {
        None
    }

    /// What a simulated corp's members received; none where no such corp runs.
    fn cards(&self) -> Option<&dyn Cards> {
        None
    }
}

/// As [`Mailboxes`], of messages in WeCom.
pub trait Cards {
    fn list(&self, query: &MailQuery) -> CardPage;

    /// The message with this sequence, if it is still kept.
    fn find(&self, sequence: u64) -> Option<CardDetail>;

    /// Has a member press the button with this key. False where they cannot.
    fn press(&self, sequence: u64, member: &str, key: &str) -> bool;
}

/// As [`Mailboxes`], of texts.
pub trait Telephones {
    fn list(&self, query: &MailQuery) -> SmsPage;

    /// The text with this sequence, if it is still kept.
    fn find(&self, sequence: u64) -> Option<SmsDetail>;
}

/// Mails the simulated relay took; [`Error::NotFound`] where none runs. They name people, so reading them takes the
/// permission that revealing addresses takes.
pub fn list(s: &Services, caller: &Caller, query: &MailQuery) -> Result<MailPage> {
    caller.require(Permission::DirectoryReveal)?;
    Ok(mailboxes(s)?.list(query))
}

pub fn get(s: &Services, caller: &Caller, sequence: u64) -> Result<MailDetail> {
    caller.require(Permission::DirectoryReveal)?;
    mailboxes(s)?.find(sequence).ok_or(Error::NotFound("mail"))
}

/// Whether a simulated gateway runs here.
pub fn has_telephones(s: &Services) -> bool {
    s.simulators.as_ref().is_some_and(|simulators| simulators.telephones().is_some())
}

/// As [`list`], of texts that the simulated gateway took.
pub fn list_sms(s: &Services, caller: &Caller, query: &MailQuery) -> Result<SmsPage> {
    caller.require(Permission::DirectoryReveal)?;
    Ok(telephones(s)?.list(query))
}

pub fn get_sms(s: &Services, caller: &Caller, sequence: u64) -> Result<SmsDetail> {
    caller.require(Permission::DirectoryReveal)?;
    telephones(s)?.find(sequence).ok_or(Error::NotFound("sms"))
}

/// Whether a simulated corp runs here.
pub fn has_cards(s: &Services) -> bool {
    s.simulators.as_ref().is_some_and(|simulators| simulators.cards().is_some())
}

/// As [`list`], of messages that the simulated corp took.
pub fn list_cards(s: &Services, caller: &Caller, query: &MailQuery) -> Result<CardPage> {
    caller.require(Permission::DirectoryReveal)?;
    Ok(cards(s)?.list(query))
}

pub fn get_card(s: &Services, caller: &Caller, sequence: u64) -> Result<CardDetail> {
    caller.require(Permission::DirectoryReveal)?;
    cards(s)?.find(sequence).ok_or(Error::NotFound("card"))
}

/// Has a member of the simulated corp press a button. False where they cannot.
pub fn press(s: &Services, caller: &Caller, sequence: u64, member: &str, key: &str) -> Result<bool> {
    caller.require(Permission::DirectoryReveal)?;
    Ok(cards(s)?.press(sequence, member, key))
}

fn cards(s: &Services) -> Result<&dyn Cards> {
    mailboxes(s)?.cards().ok_or(Error::NotFound("simulator"))
}

fn telephones(s: &Services) -> Result<&dyn Telephones> {
    mailboxes(s)?.telephones().ok_or(Error::NotFound("simulator"))
}

fn mailboxes(s: &Services) -> Result<&Arc<dyn Mailboxes>> {
    s.simulators.as_ref().ok_or(Error::NotFound("simulator"))
}
