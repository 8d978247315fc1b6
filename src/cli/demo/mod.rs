//! `belltower demo`: the whole product with a believable campus and simulated vendors, in one process.
//!
//! - [`place`]: the data directory, and how a demo knows its own
//! - [`seed`]: fills it the first time: [`campus`] (systems, groups, templates), [`people`], [`messages`]
//! - [`mailboxes`]: what the simulators received, for the console
//! - [`banner`]: what it says once it runs

mod banner;
mod campus;
mod dice;
mod mailboxes;
mod messages;
mod names;
mod people;
mod place;
mod rules;
mod seed;

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use self::banner::{Banner, HttpSms, Simulators, Smtp, Wecom};
pub use self::mailboxes::{GatewayInbox, RelayMailbox, VendorMailboxes};
use self::place::Place;
use self::seed::Vendors;
use super::context::{Context, quiet};
use super::output::print_line;
use crate::app::App;
use crate::clock::Clock;
use crate::config::{Config, Origin};
use crate::lifecycle::Lifecycle;
use crate::service::operators;
use crate::simulator::{
    Faults, HttpSmsOptions, HttpSmsSimulator, ReceiptPlan, Reply, SignatureCheck, SmsFaults, SmtpOptions,
    SmtpSimulator, WecomFaults, WecomOptions, WecomSimulator,
};
use crate::telemetry;

/// What the simulated relay takes for a mail, so that progress can be watched.
const LATENCY: Duration = Duration::from_millis(4);
/// What simulated WeCom takes for a call, however many members it is for.
const WECOM_LATENCY: Duration = Duration::from_millis(50);

/// What the simulated gateway takes for a call, however many numbers it is for, and until it tells what became of it.
const SMS_LATENCY: Duration = Duration::from_millis(40);
const SMS_RECEIPT: Duration = Duration::from_secs(2);

#[derive(Args)]
pub(super) struct Demo {
    /// Keep the data here over restarts [default: a temporary directory, removed at the end]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Start anew: remove what an earlier demo left in the directory
    #[arg(long)]
    fresh: bool,
    /// Where to listen [default: 127.0.0.1:8080, or any free port where that is taken]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,
}

impl Demo {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<()> {
        let mut place = Place::open(self.data.as_deref(), self.fresh)?;
        let mut config = self.config(context, &place)?;
        quiet(&mut config, "warn");
        telemetry::init(&config.log)?;
        listen_somewhere(&mut config);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(run(context, &config, &mut place))
    }

    /// The demo's own store, whatever the settings say; the rest is as they say.
    fn config(&self, context: &Context, place: &Place) -> anyhow::Result<Config> {
        let directory = place.directory();
        let path = |name| directory.join(name).to_string_lossy().into_owned();
        let mut layers = context
            .layers()
            .option("--data", "data.directory", directory.to_string_lossy())
            .option("--data", "store.database", format!("sqlite://{}", path("belltower.db")))
            .option("--data", "secrets.key_file", path("secret.key"))
            .option("demo", "queue.url", "local")
            .option("demo", "server.roles", "web,dispatch");
        if let Some(listen) = &self.listen {
            layers = layers.option("--listen", "server.listen", listen);
        }
        Ok(layers.resolve()?)
    }
}

/// Where nobody asked for a port, any free one will do.
fn listen_somewhere(config: &mut Config) {
    let asked =
        config.report.iter().any(|entry| entry.setting == "server.listen" && entry.origin != Origin::Default);
    if !asked && TcpListener::bind(config.server.listen).is_err() {
        tracing::warn!("{} is taken, so the demo listens on another port", config.server.listen);
        config.server.listen.set_port(0);
    }
}

async fn run(context: &Context, config: &Config, place: &mut Place) -> anyhow::Result<()> {
    let lifecycle = Lifecycle::new();
    lifecycle.catch_signals()?;
    let relay = SmtpSimulator::start(SmtpOptions { faults: faults(), ..SmtpOptions::default() }).await?;
    let faults = WecomFaults::believable(WECOM_LATENCY);
    let corp = WecomSimulator::start(WecomOptions { faults, ..WecomOptions::default() }).await?;
    let gateway = HttpSmsSimulator::start(HttpSmsOptions {
        faults: SmsFaults::believable(SMS_LATENCY),
        signature: Some(SignatureCheck::usual("known to this demo alone")),
        ..HttpSmsOptions::default()
    })
    .await?;
    let vendors = Vendors { relay: relay.addr(), wecom: corp.settings(), http_sms: gateway.settings() };
    let mut app = App::build(config, Clock::System).await?;
    let (mails, texts) = (RelayMailbox(relay.mailbox()), GatewayInbox(gateway.inbox()));
    app.services_mut().simulators = Some(Arc::new(VendorMailboxes { mails, texts }));
    let card = match place.card.clone() {
        Some(card) => {
            seed::point_to(app.services(), &vendors).await?;
            card
        }
        None => {
            let card = seed::fill(app.services(), &vendors).await?;
            place.keep(card.clone())?;
            card
        }
    };
    // Not by the public address: what stands before it may not be there yet.
    let callback =
        seed::callback(app.services()).await?.map(|path| format!("http://{}{path}", app.address()));
    gateway.set_receipts(ReceiptPlan { url: callback, ..ReceiptPlan::believable(SMS_RECEIPT) });
    let setup_link = operators::first_link(app.services()).await?;
    let url = app.services().campus.public_url.to_string().trim_end_matches('/').to_owned();
    let running = app.start(&lifecycle).await?;
    let banner = Banner {
        console: format!("{url}/console"),
        setup_link,
        live_key: &card.live_key,
        test_key: &card.test_key,
        simulators: Simulators {
            smtp: Smtp { address: relay.addr(), mailbox: format!("{url}/console/mailbox") },
            wecom: Wecom { address: corp.addr() },
            http_sms: HttpSms { address: gateway.addr(), mailbox: format!("{url}/console/mailbox/sms") },
        },
        data: place.directory(),
        is_temporary: place.is_temporary(),
        url,
    };
    print_line(&if context.output.json { serde_json::to_string(&banner)? } else { banner.text() })?;
    running.finish(&lifecycle).await?;
    relay.stop().await;
    corp.stop().await;
    gateway.stop().await;
    Ok(())
}

/// A believable relay: some mailboxes are gone, and private ones keep strangers waiting.
fn faults() -> Faults {
    Faults::believable(LATENCY)
        .refusing(
            &format!("*@{}", people::CLOSED_DOMAIN),
            Reply::new(550, "5.1.1 This mailbox was closed and is no longer in use"),
        )
        .greylisting(
            &format!("*@{}", people::PRIVATE_DOMAIN),
            1,
            Reply::new(451, "4.7.1 Greylisted, please try again in a moment"),
        )
}
