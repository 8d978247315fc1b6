//! Stores and queues that live as long as a measurement.

use super::{Services, open};
use crate::config::BrokerUrl;
use crate::store::scratch as store;
use crate::{Error, Result};

pub use crate::store::scratch::{create, remove};

/// Removes whatever a process on that queue made at the broker.
pub async fn remove_queue(broker: &BrokerUrl) -> Result<()> {
    open::at_broker(broker)?.remove().await.map_err(|error| Error::unavailable(error.to_string()))
}

/// Has all that was planned and is open end at once, as it may on a campus: one in a hundred failed, of one nobody knows.
pub async fn live_through(s: &Services) -> Result<()> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    store::live_through(&mut tx, now, &s.campus.day(now)).await?;
    tx.commit().await
}

/// Has the store tidy up after much was written to it, so that what is measured next does not share the machine with that.
pub async fn settle_down(s: &Services) -> Result<()> {
    store::settle_down(&s.db).await
}
