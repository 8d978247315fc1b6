//! The account's API as its owner holds it: start, look, change, stop; and each call's answer.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use serde::Serialize;
use serde_json::{Value, json};

use super::account::Account;
use super::faults::{OfficialAccountCall as Call, OfficialAccountFaults};
use super::mailbox::OfficialAccountMailbox;
use super::templates::OfficialAccountTemplate;
use super::{Happening, pages};
use crate::simulator::clock::VendorClock;
use crate::simulator::held::{Counted, Held, lock};
use crate::simulator::http::{Answer, Request};
use crate::simulator::shell::{Simulator, Vendor};
use crate::simulator::wechat::answer::Answers;
use crate::simulator::wechat::courier::{Courier, PushPlan, PushStats, Tells};
use crate::simulator::wechat::envelope::Envelope;
use crate::simulator::wechat::faults::Plan;

/// How an account is set up. The default listens on a free loopback port and tells nobody what happens.
#[derive(Clone, Debug)]
pub struct OfficialAccountOptions {
    pub listen: SocketAddr,
    pub app_id: String,
    pub secret: String,
    /// The account's own name in what it pushes.
    pub name: String,
    /// Signs what is pushed.
    pub token: String,
    /// Encrypts it: 43 characters of Base64.
    pub aes_key: String,
    pub templates: Vec<OfficialAccountTemplate>,
    pub faults: OfficialAccountFaults,
    pub push: PushPlan,
    /// Where messages go. Give the same one to an account started anew, and its counts go on.
    pub mailbox: OfficialAccountMailbox,
    pub clock: VendorClock,
}

impl Default for OfficialAccountOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            app_id: "wxsimulator".to_owned(),
            secret: "simulator-secret".to_owned(),
            name: "gh_simulator".to_owned(),
            token: "simulatortoken".to_owned(),
            aes_key: "SimulatorSimulatorSimulatorSimulatorSimulat".to_owned(),
            templates: OfficialAccountTemplate::usual(),
            faults: OfficialAccountFaults::default(),
            push: PushPlan::default(),
            mailbox: OfficialAccountMailbox::default(),
            clock: VendorClock::default(),
        }
    }
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OfficialAccountStats {
    pub stable_token: u64,
    /// Of those, the forced ones.
    pub forced: u64,
    pub token: u64,
    pub template: u64,
    pub bizsend: u64,
    /// Answers with an error, whatever was asked.
    pub refused: u64,
    /// Messages that were not sent for repeating one of the same `client_msg_id`.
    pub swallowed: u64,
    /// Calls that a fault left without an answer: wait for it to know that a client is stuck.
    pub hung: u64,
    pub events: PushStats,
}

impl OfficialAccountStats {
    fn count(&mut self, call: Call) {
        match call {
            Call::StableToken => self.stable_token += 1,
            Call::Token => self.token += 1,
            Call::Template => self.template += 1,
            Call::Bizsend => self.bizsend += 1,
            _ => {}
        }
    }
}

/// The account behind its port.
pub struct Shared {
    pub(super) app_id: String,
    pub(super) secret: String,
    pub(super) name: String,
    token: String,
    aes_key: String,
    pub(super) templates: Vec<OfficialAccountTemplate>,
    pub(super) mailbox: OfficialAccountMailbox,
    pub(super) clock: VendorClock,
    pub(super) plan: Held<Plan<OfficialAccountFaults>>,
    account: Mutex<Account>,
    pub(super) courier: Courier,
    pub(super) counted: Counted<OfficialAccountStats>,
    answers: Answers,
}

/// A running account. Stops when dropped.
pub type OfficialAccountSimulator = Simulator<Shared>;

impl OfficialAccountSimulator {
    /// Listens, and serves on the runtime this is called from. Fails if the address is taken or the AES key is none.
    pub async fn start(options: OfficialAccountOptions) -> io::Result<Self> {
        let listen = options.listen;
        Self::open(listen, false, Shared::new(options)?).await
    }

    /// The settings of a provider of the kind `wechat_official_account` that sends by this account's first template,
    /// title and text into its places.
    pub fn settings(&self) -> Value {
        let Shared { app_id, secret, token, aes_key, templates, .. } = &*self.vendor;
        let mut settings = json!({
            "app_id": app_id, "app_secret": secret, "endpoint": self.url(), "token": token,
            "encoding_aes_key": aes_key,
        });
        if let Some(template) = templates.iter().find(|template| !template.by_subscription) {
            let names = template.fields.iter().map(|(key, _)| key.as_str());
            let sources = ["title", "body", "link", "name"].map(Value::from);
            let fields: serde_json::Map<_, _> = names.map(str::to_owned).zip(sources).collect();
            settings["default_template"] = json!({ "id": template.id, "fields": fields });
        }
        settings
    }

    pub fn mailbox(&self) -> OfficialAccountMailbox {
        self.vendor.mailbox.clone()
    }

    /// Ends the stable token before its time.
    pub fn invalidate_token(&self) {
        self.vendor.account().tokens.kill();
    }

    /// A follower does something, of which the account's owner is told.
    pub fn happen(&self, happening: Happening) -> Result<(), String> {
        self.vendor.happen(happening)
    }
}

impl Tells for Shared {
    fn courier(&self) -> &Courier {
        &self.courier
    }
}

impl Vendor for Shared {
    type Stats = OfficialAccountStats;

    fn stats(&self) -> OfficialAccountStats {
        let answered = self.answers.0.read();
        OfficialAccountStats {
            refused: answered.refused,
            hung: answered.hung,
            events: self.courier.stats(),
            ..self.counted.read()
        }
    }

    async fn by_itself(self: Arc<Self>) {
        self.courier.run().await;
    }

    async fn called(&self, request: Request) -> Answer {
        let call = match (&*request.method, &*request.path) {
            (_, "/cgi-bin/stable_token") => Call::StableToken,
            ("GET", "/cgi-bin/token") => Call::Token,
            (_, "/cgi-bin/message/template/send") => Call::Template,
            (_, "/cgi-bin/message/subscribe/bizsend") => Call::Bizsend,
            ("GET", "/cgi-bin/template/get_all_private_template") => Call::Templates,
            (_, "/cgi-bin/openapi/quota/get") => Call::QuotaGet,
            (_, "/cgi-bin/clear_quota") => Call::ClearQuota,
            ("GET", "/cgi-bin/user/info") => Call::UserInfo,
            (_, "/cgi-bin/qrcode/create") => Call::Qrcode,
            (_, "/cgi-bin/message/custom/send") => Call::Custom,
            ("GET", "/sns/oauth2/access_token") => Call::SignIn,
            _ => return pages::answer(self, &request),
        };
        self.counted.count(|counts| counts.count(call));
        let plan = self.plan.get();
        tokio::time::sleep(plan.delay(call)).await;
        let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        let openid = body["touser"].as_str().unwrap_or_default();
        let act = plan.pick(call, &[openid.to_owned()]);
        let answer = self.answers.meet(act, || self.act(&plan.faults, call, &request, &body));
        if self.courier.plan().early {
            self.courier.deliver().await;
        }
        answer
    }
}

impl Shared {
    pub(super) fn new(options: OfficialAccountOptions) -> io::Result<Self> {
        let envelope = Envelope::new(&options.token, &options.aes_key, &options.app_id)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the AES key is none"))?;
        let courier = Courier::new(envelope, None, options.clock.clone(), options.push);
        Ok(Self {
            app_id: options.app_id,
            secret: options.secret,
            name: options.name,
            token: options.token,
            aes_key: options.aes_key,
            templates: options.templates,
            mailbox: options.mailbox,
            clock: options.clock,
            plan: Held::new(Plan::new(options.faults)),
            account: Mutex::default(),
            courier,
            counted: Counted::default(),
            answers: Answers::default(),
        })
    }

    pub(super) fn account(&self) -> MutexGuard<'_, Account> {
        lock(&self.account)
    }

    /// Counts begin at nothing; what was received, who followed and what was consented to is forgotten.
    pub(super) fn forget(&self) {
        self.counted.reset();
        self.answers.0.reset();
        self.courier.reset();
        self.mailbox.clear();
        *self.account() = Account::default();
    }
}
