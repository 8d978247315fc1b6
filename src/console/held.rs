//! Held messages: the list of those that wait for a reviewer, and the word of one, given on the message's page.

use actix_web::web::{self, Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::access::Signed;
use super::form::{FieldFaults, Form};
use super::message::{self, DeliveryFilter};
use super::page::{self, Flash, Section, Shell, Theme, address, see_other};
use super::timeline::{actor, why_held};
use super::view::View;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::id::MessageId;
use crate::domain::message::{Category, Status};
use crate::domain::operator::Permission;
use crate::http::params;
use crate::service::Services;
use crate::service::messages::{self, AudienceCounts, EventView, MessageQuery, MessageSummary};
use crate::{Error, Result};

const PATH: &str = "/console/held";
const ON_A_PAGE: u32 = 30;

#[derive(Debug, Template)]
#[template(path = "console/held.html")]
pub struct HeldPage {
    pub shell: Shell,
    pub list: HeldFragment,
}

/// The list, which renews itself.
#[derive(Debug, Template)]
#[template(path = "console/held_list.html")]
pub struct HeldFragment {
    pub view: View,
    /// Path and query of this very list.
    pub here: String,
    pub rows: Vec<HeldRow>,
    pub newest: Option<String>,
    pub older: Option<String>,
}

#[derive(Clone, Debug)]
pub struct HeldRow {
    pub id: MessageId,
    pub title: String,
    pub topic: String,
    pub category: Category,
    /// Sent with a test key.
    pub test: bool,
    /// The system or operator it is from.
    pub from: String,
    pub reason: String,
    pub since: Timestamp,
    pub expires_at: Timestamp,
}

impl HeldRow {
    fn new(view: &View, message: MessageSummary) -> Self {
        Self {
            id: message.id,
            title: message.title,
            topic: message.topic,
            category: message.category,
            test: message.test,
            from: message.source.map(|source| source.name).or(message.operator).unwrap_or_default(),
            reason: why_held(view, message.reason.as_deref().unwrap_or_default()),
            since: message.updated_at,
            expires_at: message.expires_at.into(),
        }
    }
}

/// What a reviewer is asked about a message, or what one said.
#[derive(Debug, Template)]
#[template(path = "console/review.html")]
pub struct ReviewFragment {
    pub view: View,
    pub id: MessageId,
    pub review: Review,
}

#[derive(Clone, Debug)]
pub enum Review {
    Waits {
        /// Why it is held.
        why: String,
        expires_at: Timestamp,
        /// How many it is for now, and of these by each channel.
        people: u64,
        channels: Vec<(ChannelKind, u64)>,
        /// Whoever looks may review messages.
        may: bool,
        /// As typed.
        reason: String,
        faults: FieldFaults,
    },
    Released {
        by: String,
        at: Timestamp,
        /// Perhaps empty.
        why: String,
    },
    Rejected {
        by: String,
        at: Timestamp,
        why: String,
    },
    /// Nobody reviewed it in time.
    Expired,
}

impl Review {
    /// Of a message that is held or was; none of any other. `again`: what was typed and is wrong.
    /// `may`: whoever looks may review it.
    pub(super) fn of(
        signed: &Signed,
        message: &MessageSummary,
        timeline: &[EventView],
        audience: Option<AudienceCounts>,
        again: Option<(String, FieldFaults)>,
        may: bool,
    ) -> Option<Self> {
        if message.status == Status::Held {
            let (reason, faults) = again.unwrap_or_default();
            let number = |n: i64| u64::try_from(n).unwrap_or(0);
            let audience = audience.unwrap_or_default();
            return Some(Self::Waits {
                people: number(audience.total),
                channels: audience.by_channel.iter().map(|(by, n)| (*by, number(n.reachable))).collect(),
                why: why_held(&signed.view(), message.reason.as_deref().unwrap_or_default()),
                expires_at: message.expires_at.into(),
                may,
                reason,
                faults,
            });
        }
        let last = timeline.iter().rfind(|event| matches!(&*event.kind, "held" | "released" | "rejected"))?;
        let text = |name: &str| last.detail.get(name).and_then(|value| value.as_str()).unwrap_or_default();
        let (by, at, why) = (actor(&signed.view(), text("by")), last.at.into(), text("reason").to_owned());
        match last.kind.as_str() {
            "released" => Some(Self::Released { by, at, why }),
            "rejected" => Some(Self::Rejected { by, at, why }),
            _ if message.status == Status::Expired => Some(Self::Expired),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cursor {
    cursor: String,
}

pub(super) async fn list(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    query: Query<Cursor>,
) -> Result<HttpResponse> {
    let cursor = Some(query.cursor.clone()).filter(|cursor| !cursor.is_empty());
    let is_later_page = cursor.is_some();
    let asked =
        MessageQuery { status: Some(Status::Held), cursor, limit: ON_A_PAGE, ..MessageQuery::default() };
    let found = messages::list(&s, &signed.caller, &asked).await?;
    let view = signed.view();
    let list = HeldFragment {
        here: address(PATH, &[("cursor", &query.cursor)]),
        rows: found.items.into_iter().map(|message| HeldRow::new(&view, message)).collect(),
        newest: is_later_page.then(|| PATH.to_owned()),
        older: found.next.map(|next| address(PATH, &[("cursor", &next)])),
        view,
    };
    if page::wants_fragment(&request) {
        return page::html(&list);
    }
    page::html(&HeldPage { shell: signed.shell(Section::Held)?, list })
}

pub(super) async fn release(
    s: Data<Services>,
    signed: Signed,
    path: web::Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let id: MessageId = params::id(&path, "message")?;
    let done = messages::release(&s, &signed.caller, id, form.text("reason")).await;
    after(&s, &signed, id, done, "review-released", &form).await
}

pub(super) async fn reject(
    s: Data<Services>,
    signed: Signed,
    path: web::Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let id: MessageId = params::id(&path, "message")?;
    let done = messages::reject(&s, &signed.caller, id, form.text("reason")).await;
    after(&s, &signed, id, done, "review-rejected", &form).await
}

/// To the message, with what came of it. Where somebody else was faster, their word is shown there.
async fn after(
    s: &Data<Services>,
    signed: &Signed,
    id: MessageId,
    done: Result<()>,
    said: &str,
    form: &Form,
) -> Result<HttpResponse> {
    let view = signed.view();
    match done {
        Ok(()) => signed.say(&Flash::good(view.t(said)))?,
        Err(Error::Conflict { code: "not_held", .. }) => {
            signed.say(&Flash::amber(view.t("review-too-late")))?;
        }
        Err(Error::Forbidden { .. }) if signed.may_somewhere(Permission::MessagesReview) => {
            signed.say(&Flash::amber(view.t("review-own")))?;
        }
        Err(Error::Invalid(faults)) => {
            let again = (form.text("reason").to_owned(), FieldFaults::new(&view, &faults));
            let page = message::open(s, signed, id, DeliveryFilter::default(), Some(again)).await?;
            return page::answer(HttpResponse::UnprocessableEntity(), &page);
        }
        Err(other) => return Err(other),
    }
    Ok(see_other(&format!("/console/messages/{id}")))
}
