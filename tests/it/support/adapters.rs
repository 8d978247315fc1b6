//! Adapters as the registry builds them, and what is handed to them.

use std::sync::Arc;

use belltower::channel::registry::{Site, build};
use belltower::channel::{Channel, Parcel, Peers};
use belltower::clock::{Clock, Timestamp};
use belltower::domain::channel::{AddressKind, ChannelKind};
use belltower::domain::content::Rendered;
use belltower::domain::id::{DeliveryId, MessageId};
use belltower::domain::provider::ProviderKind;
use serde_json::Value;

/// The campus that adapters send for.
pub(crate) fn site(clock: &Clock) -> Site {
    Site {
        campus: "钟楼大学".into(),
        public_url: "https://bell.campus.example".parse().unwrap(),
        clock: clock.clone(),
        bounce_key: [7; 32],
        peers: Peers::default(),
    }
}

pub(crate) fn adapter(kind: ProviderKind, settings: &Value, clock: &Clock) -> Arc<dyn Channel> {
    build(kind, settings, &site(clock)).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// A message about an exam to somebody, in its first attempt.
pub(crate) fn parcel(number: i64, channel: ChannelKind, address_kind: AddressKind, address: &str) -> Parcel {
    Parcel {
        delivery: DeliveryId(number),
        message: MessageId(1),
        attempt: 1,
        channel,
        address_kind,
        address: address.to_owned(),
        name: Some("李娜".to_owned()),
        language: "zh-CN".to_owned(),
        content: Arc::new(Rendered::new("期末考试安排", "地点：**教三 204**。", None)),
        params: Arc::default(),
        template: None,
        page: None,
        roll_call: None,
        unsubscribe: None,
        emergency: false,
        sent_before: None,
        expires_at: Timestamp::NEVER,
        head: Arc::default(),
    }
}

/// Settings with others laid over them, one by one.
pub(crate) fn laid_over(mut settings: Value, more: &Value) -> Value {
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    settings
}
