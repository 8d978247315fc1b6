//! Who is told of what.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AlarmKind, Matter, Severity};
use crate::domain::channel::ChannelKind;
use crate::domain::fields::Fields;
use crate::error::Result;

const LONGEST_ID: usize = 64;

/// What one operator asked to be told of, and by what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    pub kinds: Vec<AlarmKind>,
    /// From this on.
    pub severity: Severity,
    /// By mail to the address they sign in with.
    pub email: bool,
    /// Who they are in the directory, for everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campus_id: Option<String>,
    /// By which channels as the person of that id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<ChannelKind>,
}

impl Default for Wish {
    /// What a form begins with: everything that asks for an act, by mail.
    fn default() -> Self {
        Self {
            kinds: AlarmKind::ALL.to_vec(),
            severity: Severity::Look,
            email: true,
            campus_id: None,
            channels: Vec::new(),
        }
    }
}

impl Wish {
    /// Reads `{kinds?, severity?, email?, campus_id?, channels?}`; an empty list of kinds is no wish at all.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`](crate::Error::Invalid) with every fault.
    pub fn read(value: &Value) -> Result<Self> {
        let mut fields = Fields::of(value)?;
        let kinds = fields.parsed("kinds", AlarmKind::ALL.len(), "unknown_value");
        let severity = match fields.text("severity", LONGEST_ID).as_deref().map(str::parse) {
            Some(Ok(severity)) => severity,
            Some(Err(why)) => {
                fields.fault("severity", "unknown_value", why);
                Severity::Look
            }
            None => Severity::Look,
        };
        let email = fields.value("email").and_then(Value::as_bool).unwrap_or(false);
        let campus_id = fields.text("campus_id", LONGEST_ID);
        let channels: Vec<ChannelKind> = fields.parsed("channels", ChannelKind::ALL.len(), "unknown_value");
        if !channels.is_empty() && campus_id.is_none() {
            fields.fault("campus_id", "required", "say who you are in the directory, for its addresses");
        }
        if !kinds.is_empty() && !email && channels.is_empty() {
            fields.fault("email", "no_way", "choose at least one way to be told");
        }
        fields.finish()?;
        Ok(Self { kinds, severity, email, campus_id, channels })
    }

    pub fn wants(&self, matter: &Matter, severity: Severity) -> bool {
        severity >= self.severity && self.kinds.contains(&matter.kind())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wish_needs_a_way_and_a_way_an_address() {
        let faults = |value: Value| match Wish::read(&value) {
            Err(crate::Error::Invalid(faults)) => {
                faults.into_iter().map(|fault| fault.pointer).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(faults(json!({ "kinds": ["disk"] })), ["/email"]);
        assert_eq!(faults(json!({ "kinds": ["disk"], "channels": ["sms"] })), ["/campus_id"]);
        assert_eq!(faults(json!({ "kinds": ["weather"], "severity": "panic" })), ["/kinds/0", "/severity"]);
        assert_eq!(Wish::read(&json!({})).unwrap().kinds, [], "nothing is asked for");
    }

    #[test]
    fn less_grave_and_other_alarms_are_not_told() {
        let wish = Wish { kinds: vec![AlarmKind::Disk], severity: Severity::Act, ..Wish::default() };
        let disk = Matter::Disk { node: "a".to_owned(), free: 1, total: 100 };
        let clock = Matter::ClockSet { node: "a".to_owned(), by_ms: 9_000 };
        assert!(wish.wants(&disk, Severity::Act));
        assert!(!wish.wants(&disk, Severity::Look));
        assert!(!wish.wants(&clock, Severity::Act));
    }
}
