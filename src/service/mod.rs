//! Use cases. Each owns its transaction and checks what its caller may do; the faces only translate.

pub mod caller;

use std::sync::Arc;

use crate::clock::Clock;
use crate::queue::Queue;
use crate::store::Db;

pub use caller::Caller;

/// What every use case needs. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Services {
    pub db: Db,
    pub clock: Clock,
    pub queue: Arc<dyn Queue>,
}
