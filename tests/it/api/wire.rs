//! Bytes as no client of good will writes them, on a socket of their own.

use std::time::Duration;

use belltower::http::server::Limits;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::app::TestApp;

/// By then whatever is cut has been cut, and what lies idle has not.
const ENDS: Duration = Duration::from_secs(45);
const SHORT: Duration = Duration::from_millis(50);
/// After which connections are cut on which nothing happens. A machine that is too busy to take a request up within the first
/// does it within one of the others.
const IDLE: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(4), Duration::from_secs(30)];
/// A second request, which nobody sent who could have.
const SMUGGLED: &str = "GET /healthz HTTP/1.1\r\nHost: smuggled\r\n\r\n";

async fn connect(app: &TestApp) -> TcpStream {
    TcpStream::connect(app.url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// Everything that is answered until the connection ends, which it must.
async fn heard(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let read = timeout(ENDS, stream.read_to_end(&mut all)).await;
    let heard = String::from_utf8_lossy(&all).into_owned();
    // Ended the hard way, with something of ours unread, is ended too.
    assert!(read.is_ok(), "it goes on after: {heard}");
    heard
}

async fn answer(app: &TestApp, request: &str) -> String {
    let mut stream = connect(app).await;
    // It may be refused before all of it is there.
    drop(stream.write_all(request.as_bytes()).await);
    heard(&mut stream).await
}

fn statuses(heard: &str) -> Vec<u16> {
    let after = heard.split("HTTP/1.1 ").skip(1);
    after.map(|rest| rest[..3].parse().unwrap()).collect()
}

/// Refused once or, where its handler noticed as well, twice; and nothing else is answered.
fn is_refused(heard: &str) -> bool {
    let statuses = statuses(heard);
    (1..=2).contains(&statuses.len()) && statuses.iter().all(|status| [400, 401, 431].contains(status))
}

async fn limited(change: impl FnOnce(&mut Limits)) -> TestApp {
    TestApp::start_limited(change).await
}

/// Each of these requests, and what is answered until its connection is cut on which nothing happens any more.
async fn answers(
    change: impl Fn(&mut Limits),
    requests: impl Fn(&TestApp) -> Vec<String>,
) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for idle in IDLE {
        let app = limited(|limits| {
            change(limits);
            limits.idle = idle;
        })
        .await;
        let requests = requests(&app);
        let heard = join_all(requests.iter().map(|request| answer(&app, request))).await;
        // Of one that was cut before it was taken up nothing is heard.
        let are_answered = heard.iter().all(|heard| !heard.is_empty());
        all = requests.into_iter().zip(heard).collect();
        if are_answered {
            break;
        }
    }
    all
}

#[tokio::test]
async fn a_head_that_trickles_in_is_cut() {
    let app = limited(|limits| limits.head = SHORT).await;
    let heard = answer(&app, "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ").await;
    assert_eq!(statuses(&heard), [408]);
}

#[tokio::test]
async fn so_is_the_head_of_a_later_request() {
    let whole = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let both = format!("{whole}GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ");
    let heard = answers(|_| {}, |_| vec![both.clone()]).await;
    assert_eq!(statuses(&heard[0].1), [200]);
}

#[tokio::test]
async fn so_is_what_follows_an_answer_that_needed_none_of_it() {
    let head = "POST /api/v1/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer none\r\n";
    let bodies = ["Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "Content-Length: 10\r\n\r\nhello"];
    let requests = |_: &TestApp| Vec::from(bodies.map(|body| format!("{head}{body}")));
    for (request, heard) in answers(|_| {}, requests).await {
        assert_eq!(statuses(&heard), [401], "{request}");
    }
}

/// Three bodies of which more is announced than comes, each in both ways to announce it.
fn halves(app: &TestApp) -> Vec<String> {
    let key = &app.live_key;
    let import =
        format!("POST /api/v1/recipients/import HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n");
    let form = "POST /u/guess HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=x\r\n";
    let json = format!("POST /api/v1/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n");
    let mut requests = Vec::new();
    for (head, media, body) in [
        (import.as_str(), "Content-Type: application/x-ndjson\r\n", "{\"campus_id\": "),
        (form, "", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"),
        (json.as_str(), "Content-Type: application/json\r\n", "{\"topic\": "),
    ] {
        requests.push(format!("{head}{media}Content-Length: 1000\r\n\r\n{body}"));
        let length = body.len();
        requests.push(format!("{head}{media}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n"));
    }
    requests
}

#[tokio::test]
async fn a_body_that_does_not_go_on_is_cut() {
    for (request, heard) in answers(|limits| limits.stall = SHORT, halves).await {
        assert_eq!(statuses(&heard), [400], "{request}: {heard}");
        assert!(heard.contains("too slowly"), "{request}: {heard}");
    }
}

#[tokio::test]
async fn a_body_has_a_last_moment_however_steadily_it_comes() {
    let request = |app: &TestApp| {
        vec![format!(
            "POST /api/v1/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: 2\r\n\r\n{{}}",
            app.live_key
        )]
    };
    let (_, heard) = answers(|limits| limits.body = Duration::ZERO, request).await.remove(0);
    assert_eq!(statuses(&heard), [400]);
    assert!(heard.contains("too slowly"), "{heard}");
}

#[tokio::test]
async fn what_could_be_read_in_two_ways_is_not_read() {
    let app = TestApp::start().await;
    let length = SMUGGLED.len();
    for headers in [
        // Where does the body end?
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}"),
        format!("Content-Length: 0\r\nContent-Length: {length}"),
        format!("Content-Length: {length}\r\nContent-Length: 0"),
        format!("Content-Length: 0, {length}"),
        "Content-Length: +0".to_owned(),
        "Content-Length: -1".to_owned(),
        "Content-Length: 0x0".to_owned(),
        "Content-Length: 99999999999999999999999".to_owned(),
        "Content-Length : 0".to_owned(),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity".to_owned(),
        "Transfer-Encoding: identity".to_owned(),
        "Transfer-Encoding: xchunked".to_owned(),
        "Transfer-Encoding: chunked, gzip".to_owned(),
        "Transfer-Encoding : chunked".to_owned(),
        // Whose is it?
        "Host: b".to_owned(),
        // Where does the field end?
        "X-A: a\rX-B: b".to_owned(),
        "X-A: a\0b".to_owned(),
        "X-A\0: a".to_owned(),
        "X-A: a\r\n folded".to_owned(),
        "X A: a".to_owned(),
        ": a".to_owned(),
    ] {
        let request =
            format!("POST /api/v1/messages HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n0\r\n\r\n{SMUGGLED}");
        let heard = answer(&app, &request).await;
        assert!(is_refused(&heard), "{headers:?}: {heard}");
    }
    for request in [
        format!("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}"),
        format!("GET /healthz HTTP/1.1\r\n\r\n{SMUGGLED}"),
        format!("GET /heal\0thz HTTP/1.1\r\nHost: a\r\n\r\n{SMUGGLED}"),
        format!("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n{SMUGGLED}"),
    ] {
        let heard = answer(&app, &request).await;
        assert!(is_refused(&heard), "{request:?}: {heard}");
    }
}

#[tokio::test]
async fn chunks_of_no_size_that_could_be_meant_end_the_connection() {
    let app = TestApp::start().await;
    for chunks in [
        "x\r\n",
        "-1\r\na\r\n0\r\n\r\n",
        "+1\r\na\r\n0\r\n\r\n",
        "0x1\r\na\r\n0\r\n\r\n",
        "ffffffffffffffffffff\r\na\r\n0\r\n\r\n",
        "1\na\r\n0\r\n\r\n",
        "1\r\nab\r\n0\r\n\r\n",
        "1;a\nb\r\na\r\n0\r\n\r\n",
    ] {
        let request = format!(
            "POST /api/v1/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: chunked\r\n\r\n{chunks}{SMUGGLED}",
            app.live_key
        );
        let heard = answer(&app, &request).await;
        assert!(is_refused(&heard), "{chunks:?}: {heard}");
    }
}

#[tokio::test]
async fn heads_have_a_largest_size() {
    let app = TestApp::start().await;
    let many: String = (0..100).map(|n| format!("X-{n}: a\r\n")).collect();
    let heard = answer(&app, &format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{many}\r\n")).await;
    assert_eq!(statuses(&heard), [431], "{heard}");
    // What is left unread of it may take the answer with it.
    for long in [
        format!("GET /{} HTTP/1.1\r\n", "a".repeat(200_000)),
        format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(200_000)),
    ] {
        let heard = answer(&app, &long).await;
        assert!(statuses(&heard).iter().all(|status| [400, 414, 431].contains(status)), "{heard}");
    }
}
