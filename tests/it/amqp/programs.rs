//! Other programs at the same broker: those of the documentation, run as they stand there, and one that means no good.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::{Hall, message};
use crate::support::broker::{Broker, until, with_broker};

/// A Python that has pika, as `scripts/test` found it.
const PYTHON: &str = "BELLTOWER_TEST_PYTHON";

struct Done {
    succeeded: bool,
    said: String,
}

async fn python(hall: &Hall, broker: &Broker, arguments: &[&str], input: &[u8]) -> Done {
    python_at(&hall.name("intake"), broker, arguments, input).await
}

/// With the exchange of that name.
async fn python_at(exchange: &str, broker: &Broker, arguments: &[&str], input: &[u8]) -> Done {
    let python = std::env::var(PYTHON).unwrap_or_else(|_| "python3".to_owned());
    let mut child = Command::new(python)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("BELLTOWER_BROKER", format!("{}/%2F", broker.server().trim_end_matches('/')))
        .env("BELLTOWER_EXCHANGE", exchange)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).await.unwrap();
    let done = child.wait_with_output().await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    Done { succeeded: done.status.success(), said }
}

#[test]
fn the_programs_of_the_documentation_publish_and_read_what_came_back() {
    with_broker(async |broker: &'static Broker| {
        let hall = Hall::open(broker).await;
        let publish = async |id: &str, topic: &str, body: &[u8]| {
            let arguments = ["docs/integration/publish.py", id, topic];
            python(&hall, broker, &arguments, body).await
        };
        let body = message().to_string().into_bytes();
        for _ in ["once", "and again"] {
            let done = publish("loan-4711", "library.due", &body).await;
            assert!(done.succeeded, "{}", done.said);
        }
        hall.until_counted("replayed", 1).await;
        assert_eq!(hall.until_kept(1).await[0].topic, "library.due");

        let done = publish("loan-4712", "library.due", b"{\"title\": \"\"}").await;
        assert!(done.succeeded, "what is wrong with it is found out later: {}", done.said);
        hall.until_counted("rejected", 1).await;
        let looked = python(&hall, broker, &["docs/integration/rejected.py"], b"").await;
        assert!(looked.succeeded, "{}", looked.said);
        let told: Value = serde_json::from_str(looked.said.trim()).unwrap();
        assert_eq!((&told["id"], &told["topic"]), (&json!("loan-4712"), &json!("library.due")));
        assert_eq!(
            (&told["problem"]["code"], &told["body"]),
            (&json!("invalid"), &json!("{\"title\": \"\"}"))
        );
        // The broker has it again a moment after who looked has left.
        let taken = until("it is there again", async || {
            let taken = python(&hall, broker, &["docs/integration/rejected.py", "--take"], b"").await;
            (!taken.said.is_empty()).then_some(taken)
        })
        .await;
        assert_eq!(taken.said, looked.said, "looking takes nothing");
        let again = python(&hall, broker, &["docs/integration/rejected.py"], b"").await;
        assert!(again.succeeded && again.said.is_empty(), "{}", again.said);
        let elsewhere = hall.name("elsewhere");
        let refused = python_at(&elsewhere, broker, &["docs/integration/rejected.py"], b"").await;
        assert!(!refused.succeeded && refused.said.starts_with("refused: "), "{}", refused.said);

        // Mended, under the same id.
        let done = publish("loan-4712", "library.due", &body).await;
        assert!(done.succeeded, "{}", done.said);
        hall.until_kept(2).await;
        hall.until_settled().await;
    });
}

#[test]
fn properties_that_are_no_text_or_have_no_end_keep_nobody_elses_messages_waiting() {
    with_broker(async |broker: &'static Broker| {
        let hall = Hall::open(broker).await;
        let done =
            python(&hall, broker, &["tests/it/amqp/hostile.py"], message().to_string().as_bytes()).await;
        assert!(done.succeeded, "{}", done.said);
        let published: u64 = done.said.trim().parse().unwrap();
        hall.publish("loan-1", &message()).await;
        hall.until_counted("accepted", 2).await;
        hall.until_counted("rejected", published - 1).await;
        // The one whose headers alone are strange.
        assert_eq!(hall.kept().await.len(), 2);
        for _ in 1..published {
            let back = hall.rejected().await;
            assert!(["invalid", "malformed", "unauthenticated"].contains(&back.code()), "{:?}", back.headers);
        }
        hall.until_settled().await;
    });
}
