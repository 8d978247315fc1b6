//! Takes mails over one connection, one after another, until none waits.
//!
//! While the answer to a mail's content is due the next mail's envelope goes ahead of it, if a mail waits for which no
//! connection is free. Of that next one nothing can have been delivered, so whatever happens to the connection, it is
//! carried over a new one; only the mail whose content is out can become one of which nobody knows.
//!
//! The connection belongs to this task. Who waits for a mail may go away at any time: its content is then not written
//! any more, and where nobody else's mail is on the connection, it is given up.

use std::sync::Arc;

use super::connection::Connection;
use super::failure::{Failure, Step, Trouble};
use super::order::Order;
use super::pool::Pool;
use super::reply::Reply;
use super::slots::Slot;

pub(super) struct Courier {
    pool: Arc<Pool>,
    slot: Slot,
}

impl Courier {
    pub(super) fn new(pool: Arc<Pool>, slot: Slot) -> Self {
        Self { pool, slot }
    }

    /// Carries this mail, and those that wait meanwhile.
    pub(super) async fn run(mut self, order: Order) {
        let mut connection = self.pool.parked();
        let mut next = Some(order);
        while let Some(order) = next.take() {
            let (order, mut open) = match connection.take() {
                Some(open) => (order, open),
                None => match self.open(order).await {
                    Some(opened) => opened,
                    None => break,
                },
            };
            next = self.carry(&mut open, order).await;
            self.leave(open).await;
        }
        let Self { pool, slot } = self;
        drop(slot);
        pool.pump();
    }

    /// A new connection for this mail, unless its failure is the mail's.
    async fn open(&mut self, mut order: Order) -> Option<(Order, Connection)> {
        self.slot.begin();
        let opened = tokio::select! {
            biased;
            () = order.sender.gone() => return None,
            opened = self.pool.open() => opened,
        };
        match opened {
            Ok(connection) => Some((order, connection)),
            Err(failure) => {
                self.pool.heed(&self.slot, &failure);
                order.answer(Err(failure));
                None
            }
        }
    }

    /// Carries mails for as long as the connection is good and mails wait. Returns one that wants a new connection.
    async fn carry(&mut self, connection: &mut Connection, first: Order) -> Option<Order> {
        let mut current = self.fit(connection, first).or_else(|| self.next(connection))?;
        loop {
            self.slot.begin();
            let ahead = connection.is_ahead();
            let used = connection.is_used();
            let Order { letter, sender, .. } = &mut current;
            let go = tokio::select! {
                biased;
                () = sender.gone() => return None,
                go = connection.envelope(letter) => go,
            };
            match go {
                Ok(()) => {}
                Err(failure) if used && was_closed(&failure) => return Some(current),
                Err(failure) if ahead && went_unheard(&failure) => {
                    self.pool.stop_going_ahead();
                    return Some(current);
                }
                Err(failure) => {
                    self.pool.heed(&self.slot, &failure);
                    current.answer(Err(failure));
                    if !connection.is_alive() {
                        return None;
                    }
                    current = self.next(connection)?;
                    continue;
                }
            }
            let mut second = if self.goes_ahead(connection) { self.next(connection) } else { None };
            let next = second.as_ref().map(|order| &order.letter);
            let Order { letter, sender, .. } = &mut current;
            let written = tokio::select! {
                biased;
                () = sender.gone() => return second,
                written = connection.content(letter, next) => written,
            };
            if let Err(failure) = written {
                current.answer(Err(failure));
                return second;
            }
            let verdict = self.verdict(connection, &mut current, &mut second).await?;
            let farewell = verdict.as_ref().err().and_then(Failure::farewell).cloned();
            self.settle(current, verdict);
            if !connection.is_alive() {
                let second = second?;
                let Some(reply) = farewell else { return Some(second) };
                // It said so to whoever is on this connection.
                second.answer(Err(Failure { at: Step::Mail, trouble: Trouble::Refused(reply) }));
                return None;
            }
            current = second.or_else(|| self.next(connection))?;
        }
    }

    /// Waits for the answer to a content that is out, and sends the next envelope meanwhile. `None`: nobody wants to know.
    async fn verdict(
        &self,
        connection: &mut Connection,
        current: &mut Order,
        second: &mut Option<Order>,
    ) -> Option<Result<Reply, Failure>> {
        let deadline = connection.deadline();
        loop {
            let alone = second.is_none() && self.goes_ahead(connection);
            tokio::select! {
                biased;
                () = both_gone(current, second.as_mut()) => return None,
                verdict = connection.verdict(deadline) => return Some(verdict),
                order = self.pool.waiting(), if alone => {
                    *second = self.fit(connection, order);
                    // Part of the answer may have come since.
                    if let Some(order) = second && connection.takes_ahead() {
                        connection.send_ahead(&order.letter).await;
                    }
                }
            }
        }
    }

    fn settle(&self, order: Order, verdict: Result<Reply, Failure>) {
        match &verdict {
            Ok(_) if self.slot.accepted() => self.pool.pump(),
            Ok(_) => {}
            Err(failure) => self.pool.heed(&self.slot, failure),
        }
        order.answer(verdict);
    }

    fn goes_ahead(&self, connection: &Connection) -> bool {
        connection.takes_ahead() && self.pool.goes_ahead() && !self.slot.is_surplus()
    }

    /// A mail that waits and may go by this connection.
    fn next(&self, connection: &Connection) -> Option<Order> {
        if connection.is_worn() || self.slot.is_surplus() {
            return None;
        }
        std::iter::from_fn(|| self.pool.next()).find_map(|order| self.fit(connection, order))
    }

    /// The mail, unless it must not or cannot go.
    fn fit(&self, connection: &Connection, order: Order) -> Option<Order> {
        if order.sender.is_gone() {
            return None;
        }
        let may_go = self.pool.in_time(&order).and_then(|()| connection.suits(&order.letter));
        match may_go {
            Ok(()) => Some(order),
            Err(failure) => {
                order.answer(Err(failure));
                None
            }
        }
    }

    /// Keeps the connection for later, or takes leave of it.
    async fn leave(&self, mut connection: Connection) {
        let keep = !connection.is_worn() && !self.pool.is_closed() && !self.slot.is_surplus();
        if keep {
            connection.reset().await;
        }
        if keep && connection.is_clean() {
            self.pool.park(connection);
        } else {
            connection.quit().await;
        }
    }
}

async fn both_gone(one: &mut Order, other: Option<&mut Order>) {
    one.sender.gone().await;
    if let Some(other) = other {
        other.sender.gone().await;
    }
}

/// The relay had closed the connection before the mail began, or does so now: nothing of this mail was handed over.
fn was_closed(failure: &Failure) -> bool {
    match (failure.at, &failure.trouble) {
        // The mail before was not forgotten.
        (Step::Reset, _) => true,
        // Or it said farewell unasked, such as `421 idle for too long`.
        (Step::Mail, Trouble::Lost(_) | Trouble::Garbled(_)) => true,
        (Step::Mail, _) => failure.farewell().is_some(),
        _ => false,
    }
}

/// The relay threw away what it was told before it had answered.
fn went_unheard(failure: &Failure) -> bool {
    failure.at == Step::Mail && matches!(failure.trouble, Trouble::TimedOut(_))
}

#[cfg(test)]
mod tests;
