//! A document as an alert.

use super::NAMESPACE;
use super::alert::Alert;
use super::check::check;
use super::elements::alert;
use super::fault::{Fault, quoted};
use super::grammar::Faults;
use super::tree::{self, Space};

/// Reads a document of at most [`MAX_BYTES`](super::MAX_BYTES) in UTF-8.
///
/// What it takes can have warnings, for which [`check()`] is asked again.
///
/// # Errors
///
/// Every fault of what the schema prescribes; where there is none, every fault that [`check()`] finds, if an error is among
/// them. A document that is not XML, or that is refused as a whole, has one. After the first hundred they are counted.
pub fn read(bytes: &[u8]) -> Result<Alert, Vec<Fault>> {
    let root = tree::read(bytes).map_err(|fault| vec![fault])?;
    if &*root.name != "alert" {
        let detail = format!("the outermost element is `alert`, not {}", quoted(&root.name));
        return Err(vec![Fault::error("", "not_an_alert", detail)]);
    }
    if root.space != Space::Cap {
        let found = match &root.space {
            Space::Other(other) if other.is_empty() => "none".to_owned(),
            Space::Other(other) => quoted(other),
            Space::Cap | Space::Signature => "another".to_owned(),
        };
        let detail = format!("send CAP 1.2: `alert` is in the namespace {NAMESPACE}, here it is in {found}");
        return Err(vec![Fault::error("/alert", "namespace", detail)]);
    }
    let mut faults = Faults::default();
    let alert = alert(&root, &mut faults);
    let faults = faults.into_vec();
    let Some(alert) = alert.filter(|_| faults.is_empty()) else { return Err(faults) };
    let faults = check(&alert);
    if faults.iter().any(Fault::is_error) { Err(faults) } else { Ok(alert) }
}
