//! What the APIs of Official Accounts and of WeCom have in common; each is simulated in a room of its own.
//!
//! - [`answer`]: errors said with HTTP 200, and an answer that goes wrong
//! - [`faults`]: what can go wrong with any call
//! - [`envelope`]: signatures and encryption of what is pushed
//! - [`event`]: what is pushed, as XML and as JSON
//! - [`courier`]: pushing it, and again until it is acknowledged
//! - [`sign_in`]: the page where somebody lets a site know who they are

pub(in crate::simulator) mod answer;
pub(in crate::simulator) mod courier;
#[cfg(test)]
pub(in crate::simulator) mod customer;
pub(in crate::simulator) mod envelope;
pub(in crate::simulator) mod event;
pub(in crate::simulator) mod faults;
pub(in crate::simulator) mod sign_in;

/// An id that nobody guesses.
pub(in crate::simulator) fn unguessable() -> String {
    format!("{:016x}{:016x}", rand::random::<u64>(), rand::random::<u64>())
}
