//! Whether somebody is safe. GET shows what happened and what they said, and answers nothing, as programs that check links
//! follow them, too; an answer is a form of one large button. What was answered stands above everything else, and whoever
//! needs help is asked there where they are: help is called for first and explained afterwards.

use actix_web::cookie::Cookie;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use url::form_urlencoded;

use super::binding::go;
use super::form::Posted;
use super::page::{Frame, answer, asked, refuse};
use crate::config::Language;
use crate::domain::emergency::Condition;
use crate::domain::emergency::roll::{LONGEST_PLACE, LONGEST_WORDS};
use crate::http::{client, session};
use crate::service::Services;
use crate::service::roll_call::{self, Answer, Newest, RollPage};
use crate::{Error, Result};

/// Of the cookie that holds the ticket while somebody signs in.
const PURPOSE: &str = "roll";

/// Characters of a place and of words.
const MOST: (usize, usize) = (LONGEST_PLACE, LONGEST_WORDS);

/// What a broadcast said last.
#[derive(Debug, Template)]
#[template(path = "recipient/roll_newest.html")]
struct NewestPart {
    frame: Frame,
    /// It is a drill.
    drill: bool,
    newest: Option<Newest>,
}

impl NewestPart {
    fn when(&self, newest: &Newest) -> (String, String) {
        self.frame.time(newest.sent_at)
    }
}

#[derive(Debug, Template)]
#[template(path = "recipient/roll.html")]
struct AnswerPage {
    frame: Frame,
    said: NewestPart,
    last: Option<Last>,
    is_over: bool,
}

/// What somebody said last.
#[derive(Debug)]
struct Last {
    condition: Condition,
    place: String,
    words: String,
    /// For a machine and for people.
    at: (String, String),
    /// An operator put it down.
    by_others: bool,
}

impl AnswerPage {
    fn new(frame: Frame, page: RollPage) -> Self {
        let last = page.last.map(|last| Last {
            at: frame.time(last.answered_at),
            condition: last.condition,
            place: last.place,
            words: last.words,
            by_others: last.marked_by.is_some(),
        });
        let said = NewestPart { frame: frame.clone(), drill: page.run.is_marked(), newest: page.newest };
        Self { frame, said, last, is_over: page.is_over }
    }

    /// What becomes of a call for help: nobody is promised more than is so.
    const fn help_text(&self) -> &'static str {
        match (self.said.drill, self.is_over) {
            (true, _) => "roll-help-drill",
            (false, true) => "roll-help-over",
            (false, false) => "roll-help-kept",
        }
    }

    /// They are asked where they are, and not once more whether they need help.
    fn asks_for_help(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.condition == Condition::Help)
    }
}

/// The page behind a link into a roll call.
pub(super) async fn show(request: &HttpRequest, s: &Data<Services>, token: &str) -> Result<HttpResponse> {
    let language = asked(request).map(Language::as_str);
    match roll_call::open(s, token, client::address(request), language).await {
        Ok(page) => {
            let frame = Frame::new(request, s, page.language.as_deref());
            answer(HttpResponse::Ok(), &AnswerPage::new(frame, page))
        }
        Err(error) => refuse(request, s, error),
    }
}

pub(super) async fn say(
    request: HttpRequest,
    s: Data<Services>,
    token: Path<String>,
    form: Posted,
) -> Result<HttpResponse> {
    let Some(condition) = form.text("answer").and_then(|answer| answer.parse().ok()) else {
        return Err(Error::Malformed("press one of the page's buttons".to_owned()));
    };
    let said = Answer { condition, place: form.text("place"), words: form.text("words") };
    match roll_call::answer(&s, &token, client::address(&request), &said).await {
        // To an address that can be opened again.
        Ok(()) => Ok(go(&Frame::new(&request, &s, None).here_as(asked(&request)))),
        Err(error) => refuse(&request, &s, error),
    }
}

/// What everybody sees who shares a link.
#[derive(Debug, Template)]
#[template(path = "recipient/roll_shared.html")]
struct SharedPage {
    frame: Frame,
    said: NewestPart,
    /// Where one leaves to sign in.
    sign_in: String,
    /// WeCom did not say who somebody is, or it was not for them.
    stranger: bool,
}

pub(super) async fn show_shared(
    request: HttpRequest,
    s: Data<Services>,
    token: Path<String>,
) -> Result<HttpResponse> {
    shared(&request, &s, &token, false).await
}

async fn shared(
    request: &HttpRequest,
    s: &Data<Services>,
    token: &str,
    stranger: bool,
) -> Result<HttpResponse> {
    let frame = Frame::new(request, s, None).at(format!("/r/{token}"));
    let language = Some(frame.language.as_str());
    match roll_call::open_shared(s, token, client::address(request), language).await {
        Ok(page) => {
            let said = NewestPart { frame: frame.clone(), drill: page.run.is_marked(), newest: page.newest };
            let sign_in = frame.on(&format!("/r/{token}/sign-in"));
            let response = if stranger { HttpResponse::Conflict() } else { HttpResponse::Ok() };
            answer(response, &SharedPage { frame, said, sign_in, stranger })
        }
        Err(error) => refuse(request, s, error),
    }
}

/// Off to WeCom. It changes nothing but the cookie, and cannot be a form: browsers let none of ours lead to another site.
pub(super) async fn leave(
    request: HttpRequest,
    s: Data<Services>,
    token: Path<String>,
) -> Result<HttpResponse> {
    match roll_call::sign_in(&s, &token, client::address(&request)).await {
        Ok(begun) => {
            let mut response = go(&begun.address);
            response.add_cookie(&session::cookie(&s, PURPOSE, begun.ticket)).map_err(Error::internal)?;
            Ok(response)
        }
        Err(error) => refuse(&request, &s, error),
    }
}

/// Back from there, and on to the page of whoever it is.
pub(super) async fn come_back(
    request: HttpRequest,
    s: Data<Services>,
    token: Path<String>,
) -> Result<HttpResponse> {
    let query = |wanted: &str| {
        form_urlencoded::parse(request.query_string().as_bytes())
            .find_map(|(name, value)| (name == wanted).then(|| value.into_owned()))
            .unwrap_or_default()
    };
    let cookie: Option<Cookie<'_>> = request.cookie(&session::cookie_name(&s, PURPOSE));
    let ticket = cookie.map(|cookie| cookie.value().to_owned()).unwrap_or_default();
    let (state, code) = (query("state"), query("code"));
    let remote = client::address(&request);
    match roll_call::come_back(&s, &token, &ticket, &state, &code, remote).await {
        Ok(path) => Ok(go(&path)),
        Err(Error::Conflict { .. }) => shared(&request, &s, &token, true).await,
        // It began in another browser: begin again.
        Err(Error::NotFound("binding")) => Ok(go(&format!("/r/{}", *token))),
        Err(error) => refuse(&request, &s, error),
    }
}
