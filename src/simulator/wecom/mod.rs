//! WeCom's API (企业微信) for one application on a socket, as its documentation has it, misbehaving on demand.
//!
//! - [`server`]: [`WecomSimulator`], its options, from a request to its answer
//! - [`rules`]: what a message must be, and what it is cut to
//! - [`corp`]: tokens, quotas and repeats: what it remembers
//! - [`mailbox`]: what members received, newest first
//! - [`faults`]: what can go wrong, call by call and member by member
//!
//! It answers `gettoken`, `message/send`, `message/recall` and `agent/get`.

mod corp;
mod faults;
mod mailbox;
mod rules;
mod server;

#[cfg(test)]
mod tests;

pub use faults::{WecomAct, WecomCall, WecomFault, WecomFaults};
pub use mailbox::{WecomMailbox, WecomMessage, WecomPage, WecomQuery};
pub use server::{WecomClock, WecomOptions, WecomSimulator, WecomStats};
