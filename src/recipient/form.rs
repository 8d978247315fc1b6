//! What is posted to a page. No browser's session stands behind it, so it carries no token of one: the address is the secret.

use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;

use crate::http::body::{Fields, expect_at_most, media};
use crate::{Error, Result};

/// Bytes of a form. None of ours is longer than a line.
const LIMIT: usize = 4 * 1024;
const MOST_FIELDS: usize = 10;

/// The fields of a form, in either of the two forms browsers and mail programs write (RFC 8058 §3.2 allows both).
#[derive(Clone, Debug, Default)]
pub(super) struct Posted(pub(super) Vec<(String, String)>);

impl Posted {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.trim())
    }

    /// Whether a field says that, in whatever case.
    pub(super) fn is(&self, name: &str, value: &str) -> bool {
        self.0.iter().any(|(n, v)| n.eq_ignore_ascii_case(name) && v.trim().eq_ignore_ascii_case(value))
    }
}

impl FromRequest for Posted {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_multipart = media(request.headers())
            .is_ok_and(|media| media.essence.eq_ignore_ascii_case("multipart/form-data"));
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            expect_at_most(request.headers(), LIMIT)?;
            if is_multipart {
                return parts(Multipart::new(request.headers(), payload)).await;
            }
            Ok(Self(Fields::from_request(&request, &mut payload).await?.0))
        })
    }
}

async fn parts(mut parts: Multipart) -> Result<Posted> {
    let mut fields = Vec::new();
    let mut length = 0;
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(|_| broken())?;
        if fields.len() == MOST_FIELDS {
            return Err(broken());
        }
        let name = part.name().unwrap_or_default().to_owned();
        let mut value = Vec::new();
        while let Some(piece) = part.next().await {
            let piece = piece.map_err(|_| broken())?;
            length += piece.len();
            if length > LIMIT {
                return Err(Error::TooLarge { limit: LIMIT });
            }
            value.extend_from_slice(&piece);
        }
        fields.push((name, String::from_utf8(value).map_err(|_| broken())?));
    }
    Ok(Posted(fields))
}

fn broken() -> Error {
    Error::Malformed("this is not a form, or it ends too early, or arrives too slowly".to_owned())
}
