//! Versions of resources, as entity tags (RFC 7644 §3.14). They are weak: the same version may be written in other words.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};

/// `W/"…"` over what a resource says.
pub fn of(said: &impl Serialize) -> Result<String> {
    let said = serde_json::to_vec(said).map_err(Error::internal)?;
    let digest = Sha256::digest(said);
    let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("W/\"{hex}\""))
}

/// The versions that a header `If-Match` or `If-None-Match` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named(Vec<String>);

impl Named {
    pub fn read(header: &str) -> Self {
        Self(header.split(',').map(|tag| opaque(tag).to_owned()).collect())
    }

    /// Whether that version is one of them; `*` is any.
    pub fn holds(&self, version: &str) -> bool {
        self.0.iter().any(|tag| tag == "*" || tag == opaque(version))
    }
}

/// Refuses a change of something that is another version by now.
///
/// # Errors
///
/// [`Error::Conflict`] `changed_meanwhile`.
pub fn expect(expected: Option<&Named>, version: &str) -> Result<()> {
    if expected.is_none_or(|named| named.holds(version)) {
        return Ok(());
    }
    Err(Error::conflict("changed_meanwhile", "the resource is another version by now: read it again"))
}

/// A tag without what tells weak ones from strong ones, and without its quotation marks, which some leave out.
fn opaque(tag: &str) -> &str {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly() {
        let version = of(&("a", 1)).unwrap();
        assert_eq!(version, of(&("a", 1)).unwrap());
        assert_ne!(version, of(&("a", 2)).unwrap());
        let bare = version.trim_start_matches("W/").to_owned();
        for header in [version.clone(), bare.clone(), "*".to_owned(), format!("\"x\", {version}")] {
            assert!(Named::read(&header).holds(&version), "{header}");
        }
        for header in ["\"x\"", "", "W/\"\""] {
            assert!(!Named::read(header).holds(&version), "{header}");
        }
        assert!(expect(None, &version).is_ok());
        assert!(matches!(
            expect(Some(&Named::read("\"x\"")), &version),
            Err(Error::Conflict { code: "changed_meanwhile", .. })
        ));
    }
}
