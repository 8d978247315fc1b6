//! An adapter whose calls are counted and timed.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use crate::channel::{Channel, Outcome, Parcel, Refusal, Sent, Shape, Verdict};
use crate::domain::provider::Advice;
use crate::telemetry::metrics::ProviderMeter;

struct Metered {
    adapter: Arc<dyn Channel>,
    meter: ProviderMeter,
}

pub(super) fn metered(adapter: Arc<dyn Channel>, meter: ProviderMeter) -> Arc<dyn Channel> {
    Arc::new(Metered { adapter, meter })
}

#[async_trait]
impl Channel for Metered {
    fn shape(&self) -> Shape {
        self.adapter.shape()
    }

    async fn send(&self, parcels: &[Parcel]) -> Vec<Outcome> {
        let began = Instant::now();
        let outcomes = self.adapter.send(parcels).await;
        if let Some(parcel) = parcels.first() {
            self.meter.note(parcel.channel, outcomes.iter().map(|outcome| outcome.class), began);
        }
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
