//! Requests that are made beforehand, for connections that stay open.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

/// Where this stands in a request, each has a number of its own.
pub(super) const NUMBER: &str = "################";

/// Head and body, complete.
#[derive(Clone)]
pub(super) struct Request {
    bytes: Vec<u8>,
    /// Where its number stands.
    numbers_at: Vec<usize>,
}

/// What is asked, one after the other.
#[derive(Clone)]
pub(super) enum Requests {
    /// The same each time, but for its number.
    Alike(Request),
    Each(Arc<[Request]>),
}

impl Requests {
    /// None where there are no more.
    pub(super) fn get(&self, number: u64) -> Option<Request> {
        match self {
            Self::Alike(request) => Some(request.numbered(number)),
            Self::Each(all) => all.get(usize::try_from(number).ok()?).cloned(),
        }
    }
}

impl Request {
    /// A question.
    pub(super) fn get(address: SocketAddr, path: &str, key: &str) -> Self {
        Self::new(&head(address, "GET", path, key, 0), b"")
    }

    /// A JSON request.
    pub(super) fn post(address: SocketAddr, path: &str, key: &str, body: &[u8]) -> Self {
        Self::new(&head(address, "POST", path, key, body.len()), body)
    }

    /// A change of a part of something.
    pub(super) fn patch(address: SocketAddr, path: &str, key: &str, body: &[u8]) -> Self {
        Self::new(&head(address, "PATCH", path, key, body.len()), body)
    }

    /// A JSON request with an `Idempotency-Key` that no other request of a run has; runs differ by `run`.
    pub(super) fn post_once(address: SocketAddr, path: &str, key: &str, body: &[u8], run: &str) -> Self {
        let head = head(address, "POST", path, key, body.len());
        Self::new(&format!("{head}Idempotency-Key: {run}-{NUMBER}\r\n"), body)
    }

    fn new(head: &str, body: &[u8]) -> Self {
        let bytes = [head.as_bytes(), b"\r\n", body].concat();
        let is_number = |at: &usize| bytes[*at..].starts_with(NUMBER.as_bytes());
        let numbers_at = (0..bytes.len()).filter(is_number).collect();
        Self { bytes, numbers_at }
    }

    /// Once for each of these numbers.
    pub(super) fn each(&self, numbers: Range<u64>) -> Requests {
        Requests::Each(numbers.map(|number| self.numbered(number)).collect())
    }

    fn numbered(&self, number: u64) -> Self {
        let mut request = self.clone();
        let digits = format!("{number:0width$}", width = NUMBER.len());
        for at in &self.numbers_at {
            request.bytes[*at..at + NUMBER.len()].copy_from_slice(&digits.as_bytes()[..NUMBER.len()]);
        }
        request
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn head(address: SocketAddr, method: &str, path: &str, key: &str, length: usize) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 80))
    }

    fn text(request: &Request) -> &str {
        str::from_utf8(request.bytes()).unwrap()
    }

    #[test]
    fn each_request_has_a_key_of_its_own() {
        let requests = Requests::Alike(Request::post_once(address(), "/", "key", b"{}", "run"));
        for number in [7, 12_345] {
            let request = requests.get(number).unwrap();
            let key = format!("Idempotency-Key: run-{number:016}\r\n\r\n{{}}");
            assert!(text(&request).contains(&key), "{}", text(&request));
        }
    }

    #[test]
    fn its_number_stands_wherever_it_is_wanted() {
        let body = format!("{{\"a\": \"p{NUMBER}\", \"b\": \"{NUMBER}@x\"}}");
        let requests = Requests::Alike(Request::post(address(), "/", "key", body.as_bytes()));
        let request = requests.get(20).unwrap();
        let (head, body) = text(&request).split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "{\"a\": \"p0000000000000020\", \"b\": \"0000000000000020@x\"}");
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
    }

    #[test]
    fn of_several_each_is_asked_once() {
        let all: Vec<_> = ["/a", "/b"].map(|path| Request::patch(address(), path, "key", b"{}")).into();
        let requests = Requests::Each(all.into());
        assert!(text(&requests.get(1).unwrap()).starts_with("PATCH /b HTTP/1.1\r\n"));
        assert!(requests.get(2).is_none());
        let requests = Request::get(address(), &format!("/{NUMBER}"), "key").each(7..9);
        assert!(text(&requests.get(1).unwrap()).starts_with("GET /0000000000000008 HTTP/1.1\r\n"));
        assert!(requests.get(2).is_none());
    }
}
