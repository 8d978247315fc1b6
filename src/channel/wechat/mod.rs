//! WeChat, by the ways a campus has into it.
//!
//! - [`oauth`]: where people sign in with either
//! - [`official_account`]: its service account (服务号), by templates that WeChat has approved
//! - [`wecom`]: an application of the campus's WeCom (企业微信), which people also see in WeChat through its plug-in
//!
//! Both get a [`token`], are [called](call) with it, are [answered](answer) alike, and are called through the same [`door`], with the same [`crypto`].

mod answer;
mod call;
mod crypto;
mod door;
mod oauth;
pub mod official_account;
mod token;
pub mod wecom;
