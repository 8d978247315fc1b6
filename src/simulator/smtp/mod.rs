//! A mail relay that speaks SMTP (RFC 5321) on a socket, and misbehaves on demand.
//!
//! - [`server`]: [`SmtpSimulator`], its options, the accept loop
//! - [`session`]: one connection's conversation; [`auth`] and [`transaction`]: the parts that sign in and carry a mail
//! - [`faults`]: what can go wrong, stage by stage and recipient by recipient
//! - [`wire`]: bytes in and out: lines, pipelining, closing and resetting; [`body`]: where a mail ends
//! - [`path`]: the arguments of MAIL and RCPT
//! - [`tls`]: when a connection is encrypted
//! - [`report`]: what it tells later of the mails it took
//! - [`stats`]: what the relay was asked; [`control`]: how it is steered over HTTP
//!
//! It holds clients to the letter where real relays do: CRLF line ends, line lengths, the order of commands. It
//! does not check senders, look up domains or deliver anything but reports.

mod auth;
mod body;
mod control;
mod faults;
mod path;
mod report;
mod server;
mod session;
mod stats;
mod tls;
mod transaction;
mod wire;

#[cfg(test)]
mod tests;

pub use faults::{Act, Certificate, DayQuota, Fault, Faults, Reply, Stage};
pub use report::{Bounce, BouncePlan};
pub use server::{SmtpOptions, SmtpSimulator};
pub use stats::SmtpStats;
pub use tls::SmtpTls;
