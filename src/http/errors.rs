//! How an [`Error`] looks from outside: RFC 9457 `application/problem+json` for programs, [SCIM](super::scim)'s own form for
//! identity systems, a page for people. This is also where errors are logged, once.

use std::time::Duration;

use actix_web::dev::ServiceRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use super::RequestId;
use super::problems;
use super::scim;
use super::server::State;
use crate::Error;
use crate::config::Language;
use crate::error::Fault;

/// The media type of RFC 9457 problem details.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What an error's rendering depends on, taken from the request before it is handled.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) id: RequestId,
    pub(super) is_api: bool,
    is_scim: bool,
    pub(super) is_https: bool,
    /// The page's language, where a page is wanted.
    page: Option<Language>,
}

impl Asked {
    pub(super) fn of(request: &ServiceRequest, id: RequestId) -> Self {
        let is_scim = request.path().starts_with("/scim/");
        let is_api = is_scim || request.path().starts_with("/api/");
        let state = request.app_data::<Data<State>>();
        let is_https = state.is_some_and(|state| state.is_https);
        let default = state.map_or(Language::English, |state| state.language);
        let page = (!is_api && accepts_page(request.headers()))
            .then(|| problems::language(request.request(), default));
        Self { id, is_api, is_scim, is_https, page }
    }
}

/// Browsers name `text/html`; programs rarely do.
pub fn accepts_page(headers: &header::HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("text/html"))
}

/// What went wrong, after RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem<'a> {
    /// Where it is explained: `/problems/` and the code.
    #[serde(rename = "type")]
    #[schema(example = "/problems/invalid")]
    pub kind: String,
    /// The same for every problem of this code.
    #[schema(example = "The body breaks rules")]
    pub title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    pub status: u16,
    /// What to change in this very request.
    pub detail: String,
    /// A stable word to program against.
    #[schema(example = "invalid")]
    pub code: &'static str,
    /// Quote it when asking for help. Absent in the results of a batch, which share their request's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "req_00f1d2c3b4a59687")]
    pub request_id: Option<&'a str>,
    /// Every fault of the body, with `code` `invalid`.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub errors: &'a [Fault],
}

impl<'a> Problem<'a> {
    pub fn of(error: &'a Error, request_id: Option<&'a RequestId>) -> Self {
        let (status, code) = (status(error), error.code());
        let detail = match error {
            Error::Internal(_) => "Something went wrong on our side. It was logged under this request id; \
                                   tell the platform's administrators."
                .to_owned(),
            Error::Invalid(faults) if faults.len() == 1 => faults[0].detail.clone(),
            Error::Invalid(faults) => format!("{} faults; each is listed in `errors`", faults.len()),
            other => other.to_string(),
        };
        let errors = if let Error::Invalid(faults) = error { faults.as_slice() } else { &[] };
        Self {
            kind: format!("/problems/{code}"),
            title: problems::title(code),
            status: status.as_u16(),
            detail,
            code,
            request_id: request_id.map(RequestId::as_str),
            errors,
        }
    }
}

/// The HTTP status of an error.
pub const fn status(error: &Error) -> StatusCode {
    match error {
        Error::Malformed(_) => StatusCode::BAD_REQUEST,
        Error::Invalid(_) | Error::IdempotencyMismatch => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Error::Forbidden { .. } | Error::AddressNotAllowed { .. } => StatusCode::FORBIDDEN,
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
        Error::Conflict { .. } => StatusCode::CONFLICT,
        Error::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Error::UnsupportedMedia { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Error::RateLimited { .. }
        | Error::AllTaken { .. }
        | Error::QuotaExhausted { .. }
        | Error::TooManyWaiting { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        status(self)
    }

    /// Bare; [`watch`](super::watch) renders it, knowing who asked.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

/// What to answer instead of a bare error.
pub(super) fn render(error: &actix_web::Error, asked: &Asked) -> HttpResponse {
    in_own_words(error, |error| answer(error, asked))
}

/// Gives `tell` the error as one of ours.
pub fn in_own_words<R>(error: &actix_web::Error, tell: impl FnOnce(&Error) -> R) -> R {
    match error.as_error::<Error>() {
        Some(own) => tell(own),
        None => tell(&translate(error)),
    }
}

/// The framework's own refusals in the house's words.
fn translate(error: &actix_web::Error) -> Error {
    match error.as_response_error().status_code() {
        StatusCode::NOT_FOUND => Error::NotFound("path"),
        StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge { limit: super::body::SMALL },
        status if status.is_client_error() => Error::Malformed("the request cannot be read".to_owned()),
        _ => Error::internal(error.to_string()),
    }
}

/// Logs an error that is about to be shown. Whoever renders one otherwise than by returning it calls this.
pub fn log(error: &Error) {
    match error {
        Error::Internal(source) => tracing::error!(error = %with_causes(source.as_ref()), "request failed"),
        Error::Unavailable { reason, .. } => tracing::warn!(reason, "request refused"),
        other => tracing::debug!(error = %other, "request refused"),
    }
}

/// The beginning of the answer to an error: its status and what its headers say. The error is logged here.
pub fn begin(error: &Error) -> HttpResponseBuilder {
    log(error);
    let mut response = HttpResponse::build(status(error));
    match error {
        Error::MethodNotAllowed { allow } => {
            response.insert_header((header::ALLOW, *allow));
        }
        Error::RateLimited { retry_after }
        | Error::AllTaken { retry_after, .. }
        | Error::QuotaExhausted { retry_after, .. }
        | Error::TooManyWaiting { retry_after, .. }
        | Error::Unavailable { retry_after, .. } => {
            response.insert_header((header::RETRY_AFTER, whole_seconds(*retry_after)));
        }
        _ => {}
    }
    response
}

fn answer(error: &Error, asked: &Asked) -> HttpResponse {
    let mut response = begin(error);
    if matches!(error, Error::Unauthenticated(_)) {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"belltower\""));
    }
    if asked.is_scim {
        return scim::answer(error, response);
    }
    let problem = Problem::of(error, Some(&asked.id));
    if let Some(language) = asked.page {
        return problems::page_of(&problem, language, response);
    }
    response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON)));
    match serde_json::to_vec(&problem) {
        Ok(body) => response.body(body),
        Err(error) => {
            tracing::error!(%error, "a problem could not be written");
            response.finish()
        }
    }
}

/// Whole seconds, rounded up and never 0, so that whoever waits that long is not refused again.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).clamp(1, u128::from(u32::MAX)) as u64
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let words = next.to_string();
        if !said.contains(&words) {
            said.push_str(": ");
            said.push_str(&words);
        }
        cause = next.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_internal_error_shows_nothing_of_its_source() {
        let error = Error::internal("SELECT secret FROM source failed in /srv/belltower");
        let body = serde_json::to_string(&Problem::of(&error, Some(&RequestId::mint()))).unwrap();
        assert!(!body.contains("SELECT") && !body.contains("/srv"), "{body}");
    }

    #[test]
    fn waits_are_whole_seconds_and_long_enough() {
        assert_eq!(whole_seconds(Duration::ZERO), 1);
        assert_eq!(whole_seconds(Duration::from_millis(1001)), 2);
        assert_eq!(whole_seconds(Duration::MAX), u64::from(u32::MAX));
    }
}
