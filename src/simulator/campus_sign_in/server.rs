//! The sign-in as its owner holds it: start, look, change, stop.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde::Serialize;
use serde_json::{Value, json};

use super::cas::Tickets;
use super::faults::{Plan, SignInCall, SignInFaults};
use super::key::Key;
use super::oidc::Grants;
use super::{Account, cas, oidc};
use crate::simulator::clock::VendorClock;
use crate::simulator::control::{self, Disobeyed, FAULTS, RESET, Steered};
use crate::simulator::http::{Answer, Request, Server, Service};

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
    stats: CampusSignInStats,
}

pub(super) struct Shared {
    pub(super) accounts: Vec<Account>,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) clock: VendorClock,
    /// Known once it listens.
    addr: Mutex<SocketAddr>,
    plan: RwLock<Arc<Plan>>,
    state: Mutex<State>,
}

/// A running sign-in. Stops when dropped.
pub struct CampusSignInSimulator {
    server: Server,
    pub(super) shared: Arc<Shared>,
}

impl CampusSignInSimulator {
    /// Fails if the address is taken.
    pub async fn start(options: CampusSignInOptions) -> io::Result<Self> {
        let state = State {
            tickets: Tickets::default(),
            grants: Grants::default(),
            key: Key::new()?,
            stats: CampusSignInStats::default(),
        };
        let shared = Arc::new(Shared {
            accounts: options.accounts,
            client_id: options.client_id,
            client_secret: options.client_secret,
            clock: options.clock,
            addr: Mutex::new(options.listen),
            plan: RwLock::new(Arc::new(Plan::new(options.faults))),
            state: Mutex::new(state),
        });
        let server = Server::start(options.listen, Arc::clone(&shared)).await?;
        *shared.addr.lock().unwrap_or_else(PoisonError::into_inner) = server.addr();
        Ok(Self { server, shared })
    }

    /// Where it listens, with the real port.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// The section `campus_sign_in` that leads to its CAS.
    pub fn cas(&self) -> Value {
        json!({ "kind": "cas", "url": format!("http://{}/cas", self.addr()) })
    }

    /// The section `campus_sign_in` that leads to its OpenID Connect.
    pub fn oidc(&self) -> Value {
        json!({
            "kind": "oidc", "url": self.shared.issuer(), "client_id": self.shared.client_id,
            "client_secret": self.shared.client_secret, "attribute": "preferred_username",
        })
    }

    pub fn stats(&self) -> CampusSignInStats {
        self.shared.state().stats
    }

    /// From the next call on these faults hold instead of the ones before.
    pub fn set_faults(&self, faults: SignInFaults) {
        self.shared.set_faults(faults);
    }

    /// From now on tokens are signed with another key, and the one before is published no more.
    pub fn rotate_key(&self) -> io::Result<()> {
        self.shared.rotate_key()
    }

    pub async fn stop(self) {
        self.server.stop().await;
    }
}

impl Service for Shared {
    async fn answer(&self, request: Request) -> Answer {
        if let Some(answer) = control::answer(self, &request).await {
            return answer;
        }
        if request.path.starts_with("/cas/") {
            cas::answer(self, &request)
        } else {
            oidc::answer(self, &request)
        }
    }
}

impl Steered for Shared {
    fn shown(&self) -> Value {
        json!({ "stats": self.state().stats, "faults": self.plan().faults, "accounts": self.accounts })
    }

    /// Besides what all simulators know: `rotate_key`.
    async fn obey(&self, what: &str, document: &[u8]) -> Result<Value, Disobeyed> {
        match what {
            FAULTS => self.set_faults(control::read(document)?),
            RESET => self.state().stats = CampusSignInStats::default(),
            "rotate_key" => self.rotate_key().map_err(|error| Disobeyed::Unreadable(error.to_string()))?,
            _ => return Err(Disobeyed::Unknown),
        }
        Ok(self.shown())
    }
}

impl Shared {
    pub(super) fn issuer(&self) -> String {
        format!("http://{}/oidc", self.addr.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_faults(&self, faults: SignInFaults) {
        *self.plan.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Plan::new(faults));
    }

    fn rotate_key(&self) -> io::Result<()> {
        self.state().key = Key::new()?;
        Ok(())
    }

    pub(super) fn count(&self, call: SignInCall) {
        let stats = &mut self.state().stats;
        let counter = match call {
            SignInCall::Validate => &mut stats.validate,
            SignInCall::Discovery => &mut stats.discovery,
            SignInCall::Keys => &mut stats.keys,
            SignInCall::Token => &mut stats.token,
            SignInCall::Userinfo => &mut stats.userinfo,
        };
        *counter += 1;
    }

    pub(super) fn refused(&self) {
        self.state().stats.refused += 1;
    }
}
