//! What anybody may follow: the campus's emergency notices as an Atom feed (RFC 4287) of CAP alerts. Ours are no
//! government's, and are called what they are.

use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::errors::Problem;
use super::params;
use super::routes::routes;
use crate::Result;
use crate::service::Services;
use crate::service::cap::{self, Feed};

routes! {
    "/feeds/cap.atom" => { GET feed }
    "/feeds/cap/{id}.xml" => { GET alert }
}

const ATOM: &str = "application/atom+xml";
const CAP: &str = "application/cap+xml";
/// A document never changes; each change of an alert is another.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";
/// Asked each time, which costs nothing while nothing is new.
const ASK: &str = "public, no-cache";

/// The campus's emergency notices, the newest first: every change of an alert is an entry of its own that links to a CAP
/// 1.2 document. What is over leaves after 48 hours.
///
/// Drills and exercises are in it with the status Exercise; act on the status Actual alone.
#[utoipa::path(
    get, path = "/feeds/cap.atom", tag = "feeds",
    responses(
        (status = 200, body = String, content_type = "application/atom+xml", headers(
            ("ETag" = String, description = "Send it back as `If-None-Match`"),
        )),
        (status = 304, description = "Nothing is new"),
    ),
)]
pub async fn feed(request: HttpRequest, s: Data<Services>) -> Result<HttpResponse> {
    let feed = cap::feed(&s).await?;
    Ok(answer(request.headers(), atom(&feed, s.campus.public_url.as_str()), ATOM, ASK))
}

/// One CAP 1.2 alert. It never changes.
#[utoipa::path(
    get, path = "/feeds/cap/{id}.xml", tag = "feeds",
    params(("id" = String, Path, description = "The alert's identifier", example = "brd_0a1b2c3d4e5f6-1")),
    responses(
        (status = 200, body = String, content_type = "application/cap+xml", headers(
            ("ETag" = String, description = "Send it back as `If-None-Match`"),
        )),
        (status = 304, description = "It is the same"),
        (status = 404, description = "There is no such alert", body = Problem,
            content_type = "application/problem+json"),
    ),
)]
pub async fn alert(request: HttpRequest, s: Data<Services>, id: Path<String>) -> Result<HttpResponse> {
    let document = cap::document(&s, params::name(&id, "alert")?).await?;
    Ok(answer(request.headers(), document, CAP, FOR_GOOD))
}

fn answer(headers: &HeaderMap, body: String, media: &str, cached: &str) -> HttpResponse {
    // Weak, because what is compressed on the way differs in its bytes.
    let tag = URL_SAFE_NO_PAD.encode(&Sha256::digest(body.as_bytes())[..12]);
    let tag = format!("W/\"{tag}\"");
    let mut response = if is_known(headers, &tag) { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::ETAG, tag.clone()));
    response.insert_header((header::CACHE_CONTROL, cached));
    if is_known(headers, &tag) {
        return response.finish();
    }
    response.insert_header((header::CONTENT_TYPE, format!("{media}; charset=utf-8")));
    response.body(body)
}

/// Whether the caller has it already (RFC 9110 §13.1.2).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    headers
        .get_all(header::IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim() == "*" || opaque(known) == opaque(tag))
}

fn atom(feed: &Feed, public_url: &str) -> String {
    let base = public_url.trim_end_matches('/');
    let is_chinese = feed.language.starts_with("zh");
    let what = if is_chinese { "校内紧急通知" } else { "campus emergency notices" };
    let title = if is_chinese { format!("{}{what}", feed.campus) } else { format!("{} {what}", feed.campus) };
    let time = |at: crate::clock::Timestamp| at.to_jiff().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let updated = feed.entries.first().map_or(crate::clock::Timestamp(0), |entry| entry.sent_at);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"{language}\">\n  \
         <id>{base}/feeds/cap.atom</id>\n  <title>{title}</title>\n  <updated>{updated}</updated>\n  \
         <author><name>{campus}</name></author>\n  \
         <link rel=\"self\" type=\"{ATOM}\" href=\"{base}/feeds/cap.atom\"/>\n",
        language = escaped(feed.language),
        base = escaped(base),
        title = escaped(&title),
        campus = escaped(&feed.campus),
        updated = time(updated),
    );
    for entry in &feed.entries {
        let address = escaped(&format!("{base}{}", entry.address));
        out.push_str(&format!(
            "  <entry>\n    <id>{address}</id>\n    <title>{title}</title>\n    <updated>{at}</updated>\n    \
             <published>{at}</published>\n    <summary>{summary}</summary>\n    \
             <link rel=\"alternate\" type=\"{CAP}\" href=\"{address}\"/>\n  </entry>\n",
            title = escaped(&entry.title),
            at = time(entry.sent_at),
            summary = escaped(&entry.summary),
        ));
    }
    out.push_str("</feed>\n");
    out
}

/// As the text of an element or of an attribute. What XML has no character for is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn a_tag_is_known_however_it_is_written() {
        let knows = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static(value));
            is_known(&headers, "W/\"a1\"")
        };
        for known in ["W/\"a1\"", "\"a1\"", "\"b2\", W/\"a1\"", "*"] {
            assert!(knows(known), "{known}");
        }
        for unknown in ["\"a\"", "W/\"b2\"", "a1", ""] {
            assert!(!knows(unknown), "{unknown}");
        }
    }

    #[test]
    fn nothing_that_somebody_wrote_is_markup() {
        assert_eq!(escaped("a<b>&\"c\"\u{1}\u{ffff}"), "a&lt;b&gt;&amp;&quot;c&quot;");
    }
}
