//! What somebody holds is changed: chosen first, then read as what it gives and takes, and only then done.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

use super::super::access::{STALE_FORM, Signed};
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
use crate::service::operators::{self, Operator, Settled};
use crate::{Error, Result};

#[derive(Debug, Template)]
#[template(path = "console/operators/rights.html")]
pub struct RightsPage {
    pub shell: Shell,
    pub id: OperatorId,
    pub name: String,
    pub grants: GrantsForm,
    /// What they held when the form was made, as it comes back with it.
    pub was: String,
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
    /// It gives something, which a second administrator has to agree to.
    pub waits: bool,
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
        was: written(&operator)?,
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
    let was = read(form.text("was"))?;
    let is_stale = was.as_ref().is_some_and(|was| *was != kept(&operator));
    let faults = match filled.grants(&view) {
        Err(faults) => faults,
        Ok(_) if is_stale => {
            let before = operators::weigh(&s, &signed.caller, was.as_deref().unwrap_or_default()).await?;
            at_the_roles(changed_meanwhile(&view, &Difference::new(&view, &before, &operator.powers)))
        }
        Ok(grants) => match form.text("step") {
            "choose" => FieldFaults::default(),
            "confirm" => {
                let held = kept(&operator);
                match operators::set_grants(&s, &signed.caller, *id, Some(&held), grants).await {
                    Ok(Settled::Done(())) => {
                        signed.say(&Flash::good(view.t("operator-rights-changed")))?;
                        return Ok(see_other(&href(*id)));
                    }
                    Ok(Settled::Waits(request)) => return super::requests::lead_to(&signed, request),
                    Err(error) => refusal(&view, error)?,
                }
            }
            _ if grants.is_empty() => nothing_chosen(&view),
            _ if !within(&s, &signed, &grants).await? => beyond(&view),
            _ => return confirm(&s, &signed, operator, &grants).await,
        },
    };
    let page = RightsPage {
        shell: signed.shell(Section::Operators)?,
        id: *id,
        was: written(&operator)?,
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
    let difference = Difference::new(&shell.view, &operator.powers, &after);
    let mut fields = fields(grants);
    fields.push(("was".to_owned(), written(&operator)?));
    page::html(&ConfirmPage {
        id: operator.id,
        waits: !difference.gained.is_empty() && operators::needs_second(s).await?,
        difference,
        fields,
        name: operator.name,
        shell,
    })
}

/// What they hold, as a form brings it back.
fn written(operator: &Operator) -> Result<String> {
    serde_json::to_string(&kept(operator)).map_err(Error::internal)
}

/// What they held when the form was made; nothing where it does not say.
fn read(was: &str) -> Result<Option<Vec<Grant>>> {
    if was.is_empty() {
        return Ok(None);
    }
    let stale = |_| Error::forbidden(STALE_FORM, "the form is not one that was shown");
    serde_json::from_str(was).map(Some).map_err(stale)
}

/// What another changed since the form was made.
pub(in crate::console) fn changed_meanwhile(view: &View, difference: &Difference) -> String {
    let listed = |lines: &[String]| match lines {
        [] => view.t("rights-changed-nothing"),
        lines => view.listed(lines),
    };
    view.t2("rights-changed-since", "gained", listed(&difference.gained), "lost", listed(&difference.lost))
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
