//! Calls to addresses that somebody else named: a webhook's endpoint, whatever a source or an operator of a department asks us
//! to fetch. They must not lead into our own networks (server-side request forgery): https only, public addresses only,
//! unless `network.allow_private` covers where they lead.
//!
//! A name is looked up once for each call; every address it stands for is looked at, and those that were looked at are the
//! ones that are connected to. No connection outlives its call, redirects are not followed, and no proxy is used.

mod look_up;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use url::{Host, Url};

use self::look_up::{Checked, system};
pub use self::look_up::{LookUp, Looking};
use super::http::{self, in_words};
use super::tls;
use crate::clock::Timestamp;
use crate::config::AllowPrivate;
use crate::error::Error;

/// For a whole call.
pub const TIMEOUT: Duration = Duration::from_secs(20);
/// For a name to be looked up, and for a connection to be there.
const CONNECT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read. What follows is left unread.
const READ: usize = 2_048;
/// Ports below the first that anybody may open are other services' doors, but for these.
const LOW_PORTS: [u16; 2] = [80, 443];
const FIRST_FREE_PORT: u16 = 1_024;

/// Why an address is not called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("that is no address such as https://app.example/hooks")]
    NotAnAddress,
    #[error(
        "only https:// addresses are called; http:// only into networks that `network.allow_private` names"
    )]
    InClear,
    #[error("an address that is called bears no user name or password")]
    Credentials,
    #[error("the port {0} is another service's; use 443, or 1024 and above")]
    Port(u16),
    #[error("the name cannot be looked up now")]
    Unknown,
    #[error(
        "it leads to an address that is not public; an administrator can allow private networks by the setting `network.allow_private`"
    )]
    Private,
}

impl Refused {
    /// The word for it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAnAddress => "not_an_address",
            Self::InClear => "in_clear",
            Self::Credentials => "has_credentials",
            Self::Port(_) => "port_not_allowed",
            Self::Unknown => "unknown_host",
            Self::Private => "private_address",
        }
    }
}

/// An answer, whatever it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub status: u16,
    /// How long we are asked to wait.
    pub retry_after: Option<Duration>,
    /// Its beginning.
    pub body: Vec<u8>,
}

/// Calls what others named.
#[derive(Clone)]
pub struct Outward {
    guard: Arc<Guard>,
    /// For https, and for what goes in clear: that goes into networks that are named only.
    secure: Client,
    plain: Client,
}

/// What may be called.
struct Guard {
    allow: AllowPrivate,
    look_up: LookUp,
}

impl std::fmt::Debug for Outward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outward").field("allow", &self.guard.allow).finish_non_exhaustive()
    }
}

impl Guard {
    /// Whether an address may be called; in clear only one that is not public, and allowed nevertheless.
    fn permits(&self, address: IpAddr, secure: bool) -> bool {
        if secure { self.allow.permits(address) } else { self.allow.covers(address) }
    }

    /// The addresses of a name, if every one of them may be called.
    async fn addresses(&self, name: &str, secure: bool) -> Result<Vec<IpAddr>, Refused> {
        let looking = tokio::time::timeout(CONNECT, (self.look_up)(name.to_owned()));
        let found = looking.await.map_err(|_| Refused::Unknown)?.map_err(|_| Refused::Unknown)?;
        if found.is_empty() {
            return Err(Refused::Unknown);
        }
        if found.iter().any(|address| !self.permits(*address, secure)) {
            return Err(if secure { Refused::Private } else { Refused::InClear });
        }
        Ok(found)
    }

    /// What can be said of an address without asking anybody.
    fn look_at(&self, url: &Url) -> Result<(), Refused> {
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(Refused::InClear),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        let literal: Option<IpAddr> = match url.host() {
            None => return Err(Refused::NotAnAddress),
            Some(Host::Domain(_)) => None,
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
        };
        if let Some(address) = literal.filter(|address| !self.permits(*address, secure)) {
            let is_public = !secure && self.allow.permits(address);
            return Err(if is_public { Refused::InClear } else { Refused::Private });
        }
        let port = url.port_or_known_default().unwrap_or_default();
        let is_ours = literal.is_some_and(|address| self.allow.covers(address));
        if port < FIRST_FREE_PORT && !LOW_PORTS.contains(&port) && !is_ours {
            return Err(Refused::Port(port));
        }
        Ok(())
    }
}

impl Outward {
    /// `timeout`: for each call; [`TIMEOUT`] unless there is a reason.
    pub fn new(allow: AllowPrivate, timeout: Duration) -> Result<Self, Error> {
        Self::looking_up(allow, timeout, system())
    }

    /// As [`new`](Self::new), with names looked up otherwise than the system does.
    pub fn looking_up(allow: AllowPrivate, timeout: Duration, look_up: LookUp) -> Result<Self, Error> {
        let guard = Arc::new(Guard { allow, look_up });
        let trust = tls::trusting(None).map_err(|(_, why)| Error::internal(why))?;
        let client = |secure: bool| {
            Client::builder()
                .tls_backend_preconfigured(trust.clone())
                .redirect(Policy::none())
                .no_proxy()
                .timeout(timeout)
                .connect_timeout(CONNECT.min(timeout))
                .pool_max_idle_per_host(0)
                .user_agent(concat!("Belltower/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(Arc::new(Checked { guard: Arc::clone(&guard), secure }))
                .build()
                .map_err(|error| Error::internal(in_words(error)))
        };
        Ok(Self { secure: client(true)?, plain: client(false)?, guard })
    }

    /// The address that a text names, if it may be called now. Nobody is called; its name is looked up.
    pub async fn check(&self, text: &str) -> Result<Url, Refused> {
        let mut url = Url::parse(text).map_err(|_| Refused::NotAnAddress)?;
        url.set_fragment(None);
        self.guard.look_at(&url)?;
        if let Some(Host::Domain(name)) = url.host() {
            self.guard.addresses(name, url.scheme() == "https").await?;
        }
        Ok(url)
    }

    /// Posts a JSON body. What goes wrong is told in words, without the address. `now`: for a date to wait for.
    pub async fn post(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Vec<u8>,
        now: Timestamp,
    ) -> Result<Said, String> {
        self.guard.look_at(url).map_err(|why| why.to_string())?;
        let client = if url.scheme() == "https" { &self.secure } else { &self.plain };
        let request = client.request(Method::POST, url.clone()).headers(headers).body(body);
        let mut response = request.send().await.map_err(in_words)?;
        let status = response.status().as_u16();
        let retry_after = http::retry_after(response.headers(), now);
        let mut body = Vec::new();
        // The status is the answer: an answer that breaks off later was one.
        while let Ok(Some(part)) = response.chunk().await {
            body.extend_from_slice(&part[..part.len().min(READ - body.len())]);
            if body.len() >= READ {
                break;
            }
        }
        Ok(Said { status, retry_after, body })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn found(addresses: &'static [&'static str]) -> LookUp {
        Arc::new(move |_| {
            Box::pin(async move { Ok(addresses.iter().map(|address| address.parse().unwrap()).collect()) })
        })
    }

    fn outward(allow: AllowPrivate, look_up: LookUp) -> Outward {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Outward::looking_up(allow, Duration::from_secs(1), look_up).unwrap()
    }

    fn ranges(texts: &[&str]) -> AllowPrivate {
        AllowPrivate::Ranges(texts.iter().map(|text| text.parse().unwrap()).collect())
    }

    async fn code(allow: AllowPrivate, url: &str, addresses: &'static [&'static str]) -> &'static str {
        outward(allow, found(addresses)).check(url).await.map_or_else(|why| why.code(), |_| "ok")
    }

    const PUBLIC: &[&str] = &["202.112.0.35"];

    #[tokio::test]
    async fn what_leads_into_our_networks_is_refused_however_it_is_written() {
        for (url, expected) in [
            ("https://app.example/hooks?x=1", "ok"),
            ("https://app.example:8443/", "ok"),
            ("https://202.112.0.35/", "ok"),
            ("https://[2001:da8::1]/", "ok"),
            ("not an address", "not_an_address"),
            ("https://", "not_an_address"),
            ("ftp://app.example/", "in_clear"),
            ("file:///etc/passwd", "in_clear"),
            ("http://app.example/", "in_clear"),
            ("http://202.112.0.35/", "in_clear"),
            ("https://user@app.example/", "has_credentials"),
            ("https://user:secret@app.example/", "has_credentials"),
            ("https://app.example:25/", "port_not_allowed"),
            ("https://app.example:22/", "port_not_allowed"),
            ("https://127.0.0.1/", "private_address"),
            ("https://2130706433/", "private_address"),
            ("https://0x7f.1/", "private_address"),
            ("https://0177.0.0.1/", "private_address"),
            ("https://0.0.0.0/", "private_address"),
            ("https://10.1.2.3/", "private_address"),
            ("https://172.16.0.1/", "private_address"),
            ("https://192.168.0.1/", "private_address"),
            ("https://169.254.169.254/latest/meta-data", "private_address"),
            ("https://100.100.100.200/", "private_address"),
            ("https://192.0.2.1/", "private_address"),
            ("https://224.0.0.1/", "private_address"),
            ("https://255.255.255.255/", "private_address"),
            ("https://[::1]/", "private_address"),
            ("https://[::]/", "private_address"),
            ("https://[fe80::1]/", "private_address"),
            ("https://[fd00:ec2::254]/", "private_address"),
            ("https://[ff02::1]/", "private_address"),
            ("https://[::ffff:10.0.0.1]/", "private_address"),
            ("https://[64:ff9b::a00:1]/", "private_address"),
            ("https://[2002:a00:1::]/", "private_address"),
            ("https://[2001:db8::1]/", "private_address"),
        ] {
            assert_eq!(code(AllowPrivate::Nowhere, url, PUBLIC).await, expected, "{url}");
        }
    }

    #[tokio::test]
    async fn every_address_of_a_name_is_looked_at() {
        let url = "https://app.example/";
        for (addresses, expected) in [
            (&["202.112.0.35", "2001:da8::1"] as &'static [&'static str], "ok"),
            (&["202.112.0.35", "10.0.0.1"], "private_address"),
            (&["202.112.0.35", "::1"], "private_address"),
            (&["::ffff:127.0.0.1"], "private_address"),
            (&[], "unknown_host"),
        ] {
            assert_eq!(code(AllowPrivate::Nowhere, url, addresses).await, expected, "{addresses:?}");
        }
    }

    #[tokio::test]
    async fn what_is_allowed_opens_itself_alone_and_may_go_in_clear() {
        let allow = || ranges(&["10.20.0.0/16"]);
        assert_eq!(code(allow(), "https://10.20.0.1/", PUBLIC).await, "ok");
        assert_eq!(code(allow(), "http://10.20.0.1:81/", PUBLIC).await, "ok");
        assert_eq!(code(allow(), "https://10.21.0.1/", PUBLIC).await, "private_address");
        assert_eq!(code(allow(), "http://202.112.0.35/", PUBLIC).await, "in_clear");
        assert_eq!(code(allow(), "http://app.example/", &["10.20.0.9"]).await, "ok");
        assert_eq!(code(allow(), "http://app.example/", &["10.20.0.9", "202.112.0.35"]).await, "in_clear");
    }

    #[tokio::test]
    async fn a_name_that_leads_elsewhere_once_it_was_looked_at_is_not_called() {
        let turns = Mutex::new(0);
        let look_up: LookUp = Arc::new(move |_| {
            let mut turns = turns.lock().unwrap();
            *turns += 1;
            let address = if *turns == 1 { "202.112.0.35" } else { "127.0.0.1" };
            Box::pin(async move { Ok(vec![address.parse().unwrap()]) })
        });
        let outward = outward(AllowPrivate::Nowhere, look_up);
        let url = outward.check("https://app.example/").await.unwrap();
        let said = outward.post(&url, HeaderMap::new(), Vec::new(), Timestamp(0)).await;
        let words = said.unwrap_err();
        assert!(words.contains("not public"), "{words}");
        assert!(!words.contains("app.example") && !words.contains("127.0.0.1"), "{words}");
    }
}
