//! What a text is billed as.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::channel::{Channel, Outcome, Parcel};
use crate::domain::channel::ChannelKind;
use crate::domain::sms_text::{self, Placement};

/// Of a text that was taken, or may have been.
pub(super) fn segments(
    adapter: &dyn Channel,
    campus: &str,
    parcel: &Parcel,
    outcome: Option<&Outcome>,
) -> i64 {
    let is_billed = outcome.is_some_and(|outcome| outcome.class.may_be_taken());
    if parcel.channel != ChannelKind::Sms || !is_billed {
        return 0;
    }
    // An adapter that panics here has taken the text all the same, and its delivery is to be settled.
    let arriving = catch_unwind(AssertUnwindSafe(|| adapter.arriving(parcel)));
    let text = match arriving.unwrap_or_default() {
        Some(Ok(arriving)) => arriving.text,
        _ => {
            let words = sms_text::words(&parcel.content);
            sms_text::signed(&words, campus, Placement::Prefix, true).into_owned()
        }
    };
    sms_text::measure(&text, parcel.address.starts_with("+86")).segments as i64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;

    use super::*;
    use crate::channel::{Arriving, Refusal, Shape};
    use crate::clock::Timestamp;
    use crate::domain::audience::Params;
    use crate::domain::channel::AddressKind;
    use crate::domain::content::Rendered;
    use crate::domain::delivery::OutcomeClass;
    use crate::domain::id::{DeliveryId, MessageId};

    /// Takes a text and then cannot say what it was.
    struct Breaks;

    #[async_trait]
    impl Channel for Breaks {
        fn shape(&self) -> Shape {
            Shape::Single { concurrency: 1 }
        }

        async fn send(&self, _parcels: &[Parcel]) -> Vec<Outcome> {
            Vec::new()
        }

        async fn check(&self) -> Result<String, Refusal> {
            Ok(String::new())
        }

        fn arriving(&self, _parcel: &Parcel) -> Option<Result<Arriving, Outcome>> {
            panic!("a bug")
        }
    }

    #[test]
    fn an_adapter_that_panics_is_counted_by_the_words_and_the_sign() {
        let parcel = Parcel {
            delivery: DeliveryId(1),
            message: MessageId(1),
            attempt: 1,
            channel: ChannelKind::Sms,
            address_kind: AddressKind::Mobile,
            address: "+8613800000000".to_owned(),
            name: None,
            language: "zh-CN".to_owned(),
            content: Arc::new(Rendered::new("", &"考".repeat(70), None)),
            params: Arc::new(Params::new()),
            template: None,
            page: None,
            roll_call: None,
            unsubscribe: None,
            emergency: false,
            sent_before: None,
            expires_at: Timestamp(0),
            head: Arc::default(),
        };
        let of = |class| segments(&Breaks, "钟楼大学", &parcel, Some(&Outcome::new(class)));
        assert_eq!(of(OutcomeClass::Accepted), 2);
        assert_eq!((of(OutcomeClass::PermanentMessage), segments(&Breaks, "", &parcel, None)), (0, 0));
    }
}
