//! What the members of the built-in corp received in WeCom, with the buttons that they may press.

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::access::Signed;
use super::form::Form;
use super::mailbox::{self, MailFilter, Pages, Tab};
use super::page::{self, Fact, Flash, Section, Shell, Theme};
use super::view::View;
use crate::Result;
use crate::clock::Timestamp;
use crate::http::params;
use crate::service::Services;
use crate::service::simulators::{self, CardLine, MailQuery};

pub(super) const PATH: &str = "/console/mailbox/wecom";
const ON_A_PAGE: usize = 30;
/// Members whose cards are shown; a campus would be too many.
const MEMBERS: usize = 200;

#[derive(Debug, Template)]
#[template(path = "console/cards.html")]
pub struct CardsPage {
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    pub q: String,
    pub list: CardsFragment,
}

/// Renews itself while it is looked at.
#[derive(Debug, Template)]
#[template(path = "console/cards_list.html")]
pub struct CardsFragment {
    pub view: View,
    /// Path and query of this very list.
    pub here: String,
    /// Not all messages were asked for.
    pub filtered: bool,
    /// All messages received that match.
    pub total: u64,
    pub rows: Vec<CardRow>,
    pub newest: Option<String>,
    pub older: Option<String>,
}

#[derive(Clone, Debug)]
pub struct CardRow {
    pub id: String,
    /// Its title, or its text where it has none.
    pub title: String,
    pub members: u64,
    pub at: Timestamp,
}

#[derive(Debug, Template)]
#[template(path = "console/card.html")]
pub struct CardPage {
    pub shell: Shell,
    pub id: String,
    pub title: String,
    pub text: String,
    pub at: Timestamp,
    /// Keys and words.
    pub buttons: Vec<(String, String)>,
    /// Who may press them still.
    pub members: Vec<String>,
    /// Of others, what stands in place of the buttons.
    pub replaced: Vec<(String, String)>,
    pub facts: Vec<Fact>,
}

impl From<CardLine> for CardRow {
    fn from(card: CardLine) -> Self {
        Self {
            id: card.sequence.to_string(),
            title: if card.title.is_empty() { card.text } else { card.title },
            members: card.members.len() as u64,
            at: card.received_at,
        }
    }
}

/// The messages, or their list alone.
pub(super) async fn show(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    filter: web::Query<MailFilter>,
) -> Result<HttpResponse> {
    let MailFilter { q, before } = filter.into_inner();
    let query = MailQuery { q: q.clone(), before, limit: ON_A_PAGE };
    let found = simulators::list_cards(&s, &signed.caller, &query)?;
    let Pages { here, newest, older } = Pages::around(PATH, &query, found.older);
    let list = CardsFragment {
        view: signed.view(),
        here,
        filtered: !q.is_empty(),
        total: found.matching as u64,
        rows: found.cards.into_iter().map(CardRow::from).collect(),
        newest,
        older,
    };
    if page::wants_fragment(&request) {
        return page::html(&list);
    }
    let tabs = mailbox::tabs(&s, &list.view, PATH);
    page::html(&CardsPage { shell: signed.shell(Section::Mailbox)?, tabs, q, list })
}

pub(super) async fn show_card(
    s: Data<Services>,
    signed: Signed,
    id: web::Path<String>,
) -> Result<HttpResponse> {
    let sequence: u64 = params::id(&id, "card")?;
    let card = simulators::get_card(&s, &signed.caller, sequence)?;
    let shell = signed.shell(Section::Mailbox)?;
    let view = &shell.view;
    let count = card.line.members.len() as u64;
    let mut facts = vec![Fact::text(view.t("card-members"), &view.number(count))];
    facts.extend(card.link.as_ref().map(|link| Fact::text(view.t("card-link"), link)));
    let is_open = |member: &&String| !card.replaced.contains_key(&member.to_lowercase());
    let members = card.line.members.iter().filter(is_open).take(MEMBERS).cloned().collect();
    page::html(&CardPage {
        id: sequence.to_string(),
        title: card.line.title,
        text: card.line.text,
        at: card.line.received_at,
        buttons: card.buttons,
        members,
        replaced: card.replaced.into_iter().take(MEMBERS).collect(),
        facts,
        shell,
    })
}

/// A member presses a button.
pub(super) async fn press(
    s: Data<Services>,
    signed: Signed,
    id: web::Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let sequence: u64 = params::id(&id, "card")?;
    let (member, key) = (form.text("member"), form.text("key"));
    let view = signed.view();
    signed.say(&if simulators::press(&s, &signed.caller, sequence, member, key)? {
        Flash::good(view.t1("card-pressed", "member", member))
    } else {
        Flash::amber(view.t("card-not-pressed"))
    })?;
    Ok(page::see_other(&format!("{PATH}/{sequence}")))
}
