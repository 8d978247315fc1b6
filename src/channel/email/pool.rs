//! The connections to one relay: never more than the settings allow, kept open for a while, given up in time.
//!
//! A connection is taken out to be used and comes back only when it is clean, so a dropped caller takes it along and
//! leaves nothing for the next one to trip over.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use super::connection::Connection;
use super::failure::{Failure, Trouble};
use super::settings::Relay;
use super::slots::{Slot, Slots};
use crate::clock::Clock;

/// Relays close idle connections after minutes; leaving first avoids meeting a closed one.
const IDLE: Duration = Duration::from_secs(30);
/// OpenSMTPD answers 452 beyond its limit of mails on a connection; others count likewise.
const MAILS: u32 = 100;

pub(super) struct Pool {
    relay: Relay,
    /// What this host calls itself.
    name: Option<String>,
    clock: Clock,
    slots: Arc<Slots>,
    lot: Mutex<Lot>,
    closed: AtomicBool,
    /// Goodbyes under way.
    leaving: TaskTracker,
}

/// Connections nobody uses just now.
#[derive(Default)]
struct Lot {
    parked: Vec<Parked>,
    /// Somebody looks after them.
    is_swept: bool,
}

struct Parked {
    connection: Connection,
    since: Duration,
}

/// A connection and the right to have it.
pub(super) struct Taken {
    pub(super) connection: Connection,
    /// It was used before, so the relay may have closed it meanwhile.
    pub(super) used: bool,
    slot: Slot,
}

impl Pool {
    pub(super) fn new(relay: Relay, name: Option<String>, clock: Clock) -> Arc<Self> {
        let slots = Slots::new(relay.connections);
        Arc::new(Self {
            relay,
            name,
            clock,
            slots,
            lot: Mutex::default(),
            closed: AtomicBool::new(false),
            leaving: TaskTracker::new(),
        })
    }

    pub(super) fn size(&self) -> usize {
        self.slots.most()
    }

    pub(super) fn host(&self) -> &str {
        &self.relay.host
    }

    /// Waits for one of the connections; a new one is opened if no other is at hand.
    pub(super) async fn take(self: &Arc<Self>) -> Result<Taken, Failure> {
        let slot = self.slots.take().await;
        let now = self.clock.steady();
        loop {
            let Some(Parked { connection, since }) = self.lot().parked.pop() else {
                return self.open(slot).await;
            };
            if now.saturating_sub(since) < IDLE {
                return Ok(Taken { connection, used: true, slot });
            }
            self.leaving.spawn(connection.quit());
        }
    }

    /// A new connection in place of one that turned out to be closed.
    pub(super) async fn replace(&self, closed: Taken) -> Result<Taken, Failure> {
        let Taken { connection, slot, .. } = closed;
        drop(connection);
        self.open(slot).await
    }

    /// A new connection for a test, out of turn.
    pub(super) async fn probe(&self) -> Result<Connection, Failure> {
        Connection::open(&self.relay, self.name.as_deref()).await
    }

    async fn open(&self, slot: Slot) -> Result<Taken, Failure> {
        let opened = self.probe().await;
        if let Err(failure) = &opened {
            self.heed(&slot, failure);
        }
        Ok(Taken { connection: opened?, used: false, slot })
    }

    /// Takes a connection back after a mail, to be used again if it can be.
    pub(super) fn give_back(self: &Arc<Self>, taken: Taken) {
        let Taken { mut connection, slot, .. } = taken;
        let keep = connection.mails < MAILS && !self.closed.load(Ordering::Acquire);
        if connection.is_clean() && keep {
            self.park(connection);
        } else if !connection.is_broken() {
            // The mail's outcome does not wait for this, but another connection does.
            let pool = Arc::clone(self);
            self.leaving.spawn(async move {
                if keep {
                    connection.reset().await;
                }
                if connection.is_clean() && keep {
                    pool.park(connection);
                } else {
                    connection.quit().await;
                }
                drop(slot);
            });
        }
    }

    /// Takes a connection back as [`give_back`](Self::give_back) does, and heeds what became of its mail.
    pub(super) fn take_back<T>(self: &Arc<Self>, taken: Taken, result: &Result<T, Failure>) {
        match result {
            Ok(_) => taken.slot.accepted(),
            Err(failure) => self.heed(&taken.slot, failure),
        }
        self.give_back(taken);
    }

    /// A relay that says 421 has too many connections, or thinks so (RFC 5321 §3.8).
    fn heed(&self, slot: &Slot, failure: &Failure) {
        let is_too_many = matches!(&failure.trouble, Trouble::Refused(reply) if reply.code == 421);
        if is_too_many && slot.too_many() {
            for Parked { connection, .. } in self.lot().parked.drain(..) {
                self.leaving.spawn(connection.quit());
            }
        }
    }

    fn park(self: &Arc<Self>, connection: Connection) {
        let mut lot = self.lot();
        if !lot.is_swept {
            lot.is_swept = true;
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
        lot.parked.push(Parked { connection, since: self.clock.steady() });
    }

    /// Takes leave of the connections that nobody used for a while.
    fn close_idle(&self, lot: &mut Lot) {
        let now = self.clock.steady();
        let closed = self.closed.load(Ordering::Acquire);
        for Parked { connection, .. } in
            lot.parked.extract_if(.., |parked| closed || now.saturating_sub(parked.since) >= IDLE)
        {
            self.leaving.spawn(connection.quit());
        }
    }

    /// Takes leave of all connections; those in use follow when they come back.
    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.close_idle(&mut self.lot());
        self.leaving.close();
        self.leaving.wait().await;
    }

    fn lot(&self) -> MutexGuard<'_, Lot> {
        self.lot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs for as long as connections are parked.
async fn sweep(pool: Weak<Pool>) {
    loop {
        sleep(IDLE / 3).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut lot = pool.lot();
        pool.close_idle(&mut lot);
        if lot.parked.is_empty() {
            lot.is_swept = false;
            return;
        }
    }
}
