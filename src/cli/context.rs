//! What every command is given.

use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};
use url::Url;

use super::output::Output;
use crate::clock::Clock;
use crate::config::{Config, Layers, Origin, Problems};
use crate::service::Services;
use crate::telemetry;

pub(super) struct Context {
    config: Option<PathBuf>,
    pub(super) output: Output,
}

impl Context {
    pub(super) fn new(config: Option<PathBuf>, json: bool) -> Self {
        Self { config, output: Output { json } }
    }

    /// The settings file and the environment, to which a command may add options of its own.
    pub(super) fn layers(&self) -> Layers {
        let environment = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()));
        Layers::read(self.config.as_deref(), environment)
    }

    pub(super) fn load(&self) -> Result<Config, Problems> {
        self.layers().resolve()
    }

    /// Runs a management command on the store of the settings, beside whatever server uses it. Unless the settings say
    /// otherwise it logs nothing but trouble.
    pub(super) fn with_services<T>(
        &self,
        act: impl AsyncFnOnce(&Services) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.with(async |config, url| Ok(Services::open(config, Clock::System, url).await?), act)
    }

    /// As [`with_services`](Self::with_services), on a store that is there: what looks after one, or calls people out of one, must
    /// not make an empty one where the settings name another than the server's.
    pub(super) fn with_existing<T>(
        &self,
        act: impl AsyncFnOnce(&Services) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.with(
            async |config, url| Ok(Services::open_existing(config, Clock::System, url, false).await?),
            act,
        )
    }

    /// As [`with_existing`](Self::with_existing); returns also what the store is called.
    pub(super) fn with_store<T>(
        &self,
        act: impl AsyncFnOnce(&Services) -> anyhow::Result<T>,
    ) -> anyhow::Result<(T, String)> {
        let store = self.load()?.store.database.to_string();
        Ok((self.with_existing(act)?, store))
    }

    fn with<T>(
        &self,
        open: impl AsyncFnOnce(&Config, Url) -> anyhow::Result<Services>,
        act: impl AsyncFnOnce(&Services) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let mut config = self.load()?;
        quiet(&mut config, "error");
        telemetry::init(&config.log)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let url = config.public_url(config.server.listen);
            let services = open(&config, url).await?;
            let done = act(&services).await;
            services.close().await;
            done
        })
    }
}

/// Does something unless SIGINT or SIGTERM comes first: then what it has made so far is dropped, files that are not whole among it.
pub(super) async fn unless_stopped<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        // What is done is done.
        biased;
        done = work => done,
        _ = interrupted.recv() => anyhow::bail!("stopped; nothing was changed"),
        _ = terminated.recv() => anyhow::bail!("stopped; nothing was changed"),
    }
}

/// Logs at `level` only, unless the settings ask for another one.
pub(super) fn quiet(config: &mut Config, level: &str) {
    let set = config.report.iter().find(|entry| entry.setting == "log.level");
    if set.is_none_or(|entry| entry.origin == Origin::Default) {
        level.clone_into(&mut config.log.level);
    }
}
