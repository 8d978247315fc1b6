//! Applications that are told of what happens: their endpoints, and what was sent to each.

use actix_web::http::header;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::page::{PageBody, PageParams};
use super::source::{self, RotateBody};
use crate::Result;
use crate::domain::id::{HandingId, SubscriptionId};
use crate::domain::subscription::EventKind;
use crate::http::Key;
use crate::http::body::{self, OptionalJson};
use crate::http::errors::Problem;
use crate::http::params::{self, Params};
use crate::service::Services;
use crate::service::subscriptions::{self, HandingView, SubscriptionView};

/// What to be told of, and where.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "topics": ["library.#"],
    "events": ["message.completed", "delivery.failed"],
    "endpoint": {"kind": "webhook", "url": "https://app.example/hooks/belltower"},
}))]
pub struct SubscriptionBody {
    /// 1–20 patterns. Without the right `read_all`, of one's own messages only.
    #[schema(min_items = 1, max_items = 20)]
    pub topics: Vec<String>,
    #[schema(min_items = 1)]
    pub events: Vec<EventKind>,
    pub endpoint: EndpointBody,
}

/// Where events go: to an address, or into a queue at the installation's message broker.
#[derive(Debug, ToSchema)]
pub struct EndpointBody {
    /// `webhook`, with `url`; `amqp`, with `queue`, where the installation has a broker (else 422 `unavailable`).
    #[schema(example = "webhook")]
    pub kind: String,
    /// https, at a public address; others only where the administrators allow them. At most 500 characters.
    #[schema(example = "https://app.example/hooks/belltower")]
    pub url: Option<String>,
    /// How the source calls the queue: 1–64 lower-case letters, digits, dots, hyphens and underscores. The answer says its
    /// whole name.
    #[schema(example = "library")]
    pub queue: Option<String>,
}

/// A new subscription.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubscriptionCreatedBody {
    #[serde(flatten)]
    subscription: SubscriptionView,
    /// What its events are signed with, shown this once.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    secret: String,
}

/// A new secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct SecretBody {
    /// Shown this once.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    secret: String,
    /// Until when the old one signs too.
    old_secret_until: jiff::Timestamp,
}

/// A test that is on its way.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestedBody {
    /// What `webhook-id` will be.
    #[schema(example = "evt_0a1b2c3d4e5f6")]
    event_id: String,
}

fn id(text: &str) -> Result<SubscriptionId> {
    params::id(text, "subscription")
}

/// Subscribes to what happens to messages.
///
/// Needs the right `subscribe`. Nothing is called before something happens. Calls are signed as Standard Webhooks 1.0.0 has
/// it; an endpoint that answers otherwise than with 2xx is called again over three days, and disabled after that. A queue is
/// made at once where the broker is there, and by the first event else; what it does not take is tried again likewise.
#[utoipa::path(
    post, path = "/api/v1/subscriptions", tag = "subscriptions",
    request_body = SubscriptionBody,
    responses(
        (status = 201, body = SubscriptionCreatedBody,
            headers(("Location" = String, description = "Where the subscription is"))),
        (status = 409, description = "`too_many_subscriptions`: a source has at most 20", body = Problem,
            content_type = "application/problem+json"),
    ),
)]
pub async fn create(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    body: body::Json,
) -> Result<HttpResponse> {
    Params::none(&request)?;
    let made = Box::pin(subscriptions::create(&s, key.caller(), &body.0)).await?;
    let location = format!("/api/v1/subscriptions/{}", made.view.id);
    let body = SubscriptionCreatedBody { subscription: made.view, secret: made.secret };
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(body))
}

/// The subscriptions of this source.
#[utoipa::path(
    get, path = "/api/v1/subscriptions", tag = "subscriptions", params(PageParams),
    responses((status = 200, body = PageBody<SubscriptionView>)),
)]
pub async fn list(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
) -> Result<Json<PageBody<SubscriptionView>>> {
    let mut params = Params::of(&request);
    let (limit, before) = (params.limit(), params.cursor::<SubscriptionId>());
    params.finish()?;
    let rows = subscriptions::list(&s, key.caller(), before, limit + 1).await?;
    Ok(Json(PageBody::of(rows, limit, |row| row.id, |row| row)))
}

/// One subscription: whether its endpoint is called, and what it answered last.
#[utoipa::path(
    get, path = "/api/v1/subscriptions/{id}", tag = "subscriptions",
    params(("id" = String, Path, description = "The subscription's id")),
    responses((status = 200, body = SubscriptionView)),
)]
pub async fn show(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    path: Path<String>,
) -> Result<Json<SubscriptionView>> {
    Params::none(&request)?;
    Ok(Json(subscriptions::get(&s, key.caller(), id(&path)?).await?.view))
}

/// Ends a subscription, with what waits for it. A queue stays, with what is in it.
#[utoipa::path(
    delete, path = "/api/v1/subscriptions/{id}", tag = "subscriptions",
    params(("id" = String, Path, description = "The subscription's id")),
    responses((status = 204, description = "It is gone")),
)]
pub async fn delete(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    path: Path<String>,
) -> Result<HttpResponse> {
    Params::none(&request)?;
    subscriptions::delete(&s, key.caller(), id(&path)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Sends an event of the type `subscription.test` to the endpoint, as any other is sent. Ten tests and replays a minute.
#[utoipa::path(
    post, path = "/api/v1/subscriptions/{id}/test", tag = "subscriptions",
    params(("id" = String, Path, description = "The subscription's id")),
    responses(
        (status = 202, body = TestedBody, description = "It is on its way; the list of deliveries says what came of it"),
        (status = 409, description = "`test_waits`: the last one is not sent yet. `subscription_disabled`", body = Problem,
            content_type = "application/problem+json"),
    ),
)]
pub async fn test(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    path: Path<String>,
) -> Result<HttpResponse> {
    Params::none(&request)?;
    let event = subscriptions::test(&s, key.caller(), id(&path)?).await?;
    Ok(HttpResponse::Accepted().json(TestedBody { event_id: event.to_string() }))
}

/// Calls an endpoint again that was disabled. What it missed in seven days follows, in order.
#[utoipa::path(
    post, path = "/api/v1/subscriptions/{id}/enable", tag = "subscriptions",
    params(("id" = String, Path, description = "The subscription's id")),
    responses((status = 200, body = SubscriptionView)),
)]
pub async fn enable(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    path: Path<String>,
) -> Result<Json<SubscriptionView>> {
    Params::none(&request)?;
    let id = id(&path)?;
    subscriptions::enable(&s, key.caller(), id).await?;
    Ok(Json(subscriptions::get(&s, key.caller(), id).await?.view))
}

/// What was sent to the endpoint and what waits for it. Kept for seven days.
#[utoipa::path(
    get, path = "/api/v1/subscriptions/{id}/deliveries", tag = "subscriptions",
    params(("id" = String, Path, description = "The subscription's id"), PageParams),
    responses((status = 200, body = PageBody<HandingView>)),
)]
pub async fn list_deliveries(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    path: Path<String>,
) -> Result<Json<PageBody<HandingView>>> {
    let mut params = Params::of(&request);
    let (limit, before) = (params.limit(), params.cursor::<HandingId>());
    params.finish()?;
    let rows = subscriptions::deliveries(&s, key.caller(), id(&path)?, before, limit + 1).await?;
    Ok(Json(PageBody::of(rows, limit, |row| row.id, |row| row)))
}

/// Sends an event once more, under the same `webhook-id`, whatever came of it. Ten tests and replays a minute.
#[utoipa::path(
    post, path = "/api/v1/subscriptions/{id}/deliveries/{delivery}/replay", tag = "subscriptions",
    params(
        ("id" = String, Path, description = "The subscription's id"),
        ("delivery" = String, Path, description = "The id of the delivery in its list"),
    ),
    responses(
        (status = 202, description = "It is on its way, as its place in the list says"),
        (status = 409, description = "`being_sent`: it is at this moment. `subscription_disabled`", body = Problem,
            content_type = "application/problem+json"),
    ),
)]
pub async fn replay(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    path: Path<(String, String)>,
) -> Result<HttpResponse> {
    Params::none(&request)?;
    let (subscription, handing) = path.into_inner();
    let (subscription, handing) = (id(&subscription)?, params::id::<HandingId>(&handing, "delivery")?);
    subscriptions::replay(&s, key.caller(), subscription, handing).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// Replaces the secret that events are signed with.
///
/// The old one signs too for `overlap`, so that an application can change over without refusing a call: the header
/// `webhook-signature` then bears two.
#[utoipa::path(
    post, path = "/api/v1/subscriptions/{id}/secret/rotate", tag = "subscriptions",
    params(("id" = String, Path, description = "The subscription's id")),
    request_body(content = Option<RotateBody>),
    responses((status = 200, body = SecretBody)),
)]
pub async fn rotate(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    path: Path<String>,
    body: OptionalJson,
) -> Result<Json<SecretBody>> {
    Params::none(&request)?;
    let overlap = source::overlap(&body.0)?;
    let rotated = subscriptions::rotate(&s, key.caller(), id(&path)?, overlap).await?;
    Ok(Json(SecretBody { secret: rotated.secret, old_secret_until: rotated.old_until.to_jiff() }))
}
