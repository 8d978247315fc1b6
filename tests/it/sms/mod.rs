//! SMS handed to gateways and vendors that behave, misbehave, and tell later.

mod aliyun;
mod arriving;
mod asking;
mod clouds;
mod failover;
mod outcomes;
mod receipts;
mod requests;
mod tencent;
mod vendor;

use std::sync::Arc;
use std::time::Duration;

use belltower::channel::{Channel, Outcome, Parcel};
use belltower::clock::{Clock, Timestamp};
use belltower::domain::channel::{AddressKind, ChannelKind};
use belltower::domain::content::Rendered;
use belltower::domain::delivery::OutcomeClass;
use belltower::domain::id::DeliveryId;
use belltower::domain::provider::ProviderKind;
use belltower::simulator::http_sms::{Inbox, InboxQuery};
use belltower::simulator::{HttpSmsOptions, HttpSmsSimulator, SmsFaults};
use serde_json::{Value, json};

use crate::support::adapters::{self, adapter};
use crate::support::services::START;
use crate::support::time;

/// Longer than any answer takes. Where it is to run out, it does so at once.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A gateway with an adapter that sends to it.
struct Texting {
    gateway: HttpSmsSimulator,
    channel: Arc<dyn Channel>,
    clock: Clock,
}

impl Texting {
    async fn with(faults: SmsFaults) -> Self {
        Self::over(HttpSmsOptions { faults, ..HttpSmsOptions::default() }, json!({})).await
    }

    /// `settings` are laid over the usual ones.
    async fn over(options: HttpSmsOptions, settings: Value) -> Self {
        let gateway = HttpSmsSimulator::start(options).await.unwrap();
        let clock = Clock::manual(START);
        let channel = channel(&usual(&gateway.send_url(), &settings), &clock);
        Self { gateway, channel, clock }
    }

    async fn send(&self, parcel: Parcel) -> Outcome {
        self.channel.send(&[parcel]).await.remove(0)
    }

    /// Sends the delivery of this number to a telephone.
    async fn text(&self, number: i64, address: &str) -> Outcome {
        self.send(parcel(number, address)).await
    }

    /// As [`text`](Self::text), by a gateway that may hang.
    async fn met(&self, number: i64, address: &str) -> Outcome {
        time::running_out(TIMEOUT, || self.gateway.stats().hung, self.text(number, address)).await
    }

    /// The class alone.
    async fn class(&self, number: i64, address: &str) -> OutcomeClass {
        self.text(number, address).await.class
    }

    fn inbox(&self) -> Inbox {
        self.gateway.inbox()
    }

    /// What came, in its order: number and text.
    fn came(&self) -> Vec<(String, String)> {
        let page = self.inbox().list(&InboxQuery { limit: 1_000, ..InboxQuery::default() });
        page.texts.into_iter().rev().map(|sms| (sms.number, sms.text)).collect()
    }
}

/// The gateway as the simulator answers.
fn usual(url: &str, more: &Value) -> Value {
    let mut settings = json!({
        "request": {"url": url},
        "sign_name": "钟楼大学", "timeout_seconds": TIMEOUT.as_secs(),
        "answer": {
            "success": {"pointer": "/code", "equals": "0"}, "message_id": "/msgid", "failed_numbers": "/failed",
            "code": "/code", "codes": {
                "1000": "config", "1001": "permanent_recipient", "2001": "throttled", "3001": "permanent_message",
                "5001": "transient",
            },
        },
    });
    for (key, value) in more.as_object().unwrap() {
        match (settings[key].as_object_mut(), value.as_object()) {
            (Some(old), Some(new)) => old.extend(new.clone()),
            _ => settings[key] = value.clone(),
        }
    }
    settings
}

fn channel(settings: &Value, clock: &Clock) -> Arc<dyn Channel> {
    adapter(ProviderKind::HttpSms, settings, clock)
}

fn content(title: &str, body: &str) -> Arc<Rendered> {
    Arc::new(Rendered::new(title, body, None))
}

fn parcel(number: i64, address: &str) -> Parcel {
    adapters::parcel(number, ChannelKind::Sms, AddressKind::Mobile, address)
}

/// The numbers from `+8613800000001` on.
fn parcels(count: i64) -> Vec<Parcel> {
    (1..=count).map(|n| parcel(n, &format!("+86138{n:08}"))).collect()
}

fn classes(outcomes: &[Outcome]) -> Vec<OutcomeClass> {
    outcomes.iter().map(|outcome| outcome.class).collect()
}
