//! What the standard describes and this server does not do: 501 (RFC 7644 §3.11, §3.12), so that whoever tries it learns that it
//! is not a wrong address. For whoever may ask at all.

use actix_web::HttpResponse;

use crate::Result;
use crate::http::{Key, scim};
use crate::service::scim::admit;

/// `/Me`: whoever calls is a system, and no person of the directory.
pub(super) async fn me(key: Key) -> Result<HttpResponse> {
    refuse(&key, "`/Me` is not supported: a key belongs to a system and to no person")
}

/// `GET /` and `POST /.search`: people and groups at once.
pub(super) async fn everything(key: Key) -> Result<HttpResponse> {
    refuse(&key, "people and groups are listed apart: ask `/Users` or `/Groups`")
}

pub(super) async fn bulk(key: Key) -> Result<HttpResponse> {
    refuse(&key, "bulk requests are not supported: send them one by one")
}

fn refuse(key: &Key, detail: &str) -> Result<HttpResponse> {
    admit(key.caller())?;
    Ok(scim::not_implemented(detail))
}
