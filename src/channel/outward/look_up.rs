//! Names and their addresses.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::Guard;

/// The addresses of a name, being looked up.
pub type Looking = BoxFuture<'static, io::Result<Vec<IpAddr>>>;
/// Looks up a name.
pub type LookUp = Arc<dyn Fn(String) -> Looking + Send + Sync>;

/// Names that are looked up at a time. The system's own way holds a thread for as long as its name servers take, whether anybody
/// still waits or not, and passwords and providers' names need threads of the same kind.
static LOOK_UPS: Semaphore = Semaphore::const_new(16);

/// As the system does.
pub(super) fn system() -> LookUp {
    Arc::new(|name| {
        Box::pin(async move {
            let room = LOOK_UPS.acquire().await.map_err(io::Error::other)?;
            // Goes on by itself where nobody waits any more, and has its room until it is over.
            let looking = tokio::spawn(async move {
                let found = tokio::net::lookup_host((name, 0)).await;
                drop(room);
                found.map(|found| found.map(|address| address.ip()).collect())
            });
            looking.await.map_err(io::Error::other)?
        })
    })
}

/// Gives a client nothing but addresses that were looked at.
pub(super) struct Checked {
    pub guard: Arc<Guard>,
    pub secure: bool,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, secure) = (Arc::clone(&self.guard), self.secure);
        Box::pin(async move {
            let found = guard.addresses(name.as_str(), secure).await?;
            // The port is the address's own.
            let found: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(found)
        })
    }
}
