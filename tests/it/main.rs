//! Everything that is tested from outside, in one binary so that it links once.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]
#![allow(clippy::needless_pass_by_value, reason = "a body made in place reads best handed over")]
#![allow(clippy::unused_async, reason = "helpers of one family are called alike")]

mod access;
mod alarms;
mod amqp;
mod api;
mod audit;
mod broadcasts;
mod browser;
mod buttons;
mod cap;
mod chaos;
mod commands;
mod console;
mod directory;
mod dispatch;
mod email;
mod emergency;
mod faults;
mod filter;
mod fuzz;
mod house;
mod intake;
mod integration;
mod operations;
mod policies;
mod properties;
mod providers;
mod queue;
mod recipient;
mod retention;
mod routing;
mod scim;
mod secrets;
mod sms;
mod store;
mod subscriptions;
mod suggestions;
mod support;
mod vendors;
mod wechat;
mod wecom;
