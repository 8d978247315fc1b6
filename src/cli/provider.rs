//! `belltower provider`: the accounts behind the channels.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;

use super::context::Context;
use super::input;
use super::output::{List, table};
use super::{provider_health, receipts, replies};
use crate::domain::channel::ChannelKind;
use crate::domain::id::ProviderId;
use crate::domain::provider::{Advice, ProviderKind};
use crate::service::providers::{self, NewProvider, ProviderChanges, ProviderTest, ProviderView};
use crate::service::{Caller, Services};

const AFTER_HELP: &str = "\
The settings are a JSON object, read from a file or, as -, from standard input; they are checked whole, kept sealed, and
nobody is called.

For smtp: host, port, tls (implicit, starttls, none), username, password, from_address, from_name,
reply_to, ca_file, dkim {domain, selector, private_key}, bounce_domain, connections, timeout_seconds, concurrency.

For wecom: corp_id, secret, agent_id, message (text, textcard, markdown, template_card), callback_token and
callback_aes_key (both or none), endpoint, ca_file, timeout_seconds, concurrency.

For wechat_official_account: app_id, app_secret, mode (template, subscribe), default_template {id, fields}, templates
{slug: {id, fields}}, token, encoding_aes_key, endpoint, ca_file, timeout_seconds, concurrency.

For aliyun_sms: access_key_id, access_key_secret, security_token, sign_name, default_template {code, variables, text},
templates {slug: {code, variables, text}}, extend_code, daily_limit, endpoint, ca_file, timeout_seconds, concurrency.

For tencent_sms: secret_id, secret_key, security_token, sdk_app_id, sign_name, region, default_template {id, variables, text},
templates {slug: {id, variables, text}}, sender_id, extend_code, variable_limit, daily_limit, bounced, endpoint, ca_file,
timeout_seconds, concurrency.

For http_sms: request {method, url, headers, basic, format, charset, body}, secrets, signature {algorithm, over, key, encoding},
recipients {per_call, separator, number_format}, sign_placement, sign_name, template_text, answer {success, message_id, failed_numbers,
code, codes, otherwise}, receipt {format, records, id, number, status, delivered, bounced, acknowledge}, poll {request, records,
id, number, status, delivered}, ca_file, timeout_seconds, concurrency; everything but request.url may be left out. docs/PROVIDERS.md explains each. The callback_url that is
printed is the address to give to the vendor for its receipts.

For sandbox: outcome, timeout_seconds, concurrency.

For every kind: overrides [{code or words, class, wait_seconds}], which say what answers of the vendor's mean; daily_quota
and emergency_reserve, the part of it that only emergencies may use.";

const UPDATE_HELP: &str = "\
The settings are a JSON object of those to change: what it leaves out stays, secrets too, and null removes. Where the
address leads to another scheme, host or port, what is sent there has to be given again in the same change. Channel and
kind stay as they were created.";

#[derive(Subcommand)]
pub(super) enum Act {
    /// Add a provider; a running server takes it up within a second
    #[command(after_help = AFTER_HELP)]
    Create(Create),
    /// List the providers in the order they are tried
    List,
    /// Change what is named and keep the rest; a running server takes it up within a second
    #[command(after_help = UPDATE_HELP)]
    Update {
        /// The provider's name
        #[arg(value_name = "NAME")]
        provider: String,
        #[command(flatten)]
        changes: Changes,
    },
    /// Let nothing go through it until it is enabled again
    #[command(after_help = "A provider is not deleted, because what was sent through it keeps saying so.")]
    Disable {
        /// The provider's name
        name: String,
    },
    /// Let it take part again
    Enable {
        /// The provider's name
        name: String,
    },
    /// List what providers told by themselves that matched no delivery or could not be read, the latest first
    Receipts {
        /// At most so many of each
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// List what people answered to texts, the latest first
    Replies {
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Say how each provider in use does: what ails it, what of its quota is used, codes that nobody knows
    Health,
    /// List what happened to a provider, the latest first
    Events {
        /// The provider's name
        name: String,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Show the call that a message would be, without making it; secrets are shown by their names
    Render {
        /// The provider's name
        name: String,
        #[command(flatten)]
        sample: Sample,
    },
    /// Connect and sign in without sending anything, or send one text that says it is a trial
    Test {
        /// The provider's name
        name: String,
        /// Send one there, even where the provider is disabled
        #[arg(long, value_name = "ADDRESS")]
        to: Option<String>,
    },
}

#[derive(Args)]
pub(super) struct Sample {
    /// Whom it would go to
    #[arg(long, value_name = "ADDRESS", default_value = "13800000000")]
    to: String,
    #[arg(long, default_value = "考试安排")]
    title: String,
    #[arg(long, default_value = "期末考试改在教三 204。")]
    body: String,
    /// The template it names
    #[arg(long, value_name = "SLUG")]
    template: Option<String>,
    /// A variable of the message; as often as there are some
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = param)]
    params: Vec<(String, String)>,
}

fn param(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[derive(Args)]
pub(super) struct Create {
    /// What it sends by: email, sms, wechat
    #[arg(long, value_name = "C")]
    channel: ChannelKind,
    /// What answers there: `smtp`, `aliyun_sms`, `tencent_sms`, `http_sms`, `wecom`, `wechat_official_account`, `sandbox`
    #[arg(long)]
    kind: ProviderKind,
    /// What administrators call it
    #[arg(long, value_name = "N")]
    name: String,
    /// JSON settings; - is standard input
    #[arg(long, value_name = "FILE|-")]
    settings: PathBuf,
    /// As in DNS SRV records: the lowest is tried first
    #[arg(long, value_name = "N", default_value_t = 10)]
    priority: i64,
    /// As in DNS SRV records: those of equal priority share by weight
    #[arg(long, value_name = "N", default_value_t = 1)]
    weight: i64,
    /// Most hand-overs a second [default: no limit]
    #[arg(long, value_name = "PER_SECOND")]
    rate: Option<u32>,
}

#[derive(Args)]
#[group(required = true, multiple = true)]
pub(super) struct Changes {
    /// Call it something else
    #[arg(long, value_name = "N")]
    name: Option<String>,
    /// JSON settings to change; - is standard input
    #[arg(long, value_name = "FILE|-")]
    settings: Option<PathBuf>,
    /// As in DNS SRV records: the lowest is tried first
    #[arg(long, value_name = "N")]
    priority: Option<i64>,
    /// As in DNS SRV records: those of equal priority share by weight
    #[arg(long, value_name = "N")]
    weight: Option<i64>,
    /// Most hand-overs a second
    #[arg(long, value_name = "PER_SECOND")]
    rate: Option<u32>,
    /// Lift the limit of hand-overs a second
    #[arg(long, conflicts_with = "rate")]
    no_rate: bool,
}

#[derive(Serialize)]
struct Line {
    provider_id: ProviderId,
    name: String,
    channel: ChannelKind,
    kind: String,
    priority: i64,
    weight: i64,
    rate: Option<i64>,
    enabled: bool,
    /// Where the vendor tells its receipts.
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<String>,
}

impl From<ProviderView> for Line {
    fn from(view: ProviderView) -> Self {
        let ProviderView { id, name, channel, kind, priority, weight, rate, enabled, callback_url, .. } =
            view;
        Self { provider_id: id, name, channel, kind, priority, weight, rate, enabled, callback_url }
    }
}

impl Line {
    /// A line of its own, as the address is longer than a terminal is wide.
    fn callback(&self) -> String {
        let told = |url| format!("\n{} tells its receipts at {url}", self.name);
        self.callback_url.as_ref().map(told).unwrap_or_default()
    }

    fn row(&self) -> Vec<String> {
        vec![
            self.provider_id.to_string(),
            self.name.clone(),
            self.channel.to_string(),
            self.kind.clone(),
            self.priority.to_string(),
            self.weight.to_string(),
            self.rate.map_or("-".to_owned(), |rate| format!("{rate}/s")),
            if self.enabled { "enabled" } else { "disabled" }.to_owned(),
        ]
    }
}

pub(super) fn run(context: &Context, act: Act) -> anyhow::Result<()> {
    match act {
        Act::Create(create) => create.run(context),
        Act::List => list(context),
        Act::Update { provider, changes } => {
            update(context, "provider update", &provider, changes.try_into()?)
        }
        Act::Disable { name } => {
            let changes = ProviderChanges { enabled: Some(false), ..ProviderChanges::default() };
            update(context, "provider disable", &name, changes)
        }
        Act::Enable { name } => {
            let changes = ProviderChanges { enabled: Some(true), ..ProviderChanges::default() };
            update(context, "provider enable", &name, changes)
        }
        Act::Receipts { limit } => receipts::run(context, limit),
        Act::Replies { limit } => replies::run(context, limit),
        Act::Health => provider_health::health(context),
        Act::Events { name, limit } => provider_health::events(context, &name, limit),
        Act::Render { name, sample } => render(context, &name, sample),
        Act::Test { name, to } => test(context, &name, to.as_deref()),
    }
}

impl Create {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let new = NewProvider {
            name: self.name,
            channel: self.channel,
            kind: self.kind,
            settings: read_settings(&self.settings)?,
            priority: self.priority,
            weight: self.weight,
            rate: self.rate,
        };
        let caller = Caller::Command("provider create");
        let view = context.with_services(async |s| Ok(providers::create(s, &caller, new).await?))?;
        context.output.print(&Line::from(view), |line| {
            let callback = line.callback();
            format!("provider {} ({}) sends {}{callback}", line.name, line.provider_id, line.channel)
        })
    }
}

impl TryFrom<Changes> for ProviderChanges {
    type Error = anyhow::Error;

    fn try_from(changes: Changes) -> anyhow::Result<Self> {
        let Changes { name, settings, priority, weight, rate, no_rate } = changes;
        let settings = settings.as_deref().map(read_settings).transpose()?;
        let rate = if no_rate { Some(None) } else { rate.map(Some) };
        Ok(Self { name, settings, priority, weight, rate, enabled: None, seen: None })
    }
}

fn update(
    context: &Context,
    command: &'static str,
    name: &str,
    changes: ProviderChanges,
) -> anyhow::Result<()> {
    let caller = Caller::Command(command);
    let act = async |s: &Services| {
        let provider = providers::find_by_name(s, &caller, name).await?;
        Ok(providers::update(s, &caller, provider.id, changes).await?)
    };
    let view = context.with_services(act)?;
    context.output.print(&Line::from(view), |line| {
        let state = if line.enabled { "enabled" } else { "disabled" };
        format!("provider {} ({}) is as told and {state}", line.name, line.provider_id)
    })
}

fn read_settings(path: &Path) -> anyhow::Result<Value> {
    serde_json::from_slice(&input::read(path, "the settings")?).context("the settings are not JSON")
}

fn list(context: &Context) -> anyhow::Result<()> {
    let caller = Caller::Command("provider list");
    let views = context.with_services(async |s| Ok(providers::list(s, &caller).await?))?;
    let data = views.into_iter().map(Line::from).collect();
    context.output.print(&List { data }, |List { data }| {
        let head = ["id", "name", "channel", "kind", "priority", "weight", "rate", "state"];
        let callbacks: String = data.iter().map(Line::callback).collect();
        table(&head, &data.iter().map(Line::row).collect::<Vec<_>>()) + &callbacks
    })
}

fn render(context: &Context, name: &str, sample: Sample) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Shown {
        call: String,
    }
    let caller = Caller::Command("provider render");
    let Sample { to, title, body, template, params } = sample;
    let params = params.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
    let sample = providers::Sample { address: to, title, body, template, params };
    let act = async |s: &Services| {
        let provider = providers::find_by_name(s, &caller, name).await?;
        Ok(Shown { call: providers::render(s, &caller, provider.id, sample).await? })
    };
    let shown = context.with_services(act)?;
    context.output.print(&shown, |shown| shown.call.trim_end().to_owned())?;
    Ok(())
}

fn test(context: &Context, name: &str, to: Option<&str>) -> anyhow::Result<()> {
    let caller = Caller::Command("provider test");
    let act = async |s: &Services| {
        let provider = providers::find_by_name(s, &caller, name).await?;
        Ok(match to {
            Some(address) => providers::send_one(s, &caller, provider.id, address).await?,
            None => providers::test(s, &caller, provider.id).await?,
        })
    };
    let tested = context.with_services(act)?;
    context.output.print(&tested, |tested| {
        let ProviderTest { ok, detail, code, advice, seen_address, duration } = tested;
        let verdict = if *ok { "ok" } else { "failed" };
        let untold = code.as_ref().filter(|code| !detail.contains(code.as_str()));
        let code = untold.map(|code| format!(" [{code}]")).unwrap_or_default();
        let seen = seen_address.as_ref().map(|seen| format!("\nIt sees this machine as {seen}."));
        let advice = advice.map(|advice| format!("\n{}", says(advice)));
        let more: String = advice.into_iter().chain(seen).collect();
        format!("{verdict} after {} ms: {detail}{code}{more}", duration.as_millis())
    })?;
    anyhow::ensure!(tested.ok, "the provider {name} did not pass");
    Ok(())
}

/// What an administrator can do.
const fn says(advice: Advice) -> &'static str {
    match advice {
        Advice::AllowAddress => {
            "Put this machine's address on the list of those that may call, at the vendor."
        }
        Advice::Credentials => "Enter the secrets anew with `belltower provider update`.",
        Advice::Sign => "Have the sign approved by the vendor, or enter an approved one.",
        Advice::Template => "Have the template approved by the vendor, or enter an approved one.",
        Advice::Balance => "Pay into the account.",
        Advice::Quota => "Have the account's limit raised, or wait until it is over.",
        Advice::Clock => "Set this machine's clock.",
        Advice::Rights => "Give the account, or the application, the right to do this.",
        Advice::Sender => "Have the sender's domain set up: its address, SPF, DKIM and reverse name.",
    }
}
