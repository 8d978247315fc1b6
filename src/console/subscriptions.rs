//! Where applications are told of what happens: the endpoints of all sources, and one with what was sent to it.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use serde::Deserialize;

use super::access::Signed;
use super::again::Grave;
use super::form::Form;
use super::label::Tone;
use super::page::{self, Flash, Section, Shell, Theme, address, see_other};
use super::shown_once;
use super::view::{Markup, View};
use crate::clock::Timestamp;
use crate::domain::id::{HandingId, SourceId, SubscriptionId};
use crate::domain::operator::Permission;
use crate::domain::subscription::{EndpointKind, Handed, Standing, WhyDisabled};
use crate::service::Services;
use crate::service::subscriptions::{self, DEFAULT_OVERLAP, Endpoint, HandingView};
use crate::{Error, Result};

/// What was sent to an endpoint, on a page.
const ON_A_PAGE: u32 = 50;
/// Where a new secret waits for the page that shows it.
const FRESH_SECRET: &str = "fresh_secret";
/// Failures in a row from which on somebody should look.
const TROUBLED: i64 = 2;

/// How an endpoint stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Nothing was sent to it yet.
    New,
    Works,
    Fails,
    Gone,
    Exhausted,
    /// Its source may not be told of anything any more.
    Withdrawn,
}

impl Health {
    fn of(one: &Endpoint) -> Self {
        match (one.view.status, one.view.disabled.as_ref().and_then(|why| why.reason)) {
            (Standing::Disabled, Some(WhyDisabled::Gone)) => Self::Gone,
            (Standing::Disabled, _) => Self::Exhausted,
            (Standing::Active, _) if !one.is_granted => Self::Withdrawn,
            (Standing::Active, _) if one.view.failures >= TROUBLED => Self::Fails,
            (Standing::Active, _) if one.view.last.is_none() => Self::New,
            (Standing::Active, _) => Self::Works,
        }
    }

    fn mark(self, view: &View) -> Markup {
        let (icon, tone, word) = match self {
            Self::New => ("clock", Tone::Quiet, "subscription-new"),
            Self::Works => ("check", Tone::Good, "subscription-works"),
            Self::Fails => ("warning", Tone::Amber, "subscription-fails"),
            Self::Gone => ("ban", Tone::Amber, "subscription-gone"),
            Self::Exhausted => ("failed", Tone::Amber, "subscription-exhausted"),
            Self::Withdrawn => ("pause", Tone::Quiet, "subscription-withdrawn"),
        };
        view.mark(icon, tone, view.t(word))
    }

    const fn is_disabled(self) -> bool {
        matches!(self, Self::Gone | Self::Exhausted)
    }
}

/// An endpoint in the list.
#[derive(Clone, Debug)]
pub struct EndpointRow {
    pub id: SubscriptionId,
    pub kind: EndpointKind,
    /// Or the name of its queue.
    pub host: String,
    pub source: SourceId,
    pub source_name: String,
    pub topics: Vec<String>,
    pub health: Health,
    pub last: Option<Timestamp>,
    /// HTTP, a queue's word, or that no answer came.
    pub answered: Option<String>,
    pub waiting: u64,
}

impl EndpointRow {
    fn is_queue(&self) -> bool {
        self.kind == EndpointKind::Amqp
    }

    fn kind(&self, view: &View) -> String {
        view.t(match self.kind {
            EndpointKind::Amqp => "endpoint-queue",
            EndpointKind::Webhook | EndpointKind::Stream => "endpoint-webhook",
        })
    }
}

#[derive(Debug, Template)]
#[template(path = "console/subscriptions/list.html")]
pub struct EndpointsPage {
    pub shell: Shell,
    pub rows: Vec<EndpointRow>,
}

/// Something that was sent, or waits.
#[derive(Clone, Debug)]
pub struct HandingRow {
    pub id: HandingId,
    pub kind: String,
    pub topic: String,
    pub message: Option<String>,
    pub at: Timestamp,
    pub state: Handed,
    pub attempts: u64,
    pub answered: Option<String>,
    /// The beginning of the answer, or what went wrong.
    pub answer: String,
    pub next: Option<Timestamp>,
}

impl HandingRow {
    fn mark(&self, view: &View) -> Markup {
        let (icon, tone, word) = match self.state {
            Handed::Waiting => ("clock", Tone::Quiet, "handing-waiting"),
            Handed::Sending => ("send", Tone::Active, "handing-sending"),
            Handed::Delivered => ("check", Tone::Good, "handing-delivered"),
            Handed::GivenUp => ("failed", Tone::Amber, "handing-given-up"),
        };
        view.mark(icon, tone, view.t(word))
    }

    fn may_go_again(&self) -> bool {
        self.state != Handed::Sending
    }
}

#[derive(Debug, Template)]
#[template(path = "console/subscriptions/one.html")]
pub struct EndpointPage {
    pub shell: Shell,
    pub row: EndpointRow,
    pub events: Vec<String>,
    pub may_edit: bool,
    pub fresh_secret: Option<String>,
    pub next_attempt: Option<Timestamp>,
    pub old_secret_until: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub handings: Vec<HandingRow>,
    pub newest: Option<String>,
    pub older: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HandingsQuery {
    before: String,
}

fn href(id: SubscriptionId) -> String {
    format!("{LIST}/{id}")
}

const LIST: &str = "/console/subscriptions";

fn row(one: &Endpoint) -> EndpointRow {
    let last = one.view.last.as_ref();
    EndpointRow {
        id: one.view.id,
        kind: one.view.endpoint.kind,
        host: one.host.clone(),
        source: one.source,
        source_name: one.source_name.clone(),
        topics: one.view.topics.clone(),
        health: Health::of(one),
        last: last.map(|called| called.at.into()),
        answered: last
            .map(|called| answered(one.view.endpoint.kind, called.status, called.answer.as_deref()).0),
        waiting: u64::try_from(one.view.waiting).unwrap_or(0),
    }
}

/// A status, the word a queue's answer begins with, or `–` where no answer came; and what is said beside it.
fn answered(kind: EndpointKind, status: Option<i64>, answer: Option<&str>) -> (String, String) {
    let answer = answer.unwrap_or_default();
    let (word, rest) = match (kind, status) {
        (EndpointKind::Amqp, _) if !answer.is_empty() => answer.split_once(": ").unwrap_or((answer, "")),
        (_, Some(status)) => return (status.to_string(), answer.to_owned()),
        (_, None) => ("–", answer),
    };
    (word.to_owned(), rest.to_owned())
}

fn handing(kind: EndpointKind, view: HandingView) -> HandingRow {
    let (word, rest) = answered(kind, view.last_status, view.last_answer.as_deref());
    HandingRow {
        id: view.id,
        kind: view.event.kind,
        topic: view.event.topic.unwrap_or_default(),
        message: view.event.message_id.map(|id| id.to_string()),
        at: view.event.at.into(),
        state: view.state,
        attempts: u64::try_from(view.attempts).unwrap_or(0),
        answered: view.last_attempt_at.map(|_| word),
        answer: rest,
        next: view.next_attempt_at.map(Timestamp::from),
    }
}

pub(super) async fn list(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let all = subscriptions::all(&s, &signed.caller).await?;
    let rows = all.iter().map(row).collect();
    page::html(&EndpointsPage { shell: signed.shell(Section::Sources)?, rows })
}

pub(super) async fn show(
    s: Data<Services>,
    signed: Signed,
    id: Path<SubscriptionId>,
    query: Query<HandingsQuery>,
) -> Result<HttpResponse> {
    let id = id.into_inner();
    let one = subscriptions::get(&s, &signed.caller, id).await?;
    let before: Option<HandingId> = query.before.parse().ok();
    let mut sent = subscriptions::deliveries(&s, &signed.caller, id, before, ON_A_PAGE + 1).await?;
    let more = sent.len() > ON_A_PAGE as usize;
    sent.truncate(ON_A_PAGE as usize);
    let last = sent.last().filter(|_| more).map(|last| last.id.to_string());
    let may_edit = signed.caller.reach(Permission::SourcesEdit).is_ok();
    let view = &one.view;
    let page = EndpointPage {
        row: row(&one),
        events: view.events.iter().map(ToString::to_string).collect(),
        may_edit,
        fresh_secret: shown_once::take(&s, &signed, FRESH_SECRET, &href(id))?,
        next_attempt: view.next_attempt_at.map(Timestamp::from),
        old_secret_until: view.old_secret_until.map(Timestamp::from),
        disabled_at: view.disabled.as_ref().map(|why| why.at.into()),
        created_at: view.created_at.into(),
        handings: sent.into_iter().map(|one| handing(view.endpoint.kind, one)).collect(),
        newest: before.map(|_| href(id)),
        older: last.map(|last| address(&href(id), &[("before", &last)])),
        shell: signed.shell(Section::Sources)?,
    };
    page::html(&page)
}

fn done(signed: &Signed, id: SubscriptionId, said: String) -> Result<HttpResponse> {
    signed.say(&Flash::good(said))?;
    Ok(see_other(&href(id)))
}

pub(super) async fn test(
    s: Data<Services>,
    signed: Signed,
    id: Path<SubscriptionId>,
    _: Form,
) -> Result<HttpResponse> {
    match subscriptions::test(&s, &signed.caller, *id).await {
        Ok(_) => done(&signed, *id, signed.view().t("subscription-was-tested")),
        Err(Error::Conflict { code: "test_waits", .. }) => {
            done(&signed, *id, signed.view().t("subscription-test-waits"))
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn enable(
    s: Data<Services>,
    signed: Signed,
    id: Path<SubscriptionId>,
    _: Form,
) -> Result<HttpResponse> {
    subscriptions::enable(&s, &signed.caller, *id).await?;
    done(&signed, *id, signed.view().t("subscription-was-enabled"))
}

pub(super) async fn replay(
    s: Data<Services>,
    signed: Signed,
    path: Path<(SubscriptionId, HandingId)>,
    _: Form,
) -> Result<HttpResponse> {
    let (id, handing) = path.into_inner();
    subscriptions::replay(&s, &signed.caller, id, handing).await?;
    done(&signed, id, signed.view().t("handing-was-replayed"))
}

pub(super) async fn rotate(
    s: Data<Services>,
    signed: Signed,
    id: Path<SubscriptionId>,
    Grave(form): Grave,
) -> Result<HttpResponse> {
    let overlap = match form.text("overlap") {
        "0" => Duration::ZERO,
        "24" => DEFAULT_OVERLAP,
        "168" => Duration::from_hours(7 * 24),
        _ => return Err(Error::fault("/overlap", "invalid_value", "one of the choices")),
    };
    let rotated = subscriptions::rotate(&s, &signed.caller, *id, overlap).await?;
    shown_once::keep(&s, &signed, FRESH_SECRET, &href(*id), &rotated.secret)?;
    Ok(see_other(&href(*id)))
}

pub(super) async fn delete(
    s: Data<Services>,
    signed: Signed,
    id: Path<SubscriptionId>,
    _: Form,
) -> Result<HttpResponse> {
    subscriptions::delete(&s, &signed.caller, *id).await?;
    signed.say(&Flash::good(signed.view().t("subscription-was-removed")))?;
    Ok(see_other(LIST))
}
