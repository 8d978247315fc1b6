//! The binary: everything it does is a command of [`belltower::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything opens a connection: rustls panics without a provider. Failing means that there is one already.
    rustls::crypto::ring::default_provider().install_default().unwrap_or_default();
    belltower::cli::run()
}
