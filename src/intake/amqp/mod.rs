//! Takes messages that departments' systems publish at a RabbitMQ instead of calling. The broker has one until it is stored, or
//! until it lies where its publisher finds what is wrong with it: nothing is settled before. What comes twice for that reason is
//! known by its id.
//!
//! Publications never say where anything is to be sent to: `reply_to` would have us write into any queue of the vhost for
//! whoever may write into one.
//!
//! - [`topology`]: what stands at the broker · [`desk`]: one connection's work
//! - [`handling`]: what becomes of one publication · [`rejected`]: those that are given back
//! - [`gate`]: waiting while it is we who cannot

mod desk;
mod gate;
mod handling;
mod rejected;
mod topology;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use self::gate::Gate;
use self::handling::Waiting;
use self::rejected::Rejecting;
use self::topology::Names;
use crate::broker::dial::Target;
use crate::broker::side::{self, Backoff, Side};
use crate::lifecycle::Lifecycle;
use crate::service::Services;

/// What its being away means, for logs.
const MEANWHILE: &str = "what sources publish waits there";
/// What the trouble is with, in whoever asks.
const NOT_TAKEN: &str = "nothing is taken from the broker";
const NOT_LAID: &str = "what cannot be accepted finds no place at the broker, and is tried again";

/// The door, for as long as the process runs.
struct Door {
    s: Services,
    target: Target,
    names: Names,
    side: Arc<Side>,
    gate: Gate,
    waiting: Arc<Waiting>,
    rejecting: Arc<Rejecting>,
}

/// Takes until a soft stop, then lets those finish that are under way. To be called inside a runtime.
pub fn serve(target: Target, s: Services, lifecycle: &Lifecycle) {
    let target = target.guarded();
    target.called(s.node.name());
    let stop = lifecycle.soft().clone();
    let side = Arc::new(Side::new("intake", MEANWHILE));
    let rejecting = Arc::new(Rejecting::new(target.clone()));
    let waiting = Arc::new(Waiting::default());
    s.broker_door.is({
        let (stop, side) = (stop.clone(), Arc::clone(&side));
        let (rejecting, waiting) = (Arc::clone(&rejecting), Arc::clone(&waiting));
        move || {
            // One that is shut on purpose is no trouble.
            if stop.is_cancelled() {
                return None;
            }
            let not_taken = side.trouble().map(|why| format!("{NOT_TAKEN}: {why}"));
            let not_laid = || rejecting.trouble().map(|why| format!("{NOT_LAID}: {why}"));
            not_taken.or_else(not_laid).or_else(|| waiting.trouble())
        }
    });
    let door = Arc::new(Door {
        names: Names::new(&target.broker.prefix),
        target,
        side,
        gate: Gate::new(),
        waiting,
        rejecting,
        s,
    });
    lifecycle.spawn("amqp intake", async move {
        side::keep(&door.side, &stop, || Arc::clone(&door).run(&stop)).await;
        door.rejecting.close().await;
    });
}

impl Door {
    /// Keeps a connection for as long as the process runs.
    async fn run(self: Arc<Self>, stop: &CancellationToken) {
        let mut backoff = Backoff::default();
        while !stop.is_cancelled() {
            let ended = match stop.run_until_cancelled(self.target.connect(self.side.name())).await {
                Some(Ok(line)) => {
                    let ended = desk::work(&self, &line, stop).await;
                    line.close().await;
                    ended
                }
                Some(Err(reason)) => Err(reason),
                None => Ok(()),
            };
            let Err(reason) = ended else { break };
            self.side.away(&reason);
            if backoff.wait(self.side.stood(), stop).await {
                break;
            }
        }
    }
}
