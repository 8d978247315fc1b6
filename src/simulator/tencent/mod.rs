//! Tencent Cloud's SMS service (2021-01-11) for one account on a socket, as its documentation has it, misbehaving on
//! demand.
//!
//! - [`server`]: [`TencentSimulator`], its options, from a request to its answer; [`steer`]: over its own port
//! - [`gate`]: whether a call may come in: headers, key, time, and [`signature`], reckoned anew
//! - [`texts`]: what a call asks to be sent, and what is wrong with the whole of it or with one number
//! - [`account`]: limits, balance: what it remembers
//! - [`statuses`]: what it tells later and when it is asked
//! - [`faults`]: what the account has, and what can go wrong
//!
//! It answers `SendSms`, `PullSmsSendStatus` and `PullSmsSendStatusByPhoneNumber`, and pushes what became of texts and
//! what people replied.

mod account;
mod faults;
mod gate;
mod server;
mod signature;
mod statuses;
mod steer;
mod texts;

#[cfg(test)]
mod tests;

pub use faults::{TencentFaults, TencentTemplate};
pub use server::{TencentOptions, TencentSimulator, TencentStats};
