//! What people wrote back to texts.

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;

use super::HOME;
use super::receipts::Paging;
use crate::Result;
use crate::clock::Timestamp;
use crate::console::access::Signed;
use crate::console::messages::read;
use crate::console::page::{self, Section, Shell, Theme, address};
use crate::domain::operator::Permission;
use crate::service::Services;
use crate::service::callback_events::{self, Replier, ReplyView};

const HERE: &str = "replies";
const ON_A_PAGE: u32 = 30;

#[derive(Debug, Template)]
#[template(path = "console/providers/replies.html")]
pub struct RepliesPage {
    pub shell: Shell,
    /// Whoever looks may look at people.
    pub links_people: bool,
    pub replies: Vec<Reply>,
    /// Link to the latest, from earlier ones.
    pub newest: Option<String>,
    pub older: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Reply {
    /// Whoever has the number, where that is one person.
    pub person: Option<Replier>,
    /// Masked, as are numbers in the text.
    pub number: String,
    pub text: String,
    pub provider: String,
    pub received_at: Timestamp,
    /// It asked to be left alone, and is.
    pub stops: bool,
}

pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    paging: Query<Paging>,
) -> Result<HttpResponse> {
    // A cursor that nobody gave out is taken for none.
    let before = read::<i64>(&paging.cursor).flatten();
    let mut found = callback_events::show_replies(&s, &signed.caller, before, ON_A_PAGE + 1).await?;
    let more = found.len() > ON_A_PAGE as usize;
    found.truncate(ON_A_PAGE as usize);
    let there = |cursor: &str| address(&format!("{HOME}/{HERE}"), &[("cursor", cursor)]);
    let older = found.last().filter(|_| more).map(|last| there(&last.id.to_string()));
    page::html(&RepliesPage {
        shell: signed.shell(Section::Providers)?,
        links_people: signed.may(Permission::DirectoryView),
        replies: found.into_iter().map(Reply::from).collect(),
        newest: before.map(|_| there("")),
        older,
    })
}

impl From<ReplyView> for Reply {
    fn from(reply: ReplyView) -> Self {
        let ReplyView { person, number, text, provider, received_at, stops, id: _ } = reply;
        Self { person, number, text, provider, received_at, stops }
    }
}
