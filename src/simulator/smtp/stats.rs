//! What a relay was asked, so that a test can see how a client uses it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::Serialize;

/// Counts since the relay's start, or since they were set back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SmtpStats {
    /// Connections taken, refused ones included.
    pub connections: u64,
    /// Connections open now.
    pub open: u64,
    /// The most that were ever open at the same time.
    pub most_open: u64,
    /// TLS handshakes that succeeded.
    pub handshakes: u64,
    /// TLS handshakes that came to nothing.
    pub failed_handshakes: u64,
    /// Connections that a fault left hanging: wait for it to know that a client is stuck.
    pub hung: u64,
    /// Mails kept.
    pub accepted: u64,
    /// Recipients whose mail was taken and let fall.
    pub dropped: u64,
    /// Reports that were sent and taken.
    pub reported: u64,
    /// Answers of 4xx and 5xx, whatever was asked.
    pub rejected: u64,
    /// EHLO and HELO.
    pub ehlo: u64,
    pub starttls: u64,
    pub auth: u64,
    pub mail: u64,
    pub rcpt: u64,
    pub data: u64,
    pub rset: u64,
    pub noop: u64,
    pub quit: u64,
    /// Mails that came before the go-ahead for them, against RFC 2920.
    pub hasty: u64,
    /// Any other command, known or not.
    pub other: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) connections: AtomicU64,
    pub(super) open: AtomicU64,
    pub(super) most_open: AtomicU64,
    pub(super) handshakes: AtomicU64,
    pub(super) failed_handshakes: AtomicU64,
    pub(super) hung: AtomicU64,
    pub(super) accepted: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) reported: AtomicU64,
    pub(super) rejected: AtomicU64,
    pub(super) ehlo: AtomicU64,
    pub(super) starttls: AtomicU64,
    pub(super) auth: AtomicU64,
    pub(super) mail: AtomicU64,
    pub(super) rcpt: AtomicU64,
    pub(super) data: AtomicU64,
    pub(super) rset: AtomicU64,
    pub(super) noop: AtomicU64,
    pub(super) quit: AtomicU64,
    pub(super) hasty: AtomicU64,
    pub(super) other: AtomicU64,
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

/// One connection for as long as it is open.
#[derive(Debug)]
pub(super) struct Visit {
    counters: Arc<Counters>,
    /// How many connections were open when this one came, itself included.
    pub(super) open: u64,
}

impl Visit {
    pub(super) fn begin(counters: &Arc<Counters>) -> Self {
        count(&counters.connections);
        let open = counters.open.fetch_add(1, Relaxed) + 1;
        counters.most_open.fetch_max(open, Relaxed);
        Self { counters: Arc::clone(counters), open }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.counters.open.fetch_sub(1, Relaxed);
    }
}

impl Counters {
    pub(super) fn read(&self) -> SmtpStats {
        SmtpStats {
            connections: self.connections.load(Relaxed),
            open: self.open.load(Relaxed),
            most_open: self.most_open.load(Relaxed),
            handshakes: self.handshakes.load(Relaxed),
            failed_handshakes: self.failed_handshakes.load(Relaxed),
            hung: self.hung.load(Relaxed),
            accepted: self.accepted.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            reported: self.reported.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
            ehlo: self.ehlo.load(Relaxed),
            starttls: self.starttls.load(Relaxed),
            auth: self.auth.load(Relaxed),
            mail: self.mail.load(Relaxed),
            rcpt: self.rcpt.load(Relaxed),
            data: self.data.load(Relaxed),
            rset: self.rset.load(Relaxed),
            noop: self.noop.load(Relaxed),
            quit: self.quit.load(Relaxed),
            hasty: self.hasty.load(Relaxed),
            other: self.other.load(Relaxed),
        }
    }

    /// All but what is open now begins at nothing.
    pub(super) fn reset(&self) {
        for counter in [
            &self.connections,
            &self.handshakes,
            &self.failed_handshakes,
            &self.hung,
            &self.accepted,
            &self.dropped,
            &self.reported,
            &self.rejected,
            &self.ehlo,
            &self.starttls,
            &self.auth,
            &self.mail,
            &self.rcpt,
            &self.data,
            &self.rset,
            &self.noop,
            &self.quit,
            &self.other,
        ] {
            counter.store(0, Relaxed);
        }
        self.most_open.store(self.open.load(Relaxed), Relaxed);
    }
}
