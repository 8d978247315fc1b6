//! The programs under docs/integration, run as whoever copies them runs them.

use std::collections::HashMap;
use std::process::Stdio;

use belltower::clock::Clock;
use belltower::domain::subscription::{Secret, sign};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use crate::support::app::TestApp;

/// How each of them is run.
const SENDERS: [(&str, &[&str]); 4] = [
    ("bash", &["docs/integration/send.sh"]),
    ("python3", &["docs/integration/send.py"]),
    ("java", &["docs/integration/Send.java"]),
    ("node", &["docs/integration/send.mjs"]),
];
const VERIFIERS: [(&str, &str); 3] = [
    ("python3", "docs/integration/verify.py"),
    ("node", "docs/integration/verify.mjs"),
    ("java", "docs/integration/Verify.java"),
];

struct Done {
    succeeded: bool,
    said: String,
}

async fn run(program: &str, arguments: &[&str], environment: &[(&str, &str)], input: &[u8]) -> Done {
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .envs(environment.iter().copied())
        .env("no_proxy", "*")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    child.stdin.take().unwrap().write_all(input).await.unwrap();
    let done = child.wait_with_output().await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    Done { succeeded: done.status.success(), said }
}

fn message() -> Vec<u8> {
    let message = json!({
        "topic": "library.due", "title": "图书到期", "body": "《信号与系统》明天到期。",
        "to": [{ "email": "anyone@sandbox.invalid" }],
    });
    message.to_string().into_bytes()
}

#[tokio::test]
async fn what_is_handed_in_twice_under_one_id_is_kept_once_and_what_is_refused_is_told() {
    let app = TestApp::start().await;
    let own = |key| [("BELLTOWER_URL", app.url.as_str()), ("BELLTOWER_KEY", key)];
    for (program, arguments) in SENDERS {
        let under = |id| arguments.iter().copied().chain([id]).collect::<Vec<_>>();
        let first = run(program, &under(program), &own(&app.test_key), &message()).await;
        assert!(first.succeeded, "{program}: {}", first.said);
        let at = first.said.find("msg_").unwrap_or_else(|| panic!("{program}: {}", first.said));
        let id: String = first.said[at..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let again = run(program, &under(program), &own(&app.test_key), &message()).await;
        assert!(again.said.contains(&id), "{program}: {} is not {id}", again.said);

        let refused = run(program, &under("another"), &own(&app.test_key), br#"{"topic": "Library"}"#).await;
        assert!(!refused.succeeded && refused.said.contains("/topic"), "{program}: {}", refused.said);
        let unknown = run(program, &under("another"), &own("bt_test_wrong"), &message()).await;
        assert!(
            !unknown.succeeded && unknown.said.contains("unauthenticated"),
            "{program}: {}",
            unknown.said
        );
    }
}

/// A request's headers, by their names in small letters, and its body.
async fn read(stream: &mut TcpStream) -> (HashMap<String, String>, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).await.unwrap() > 0, "it left in the midst of the headers");
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await.unwrap();
    (headers, body)
}

#[tokio::test]
async fn where_there_is_no_room_it_is_tried_again_under_the_same_id() {
    for (program, arguments) in SENDERS {
        let busy = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", busy.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let mut seen = Vec::new();
            for answer in [
                "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 21\r\nConnection: close\r\n\r\n{\"id\": \"msg_0a1b2c3\"}",
            ] {
                let (mut stream, _) = busy.accept().await.unwrap();
                seen.push(read(&mut stream).await);
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
            }
            seen
        });
        let arguments: Vec<_> = arguments.iter().copied().chain(["LOAN-2026-0042"]).collect();
        let own = [("BELLTOWER_URL", url.as_str()), ("BELLTOWER_KEY", "bt_live_x")];
        let done = run(program, &arguments, &own, &message()).await;
        assert!(done.succeeded && done.said.contains("msg_0a1b2c3"), "{program}: {}", done.said);
        for (headers, body) in serving.await.unwrap() {
            assert_eq!(headers["idempotency-key"], "LOAN-2026-0042", "{program}");
            assert_eq!(headers["authorization"], "Bearer bt_live_x", "{program}");
            assert_eq!(body, message(), "{program}");
        }
    }
}

#[tokio::test]
async fn a_webhook_is_known_by_its_signature_and_its_time() {
    let (secret, old) = (Secret::new(vec![7; 32]), Secret::new(vec![8; 32]));
    let body =
        r#"{"type":"message.completed","timestamp":"2026-11-29T08:00:00Z","data":{"title":"图书到期"}}"#;
    let body = body.as_bytes();
    // The programs look at the machine's clock.
    let now = Clock::System.now().0 / 1000;
    let both = [secret.clone(), old.clone()];
    for (program, file) in VERIFIERS {
        for (why, signed_with, sent, at, is_good) in [
            ("one secret", &both[..1], body, now, true),
            ("two, ours is the newer", &both[..], body, now, true),
            ("another's", &both[1..], body, now, false),
            ("another body", &both[..1], &b"{\"type\":\"message.completed\"}"[..], now, false),
            ("old", &both[..1], body, now - 3_600, false),
        ] {
            let signatures = sign(signed_with, "evt_1", at, body);
            let own = [("BELLTOWER_SECRET", secret.text())];
            let own = own.each_ref().map(|(name, text)| (*name, text.as_str()));
            let arguments = [file, "evt_1", &at.to_string(), &signatures];
            let done = run(program, &arguments, &own, sent).await;
            assert_eq!(done.succeeded, is_good, "{program}, {why}: {}", done.said);
            assert_eq!(done.said.trim() == "message.completed", is_good, "{program}, {why}: {}", done.said);
        }
    }
}
