//! The message page: what was sent, whole, wherever it was announced.

use actix_web::http::Method;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::page::{Frame, answer, asked, refuse};
use super::roll;
use crate::Result;
use crate::config::Language;
use crate::http::client;
use crate::service::Services;
use crate::service::pages::{self, Page};
use crate::service::roll_call;

#[derive(Debug, Template)]
#[template(path = "recipient/message.html")]
struct MessagePage {
    frame: Frame,
    page: Page,
    /// When it was sent, for a machine and for people.
    sent_at: (String, String),
    /// When what it said was removed, likewise.
    removed_at: Option<(String, String)>,
}

pub(super) async fn show(
    request: HttpRequest,
    s: Data<Services>,
    token: Path<String>,
) -> Result<HttpResponse> {
    if roll_call::is_token(&token) {
        return roll::show(&request, &s, &token).await;
    }
    let language = asked(&request).map(Language::as_str);
    let remote = client::address(&request);
    match pages::open(&s, &token, remote, language, is_read(&request)).await {
        Ok(page) => {
            let frame = Frame::new(&request, &s, page.language.as_deref());
            let sent_at = frame.time(page.sent_at);
            let removed_at = page.removed_at.map(|at| frame.time(at));
            answer(HttpResponse::Ok(), &MessagePage { frame, page, sent_at, removed_at })
        }
        Err(error) => refuse(&request, &s, error),
    }
}

/// Somebody looks at it, as far as the request tells: programs that check links ask for the head, browsers that fetch in
/// advance say so (`Sec-Purpose`, WHATWG Fetch; `X-Moz`, `Purpose` of older ones).
fn is_read(request: &HttpRequest) -> bool {
    let says = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|v| v.contains("prefetch"))
    };
    request.method() == Method::GET && !["sec-purpose", "purpose", "x-moz"].into_iter().any(says)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn what_only_checks_or_fetches_in_advance_reads_nothing() {
        assert!(is_read(&TestRequest::get().to_http_request()));
        assert!(!is_read(&TestRequest::default().method(Method::HEAD).to_http_request()));
        for name in ["sec-purpose", "purpose", "x-moz"] {
            let request = TestRequest::get().insert_header((name, "prefetch;prerender")).to_http_request();
            assert!(!is_read(&request), "{name}");
        }
    }
}
