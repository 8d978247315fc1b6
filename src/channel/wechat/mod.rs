//! WeChat, by the ways a campus has into it.
//!
//! - [`oauth`]: where people sign in with either
//! - [`wecom`]: an application of the campus's WeCom (企业微信), which people also see in WeChat through its plug-in

mod oauth;
pub mod wecom;
