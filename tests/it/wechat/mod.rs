//! WeChat's two ways: an Official Account, and what both vendors tell us in calls of their own.

mod answers;
mod callbacks;
mod cards;
mod kinds;
mod official_account;
mod roll_call;
pub(crate) mod seal;
mod simulated;
mod vendor;

use std::sync::Arc;
use std::time::Duration;

use belltower::channel::{Channel, Outcome, Parcel};
use belltower::clock::Clock;
use belltower::domain::channel::{AddressKind, ChannelKind};
use belltower::domain::content::Rendered;
use belltower::domain::delivery::OutcomeClass;
use belltower::domain::id::{DeliveryId, ProviderId};
use belltower::domain::provider::ProviderKind;
use serde_json::{Value, json};

use self::vendor::{Call, Reply, Vendor, errcode};
use crate::support::adapters;
use crate::support::services::START;

const TOKEN: &str = "/cgi-bin/stable_token";
const SEND: &str = "/cgi-bin/message/template/send";
const BIZSEND: &str = "/cgi-bin/message/subscribe/bizsend";

/// An account whose vendor says what a test has it say.
struct Account {
    vendor: Vendor,
    channel: Arc<dyn Channel>,
    clock: Clock,
}

impl Account {
    async fn over(
        more: Value,
        script: impl Fn(&Call, usize) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let vendor = Vendor::start(script).await;
        let clock = Clock::manual(START);
        let channel = channel(ProviderKind::WechatOfficialAccount, &account(&vendor, &more), &clock);
        Self { vendor, channel, clock }
    }

    /// Whose vendor says this to each message.
    async fn saying(reply: Reply) -> Self {
        Self::over(json!({}), move |call, _| (call.path == SEND).then(|| reply.clone())).await
    }

    async fn send(&self) -> Outcome {
        self.channel.send(&[parcel(7)]).await.remove(0)
    }
}

/// Settings of an account; `more` is laid over them.
fn account(vendor: &Vendor, more: &Value) -> Value {
    let settings = json!({
        "app_id": "wxba5fad812f8e6fb9", "app_secret": "hunter2", "endpoint": vendor.url, "timeout_seconds": 5,
        "default_template": { "id": "t1", "fields": { "thing1": "title", "thing2": "body" } },
        "templates": { "book-due": { "id": "t2", "fields": { "thing1": "book" } } },
    });
    adapters::laid_over(settings, more)
}

fn channel(kind: ProviderKind, settings: &Value, clock: &Clock) -> Arc<dyn Channel> {
    adapters::adapter(kind, settings, clock)
}

fn parcel(number: i64) -> Parcel {
    adapters::parcel(number, ChannelKind::Wechat, AddressKind::WechatOpenid, "oABCD-1")
}
