//! One conversation with a mail relay.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::command::Command;
use super::wire::Wire;
use crate::service::{Services, bounces};
use crate::{Error, Result};

/// In bytes; a report that brings a large mail back whole is none of ours.
const LARGEST: usize = 10 << 20;
/// Of one mail: a report goes to the one address that its mail came from.
const RECIPIENTS: usize = 10;
/// How long the relay may think, and how long it may stay.
const PATIENCE: Duration = Duration::from_mins(1);
const LONGEST: Duration = Duration::from_mins(10);
/// Answers of 5yz after which it is sent away: nobody is to find out our addresses by trying.
const MISTAKES: u32 = 10;

pub(super) struct Session {
    wire: Wire,
    s: Services,
    stop: CancellationToken,
    name: String,
    greeted: bool,
    /// Each recipient of a mail gets an answer.
    is_local: bool,
    /// Of the mail under way.
    recipients: Option<Vec<String>>,
    mistakes: u32,
}

impl Session {
    pub(super) fn new(stream: TcpStream, s: Services, stop: CancellationToken) -> Self {
        let name = s.campus.public_url.host_str().unwrap_or("localhost").to_owned();
        Self {
            wire: Wire::new(stream),
            s,
            stop,
            name,
            greeted: false,
            is_local: false,
            recipients: None,
            mistakes: 0,
        }
    }

    /// There is no room for it.
    pub(super) async fn turn_away(mut self) {
        // Whether it hears that or not, it comes again.
        let _ = timeout(PATIENCE, self.wire.say("421 4.3.2 Too many connections\r\n")).await;
    }

    /// Talks until one of the two has enough.
    pub(super) async fn run(mut self) {
        if timeout(LONGEST, self.converse()).await.is_err() {
            let farewell = self.wire.say("421 4.4.2 You have been here for too long\r\n");
            // Whether it hears that or not, it is over.
            let _ = timeout(PATIENCE, farewell).await;
        }
    }

    async fn converse(&mut self) -> io::Result<()> {
        self.wire.say(&format!("220 {} takes mails that come back\r\n", self.name)).await?;
        loop {
            let line = tokio::select! {
                biased;
                () = self.stop.cancelled() => return self.wire.say("421 4.3.2 Stopping\r\n").await,
                line = timeout(PATIENCE, self.wire.line()) => line,
            };
            let Ok(line) = line else { return self.wire.say("421 4.4.2 Nothing came\r\n").await };
            let command = line?.map_or(Command::Misspelt, |line| Command::read(&line));
            if command == Command::Quit {
                return self.wire.say("221 2.0.0 Goodbye\r\n").await;
            }
            let answer = self.obey(command).await?;
            if answer.starts_with('5') {
                self.mistakes += 1;
            }
            self.wire.say(&answer).await?;
            if self.mistakes > MISTAKES {
                return self.wire.say("421 4.7.0 Too many mistakes\r\n").await;
            }
        }
    }

    async fn obey(&mut self, command: Command) -> io::Result<String> {
        let answer = match command {
            Command::Hello { extended } => return Ok(self.hello(extended, false)),
            Command::LocalHello => return Ok(self.hello(true, true)),
            Command::Mail { .. } if !self.greeted => "503 5.5.1 Say hello first",
            Command::Mail { .. } if self.recipients.is_some() => "503 5.5.1 Another mail is under way",
            Command::Mail { size: Some(size) } if size > LARGEST as u64 => "552 5.3.4 Too large",
            Command::Mail { .. } => {
                self.recipients = Some(Vec::new());
                "250 2.1.0 Ok"
            }
            Command::Recipient(address) => self.recipient(address).await,
            Command::Data => return self.data().await,
            Command::Reset => {
                self.recipients = None;
                "250 2.0.0 Forgotten"
            }
            Command::Nothing => "250 2.0.0 Here",
            Command::Quit => "221 2.0.0 Goodbye",
            Command::Refused => "502 5.5.1 Not here",
            Command::Misspelt => "501 5.5.4 That cannot be read",
            Command::Unknown => "500 5.5.2 What?",
        };
        Ok(format!("{answer}\r\n"))
    }

    fn hello(&mut self, extended: bool, is_local: bool) -> String {
        self.greeted = true;
        self.is_local = is_local;
        self.recipients = None;
        if !extended {
            return format!("250 {}\r\n", self.name);
        }
        let offers = ["PIPELINING", "8BITMIME", "SMTPUTF8", &format!("SIZE {LARGEST}")]
            .map(|offer| format!("250-{offer}\r\n"));
        format!("250-{}\r\n{}250 ENHANCEDSTATUSCODES\r\n", self.name, offers.concat())
    }

    async fn recipient(&mut self, address: String) -> &'static str {
        let Some(recipients) = &mut self.recipients else { return "503 5.5.1 MAIL first" };
        if recipients.len() >= RECIPIENTS {
            return "452 4.5.3 Too many recipients";
        }
        match bounces::is_expected(&self.s, &address).await {
            Ok(true) => {
                recipients.push(address);
                "250 2.1.5 Ok"
            }
            Ok(false) => "550 5.1.1 Nothing comes back to this address",
            Err(error) => later(&error),
        }
    }

    async fn data(&mut self) -> io::Result<String> {
        if self.recipients.as_ref().is_none_or(Vec::is_empty) {
            return Ok("503 5.5.1 Nobody to take it\r\n".to_owned());
        }
        let recipients = self.recipients.take().unwrap_or_default();
        self.wire.say("354 Go on\r\n").await?;
        let mail = self.wire.mail(bounces::KEPT).await?;
        let mut answers = Vec::with_capacity(recipients.len());
        for recipient in &recipients {
            answers.push(if mail.size > LARGEST {
                "552 5.3.4 Too large"
            } else {
                kept(&bounces::take(&self.s, recipient, &mail.kept).await)
            });
        }
        if !self.is_local {
            // One answer for all: it comes again whole where one was not kept, and what comes twice moves nothing twice.
            let worst = answers.iter().copied().find(|answer| !answer.starts_with('2'));
            answers = vec![worst.unwrap_or(answers[0])];
        }
        Ok(answers.iter().map(|answer| format!("{answer}\r\n")).collect())
    }
}

fn kept(result: &Result<String>) -> &'static str {
    match result {
        Ok(_) => "250 2.0.0 Kept",
        Err(Error::Malformed(_)) => "554 5.6.0 Nothing came",
        Err(error) => later(error),
    }
}

fn later(error: &Error) -> &'static str {
    tracing::warn!(%error, "a mail that came back was not taken");
    "451 4.3.0 Not now"
}
