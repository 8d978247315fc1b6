//! Who waits for entries in this process.

use tokio::sync::Notify;

use super::Work;
use crate::domain::channel::Outlet;

/// One waker for each kind of work, so that a wake-up reaches somebody who can use it.
#[derive(Debug, Default)]
pub(super) struct Wakers {
    plan: Notify,
    send: [Notify; Outlet::ALL.len()],
}

impl Wakers {
    pub(super) fn of(&self, work: Work) -> &Notify {
        match work {
            Work::Plan => &self.plan,
            Work::Send(outlet) => &self.send[outlet.code() as usize],
        }
    }
}
