//! The corp's API as its owner holds it: start, look, change, stop; and each call's answer.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};

use serde::Serialize;
use serde_json::{Value, json};

use super::corp::Corp;
use super::faults::{WecomCall, WecomFaults};
use super::happening::{WecomHappening, WecomMembers};
use super::mailbox::WecomMailbox;
use crate::simulator::clock::VendorClock;
use crate::simulator::held::{Counted, Held, lock};
use crate::simulator::http::{Answer, Request};
use crate::simulator::shell::{Simulator, Vendor};
use crate::simulator::wechat::answer::Answers;
use crate::simulator::wechat::courier::{Courier, PushPlan, PushStats, Tells};
use crate::simulator::wechat::envelope::Envelope;
use crate::simulator::wechat::faults::Plan;
use crate::simulator::wechat::sign_in::{Asked, authorize};

/// How a corp is set up. The default listens on a free loopback port.
#[derive(Clone, Debug)]
pub struct WecomOptions {
    pub listen: SocketAddr,
    pub corp_id: String,
    pub secret: String,
    pub agent_id: u64,
    /// Signs what is pushed.
    pub token: String,
    /// Encrypts it: 43 characters of Base64.
    pub aes_key: String,
    pub faults: WecomFaults,
    pub push: PushPlan,
    /// Where messages go. Give the same one to a corp started anew, and its counts go on.
    pub mailbox: WecomMailbox,
    pub clock: VendorClock,
}

impl Default for WecomOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            corp_id: "wwsimulator".to_owned(),
            secret: "simulator-secret".to_owned(),
            agent_id: 1_000_002,
            token: "simulatortoken".to_owned(),
            aes_key: "WecomSimulatorWecomSimulatorWecomSimulatorw".to_owned(),
            faults: WecomFaults::default(),
            push: PushPlan::default(),
            mailbox: WecomMailbox::default(),
            clock: VendorClock::default(),
        }
    }
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WecomStats {
    pub gettoken: u64,
    pub send: u64,
    pub recall: u64,
    /// Calls to change cards.
    pub update: u64,
    /// The most calls of `message/send` at the same time.
    pub most_at_once: u64,
    /// Answers with an error, whatever was asked.
    pub refused: u64,
    /// Messages to one member that were dropped for being too many, without a word.
    pub dropped: u64,
    /// Messages to one member that were dropped for repeating a request.
    pub swallowed: u64,
    /// Calls that a fault left without an answer: wait for it to know that a client is stuck.
    pub hung: u64,
    pub events: PushStats,
}

/// The corp behind its port.
pub struct Shared {
    pub(super) corp_id: String,
    pub(super) secret: String,
    pub(super) agent_id: u64,
    token: String,
    aes_key: String,
    pub(super) mailbox: WecomMailbox,
    pub(super) clock: VendorClock,
    pub(super) plan: Held<Plan<WecomFaults>>,
    corp: Mutex<Corp>,
    pub(super) courier: Courier,
    pub(super) counted: Counted<WecomStats>,
    answers: Answers,
    /// Calls of `message/send` that are being answered.
    pub(super) at_once: AtomicU64,
}

/// A running corp with one application. Stops when dropped.
pub type WecomSimulator = Simulator<Shared>;

impl WecomSimulator {
    /// Listens, and serves on the runtime this is called from. Fails if the address is taken or the AES key is none.
    pub async fn start(options: WecomOptions) -> io::Result<Self> {
        let listen = options.listen;
        Self::open(listen, false, Shared::new(options)?).await
    }

    /// The settings of a provider of the kind `wecom` that sends by its application and is told by it.
    pub fn settings(&self) -> Value {
        let Shared { corp_id, secret, agent_id, token, aes_key, .. } = &*self.vendor;
        json!({
            "corp_id": corp_id, "secret": secret, "agent_id": agent_id, "endpoint": self.url(),
            "callback_token": token, "callback_aes_key": aes_key,
        })
    }

    pub fn mailbox(&self) -> WecomMailbox {
        self.vendor.mailbox.clone()
    }

    /// Those who press its cards' buttons, for whoever does not run it.
    pub fn members(&self) -> WecomMembers {
        WecomMembers(Arc::clone(&self.vendor))
    }

    /// A member does something, of which the corp's owner is told.
    pub fn happen(&self, happening: WecomHappening) -> Result<(), String> {
        self.vendor.happen(happening)
    }

    /// Ends the token before its time, as WeCom may.
    pub fn invalidate_token(&self) {
        self.vendor.corp().invalidate();
    }
}

impl Tells for Shared {
    fn courier(&self) -> &Courier {
        &self.courier
    }
}

impl Vendor for Shared {
    type Stats = WecomStats;

    fn stats(&self) -> WecomStats {
        let answered = self.answers.0.read();
        WecomStats {
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
            ("GET", "/cgi-bin/gettoken") => WecomCall::Gettoken,
            ("POST", "/cgi-bin/message/send") => WecomCall::Send,
            ("POST", "/cgi-bin/message/recall") => WecomCall::Recall,
            ("POST", "/cgi-bin/message/update_template_card") => WecomCall::Update,
            ("GET", "/cgi-bin/agent/get") => WecomCall::Agent,
            ("GET", "/cgi-bin/auth/getuserinfo") => WecomCall::SignIn,
            ("GET", "/connect/oauth2/authorize") => return self.authorize(&request),
            _ => return Answer::Json { status: 404, body: "{}".to_owned() },
        };
        self.counted.count(|counts| match call {
            WecomCall::Gettoken => counts.gettoken += 1,
            WecomCall::Send => counts.send += 1,
            WecomCall::Recall => counts.recall += 1,
            WecomCall::Update => counts.update += 1,
            _ => {}
        });
        let _visit = (call == WecomCall::Send).then(|| Visit::begin(self));
        let plan = self.plan.get();
        tokio::time::sleep(plan.delay(call)).await;
        let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        let members =
            body["touser"].as_str().unwrap_or_default().split('|').map(str::to_owned).collect::<Vec<_>>();
        let act = plan.pick(call, &members);
        self.answers.meet(act, || self.act(&plan, call, &request, &body))
    }
}

impl Shared {
    pub(super) fn new(options: WecomOptions) -> io::Result<Self> {
        let envelope = Envelope::new(&options.token, &options.aes_key, &options.corp_id)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the AES key is none"))?;
        let courier = Courier::new(envelope, Some(options.agent_id), options.clock.clone(), options.push);
        Ok(Self {
            corp_id: options.corp_id,
            secret: options.secret,
            agent_id: options.agent_id,
            token: options.token,
            aes_key: options.aes_key,
            mailbox: options.mailbox,
            clock: options.clock,
            plan: Held::new(Plan::new(options.faults)),
            corp: Mutex::default(),
            courier,
            counted: Counted::default(),
            answers: Answers::default(),
            at_once: AtomicU64::new(0),
        })
    }

    /// Counts begin at nothing; what was received and what was given out is forgotten.
    pub(super) fn forget(&self) {
        self.counted.reset();
        self.answers.0.reset();
        self.courier.reset();
        self.mailbox.clear();
        *self.corp() = Corp::default();
    }

    pub(super) fn corp(&self) -> MutexGuard<'_, Corp> {
        lock(&self.corp)
    }

    fn authorize(&self, request: &Request) -> Answer {
        let asked = Asked {
            id: &self.corp_id,
            scopes: &["snsapi_base", "snsapi_privateinfo"],
            title: "企业微信登录（模拟）",
        };
        let issue = |who: &str, scope: &str| self.corp().codes.issue(who, scope, self.clock.now());
        authorize(request, &asked, &[], issue)
    }
}

/// A call of `message/send` for as long as it takes.
struct Visit<'a>(&'a Shared);

impl<'a> Visit<'a> {
    fn begin(corp: &'a Shared) -> Self {
        let at_once = corp.at_once.fetch_add(1, Relaxed) + 1;
        corp.counted.count(|counts| counts.most_at_once = counts.most_at_once.max(at_once));
        Self(corp)
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.0.at_once.fetch_sub(1, Relaxed);
    }
}
