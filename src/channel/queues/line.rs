//! The connection that events leave by: made when one is needed, kept while it stands, made anew when it does not.
//!
//! A channel carries one event at a time. The broker sends what no queue takes back before it confirms it, and says by nothing
//! but the order which confirmation that belongs to: with several under way an event that was sent back could be taken for one
//! that arrived.

use std::collections::HashSet;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use lapin::Channel;
use lapin::options::ConfirmSelectOptions;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::broker::dial::{Line, Target};
use crate::broker::side::Side;

/// After an attempt that failed nobody tries for so long; whoever comes meanwhile is told the same.
const REST: Duration = Duration::from_millis(500);

pub(super) struct Lines {
    target: Target,
    side: Side,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Option<Arc<Open>>,
    failed: Option<(Instant, String)>,
}

/// A connection that stands, with the channels that nobody uses now.
pub(super) struct Open {
    pub(super) line: Line,
    idle: SyncMutex<Vec<Channel>>,
    /// Queues that are there, as far as this connection has seen.
    known: SyncMutex<HashSet<String>>,
}

impl Lines {
    pub(super) fn new(target: Target) -> Self {
        let side = Side::new("publishing events", "what sources are told by queues waits in the store");
        Self { target, side, state: Mutex::default() }
    }

    pub(super) fn called(&self, name: &str) {
        self.target.called(name);
    }

    /// The connection, made now if there is none. What goes wrong is told in words.
    pub(super) async fn open(&self) -> Result<Arc<Open>, String> {
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
                self.side.up();
                Ok(open)
            }
            Err(reason) => {
                self.side.away(&reason);
                state.failed = Some((Instant::now(), reason.clone()));
                Err(reason)
            }
        }
    }

    pub(super) async fn close(&self) {
        let open = self.state.lock().await.open.take();
        // Whoever publishes still has it; it ends with them.
        if let Some(open) = open.and_then(Arc::into_inner) {
            open.line.close().await;
        }
    }
}

impl Open {
    /// A channel that confirms, for one event.
    pub(super) async fn channel(&self) -> lapin::Result<Channel> {
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
    pub(super) fn give_back(&self, channel: Channel) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(channel);
    }

    pub(super) fn knows(&self, queue: &str) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(queue)
    }

    pub(super) fn know(&self, queue: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(queue.to_owned());
    }

    pub(super) fn forget(&self, queue: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(queue);
    }
}
