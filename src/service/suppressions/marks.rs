//! How the audit log, which forgets nothing, names addresses: by a mark that only this installation makes of an address.
//! Whoever knows an address finds what was done to it; nobody learns one from its mark.

use super::super::Services;
use super::many::kind_of;
use crate::domain::address::normalise;

const BYTES: usize = 8;

/// The mark of an address, however it is written.
pub(in crate::service) fn mark(s: &Services, address: &str) -> String {
    use std::fmt::Write as _;
    let address = address.trim();
    let address = normalise(kind_of(address), address).unwrap_or_else(|_| address.to_owned());
    let print = s.vault.fingerprint("suppressed address", address.to_lowercase().as_bytes());
    print[..BYTES].iter().fold(String::with_capacity(2 * BYTES), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
