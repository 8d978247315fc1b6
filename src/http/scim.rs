//! Errors as identity systems read them (RFC 7644 §3.12).

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;

use super::errors;
use crate::Error;
use crate::error::Fault;

/// The media type of RFC 7644 §3.1.
pub const SCIM_JSON: &str = "application/scim+json";
const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// Faults that a detail tells.
const MOST_TOLD: usize = 10;

/// The codes of faults that have a word of their own there; all others are `invalidValue`.
const TYPES: [(&str, &str); 6] = [
    ("invalid_filter", "invalidFilter"),
    ("invalid_path", "invalidPath"),
    ("invalid_syntax", "invalidSyntax"),
    ("mutability", "mutability"),
    ("no_target", "noTarget"),
    ("too_many_results", "tooMany"),
];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody {
    schemas: [&'static str; 1],
    /// As a text, as the standard has it.
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scim_type: Option<&'static str>,
    detail: String,
}

/// The HTTP status of an error, which differs from the API's where the standard says so.
fn status(error: &Error) -> StatusCode {
    match error {
        Error::Invalid(_) => StatusCode::BAD_REQUEST,
        Error::Conflict { code: "changed_meanwhile", .. } => StatusCode::PRECONDITION_FAILED,
        other => errors::status(other),
    }
}

fn scim_type(error: &Error) -> Option<&'static str> {
    match error {
        Error::Malformed(_) => Some("invalidSyntax"),
        Error::Invalid(faults) => {
            let code = faults.first().map_or("", |fault| fault.code.as_ref());
            let known = TYPES.iter().find(|(ours, _)| *ours == code);
            Some(known.map_or("invalidValue", |(_, theirs)| theirs))
        }
        Error::Conflict { code: "uniqueness", .. } => Some("uniqueness"),
        _ => None,
    }
}

fn detail(error: &Error) -> String {
    let told = |fault: &Fault| match fault.pointer.as_str() {
        "" => fault.detail.clone(),
        place => format!("{place}: {}", fault.detail),
    };
    match error {
        Error::Invalid(faults) => {
            let all: Vec<_> = faults.iter().take(MOST_TOLD).map(told).collect();
            all.join("; ")
        }
        Error::Internal(_) => "Something went wrong on our side; it was logged.".to_owned(),
        other => other.to_string(),
    }
}

/// The answer to an error; `response` has the headers that go with it.
pub(super) fn answer(error: &Error, mut response: HttpResponseBuilder) -> HttpResponse {
    let status = status(error);
    response.status(status);
    write(status, scim_type(error), detail(error), response)
}

/// The answer to what this server does not do.
pub fn not_implemented(detail: &str) -> HttpResponse {
    let status = StatusCode::NOT_IMPLEMENTED;
    write(status, None, detail.to_owned(), HttpResponse::build(status))
}

fn write(
    status: StatusCode,
    scim_type: Option<&'static str>,
    detail: String,
    mut response: HttpResponseBuilder,
) -> HttpResponse {
    response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(SCIM_JSON)));
    let body = ErrorBody { schemas: [SCHEMA], status: status.as_u16().to_string(), scim_type, detail };
    match serde_json::to_vec(&body) {
        Ok(body) => response.body(body),
        Err(error) => {
            tracing::error!(%error, "an error could not be written");
            response.finish()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_the_words_of_the_standard() {
        let fault = |code: &'static str| Error::fault("/x", code, "y");
        for (error, expected, word) in [
            (fault("invalid_filter"), 400, Some("invalidFilter")),
            (fault("bad_address"), 400, Some("invalidValue")),
            (fault("too_many_results"), 400, Some("tooMany")),
            (Error::Malformed("x".to_owned()), 400, Some("invalidSyntax")),
            (Error::conflict("uniqueness", "x"), 409, Some("uniqueness")),
            (Error::conflict("group_in_use", "x"), 409, None),
            (Error::conflict("changed_meanwhile", "x"), 412, None),
            (Error::NotFound("user"), 404, None),
            (Error::internal("SELECT secret"), 500, None),
        ] {
            assert_eq!((status(&error).as_u16(), scim_type(&error)), (expected, word), "{error}");
            assert!(!detail(&error).contains("SELECT"));
        }
        let both = Error::Invalid(vec![Fault::new("/a", "x", "first"), Fault::new("", "x", "second")]);
        assert_eq!(detail(&both), "/a: first; second");
    }
}
