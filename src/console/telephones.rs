//! What the built-in gateway's telephones received: the texts as people would read them, with what they cost and what
//! the gateway told of them.

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::access::Signed;
use super::mailbox::{self, MailFilter, Pages, Tab};
use super::page::{self, Fact, Section, Shell, Theme};
use super::view::View;
use crate::Result;
use crate::clock::Timestamp;
use crate::http::params;
use crate::service::Services;
use crate::service::simulators::{self, MailQuery, SmsLine};

pub(super) const PATH: &str = "/console/mailbox/sms";
const ON_A_PAGE: usize = 30;

#[derive(Debug, Template)]
#[template(path = "console/telephones.html")]
pub struct TelephonesPage {
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    pub q: String,
    pub list: TelephonesFragment,
}

/// Renews itself while it is looked at.
#[derive(Debug, Template)]
#[template(path = "console/telephones_list.html")]
pub struct TelephonesFragment {
    pub view: View,
    /// Path and query of this very list.
    pub here: String,
    /// Not all texts were asked for.
    pub filtered: bool,
    /// All texts received that match.
    pub total: u64,
    pub rows: Vec<SmsRow>,
    pub newest: Option<String>,
    pub older: Option<String>,
}

#[derive(Clone, Debug)]
pub struct SmsRow {
    pub id: String,
    pub text: String,
    pub number: String,
    pub segments: u64,
    /// The carrier's word, such as `DELIVRD`.
    pub receipt: Option<String>,
    pub at: Timestamp,
}

#[derive(Debug, Template)]
#[template(path = "console/telephone.html")]
pub struct SmsPage {
    pub shell: Shell,
    pub number: String,
    pub at: Timestamp,
    pub text: String,
    pub facts: Vec<Fact>,
    /// The call that brought it, as it came over the wire.
    pub source: String,
}

impl From<SmsLine> for SmsRow {
    fn from(sms: SmsLine) -> Self {
        Self {
            id: sms.sequence.to_string(),
            text: sms.text,
            number: sms.number,
            segments: sms.segments as u64,
            receipt: sms.receipt,
            at: sms.received_at,
        }
    }
}

/// The texts, or their list alone.
pub(super) async fn show(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    filter: web::Query<MailFilter>,
) -> Result<HttpResponse> {
    let MailFilter { q, before } = filter.into_inner();
    let query = MailQuery { q: q.clone(), before, limit: ON_A_PAGE };
    let found = simulators::list_sms(&s, &signed.caller, &query)?;
    let Pages { here, newest, older } = Pages::around(PATH, &query, found.older);
    let list = TelephonesFragment {
        view: signed.view(),
        here,
        filtered: !q.is_empty(),
        total: found.matching as u64,
        rows: found.texts.into_iter().map(SmsRow::from).collect(),
        newest,
        older,
    };
    if page::wants_fragment(&request) {
        return page::html(&list);
    }
    let tabs = mailbox::tabs(&s, &list.view, PATH);
    page::html(&TelephonesPage { shell: signed.shell(Section::Mailbox)?, tabs, q, list })
}

pub(super) async fn show_sms(
    s: Data<Services>,
    signed: Signed,
    id: web::Path<String>,
) -> Result<HttpResponse> {
    let sms = simulators::get_sms(&s, &signed.caller, params::id(&id, "sms")?)?;
    let shell = signed.shell(Section::Mailbox)?;
    let view = &shell.view;
    let characters = sms.line.text.chars().count() as u64;
    let receipt = sms.line.receipt.unwrap_or_else(|| view.t("sms-no-receipt"));
    let facts = vec![
        Fact::text(view.t("column-number"), &sms.line.number),
        Fact::text(view.t("sms-length"), &view.count("sms-characters", characters)),
        Fact::text(view.t("column-segments"), &view.count("sms-segments", sms.line.segments as u64)),
        Fact::text(view.t("sms-call"), &sms.call),
        Fact::text(view.t("receipt-title"), &receipt),
    ];
    page::html(&SmsPage {
        number: sms.line.number,
        at: sms.line.received_at,
        text: sms.line.text,
        source: sms.source,
        facts,
        shell,
    })
}
