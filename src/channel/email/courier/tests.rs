//! Two mails on one connection, and whatever a relay may do at each moment.

use serde_json::json;
use tokio::task::JoinHandle;

use super::super::letter::Letter;
use super::super::scripted::Turn::{Close, Meet, On};
use super::super::scripted::{Relay, START, Turn};
use super::*;
use crate::clock::Timestamp;

/// EHLO, and the first mail's envelope taken.
const HELLO: Turn = On("EHLO", "250-here\r\n250 PIPELINING\r\n");
const OLD: Turn = On("EHLO", "250 here\r\n");
const GO: Turn = On("DATA\r\n", GO_AHEAD);
/// A mail's end, of which nothing is said until the next envelope has come.
const END: Turn = On("\r\n.\r\n", "");
const TAKEN: Turn = On("\r\n.\r\n", "250 taken\r\n");
const TAKEN_AND_GO: Turn = On("DATA\r\n", TAKEN_AND);
/// An envelope, of which nothing is said.
const HEARD: Turn = On("DATA\r\n", "");
const GO_AHEAD: &str = "250 m\r\n250 r\r\n354 go\r\n";
const TAKEN_AND: &str = "250 taken\r\n250 m\r\n250 r\r\n354 go\r\n";
/// A connection that takes one mail.
const ONE: &[Turn] = &[HELLO, GO, TAKEN];

type Sent = JoinHandle<Result<Reply, Failure>>;

fn letter(name: &str) -> Letter {
    Letter {
        sender: "a@b.example".to_owned(),
        recipient: format!("{name}@d.example"),
        envelope_id: name.to_owned(),
        utf8: false,
        data: format!("Subject: {name}\r\n\r\n{name}\r\n.\r\n").into_bytes(),
    }
}

impl Relay {
    /// Hands these over, in this order.
    fn send<const N: usize>(&self, names: [&'static str; N]) -> [Sent; N] {
        names.map(|name| self.send_until(name, Timestamp::NEVER))
    }

    fn send_until(&self, name: &'static str, expires_at: Timestamp) -> Sent {
        let pool = Arc::clone(&self.pool);
        tokio::spawn(async move { pool.send(letter(name), expires_at).await })
    }
}

/// What is heard of a mail.
async fn said(sent: Sent) -> String {
    match sent.await.unwrap() {
        Ok(reply) => format!("{} {}", reply.codes(), reply.words()),
        Err(failure) => failure.to_string(),
    }
}

async fn go_away(sent: Sent) {
    sent.abort();
    assert!(sent.await.unwrap_err().is_cancelled());
}

/// What is heard of two mails that come at once.
async fn two(relay: &Relay) -> [String; 2] {
    let [a, b] = relay.send(["a", "b"]);
    [said(a).await, said(b).await]
}

#[tokio::test]
async fn an_envelope_goes_ahead_of_the_answer_to_the_mail_before() {
    let relay = Relay::following(&[&[HELLO, GO, END, TAKEN_AND_GO, END, TAKEN_AND_GO, TAKEN]]).await;
    let [a, b, c] = relay.send(["a", "b", "c"]);
    for sent in [a, b, c] {
        assert_eq!(said(sent).await, "250 taken");
    }
    assert_eq!(relay.connections(), 1);
    let heard = relay.heard(0);
    assert!(
        heard.contains("a\r\n.\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<b@d.example>\r\nDATA\r\n"),
        "{heard}"
    );
}

#[tokio::test]
async fn a_mail_that_comes_later_goes_ahead_as_well() {
    let mut relay = Relay::following(&[&[HELLO, GO, END, Meet, TAKEN_AND_GO, TAKEN]]).await;
    let [a] = relay.send(["a"]);
    let go = relay.met().await;
    let [b] = relay.send(["b"]);
    go.send(()).unwrap();
    assert_eq!((said(a).await, said(b).await), ("250 taken".into(), "250 taken".into()));
}

#[tokio::test]
async fn a_relay_without_pipelining_hears_one_command_at_a_time() {
    const MAIL: Turn = On("MAIL FROM:<a@b.example>\r\n", "250 m\r\n");
    const RCPT: Turn = On("@d.example>\r\n", "250 r\r\n");
    const DATA: Turn = On("DATA\r\n", "354 go\r\n");
    let mut relay = Relay::following(&[&[
        OLD,
        MAIL,
        RCPT,
        DATA,
        END,
        Meet,
        On("", "250 taken\r\n"),
        MAIL,
        RCPT,
        DATA,
        TAKEN,
    ]])
    .await;
    let [a, b] = relay.send(["a", "b"]);
    let go = relay.met().await;
    assert!(relay.heard(0).ends_with("a\r\n.\r\n"));
    go.send(()).unwrap();
    assert_eq!((said(a).await, said(b).await), ("250 taken".into(), "250 taken".into()));
}

#[tokio::test]
async fn a_relay_may_be_told_one_mail_at_a_time() {
    let settings = json!({"concurrency": 1});
    let relay = Relay::with(&[&[HELLO, GO, TAKEN, GO, TAKEN]], settings).await;
    assert_eq!(two(&relay).await, ["250 taken", "250 taken"]);
    assert_eq!((relay.pool.size(), relay.pool.goes_ahead()), (1, false));
}

#[tokio::test]
async fn each_mail_has_the_verdict_that_is_its_own() {
    const REFUSED_AND_GO: Turn = On("DATA\r\n", "554 5.6.0 no\r\n250 m\r\n250 r\r\n354 go\r\n");
    let relay = Relay::following(&[&[HELLO, GO, END, REFUSED_AND_GO, TAKEN]]).await;
    assert_eq!(two(&relay).await, ["554 5.6.0 no (at the mail's content)", "250 taken"]);

    let relay =
        Relay::following(&[&[HELLO, GO, END, TAKEN_AND_GO, On("\r\n.\r\n", "554 5.6.0 no\r\n")]]).await;
    assert_eq!(two(&relay).await, ["250 taken", "554 5.6.0 no (at the mail's content)"]);
    assert_eq!(relay.connections(), 1);
}

#[tokio::test]
async fn a_refused_envelope_is_forgotten_with_the_next_one() {
    const REFUSED: Turn = On("DATA\r\n", "250 taken\r\n250 m\r\n550 5.1.1 who\r\n554 nobody\r\n");
    const RESET_AND_GO: Turn = On("DATA\r\n", "250 reset\r\n250 m\r\n250 r\r\n354 go\r\n");
    let relay = Relay::following(&[&[HELLO, GO, END, REFUSED, RESET_AND_GO, TAKEN]]).await;
    let [a, b, c] = relay.send(["a", "b", "c"]);
    assert_eq!(said(a).await, "250 taken");
    assert_eq!(said(b).await, "550 5.1.1 who (at RCPT)");
    assert_eq!(said(c).await, "250 taken");
    let heard = relay.heard(0);
    assert!(
        heard.contains("DATA\r\nRSET\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"),
        "{heard}"
    );
    assert!(!heard.contains("Subject: b"));
}

#[tokio::test]
async fn a_mail_is_not_begun_where_the_one_before_is_not_forgotten() {
    const REFUSED: Turn = On("DATA\r\n", "550 5.1.1 who\r\n503 m\r\n503 m\r\n");
    const UNFORGOTTEN: Turn = On("DATA\r\n", "451 no\r\n250 m\r\n250 r\r\n354 go\r\n");
    let relay = Relay::following(&[&[HELLO, REFUSED, UNFORGOTTEN], ONE]).await;
    assert_eq!(two(&relay).await, ["550 5.1.1 who (at MAIL)", "250 taken"]);
    assert!(!relay.heard(0).contains("Subject"));
}

/// RFC 2920 §3.1 would have a single dot follow; rather than let an empty mail go, the connection ends.
#[tokio::test]
async fn a_go_ahead_after_a_refusal_ends_the_connection() {
    const REFUSED: Turn = On("DATA\r\n", "250 m\r\n550 5.1.1 who\r\n354 go\r\n");
    let relay = Relay::following(&[&[HELLO, REFUSED]]).await;
    let [a] = relay.send(["a"]);
    assert_eq!(said(a).await, "550 5.1.1 who (at RCPT)");

    const REFUSED_BEHIND: Turn = On("DATA\r\n", "250 taken\r\n250 m\r\n550 5.1.1 who\r\n354 go\r\n");
    let relay = Relay::following(&[&[HELLO, GO, END, REFUSED_BEHIND], ONE]).await;
    let [a, b, c] = relay.send(["a", "b", "c"]);
    assert_eq!(said(a).await, "250 taken");
    assert_eq!(said(b).await, "550 5.1.1 who (at RCPT)");
    // It waited for a connection, and there is none now: this one is new.
    assert_eq!(said(c).await, "250 taken");
    assert!(relay.heard(0).ends_with("RCPT TO:<b@d.example>\r\nDATA\r\n"));
    assert!(relay.heard(1).contains("Subject: c"));
}

#[tokio::test]
async fn a_farewell_is_for_whoever_is_on_the_connection() {
    // Too much at once, says the relay: no new connection is opened on the spot.
    const VERDICT: Turn = On("DATA\r\n", "421 4.7.0 slower\r\n");
    let relay = Relay::following(&[&[HELLO, GO, END, VERDICT, Close], ONE]).await;
    let refused = "421 4.7.0 slower (at the mail's content)";
    assert_eq!(two(&relay).await, [refused, "421 4.7.0 slower (at MAIL)"]);
    assert_eq!(relay.connections(), 1);

    // Enough mails on this connection, it may mean: the next goes by another.
    const AT_MAIL: Turn = On("DATA\r\n", "250 taken\r\n421 4.7.0 enough\r\n");
    let relay = Relay::following(&[&[HELLO, GO, END, AT_MAIL, Close], ONE]).await;
    assert_eq!(two(&relay).await, ["250 taken", "250 taken"]);
    assert!(!relay.heard(0).contains("Subject: b"));

    const AT_RCPT: Turn = On("DATA\r\n", "250 taken\r\n250 m\r\n421 4.7.0 enough\r\n");
    let relay = Relay::following(&[&[HELLO, GO, END, AT_RCPT, Close]]).await;
    assert_eq!(two(&relay).await, ["250 taken", "421 4.7.0 enough (at RCPT)"]);
}

#[tokio::test]
async fn a_connection_lost_before_the_verdict_leaves_doubt_of_one_mail_alone() {
    let relay = Relay::following(&[&[HELLO, GO, END, HEARD, Close], ONE]).await;
    let lost = "the relay closed the connection (at the mail's content)";
    assert_eq!(two(&relay).await, [lost, "250 taken"]);
    assert!(!relay.heard(0).contains("Subject: b"));
    assert!(!relay.heard(1).contains("Subject: a"), "it may have been taken");
}

#[tokio::test]
async fn a_connection_lost_after_the_verdict_costs_no_mail() {
    let relay = Relay::following(&[&[HELLO, GO, END, On("DATA\r\n", "250 taken\r\n"), Close], ONE]).await;
    assert_eq!(two(&relay).await, ["250 taken", "250 taken"]);
    assert_eq!(relay.connections(), 2);

    const HALF: Turn = On("DATA\r\n", "250 taken\r\n250 m\r\n");
    let relay = Relay::following(&[&[HELLO, GO, END, HALF, Close]]).await;
    assert_eq!(two(&relay).await, ["250 taken", "the relay closed the connection (at RCPT)"]);
    assert!(!relay.heard(0).contains("Subject: b"));
}

#[tokio::test]
async fn an_answer_too_many_is_never_an_acceptance() {
    for answers in [
        // After the verdict: from then on all are off by one.
        "250 taken\r\n250 again\r\n250 m\r\n250 r\r\n354 go\r\n",
        "250 taken\r\n250 m\r\n250 m\r\n250 r\r\n354 go\r\n",
        // After the go-ahead it could be taken for the verdict.
        "250 taken\r\n250 m\r\n250 r\r\n354 go\r\n250 taken\r\n",
        "250 taken\r\n250 m\r\n250 r\r\n250 go\r\n",
    ] {
        let answered = On("DATA\r\n", answers);
        let relay = Relay::following(&[&[HELLO, GO, END, answered, TAKEN]]).await;
        let [a, b] = two(&relay).await;
        assert_eq!(a, "250 taken", "{answers}");
        assert!(b.starts_with("not an SMTP answer"), "{answers}: {b}");
        assert!(!relay.heard(0).contains("Subject: b"), "{answers}");
    }
    // The first mail's verdict is of another kind than a verdict can be.
    let answered = On("DATA\r\n", "354 go\r\n250 m\r\n250 r\r\n354 go\r\n");
    let relay = Relay::following(&[&[HELLO, GO, END, answered], ONE]).await;
    let [a, b] = two(&relay).await;
    assert_eq!(a, "not an SMTP answer: 354 go (at the mail's content)");
    assert_eq!(b, "250 taken");
}

#[tokio::test]
async fn only_the_answer_to_the_content_is_an_acceptance() {
    for answers in [
        // One answer too many after RCPT: from then on all are off by one.
        ["250 a\r\n", "250 b\r\n250 b\r\n", "354 c\r\n", "554 d\r\n"],
        ["250 a\r\n", "250 b\r\n", "354 c\r\n", "354 d\r\n"],
        ["250 a\r\n", "250 b\r\n", "250 c\r\n", "250 d\r\n"],
    ] {
        let cues = ["MAIL", "RCPT", "DATA\r\n", "\r\n.\r\n"];
        let mut script = vec![OLD];
        script.extend(cues.into_iter().zip(answers).map(|(cue, answer)| On(cue, answer)));
        let relay = Relay::following(&[&script]).await;
        let [a] = relay.send(["a"]);
        let said = said(a).await;
        assert!(said.starts_with("not an SMTP answer"), "{answers:?}: {said}");
    }
}

#[tokio::test]
async fn a_verdict_that_does_not_come_in_time_leaves_doubt_of_one_mail_alone() {
    let relay = Relay::impatiently(&[&[HELLO, GO, END, HEARD], ONE]).await;
    assert_eq!(two(&relay).await, ["no answer within 0.2 s (at the mail's content)", "250 taken"]);
    assert!(!relay.heard(0).contains("Subject: b"));
    assert!(relay.pool.goes_ahead(), "it was not heard to lose anything");
}

#[tokio::test]
async fn a_relay_that_loses_what_goes_ahead_is_told_nothing_ahead_again() {
    let relay = Relay::impatiently(&[
        &[HELLO, GO, END, On("DATA\r\n", "250 taken\r\n")],
        &[HELLO, GO, TAKEN, GO, TAKEN],
    ])
    .await;
    let [a, b, c] = relay.send(["a", "b", "c"]);
    for sent in [a, b, c] {
        assert_eq!(said(sent).await, "250 taken");
    }
    assert!(!relay.pool.goes_ahead());
    assert!(!relay.heard(0).contains("Subject: b"));
}

#[tokio::test]
async fn an_envelope_that_is_answered_in_part_is_given_up_in_time() {
    for (answers, at) in [
        ("250 taken\r\n250 m\r\n", "no answer within 0.2 s (at RCPT)"),
        ("250 taken\r\n250 m\r\n250 r\r\n", "no answer within 0.2 s (at DATA)"),
    ] {
        let relay = Relay::impatiently(&[&[HELLO, GO, END, On("DATA\r\n", answers)], ONE]).await;
        let [a, b, c] = relay.send(["a", "b", "c"]);
        assert_eq!(said(a).await, "250 taken");
        assert_eq!(said(b).await, at);
        assert_eq!(said(c).await, "250 taken");
        assert!(!relay.heard(0).contains("Subject: b"));
    }
}

#[tokio::test]
async fn who_goes_away_while_the_verdict_is_due_leaves_the_next_mail_alone() {
    let mut relay =
        Relay::following(&[&[HELLO, GO, END, HEARD, Meet, On("", TAKEN_AND), TAKEN, GO, TAKEN]]).await;
    let [a, b] = relay.send(["a", "b"]);
    let go = relay.met().await;
    go_away(a).await;
    go.send(()).unwrap();
    assert_eq!(said(b).await, "250 taken");
    let [c] = relay.send(["c"]);
    assert_eq!(said(c).await, "250 taken");
    assert_eq!(relay.connections(), 1);
}

#[tokio::test]
async fn who_goes_away_with_the_envelope_out_takes_the_connection_along_after_the_verdict() {
    let mut relay = Relay::following(&[&[HELLO, GO, END, HEARD, Meet, On("", TAKEN_AND)], ONE]).await;
    let [a, b] = relay.send(["a", "b"]);
    let go = relay.met().await;
    go_away(b).await;
    go.send(()).unwrap();
    assert_eq!(said(a).await, "250 taken");
    let [c] = relay.send(["c"]);
    assert_eq!(said(c).await, "250 taken");
    assert!(!relay.heard(0).contains("Subject: b"));
    assert!(relay.heard(1).contains("Subject: c"));
}

#[tokio::test]
async fn a_connection_with_nobody_left_is_given_up() {
    let mut relay = Relay::following(&[&[HELLO, GO, END, HEARD, Meet], ONE]).await;
    let [a, b] = relay.send(["a", "b"]);
    let _go = relay.met().await;
    go_away(a).await;
    go_away(b).await;
    let [c] = relay.send(["c"]);
    assert_eq!(said(c).await, "250 taken");
    assert!(relay.heard(1).contains("Subject: c"));
}

#[tokio::test]
async fn a_mail_whose_sender_went_away_before_its_content_stays() {
    let mut relay = Relay::following(&[&[HELLO, HEARD, Meet, On("", GO_AHEAD)], ONE]).await;
    let [a] = relay.send(["a"]);
    let go = relay.met().await;
    go_away(a).await;
    go.send(()).unwrap();
    let [c] = relay.send(["c"]);
    assert_eq!(said(c).await, "250 taken");
    assert!(!relay.heard(0).contains("Subject"));
}

#[tokio::test]
async fn a_mail_that_waits_may_be_taken_back_or_expire() {
    let mut relay = Relay::following(&[&[HELLO, HEARD, Meet, On("", GO_AHEAD), TAKEN]]).await;
    let [a, b] = relay.send(["a", "b"]);
    let c = relay.send_until("c", Timestamp(START.0 + 1_000));
    let go = relay.met().await;
    go_away(b).await;
    relay.clock.turn(1_000);
    go.send(()).unwrap();
    assert_eq!(said(a).await, "250 taken");
    assert_eq!(said(c).await, "it expired while it waited for a connection");
    let heard = relay.heard(0);
    assert!(!heard.contains("b@d.example") && !heard.contains("c@d.example"), "{heard}");
}

#[tokio::test]
async fn a_mail_gets_a_connection_of_its_own_while_one_may_be_had() {
    let settings = json!({"connections": 2});
    let mut relay = Relay::with(&[&[HELLO, GO, END, Meet, On("", "250 taken\r\n")], ONE], settings).await;
    let [a] = relay.send(["a"]);
    let go = relay.met().await;
    let [b] = relay.send(["b"]);
    assert_eq!(said(b).await, "250 taken");
    go.send(()).unwrap();
    assert_eq!(said(a).await, "250 taken");
    assert!(!relay.heard(0).contains("b@d.example"));
}
