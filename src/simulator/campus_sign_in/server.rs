//! The sign-in as its owner holds it: start, look, change, stop.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use serde::Serialize;
use serde_json::{Value, json};

use super::cas::Tickets;
use super::faults::{Plan, SignInCall, SignInFaults};
use super::key::Key;
use super::oidc::Grants;
use super::{Account, cas, oidc};
use crate::simulator::clock::VendorClock;
use crate::simulator::control::{Disobeyed, Steered};
use crate::simulator::held::{Counted, Held, lock};
use crate::simulator::http::{Answer, Request};
use crate::simulator::shell::{Simulator, Vendor};

/// How a sign-in is set up. The default listens on a free loopback port and knows nobody, so that everybody types a name.
#[derive(Clone, Debug)]
pub struct CampusSignInOptions {
    pub listen: SocketAddr,
    /// Whom its page offers.
    pub accounts: Vec<Account>,
    /// Of OpenID Connect.
    pub client_id: String,
    pub client_secret: String,
    pub faults: SignInFaults,
    pub clock: VendorClock,
}

impl Default for CampusSignInOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            accounts: Vec::new(),
            client_id: "belltower".to_owned(),
            client_secret: "simulator: secret & more".to_owned(),
            faults: SignInFaults::default(),
            clock: VendorClock::default(),
        }
    }
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CampusSignInStats {
    pub validate: u64,
    pub discovery: u64,
    pub keys: u64,
    pub token: u64,
    pub userinfo: u64,
    /// Answers with an error, whatever was asked.
    pub refused: u64,
}

/// What it remembers.
pub(super) struct State {
    pub(super) tickets: Tickets,
    pub(super) grants: Grants,
    pub(super) key: Key,
}

/// The sign-in behind its port.
pub struct Shared {
    pub(super) accounts: Vec<Account>,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) clock: VendorClock,
    /// Known once it listens.
    addr: Mutex<SocketAddr>,
    plan: Held<Plan>,
    counted: Counted<CampusSignInStats>,
    state: Mutex<State>,
}

/// A running sign-in. Stops when dropped.
pub type CampusSignInSimulator = Simulator<Shared>;

impl CampusSignInSimulator {
    /// Fails if the address is taken.
    pub async fn start(options: CampusSignInOptions) -> io::Result<Self> {
        let state = State { tickets: Tickets::default(), grants: Grants::default(), key: Key::new()? };
        let shared = Shared {
            accounts: options.accounts,
            client_id: options.client_id,
            client_secret: options.client_secret,
            clock: options.clock,
            addr: Mutex::new(options.listen),
            plan: Held::new(Plan::new(options.faults)),
            counted: Counted::default(),
            state: Mutex::new(state),
        };
        let simulator = Self::open(options.listen, false, shared).await?;
        *lock(&simulator.vendor.addr) = simulator.addr();
        Ok(simulator)
    }

    /// The section `campus_sign_in` that leads to its CAS.
    pub fn cas(&self) -> Value {
        json!({ "kind": "cas", "url": format!("http://{}/cas", self.addr()) })
    }

    /// The section `campus_sign_in` that leads to its OpenID Connect.
    pub fn oidc(&self) -> Value {
        let Shared { client_id, client_secret, .. } = &*self.vendor;
        json!({
            "kind": "oidc", "url": self.vendor.issuer(), "client_id": client_id,
            "client_secret": client_secret, "attribute": "preferred_username",
        })
    }

    /// From now on tokens are signed with another key, and the one before is published no more.
    pub fn rotate_key(&self) -> io::Result<()> {
        self.vendor.rotate_key()
    }
}

impl Vendor for Shared {
    type Stats = CampusSignInStats;

    fn stats(&self) -> CampusSignInStats {
        self.counted.read()
    }

    async fn called(&self, request: Request) -> Answer {
        if request.path.starts_with("/cas/") {
            cas::answer(self, &request)
        } else {
            oidc::answer(self, &request)
        }
    }
}

impl Steered for Shared {
    type Faults = SignInFaults;

    fn shown(&self) -> Value {
        json!({ "stats": self.stats(), "faults": self.plan().faults, "accounts": self.accounts })
    }

    fn set_faults(&self, faults: SignInFaults) {
        self.plan.set(Plan::new(faults));
    }

    fn reset(&self) {
        self.counted.reset();
    }

    /// Besides what all simulators know: `rotate_key`.
    async fn obey(&self, what: &str, _: &[u8]) -> Result<Option<Value>, Disobeyed> {
        match what {
            "rotate_key" => self.rotate_key().map_err(|error| Disobeyed::Unreadable(error.to_string()))?,
            _ => return Err(Disobeyed::Unknown),
        }
        Ok(None)
    }
}

impl Shared {
    pub(super) fn issuer(&self) -> String {
        format!("http://{}/oidc", lock(&self.addr))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn plan(&self) -> Arc<Plan> {
        self.plan.get()
    }

    fn rotate_key(&self) -> io::Result<()> {
        self.state().key = Key::new()?;
        Ok(())
    }

    pub(super) fn count(&self, call: SignInCall) {
        self.counted.count(|stats| match call {
            SignInCall::Validate => stats.validate += 1,
            SignInCall::Discovery => stats.discovery += 1,
            SignInCall::Keys => stats.keys += 1,
            SignInCall::Token => stats.token += 1,
            SignInCall::Userinfo => stats.userinfo += 1,
        });
    }

    pub(super) fn refused(&self) {
        self.counted.count(|stats| stats.refused += 1);
    }
}
