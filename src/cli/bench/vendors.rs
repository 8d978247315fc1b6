//! The vendors that a bench sends to: simulators without any delay unless told, and a provider for each.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::bed;
use crate::domain::channel::ChannelKind;
use crate::domain::provider::ProviderKind;
use crate::service::Services;
use crate::simulator::http_sms::{Inbox, Pushed};
use crate::simulator::{
    AliyunOptions, AliyunSimulator, Faults, HttpSmsOptions, HttpSmsSimulator, Mailbox, Moment, ReceiptPlan,
    SmsAct, SmsFaults, SmtpOptions, SmtpSimulator, Stage, TencentOptions, TencentSimulator, WecomCall,
    WecomFaults, WecomMailbox, WecomOptions, WecomSimulator,
};

/// Connections to the relay, twice what a provider has unless told.
const CONNECTIONS: u64 = 16;

/// A mail relay, whoever takes texts, and a corp in WeCom.
pub(super) struct Vendors {
    relay: SmtpSimulator,
    texts: Texts,
    corp: WecomSimulator,
    connections: u64,
    /// Accounts at the relay, each with as many connections of its own.
    accounts: u32,
    /// Deliveries that each provider hands over in a second, where that is limited.
    rate: Option<u32>,
}

/// Whoever takes texts.
enum Texts {
    /// A gateway that takes a hundred numbers in a call.
    Gateway(HttpSmsSimulator),
    Aliyun(AliyunSimulator),
    Tencent(TencentSimulator),
}

impl Texts {
    fn inbox(&self) -> Inbox {
        match self {
            Self::Gateway(gateway) => gateway.inbox(),
            Self::Aliyun(account) => account.inbox(),
            Self::Tencent(account) => account.inbox(),
        }
    }

    fn provider(&self) -> (ProviderKind, Value) {
        match self {
            Self::Gateway(gateway) => (ProviderKind::HttpSms, gateway.settings()),
            Self::Aliyun(account) => (ProviderKind::AliyunSms, account.settings()),
            Self::Tencent(account) => (ProviderKind::TencentSms, account.settings()),
        }
    }

    async fn tell(&self, url: &Url) -> Vec<Pushed> {
        match self {
            Self::Gateway(gateway) => gateway.push(url).await,
            Self::Aliyun(account) => account.push(url).await,
            Self::Tencent(account) => account.push(url).await,
        }
    }

    async fn stop(self) {
        match self {
            Self::Gateway(gateway) => gateway.stop().await,
            Self::Aliyun(account) => account.stop().await,
            Self::Tencent(account) => account.stop().await,
        }
    }
}

/// What they took, each delivery once for every time it came.
pub(super) struct Totals([u64; ChannelKind::ALL.len()]);

impl Totals {
    pub(super) fn of(&self, channel: ChannelKind) -> u64 {
        ChannelKind::ALL.iter().zip(self.0).find(|(of, _)| **of == channel).map_or(0, |(_, total)| total)
    }
}

impl Vendors {
    pub(super) async fn start() -> anyhow::Result<Self> {
        Self::with(SmsFaults::default(), Faults::default(), CONNECTIONS).await
    }

    /// The relay is `round_trip` away and may be spoken to over so many connections at once.
    pub(super) async fn far_away(round_trip: Duration, connections: u64) -> anyhow::Result<Self> {
        Self::with(SmsFaults::default(), Faults::default().far_away(round_trip), connections).await
    }

    /// The gateway takes calls and never answers any.
    pub(super) async fn with_a_dead_gateway() -> anyhow::Result<Self> {
        let hanging = SmsFaults::default().at(Moment::Call, SmsAct::Hang);
        Self::with(hanging, Faults::default(), CONNECTIONS).await
    }

    /// Each call takes `latency`, and each mail; the relay may be spoken to over so many connections at once. `dead`: the gateway
    /// takes calls and answers none.
    pub(super) async fn busy(latency: Duration, connections: u64, dead: bool) -> anyhow::Result<Self> {
        let texts = if dead {
            SmsFaults::default().at(Moment::Call, SmsAct::Hang)
        } else {
            SmsFaults::default().slow(Moment::Call, latency)
        };
        let relay = Faults::default().slow(Stage::Body, latency);
        let corp = WecomFaults::default().slow(WecomCall::Send, latency);
        Self::all(texts, relay, corp, connections).await
    }

    pub(super) async fn with_aliyun() -> anyhow::Result<Self> {
        let options = AliyunOptions { inbox: Inbox::keeping(0), ..AliyunOptions::default() };
        Ok(Self { texts: Texts::Aliyun(AliyunSimulator::start(options).await?), ..Self::start().await? })
    }

    pub(super) async fn with_tencent() -> anyhow::Result<Self> {
        let options = TencentOptions { inbox: Inbox::keeping(0), ..TencentOptions::default() };
        Ok(Self { texts: Texts::Tencent(TencentSimulator::start(options).await?), ..Self::start().await? })
    }

    /// The gateway tells of so many texts in one push.
    pub(super) async fn telling(at_once: usize) -> anyhow::Result<Self> {
        let vendors = Self::start().await?;
        if let Texts::Gateway(gateway) = &vendors.texts {
            gateway.set_receipts(ReceiptPlan { at_once, ..ReceiptPlan::default() });
        }
        Ok(vendors)
    }

    async fn with(faults: SmsFaults, relay: Faults, connections: u64) -> anyhow::Result<Self> {
        Self::all(faults, relay, WecomFaults::default(), connections).await
    }

    async fn all(
        faults: SmsFaults,
        relay: Faults,
        corp: WecomFaults,
        connections: u64,
    ) -> anyhow::Result<Self> {
        let mail = SmtpOptions { mailbox: Mailbox::keeping(0), faults: relay, ..SmtpOptions::default() };
        let sms = HttpSmsOptions { faults, inbox: Inbox::keeping(0), ..HttpSmsOptions::default() };
        let wecom =
            WecomOptions { mailbox: WecomMailbox::keeping(0), faults: corp, ..WecomOptions::default() };
        Ok(Self {
            relay: SmtpSimulator::start(mail).await?,
            texts: Texts::Gateway(HttpSmsSimulator::start(sms).await?),
            corp: WecomSimulator::start(wecom).await?,
            connections,
            accounts: 1,
            rate: None,
        })
    }

    /// Mail goes by so many accounts side by side.
    pub(super) fn with_accounts(self, accounts: u32) -> Self {
        Self { accounts, ..self }
    }

    /// Each provider hands over so many deliveries in a second at most.
    pub(super) fn held_to(self, rate: Option<u32>) -> Self {
        Self { rate, ..self }
    }

    /// Sets a provider up for each.
    pub(super) async fn provide(&self, s: &Services) -> anyhow::Result<()> {
        let relay = json!({
            "host": self.relay.addr().ip().to_string(), "port": self.relay.addr().port(), "tls": "none",
            "connections": self.connections, "from_address": "noreply@campus.example", "from_name": "钟楼大学",
        });
        for _ in 0..self.accounts {
            bed::provider(s, ChannelKind::Email, ProviderKind::Smtp, relay.clone(), self.rate).await?;
        }
        let (kind, texts) = self.texts.provider();
        bed::provider(s, ChannelKind::Sms, kind, texts, self.rate).await?;
        let (corp, settings) = (ProviderKind::Wecom, self.corp.settings());
        bed::provider(s, ChannelKind::Wechat, corp, settings, self.rate).await
    }

    /// How often this person was sent something by a channel.
    pub(super) fn sent_to(&self, channel: ChannelKind, person: u64) -> u64 {
        match channel {
            ChannelKind::Email => self.relay.mailbox().mails_to(&bed::email(person)),
            ChannelKind::Sms => self.texts.inbox().texts_to(&bed::number(person)),
            ChannelKind::Wechat => self.corp.mailbox().messages_to(&bed::campus_id(person)),
        }
    }

    pub(super) fn total(&self, channel: ChannelKind) -> u64 {
        match channel {
            ChannelKind::Email => self.relay.mailbox().total(),
            ChannelKind::Sms => self.texts.inbox().total(),
            ChannelKind::Wechat => self.corp.mailbox().total(),
        }
    }

    /// Waits until this many deliveries have come by a channel.
    pub(super) async fn wait_for(&self, channel: ChannelKind, total: u64) {
        match channel {
            ChannelKind::Email => self.relay.mailbox().wait_for(total).await,
            ChannelKind::Sms => self.texts.inbox().wait_for(total).await,
            ChannelKind::Wechat => self.corp.mailbox().wait_for(total).await,
        }
    }

    /// Has whoever takes texts tell there what became of them, one push after the other, and gives the answers.
    pub(super) async fn tell(&self, url: &Url) -> Vec<Pushed> {
        self.texts.tell(url).await
    }

    /// Closes every connection.
    pub(super) async fn stop(self) -> Totals {
        let totals = Totals(ChannelKind::ALL.map(|channel| self.total(channel)));
        self.texts.stop().await;
        self.relay.stop().await;
        self.corp.stop().await;
        totals
    }
}
