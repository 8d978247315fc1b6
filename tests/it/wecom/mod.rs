//! Messages handed to a WeCom application whose corp answers on a socket, behaves, and misbehaves.

mod path;
mod recall;
mod sending;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use belltower::channel::{Channel, Outcome, Parcel};
use belltower::clock::Clock;
use belltower::domain::channel::{AddressKind, ChannelKind};
use belltower::domain::content::Rendered;
use belltower::domain::delivery::OutcomeClass;
use belltower::domain::id::MessageId;
use belltower::domain::provider::ProviderKind;
use belltower::simulator::{WecomClock, WecomFaults, WecomOptions, WecomSimulator};
use serde_json::{Value, json};

use crate::support::services::START;
use crate::support::{adapters, time};

/// Longer than any answer takes. Where it is to run out, it does so at once.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A corp with an adapter that sends to it, both by a clock that is turned by hand.
struct Messaging {
    corp: WecomSimulator,
    channel: Arc<dyn Channel>,
    clock: Clock,
}

impl Messaging {
    async fn with(faults: WecomFaults) -> Self {
        Self::over(faults, json!({})).await
    }

    /// `settings` are laid over the usual ones.
    async fn over(faults: WecomFaults, settings: Value) -> Self {
        let clock = Clock::manual(START);
        let corp = corp(faults, &clock).await;
        let channel = channel(&corp, &clock, &settings);
        Self { corp, channel, clock }
    }

    async fn send(&self, parcels: &[Parcel]) -> Vec<Outcome> {
        let outcomes = self.channel.send(parcels).await;
        assert_eq!(outcomes.len(), parcels.len());
        outcomes
    }

    /// Sends the same text to these members.
    async fn tell(&self, members: &[&str]) -> Vec<Outcome> {
        let content = text("停水通知", None);
        let parcels: Vec<_> = (1..)
            .zip(members)
            .map(|(n, member)| Parcel { content: content.clone(), ..parcel(n, member) })
            .collect();
        self.send(&parcels).await
    }

    /// What becomes of a message to one.
    async fn one(&self) -> Outcome {
        self.tell(&["lina"]).await.remove(0)
    }

    /// What comes of something during which the corp may hang.
    async fn met<T>(&self, doing: impl Future<Output = T>) -> T {
        time::running_out(TIMEOUT, || self.corp.stats().hung, doing).await
    }

    fn turn(&self, by: Duration) {
        self.clock.turn(by.as_millis() as i64);
    }
}

async fn corp(faults: WecomFaults, clock: &Clock) -> WecomSimulator {
    let clock = clock.clone();
    let clock = WecomClock(Arc::new(move || clock.now().0));
    WecomSimulator::start(WecomOptions { faults, clock, ..WecomOptions::default() }).await.unwrap()
}

/// A provider's settings for the corp's application.
fn settings(corp: &WecomSimulator, more: &Value) -> Value {
    let mut settings = corp.settings();
    settings["timeout_seconds"] = json!(TIMEOUT.as_secs());
    adapters::laid_over(settings, more)
}

fn channel(corp: &WecomSimulator, clock: &Clock, more: &Value) -> Arc<dyn Channel> {
    adapters::adapter(ProviderKind::Wecom, &settings(corp, more), clock)
}

fn text(title: &str, link: Option<&str>) -> Arc<Rendered> {
    Arc::new(Rendered::new(title, "今晚 **22:00** 起。", link))
}

fn parcel(number: i64, member: &str) -> Parcel {
    let parcel = adapters::parcel(number, ChannelKind::Wechat, AddressKind::WecomUserid, member);
    Parcel { content: text("停水通知", None), ..parcel }
}

fn classes(outcomes: &[Outcome]) -> Vec<OutcomeClass> {
    outcomes.iter().map(|outcome| outcome.class).collect()
}
