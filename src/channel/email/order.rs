//! A mail that is to be handed over, and whoever waits to hear what became of it.

use std::io;

use tokio::sync::oneshot;

use super::failure::{Failure, Step, Trouble};
use super::letter::Letter;
use super::reply::Reply;
use crate::clock::Timestamp;

pub(super) struct Order {
    pub(super) letter: Letter,
    pub(super) expires_at: Timestamp,
    pub(super) sender: Sender,
}

/// Whoever waits to hear what became of it.
pub(super) struct Sender(oneshot::Sender<Result<Reply, Failure>>);

/// What becomes of an order.
pub(super) struct Answer(oneshot::Receiver<Result<Reply, Failure>>);

impl Order {
    pub(super) fn new(letter: Letter, expires_at: Timestamp) -> (Self, Answer) {
        let (sender, answer) = oneshot::channel();
        (Self { letter, expires_at, sender: Sender(sender) }, Answer(answer))
    }

    pub(super) fn answer(self, result: Result<Reply, Failure>) {
        // Whoever went away meanwhile does not want to know.
        let _ = self.sender.0.send(result);
    }
}

impl Sender {
    pub(super) fn is_gone(&self) -> bool {
        self.0.is_closed()
    }

    /// Waits until it has gone away.
    pub(super) async fn gone(&mut self) {
        self.0.closed().await;
    }
}

impl Answer {
    pub(super) async fn hear(self) -> Result<Reply, Failure> {
        self.0.await.unwrap_or_else(|_| {
            // Nobody knows how far it came.
            let error = io::Error::other("the conversation broke off on this side");
            Err(Failure { at: Step::Verdict, trouble: Trouble::Lost(error) })
        })
    }
}
