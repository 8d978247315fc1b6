//! An adapter whose calls are counted and timed, and told of as parts of their messages' traces.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use crate::channel::{Channel, Outcome, Parcel, Refusal, Sent, Shape, Verdict};
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::OutcomeClass;
use crate::domain::provider::Advice;
use crate::service::Services;
use crate::telemetry::metrics::ProviderMeter;
use crate::telemetry::traces::{Part, Traces};

struct Metered {
    adapter: Arc<dyn Channel>,
    name: String,
    meter: ProviderMeter,
    traces: Arc<Traces>,
}

/// The adapter of the provider of that name, for these channels.
pub(super) fn metered(
    s: &Services,
    name: &str,
    channels: &[ChannelKind],
    adapter: Arc<dyn Channel>,
) -> Arc<dyn Channel> {
    let meter = s.metrics.provider(name, channels);
    Arc::new(Metered { adapter, name: name.to_owned(), meter, traces: Arc::clone(&s.traces) })
}

/// A call fails where everything in it does.
fn note(call: &mut Part, outcomes: &[Outcome]) {
    let taken = outcomes.iter().filter(|outcome| outcome.class == OutcomeClass::Accepted).count();
    call.note("belltower.accepted", taken as i64);
    if taken == 0 {
        call.failed(outcomes.first().map_or("no_answer", |outcome| outcome.class.name()));
    }
}

#[async_trait]
impl Channel for Metered {
    fn shape(&self) -> Shape {
        self.adapter.shape()
    }

    async fn send(&self, parcels: &[Parcel]) -> Vec<Outcome> {
        let began = Instant::now();
        let Some(channel) = parcels.first().map(|parcel| parcel.channel) else { return Vec::new() };
        let messages = parcels.iter().map(|parcel| parcel.message);
        let mut call = self.traces.call(&self.name, channel, messages);
        let outcomes = self.adapter.send(parcels).await;
        self.meter.note(channel, outcomes.iter().map(|outcome| outcome.class), began);
        note(&mut call, &outcomes);
        outcomes
    }

    async fn poll(&self, sent: &[Sent]) -> Vec<Option<Verdict>> {
        self.adapter.poll(sent).await
    }

    fn is_bounce(&self, code: &str) -> bool {
        self.adapter.is_bounce(code)
    }

    async fn check(&self) -> Result<String, Refusal> {
        self.adapter.check().await
    }

    fn advice(&self, code: &str) -> Option<Advice> {
        self.adapter.advice(code)
    }

    async fn close(&self) {
        self.adapter.close().await;
    }
}
