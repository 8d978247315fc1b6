//! A secret goes where it was entered for: whoever may change an address has not thereby been told what is sent there.

use serde_json::Value;

use crate::channel::registry;
use crate::domain::provider::ProviderKind;
use crate::error::Faults;

/// Faults for secrets that would go somewhere new and are not given again, at each of them. `after`: what the patch makes of
/// `before`.
pub(super) fn check(
    faults: &mut Faults,
    kind: ProviderKind,
    (before, patch, after): (&Value, &Value, &Value),
) {
    let known = registry::places(kind, before);
    if registry::places(kind, after).iter().all(|place| known.contains(place)) {
        return;
    }
    let is_given = |pointer: &String| patch.pointer(pointer).is_some_and(|value| !value.is_null());
    for pointer in registry::sent(kind).iter().flat_map(|pointer| secrets(after, pointer)) {
        if !is_given(&pointer) {
            let detail = "this would be sent elsewhere than before: give it again in the same change, or null to remove it";
            faults.add(format!("/settings{pointer}"), "secret_again", detail);
        }
    }
}

/// The secret that stands there, or each of several.
fn secrets(settings: &Value, pointer: &str) -> Vec<String> {
    match settings.pointer(pointer) {
        Some(Value::Object(several)) => {
            let one = |name: &String| format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            several.keys().map(one).collect()
        }
        Some(_) => vec![pointer.to_owned()],
        None => Vec::new(),
    }
}
