//! Applications that are told: of which events, on which topics, and how they are called.

mod event;
mod interest;
mod queue_name;
mod schedule;
mod signature;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use event::{EventKind, Kinds, TEST};
pub use interest::{Interest, Interests};
pub use queue_name::{LONGEST_QUEUE, QueueName};
pub use schedule::{ATTEMPTS, wait, wait_asked};
pub use signature::{Secret, sign};

use super::message::coded;

/// Endpoints that a source may have.
pub const MOST_ENDPOINTS: i64 = 20;
/// Streams of different topics or events that a source may follow.
pub const MOST_STREAMS: i64 = 50;
/// Patterns of topics that one names.
pub const MOST_TOPICS: usize = 20;
/// Characters of an endpoint's address.
pub const LONGEST_URL: usize = 500;
/// Days that events are kept.
pub const EVENT_DAYS: u64 = 7;
/// Days that a stream nobody reads is kept open for its reader.
pub const STREAM_DAYS: u64 = 3;

coded! {
    /// How events leave.
    EndpointKind {
        Webhook = 1 "webhook",
        /// Whoever keeps a connection open to `GET /events`.
        Stream = 2 "stream",
        /// A queue at the installation's message broker.
        Amqp = 3 "amqp",
    }
}

impl EndpointKind {
    /// Events are handed to it, one by one; a stream is read instead.
    pub const fn is_handed(self) -> bool {
        !matches!(self, Self::Stream)
    }
}

coded! {
    /// Whether an endpoint is called.
    Standing {
        Active = 0 "active",
        Disabled = 1 "disabled",
    }
}

coded! {
    /// Why an endpoint is not called any more.
    WhyDisabled {
        /// It answered 410.
        Gone = 1 "gone",
        /// It took nothing for as long as it is tried.
        Exhausted = 2 "exhausted",
    }
}

/// Statuses of 4xx that say something of the endpoint and nothing of the event: it is slow, gone, not ready or has too much.
pub const OF_THE_ENDPOINT: [u16; 4] = [408, 410, 425, 429];

/// Whether an endpoint refuses this very event by such a status: it is there, and takes others.
pub fn refuses(status: u16) -> bool {
    (400..500).contains(&status) && !OF_THE_ENDPOINT.contains(&status)
}

coded! {
    /// What became of an event at one endpoint.
    Handed {
        Waiting = 0 "waiting",
        Sending = 1 "sending",
        Delivered = 2 "delivered",
        /// Tried for as long as anything is, while the endpoint took others.
        GivenUp = 3 "given_up",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_refused_by_what_says_nothing_of_the_endpoint() {
        for status in [400, 401, 403, 404, 413, 422] {
            assert!(refuses(status), "{status}");
        }
        for status in [101, 204, 302, 408, 410, 425, 429, 500, 503] {
            assert!(!refuses(status), "{status}");
        }
    }
}
