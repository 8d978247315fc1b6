//! One conversation with a relay, a command at a time, each with a time-out of its own.
//!
//! Anything that leaves it unclear whose answer comes next makes the connection unfit for another mail: a time-out, a
//! dropped future, an answer that is no SMTP. It is only [`Connection::is_clean`] after a clean end.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::failure::{Failure, Step, Trouble, untrusted};
use super::offers::Offers;
use super::reply::{Reply, printable};
use super::settings::{Credentials, Relay, Tls};
use super::wire::{Wire, WireError};

/// A mail as it goes over the wire.
pub(super) struct Letter {
    pub(super) sender: String,
    pub(super) recipient: String,
    /// What a report about it names it by.
    pub(super) envelope_id: String,
    /// An address is beyond ASCII (RFC 6531).
    pub(super) utf8: bool,
    /// Headers and body with dots doubled where they begin a line, and the line with one dot that ends it.
    pub(super) data: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Clean,
    /// A mail was refused half way; RSET makes it clean again.
    Halted,
    /// Whose answer comes next is not known.
    Broken,
}

pub(super) struct Connection {
    wire: Wire,
    offers: Offers,
    state: State,
    limit: Duration,
    /// Mails begun.
    pub(super) mails: u32,
    greeting: String,
}

impl Connection {
    /// Connects, encrypts and signs in as the settings say. `name` is what this host calls itself; by its address
    /// where it is `None`.
    pub(super) async fn open(relay: &Relay, name: Option<&str>) -> Result<Self, Failure> {
        let limit = relay.timeout;
        let fail = |at, trouble| Failure { at, trouble };
        let connecting = TcpStream::connect((relay.host.as_str(), relay.port));
        let stream = timeout(limit, connecting)
            .await
            .map_err(|_| fail(Step::Connect, Trouble::TimedOut(limit)))?
            .map_err(|error| fail(Step::Connect, Trouble::Lost(error)))?;
        // Without it each command waits for the other side's delayed acknowledgement: 40 ms a mail.
        stream.set_nodelay(true).map_err(|error| fail(Step::Connect, Trouble::Lost(error)))?;
        let name = match (name, stream.local_addr()) {
            (Some(name), _) => name.to_owned(),
            (None, Ok(address)) if address.is_ipv4() => format!("[{}]", address.ip()),
            (None, Ok(address)) => format!("[IPv6:{}]", address.ip()),
            (None, Err(error)) => return Err(fail(Step::Connect, Trouble::Lost(error))),
        };
        let mut this = Self {
            wire: Wire::new(stream),
            offers: Offers::default(),
            state: State::Broken,
            limit,
            mails: 0,
            greeting: String::new(),
        };
        if relay.tls == Tls::Implicit {
            this.encrypt(relay).await?;
        }
        let greeting = this.answer(Step::Greeting).await?;
        let greeting = expect(Step::Greeting, 2, greeting)?;
        this.greeting = greeting.words();
        this.hello(&name).await?;
        if relay.tls == Tls::Upgrade {
            if !this.offers.starttls {
                return Err(fail(Step::Tls, Trouble::Unfit("the relay does not offer STARTTLS".to_owned())));
            }
            let go = this.command(Step::Tls, "STARTTLS\r\n").await?;
            expect(Step::Tls, 2, go)?;
            this.encrypt(relay).await?;
            // What was said in clear counts for nothing (RFC 3207 §4.2).
            this.hello(&name).await?;
        }
        if let Some(credentials) = &relay.credentials {
            this.sign_in(credentials).await?;
        }
        this.state = State::Clean;
        Ok(this)
    }

    /// What the relay calls itself.
    pub(super) fn greeting(&self) -> &str {
        &self.greeting
    }

    pub(super) fn is_clean(&self) -> bool {
        self.state == State::Clean
    }

    pub(super) fn is_broken(&self) -> bool {
        self.state == State::Broken
    }

    /// Hands one mail over. `Ok` is the relay's positive answer to its content, and nothing else.
    pub(super) async fn transmit(&mut self, letter: &Letter) -> Result<Reply, Failure> {
        let unfit = |at, reason: &str| Err(Failure { at, trouble: Trouble::Unfit(reason.to_owned()) });
        if letter.utf8 && !self.offers.utf8 {
            return unfit(Step::Recipient, "the address is beyond ASCII, and the relay takes none such");
        }
        if self.offers.size.is_some_and(|size| letter.data.len() as u64 > size) {
            return unfit(Step::Content, "the mail is larger than the relay takes");
        }
        // Should this future be dropped, it stays so.
        self.state = State::Broken;
        self.mails += 1;
        self.envelope(letter).await?;
        self.write(Step::Content, &letter.data).await?;
        let verdict = self.answer(Step::Verdict).await.and_then(|reply| expect(Step::Verdict, 2, reply));
        if verdict.as_ref().err().is_none_or(Failure::leaves_open) {
            // Either way the relay is done with this mail (RFC 5321 §4.1.1.4).
            self.state = State::Clean;
        }
        verdict
    }

    /// Sender, recipient and the wish to write, up to the relay's go-ahead. All three in one packet where the relay
    /// allows it (RFC 2920): two round trips for a mail instead of four.
    async fn envelope(&mut self, letter: &Letter) -> Result<(), Failure> {
        let commands = [
            (Step::Mail, 2, self.mail_command(letter)),
            (Step::Recipient, 2, self.recipient_command(letter)),
            (Step::Data, 3, "DATA\r\n".to_owned()),
        ];
        let ahead = self.offers.pipelining;
        if ahead {
            let all: String = commands.iter().map(|(.., command)| command.as_str()).collect();
            self.write(Step::Mail, all.as_bytes()).await?;
        }
        let mut refusal = None;
        let mut state = State::Halted;
        for (step, class, command) in commands {
            if !ahead {
                self.write(step, command.as_bytes()).await?;
            }
            match self.answer(step).await.and_then(|reply| expect(step, class, reply)) {
                // It waits for a mail now, and takes all that follows for one.
                Ok(_) if refusal.is_some() && step == Step::Data => state = State::Broken,
                Ok(_) => {}
                Err(failure) => {
                    let open = failure.leaves_open();
                    if !open {
                        state = State::Broken;
                    }
                    // The first is the reason, the others follow from it.
                    refusal.get_or_insert(failure);
                    if !open || !ahead {
                        break;
                    }
                }
            }
        }
        let Some(refusal) = refusal else { return Ok(()) };
        self.state = state;
        Err(refusal)
    }

    fn mail_command(&self, letter: &Letter) -> String {
        let mut command = format!("MAIL FROM:<{}>", letter.sender);
        // Writing to a string cannot fail.
        if self.offers.size.is_some() {
            let _ = write!(command, " SIZE={}", letter.data.len());
        }
        if letter.utf8 {
            command.push_str(" SMTPUTF8");
        }
        if self.offers.dsn {
            let _ = write!(command, " RET=HDRS ENVID={}", letter.envelope_id);
        }
        command.push_str("\r\n");
        command
    }

    /// With the wish to be told when it cannot be delivered, or not yet, and as whose mail (RFC 3461 §4.1, §4.2).
    fn recipient_command(&self, letter: &Letter) -> String {
        let mut command = format!("RCPT TO:<{}>", letter.recipient);
        if self.offers.dsn {
            command.push_str(" NOTIFY=FAILURE,DELAY");
            // Beyond ASCII it would be another kind of address (RFC 6533), and its relay knows it anyway.
            if letter.recipient.is_ascii() {
                let _ = write!(command, " ORCPT=rfc822;{}", xtext(&letter.recipient));
            }
        }
        command.push_str("\r\n");
        command
    }

    /// Makes the connection fit for the next mail, if it can be.
    pub(super) async fn reset(&mut self) {
        if self.state == State::Halted {
            self.state = State::Broken;
            let answer = self.command(Step::Reset, "RSET\r\n").await;
            if answer.and_then(|reply| expect(Step::Reset, 2, reply)).is_ok() {
                self.state = State::Clean;
            }
        }
    }

    /// Takes leave, as far as the relay still listens.
    pub(super) async fn quit(mut self) {
        if self.state != State::Broken {
            self.limit = self.limit.min(Duration::from_secs(5));
            drop(self.command(Step::Quit, "QUIT\r\n").await);
        }
    }

    async fn hello(&mut self, name: &str) -> Result<(), Failure> {
        let reply = self.command(Step::Hello, &format!("EHLO {name}\r\n")).await?;
        self.offers = Offers::read(&expect(Step::Hello, 2, reply)?);
        Ok(())
    }

    async fn encrypt(&mut self, relay: &Relay) -> Result<(), Failure> {
        let handshake = self.wire.encrypt(&relay.tls_config, &relay.server_name);
        let trouble = match timeout(self.limit, handshake).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(WireError::Lost(error))) => match untrusted(&error) {
                Some(reason) => Trouble::Unfit(reason),
                None => Trouble::Lost(error),
            },
            Ok(Err(WireError::Garbled(said))) => Trouble::Garbled(said),
            Err(_) => Trouble::TimedOut(self.limit),
        };
        Err(Failure { at: Step::Tls, trouble })
    }

    /// PLAIN (RFC 4616), or LOGIN where that is all there is.
    async fn sign_in(&mut self, credentials: &Credentials) -> Result<(), Failure> {
        let Credentials { username, password } = credentials;
        let password = password.expose_secret();
        let at = Step::SignIn;
        let answer = if self.offers.plain {
            let token = STANDARD.encode(format!("\0{username}\0{password}"));
            self.command(at, &format!("AUTH PLAIN {token}\r\n")).await?
        } else if self.offers.login {
            let asked = self.command(at, "AUTH LOGIN\r\n").await?;
            expect(at, 3, asked)?;
            let asked = self.command(at, &format!("{}\r\n", STANDARD.encode(username))).await?;
            expect(at, 3, asked)?;
            self.command(at, &format!("{}\r\n", STANDARD.encode(password))).await?
        } else {
            let reason = "the relay offers neither AUTH PLAIN nor AUTH LOGIN".to_owned();
            return Err(Failure { at, trouble: Trouble::Unfit(reason) });
        };
        expect(at, 2, answer).map(drop)
    }

    async fn command(&mut self, at: Step, line: &str) -> Result<Reply, Failure> {
        self.write(at, line.as_bytes()).await?;
        self.answer(at).await
    }

    async fn write(&mut self, at: Step, bytes: &[u8]) -> Result<(), Failure> {
        let mut sent = 0;
        let result = within(self.limit, self.wire.write(bytes, &mut sent)).await;
        // Nobody knows what became of a mail whose last byte may have left.
        let at = if at == Step::Content && sent == bytes.len() { Step::Verdict } else { at };
        result.map_err(|trouble| Failure { at, trouble })
    }

    async fn answer(&mut self, at: Step) -> Result<Reply, Failure> {
        within(self.limit, self.wire.reply()).await.map_err(|trouble| Failure { at, trouble })
    }
}

async fn within<T>(limit: Duration, what: impl Future<Output = Result<T, WireError>>) -> Result<T, Trouble> {
    match timeout(limit, what).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(WireError::Lost(error))) => Err(Trouble::Lost(error)),
        Ok(Err(WireError::Garbled(said))) => Err(Trouble::Garbled(printable(&said))),
        Err(_) => Err(Trouble::TimedOut(limit)),
    }
}

/// Text as a parameter carries it (RFC 3461 §4).
fn xtext(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'+' | b'=' | 0..=b' ' | 0x7f.. => {
                // Writing to a string cannot fail.
                let _ = write!(encoded, "+{byte:02X}");
            }
            _ => encoded.push(char::from(byte)),
        }
    }
    encoded
}

/// The reply if it is of the wanted class.
fn expect(at: Step, class: u16, reply: Reply) -> Result<Reply, Failure> {
    let trouble = match reply.code / 100 {
        given if given == class => return Ok(reply),
        4 | 5 => Trouble::Refused(reply),
        // An answer out of place: what follows would be, too.
        _ => Trouble::Garbled(format!("{} {}", reply.codes(), reply.words())),
    };
    Err(Failure { at, trouble })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::super::settings;
    use super::*;

    fn letter() -> Letter {
        let data = b"Subject: x\r\n\r\nx\r\n.\r\n".to_vec();
        Letter {
            sender: "a@b.example".to_owned(),
            recipient: "c@d.example".to_owned(),
            envelope_id: "e".to_owned(),
            utf8: false,
            data,
        }
    }

    /// A connection to a relay that gives these answers, one to each line it hears (to a mail's lines together), and
    /// then says nothing more.
    async fn to_relay(answers: &'static [&'static str]) -> Connection {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            stream.write_all(b"220 here\r\n").await.unwrap();
            let mut line = String::new();
            for answer in answers {
                line.clear();
                stream.read_line(&mut line).await.unwrap();
                if line.starts_with("Subject") {
                    while line != ".\r\n" {
                        line.clear();
                        stream.read_line(&mut line).await.unwrap();
                    }
                }
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            stream.read_line(&mut line).await.unwrap();
            std::future::pending::<()>().await;
        });
        let settings = json!({
            "host": "127.0.0.1", "port": port, "tls": "none", "timeout_seconds": 0.2,
            "from_address": "a@b.example", "from_name": "a",
        });
        let (relay, _) = settings::read(&settings).unwrap();
        Connection::open(&relay, None).await.unwrap()
    }

    #[test]
    fn parameters_are_written_as_the_standard_wants() {
        assert_eq!(xtext("li.na+exam=1@campus.example"), "li.na+2Bexam+3D1@campus.example");
        assert_eq!(xtext("\"a b\"@c"), "\"a+20b\"@c");
    }

    #[tokio::test]
    async fn small_packets_are_sent_at_once() {
        let connection = to_relay(&["250 hello\r\n"]).await;
        assert!(connection.wire.socket().unwrap().nodelay().unwrap());
    }

    #[tokio::test]
    async fn only_the_answer_to_the_content_is_an_acceptance() {
        const EHLO: &str = "250 hello\r\n";
        for answers in [
            // One answer too many after RCPT: from then on all are off by one.
            [EHLO, "250 a\r\n", "250 b\r\n250 b\r\n", "354 c\r\n", "554 d\r\n"],
            [EHLO, "250 a\r\n", "250 b\r\n", "354 c\r\n", "354 d\r\n"],
            [EHLO, "250 a\r\n", "250 b\r\n", "250 c\r\n", "250 d\r\n"],
        ] {
            let mut connection = to_relay(Vec::leak(answers.to_vec())).await;
            let failure = connection.transmit(&letter()).await.unwrap_err();
            assert!(matches!(failure.trouble, Trouble::Garbled(_)), "{answers:?}: {failure}");
            assert!(connection.is_broken());
        }
    }

    #[tokio::test]
    async fn a_dropped_mail_leaves_a_broken_connection() {
        let mut connection = to_relay(&["250 hello\r\n", "250 a\r\n"]).await;
        connection.limit = Duration::from_mins(1);
        let letter = letter();
        tokio::select! {
            biased;
            result = connection.transmit(&letter) => panic!("{:?}", result.map(|reply| reply.codes())),
            () = tokio::task::yield_now() => {}
        }
        assert!(connection.is_broken());
    }

    #[tokio::test]
    async fn a_go_ahead_after_a_refusal_ends_the_connection() {
        let mut connection =
            to_relay(&["250-hello\r\n250 PIPELINING\r\n", "250 a\r\n", "550 5.1.1 b\r\n", "354 c\r\n"]).await;
        let failure = connection.transmit(&letter()).await.unwrap_err();
        assert_eq!(failure.to_string(), "550 5.1.1 b (at RCPT)");
        assert!(connection.is_broken(), "what comes next would be taken for the mail");

        let mut connection = to_relay(&[
            "250-hello\r\n250 PIPELINING\r\n",
            "250 a\r\n",
            "550 5.1.1 b\r\n",
            "554 c\r\n",
            "250 d\r\n",
        ])
        .await;
        connection.transmit(&letter()).await.unwrap_err();
        assert!(!connection.is_clean() && !connection.is_broken());
        connection.reset().await;
        assert!(connection.is_clean());
    }
}
