//! What `belltower simulate` and `demo` know of both clouds' SMS services.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use super::simulate::{control, read_faults};
use crate::simulator::{AliyunOptions, AliyunSimulator, ReportPlan, TencentOptions, TencentSimulator};

#[derive(Args)]
pub(super) struct CloudSms {
    /// Where Aliyun's SMS API listens [default: any free port beside the relay]
    #[arg(long, value_name = "ADDR:PORT")]
    aliyun_listen: Option<SocketAddr>,
    /// What the account has there and what goes wrong, as JSON (see below) [default: nothing]
    #[arg(long, value_name = "FILE")]
    aliyun_faults: Option<PathBuf>,
    /// Where Aliyun tells its receipts: a provider's `callback_url` [default: nowhere]
    #[arg(long, value_name = "URL")]
    aliyun_callback: Option<Url>,
    /// How it tells them, as JSON (see below) [default: at once, once]
    #[arg(long, value_name = "FILE")]
    aliyun_receipts: Option<PathBuf>,
    /// Where Tencent's SMS API listens [default: any free port beside the relay]
    #[arg(long, value_name = "ADDR:PORT")]
    tencent_listen: Option<SocketAddr>,
    /// What the account has there and what goes wrong, as JSON (see below) [default: nothing]
    #[arg(long, value_name = "FILE")]
    tencent_faults: Option<PathBuf>,
    /// Where Tencent tells its receipts: a provider's `callback_url` [default: nowhere]
    #[arg(long, value_name = "URL")]
    tencent_callback: Option<Url>,
    /// How it tells them, as JSON (see below) [default: at once, once]
    #[arg(long, value_name = "FILE")]
    tencent_receipts: Option<PathBuf>,
    /// Both speak TLS; whom a client must trust for it is written to this directory [default: in clear]
    #[arg(long, value_name = "DIR")]
    cloud_tls: Option<PathBuf>,
}

/// Where each of them listens.
#[derive(Serialize)]
pub(super) struct CloudAddresses {
    pub(super) aliyun_sms: Cloud,
    pub(super) tencent_sms: Cloud,
}

#[derive(Serialize)]
pub(super) struct Cloud {
    pub(super) address: SocketAddr,
    /// Where it is steered.
    pub(super) control: String,
    /// Of a provider of the kind of this name that sends to it.
    pub(super) settings: Value,
}

/// Both of them.
pub(super) struct Clouds {
    aliyun: AliyunSimulator,
    tencent: TencentSimulator,
    /// Where their authorities are written.
    trust: Option<PathBuf>,
}

impl CloudSms {
    /// Where no port was asked for, one beside `ip`'s others.
    pub(super) async fn start(&self, ip: IpAddr) -> anyhow::Result<Clouds> {
        let any = SocketAddr::new(ip, 0);
        let tls = self.cloud_tls.is_some();
        let listen = self.aliyun_listen.unwrap_or(any);
        let faults = read_faults(self.aliyun_faults.as_deref())?;
        let reports = plan(self.aliyun_callback.as_ref(), self.aliyun_receipts.as_deref())?;
        let options = AliyunOptions { listen, tls, faults, reports, ..AliyunOptions::default() };
        let aliyun = AliyunSimulator::start(options)
            .await
            .with_context(|| format!("Aliyun's SMS API cannot listen on {listen}"))?;
        let listen = self.tencent_listen.unwrap_or(any);
        let faults = read_faults(self.tencent_faults.as_deref())?;
        let reports = plan(self.tencent_callback.as_ref(), self.tencent_receipts.as_deref())?;
        let options = TencentOptions { listen, tls, faults, reports, ..TencentOptions::default() };
        let tencent = TencentSimulator::start(options)
            .await
            .with_context(|| format!("Tencent's SMS API cannot listen on {listen}"))?;
        if let Some(directory) = &self.cloud_tls {
            std::fs::create_dir_all(directory)
                .and_then(|()| {
                    std::fs::write(authority(directory, ALIYUN), aliyun.ca_pem().unwrap_or_default())
                })
                .and_then(|()| {
                    std::fs::write(authority(directory, TENCENT), tencent.ca_pem().unwrap_or_default())
                })
                .with_context(|| format!("writing certificates to {}", directory.display()))?;
        }
        Ok(Clouds { aliyun, tencent, trust: self.cloud_tls.clone() })
    }
}

const ALIYUN: &str = "aliyun";
const TENCENT: &str = "tencent";

fn authority(directory: &Path, vendor: &str) -> PathBuf {
    directory.join(format!("{vendor}-ca.pem"))
}

fn plan(callback: Option<&Url>, receipts: Option<&Path>) -> anyhow::Result<ReportPlan> {
    anyhow::ensure!(
        callback.is_none_or(|url| url.scheme() == "http"),
        "a callback is an http:// address: the simulators speak no TLS to it"
    );
    let plan: ReportPlan = read_faults(receipts)?;
    Ok(ReportPlan { url: callback.map(Url::to_string).or(plan.url), ..plan })
}

impl Clouds {
    /// In good order, in clear, at any free port of this machine.
    pub(super) async fn usual() -> anyhow::Result<Self> {
        Ok(Self {
            aliyun: AliyunSimulator::start(AliyunOptions::default()).await?,
            tencent: TencentSimulator::start(TencentOptions::default()).await?,
            trust: None,
        })
    }

    pub(super) fn addresses(&self) -> CloudAddresses {
        let trusting = |mut settings: Value, vendor: &str| {
            if let Some(directory) = &self.trust {
                settings["ca_file"] = json!(authority(directory, vendor));
            }
            settings
        };
        let (aliyun, tencent) = (&self.aliyun, &self.tencent);
        CloudAddresses {
            aliyun_sms: Cloud {
                address: aliyun.addr(),
                control: control(&aliyun.url()),
                settings: trusting(aliyun.settings(), ALIYUN),
            },
            tencent_sms: Cloud {
                address: tencent.addr(),
                control: control(&tencent.url()),
                settings: trusting(tencent.settings(), TENCENT),
            },
        }
    }

    pub(super) fn text(&self) -> String {
        let CloudAddresses { aliyun_sms, tencent_sms } = self.addresses();
        format!(
            "aliyun    listening on {}, {}\ntencent   listening on {}, {}",
            self.aliyun.url(),
            aliyun_sms.settings,
            self.tencent.url(),
            tencent_sms.settings,
        )
    }

    pub(super) async fn stop(self) {
        self.aliyun.stop().await;
        self.tencent.stop().await;
    }
}
