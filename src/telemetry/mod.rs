//! What the process says of itself: logs, and figures ([`metrics`]).
//!
//! Logs: one line per event on standard error (standard output belongs to answers), `pretty` for people, `json` for
//! collectors. Spans carry request and message ids, so that a line can be followed to what it is about.

pub mod mask;
pub mod metrics;
pub mod process;

use std::io::{self, IsTerminal as _};
use std::panic::PanicHookInfo;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use crate::config::{Log, LogFormat};

/// Crates whose traces would hold what was signed in with, whatever level is asked for.
const QUIET: [&str; 1] = ["lapin=warn"];

/// Starts logging for the whole process, panics included. Once only: a second call is an error.
pub fn init(log: &Log) -> Result<(), TryInitError> {
    // Configuration refused what cannot be parsed; a level set in code that cannot falls back to errors only.
    let quiet = QUIET.iter().filter_map(|directive| directive.parse().ok());
    let filter = quiet.fold(EnvFilter::new(&log.level), EnvFilter::add_directive);
    let terminal = io::stderr().is_terminal();
    let format = log.format.unwrap_or(if terminal { LogFormat::Pretty } else { LogFormat::Json });
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = match format {
        LogFormat::Pretty => lines.with_ansi(terminal).with_target(false).boxed(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_span_list(true).with_current_span(false).boxed()
        }
    };
    tracing_subscriber::registry().with(filter).with(lines).try_init()?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let said = panic.payload_as_str().unwrap_or("without a word");
    tracing::error!(location, "panicked: {said}");
}
