//! A mail relay, an SMS gateway and a corp of WeCom's, each behind a way that can be broken. They count what they are given by
//! whom it is for: no two deliveries of a storm are for the same address.

use std::fmt;
use std::time::Duration;

use belltower::simulator::http_sms::{Inbox, Moment};
use belltower::simulator::wecom::{WecomCall, WecomMailbox};
use belltower::simulator::{
    Act, Faults, HttpSmsOptions, HttpSmsSimulator, Mailbox, SmsAct, SmsFaults, SmtpOptions, SmtpSimulator,
    Stage, WecomAct, WecomFaults, WecomOptions, WecomSimulator,
};
use serde_json::{Value, json};

use crate::support::proxy::Proxy;

/// How long each takes for what it is given, so that there is always something in flight.
const SLOW: Duration = Duration::from_millis(15);
/// How long nodes wait for an answer.
const PATIENCE_SECONDS: u64 = 2;

pub(super) struct Vendors {
    relay: SmtpSimulator,
    gateway: HttpSmsSimulator,
    corp: WecomSimulator,
    pub(super) mails: Proxy,
    pub(super) texts: Proxy,
    pub(super) chats: Proxy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vendor {
    Mails,
    Texts,
    Chats,
}

impl Vendor {
    pub(super) const ALL: [Self; 3] = [Self::Mails, Self::Texts, Self::Chats];
}

/// When a vendor stops answering.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hang {
    /// Nothing was taken yet.
    Before,
    /// It was taken; only the answer is missing.
    After,
}

impl fmt::Display for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mails => "mail relay",
            Self::Texts => "SMS gateway",
            Self::Chats => "WeCom",
        })
    }
}

pub(super) fn mail_address(number: usize) -> String {
    format!("m{number}@campus.example")
}

/// A number of the mainland, without its country.
pub(super) fn telephone(number: usize) -> String {
    format!("139{number:08}")
}

/// A user of WeCom's.
pub(super) fn member(number: usize) -> String {
    format!("member{number}")
}

impl Vendors {
    pub(super) async fn start() -> Self {
        let mailbox = Mailbox::keeping(0);
        let relay = SmtpOptions { mailbox, faults: slow_mails(), ..SmtpOptions::default() };
        let relay = SmtpSimulator::start(relay).await.unwrap();
        let gateway =
            HttpSmsOptions { inbox: Inbox::keeping(0), faults: slow_texts(), ..HttpSmsOptions::default() };
        let gateway = HttpSmsSimulator::start(gateway).await.unwrap();
        let corp = WecomOptions {
            mailbox: WecomMailbox::keeping(0),
            faults: slow_chats(),
            ..WecomOptions::default()
        };
        let corp = WecomSimulator::start(corp).await.unwrap();
        let mails = Proxy::plain(relay.addr().to_string()).await;
        let texts = Proxy::plain(gateway.addr().to_string()).await;
        let chats = Proxy::plain(corp.addr().to_string()).await;
        Self { relay, gateway, corp, mails, texts, chats }
    }

    /// What `belltower provider create` takes: channel, kind and settings.
    pub(super) fn providers(&self) -> [(&'static str, &'static str, Value); 3] {
        let mut relay = self.relay.settings();
        relay["from_address"] = json!("noreply@campus.example");
        relay["from_name"] = json!("钟楼大学");
        relay["port"] = json!(self.mails.port);
        relay["connections"] = json!(8);
        relay["timeout_seconds"] = json!(PATIENCE_SECONDS);
        let mut gateway = self.gateway.settings();
        gateway["request"]["url"] = json!(format!("http://127.0.0.1:{}/send", self.texts.port));
        gateway["timeout_seconds"] = json!(PATIENCE_SECONDS);
        let mut corp = self.corp.settings();
        corp["endpoint"] = json!(format!("http://127.0.0.1:{}", self.chats.port));
        corp["timeout_seconds"] = json!(PATIENCE_SECONDS);
        [("email", "smtp", relay), ("sms", "http_sms", gateway), ("wechat", "wecom", corp)]
    }

    /// How much was handed to all of them.
    pub(super) fn total(&self) -> u64 {
        self.relay.mailbox().total() + self.gateway.inbox().total() + self.corp.mailbox().total()
    }

    /// How often something came for an address, as the store writes it.
    pub(super) fn copies(&self, address: &str) -> u64 {
        match address.strip_prefix("+86") {
            Some(number) => self.gateway.inbox().texts_to(number),
            None if address.contains('@') => self.relay.mailbox().mails_to(address),
            None => self.corp.mailbox().messages_to(address),
        }
    }

    /// Calls that were left without an answer so far.
    pub(super) fn hung(&self) -> u64 {
        self.relay.stats().hung + self.gateway.stats().hung + self.corp.stats().hung
    }

    /// From now on it leaves every call without an answer.
    pub(super) fn hang(&self, vendor: Vendor, hang: Hang) {
        match vendor {
            Vendor::Mails => {
                let stage = match hang {
                    Hang::Before => Stage::Mail,
                    Hang::After => Stage::Kept,
                };
                self.relay.set_faults(slow_mails().at(stage, Act::Hang));
            }
            Vendor::Texts => {
                let moment = match hang {
                    Hang::Before => Moment::Call,
                    Hang::After => Moment::Sent,
                };
                self.gateway.set_faults(slow_texts().at(moment, SmsAct::Hang));
            }
            Vendor::Chats => {
                let act = match hang {
                    Hang::Before => WecomAct::Hang,
                    Hang::After => WecomAct::KeepAnswer,
                };
                self.corp.set_faults(slow_chats().at(WecomCall::Send, act));
            }
        }
    }

    /// It answers as before.
    pub(super) fn answer(&self, vendor: Vendor) {
        match vendor {
            Vendor::Mails => self.relay.set_faults(slow_mails()),
            Vendor::Texts => self.gateway.set_faults(slow_texts()),
            Vendor::Chats => self.corp.set_faults(slow_chats()),
        }
    }
}

fn slow_mails() -> Faults {
    Faults::default().slow(Stage::Body, SLOW).slow(Stage::Kept, SLOW)
}

fn slow_texts() -> SmsFaults {
    SmsFaults::default().slow(Moment::Call, SLOW).slow(Moment::Sent, SLOW)
}

fn slow_chats() -> WecomFaults {
    WecomFaults::default().slow(WecomCall::Send, SLOW)
}
