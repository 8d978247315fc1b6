//! What the process says of itself: logs, figures ([`metrics`]) and, where they are asked for, [`traces`].
//!
//! Logs: one line per event on standard error (standard output belongs to answers), `pretty` for people, `json` for
//! collectors. Spans carry request and message ids, so that a line can be followed to what it is about.

pub mod mask;
pub mod metrics;
pub mod process;
pub mod traces;

use std::io::{self, IsTerminal as _};
use std::panic::PanicHookInfo;

use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use crate::config::{Log, LogFormat};

/// Crates that nothing is logged of, whatever level is asked for. Their traces hold what was signed in with, and what they
/// take for errors is said once by whoever uses them, not at each attempt.
const SILENT: [&str; 4] = ["lapin", "amq_protocol", "amq_protocol_tcp", "amq_protocol_uri"];

/// What methods of requests are called that are none of the known ones.
pub const OTHER_METHOD: &str = "other";

/// A request's method, as it is counted and told: whoever calls could invent any number of others, of any length.
pub fn known_method(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or(OTHER_METHOD)
}

/// Starts logging for the whole process, panics included. Once only: a second call is an error.
pub fn init(log: &Log) -> Result<(), TryInitError> {
    subscriber(log, io::stderr().is_terminal(), io::stderr).try_init()?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

fn subscriber<W>(log: &Log, terminal: bool, writer: W) -> impl Subscriber + Send + Sync + 'static
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // Configuration refused what cannot be parsed; a level set in code that cannot falls back to errors only.
    let filter = EnvFilter::new(&log.level);
    let format = log.format.unwrap_or(if terminal { LogFormat::Pretty } else { LogFormat::Json });
    let lines = fmt::layer().with_writer(writer);
    let lines = match format {
        LogFormat::Pretty => lines.with_ansi(terminal).with_target(false).boxed(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_span_list(true).with_current_span(false).boxed()
        }
    };
    tracing_subscriber::registry().with(filter).with(filter_fn(is_ours_to_say)).with(lines)
}

fn is_ours_to_say(line: &Metadata<'_>) -> bool {
    let krate = line.target().split("::").next().unwrap_or_default();
    !SILENT.contains(&krate)
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let said = panic.payload_as_str().unwrap_or("without a word");
    tracing::error!(location, "panicked: {said}");
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nothing_that_a_broker_is_signed_in_with_is_logged_whatever_is_asked_for() {
        for level in ["trace", "info,lapin::io_loop=trace", "lapin=trace,amq_protocol=trace", "warn"] {
            let paper = Paper::default();
            let log = Log { level: level.to_owned(), format: Some(LogFormat::Json) };
            let writer = paper.clone();
            tracing::subscriber::with_default(subscriber(&log, false, move || writer.clone()), || {
                tracing::trace!(target: "lapin::io_loop", "will write: PLAIN s3cret");
                tracing::error!(target: "lapin::io_loop", "error doing IO");
                tracing::trace!(target: "amq_protocol::frame", "s3cret");
                tracing::warn!("the broker is away");
                tracing::error!(target: "lapins", "of another");
            });
            let told = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
            assert!(!told.contains("s3cret") && !told.contains("doing IO"), "{level}: {told}");
            // The third asks for nothing of ours.
            assert_eq!(told.contains("the broker is away"), !level.starts_with("lapin"), "{level}: {told}");
            assert!(told.contains("of another"), "{level}: {told}");
        }
    }
}
