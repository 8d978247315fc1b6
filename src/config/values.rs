//! Types of single settings that the standard library does not have.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use url::Url;

use super::broker::BrokerUrl;

/// A half of the product that a process can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeRole {
    /// API, console and recipient pages.
    Web,
    /// Planning and sending.
    Dispatch,
}

impl NodeRole {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Dispatch => "dispatch",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Pretty,
    Json,
}

impl LogFormat {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pretty => "pretty",
            Self::Json => "json",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    SimplifiedChinese,
    English,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::SimplifiedChinese, Self::English];

    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.as_str() == tag)
    }

    /// As a BCP 47 tag.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SimplifiedChinese => "zh-CN",
            Self::English => "en",
        }
    }
}

/// Where the store is. `Display` and `Debug` leave the password out; only [`DatabaseUrl::expose`] has it.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file, relative to the working directory unless absolute.
    Sqlite(PathBuf),
    Postgres(Url),
}

impl DatabaseUrl {
    /// Why what is said to the database may be read, or answered by somebody else, on the way; `usual` is the mode of TLS where
    /// the URL names none (the variable `PGSSLMODE`).
    pub fn tls_doubt(&self, usual: Option<&str>) -> Option<String> {
        let Self::Postgres(url) = self else { return None };
        let written = |names: [&str; 2]| {
            let pairs = url.query_pairs().filter(|(name, _)| names.contains(&&**name));
            // The last one counts.
            pairs.last().map(|(_, value)| value.into_owned())
        };
        let host =
            written(["host", "hostaddr"]).or_else(|| url.host_str().map(str::to_owned)).unwrap_or_default();
        // Without a host it is a socket of this machine's; with a path as well.
        let is_here = host.is_empty()
            || host.starts_with('/')
            || host.to_ascii_lowercase().starts_with("%2f")
            || host == "localhost"
            || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let mode = written(["sslmode", "ssl-mode"]);
        let mode = mode.as_deref().or(usual).unwrap_or("prefer");
        if is_here || mode == "verify-full" {
            return None;
        }
        Some(match mode {
            "verify-ca" => "TLS checks the certificate and not whose it is".to_owned(),
            "require" => "TLS is used, and no certificate is checked".to_owned(),
            "prefer" => "TLS is used where the server offers it, and no certificate is checked".to_owned(),
            mode => format!("with sslmode `{mode}` TLS may not be used at all"),
        })
    }

    /// The URL to connect with, password and all. Not for logs.
    pub fn expose(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
            Self::Postgres(url) => url.to_string(),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(url) => f.write_str(&without_password(url)),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A URL with `***` for its password, be it before the host or a `password` parameter as PostgreSQL takes it.
pub(super) fn without_password(url: &Url) -> String {
    let mut shown = url.clone();
    if shown.password().is_some() && shown.set_password(Some("***")).is_err() {
        return format!("{}://…", url.scheme());
    }
    if url.query_pairs().any(|(name, _)| name == "password") {
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        shown.query_pairs_mut().clear().extend_pairs(
            pairs.iter().map(|(name, value)| (name, if name == "password" { "***" } else { value })),
        );
    }
    shown.to_string()
}

/// What wakes dispatchers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueUrl {
    /// Inside the process.
    Local,
    /// A RabbitMQ, for several processes.
    Broker(Box<BrokerUrl>),
}

impl fmt::Display for QueueUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Broker(broker) => fmt::Display::fmt(broker, f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_shown_nowhere_but_on_request() {
        for text in [
            "postgres://bell:s3cret@db.example.edu/belltower",
            "postgres://bell@db.example.edu/belltower?sslmode=require&password=s3cret",
            "postgres://bell:s3cret@/belltower?host=/run/postgresql",
        ] {
            let Ok(url) = Url::parse(text) else { continue };
            let url = DatabaseUrl::Postgres(url);
            assert!(!format!("{url} {url:?}").contains("s3cret"), "{url}");
            assert!(url.to_string().contains("bell"), "the rest stays: {url}");
            assert_eq!(url.expose(), text);
        }
    }
}
