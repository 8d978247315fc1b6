//! The way to one relay: mails that wait, and connections, never more than the settings allow, kept open for a while,
//! given up in time.
//!
//! A mail gets a connection of its own where one may be had; else it waits for one to come free or to take its envelope ahead. A
//! connection is taken out to be used and comes back only when it is clean.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use super::connection::Connection;
use super::courier::Courier;
use super::failure::{Failure, Step, Trouble};
use super::letter::Letter;
use super::order::Order;
use super::reply::Reply;
use super::settings::Relay;
use super::slots::{Slot, Slots};
use crate::clock::{Clock, Timestamp};

/// Relays close idle connections after minutes; leaving first avoids meeting a closed one.
const IDLE: Duration = Duration::from_secs(30);

pub(super) struct Pool {
    relay: Relay,
    /// What this host calls itself.
    name: Option<String>,
    clock: Clock,
    slots: Arc<Slots>,
    lot: Mutex<Lot>,
    /// A mail waits for which no connection is free.
    news: Notify,
    /// Envelopes go ahead of answers.
    ahead: AtomicBool,
    closed: AtomicBool,
    /// Couriers, and goodbyes under way.
    tasks: TaskTracker,
}

/// Mails without a connection, and connections without a mail.
#[derive(Default)]
struct Lot {
    waiting: VecDeque<Order>,
    parked: Vec<Parked>,
    /// Somebody looks after the parked ones.
    is_swept: bool,
}

struct Parked {
    connection: Connection,
    since: Duration,
}

impl Pool {
    pub(super) fn new(relay: Relay, name: Option<String>, clock: Clock) -> Arc<Self> {
        let slots = Slots::new(relay.connections);
        let ahead = AtomicBool::new(relay.mails > relay.connections);
        Arc::new(Self {
            relay,
            name,
            clock,
            slots,
            lot: Mutex::default(),
            news: Notify::new(),
            ahead,
            closed: AtomicBool::new(false),
            tasks: TaskTracker::new(),
        })
    }

    /// Mails it can have at once.
    pub(super) fn size(&self) -> usize {
        self.relay.mails
    }

    pub(super) fn host(&self) -> &str {
        &self.relay.host
    }

    /// Hands one mail over. `Ok` is the relay's positive answer to its content, and nothing else.
    pub(super) async fn send(
        self: &Arc<Self>,
        letter: Letter,
        expires_at: Timestamp,
    ) -> Result<Reply, Failure> {
        let (order, answer) = Order::new(letter, expires_at);
        self.lot().waiting.push_back(order);
        self.pump();
        answer.hear().await
    }

    /// Sends couriers out with the mails that wait, as far as connections are free.
    pub(super) fn pump(self: &Arc<Self>) {
        loop {
            let mut lot = self.lot();
            if lot.waiting.is_empty() {
                return;
            }
            let Some(slot) = self.slots.take() else { break };
            if let Some(order) = lot.waiting.pop_front() {
                self.tasks.spawn(Courier::new(Arc::clone(self), slot).run(order));
            }
        }
        self.news.notify_one();
    }

    /// A mail that waits.
    pub(super) fn next(&self) -> Option<Order> {
        self.lot().waiting.pop_front()
    }

    /// The next mail for which no connection is free. Cancel-safe.
    pub(super) async fn waiting(&self) -> Order {
        loop {
            if let Some(order) = self.next() {
                return order;
            }
            self.news.notified().await;
        }
    }

    /// Waiting for a connection takes time.
    pub(super) fn in_time(&self, order: &Order) -> Result<(), Failure> {
        if self.clock.now() < order.expires_at {
            return Ok(());
        }
        Err(Failure { at: Step::Mail, trouble: Trouble::Expired })
    }

    pub(super) fn goes_ahead(&self) -> bool {
        self.ahead.load(Ordering::Relaxed)
    }

    /// The relay offers to hear what it is told before it has answered, and does not.
    pub(super) fn stop_going_ahead(&self) {
        if self.ahead.swap(false, Ordering::Relaxed) {
            let relay = &self.relay.host;
            tracing::warn!(
                relay,
                "it loses what comes behind a mail; from now on each mail waits for the one before"
            );
        }
    }

    /// A connection that was used before.
    pub(super) fn parked(&self) -> Option<Connection> {
        let now = self.clock.steady();
        let mut lot = self.lot();
        loop {
            let Parked { connection, since } = lot.parked.pop()?;
            if now.saturating_sub(since) < IDLE {
                return Some(connection);
            }
            self.tasks.spawn(connection.quit());
        }
    }

    /// A new connection, whoever may have one.
    pub(super) async fn open(&self) -> Result<Connection, Failure> {
        Connection::open(&self.relay, self.name.as_deref()).await
    }

    /// A relay that says 421 has too many connections, or thinks so (RFC 5321 §3.8).
    pub(super) fn heed(&self, slot: &Slot, failure: &Failure) {
        if failure.farewell().is_some() && slot.too_many() {
            for Parked { connection, .. } in self.lot().parked.drain(..) {
                self.tasks.spawn(connection.quit());
            }
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(super) fn park(self: &Arc<Self>, connection: Connection) {
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
        let closed = self.is_closed();
        for Parked { connection, .. } in
            lot.parked.extract_if(.., |parked| closed || now.saturating_sub(parked.since) >= IDLE)
        {
            self.tasks.spawn(connection.quit());
        }
    }

    /// Takes leave of all connections; of those in use when their mails have ended.
    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.close_idle(&mut self.lot());
        self.tasks.close();
        self.tasks.wait().await;
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
