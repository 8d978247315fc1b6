//! Messages: sending them ([`send`]), seeing what became of them, and stopping or repeating them ([`act`]).

#![expect(unused_qualifications, reason = "what utoipa's macro makes of parameters")]

pub mod act;
pub mod send;

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::page::PageBody;
use crate::Result;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::State;
use crate::domain::id::{DeliveryId, MessageId};
use crate::domain::message::{Category, Status};
use crate::http::Key;
use crate::http::params::{self, Params};
use crate::service::messages::{
    DeliveryQuery, DeliveryView, EventView, MessageQuery, MessageSummary, MessageView,
};
use crate::service::{Services, messages};

/// What happened, in order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Timeline {
    pub data: Vec<EventView>,
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListParams {
    /// A topic pattern: `*` is one word, `#` any number of them.
    #[param(example = "library.#")]
    pub topic: Option<String>,
    pub category: Option<Category>,
    pub status: Option<Status>,
    /// Created at or after this time.
    pub since: Option<jiff::Timestamp>,
    /// Created before this time.
    pub until: Option<jiff::Timestamp>,
    /// Part of a title or topic, or a message's id.
    pub q: Option<String>,
    /// 1–200, 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeliveryParams {
    pub state: Option<State>,
    pub channel: Option<ChannelKind>,
    pub campus_id: Option<String>,
    /// Those who answered with what has this key; `none`: those who were asked and have not answered.
    pub answer: Option<String>,
    /// 1–200, 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// The messages this key may see.
#[utoipa::path(
    get, path = "/api/v1/messages", tag = "messages", params(ListParams),
    responses((status = 200, body = PageBody<MessageSummary>)),
)]
pub async fn list(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
) -> Result<Json<PageBody<MessageSummary>>> {
    let mut params = Params::of(&request);
    let query = MessageQuery {
        topic: params.value("topic"),
        category: params.value("category"),
        status: params.value("status"),
        source: None,
        since: params.time("since"),
        until: params.time("until"),
        q: params.text("q"),
        cursor: params.cursor::<MessageId>().map(|id| id.to_string()),
        limit: params.limit(),
        troubled: false,
        recipient: None,
    };
    params.finish()?;
    let page = messages::list(&s, key.caller(), &query).await?;
    Ok(Json(PageBody { data: page.items, next_cursor: page.next }))
}

/// A message with its texts and its counts.
#[utoipa::path(
    get, path = "/api/v1/messages/{id}", tag = "messages",
    params(("id" = String, Path, description = "The message's id")),
    responses((status = 200, body = MessageView)),
)]
pub async fn show(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    id: Path<String>,
) -> Result<Json<MessageView>> {
    Params::none(&request)?;
    Ok(Json(messages::get(&s, key.caller(), message(&id)?).await?))
}

/// A message person by person.
#[utoipa::path(
    get, path = "/api/v1/messages/{id}/deliveries", tag = "messages",
    params(("id" = String, Path, description = "The message's id"), DeliveryParams),
    responses((status = 200, body = PageBody<DeliveryView>)),
)]
pub async fn list_deliveries(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    id: Path<String>,
) -> Result<Json<PageBody<DeliveryView>>> {
    let mut params = Params::of(&request);
    let query = DeliveryQuery {
        state: params.value("state"),
        channel: params.value("channel"),
        campus_id: params.text("campus_id"),
        person: None,
        answer: params.value("answer"),
        cursor: params.cursor::<DeliveryId>().map(|id| id.to_string()),
        limit: params.limit(),
    };
    params.finish()?;
    let page = messages::deliveries(&s, key.caller(), message(&id)?, &query).await?;
    Ok(Json(PageBody { data: page.items, next_cursor: page.next }))
}

/// What happened to a message, in order.
#[utoipa::path(
    get, path = "/api/v1/messages/{id}/timeline", tag = "messages",
    params(("id" = String, Path, description = "The message's id")),
    responses((status = 200, body = Timeline)),
)]
pub async fn show_timeline(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    id: Path<String>,
) -> Result<Json<Timeline>> {
    Params::none(&request)?;
    Ok(Json(Timeline { data: messages::timeline(&s, key.caller(), message(&id)?).await? }))
}

fn message(text: &str) -> Result<MessageId> {
    params::id(text, "message")
}
