//! What goes wrong with a call, written as data so that tests, the demo and the command line share it.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

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

/// How often each fault of a list happened so far.
#[derive(Debug)]
pub(in crate::simulator) struct Met(Mutex<Vec<u64>>);

impl Met {
    pub(in crate::simulator) fn none_of(faults: usize) -> Self {
        Self(Mutex::new(vec![0; faults]))
    }

    /// What goes wrong now, if anything: the first fault that applies. Asking counts as one time.
    pub(in crate::simulator) fn pick<C: PartialEq>(
        &self,
        faults: &[WechatFault<C>],
        at: &C,
        to: &[String],
    ) -> Option<WechatAct> {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |fault: &WechatFault<C>| {
            fault.at == *at && fault.to.as_ref().is_none_or(|pattern| any_fits([pattern], to))
        };
        let place = faults
            .iter()
            .zip(&*met)
            .position(|(fault, met)| fits(fault) && fault.times.is_none_or(|times| *met < times))?;
        met[place] += 1;
        Some(faults[place].act.clone())
    }
}

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
