//! Vendors as they answer, in-process and on demand: what the demo sends to, what tests and benches count at.
//!
//! A simulator imports nothing of ours: it must not share a routine with the adapter it checks, or both would be
//! wrong together. Each one listens on a real socket, behaves as its vendor documents, and misbehaves on demand.
//!
//! - [`smtp`]: a mail relay ([`SmtpSimulator`]) with TLS, sign-in and faults at every stage of the conversation
//! - [`aliyun`] and [`tencent`]: the SMS services of both clouds ([`AliyunSimulator`], [`TencentSimulator`]), with
//!   their receipts ([`ReportPlan`])
//! - [`http_sms`]: an SMS gateway called over HTTP ([`HttpSmsSimulator`]), with its receipts
//! - [`mailbox`]: what the relay took, newest first; counts that show a mail that came twice
//! - [`mail`]: one mail as its reader sees it, parsed only when somebody looks
//! - [`wecom`]: WeCom's API for one application ([`WecomSimulator`]), and what its members received
//! - [`official_account`]: WeChat's API for one service account ([`OfficialAccountSimulator`]), its followers, and what
//!   they received
//! - [`shell`]: what is around each of those that speak HTTP; [`shelf`]: what they were sent; [`control`]: how they are
//!   steered while they run
//! - [`sms_cloud`] and [`wechat`]: what two vendors each have in common
//! - [`campus_sign_in`]: a university's own sign-in, by CAS and by OpenID Connect ([`CampusSignInSimulator`])
//!
//! ```
//! # use belltower::simulator::{Faults, Reply, SmtpOptions, SmtpSimulator};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let faults = Faults::default().refusing("bounce*", Reply::new(550, "5.1.1 No such person"));
//! let relay = SmtpSimulator::start(SmtpOptions { faults, ..SmtpOptions::default() }).await?;
//! // point a provider at relay.addr(), send, then:
//! assert_eq!(relay.mailbox().total(), 0);
//! relay.stop().await;
//! # Ok(())
//! # }
//! ```

pub mod aliyun;
pub mod campus_sign_in;
mod clock;
mod control;
mod frequency;
mod held;
mod http;
pub mod http_sms;
pub mod mail;
pub mod mailbox;
pub mod official_account;
mod pages;
mod pattern;
mod reports;
mod share;
mod shelf;
mod shell;
mod sms_cloud;
pub mod smtp;
mod tally;
pub mod tencent;
#[cfg(test)]
mod testing;
mod tls;
mod wechat;
pub mod wecom;

pub use aliyun::{AliyunFaults, AliyunOptions, AliyunSimulator, AliyunStats, AliyunTemplate};
pub use campus_sign_in::{CampusSignInOptions, CampusSignInSimulator, CampusSignInStats};
pub use clock::{VendorClock, VendorClock as WecomClock};
pub use http_sms::{
    HttpSmsOptions, HttpSmsSimulator, Moment, ReceiptPlan, SignatureCheck, SmsAct, SmsFaults,
};
pub use mail::{Mail, MailSummary};
pub use mailbox::{MailPage, MailQuery, Mailbox};
pub use official_account::{
    Happening, OfficialAccountCall, OfficialAccountFaults, OfficialAccountMailbox, OfficialAccountOptions,
    OfficialAccountQuery, OfficialAccountSimulator, OfficialAccountStats, OfficialAccountTemplate,
};
pub use reports::{ReportPlan, ReportStats};
pub use shelf::Lookup;
pub use shell::Simulator;
pub use smtp::{
    Act, Bounce, BouncePlan, Certificate, DayQuota, Fault, Faults, Reply, SmtpOptions, SmtpSimulator,
    SmtpStats, SmtpTls, Stage,
};
pub use tencent::{TencentFaults, TencentOptions, TencentSimulator, TencentStats, TencentTemplate};
pub use wechat::courier::{PushAnswer, PushFormat, PushPlan, PushStats};
pub use wechat::faults::{WechatAct, WechatFault};
pub use wecom::{
    WecomAct, WecomCall, WecomCard, WecomFault, WecomFaults, WecomHappening, WecomMailbox, WecomMembers,
    WecomMessage, WecomOptions, WecomPage, WecomQuery, WecomSimulator, WecomStats,
};
