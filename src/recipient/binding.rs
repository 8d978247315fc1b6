//! Binding a WeChat identity: sign in with the account, then with the university's own sign-in, or say who one is and type the
//! code that was sent.

use actix_web::cookie::Cookie;
use actix_web::cookie::time::Duration;
use actix_web::http::header;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use url::form_urlencoded;

use super::form::Posted;
use super::page::{Frame, answer};
use crate::config::Language;
use crate::http::{client, errors, qr, session};
use crate::service::Services;
use crate::service::bindings::{self, CODE_LIVES, Way};
use crate::{Error, Result};

/// Of the cookie that holds the ticket.
const PURPOSE: &str = "bind";
/// The parameter by which it goes on in a browser that does not say that it is WeChat's.
const ON: &str = "on";
/// Key of what is said where no account answers.
const NO_ACCOUNT: &str = "bind-no-account";
/// The account of a browser that brings no ticket.
const NOBODYS: &str = "";

/// What a page asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// Outside WeChat, where it knows nobody: the page's own code, to scan with it.
    Scan,
    /// By the sign-in of that name.
    SignIn(String),
    /// Whether a sign-in is down, in whose place a code is sent.
    Who {
        instead: bool,
    },
    Code,
    Done,
    /// It cannot go on, and why: the key of what to do.
    Over(&'static str),
}

#[derive(Debug, Template)]
#[template(path = "recipient/binding.html")]
struct BindingPage {
    frame: Frame,
    /// Where it begins.
    beginning: String,
    /// Where one says who one is.
    who: String,
    /// Where one leaves for the sign-in.
    sign_in: String,
    step: Step,
    /// Why the form is shown again.
    refusal: Option<&'static str>,
    /// The page's address, and its code.
    poster: Option<(String, String)>,
}

impl BindingPage {
    fn new(frame: Frame, account: &str, step: Step, refusal: Option<&'static str>) -> Self {
        let beginning = format!("/bind/{account}");
        let (who, sign_in) =
            (frame.on(&format!("{beginning}/who")), frame.on(&format!("{beginning}/sign-in")));
        Self { frame, beginning, who, sign_in, step, refusal, poster: None }
    }

    fn minutes(&self) -> String {
        self.frame.t1("bind-code-lead", "minutes", &(CODE_LIVES.as_secs() / 60).to_string())
    }

    /// Where it begins in this very browser.
    fn on_here(&self) -> String {
        format!("{}&{ON}=1", self.frame.on(&self.beginning))
    }

    fn may_begin_again(&self) -> bool {
        self.step != Step::Over(NO_ACCOUNT) && self.beginning != format!("/bind/{NOBODYS}")
    }
}

pub(super) async fn begin(
    request: HttpRequest,
    s: Data<Services>,
    account: Path<String>,
) -> Result<HttpResponse> {
    let remote = client::address(&request);
    if !is_in_wechat(&request) && asked(&request, ON).is_none() {
        return match bindings::address(&s, &account, remote).await {
            Ok(address) => elsewhere(&request, &s, &account, address),
            Err(error) => over(&request, &s, &account, error),
        };
    }
    match bindings::begin(&s, &account, remote).await {
        Ok(begun) => {
            let mut response = go(&begun.address);
            response.add_cookie(&session::cookie(&s, PURPOSE, begun.ticket)).map_err(Error::internal)?;
            Ok(response)
        }
        Err(error) => over(&request, &s, &account, error),
    }
}

pub(super) async fn come_back(
    request: HttpRequest,
    s: Data<Services>,
    account: Path<String>,
) -> Result<HttpResponse> {
    let query = |name: &str| asked(&request, name).unwrap_or_default();
    let ticket = ticket(&request, &s);
    let remote = client::address(&request);
    match bindings::come_back(&s, &account, &ticket, &query("state"), &query("code"), remote).await {
        // Away from an address with a code that is good once.
        Ok(()) => Ok(go(&format!("/bind/{account}/who"))),
        Err(error) => over(&request, &s, &account, error),
    }
}

pub(super) async fn show(
    request: HttpRequest,
    s: Data<Services>,
    account: Path<String>,
) -> Result<HttpResponse> {
    let step = match bindings::way(&s, &ticket(&request, &s)).await {
        Ok(Way::Code) => Step::Who { instead: false },
        Ok(Way::CodeInstead) => Step::Who { instead: true },
        Ok(Way::SignIn) => Step::SignIn(sign_in_name(&request, &s)),
        Err(error) => return over(&request, &s, &account, error),
    };
    page(&request, &s, &account, step, None)
}

/// Off to the sign-in. It changes what the ticket expects and nothing else, and cannot be a form: browsers let none of ours
/// lead to another site.
pub(super) async fn leave(
    request: HttpRequest,
    s: Data<Services>,
    account: Path<String>,
) -> Result<HttpResponse> {
    let frame = Frame::new(&request, &s, None);
    let remote = client::address(&request);
    match bindings::begin_sign_in(&s, &ticket(&request, &s), frame.language, remote).await {
        Ok(address) => Ok(go(&address)),
        Err(error) => to_code_or_over(frame, &account, error),
    }
}

pub(super) async fn come_back_signed_in(request: HttpRequest, s: Data<Services>) -> Result<HttpResponse> {
    let (ticket, query) = (ticket(&request, &s), request.query_string());
    let frame = Frame::new(&request, &s, bindings::language(query).map(Language::as_str));
    let account = match bindings::account(&s, &ticket).await {
        Ok(account) => account,
        Err(error) => return over_in(frame, NOBODYS, error),
    };
    let frame = frame.at(format!("/bind/{account}/who"));
    match bindings::come_back_signed_in(&s, &ticket, query, client::address(&request)).await {
        // Away from an address with a code or ticket, which nothing comes of if it is opened again.
        Ok(()) => forgetting(&s, go(&frame.on(&format!("/bind/{account}/done")))),
        Err(error) => to_code_or_over(frame, &account, error),
    }
}

pub(super) async fn show_done(
    request: HttpRequest,
    s: Data<Services>,
    account: Path<String>,
) -> Result<HttpResponse> {
    page(&request, &s, &account, Step::Done, None)
}

/// Where the sign-in is down, a code is the way.
fn to_code_or_over(frame: Frame, account: &str, error: Error) -> Result<HttpResponse> {
    match error {
        Error::Conflict { code: "sign_in_down", .. } => Ok(go(&frame.on(&format!("/bind/{account}/who")))),
        error => over_in(frame, account, error),
    }
}

fn sign_in_name(request: &HttpRequest, s: &Data<Services>) -> String {
    let language = Frame::new(request, s, None).language;
    s.sign_in.as_ref().map(|sign_in| sign_in.name.of(language).to_owned()).unwrap_or_default()
}

pub(super) async fn show_code(
    request: HttpRequest,
    s: Data<Services>,
    account: Path<String>,
) -> Result<HttpResponse> {
    page(&request, &s, &account, Step::Code, None)
}

pub(super) async fn ask(
    request: HttpRequest,
    s: Data<Services>,
    account: Path<String>,
    form: Posted,
) -> Result<HttpResponse> {
    let campus_id = form.text("campus_id").unwrap_or_default();
    if campus_id.is_empty() {
        return page(&request, &s, &account, Step::Who { instead: false }, Some("bind-who-missing"));
    }
    match bindings::ask(&s, &ticket(&request, &s), campus_id, client::address(&request)).await {
        Ok(()) => Ok(go(&Frame::new(&request, &s, None).on(&format!("/bind/{account}/code")))),
        Err(error) => over(&request, &s, &account, error),
    }
}

pub(super) async fn confirm(
    request: HttpRequest,
    s: Data<Services>,
    account: Path<String>,
    form: Posted,
) -> Result<HttpResponse> {
    let code = form.text("code").unwrap_or_default();
    match bindings::confirm(&s, &ticket(&request, &s), code).await {
        Ok(()) => forgetting(&s, page(&request, &s, &account, Step::Done, None)?),
        Err(Error::Invalid(_)) => page(&request, &s, &account, Step::Code, Some("bind-code-wrong")),
        Err(error) => over(&request, &s, &account, error),
    }
}

/// The browser keeps the ticket no longer.
fn forgetting(s: &Services, mut response: HttpResponse) -> Result<HttpResponse> {
    let mut gone = session::cookie(s, PURPOSE, String::new());
    gone.set_max_age(Duration::ZERO);
    response.add_cookie(&gone).map_err(Error::internal)?;
    Ok(response)
}

/// Whether it is WeChat's or WeCom's own browser, by what both say of themselves.
fn is_in_wechat(request: &HttpRequest) -> bool {
    let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    agent.is_some_and(|agent| ["MicroMessenger", "wxwork"].iter().any(|name| agent.contains(name)))
}

/// The page for any other browser: WeChat scans it, and opens it where it knows who that is.
fn elsewhere(
    request: &HttpRequest,
    s: &Data<Services>,
    account: &str,
    address: String,
) -> Result<HttpResponse> {
    let frame = Frame::new(request, s, None);
    let drawing = qr::picture(&address, &frame.t("bind-scan-picture"))?;
    let mut page = BindingPage::new(frame, account, Step::Scan, None);
    page.poster = Some((address, drawing));
    answer(HttpResponse::Ok(), &page)
}

fn asked(request: &HttpRequest, name: &str) -> Option<String> {
    form_urlencoded::parse(request.query_string().as_bytes())
        .find_map(|(given, value)| (given == name).then(|| value.into_owned()))
}

fn ticket(request: &HttpRequest, s: &Services) -> String {
    let cookie: Option<Cookie<'_>> = request.cookie(&session::cookie_name(s, PURPOSE));
    cookie.map(|cookie| cookie.value().to_owned()).unwrap_or_default()
}

fn page(
    request: &HttpRequest,
    s: &Data<Services>,
    account: &str,
    step: Step,
    refusal: Option<&'static str>,
) -> Result<HttpResponse> {
    let frame = Frame::new(request, s, None);
    let response = if refusal.is_some() { HttpResponse::UnprocessableEntity() } else { HttpResponse::Ok() };
    answer(response, &BindingPage::new(frame, account, step, refusal))
}

/// The page for what cannot go on. Errors that no beginning anew mends are rendered as everywhere.
fn over(request: &HttpRequest, s: &Data<Services>, account: &str, error: Error) -> Result<HttpResponse> {
    over_in(Frame::new(request, s, None), account, error)
}

fn over_in(frame: Frame, account: &str, error: Error) -> Result<HttpResponse> {
    let why = match &error {
        Error::NotFound("account") => NO_ACCOUNT,
        Error::NotFound(_) => "bind-too-late",
        Error::Conflict { code: "not_identified", .. } => "bind-not-identified",
        Error::Conflict { code: "sign_in_first", .. } => "bind-sign-in-first",
        Error::Conflict { code: "sign_in_refused", .. } => "bind-sign-in-refused",
        Error::Conflict { code: "sign_in_untrusted" | "sign_in_nameless", .. } => "bind-sign-in-wrong",
        Error::Conflict { code: "not_in_directory", .. } => "bind-not-in-directory",
        Error::Conflict { .. } => "bind-too-often",
        _ => return Err(error),
    };
    answer(errors::begin(&error), &BindingPage::new(frame, account, Step::Over(why), None))
}

pub(super) fn go(address: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, address))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .finish()
}
