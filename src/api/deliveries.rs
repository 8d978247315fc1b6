//! One message to one recipient by one channel.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path};

use crate::Result;
use crate::http::Key;
use crate::http::params::{self, Params};
use crate::service::messages::DeliveryDetail;
use crate::service::{Services, messages};

/// A delivery with every attempt and receipt.
#[utoipa::path(
    get, path = "/api/v1/deliveries/{id}", tag = "messages",
    params(("id" = String, Path, description = "The delivery's id")),
    responses((status = 200, body = DeliveryDetail)),
)]
pub async fn show(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    id: Path<String>,
) -> Result<Json<DeliveryDetail>> {
    Params::none(&request)?;
    let id = params::id(&id, "delivery")?;
    Ok(Json(messages::delivery(&s, key.caller(), id).await?))
}
