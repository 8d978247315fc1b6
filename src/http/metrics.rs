//! Figures for Prometheus.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::routes::routes;
use crate::service::{Services, figures};

routes! {
    "/metrics" => { GET show }
}

/// Prometheus's text format, <https://prometheus.io/docs/instrumenting/exposition_formats>.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What this process counts and measures, for Prometheus.
///
/// Not served here where the setting `metrics.listen` names another address.
#[utoipa::path(
    get, path = "/metrics", tag = "operation",
    responses((status = 200, description = "Prometheus's text format", content_type = "text/plain", body = String)),
)]
pub async fn show(s: Data<Services>) -> HttpResponse {
    HttpResponse::Ok().content_type(TEXT).body(figures::render(&s).await)
}
