//! What the built-in simulator received: the proof, on one machine, that mail really leaves.

use askama::Template;

use super::page::{Fact, Shell, Theme};
use super::view::View;
use crate::clock::Timestamp;

#[derive(Debug, Template)]
#[template(path = "console/mailbox.html")]
pub struct MailboxPage {
    pub shell: Shell,
    pub q: String,
    pub list: MailboxFragment,
}

/// Renews itself while it is looked at.
#[derive(Debug, Template)]
#[template(path = "console/mailbox_list.html")]
pub struct MailboxFragment {
    pub view: View,
    /// Path and query of this very list.
    pub here: String,
    /// All mails received that match.
    pub total: u64,
    pub rows: Vec<MailRow>,
    pub newest: Option<String>,
    pub older: Option<String>,
}

#[derive(Clone, Debug)]
pub struct MailRow {
    pub id: String,
    pub subject: String,
    pub to: String,
    pub at: Timestamp,
}

#[derive(Debug, Template)]
#[template(path = "console/mail.html")]
pub struct MailPage {
    pub shell: Shell,
    pub id: String,
    pub subject: String,
    pub to: String,
    pub at: Timestamp,
    /// Shown in a sandboxed frame from `/console/mailbox/{id}/html`.
    pub has_html: bool,
    pub text: String,
    /// As it came over the wire.
    pub raw: String,
    pub headers: Vec<Fact>,
}
