//! What happens, as a stream of server-sent events.

#![expect(unused_qualifications, reason = "what utoipa's macro makes of parameters")]

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use utoipa::IntoParams;

use crate::Result;
use crate::http::Key;
use crate::http::params::Params;
use crate::http::server::State;
use crate::http::sse::{self, Feed, Look};
use crate::service::Services;
use crate::service::subscriptions::{self, Open};

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventsParams {
    /// Patterns with commas between; all that the key may see if left out.
    #[param(example = "library.#,academic.*")]
    pub topics: Option<String>,
    /// Types with commas between; all if left out.
    #[param(example = "message.completed")]
    pub events: Option<String>,
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct EventsHeaders {
    /// The `id` of the last event that was seen: those after it follow. Without it, what happens from now on.
    #[param(rename = "Last-Event-ID", value_type = String, required = false)]
    pub last_event_id: Option<String>,
}

/// A stream, and the place up to which its events were sent.
struct Following {
    s: Data<Services>,
    open: Open,
    place: i64,
}

impl Feed for Following {
    const EVERY: Duration = Duration::from_millis(500);

    async fn look(&mut self) -> Result<Look> {
        let Self { s, open, place } = self;
        if subscriptions::latest_place(s).await? <= *place {
            return Ok(Look::Nothing);
        }
        let Some(chunk) = subscriptions::read(s, open, *place).await? else { return Ok(Look::Over) };
        let goes_on = chunk.place > *place;
        *place = chunk.place;
        if !chunk.events.is_empty() {
            let texts = chunk.events.iter().map(|(id, kind, body)| sse::event(id, kind, body));
            return Ok(Look::Told(texts.collect()));
        }
        Ok(if goes_on { Look::Onward } else { Look::Nothing })
    }

    async fn beat(&mut self) -> Result<bool> {
        subscriptions::goes_on(&self.s, &mut self.open).await
    }
}

/// What happens, as it happens.
///
/// Needs the right `subscribe`. Each event has its `id`, its type as `event` and the body of a webhook as `data`. A reader that
/// comes back within three days and says by `Last-Event-ID` what it has seen misses nothing. A key may read eight streams at a
/// time at each node. A comment is sent every 15 seconds.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "subscriptions",
    params(EventsParams, EventsHeaders),
    responses((status = 200, body = String, content_type = "text/event-stream",
        description = "`id`, `event` and `data` of each event; it ends when the node stops, or the key \
            may not read any more")),
)]
pub async fn follow(
    request: HttpRequest,
    s: Data<Services>,
    state: Data<State>,
    key: Key,
) -> Result<HttpResponse> {
    let mut params = Params::of(&request);
    let (topics, events) = (params.text("topics"), params.text("events"));
    params.finish()?;
    let place = subscriptions::start_of(&s, sse::last_seen(&request)?).await;
    // Who may not read is told so first.
    let (caller, pass) = (key.caller(), Key::pass(&request, &s)?);
    let open = subscriptions::open_stream(&s, caller, pass, topics.as_deref(), events.as_deref()).await?;
    Ok(sse::answer(&request, Following { open, place: place?, s }, &state))
}
