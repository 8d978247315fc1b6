//! What `belltower simulate` and `demo` know of a university's own sign-in.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::simulate::{control, read_faults};
use crate::simulator::campus_sign_in::Account;
use crate::simulator::{CampusSignInOptions, CampusSignInSimulator};

pub(super) const AFTER_HELP: &str = r#"The campus sign-in's:
  {"faults": [{"at": "validate", "act": "hang"}, {"at": "token", "times": 1, "act": {"lie": "wrong_nonce"}}],
   "userinfo_only": false, "secret_in_body": false}
Calls: validate, discovery, keys, token, userinfo. Acts: {"refuse": "INVALID_TICKET"}, {"status": 502}, hang, reset, garbage,
{"say": "…"}, and of a token a lie: expired, stale, early, wrong_nonce, no_nonce, wrong_audience, second_audience,
wrong_party, wrong_issuer, bad_signature, alg_none, symmetric, unknown_key, no_token, other_subject."#;

#[derive(Args)]
pub(super) struct SignIn {
    /// Where the campus sign-in listens, CAS and OpenID Connect both [default: any free port beside the relay]
    #[arg(long, value_name = "ADDR:PORT")]
    sign_in_listen: Option<SocketAddr>,
    /// What goes wrong with the sign-in, as JSON (see below) [default: nothing]
    #[arg(long, value_name = "FILE")]
    sign_in_faults: Option<PathBuf>,
}

/// Where it listens.
#[derive(Serialize)]
pub(super) struct SignInAddress {
    pub(super) address: SocketAddr,
    /// Where it is steered.
    pub(super) control: String,
    /// The section `campus_sign_in` of the settings, for either way.
    pub(super) cas: Value,
    pub(super) oidc: Value,
}

impl SignIn {
    /// Where no port was asked for, one beside `ip`'s others. It knows nobody, so that any campus id is typed.
    pub(super) async fn start(&self, ip: IpAddr) -> anyhow::Result<CampusSignInSimulator> {
        let listen = self.sign_in_listen.unwrap_or(SocketAddr::new(ip, 0));
        let faults = read_faults(self.sign_in_faults.as_deref())?;
        CampusSignInSimulator::start(CampusSignInOptions { listen, faults, ..CampusSignInOptions::default() })
            .await
            .with_context(|| format!("the campus sign-in cannot listen on {listen}"))
    }
}

/// One that these people have accounts at, at any free port of this machine.
pub(super) async fn of(accounts: Vec<Account>) -> anyhow::Result<CampusSignInSimulator> {
    let options = CampusSignInOptions { accounts, ..CampusSignInOptions::default() };
    Ok(CampusSignInSimulator::start(options).await?)
}

pub(super) fn address(simulator: &CampusSignInSimulator) -> SignInAddress {
    SignInAddress {
        address: simulator.addr(),
        control: control(&simulator.url()),
        cas: simulator.cas(),
        oidc: simulator.oidc(),
    }
}

pub(super) fn text(simulator: &CampusSignInSimulator) -> String {
    format!("sign-in   listening on http://{}, {}, {}", simulator.addr(), simulator.cas(), simulator.oidc())
}
