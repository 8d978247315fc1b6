//! In and out: sign-in, the one-time links by which operators choose a password, sign-out.

use std::time::Duration;

use actix_session::{Session, SessionExt as _};
use actix_web::cookie::time;
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::access;
use super::form::{FieldFaults, Form};
use super::page::{self, local_path, see_other};
use super::sign_in::{CodePage, Invited, SetUpPage, SignInPage};
use super::view::View;
use crate::domain::id::OperatorId;
use crate::http::{client, errors, session as cookies};
use crate::service::Services;
use crate::service::operators::{self, Entry, LinkForm, LinkPurpose};
use crate::service::sessions::{OPERATOR, OUSTED, OWING};
use crate::{Error, Result};

const HOME: &str = "/console";
const CODE: &str = "/sign-in/code";
const CAMPUS: &str = "/sign-in/campus";
/// Of the cookie of a browser that left for the university's sign-in.
const LEFT: &str = "campus";

#[derive(Debug, Deserialize)]
pub(super) struct Return {
    #[serde(default)]
    return_to: String,
    /// Something was asked for by somebody who was signed out by then.
    #[serde(default)]
    undone: String,
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
    let mut page = sign_in_page(&request, &s, "", &query.return_to).await?;
    page.is_undone = !query.undone.is_empty();
    page::html(&page)
}

async fn sign_in_page(
    request: &HttpRequest,
    s: &Services,
    email: &str,
    return_to: &str,
) -> Result<SignInPage> {
    let shell = access::gate_shell(request)?;
    let campus = operators::campus_sign_in(s).await?.map(|name| name.of(shell.view.language).to_owned());
    Ok(SignInPage {
        shell,
        is_new: operators::nobody_yet(s).await?,
        email: email.to_owned(),
        faults: FieldFaults::default(),
        refusal: None,
        is_undone: false,
        campus: campus.map(|name| (name, page::address(CAMPUS, &[("return_to", return_to)]))),
        return_to: return_to.to_owned(),
    })
}

pub(super) async fn sign_in(request: HttpRequest, s: Data<Services>, form: Form) -> Result<HttpResponse> {
    let (email, return_to) = (form.text("email"), form.text("return_to"));
    let remote = client::address(&request);
    let error = match operators::sign_in(&s, email, form.exact("password"), remote).await {
        Ok(entry) => return enter(&request, &s, &entry, return_to),
        Err(error) => error,
    };
    let mut page = sign_in_page(&request, &s, email, return_to).await?;
    let (refusal, response) = match &error {
        Error::Unauthenticated(_) => {
            (page.shell.view.t("sign-in-wrong"), HttpResponse::UnprocessableEntity())
        }
        Error::RateLimited { retry_after } => (wait(&page.shell.view, *retry_after), errors::begin(&error)),
        _ => return Err(error),
    };
    page.refusal = Some(refusal);
    page::answer(response, &page)
}

/// Lets somebody in, or asks for the second proof first.
fn enter(request: &HttpRequest, s: &Services, entry: &Entry, return_to: &str) -> Result<HttpResponse> {
    if entry.owes_code {
        access::begin_owing(request, s, entry.operator.id, entry.ousted)?;
        let wish = local_path(return_to).unwrap_or_default();
        return Ok(see_other(&page::address(CODE, &[("return_to", wish)])));
    }
    access::begin(request, s, entry.operator.id, entry.ousted)?;
    Ok(see_other(way_on(return_to)))
}

/// Whoever owes a code in this browser.
fn owing(session: &Session) -> Result<Option<OperatorId>> {
    session.get::<OperatorId>(OWING).map_err(Error::internal)
}

pub(super) async fn show_code(
    request: HttpRequest,
    session: Session,
    query: web::Query<Return>,
) -> Result<HttpResponse> {
    if owing(&session)?.is_none() {
        return Ok(see_other("/sign-in"));
    }
    page::html(&CodePage {
        shell: access::gate_shell(&request)?,
        return_to: query.return_to.clone(),
        faults: FieldFaults::default(),
        refusal: None,
    })
}

pub(super) async fn enter_code(
    request: HttpRequest,
    s: Data<Services>,
    session: Session,
    form: Form,
) -> Result<HttpResponse> {
    let Some(id) = owing(&session)? else { return Ok(see_other("/sign-in")) };
    let return_to = form.text("return_to");
    let error = match operators::enter_code(&s, id, form.text("code"), client::address(&request)).await {
        Ok(operator) => {
            // As it was when the first proof was given.
            let ousted = session.get::<i64>(OUSTED).map_err(Error::internal)?.unwrap_or_default();
            access::begin(&request, &s, operator.id, ousted)?;
            return Ok(see_other(way_on(return_to)));
        }
        // Shut out since the password was right.
        Err(Error::NotFound(_)) => {
            session.purge();
            return Ok(see_other("/sign-in"));
        }
        Err(error) => error,
    };
    let shell = access::gate_shell(&request)?;
    let (refusal, faults, response) = match &error {
        Error::Unauthenticated(_) => {
            let fault = ("code".to_owned(), shell.view.t("fault-wrong_code"));
            (None, FieldFaults::from_iter([fault]), HttpResponse::UnprocessableEntity())
        }
        Error::RateLimited { retry_after } => {
            (Some(wait(&shell.view, *retry_after)), FieldFaults::default(), errors::begin(&error))
        }
        _ => return Err(error),
    };
    page::answer(response, &CodePage { shell, return_to: return_to.to_owned(), faults, refusal })
}

/// Off to the university's own sign-in. It cannot be a form: browsers let none of ours lead to another site.
pub(super) async fn leave_for_campus(
    request: HttpRequest,
    s: Data<Services>,
    query: web::Query<Return>,
) -> Result<HttpResponse> {
    match operators::leave_for_campus(&s, way_on(&query.return_to), client::address(&request)).await {
        Ok(leaving) => {
            let mut response = see_other(&leaving.address);
            response.add_cookie(&cookies::cookie(&s, LEFT, leaving.kept)).map_err(Error::internal)?;
            Ok(response)
        }
        Err(error) => not_from_campus(&request, &s, error).await,
    }
}

pub(super) async fn come_back_from_campus(request: HttpRequest, s: Data<Services>) -> Result<HttpResponse> {
    let kept = request.cookie(&cookies::cookie_name(&s, LEFT));
    let kept = kept.map(|cookie| cookie.value().to_owned()).unwrap_or_default();
    let remote = client::address(&request);
    let came = operators::come_back_from_campus(&s, &kept, request.query_string(), remote).await;
    let mut response = match came {
        // Away from an address with a code or ticket.
        Ok((entry, return_to)) => enter(&request, &s, &entry, &return_to)?,
        Err(error) => not_from_campus(&request, &s, error).await?,
    };
    let mut gone = cookies::cookie(&s, LEFT, String::new());
    gone.set_max_age(time::Duration::ZERO);
    response.add_cookie(&gone).map_err(Error::internal)?;
    Ok(response)
}

/// The sign-in page with why the other way does not lead in.
async fn not_from_campus(request: &HttpRequest, s: &Services, error: Error) -> Result<HttpResponse> {
    let mut page = sign_in_page(request, s, "", "").await?;
    let view = &page.shell.view;
    page.refusal = Some(match &error {
        Error::Conflict { code: "not_an_operator", .. } => view.t("campus-nobody"),
        Error::Conflict { code: "sign_in_down", .. } => view.t("campus-down"),
        Error::Conflict { code: "sign_in_refused", .. } => view.t("campus-refused"),
        Error::Conflict { .. } => view.t("campus-wrong"),
        Error::NotFound(_) => view.t("campus-begin-again"),
        Error::RateLimited { retry_after } => wait(view, *retry_after),
        _ => return Err(error),
    });
    page::answer(errors::begin(&error), &page)
}

/// How long to wait at most, in whole units.
pub(super) fn wait(view: &View, left: Duration) -> String {
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
        shortest: operators::shortest_password(&s).await?,
        token: query.token.clone(),
        invited,
        name: String::new(),
        email: String::new(),
        faults: FieldFaults::default(),
    })
}

pub(super) async fn set_up(request: HttpRequest, s: Data<Services>, form: Form) -> Result<HttpResponse> {
    let token = form.text("token");
    let given = LinkForm {
        email: form.text("email").to_owned(),
        name: form.text("name").to_owned(),
        password: form.exact("password").to_owned(),
        password_again: form.exact("password_again").to_owned(),
    };
    let faults = match operators::use_link(&s, token, given).await {
        Ok(entry) => return enter(&request, &s, &entry, HOME),
        Err(Error::Invalid(faults)) => faults,
        Err(other) => return Err(other),
    };
    let shell = access::gate_shell(&request)?;
    let page = SetUpPage {
        faults: FieldFaults::new(&shell.view, &faults),
        shell,
        shortest: operators::shortest_password(&s).await?,
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

pub(super) async fn sign_out(s: Data<Services>, session: Session, _: Form) -> Result<HttpResponse> {
    let who = session.get::<OperatorId>(OPERATOR).map_err(Error::internal)?;
    session.purge();
    if let Some(id) = who {
        operators::note_sign_out(&s, id).await?;
    }
    Ok(see_other("/sign-in"))
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
