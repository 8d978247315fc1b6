//! `belltower simulate`: the vendors' simulators alone, for a server elsewhere on this machine to send to.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::context::Context;
use super::output::print_line;
use super::simulate_sign_in::{self, SignIn, SignInAddress};
use super::simulate_sms::{CloudAddresses, CloudSms};
use super::simulate_wechat::{Account, Wechat, Wecom};
use crate::lifecycle::Lifecycle;
use crate::simulator::{
    BouncePlan, Faults, HttpSmsOptions, HttpSmsSimulator, ReceiptPlan, SmsFaults, SmtpOptions, SmtpSimulator,
    SmtpTls,
};
use crate::telemetry;

pub(super) const AFTER_HELP: &str = r#"Faults are JSON, such as:
  {"faults": [{"at": "rcpt", "to": "bounce*", "act": {"reply": {"code": 550, "text": "5.1.1 No such person"}}},
              {"at": "data", "times": 3, "act": "hang"}],
   "delay_ms": {"body": 20}, "round_trip_ms": 30, "mails_per_connection": 100, "connections": 10,
   "per_day": {"mails": 1000, "reply": {"code": 550, "text": "MI:STC"}}, "certificate": "expired"}
Stages: connect, tls, ehlo, auth, mail, rcpt, data, body, kept, rset, noop, quit. Acts: a reply, hang, reset, close,
garbage, drop (taken and lost; at rcpt and body). "times": 3 is the first three times, "percent": 10 every tenth.
Certificates: good, expired, stranger, other_name. What comes back of the mails it took:
  {"to": "127.0.0.1:2527", "delay_ms": 500, "copies": 1, "bounces": [{"to": "gone*", "status": "5.1.1",
   "diagnostic": "smtp; 550 5.1.1 No such person"}, {"to": "slow*", "action": "delayed", "status": "4.4.1"}]}
To: the server's email.bounce_listen. Actions: failed, delayed, delivered, relayed, expanded.

So are the SMS gateway's:
  {"faults": [{"at": "call", "to": "*404", "act": "fail"}, {"at": "call", "times": 3, "act": {"code": "1001"}}],
   "delay_ms": {"call": 40, "sent": 10}}
At: call, sent. Acts: fail (those numbers alone), {"refuse": "1001"} (the same, with a code), drop (taken and lost), a
code, {"status": 502}, {"throttle": "7"} (429 and how long), hang, reset, close, garbage, half, {"redirect": "http://…"}.
"times": 3 is the first three times, "percent": 10 every tenth. And how it tells receipts:
  {"format": "json", "delay_ms": 2000, "copies": 2, "backwards": true, "at_once": 100, "early": false,
   "statuses": {"*97": "EXPIRED", "*13": ""}, "acknowledged": "OK", "retry_ms": 200}
Formats: json, form (in the field reports), xml, query.

Aliyun's and Tencent's take the same acts, with the vendor's own codes, at call, sent and query, and what the account has:
  {"faults": [{"at": "call", "to": "*404", "act": {"refuse": "isv.BLACK_KEY_CONTROL_LIMIT"}}],
   "signs": ["钟楼大学"], "templates": {"SMS_100001": {"content": "${title}：${body}", "links": false, "longest": 35}},
   "untrusted_address": false, "balance": 1000, "per_minute": 1, "per_hour": 5, "per_day": 50,
   "account_per_day": 100000, "calls_per_second": 5000}
Tencent's limits: same_in_thirty_seconds, per_number_hour, per_number_day, app_per_day, tells_context, may_pull. Receipts:
  {"delay_ms": 2000, "copies": 2, "backwards": true, "at_once": 100, "early": false, "statuses": {"*97": "IS_CLOSED"},
   "lost": ["*13"], "retry_ms": [60000, 300000, 600000], "patience_ms": 5000}

Each shows what it counted at GET /control and what it received at GET /control/received, and takes the same documents while
it runs: POST /control, /control/receipts (/control/bounces of the relay, which has a port of its own for this),
/control/push, /control/reset. docs/SIMULATORS.md has all of it."#;

#[derive(Args)]
pub(super) struct Simulate {
    /// Where the mail relay listens (port 0: any free one)
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:2525")]
    listen: SocketAddr,
    /// What goes wrong with the relay, as JSON (see below) [default: nothing]
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// What comes back of the mails the relay took, as JSON (see below) [default: nothing]
    #[arg(long, value_name = "FILE")]
    bounces: Option<PathBuf>,
    /// What the relay offers in its answer to EHLO
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "PIPELINING,8BITMIME,SMTPUTF8,SIZE,ENHANCEDSTATUSCODES,DSN"
    )]
    offers: Vec<String>,
    /// Where the relay is steered over HTTP [default: any free port beside it]
    #[arg(long, value_name = "ADDR:PORT")]
    control: Option<SocketAddr>,
    /// The relay speaks TLS, on demand or from the first byte [default: in clear]
    #[arg(long, value_name = "starttls|implicit", value_parser = tls)]
    tls: Option<SmtpTls>,
    /// Where it is written whom a client must trust then
    #[arg(long, value_name = "DIR", default_value = ".", requires = "tls")]
    tls_dir: PathBuf,
    /// User and password that the relay takes mail from alone [default: anybody]
    #[arg(long, value_name = "USER:PASSWORD", value_parser = user_and_password)]
    auth: Option<(String, String)>,
    #[command(flatten)]
    wechat: Wechat,
    /// Where the SMS gateway listens [default: any free port beside the relay]
    #[arg(long, value_name = "ADDR:PORT")]
    sms_listen: Option<SocketAddr>,
    /// What goes wrong with the gateway, as JSON (see below) [default: nothing]
    #[arg(long, value_name = "FILE")]
    sms_faults: Option<PathBuf>,
    /// Where the gateway tells its receipts: a provider's `callback_url` [default: nowhere]
    #[arg(long, value_name = "URL")]
    sms_callback: Option<Url>,
    /// How it tells them, as JSON (see below) [default: at once, once]
    #[arg(long, value_name = "FILE")]
    sms_receipts: Option<PathBuf>,
    #[command(flatten)]
    clouds: CloudSms,
    #[command(flatten)]
    sign_in: SignIn,
}

/// Where each simulator listens.
#[derive(Serialize)]
struct Addresses {
    smtp: Smtp,
    wecom: Wecom,
    wechat_official_account: Account,
    http_sms: HttpSms,
    #[serde(flatten)]
    clouds: CloudAddresses,
    campus_sign_in: SignInAddress,
}

#[derive(Serialize)]
struct Smtp {
    address: SocketAddr,
    /// Where it is steered.
    control: Option<String>,
    /// Of a provider of the kind `smtp` that sends by it.
    settings: Value,
}

#[derive(Serialize)]
struct HttpSms {
    address: SocketAddr,
    /// Where it is steered.
    control: String,
    /// Of a provider of the kind `http_sms` that sends to it.
    settings: Value,
}

/// Where a vendor's simulator is steered.
pub(super) fn control(url: &str) -> String {
    format!("{url}/control")
}

fn tls(word: &str) -> Result<SmtpTls, String> {
    match word {
        "starttls" => Ok(SmtpTls::StartTls),
        "implicit" => Ok(SmtpTls::Implicit),
        _ => Err("starttls or implicit".to_owned()),
    }
}

fn user_and_password(text: &str) -> Result<(String, String), String> {
    let (user, password) = text.split_once(':').ok_or("a user, a colon, a password")?;
    Ok((user.to_owned(), password.to_owned()))
}

impl Simulate {
    async fn relay(&self, faults: Faults, bounces: BouncePlan) -> anyhow::Result<SmtpSimulator> {
        SmtpSimulator::start(SmtpOptions {
            listen: self.listen,
            control: Some(self.control.unwrap_or(SocketAddr::new(self.listen.ip(), 0))),
            tls: self.tls.unwrap_or_default(),
            auth: self.auth.clone(),
            faults,
            bounces,
            extensions: self.offers.clone(),
            ..SmtpOptions::default()
        })
        .await
        .with_context(|| format!("the mail relay cannot listen on {}", self.listen))
    }

    /// Writes down whom to trust, too, where that is to be known.
    fn smtp(&self, relay: &SmtpSimulator) -> anyhow::Result<Smtp> {
        let mut settings = relay.settings();
        if let Some(authority) = relay.ca_pem() {
            let file = self.tls_dir.join("smtp-ca.pem");
            std::fs::create_dir_all(&self.tls_dir)
                .and_then(|()| std::fs::write(&file, authority))
                .with_context(|| format!("writing {}", file.display()))?;
            settings["ca_file"] = json!(file);
        }
        Ok(Smtp { address: relay.addr(), control: relay.control_url(), settings })
    }

    async fn gateway(&self, faults: SmsFaults, receipts: ReceiptPlan) -> anyhow::Result<HttpSmsSimulator> {
        let listen = self.sms_listen.unwrap_or(SocketAddr::new(self.listen.ip(), 0));
        let url = self.sms_callback.as_ref().map(Url::to_string).or_else(|| receipts.url.clone());
        let receipts = ReceiptPlan { url, ..receipts };
        HttpSmsSimulator::start(HttpSmsOptions { listen, faults, receipts, ..HttpSmsOptions::default() })
            .await
            .with_context(|| format!("the SMS gateway cannot listen on {listen}"))
    }

    pub(super) fn run(self, context: &Context) -> anyhow::Result<()> {
        let config = context.load()?;
        telemetry::init(&config.log)?;
        let faults: Faults = read_faults(self.faults.as_deref())?;
        let bounces: BouncePlan = read_faults(self.bounces.as_deref())?;
        let sms_faults: SmsFaults = read_faults(self.sms_faults.as_deref())?;
        let sms_receipts: ReceiptPlan = read_faults(self.sms_receipts.as_deref())?;
        let callback = self.sms_callback.as_ref();
        anyhow::ensure!(
            callback.is_none_or(|url| url.scheme() == "http"),
            "--sms-callback is an http:// address: the simulators speak no TLS"
        );
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let lifecycle = Lifecycle::new();
            lifecycle.catch_signals()?;
            let relay = self.relay(faults, bounces).await?;
            let wechats = self.wechat.start(self.listen.ip()).await?;
            let gateway = self.gateway(sms_faults, sms_receipts).await?;
            let clouds = self.clouds.start(self.listen.ip()).await?;
            let sign_in = self.sign_in.start(self.listen.ip()).await?;
            let (wecom, wechat_official_account) = wechats.addresses();
            let addresses = Addresses {
                smtp: self.smtp(&relay)?,
                wecom,
                wechat_official_account,
                http_sms: HttpSms {
                    address: gateway.addr(),
                    control: control(&gateway.url()),
                    settings: gateway.settings(),
                },
                clouds: clouds.addresses(),
                campus_sign_in: simulate_sign_in::address(&sign_in),
            };
            if context.output.json {
                print_line(&serde_json::to_string(&addresses)?)?;
            } else {
                print_line(&format!(
                    "smtp      listening on smtp://{}, {}\n          steered at {}\n\
                     {}\n\
                     http_sms  listening on http://{}, {}\n\
                     {}\n{}",
                    addresses.smtp.address,
                    addresses.smtp.settings,
                    addresses.smtp.control.as_deref().unwrap_or_default(),
                    wechats.text(),
                    gateway.addr(),
                    gateway.settings(),
                    clouds.text(),
                    simulate_sign_in::text(&sign_in),
                ))?;
            }
            lifecycle.soft().cancelled().await;
            relay.stop().await;
            wechats.stop().await;
            gateway.stop().await;
            clouds.stop().await;
            sign_in.stop().await;
            Ok(())
        })
    }
}

pub(super) fn read_faults<F: Default + DeserializeOwned>(file: Option<&Path>) -> anyhow::Result<F> {
    let Some(file) = file else { return Ok(F::default()) };
    let text = std::fs::read(file).with_context(|| format!("reading faults from {}", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} holds no faults", file.display()))
}
