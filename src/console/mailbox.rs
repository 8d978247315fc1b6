//! What the built-in simulator received: the proof, on one machine, that mail really leaves.

use actix_web::http::header;
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::access::Signed;
use super::page::{self, Fact, Section, Shell, Theme, address};
use super::view::View;
use super::{cards, telephones};
use crate::clock::Timestamp;
use crate::http::params;
use crate::service::Services;
use crate::service::simulators::{self, MailDetail, MailLine, MailQuery};
use crate::{Error, Result};

const PATH: &str = "/console/mailbox";
const ON_A_PAGE: usize = 30;
/// A mail's own markup may look like anything and do nothing, not even fetch an image. Only our page may frame it.
const HARMLESS: &str =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";

/// One simulator of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab {
    pub href: &'static str,
    pub text: String,
    pub is_open: bool,
}

#[derive(Debug, Template)]
#[template(path = "console/mailbox.html")]
pub struct MailboxPage {
    pub shell: Shell,
    pub tabs: Vec<Tab>,
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
    /// Not all mails were asked for.
    pub filtered: bool,
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

/// As in the address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MailFilter {
    pub(super) q: String,
    pub(super) before: Option<u64>,
}

impl From<MailLine> for MailRow {
    fn from(mail: MailLine) -> Self {
        Self {
            id: mail.sequence.to_string(),
            subject: mail.subject,
            to: mail.recipients.join(", "),
            at: mail.received_at,
        }
    }
}

/// The mailbox, or its list alone.
pub(super) async fn show(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    filter: web::Query<MailFilter>,
) -> Result<HttpResponse> {
    let MailFilter { q, before } = filter.into_inner();
    let query = MailQuery { q: q.clone(), before, limit: ON_A_PAGE };
    let found = simulators::list(&s, &signed.caller, &query)?;
    let Pages { here, newest, older } = Pages::around(PATH, &query, found.older);
    let list = MailboxFragment {
        view: signed.view(),
        here,
        filtered: !q.is_empty(),
        total: found.matching as u64,
        rows: found.mails.into_iter().map(MailRow::from).collect(),
        newest,
        older,
    };
    if page::wants_fragment(&request) {
        return page::html(&list);
    }
    let tabs = tabs(&s, &list.view, PATH);
    page::html(&MailboxPage { shell: signed.shell(Section::Mailbox)?, tabs, q, list })
}

/// Where a page of a simulator's list and those next to it are.
pub(super) struct Pages {
    pub(super) here: String,
    pub(super) newest: Option<String>,
    pub(super) older: Option<String>,
}

impl Pages {
    pub(super) fn around(path: &str, query: &MailQuery, older: Option<u64>) -> Self {
        let from = |before: Option<u64>| {
            let before = before.map(|sequence| sequence.to_string()).unwrap_or_default();
            address(path, &[("q", &query.q), ("before", &before)])
        };
        Self {
            here: from(query.before),
            newest: query.before.map(|_| from(None)),
            older: older.map(|sequence| from(Some(sequence))),
        }
    }
}

/// The simulators there are, and which of them is open. One alone needs no choice.
pub(super) fn tabs(s: &Services, view: &View, open: &str) -> Vec<Tab> {
    let tab = |href: &'static str, key: &str| Tab { href, text: view.t(key), is_open: href == open };
    let others = [
        (simulators::has_telephones(s), telephones::PATH, "channel-sms"),
        (simulators::has_cards(s), cards::PATH, "cards-tab"),
    ];
    let mut tabs = vec![tab(PATH, "channel-email")];
    tabs.extend(others.into_iter().filter(|(runs, ..)| *runs).map(|(_, path, key)| tab(path, key)));
    if tabs.len() > 1 { tabs } else { Vec::new() }
}

fn find(s: &Services, signed: &Signed, id: &str) -> Result<MailDetail> {
    simulators::get(s, &signed.caller, params::id(id, "mail")?)
}

pub(super) async fn show_mail(
    s: Data<Services>,
    signed: Signed,
    id: web::Path<String>,
) -> Result<HttpResponse> {
    let mail = find(&s, &signed, &id)?;
    let row = MailRow::from(mail.line);
    page::html(&MailPage {
        shell: signed.shell(Section::Mailbox)?,
        id: row.id,
        subject: row.subject,
        to: row.to,
        at: row.at,
        has_html: mail.html.is_some(),
        text: mail.text.unwrap_or_default(),
        raw: mail.source,
        headers: mail.headers.into_iter().map(|(name, value)| Fact::text(name, &value)).collect(),
    })
}

/// A mail's markup for the frame on its page.
pub(super) async fn show_html(
    s: Data<Services>,
    signed: Signed,
    id: web::Path<String>,
) -> Result<HttpResponse> {
    let body = find(&s, &signed, &id)?.html.ok_or(Error::NotFound("mail"))?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, HARMLESS))
        .insert_header((header::X_FRAME_OPTIONS, "SAMEORIGIN"))
        .body(body))
}
