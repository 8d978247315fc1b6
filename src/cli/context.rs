//! What every command is given.

use std::path::PathBuf;

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
        let mut config = self.load()?;
        quiet(&mut config, "error");
        telemetry::init(&config.log)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let url = config.public_url(config.server.listen);
            let services = Services::open(&config, Clock::System, url).await?;
            let done = act(&services).await;
            services.close().await;
            done
        })
    }
}

/// Logs at `level` only, unless the settings ask for another one.
pub(super) fn quiet(config: &mut Config, level: &str) {
    let set = config.report.iter().find(|entry| entry.setting == "log.level");
    if set.is_none_or(|entry| entry.origin == Origin::Default) {
        level.clone_into(&mut config.log.level);
    }
}
