//! `belltower bench`: figures that anyone can repeat, on stores of its own and against the simulators.
//!
//! - [`ingest`], [`fanout`], [`dispatch`], [`emergency`] with [`stage`], [`presses`] and [`killed`], [`receipts`],
//!   [`console`], [`history`], [`nodes`], [`scim`], [`footprint`]: one bench each
//! - [`bed`]: what they lie on; [`process`]: a server apart, [`cpu`]: what processors it takes; [`campus`]: what messages heed there; [`stored`]: what ended long
//!   ago; [`load`]: the client, and [`request`]: what it asks; [`vendors`]: who is sent to; [`report`]: how figures are shown

mod bed;
mod campus;
mod console;
mod cpu;
mod dispatch;
mod emergency;
mod fanout;
mod footprint;
mod history;
mod ingest;
mod killed;
mod load;
mod nodes;
mod presses;
mod process;
mod receipts;
mod report;
mod request;
mod scim;
mod stage;
mod stored;
mod vendors;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use self::report::Report;
use super::context::{Context, quiet};
use super::failure::WrongUsage;
use crate::clock::Clock;
use crate::config::Config;
use crate::telemetry;

pub(super) const AFTER_HELP: &str = "\
Client, server and simulators share this machine's cores. Compare figures of optimised builds only, from one machine.
ingest     durable POST /api/v1/messages over connections that stay open
fanout     one message to everyone, planned for three channels under rules, wishes and a policy
dispatch   deliveries by three channels handed to vendors that answer at once, beside one that is dead, and mails to a
           relay 20 ms away
emergency  an alert to everyone by three channels whose vendors take 50 ms a call: alone, beside a dead one, with a million
           routine deliveries waiting, stopped and corrected, followed in the feed, and with its server killed in the midst;
           presses over HTTP, and the page that counts twice as many people before one
receipts   what vendors tell later of texts to everyone, taken in over HTTP and matched
console    pages of a signed-in administrator, over ten deliveries and more for each person; --count 100000 is a campus's
history    intake, messages to one person each and the console's pages on a small store and on a large one, with ten deliveries
           and more for each person, and how much more they cost there; not part of all, --count 1000000 is ten million
           deliveries
nodes      intake, sending, and an alert with nothing else to do and with routine deliveries waiting, by one node and by three
           on one store, and the processor time each of these takes; not part of all, needs --database and --queue
scim       people pushed one by one by an identity system over four connections: all looked for and created, one in ten
           changed, one in ten deactivated, all listed, and counted in the end; not part of all
footprint  an idle server: memory, time to be ready, size";

#[derive(Args)]
pub(super) struct BenchArgs {
    /// What to measure
    what: What,
    /// Measure on this PostgreSQL server, in databases made for it and removed afterwards [default: embedded stores]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Wake dispatchers by way of this broker, amqp://…, with queues made for it and removed afterwards [default: inside
    /// the process]
    #[arg(long, value_name = "URL")]
    queue: Option<String>,
    /// How long ingest, history and nodes ask, each time
    #[arg(long, value_name = "N", default_value_t = 10)]
    seconds: u64,
    /// People in the directory; a message to everyone makes three deliveries for each, one in receipts, and ten messages ten
    /// in console and history; those that are pushed in scim
    #[arg(long, value_name = "N", default_value_t = 50_000)]
    count: u64,
    /// Connections that ingest, history and nodes ask over; scim has four at most
    #[arg(long, value_name = "N", default_value_t = 64)]
    connections: usize,
    /// Ask for the pages of console and history as somebody limited to two departments, which have all there is
    #[arg(long)]
    limited: bool,
    /// Where embedded stores are made; what is measured is this disk [default: /var/tmp]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Also write the figures to this file, as JSON
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum What {
    Ingest,
    Fanout,
    Dispatch,
    Emergency,
    Receipts,
    Console,
    History,
    /// One node and three, on PostgreSQL and a broker
    Nodes,
    Scim,
    Footprint,
    All,
}

/// What a bench is asked for.
struct Bench {
    folder: PathBuf,
    database: Option<String>,
    queue: Option<String>,
    /// Who looks at the console is limited to departments.
    limited: bool,
    sizes: Sizes,
}

#[derive(Clone, Copy)]
struct Sizes {
    seconds: u64,
    count: u64,
    connections: usize,
}

impl BenchArgs {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<()> {
        if self.what == What::Nodes && (self.database.is_none() || self.queue.is_none()) {
            let why = "nodes share a server and a broker: give --database and --queue";
            return Err(WrongUsage(why.to_owned()).into());
        }
        let mut config: Config = context.load()?;
        quiet(&mut config, "warn");
        telemetry::init(&config.log)?;
        let sizes = Sizes {
            seconds: self.seconds.max(1),
            count: self.count.max(1),
            connections: self.connections.max(1),
        };
        let folder = self.folder.unwrap_or_else(disk);
        // Processes of their own have other folders.
        let folder = folder.canonicalize().with_context(|| format!("looking for {}", folder.display()))?;
        let bench =
            Bench { folder, database: self.database, queue: self.queue, limited: self.limited, sizes };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let report = runtime.block_on(measure(self.what, &bench))?;
        if let Some(file) = &self.save {
            std::fs::write(file, serde_json::to_vec_pretty(&report)?)
                .with_context(|| format!("writing {}", file.display()))?;
        }
        context.output.print(&report, Report::text)
    }
}

/// The folder for temporary files is often in memory, where nothing is ever synced; this one outlives restarts, so it is
/// on a disk.
fn disk() -> PathBuf {
    let lasting = Path::new("/var/tmp");
    if lasting.is_dir() { lasting.to_owned() } else { std::env::temp_dir() }
}

async fn measure(what: What, bench: &Bench) -> anyhow::Result<Report> {
    let wanted = |one| what == one || what == What::All;
    let mut figures = Vec::new();
    if wanted(What::Ingest) {
        figures.extend(Box::pin(ingest::run(bench)).await.context("ingest")?);
    }
    if wanted(What::Fanout) {
        figures.extend(fanout::run(bench).await.context("fanout")?);
    }
    if wanted(What::Dispatch) {
        figures.extend(Box::pin(dispatch::run(bench)).await.context("dispatch")?);
    }
    if wanted(What::Emergency) {
        figures.extend(Box::pin(emergency::run(bench)).await.context("emergency")?);
    }
    if wanted(What::Receipts) {
        figures.extend(Box::pin(receipts::run(bench)).await.context("receipts")?);
    }
    if wanted(What::Console) {
        figures.extend(Box::pin(console::run(bench)).await.context("console")?);
    }
    if what == What::History {
        figures.extend(Box::pin(history::run(bench)).await.context("history")?);
    }
    if what == What::Nodes {
        figures.extend(Box::pin(nodes::run(bench)).await.context("nodes")?);
    }
    if what == What::Scim {
        figures.extend(Box::pin(scim::run(bench)).await.context("scim")?);
    }
    if wanted(What::Footprint) {
        figures.extend(footprint::run(bench).await.context("footprint")?);
    }
    let Sizes { seconds, count, connections } = bench.sizes;
    Ok(Report {
        version: env!("CARGO_PKG_VERSION"),
        measured_at: Clock::System.now().to_string(),
        database: if bench.database.is_some() { "postgres" } else { "sqlite" },
        queue: if bench.queue.is_some() { "rabbitmq" } else { "local" },
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        optimised: !cfg!(debug_assertions),
        sizes: BTreeMap::from([("seconds", seconds), ("count", count), ("connections", connections as u64)]),
        figures,
    })
}
