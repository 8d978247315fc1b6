//! How dispatchers are woken. The store holds the truth; an entry only says "there is work of this kind in this lane",
//! so losing every entry loses no message: the sweeper offers again what is due.
//!
//! Lanes are separate queues: an emergency's entry is never behind another's.
//!
//! [`local`] is the queue of one process, [`rabbitmq`] that of many; [`wake_ups`] is how the use cases offer entries.

mod local;
mod rabbitmq;
mod wake_ups;
mod wakers;

use async_trait::async_trait;

pub use local::LocalQueue;
pub use rabbitmq::RabbitQueue;
pub use wake_ups::WakeUps;

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

/// The queue's contract; `tests/it/queue` holds the suite every implementation passes.
#[async_trait]
pub trait Queue: Send + Sync {
    /// How others are to see this process, such as in a broker's list of connections. To be said before it is used.
    fn called(&self, _name: &str) {}

    /// Connects ahead of the first entry, where there is something to connect to. For a process that serves; one that
    /// ends by itself may never need it.
    fn open(&self) {}

    /// Offers an entry to whoever dispatches, in this process or another. When this returns the queue holds it (or holds
    /// an equal one: entries may be merged). It never takes longer than a second or so. Where it fails, the entry is
    /// offered to this process's own takers, and the others find the work in the store. The use cases call
    /// [`WakeUps::wake`], which waits for none of it.
    async fn publish(&self, entry: Entry) -> Result<(), QueueError>;

    /// Whether [`publish`](Self::publish) reaches other processes, and so more takers than
    /// [`offer_here`](Self::offer_here) does.
    fn is_shared(&self) -> bool;

    /// Offers an entry to this process's own takers alone: for what they found in the store by themselves. Needs nobody
    /// else, so it works while a broker is away.
    fn offer_here(&self, entry: Entry);

    /// Waits for an entry of this work, the most urgent lane first. Cancel-safe: a dropped call takes nothing.
    async fn take(&self, work: Work) -> Taken;

    /// The work is stored as done; the entry is gone.
    async fn settle(&self, taken: Taken) -> Result<(), QueueError>;

    /// The work was not done; the entry is offered again.
    async fn give_back(&self, taken: Taken) -> Result<(), QueueError>;

    /// How many such entries wait, for figures; not exact while others work.
    async fn depth(&self, entry: Entry) -> Result<usize, QueueError>;

    /// Entries of a lane that came from outside this process since it began, for figures.
    fn received(&self, _lane: Lane) -> u64 {
        0
    }

    /// What the system page and readiness say of it: `local`, `rabbitmq`.
    fn name(&self) -> &'static str;

    /// Why entries reach no other process at the moment, in words for whoever looks after this. `None`: they do.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Takes nothing more from others, and gives back what nobody here has taken. Publishing and settling go on.
    fn leave(&self) {}

    /// Finishes what is on its way and leaves the broker. What was taken and not settled is offered again.
    async fn close(&self) {}
}
