//! What a gateway does wrong, written as data so that tests, the demo and the command line share it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::simulator::pattern::matches;
use crate::simulator::tally::Tally;

/// Faults that happen so many times remember at least so many numbers.
const REMEMBERED: usize = 100_000;

/// A moment of a call at which something can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The call has come; nothing is sent yet.
    Call,
    /// The texts are on their way, the answer is due: what goes wrong here leaves the client not knowing.
    Sent,
}

/// What happens in place of the usual answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmsAct {
    /// The whole call is refused with this code of the gateway's own, and HTTP 200.
    Code(String),
    /// The numbers that match are not sent to and listed as failed, the others are.
    Fail,
    /// This HTTP status, with an empty body.
    Status(u16),
    /// 429 with this `Retry-After`.
    Throttle(String),
    /// No answer, ever; the connection stays open until the client leaves or the simulator stops.
    Hang,
    /// The connection is reset (RST).
    Reset,
    /// The connection is closed in good order (FIN), without an answer.
    Close,
    /// 200, and a page that is no answer.
    Garbage,
    /// The head of an answer and half its body, then the end.
    Half,
    /// 302 to somewhere else.
    Redirect(String),
}

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsFault {
    pub at: Moment,
    /// Only where a number matches this pattern: `*` any run of characters, `?` any one. Numbers of the mainland are
    /// matched without their country.
    #[serde(default)]
    pub to: Option<String>,
    /// Only the first so many times: for each number where `to` is given, else altogether.
    #[serde(default)]
    pub times: Option<u64>,
    pub act: SmsAct,
}

/// All that goes wrong; the default is nothing. Of the faults of a moment the first one that applies happens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmsFaults {
    pub faults: Vec<SmsFault>,
    /// How long each moment takes before anything else happens, in milliseconds.
    pub delay_ms: BTreeMap<Moment, u64>,
}

impl SmsFaults {
    /// A believable gateway for the demo: some numbers do not exist, and each call takes `latency`.
    pub fn believable(latency: Duration) -> Self {
        Self::default().to("*404", SmsAct::Fail).slow(Moment::Call, latency)
    }

    #[must_use]
    pub fn with(mut self, fault: SmsFault) -> Self {
        self.faults.push(fault);
        self
    }

    /// `act` at `moment`, every time.
    #[must_use]
    pub fn at(self, at: Moment, act: SmsAct) -> Self {
        self.with(SmsFault { at, to: None, times: None, act })
    }

    /// `act` the first `times` times that anybody comes to `moment`.
    #[must_use]
    pub fn first(self, times: u64, at: Moment, act: SmsAct) -> Self {
        self.with(SmsFault { at, to: None, times: Some(times), act })
    }

    /// `act` for calls to numbers that match `pattern`.
    #[must_use]
    pub fn to(self, pattern: &str, act: SmsAct) -> Self {
        self.with(SmsFault { at: Moment::Call, to: Some(pattern.into()), times: None, act })
    }

    #[must_use]
    pub fn slow(mut self, moment: Moment, delay: Duration) -> Self {
        self.delay_ms.insert(moment, u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
        self
    }
}

/// Faults made ready for the connections, with what has happened so far.
#[derive(Debug)]
pub(super) struct Plan {
    rules: Vec<Rule>,
    delays: BTreeMap<Moment, u64>,
}

#[derive(Debug)]
struct Rule {
    at: Moment,
    to: Option<String>,
    limit: Option<(u64, Mutex<Tally>)>,
    act: SmsAct,
}

impl Plan {
    pub(super) fn new(faults: SmsFaults) -> Self {
        let rule = |fault: SmsFault| Rule {
            at: fault.at,
            to: fault.to,
            limit: fault.times.map(|times| (times, Mutex::new(Tally::remembering(REMEMBERED)))),
            act: fault.act,
        };
        Self { rules: faults.faults.into_iter().map(rule).collect(), delays: faults.delay_ms }
    }

    pub(super) fn delay(&self, moment: Moment) -> Duration {
        Duration::from_millis(self.delays.get(&moment).copied().unwrap_or_default())
    }

    /// What goes wrong with the whole call, if anything. Asking counts as one time.
    pub(super) fn pick(&self, moment: Moment, numbers: &[String]) -> Option<SmsAct> {
        let mut rules = self.rules.iter().filter(|rule| rule.at == moment && rule.act != SmsAct::Fail);
        rules.find(|rule| rule.applies(numbers)).map(|rule| rule.act.clone())
    }

    /// Whether this number alone is left out of the call.
    pub(super) fn fails(&self, number: &String) -> bool {
        let mut rules = self.rules.iter().filter(|rule| rule.act == SmsAct::Fail);
        rules.any(|rule| rule.applies(std::slice::from_ref(number)))
    }
}

impl Rule {
    fn applies(&self, numbers: &[String]) -> bool {
        let key = match &self.to {
            None => "",
            Some(pattern) => match numbers.iter().find(|number| matches(pattern, number)) {
                Some(number) => number,
                None => return false,
            },
        };
        self.limit
            .as_ref()
            .is_none_or(|(times, met)| met.lock().unwrap_or_else(PoisonError::into_inner).add(key) <= *times)
    }
}
