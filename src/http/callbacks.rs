//! The door for providers that tell by themselves what became of what they took. There is no key: the address is the
//! secret. A call is stored, answered within the vendor's limit, and looked into afterwards.

use actix_web::http::header;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::body::AnyBytes;
use super::routes::routes;
use crate::Result;
use crate::service::Services;
use crate::service::receipts::{self, Acknowledgement, Callback};

routes! {
    "/callbacks/{provider}/{secret}" => { GET check, POST take }
}

/// A push of some thousand receipts; no vendor sends more at once.
const LIMIT: usize = 1024 * 1024;

/// What an SMS gateway or another vendor tells.
///
/// The address is the provider's own, as `belltower provider list` shows it. The body is the vendor's, in its own form, and
/// so is the answer: 200 once it is stored, whatever it says. It is matched with deliveries afterwards.
#[utoipa::path(
    post, path = "/callbacks/{provider}/{secret}", tag = "callbacks",
    params(
        ("provider" = String, Path, description = "The provider", example = "prv_1a2b3c4d5e6f7"),
        ("secret" = String, Path, description = "What nobody can guess of the address"),
    ),
    request_body(content = Option<String>, content_type = "*/*", description = "As the vendor writes it, at most 1 MiB"),
    responses(
        (status = 200, description = "Stored. The body is what the vendor waits for", body = String, content_type = "text/plain"),
        (status = 404, description = "Nobody has this address"),
        (status = 413, description = "Larger than 1 MiB"),
    ),
)]
pub async fn take(
    s: Data<Services>,
    path: Path<(String, String)>,
    request: HttpRequest,
    body: AnyBytes<LIMIT>,
) -> Result<HttpResponse> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let callback = Callback {
        is_post: true,
        query: request.query_string().to_owned(),
        content_type: content_type.map(str::to_owned),
        body: body.0.to_vec(),
    };
    answer(&s, &path, &callback).await
}

/// Where a vendor checks that the address answers, or tells receipts in it.
#[utoipa::path(
    get, path = "/callbacks/{provider}/{secret}", tag = "callbacks",
    params(
        ("provider" = String, Path, description = "The provider", example = "prv_1a2b3c4d5e6f7"),
        ("secret" = String, Path, description = "What nobody can guess of the address"),
    ),
    responses(
        (status = 200, description = "The body is what the vendor waits for", body = String, content_type = "text/plain"),
        (status = 404, description = "Nobody has this address"),
    ),
)]
pub async fn check(
    s: Data<Services>,
    path: Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    // Whoever asks for the head alone tells nothing.
    let query = if request.method() == actix_web::http::Method::HEAD { "" } else { request.query_string() };
    let callback = Callback { is_post: false, query: query.to_owned(), content_type: None, body: Vec::new() };
    answer(&s, &path, &callback).await
}

async fn answer(s: &Services, path: &(String, String), callback: &Callback) -> Result<HttpResponse> {
    let (provider, secret) = path;
    let Acknowledgement { content_type, body, .. } = receipts::take(s, provider, secret, callback).await?;
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, content_type)).body(body))
}
