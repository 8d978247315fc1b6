//! The account's API as its owner holds it: start, look, change, stop; and each call's answer.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde::Serialize;
use serde_json::{Value, json};

use super::account::Account;
use super::faults::{OfficialAccountCall as Call, OfficialAccountFaults, Plan};
use super::mailbox::OfficialAccountMailbox;
use super::templates::OfficialAccountTemplate;
use super::{Happening, pages};
use crate::simulator::clock::VendorClock;
use crate::simulator::control;
use crate::simulator::http::{Answer, Request, Server, Service};
use crate::simulator::wechat::answer::Answers;
use crate::simulator::wechat::courier::{Courier, PushAnswer, PushPlan, PushStats, Round};
use crate::simulator::wechat::envelope::Envelope;

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

#[derive(Debug, Default)]
pub(super) struct Counters {
    stable_token: AtomicU64,
    pub(super) forced: AtomicU64,
    token: AtomicU64,
    template: AtomicU64,
    bizsend: AtomicU64,
    pub(super) swallowed: AtomicU64,
    answers: Answers,
}

impl Counters {
    fn count(&self, call: Call) {
        let counter = match call {
            Call::StableToken => &self.stable_token,
            Call::Token => &self.token,
            Call::Template => &self.template,
            Call::Bizsend => &self.bizsend,
            _ => return,
        };
        counter.fetch_add(1, Relaxed);
    }
}

pub(super) struct Shared {
    pub(super) app_id: String,
    pub(super) secret: String,
    pub(super) name: String,
    pub(super) templates: Vec<OfficialAccountTemplate>,
    pub(super) mailbox: OfficialAccountMailbox,
    pub(super) clock: VendorClock,
    plan: RwLock<Arc<Plan>>,
    account: Mutex<Account>,
    pub(super) courier: Arc<Courier>,
    pub(super) counters: Counters,
}

/// A running account. Stops when dropped.
pub struct OfficialAccountSimulator {
    server: Server,
    shared: Arc<Shared>,
    token: String,
    aes_key: String,
    round: Round,
}

impl OfficialAccountSimulator {
    /// Listens, and serves on the runtime this is called from. Fails if the address is taken or the AES key is none.
    pub async fn start(options: OfficialAccountOptions) -> io::Result<Self> {
        let (listen, token, aes_key) = (options.listen, options.token.clone(), options.aes_key.clone());
        let shared = Arc::new(Shared::new(options)?);
        let server = Server::start(listen, Arc::clone(&shared)).await?;
        let round = Courier::start(&shared.courier);
        Ok(Self { server, shared, token, aes_key, round })
    }

    /// Where it listens, with the real port.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// The settings of a provider of the kind `wechat_official_account` that sends by this account's first template,
    /// title and text into its places.
    pub fn settings(&self) -> Value {
        let Shared { app_id, secret, templates, .. } = &*self.shared;
        let mut settings = json!({
            "app_id": app_id, "app_secret": secret, "endpoint": format!("http://{}", self.addr()),
            "token": self.token, "encoding_aes_key": self.aes_key,
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
        self.shared.mailbox.clone()
    }

    pub fn stats(&self) -> OfficialAccountStats {
        self.shared.stats()
    }

    /// From the next call on these faults hold instead of the ones before.
    pub fn set_faults(&self, faults: OfficialAccountFaults) {
        self.shared.set_faults(faults);
    }

    /// Where and how events are pushed from now on.
    pub fn set_push(&self, plan: PushPlan) {
        self.shared.courier.set_plan(plan);
    }

    /// Ends the stable token before its time.
    pub fn invalidate_token(&self) {
        self.shared.account().tokens.kill();
    }

    /// A follower does something, of which the account's owner is told.
    pub fn happen(&self, happening: Happening) -> Result<(), String> {
        self.shared.happen(happening)
    }

    /// Pushes all that is due, and gives back the answers. Events are pushed without this, too, a moment later.
    pub async fn push_due(&self) -> Vec<PushAnswer> {
        self.shared.courier.deliver().await
    }

    /// Asks the address that events are pushed to whether it is the owner's.
    pub async fn verify(&self) -> Result<(), String> {
        self.shared.courier.verify().await
    }

    /// Closes the port and every connection. When it returns nothing more is taken or told.
    pub async fn stop(self) {
        self.server.stop().await;
        self.round.stop().await;
    }
}

impl Service for Shared {
    async fn answer(&self, request: Request) -> Answer {
        if let Some(answer) = control::answer(self, &request).await {
            return answer;
        }
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
            ("GET", "/sns/oauth2/access_token") => Call::SignIn,
            _ => return pages::answer(self, &request),
        };
        self.counters.count(call);
        let plan = self.plan();
        tokio::time::sleep(plan.delay(call)).await;
        let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        let openid = body["touser"].as_str().unwrap_or_default();
        let act = plan.pick(call, openid);
        let answer = self.counters.answers.meet(act, || self.act(&plan.faults, call, &request, &body));
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
            templates: options.templates,
            mailbox: options.mailbox,
            clock: options.clock,
            plan: RwLock::new(Arc::new(Plan::new(options.faults))),
            account: Mutex::default(),
            courier: Arc::new(courier),
            counters: Counters::default(),
        })
    }

    pub(super) fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set_faults(&self, faults: OfficialAccountFaults) {
        *self.plan.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Plan::new(faults));
    }

    pub(super) fn stats(&self) -> OfficialAccountStats {
        let c = &self.counters;
        OfficialAccountStats {
            stable_token: c.stable_token.load(Relaxed),
            forced: c.forced.load(Relaxed),
            token: c.token.load(Relaxed),
            template: c.template.load(Relaxed),
            bizsend: c.bizsend.load(Relaxed),
            refused: c.answers.refused.load(Relaxed),
            swallowed: c.swallowed.load(Relaxed),
            hung: c.answers.hung.load(Relaxed),
            events: self.courier.stats(),
        }
    }

    /// Counts begin at nothing; what was received, who followed and what was consented to is forgotten.
    pub(super) fn reset(&self) {
        let c = &self.counters;
        for counter in [&c.stable_token, &c.forced, &c.token, &c.template, &c.bizsend, &c.swallowed] {
            counter.store(0, Relaxed);
        }
        c.answers.refused.store(0, Relaxed);
        c.answers.hung.store(0, Relaxed);
        self.courier.reset();
        self.mailbox.clear();
        *self.account() = Account::default();
    }
}
