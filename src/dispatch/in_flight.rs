//! How many deliveries this process may have in flight: the bound on what a crash can repeat.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::channel::Outlet;

/// Deliveries a process may have handed over one by one without having stored what came of them (product promise 2). A
/// provider that is set up to have more at once alone may have what is beyond that, too: a relay two mails for each
/// of more than 32 connections.
pub const LIMIT: usize = 64;
/// Each outlet's own share, so that a provider that hangs leaves the other channels room.
const OWN: usize = 3;

#[derive(Clone, Debug)]
pub struct InFlight {
    shared: Arc<Semaphore>,
    /// Outlets that lately got less room than they could have used at once.
    short: Arc<AtomicUsize>,
}

/// What they share.
const SHARED: usize = LIMIT - OWN * Outlet::ALL.len();

impl Default for InFlight {
    fn default() -> Self {
        Self { shared: Arc::new(Semaphore::new(SHARED)), short: Arc::default() }
    }
}

impl InFlight {
    pub fn hold(&self) -> Hold {
        Hold { in_flight: self.clone(), own: OWN, held: 0, shared: None, is_short: false }
    }
}

/// One outlet's part of what is in flight.
#[derive(Debug)]
pub struct Hold {
    in_flight: InFlight,
    /// What no other outlet can have.
    own: usize,
    held: usize,
    shared: Option<OwnedSemaphorePermit>,
    is_short: bool,
}

impl Hold {
    fn shared(&self) -> usize {
        self.shared.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }

    /// Takes room for up to `calls` more that are handed over at once and up to `line` more that wait for it, by a
    /// provider that has `width` at once at most; says for how many there was any. What waits leaves half of the shared
    /// room to outlets that are short of any.
    pub fn grow(&mut self, width: usize, calls: usize, line: usize) -> usize {
        self.own = OWN + width.saturating_sub(LIMIT);
        let room = self.room();
        let free = self.in_flight.shared.available_permits();
        let at_once = calls.saturating_sub(room).min(free);
        self.tell_short(calls > room + at_once);
        let others = self.in_flight.short.load(Ordering::Relaxed) - usize::from(self.is_short);
        let left = if others > 0 { SHARED / 2 } else { 0 };
        let wanted = calls + line;
        let waiting = wanted.saturating_sub(room + at_once).min((free - at_once).saturating_sub(left));
        let missing = at_once + waiting;
        if missing > 0
            && let Ok(permit) = self.in_flight.shared.clone().try_acquire_many_owned(missing as u32)
        {
            match &mut self.shared {
                Some(held) => held.merge(permit),
                None => self.shared = Some(permit),
            }
        }
        let granted = wanted.min(self.room());
        self.held += granted;
        granted
    }

    fn room(&self) -> usize {
        (self.own + self.shared()).saturating_sub(self.held)
    }

    fn tell_short(&mut self, is_short: bool) {
        if is_short && !self.is_short {
            self.in_flight.short.fetch_add(1, Ordering::Relaxed);
        } else if !is_short && self.is_short {
            self.in_flight.short.fetch_sub(1, Ordering::Relaxed);
        }
        self.is_short = is_short;
    }

    /// Gives back all room beyond what `held` deliveries need.
    pub fn shrink_to(&mut self, held: usize) {
        if held == 0 {
            self.tell_short(false);
        }
        self.held = held;
        let excess = self.shared() - held.saturating_sub(self.own).min(self.shared());
        if let Some(permit) = &mut self.shared {
            drop(permit.split(excess));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_outlets_together_stay_within_the_limit() {
        let in_flight = InFlight::default();
        let mut holds: Vec<_> = Outlet::ALL.iter().map(|_| in_flight.hold()).collect();
        let granted: usize = holds.iter_mut().map(|h| h.grow(8, 1_000, 1_000)).sum();
        assert_eq!(granted, LIMIT);
    }

    #[test]
    fn a_hog_leaves_the_others_their_share() {
        let in_flight = InFlight::default();
        let (mut hog, mut other) = (in_flight.hold(), in_flight.hold());
        hog.grow(8, 1_000, 0);
        assert_eq!(other.grow(8, 10, 0), OWN);
    }

    #[test]
    fn one_that_may_have_more_alone_takes_it_from_nobody() {
        let in_flight = InFlight::default();
        let (mut mail, mut sms) = (in_flight.hold(), in_flight.hold());
        assert_eq!(mail.grow(128, 128, 64), OWN + 64 + SHARED);
        mail.shrink_to(OWN + 64);
        assert_eq!(sms.grow(8, 1_000, 0), OWN + SHARED, "it had what is its own first");
        sms.shrink_to(0);
        assert_eq!(mail.grow(8, 8, 0), 0, "set up anew, it has more than it may");
        mail.shrink_to(0);
        assert_eq!(mail.grow(8, 1_000, 0), OWN + SHARED);
    }

    #[test]
    fn a_line_makes_room_for_those_who_are_short() {
        let in_flight = InFlight::default();
        let (mut mail, mut sms) = (in_flight.hold(), in_flight.hold());
        assert_eq!(mail.grow(8, 8, 1_000), OWN + SHARED, "nobody else wants any");
        assert_eq!(sms.grow(8, 20, 0), OWN);
        mail.shrink_to(0);
        assert_eq!(mail.grow(8, 8, 1_000), OWN + SHARED - SHARED / 2, "what waits leaves half of it now");
        assert_eq!(sms.grow(8, 16, 0), 16);
        sms.shrink_to(0);
        mail.shrink_to(0);
        assert_eq!(mail.grow(8, 8, 1_000), OWN + SHARED);
    }

    #[test]
    fn what_is_nothing_but_in_line_leaves_half_to_those_who_are_short() {
        let in_flight = InFlight::default();
        let (mut sandbox, mut mail) = (in_flight.hold(), in_flight.hold());
        // As the worker asks for the sandbox, in which drills go.
        assert_eq!(sandbox.grow(64, 0, 1_000), OWN + SHARED, "nobody else wants any");
        assert_eq!(mail.grow(8, 20, 0), OWN, "what is real finds none");
        sandbox.shrink_to(0);
        assert_eq!(sandbox.grow(64, 0, 1_000), OWN + SHARED - SHARED / 2, "and has half of it from then on");
        assert_eq!(mail.grow(8, 16, 0), 16);
        sandbox.shrink_to(0);
        mail.shrink_to(0);
        assert_eq!(sandbox.grow(64, 0, 1_000), OWN + SHARED);
    }

    #[test]
    fn what_is_given_back_is_there_again() {
        let in_flight = InFlight::default();
        let mut hold = in_flight.hold();
        let all = hold.grow(8, 1_000, 0);
        hold.shrink_to(1);
        assert_eq!(hold.grow(8, 1_000, 0), all - 1);
        hold.shrink_to(0);
        assert_eq!(in_flight.shared.available_permits(), SHARED);
    }
}
