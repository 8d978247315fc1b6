//! When a connection to the relay is encrypted.

use std::io;

use serde::{Deserialize, Serialize};
use tokio_rustls::TlsAcceptor;

use super::faults::Certificate;
use crate::simulator::tls::Flaw;
pub(super) use crate::simulator::tls::Identity;

/// How connections are encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpTls {
    /// Never.
    #[default]
    None,
    /// On demand (RFC 3207). Where sign-in is asked for, only after it.
    StartTls,
    /// From the first byte, as on port 465 (RFC 8314).
    Implicit,
}

impl SmtpTls {
    /// As a provider's settings have it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::StartTls => "starttls",
            Self::Implicit => "implicit",
        }
    }
}

/// What shows this certificate.
pub(super) fn acceptor(identity: &Identity, certificate: Certificate) -> io::Result<TlsAcceptor> {
    match certificate {
        Certificate::Good => Ok(identity.acceptor.clone()),
        Certificate::Expired => identity.flawed(Flaw::Expired),
        Certificate::Stranger => identity.flawed(Flaw::Stranger),
        Certificate::OtherName => identity.flawed(Flaw::OtherName),
    }
}
