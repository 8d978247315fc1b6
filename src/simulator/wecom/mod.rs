//! WeCom's API (企业微信) for one application on a socket, as its documentation has it, misbehaving on demand.
//!
//! - [`server`]: [`WecomSimulator`], its options, its counts
//! - [`calls`]: what each call does
//! - [`rules`]: what a message must be, and what it is cut to
//! - [`corp`]: tokens, quotas and repeats: what it remembers
//! - [`cards`]: what a template card must be
//! - [`happening`]: what members do, and how the corp's owner is told
//! - [`control`]: what it is told over its own port to do
//! - [`mailbox`]: what members received, newest first
//! - [`faults`]: what can go wrong, call by call and member by member
//!
//! It answers `gettoken`, `message/send`, `message/recall`, `message/update_template_card`, `agent/get`, the page where a
//! member signs in to a site, and `auth/getuserinfo`.

mod calls;
mod cards;
mod control;
mod corp;
mod faults;
mod happening;
mod mailbox;
mod rules;
mod server;

#[cfg(test)]
mod tests;

pub use cards::WecomCard;
pub use faults::{WecomAct, WecomCall, WecomFault, WecomFaults};
pub use happening::{WecomHappening, WecomMembers};
pub use mailbox::{WecomMailbox, WecomMessage, WecomPage, WecomQuery};
pub use server::{WecomOptions, WecomSimulator, WecomStats};
