//! What `belltower simulate` knows of WeChat's two faces: a corp in WeCom, and an Official Account.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::simulate::{control, read_faults};
use crate::simulator::{
    OfficialAccountOptions, OfficialAccountSimulator, PushPlan, WecomOptions, WecomSimulator,
};

pub(super) const AFTER_HELP: &str = r#"WeCom's are JSON, too:
  {"faults": [{"at": "send", "to": "li*", "times": 2, "act": {"error": {"errcode": -1, "errmsg": "system busy"}}},
              {"at": "gettoken", "act": "hang"}],
   "delay_ms": {"send": 50}, "unknown": ["gone*"], "unlicensed": ["free*"], "untrusted_address": false,
   "token_seconds": 7200, "concurrency": 10, "calls_per_minute": 10000, "messages_per_day": 600000}
Calls: gettoken, send, recall, update, agent, sign_in. Acts: an error, {"status": 502}, hang, reset, close, garbage,
lose_answer, keep_answer.

The Official Account's have the same acts:
  {"faults": [{"at": "template", "to": "oAbc*", "times": 2, "act": {"error": {"errcode": -1, "errmsg": "system error"}}}],
   "delay_ms": {"template": 50}, "not_following": ["*37"], "blacklisted": [], "blocking": ["*97"], "failing": [],
   "consenting": ["*"], "unlisted_address": "203.0.113.7", "token_seconds": 7200, "calls_per_day": 100000,
   "calls_per_minute": 1000}
Calls: stable_token, token, template, bizsend, templates, quota_get, clear_quota, user_info, qrcode, sign_in. And how both
of them tell events (WeCom always XML, encrypted):
  {"format": "json", "encrypted": true, "delay_ms": 2000, "copies": 2, "early": false, "age_seconds": 0,
   "forged": false, "tries": 4, "retry_ms": 5000, "patience_ms": 5000}
Formats: xml, json."#;

#[derive(Args)]
pub(super) struct Wechat {
    /// Where WeCom's API listens [default: any free port beside the relay]
    #[arg(long, value_name = "ADDR:PORT")]
    wecom_listen: Option<SocketAddr>,
    /// What goes wrong with WeCom, as JSON (see below) [default: nothing]
    #[arg(long, value_name = "FILE")]
    wecom_faults: Option<PathBuf>,
    /// Where WeCom tells what members do: a provider's `callback_url` [default: nowhere]
    #[arg(long, value_name = "URL")]
    wecom_callback: Option<Url>,
    /// How it tells it, as JSON (see below) [default: at once, once]
    #[arg(long, value_name = "FILE")]
    wecom_events: Option<PathBuf>,
    /// Where the Official Account's API listens [default: any free port beside the relay]
    #[arg(long, value_name = "ADDR:PORT")]
    account_listen: Option<SocketAddr>,
    /// What goes wrong with the account, as JSON (see below) [default: nothing]
    #[arg(long, value_name = "FILE")]
    account_faults: Option<PathBuf>,
    /// Where the account tells receipts and what followers do: a provider's `callback_url` [default: nowhere]
    #[arg(long, value_name = "URL")]
    account_callback: Option<Url>,
    /// How it tells them, as JSON (see below) [default: at once, once]
    #[arg(long, value_name = "FILE")]
    account_events: Option<PathBuf>,
}

/// Where WeCom listens.
#[derive(Serialize)]
pub(super) struct Wecom {
    address: SocketAddr,
    /// Where it is steered.
    control: String,
    /// Of a provider of the kind `wecom` that sends to it.
    settings: Value,
}

/// Where the account listens.
#[derive(Serialize)]
pub(super) struct Account {
    address: SocketAddr,
    /// Where it is steered.
    control: String,
    /// Of a provider of the kind `wechat_official_account` that sends to it.
    settings: Value,
}

/// Both of them.
pub(super) struct Wechats {
    corp: WecomSimulator,
    account: OfficialAccountSimulator,
}

impl Wechat {
    /// Where no port was asked for, one beside `ip`'s others.
    pub(super) async fn start(&self, ip: IpAddr) -> anyhow::Result<Wechats> {
        let listen = self.wecom_listen.unwrap_or(SocketAddr::new(ip, 0));
        let push = plan(self.wecom_callback.as_ref(), self.wecom_events.as_ref())?;
        let faults = read_faults(self.wecom_faults.as_deref())?;
        let corp = WecomSimulator::start(WecomOptions { listen, faults, push, ..WecomOptions::default() })
            .await
            .with_context(|| format!("WeCom's API cannot listen on {listen}"))?;
        let listen = self.account_listen.unwrap_or(SocketAddr::new(ip, 0));
        let push = plan(self.account_callback.as_ref(), self.account_events.as_ref())?;
        let faults = read_faults(self.account_faults.as_deref())?;
        let options = OfficialAccountOptions { listen, faults, push, ..OfficialAccountOptions::default() };
        let account = OfficialAccountSimulator::start(options)
            .await
            .with_context(|| format!("the Official Account's API cannot listen on {listen}"))?;
        Ok(Wechats { corp, account })
    }
}

fn plan(callback: Option<&Url>, events: Option<&PathBuf>) -> anyhow::Result<PushPlan> {
    anyhow::ensure!(
        callback.is_none_or(|url| url.scheme() == "http"),
        "a callback is an http:// address: the simulators speak no TLS"
    );
    let plan: PushPlan = read_faults(events.map(PathBuf::as_path))?;
    Ok(PushPlan { url: callback.map(Url::to_string).or(plan.url), ..plan })
}

impl Wechats {
    pub(super) fn addresses(&self) -> (Wecom, Account) {
        let (corp, account) = (&self.corp, &self.account);
        let wecom = Wecom { address: corp.addr(), control: control(&corp.url()), settings: corp.settings() };
        let account = Account {
            address: account.addr(),
            control: control(&account.url()),
            settings: account.settings(),
        };
        (wecom, account)
    }

    pub(super) fn text(&self) -> String {
        format!(
            "wecom     listening on http://{}, {}\naccount   listening on http://{}, {}",
            self.corp.addr(),
            self.corp.settings(),
            self.account.addr(),
            self.account.settings(),
        )
    }

    pub(super) async fn stop(self) {
        self.corp.stop().await;
        self.account.stop().await;
    }
}
