//! Where no provider stands. Operators name relays and gateways inside the campus and on this machine as they please, but
//! not what a single link or a cloud's metadata service answers at: that hands out credentials of the machine itself.
//!
//! What is written as an address is refused where settings are read; what a name leads to is looked at where it is looked
//! up, so that nothing comes between looking and connecting.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::{TcpStream, lookup_host};

use crate::config::is_nobodys;

/// The word for a setting that says such an address, and what is wrong with it.
pub(super) const CODE: &str = "closed_address";
pub(super) const WORDS: &str = "no provider is called there: it is a link-local address, a cloud's metadata service, or no \
     single host's address at all";

/// A name leads to such addresses and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "its name leads to a link-local address, a cloud's metadata service or no single host's address; no provider is called there"
)]
pub(super) struct Closed;

/// Whether a host as settings write it, brackets or not, is such an address. A name never is.
pub(super) fn is_closed(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    address.parse::<IpAddr>().is_ok_and(is_nobodys)
}

/// Whether it failed for that, whatever is between.
pub(super) fn is_for_that(error: &(dyn Error + 'static)) -> bool {
    if error.is::<Closed>() {
        return true;
    }
    // An I/O error's source is its inner error's source, so that the inner one is asked for by itself.
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    inner.is_some_and(|inner| is_for_that(inner)) || error.source().is_some_and(is_for_that)
}

/// Connects to a host by its name or address.
pub(super) async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let addresses = look_up(host, port).await?;
    TcpStream::connect(addresses.as_slice()).await
}

async fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let found: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
    open(found)
}

/// Those that may be called. A name that leads elsewhere as well is called there.
fn open(mut found: Vec<SocketAddr>) -> io::Result<Vec<SocketAddr>> {
    let before = found.len();
    found.retain(|address| !is_nobodys(address.ip()));
    if found.is_empty() && before > 0 {
        return Err(io::Error::other(Closed));
    }
    Ok(found)
}

/// Gives a client nothing but addresses that may be called.
pub(super) struct Open;

impl Resolve for Open {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port is the address's own.
            let found = look_up(name.as_str(), 0).await?;
            let found: Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn found(addresses: &[&str]) -> Vec<SocketAddr> {
        addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 25)).collect()
    }

    #[test]
    fn what_stands_nowhere_is_closed_and_what_a_campus_has_is_not() {
        for closed in ["169.254.169.254", "[fe80::1]", "::", "[::ffff:169.254.0.1]", "100.100.100.200"] {
            assert!(is_closed(closed), "{closed}");
        }
        for open in ["127.0.0.1", "[::1]", "10.0.0.1", "192.168.1.1", "fd00::1", "relay.example", "[", ""] {
            assert!(!is_closed(open), "{open}");
        }
    }

    #[test]
    fn a_name_is_called_where_somebody_may_stand_and_nowhere_else() {
        let both = open(found(&["fe80::1", "10.0.0.1", "169.254.169.254", "127.0.0.1"])).unwrap();
        assert_eq!(both, found(&["10.0.0.1", "127.0.0.1"]));
        let error = open(found(&["169.254.169.254", "fd00:ec2::254"])).unwrap_err();
        assert!(is_for_that(&error), "{error}");
        assert!(!is_for_that(&io::Error::other("something else")));
        assert!(!is_for_that(&io::Error::from(io::ErrorKind::ConnectionRefused)));
    }

    /// The system reads it as 169.254.169.254; no reader of addresses takes it for one.
    const IN_DISGUISE: &str = "0xa9fea9fe";

    #[tokio::test]
    async fn a_name_that_leads_to_a_clouds_metadata_is_not_connected_to() {
        assert!(!is_closed(IN_DISGUISE), "it looks like a name");
        let error = connect(IN_DISGUISE, 80).await.unwrap_err();
        assert!(is_for_that(&error), "{error}");
        let looked_up = Open.resolve(IN_DISGUISE.parse().unwrap()).await;
        assert!(is_for_that(looked_up.err().unwrap().as_ref()));
    }

    #[tokio::test]
    async fn this_machine_is_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(connect("127.0.0.1", port).await.unwrap().peer_addr().unwrap().port(), port);
        assert!(Open.resolve("localhost".parse().unwrap()).await.unwrap().any(|at| at.ip().is_loopback()));
    }
}
