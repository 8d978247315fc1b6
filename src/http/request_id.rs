//! A request's id: the caller's own where it sent a sane one, else minted. It is in the answer, on every log line of the
//! request and on the message it makes, so that one word follows a message from the source system into our logs.

use std::sync::Arc;

use actix_web::HttpMessage as _;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest};
use std::future::{Ready, ready};

pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

const LONGEST: usize = 128;

/// 1–128 characters of `A-Z a-z 0-9 . _ : -`, safe in a header, a log line and a file name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `req_` and 16 hexadecimal digits.
    pub fn mint() -> Self {
        Self::minted("req")
    }

    /// As that, with another word for which door it came by.
    pub fn minted(door: &str) -> Self {
        Self(format!("{door}_{:016x}", rand::random::<u64>()).into())
    }

    /// The caller's own id, if it can be taken over as it is.
    fn sane(text: &str) -> Option<Self> {
        let is_sane = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
        ((1..=LONGEST).contains(&text.len()) && text.bytes().all(is_sane)).then(|| Self(text.into()))
    }

    pub(super) fn of(request: &ServiceRequest) -> Self {
        request
            .headers()
            .get(HEADER)
            .and_then(|value| value.to_str().ok())
            .and_then(Self::sane)
            .unwrap_or_else(Self::mint)
    }

    pub(super) fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("sane ids are ASCII without control characters")
    }
}

impl FromRequest for RequestId {
    type Error = crate::Error;
    type Future = Ready<Result<Self, crate::Error>>;

    fn from_request(request: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        ready(Ok(request.extensions().get::<Self>().cloned().unwrap_or_else(Self::mint)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_over_what_is_safe_everywhere_and_nothing_else() {
        assert_eq!(RequestId::sane("jw-2026:0921_1.a").unwrap().as_str(), "jw-2026:0921_1.a");
        for hostile in ["", "a b", "a\r\nSet-Cookie: x", "请求", "<script>", &"a".repeat(129)] {
            assert_eq!(RequestId::sane(hostile), None, "{hostile:?}");
        }
    }

    #[test]
    fn minted_ids_are_sane_and_new_each_time() {
        let id = RequestId::mint();
        assert_eq!(RequestId::sane(id.as_str()), Some(id.clone()));
        assert_ne!(RequestId::mint(), id);
    }
}
