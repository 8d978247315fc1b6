//! A university's own sign-in (统一身份认证) on a socket, in both ways that universities offer it, misbehaving on demand.
//!
//! - [`server`]: [`CampusSignInSimulator`], its options, its counts
//! - [`cas`]: `/cas`, as the CAS protocol 3.0 has it
//! - [`oidc`]: `/oidc`, as OpenID Connect Core 1.0 and Discovery 1.0 have it
//! - [`key`]: what its tokens are signed with
//! - [`pages`]: where somebody says who they are, without a password
//! - [`faults`]: what can go wrong, and what it can be made to say that is not true

mod cas;
mod faults;
mod key;
mod oidc;
mod pages;
mod server;

#[cfg(test)]
mod tests;

use serde::Serialize;

pub use faults::{Lie, SignInAct, SignInCall, SignInFault, SignInFaults};
pub use server::{CampusSignInOptions, CampusSignInSimulator, CampusSignInStats};

/// Somebody who has an account there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// What they sign in as: the CAS user.
    pub login: String,
    /// The attribute `employeeNumber` and the claim `preferred_username`.
    pub campus_id: String,
    pub name: String,
}

impl Account {
    /// Whose login is their campus id.
    pub fn new(campus_id: &str, name: &str) -> Self {
        Self { login: campus_id.to_owned(), campus_id: campus_id.to_owned(), name: name.to_owned() }
    }
}

/// A word that nobody guesses.
fn unguessable() -> String {
    format!("{:016x}{:016x}", rand::random::<u64>(), rand::random::<u64>())
}
