//! Aliyun's SMS service (Dysmsapi 2017-05-25) for one account on a socket, as its documentation has it, misbehaving on
//! demand.
//!
//! - [`server`]: [`AliyunSimulator`], its options, from a request to its answer; [`steer`]: over its own port
//! - [`gate`]: whether a call may come in: key, time, nonce, and [`signature`], reckoned anew
//! - [`texts`]: what a call asks to be sent, and what is wrong with it
//! - [`account`]: limits, balance and what was sent: what it remembers
//! - [`details`]: what it tells later and when it is asked
//! - [`answer`]: JSON and XML, business errors and the gateway's
//! - [`faults`]: what the account has, and what can go wrong
//!
//! It answers `SendSms`, `SendBatchSms` and `QuerySendDetails`, and pushes `SmsReport`.

mod account;
mod answer;
mod details;
mod faults;
mod gate;
mod server;
mod signature;
mod steer;
mod texts;

#[cfg(test)]
mod tests;

pub use faults::{AliyunFaults, AliyunTemplate};
pub use server::{AliyunOptions, AliyunSimulator, AliyunStats};
