//! Answers that go on, as server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>). What is told is
//! a [`Feed`]'s to say; how it is written, when it is looked for and when it ends is the same for all of them.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::connections::Connection;
use super::errors;
use super::server::State;
use crate::{Error, Result};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Proxies that hold answers back until they are whole are asked not to.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// How long readers wait before they come back, in milliseconds.
const COME_BACK: u32 = 3_000;
/// How often something is sent, whatever happens, so that nobody on the way takes the connection for dead.
const BEAT: Duration = Duration::from_secs(15);

/// Where what is told comes from.
pub trait Feed {
    /// How often it is looked whether something happened.
    const EVERY: Duration;

    /// What is to be told since it was looked last.
    fn look(&mut self) -> impl Future<Output = Result<Look>>;

    /// Asked every so often, before a comment is sent: whether the stream goes on.
    fn beat(&mut self) -> impl Future<Output = Result<bool>>;
}

/// What was found.
#[derive(Debug)]
pub enum Look {
    Nothing,
    /// Nothing so far; it is looked further at once.
    Onward,
    /// Events as they are sent, at least one.
    Told(String),
    /// The stream is over: its reader may not read it any more.
    Over,
}

struct Reading<F> {
    feed: F,
    stop: CancellationToken,
    begun: bool,
    /// When the next comment is due.
    beat_at: Instant,
    connection: Option<Arc<Connection>>,
}

impl<F> Reading<F> {
    /// Whoever ends their half of the connection reads no further. The framework finds that out by writing, twice.
    fn is_left(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.is_left())
    }
}

/// The answer that tells what a feed has until the process stops; of a `HEAD` its beginning alone.
pub fn answer<F: Feed + 'static>(request: &HttpRequest, feed: F, state: &State) -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    answer
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((BUFFERING, "no"))
        // Compressed, events would wait for one another.
        .insert_header((header::CONTENT_ENCODING, "identity"));
    // The framework would ask for pieces without end and send none of them.
    if request.method() == Method::HEAD {
        return answer.finish();
    }
    let (stop, beat_at) = (state.lifecycle.soft().clone(), Instant::now() + BEAT);
    let connection = request.conn_data::<Arc<Connection>>().cloned();
    answer.streaming(stream::unfold(Reading { feed, stop, begun: false, beat_at, connection }, next))
}

async fn next<F: Feed>(mut reading: Reading<F>) -> Option<(Result<Bytes>, Reading<F>)> {
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
async fn piece<F: Feed>(reading: &mut Reading<F>) -> Result<Option<String>> {
    loop {
        if reading.stop.is_cancelled() || reading.is_left() {
            return Ok(None);
        }
        if Instant::now() >= reading.beat_at {
            reading.beat_at = Instant::now() + BEAT;
            return Ok(reading.feed.beat().await?.then(|| ":\n\n".to_owned()));
        }
        match reading.feed.look().await? {
            Look::Told(text) => return Ok(Some(text)),
            Look::Over => return Ok(None),
            Look::Onward => continue,
            Look::Nothing => {}
        }
        tokio::select! {
            () = reading.stop.cancelled() => {}
            () = tokio::time::sleep(F::EVERY) => {}
        }
    }
}

/// One event. JSON has no line breaks, and ids are ours.
pub fn event(id: impl Display, kind: &str, body: &impl Display) -> String {
    format!("id: {id}\nevent: {kind}\ndata: {body}\n\n")
}

/// What a reader that comes back has seen last; nothing where it has seen none.
pub fn last_seen(request: &HttpRequest) -> Result<Option<&str>> {
    let Some(value) = request.headers().get(&LAST_EVENT_ID) else { return Ok(None) };
    let text = value.to_str().map_err(|_| {
        Error::fault("Last-Event-ID", "invalid_value", "send the `id` of the last event you have seen")
    })?;
    Ok(Some(text.trim()).filter(|text| !text.is_empty()))
}
