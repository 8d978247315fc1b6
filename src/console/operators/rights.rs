//! What somebody holds is changed: chosen first, then read as what it gives and takes, and only then done.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

use super::super::access::Signed;
use super::super::again::Grave;
use super::super::form::FieldFaults;
use super::super::label::Tone;
use super::super::page::{self, Flash, Section, Shell, Theme, see_other};
use super::super::powers::Difference;
use super::super::view::View;
use super::form::{GrantsForm, fields};
use super::{Hold, href, kept};
use crate::domain::grant::Grant;
use crate::domain::id::OperatorId;
use crate::domain::operator::Permission;
use crate::service::Services;
use crate::service::operators::{self, Operator};
use crate::{Error, Result};

#[derive(Debug, Template)]
#[template(path = "console/operators/rights.html")]
pub struct RightsPage {
    pub shell: Shell,
    pub id: OperatorId,
    pub name: String,
    pub grants: GrantsForm,
    pub faults: FieldFaults,
}

/// What a change would mean, before it is made.
#[derive(Debug, Template)]
#[template(path = "console/operators/rights_confirm.html")]
pub struct ConfirmPage {
    pub shell: Shell,
    pub id: OperatorId,
    pub name: String,
    pub difference: Difference,
    /// What was chosen, as hidden fields.
    pub fields: Vec<(String, String)>,
}

pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    id: Path<OperatorId>,
) -> Result<HttpResponse> {
    let operator = changeable(&s, &signed, *id).await?;
    page::html(&RightsPage {
        shell: signed.shell(Section::Operators)?,
        id: operator.id,
        grants: GrantsForm::new(&s, &signed, &kept(&operator)).await?,
        name: operator.name,
        faults: FieldFaults::default(),
    })
}

/// The operator, if whoever asks may change what they hold at all.
async fn changeable(s: &Services, signed: &Signed, id: OperatorId) -> Result<Operator> {
    signed.caller.require(Permission::OperatorsEdit)?;
    let operator = operators::get(s, &signed.caller, id).await?;
    match Hold::new(signed, &operator, &[]) {
        Hold::Own => {
            Err(Error::conflict("own_rights", "nobody changes their own rights; ask another operator"))
        }
        Hold::Beyond | Hold::None => Err(Error::forbidden(
            Permission::OperatorsEdit.name(),
            "these rights go beyond your own; ask somebody who holds them",
        )),
        Hold::Full | Hold::LastOwner => Ok(operator),
    }
}

pub(in crate::console) async fn change(
    s: Data<Services>,
    signed: Signed,
    id: Path<OperatorId>,
    Grave(form): Grave,
) -> Result<HttpResponse> {
    let operator = changeable(&s, &signed, *id).await?;
    let filled = GrantsForm::filled(&s, &signed, &form).await?;
    let view = signed.view();
    let faults = match filled.grants(&view) {
        Err(faults) => faults,
        Ok(grants) => match form.text("step") {
            "choose" => FieldFaults::default(),
            "confirm" => match operators::set_grants(&s, &signed.caller, *id, grants).await {
                Ok(()) => {
                    signed.say(&Flash::good(view.t("operator-rights-changed")))?;
                    return Ok(see_other(&href(*id)));
                }
                Err(error) => refusal(&view, error)?,
            },
            _ if grants.is_empty() => nothing_chosen(&view),
            _ if !within(&s, &signed, &grants).await? => beyond(&view),
            _ => return confirm(&s, &signed, operator, &grants).await,
        },
    };
    let page = RightsPage {
        shell: signed.shell(Section::Operators)?,
        id: *id,
        name: operator.name,
        grants: filled,
        faults,
    };
    let is_refused = !page.faults.is_empty();
    page::answer(if is_refused { HttpResponse::UnprocessableEntity() } else { HttpResponse::Ok() }, &page)
}

async fn within(s: &Services, signed: &Signed, grants: &[Grant]) -> Result<bool> {
    Ok(signed.operator.powers.contain(&operators::weigh(s, &signed.caller, grants).await?))
}

async fn confirm(
    s: &Services,
    signed: &Signed,
    operator: Operator,
    grants: &[Grant],
) -> Result<HttpResponse> {
    let after = operators::weigh(s, &signed.caller, grants).await?;
    let shell = signed.shell(Section::Operators)?;
    page::html(&ConfirmPage {
        id: operator.id,
        difference: Difference::new(&shell.view, &operator.powers, &after),
        fields: fields(grants),
        name: operator.name,
        shell,
    })
}

fn at_the_roles(text: String) -> FieldFaults {
    [("grants".to_owned(), text)].into_iter().collect()
}

fn nothing_chosen(view: &View) -> FieldFaults {
    at_the_roles(view.t("grants-none"))
}

fn beyond(view: &View) -> FieldFaults {
    at_the_roles(view.t("grants-beyond"))
}

/// What the service refuses, at its field where it is about the form.
pub(super) fn refusal(view: &View, error: Error) -> Result<FieldFaults> {
    match error {
        Error::Invalid(faults) => Ok(FieldFaults::new(view, &faults)),
        Error::Conflict { code: "last_owner", .. } => Ok(at_the_roles(view.t("operator-last-owner"))),
        // Who may not change rights at all never gets here.
        Error::Forbidden { permission, .. } if permission == Permission::OperatorsEdit.name() => {
            Ok(beyond(view))
        }
        other => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_beyond_is_said_in_the_form() {
        let view = View {
            language: crate::config::Language::English,
            zone: jiff::tz::TimeZone::UTC,
            now: crate::clock::Timestamp(0),
            csrf: String::new(),
        };
        let beyond = Error::forbidden(Permission::OperatorsEdit.name(), "beyond");
        assert!(refusal(&view, beyond).unwrap().of("grants").is_some());
        assert!(refusal(&view, Error::NotFound("operator")).is_err());
    }
}
