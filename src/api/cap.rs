//! Alerts of other systems, in the Common Alerting Protocol 1.2.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::broadcasts::accepted;
use crate::Result;
use crate::http::body::{AnyBytes, SMALL, expect_media};
use crate::http::params::Params;
use crate::http::{Key, RequestId, client};
use crate::service::Services;
use crate::service::broadcasts::{Answered, PressedView};
use crate::service::cap::{self, Taken};

/// Of CAP itself, and what senders that know XML only say instead.
const MEDIA: [&str; 3] = ["application/cap+xml", "application/xml", "text/xml"];

/// Takes an alert of CAP 1.2.
///
/// Needs the right `broadcast`. An Alert becomes a broadcast that waits for a second person, and never goes out by itself;
/// an Update another that follows it, and what still waited of the first is taken back. A Cancel takes back what waits and
/// stops what is being sent, as far as it came from the same sender by the same source. Alerts of the status Exercise or
/// Test, and all that a test key sends, are drills: they go no further than the sandbox. An alert with the same sender,
/// identifier and time as an earlier one is answered as that was. Texts are taken from the first `info` in Chinese and the
/// first in English; one stands for both where there is no other. Everything that is wrong is told in `errors`, `pointer`
/// being its path in the document, such as `/alert/info[1]/area[1]/polygon[1]`.
#[utoipa::path(
    post, path = "/api/v1/cap", tag = "emergency",
    request_body(
        description = "A CAP 1.2 alert in UTF-8, at most 1 MiB, without DTD and entities",
        content(
            (String = "application/cap+xml"), (String = "application/xml"), (String = "text/xml"),
        ),
    ),
    responses(
        (status = 202, body = PressedView, description = "Kept; of a Cancel: what became of the first that it ended",
            headers(
                ("Location" = String, description = "Where the broadcast is"),
                ("Idempotent-Replayed" = String, description = "`true`: this alert came before"),
            )),
    ),
)]
pub async fn take(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    request_id: RequestId,
    body: AnyBytes<SMALL>,
) -> Result<HttpResponse> {
    let is_cap = |essence: &str| MEDIA.iter().any(|media| essence.eq_ignore_ascii_case(media));
    expect_media(request.headers(), MEDIA[0], is_cap)?;
    Params::none(&request)?;
    let taken =
        Taken { document: &body.0, from: Some(client::address(&request)), request_id: request_id.as_str() };
    let cap::Answer { id, body, replayed } = cap::take(&s, key.caller(), &taken).await?;
    Ok(accepted(Answered { id, body, replayed }))
}
