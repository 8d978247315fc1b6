//! What a provider answered, and how long it took.

use std::time::Instant;

use ::metrics::{Counter, Histogram};

use super::catalogue::{ATTEMPT_SECONDS, ATTEMPTS};
use super::sheet::Sheet;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::OutcomeClass;

/// One provider's figures.
#[derive(Clone, Debug)]
pub struct ProviderMeter {
    channels: Vec<(ChannelKind, PerChannel)>,
}

#[derive(Clone, Debug)]
struct PerChannel {
    by_outcome: [Counter; OutcomeClass::ALL.len()],
    seconds: Histogram,
}

impl ProviderMeter {
    pub(super) fn new(sheet: &Sheet, provider: &str, channels: &[ChannelKind]) -> Self {
        let of = |channel: ChannelKind| PerChannel {
            by_outcome: OutcomeClass::ALL.map(|class| {
                let labels = [("channel", channel.name()), ("provider", provider), ("outcome", class.name())];
                sheet.counter(ATTEMPTS, &labels)
            }),
            seconds: sheet.histogram(ATTEMPT_SECONDS, &[("channel", channel.name()), ("provider", provider)]),
        };
        Self { channels: channels.iter().map(|channel| (*channel, of(*channel))).collect() }
    }

    /// A call that began then came to these outcomes, of as many deliveries of one channel.
    pub fn note(&self, channel: ChannelKind, outcomes: impl Iterator<Item = OutcomeClass>, began: Instant) {
        let Some((_, figures)) = self.channels.iter().find(|(known, _)| *known == channel) else { return };
        for class in outcomes {
            figures.by_outcome[class as usize].increment(1);
        }
        figures.seconds.record(began.elapsed());
    }
}
