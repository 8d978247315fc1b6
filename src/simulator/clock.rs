//! The time of a vendor.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Vendors' days begin at midnight in UTC+8; in milliseconds.
pub(super) const CHINA: i64 = 8 * 3_600_000;
pub(super) const DAY: i64 = 24 * 3_600_000;

/// The vendor's day that a moment is in.
pub(super) fn day(now: i64) -> i64 {
    (now + CHINA).div_euclid(DAY)
}

/// A vendor has its own clock; a test that turns time by hand gives it that one. In milliseconds since 1970.
#[derive(Clone)]
pub struct VendorClock(pub Arc<dyn Fn() -> i64 + Send + Sync>);

impl VendorClock {
    pub(super) fn now(&self) -> i64 {
        (self.0)()
    }
}

impl Default for VendorClock {
    #[expect(clippy::disallowed_methods, reason = "a vendor has its own clock, and this stands for one")]
    fn default() -> Self {
        Self(Arc::new(|| {
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
        }))
    }
}

impl fmt::Debug for VendorClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VendorClock")
    }
}
