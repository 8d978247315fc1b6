//! The connection that something is published by: made when it is needed, kept while it stands, made anew when it does not.
//!
//! A channel carries one message at a time. The broker sends what no queue takes back before it confirms it, and says by nothing
//! but the order which confirmation that belongs to: with several under way a message that was sent back could be taken for one
//! that arrived.

use std::collections::HashSet;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use lapin::Channel;
use lapin::options::ConfirmSelectOptions;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::dial::{Line, Target};
use super::side::Side;

/// After an attempt that failed nobody tries for so long; whoever comes meanwhile is told the same.
const REST: Duration = Duration::from_millis(500);
/// What failed longer ago is no trouble of now: whatever waits is tried again long before.
const LATELY: Duration = Duration::from_mins(1);

/// Connects when it has to.
pub struct Lines {
    target: Target,
    side: Side,
    failed_at: SyncMutex<Option<Instant>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Option<Arc<Open>>,
    failed: Option<(Instant, String)>,
}

/// A connection that stands, with the channels that nobody uses now.
pub struct Open {
    pub line: Line,
    idle: SyncMutex<Vec<Channel>>,
    /// Queues that are there, as far as this connection has seen.
    known: SyncMutex<HashSet<String>>,
}

impl Lines {
    /// By the name of its purpose, which is also the connection's. `meanwhile` follows in logs from the broker's being away.
    pub fn new(target: Target, purpose: &'static str, meanwhile: &'static str) -> Self {
        let side = Side::new(purpose, meanwhile);
        Self { target, side, failed_at: SyncMutex::default(), state: Mutex::default() }
    }

    /// How this process is called in the broker's list.
    pub fn called(&self, name: &str) {
        self.target.called(name);
    }

    /// To be said once the broker has confirmed something. That it takes a connection says little: it may be out of memory, or
    /// not permit what is to be published.
    pub fn up(&self) {
        self.side.up();
    }

    /// To be said where something could not be published for a reason of the broker's or its operators'.
    pub fn away(&self, reason: &str) {
        *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.side.away(reason);
    }

    /// Why what is published does not arrive, where that was so lately.
    pub fn trouble(&self) -> Option<String> {
        let failed_at = *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
        failed_at.filter(|at| at.elapsed() < LATELY).and_then(|_| self.side.trouble())
    }

    /// The connection, made now if there is none.
    ///
    /// # Errors
    ///
    /// Why there is none, in words.
    pub async fn open(&self) -> Result<Arc<Open>, String> {
        let mut state = self.state.lock().await;
        if let Some(open) = state.open.take_if(|open| open.line.status().connected()) {
            state.open = Some(Arc::clone(&open));
            return Ok(open);
        }
        state.open = None;
        if let Some((at, reason)) = &state.failed
            && at.elapsed() < REST
        {
            return Err(reason.clone());
        }
        match self.target.connect(self.side.name()).await {
            Ok(line) => {
                let open = Arc::new(Open { line, idle: SyncMutex::default(), known: SyncMutex::default() });
                state.open = Some(Arc::clone(&open));
                state.failed = None;
                Ok(open)
            }
            Err(reason) => {
                self.away(&reason);
                state.failed = Some((Instant::now(), reason.clone()));
                Err(reason)
            }
        }
    }

    /// Takes leave of the broker.
    pub async fn close(&self) {
        let open = self.state.lock().await.open.take();
        // Whoever publishes still has it; it ends with them.
        if let Some(open) = open.and_then(Arc::into_inner) {
            open.line.close().await;
        }
    }
}

impl Open {
    /// A channel that confirms, for one message.
    ///
    /// # Errors
    ///
    /// Where the connection gives none.
    pub async fn channel(&self) -> lapin::Result<Channel> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        while let Some(channel) = idle() {
            if channel.status().connected() {
                return Ok(channel);
            }
        }
        let channel = self.line.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(channel)
    }

    /// Nothing is under way on it.
    pub fn give_back(&self, channel: Channel) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(channel);
    }

    /// Whether that queue is there, as far as this connection has seen.
    pub fn knows(&self, queue: &str) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(queue)
    }

    pub fn know(&self, queue: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(queue.to_owned());
    }

    pub fn forget(&self, queue: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(queue);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::net::TcpListener;

    use super::*;
    use crate::config::BrokerUrl;

    #[tokio::test]
    async fn whoever_comes_right_after_one_that_failed_is_told_the_same() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("amqp://{}", listener.local_addr().unwrap());
        let target = Target::new(BrokerUrl::parse(&url).unwrap(), None);
        let lines = Lines::new(target, "test", "nothing is tested");
        assert_eq!(lines.trouble(), None);
        let came = Arc::new(AtomicU32::new(0));
        let counts = Arc::clone(&came);
        let refuses = tokio::spawn(async move {
            while let Ok(stream) = listener.accept().await {
                counts.fetch_add(1, Ordering::SeqCst);
                drop(stream);
            }
        });
        let (one, other) = tokio::join!(lines.open(), lines.open());
        let told = [one, other].map(|told| told.err().unwrap());
        refuses.abort();
        assert_eq!(told[0], told[1]);
        assert_eq!(came.load(Ordering::SeqCst), 1, "each tried by itself");
        assert_eq!(lines.trouble().as_ref(), Some(&told[0]));
        lines.up();
        assert_eq!(lines.trouble(), None);
    }
}
