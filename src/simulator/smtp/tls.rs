//! When a connection to the relay is encrypted.

use serde::{Deserialize, Serialize};

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
