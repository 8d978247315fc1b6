//! What is decided of a change: agreed to, given back, taken back; and that a scenario is to be taken out of use.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use super::form;
use super::show::{ScenarioPage, refused};
use super::{SCENARIOS, href};
use crate::console::access::Signed;
use crate::console::form::{FieldFaults, Form};
use crate::console::page::{Flash, see_other};
use crate::console::view::View;
use crate::domain::operator::Permission;
use crate::error::Fault;
use crate::http::errors;
use crate::service::Services;
use crate::service::scenarios::{self, Proposal};
use crate::{Error, Result};

/// Why nothing was done, in this person's words.
pub(super) fn why(view: &View, error: &Error) -> String {
    match error {
        Error::Conflict { .. } => view.t("scenario-changed-meanwhile"),
        Error::Forbidden { .. } => view.t("scenario-hand"),
        other => other.to_string(),
    }
}

/// What came of it.
async fn answer(
    s: &Services,
    signed: &Signed,
    slug: &str,
    form: &Form,
    (done, key): (Result<()>, &str),
) -> Result<HttpResponse> {
    let view = signed.view();
    match done {
        Ok(()) => {
            signed.say(&Flash::good(view.t(key)))?;
            let is_gone = scenarios::get(s, &signed.caller, slug).await.is_err()
                && scenarios::change_of(s, &signed.caller, slug).await?.is_none();
            Ok(see_other(&if is_gone { SCENARIOS.to_owned() } else { href(slug) }))
        }
        Err(Error::Invalid(faults)) => {
            let response = HttpResponse::UnprocessableEntity();
            refused(s, signed, slug, response, |page| {
                let of_reason = |fault: &&Fault| fault.pointer == "/reason";
                let own: Vec<_> = faults.iter().filter(of_reason).cloned().collect();
                let others = faults.iter().filter(|fault| !of_reason(fault));
                let told =
                    others.map(|fault| format!("{}: {}", form::place(&view, &fault.pointer), fault.detail));
                let (refused, why) = (told.collect(), form.text("reason").to_owned());
                ScenarioPage { faults: FieldFaults::new(&view, &own), refused, why, ..page }
            })
            .await
        }
        Err(error) if is_of_another_hand(signed, &error) || matches!(error, Error::Conflict { .. }) => {
            let told = vec![why(&view, &error)];
            refused(s, signed, slug, errors::begin(&error), |page| ScenarioPage { refused: told, ..page })
                .await
        }
        Err(other) => Err(other),
    }
}

/// Whoever asks may agree to changes, and not to this one.
fn is_of_another_hand(signed: &Signed, error: &Error) -> bool {
    let needs = Permission::EmergencyApprove;
    matches!(error, Error::Forbidden { permission, .. } if permission == needs.name()) && signed.may(needs)
}

fn seen(form: &Form) -> i64 {
    form.text("seen").parse().unwrap_or_default()
}

pub(in crate::console) async fn approve(
    s: Data<Services>,
    signed: Signed,
    slug: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let done = scenarios::approve(&s, &signed.caller, &slug, seen(&form)).await;
    answer(&s, &signed, &slug, &form, (done, "scenario-did-approve")).await
}

pub(in crate::console) async fn give_back(
    s: Data<Services>,
    signed: Signed,
    slug: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let done = scenarios::give_back(&s, &signed.caller, &slug, seen(&form), form.text("reason")).await;
    answer(&s, &signed, &slug, &form, (done, "scenario-did-return")).await
}

pub(in crate::console) async fn withdraw(
    s: Data<Services>,
    signed: Signed,
    slug: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let done = scenarios::withdraw(&s, &signed.caller, &slug, seen(&form)).await;
    answer(&s, &signed, &slug, &form, (done, "scenario-did-withdraw")).await
}

pub(in crate::console) async fn retire(
    s: Data<Services>,
    signed: Signed,
    slug: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let based_on = form.text("based_on").parse().unwrap_or_default();
    let proposal =
        Proposal { slug: &slug, based_on, seen: None, document: None, reason: form.text("reason") };
    let done = scenarios::propose(&s, &signed.caller, &proposal).await.map(drop);
    answer(&s, &signed, &slug, &form, (done, "scenario-did-propose")).await
}
