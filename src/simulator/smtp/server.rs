//! The relay as its owner holds it: start, look, change, stop.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::control::Desk;
use super::faults::{Faults, Plan};
use super::report::{BouncePlan, Coming, Reports, carry};
use super::session::Session;
use super::stats::{Counters, SmtpStats};
use super::tls::{Identity, SmtpTls};
use crate::simulator::Mailbox;
use crate::simulator::clock::{VendorClock, day};
use crate::simulator::control::Steered as _;
use crate::simulator::held::lock;
use crate::simulator::http::Server;

/// Mails larger than this are answered 552.
const MAX_MAIL: usize = 30 << 20;

/// How a relay is set up. The default listens on a free loopback port, in clear, without sign-in and faults.
#[derive(Clone, Debug)]
pub struct SmtpOptions {
    pub listen: SocketAddr,
    pub tls: SmtpTls,
    /// User and password that MAIL is refused without.
    pub auth: Option<(String, String)>,
    pub faults: Faults,
    /// Where mails go. Give the same one to a relay started anew, and its counts go on.
    pub mailbox: Mailbox,
    /// What it tells later of the mails it took.
    pub bounces: BouncePlan,
    /// What EHLO offers beside STARTTLS and AUTH, which follow from the fields above. With `DSN` its parameters are
    /// taken, and reports heed them.
    pub extensions: Vec<String>,
    /// In bytes.
    pub max_mail: usize,
    /// What the relay calls itself.
    pub name: String,
    /// Where it is steered over HTTP; none: nowhere.
    pub control: Option<SocketAddr>,
    /// Of its quota.
    pub clock: VendorClock,
}

impl Default for SmtpOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: SmtpTls::default(),
            auth: None,
            faults: Faults::default(),
            mailbox: Mailbox::default(),
            bounces: BouncePlan::default(),
            extensions: ["PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE", "ENHANCEDSTATUSCODES"]
                .map(String::from)
                .to_vec(),
            max_mail: MAX_MAIL,
            name: "relay.simulator.example".into(),
            control: None,
            clock: VendorClock::default(),
        }
    }
}

/// What all sessions of a relay share.
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) tls: SmtpTls,
    pub(super) identity: Option<Identity>,
    pub(super) auth: Option<(String, String)>,
    pub(super) extensions: Vec<String>,
    pub(super) max_mail: usize,
    pub(super) mailbox: Mailbox,
    pub(super) reports: Reports,
    pub(super) counters: Arc<Counters>,
    pub(super) plan: watch::Sender<Arc<Plan>>,
    pub(super) clock: VendorClock,
    pub(super) day: Day,
}

/// Mails that were taken today.
#[derive(Debug, Default)]
pub(super) struct Day(Mutex<(i64, u64)>);

impl Day {
    pub(super) fn mails(&self, now: i64) -> u64 {
        let (of, mails) = *lock(&self.0);
        if of == day(now) { mails } else { 0 }
    }

    pub(super) fn count(&self, now: i64) {
        let mails = self.mails(now) + 1;
        *lock(&self.0) = (day(now), mails);
    }

    pub(super) fn forget(&self) {
        *lock(&self.0) = (0, 0);
    }
}

/// A running relay. Stops when dropped.
pub struct SmtpSimulator {
    addr: SocketAddr,
    shared: Arc<Shared>,
    control: Option<Server>,
    stop: Option<oneshot::Sender<()>>,
    accepting: JoinHandle<()>,
}

impl SmtpSimulator {
    /// Listens, and serves each connection on the runtime this is called from. Fails if the address is taken.
    pub async fn start(options: SmtpOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let addr = listener.local_addr()?;
        let identity = match options.tls {
            SmtpTls::None => None,
            SmtpTls::StartTls | SmtpTls::Implicit => Some(Identity::issue(addr)?),
        };
        let (reports, coming) = Reports::new(options.bounces);
        let shared = Arc::new(Shared {
            name: options.name,
            tls: options.tls,
            identity,
            auth: options.auth,
            extensions: options.extensions,
            max_mail: options.max_mail,
            mailbox: options.mailbox,
            reports,
            counters: Arc::default(),
            plan: watch::Sender::new(Arc::new(Plan::new(options.faults))),
            clock: options.clock,
            day: Day::default(),
        });
        let control = match options.control {
            Some(listen) => Some(Server::start(listen, Arc::new(Desk(Arc::clone(&shared)))).await?),
            None => None,
        };
        let (stop, stopped) = oneshot::channel();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared), coming, stopped));
        Ok(Self { addr, shared, control, stop: Some(stop), accepting })
    }

    /// Where it listens, with the real port.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where it is steered, if it is.
    pub fn control_url(&self) -> Option<String> {
        self.control.as_ref().map(|server| format!("http://{}/control", server.addr()))
    }

    /// The settings of a provider of the kind `smtp` that sends by it; what it must trust is not among them.
    pub fn settings(&self) -> Value {
        let mut settings = json!({
            "host": self.addr.ip().to_string(), "port": self.addr.port(), "tls": self.shared.tls.word(),
            "from_address": "bell@campus.example",
        });
        if let Some((user, password)) = &self.shared.auth {
            settings["username"] = user.as_str().into();
            settings["password"] = password.as_str().into();
        }
        settings
    }

    pub fn mailbox(&self) -> Mailbox {
        self.shared.mailbox.clone()
    }

    pub fn stats(&self) -> SmtpStats {
        self.shared.counters.read()
    }

    /// The authority that signed the relay's certificate, for clients to trust; none without TLS. A relay started
    /// anew has another one.
    pub fn ca_pem(&self) -> Option<&str> {
        self.shared.identity.as_ref().map(|identity| identity.ca_pem.as_str())
    }

    /// From each connection's next command on these faults hold instead of the ones before; greylisting begins anew.
    /// A connection that hangs goes on hanging.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.set_faults(faults);
    }

    /// From the next mail on reports follow this plan.
    pub fn set_bounces(&self, plan: BouncePlan) {
        self.shared.reports.set_plan(plan);
    }

    /// Sends the reports that wait, to wherever mail for their addresses is taken; gives the last answer to each.
    pub async fn bounce(&self, to: SocketAddr) -> Vec<String> {
        self.shared.reports.send_all(to).await
    }

    /// Closes the port and every connection, also in the middle of a mail. When it returns nothing more is taken.
    pub async fn stop(mut self) {
        if let Some(control) = self.control.take() {
            control.stop().await;
        }
        drop(self.stop.take());
        // It cannot have been cancelled, and if it panicked it has stopped as well.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for SmtpSimulator {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    coming: Coming,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut sessions = JoinSet::new();
    sessions.spawn(carry(Arc::clone(&shared), coming));
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = sessions.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    sessions.spawn(serve(stream, Arc::clone(&shared)));
                }
                // Out of file descriptors, most likely: sessions that end will free some.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
        }
    }
    drop(listener);
    sessions.shutdown().await;
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // Without it small answers would wait for the client's acknowledgements.
    let _ = stream.set_nodelay(true);
    let news = shared.plan.subscribe();
    Session::new(stream, shared, news).run().await;
}
