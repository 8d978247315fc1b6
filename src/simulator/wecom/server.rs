//! The corp's API as its owner holds it: start, look, change, stop; and each call's answer.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Value, json};

use super::corp::Corp;
use super::faults::{Plan, WecomAct, WecomCall, WecomFaults};
use super::mailbox::WecomMailbox;
use super::rules::{self, Refusal};
use crate::simulator::http::{Answer, Request, Server, Service};

/// A vendor has its own clock; a test that turns time by hand gives it that one. In milliseconds since 1970.
#[derive(Clone)]
pub struct WecomClock(pub Arc<dyn Fn() -> i64 + Send + Sync>);

impl Default for WecomClock {
    #[expect(clippy::disallowed_methods, reason = "a vendor has its own clock, and this stands for one")]
    fn default() -> Self {
        Self(Arc::new(|| {
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
        }))
    }
}

impl fmt::Debug for WecomClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WecomClock")
    }
}

/// How a corp is set up. The default listens on a free loopback port.
#[derive(Clone, Debug)]
pub struct WecomOptions {
    pub listen: SocketAddr,
    pub corp_id: String,
    pub secret: String,
    pub agent_id: u64,
    pub faults: WecomFaults,
    /// Where messages go. Give the same one to a corp started anew, and its counts go on.
    pub mailbox: WecomMailbox,
    pub clock: WecomClock,
}

impl Default for WecomOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            corp_id: "wwsimulator".to_owned(),
            secret: "simulator-secret".to_owned(),
            agent_id: 1_000_002,
            faults: WecomFaults::default(),
            mailbox: WecomMailbox::default(),
            clock: WecomClock::default(),
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
}

#[derive(Debug, Default)]
struct Counters {
    gettoken: AtomicU64,
    send: AtomicU64,
    recall: AtomicU64,
    at_once: AtomicU64,
    most_at_once: AtomicU64,
    refused: AtomicU64,
    dropped: AtomicU64,
    swallowed: AtomicU64,
    hung: AtomicU64,
}

pub(super) struct Shared {
    corp_id: String,
    secret: String,
    agent_id: u64,
    mailbox: WecomMailbox,
    clock: WecomClock,
    plan: RwLock<Arc<Plan>>,
    corp: Mutex<Corp>,
    counters: Counters,
}

/// A running corp with one application. Stops when dropped.
pub struct WecomSimulator {
    server: Server,
    shared: Arc<Shared>,
}

impl WecomSimulator {
    /// Listens, and serves on the runtime this is called from. Fails if the address is taken.
    pub async fn start(options: WecomOptions) -> io::Result<Self> {
        let listen = options.listen;
        let shared = Arc::new(Shared::new(options));
        let server = Server::start(listen, Arc::clone(&shared)).await?;
        Ok(Self { server, shared })
    }

    /// Where it listens, with the real port.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// What somebody needs to send by its application: `corp_id`, `secret`, `agent_id` and the API's `endpoint`.
    pub fn settings(&self) -> Value {
        let Shared { corp_id, secret, agent_id, .. } = &*self.shared;
        let endpoint = format!("http://{}", self.addr());
        json!({ "corp_id": corp_id, "secret": secret, "agent_id": agent_id, "endpoint": endpoint })
    }

    pub fn mailbox(&self) -> WecomMailbox {
        self.shared.mailbox.clone()
    }

    pub fn stats(&self) -> WecomStats {
        let c = &self.shared.counters;
        WecomStats {
            gettoken: c.gettoken.load(Relaxed),
            send: c.send.load(Relaxed),
            recall: c.recall.load(Relaxed),
            most_at_once: c.most_at_once.load(Relaxed),
            refused: c.refused.load(Relaxed),
            dropped: c.dropped.load(Relaxed),
            swallowed: c.swallowed.load(Relaxed),
            hung: c.hung.load(Relaxed),
        }
    }

    /// From the next call on these faults hold instead of the ones before.
    pub fn set_faults(&self, faults: WecomFaults) {
        *self.shared.plan.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Plan::new(faults));
    }

    /// Ends the token before its time, as WeCom may.
    pub fn invalidate_token(&self) {
        self.shared.corp().invalidate();
    }

    /// Closes the port and every connection. When it returns nothing more is taken.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

impl Service for Shared {
    async fn answer(&self, request: Request) -> Answer {
        let (call, counter) = match (&*request.method, &*request.path) {
            ("GET", "/cgi-bin/gettoken") => (WecomCall::Gettoken, Some(&self.counters.gettoken)),
            ("POST", "/cgi-bin/message/send") => (WecomCall::Send, Some(&self.counters.send)),
            ("POST", "/cgi-bin/message/recall") => (WecomCall::Recall, Some(&self.counters.recall)),
            ("GET", "/cgi-bin/agent/get") => (WecomCall::Agent, None),
            _ => return Answer::Json { status: 404, body: "{}".to_owned() },
        };
        if let Some(counter) = counter {
            counter.fetch_add(1, Relaxed);
        }
        let _visit = (call == WecomCall::Send).then(|| Visit::begin(&self.counters));
        let plan = Arc::clone(&self.plan.read().unwrap_or_else(PoisonError::into_inner));
        tokio::time::sleep(plan.delay(call)).await;
        let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        let members =
            body["touser"].as_str().unwrap_or_default().split('|').map(str::to_owned).collect::<Vec<_>>();
        match plan.pick(call, &members) {
            None => self.said(self.act(&plan, call, &request, &body)),
            Some(WecomAct::Error { errcode, errmsg }) => self.said(Err(Refusal { errcode, errmsg })),
            Some(WecomAct::Status(status)) => Answer::Json { status, body: "<html>".to_owned() },
            Some(WecomAct::Hang) => self.hang(),
            Some(WecomAct::Reset) => Answer::Reset,
            Some(WecomAct::Close) => Answer::Close,
            Some(WecomAct::Garbage) => Answer::Garbage,
            Some(act @ (WecomAct::LoseAnswer | WecomAct::KeepAnswer)) => {
                let done = self.act(&plan, call, &request, &body);
                match (done, act) {
                    (Err(refusal), _) => self.said(Err(refusal)),
                    (Ok(_), WecomAct::KeepAnswer) => self.hang(),
                    (Ok(_), _) => Answer::Reset,
                }
            }
        }
    }
}

impl Shared {
    pub(super) fn new(options: WecomOptions) -> Self {
        Self {
            corp_id: options.corp_id,
            secret: options.secret,
            agent_id: options.agent_id,
            mailbox: options.mailbox,
            clock: options.clock,
            plan: RwLock::new(Arc::new(Plan::new(options.faults))),
            corp: Mutex::default(),
            counters: Counters::default(),
        }
    }

    fn corp(&self) -> MutexGuard<'_, Corp> {
        self.corp.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hang(&self) -> Answer {
        self.counters.hung.fetch_add(1, Relaxed);
        Answer::Hang
    }

    fn said(&self, said: Result<Value, Refusal>) -> Answer {
        let mut body = said.unwrap_or_else(|refusal| {
            self.counters.refused.fetch_add(1, Relaxed);
            json!({ "errcode": refusal.errcode, "errmsg": refusal.errmsg })
        });
        if body["errcode"].is_null() {
            body["errcode"] = 0.into();
            body["errmsg"] = "ok".into();
        }
        Answer::Json { status: 200, body: body.to_string() }
    }

    fn act(&self, plan: &Plan, call: WecomCall, request: &Request, body: &Value) -> Result<Value, Refusal> {
        let now = (self.clock.0)();
        let query = |name: &str| request.query.get(name).map(String::as_str);
        if call == WecomCall::Gettoken {
            if query("corpid") != Some(&self.corp_id) {
                return Err(Refusal::new(40_013, "invalid corpid"));
            }
            if query("corpsecret") != Some(&self.secret) {
                return Err(Refusal::new(40_001, "invalid credential"));
            }
            let (access_token, expires_in) = self.corp().issue(now, &plan.faults);
            return Ok(json!({ "access_token": access_token, "expires_in": expires_in }));
        }
        self.corp().check_token(query("access_token"), now)?;
        if plan.faults.untrusted_address {
            return Err(Refusal::new(60_020, "not allow to access from your ip, from ip: 127.0.0.1"));
        }
        match call {
            WecomCall::Agent if query("agentid") != Some(&self.agent_id.to_string()) => {
                Err(Refusal::new(301_002, "agentid not match"))
            }
            WecomCall::Agent => Ok(json!({ "agentid": self.agent_id, "name": "钟楼通知（模拟）" })),
            WecomCall::Recall => {
                let msgid = body["msgid"].as_str().unwrap_or_default();
                self.corp().check_recall(msgid, now)?;
                self.mailbox.recall(msgid);
                Ok(json!({}))
            }
            _ => self.send(plan, body, now),
        }
    }

    fn send(&self, plan: &Plan, body: &Value, now: i64) -> Result<Value, Refusal> {
        if self.counters.at_once.load(Relaxed) > plan.faults.concurrency {
            return Err(Refusal::new(45_033, "api concurrent out of limit"));
        }
        let mut corp = self.corp();
        corp.check_rate(now, &plan.faults)?;
        if !body.is_object() {
            return Err(Refusal::new(47_001, "data format error"));
        }
        let message = rules::read(body, self.agent_id)?;
        let request = body.to_string();
        if message.check_seconds.is_some()
            && let Some(msgid) = corp.repeated(&request, now)
        {
            self.counters.swallowed.fetch_add(message.members.len() as u64, Relaxed);
            return Ok(json!({ "msgid": msgid, "invaliduser": "" }));
        }
        let (mut known, mut unknown, mut unlicensed) = (Vec::new(), Vec::new(), Vec::new());
        let mut named = HashSet::new();
        for member in message.members.iter().filter(|member| named.insert(member.to_lowercase())) {
            if plan.is_unknown(member) {
                unknown.push(member.to_lowercase());
            } else if plan.is_unlicensed(member) {
                unlicensed.push(member.to_lowercase());
            } else {
                known.push(member.clone());
            }
        }
        if known.is_empty() {
            return Err(Refusal::new(81_013, "user & party & tag all invalid"));
        }
        corp.check_day(known.len(), now, &plan.faults)?;
        let asked = known.len();
        known.retain(|member| corp.reaches(member, now, &plan.faults));
        self.counters.dropped.fetch_add((asked - known.len()) as u64, Relaxed);
        let msgid = corp.note(message.check_seconds.map(|seconds| (request, seconds)), now);
        self.mailbox.take(message, known, &msgid, now);
        Ok(json!({
            "invaliduser": unknown.join("|"), "invalidparty": "", "invalidtag": "",
            "unlicenseduser": unlicensed.join("|"), "msgid": msgid,
        }))
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
