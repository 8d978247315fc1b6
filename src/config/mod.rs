//! The settings: typed, by section, from a file, the environment and the command line.
//!
//! [`settings`] lists every setting once, with its names and how its value is read; [`layers`] finds the raw values and
//! remembers where each came from; a [`Problem`] says what is wrong there, all of them at once. [`check`] looks further
//! than the values: at files, directories and ports.

mod address;
mod broker;
pub mod check;
mod layers;
mod problem;
mod settings;
mod sign_in;
mod values;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use url::Url;

pub use self::address::{AllowPrivate, is_nobodys};
pub use self::broker::BrokerUrl;
pub use self::layers::{Layers, Origin};
pub use self::problem::{Problem, Problems};
pub use self::sign_in::{CampusSignIn, SignInKind, SignInName};
pub use self::values::{DatabaseUrl, Language, LogFormat, NodeRole, QueueUrl};

/// Where the settings are looked for if no file is named.
pub const DEFAULT_FILE: &str = "belltower.toml";

#[derive(Clone, Debug)]
pub struct Config {
    pub server: Server,
    pub store: Store,
    pub queue: Queue,
    pub data: Data,
    pub secrets: Secrets,
    pub campus: Campus,
    pub log: Log,
    pub metrics: Metrics,
    pub traces: Traces,
    pub network: Network,
    pub email: Email,
    pub intake: Intake,
    /// The university's own sign-in, by which people prove who they are. Nothing: they do so by a code.
    pub campus_sign_in: Option<CampusSignIn>,
    /// Every setting with the value in force (passwords left out) and where it comes from, in the order of the
    /// documentation.
    pub report: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub struct Server {
    /// Port 0 asks the system for any free one.
    pub listen: SocketAddr,
    /// As configured; see [`Config::public_url`] for the one to build links with.
    pub public_url: Option<Url>,
    /// Proxies whose word on where a request comes from counts.
    pub trusted_proxies: Vec<IpNet>,
    /// Which halves this process runs. Never empty, no role twice.
    pub roles: Vec<NodeRole>,
}

impl Server {
    pub fn has(&self, role: NodeRole) -> bool {
        self.roles.contains(&role)
    }
}

#[derive(Clone, Debug)]
pub struct Store {
    pub database: DatabaseUrl,
}

#[derive(Clone, Debug)]
pub struct Queue {
    pub url: QueueUrl,
}

#[derive(Clone, Debug)]
pub struct Data {
    pub directory: PathBuf,
}

#[derive(Clone, Debug)]
pub struct Secrets {
    pub key_file: PathBuf,
}

#[derive(Clone, Debug)]
pub struct Campus {
    pub time_zone: jiff::tz::TimeZone,
    pub name: String,
    /// Of pages and texts for whoever has chosen none.
    pub language: Language,
}

#[derive(Clone, Debug)]
pub struct Log {
    /// Nothing: `pretty` on a terminal, else `json`.
    pub format: Option<LogFormat>,
    /// Directives as tracing-subscriber's `EnvFilter` reads them, such as `info` or `info,belltower=debug`.
    pub level: String,
}

#[derive(Clone, Debug)]
pub struct Metrics {
    /// Nothing: beside everything else, at [`Server::listen`].
    pub listen: Option<SocketAddr>,
}

#[derive(Clone, Debug)]
pub struct Traces {
    /// The collector that is told of them, by what stands before `/v1/traces`; none: nobody is.
    pub endpoint: Option<Url>,
    /// How many of all, from 0 to 1.
    pub share: f64,
}

#[derive(Clone, Debug)]
pub struct Network {
    pub allow_private: AllowPrivate,
}

#[derive(Clone, Debug)]
pub struct Email {
    /// Where mails that come back are taken by SMTP or LMTP. Nothing: nowhere.
    pub bounce_listen: Option<SocketAddr>,
}

#[derive(Clone, Debug)]
pub struct Intake {
    /// Takes what sources publish at the broker that [`Queue::url`] names.
    pub amqp: bool,
}

/// One setting in force.
#[derive(Clone, Debug)]
pub struct Entry {
    pub setting: &'static str,
    pub value: String,
    pub origin: Origin,
}

impl Config {
    /// Reads `path` (without one: [`DEFAULT_FILE`] if it is there) and the given environment over it.
    pub fn load(
        path: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Problems> {
        Layers::read(path, environment).resolve()
    }

    /// Every default, with the data in `directory` and any free port: for tests and trials.
    pub fn in_directory(directory: &Path) -> Result<Self, Problems> {
        Layers::default()
            .option("--data", "data.directory", directory.to_string_lossy())
            .option("--listen", "server.listen", "127.0.0.1:0")
            .resolve()
    }

    /// What links in messages start with, always ending in `/`: the configured one, or the address really listened on
    /// (which is known only then, as port 0 takes any).
    pub fn public_url(&self, listening: SocketAddr) -> Url {
        if let Some(url) = &self.server.public_url {
            return url.clone();
        }
        let mut reachable = listening;
        if listening.ip().is_unspecified() {
            reachable.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        Url::parse(&format!("http://{reachable}/")).expect("an address and port make a URL")
    }

    /// Makes the data directory (mode 0700) if it is not there yet.
    pub fn make_data_directory(&self) -> std::io::Result<()> {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.data.directory)
    }
}

#[cfg(test)]
mod tests;
