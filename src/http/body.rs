//! Reads bodies: no more than allowed, of the media type expected, and JSON that says where it stops being JSON.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use futures_util::{Stream, StreamExt as _};
use serde_json::Value;
use tokio::time::{Instant, Sleep, sleep_until};

use super::server::Limits;
use crate::error::not_json;
use crate::{Error, Result};

/// What a body may hold where nothing else is said.
pub const SMALL: usize = 1024 * 1024;
/// What a batch, or a message with variables per recipient, may hold.
pub const LARGE: usize = 16 * SMALL;
/// What an import may hold.
pub const HUGE: usize = 64 * SMALL;

/// Whoever sends slower than this holds a connection for nothing.
const PATIENCE: Duration = Duration::from_mins(1);

/// A body of at most `LIMIT` bytes that says it is JSON, as it came.
#[derive(Clone, Debug)]
pub struct JsonBytes<const LIMIT: usize = SMALL>(pub Bytes);

/// A JSON body of at most [`SMALL`] bytes.
#[derive(Clone, Debug)]
pub struct Json(pub Value);

/// As [`Json`], but an empty body counts as an empty object.
#[derive(Clone, Debug)]
pub struct OptionalJson(pub Value);

impl<const LIMIT: usize> FromRequest for JsonBytes<LIMIT> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = expect_json(request.headers()).and_then(|()| expect_at_most(request.headers(), LIMIT));
        let payload = payload.take();
        Box::pin(async move {
            checked?;
            Ok(Self(read(payload, LIMIT).await?))
        })
    }
}

impl FromRequest for Json {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = JsonBytes::<SMALL>::from_request(request, payload);
        Box::pin(async move { Ok(Self(parse(&bytes.await?.0)?)) })
    }
}

impl FromRequest for OptionalJson {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            expect_at_most(request.headers(), SMALL)?;
            let bytes = read(payload, SMALL).await?;
            if bytes.is_empty() {
                return Ok(Self(Value::Object(serde_json::Map::new())));
            }
            expect_json(request.headers())?;
            Ok(Self(parse(&bytes)?))
        })
    }
}

/// A body of at most `LIMIT` bytes, whatever it is.
#[derive(Clone, Debug)]
pub struct AnyBytes<const LIMIT: usize>(pub Bytes);

impl<const LIMIT: usize> FromRequest for AnyBytes<LIMIT> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let headers = request.headers();
        let checked = expect_uncompressed(headers).and_then(|()| expect_at_most(headers, LIMIT));
        let payload = payload.take();
        Box::pin(async move {
            checked?;
            Ok(Self(read(payload, LIMIT).await?))
        })
    }
}

/// The fields of a submitted form, in their order; a name may come more than once.
#[derive(Clone, Debug, Default)]
pub struct Fields(pub Vec<(String, String)>);

impl FromRequest for Fields {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        Self::read(request, payload, SMALL)
    }
}

impl Fields {
    /// Those of a form of at most `limit` bytes, in which a Han letter takes nine.
    pub fn read(
        request: &HttpRequest,
        payload: &mut Payload,
        limit: usize,
    ) -> LocalBoxFuture<'static, Result<Self>> {
        const FORM: &str = "application/x-www-form-urlencoded";
        let checked = expect_media(request.headers(), FORM, |essence| essence.eq_ignore_ascii_case(FORM))
            .and_then(|()| expect_at_most(request.headers(), limit));
        let payload = payload.take();
        Box::pin(async move {
            checked?;
            let bytes = read(payload, limit).await?;
            Ok(Self(url::form_urlencoded::parse(&bytes).into_owned().collect()))
        })
    }
}

/// The value, or at which line and column it stops being one. Nested deeper than 128 levels it is none.
pub fn parse(bytes: &[u8]) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Error::Malformed(format!("{} at line {line} column {column}", not_json(&error)))
    })
}

/// Refuses what announces itself as too large before any of it is read.
pub fn expect_at_most(headers: &HeaderMap, limit: usize) -> Result<()> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        Err(Error::TooLarge { limit })
    } else {
        Ok(())
    }
}

/// `application/json` or another JSON type (RFC 6839 §3.1), in UTF-8.
fn expect_json(headers: &HeaderMap) -> Result<()> {
    let is_json = |essence: &str| {
        essence.eq_ignore_ascii_case("application/json") || essence.to_ascii_lowercase().ends_with("+json")
    };
    expect_media(headers, "application/json", is_json)
}

/// Compressed bodies are refused: what is small on the wire must not become large in memory.
fn expect_uncompressed(headers: &HeaderMap) -> Result<()> {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Error::UnsupportedMedia { expected: "the body uncompressed" });
    }
    Ok(())
}

/// Refuses other media types, other encodings of text than UTF-8, and compressed bodies.
pub fn expect_media(
    headers: &HeaderMap,
    expected: &'static str,
    is_right: impl Fn(&str) -> bool,
) -> Result<()> {
    let Media { essence, charset } = media(headers)?;
    let is_utf8 = charset.is_none_or(|c| c.eq_ignore_ascii_case("utf-8") || c.eq_ignore_ascii_case("utf8"));
    if is_right(essence) && is_utf8 { Ok(()) } else { Err(Error::UnsupportedMedia { expected }) }
}

/// What the header `Content-Type` says.
#[derive(Clone, Copy, Debug)]
pub struct Media<'h> {
    /// `text/csv`; empty where nothing is said.
    pub essence: &'h str,
    pub charset: Option<&'h str>,
}

/// The media type of a body that is not compressed.
pub fn media(headers: &HeaderMap) -> Result<Media<'_>> {
    expect_uncompressed(headers)?;
    let written = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let (essence, parameters) = written.split_once(';').unwrap_or((written, ""));
    let charset = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    Ok(Media { essence: essence.trim(), charset })
}

/// The whole body. One that arrives in one piece, as most do, is not copied.
async fn read(mut payload: Payload, limit: usize) -> Result<Bytes> {
    let whole = async {
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(broken)?;
            if first.len() + rest.len() + chunk.len() > limit {
                return Err(Error::TooLarge { limit });
            }
            if first.is_empty() && rest.is_empty() {
                first = chunk;
            } else {
                rest.extend_from_slice(&first);
                first = Bytes::new();
                rest.extend_from_slice(&chunk);
            }
        }
        Ok(if rest.is_empty() { first } else { rest.freeze() })
    };
    tokio::time::timeout(PATIENCE, whole)
        .await
        .unwrap_or_else(|_| Err(Error::Malformed("the body did not arrive within a minute".to_owned())))
}

/// A connection that ended before its body did, or a body that does not go on.
pub fn broken(error: PayloadError) -> Error {
    let is_late = matches!(error, PayloadError::Io(error) if error.kind() == io::ErrorKind::TimedOut);
    let why =
        if is_late { "the body arrives too slowly" } else { "the body ends before its announced length" };
    Error::Malformed(why.to_owned())
}

/// The same body, as long as it goes on arriving.
pub(super) fn steady(body: Payload, limits: Limits) -> Payload {
    if matches!(body, Payload::None) {
        return body;
    }
    let ends = Instant::now() + limits.body;
    Payload::Stream { payload: Box::pin(Steady { body, stall: limits.stall, ends, alarm: None }) }
}

struct Steady {
    body: Payload,
    stall: Duration,
    ends: Instant,
    /// While it is waited for.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Stream for Steady {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let late = || Poll::Ready(Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into()))));
        let this = &mut *self;
        match this.body.poll_next_unpin(context) {
            Poll::Ready(Some(Ok(_))) if Instant::now() >= this.ends => late(),
            Poll::Ready(piece) => {
                this.alarm = None;
                Poll::Ready(piece)
            }
            Poll::Pending => {
                let until = this.ends.min(Instant::now() + this.stall);
                let alarm = this.alarm.get_or_insert_with(|| Box::pin(sleep_until(until)));
                if alarm.as_mut().poll(context).is_ready() { late() } else { Poll::Pending }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn is_taken(content_type: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        expect_json(&headers).is_ok()
    }

    #[test]
    fn json_in_utf8_is_taken_whatever_it_is_called() {
        for right in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
            "application/merge-patch+json",
        ] {
            assert!(is_taken(right), "{right}");
        }
        for wrong in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk", ""]
        {
            assert!(!is_taken(wrong), "{wrong}");
        }
        assert!(expect_json(&HeaderMap::new()).is_err());
    }

    #[test]
    fn what_is_not_json_is_told_by_line_and_column() {
        let Err(Error::Malformed(said)) = parse(b"{\n  \"a\": 1,\n}") else { panic!("parsed") };
        assert!(said.contains("line 3 column 1"), "{said}");
        let deep = "[".repeat(10_000);
        let Err(Error::Malformed(said)) = parse(deep.as_bytes()) else { panic!("parsed") };
        assert!(said.contains("nested too deeply") && !said.contains("not JSON"), "{said}");
        assert!(parse(format!("{}{}", "[".repeat(127), "]".repeat(127)).as_bytes()).is_ok());
        assert!(parse(format!("{}{}", "[".repeat(128), "]".repeat(128)).as_bytes()).is_err());
        assert!(matches!(parse(b"\"\xff\""), Err(Error::Malformed(_))), "not UTF-8");
    }
}
