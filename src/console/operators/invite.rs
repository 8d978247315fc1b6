//! Somebody is invited: named, given roles, and sent a link by which they choose their password.

use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;

use super::super::access::Signed;
use super::super::again::Grave;
use super::super::form::FieldFaults;
use super::super::page::{self, Section, Shell, Theme, see_other};
use super::super::shown_once;
use super::form::GrantsForm;
use super::{FRESH_LINK, href};
use crate::Result;
use crate::domain::operator::Permission;
use crate::service::Services;
use crate::service::operators::{self, NewOperator, Settled};

#[derive(Debug, Template)]
#[template(path = "console/operators/invite.html")]
pub struct InvitePage {
    pub shell: Shell,
    pub name: String,
    pub email: String,
    pub grants: GrantsForm,
    pub needs_second: bool,
    pub faults: FieldFaults,
}

pub(in crate::console) async fn show(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    signed.caller.require(Permission::OperatorsEdit)?;
    page::html(&InvitePage {
        shell: signed.shell(Section::Operators)?,
        name: String::new(),
        email: String::new(),
        grants: GrantsForm::new(&s, &signed, &[]).await?,
        needs_second: operators::needs_second(&s).await?,
        faults: FieldFaults::default(),
    })
}

pub(in crate::console) async fn create(
    s: Data<Services>,
    signed: Signed,
    Grave(form): Grave,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::OperatorsEdit)?;
    let filled = GrantsForm::filled(&s, &signed, &form).await?;
    let view = signed.view();
    let faults = match filled.grants(&view) {
        Err(faults) => faults,
        Ok(grants) => {
            let new = NewOperator {
                email: form.text("email").to_owned(),
                name: form.text("name").to_owned(),
                grants,
                password: None,
            };
            match operators::create(&s, &signed.caller, new).await {
                Ok(Settled::Waits(request)) => return super::requests::lead_to(&signed, request),
                Ok(Settled::Done(made)) => {
                    let page = href(made.operator_id);
                    if let Some(link) = made.link {
                        shown_once::keep(&s, &signed, FRESH_LINK, &page, &link)?;
                    }
                    return Ok(see_other(&page));
                }
                Err(error) => super::rights::refusal(&view, error)?,
            }
        }
    };
    let page = InvitePage {
        shell: signed.shell(Section::Operators)?,
        name: form.text("name").to_owned(),
        email: form.text("email").to_owned(),
        grants: filled,
        needs_second: operators::needs_second(&s).await?,
        faults,
    };
    page::answer(HttpResponse::UnprocessableEntity(), &page)
}
