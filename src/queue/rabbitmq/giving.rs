//! Entries on their way to the broker. Of equal ones a single one is under way, and those offered meanwhile leave as one
//! when it has arrived: however many are offered, the broker gets one for each time it answers.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection, Event};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;

use super::super::{Entry, QueueError};
use super::dial::Target;
use super::side::{Backoff, Side};
use super::topology::{self, Names};
use super::{RPC, body, closed};

/// Nobody who publishes waits longer.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// A broker that has not confirmed for this long is gone, whatever its connection says.
const DEAD: Duration = Duration::from_secs(10);
/// How often that is looked at.
const LOOKS: Duration = Duration::from_millis(250);
/// Offers that wait for the broker.
const WAITING: usize = 1_024;
const PERSISTENT: u8 = 2;

type Answer = oneshot::Sender<Result<(), String>>;

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
        Self { side: Side::new("publishing"), names, offers, incoming: Mutex::new(incoming) }
    }

    /// Publishes and waits for the broker's confirmation.
    pub(super) async fn publish(&self, entry: Entry) -> Result<(), QueueError> {
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
    pub(super) async fn run(&self, target: &Target, stop: CancellationToken) {
        let mut incoming = self.incoming.lock().await;
        let mut backoff = Backoff::new();
        while !stop.is_cancelled() {
            backoff.begin();
            let ended = match stop.run_until_cancelled(self.open(target)).await {
                Some(Ok((connection, channel))) => {
                    self.side.up();
                    let ended = self.serve(&connection, &channel, &mut incoming, &stop).await;
                    super::close(&connection).await;
                    ended
                }
                Some(Err(reason)) => Err(reason),
                None => Ok(()),
            };
            let Err(reason) = ended else { break };
            self.side.away(&reason);
            // Whoever got in meanwhile is told by their offer being dropped.
            while incoming.try_recv().is_ok() {}
            if backoff.wait(&stop).await {
                break;
            }
        }
        self.side.stopped();
    }

    async fn open(&self, target: &Target) -> Result<(Connection, Channel), String> {
        let connection = target.connect(self.side.name()).await?;
        let opened = timeout(RPC, async {
            let channel = connection.create_channel().await.map_err(|error| error.to_string())?;
            topology::declare(&channel, &self.names).await?;
            let options = ConfirmSelectOptions::default();
            channel.confirm_select(options).await.map_err(|error| error.to_string())?;
            Ok(channel)
        });
        match opened.await.unwrap_or_else(|_| Err("it does not answer".to_owned())) {
            Ok(channel) => Ok((connection, channel)),
            Err(reason) => {
                super::close(&connection).await;
                Err(reason)
            }
        }
    }

    /// Publishes until told to stop, or until the connection is lost, which is an error.
    async fn serve(
        &self,
        connection: &Connection,
        channel: &Channel,
        incoming: &mut mpsc::Receiver<Offer>,
        stop: &CancellationToken,
    ) -> Result<(), String> {
        let mut events = std::pin::pin!(connection.events_listener());
        let mut looks = tokio::time::interval(LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut traffic = Traffic::new(channel, &self.names);
        let mut is_blocked = false;
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
                        self.side.up();
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
                    if let Some(reason) = closed(connection, channel) {
                        return Err(reason);
                    }
                    let waits = traffic.longest();
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
    result: Result<(), String>,
}

struct Traffic<'a> {
    channel: &'a Channel,
    names: &'a Names,
    flights: FuturesUnordered<BoxFuture<'a, Landed>>,
    /// Who waits for the one under way, and since when that is.
    under_way: BTreeMap<Entry, (Instant, Vec<Answer>)>,
    /// Who waits for the next one.
    next: HashMap<Entry, Vec<Answer>>,
}

impl<'a> Traffic<'a> {
    fn new(channel: &'a Channel, names: &'a Names) -> Self {
        Self {
            channel,
            names,
            flights: FuturesUnordered::new(),
            under_way: BTreeMap::new(),
            next: HashMap::new(),
        }
    }

    fn offer(&mut self, offer: Offer) {
        // The one under way may have been taken before there was something to find: it does not speak for this offer.
        if self.under_way.contains_key(&offer.entry) {
            self.next.entry(offer.entry).or_default().push(offer.answer);
        } else {
            self.start(offer.entry, vec![offer.answer]);
        }
    }

    fn start(&mut self, entry: Entry, answers: Vec<Answer>) {
        self.under_way.insert(entry, (Instant::now(), answers));
        let (channel, names) = (self.channel, self.names);
        self.flights
            .push(Box::pin(async move { Landed { entry, result: fly(channel, names, entry).await } }));
    }

    /// An error that one entry met is the connection's.
    fn land(&mut self, landed: Landed) -> Result<(), String> {
        let Landed { entry, result } = landed;
        let (_, answers) = self.under_way.remove(&entry).unwrap_or_else(|| (Instant::now(), Vec::new()));
        for answer in answers {
            // Whoever asked may have given up.
            drop(answer.send(result.clone()));
        }
        result?;
        if let Some(answers) = self.next.remove(&entry) {
            self.start(entry, answers);
        }
        Ok(())
    }

    /// How long the first of those under way has been so.
    fn longest(&self) -> Duration {
        self.under_way.values().map(|(since, _)| since.elapsed()).max().unwrap_or_default()
    }
}

async fn fly(channel: &Channel, names: &Names, entry: Entry) -> Result<(), String> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/json".into());
    let body = body::write(entry);
    let sent = channel.basic_publish(names.exchange(), Names::key(entry), options, &body, properties).await;
    let confirm = sent.map_err(|error| error.to_string())?;
    match confirm.await.map_err(|error| error.to_string())? {
        Confirmation::Ack(Some(_)) => Err(format!("the queue `{}` is gone", names.queue(entry).as_str())),
        // There is no room: as many equal entries wait as may.
        Confirmation::Nack(_) | Confirmation::Ack(None) | Confirmation::NotRequested => Ok(()),
    }
}
