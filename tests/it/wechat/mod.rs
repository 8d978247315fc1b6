//! WeChat's two ways: an Official Account, and what both vendors tell us in calls of their own.

mod callbacks;
mod cards;
mod kinds;
mod official_account;
pub(crate) mod seal;
mod simulated;
mod vendor;

use std::sync::Arc;
use std::time::Duration;

use belltower::channel::registry::{Site, build};
use belltower::channel::{Channel, Outcome, Parcel};
use belltower::clock::{Clock, Timestamp};
use belltower::domain::channel::{AddressKind, ChannelKind};
use belltower::domain::content::Rendered;
use belltower::domain::delivery::OutcomeClass;
use belltower::domain::id::{DeliveryId, MessageId, ProviderId};
use belltower::domain::provider::ProviderKind;
use serde_json::{Value, json};

use self::vendor::{Call, Reply, Vendor, errcode};
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
    let mut settings = json!({
        "app_id": "wxba5fad812f8e6fb9", "app_secret": "hunter2", "endpoint": vendor.url, "timeout_seconds": 5,
        "default_template": { "id": "t1", "fields": { "thing1": "title", "thing2": "body" } },
        "templates": { "book-due": { "id": "t2", "fields": { "thing1": "book" } } },
    });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    settings
}

fn channel(kind: ProviderKind, settings: &Value, clock: &Clock) -> Arc<dyn Channel> {
    let site = Site {
        campus: "钟楼大学".into(),
        public_url: "https://bell.campus.example".parse().unwrap(),
        clock: clock.clone(),
        bounce_key: [7; 32],
    };
    build(kind, settings, &site).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn parcel(number: i64) -> Parcel {
    Parcel {
        delivery: DeliveryId(number),
        message: MessageId(1),
        attempt: 1,
        channel: ChannelKind::Wechat,
        address_kind: AddressKind::WechatOpenid,
        address: "oABCD-1".to_owned(),
        name: Some("李娜".to_owned()),
        language: "zh-CN".to_owned(),
        content: Arc::new(Rendered::new("期末考试安排", "地点：**教三 204**。", None)),
        params: Arc::default(),
        template: None,
        page: None,
        unsubscribe: None,
        emergency: false,
        sent_before: None,
        expires_at: Timestamp::NEVER,
    }
}
