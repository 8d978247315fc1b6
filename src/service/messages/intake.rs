//! The one door to the store for accepted messages. Requests put their message into a channel; one writer takes what
//! has arrived, keeps all of it in one transaction and answers everybody. However many send at once, they share the
//! cost of one write to disk; a lone message does not wait for company.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OnceCell, mpsc, oneshot};

use super::keep::{Keeper, Kept};
use crate::clock::Clock;
use crate::domain::id::{DraftId, Mint};
use crate::domain::message::Lane;
use crate::error::{Error, Result};
use crate::queue::{Entry, WakeUps, Work};
use crate::service::{Campus, subscriptions};
use crate::store::messages::NewMessage;
use crate::store::{Db, settings};
use crate::telemetry::metrics::Metrics;

/// Messages kept in one transaction.
const BATCH: usize = 512;
/// Bytes kept in one transaction, about.
const HEAVY: usize = 8 << 20;
/// Messages waiting for the writer; more are refused, so that waiting has an end.
const WAITING: usize = 4_096;

/// A message about to be kept.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    pub message: NewMessage,
    pub key: Option<Key>,
    pub dedup_key: Option<String>,
    /// Messages its source may send a campus day.
    pub daily_limit: Option<u64>,
    /// The operator who wrote it.
    pub author: Option<Author>,
}

/// Who wrote a message, and what is done with the same stroke.
#[derive(Clone, Debug)]
pub(super) struct Author {
    /// As the audit log names them.
    pub name: String,
    /// Why it waits for a reviewer.
    pub held: Option<String>,
    /// Its draft, which is closed.
    pub draft: Option<DraftId>,
}

/// The `Idempotency-Key` of a message, and the answer it stands for from then on.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub name: String,
    pub body_hash: String,
    pub answer: String,
}

impl Incoming {
    /// Bytes that make it large, if it is.
    fn weight(&self) -> usize {
        let message = &self.message;
        let optional = [&message.audience, &message.personalise];
        message.content.len() + optional.into_iter().flatten().map(String::len).sum::<usize>()
    }
}

struct Request {
    incoming: Incoming,
    reply: oneshot::Sender<Result<Kept>>,
}

/// Hands messages to the writer. Clones share it; it ends when the last of them is gone.
#[derive(Clone)]
pub struct Intake {
    urgent: mpsc::Sender<Request>,
    routine: mpsc::Sender<Request>,
    mint: Arc<OnceCell<Mint>>,
}

impl Intake {
    /// Starts the writer in the runtime this is called in.
    pub(in crate::service) fn start(
        db: Db,
        clock: Clock,
        wake_ups: WakeUps,
        campus: Arc<Campus>,
        metrics: Arc<Metrics>,
        interests: Arc<subscriptions::Known>,
    ) -> Self {
        let (urgent, urgent_requests) = mpsc::channel(WAITING);
        let (routine, routine_requests) = mpsc::channel(WAITING);
        let writer = Writer { keeper: Arc::new(Keeper { db, clock, campus, interests }), wake_ups, metrics };
        tokio::spawn(writer.run(urgent_requests, routine_requests));
        Self { urgent, routine, mint: Arc::default() }
    }

    /// Makes ids that no other process on this store makes.
    pub(super) async fn mint(&self, db: &Db) -> Result<&Mint> {
        self.mint
            .get_or_try_init(async || {
                let mut tx = db.begin().await?;
                let number = settings::next_number(&mut tx, "mint").await?;
                tx.commit().await?;
                Ok(Mint::new(number as u8))
            })
            .await
    }

    /// Keeps a message; refuses it at once where too many are waiting.
    pub(super) async fn keep(&self, incoming: Incoming) -> Result<Kept> {
        let (request, answer) = request(incoming);
        self.lane_of(&request).try_send(request).map_err(|_| Error::Unavailable {
            reason: "more messages arrive than can be kept".to_owned(),
            retry_after: Duration::from_secs(1),
        })?;
        answer.await.map_err(gone)?
    }

    /// Keeps many, waiting for room where there is none. Answers come in order.
    pub(super) async fn keep_all(&self, incoming: Vec<Incoming>) -> Vec<Result<Kept>> {
        let mut answers = Vec::with_capacity(incoming.len());
        for incoming in incoming {
            let (request, answer) = request(incoming);
            // A failure to send drops the request, and its answer tells.
            drop(self.lane_of(&request).send(request).await);
            answers.push(answer);
        }
        let mut kept = Vec::with_capacity(answers.len());
        for answer in answers {
            kept.push(answer.await.map_err(gone).and_then(|result| result));
        }
        kept
    }

    /// Emergencies do not wait behind the rest.
    fn lane_of(&self, request: &Request) -> &mpsc::Sender<Request> {
        if request.incoming.message.rank.lane() == Lane::Emergency { &self.urgent } else { &self.routine }
    }
}

fn request(incoming: Incoming) -> (Request, oneshot::Receiver<Result<Kept>>) {
    let (reply, answer) = oneshot::channel();
    (Request { incoming, reply }, answer)
}

fn gone<E>(_: E) -> Error {
    Error::unavailable("the service is stopping")
}

struct Writer {
    keeper: Arc<Keeper>,
    wake_ups: WakeUps,
    metrics: Arc<Metrics>,
}

impl Writer {
    async fn run(self, mut urgent: mpsc::Receiver<Request>, mut routine: mpsc::Receiver<Request>) {
        loop {
            let first = tokio::select! {
                biased;
                first = urgent.recv() => first,
                first = routine.recv() => first,
            };
            let Some(first) = first else { return };
            let mut weight = first.incoming.weight();
            let mut batch = vec![first];
            while batch.len() < BATCH
                && weight < HEAVY
                && let Some(next) = urgent.try_recv().ok().or_else(|| routine.try_recv().ok())
            {
                weight += next.incoming.weight();
                batch.push(next);
            }
            self.keep(batch).await;
        }
    }

    async fn keep(&self, batch: Vec<Request>) {
        let (incoming, replies): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|request| (request.incoming, request.reply)).unzip();
        let keeper = Arc::clone(&self.keeper);
        let wake = incoming.iter().map(|i| i.message.rank.lane()).collect::<Vec<_>>();
        let began = Instant::now();
        // Spawned, so that a panic costs one batch and not the door.
        let results =
            tokio::spawn(async move { keeper.keep(incoming).await }).await.unwrap_or_else(|panic| {
                let panic = panic.to_string();
                replies.iter().map(|_| Err(Error::internal(panic.clone()))).collect()
            });
        self.metrics.kept(results.len(), began);
        let mut lanes: Vec<Lane> = Vec::new();
        for (lane, result) in wake.into_iter().zip(&results) {
            if matches!(result, Ok(Kept::New { due: true })) && !lanes.contains(&lane) {
                lanes.push(lane);
            }
        }
        // Whoever waits to hear that their message is kept does not wait for a broker.
        for lane in lanes {
            self.wake_ups.wake(Entry { lane, work: Work::Plan });
        }
        for (reply, result) in replies.into_iter().zip(results) {
            // Whoever asked may have gone; the message is kept.
            drop(reply.send(result));
        }
    }
}
