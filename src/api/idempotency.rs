//! The header `Idempotency-Key`.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use crate::{Error, Result};

const NAME: &str = "idempotency-key";
const LONGEST: usize = 255;

/// What the document says of it.
pub(super) fn schema() -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(LONGEST))
        .pattern(Some("^[ -~]+$"))
        .into()
}

/// What the request says, if anything.
///
/// # Errors
///
/// [`Error::Invalid`] where that is no key.
pub(super) fn key(request: &HttpRequest) -> Result<Option<String>> {
    match request.headers().get(NAME).map(HeaderValue::to_str) {
        None => Ok(None),
        Some(Ok(key)) if (1..=LONGEST).contains(&key.len()) && !key.contains('\t') => {
            Ok(Some(key.to_owned()))
        }
        Some(_) => {
            let detail = format!("1 to {LONGEST} printable ASCII characters");
            Err(Error::fault("Idempotency-Key", "invalid_idempotency_key", detail))
        }
    }
}
