//! Whether this process is up, and whether it should be sent requests.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::routes::routes;
use super::server::State;
use crate::service::Services;
use crate::service::readiness::{self, Part};

routes! {
    "/healthz" => { GET live }
    "/readyz" => { GET ready }
}

/// That the process is up.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "ok")]
    pub status: &'static str,
    pub version: &'static str,
}

/// Whether this node should be sent requests. `degraded` is still ready.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// `ready`, `degraded` or `unavailable`.
    #[schema(example = "ready")]
    pub status: &'static str,
    pub version: &'static str,
    pub parts: Vec<Part>,
}

/// That the process is up.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, body = Health)))]
pub async fn live() -> web::Json<Health> {
    web::Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// Whether this node should be sent requests.
///
/// 503 only where requests must go elsewhere: the store does not answer, or this process is stopping. A dead mail relay
/// must not take the emergency button off the balancer. `store` is `degraded` while nothing can be written to it. `providers`
/// is `degraded` while one that is in use fails or asks for less, and where no provider serves a channel that sources may
/// use, or takes a kind of address by which deliveries wait; `detail` says which.
#[utoipa::path(
    get, path = "/readyz", tag = "operation",
    responses(
        (status = 200, body = Readiness),
        (status = 503, body = Readiness, description = "The store does not answer, or the process is stopping"),
    ),
)]
pub async fn ready(s: web::Data<Services>, state: web::Data<State>) -> HttpResponse {
    let mut parts = readiness::check(&s).await;
    if state.lifecycle.soft().is_cancelled() {
        parts.push(Part::stopping());
    }
    let unavailable = parts.iter().any(Part::is_unavailable);
    let status = match () {
        () if unavailable => "unavailable",
        () if parts.iter().any(|part| !part.is_ok()) => "degraded",
        () => "ready",
    };
    let code = if unavailable { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    HttpResponse::build(code).json(Readiness { status, version: env!("CARGO_PKG_VERSION"), parts })
}
