//! The relay as a client meets it, over raw sockets.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::*;
use crate::simulator::{MailQuery, Mailbox};

trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Socket for T {}

struct Client {
    stream: BufStream<Box<dyn Socket>>,
}

impl Client {
    fn over(stream: impl Socket + 'static) -> Self {
        Self { stream: BufStream::new(Box::new(stream)) }
    }

    async fn connect(relay: &SmtpSimulator) -> Self {
        Self::over(TcpStream::connect(relay.addr()).await.unwrap())
    }

    /// Past banner and EHLO.
    async fn greeted(relay: &SmtpSimulator) -> Self {
        let mut client = Self::connect(relay).await;
        assert!(client.reply().await.starts_with("220 "));
        assert!(client.ask("EHLO me").await.starts_with("250-"));
        client
    }

    /// All lines of one answer; empty when the relay closed in good order, an error's kind when it did not.
    async fn reply(&mut self) -> String {
        let mut answer = String::new();
        loop {
            let from = answer.len();
            match self.stream.read_line(&mut answer).await {
                Err(error) => return format!("{:?}", error.kind()),
                Ok(0) => return answer,
                Ok(_) if answer.as_bytes().get(from + 3) == Some(&b'-') => {}
                Ok(_) => return answer,
            }
        }
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    async fn ask(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n")).await;
        self.reply().await
    }

    /// Each line in turn must be answered with this beginning.
    async fn dialog(&mut self, lines: &[(&str, &str)]) {
        for (line, begins) in lines {
            let answer = self.ask(line).await;
            assert!(answer.starts_with(begins), "{line}: {answer:?}, not {begins}");
        }
    }

    /// Sends a mail with its commands pipelined; gives the last answer.
    async fn mail(&mut self, to: &str, id: &str) -> String {
        let commands = format!("MAIL FROM:<a@b.example>\r\nRCPT TO:<{to}>\r\nDATA\r\n");
        self.send(commands).await;
        for _ in 0..2 {
            self.reply().await;
        }
        let go = self.reply().await;
        if !go.starts_with("354") {
            return go;
        }
        self.ask(&format!("Message-ID: <{id}>\r\nSubject: {id}\r\n\r\nhello\r\n.")).await
    }
}

async fn relay() -> SmtpSimulator {
    SmtpSimulator::start(SmtpOptions::default()).await.unwrap()
}

async fn faulty(faults: Faults) -> SmtpSimulator {
    SmtpSimulator::start(SmtpOptions { faults, ..SmtpOptions::default() }).await.unwrap()
}

#[tokio::test]
async fn a_mail_is_taken_and_can_be_read() {
    let relay = relay().await;
    let mut client = Client::connect(&relay).await;
    assert_eq!(client.reply().await, "220 relay.simulator.example ESMTP ready\r\n");
    assert_eq!(
        client.ask("EHLO me").await,
        "250-relay.simulator.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n\
         250-SIZE 31457280\r\n250 ENHANCEDSTATUSCODES\r\n"
    );
    client
        .dialog(&[
            ("MAIL FROM:<b+1@bounce.example> SIZE=100 BODY=8BITMIME SMTPUTF8", "250 2.1.0 "),
            ("RCPT TO:<Li.Na@campus.example>", "250 2.1.5 "),
            ("rcpt to:<王@campus.example>", "250 2.1.5 "),
            ("DATA", "354 "),
            ("Subject: 考试\r\nMessage-ID: <m1@x>\r\n\r\n..dot\r\n.", "250 2.0.0 Ok: queued as 0000000001"),
            ("QUIT", "221 "),
        ])
        .await;
    assert_eq!(client.reply().await, "", "closed after QUIT");

    let mailbox = relay.mailbox();
    let mail = mailbox.find(1).unwrap();
    assert_eq!(mail.summary.sender, "b+1@bounce.example");
    assert_eq!(mail.summary.recipients, ["Li.Na@campus.example", "王@campus.example"]);
    assert_eq!(mail.summary.subject, "考试");
    assert_eq!(mail.text.as_deref(), Some(".dot\r\n"));
    assert_eq!(&*mail.raw, "Subject: 考试\r\nMessage-ID: <m1@x>\r\n\r\n.dot\r\n".as_bytes());
    assert!(mail.summary.received_at > 1_700_000_000_000);
    assert_eq!(mailbox.copies_of("m1@x"), 1);
    let stats = relay.stats();
    assert_eq!((stats.connections, stats.accepted, stats.rejected), (1, 1, 0));
    assert_eq!((stats.ehlo, stats.mail, stats.rcpt, stats.data, stats.quit), (1, 1, 2, 1, 1));
}

#[tokio::test]
async fn whole_mails_may_be_sent_ahead_of_the_answers() {
    let relay = relay().await;
    let mut client = Client::greeted(&relay).await;
    let one = "MAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nDATA\r\nMessage-ID: <same>\r\n\r\nhi\r\n.\r\n";
    client.send(format!("{}NOOP\r\n", one.repeat(500))).await;
    for _ in 0..500 {
        for begins in ["250 2.1.0", "250 2.1.5", "354", "250 2.0.0 Ok"] {
            assert!(client.reply().await.starts_with(begins));
        }
    }
    assert!(client.reply().await.starts_with("250 "));
    assert_eq!((relay.mailbox().total(), relay.mailbox().copies_of("same")), (500, 500));
}

#[tokio::test]
async fn commands_out_of_order_or_out_of_shape_are_refused() {
    let relay = relay().await;
    let mut client = Client::connect(&relay).await;
    client.reply().await;
    client
        .dialog(&[
            ("MAIL FROM:<a@b.c>", "503 "),
            ("EHLO", "501 "),
            ("HELO me", "250 relay"),
            ("RCPT TO:<a@b.c>", "503 "),
            ("DATA", "503 "),
            ("MAIL FROM:a@b.c", "501 "),
            ("MAIL FROM:<ab>", "501 5.1.7"),
            ("MAIL FROM:<a@b.c> SIZE=31457281", "552 5.3.4"),
            ("MAIL FROM:<a@b.c> RET=HDRS", "555 "),
            ("MAIL FROM:<李@b.c>", "553 5.6.7"),
            ("MAIL FROM:<a@b.c>", "250 "),
            ("MAIL FROM:<a@b.c>", "503 "),
            ("RCPT TO:<nobody>", "501 5.1.3"),
            ("RCPT TO:<李@b.c>", "553 5.6.7"),
            ("DATA", "554 5.5.1"),
            ("RCPT TO:<b@b.c>", "250 "),
            ("RSET", "250 "),
            ("RCPT TO:<b@b.c>", "503 "),
            ("NOOP", "250 "),
            ("VRFY a", "252 "),
            ("BDAT 5", "502 "),
            ("AUTH PLAIN", "502 "),
            ("STARTTLS", "502 "),
            ("WHAT", "500 "),
            ("", "500 "),
            (&format!("NOOP {}", "x".repeat(2_000)), "500 "),
            (&"x".repeat(100_000), "500 5.5.2 Line too long"),
            ("NOOP\n", "500 "),
        ])
        .await;
    client.reply().await;
    client.send(b"NOOP \xff\r\n").await;
    assert!(client.reply().await.starts_with("500 5.5.2 Not UTF-8"));
    client.dialog(&[("MAIL FROM:<a@b.c>", "250 ")]).await;
    for number in 0..100 {
        assert!(client.ask(&format!("RCPT TO:<{number}@b.c>")).await.starts_with("250 "));
    }
    client.dialog(&[("RCPT TO:<100@b.c>", "452 4.5.3")]).await;
    assert_eq!(relay.mailbox().total(), 0);
}

#[tokio::test]
async fn extensions_are_the_owners_choice() {
    let options = SmtpOptions { extensions: vec!["DSN".into()], ..SmtpOptions::default() };
    let relay = SmtpSimulator::start(options).await.unwrap();
    let mut client = Client::connect(&relay).await;
    client.reply().await;
    assert!(client.ask("EHLO me").await.ends_with("\r\n250 DSN\r\n"));
    client
        .dialog(&[
            ("MAIL FROM:<a@b.c> BODY=8BITMIME", "555 "),
            ("MAIL FROM:<a@b.c> RET=HDRS ENVID=x", "250 "),
            ("RCPT TO:<a@b.c> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a@b.c", "250 "),
        ])
        .await;
}

#[tokio::test]
async fn mails_that_break_the_rules_are_refused_and_the_connection_goes_on() {
    let relay =
        SmtpSimulator::start(SmtpOptions { max_mail: 5_000, ..SmtpOptions::default() }).await.unwrap();
    let mut client = Client::greeted(&relay).await;
    let long = format!("{}\r\n.", "x".repeat(999));
    let large = format!("{}.", "0123456789\r\n".repeat(50_000));
    for (body, begins) in [(&long, "554 5.6.0"), (&large, "552 5.3.4"), (&"a\nb\r\n.".into(), "550 5.6.11")] {
        client
            .dialog(&[
                ("MAIL FROM:<a@b.c>", "250 "),
                ("RCPT TO:<a@b.c>", "250 "),
                ("DATA", "354 "),
                (body, begins),
            ])
            .await;
    }
    assert_eq!(relay.mailbox().total(), 0);
    assert!(client.mail("a@b.c", "1").await.starts_with("250 "));
}

#[tokio::test]
async fn sign_in_by_plain_and_login() {
    let auth = Some(("user".to_owned(), "pass".to_owned()));
    let relay = SmtpSimulator::start(SmtpOptions { auth, ..SmtpOptions::default() }).await.unwrap();
    let plain = "AHVzZXIAcGFzcw==";
    let mut client = Client::connect(&relay).await;
    client.reply().await;
    client
        .dialog(&[
            ("AUTH PLAIN AHVzZXIAcGFzcw==", "503 "),
            ("EHLO me", "250-relay"),
            ("MAIL FROM:<a@b.c>", "530 5.7.0"),
            ("AUTH CRAM-MD5", "504 "),
            ("AUTH PLAIN", "334 "),
            ("*", "501 "),
            ("AUTH PLAIN !!!", "501 "),
            ("AUTH PLAIN AHVzZXI=", "501 "),
            ("AUTH PLAIN AHVzZXIAd3Jvbmc=", "535 5.7.8"),
            ("AUTH PLAIN", "334 "),
            (plain, "235 "),
            ("AUTH PLAIN", "503 "),
            ("MAIL FROM:<a@b.c>", "250 "),
        ])
        .await;
    for (first, initial) in [("AUTH LOGIN", Some("dXNlcg==")), ("AUTH LOGIN dXNlcg==", None)] {
        let mut client = Client::greeted(&relay).await;
        client.dialog(&[(first, "334 ")]).await;
        if let Some(user) = initial {
            client.dialog(&[(user, "334 UGFzc3dvcmQ6")]).await;
        }
        client.dialog(&[("cGFzcw==", "235 ")]).await;
    }
    relay.set_faults(Faults::default().refusing_auth());
    let mut client = Client::greeted(&relay).await;
    assert!(client.ask(&format!("AUTH PLAIN {plain}")).await.starts_with("535 5.7.8"));
}

async fn encrypted(relay: &SmtpSimulator, stream: TcpStream) -> Client {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(relay.ca_pem().unwrap().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(stream.peer_addr().unwrap().ip().to_string()).unwrap();
    Client::over(TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap())
}

#[tokio::test]
async fn starttls_encrypts_and_forgets_what_was_said_before() {
    let options = SmtpOptions {
        tls: SmtpTls::StartTls,
        auth: Some(("user".into(), "pass".into())),
        ..SmtpOptions::default()
    };
    let relay = SmtpSimulator::start(options).await.unwrap();
    let mut stream = TcpStream::connect(relay.addr()).await.unwrap();
    // An eavesdropper's command behind STARTTLS must not be taken for the client's.
    let mut said = String::new();
    stream.write_all(b"EHLO me\r\nAUTH PLAIN AHVzZXIAcGFzcw==\r\nSTARTTLS\r\nWHAT\r\n").await.unwrap();
    while !said.contains("220 2.0.0") {
        let mut some = [0; 512];
        let count = stream.read(&mut some).await.unwrap();
        said.push_str(str::from_utf8(&some[..count]).unwrap());
    }
    assert!(said.contains("250 STARTTLS\r\n") && !said.contains("AUTH"), "{said}");
    assert!(said.contains("\r\n538 5.7.11"), "{said}");
    let mut client = encrypted(&relay, stream).await;
    client.dialog(&[("MAIL FROM:<a@b.c>", "503 ")]).await;
    let offers = client.ask("EHLO me").await;
    assert!(offers.contains("AUTH PLAIN LOGIN") && !offers.contains("STARTTLS"), "{offers}");
    client.dialog(&[("AUTH PLAIN AHVzZXIAcGFzcw==", "235 "), ("STARTTLS", "503 ")]).await;
    assert!(client.mail("a@b.c", "1").await.starts_with("250 "));
    assert_eq!((relay.stats().handshakes, relay.mailbox().total(), relay.stats().other), (1, 1, 0));
}

#[tokio::test]
async fn implicit_tls() {
    let relay = SmtpSimulator::start(SmtpOptions { tls: SmtpTls::Implicit, ..SmtpOptions::default() }).await;
    let relay = relay.unwrap();
    let mut client = encrypted(&relay, TcpStream::connect(relay.addr()).await.unwrap()).await;
    assert!(client.reply().await.starts_with("220 "));
    client.dialog(&[("EHLO me", "250-")]).await;
    assert!(client.mail("a@b.c", "1").await.starts_with("250 "));
    relay.set_faults(Faults::default().at(Stage::Rcpt, Act::Reset));
    client.dialog(&[("MAIL FROM:<a@b.c>", "250 "), ("RCPT TO:<a@b.c>", "ConnectionReset")]).await;
    assert_eq!(relay.stats().handshakes, 1);
}

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
    let fault = Fault { at: Stage::Kept, to: Some("lost*".into()), times: Some(1), act: Act::Reset };
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
async fn a_relay_started_anew_goes_on_counting() {
    let mailbox = Mailbox::keeping(5);
    let options = SmtpOptions { mailbox: mailbox.clone(), ..SmtpOptions::default() };
    let relay = SmtpSimulator::start(options.clone()).await.unwrap();
    let addr = relay.addr();
    let mut client = Client::greeted(&relay).await;
    assert!(client.mail("a@b.c", "1").await.starts_with("250 "));
    client.dialog(&[("MAIL FROM:<a@b.c>", "250 ")]).await;
    relay.stop().await;
    assert!(TcpStream::connect(addr).await.is_err());
    let relay = SmtpSimulator::start(SmtpOptions { listen: addr, ..options }).await.unwrap();
    assert!(Client::greeted(&relay).await.mail("a@b.c", "1").await.starts_with("250 "));
    assert_eq!((mailbox.total(), mailbox.copies_of("1")), (2, 2));
    assert_eq!(mailbox.list(&MailQuery::default()).matching, 2);
    assert_eq!(relay.stats().connections, 1);
    drop(relay);
}

#[tokio::test]
async fn many_connections_at_once_lose_nothing() {
    let relay = relay().await;
    let clients = (0..32).map(|client| {
        let addr = relay.addr();
        tokio::spawn(async move {
            let mut stream = Client::over(TcpStream::connect(addr).await.unwrap());
            stream.reply().await;
            stream.ask("EHLO me").await;
            for mail in 0..20 {
                let answer = stream.mail("a@b.c", &format!("{client}-{mail}")).await;
                assert!(answer.starts_with("250 "), "{answer}");
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let mailbox = relay.mailbox();
    assert_eq!((mailbox.total(), mailbox.message_ids()), (640, 640));
    assert!(mailbox.duplicates().is_empty());
}
