//! WeChat's API for one Official Account of the kind service account (服务号) on a socket, as its documentation has it,
//! misbehaving on demand.
//!
//! - [`server`]: [`OfficialAccountSimulator`], its options, its counts
//! - [`calls`]: what each call does
//! - [`tokens`]: the stable token and the old one
//! - [`sending`]: template messages and subscription messages
//! - [`templates`]: what may stand in a template's places
//! - [`account`]: followers, consents, quotas, repeats: what it remembers
//! - [`happening`]: what followers do, and how the account's owner is told
//! - [`pages`]: what opens in a follower's browser
//! - [`control`]: what it is told over its own port to do
//! - [`mailbox`]: what followers received, newest first
//! - [`faults`]: what can go wrong, call by call and follower by follower

mod account;
mod calls;
mod control;
mod faults;
mod happening;
mod mailbox;
mod pages;
mod sending;
mod server;
mod templates;
mod tokens;

#[cfg(test)]
mod tests;

pub use account::Follower;
pub use faults::{OfficialAccountCall, OfficialAccountFault, OfficialAccountFaults};
pub use happening::Happening;
pub use mailbox::{
    OfficialAccountMailbox, OfficialAccountMessage, OfficialAccountPage, OfficialAccountQuery,
};
pub use server::{OfficialAccountOptions, OfficialAccountSimulator, OfficialAccountStats};
pub use templates::OfficialAccountTemplate;

use crate::simulator::wechat::answer::Refusal;

/// The vendor's words end with the id of the request.
fn refuse(errcode: i64, words: &str) -> Refusal {
    Refusal::new(errcode, format!("{words} rid: {:08x}-{:08x}", rand::random::<u32>(), rand::random::<u32>()))
}

/// Whether it is an openid as accounts have them.
fn is_openid(text: &str) -> bool {
    let rest = text.strip_prefix('o').unwrap_or_default();
    (5..128).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}
