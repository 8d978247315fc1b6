//! What goes wrong with a call, written as data so that tests, the demo and the command line share it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::simulator::held::lock;
use crate::simulator::pattern::matches;

/// What happens in place of the usual answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WechatAct {
    /// This error, and nothing is done.
    Error { errcode: i64, errmsg: String },
    /// HTTP says it, with a body that is not the vendor's.
    Status(u16),
    /// Nothing is done, and there is no answer, ever.
    Hang,
    /// Nothing is done, and the connection is reset.
    Reset,
    /// Nothing is done, and the connection is closed in good order.
    Close,
    /// Nothing is done, and what comes is not HTTP.
    Garbage,
    /// It is done, and the connection is reset before the answer.
    LoseAnswer,
    /// It is done, and no answer comes, ever.
    KeepAnswer,
}

/// One thing that goes wrong at a call of the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WechatFault<C> {
    pub at: C,
    /// Only where somebody it is for matches this pattern: `*` any run of characters, `?` any one, case ignored.
    #[serde(default)]
    pub to: Option<String>,
    /// Only the first so many times.
    #[serde(default)]
    pub times: Option<u64>,
    pub act: WechatAct,
}

/// All that goes wrong with a vendor, as a fault document has it.
pub trait Trouble {
    type Call: Copy + Ord;

    fn faults(&self) -> &[WechatFault<Self::Call>];

    /// How long each call takes before anything else happens, in milliseconds.
    fn delay_ms(&self) -> &BTreeMap<Self::Call, u64>;
}

/// Faults with what has happened so far.
#[derive(Debug)]
pub struct Plan<F> {
    pub(in crate::simulator) faults: F,
    /// How often each of them happened.
    met: Mutex<Vec<u64>>,
}

impl<F: Trouble> Plan<F> {
    pub(in crate::simulator) fn new(faults: F) -> Self {
        let met = Mutex::new(vec![0; faults.faults().len()]);
        Self { faults, met }
    }

    pub(in crate::simulator) fn delay(&self, call: F::Call) -> Duration {
        Duration::from_millis(self.faults.delay_ms().get(&call).copied().unwrap_or_default())
    }

    /// What goes wrong now, if anything: the first fault that applies. Asking counts as one time.
    pub(in crate::simulator) fn pick(&self, at: F::Call, to: &[String]) -> Option<WechatAct> {
        let mut met = lock(&self.met);
        let fits = |fault: &WechatFault<F::Call>| {
            fault.at == at && fault.to.as_ref().is_none_or(|pattern| any_fits([pattern], to))
        };
        let faults = self.faults.faults();
        let place = faults
            .iter()
            .zip(&*met)
            .position(|(fault, met)| fits(fault) && fault.times.is_none_or(|times| *met < times))?;
        met[place] += 1;
        Some(faults[place].act.clone())
    }
}

/// What tests and the demo write the faults of a vendor with.
macro_rules! written_as {
    ($faults:ty, $call:ty) => {
        impl $crate::simulator::wechat::faults::Trouble for $faults {
            type Call = $call;

            fn faults(&self) -> &[WechatFault<$call>] {
                &self.faults
            }

            fn delay_ms(&self) -> &BTreeMap<$call, u64> {
                &self.delay_ms
            }
        }

        impl $faults {
            #[must_use]
            pub fn with(mut self, fault: WechatFault<$call>) -> Self {
                self.faults.push(fault);
                self
            }

            /// `act` at `call`, every time.
            #[must_use]
            pub fn at(self, call: $call, act: WechatAct) -> Self {
                self.with(WechatFault { at: call, to: None, times: None, act })
            }

            /// `act` the first `times` times.
            #[must_use]
            pub fn first(self, times: u64, call: $call, act: WechatAct) -> Self {
                self.with(WechatFault { at: call, to: None, times: Some(times), act })
            }

            /// This error at `call`, every time.
            #[must_use]
            pub fn refusing(self, call: $call, errcode: i64) -> Self {
                self.at(call, WechatAct::Error { errcode, errmsg: "simulated".to_owned() })
            }

            #[must_use]
            pub fn slow(mut self, call: $call, delay: Duration) -> Self {
                self.delay_ms.insert(call, u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
                self
            }
        }
    };
}

pub(in crate::simulator) use written_as;

/// Whether one of `names` fits one of the patterns, in any case.
pub(in crate::simulator) fn any_fits<'a>(
    patterns: impl IntoIterator<Item = &'a String>,
    names: &[String],
) -> bool {
    patterns.into_iter().any(|pattern| {
        let pattern = pattern.to_lowercase();
        names.iter().any(|name| matches(&pattern, &name.to_lowercase()))
    })
}
