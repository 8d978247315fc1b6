//! The use cases over what the settings name.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::join;
use tokio::time::timeout;
use url::Url;

use super::audit::Note;
use super::{Campus, Services, Vault, backups, letterhead, scenarios};
use crate::channel::outward::{self, Outward};
use crate::channel::queues::SourceQueues;
use crate::channel::tls;
use crate::clock::Clock;
use crate::config::{BrokerUrl, CampusSignIn, Config, QueueUrl};
use crate::identity::SignIn;
use crate::queue::{LocalQueue, Queue, RabbitQueue};
use crate::store::Db;
use crate::store::backup::is_there;
use crate::{Error, Result};

/// How long a process that ends waits for small writes and wake-ups on their way, and for the store.
const FINISH: Duration = Duration::from_secs(5);
/// And for its leave of the broker.
const LEAVE: Duration = Duration::from_secs(3);

impl Services {
    /// As [`open`](Self::open), of a store and a key that are there: neither is made. With `any_key` the key need not be the one
    /// that the store belongs to.
    ///
    /// # Errors
    ///
    /// A conflict where one of them is not there.
    pub async fn open_existing(
        config: &Config,
        clock: Clock,
        public_url: Url,
        any_key: bool,
    ) -> Result<Self> {
        let database = &config.store.database;
        if !is_there(&database.expose()).await? {
            let detail = format!(
                "there is no store at {database}; say with --config and the environment which one it is, as the server is told"
            );
            return Err(Error::conflict("no_store", detail));
        }
        let key = &config.secrets.key_file;
        if !key.exists() {
            return Err(Error::conflict("no_key", format!("there is no secret key at {}", key.display())));
        }
        Self::open_as(config, clock, public_url, any_key).await
    }

    /// Opens the store, bringing its schema up to date, and the key, making both where there are none. `public_url` is
    /// [`Config::public_url`], known in full once a server listens.
    ///
    /// # Errors
    ///
    /// A conflict where the store belongs to another key.
    pub async fn open(config: &Config, clock: Clock, public_url: Url) -> Result<Self> {
        Self::open_as(config, clock, public_url, false).await
    }

    async fn open_as(config: &Config, clock: Clock, public_url: Url, any_key: bool) -> Result<Self> {
        config.make_data_directory().map_err(|error| {
            Error::unavailable(format!("data.directory {}: {error}", config.data.directory.display()))
        })?;
        let db = Db::open(&config.store.database.expose()).await?;
        let key = &config.secrets.key_file;
        // None is made for a store that has one.
        if !key.exists() && backups::has_key(&db).await? {
            return Err(backups::not_its_key(key, "is not there, and the store has one"));
        }
        let vault = Vault::open(key)?;
        let services = Self::over(config, clock, public_url, vault, db)?;
        if !any_key && !backups::is_its_key(&services).await? {
            return Err(backups::not_its_key(
                key,
                "is another installation's: not the one that the store belongs to",
            ));
        }
        letterhead::refresh(&services).await?;
        scenarios::seed(&services).await?;
        Ok(services)
    }

    /// The use cases over a store that is open already, as the settings have them.
    pub(super) fn over(config: &Config, clock: Clock, public_url: Url, vault: Vault, db: Db) -> Result<Self> {
        let queue: Arc<dyn Queue> = match &config.queue.url {
            QueueUrl::Local => Arc::new(LocalQueue::new()),
            QueueUrl::Broker(broker) => Arc::new(at_broker(broker)?),
        };
        let campus = Campus {
            name: config.campus.name.clone(),
            time_zone: config.campus.time_zone.clone(),
            language: config.campus.language,
            public_url,
        };
        let mut services = Self::new(db, clock, queue, vault, campus);
        services.audit_note = Arc::new(Note::in_file(config.data.directory.join("audit_note")));
        services.outward = Some(Outward::new(config.network.allow_private.clone(), outward::TIMEOUT)?);
        if let QueueUrl::Broker(broker) = &config.queue.url {
            let queues = SourceQueues::new((**broker).clone(), trusted_at(broker)?);
            services.source_queues = Some(Arc::new(queues));
        }
        services.uploads = Some(config.data.directory.join("uploads").into());
        if let Some(settings) = &config.campus_sign_in {
            services.sign_in_by(settings)?;
        }
        Ok(services)
    }

    /// From now on people prove who they are by that sign-in.
    pub fn sign_in_by(&mut self, settings: &CampusSignIn) -> Result<()> {
        let sign_in = SignIn::new(settings, self.clock.clone()).map_err(Error::unavailable)?;
        self.sign_in = Some(Arc::new(sign_in));
        Ok(())
    }

    /// Finishes what is on the way and nobody waits for, leaves the queue, and closes the store. Neither a broker nor a store
    /// that is stuck is waited for long, and the store is closed whatever becomes of the rest.
    pub async fn close(&self) {
        let finishing = async {
            self.background.close();
            self.background.wait().await;
        };
        if timeout(FINISH, finishing).await.is_err() {
            tracing::warn!("stopped before the last small writes and wake-ups were done");
        }
        let leaving = async {
            let leaving = async {
                if let Some(queues) = &self.source_queues {
                    queues.close().await;
                }
                self.queue.close().await;
            };
            if timeout(LEAVE, leaving).await.is_err() {
                tracing::warn!("the broker was not taken leave of");
            }
        };
        join!(leaving, self.traces.close());
        if timeout(FINISH, self.db.close()).await.is_err() {
            tracing::warn!("the store was not closed in time");
        }
    }
}

/// Nobody is called yet: a broker that is away keeps no process from starting.
pub(super) fn at_broker(broker: &BrokerUrl) -> Result<RabbitQueue> {
    Ok(RabbitQueue::new(broker.clone(), trusted_at(broker)?))
}

/// Whom to trust where the broker is spoken with by TLS.
pub fn trusted_at(broker: &BrokerUrl) -> Result<Option<Arc<ClientConfig>>> {
    if !broker.tls {
        return Ok(None);
    }
    let trusted = tls::trusting(broker.ca_file.as_deref());
    trusted
        .map(|trusted| Some(Arc::new(trusted)))
        .map_err(|(_, why)| Error::unavailable(format!("queue.url: {why}")))
}
