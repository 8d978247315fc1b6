//! WeChat, by the ways a campus has into it.
//!
//! - [`wecom`]: an application of the campus's WeCom (企业微信), which people also see in WeChat through its plug-in

pub mod wecom;
