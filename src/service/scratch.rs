//! Stores that live as long as a measurement.

use super::Services;
use crate::Result;
use crate::store::scratch as store;

pub use crate::store::scratch::{create, remove};

/// Has all that was planned end at once, as it may on a campus: one in a hundred failed, of one nobody knows.
pub async fn live_through(s: &Services) -> Result<()> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    store::live_through(&mut tx, now, &s.campus.day(now)).await?;
    tx.commit().await
}
