//! Entries that the broker delivers. Each lane of a kind of work has a consumer of its own with one entry in hand, so that
//! the most urgent is known here, and the rest waits where other processes can have it.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use futures_util::stream::{BoxStream, SelectAll};
use futures_util::{StreamExt as _, stream};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions,
    BasicQosOptions, BasicRejectOptions, QueueDeclareOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Event};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;

use super::super::{Entry, QueueError, Work};
use super::shelf::{Held, Shelf};
use super::topology::{self, Names};
use super::{MEANWHILE, body};
use crate::broker::dial::{Line, Target};
use crate::broker::side::{Backoff, Side};
use crate::broker::{RPC, closed};
use crate::domain::message::Lane;

/// Entries that a consumer has in hand.
const IN_HAND: u16 = 1;
/// Questions that wait.
const WAITING: usize = 64;
/// How often the connection and what is in hand are looked at.
const LOOKS: Duration = Duration::from_secs(1);
/// Long before a broker gives up a consumer that settles nothing (half an hour).
const OLD: Duration = Duration::from_mins(5);

/// How many such entries wait at the broker?
struct Ask {
    entry: Entry,
    answer: oneshot::Sender<u32>,
}

pub(super) struct Taking {
    pub(super) side: Side,
    pub(super) shelf: Shelf,
    names: Names,
    wanted: watch::Sender<BTreeSet<Work>>,
    asks: mpsc::Sender<Ask>,
    asked: Mutex<mpsc::Receiver<Ask>>,
    /// Nothing more is to be taken.
    pub(super) leaving: CancellationToken,
}

impl Taking {
    pub(super) fn new(names: Names) -> Self {
        let (asks, asked) = mpsc::channel(WAITING);
        Self {
            side: Side::new("taking", MEANWHILE),
            shelf: Shelf::default(),
            names,
            wanted: watch::Sender::default(),
            asks,
            asked: Mutex::new(asked),
            leaving: CancellationToken::new(),
        }
    }

    /// From now on entries of this work are delivered here.
    pub(super) fn want(&self, work: Work) {
        self.wanted.send_if_modified(|wanted| wanted.insert(work));
    }

    pub(super) fn wants(&self, work: Work) -> bool {
        self.wanted.borrow().contains(&work)
    }

    /// Entries that wait at the broker.
    pub(super) async fn depth(&self, entry: Entry) -> Result<u32, QueueError> {
        let answered = timeout(RPC, async {
            self.side.ready().await?;
            let (answer, answered) = oneshot::channel();
            let ask = Ask { entry, answer };
            self.asks.try_send(ask).map_err(|_| "too many questions wait for it".to_owned())?;
            answered.await.map_err(|_| "the connection was lost".to_owned())
        });
        answered.await.unwrap_or_else(|_| Err("it does not answer".to_owned())).map_err(QueueError)
    }

    /// Keeps a connection for as long as the process runs.
    pub(super) async fn run(&self, target: &Target, stop: &CancellationToken) {
        let mut asked = self.asked.lock().await;
        let mut backoff = Backoff::default();
        // Of a run that panicked.
        self.shelf.forget();
        while !stop.is_cancelled() {
            let ended = match stop.run_until_cancelled(target.connect(self.side.name())).await {
                Some(Ok(line)) => {
                    // Whatever it is about, whoever stops does not wait for an answer.
                    let ended = stop.run_until_cancelled(self.serve(&line, &mut asked)).await;
                    line.close().await;
                    ended
                }
                Some(Err(reason)) => Some(reason),
                None => None,
            };
            self.shelf.forget();
            let Some(reason) = ended else { break };
            self.side.away(&reason);
            // Whoever asked meanwhile is told by their question being dropped.
            while asked.try_recv().is_ok() {}
            if backoff.wait(self.side.stood(), stop).await {
                break;
            }
        }
    }

    /// Takes until the connection is lost, and says why it was.
    async fn serve(&self, line: &Line, asked: &mut mpsc::Receiver<Ask>) -> String {
        let Err(reason) = self.work(line, asked).await;
        reason
    }

    async fn work(&self, line: &Line, asked: &mut mpsc::Receiver<Ask>) -> Result<Infallible, String> {
        let mut desk = bounded(Desk::open(self, line)).await?;
        let mut events = std::pin::pin!(line.events_listener());
        let mut wanted = self.wanted.subscribe();
        let mut looks = tokio::time::interval(LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        bounded(desk.begin()).await?;
        self.side.up();
        loop {
            tokio::select! {
                biased;
                () = self.leaving.cancelled(), if !desk.left => bounded(desk.leave()).await?,
                Some((entry, delivery)) = desk.deliveries.next(), if !desk.deliveries.is_empty() => match delivery {
                    Some(Ok(delivery)) => bounded(desk.receive(entry, delivery)).await?,
                    Some(Err(error)) => return Err(error.to_string()),
                    None if desk.left => {}
                    None => return Err(format!("the queue `{}` is gone", self.names.queue(entry).as_str())),
                },
                event = events.next() => match event {
                    Some(Event::Error(error)) => return Err(error.to_string()),
                    Some(_) => {}
                    None => return Err("the connection was lost".to_owned()),
                },
                _ = wanted.changed() => bounded(desk.begin()).await?,
                Some(ask) = asked.recv() => bounded(desk.answer(ask)).await?,
                _ = looks.tick() => {
                    if let Some(reason) = closed(line, &desk.consumers) {
                        return Err(reason);
                    }
                    bounded(desk.put_down_old()).await?;
                }
            }
        }
    }
}

/// A broker that does not answer is gone, whatever its connection says.
async fn bounded<T>(step: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    timeout(RPC, step).await.unwrap_or_else(|_| Err("it does not answer".to_owned()))
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` takes")]
fn words(error: lapin::Error) -> String {
    error.to_string()
}

type Deliveries = SelectAll<BoxStream<'static, (Entry, Option<lapin::Result<Delivery>>)>>;

/// One connection's work.
struct Desk<'a> {
    taking: &'a Taking,
    /// For questions, so that one about a queue that is gone closes nothing else.
    questions: Channel,
    consumers: Channel,
    /// `None`: its consumer has ended.
    deliveries: Deliveries,
    begun: BTreeSet<Work>,
    tags: Vec<ShortString>,
    left: bool,
}

impl<'a> Desk<'a> {
    async fn open(taking: &'a Taking, line: &Line) -> Result<Self, String> {
        let questions = line.create_channel().await.map_err(words)?;
        topology::declare(&questions, &taking.names).await?;
        let consumers = line.create_channel().await.map_err(words)?;
        consumers.basic_qos(IN_HAND, BasicQosOptions::default()).await.map_err(words)?;
        Ok(Self {
            taking,
            questions,
            consumers,
            deliveries: SelectAll::new(),
            begun: BTreeSet::new(),
            tags: Vec::new(),
            left: taking.leaving.is_cancelled(),
        })
    }

    /// Begins with whatever is wanted and not begun. What waits already comes first, the most urgent before the rest.
    async fn begin(&mut self) -> Result<(), String> {
        if self.left {
            return Ok(());
        }
        let wanted = self.taking.wanted.borrow().clone();
        for work in wanted {
            if !self.begun.insert(work) {
                continue;
            }
            self.look(work).await?;
            for lane in Lane::ALL {
                self.consume(Entry { lane: *lane, work }).await?;
            }
        }
        Ok(())
    }

    async fn consume(&mut self, entry: Entry) -> Result<(), String> {
        let queue = self.taking.names.queue(entry);
        let options = BasicConsumeOptions::default();
        let consuming =
            self.consumers.basic_consume(queue, ShortString::default(), options, FieldTable::default());
        let consumer = consuming.await.map_err(words)?;
        self.tags.push(consumer.tag());
        let deliveries = consumer.map(move |delivery| (entry, Some(delivery)));
        self.deliveries.push(deliveries.chain(stream::once(async move { (entry, None) })).boxed());
        Ok(())
    }

    /// Puts one of each lane on the shelf.
    async fn look(&mut self, work: Work) -> Result<(), String> {
        let mut found = Vec::new();
        for lane in Lane::ALL {
            let entry = Entry { lane: *lane, work };
            let queue = self.taking.names.queue(entry);
            let got = self.questions.basic_get(queue, BasicGetOptions::default()).await.map_err(words)?;
            if let Some(got) = got
                && let Some(held) = readable(entry, got.delivery).await?
            {
                found.push((*lane, held));
            }
        }
        self.taking.shelf.deliver_all(work, found);
        Ok(())
    }

    async fn receive(&mut self, entry: Entry, delivery: Delivery) -> Result<(), String> {
        let Some(held) = readable(entry, delivery).await? else { return Ok(()) };
        if self.left {
            return give_back(vec![held]).await.map_err(words);
        }
        self.taking.shelf.deliver(entry, held);
        Ok(())
    }

    async fn answer(&mut self, ask: Ask) -> Result<(), String> {
        let queue = self.taking.names.queue(ask.entry);
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let found = self.questions.queue_declare(queue, options, FieldTable::default()).await;
        // Whoever asked may have given up.
        let _ = ask.answer.send(found.map_err(words)?.message_count());
        Ok(())
    }

    /// Ends the consumers and gives back what nobody here has taken.
    async fn leave(&mut self) -> Result<(), String> {
        self.left = true;
        for tag in std::mem::take(&mut self.tags) {
            self.consumers.basic_cancel(tag, BasicCancelOptions::default()).await.map_err(words)?;
        }
        give_back(self.taking.shelf.give_up()).await.map_err(words)
    }

    async fn put_down_old(&mut self) -> Result<(), String> {
        let Some(then) = Instant::now().checked_sub(OLD) else { return Ok(()) };
        for held in self.taking.shelf.older_than(then) {
            held.acker.ack(BasicAckOptions::default()).await.map_err(words)?;
        }
        Ok(())
    }
}

/// What nobody can read is put aside, where somebody may look at it.
async fn readable(entry: Entry, delivery: Delivery) -> Result<Option<Held>, String> {
    if body::read(&delivery.data) == Some(entry) {
        return Ok(Some(Held::new(delivery.acker)));
    }
    tracing::warn!(
        lane = entry.lane.name(),
        work = entry.work.name(),
        bytes = delivery.data.len(),
        "an entry that is none of ours was put aside"
    );
    delivery.acker.reject(BasicRejectOptions { requeue: false }).await.map_err(words)?;
    Ok(None)
}

/// Offers them to others again.
pub(super) async fn give_back(held: Vec<Held>) -> lapin::Result<()> {
    for held in held {
        let options = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
        held.acker.nack(options).await?;
    }
    Ok(())
}
