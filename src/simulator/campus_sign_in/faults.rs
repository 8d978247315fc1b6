//! What goes wrong, written as data so that tests, the demo and the command line share it.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// A call that a service makes; pages that a browser opens never go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInCall {
    /// `/cas/p3/serviceValidate`
    Validate,
    /// `/oidc/.well-known/openid-configuration`
    Discovery,
    /// `/oidc/jwks`
    Keys,
    /// `/oidc/token`
    Token,
    /// `/oidc/userinfo`
    Userinfo,
}

/// What happens in place of the usual answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInAct {
    /// A no with this code: `INVALID_TICKET`, `INVALID_SERVICE`; `invalid_grant`, `invalid_client`.
    Refuse(String),
    /// HTTP says it, with a page.
    Status(u16),
    /// No answer, ever.
    Hang,
    /// The connection is reset.
    Reset,
    /// What comes is not HTTP.
    Garbage,
    /// This text, whatever it is, as if it were an answer.
    Say(String),
    /// A token that is wrong in one way.
    Lie(Lie),
}

/// What is wrong with a token; everything else is in order, the signature too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lie {
    /// Its time was over five minutes ago.
    Expired,
    /// It was issued an hour ago.
    Stale,
    /// It is issued in five minutes.
    Early,
    WrongNonce,
    NoNonce,
    WrongAudience,
    /// For another client as well.
    SecondAudience,
    /// Made for another client to use.
    WrongParty,
    WrongIssuer,
    BadSignature,
    /// Not signed, and it says so.
    AlgNone,
    /// Signed with the client's secret.
    Symmetric,
    /// Signed with a key that is not among the published ones.
    UnknownKey,
    /// There is none.
    NoToken,
    /// The userinfo endpoint tells of somebody else.
    OtherSubject,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInFault {
    pub at: SignInCall,
    /// Only the first so many times.
    #[serde(default)]
    pub times: Option<u64>,
    pub act: SignInAct,
}

/// All that goes wrong; the default is nothing. Of the faults of a call the first that applies happens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignInFaults {
    pub faults: Vec<SignInFault>,
    /// Tokens say who it is and nothing more; the rest is told by the userinfo endpoint, as Core §5.4 has it.
    pub userinfo_only: bool,
    /// Secrets are taken in the body alone (`client_secret_post`).
    pub secret_in_body: bool,
}

impl SignInFaults {
    /// `act` at `call`, every time.
    #[must_use]
    pub fn at(mut self, call: SignInCall, act: SignInAct) -> Self {
        self.faults.push(SignInFault { at: call, times: None, act });
        self
    }
}

/// Faults with how often each has happened so far.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) faults: SignInFaults,
    met: Mutex<Vec<u64>>,
}

impl Plan {
    pub(super) fn new(faults: SignInFaults) -> Self {
        let met = Mutex::new(vec![0; faults.faults.len()]);
        Self { faults, met }
    }

    /// What goes wrong now. Asking counts as one time.
    pub(super) fn pick(&self, call: SignInCall) -> Option<SignInAct> {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        let applies = |(fault, met): (&SignInFault, &u64)| {
            fault.at == call && fault.times.is_none_or(|times| *met < times)
        };
        let place = self.faults.faults.iter().zip(&*met).position(applies)?;
        met[place] += 1;
        Some(self.faults.faults[place].act.clone())
    }
}
