//! Puts everything together once: opens the store, takes its lock, builds the services, starts the roles that the
//! configuration names.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::broker::dial::Target;
use crate::channel::{http as calls, tls};
use crate::clock::Clock;
use crate::config::{Config, DatabaseUrl, NodeRole, QueueUrl};
use crate::dispatch::Dispatcher;
use crate::http::client::TrustedProxies;
use crate::http::server::{self, FAREWELL, Parts, Serves};
use crate::intake::{amqp, bounces};
use crate::lifecycle::{Ending, Lifecycle};
use crate::service::{Node, Services, deliveries, imports, nodes, pages, sources, suggestions, trusted_at};
use crate::telemetry::traces::{self, Teller, Traces};
use crate::{Error, Result};

/// A process that is ready to run.
pub struct App {
    services: Services,
    listener: TcpListener,
    address: SocketAddr,
    /// Of the figures, where they have an address of their own.
    metrics: Option<(TcpListener, SocketAddr)>,
    /// For mails that come back, where they are taken.
    bounces: Option<(TcpListener, SocketAddr)>,
    /// Where sources publish, where that is taken.
    publications: Option<Target>,
    web: bool,
    trusted_proxies: TrustedProxies,
    dispatcher: Option<Dispatcher>,
    /// Held while this process serves from an embedded store.
    lock: Option<File>,
}

/// How often what was observed is sorted into buckets, so that it does not pile up where nobody fetches it.
const TIDY: Duration = Duration::from_secs(5);
/// How often what this process holds to keep is kept.
const KEEP: Duration = Duration::from_secs(2);
/// How often it is looked whether there is something to learn anew.
const LEARNS: Duration = Duration::from_mins(1);
/// How often files that nobody came back for are removed.
const LOOKS_AFTER_FILES: Duration = Duration::from_hours(1);
/// How long a soft stop waits for what is in flight; providers' own time-outs are shorter.
const PATIENCE: Duration = Duration::from_secs(45);

impl App {
    /// Opens everything and binds the port; nothing is answered or sent before [`run`](Self::run).
    ///
    /// Fails with a conflict if another process serves from the same embedded store.
    pub async fn build(config: &Config, clock: Clock) -> Result<Self> {
        config.make_data_directory().map_err(|error| {
            Error::unavailable(format!("data.directory {}: {error}", config.data.directory.display()))
        })?;
        let lock = match &config.store.database {
            DatabaseUrl::Sqlite(path) => Some(lock(path)?),
            DatabaseUrl::Postgres(_) => None,
        };
        let (listener, address) = listen(config.server.listen)?;
        let metrics = config.metrics.listen.map(listen).transpose()?;
        let bounces = config.email.bounce_listen.map(listen).transpose()?;
        let mut services = Services::open(config, clock, config.public_url(address)).await?;
        services.node = Arc::new(Node::new(config, address.port()));
        services.queue.called(services.node.name());
        let publications = publications(config)?;
        if let Some(queues) = &services.source_queues {
            queues.called(services.node.name());
        }
        services.traces = Arc::new(traces(config, &services)?);
        let dispatcher = config.server.has(NodeRole::Dispatch).then(|| Dispatcher::new(services.clone()));
        Ok(Self {
            services,
            listener,
            address,
            metrics,
            bounces,
            publications,
            web: config.server.has(NodeRole::Web),
            trusted_proxies: config.server.trusted_proxies.clone().into(),
            dispatcher,
            lock,
        })
    }

    /// Where it listens; tells the port where the configuration asked for any.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where figures are fetched, if that is another address.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|(_, address)| *address)
    }

    /// Where mails that come back are taken, if they are.
    pub fn bounce_address(&self) -> Option<SocketAddr> {
        self.bounces.as_ref().map(|(_, address)| *address)
    }

    pub fn services(&self) -> &Services {
        &self.services
    }

    /// For what a process adds before it runs, such as the mailboxes of its simulators.
    pub fn services_mut(&mut self) -> &mut Services {
        &mut self.services
    }

    /// Does what is due at this moment of its clock, without starting to serve: for what is to have happened at another
    /// time.
    pub async fn drain(&mut self) -> Result<()> {
        match &mut self.dispatcher {
            Some(dispatcher) => dispatcher.drain().await,
            None => Ok(()),
        }
    }

    /// Serves until the lifecycle is stopped, then lets what is in flight finish.
    pub async fn run(self, lifecycle: &Lifecycle) -> Result<()> {
        self.start(lifecycle).await?.finish(lifecycle).await
    }

    /// Starts every role. Once it returns, requests are answered.
    pub async fn start(self, lifecycle: &Lifecycle) -> Result<Running> {
        if let Some(dispatcher) = self.dispatcher {
            dispatcher.run(lifecycle).await?;
        }
        let serves = Serves { web: self.web, health: true, metrics: self.metrics.is_none() };
        let farewell =
            if deliveries::others_may_dispatch(&self.services) { FAREWELL } else { Duration::ZERO };
        let trusted_proxies = self.trusted_proxies;
        let parts = Parts { serves, trusted_proxies, farewell, ..Parts::new(lifecycle.clone()) };
        serve(self.listener, &self.services, parts)?;
        if let Some((listener, _)) = self.metrics {
            let parts = Parts { serves: Serves::METRICS, workers: 1, ..Parts::new(lifecycle.clone()) };
            serve(listener, &self.services, parts)?;
        }
        if let Some((listener, _)) = self.bounces {
            bounces::serve(listener, self.services.clone(), lifecycle)?;
        }
        if let Some(target) = self.publications {
            amqp::serve(target, self.services.clone(), lifecycle);
        }
        let (metrics, stop) = (Arc::clone(&self.services.metrics), lifecycle.soft().clone());
        lifecycle.spawn("metrics", async move {
            while stop.run_until_cancelled(tokio::time::sleep(TIDY)).await.is_some() {
                metrics.tidy();
            }
        });
        self.services.queue.open();
        let (queue, stop) = (Arc::clone(&self.services.queue), lifecycle.soft().clone());
        lifecycle.spawn("queue", async move {
            stop.cancelled().await;
            // What waits here is for others from now on; what was taken is settled still.
            queue.leave();
        });
        lifecycle.spawn("node", beat(self.services.clone(), lifecycle.soft().clone()));
        lifecycle.spawn("keep", keep(self.services.clone(), lifecycle.soft().clone()));
        lifecycle.spawn("files", look_after_files(self.services.clone(), lifecycle.soft().clone()));
        if self.web {
            lifecycle.spawn("suggestions", learn(self.services.clone(), lifecycle.soft().clone()));
        }
        Ok(Running { services: self.services, lock: self.lock })
    }
}

/// Whom traces are told to, if anybody.
fn traces(config: &Config, s: &Services) -> Result<Traces> {
    let Some(endpoint) = &config.traces.endpoint else { return Ok(Traces::default()) };
    let unavailable = |reason: String| Error::unavailable(format!("traces.endpoint: {reason}"));
    let tls = tls::trusting(None).map_err(|(_, reason)| unavailable(reason))?;
    let client =
        calls::client(&tls, endpoint, traces::TIMEOUT).map_err(|error| unavailable(error.to_string()))?;
    let teller = Teller { secret: s.vault.fingerprint("traces", &[]), node: s.node.name() };
    Traces::told_to(endpoint, config.traces.share, client, teller).map_err(unavailable)
}

/// The broker to take messages from, if this process is to.
fn publications(config: &Config) -> Result<Option<Target>> {
    if !config.intake.amqp || !config.server.has(NodeRole::Web) {
        return Ok(None);
    }
    match &config.queue.url {
        QueueUrl::Broker(broker) => Ok(Some(Target::new((**broker).clone(), trusted_at(broker)?))),
        QueueUrl::Local => Err(Error::conflict(
            "no_broker",
            "intake.amqp takes messages from a broker, and queue.url is local: name a RabbitMQ there, or leave it out",
        )),
    }
}

/// Says every so often that this process is there.
async fn beat(s: Services, stop: CancellationToken) {
    loop {
        if let Err(error) = nodes::beat(&s).await {
            tracing::warn!(%error, "this process could not say that it is there");
        }
        if stop.run_until_cancelled(tokio::time::sleep(nodes::BEAT)).await.is_none() {
            return;
        }
    }
}

/// Keeps what sources called and which pages people opened, and what is left of it in the end. Each process holds its own.
async fn keep(s: Services, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(KEEP)).await.is_some() {
        keep_once(&s).await;
    }
    keep_once(&s).await;
}

async fn keep_once(s: &Services) {
    sources::keep_calls(s).await;
    if let Err(error) = pages::keep_left(s).await {
        tracing::warn!(%error, "it is not kept yet that pages were opened");
    }
}

/// Removes files of imports that nobody came back for. They lie in the data directory of the process that took them in,
/// and of each that went on with one.
async fn look_after_files(s: Services, stop: CancellationToken) {
    loop {
        if let Err(error) = imports::prune(&s).await {
            tracing::warn!(%error, "files that were handed in are not looked after");
        }
        if stop.run_until_cancelled(tokio::time::sleep(LOOKS_AFTER_FILES)).await.is_none() {
            return;
        }
    }
}

/// Learns which topics texts are of, anew every day. Not right at the start, when there is more urgent work.
async fn learn(s: Services, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(LEARNS)).await.is_some() {
        if let Err(error) = suggestions::refresh(&s).await {
            tracing::warn!(%error, "no topics are suggested by what was sent since");
        }
    }
}

fn listen(at: SocketAddr) -> Result<(TcpListener, SocketAddr)> {
    server::listen(at)
        .map_err(|error| Error::conflict("address_in_use", format!("cannot listen on {at}: {error}")))
}

fn serve(listener: TcpListener, s: &Services, parts: Parts) -> Result<()> {
    let lifecycle = parts.lifecycle.clone();
    let server = server::serve(listener, s.clone(), parts).map_err(Error::internal)?;
    lifecycle.spawn("server", async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the server ended");
        }
    });
    Ok(())
}

/// The description of the API that the server hands out, as JSON.
pub fn openapi() -> Result<String> {
    crate::api::openapi().to_pretty_json().map_err(Error::internal)
}

/// A process whose roles run.
pub struct Running {
    services: Services,
    lock: Option<File>,
}

impl Running {
    /// Waits until the lifecycle is stopped, then lets what is in flight finish.
    pub async fn finish(self, lifecycle: &Lifecycle) -> Result<()> {
        lifecycle.soft().cancelled().await;
        if let Ending::Abandoned(parts) = lifecycle.wait(PATIENCE).await {
            tracing::warn!(
                ?parts,
                "stopped before everything had finished; the rest goes on at the next start"
            );
        }
        self.services.close().await;
        drop(self.lock);
        if lifecycle.has_failed() {
            return Err(Error::conflict(
                "part_failed",
                "a part of the process failed; the log says which and why",
            ));
        }
        Ok(())
    }
}

/// Takes an embedded store for this process alone, for as long as what is returned is kept: two processes that dispatch from
/// one file would each take the other's claims for lost.
///
/// # Errors
///
/// A conflict where another process has it.
pub fn lock(database: &Path) -> Result<File> {
    let path = lock_path(database);
    let mut file =
        OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path).map_err(
            |error| Error::conflict("lock_not_opened", format!("cannot open {}: {error}", path.display())),
        )?;
    match file.try_lock() {
        Ok(()) => {
            // Whom the next one is told of; the lock itself does not depend on it.
            let written = file
                .set_len(0)
                .and_then(|()| file.rewind())
                .and_then(|()| write!(file, "{}", std::process::id()));
            written.map_err(Error::internal)?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            let _ = file.read_to_string(&mut owner);
            Err(Error::conflict(
                "store_in_use",
                format!(
                    "another belltower (process {}) serves from {}; stop it first, give this one its own store, or use \
                     PostgreSQL for several nodes",
                    if owner.is_empty() { "unknown" } else { owner.trim() },
                    database.display()
                ),
            ))
        }
        Err(TryLockError::Error(error)) => Err(Error::internal(error)),
    }
}

fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_of_two_servers_on_one_file_is_refused_and_told_why() {
        let folder = std::env::temp_dir().join(format!("belltower-lock-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let database = folder.join("belltower.db");
        let first = lock(&database).unwrap();
        let Err(Error::Conflict { code, detail }) = lock(&database) else { panic!("locked twice") };
        assert_eq!(code, "store_in_use");
        assert!(detail.contains(&std::process::id().to_string()), "{detail}");
        drop(first);
        assert!(lock(&database).is_ok());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
