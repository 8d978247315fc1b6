//! Names of a test's own at the RabbitMQ that `scripts/test` starts.

use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use belltower::config::BrokerUrl;
use belltower::domain::channel::Outlet;
use belltower::domain::message::Lane;
use belltower::queue::{Entry, Queue, RabbitQueue, Work};
use futures_util::FutureExt;
use lapin::options::{ExchangeDeleteOptions, QueueDeleteOptions};
use lapin::{Channel, Connection, ConnectionProperties};
use url::Url;

use super::proxy::Proxy;

const SERVER: &str = "BELLTOWER_TEST_RABBITMQ";
/// A wait that is only ever reached where something is broken.
const LOST: Duration = Duration::from_mins(1);

/// A broker, and what a test made there.
pub(crate) struct Broker {
    server: Url,
    made: Mutex<Vec<BrokerUrl>>,
}

/// Runs `test` with a broker; what it made there is removed afterwards, whatever becomes of it.
pub(crate) fn with_broker<F: Future<Output = ()>>(test: impl FnOnce(&'static Broker) -> F) {
    super::database::block_on(at_broker(test));
}

/// As [`with_broker`], in a runtime that is there already.
pub(crate) async fn at_broker<F: Future<Output = ()>>(test: impl FnOnce(&'static Broker) -> F) {
    let Some(server) = super::server_at("rabbitmq", SERVER, "amqp://…") else { return };
    // A test is a process of its own.
    let broker: &'static Broker = Box::leak(Box::new(Broker { server, made: Mutex::default() }));
    let result = AssertUnwindSafe(async { test(broker).await }).catch_unwind().await;
    let made = std::mem::take(&mut *broker.made.lock().unwrap());
    for made in made {
        let prefix = made.prefix.clone();
        RabbitQueue::new(made, None).remove().await.unwrap();
        broker.remove_intake(&prefix).await;
    }
    if let Err(panic) = result {
        resume_unwind(panic);
    }
}

impl Broker {
    /// An address with names that nothing has yet.
    pub(crate) fn fresh(&self) -> BrokerUrl {
        let broker =
            self.named(&format!("test-{:016x}", rand::random::<u64>()), self.server.port().unwrap_or(5672));
        self.made.lock().unwrap().push(broker.clone());
        broker
    }

    /// As that address, by way of a proxy.
    pub(crate) async fn through_proxy(&self, broker: &BrokerUrl) -> (Proxy, BrokerUrl) {
        let proxy = Proxy::start(&broker.host, broker.port).await;
        let by_way = self.named(&broker.prefix, proxy.port);
        (proxy, by_way)
    }

    /// Its address without names.
    pub(crate) fn server(&self) -> String {
        self.server.to_string()
    }

    fn named(&self, prefix: &str, port: u16) -> BrokerUrl {
        BrokerUrl::parse(&self.setting(prefix, port)).unwrap()
    }

    /// An address as a setting.
    pub(crate) fn setting(&self, prefix: &str, port: u16) -> String {
        let mut url = self.server.clone();
        url.set_port(Some(port)).unwrap();
        url.query_pairs_mut().append_pair("prefix", prefix);
        url.into()
    }

    /// What stands there for messages of sources, where something does.
    async fn remove_intake(&self, prefix: &str) {
        let (_connection, channel) = self.channel().await;
        let all = ["intake", "intake.later", "intake.again", "intake.rejected"];
        for name in all.map(|of| format!("{prefix}.{of}")) {
            channel.queue_delete(name.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
            channel.exchange_delete(name.as_str().into(), ExchangeDeleteOptions::default()).await.unwrap();
        }
    }

    /// A channel that is none of the product's, for what others do to the broker.
    pub(crate) async fn channel(&self) -> (Connection, Channel) {
        let connection = self.connect().await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        (connection, channel)
    }

    /// A connection that is none of the product's; a broker that is being restarted takes none.
    pub(crate) async fn connect(&self) -> lapin::Result<Connection> {
        Connection::connect(self.server.as_str(), ConnectionProperties::default()).await
    }
}

/// Connects to nobody yet.
pub(crate) fn queue(broker: &BrokerUrl) -> RabbitQueue {
    RabbitQueue::new(broker.clone(), None)
}

/// A queue that the broker keeps entries of.
pub(crate) async fn standing(broker: &BrokerUrl) -> RabbitQueue {
    let queue = queue(broker);
    until_it_stands(&queue).await;
    queue
}

/// Waits until the broker keeps entries of a queue: whoever publishes waits a second at most, and a broker that makes thirty
/// queues beside other work may take longer.
pub(crate) async fn until_it_stands(queue: &dyn Queue) {
    // Nobody takes this.
    let entry = Entry { lane: Lane::Low, work: Work::Send(Outlet::Sandbox) };
    until("the broker keeps what is published", async || queue.publish(entry).await.ok()).await;
}

/// Waits until the queue says so of itself; a broker answers when it does.
pub(crate) async fn until<T>(what: &str, mut told: impl AsyncFnMut() -> Option<T>) -> T {
    let until = Instant::now() + LOST;
    loop {
        if let Some(told) = told().await {
            return told;
        }
        assert!(Instant::now() < until, "never came true: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) async fn until_away(queue: &dyn Queue) -> String {
    until("the broker is away", async || queue.trouble()).await
}

pub(crate) async fn until_back(queue: &dyn Queue) {
    until("the broker is back", async || queue.trouble().is_none().then_some(())).await;
}
