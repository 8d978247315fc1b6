//! What a gateway does wrong, written as data so that tests, the demo and the command line share it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::simulator::http::Answer;
use crate::simulator::pattern::matches;
use crate::simulator::share::Share;
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
    /// Somebody asks what became of texts, where the vendor can be asked.
    Query,
}

/// What happens in place of the usual answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmsAct {
    /// The whole call is refused with this code of the gateway's own, and HTTP 200.
    Code(String),
    /// The numbers that match are not sent to and listed as failed, the others are.
    Fail,
    /// As [`Fail`](Self::Fail), with a code.
    Refuse(String),
    /// The numbers that match are taken like the others, and nothing ever reaches them or is told of them.
    Drop,
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
    /// Only so many in each hundred of those it would happen to.
    #[serde(default)]
    pub percent: Option<u8>,
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
        self.with(SmsFault { at, to: None, times: None, percent: None, act })
    }

    /// `act` the first `times` times that anybody comes to `moment`.
    #[must_use]
    pub fn first(self, times: u64, at: Moment, act: SmsAct) -> Self {
        self.with(SmsFault { at, to: None, times: Some(times), percent: None, act })
    }

    /// `act` for calls to numbers that match `pattern`.
    #[must_use]
    pub fn to(self, pattern: &str, act: SmsAct) -> Self {
        self.with(SmsFault { at: Moment::Call, to: Some(pattern.into()), times: None, percent: None, act })
    }

    /// `act` for so many in each hundred that come to `moment`.
    #[must_use]
    pub fn share(self, percent: u8, at: Moment, act: SmsAct) -> Self {
        self.with(SmsFault { at, to: None, times: None, percent: Some(percent), act })
    }

    #[must_use]
    pub fn slow(mut self, moment: Moment, delay: Duration) -> Self {
        self.delay_ms.insert(moment, u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
        self
    }
}

/// What becomes of one number of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum Fate {
    Taken,
    /// With a code where one was named.
    Failed(Option<String>),
    /// Taken, as far as the customer is told.
    Dropped,
}

/// Faults made ready for the connections, with what has happened so far.
#[derive(Debug)]
pub(in crate::simulator) struct Plan {
    /// As they were given.
    pub(in crate::simulator) faults: SmsFaults,
    /// One for each fault.
    met: Vec<Met>,
}

#[derive(Debug)]
struct Met {
    share: Option<Share>,
    times: Option<Mutex<Tally>>,
}

impl Plan {
    pub(in crate::simulator) fn new(faults: SmsFaults) -> Self {
        let met = |fault: &SmsFault| Met {
            share: fault.percent.map(Share::of_hundred),
            times: fault.times.map(|_| Mutex::new(Tally::remembering(REMEMBERED))),
        };
        Self { met: faults.faults.iter().map(met).collect(), faults }
    }

    pub(in crate::simulator) fn delay(&self, moment: Moment) -> Duration {
        Duration::from_millis(self.faults.delay_ms.get(&moment).copied().unwrap_or_default())
    }

    /// What goes wrong with the whole call, if anything. Asking counts as one time.
    pub(in crate::simulator) fn pick(&self, moment: Moment, numbers: &[String]) -> Option<SmsAct> {
        let mut faults = self.each().filter(|(fault, _)| fault.at == moment && !fault.act.is_of_numbers());
        faults.find(|(fault, met)| applies(fault, met, numbers)).map(|(fault, _)| fault.act.clone())
    }

    /// What goes wrong with this number alone. Asking counts as one time.
    pub(in crate::simulator) fn fate(&self, number: &String) -> Fate {
        let mut faults = self.each().filter(|(fault, _)| fault.act.is_of_numbers());
        match faults.find(|(fault, met)| applies(fault, met, std::slice::from_ref(number))) {
            None => Fate::Taken,
            Some((SmsFault { act: SmsAct::Drop, .. }, _)) => Fate::Dropped,
            Some((SmsFault { act: SmsAct::Refuse(code), .. }, _)) => Fate::Failed(Some(code.clone())),
            Some(_) => Fate::Failed(None),
        }
    }

    fn each(&self) -> impl Iterator<Item = (&SmsFault, &Met)> {
        self.faults.faults.iter().zip(&self.met)
    }
}

impl SmsAct {
    /// The rest of the call goes its usual way.
    fn is_of_numbers(&self) -> bool {
        matches!(self, Self::Fail | Self::Refuse(_) | Self::Drop)
    }

    /// What a client sees of it, unless it is something that the vendor itself says. `usual`: an answer to take half of.
    pub(in crate::simulator) fn seen(self, usual: &str) -> Option<Answer> {
        let other = |status, headers, body: &str| Answer::Other { status, headers, body: body.into() };
        Some(match self {
            Self::Code(_) | Self::Fail | Self::Refuse(_) | Self::Drop => return None,
            Self::Status(status) => other(status, Vec::new(), ""),
            Self::Throttle(retry_after) => other(429, vec![("Retry-After", retry_after)], ""),
            Self::Redirect(to) => other(302, vec![("Location", to)], ""),
            Self::Garbage => {
                other(200, vec![("Content-Type", "text/html".to_owned())], "<html><h1>It works!</h1></html>")
            }
            Self::Hang => Answer::Hang,
            Self::Reset => Answer::Reset,
            Self::Close => Answer::Close,
            Self::Half => Answer::Half { body: usual.into() },
        })
    }
}

fn applies(fault: &SmsFault, met: &Met, numbers: &[String]) -> bool {
    let key = match &fault.to {
        None => "",
        Some(pattern) => match numbers.iter().find(|number| matches(pattern, number)) {
            Some(number) => number,
            None => return false,
        },
    };
    met.share.as_ref().is_none_or(Share::takes)
        && met.times.as_ref().zip(fault.times).is_none_or(|(tally, times)| {
            tally.lock().unwrap_or_else(PoisonError::into_inner).add(key) <= times
        })
}
