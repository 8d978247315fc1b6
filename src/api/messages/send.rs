//! Sending: one message, or up to a thousand at once.

#![expect(unused_qualifications, reason = "what utoipa's macro makes of parameters")]

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::{Data, Json};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::super::idempotency;
use crate::domain::id::MessageId;
use crate::error::{Fault, Faults};
use crate::http::body::{JsonBytes, LARGE};
use crate::http::errors::{self, Problem};
use crate::http::params::Params;
use crate::http::server;
use crate::http::{Key, NothingTaken, RequestId};
use crate::service::messages::{AcceptOptions, Accepted, AcceptedView, MessageBody, MessageView, Preview};
use crate::service::{Services, messages};
use crate::{Error, Result};

/// What is read of a body is what a message may weigh.
const _: () = assert!(LARGE == messages::MOST_BYTES_PERSONAL);

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const PREFER: &str = "prefer";
/// The one value of `?unknown=`.
const SKIP: &str = "skip";
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const LONGEST_WAIT_SECONDS: u64 = 30;

/// Up to 1,000 messages.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"messages": [{
    "topic": "library.new-books",
    "title": "新书上架",
    "body": "本周新到图书 **120** 册。",
    "audience": {"groups": ["all-students"]},
    "idempotency_key": "new-books-2026-11",
}]}))]
pub struct BatchBody {
    pub messages: Vec<BatchMessage>,
}

/// A message of a batch: a message, and the key that makes repeating it safe.
#[derive(Debug)]
pub struct BatchMessage;

impl PartialSchema for BatchMessage {
    /// Not composed of the two, as each of them would forbid what the other has.
    fn schema() -> RefOr<Schema> {
        let mut schema = MessageBody::schema();
        if let RefOr::T(Schema::Object(message)) = &mut schema {
            let key = ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some("As the header `Idempotency-Key`, for this message alone"));
            message.properties.insert("idempotency_key".to_owned(), key.into());
            message.description = Some("A message, and the key that makes repeating it safe".to_owned());
        }
        schema
    }
}

impl ToSchema for BatchMessage {}

/// A message that was sent: what accepting it said, or with `Prefer: wait` how it stands.
#[derive(Debug)]
pub struct SentBody;

impl PartialSchema for SentBody {
    fn schema() -> RefOr<Schema> {
        AnyOfBuilder::new()
            .item(Ref::from_schema_name(AcceptedView::name()))
            .item(Ref::from_schema_name(MessageView::name()))
            .description(Some("What accepting it said, or with `Prefer: wait` how it stands"))
            .into()
    }
}

impl ToSchema for SentBody {}

/// What became of each message, in the order they were sent in.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchResults {
    pub results: Vec<BatchResult>,
}

/// What became of one message of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchResult {
    /// What the message alone would have been answered with: 202, 200 for a repeated `dedup_key`, or an error's.
    #[schema(example = 202)]
    pub status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "msg_0a1b2c3d4e5f6")]
    pub id: Option<MessageId>,
    /// The message with the same `dedup_key` that was there first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub duplicate_of: Option<MessageId>,
    /// It had been accepted before with the same `idempotency_key`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub replayed: bool,
    /// The problem itself; its pointers start at this message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Problem>)]
    pub problem: Option<Value>,
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct SendHeaders {
    /// 1–255 printable characters. The same key and the same body again: the first answer again. Kept at least a day.
    #[param(rename = "Idempotency-Key", schema_with = idempotency::schema)]
    pub idempotency_key: Option<String>,
    /// `wait=N`: answer when the message is completed, or after N seconds (30 at most).
    #[param(rename = "Prefer", value_type = String, required = false, example = "wait=5")]
    pub prefer: Option<String>,
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct BatchHeaders {
    /// 1–255 printable characters; stands for every message without a key of its own, by its place.
    #[param(rename = "Idempotency-Key", schema_with = idempotency::schema)]
    pub idempotency_key: Option<String>,
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SendParams {
    /// `skip`: leave out groups and people nobody knows, and report them, instead of refusing the message.
    #[param(schema_with = only_skip)]
    pub unknown: Option<String>,
}

fn only_skip() -> Schema {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some([SKIP])).into()
}

/// Sends a message.
///
/// It is answered once the message is on disk: whatever happens then, it is delivered or visibly fails. Repeating a
/// request with the same `Idempotency-Key` sends nothing twice.
#[utoipa::path(
    post, path = "/api/v1/messages", tag = "messages",
    params(SendParams, SendHeaders),
    request_body(content = MessageBody, description = "1 MiB at most; 16 MiB with `personalise`"),
    responses(
        (status = 202, body = SentBody, description = "Kept, and on its way. With `Prefer: wait` not completed \
            in time: the message with its counts",
            headers(
                ("Location" = String, description = "Where the message is"),
                ("Idempotent-Replayed" = String, description = "`true`: this is the first answer again"),
                ("Preference-Applied" = String, description = "`wait=N`, where that was asked for"),
            )),
        (status = 200, body = SentBody, description = "With `Prefer: wait`: the message, completed. For a \
            repeated `dedup_key`: the first message, with `duplicate_of`",
            headers(
                ("Location" = String, description = "Where the message is"),
                ("Idempotent-Replayed" = String, description = "`true`: this is the first answer again"),
                ("Preference-Applied" = String, description = "`wait=N`, where that was asked for"),
            )),
    ),
)]
pub async fn create(
    request: HttpRequest,
    s: Data<Services>,
    state: Data<server::State>,
    key: Key,
    request_id: RequestId,
    body: JsonBytes<LARGE>,
) -> Result<HttpResponse> {
    let options = options(&request, &request_id)?;
    let body = body.0;
    messages::check_size(&body)?;
    let Accepted { status, message, replayed } = messages::accept(&s, &key, &body, &options).await?;
    let mut response = HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::ACCEPTED));
    response.insert_header((header::LOCATION, format!("/api/v1/messages/{}", message.id)));
    if replayed {
        response.insert_header((REPLAYED, HeaderValue::from_static("true")));
    }
    let Some(seconds) = preferred_wait(request.headers()) else { return Ok(response.json(message)) };
    let wait = messages::wait(&s, key.caller(), message.id, Duration::from_secs(seconds));
    // Nobody is kept waiting by a process that stops.
    let Some(view) = state.lifecycle.soft().run_until_cancelled(wait).await else {
        return Ok(response.json(message));
    };
    let view = view?;
    response.status(if view.summary.status.is_final() { StatusCode::OK } else { StatusCode::ACCEPTED });
    response.insert_header((PREFERENCE_APPLIED, format!("wait={seconds}")));
    Ok(response.json(view))
}

/// Sends up to 1,000 messages with one request.
///
/// Good ones are kept even where others fail. A header `Idempotency-Key` stands for every message without a key of
/// its own, by its place.
#[utoipa::path(
    post, path = "/api/v1/messages/batch", tag = "messages",
    params(SendParams, BatchHeaders),
    request_body(content = BatchBody, description = "16 MiB at most"),
    responses((status = 200, body = BatchResults)),
)]
pub async fn create_batch(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    request_id: RequestId,
    body: JsonBytes<LARGE>,
) -> Result<Json<BatchResults>> {
    let options = options(&request, &request_id)?;
    // One was counted when the request was let in.
    key.admit(&request, &s, count_messages(&body.0).saturating_sub(1))?;
    let results = messages::accept_batch(&s, &key, &body.0, &options).await?;
    let answer = BatchResults { results: results.iter().map(BatchResult::of).collect() };
    if results.iter().all(Result::is_err)
        && let Some(Err(first)) = results.into_iter().next()
    {
        request.extensions_mut().insert(NothingTaken(of_the_first(first)));
    }
    Ok(Json(answer))
}

/// What would become of a message, without sending it.
///
/// It is checked, routed and counted as a real one; nothing is stored and nothing goes out.
#[utoipa::path(
    post, path = "/api/v1/messages/preview", tag = "messages",
    params(SendParams),
    request_body(content = MessageBody, description = "1 MiB at most; 16 MiB with `personalise`"),
    responses((status = 200, body = Preview)),
)]
pub async fn preview(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    body: JsonBytes<LARGE>,
) -> Result<Json<Preview>> {
    let mut params = Params::of(&request);
    let skip_unknown = skips_unknown(&mut params);
    params.finish()?;
    messages::check_size(&body.0)?;
    Ok(Json(messages::preview(&s, &key, &body.0, skip_unknown).await?))
}

fn options(request: &HttpRequest, request_id: &RequestId) -> Result<AcceptOptions> {
    let mut faults = Faults::default();
    let mut params = Params::of(request);
    let skip_unknown = skips_unknown(&mut params);
    if let Err(Error::Invalid(found)) = params.finish() {
        faults.extend(found);
    }
    let idempotency_key = match idempotency::key(request) {
        Ok(key) => key,
        Err(Error::Invalid(found)) => {
            faults.extend(found);
            None
        }
        Err(error) => return Err(error),
    };
    faults.into_result()?;
    Ok(AcceptOptions { idempotency_key, request_id: request_id.as_str().to_owned(), skip_unknown })
}

fn skips_unknown(params: &mut Params<'_>) -> bool {
    let unknown = params.text("unknown");
    let skip_unknown = unknown.as_deref() == Some(SKIP);
    if unknown.is_some() && !skip_unknown {
        params.fault("unknown", "invalid_value", "`unknown` is `skip`, or left out");
    }
    skip_unknown
}

/// The seconds of `wait` (RFC 7240 §4.3), as many as are granted. What cannot be understood is ignored, as that RFC
/// wants it.
fn preferred_wait(headers: &HeaderMap) -> Option<u64> {
    headers
        .get_all(PREFER)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|preference| {
            let (name, value) = preference.split(';').next()?.split_once('=')?;
            if !name.trim().eq_ignore_ascii_case("wait") {
                return None;
            }
            let seconds: u64 = value.trim().trim_matches('"').parse().ok()?;
            Some(seconds.min(LONGEST_WAIT_SECONDS))
        })
}

/// How many messages a batch holds, without reading them; 1 where it cannot be read, which the service then says.
fn count_messages(body: &[u8]) -> u32 {
    #[derive(Deserialize)]
    struct Batch {
        messages: Vec<IgnoredAny>,
    }
    serde_json::from_slice::<Batch>(body).map_or(1, |batch| batch.messages.len() as u32)
}

/// What is wrong with a batch of which nothing was taken: the first of its problems, where it is.
fn of_the_first(error: Error) -> Error {
    match error {
        Error::Invalid(faults) => {
            let within = |fault: Fault| Fault { pointer: format!("/messages/0{}", fault.pointer), ..fault };
            Error::Invalid(faults.into_iter().map(within).collect())
        }
        other => other,
    }
}

impl BatchResult {
    fn of(result: &Result<Accepted>) -> Self {
        match result {
            Ok(Accepted { status, message, replayed }) => Self {
                status: *status,
                id: Some(message.id),
                duplicate_of: message.duplicate_of,
                replayed: *replayed,
                problem: None,
            },
            Err(error) => {
                errors::log(error);
                let problem = Problem::of(error, None);
                Self {
                    status: problem.status,
                    id: None,
                    duplicate_of: None,
                    replayed: false,
                    problem: serde_json::to_value(problem).ok(),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_granted_up_to_half_a_minute() {
        let wait = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static(PREFER), HeaderValue::from_static(value));
            preferred_wait(&headers)
        };
        assert_eq!(wait("wait=5"), Some(5));
        assert_eq!(wait("respond-async, Wait = \"10\"; foo"), Some(10));
        assert_eq!(wait("wait=3600"), Some(30));
        for nothing in ["wait", "wait=soon", "wait=-1", "return=minimal", ""] {
            assert_eq!(wait(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn messages_of_a_batch_are_counted_without_being_read() {
        assert_eq!(count_messages(br#"{"messages": [{"a": [1, 2]}, 7, null], "x": 1}"#), 3);
        assert_eq!(count_messages(b"nonsense"), 1);
        assert_eq!(count_messages(br#"{"messages": 7}"#), 1);
    }
}
