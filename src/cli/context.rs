//! What every command is given.

use std::path::PathBuf;

use super::output::Output;
use crate::config::{Config, Layers, Problems};

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
}
