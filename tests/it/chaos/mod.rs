//! Three nodes on one PostgreSQL and one RabbitMQ, while everything around them breaks at random: nothing accepted is lost,
//! twice comes only what was in flight, and the counters say what the rows say. [`rolling`] is the quiet form of it, an
//! update of one node after another that nobody notices.
//!
//! - [`cluster`]: the nodes and the ways between them; [`clock`]: their clocks, which can be set
//! - [`vendors`]: who takes what is sent, and counts it; [`feed`]: who sends it
//! - [`ledger`]: the database as it is, past every way that is broken
//! - [`faults`]: what happens; [`storm`]: how much of it, and what must be true afterwards

mod clock;
mod cluster;
mod faults;
mod feed;
mod ledger;
mod rolling;
mod storm;
mod vendors;

use std::time::{Duration, Instant};

/// A wait that is only ever reached where something is broken. Longer than any lease, time-out and pause of a provider.
const LOST: Duration = Duration::from_mins(4);
/// How often it is looked whether something came true.
const LOOK: Duration = Duration::from_millis(20);

async fn until<T>(what: &str, mut told: impl AsyncFnMut() -> Option<T>) -> T {
    let lost = Instant::now() + LOST;
    loop {
        if let Some(told) = told().await {
            return told;
        }
        assert!(Instant::now() < lost, "never came true: {what}");
        tokio::time::sleep(LOOK).await;
    }
}
