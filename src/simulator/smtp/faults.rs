//! What a relay does wrong, written as data so that tests, the demo and the command line share it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::simulator::held::lock;
use crate::simulator::pattern::matches;
use crate::simulator::share::Share;
use crate::simulator::tally::Tally;

/// Greylisting remembers at least so many recipients per rule.
const REMEMBERED: usize = 100_000;

/// A moment of the conversation at which something can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The connection stands, the banner is due.
    Connect,
    /// A TLS handshake is due; after STARTTLS its answer, too.
    Tls,
    /// EHLO or HELO.
    Ehlo,
    /// The credentials have been given.
    Auth,
    Mail,
    Rcpt,
    /// DATA, before the go-ahead.
    Data,
    /// The mail's bytes have come; nothing is kept yet.
    Body,
    /// The mail is in the mailbox, its answer is due: what goes wrong here leaves the client not knowing.
    Kept,
    Rset,
    Noop,
    Quit,
}

/// What happens in place of the usual answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// This answer. Below 400 the command takes effect as usual and only the wording is another; 421 also closes.
    Reply(Reply),
    /// No answer, ever; the connection stays open until the client leaves or the simulator stops.
    Hang,
    /// The connection is reset (RST).
    Reset,
    /// The connection is closed in good order (FIN), without an answer.
    Close,
    /// An answer that is not SMTP; the command has no effect and the connection goes on.
    Garbage,
    /// The usual answer, and nothing arrives or is ever told of it: at `rcpt` for this recipient, at `body` for all of the
    /// mail's. Elsewhere it does nothing.
    Drop,
}

/// An answer: its code and its text. Each line of the text becomes a line of the reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    pub code: u16,
    /// Begins with an enhanced code (RFC 3463) where the vendor gives one: `5.1.1 No such person`.
    pub text: String,
}

impl Reply {
    pub fn new(code: u16, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut lines = self.text.split('\n').peekable();
        while let Some(line) = lines.next() {
            out.extend_from_slice(format!("{:03}", self.code).as_bytes());
            out.push(if lines.peek().is_some() { b'-' } else { b' ' });
            out.extend(line.bytes().filter(|byte| *byte != b'\r'));
            out.extend_from_slice(b"\r\n");
        }
    }
}

impl From<Reply> for Act {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub at: Stage,
    /// Only where a recipient of the mail matches this pattern: `*` any run of characters, `?` any one, case
    /// ignored. At `rcpt` the recipient just named counts, at `data`, `body` and `kept` any of the mail's.
    #[serde(default)]
    pub to: Option<String>,
    /// Only the first so many times: for each recipient where `to` is given (greylisting), else altogether.
    #[serde(default)]
    pub times: Option<u64>,
    /// Only so many in each hundred of those it would happen to.
    #[serde(default)]
    pub percent: Option<u8>,
    pub act: Act,
}

/// How many mails a relay takes from its client in a day, which begins at midnight in UTC+8.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayQuota {
    pub mails: u64,
    /// What MAIL is answered beyond it.
    #[serde(default = "used_up")]
    pub reply: Reply,
}

fn used_up() -> Reply {
    Reply::new(452, "4.7.1 Daily sending quota used up")
}

/// What a relay that speaks TLS shows of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certificate {
    /// Signed by the authority that clients were told to trust.
    #[default]
    Good,
    /// The same, a year ago.
    Expired,
    /// Signed by itself.
    Stranger,
    /// Another host's.
    OtherName,
}

/// All that goes wrong; the default is nothing. Of the faults of a stage the first one that applies happens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    pub faults: Vec<Fault>,
    /// How long each stage takes before anything else happens, in milliseconds.
    pub delay_ms: BTreeMap<Stage, u64>,
    /// How far away it is: how long each of its answers takes, however many commands it is for, in milliseconds.
    pub round_trip_ms: u64,
    /// After so many mails on one connection the next MAIL is answered 421.
    pub mails_per_connection: Option<u64>,
    /// Connections beyond so many at the same time are answered 421.
    pub connections: Option<u64>,
    pub per_day: Option<DayQuota>,
    pub certificate: Certificate,
}

impl Faults {
    /// A believable relay for the demo: addresses beginning with `bounce` do not exist, those beginning with `full`
    /// have a full mailbox the first time, and each mail takes `latency`.
    pub fn believable(latency: Duration) -> Self {
        Self::default()
            .refusing(
                "bounce*",
                Reply::new(550, "5.1.1 The email account that you tried to reach does not exist"),
            )
            .greylisting(
                "full*",
                1,
                Reply::new(452, "4.2.2 The recipient's mailbox is full, try again later"),
            )
            .slow(Stage::Body, latency)
    }

    #[must_use]
    pub fn with(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// `act` at `stage`, every time.
    #[must_use]
    pub fn at(self, stage: Stage, act: impl Into<Act>) -> Self {
        self.with(Fault { at: stage, to: None, times: None, percent: None, act: act.into() })
    }

    /// `act` the first `times` times that anybody comes to `stage`.
    #[must_use]
    pub fn first(self, times: u64, stage: Stage, act: impl Into<Act>) -> Self {
        self.with(Fault { at: stage, to: None, times: Some(times), percent: None, act: act.into() })
    }

    /// Recipients that match `pattern` are refused at RCPT.
    #[must_use]
    pub fn refusing(self, pattern: &str, reply: Reply) -> Self {
        self.with(Fault {
            at: Stage::Rcpt,
            to: Some(pattern.into()),
            times: None,
            percent: None,
            act: reply.into(),
        })
    }

    /// Each recipient that matches `pattern` is refused `times` times at RCPT, then accepted.
    #[must_use]
    pub fn greylisting(self, pattern: &str, times: u64, reply: Reply) -> Self {
        self.with(Fault {
            at: Stage::Rcpt,
            to: Some(pattern.into()),
            times: Some(times),
            percent: None,
            act: reply.into(),
        })
    }

    /// `act` for so many in each hundred that come to `stage`.
    #[must_use]
    pub fn share(self, percent: u8, stage: Stage, act: impl Into<Act>) -> Self {
        self.with(Fault { at: stage, to: None, times: None, percent: Some(percent), act: act.into() })
    }

    /// No credentials are good.
    #[must_use]
    pub fn refusing_auth(self) -> Self {
        self.at(Stage::Auth, Reply::new(535, "5.7.8 Authentication credentials invalid"))
    }

    /// Every mail is kept, and the connection is reset before the answer.
    #[must_use]
    pub fn losing_answers(self) -> Self {
        self.at(Stage::Kept, Act::Reset)
    }

    #[must_use]
    pub fn slow(mut self, stage: Stage, delay: Duration) -> Self {
        self.delay_ms.insert(stage, u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Each answer takes this long, as from a relay far away.
    #[must_use]
    pub fn far_away(mut self, round_trip: Duration) -> Self {
        self.round_trip_ms = u64::try_from(round_trip.as_millis()).unwrap_or(u64::MAX);
        self
    }

    #[must_use]
    pub fn mails_per_connection(mut self, mails: u64) -> Self {
        self.mails_per_connection = Some(mails);
        self
    }

    #[must_use]
    pub fn connections(mut self, connections: u64) -> Self {
        self.connections = Some(connections);
        self
    }
}

const STAGES: usize = Stage::Quit as usize + 1;

/// Faults made ready for the sessions: by stage, and with what has happened so far.
#[derive(Debug)]
pub(super) struct Plan {
    /// As they were given.
    pub(super) faults: Faults,
    rules: [Vec<Rule>; STAGES],
    delays: [Duration; STAGES],
    pub(super) round_trip: Duration,
    pub(super) mails_per_connection: u64,
    pub(super) connections: u64,
}

#[derive(Debug)]
struct Rule {
    to: Option<String>,
    share: Option<Share>,
    limit: Option<(u64, Mutex<Tally>)>,
    act: Act,
}

impl Plan {
    pub(super) fn new(faults: Faults) -> Self {
        let mut plan = Self {
            rules: Default::default(),
            delays: Default::default(),
            round_trip: Duration::from_millis(faults.round_trip_ms),
            mails_per_connection: faults.mails_per_connection.unwrap_or(u64::MAX),
            connections: faults.connections.unwrap_or(u64::MAX),
            faults,
        };
        for (stage, millis) in &plan.faults.delay_ms {
            plan.delays[*stage as usize] = Duration::from_millis(*millis);
        }
        for fault in &plan.faults.faults {
            plan.rules[fault.at as usize].push(Rule {
                to: fault.to.as_ref().map(|pattern| pattern.to_lowercase()),
                share: fault.percent.map(Share::of_hundred),
                limit: fault.times.map(|times| (times, Mutex::new(Tally::remembering(REMEMBERED)))),
                act: fault.act.clone(),
            });
        }
        plan
    }

    pub(super) fn delay(&self, stage: Stage) -> Duration {
        self.delays[stage as usize]
    }

    /// What goes wrong now, if anything. Asking counts as one time.
    pub(super) fn pick(&self, stage: Stage, recipients: &[String]) -> Option<Act> {
        let rule = self.rules[stage as usize].iter().find(|rule| rule.applies(recipients))?;
        Some(rule.act.clone())
    }
}

impl Rule {
    fn applies(&self, recipients: &[String]) -> bool {
        let key = match &self.to {
            None => String::new(),
            Some(pattern) => {
                let mut addresses = recipients.iter().map(|address| address.to_lowercase());
                let Some(address) = addresses.find(|address| matches(pattern, address)) else { return false };
                address
            }
        };
        self.share.as_ref().is_none_or(Share::takes)
            && self.limit.as_ref().is_none_or(|(times, met)| lock(met).add(&key) <= *times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greylisting_counts_each_recipient_on_its_own() {
        let plan = Plan::new(Faults::default().greylisting("FULL*", 2, Reply::new(452, "4.2.2 full")));
        let refused = |address: &str| plan.pick(Stage::Rcpt, &[address.to_owned()]).is_some();
        assert_eq!([refused("full1@x"), refused("Full1@x"), refused("full1@x")], [true, true, false]);
        assert!(refused("full2@x"));
        assert!(!refused("other@x"));
    }

    #[test]
    fn the_first_fault_that_still_applies_happens() {
        let plan = Plan::new(Faults::default().first(1, Stage::Data, Act::Reset).at(Stage::Data, Act::Hang));
        assert_eq!(plan.pick(Stage::Data, &[]), Some(Act::Reset));
        assert_eq!(plan.pick(Stage::Data, &[]), Some(Act::Hang));
        assert_eq!(plan.pick(Stage::Body, &[]), None);
    }

    #[test]
    fn a_share_of_those_it_would_happen_to_meets_it() {
        let plan = Plan::new(Faults::default().share(25, Stage::Rcpt, Act::Reset));
        let met = (0..8).filter(|_| plan.pick(Stage::Rcpt, &["a@x".to_owned()]).is_some());
        assert_eq!(met.count(), 2);
    }

    #[test]
    fn a_text_of_several_lines_becomes_a_reply_of_several_lines() {
        let mut out = Vec::new();
        Reply::new(550, "5.7.1 no\r\n5.7.1 never\n").write(&mut out);
        assert_eq!(out, b"550-5.7.1 no\r\n550-5.7.1 never\r\n550 \r\n");
    }

    #[test]
    fn faults_are_read_from_configuration() {
        let text = r#"{
            "faults": [
                {"at": "rcpt", "to": "bounce*", "act": {"reply": {"code": 550, "text": "5.1.1 No"}}},
                {"at": "kept", "times": 3, "act": "reset"}
            ],
            "delay_ms": {"body": 5},
            "round_trip_ms": 20,
            "connections": 10,
            "per_day": {"mails": 3},
            "certificate": "expired"
        }"#;
        let per_day = Some(DayQuota { mails: 3, reply: used_up() });
        let expected = Faults { per_day, certificate: Certificate::Expired, ..Faults::default() }
            .refusing("bounce*", Reply::new(550, "5.1.1 No"))
            .first(3, Stage::Kept, Act::Reset)
            .slow(Stage::Body, Duration::from_millis(5))
            .far_away(Duration::from_millis(20))
            .connections(10);
        assert_eq!(serde_json::from_str::<Faults>(text).unwrap(), expected);
        assert!(serde_json::from_str::<Faults>(r#"{"delays": {}}"#).is_err());
    }
}
