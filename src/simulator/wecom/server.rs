//! The corp's API as its owner holds it: start, look, change, stop; and each call's answer.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde::Serialize;
use serde_json::{Value, json};

use super::corp::Corp;
use super::faults::{Plan, WecomCall, WecomFaults};
use super::happening::WecomHappening;
use super::mailbox::WecomMailbox;
use crate::simulator::clock::VendorClock;
use crate::simulator::control;
use crate::simulator::http::{Answer, Request, Server, Service};
use crate::simulator::wechat::answer::Answers;
use crate::simulator::wechat::courier::{Courier, PushAnswer, PushPlan, PushStats, Round};
use crate::simulator::wechat::envelope::Envelope;
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

#[derive(Debug, Default)]
pub(super) struct Counters {
    gettoken: AtomicU64,
    send: AtomicU64,
    recall: AtomicU64,
    pub(super) at_once: AtomicU64,
    most_at_once: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) swallowed: AtomicU64,
    answers: Answers,
}

pub(super) struct Shared {
    pub(super) corp_id: String,
    pub(super) secret: String,
    pub(super) agent_id: u64,
    pub(super) mailbox: WecomMailbox,
    pub(super) clock: VendorClock,
    plan: RwLock<Arc<Plan>>,
    corp: Mutex<Corp>,
    pub(super) courier: Arc<Courier>,
    pub(super) counters: Counters,
}

/// A running corp with one application. Stops when dropped.
pub struct WecomSimulator {
    server: Server,
    shared: Arc<Shared>,
    token: String,
    aes_key: String,
    round: Round,
}

impl WecomSimulator {
    /// Listens, and serves on the runtime this is called from. Fails if the address is taken or the AES key is none.
    pub async fn start(options: WecomOptions) -> io::Result<Self> {
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

    /// The settings of a provider of the kind `wecom` that sends by its application and is told by it.
    pub fn settings(&self) -> Value {
        let Shared { corp_id, secret, agent_id, .. } = &*self.shared;
        json!({
            "corp_id": corp_id, "secret": secret, "agent_id": agent_id,
            "endpoint": format!("http://{}", self.addr()),
            "callback_token": self.token, "callback_aes_key": self.aes_key,
        })
    }

    pub fn mailbox(&self) -> WecomMailbox {
        self.shared.mailbox.clone()
    }

    pub fn stats(&self) -> WecomStats {
        self.shared.stats()
    }

    /// From the next call on these faults hold instead of the ones before.
    pub fn set_faults(&self, faults: WecomFaults) {
        self.shared.set_faults(faults);
    }

    /// Where and how events are pushed from now on.
    pub fn set_push(&self, plan: PushPlan) {
        self.shared.courier.set_plan(plan);
    }

    /// A member does something, of which the corp's owner is told.
    pub fn happen(&self, happening: WecomHappening) -> Result<(), String> {
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

    /// Ends the token before its time, as WeCom may.
    pub fn invalidate_token(&self) {
        self.shared.corp().invalidate();
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
        let (call, counter) = match (&*request.method, &*request.path) {
            ("GET", "/cgi-bin/gettoken") => (WecomCall::Gettoken, Some(&self.counters.gettoken)),
            ("POST", "/cgi-bin/message/send") => (WecomCall::Send, Some(&self.counters.send)),
            ("POST", "/cgi-bin/message/recall") => (WecomCall::Recall, Some(&self.counters.recall)),
            ("POST", "/cgi-bin/message/update_template_card") => (WecomCall::Update, None),
            ("GET", "/cgi-bin/agent/get") => (WecomCall::Agent, None),
            ("GET", "/cgi-bin/auth/getuserinfo") => (WecomCall::SignIn, None),
            ("GET", "/connect/oauth2/authorize") => return self.authorize(&request),
            _ => return Answer::Json { status: 404, body: "{}".to_owned() },
        };
        if let Some(counter) = counter {
            counter.fetch_add(1, Relaxed);
        }
        let _visit = (call == WecomCall::Send).then(|| Visit::begin(&self.counters));
        let plan = self.plan();
        tokio::time::sleep(plan.delay(call)).await;
        let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        let members =
            body["touser"].as_str().unwrap_or_default().split('|').map(str::to_owned).collect::<Vec<_>>();
        let act = plan.pick(call, &members);
        self.counters.answers.meet(act, || self.act(&plan, call, &request, &body))
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
            mailbox: options.mailbox,
            clock: options.clock,
            plan: RwLock::new(Arc::new(Plan::new(options.faults))),
            corp: Mutex::default(),
            courier: Arc::new(courier),
            counters: Counters::default(),
        })
    }

    pub(super) fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set_faults(&self, faults: WecomFaults) {
        *self.plan.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Plan::new(faults));
    }

    pub(super) fn stats(&self) -> WecomStats {
        let c = &self.counters;
        WecomStats {
            gettoken: c.gettoken.load(Relaxed),
            send: c.send.load(Relaxed),
            recall: c.recall.load(Relaxed),
            most_at_once: c.most_at_once.load(Relaxed),
            refused: c.answers.refused.load(Relaxed),
            dropped: c.dropped.load(Relaxed),
            swallowed: c.swallowed.load(Relaxed),
            hung: c.answers.hung.load(Relaxed),
            events: self.courier.stats(),
        }
    }

    /// Counts begin at nothing; what was received and what was given out is forgotten.
    pub(super) fn reset(&self) {
        let c = &self.counters;
        for counter in [&c.gettoken, &c.send, &c.recall, &c.most_at_once, &c.dropped, &c.swallowed] {
            counter.store(0, Relaxed);
        }
        c.answers.refused.store(0, Relaxed);
        c.answers.hung.store(0, Relaxed);
        self.courier.reset();
        self.mailbox.clear();
        *self.corp() = Corp::default();
    }

    pub(super) fn corp(&self) -> MutexGuard<'_, Corp> {
        self.corp.lock().unwrap_or_else(PoisonError::into_inner)
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
struct Visit<'a>(&'a Counters);

impl<'a> Visit<'a> {
    fn begin(counters: &'a Counters) -> Self {
        let at_once = counters.at_once.fetch_add(1, Relaxed) + 1;
        counters.most_at_once.fetch_max(at_once, Relaxed);
        Self(counters)
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.0.at_once.fetch_sub(1, Relaxed);
    }
}
