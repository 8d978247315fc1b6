//! Mail handed to a relay that speaks SMTP on a socket, behaves, and misbehaves.

mod ahead;
mod bounces;
mod content;
mod control;
mod door;
mod relay;
mod signing;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use belltower::channel::{Channel, Outcome, Parcel};
use belltower::clock::Clock;
use belltower::domain::channel::{AddressKind, ChannelKind};
use belltower::domain::content::Rendered;
use belltower::domain::delivery::OutcomeClass;
use belltower::domain::provider::ProviderKind;
use belltower::simulator::{Faults, SmtpOptions, SmtpSimulator};
use serde_json::{Value, json};

use crate::support::services::START;
use crate::support::{adapters, time};

/// Longer than any answer takes. Where it is to run out, it does so at once.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A relay with an adapter that sends to it.
struct Mailing {
    relay: SmtpSimulator,
    channel: Arc<dyn Channel>,
    clock: Clock,
}

impl Mailing {
    async fn with(faults: Faults) -> Self {
        Self::over(SmtpOptions { faults, ..SmtpOptions::default() }, json!({})).await
    }

    /// `settings` are laid over the usual ones.
    async fn over(options: SmtpOptions, settings: Value) -> Self {
        let relay = SmtpSimulator::start(options).await.unwrap();
        let clock = Clock::manual(START);
        let channel = channel(&relay, &clock, &settings);
        Self { relay, channel, clock }
    }

    async fn send(&self, parcel: Parcel) -> Outcome {
        self.channel.send(&[parcel]).await.remove(0)
    }

    /// Sends the delivery of this number to an address.
    async fn mail(&self, number: i64, address: &str) -> Outcome {
        self.send(parcel(number, address)).await
    }

    /// Sends deliveries of these numbers at once, and gives what becomes of each.
    async fn all(&self, mails: &[(i64, &str)]) -> Vec<Outcome> {
        let parcels: Vec<_> = mails.iter().map(|(number, address)| parcel(*number, address)).collect();
        let sent = parcels.iter().map(|parcel| self.channel.send(std::slice::from_ref(parcel)));
        futures_util::future::join_all(sent)
            .await
            .into_iter()
            .map(|mut outcomes| outcomes.remove(0))
            .collect()
    }

    /// The class alone.
    async fn class(&self, number: i64, address: &str) -> OutcomeClass {
        self.mail(number, address).await.class
    }

    /// What comes of something during which the relay may hang.
    async fn met<T>(&self, doing: impl Future<Output = T>) -> T {
        time::running_out(TIMEOUT, || self.relay.stats().hung, doing).await
    }
}

fn channel(relay: &SmtpSimulator, clock: &Clock, settings: &Value) -> Arc<dyn Channel> {
    let usual = json!({
        "host": "127.0.0.1", "port": relay.addr().port(), "tls": "none", "connections": 1,
        "from_address": "bell@campus.example", "from_name": "钟楼大学", "timeout_seconds": TIMEOUT.as_secs(),
    });
    adapters::adapter(ProviderKind::Smtp, &adapters::laid_over(usual, settings), clock)
}

fn parcel(number: i64, address: &str) -> Parcel {
    let parcel = adapters::parcel(number, ChannelKind::Email, AddressKind::Email, address);
    Parcel {
        content: Arc::new(Rendered::new("期末考试安排", "请于**周五**前确认。", None)), ..parcel
    }
}
