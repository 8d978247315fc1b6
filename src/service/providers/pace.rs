//! The part of a provider's rate that this process may use, where others hand over to it too.

use crate::Result;
use crate::domain::id::ProviderId;
use crate::service::Services;
use crate::store::paces;

pub use crate::store::paces::Grant as Drawn;

const SECOND: f64 = 1_000_000.0;

/// Takes as many of `most` hand-overs as `per_second` of all processes together leaves, and `burst` at once at most. What is
/// not used is not given back.
pub async fn draw(
    s: &Services,
    provider: ProviderId,
    per_second: f64,
    burst: f64,
    most: usize,
) -> Result<Drawn> {
    let step = (SECOND / per_second).max(1.0).round() as i64;
    let rate = paces::Rate { step, burst: (burst as i64).max(1) };
    // A clock that tests turn is everybody's; else the database's own counts, where it has one.
    let now =
        (s.clock.is_manual() || !super::super::deliveries::others_may_dispatch(s)).then(|| s.clock.now());
    paces::take(&s.db, provider, rate, most, now).await
}
