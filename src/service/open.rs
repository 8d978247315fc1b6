//! The use cases over what the settings name.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use url::Url;

use super::audit::Note;
use super::{Campus, Services, Vault, letterhead, scenarios};
use crate::channel::tls;
use crate::clock::Clock;
use crate::config::{BrokerUrl, CampusSignIn, Config, QueueUrl};
use crate::identity::SignIn;
use crate::queue::{LocalQueue, Queue, RabbitQueue};
use crate::store::Db;
use crate::{Error, Result};

/// How long a process that ends waits for small writes and wake-ups on their way, and for the store.
const FINISH: Duration = Duration::from_secs(5);
/// And for its leave of the broker.
const LEAVE: Duration = Duration::from_secs(3);

impl Services {
    /// Opens the store, bringing its schema up to date, and the key, making both where there are none. `public_url` is
    /// [`Config::public_url`], known in full once a server listens.
    pub async fn open(config: &Config, clock: Clock, public_url: Url) -> Result<Self> {
        config.make_data_directory().map_err(|error| {
            Error::unavailable(format!("data.directory {}: {error}", config.data.directory.display()))
        })?;
        let vault = Vault::open(&config.secrets.key_file)?;
        let db = Db::open(&config.store.database.expose()).await?;
        let services = Self::over(config, clock, public_url, vault, db)?;
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
        if timeout(LEAVE, self.queue.close()).await.is_err() {
            tracing::warn!("the broker was not taken leave of");
        }
        if timeout(FINISH, self.db.close()).await.is_err() {
            tracing::warn!("the store was not closed in time");
        }
    }
}

/// Nobody is called yet: a broker that is away keeps no process from starting.
pub(super) fn at_broker(broker: &BrokerUrl) -> Result<RabbitQueue> {
    let trusts = if broker.tls {
        let trusted = tls::trusting(broker.ca_file.as_deref());
        Some(Arc::new(trusted.map_err(|(_, why)| Error::unavailable(format!("queue.url: {why}")))?))
    } else {
        None
    };
    Ok(RabbitQueue::new(broker.clone(), trusts))
}
