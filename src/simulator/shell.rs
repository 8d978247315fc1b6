//! What every simulator that speaks HTTP has around the vendor's own: a port, TLS, `/control`, and what it does without
//! being asked.
//!
//! A new one is a type that implements [`Vendor`] and [`Steered`]: its routes, its signature check, its faults. What a
//! vendor remembers of what it was sent lies in a [`Shelf`](super::shelf::Shelf).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use serde::Serialize;
use tokio::task::JoinHandle;

use super::control::{self, Steered};
use super::http::{Answer, Request, Server, Service};
use super::tls::Identity;

/// A vendor behind its port.
pub trait Vendor: Steered + Send + 'static {
    type Stats: Serialize;

    fn stats(&self) -> Self::Stats;

    /// What comes back of a call that is for the vendor, and not for whoever steers it.
    fn called(&self, request: Request) -> impl Future<Output = Answer> + Send;

    /// What it does without being asked, for as long as it runs.
    fn by_itself(self: Arc<Self>) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// Ends what it began for a call and has not finished.
    fn end(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

impl<V: Vendor> Service for V {
    async fn answer(&self, request: Request) -> Answer {
        match control::answer(self, &request).await {
            Some(answer) => answer,
            None => self.called(request).await,
        }
    }
}

/// A running simulator. Stops when dropped.
pub struct Simulator<V> {
    pub(super) vendor: Arc<V>,
    server: Server,
    errand: Errand,
    ca_pem: Option<String>,
}

impl<V: Vendor> Simulator<V> {
    /// Listens, and serves on the runtime this is called from. Fails if the address is taken.
    pub(super) async fn open(listen: SocketAddr, tls: bool, vendor: V) -> io::Result<Self> {
        let vendor = Arc::new(vendor);
        let identity = if tls { Some(Identity::issue(listen)?) } else { None };
        let acceptor = identity.as_ref().map(|identity| identity.acceptor.clone());
        let server = Server::begin(listen, Arc::clone(&vendor), acceptor).await?;
        let errand = Errand(tokio::spawn(Arc::clone(&vendor).by_itself()));
        Ok(Self { vendor, server, errand, ca_pem: identity.map(|identity| identity.ca_pem) })
    }

    /// Where it listens, with the real port.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Where its API is.
    pub fn url(&self) -> String {
        let scheme = if self.ca_pem.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.addr())
    }

    /// What a client must trust, where it speaks TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    pub fn stats(&self) -> V::Stats {
        self.vendor.stats()
    }

    /// From the next moment of each call on these faults hold instead of the ones before.
    pub fn set_faults(&self, faults: V::Faults) {
        self.vendor.set_faults(faults);
    }

    /// Closes the port and every connection. When it returns nothing more is taken or told.
    pub async fn stop(self) {
        self.server.stop().await;
        self.errand.stop().await;
        self.vendor.end().await;
    }
}

/// Something done beside the connections. Stops when dropped.
struct Errand(JoinHandle<()>);

impl Errand {
    async fn stop(mut self) {
        self.0.abort();
        // It was cancelled; if it panicked it has stopped as well.
        let _ = (&mut self.0).await;
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        self.0.abort();
    }
}
