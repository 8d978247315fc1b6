//! Keys that are nobody's. Each costs a look into the store, so that from one network only so many are looked up; after that
//! a key is held against all there are, which are read at most once a second however many come. Nobody's key that is good
//! waits for who else comes from their network.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::lately::Shared;
use super::throttle::{Throttle, network};
use crate::Result;
use crate::clock::Clock;

/// Unknown keys that are looked up for one network within [`WINDOW`].
const MOST: u32 = 60;
const WINDOW: Duration = Duration::from_mins(1);
const KEPT_FOR: Duration = Duration::from_secs(1);

type Hash = [u8; 32];

#[derive(Debug)]
pub(super) struct Strangers {
    from: Throttle<IpAddr>,
    /// The hashes of all keys, also of those that open nothing any more.
    known: Shared<(), Arc<HashSet<Vec<u8>>>>,
}

impl Default for Strangers {
    fn default() -> Self {
        Self { from: Throttle::new(MOST, WINDOW), known: Shared::lasting(1, KEPT_FOR) }
    }
}

impl Strangers {
    /// [`Error::RateLimited`](crate::Error::RateLimited) for a key that is nobody's, from a network that many such came from.
    /// `all`: the hashes in the store.
    pub async fn check(
        &self,
        clock: &Clock,
        (hash, address): (&Hash, IpAddr),
        all: impl Future<Output = Result<Vec<Vec<u8>>>>,
    ) -> Result<()> {
        let Err(limited) = self.from.check(clock, &network(address)) else { return Ok(()) };
        let all = async { Ok(Arc::new(all.await?.into_iter().collect())) };
        let known = self.known.get((), clock, all).await?;
        if known.contains(hash.as_slice()) { Ok(()) } else { Err(limited) }
    }

    /// The store was asked for a key that is nobody's.
    pub fn count(&self, clock: &Clock, address: IpAddr) {
        self.from.count(clock, network(address));
    }

    /// A key was made here.
    pub fn forget(&self) {
        self.known.forget();
    }
}
