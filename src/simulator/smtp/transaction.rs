//! The part of a conversation that carries a mail: MAIL, RCPT, DATA (RFC 5321 §3.3).

use std::borrow::Cow;
use std::io::Write;
use std::mem;
use std::sync::atomic::Ordering::Relaxed;

use super::body::Flaw;
use super::faults::Stage;
use super::path;
use super::report::{About, Wishes};
use super::session::{End, Session, Verdict};
use super::stats::count;

/// Recipients of one mail; a relay must take 100 (RFC 5321 §4.5.3.1.8).
const RECIPIENTS_MAX: usize = 100;

/// Who sends the mail under way, and to whom.
#[derive(Debug)]
pub(super) struct Envelope {
    sender: String,
    recipients: Vec<String>,
    /// What is to be told of each, in their order.
    wishes: Vec<Wishes>,
    /// The client announced SMTPUTF8.
    utf8: bool,
    /// The client's own name for the mail.
    id: Option<String>,
    /// Reports bring the mail back whole.
    whole: bool,
    /// Those of the recipients whom it never reaches.
    lost: Vec<String>,
}

/// What stands behind an address.
#[derive(Debug, Default)]
struct Parameters {
    utf8: bool,
    envelope_id: Option<String>,
    whole: bool,
    wishes: Wishes,
}

impl Envelope {
    pub(super) fn recipients(&self) -> &[String] {
        &self.recipients
    }

    /// Those whom it reaches, unless all of it gets lost.
    fn reached(&self, is_lost: bool) -> Cow<'_, [String]> {
        if is_lost {
            return Cow::default();
        }
        if self.lost.is_empty() {
            return Cow::Borrowed(&self.recipients);
        }
        self.recipients.iter().filter(|recipient| !self.lost.contains(recipient)).cloned().collect()
    }
}

impl Session {
    pub(super) async fn mail(&mut self, argument: &str) -> Result<(), End> {
        self.refresh();
        if self.mails >= self.plan.mails_per_connection {
            self.say("421 4.7.0 Too many mails on this connection");
            return Err(End::Close);
        }
        if let Some(quota) = &self.plan.faults.per_day
            && self.shared.day.mails(self.shared.clock.now()) >= quota.mails
        {
            count(&self.shared.counters.rejected);
            quota.reply.write(&mut self.wire.output);
            return if quota.reply.code == 421 { Err(End::Close) } else { Ok(()) };
        }
        if !self.greeted {
            self.say("503 5.5.1 EHLO first");
            return Ok(());
        }
        if self.shared.auth.is_some() && !self.signed_in {
            self.say("530 5.7.0 Authentication required");
            return Ok(());
        }
        if self.envelope.is_some() {
            self.say("503 5.5.1 Another mail is under way");
            return Ok(());
        }
        let Some((sender, parameters)) = path::split(argument, "FROM:") else {
            self.say("501 5.5.4 MAIL FROM:<address>");
            return Ok(());
        };
        let known = ["BODY", "SMTPUTF8", "SIZE", "AUTH", "RET", "ENVID"];
        let Parameters { utf8, envelope_id, whole, .. } = match self.parameters(parameters, &known) {
            Ok(parameters) => parameters,
            Err(refusal) => {
                self.say(refusal);
                return Ok(());
            }
        };
        if !sender.is_empty() && !path::is_address(sender) {
            self.say("501 5.1.7 Bad sender address");
        } else if !sender.is_ascii() && !utf8 {
            self.say("553 5.6.7 That address needs SMTPUTF8");
        } else {
            let verdict = self.meet(Stage::Mail, None).await?;
            if verdict != Verdict::Refused {
                self.envelope = Some(Envelope {
                    sender: sender.to_owned(),
                    recipients: Vec::new(),
                    wishes: Vec::new(),
                    utf8,
                    id: envelope_id,
                    whole,
                    lost: Vec::new(),
                });
            }
            self.say_if_usual(verdict, "250 2.1.0 Sender ok");
        }
        Ok(())
    }

    pub(super) async fn rcpt(&mut self, argument: &str) -> Result<(), End> {
        let Some(envelope) = &self.envelope else {
            self.say("503 5.5.1 MAIL first");
            return Ok(());
        };
        let utf8 = envelope.utf8;
        let full = envelope.recipients.len() >= RECIPIENTS_MAX;
        let Some((address, parameters)) = path::split(argument, "TO:") else {
            self.say("501 5.5.4 RCPT TO:<address>");
            return Ok(());
        };
        let wishes = match self.parameters(parameters, &["NOTIFY", "ORCPT"]) {
            Ok(parameters) => parameters.wishes,
            Err(refusal) => {
                self.say(refusal);
                return Ok(());
            }
        };
        if !path::is_address(address) {
            self.say("501 5.1.3 Bad recipient address");
        } else if !address.is_ascii() && !utf8 {
            self.say("553 5.6.7 That address needs SMTPUTF8");
        } else if full {
            self.say("452 4.5.3 Too many recipients");
        } else {
            let address = address.to_owned();
            let verdict = self.meet(Stage::Rcpt, Some(&address)).await?;
            let lost = mem::take(&mut self.loses);
            if verdict != Verdict::Refused
                && let Some(envelope) = &mut self.envelope
            {
                envelope.lost.extend(lost.then(|| address.clone()));
                envelope.recipients.push(address);
                envelope.wishes.push(wishes);
            }
            self.say_if_usual(verdict, "250 2.1.5 Recipient ok");
        }
        Ok(())
    }

    /// Reads `KEY=value` parameters. Those of extensions that are not offered are refused, as RFC 5321 §4.1.1.11 wants.
    fn parameters(&self, parameters: &str, known: &[&str]) -> Result<Parameters, &'static str> {
        let mut read = Parameters::default();
        for parameter in parameters.split_ascii_whitespace() {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let key = key.to_ascii_uppercase();
            let extension = match key.as_str() {
                "BODY" => "8BITMIME",
                "RET" | "ENVID" | "NOTIFY" | "ORCPT" => "DSN",
                other => other,
            };
            let offered = match extension {
                "AUTH" => self.shared.auth.is_some(),
                _ => self.shared.extensions.iter().any(|offered| offered.eq_ignore_ascii_case(extension)),
            };
            if !known.contains(&key.as_str()) || !offered {
                return Err("555 5.5.4 Parameter not recognised");
            }
            if key == "SIZE" && value.parse::<u64>().map_or(true, |size| size > self.shared.max_mail as u64) {
                return Err("552 5.3.4 Mail too large");
            }
            match key.as_str() {
                "SMTPUTF8" => read.utf8 = true,
                "ENVID" => read.envelope_id = Some(value.to_owned()),
                "RET" => read.whole = value.eq_ignore_ascii_case("FULL"),
                "NOTIFY" => read.wishes.notify = Some(value.to_owned()),
                "ORCPT" => read.wishes.original_recipient = Some(value.to_owned()),
                _ => {}
            }
        }
        Ok(read)
    }

    pub(super) async fn data(&mut self) -> Result<(), End> {
        match &self.envelope {
            None => {
                self.say("503 5.5.1 MAIL first");
                return Ok(());
            }
            Some(envelope) if envelope.recipients.is_empty() => {
                self.say("554 5.5.1 No valid recipients");
                return Ok(());
            }
            Some(_) => {}
        }
        let verdict = self.meet(Stage::Data, None).await?;
        if verdict == Verdict::Refused {
            return Ok(());
        }
        if self.wire.has_input() {
            count(&self.shared.counters.hasty);
        }
        self.say_if_usual(verdict, "354 End with a dot on a line of its own");
        self.wire.body(&mut self.body).await?;
        if let Err(flaw) = self.body.finished() {
            self.envelope = None;
            self.say(match flaw {
                Flaw::TooLarge => "552 5.3.4 Mail too large",
                Flaw::LongLine => "554 5.6.0 Line longer than 998 characters",
                Flaw::BareLineFeed => "550 5.6.11 Line feed without carriage return",
            });
            return Ok(());
        }
        let verdict = self.meet(Stage::Body, None).await?;
        if verdict == Verdict::Refused {
            self.envelope = None;
            return Ok(());
        }
        let (Some(envelope), Ok(mail)) = (&self.envelope, self.body.finished()) else { return Ok(()) };
        let reached = envelope.reached(mem::take(&mut self.loses));
        let dropped = (envelope.recipients.len() - reached.len()) as u64;
        self.shared.counters.dropped.fetch_add(dropped, Relaxed);
        self.mails += 1;
        self.shared.day.count(self.shared.clock.now());
        let sequence = if reached.is_empty() {
            rand::random::<u32>().into()
        } else {
            count(&self.shared.counters.accepted);
            self.shared.mailbox.take(&envelope.sender, &reached, mail)
        };
        let heard = envelope.recipients.iter().zip(&envelope.wishes);
        for (recipient, wishes) in heard.filter(|(recipient, _)| reached.contains(recipient)) {
            let about = About {
                relay: &self.shared.name,
                sender: &envelope.sender,
                recipient,
                envelope_id: envelope.id.as_deref(),
                whole: envelope.whole,
                mail,
            };
            self.shared.reports.note(&about, wishes);
        }
        let kept = self.meet(Stage::Kept, None).await?;
        self.envelope = None;
        if verdict == Verdict::Usual && kept == Verdict::Usual {
            // Writing to memory cannot fail.
            let _ = write!(self.wire.output, "250 2.0.0 Ok: queued as {sequence:010X}\r\n");
        }
        Ok(())
    }
}
