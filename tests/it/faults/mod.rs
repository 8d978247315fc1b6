//! What others do to us: kill the process, hang, reset, fill the disk. Nothing accepted may be lost.

mod alert;
mod import;
mod kill;
mod process;
mod receipts;
mod slow;
mod stop;
mod store;
mod vendors;

use std::time::{Duration, Instant};

use belltower::domain::id::BroadcastId;
use belltower::service::broadcasts::{self, Progress};
use belltower::service::{Services, messages};
use belltower::store::Db;

use crate::support::{TERMINAL, faulty};

/// A wait that is only ever reached where something is broken.
const LOST: Duration = Duration::from_mins(2);

/// What the dead had in hand is anybody's, as it is where nodes share a store when their time has run out.
async fn leases_end(url: &str) {
    let db = Db::open(url).await.unwrap();
    faulty::execute(&db, "UPDATE delivery SET lease_until = 0 WHERE state = 1").await;
    faulty::execute(&db, "UPDATE message SET lease_until = 0 WHERE lease_until IS NOT NULL").await;
    db.close().await;
}

/// How far a broadcast is when each of its messages is at its end, and waits for nothing.
async fn settled(s: &Services, id: BroadcastId) -> Progress {
    let deadline = Instant::now() + LOST;
    loop {
        let progress = broadcasts::progress(s, &TERMINAL, id).await.unwrap();
        let mut is_open = false;
        for part in &progress.parts {
            let message = messages::get(s, &TERMINAL, part.message).await.unwrap();
            let counts = &part.counts.all;
            is_open |= !message.summary.status.is_final() || counts.pending + counts.sending > 0;
        }
        if !is_open {
            return progress;
        }
        assert!(Instant::now() < deadline, "never settled: {progress:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
