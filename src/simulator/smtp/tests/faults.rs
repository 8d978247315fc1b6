//! What a relay in bad health does, stage by stage.

use std::sync::Arc;
use std::time::Duration;

use super::*;

#[tokio::test]
async fn the_believable_relay() {
    let relay = faulty(Faults::believable(Duration::ZERO)).await;
    let mut client = Client::greeted(&relay).await;
    client
        .dialog(&[
            ("MAIL FROM:<a@b.c>", "250 "),
            ("RCPT TO:<Bounce7@b.c>", "550 5.1.1"),
            ("RCPT TO:<full@b.c>", "452 4.2.2"),
            ("RCPT TO:<full2@b.c>", "452 4.2.2"),
            ("RCPT TO:<full@b.c>", "250 "),
            ("RSET", "250 "),
        ])
        .await;
    assert!(client.mail("bounce@b.c", "1").await.starts_with("554 "), "pipelined DATA has nobody to go to");
    client.dialog(&[("RSET", "250 ")]).await;
    assert!(client.mail("li@b.c", "2").await.starts_with("250 "));
    assert_eq!(relay.stats().rejected, 5);
}

/// Leads a client to `stage`, and gives what it hears there.
async fn heard_at(relay: &SmtpSimulator, stage: Stage) -> String {
    let mut client = Client::connect(relay).await;
    if stage == Stage::Connect {
        return client.reply().await;
    }
    client.reply().await;
    let script: &[(Stage, &str)] = &[
        (Stage::Ehlo, "EHLO me"),
        (Stage::Auth, "AUTH PLAIN AHVzZXIAcGFzcw=="),
        (Stage::Noop, "NOOP"),
        (Stage::Rset, "RSET"),
        (Stage::Mail, "MAIL FROM:<a@b.c>"),
        (Stage::Rcpt, "RCPT TO:<a@b.c>"),
        (Stage::Data, "DATA"),
        (Stage::Body, "Message-ID: <x>\r\n\r\nhi\r\n."),
        (Stage::Quit, "QUIT"),
    ];
    for (here, line) in script {
        let answer = client.ask(line).await;
        if *here == stage || (*here == Stage::Body && stage == Stage::Kept) {
            return answer;
        }
        assert!(answer.starts_with(['2', '3']), "{line}: {answer}");
    }
    panic!("{stage:?} is not in the script")
}

const STAGES: [Stage; 11] = [
    Stage::Connect,
    Stage::Ehlo,
    Stage::Auth,
    Stage::Noop,
    Stage::Rset,
    Stage::Mail,
    Stage::Rcpt,
    Stage::Data,
    Stage::Body,
    Stage::Kept,
    Stage::Quit,
];

async fn with_auth(faults: Faults) -> SmtpSimulator {
    let auth = Some(("user".into(), "pass".into()));
    SmtpSimulator::start(SmtpOptions { auth, faults, ..SmtpOptions::default() }).await.unwrap()
}

/// Whether the mail got into the mailbox although the client heard no good answer.
fn kept_at(stage: Stage) -> u64 {
    u64::from(matches!(stage, Stage::Kept | Stage::Quit))
}

#[tokio::test]
async fn every_stage_can_be_reset_closed_refused_or_garbled() {
    for stage in STAGES {
        let heard = |act: Act| async move {
            let relay = with_auth(Faults::default().at(stage, act)).await;
            let heard = heard_at(&relay, stage).await;
            assert_eq!(relay.mailbox().total(), kept_at(stage), "{stage:?}");
            heard
        };
        assert_eq!(heard(Act::Reset).await, "ConnectionReset", "{stage:?}");
        assert_eq!(heard(Act::Close).await, "", "{stage:?}");
        let refusal = Reply::new(451, "4.3.0 Later\n4.3.0 Please");
        assert_eq!(heard(refusal.into()).await, "451-4.3.0 Later\r\n451 4.3.0 Please\r\n", "{stage:?}");
        let garbage = heard(Act::Garbage).await;
        assert!(!garbage.is_empty() && !garbage.starts_with(|c: char| c.is_ascii_digit()), "{stage:?}");
    }
}

#[tokio::test]
async fn every_stage_can_hang_until_the_relay_stops() {
    for stage in STAGES {
        let relay = Arc::new(with_auth(Faults::default().at(stage, Act::Hang)).await);
        let client = tokio::spawn({
            let relay = Arc::clone(&relay);
            async move { heard_at(&relay, stage).await }
        });
        while relay.stats().hung == 0 {
            tokio::task::yield_now().await;
        }
        assert!(!client.is_finished(), "{stage:?}");
        assert_eq!(relay.mailbox().total(), kept_at(stage), "{stage:?}");
        client.abort();
    }
}

#[tokio::test]
async fn a_hanging_connection_says_nothing_until_the_relay_stops() {
    let relay = faulty(Faults::default().first(1, Stage::Rcpt, Act::Hang)).await;
    let mut stuck = Client::greeted(&relay).await;
    stuck.dialog(&[("MAIL FROM:<a@b.c>", "250 ")]).await;
    stuck.send("RCPT TO:<a@b.c>\r\nRSET\r\n").await;
    let mut other = Client::greeted(&relay).await;
    while relay.stats().hung == 0 {
        other.dialog(&[("NOOP", "250 ")]).await;
    }
    assert!(other.mail("a@b.c", "1").await.starts_with("250 "), "only the first one hangs");
    assert_eq!(relay.stats().rset, 0, "what came behind is not even read");
    relay.stop().await;
    assert_eq!(stuck.reply().await, "");
    assert_eq!(other.reply().await, "");
}

#[tokio::test]
async fn good_replies_may_have_other_words_and_several_lines() {
    let faults = Faults::default()
        .at(Stage::Rcpt, Reply::new(251, "2.1.5 Not here\n2.1.5 but forwarded"))
        .at(Stage::Body, Reply::new(250, "queued as 1\nand\nmore"));
    let relay = faulty(faults).await;
    let mut client = Client::greeted(&relay).await;
    client
        .dialog(&[
            ("MAIL FROM:<a@b.c>", "250 "),
            ("RCPT TO:<a@b.c>", "251-2.1.5 Not here\r\n251 2.1.5 but forwarded\r\n"),
            ("DATA", "354 "),
            ("hi\r\n.", "250-queued as 1\r\n250-and\r\n250 more\r\n"),
            ("NOOP", "250 2.0.0"),
        ])
        .await;
    assert_eq!(relay.mailbox().total(), 1);
}

#[tokio::test]
async fn a_connection_takes_so_many_mails_and_a_relay_so_many_connections() {
    let relay = faulty(Faults::default().mails_per_connection(2).connections(2)).await;
    let mut client = Client::greeted(&relay).await;
    let mut second = Client::greeted(&relay).await;
    let mut third = Client::connect(&relay).await;
    assert!(third.reply().await.starts_with("421 4.7.0"));
    assert_eq!(third.reply().await, "");
    for id in ["1", "2"] {
        assert!(client.mail("a@b.c", id).await.starts_with("250 "));
    }
    assert!(client.ask("MAIL FROM:<a@b.c>").await.starts_with("421 4.7.0"));
    assert_eq!(client.reply().await, "");
    assert!(second.mail("a@b.c", "3").await.starts_with("250 "));
    let stats = relay.stats();
    assert_eq!((stats.connections, stats.most_open, stats.rejected), (3, 3, 2));
}

#[tokio::test]
async fn a_fault_can_wait_for_a_recipient_of_the_mail() {
    let fault =
        Fault { at: Stage::Kept, to: Some("lost*".into()), times: Some(1), percent: None, act: Act::Reset };
    let relay = faulty(Faults::default().with(fault)).await;
    let mut client = Client::greeted(&relay).await;
    assert!(client.mail("a@b.c", "1").await.starts_with("250 "));
    assert_eq!(client.mail("lost@b.c", "2").await, "ConnectionReset");
    let mut client = Client::greeted(&relay).await;
    assert!(client.mail("lost@b.c", "2").await.starts_with("250 "));
    assert_eq!(relay.mailbox().duplicates(), [("2".to_owned(), 2)]);
}

#[tokio::test]
async fn a_slow_stage_answers_late_but_what_was_due_before_it_does_not_wait() {
    let relay = faulty(Faults::default().slow(Stage::Rcpt, Duration::from_millis(1))).await;
    let mut client = Client::greeted(&relay).await;
    assert!(client.mail("a@b.c", "1").await.starts_with("250 "));
    relay.set_faults(Faults::default().slow(Stage::Rcpt, Duration::from_hours(24)));
    client.send("MAIL FROM:<a@b.c>\r\nRCPT TO:<a@b.c>\r\n").await;
    assert!(client.reply().await.starts_with("250 2.1.0"));
    relay.stop().await;
    assert_eq!(client.reply().await, "", "the recipient would have been answered tomorrow");
}

#[tokio::test]
async fn faults_change_while_connections_are_open() {
    let relay = relay().await;
    let mut client = Client::greeted(&relay).await;
    client.dialog(&[("NOOP", "250 ")]).await;
    relay.set_faults(Faults::default().at(Stage::Noop, Reply::new(421, "4.3.2 Shutting down")));
    client.dialog(&[("NOOP", "421 4.3.2"), ("NOOP", "")]).await;
    relay.set_faults(Faults::default());
    assert!(Client::greeted(&relay).await.mail("a@b.c", "1").await.starts_with("250 "));
}

#[tokio::test]
async fn a_relay_far_away_answers_in_order_and_listens_meanwhile() {
    let relay = faulty(Faults::default().far_away(Duration::from_millis(5))).await;
    let mut client = Client::greeted(&relay).await;
    // The second command comes while the answer to the first is on its way.
    client.send("NOOP\r\n").await;
    while relay.stats().noop == 0 {
        tokio::task::yield_now().await;
    }
    client.send("RSET\r\n").await;
    assert!(client.reply().await.starts_with("250 2.0.0 Here"));
    assert!(client.reply().await.starts_with("250 2.0.0 Forgotten"));
    assert!(client.ask("QUIT").await.starts_with("221 "));
    assert_eq!(client.reply().await, "", "and closes in good order");
}
