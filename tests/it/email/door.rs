//! The listener for mails that come back, as a relay and as a stranger meets it.

use belltower::channel::registry::{Site, build};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::bounces::Campus;
use super::*;
use crate::support::on_both;

struct Client(BufReader<TcpStream>);

impl Client {
    async fn at(campus: &Campus) -> Self {
        let mut client = Self(BufReader::new(TcpStream::connect(campus.door).await.unwrap()));
        assert!(client.reply().await.starts_with("220 127.0.0.1 "));
        client
    }

    /// The last line of one answer; empty where the other side has left.
    async fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }

    async fn ask(&mut self, line: &str) -> String {
        self.0.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        self.reply().await
    }

    /// Each line in turn must be answered with this beginning.
    async fn dialog(&mut self, lines: &[(&str, &str)]) {
        for (line, begins) in lines {
            let answer = self.ask(line).await;
            assert!(answer.starts_with(begins), "{line}: {answer:?}, not {begins}");
        }
    }
}

/// An address of another installation, and one of ours at another domain.
async fn forged(campus: &Campus) -> Vec<String> {
    let ours = campus.relay.mailbox().find(1).unwrap().summary.sender;
    let site = Site { bounce_key: [8; 32], ..adapters::site(&campus.app.clock) };
    let settings = json!({
        "host": "127.0.0.1", "port": campus.relay.addr().port(), "tls": "none", "from_address": "bell@campus.example",
        "from_name": "b", "bounce_domain": "bounce.campus.example",
    });
    let other = build(ProviderKind::Smtp, &settings, &site).unwrap();
    other.send(&[parcel(1, "a@campus.example")]).await;
    let others = campus.relay.mailbox().find(2).unwrap().summary.sender;
    let (local, _) = ours.split_once('@').unwrap();
    vec![
        others,
        format!("{local}@campus.example"),
        local.replace("b+", "b-") + "@bounce.campus.example",
        "postmaster@bounce.campus.example".to_owned(),
        String::new(),
    ]
}

on_both!(only_addresses_that_we_gave_out_are_taken, |db| async {
    let campus = Campus::new(db).await;
    campus.send(&["a"]).await;
    let ours = campus.relay.mailbox().find(1).unwrap().summary.sender;
    let mut client = Client::at(&campus).await;
    client.dialog(&[("EHLO relay", "250 "), ("MAIL FROM:<>", "250 ")]).await;
    for address in forged(&campus).await {
        assert!(client.ask(&format!("RCPT TO:<{address}>")).await.starts_with("550 5.1.1"), "{address}");
    }
    let capital = ours.to_ascii_uppercase();
    client
        .dialog(&[
            ("DATA", "503 "),
            (&format!("RCPT TO:<{capital}>"), "250 "),
            ("RSET", "250 "),
            ("QUIT", "221 "),
        ])
        .await;
    assert_eq!(client.reply().await, "");
});

on_both!(commands_out_of_place_and_mails_too_large_are_refused, |db| async {
    let campus = Campus::new(db).await;
    campus.send(&["a"]).await;
    let ours = format!("RCPT TO:<{}>", campus.relay.mailbox().find(1).unwrap().summary.sender);
    let mut client = Client::at(&campus).await;
    client
        .dialog(&[
            ("MAIL FROM:<>", "503 "),
            ("HELO relay", "250 "),
            (&ours, "503 "),
            ("STARTTLS", "502 "),
            ("MAIL FROM:<> SIZE=100000000", "552 5.3.4"),
            ("MAIL FROM:<> SIZE=1000", "250 "),
            ("MAIL FROM:<>", "503 "),
            (&ours, "250 "),
            ("DATA", "354 "),
            ("\r\n.", "554 5.6.0"),
            ("DATA", "503 "),
            ("MAIL FROM:<>", "250 "),
            (&ours, "250 "),
            ("DATA", "354 "),
        ])
        .await;
    let large = format!("Subject: x\r\n\r\n{}.", "0123456789\r\n".repeat(1_000_000));
    assert!(client.ask(&large).await.starts_with("552 5.3.4"));
    assert!(campus.unread().await.is_empty());
    client.dialog(&[("NOOP", "250 "), ("WHAT", "500 "), ("RCPT", "501 ")]).await;
    assert!(client.ask("WHAT").await.starts_with("500 "));
    assert!(client.reply().await.starts_with("421 4.7.0"), "one mistake too many");
    assert_eq!(client.reply().await, "");
});

on_both!(an_lmtp_client_hears_of_each_recipient, |db| async {
    let campus = Campus::new(db).await;
    campus.send(&["a", "b"]).await;
    let ours = |n| format!("RCPT TO:<{}>", campus.relay.mailbox().find(n).unwrap().summary.sender);
    let mut client = Client::at(&campus).await;
    client
        .dialog(&[
            ("LHLO relay", "250 "),
            ("MAIL FROM:<>", "250 "),
            (&ours(1), "250 "),
            ("RCPT TO:<x@bounce.campus.example>", "550 "),
            (&ours(2), "250 "),
            ("DATA", "354 "),
            ("Subject: x\r\n\r\nx\r\n.", "250 2.0.0"),
        ])
        .await;
    assert!(client.reply().await.starts_with("250 2.0.0"));
    campus.app.drain().await;
    assert_eq!(campus.unread().await.len(), 2);
});

on_both!(there_is_room_for_so_many_at_once_and_a_stop_ends_them, |db| async {
    let campus = Campus::new(db).await;
    let mut clients = Vec::new();
    for _ in 0..32 {
        clients.push(Client::at(&campus).await);
    }
    let mut stranger = Client(BufReader::new(TcpStream::connect(campus.door).await.unwrap()));
    assert!(stranger.reply().await.starts_with("421 4.3.2"));
    campus.app.lifecycle.stop();
    for client in &mut clients {
        assert!(client.reply().await.starts_with("421 4.3.2"));
    }
    assert!(TcpStream::connect(campus.door).await.is_err());
});
