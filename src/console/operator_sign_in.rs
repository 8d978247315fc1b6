//! How another operator signs in: their second factor, the campus id they may come in with, the sessions they have open.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

use super::access::Signed;
use super::account::{self, sessions::SessionLine};
use super::again::Grave;
use super::form::{FieldFaults, Form};
use super::label::Tone;
use super::operators::requests;
use super::page::{self, Flash, Section, Shell, Theme, see_other};
use crate::domain::id::OperatorId;
use crate::domain::operator::Permission;
use crate::service::Services;
use crate::service::operators::{self, Factor, Operator, Settled};
use crate::service::sessions::OpenSession;
use crate::{Error, Result};

#[derive(Debug, Template)]
#[template(path = "console/operator_sign_in.html")]
pub struct OperatorSignInPage {
    pub shell: Shell,
    pub id: OperatorId,
    pub name: String,
    pub email: String,
    pub has_password: bool,
    pub may_edit: bool,
    /// Whatever opens a way in waits for a second administrator.
    pub needs_second: bool,
    pub factor: Option<Factor>,
    /// Operators come in by the university's own sign-in, too.
    pub has_campus: bool,
    /// As it was filled in.
    pub campus_id: String,
    pub sessions: Vec<SessionLine>,
    pub faults: FieldFaults,
}

fn href(id: OperatorId) -> String {
    format!("/console/operators/{id}/sign-in")
}

async fn open(s: &Services, signed: &Signed, id: OperatorId) -> Result<OperatorSignInPage> {
    let Operator { email, name, has_password, .. } = operators::get(s, &signed.caller, id).await?;
    let shell = signed.shell(Section::Operators)?;
    let open = operators::open_sessions(s, &signed.caller, id).await?;
    Ok(OperatorSignInPage {
        id,
        name,
        email,
        has_password,
        may_edit: signed.may(Permission::OperatorsEdit),
        needs_second: operators::needs_second(s).await?,
        factor: operators::factor(s, id).await?,
        has_campus: s.sign_in.is_some(),
        campus_id: operators::campus_id(s, &signed.caller, id).await?.unwrap_or_default(),
        sessions: open
            .into_iter()
            .map(|session| SessionLine::new(&shell.view, session, "", &href(id)))
            .collect(),
        faults: FieldFaults::default(),
        shell,
    })
}

/// One's own is on the account page.
pub(super) async fn show(s: Data<Services>, signed: Signed, id: Path<OperatorId>) -> Result<HttpResponse> {
    if signed.operator.id == *id {
        return Ok(see_other(account::HOME));
    }
    page::html(&open(&s, &signed, *id).await?)
}

pub(super) async fn reset_factor(
    s: Data<Services>,
    signed: Signed,
    id: Path<OperatorId>,
    _: Grave,
) -> Result<HttpResponse> {
    if let Settled::Waits(request) = operators::reset_factor(&s, &signed.caller, *id).await? {
        return requests::lead_to(&signed, request);
    }
    signed.say(&Flash::good(signed.view().t("factor-was-reset")))?;
    Ok(see_other(&href(*id)))
}

pub(super) async fn link_campus_id(
    s: Data<Services>,
    signed: Signed,
    id: Path<OperatorId>,
    Grave(form): Grave,
) -> Result<HttpResponse> {
    match operators::link_campus_id(&s, &signed.caller, *id, form.text("campus_id")).await {
        Ok(Settled::Waits(request)) => requests::lead_to(&signed, request),
        Ok(Settled::Done(())) => {
            signed.say(&Flash::good(signed.view().t("campus-id-saved")))?;
            Ok(see_other(&href(*id)))
        }
        Err(Error::Invalid(faults)) => {
            let mut page = open(&s, &signed, *id).await?;
            page.faults = FieldFaults::new(&page.shell.view, &faults);
            form.text("campus_id").clone_into(&mut page.campus_id);
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
        Err(other) => Err(other),
    }
}

pub(super) async fn end_session(
    s: Data<Services>,
    signed: Signed,
    path: Path<(OperatorId, String)>,
    _: Form,
) -> Result<HttpResponse> {
    let (id, name) = path.into_inner();
    end(&s, &signed, id, |session| session.name == name).await
}

pub(super) async fn end_sessions(
    s: Data<Services>,
    signed: Signed,
    id: Path<OperatorId>,
    _: Form,
) -> Result<HttpResponse> {
    end(&s, &signed, *id, |_| true).await
}

async fn end(
    s: &Services,
    signed: &Signed,
    id: OperatorId,
    which: impl Fn(&OpenSession) -> bool,
) -> Result<HttpResponse> {
    let ended = operators::end_sessions(s, &signed.caller, id, which).await?;
    account::sessions::tell(signed, ended)?;
    Ok(see_other(&href(id)))
}
