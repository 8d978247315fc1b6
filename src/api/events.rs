//! What happens, as a stream of server-sent events
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

#![expect(unused_qualifications, reason = "what utoipa's macro makes of parameters")]

use std::time::Duration;

use actix_web::http::header::{self, HeaderName};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use tokio_util::sync::CancellationToken;
use utoipa::IntoParams;

use crate::http::params::Params;
use crate::http::server::State;
use crate::http::{Key, errors};
use crate::service::Services;
use crate::service::subscriptions::{self, BEAT, Open};
use crate::{Error, Result};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Proxies that hold answers back until they are whole are asked not to.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// How often it is looked whether something happened.
const LOOK: Duration = Duration::from_millis(500);
/// How long readers wait before they come back, in milliseconds.
const COME_BACK: u32 = 3_000;

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

struct Reading {
    s: Data<Services>,
    open: Open,
    /// Events up to that place were sent.
    place: i64,
    stop: CancellationToken,
    begun: bool,
}

/// What happens, as it happens.
///
/// Needs the right `subscribe`. Each event has its `id`, its type as `event` and the body of a webhook as `data`. A reader that
/// comes back within three days and says by `Last-Event-ID` what it has seen misses nothing. A key may read eight streams at a
/// time at each node. Where nothing happens a comment is sent every 15 seconds.
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
    let last = match request.headers().get(&LAST_EVENT_ID) {
        None => None,
        Some(value) => Some(value.to_str().map_err(|_| {
            Error::fault("Last-Event-ID", "invalid_value", "send the `id` of the last event you have seen")
        })?),
    };
    let place = subscriptions::start_of(&s, last).await;
    // Who may not read is told so first.
    let (caller, pass) = (key.caller(), Key::pass(&request, &s)?);
    let open = subscriptions::open_stream(&s, caller, pass, topics.as_deref(), events.as_deref()).await?;
    let stop = state.lifecycle.soft().clone();
    let reading = Reading { s, open, place: place?, stop, begun: false };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((BUFFERING, "no"))
        // Compressed, events would wait for one another.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .streaming(stream::unfold(reading, next)))
}

async fn next(mut reading: Reading) -> Option<(Result<Bytes>, Reading)> {
    if !reading.begun {
        reading.begun = true;
        return Some((Ok(Bytes::from(format!("retry: {COME_BACK}\n\n"))), reading));
    }
    match piece(&mut reading).await {
        Ok(Some(text)) => Some((Ok(Bytes::from(text)), reading)),
        Ok(None) => None,
        // The reader comes back and goes on from where it was.
        Err(error) => {
            errors::log(&error);
            None
        }
    }
}

/// What is sent next, or `None` where the stream is over.
async fn piece(reading: &mut Reading) -> Result<Option<String>> {
    let Reading { s, open, place, stop, .. } = reading;
    let mut looks = BEAT.as_millis() / LOOK.as_millis();
    loop {
        if stop.is_cancelled() {
            return Ok(None);
        }
        if subscriptions::latest_place(s).await? > *place {
            let Some(chunk) = subscriptions::read(s, open, *place).await? else { return Ok(None) };
            let goes_on = chunk.place > *place;
            *place = chunk.place;
            if !chunk.events.is_empty() {
                let texts: Vec<_> =
                    chunk.events.iter().map(|(id, kind, body)| text(id, kind, body)).collect();
                return Ok(Some(texts.concat()));
            }
            if goes_on {
                continue;
            }
        }
        if looks == 0 {
            return Ok(subscriptions::goes_on(s, open).await?.then(|| ":\n\n".to_owned()));
        }
        looks -= 1;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// One event. JSON has no line breaks.
fn text(id: impl std::fmt::Display, kind: &str, body: &serde_json::Value) -> String {
    format!("id: {id}\nevent: {kind}\ndata: {body}\n\n")
}
