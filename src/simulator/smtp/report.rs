//! What a relay tells later of the mails it took: delivery status notifications (RFC 3464), by mail to whoever the
//! envelope says it came from.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until, timeout};

use super::server::Shared;
use super::stats::count;
use crate::simulator::held::{Held, lock};
use crate::simulator::pattern::matches;

/// How long whoever takes reports may think.
const PATIENCE: Duration = Duration::from_secs(10);
/// Reports that wait for somebody to have them sent; older ones are forgotten.
const WAITING: usize = 10_000;

/// Of which mails a relay reports, and where to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BouncePlan {
    /// Where mail for the bounce domain is taken, by SMTP. Without one reports wait for
    /// [`bounce`](super::SmtpSimulator::bounce).
    pub to: Option<SocketAddr>,
    /// After the mail was taken.
    pub delay_ms: u64,
    /// Each report is sent so often.
    pub copies: usize,
    /// Whoever takes them speaks LMTP (RFC 2033).
    pub lmtp: bool,
    /// The first whose pattern fits a recipient counts; of others nothing is ever heard.
    pub bounces: Vec<Bounce>,
}

impl Default for BouncePlan {
    fn default() -> Self {
        Self { to: None, delay_ms: 0, copies: 1, lmtp: false, bounces: Vec::new() }
    }
}

/// What becomes of a mail that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bounce {
    /// A pattern of the recipient, as in [`Fault`](super::Fault).
    pub to: String,
    /// `failed`, `delayed`, `delivered`, `relayed`, `expanded`.
    pub action: String,
    pub status: String,
    /// `smtp; 550 5.1.1 No such person`; empty: not told.
    pub diagnostic: String,
}

impl Default for Bounce {
    fn default() -> Self {
        Self {
            to: "*".to_owned(),
            action: "failed".to_owned(),
            status: "5.1.1".to_owned(),
            diagnostic: "smtp; 550 5.1.1 No such person".to_owned(),
        }
    }
}

impl BouncePlan {
    /// Recipients that match come back with this status and diagnostic.
    #[must_use]
    pub fn failing(self, pattern: &str, status: &str, diagnostic: &str) -> Self {
        self.with(pattern, "failed", status, diagnostic)
    }

    /// Recipients that match are told to be late.
    #[must_use]
    pub fn delaying(self, pattern: &str) -> Self {
        self.with(pattern, "delayed", "4.4.1", "smtp; 451 4.4.1 No answer from host")
    }

    #[must_use]
    pub fn with(mut self, pattern: &str, action: &str, status: &str, diagnostic: &str) -> Self {
        let [to, action, status, diagnostic] = [pattern, action, status, diagnostic].map(str::to_owned);
        self.bounces.push(Bounce { to, action, status, diagnostic });
        self
    }

    pub(super) fn of(&self, recipient: &str) -> Option<&Bounce> {
        let recipient = recipient.to_lowercase();
        self.bounces.iter().find(|bounce| matches(&bounce.to.to_lowercase(), &recipient))
    }
}

/// What a client wants to be told of a mail (RFC 3461).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wishes {
    pub(super) notify: Option<String>,
    pub(super) original_recipient: Option<String>,
}

impl Wishes {
    /// Without a word on it, failures and delays (RFC 3461 §5.2.2 and §4.1).
    pub(super) fn include(&self, action: &str) -> bool {
        let word = match action {
            "failed" => "FAILURE",
            "delayed" => "DELAY",
            _ => "SUCCESS",
        };
        match &self.notify {
            None => word != "SUCCESS",
            Some(wanted) => wanted.split(',').any(|wanted| wanted.eq_ignore_ascii_case(word)),
        }
    }
}

/// One report, ready to be sent.
#[derive(Clone, Debug)]
pub(super) struct Report {
    /// The sender of the mail it is about.
    pub(super) to: String,
    pub(super) mail: String,
}

/// A mail as its report repeats it.
pub(super) struct About<'a> {
    pub(super) relay: &'a str,
    pub(super) sender: &'a str,
    pub(super) recipient: &'a str,
    pub(super) envelope_id: Option<&'a str>,
    /// The client wants all of it back, and not its headers alone.
    pub(super) whole: bool,
    pub(super) mail: &'a [u8],
}

pub(super) fn write(about: &About<'_>, wishes: &Wishes, bounce: &Bounce) -> Report {
    const BOUNDARY: &str = "report-of-the-simulator";
    let About { relay, sender, recipient, .. } = about;
    let mut fields = format!("Reporting-MTA: dns; {relay}\r\n");
    // Writing to a string cannot fail.
    if let Some(id) = about.envelope_id {
        let _ = write!(fields, "Original-Envelope-Id: {}\r\n", plain(id));
    }
    fields.push_str("\r\n");
    if let Some(original) = &wishes.original_recipient {
        let _ = write!(fields, "Original-Recipient: {}\r\n", plain(original));
    }
    let Bounce { action, status, diagnostic, .. } = bounce;
    let _ =
        write!(fields, "Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n");
    if !diagnostic.is_empty() {
        let _ = write!(fields, "Diagnostic-Code: {diagnostic}\r\n");
    }
    let text = String::from_utf8_lossy(about.mail);
    let headers = text.split("\r\n\r\n").next().unwrap_or_default();
    let (kind, back) =
        if about.whole { ("message/rfc822", text.as_ref()) } else { ("text/rfc822-headers", headers) };
    let part =
        |kind: &str, content: &str| format!("--{BOUNDARY}\r\nContent-Type: {kind}\r\n\r\n{content}\r\n");
    let parts = [
        part("text/plain; charset=utf-8", &format!("The mail to {recipient}: {action}, {status}.\r\n")),
        part("message/delivery-status", &fields),
        part(kind, back),
    ];
    let mail = format!(
        "From: Mail Delivery System <MAILER-DAEMON@{relay}>\r\nTo: <{sender}>\r\n\
         Subject: Delivery status ({action})\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"{BOUNDARY}\"\r\n\r\n{}--{BOUNDARY}--\r\n",
        parts.concat()
    );
    Report { to: (*sender).to_owned(), mail }
}

/// A parameter's text as it was before it was encoded (RFC 3461 §4).
fn plain(xtext: &str) -> String {
    let mut bytes = Vec::with_capacity(xtext.len());
    let mut rest = xtext.as_bytes();
    while let [first, more @ ..] = rest {
        let code = more.get(..2).filter(|_| *first == b'+').and_then(|hex| str::from_utf8(hex).ok());
        let code = code.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &more[2..] } else { more };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reports on their way, and when each is to arrive.
pub(super) type Coming = UnboundedReceiver<(Instant, Report)>;

/// What a relay has to tell.
#[derive(Debug)]
pub(super) struct Reports {
    plan: Held<BouncePlan>,
    waiting: Mutex<Vec<Report>>,
    on_the_way: UnboundedSender<(Instant, Report)>,
}

impl Reports {
    /// With what [`carry`] is to be given.
    pub(super) fn new(plan: BouncePlan) -> (Self, Coming) {
        let (on_the_way, coming) = unbounded_channel();
        (Self { plan: Held::new(plan), waiting: Mutex::default(), on_the_way }, coming)
    }

    pub(super) fn set_plan(&self, plan: BouncePlan) {
        self.plan.set(plan);
    }

    pub(super) fn plan(&self) -> Arc<BouncePlan> {
        self.plan.get()
    }

    /// What waits is never sent.
    pub(super) fn forget(&self) {
        lock(&self.waiting).clear();
    }

    /// A mail was taken for one of its recipients. Mails without a sender are reports themselves, and nobody is told of
    /// them (RFC 5321 §4.5.5).
    pub(super) fn note(&self, about: &About<'_>, wishes: &Wishes) {
        let plan = self.plan();
        let Some(bounce) = plan.of(about.recipient) else { return };
        if about.sender.is_empty() || !wishes.include(&bounce.action) {
            return;
        }
        let report = write(about, wishes, bounce);
        let due = Instant::now() + Duration::from_millis(plan.delay_ms);
        for _ in 0..plan.copies {
            if plan.to.is_some() {
                // It is only dropped with whoever listens.
                let _ = self.on_the_way.send((due, report.clone()));
                continue;
            }
            let mut waiting = lock(&self.waiting);
            if waiting.len() >= WAITING {
                waiting.remove(0);
            }
            waiting.push(report.clone());
        }
    }

    /// Sends those that wait, one after the other; gives the last answer to each.
    pub(super) async fn send_all(&self, to: SocketAddr) -> Vec<String> {
        let waiting = std::mem::take(&mut *lock(&self.waiting));
        let lmtp = self.plan().lmtp;
        let mut answers = Vec::with_capacity(waiting.len());
        for report in &waiting {
            answers.push(send(report, to, lmtp).await.unwrap_or_else(|error| error.to_string()));
        }
        answers
    }
}

/// Sends reports when their time has come. One that is not taken is lost, as with a relay that gives up.
pub(super) async fn carry(shared: Arc<Shared>, mut coming: Coming) {
    while let Some((due, report)) = coming.recv().await {
        sleep_until(due).await;
        let plan = shared.reports.plan();
        let Some(to) = plan.to else { continue };
        if send(&report, to, plan.lmtp).await.is_ok_and(|answer| answer.starts_with('2')) {
            count(&shared.counters.reported);
        }
    }
}

/// Sends one, and gives the last answer: a 250, or whatever came in place of one.
async fn send(report: &Report, to: SocketAddr, lmtp: bool) -> io::Result<String> {
    timeout(PATIENCE, deliver(report, to, lmtp)).await.map_err(io::Error::other)?
}

async fn deliver(report: &Report, to: SocketAddr, lmtp: bool) -> io::Result<String> {
    let mut stream = BufStream::new(TcpStream::connect(to).await?);
    let hello = if lmtp { "LHLO" } else { "EHLO" };
    let mut answer = reply(&mut stream).await?;
    let lines = [
        format!("{hello} relay.simulator.example"),
        "MAIL FROM:<>".to_owned(),
        format!("RCPT TO:<{}>", report.to),
        "DATA".to_owned(),
        format!("{}.", report.mail.replace("\r\n.", "\r\n..")),
    ];
    for line in lines {
        if !answer.starts_with(['2', '3']) {
            return Ok(answer);
        }
        stream.write_all(format!("{line}\r\n").as_bytes()).await?;
        stream.flush().await?;
        answer = reply(&mut stream).await?;
    }
    stream.write_all(b"QUIT\r\n").await?;
    stream.flush().await?;
    reply(&mut stream).await?;
    Ok(answer)
}

/// The last line of one answer.
async fn reply(stream: &mut BufStream<TcpStream>) -> io::Result<String> {
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(line.trim_end().to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(notify: Option<&str>) -> Wishes {
        Wishes {
            notify: notify.map(str::to_owned),
            original_recipient: Some("rfc822;a+2Bb@c.example".to_owned()),
        }
    }

    #[test]
    fn a_client_is_told_what_it_wants_to_know() {
        for (notify, failed, delayed, delivered) in [
            (None, true, true, false),
            (Some("FAILURE,DELAY"), true, true, false),
            (Some("failure"), true, false, false),
            (Some("SUCCESS"), false, false, true),
            (Some("NEVER"), false, false, false),
        ] {
            let told = ["failed", "delayed", "delivered"].map(|action| wishes(notify).include(action));
            assert_eq!(told, [failed, delayed, delivered], "{notify:?}");
        }
    }

    #[test]
    fn a_report_repeats_what_it_is_about() {
        let mut about = About {
            relay: "relay.example",
            sender: "b+x@bounce.example",
            recipient: "a+b@c.example",
            envelope_id: Some("x+3D1"),
            whole: false,
            mail: b"Subject: x\r\n\r\nsecret\r\n",
        };
        let report = write(&about, &wishes(None), &Bounce::default());
        assert_eq!(report.to, "b+x@bounce.example");
        for line in [
            "Original-Envelope-Id: x=1\r\n\r\nOriginal-Recipient: rfc822;a+b@c.example\r\n",
            "Final-Recipient: rfc822; a+b@c.example\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1",
            "text/rfc822-headers\r\n\r\nSubject: x\r\n",
        ] {
            assert!(report.mail.contains(line), "{line}: {}", report.mail);
        }
        assert!(!report.mail.contains("secret"));
        about.whole = true;
        assert!(
            write(&about, &Wishes::default(), &Bounce::default())
                .mail
                .contains("message/rfc822\r\n\r\nSubject: x\r\n\r\nsecret")
        );
    }

    #[test]
    fn a_plan_is_read_from_configuration() {
        let text = r#"{"to": "127.0.0.1:2527", "delay_ms": 5, "bounces": [{"to": "gone*"},
            {"to": "slow*", "action": "delayed", "status": "4.4.1", "diagnostic": "smtp; 451 4.4.1 No answer from host"}]}"#;
        let plan: BouncePlan = serde_json::from_str(text).unwrap();
        let expected = BouncePlan {
            to: Some("127.0.0.1:2527".parse().unwrap()),
            delay_ms: 5,
            ..BouncePlan::default()
                .failing("gone*", "5.1.1", "smtp; 550 5.1.1 No such person")
                .delaying("slow*")
        };
        assert_eq!(plan, expected);
        assert_eq!(plan.of("Gone1@x").map(|bounce| bounce.status.as_str()), Some("5.1.1"));
        assert_eq!(plan.of("here@x"), None);
    }
}
