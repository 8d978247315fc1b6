//! The relay as its owner holds it: start, look, change, stop.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::faults::{Faults, Plan};
use super::report::{BouncePlan, Coming, Reports, carry};
use super::session::Session;
use super::stats::{Counters, SmtpStats};
use super::tls::{Identity, SmtpTls};
use crate::simulator::Mailbox;

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
}

/// A running relay. Stops when dropped.
pub struct SmtpSimulator {
    addr: SocketAddr,
    shared: Arc<Shared>,
    plan: watch::Sender<Arc<Plan>>,
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
        });
        let (plan, news) = watch::channel(Arc::new(Plan::new(options.faults)));
        let (stop, stopped) = oneshot::channel();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared), news, coming, stopped));
        Ok(Self { addr, shared, plan, stop: Some(stop), accepting })
    }

    /// Where it listens, with the real port.
    pub fn addr(&self) -> SocketAddr {
        self.addr
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
        self.plan.send_replace(Arc::new(Plan::new(faults)));
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
    news: watch::Receiver<Arc<Plan>>,
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
                    sessions.spawn(serve(stream, Arc::clone(&shared), news.clone()));
                }
                // Out of file descriptors, most likely: sessions that end will free some.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
        }
    }
    drop(listener);
    sessions.shutdown().await;
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, news: watch::Receiver<Arc<Plan>>) {
    // Without it small answers would wait for the client's acknowledgements.
    let _ = stream.set_nodelay(true);
    Session::new(stream, shared, news).run().await;
}
