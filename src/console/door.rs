//! In and out: sign-in, the one-time links by which operators choose a password, sign-out.

use std::time::Duration;

use actix_session::{Session, SessionExt as _};
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::access;
use super::form::{FieldFaults, Form};
use super::page::{self, local_path, see_other};
use super::sign_in::{Invited, SetUpPage, SignInPage};
use super::view::View;
use crate::http::{client, errors};
use crate::service::Services;
use crate::service::operators::{self, LinkForm, LinkPurpose};
use crate::service::sessions::OPERATOR;
use crate::{Error, Result};

const HOME: &str = "/console";

#[derive(Debug, Deserialize)]
pub(super) struct Return {
    #[serde(default)]
    return_to: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Link {
    #[serde(default)]
    token: String,
}

/// Only pages come back to; the door itself would go round in circles.
fn way_on(path: &str) -> &str {
    local_path(path).filter(|path| path.starts_with(HOME)).unwrap_or(HOME)
}

pub(super) async fn home() -> HttpResponse {
    see_other(HOME)
}

pub(super) async fn show_sign_in(
    request: HttpRequest,
    s: Data<Services>,
    query: web::Query<Return>,
) -> Result<HttpResponse> {
    if request.get_session().contains_key(OPERATOR) {
        return Ok(see_other(way_on(&query.return_to)));
    }
    page::html(&SignInPage {
        shell: access::gate_shell(&request)?,
        is_new: operators::nobody_yet(&s).await?,
        email: String::new(),
        faults: FieldFaults::default(),
        refusal: None,
        return_to: query.return_to.clone(),
    })
}

pub(super) async fn sign_in(
    request: HttpRequest,
    s: Data<Services>,
    session: Session,
    form: Form,
) -> Result<HttpResponse> {
    let remote = client::address(&request);
    let error = match operators::sign_in(&s, form.text("email"), form.exact("password"), remote).await {
        Ok(operator) => {
            access::begin(&session, &s, &operator)?;
            return Ok(see_other(way_on(form.text("return_to"))));
        }
        Err(error) => error,
    };
    let shell = access::gate_shell(&request)?;
    let (refusal, response) = match &error {
        Error::Unauthenticated(_) => (shell.view.t("sign-in-wrong"), HttpResponse::UnprocessableEntity()),
        Error::RateLimited { retry_after } => (wait(&shell.view, *retry_after), errors::begin(&error)),
        _ => return Err(error),
    };
    let page = SignInPage {
        shell,
        is_new: operators::nobody_yet(&s).await?,
        email: form.text("email").to_owned(),
        faults: FieldFaults::default(),
        refusal: Some(refusal),
        return_to: form.text("return_to").to_owned(),
    };
    page::answer(response, &page)
}

/// How long to wait at most, in whole units.
fn wait(view: &View, left: Duration) -> String {
    let seconds = u64::try_from(left.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX).max(1);
    match seconds {
        0..=60 => view.count("sign-in-wait-seconds", seconds),
        _ => view.count("sign-in-wait-minutes", seconds.div_ceil(60)),
    }
}

pub(super) async fn show_set_up(
    request: HttpRequest,
    s: Data<Services>,
    query: web::Query<Link>,
) -> Result<HttpResponse> {
    let invited = invited(operators::link(&s, &query.token).await?);
    page::html(&SetUpPage {
        shell: access::gate_shell(&request)?,
        token: query.token.clone(),
        invited,
        name: String::new(),
        email: String::new(),
        faults: FieldFaults::default(),
    })
}

pub(super) async fn set_up(
    request: HttpRequest,
    s: Data<Services>,
    session: Session,
    form: Form,
) -> Result<HttpResponse> {
    let token = form.text("token");
    let given = LinkForm {
        email: form.text("email").to_owned(),
        name: form.text("name").to_owned(),
        password: form.exact("password").to_owned(),
        password_again: form.exact("password_again").to_owned(),
    };
    let faults = match operators::use_link(&s, token, given).await {
        Ok(operator) => {
            access::begin(&session, &s, &operator)?;
            return Ok(see_other(HOME));
        }
        Err(Error::Invalid(faults)) => faults,
        Err(other) => return Err(other),
    };
    let shell = access::gate_shell(&request)?;
    let page = SetUpPage {
        faults: FieldFaults::new(&shell.view, &faults),
        shell,
        token: token.to_owned(),
        invited: invited(operators::link(&s, token).await?),
        name: form.text("name").to_owned(),
        email: form.text("email").to_owned(),
    };
    page::answer(HttpResponse::UnprocessableEntity(), &page)
}

fn invited(purpose: LinkPurpose) -> Option<Invited> {
    match purpose {
        LinkPurpose::SetUp => None,
        LinkPurpose::Password { email, name } => Some(Invited { name, email }),
    }
}

pub(super) async fn sign_out(session: Session, _: Form) -> HttpResponse {
    session.purge();
    see_other("/sign-in")
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::clock::Timestamp;
    use crate::config::Language;

    #[test]
    fn nobody_is_told_to_wait_for_part_of_a_second() {
        let language = Language::SimplifiedChinese;
        let view = View { language, zone: TimeZone::UTC, now: Timestamp(0), csrf: String::new() };
        for (millis, text) in [
            (1, "请等 1 秒后再试"),
            (685, "请等 1 秒后再试"),
            (1_001, "请等 2 秒后再试"),
            (60_000, "请等 60 秒后再试"),
            (60_001, "请等 2 分钟后再试"),
        ] {
            assert!(wait(&view, Duration::from_millis(millis)).contains(text), "{millis}");
        }
    }
}
