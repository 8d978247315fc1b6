//! Stopping a message, and sending again what of it did not arrive.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};

use super::message;
use crate::Result;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::State;
use crate::domain::fields::Fields;
use crate::error::Fault;
use crate::http::Key;
use crate::http::body::OptionalJson;
use crate::http::errors::Problem;
use crate::http::params::Params;
use crate::service::deliveries::{Cancelled, Resent};
use crate::service::{Services, deliveries};

/// Nothing more is to be said.
#[derive(Debug, ToSchema)]
pub struct CancelBody {}

/// Which deliveries to send again.
#[derive(Debug, ToSchema)]
pub struct ResendBody {
    #[schema(schema_with = ended_states)]
    pub states: Vec<State>,
    /// Channels to add for the people of these deliveries where they were not planned before.
    #[schema(required = false)]
    pub channels: Vec<ChannelKind>,
}

/// Stops what still waits, calls back what providers can call back (WeCom, for a day), and says what was already out. A
/// message that has ended is only called back. What was being handed over at that moment can be called back by asking
/// once more.
#[utoipa::path(
    post, path = "/api/v1/messages/{id}/cancel", tag = "messages",
    params(("id" = String, Path, description = "The message's id")),
    request_body(content = Option<CancelBody>, description = "None, or an empty object"),
    responses(
        (status = 200, body = Cancelled),
        (status = 409, description = "`ended`: there is nothing left to stop or to call back; `broadcast_message`: it is a part of a broadcast, which is stopped instead", body = Problem,
            content_type = "application/problem+json"),
    ),
)]
pub async fn cancel(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    id: Path<String>,
    body: OptionalJson,
) -> Result<Json<Cancelled>> {
    Params::none(&request)?;
    Fields::of(&body.0)?.finish()?;
    Ok(Json(deliveries::cancel(&s, key.caller(), message(&id)?).await?))
}

/// Opens exactly the deliveries in these states again.
#[utoipa::path(
    post, path = "/api/v1/messages/{id}/resend", tag = "messages",
    params(("id" = String, Path, description = "The message's id")),
    request_body = ResendBody,
    responses(
        (status = 200, body = Resent),
        (status = 409, description = "`not_sent`: there is nothing to send again yet; `broadcast_message`: it is a part of a broadcast", body = Problem,
            content_type = "application/problem+json"),
    ),
)]
pub async fn resend(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    id: Path<String>,
    body: OptionalJson,
) -> Result<Json<Resent>> {
    Params::none(&request)?;
    let (states, channels) = resend_body(&body.0)?;
    Ok(Json(deliveries::resend(&s, key.caller(), message(&id)?, &states, &channels).await?))
}

fn resend_body(body: &Value) -> Result<(Vec<State>, Vec<ChannelKind>)> {
    let mut fields = Fields::of(body)?;
    let mut faults = Vec::new();
    fields.texts("states", MOST);
    let states = reopened(strings(body, "states", MOST), &mut faults);
    let names_none = body
        .get("states")
        .is_none_or(|states| states.is_null() || states.as_array().is_some_and(Vec::is_empty));
    if names_none {
        fields.fault("states", "required", format!("name at least one of {}", words()));
    }
    fields.texts("channels", MOST);
    let mut channels = Vec::new();
    for (i, text) in strings(body, "channels", MOST) {
        match text.parse() {
            Ok(channel) => channels.push(channel),
            Err(why) => faults.push(Fault::new(format!("/channels/{i}"), "unknown_value", why)),
        }
    }
    fields.extend(faults);
    fields.finish()?;
    Ok((states, channels))
}

/// Entries of a list.
const MOST: usize = 16;

/// Deliveries in these can be opened again.
const ENDED: [State; 4] = [State::Failed, State::Unknown, State::Expired, State::Cancelled];

fn ended_states() -> Schema {
    let state = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(ENDED.map(State::name)));
    ArrayBuilder::new()
        .items(state)
        .description(Some("Which to send again"))
        .min_items(Some(1))
        .max_items(Some(MOST))
        .examples([["failed", "unknown"]])
        .into()
}

fn words() -> String {
    ENDED.map(State::name).join(", ")
}

/// The strings of a list with their places in it, which what is no string keeps.
fn strings<'v>(body: &'v Value, name: &str, most: usize) -> impl Iterator<Item = (usize, &'v str)> {
    let entries = body.get(name).and_then(Value::as_array).into_iter().flatten();
    entries.take(most).enumerate().filter_map(|(i, entry)| Some((i, entry.as_str()?)))
}

fn reopened<'v>(texts: impl Iterator<Item = (usize, &'v str)>, faults: &mut Vec<Fault>) -> Vec<State> {
    let mut read = Vec::new();
    for (i, text) in texts {
        let at = format!("/states/{i}");
        match text.parse() {
            Ok(state) if ENDED.contains(&state) => read.push(state),
            Ok(state) => {
                let why = format!("deliveries that are {state} cannot be sent again; use {}", words());
                faults.push(Fault::new(at, "not_allowed", why));
            }
            Err(_) => faults.push(Fault::new(at, "unknown_value", format!("use {}", words()))),
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Error;

    #[test]
    fn every_fault_of_a_resend_is_told() {
        let (states, channels) = resend_body(&json!({"states": ["failed"], "channels": ["sms"]})).unwrap();
        assert_eq!((states, channels), (vec![State::Failed], vec![ChannelKind::Sms]));
        let body = json!({"states": ["lost", 7, "delivered"], "channels": ["fax"], "colour": 1});
        let Err(Error::Invalid(faults)) = resend_body(&body) else { panic!("taken") };
        let mut at: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        at.sort_unstable();
        assert_eq!(at, ["/channels/0", "/colour", "/states/0", "/states/1", "/states/2"]);
        for fault in faults.iter().filter(|fault| ["/states/0", "/states/2"].contains(&&*fault.pointer)) {
            assert!(fault.detail.contains("failed, unknown, expired, cancelled"), "{fault:?}");
        }
        for nothing in [json!({}), json!({"states": []}), json!({"states": null})] {
            let Err(Error::Invalid(faults)) = resend_body(&nothing) else { panic!("taken") };
            assert_eq!(faults[0].detail, "name at least one of failed, unknown, expired, cancelled");
        }
    }
}
