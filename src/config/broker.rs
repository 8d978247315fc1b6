//! Where a broker is, as an AMQP URI says it (<https://www.rabbitmq.com/docs/uri-spec>, with the parameters of
//! <https://www.rabbitmq.com/docs/uri-query-parameters> that mean something here).

use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::values::without_password;

/// `Display` and `Debug` leave the password out; only [`BrokerUrl::expose_password`] has it.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    url: Url,
    /// `amqps`.
    pub tls: bool,
    pub host: String,
    pub port: u16,
    pub vhost: String,
    pub user: String,
    password: String,
    /// `cacertfile`: authorities that are trusted beside the public ones.
    pub ca_file: Option<PathBuf>,
    /// `prefix`: what the names of everything at the broker start with, so that two installations can share a vhost.
    pub prefix: String,
}

const PREFIX: &str = "belltower";
/// Whom a new RabbitMQ knows, on its own machine only.
const GUEST: &str = "guest";

impl BrokerUrl {
    /// Names at the broker have room for 255 bytes.
    pub const LONGEST_PREFIX: usize = 100;

    /// Reads `amqp://` and `amqps://`. What is wrong is told without repeating any of it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| {
            format!(
                "the broker's URL cannot be read ({error}); special characters of the password are escaped"
            )
        })?;
        let tls = match url.scheme() {
            "amqp" => false,
            "amqps" => true,
            _ => return Err("a broker's URL starts with amqp:// or amqps://".to_owned()),
        };
        let host = match url.host() {
            Some(Host::Domain(host)) => decoded(host)?,
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => String::new(),
        };
        if host.is_empty() {
            return Err("the broker's URL names no host".to_owned());
        }
        if url.fragment().is_some() {
            return Err("a # in the broker's URL cuts it off; in a password it is written %23".to_owned());
        }
        let vhost = decoded(url.path().strip_prefix('/').unwrap_or_default())?;
        if url.path().matches('/').count() > 1 {
            return Err("a / in the name of the vhost is written %2F".to_owned());
        }
        let (mut ca_file, mut prefix) = (None, PREFIX.to_owned());
        for (name, value) in url.query_pairs() {
            match &*name {
                "cacertfile" if tls && !value.is_empty() => ca_file = Some(PathBuf::from(&*value)),
                "cacertfile" => return Err("cacertfile names a file, and goes with amqps:// only".to_owned()),
                "prefix" if is_prefix(&value) => prefix = value.into_owned(),
                "prefix" => {
                    return Err(
                        "prefix takes lower-case letters, digits, dots, hyphens and underscores".to_owned()
                    );
                }
                // Not repeated: with a ? in a password this is a part of it.
                _ => {
                    return Err(
                        "the broker's URL has a parameter other than cacertfile and prefix".to_owned()
                    );
                }
            }
        }
        let user = match url.username() {
            "" => GUEST.to_owned(),
            user => decoded(user)?,
        };
        let password = url.password().map_or(Ok(GUEST.to_owned()), decoded)?;
        let port = url.port().unwrap_or(if tls { 5671 } else { 5672 });
        let vhost = if vhost.is_empty() { "/".to_owned() } else { vhost };
        Ok(Self { url, tls, host, port, vhost, user, password, ca_file, prefix })
    }

    /// Not for logs.
    pub fn expose_password(&self) -> &str {
        &self.password
    }

    /// The password stands in it.
    pub fn has_password(&self) -> bool {
        self.url.password().is_some()
    }

    /// Nothing on the way can read along.
    pub fn is_on_this_machine(&self) -> bool {
        matches!(self.host.as_str(), "localhost" | "::1") || self.host.starts_with("127.")
    }
}

fn is_prefix(text: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
    !text.is_empty() && text.len() <= BrokerUrl::LONGEST_PREFIX && text.chars().all(good)
}

fn decoded(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| "what is escaped in the broker's URL is not UTF-8".to_owned())
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(&self.url))
    }
}

impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_is_left_out_is_as_rabbitmq_has_it() {
        let broker = BrokerUrl::parse("amqp://mq.example.edu").unwrap();
        assert_eq!((broker.host.as_str(), broker.port, broker.vhost.as_str()), ("mq.example.edu", 5672, "/"));
        assert_eq!((broker.user.as_str(), broker.expose_password()), ("guest", "guest"));
        assert_eq!(
            (broker.tls, broker.ca_file.as_deref(), broker.prefix.as_str()),
            (false, None, "belltower")
        );
        assert!(!broker.has_password());
        assert_eq!(BrokerUrl::parse("amqps://mq/").unwrap().port, 5671);
        assert_eq!(BrokerUrl::parse("amqps://mq/").unwrap().vhost, "/");
    }

    #[test]
    fn everything_can_be_said_and_the_password_is_not_shown() {
        let text =
            "amqps://bell%40campus:s3cr%2Fet@[::1]:5675/bell%2Ftower?cacertfile=%2Fetc%2Fca.pem&prefix=b2";
        let broker = BrokerUrl::parse(text).unwrap();
        assert_eq!((broker.user.as_str(), broker.expose_password()), ("bell@campus", "s3cr/et"));
        assert_eq!((broker.host.as_str(), broker.port, broker.vhost.as_str()), ("::1", 5675, "bell/tower"));
        assert_eq!(
            (broker.ca_file.as_deref(), broker.prefix.as_str()),
            (Some(Path::new("/etc/ca.pem")), "b2")
        );
        let shown = format!("{broker} {broker:?}");
        assert!(!shown.contains("s3cr") && shown.contains("***") && shown.contains("5675"), "{shown}");
    }

    #[test]
    fn what_is_wrong_is_told_and_never_repeated() {
        for (text, said) in [
            ("amqp://bell:s3cret@", "cannot be read"),
            ("amqp:///vhost", "no host"),
            ("amqp://bell:s3c/ret@mq", "cannot be read"),
            ("amqp://bell:1?s3cret@mq", "parameter other than"),
            ("amqp://bell:s3cret#x@mq", "cannot be read"),
            ("amqp://mq/a/b", "%2F"),
            ("amqp://mq/#s3cret", "%23"),
            ("amqp://mq?cacertfile=/ca.pem", "amqps"),
            ("amqps://mq?prefix=S3cret", "lower-case"),
            ("amqps://mq?verify=s3cret", "parameter other than"),
            ("amqp://mq/%FF", "UTF-8"),
        ] {
            let told = BrokerUrl::parse(text).unwrap_err();
            assert!(told.contains(said), "{text}: {told}");
            assert!(!told.to_lowercase().contains("s3c"), "{told}");
        }
    }
}
