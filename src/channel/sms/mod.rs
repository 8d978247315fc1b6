//! SMS through vendors' gateways.
//!
//! - [`http`]: any gateway that is called over HTTP, described by its settings
//! - [`number`]: telephone numbers as vendors write them

pub mod http;
mod number;

pub use http::HttpSms;
