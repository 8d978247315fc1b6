//! The document as data and as a page.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::openapi;
use crate::http::routes::routes;
use crate::{Error, Result};

routes! {
    "/openapi.json" => { GET document }
    "/docs" => { GET page }
}

/// RapiDoc writes its styles as elements, fetches the document and calls the API when someone tries it out; it takes
/// nothing from any other host.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: \
                      blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "api/docs.html")]
struct DocsPage;

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "operation",
    responses((status = 200, description = "The OpenAPI 3.1 document", content_type = "application/json", body = Object)),
)]
pub async fn document(_: HttpRequest) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(openapi::json())
}

/// This document as a page to read and try out.
#[utoipa::path(
    get, path = "/docs", tag = "operation",
    responses((status = 200, description = "A page", content_type = "text/html", body = String)),
)]
pub async fn page() -> Result<HttpResponse> {
    let body = DocsPage.render().map_err(Error::internal)?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(body))
}
