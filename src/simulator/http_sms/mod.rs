//! An SMS gateway that is called over HTTP, as mainland vendors answer: 200 for yes and no, a code in the body, receipts
//! pushed later to an address of the customer's.
//!
//! - [`server`]: [`HttpSmsSimulator`], its options, one call from its beginning to its answer
//! - [`request`]: what a call asks for, in whatever form it comes; [`signature`]: whether it may
//! - [`answer`]: what the gateway says to it
//! - [`receipts`]: what it tells later, late, twice or in the wrong order
//! - [`faults`]: what can go wrong
//! - [`inbox`]: the telephones' side of it

mod answer;
mod faults;
mod inbox;
mod receipts;
mod request;
mod server;
mod signature;

#[cfg(test)]
mod tests;

pub use crate::simulator::http::Request as SmsRequest;
pub use answer::AnswerFormat;
pub(super) use faults::{Fate, Plan};
pub use faults::{Moment, SmsAct, SmsFault, SmsFaults};
pub(super) use inbox::segments;
pub use inbox::{Inbox, InboxPage, InboxQuery, Sms};
pub use receipts::{Pushed, ReceiptFormat, ReceiptPlan};
pub use server::{HttpSmsOptions, HttpSmsSimulator, HttpSmsStats};
pub use signature::{Part, SignatureCheck};
