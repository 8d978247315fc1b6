//! What is shown once: from the form that made it to the page that shows it, and never again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::access::Signed;
use crate::service::Services;
use crate::{Error, Result};

/// Keeps a secret under the session's `entry`, sealed: the store never holds one that could be read from it. `of` is the
/// page it is for.
pub(super) fn keep(s: &Services, signed: &Signed, entry: &str, of: &str, secret: &str) -> Result<()> {
    let sealed = STANDARD.encode(s.vault.seal(secret.as_bytes()));
    signed.session.insert(entry, (of, sealed)).map_err(Error::internal)
}

/// The secret kept for that page, which is gone from then on.
pub(super) fn take(s: &Services, signed: &Signed, entry: &str, of: &str) -> Result<Option<String>> {
    let Some((page, sealed)) = signed.take::<(String, String)>(entry) else { return Ok(None) };
    if page != of {
        return Ok(None);
    }
    let sealed = STANDARD.decode(sealed).map_err(Error::internal)?;
    let secret = s.vault.open_sealed(&sealed)?;
    String::from_utf8(secret).map(Some).map_err(Error::internal)
}
