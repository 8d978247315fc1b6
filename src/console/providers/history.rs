//! What happened to a provider, in words.

use serde_json::Value;

use crate::clock::Timestamp;
use crate::console::view::View;

/// What is known to happen, with its drawing and whether somebody should look.
const KNOWN: [(&str, &str, bool); 8] = [
    ("opened", "warning", true),
    ("half_open", "clock", false),
    ("closed", "check", false),
    ("paused", "pause", true),
    ("alarm", "failed", true),
    ("unknown_code", "question", true),
    ("test_passed", "flask", false),
    ("test_failed", "flask", true),
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    pub at: Timestamp,
    pub icon: &'static str,
    pub amber: bool,
    pub text: String,
    /// In the provider's words; may be empty.
    pub reason: String,
    /// When it was to be tried again.
    pub until: Option<String>,
}

impl Happening {
    pub(super) fn new(view: &View, at: Timestamp, kind: &str, detail: &Value) -> Self {
        let known = KNOWN.iter().find(|(known, ..)| *known == kind);
        let (icon, amber) = known.map_or(("info", false), |(_, icon, amber)| (*icon, *amber));
        let text = |name: &str| detail.get(name).and_then(Value::as_str);
        let until = text("until").and_then(|at| at.parse::<jiff::Timestamp>().ok()).map(Timestamp::from);
        let reason: Vec<_> = [text("code"), text("reason")].into_iter().flatten().collect();
        Self {
            at,
            icon,
            amber,
            // Of a newer version: its own word is better than none.
            text: view.text_or(&format!("happening-{kind}"), kind),
            reason: reason.join(" · "),
            until: until.map(|until| view.t1("provider-again", "time", view.clock_time(until))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Language;

    #[test]
    fn what_a_newer_version_wrote_is_told_by_its_own_word() {
        let view = View {
            language: Language::English,
            zone: jiff::tz::TimeZone::UTC,
            now: Timestamp(0),
            csrf: String::new(),
        };
        let told = |kind: &str, detail| {
            let happening = Happening::new(&view, Timestamp(0), kind, &detail);
            (happening.text, happening.reason, happening.until.is_some())
        };
        let detail = json!({"code": "isv.X", "reason": "<b>busy</b>", "until": "1970-01-01T00:00:05Z"});
        assert_eq!(told("rewired", detail), ("rewired".to_owned(), "isv.X · <b>busy</b>".to_owned(), true));
        assert_eq!(told("rewired", json!("odd")), ("rewired".to_owned(), String::new(), false));
        for (kind, ..) in KNOWN {
            assert_ne!(told(kind, json!({"until": "soon"})), (kind.to_owned(), String::new(), false));
        }
    }
}
