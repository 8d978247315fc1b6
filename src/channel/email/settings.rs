//! A mail relay's settings, read and checked whole.

use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::dkim::{
    DkimCanonicalization, DkimCanonicalizationType, DkimConfig, DkimSigningAlgorithm, DkimSigningKey,
};
use lettre::message::header::HeaderName;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::SecretString;
use serde_json::Value;

use super::address;
use crate::channel::fields::Fields;
use crate::channel::{closed, tls};
use crate::error::Fault;

/// Connections unless the settings say otherwise, and the most they may say.
const CONNECTIONS: u64 = 8;
const MOST_CONNECTIONS: u64 = 64;
/// How long a relay may take to answer one command. RFC 5321 §4.5.3.2 would wait minutes; a relay on campus that does
/// not answer within this is not going to.
const TIMEOUT_SECONDS: f64 = 30.0;

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tls {
    /// From the first byte (RFC 8314), usually port 465.
    Implicit,
    /// By STARTTLS, and not without it (RFC 3207), usually port 587.
    Upgrade,
    None,
}

const TLS: [(&str, Tls); 3] = [("implicit", Tls::Implicit), ("starttls", Tls::Upgrade), ("none", Tls::None)];

pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) password: SecretString,
}

/// What [`super::connection::Connection`] needs.
pub(super) struct Relay {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Tls,
    pub(super) server_name: ServerName<'static>,
    pub(super) tls_config: Arc<ClientConfig>,
    pub(super) credentials: Option<Credentials>,
    /// For each command.
    pub(super) timeout: Duration,
    pub(super) connections: usize,
    /// Mails under way at once: one on each connection, and one more whose envelope goes ahead.
    pub(super) mails: usize,
}

/// What [`super::compose::Composer`] needs.
pub(super) struct Sender {
    pub(super) from: Mailbox,
    pub(super) reply_to: Option<Mailbox>,
    pub(super) dkim: Option<DkimConfig>,
    /// Bounces come to addresses of this domain, one for each delivery; without it to the sender's own.
    pub(super) bounce_domain: Option<String>,
}

pub(super) fn read(settings: &Value) -> Result<(Relay, Sender), Vec<Fault>> {
    let mut fields = Fields::of(settings);
    let host = fields.required("host");
    let server_name = ServerName::try_from(host.clone()).ok();
    if server_name.is_none() && !host.is_empty() {
        fields.fault("host", "not_a_host", "`host` is a host's name or address, without a port");
    }
    if closed::is_closed(&host) {
        fields.fault("host", closed::CODE, closed::WORDS);
    }
    let port = fields.integer("port", 1..=65_535);
    let tls = fields.choice("tls", &TLS, None);
    let credentials = credentials(&mut fields);
    if tls == Some(Tls::None) && credentials.is_some() && !tls::is_loopback(&host) {
        fields.fault(
            "tls",
            "password_in_clear",
            "without TLS a password may only go to this machine itself; use `implicit` or `starttls`",
        );
    }
    let tls_config = tls::client_config(&mut fields);
    let sender = sender(&mut fields);
    let connections = fields.integer("connections", 1..=MOST_CONNECTIONS).unwrap_or(CONNECTIONS);
    let mails = fields.integer("concurrency", 1..=MOST_CONNECTIONS);
    let mails = mails.map_or(2 * connections, |mails| mails.min(2 * connections));
    let timeout = fields.number("timeout_seconds", 0.1..=600.0).unwrap_or(TIMEOUT_SECONDS);

    let faults = fields.finish();
    let (Some(server_name), Some(tls), Some(tls_config), Some(sender)) =
        (server_name, tls, tls_config, sender)
    else {
        return Err(faults);
    };
    if !faults.is_empty() {
        return Err(faults);
    }
    let relay = Relay {
        host,
        port: port.map_or_else(|| default_port(tls), |port| port as u16),
        tls,
        server_name,
        tls_config,
        credentials,
        timeout: Duration::from_secs_f64(timeout),
        connections: connections.min(mails) as usize,
        mails: mails as usize,
    };
    Ok((relay, sender))
}

/// The usual port of connections that are encrypted so, by the word of the setting; 0 where it is none.
pub(super) fn port(tls: &str) -> u16 {
    TLS.iter().find(|(word, _)| *word == tls).map_or(0, |(_, tls)| default_port(*tls))
}

const fn default_port(tls: Tls) -> u16 {
    match tls {
        Tls::Implicit => 465,
        Tls::Upgrade => 587,
        Tls::None => 25,
    }
}

fn credentials(fields: &mut Fields<'_>) -> Option<Credentials> {
    match (fields.text("username"), fields.text("password")) {
        (Some(username), Some(password)) => Some(Credentials { username, password: password.into() }),
        (None, None) => None,
        (Some(_), None) => {
            fields.fault("password", "required", "a `username` needs a `password`");
            None
        }
        (None, Some(_)) => {
            fields.fault("username", "required", "a `password` needs a `username`");
            None
        }
    }
}

fn sender(fields: &mut Fields<'_>) -> Option<Sender> {
    let from_address = fields.required("from_address");
    let from_name = fields.required("from_name");
    if from_name.contains(char::is_control) {
        fields.fault("from_name", "control_character", "`from_name` is one line of text");
    }
    let parse = |fields: &mut Fields<'_>, key: &'static str, text: String| {
        let parsed = address::parse(&text);
        if parsed.is_none() && !text.is_empty() {
            fields.fault(key, "not_an_address", format!("`{key}` is an e-mail address"));
        }
        parsed
    };
    let from = parse(fields, "from_address", from_address);
    let reply_to =
        fields.text("reply_to").and_then(|text| parse(fields, "reply_to", text)).map(Mailbox::from);
    let bounce_domain = fields.text("bounce_domain").and_then(|text| {
        let domain = address::ascii_domain(&text);
        if domain.is_none() {
            fields.fault("bounce_domain", "not_a_domain", "`bounce_domain` is a domain that takes bounces");
        }
        domain
    });
    let dkim = fields.object("dkim", dkim).flatten();
    Some(Sender { from: Mailbox::new(Some(from_name), from?), reply_to, dkim, bounce_domain })
}

fn dkim(fields: &mut Fields<'_>) -> Option<DkimConfig> {
    let domain = fields.required("domain");
    let selector = fields.required("selector");
    let private_key = fields.required("private_key");
    let name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    for (key, text) in [("domain", &domain), ("selector", &selector)] {
        if !name(text) {
            fields.fault(key, "not_a_name", format!("`{key}` is a name in the DNS"));
        }
    }
    if private_key.is_empty() {
        return None;
    }
    let algorithm = if private_key.contains("-----BEGIN") {
        DkimSigningAlgorithm::Rsa
    } else {
        DkimSigningAlgorithm::Ed25519
    };
    let key = DkimSigningKey::new(private_key.trim(), algorithm).ok();
    if key.is_none() {
        fields.fault(
            "private_key",
            "not_a_key",
            "`private_key` is an RSA key as PKCS#1 PEM (BEGIN RSA PRIVATE KEY) or an Ed25519 seed in base64",
        );
    }
    let canonicalization = DkimCanonicalization {
        header: DkimCanonicalizationType::Relaxed,
        body: DkimCanonicalizationType::Relaxed,
    };
    Some(DkimConfig::new(selector, domain, key?, signed_headers(), canonicalization))
}

/// What receivers expect to be signed (RFC 6376 §5.4.1, RFC 8058 §3.1), absent ones so that nobody can add them.
fn signed_headers() -> Vec<HeaderName> {
    [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Reply-To",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
    ]
    .map(HeaderName::new_from_ascii_str)
    .to_vec()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({
            "host": "relay.campus.example", "tls": "starttls", "username": "bell", "password": "hunter2",
            "from_address": "bell@校园.example", "from_name": "钟楼大学",
        })
    }

    fn faults(settings: &Value) -> Vec<(String, String)> {
        let faults = read(settings).err().unwrap_or_default();
        faults.into_iter().map(|fault| (fault.pointer, fault.code.into_owned())).collect()
    }

    fn with(changes: &Value) -> Value {
        let mut settings = good();
        settings.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        settings
    }

    #[test]
    fn what_is_left_out_has_a_sensible_default() {
        let (relay, sender) = read(&good()).ok().unwrap();
        assert_eq!((relay.port, relay.connections, relay.mails), (587, 8, 16));
        assert_eq!(relay.timeout, Duration::from_secs(30));
        assert!(sender.from.email.domain().starts_with("xn--"), "{}", sender.from.email);
        let (relay, _) = read(&with(
            &json!({"tls": "implicit", "connections": 20, "concurrency": 5, "timeout_seconds": 0.5}),
        ))
        .ok()
        .unwrap();
        assert_eq!((relay.port, relay.connections, relay.mails), (465, 5, 5));
        assert_eq!(relay.timeout, Duration::from_millis(500));
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let settings = json!({
            "host": "relay:25", "prot": 25, "tls": "ssl", "username": "bell", "from_address": "bell",
            "ca_file": "/nowhere/ca.pem", "connections": 65, "timeout_seconds": 0.01,
            "dkim": {"domain": "a b", "private_key": "no key"},
        });
        let mut found = faults(&settings);
        found.sort();
        let expected = [
            ("/ca_file", "unreadable"),
            ("/connections", "out_of_range"),
            ("/dkim/domain", "not_a_name"),
            ("/dkim/private_key", "not_a_key"),
            ("/dkim/selector", "required"),
            ("/from_address", "not_an_address"),
            ("/from_name", "required"),
            ("/host", "not_a_host"),
            ("/password", "required"),
            ("/prot", "unknown_field"),
            ("/timeout_seconds", "out_of_range"),
            ("/tls", "unknown_value"),
        ];
        let expected = expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned()));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_relay_stands_anywhere_inside_but_not_where_no_host_does() {
        for nowhere in
            ["169.254.169.254", "fe80::1", "100.100.100.200", "0.0.0.0", "255.255.255.255", "ff02::1"]
        {
            let expected = [("/host".to_owned(), "closed_address".to_owned())];
            assert_eq!(faults(&with(&json!({ "host": nowhere }))), expected, "{nowhere}");
        }
        for inside in ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.25", "fd12:3456::25"] {
            assert_eq!(faults(&with(&json!({ "host": inside }))), [], "{inside}");
        }
    }

    #[test]
    fn a_password_goes_in_clear_to_this_machine_only() {
        let clear = |host| faults(&with(&json!({"tls": "none", "host": host})));
        for here in ["127.0.0.1", "localhost", "::1", "127.8.8.8"] {
            assert_eq!(clear(here), [], "{here}");
        }
        for there in ["10.0.0.1", "relay.campus.example", "localhost.campus.example"] {
            assert_eq!(clear(there), [("/tls".to_owned(), "password_in_clear".to_owned())], "{there}");
        }
        let without = json!({
            "host": "10.0.0.1", "tls": "none", "from_address": "a@b.example", "from_name": "a", "username": "",
        });
        assert_eq!(faults(&without), [], "nothing to give away");
    }
}
