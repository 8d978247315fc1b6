//! The use cases over what the settings name.

use std::sync::Arc;

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

    /// Finishes small writes that are on the way, then leaves the queue and closes the store.
    pub async fn close(&self) {
        self.background.close();
        self.background.wait().await;
        self.queue.close().await;
        self.db.close().await;
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
