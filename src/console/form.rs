//! What a form says back: faults at their fields, all at once, with the input kept.

use super::view::View;
use crate::error::Fault;

/// Faults by field name.
#[derive(Clone, Debug, Default)]
pub struct FieldFaults(Vec<(String, String)>);

impl FieldFaults {
    /// The faults of a body as texts for this person. `/name` belongs to the field `name`, `/topics/2` to `topics`. A
    /// code without a text of its own (`fault-<code>`) keeps its sentence.
    pub fn new(view: &View, faults: &[Fault]) -> Self {
        let text = |fault: &Fault| {
            let key = format!("fault-{}", fault.code);
            match view.t(&key) {
                text if text == key => fault.detail.clone(),
                text => text,
            }
        };
        let field = |fault: &Fault| fault.pointer.split('/').nth(1).unwrap_or_default().to_owned();
        Self(faults.iter().map(|fault| (field(fault), text(fault))).collect())
    }

    /// The first fault of a field.
    pub fn of(&self, field: &str) -> Option<&String> {
        self.0.iter().find(|(name, _)| name == field).map(|(_, text)| text)
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::clock::Timestamp;
    use crate::config::Language;

    #[test]
    fn faults_find_their_field_and_language() {
        let view =
            View { language: Language::English, zone: TimeZone::UTC, now: Timestamp(0), csrf: String::new() };
        let faults = FieldFaults::new(
            &view,
            &[
                Fault::new("/name", "required", "name is required"),
                Fault::new("/topics/2", "no_such_code", "`A` is not a topic"),
            ],
        );
        assert_eq!(faults.of("name").map(String::as_str), Some("This is needed."));
        assert_eq!(faults.of("topics").map(String::as_str), Some("`A` is not a topic"));
        assert_eq!(faults.of("channels"), None);
    }
}
