//! What a relay in good health says.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::*;
use crate::simulator::{MailQuery, Mailbox};

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
    assert!(relay.stats().hasty > 0, "it may, but it should not");
}

#[tokio::test]
async fn the_next_envelope_may_come_with_the_content() {
    let relay = relay().await;
    let mut client = Client::greeted(&relay).await;
    let envelope = "MAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nDATA\r\n";
    client.send(envelope).await;
    for number in 0..3 {
        for begins in ["250 2.1.0", "250 2.1.5", "354"] {
            assert!(client.reply().await.starts_with(begins));
        }
        client.send(format!("Message-ID: <{number}>\r\n\r\nhi\r\n.\r\n{envelope}")).await;
        assert!(client.reply().await.starts_with("250 2.0.0 Ok"));
    }
    assert_eq!((relay.mailbox().total(), relay.stats().hasty), (3, 0));
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
