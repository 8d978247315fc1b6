//! Use cases. Each owns its transaction and checks what its caller may do; the faces only translate.

pub mod audit;
pub mod caller;
pub mod vault;

use std::sync::Arc;

use tokio_util::task::TaskTracker;
use url::Url;

use crate::clock::Clock;
use crate::config::Language;
use crate::queue::Queue;
use crate::store::Db;

pub use caller::Caller;
pub use vault::Vault;

/// The installation as its people know it.
#[derive(Clone, Debug)]
pub struct Campus {
    pub name: String,
    /// Days, quotas and schedules are reckoned in it.
    pub time_zone: jiff::tz::TimeZone,
    /// Of pages and texts for whoever has chosen none.
    pub language: Language,
    /// What links start with.
    pub public_url: Url,
}

/// What every use case needs. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Services {
    pub db: Db,
    pub clock: Clock,
    pub queue: Arc<dyn Queue>,
    pub vault: Vault,
    pub campus: Arc<Campus>,
    /// Small writes that nobody waits for, such as when a key was last used. Wait for it before the store is closed.
    pub background: TaskTracker,
}

impl Services {
    pub fn new(db: Db, clock: Clock, queue: Arc<dyn Queue>, vault: Vault, campus: Campus) -> Self {
        Self { db, clock, queue, vault, campus: Arc::new(campus), background: TaskTracker::new() }
    }
}
