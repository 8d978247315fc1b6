//! Calls to vendors over HTTP.
//!
//! Vendors put secrets into addresses, and an HTTP client's errors name the address. What goes wrong is therefore told
//! without it.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use rustls::ClientConfig;
use url::{Position, Url};

use super::fields::Fields;
use super::{closed, tls};
use crate::clock::Timestamp;

/// Larger answers are none of a vendor's.
const MOST_BYTES: usize = 1 << 20;
/// For a connection to be there, TLS included, where the whole call may take longer.
const CONNECT: Duration = Duration::from_secs(5);
/// A connection that was idle longer may be closed by the other side at the very moment it is used again, which leaves
/// us not knowing; servers close theirs after five seconds or more.
const IDLE: Duration = Duration::from_secs(4);

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing was handed over.
    NotSent(String),
    /// Nothing was handed over: whoever answers there is not who they should be, or nobody is called there, and no trying
    /// again mends that.
    Untrusted(String),
    /// It may have been.
    NoAnswer(String),
}

/// An answer, whatever it says.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// A client of one vendor: without redirects, which would take a secret elsewhere, with a time-out for each call, and with
/// names looked up so that they lead nowhere that is [`closed`].
pub(crate) fn client(tls: &ClientConfig, endpoint: &Url, timeout: Duration) -> reqwest::Result<Client> {
    let client = Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .redirect(Policy::none())
        .timeout(timeout)
        .connect_timeout(CONNECT.min(timeout / 2))
        .pool_idle_timeout(IDLE)
        .dns_resolver(Arc::new(closed::Open));
    // In clear it goes to this machine itself, and not by way of a proxy.
    if endpoint.scheme() == "http" { client.no_proxy() } else { client }.build()
}

/// Makes a call.
pub(crate) async fn call(request: RequestBuilder) -> Result<Answer, Trouble> {
    let mut response = request.send().await.map_err(|error| {
        let trouble = match (error.is_connect() || error.is_builder(), is_lasting(&error)) {
            (true, true) => Trouble::Untrusted,
            (true, false) => Trouble::NotSent,
            (false, _) => Trouble::NoAnswer,
        };
        trouble(in_words(error))
    })?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| Trouble::NoAnswer(in_words(error)))? {
        if body.len() + part.len() > MOST_BYTES {
            return Err(Trouble::NoAnswer(format!("an answer of more than {MOST_BYTES} bytes")));
        }
        body.extend_from_slice(&part);
    }
    Ok(Answer { status, body })
}

/// Whether no trying again mends it: the other side could not show who it is, or a name leads where nobody is called.
pub(super) fn is_lasting(error: &(dyn std::error::Error + 'static)) -> bool {
    closed::is_for_that(error) || is_certificate(error)
}

fn is_certificate(error: &(dyn std::error::Error + 'static)) -> bool {
    if matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))) {
        return true;
    }
    // An I/O error's source is its inner error's source, so that the inner one is asked for by itself.
    let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    inner.is_some_and(|inner| is_certificate(inner)) || error.source().is_some_and(is_certificate)
}

/// The error and its causes, without the address.
pub(crate) fn in_words(error: reqwest::Error) -> String {
    let timed_out = error.is_timeout();
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    if timed_out { format!("no answer in time ({words})") } else { words }
}

/// How long `Retry-After` asks us to wait: seconds, or a date (RFC 9110 §10.2.3). None where it says neither.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Timestamp::from(at).since(now))
}

/// How a vendor is reached, as every vendor's settings say it.
pub(super) struct Reach {
    pub(super) client: Client,
    pub(super) endpoint: Url,
    pub(super) timeout: Duration,
}

/// Reads `endpoint` (the vendor's own unless another is named), `timeout_seconds` and `ca_file`.
pub(super) fn reach(fields: &mut Fields<'_>, endpoint: &'static str, seconds: f64) -> Option<Reach> {
    let endpoint = self::endpoint(fields, endpoint);
    let seconds = fields.number("timeout_seconds", 0.1..=600.0).unwrap_or(seconds);
    let tls: Option<Arc<ClientConfig>> = tls::client_config(fields);
    let (endpoint, tls) = (endpoint?, tls?);
    let timeout = Duration::from_secs_f64(seconds);
    match client(&tls, &endpoint, timeout) {
        Ok(client) => Some(Reach { client, endpoint, timeout }),
        Err(error) => {
            fields.fault("endpoint", "unusable", in_words(error));
            None
        }
    }
}

/// https, as a vendor's secrets travel in it; http to this machine itself, where a simulator is.
fn endpoint(fields: &mut Fields<'_>, usual: &'static str) -> Option<Url> {
    let text = fields.text("endpoint").unwrap_or_else(|| usual.to_owned());
    let url = Url::parse(&text).ok().filter(|url| {
        matches!(url.scheme(), "https" | "http")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    let Some(url) = url else {
        let detail = "`endpoint` is an https:// address without password, query and fragment";
        fields.fault("endpoint", "not_an_address", detail);
        return None;
    };
    if url.host_str().is_some_and(closed::is_closed) {
        fields.fault("endpoint", closed::CODE, closed::WORDS);
        return None;
    }
    if url.scheme() == "http" && !url.host_str().is_some_and(tls::is_loopback) {
        fields.fault("endpoint", "in_clear", "without TLS, secrets may only go to this machine itself");
        return None;
    }
    Some(url)
}

/// An address below the endpoint; `path` begins with a slash.
pub(crate) fn below(endpoint: &Url, path: &str, query: &[(&str, &str)]) -> Url {
    let mut url = endpoint.clone();
    url.set_path(&format!("{}{path}", endpoint.path().trim_end_matches('/')));
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

/// Host and port as the `Host` header has them, for signatures over it.
pub(super) fn authority(url: &Url) -> String {
    url[Position::BeforeHost..Position::AfterPort].to_owned()
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;
    use serde_json::{Value, json};
    use tokio::net::TcpListener;

    use super::*;

    fn read(settings: &Value) -> (Option<Url>, Vec<(String, String)>) {
        let mut fields = Fields::of(settings);
        let reach = reach(&mut fields, "https://vendor.example/v1/", 10.0);
        let faults = fields.finish().into_iter().map(|f| (f.pointer, f.code.into_owned())).collect();
        (reach.map(|reach| reach.endpoint), faults)
    }

    #[test]
    fn secrets_go_in_clear_to_this_machine_only() {
        for here in
            ["http://127.0.0.1:8080", "http://localhost:1/v1", "http://[::1]:2", "https://vendor.example"]
        {
            let (endpoint, faults) = read(&json!({ "endpoint": here }));
            assert!(endpoint.is_some() && faults.is_empty(), "{here}: {faults:?}");
        }
        for there in ["http://10.0.0.1", "http://vendor.example", "http://localhost.vendor.example"] {
            let expected = [("/endpoint".to_owned(), "in_clear".to_owned())];
            assert_eq!(read(&json!({ "endpoint": there })).1, expected, "{there}");
        }
        for wrong in
            ["vendor.example", "ftp://vendor.example", "https://u:p@vendor.example", "https://v.example?a"]
        {
            let expected = [("/endpoint".to_owned(), "not_an_address".to_owned())];
            assert_eq!(read(&json!({ "endpoint": wrong })).1, expected, "{wrong}");
        }
    }

    #[test]
    fn nobody_is_called_where_no_vendor_stands() {
        for nowhere in [
            "https://169.254.169.254/latest",
            "http://169.254.169.254",
            "https://2852039166",
            "https://[fe80::1]",
            "https://[fd00:ec2::254]",
            "https://100.100.100.200",
            "https://0.0.0.0",
            "https://[ff02::1]",
        ] {
            let expected = [("/endpoint".to_owned(), "closed_address".to_owned())];
            assert_eq!(read(&json!({ "endpoint": nowhere })).1, expected, "{nowhere}");
        }
        for inside in ["https://10.0.0.1", "https://192.168.3.4:8443", "https://[fd12:3456::1]"] {
            let (endpoint, faults) = read(&json!({ "endpoint": inside }));
            assert!(endpoint.is_some() && faults.is_empty(), "{inside}: {faults:?}");
        }
    }

    #[test]
    fn addresses_are_put_together_and_escaped() {
        let (endpoint, faults) = read(&json!({}));
        assert_eq!(faults, []);
        let url = below(&endpoint.unwrap(), "/send", &[("secret", "a&b c")]);
        assert_eq!(url.as_str(), "https://vendor.example/v1/send?secret=a%26b+c");
    }

    #[test]
    fn the_authority_is_what_the_host_header_has() {
        for (url, expected) in [
            ("https://vendor.example/v1?a", "vendor.example"),
            ("https://vendor.example:443/", "vendor.example"),
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://[::1]:2/", "[::1]:2"),
        ] {
            assert_eq!(authority(&Url::parse(url).unwrap()), expected);
        }
    }

    #[test]
    fn it_is_waited_for_seconds_or_until_a_date() {
        // 90 seconds before Sun, 06 Nov 1994 08:49:37 GMT.
        let now = Timestamp(784_111_777_000 - 90_000);
        let seconds = |value: &'static str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
            retry_after(&headers, now).map(|wait| wait.as_secs())
        };
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(90));
        assert_eq!(seconds(" Sun, 06 Nov 1994 08:49:37 GMT"), Some(90));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0), "it is over");
        assert_eq!(seconds("soon"), None);
        assert_eq!(seconds("-1"), None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[tokio::test]
    async fn what_goes_wrong_is_told_without_the_address() {
        let settings = json!({ "endpoint": "http://127.0.0.1:1", "timeout_seconds": 0.4 });
        let Reach { client, .. } = reach(&mut Fields::of(&settings), "", 1.0).unwrap();
        // One that nobody listens on, one that answers rubbish, and one that never answers.
        let closed = "http://127.0.0.1:1/?secret=hunter2".to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let silent = format!("http://{}/?secret=hunter2", listener.local_addr().unwrap());
        let Err(Trouble::NotSent(words)) = call(client.get(closed)).await else {
            panic!("it went somewhere")
        };
        assert!(!words.contains("hunter2"), "{words}");
        let Err(Trouble::NoAnswer(words)) = call(client.get(silent)).await else { panic!("answered") };
        assert!(words.starts_with("no answer in time") && !words.contains("hunter2"), "{words}");
    }
}
