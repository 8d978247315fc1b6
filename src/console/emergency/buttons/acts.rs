//! What is decided about a button. What cannot be is answered with the button as it stands, and why.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use super::one::{self, Told};
use super::{FRESH_KEY, FRESH_SECRET, href};
use crate::console::access::Signed;
use crate::console::again::Grave;
use crate::console::form::Form;
use crate::console::page::{Flash, see_other};
use crate::console::shown_once;
use crate::console::view::View;
use crate::domain::id::ButtonId;
use crate::domain::operator::Permission;
use crate::http::{errors, params};
use crate::service::Services;
use crate::service::buttons;
use crate::{Error, Result};

/// Why nothing was done, in this person's words.
fn why(view: &View, error: &Error) -> String {
    match error {
        Error::Conflict { code, .. } => view.t(&format!("conflict-{code}")),
        Error::Forbidden { permission, .. } if permission == Permission::EmergencyFire.name() => {
            view.t("button-key-needs-fire")
        }
        Error::Forbidden { .. } => view.t("button-refused-hand"),
        other => other.to_string(),
    }
}

/// The button's page, with why nothing was done.
pub(super) async fn refused(
    s: &Services,
    signed: &Signed,
    id: ButtonId,
    error: &Error,
) -> Result<HttpResponse> {
    let told = Told { refused: Some(why(&signed.view(), error)), ..Told::default() };
    one::answer(s, signed, id, errors::begin(error), told).await
}

pub(super) fn keep_fresh(
    s: &Services,
    signed: &Signed,
    entry: &'static str,
    page: &str,
    secret: &str,
) -> Result<()> {
    shown_once::keep(s, signed, entry, page, secret)
}

/// What came of an act. `needs`: whoever lacks that is told so as elsewhere.
async fn answer(
    s: &Services,
    signed: &Signed,
    id: ButtonId,
    done: Result<()>,
    key: &str,
    needs: &[Permission],
) -> Result<HttpResponse> {
    match done {
        Ok(()) => {
            signed.say(&Flash::good(signed.view().t(key)))?;
            Ok(see_other(&href(id)))
        }
        Err(error @ Error::Conflict { .. }) => refused(s, signed, id, &error).await,
        // Who may do such things, and not this one.
        Err(error @ Error::Forbidden { .. }) if needs.iter().any(|needed| signed.may(*needed)) => {
            refused(s, signed, id, &error).await
        }
        Err(other) => Err(other),
    }
}

fn id_of(id: &str) -> Result<ButtonId> {
    params::id(id, "button")
}

fn version(form: &Form) -> i64 {
    form.text("version").parse().unwrap_or(0)
}

pub(in crate::console) async fn ask(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::EmergencyPrepare)?;
    let id = id_of(&id)?;
    let done = buttons::ask(&s, &signed.caller, id, version(&form)).await;
    answer(&s, &signed, id, done, "button-did-ask", &[]).await
}

pub(in crate::console) async fn withdraw(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    _: Form,
) -> Result<HttpResponse> {
    let id = id_of(&id)?;
    let done = buttons::withdraw(&s, &signed.caller, id).await;
    answer(&s, &signed, id, done, "button-did-withdraw", &[]).await
}

pub(in crate::console) async fn confirm(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    Grave(form): Grave,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::EmergencyApprove)?;
    let id = id_of(&id)?;
    let done = buttons::confirm(&s, &signed.caller, id, version(&form)).await;
    answer(&s, &signed, id, done, "button-did-arm", &[Permission::EmergencyApprove]).await
}

pub(in crate::console) async fn disarm(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    _: Form,
) -> Result<HttpResponse> {
    let id = id_of(&id)?;
    let done = buttons::disarm(&s, &signed.caller, id).await;
    answer(&s, &signed, id, done, "button-did-disarm", &[]).await
}

pub(in crate::console) async fn try_out(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    _: Form,
) -> Result<HttpResponse> {
    let id = id_of(&id)?;
    let done = buttons::try_out(&s, &signed.caller, id).await;
    answer(&s, &signed, id, done, "button-did-test", &[]).await
}

pub(in crate::console) async fn revoke(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let id = id_of(&id)?;
    let typed = form.text("confirm");
    match buttons::revoke(&s, &signed.caller, id, typed).await {
        Err(Error::Invalid(_)) => {
            let told = Told {
                revoke_fault: Some(signed.view().t("button-revoke-name")),
                revoke_typed: typed.to_owned(),
                ..Told::default()
            };
            one::answer(&s, &signed, id, HttpResponse::UnprocessableEntity(), told).await
        }
        done => answer(&s, &signed, id, done, "button-did-revoke", &[]).await,
    }
}

pub(in crate::console) async fn rotate_key(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    Grave(form): Grave,
) -> Result<HttpResponse> {
    let id = id_of(&id)?;
    let overlap = Duration::from_hours(form.text("overlap").parse().unwrap_or(24));
    let made = buttons::rotate_key(&s, &signed.caller, id, overlap).await;
    fresh(&s, &signed, id, FRESH_KEY, made, "button-did-rotate").await
}

pub(in crate::console) async fn renew_secret(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    Grave(_): Grave,
) -> Result<HttpResponse> {
    let id = id_of(&id)?;
    let made = buttons::renew_secret(&s, &signed.caller, id).await;
    fresh(&s, &signed, id, FRESH_SECRET, made, "button-did-secret").await
}

/// Something new that the button's page shows once.
async fn fresh(
    s: &Services,
    signed: &Signed,
    id: ButtonId,
    entry: &'static str,
    made: Result<String>,
    key: &str,
) -> Result<HttpResponse> {
    let done = match made {
        Ok(made) => {
            keep_fresh(s, signed, entry, &href(id), &made)?;
            Ok(())
        }
        Err(error) => Err(error),
    };
    answer(s, signed, id, done, key, &[Permission::EmergencyPrepare]).await
}
