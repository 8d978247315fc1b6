//! How dispatchers are woken. The store holds the truth; an entry only says "there is work of this kind in this lane",
//! so losing every entry loses no message: the sweeper offers again what is due.
//!
//! Lanes are separate queues: an emergency's entry is never behind another's.

mod local;

use async_trait::async_trait;

pub use local::LocalQueue;

use crate::domain::channel::{AddressKind, Outlet};
use crate::domain::message::Lane;

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Work {
    /// Messages wait to be planned.
    Plan,
    /// Deliveries are due at this outlet; one entry stands for one claim's worth of them.
    Send(Outlet),
}

impl Work {
    pub const ALL: [Self; 6] = [
        Self::Plan,
        Self::Send(Outlet::Sandbox),
        Self::Send(Outlet::Live(AddressKind::Email)),
        Self::Send(Outlet::Live(AddressKind::Mobile)),
        Self::Send(Outlet::Live(AddressKind::WecomUserid)),
        Self::Send(Outlet::Live(AddressKind::WechatOpenid)),
    ];

    /// For figures: `plan`, or where it is sent.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Send(outlet) => outlet.name(),
        }
    }
}

/// A wake-up: the kind of work and the lane it waits in. It carries no content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    pub lane: Lane,
    pub work: Work,
}

/// An entry in hand. It is offered again unless it is [settled](Queue::settle).
#[derive(Debug)]
pub struct Taken {
    pub entry: Entry,
    /// The queue's own mark of it.
    pub tag: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("the queue is not available: {0}")]
pub struct QueueError(pub String);

/// The queue's contract; `tests/it/queue.rs` holds the suite every implementation passes.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Offers an entry. When this returns the queue holds it (or holds an equal one: entries may be merged).
    async fn publish(&self, entry: Entry) -> Result<(), QueueError>;

    /// Waits for an entry of this work, the most urgent lane first. Cancel-safe: a dropped call takes nothing.
    async fn take(&self, work: Work) -> Result<Taken, QueueError>;

    /// An entry of this work if one is there now.
    async fn try_take(&self, work: Work) -> Result<Option<Taken>, QueueError>;

    /// The work is stored as done; the entry is gone.
    async fn settle(&self, taken: Taken) -> Result<(), QueueError>;

    /// The work was not done; the entry is offered again.
    async fn give_back(&self, taken: Taken) -> Result<(), QueueError>;

    /// How many such entries wait, for figures; not exact while others work.
    async fn depth(&self, entry: Entry) -> Result<usize, QueueError>;

    /// What the system page and readiness say of it: `local`, `rabbitmq`.
    fn name(&self) -> &'static str;
}
