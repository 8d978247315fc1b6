//! Entries on their way to the broker. Of equal ones a single one is under way, and those offered meanwhile leave as one
//! when it has arrived: however many are offered, the broker gets one for each time it answers.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Event};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;

use super::super::{Entry, QueueError, Work};
use super::topology::{self, Names};
use super::{MEANWHILE, body};
use crate::broker::dial::{Line, Target};
use crate::broker::side::{Backoff, Side};
use crate::broker::{RPC, closed};
use crate::domain::channel::Outlet;
use crate::domain::message::Lane;

/// Nobody who publishes waits longer.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// A broker that has not confirmed for this long is gone, whatever its connection says.
const DEAD: Duration = Duration::from_secs(10);
/// How often that is looked at.
const LOOKS: Duration = Duration::from_millis(250);
/// Offers that wait for the broker.
const WAITING: usize = 1_024;
const PERSISTENT: u8 = 2;
/// What a new connection is tried with: one that a broker takes and never confirms is none. Whoever gets this finds nothing.
const PROBE: Entry = Entry { lane: Lane::Low, work: Work::Send(Outlet::Sandbox) };

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Kept,
    /// As many equal ones wait as may, or the broker could not keep it: it does not say which.
    Refused,
}

type Answer = oneshot::Sender<Result<Given, String>>;

struct Offer {
    entry: Entry,
    answer: Answer,
}

pub(super) struct Giving {
    pub(super) side: Side,
    names: Names,
    offers: mpsc::Sender<Offer>,
    incoming: Mutex<mpsc::Receiver<Offer>>,
}

impl Giving {
    pub(super) fn new(names: Names) -> Self {
        let (offers, incoming) = mpsc::channel(WAITING);
        Self { side: Side::new("publishing", MEANWHILE), names, offers, incoming: Mutex::new(incoming) }
    }

    /// Publishes and waits for the broker's confirmation.
    pub(super) async fn publish(&self, entry: Entry) -> Result<Given, QueueError> {
        let published = timeout(PATIENCE, async {
            self.side.ready().await?;
            let (answer, answered) = oneshot::channel();
            let offer = Offer { entry, answer };
            self.offers.try_send(offer).map_err(|_| "too many entries wait for it".to_owned())?;
            answered.await.unwrap_or_else(|_| Err("the connection was lost".to_owned()))
        });
        published.await.unwrap_or_else(|_| Err("it does not confirm in time".to_owned())).map_err(QueueError)
    }

    /// Keeps a connection for as long as the process runs.
    pub(super) async fn run(&self, target: &Target, stop: &CancellationToken) {
        let mut incoming = self.incoming.lock().await;
        let mut backoff = Backoff::default();
        while !stop.is_cancelled() {
            let ended = match stop.run_until_cancelled(self.open(target)).await {
                Some(Ok((line, channel))) => {
                    let ended = self.serve(&line, &channel, &mut incoming, stop).await;
                    line.close().await;
                    ended
                }
                Some(Err(reason)) => Err(reason),
                None => Ok(()),
            };
            let Err(reason) = ended else { break };
            self.side.away(&reason);
            // Whoever got in meanwhile is told by their offer being dropped.
            while incoming.try_recv().is_ok() {}
            if backoff.wait(self.side.stood(), stop).await {
                break;
            }
        }
    }

    async fn open(&self, target: &Target) -> Result<(Line, Channel), String> {
        let line = target.connect(self.side.name()).await?;
        let opened = timeout(RPC, async {
            let channel = line.create_channel().await.map_err(|error| error.to_string())?;
            topology::declare(&channel, &self.names).await?;
            let options = ConfirmSelectOptions::default();
            channel.confirm_select(options).await.map_err(|error| error.to_string())?;
            Ok(channel)
        });
        match opened.await.unwrap_or_else(|_| Err("it does not answer".to_owned())) {
            Ok(channel) => Ok((line, channel)),
            Err(reason) => {
                line.close().await;
                Err(reason)
            }
        }
    }

    /// Publishes until told to stop, or until the connection is lost, which is an error.
    async fn serve(
        &self,
        line: &Line,
        channel: &Channel,
        incoming: &mut mpsc::Receiver<Offer>,
        stop: &CancellationToken,
    ) -> Result<(), String> {
        let mut events = std::pin::pin!(line.events_listener());
        let mut looks = tokio::time::interval(LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut traffic = Traffic::new(channel, &self.names);
        let mut is_blocked = false;
        traffic.start(PROBE, Vec::new());
        loop {
            tokio::select! {
                biased;
                Some(landed) = traffic.flights.next(), if !traffic.flights.is_empty() => {
                    traffic.land(landed)?;
                    if !is_blocked {
                        self.side.up();
                    }
                }
                event = events.next() => match event {
                    Some(Event::ConnectionBlocked(reason)) => {
                        is_blocked = true;
                        self.side.away(&format!("it takes nothing at the moment: {reason}"));
                    }
                    Some(Event::ConnectionUnblocked) => {
                        is_blocked = false;
                        traffic.under_way.begin_anew(Instant::now());
                        // What is under way shows whether it is up again.
                        if traffic.under_way.is_empty() {
                            self.side.up();
                        }
                    }
                    Some(Event::Error(error)) => return Err(error.to_string()),
                    Some(_) => {}
                    None => return Err("the connection was lost".to_owned()),
                },
                () = stop.cancelled() => {
                    // What is on its way may arrive still.
                    let arriving = async { while traffic.flights.next().await.is_some() {} };
                    timeout(PATIENCE, arriving).await.unwrap_or_default();
                    return Ok(());
                }
                Some(offer) = incoming.recv() => traffic.offer(offer),
                _ = looks.tick() => {
                    if let Some(reason) = closed(line, channel) {
                        return Err(reason);
                    }
                    let waits = traffic.under_way.longest(Instant::now());
                    if waits > DEAD && !is_blocked {
                        return Err("it does not confirm".to_owned());
                    }
                    if waits > PATIENCE && !is_blocked {
                        self.side.away("it is slow to confirm");
                    }
                }
            }
        }
    }
}

/// An entry that arrived, or did not.
struct Landed {
    entry: Entry,
    result: Result<Given, String>,
}

/// Entries that the broker has and did not confirm yet: since when that is, and who waits for it.
#[derive(Default)]
struct UnderWay(BTreeMap<Entry, (Instant, Vec<Answer>)>);

impl UnderWay {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has(&self, entry: Entry) -> bool {
        self.0.contains_key(&entry)
    }

    fn start(&mut self, entry: Entry, now: Instant, answers: Vec<Answer>) {
        self.0.insert(entry, (now, answers));
    }

    fn land(&mut self, entry: Entry) -> Vec<Answer> {
        self.0.remove(&entry).map(|(_, answers)| answers).unwrap_or_default()
    }

    /// How long the first of them has been so.
    fn longest(&self, now: Instant) -> Duration {
        self.0.values().map(|(since, _)| now.duration_since(*since)).max().unwrap_or_default()
    }

    /// The broker could not confirm until now.
    fn begin_anew(&mut self, now: Instant) {
        for (since, _) in self.0.values_mut() {
            *since = now;
        }
    }
}

struct Traffic<'a> {
    channel: &'a Channel,
    names: &'a Names,
    flights: FuturesUnordered<BoxFuture<'a, Landed>>,
    under_way: UnderWay,
    /// Who waits for the next one.
    next: HashMap<Entry, Vec<Answer>>,
}

impl<'a> Traffic<'a> {
    fn new(channel: &'a Channel, names: &'a Names) -> Self {
        Self {
            channel,
            names,
            flights: FuturesUnordered::new(),
            under_way: UnderWay::default(),
            next: HashMap::new(),
        }
    }

    fn offer(&mut self, offer: Offer) {
        // The one under way may have been taken before there was something to find: it does not speak for this offer.
        if self.under_way.has(offer.entry) {
            self.next.entry(offer.entry).or_default().push(offer.answer);
        } else {
            self.start(offer.entry, vec![offer.answer]);
        }
    }

    fn start(&mut self, entry: Entry, answers: Vec<Answer>) {
        self.under_way.start(entry, Instant::now(), answers);
        let (channel, names) = (self.channel, self.names);
        self.flights
            .push(Box::pin(async move { Landed { entry, result: fly(channel, names, entry).await } }));
    }

    /// An error that one entry met is the connection's.
    fn land(&mut self, landed: Landed) -> Result<(), String> {
        let Landed { entry, result } = landed;
        for answer in self.under_way.land(entry) {
            // Whoever asked may have given up.
            drop(answer.send(result.clone()));
        }
        result?;
        if let Some(answers) = self.next.remove(&entry) {
            self.start(entry, answers);
        }
        Ok(())
    }
}

async fn fly(channel: &Channel, names: &Names, entry: Entry) -> Result<Given, String> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/json".into());
    let body = body::write(entry);
    let sent = channel.basic_publish(names.exchange(), Names::key(entry), options, &body, properties).await;
    let confirm = sent.map_err(|error| error.to_string())?;
    match confirm.await.map_err(|error| error.to_string())? {
        Confirmation::Ack(Some(_)) => Err(format!("the queue `{}` is gone", names.queue(entry).as_str())),
        Confirmation::Ack(None) | Confirmation::NotRequested => Ok(Given::Kept),
        Confirmation::Nack(_) => Ok(Given::Refused),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_the_broker_was_blocked_does_not_count() {
        let (began, mut under_way) = (Instant::now(), UnderWay::default());
        under_way.start(PROBE, began, Vec::new());
        let unblocked = began + DEAD * 3;
        under_way.start(Entry { lane: Lane::High, ..PROBE }, unblocked, Vec::new());
        assert_eq!(under_way.longest(unblocked), DEAD * 3);
        under_way.begin_anew(unblocked);
        assert_eq!(under_way.longest(unblocked), Duration::ZERO);
        assert_eq!(under_way.longest(unblocked + DEAD), DEAD, "from then on it does");
        under_way.land(PROBE);
        assert!(under_way.has(Entry { lane: Lane::High, ..PROBE }) && !under_way.has(PROBE));
    }
}
