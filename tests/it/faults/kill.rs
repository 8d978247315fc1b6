//! `kill -9` at fifty random moments of a run of five thousand messages.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use belltower::dispatch::IN_FLIGHT_LIMIT;
use belltower::simulator::{Mailbox, SmtpOptions, SmtpSimulator};
use serde_json::{Value, json};

use crate::support::process::Installation;

const MESSAGES: usize = 5_000;
const KILLS: usize = 50;
const SENDERS: usize = 8;

/// What the source keeps asking for until it has a 202.
struct Run {
    next: AtomicUsize,
    accepted: Mutex<HashSet<String>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_accepted_is_lost_and_only_what_was_in_flight_is_sent_twice() {
    let mailbox = Mailbox::keeping(0);
    let relay = SmtpSimulator::start(SmtpOptions { mailbox: mailbox.clone(), ..SmtpOptions::default() })
        .await
        .unwrap();
    let here = Installation::new();
    let key = here.source("教务处", "academic.#", &["send_direct"]).await;
    here.smtp_provider(relay.addr()).await;

    let run = Arc::new(Run { next: AtomicUsize::new(0), accepted: Mutex::default() });
    let mut started: Vec<usize> = (0..SENDERS).map(|_| run.next.fetch_add(1, Ordering::SeqCst)).collect();
    let client = reqwest::Client::new();
    let mut kills = 0;
    loop {
        let server = here.serve().await;
        // At a random moment of this life: after so many answers, whatever the dispatcher is doing then.
        let life = if kills < KILLS { rand::random_range(20..2 * MESSAGES / KILLS - 20) } else { MESSAGES };
        let answers = Arc::new(AtomicUsize::new(0));
        let enough = Arc::new(tokio::sync::Notify::new());
        let senders: Vec<_> = started
            .drain(..)
            .map(|number| {
                let client = client.clone();
                let (run, answers, enough) = (run.clone(), answers.clone(), enough.clone());
                let (url, key) = (server.url().to_owned(), key.clone());
                tokio::spawn(
                    async move { send(&client, &run, &url, &key, number, life, &answers, &enough).await },
                )
            })
            .collect();
        let all_sent = async {
            let mut unanswered = Vec::new();
            for sender in senders {
                unanswered.extend(sender.await.unwrap());
            }
            unanswered
        };
        if kills < KILLS {
            tokio::pin!(all_sent);
            tokio::select! {
                () = enough.notified() => server.kill().await,
                unanswered = &mut all_sent => {
                    assert!(unanswered.is_empty());
                    // Two of them would not serve from one file.
                    server.kill().await;
                    kills = KILLS;
                    continue;
                }
            }
            kills += 1;
            started = all_sent.await;
        } else {
            assert!(all_sent.await.is_empty());
            finish(&server, &key, &run, &mailbox).await;
            assert!(server.stop().await.success());
            return;
        }
    }
}

/// Posts message after message; returns the one that has no answer yet when the server is gone.
#[expect(clippy::too_many_arguments, reason = "all of them are the run's")]
async fn send(
    client: &reqwest::Client,
    run: &Run,
    url: &str,
    key: &str,
    mut number: usize,
    life: usize,
    answers: &AtomicUsize,
    enough: &tokio::sync::Notify,
) -> Option<usize> {
    while number < MESSAGES {
        let body = json!({
            "topic": "academic.course-change",
            "title": format!("第 {number} 号调课通知"),
            "body": "周三下午的《大学物理》改在教三 204。",
            "to": [{"email": format!("student{number}@campus.example")}],
        });
        let answer = client
            .post(format!("{url}/api/v1/messages"))
            .bearer_auth(key)
            .header("Idempotency-Key", format!("run-{number}"))
            .json(&body)
            .send()
            .await;
        let Ok(answer) = answer else { return Some(number) };
        assert_eq!(answer.status(), 202);
        let Ok(answer) = answer.json::<Value>().await else { return Some(number) };
        run.accepted.lock().unwrap().insert(answer["id"].as_str().unwrap().to_owned());
        number = run.next.fetch_add(1, Ordering::SeqCst);
        if answers.fetch_add(1, Ordering::SeqCst) + 1 == life {
            enough.notify_one();
        }
    }
    None
}

/// Everything accepted gets out, and the counts say so.
async fn finish(server: &crate::support::process::Server, key: &str, run: &Run, mailbox: &Mailbox) {
    let accepted = run.accepted.lock().unwrap().clone();
    assert_eq!(accepted.len(), MESSAGES);
    let deadline = Instant::now() + Duration::from_mins(2);
    // Page by page: five thousand answers about one message each take their time.
    let (mut shown, mut more) = (HashSet::new(), Some(String::new()));
    while let Some(cursor) = more {
        let page = server.get(key, &format!("/api/v1/messages?limit=200{cursor}")).await;
        for listed in page["data"].as_array().unwrap() {
            let id = listed["id"].as_str().unwrap();
            let mut message = listed.clone();
            while message["status"] != "completed" {
                assert!(Instant::now() < deadline, "still {}: {message}", message["status"]);
                tokio::time::sleep(Duration::from_millis(20)).await;
                message = server.get(key, &format!("/api/v1/messages/{id}")).await;
            }
            assert_eq!(message["counts"]["all"]["planned"], 1, "{message}");
            assert_eq!(message["counts"]["all"]["sent"], 1, "{message}");
            shown.insert(id.to_owned());
        }
        more = page["next_cursor"].as_str().map(|next| format!("&cursor={next}"));
    }
    assert_eq!(shown, accepted);
    assert_eq!(mailbox.message_ids(), MESSAGES, "each delivery has one Message-ID, and each of them arrived");
    let doubled = mailbox.duplicates();
    let extra: u64 = doubled.iter().map(|(_, copies)| copies - 1).sum();
    assert!(extra <= (KILLS * IN_FLIGHT_LIMIT) as u64, "{extra} sent again");
    for (message_id, _) in &doubled {
        let delivery = message_id.trim_start_matches('<').split('@').next().unwrap();
        let shown = server.get(key, &format!("/api/v1/deliveries/{delivery}")).await;
        let marked = shown["attempts"].as_array().unwrap().iter().any(|a| a["repeated_after_crash"] == true);
        assert!(marked, "sent twice without a word: {shown}");
    }
}
