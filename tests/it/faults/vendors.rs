//! A mail relay, an SMS gateway and a corp of WeCom's that take their time, and count what they are given by whom it is for.

use std::time::Duration;

use belltower::simulator::http_sms::Inbox;
use belltower::simulator::wecom::{WecomCall, WecomMailbox};
use belltower::simulator::{
    Faults, HttpSmsOptions, HttpSmsSimulator, Mailbox, Moment, SmsFaults, SmtpOptions, SmtpSimulator, Stage,
    WecomFaults, WecomOptions, WecomSimulator,
};
use serde_json::{Value, json};

use crate::support::process::Installation;

/// A mail, and a call of the gateway.
const SLOW: Duration = Duration::from_millis(20);
/// WeCom is called once for everybody.
const SLOWER: Duration = Duration::from_millis(300);
/// So few that there is a midst.
const TEXTS_A_CALL: usize = 10;

pub(super) struct Vendors {
    pub(super) relay: SmtpSimulator,
    gateway: HttpSmsSimulator,
    corp: WecomSimulator,
}

/// Somebody whom each of them reaches.
pub(super) fn person(number: usize) -> Value {
    json!({
        "name": "李想", "email": address(number), "mobile": telephone(number), "wecom_userid": member(number),
    })
}

fn address(number: usize) -> String {
    format!("p{number}@campus.example")
}

fn telephone(number: usize) -> String {
    format!("138000{number:05}")
}

fn member(number: usize) -> String {
    format!("member{number}")
}

impl Vendors {
    pub(super) async fn start() -> Self {
        let faults = Faults::default().slow(Stage::Kept, SLOW);
        let relay = SmtpOptions { mailbox: Mailbox::keeping(0), faults, ..SmtpOptions::default() };
        let faults = SmsFaults::default().slow(Moment::Sent, SLOW);
        let gateway = HttpSmsOptions { inbox: Inbox::keeping(0), faults, ..HttpSmsOptions::default() };
        let faults = WecomFaults::default().slow(WecomCall::Send, SLOWER);
        let corp = WecomOptions { mailbox: WecomMailbox::keeping(0), faults, ..WecomOptions::default() };
        Self {
            relay: SmtpSimulator::start(relay).await.unwrap(),
            gateway: HttpSmsSimulator::start(gateway).await.unwrap(),
            corp: WecomSimulator::start(corp).await.unwrap(),
        }
    }

    /// Sets a provider up for each.
    pub(super) async fn provide(&self, here: &Installation) {
        here.smtp_provider(self.relay.addr()).await;
        let mut gateway = self.gateway.settings();
        gateway["recipients"]["per_call"] = json!(TEXTS_A_CALL);
        gateway["concurrency"] = json!(1);
        here.provider("gateway", "sms", "http_sms", &gateway).await;
        here.provider("corp", "wechat", "wecom", &self.corp.settings()).await;
    }

    /// How often somebody was sent something: by mail, by SMS, in WeCom.
    pub(super) fn copies(&self, number: usize) -> [u64; 3] {
        [
            self.relay.mailbox().mails_to(&address(number)),
            self.gateway.inbox().texts_to(&telephone(number)),
            self.corp.mailbox().messages_to(&member(number)),
        ]
    }
}
