//! `belltower demo`: the whole product with a believable campus and simulated vendors, in one process.
//!
//! - [`place`]: the data directory, and how a demo knows its own
//! - [`seed`]: fills it the first time: [`campus`] (systems, groups, templates), [`people`], [`rules`], [`messages`]
//! - [`history`]: what was sent in the two weeks before
//! - [`mailboxes`]: what the simulators received, for the console
//! - [`banner`]: what it says once it runs
//! - [`drill`]: a fire drill whenever Enter is pressed

mod banner;
mod campus;
mod dice;
mod drill;
mod history;
mod mailboxes;
mod messages;
mod names;
mod people;
mod place;
mod rules;
mod seed;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use self::banner::{Account, Banner, HttpSms, Simulators, Smtp, Wecom};
pub use self::mailboxes::{CorpMembers, GatewayInbox, RelayMailbox, VendorMailboxes};
use self::place::{Card, Place};
use self::seed::{Seeded, Vendors};
use super::context::{Context, quiet};
use super::output::print_line;
use super::simulate::control;
use super::simulate_sign_in;
use super::simulate_sms::Clouds;
use crate::app::App;
use crate::clock::Clock;
use crate::config::{CampusSignIn, Config, Origin, SignInKind, SignInName};
use crate::lifecycle::Lifecycle;
use crate::service::operators;
use crate::simulator::{
    CampusSignInSimulator, Faults, HttpSmsOptions, HttpSmsSimulator, OfficialAccountFaults,
    OfficialAccountOptions, OfficialAccountSimulator, PushPlan, ReceiptPlan, Reply, SignatureCheck,
    SmsFaults, SmtpOptions, SmtpSimulator, WecomFaults, WecomOptions, WecomSimulator,
};
use crate::telemetry;

/// How long the simulated gateway takes to tell what became of a text.
const SMS_RECEIPT: Duration = Duration::from_secs(2);

pub(super) const AFTER_HELP: &str = "\
Its store and its queue are its own, whatever the settings say. What is published at a broker (intake.amqp) it does not take;
`belltower serve` does.";

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
        leave_the_broker(&mut config);
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

/// Its queue is in the process, so that there is no broker to take messages from. Settings that are meant for `serve` are no
/// reason not to start.
fn leave_the_broker(config: &mut Config) {
    if std::mem::take(&mut config.intake.amqp) {
        tracing::warn!(
            "intake.amqp is set, and a demo takes no messages from a broker, as its queue is in the process: use `belltower serve`"
        );
    }
}

async fn run(context: &Context, config: &Config, place: &mut Place) -> anyhow::Result<()> {
    let lifecycle = Lifecycle::new();
    lifecycle.catch_signals()?;
    let Simulated { relay, corp, account, gateway } = Simulated::start(Pace::BELIEVABLE).await?;
    let clouds = Clouds::usual().await?;
    let vendors = vendors(&relay, &corp, &gateway);
    let (card, seeded) = match place.card.clone() {
        Some(card) => (card, None),
        None => {
            let (card, seeded) = begin(config).await?;
            (card, Some(seeded))
        }
    };
    let mut app = App::build(config, Clock::System).await?;
    let (mails, texts) = (RelayMailbox(relay.mailbox()), GatewayInbox(gateway.inbox()));
    let corp_members = CorpMembers(corp.members());
    app.services_mut().simulators = Some(Arc::new(VendorMailboxes { mails, texts, corp: corp_members }));
    seed::point_to(app.services(), &vendors).await?;
    if let Some(seeded) = seeded {
        seed::say_something(app.services(), &seeded).await?;
        place.keep(card.clone())?;
    }
    let sign_in = simulate_sign_in::of(seed::some_people(app.services()).await?).await?;
    app.services_mut().sign_in_by(&led_to(&sign_in))?;
    // Not by the public address: what stands before it may not be there yet.
    let callback = async |provider| {
        let path = seed::callback(app.services(), provider).await?;
        anyhow::Ok(path.map(|path| format!("http://{}{path}", app.address())))
    };
    let url = callback(seed::GATEWAY).await?;
    gateway.set_receipts(ReceiptPlan { url, ..ReceiptPlan::believable(SMS_RECEIPT) });
    corp.set_push(PushPlan { url: callback(seed::CORP).await?, ..PushPlan::default() });
    let setup_link = operators::first_link(app.services()).await?;
    let url = app.services().campus.public_url.to_string().trim_end_matches('/').to_owned();
    let s = app.services().clone();
    let running = app.start(&lifecycle).await?;
    let banner = Banner {
        console: format!("{url}/console"),
        setup_link,
        live_key: &card.live_key,
        test_key: &card.test_key,
        simulators: Simulators {
            smtp: Smtp {
                address: relay.addr(),
                control: relay.control_url(),
                mailbox: format!("{url}/console/mailbox"),
            },
            wecom: Wecom { address: corp.addr(), control: control(&corp.url()) },
            wechat_official_account: Account {
                address: account.addr(),
                control: control(&account.url()),
                settings: account.settings(),
            },
            http_sms: HttpSms {
                address: gateway.addr(),
                control: control(&gateway.url()),
                mailbox: format!("{url}/console/mailbox/sms"),
            },
            clouds: clouds.addresses(),
            campus_sign_in: simulate_sign_in::address(&sign_in),
        },
        data: place.directory(),
        is_temporary: place.is_temporary(),
        url,
    };
    print_line(&if context.output.json { serde_json::to_string(&banner)? } else { banner.text() })?;
    if !context.output.json {
        drill::on_enter(s, banner.console.clone());
    }
    running.finish(&lifecycle).await?;
    relay.stop().await;
    corp.stop().await;
    account.stop().await;
    gateway.stop().await;
    clouds.stop().await;
    sign_in.stop().await;
    Ok(())
}

/// The demo's own, whatever the settings say: nothing leaves this machine.
fn led_to(simulator: &CampusSignInSimulator) -> CampusSignIn {
    CampusSignIn {
        kind: SignInKind::Cas,
        url: format!("http://{}/cas", simulator.addr()),
        client_id: None,
        client_secret: None,
        attribute: None,
        name: SignInName::default(),
        ca_file: None,
    }
}

/// Fills an empty store and lives through the two weeks before now, with vendors that are gone afterwards.
async fn begin(config: &Config) -> anyhow::Result<(Card, Seeded)> {
    let now = Clock::System.now().to_jiff().to_zoned(config.campus.time_zone.clone());
    let Simulated { relay, corp, account, gateway } = Simulated::start(Pace::AT_ONCE).await?;
    let mut app = App::build(config, Clock::manual(history::begins(&now))).await?;
    let (card, seeded) = seed::fill(app.services(), &vendors(&relay, &corp, &gateway), now).await?;
    let callback = seed::callback(app.services(), seed::GATEWAY)
        .await?
        .context("the demo's gateway tells no receipts")?;
    history::live_through(&mut app, &seeded, &gateway.inbox(), &callback).await?;
    app.services().close().await;
    drop(app);
    relay.stop().await;
    corp.stop().await;
    account.stop().await;
    gateway.stop().await;
    Ok((card, seeded))
}

/// How long simulated vendors think.
struct Pace {
    relay: Duration,
    wecom: Duration,
    sms: Duration,
}

impl Pace {
    /// So that progress can be watched. WeCom and the gateway are asked for many at a time.
    const BELIEVABLE: Self = Self {
        relay: Duration::from_millis(4),
        wecom: Duration::from_millis(50),
        sms: Duration::from_millis(40),
    };
    const AT_ONCE: Self = Self { relay: Duration::ZERO, wecom: Duration::ZERO, sms: Duration::ZERO };
}

struct Simulated {
    relay: SmtpSimulator,
    corp: WecomSimulator,
    account: OfficialAccountSimulator,
    gateway: HttpSmsSimulator,
}

impl Simulated {
    async fn start(pace: Pace) -> anyhow::Result<Self> {
        let faults = faults(pace.relay);
        let control = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let relay = SmtpSimulator::start(SmtpOptions { faults, control, ..SmtpOptions::default() }).await?;
        let faults = WecomFaults::believable(pace.wecom);
        let corp = WecomSimulator::start(WecomOptions { faults, ..WecomOptions::default() }).await?;
        let faults = OfficialAccountFaults::believable(pace.wecom);
        let options = OfficialAccountOptions { faults, ..OfficialAccountOptions::default() };
        let account = OfficialAccountSimulator::start(options).await?;
        let gateway = HttpSmsSimulator::start(HttpSmsOptions {
            faults: SmsFaults::believable(pace.sms),
            signature: Some(SignatureCheck::usual("known to this demo alone")),
            ..HttpSmsOptions::default()
        })
        .await?;
        Ok(Self { relay, corp, account, gateway })
    }
}

fn vendors(relay: &SmtpSimulator, corp: &WecomSimulator, gateway: &HttpSmsSimulator) -> Vendors {
    Vendors { relay: relay.addr(), wecom: corp.settings(), http_sms: gateway.settings() }
}

/// A believable relay: some mailboxes are gone, and private ones keep strangers waiting.
fn faults(latency: Duration) -> Faults {
    Faults::believable(latency)
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
