//! One connection's conversation with a client.

use std::convert::Infallible;
use std::io;
use std::slice;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::watch;

use super::body::Body;
use super::faults::{Act, Plan, Reply, Stage};
use super::server::Shared;
use super::stats::{Visit, count};
use super::tls::{SmtpTls, acceptor};
use super::transaction::Envelope;
use super::wire::{Line, Wire};

/// Command lines other than AUTH: 512 bytes, and room for the extensions' parameters (RFC 5321 §4.5.3.1.4).
const LINE_MAX: usize = 1_024;

/// How a conversation ends.
#[derive(Debug)]
pub(super) enum End {
    /// In good order, by us.
    Close,
    /// By an RST, on purpose.
    Reset,
    /// The client left, or the network did.
    Gone,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// What a stage's faults leave to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Everything.
    Usual,
    /// The effect, but not the answer.
    Said,
    /// Nothing.
    Refused,
}

pub(super) struct Session {
    pub(super) wire: Wire,
    pub(super) shared: Arc<Shared>,
    pub(super) greeted: bool,
    pub(super) signed_in: bool,
    pub(super) envelope: Option<Envelope>,
    pub(super) body: Body,
    /// Mails taken on this connection.
    pub(super) mails: u64,
    /// What the stage just passed was about is to get lost.
    pub(super) loses: bool,
    encrypted: bool,
    visit: Visit,
    news: watch::Receiver<Arc<Plan>>,
    pub(super) plan: Arc<Plan>,
}

impl Session {
    pub(super) fn new(stream: TcpStream, shared: Arc<Shared>, mut news: watch::Receiver<Arc<Plan>>) -> Self {
        let plan = Arc::clone(&news.borrow_and_update());
        let visit = Visit::begin(&shared.counters);
        let body = Body::new(shared.max_mail);
        let mut wire = Wire::new(stream);
        wire.round_trip = plan.round_trip;
        let (greeted, signed_in, encrypted) = (false, false, false);
        Self {
            wire,
            shared,
            greeted,
            signed_in,
            envelope: None,
            encrypted,
            body,
            mails: 0,
            loses: false,
            visit,
            news,
            plan,
        }
    }

    /// Talks until the end, and ends the connection.
    pub(super) async fn run(mut self) {
        let Err(end) = self.converse().await;
        match end {
            End::Close => self.wire.close().await,
            End::Reset => self.wire.reset(),
            End::Gone => {}
        }
    }

    async fn converse(&mut self) -> Result<Infallible, End> {
        self.welcome().await?;
        let mut line = Vec::with_capacity(128);
        loop {
            match self.wire.line(&mut line).await? {
                Line::Whole => self.obey(&line).await?,
                Line::BareLineFeed => self.say("500 5.5.2 Lines end with CR LF"),
                Line::TooLong => self.say("500 5.5.2 Line too long"),
            }
            self.wire.flush_if_large().await?;
        }
    }

    async fn welcome(&mut self) -> Result<(), End> {
        if self.shared.tls == SmtpTls::Implicit {
            if self.meet(Stage::Tls, None).await? == Verdict::Refused {
                return Err(End::Close);
            }
            self.encrypt().await?;
        }
        if self.visit.open > self.plan.connections {
            self.say("421 4.7.0 Too many connections");
            return Err(End::Close);
        }
        match self.meet(Stage::Connect, None).await? {
            Verdict::Usual => self.say_lines(220, &format!("{} ESMTP ready", self.shared.name)),
            Verdict::Said => {}
            Verdict::Refused => return Err(End::Close),
        }
        Ok(())
    }

    async fn obey(&mut self, line: &[u8]) -> Result<(), End> {
        let Ok(line) = str::from_utf8(line) else {
            self.say("500 5.5.2 Not UTF-8");
            return Ok(());
        };
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        let argument = argument.trim();
        let is = |name: &str| verb.eq_ignore_ascii_case(name);
        let shared = Arc::clone(&self.shared);
        let counters = &shared.counters;
        if line.len() > LINE_MAX && !is("AUTH") {
            count(&counters.other);
            self.say("500 5.5.2 Line too long");
            return Ok(());
        }
        // In the order in which they come most often.
        if is("MAIL") {
            count(&counters.mail);
            self.mail(argument).await
        } else if is("RCPT") {
            count(&counters.rcpt);
            self.rcpt(argument).await
        } else if is("DATA") {
            count(&counters.data);
            self.data().await
        } else if is("RSET") {
            count(&counters.rset);
            self.rset().await
        } else if is("NOOP") {
            count(&counters.noop);
            self.noop().await
        } else if is("EHLO") || is("HELO") {
            count(&counters.ehlo);
            self.ehlo(is("EHLO"), argument).await
        } else if is("QUIT") {
            count(&counters.quit);
            self.quit().await
        } else if is("AUTH") {
            count(&counters.auth);
            self.auth(argument).await
        } else if is("STARTTLS") {
            count(&counters.starttls);
            self.starttls().await
        } else {
            count(&counters.other);
            self.say(match () {
                () if is("VRFY") => "252 2.5.0 Send it and see",
                () if is("HELP") => "214 2.0.0 RFC 5321",
                () if is("BDAT") || is("EXPN") || is("TURN") => "502 5.5.1 Not implemented",
                () => "500 5.5.2 Unknown command",
            });
            Ok(())
        }
    }

    async fn ehlo(&mut self, extended: bool, name: &str) -> Result<(), End> {
        if name.is_empty() {
            self.say("501 5.5.4 Say who you are");
            return Ok(());
        }
        let verdict = self.meet(Stage::Ehlo, None).await?;
        if verdict == Verdict::Refused {
            return Ok(());
        }
        self.greeted = true;
        self.envelope = None;
        if verdict == Verdict::Said {
            return Ok(());
        }
        let mut lines = vec![self.shared.name.clone()];
        if extended {
            lines.extend(self.shared.extensions.iter().map(|extension| match extension.as_str() {
                "SIZE" => format!("SIZE {}", self.shared.max_mail),
                other => other.to_owned(),
            }));
            if self.shared.tls == SmtpTls::StartTls && !self.encrypted {
                lines.push("STARTTLS".into());
            }
            if self.offers_auth() {
                lines.push("AUTH PLAIN LOGIN".into());
            }
        }
        self.say_lines(250, &lines.join("\n"));
        Ok(())
    }

    /// Sign-in is offered where nobody can read it on the way, or where the relay has no TLS at all.
    pub(super) fn offers_auth(&self) -> bool {
        self.shared.auth.is_some() && (self.encrypted || self.shared.tls == SmtpTls::None)
    }

    async fn starttls(&mut self) -> Result<(), End> {
        if self.shared.tls != SmtpTls::StartTls {
            self.say("502 5.5.1 STARTTLS is not offered");
        } else if self.encrypted {
            self.say("503 5.5.1 Already encrypted");
        } else {
            let verdict = self.meet(Stage::Tls, None).await?;
            if verdict == Verdict::Refused {
                return Ok(());
            }
            if verdict == Verdict::Usual {
                self.say("220 2.0.0 Go ahead");
            }
            self.encrypt().await?;
            // What was said in clear is forgotten (RFC 3207 §4.2).
            self.greeted = false;
            self.envelope = None;
        }
        Ok(())
    }

    async fn encrypt(&mut self) -> Result<(), End> {
        let Some(identity) = &self.shared.identity else { return Ok(()) };
        let acceptor = acceptor(identity, self.plan.faults.certificate)?;
        if let Err(error) = self.wire.encrypt(&acceptor).await {
            count(&self.shared.counters.failed_handshakes);
            return Err(error.into());
        }
        count(&self.shared.counters.handshakes);
        self.encrypted = true;
        Ok(())
    }

    async fn rset(&mut self) -> Result<(), End> {
        let verdict = self.meet(Stage::Rset, None).await?;
        if verdict != Verdict::Refused {
            self.envelope = None;
        }
        self.say_if_usual(verdict, "250 2.0.0 Forgotten");
        Ok(())
    }

    async fn noop(&mut self) -> Result<(), End> {
        let verdict = self.meet(Stage::Noop, None).await?;
        self.say_if_usual(verdict, "250 2.0.0 Here");
        Ok(())
    }

    async fn quit(&mut self) -> Result<(), End> {
        let verdict = self.meet(Stage::Quit, None).await?;
        self.say_if_usual(verdict, "221 2.0.0 Goodbye");
        Err(End::Close)
    }

    /// Lets this stage's delay pass and its fault happen. `recipient` is the one in question at RCPT; elsewhere it
    /// is those of the mail under way.
    pub(super) async fn meet(&mut self, stage: Stage, recipient: Option<&String>) -> Result<Verdict, End> {
        self.refresh();
        let delay = self.plan.delay(stage);
        if !delay.is_zero() {
            self.wire.flush().await?;
            tokio::time::sleep(delay).await;
        }
        let recipients = match (recipient, &self.envelope) {
            (Some(recipient), _) => slice::from_ref(recipient),
            (None, Some(envelope)) => envelope.recipients(),
            (None, None) => &[],
        };
        let Some(act) = self.plan.pick(stage, recipients) else { return Ok(Verdict::Usual) };
        // What was answered before is on its way before anything else happens.
        self.wire.flush().await?;
        match act {
            Act::Reply(reply) => {
                reply.write(&mut self.wire.output);
                match reply.code {
                    421 => {
                        count(&self.shared.counters.rejected);
                        Err(End::Close)
                    }
                    400.. => {
                        count(&self.shared.counters.rejected);
                        Ok(Verdict::Refused)
                    }
                    _ => Ok(Verdict::Said),
                }
            }
            Act::Hang => {
                count(&self.shared.counters.hung);
                let Err(left) = self.wire.hang().await;
                Err(left.into())
            }
            Act::Drop => {
                self.loses = matches!(stage, Stage::Rcpt | Stage::Body);
                Ok(Verdict::Usual)
            }
            Act::Reset => Err(End::Reset),
            Act::Close => Err(End::Close),
            Act::Garbage => {
                self.wire.output.extend_from_slice(b"\x15\x03\xff\x00<html>not a reply</html>\r\n");
                Ok(Verdict::Refused)
            }
        }
    }

    /// Takes up faults that were set since the last look.
    pub(super) fn refresh(&mut self) {
        if self.news.has_changed().unwrap_or(false) {
            self.plan = Arc::clone(&self.news.borrow_and_update());
            self.wire.round_trip = self.plan.round_trip;
        }
    }

    pub(super) fn say(&mut self, line: &str) {
        if line.starts_with(['4', '5']) {
            count(&self.shared.counters.rejected);
        }
        self.wire.output.extend_from_slice(line.as_bytes());
        self.wire.output.extend_from_slice(b"\r\n");
    }

    pub(super) fn say_if_usual(&mut self, verdict: Verdict, line: &str) {
        if verdict == Verdict::Usual {
            self.say(line);
        }
    }

    fn say_lines(&mut self, code: u16, text: &str) {
        Reply::new(code, text).write(&mut self.wire.output);
    }
}
