//! Systems that asked for a key by themselves: those that wait, and one of them with what it asks for, to be narrowed and
//! approved, or rejected.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

use super::access::{Signed, explained};
use super::again::Grave;
use super::form::{FieldFaults, Form};
use super::page::{self, Fact, Flash, Section, Shell, Theme, see_other};
use super::source_pages;
use super::sources::SourceForm;
use super::view::View;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::id::{RegistrationId, SourceId};
use crate::domain::operator::Permission;
use crate::domain::registration::RegistrationState;
use crate::domain::source::Right;
use crate::error::Fault;
use crate::http::errors;
use crate::service::Services;
use crate::service::sources::GroupChoice;
use crate::service::sources::registrations::{self, Doubts, LONGEST_REASON, RegistrationRow};
use crate::{Error, Result};

pub(super) const HOME: &str = "/console/sources/registrations";

pub(super) fn href(id: RegistrationId) -> String {
    format!("{HOME}/{id}")
}

#[derive(Debug, Template)]
#[template(path = "console/registrations.html")]
pub struct RegistrationsPage {
    pub shell: Shell,
    /// The oldest first.
    pub waiting: Vec<WaitingRow>,
    /// The latest first.
    pub decided: Vec<DecidedRow>,
}

/// One that waits.
#[derive(Clone, Debug)]
pub struct WaitingRow {
    pub id: RegistrationId,
    pub name: String,
    pub department: String,
    pub contact_name: String,
    pub network: String,
    pub created_at: Timestamp,
    pub ends_at: Timestamp,
}

/// One that was decided.
#[derive(Clone, Debug)]
pub struct DecidedRow {
    pub id: RegistrationId,
    pub name: String,
    pub department: String,
    pub state: RegistrationState,
    pub by: String,
    pub at: Timestamp,
}

#[derive(Debug, Template)]
#[template(path = "console/registration.html")]
pub struct RegistrationPage {
    pub shell: Shell,
    pub id: RegistrationId,
    pub name: String,
    pub department: String,
    pub state: RegistrationState,
    /// What it asks for.
    pub purpose: String,
    pub topics: Vec<String>,
    pub channels: Vec<ChannelKind>,
    pub facts: Vec<Fact>,
    /// Why it was rejected; else empty.
    pub reason: String,
    /// What it was approved as.
    pub source: Option<SourceId>,
    /// Whoever looks may decide it.
    pub may_decide: bool,
    pub doubts: Doubts,
    /// What it would be granted.
    pub form: SourceForm,
    pub groups: Vec<GroupChoice>,
    pub limited: bool,
    /// Others from the same network that wait and that whoever looks may decide.
    pub others: u64,
    /// A reason to reject it, as it was filled in.
    pub answer: String,
    pub faults: FieldFaults,
    /// Why it was not done.
    pub refusal: Option<String>,
}

pub(super) async fn list(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let waiting = registrations::waiting(&s, &signed.caller).await?;
    let decided = registrations::decided(&s, &signed.caller).await?;
    let now = s.clock.now();
    page::html(&RegistrationsPage {
        shell: signed.shell(Section::Sources)?,
        waiting: waiting.into_iter().map(WaitingRow::from).collect(),
        decided: decided.into_iter().map(|row| DecidedRow::new(row, now)).collect(),
    })
}

impl From<RegistrationRow> for WaitingRow {
    fn from(row: RegistrationRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            department: row.department,
            contact_name: row.contact_name,
            network: row.network,
            created_at: row.created_at,
            ends_at: row.ends_at,
        }
    }
}

impl DecidedRow {
    fn new(row: RegistrationRow, now: Timestamp) -> Self {
        Self {
            id: row.id,
            state: row.standing(now),
            at: row.decided_at.unwrap_or(row.created_at),
            name: row.name,
            department: row.department,
            by: row.decided_by.unwrap_or_default(),
        }
    }
}

/// A registration as its page begins with it.
async fn open(s: &Services, signed: &Signed, id: RegistrationId) -> Result<RegistrationPage> {
    let row = registrations::get(s, &signed.caller, id).await?;
    let doubts = registrations::doubts(s, &signed.caller, &row).await?;
    let shell = signed.shell(Section::Sources)?;
    let state = row.standing(s.clock.now());
    let may_decide =
        state == RegistrationState::Pending && signed.may_in(Permission::SourcesEdit, &row.department);
    let (mut groups, mut others) = (Vec::new(), 0);
    if may_decide {
        groups = source_pages::choices(s, signed, &[]).await?;
        let is_like = |other: &&RegistrationRow| {
            other.id != id
                && other.network == row.network
                && signed.may_in(Permission::SourcesEdit, &other.department)
        };
        others = registrations::waiting(s, &signed.caller).await?.iter().filter(is_like).count() as u64;
    }
    let topics = source_pages::texts(&row.topics.0);
    Ok(RegistrationPage {
        id,
        state,
        facts: facts(&shell.view, &row, state),
        form: SourceForm {
            name: row.name.clone(),
            department: row.department.clone(),
            topics: topics.join("\n"),
            channels: row.channels.0.clone(),
            ..SourceForm::default()
        },
        name: row.name,
        department: row.department,
        purpose: row.purpose,
        topics,
        channels: row.channels.0,
        reason: row.reason,
        source: row.source_id,
        may_decide,
        doubts,
        groups,
        limited: source_pages::is_limited(signed),
        others,
        answer: String::new(),
        faults: FieldFaults::default(),
        refusal: None,
        shell,
    })
}

fn facts(view: &View, row: &RegistrationRow, state: RegistrationState) -> Vec<Fact> {
    let contact = format!("{} {}", row.contact_name, row.contact_email);
    let mut facts = vec![
        Fact::text(view.t("registration-contact"), &contact),
        Fact::text(view.t("registration-network"), &row.network),
        Fact::markup(view.t("registration-at"), view.ago(row.created_at)),
    ];
    match state {
        RegistrationState::Pending => {
            facts.push(Fact::markup(view.t("registration-until"), view.at(row.ends_at)));
        }
        RegistrationState::Approved => {
            facts.push(match row.handed_at {
                Some(at) => Fact::markup(view.t("registration-handed"), view.ago(at)),
                None => Fact::markup(view.t("registration-owed"), view.at(row.ends_at)),
            });
        }
        RegistrationState::Rejected | RegistrationState::Expired => {}
    }
    facts.extend(row.decided_by.as_ref().map(|by| Fact::text(view.t("registration-by"), by)));
    facts.extend(row.decided_at.map(|at| Fact::markup(view.t("registration-decided"), view.ago(at))));
    facts
}

pub(super) async fn show(
    s: Data<Services>,
    signed: Signed,
    id: Path<RegistrationId>,
) -> Result<HttpResponse> {
    page::html(&open(&s, &signed, *id).await?)
}

pub(super) async fn approve(
    s: Data<Services>,
    signed: Signed,
    id: Path<RegistrationId>,
    Grave(form): Grave,
) -> Result<HttpResponse> {
    let new = source_pages::new_source(&form);
    match registrations::approve(&s, &signed.caller, *id, new).await {
        Ok(source) => {
            signed.say(&Flash::good(signed.view().t("registration-was-approved")))?;
            Ok(see_other(&source_pages::href(source)))
        }
        Err(Error::Invalid(faults)) => {
            let mut page = open(&s, &signed, *id).await?;
            page.form = source_pages::typed(&form);
            page.groups = source_pages::choices(&s, &signed, &page.form.groups).await?;
            page.faults = source_pages::field_faults(&page.shell.view, &form, &page.groups, &faults);
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
        Err(error @ Error::Conflict { .. }) => refused(&s, &signed, *id, &error).await,
        Err(other) => Err(other),
    }
}

pub(super) async fn reject(
    s: Data<Services>,
    signed: Signed,
    id: Path<RegistrationId>,
    form: Form,
) -> Result<HttpResponse> {
    let (reason, all) = (form.text("reason"), form.text("all") == "true");
    match registrations::reject(&s, &signed.caller, *id, reason, all).await {
        Ok(rejected) => {
            signed.say(&Flash::good(signed.view().count("registration-was-rejected", rejected)))?;
            Ok(see_other(HOME))
        }
        Err(Error::Invalid(faults)) => faulty(&s, &signed, *id, reason, &faults).await,
        Err(error @ Error::Conflict { .. }) => refused(&s, &signed, *id, &error).await,
        Err(other) => Err(other),
    }
}

/// The page with the reason as it was filled in.
async fn faulty(
    s: &Services,
    signed: &Signed,
    id: RegistrationId,
    reason: &str,
    faults: &[Fault],
) -> Result<HttpResponse> {
    let mut page = open(s, signed, id).await?;
    page.faults = FieldFaults::new(&page.shell.view, faults);
    reason.clone_into(&mut page.answer);
    page::answer(HttpResponse::UnprocessableEntity(), &page)
}

/// What nobody may decide any more is said where it stands.
async fn refused(s: &Services, signed: &Signed, id: RegistrationId, error: &Error) -> Result<HttpResponse> {
    let mut page = open(s, signed, id).await?;
    page.refusal = explained(&page.shell.view, error);
    page::answer(errors::begin(error), &page)
}
