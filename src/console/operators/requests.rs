//! Changes of rights that wait for a second administrator: what each would give, to be approved or rejected by another than
//! who proposed it.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

use super::super::access::{Signed, explained};
use super::super::again::Grave;
use super::super::form::{FieldFaults, Form};
use super::super::label::Tone;
use super::super::page::{self, Flash, Section, Shell, Theme, see_other};
use super::super::powers::Difference;
use super::super::shown_once;
use super::super::view::View;
use super::{FRESH_LINK, HOME, holders};
use crate::clock::Timestamp;
use crate::domain::grant::{AnyRole, Grant};
use crate::domain::id::{OperatorId, RightsRequestId};
use crate::domain::operator::Permission;
use crate::domain::rights_change::RightsChange;
use crate::error::Fault;
use crate::http::errors;
use crate::service::Services;
use crate::service::operators::{self, MadeRole, Waiting};
use crate::{Error, Result};

fn href(id: RightsRequestId) -> String {
    format!("{HOME}/requests/{id}")
}

/// A change that waits, in a list.
#[derive(Clone, Debug)]
pub struct RequestRow {
    pub id: RightsRequestId,
    pub what: String,
    pub proposer: String,
    pub proposed_at: Timestamp,
    pub expires_at: Timestamp,
    /// Whoever looks proposed it.
    pub is_own: bool,
}

impl RequestRow {
    fn new(view: &View, signed: &Signed, one: &Waiting) -> Self {
        Self {
            id: one.id,
            what: what(view, one),
            proposer: one.proposer.clone(),
            proposed_at: one.proposed_at,
            expires_at: one.expires_at,
            is_own: one.proposed_by == signed.operator.id,
        }
    }
}

fn what(view: &View, one: &Waiting) -> String {
    view.t1(&format!("request-{}", one.change.name()), "name", &one.about)
}

/// Everything that waits.
pub(super) async fn rows(s: &Services, signed: &Signed) -> Result<Vec<RequestRow>> {
    let view = signed.view();
    let waiting = operators::waiting(s, &signed.caller).await?;
    Ok(waiting.iter().map(|one| RequestRow::new(&view, signed, one)).collect())
}

/// What whoever looks may do with a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It is theirs: they say why, or leave it.
    Own,
    Decide,
    Look,
}

#[derive(Debug, Template)]
#[template(path = "console/operators/request.html")]
pub struct RequestPage {
    pub shell: Shell,
    pub row: RequestRow,
    pub part: Part,
    /// Stands for the change as it is read here.
    pub digest: String,
    /// Whoever looks may look at operators, too.
    pub sees_operators: bool,
    /// The operator it is about, where they are there already, and how they are called.
    pub about: Option<OperatorId>,
    pub about_name: String,
    /// Perhaps empty.
    pub reason: String,
    pub difference: Difference,
    /// Beyond rights: what it opens, or makes an end of.
    pub opens: Option<String>,
    /// What would be held, and where.
    pub roles: Vec<(String, String)>,
    /// Who holds the role it is about, and where.
    pub holders: Vec<(OperatorId, String, String)>,
    /// As it was filled in.
    pub answer: String,
    pub faults: FieldFaults,
    /// Why it was not done.
    pub refusal: Option<String>,
}

async fn open(s: &Services, signed: &Signed, id: RightsRequestId) -> Result<RequestPage> {
    let one = operators::waiting_one(s, &signed.caller, id).await?;
    let shell = signed.shell(Section::Operators)?;
    let view = &shell.view;
    let (mut roles, mut holding, mut opens) = (Vec::new(), Vec::new(), None);
    match &one.change {
        RightsChange::Invite { grants, .. } | RightsChange::Grant { grants, .. } => {
            let made = operators::roles(s, &signed.caller).await?;
            roles = grants.iter().map(|grant| named(view, grant, &made)).collect();
        }
        RightsChange::Role { role, .. } => {
            let all = operators::list(s, &signed.caller).await?;
            holding = holders(view, &all, AnyRole::Made(*role));
        }
        RightsChange::Link { .. } => opens = Some(view.t("request-opens-link")),
        RightsChange::ResetFactor { .. } => opens = Some(view.t("request-opens-factor")),
        RightsChange::CampusId { .. } => {
            let campus_id = one.campus_id.clone().unwrap_or_default();
            opens = Some(view.t1("request-opens-campus", "id", campus_id));
        }
        RightsChange::TurnOff => opens = Some(view.t("request-opens-all")),
        RightsChange::Enable { .. } => {}
    }
    let row = RequestRow::new(view, signed, &one);
    Ok(RequestPage {
        part: if row.is_own {
            Part::Own
        } else if signed.may(Permission::OperatorsEdit) {
            Part::Decide
        } else {
            Part::Look
        },
        row,
        digest: one.digest,
        sees_operators: signed.may(Permission::OperatorsView),
        about: one.change.operator(),
        about_name: one.about,
        difference: Difference::new(view, &one.effect.before, &one.effect.after),
        reason: one.reason,
        opens,
        roles,
        holders: holding,
        answer: String::new(),
        faults: FieldFaults::default(),
        refusal: None,
        shell,
    })
}

fn named(view: &View, grant: &Grant, made: &[MadeRole]) -> (String, String) {
    let name = match grant.role {
        AnyRole::BuiltIn(role) => view.role_name(role.name()),
        AnyRole::Made(id) => {
            made.iter().find(|role| role.id == id).map(|role| role.name.clone()).unwrap_or_default()
        }
    };
    (name, view.where_text(&grant.departments))
}

/// Says that a change waits, and leads to it.
pub(in crate::console) fn lead_to(signed: &Signed, id: RightsRequestId) -> Result<HttpResponse> {
    signed.say(&Flash::amber(signed.view().t("request-waits")))?;
    Ok(see_other(&href(id)))
}

pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    id: Path<RightsRequestId>,
) -> Result<HttpResponse> {
    page::html(&open(&s, &signed, *id).await?)
}

pub(in crate::console) async fn approve(
    s: Data<Services>,
    signed: Signed,
    id: Path<RightsRequestId>,
    Grave(form): Grave,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::OperatorsEdit)?;
    match operators::approve(&s, &signed.caller, *id, form.text("read")).await {
        Ok(made) => {
            signed.say(&Flash::good(signed.view().t("request-approved")))?;
            let Some(operator) = made.operator else { return Ok(see_other(HOME)) };
            let page = super::href(operator);
            if let Some(link) = made.link {
                shown_once::keep(&s, &signed, FRESH_LINK, &page, &link)?;
            }
            Ok(see_other(&page))
        }
        // What somebody may not approve, or nobody any more, is said where it stands.
        Err(error @ (Error::Conflict { .. } | Error::Forbidden { .. })) => {
            let mut page = open(&s, &signed, *id).await?;
            let beyond = || page.shell.view.t("request-beyond");
            page.refusal = Some(explained(&page.shell.view, &error).unwrap_or_else(beyond));
            page::answer(errors::begin(&error), &page)
        }
        Err(other) => Err(other),
    }
}

pub(in crate::console) async fn reject(
    s: Data<Services>,
    signed: Signed,
    id: Path<RightsRequestId>,
    form: Form,
) -> Result<HttpResponse> {
    let reason = form.text("reason");
    match operators::reject(&s, &signed.caller, *id, reason).await {
        Ok(()) => {
            signed.say(&Flash::good(signed.view().t("request-rejected")))?;
            Ok(see_other(HOME))
        }
        Err(Error::Invalid(faults)) => {
            refused(&s, &signed, *id, &faults, |page| reason.clone_into(&mut page.answer)).await
        }
        Err(other) => Err(other),
    }
}

pub(in crate::console) async fn withdraw(
    s: Data<Services>,
    signed: Signed,
    id: Path<RightsRequestId>,
    _: Form,
) -> Result<HttpResponse> {
    operators::withdraw(&s, &signed.caller, *id).await?;
    signed.say(&Flash::good(signed.view().t("request-withdrawn")))?;
    Ok(see_other(if signed.may(Permission::OperatorsView) { HOME } else { "/console" }))
}

pub(in crate::console) async fn explain(
    s: Data<Services>,
    signed: Signed,
    id: Path<RightsRequestId>,
    form: Form,
) -> Result<HttpResponse> {
    let reason = form.text("reason");
    match operators::explain(&s, &signed.caller, *id, reason).await {
        Ok(()) => {
            signed.say(&Flash::good(signed.view().t("request-explained")))?;
            Ok(see_other(&href(*id)))
        }
        Err(Error::Invalid(faults)) => {
            refused(&s, &signed, *id, &faults, |page| reason.clone_into(&mut page.reason)).await
        }
        Err(other) => Err(other),
    }
}

/// The page with what was typed, and what is wrong with it.
async fn refused(
    s: &Services,
    signed: &Signed,
    id: RightsRequestId,
    faults: &[Fault],
    keep: impl FnOnce(&mut RequestPage),
) -> Result<HttpResponse> {
    let mut page = open(s, signed, id).await?;
    page.faults = FieldFaults::new(&page.shell.view, faults);
    keep(&mut page);
    page::answer(HttpResponse::UnprocessableEntity(), &page)
}
