//! `belltower simulate`: the vendors' simulators alone, for a server elsewhere on this machine to send to.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::output::print_line;
use crate::lifecycle::Lifecycle;
use crate::simulator::{Faults, SmtpOptions, SmtpSimulator};
use crate::telemetry;

pub(super) const AFTER_HELP: &str = r#"Faults are JSON, such as:
  {"faults": [{"at": "rcpt", "to": "bounce*", "act": {"reply": {"code": 550, "text": "5.1.1 No such person"}}},
              {"at": "data", "times": 3, "act": "hang"}],
   "delay_ms": {"body": 20}, "mails_per_connection": 100, "connections": 10}
Stages: connect, tls, ehlo, auth, mail, rcpt, data, body, kept, rset, noop, quit. Acts: a reply, hang, reset, close,
garbage."#;

#[derive(Args)]
pub(super) struct Simulate {
    /// Where the mail relay listens (port 0: any free one)
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:2525")]
    listen: SocketAddr,
    /// What goes wrong, as JSON (see below) [default: nothing]
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
}

/// Where each simulator listens.
#[derive(Serialize)]
struct Addresses {
    smtp: Smtp,
}

#[derive(Serialize)]
struct Smtp {
    address: SocketAddr,
}

impl Simulate {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<()> {
        let config = context.load()?;
        telemetry::init(&config.log)?;
        let faults = self.faults.as_deref().map_or_else(|| Ok(Faults::default()), read_faults)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let lifecycle = Lifecycle::new();
            lifecycle.catch_signals()?;
            let options = SmtpOptions { listen: self.listen, faults, ..SmtpOptions::default() };
            let relay = SmtpSimulator::start(options)
                .await
                .with_context(|| format!("the mail relay cannot listen on {}", self.listen))?;
            let addresses = Addresses { smtp: Smtp { address: relay.addr() } };
            if context.output.json {
                print_line(&serde_json::to_string(&addresses)?)?;
            } else {
                print_line(&format!(
                    "smtp    listening on smtp://{}, without TLS and password",
                    relay.addr()
                ))?;
            }
            lifecycle.soft().cancelled().await;
            relay.stop().await;
            Ok(())
        })
    }
}

fn read_faults(file: &Path) -> anyhow::Result<Faults> {
    let text = std::fs::read(file).with_context(|| format!("reading faults from {}", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} holds no faults", file.display()))
}
