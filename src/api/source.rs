//! What a departmental system may know and do about itself.

#![expect(unused_qualifications, reason = "what utoipa's macro makes of parameters")]

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::web::{Data, Json};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::Schema;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};

use crate::domain::channel::ChannelKind;
use crate::domain::source::Right;
use crate::error::Faults;
use crate::http::body::OptionalJson;
use crate::http::{Key, Params};
use crate::service::Services;
use crate::service::sources::{self, DEFAULT_OVERLAP};
use crate::{Error, Result};

/// The source whose key it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceBody {
    #[schema(example = "src_0a1b2c3d4e5f6")]
    id: String,
    #[schema(example = "教务处")]
    name: String,
    department: String,
    /// Patterns of the topics it may send on.
    #[schema(example = json!(["academic.#"]))]
    topics: Vec<String>,
    channels: Vec<ChannelKind>,
    rights: Vec<Right>,
    /// Slugs of the groups it may write to; empty: it may write to anybody.
    #[schema(example = json!(["library-readers"]))]
    groups: Vec<String>,
    quotas: Quotas,
    today: Today,
    key: KeyBody,
}

/// What an administrator allows; null where there is no limit.
#[derive(Debug, Serialize, ToSchema)]
pub struct Quotas {
    /// Requests a second; each message of a batch counts as one.
    rate_per_second: Option<u32>,
    /// Messages a day of the campus's calendar.
    daily_messages: Option<u64>,
}

/// The campus's present day.
#[derive(Debug, Serialize, ToSchema)]
pub struct Today {
    /// Messages accepted so far.
    used: u64,
    /// Messages that the quota still allows; null where there is none.
    left: Option<u64>,
    /// When the next day begins.
    resets_at: jiff::Timestamp,
}

/// The key of this request.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyBody {
    #[schema(example = "key_0a1b2c3d4e5f6")]
    id: String,
    /// What is sent with it goes to the sandbox and leaves nothing.
    test: bool,
}

/// How to replace a key.
#[derive(Debug, ToSchema)]
pub struct RotateBody {
    #[schema(schema_with = seconds_or_text)]
    pub overlap: Option<Duration>,
}

fn seconds_or_text() -> Schema {
    let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    let text = ObjectBuilder::new().schema_type(Type::String).examples(["24h"]);
    let description = "How long the old key lives on: seconds, or a text such as `24h`, `30m` or `PT24H`. At most 30 \
                       days; 24 hours if left out";
    OneOfBuilder::new().item(seconds).item(text).description(Some(description)).into()
}

/// A new key, shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct RotatedBody {
    id: String,
    #[schema(example = "bt_live_…")]
    key: String,
    /// When the key of this request ends.
    old_key_expires_at: jiff::Timestamp,
}

/// Who this key belongs to, what it may do and what is left today.
#[utoipa::path(get, path = "/api/v1/source", tag = "source", responses((status = 200, body = SourceBody)))]
pub async fn show(request: HttpRequest, s: Data<Services>, key: Key) -> Result<Json<SourceBody>> {
    Params::none(&request)?;
    let own = sources::own(&s, &key).await?;
    let shown = key.key.ok_or(Error::NotFound("key"))?;
    let source = own.source;
    Ok(Json(SourceBody {
        id: source.id.to_string(),
        name: source.name,
        department: source.department,
        topics: source.topics.iter().map(ToString::to_string).collect(),
        channels: source.channels,
        rights: source.rights,
        groups: source.groups,
        quotas: Quotas { rate_per_second: source.rate_per_second, daily_messages: source.daily_messages },
        today: Today { used: source.used_today, left: own.left_today, resets_at: own.resets_at.to_jiff() },
        key: KeyBody { id: shown.to_string(), test: key.test },
    }))
}

/// Replaces the key of this request by a new one of the same kind.
///
/// The old one lives on for `overlap`, so that a system can change over without losing a call.
#[utoipa::path(
    post, path = "/api/v1/source/keys/rotate", tag = "source",
    request_body(content = Option<RotateBody>),
    responses((status = 200, body = RotatedBody), (status = 409, description = "The source has too many keys in use")),
)]
pub async fn rotate(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    body: OptionalJson,
) -> Result<Json<RotatedBody>> {
    Params::none(&request)?;
    let rotated = sources::rotate_key(&s, &key, overlap(&body.0)?).await?;
    Ok(Json(RotatedBody {
        id: rotated.key_id.to_string(),
        key: rotated.key,
        old_key_expires_at: rotated.old_key_expires_at.to_jiff(),
    }))
}

pub(super) fn overlap(body: &Value) -> Result<Duration> {
    let mut faults = Faults::default();
    let Some(object) = body.as_object() else {
        return Err(Error::fault("", "not_an_object", "send a JSON object"));
    };
    for name in object.keys().filter(|name| *name != "overlap") {
        faults.add(format!("/{name}"), "unknown_field", "there is no such field; use `overlap`");
    }
    let overlap = match body.get("overlap") {
        None | Some(Value::Null) => Some(DEFAULT_OVERLAP),
        Some(Value::Number(seconds)) => seconds.as_u64().map(Duration::from_secs),
        Some(Value::String(text)) => {
            text.parse::<jiff::SignedDuration>().ok().and_then(|duration| duration.try_into().ok())
        }
        Some(_) => None,
    };
    if overlap.is_none() {
        faults.add("/overlap", "invalid_value", "send seconds, or a text such as `24h` or `PT24H`");
    }
    faults.into_result()?;
    Ok(overlap.unwrap_or(DEFAULT_OVERLAP))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_overlap_is_seconds_or_a_text() {
        let seconds = |value: Value| overlap(&json!({ "overlap": value })).ok().map(|d| d.as_secs());
        assert_eq!(seconds(json!(90)), Some(90));
        assert_eq!(seconds(json!("24h")), Some(86_400));
        assert_eq!(seconds(json!("PT30M")), Some(1800));
        assert_eq!(seconds(Value::Null), Some(86_400));
        for wrong in [json!(-1), json!("-1h"), json!("soon"), json!([1]), json!(1.5)] {
            assert_eq!(seconds(wrong), None);
        }
        assert!(overlap(&json!({"colour": "red"})).is_err());
        assert!(overlap(&json!([])).is_err());
    }
}
