//! Who calls: the API key in the request, and how fast its source may call.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use futures_util::future::LocalBoxFuture;

use super::access::Who;
use super::client;
use super::errors::whole_seconds;
use crate::service::buttons::{self, ButtonCaller};
use crate::service::caller::KeyCaller;
use crate::service::sources::{self, CalledBy, Pass};
use crate::service::{Caller, Services};
use crate::{Error, Result};

/// The key that a request was let in with. Counted once against its source's rate.
#[derive(Clone, Debug)]
pub struct Key {
    key: Arc<KeyCaller>,
    caller: Caller,
}

impl Key {
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// With what it was let in, for an answer that goes on.
    pub fn pass(request: &HttpRequest, s: &Services) -> Result<Pass> {
        Ok(Pass::new(s, bearer(request.headers()).ok_or(NO_KEY)?, client::proved(request)))
    }

    /// Counts that many messages more, as a batch does.
    pub fn admit(&self, request: &HttpRequest, s: &Services, cost: u32) -> Result<()> {
        let admitted = sources::admit(s, &self.key, cost);
        let standing = match &admitted {
            Ok(Some(state)) => {
                Standing { limit: state.limit, remaining: state.remaining, reset: state.reset_seconds }
            }
            Ok(None) => return Ok(()),
            Err(Error::RateLimited { retry_after }) => Standing::exhausted(&self.key, *retry_after),
            Err(_) => return admitted.map(drop),
        };
        request.extensions_mut().insert(standing);
        admitted.map(drop)
    }
}

impl std::ops::Deref for Key {
    type Target = KeyCaller;

    fn deref(&self) -> &KeyCaller {
        &self.key
    }
}

impl FromRequest for Key {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let s = request.app_data::<Data<Services>>().ok_or_else(|| Error::internal("no services"))?;
            let bearer = bearer(request.headers()).ok_or(NO_KEY)?;
            let (key, by) = match sources::authenticate_from(s, bearer, client::proved(&request)).await {
                Ok(let_in) => let_in,
                Err(refused) => {
                    if let Some(by) = refused.by {
                        note_source(&request, by);
                    }
                    return Err(refused.error);
                }
            };
            note_source(&request, by);
            let key = Self { caller: Caller::Key(key.clone()), key };
            key.admit(&request, s, 1)?;
            Ok(key)
        })
    }
}

fn note_source(request: &HttpRequest, by: CalledBy) {
    let mut about = request.extensions_mut();
    about.insert(Who::Source(by.source));
    about.insert(by);
}

/// The alarm button that a request comes from, by the id in its path and a key of its own.
#[derive(Clone, Debug)]
pub struct Button(pub ButtonCaller);

impl FromRequest for Button {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let s = request.app_data::<Data<Services>>().ok_or_else(|| Error::internal("no services"))?;
            let bearer = bearer(request.headers()).ok_or(NO_KEY)?;
            let id = request.match_info().query("id");
            let caller = buttons::authenticate(s, id, bearer, client::proved(&request)).await?;
            request.extensions_mut().insert(Who::Button(caller.id()));
            Ok(Self(caller))
        })
    }
}

/// What a request shows for itself that is the key of no source: the token of a registration. Whether it opens anything is for
/// whoever asks for it.
#[derive(Clone, Debug)]
pub struct Bearer(pub String);

impl FromRequest for Bearer {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(bearer(request.headers()).map(|token| Self(token.to_owned())).ok_or(NO_TOKEN))
    }
}

const NO_KEY: Error =
    Error::Unauthenticated("an API key is needed: send the header Authorization: Bearer <key>");
const NO_TOKEN: Error = Error::Unauthenticated(
    "the claim token of the registration is needed: send the header Authorization: Bearer <claim token>",
);

/// RFC 6750 §2.1; the scheme's name is written in any case (RFC 9110 §11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// Where the source stands with its rate, for the headers of draft-ietf-httpapi-ratelimit-headers-06.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    limit: u32,
    remaining: u32,
    reset: u64,
}

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

impl Standing {
    fn exhausted(key: &KeyCaller, retry_after: Duration) -> Self {
        Self { limit: key.rate_per_second.unwrap_or(0), remaining: 0, reset: whole_seconds(retry_after) }
    }

    pub(super) fn write(self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(self.reset));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_in(value: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
        bearer(&headers).map(str::to_owned)
    }

    #[test]
    fn the_key_is_read_from_a_bearer_header_only() {
        assert_eq!(key_in("Bearer bt_live_x").as_deref(), Some("bt_live_x"));
        assert_eq!(key_in("bearer  bt_live_x ").as_deref(), Some("bt_live_x"));
        for wrong in ["bt_live_x", "Basic YTpi", "Bearer", ""] {
            assert_eq!(key_in(wrong), None, "{wrong}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
