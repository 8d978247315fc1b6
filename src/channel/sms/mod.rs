//! SMS through vendors' gateways.
//!
//! - [`aliyun`], [`tencent`]: Alibaba Cloud's and Tencent Cloud's own APIs
//! - [`http`]: any gateway that is called over HTTP, described by its settings
//! - [`number`]: telephone numbers as vendors write them
//! - [`vendor`], [`encode`]: what calls have in common

pub mod aliyun;
mod encode;
pub mod http;
mod number;
pub mod tencent;
mod vendor;

pub use aliyun::AliyunSms;
pub use http::HttpSms;
pub use tencent::TencentSms;
