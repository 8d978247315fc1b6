//! A parcel for tests, to be changed in what each is about.

use std::sync::Arc;

use super::Parcel;
use crate::clock::Timestamp;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::content::Rendered;
use crate::domain::id::{DeliveryId, MessageId};

/// A text to a mobile number, by no template.
pub fn parcel() -> Parcel {
    Parcel {
        delivery: DeliveryId(1),
        message: MessageId(1),
        attempt: 1,
        channel: ChannelKind::Sms,
        address_kind: AddressKind::Mobile,
        address: "+8613800000001".to_owned(),
        name: None,
        language: "zh-CN".to_owned(),
        content: Arc::new(Rendered::new("考试", "改在教三", None)),
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
