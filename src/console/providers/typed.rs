//! A kind's settings in a form: from what is stored to its fields, from what was typed to a change, and from the faults
//! of the change back to the fields.

use serde_json::{Map, Value};

use crate::console::form::{FieldFaults, Form, fault_text};
use crate::console::view::{View, grouped};
use crate::error::Fault;
use crate::service::providers::{Holds, Setting};

/// The field that faults belong to which none of the others has.
pub const WHOLE: &str = "form";

/// A field is no higher, however long its text.
const MOST_LINES: usize = 16;

/// One field.
#[derive(Clone, Debug)]
pub struct Asked {
    pub setting: &'static Setting,
    /// As typed, or as stored; a secret never.
    pub value: String,
    /// A secret that is stored: left empty it stays.
    pub stored: bool,
    /// It is to go.
    pub remove: bool,
}

impl Asked {
    /// Its name in the form, and its id on the page.
    pub fn name(&self) -> String {
        field(self.setting)
    }

    /// The name of the field that says a stored secret is to go.
    pub fn name_of_removal(&self) -> String {
        format!("remove-{}", self.setting.name())
    }

    /// How many lines its text takes, or the sample's.
    pub fn lines(&self) -> usize {
        let sample = if let Holds::Json(sample) = self.setting.holds { sample } else { "" };
        self.value.lines().count().max(sample.lines().count()).clamp(2, MOST_LINES)
    }

    /// The fields of settings as they are stored, secrets hidden.
    pub(super) fn stored(asked: &[&'static Setting], settings: &Value) -> Vec<Self> {
        let one = |setting: &&'static Setting| {
            let stored = settings.pointer(setting.pointer);
            let value = match stored {
                Some(_) if setting.is_secret() => String::new(),
                Some(Value::String(text)) => text.clone(),
                Some(value @ (Value::Object(_) | Value::Array(_))) => pretty(value),
                Some(other) => other.to_string(),
                None => String::new(),
            };
            let stored = setting.is_secret() && stored.is_some();
            Self { setting, value, stored, remove: false }
        };
        asked.iter().map(one).collect()
    }

    /// The fields as they were typed, over settings as they are stored.
    pub(super) fn typed(asked: &[&'static Setting], settings: &Value, form: &Form) -> Vec<Self> {
        let mut fields = Self::stored(asked, settings);
        for field in &mut fields {
            let typed = form.exact(&field.name());
            field.value = if field.setting.is_secret() { typed.to_owned() } else { typed.trim().to_owned() };
            field.remove = field.stored && form.text(&field.name_of_removal()) == "true";
        }
        fields
    }

    /// What is to stand there; `None`: nothing. What is no number and no JSON is told as such by whoever reads it.
    fn wanted(&self) -> Option<Value> {
        let text = || Value::String(self.value.replace("\r\n", "\n"));
        if self.value.trim().is_empty() {
            return None;
        }
        Some(match self.setting.holds {
            Holds::Text | Holds::Secret | Holds::SecretText | Holds::Choice(_) => text(),
            Holds::Whole { .. } | Holds::Decimal { .. } => {
                let number = serde_json::from_str(&self.value).ok().filter(Value::is_number);
                number.unwrap_or_else(text)
            }
            Holds::Json(_) => serde_json::from_str(&self.value).unwrap_or_else(|_| text()),
        })
    }

    /// Forgets a secret that was typed: it is not shown again either.
    pub(super) fn hide(&mut self) {
        if self.setting.is_secret() {
            self.value.clear();
        }
    }
}

fn field(setting: &Setting) -> String {
    format!("settings-{}", setting.name())
}

/// JSON to be read and changed by people.
pub(super) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The merge patch (RFC 7396) that makes `stored`, in which secrets are hidden, into what the fields say.
pub(super) fn patch(stored: &Value, fields: &[Asked]) -> Map<String, Value> {
    let mut patch = Map::new();
    for asked in fields {
        let there = stored.pointer(asked.setting.pointer);
        let change = match (asked.wanted(), there) {
            (None, Some(_)) if asked.stored && !asked.remove => None,
            (None, Some(_)) => Some(Value::Null),
            (None, None) => None,
            (Some(wanted), there) => difference(there, wanted),
        };
        if let Some(change) = change {
            put(&mut patch, asked.setting.pointer, change);
        }
    }
    drop_what_is_emptied(stored, fields, &mut patch);
    patch
}

/// What changes `there` into `wanted`; what is hidden in both stays. `None`: nothing.
fn difference(there: Option<&Value>, wanted: Value) -> Option<Value> {
    match (there, wanted) {
        (Some(Value::Object(there)), Value::Object(wanted)) => {
            let mut changes = Map::new();
            for name in there.keys().filter(|name| !wanted.contains_key(*name)) {
                changes.insert(name.clone(), Value::Null);
            }
            for (name, value) in wanted {
                if let Some(change) = difference(there.get(&name), value) {
                    changes.insert(name, change);
                }
            }
            (!changes.is_empty()).then_some(Value::Object(changes))
        }
        (Some(there), wanted) if *there == wanted => None,
        (_, wanted) => Some(wanted),
    }
}

fn put(patch: &mut Map<String, Value>, pointer: &str, value: Value) {
    match pointer.trim_start_matches('/').split_once('/') {
        None => drop(patch.insert(pointer.trim_start_matches('/').to_owned(), value)),
        Some((outer, rest)) => {
            let inner = patch.entry(outer).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// Settings that belong together go together: one whose fields are all empty leaves no secret behind.
fn drop_what_is_emptied(stored: &Value, fields: &[Asked], patch: &mut Map<String, Value>) {
    let outer = |asked: &Asked| asked.setting.pointer[1..].split_once('/').map(|(outer, _)| outer);
    for name in fields.iter().filter_map(outer) {
        let is_empty =
            fields.iter().filter(|asked| outer(asked) == Some(name)).all(|asked| asked.wanted().is_none());
        if is_empty && stored.get(name).is_some() {
            patch.insert(name.to_owned(), Value::Null);
        }
    }
}

/// The faults by field, each in this person's words; those that belong to none at [`WHOLE`].
pub(super) fn faults(view: &View, fields: &[Asked], faults: &[Fault]) -> FieldFaults {
    let mut told: Vec<(String, String)> = Vec::new();
    for fault in faults {
        let (name, text) = placed(view, fields, fault);
        match told.iter_mut().find(|(known, _)| *known == name) {
            // All that is wrong with JSON is said at once.
            Some((_, texts)) => {
                if !texts.contains(&text) {
                    texts.push_str(&format!(" · {text}"));
                }
            }
            None => told.push((name, text)),
        }
    }
    told.into_iter().collect()
}

fn placed(view: &View, fields: &[Asked], fault: &Fault) -> (String, String) {
    let Some(pointer) = fault.pointer.strip_prefix("/settings") else {
        return own(view, fault);
    };
    let below = |asked: &&Asked| {
        let rest = pointer.strip_prefix(asked.setting.pointer)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| rest.to_owned())
    };
    let Some((asked, rest)) = fields.iter().find_map(|asked| Some((asked, below(&asked)?))) else {
        return (WHOLE.to_owned(), format!("{pointer}: {}", text(view, fault)));
    };
    let text = match asked.setting.holds {
        Holds::Whole { least, most } if fault.code == "out_of_range" => {
            view.t2("fault-settings-between", "least", grouped(least), "most", grouped(most))
        }
        Holds::Decimal { least, most } if fault.code == "out_of_range" => {
            view.t2("fault-settings-between", "least", least, "most", most)
        }
        Holds::Json(_) => match serde_json::from_str::<Value>(&asked.value) {
            Err(error) if rest.is_empty() && !asked.value.is_empty() => {
                view.t2("fault-settings-json", "line", error.line(), "column", error.column())
            }
            _ if rest.is_empty() => text(view, fault),
            _ => format!("{rest}: {}", text(view, fault)),
        },
        _ => text(view, fault),
    };
    (asked.name(), text)
}

/// What is wrong with the fields that every kind has.
fn own(view: &View, fault: &Fault) -> (String, String) {
    let name = fault.pointer.trim_start_matches('/');
    match name {
        "priority" | "weight" => {
            (name.to_owned(), view.t2("fault-settings-between", "least", 0, "most", grouped(65_535)))
        }
        "rate" => (name.to_owned(), view.t("fault-provider-rate")),
        "name" if fault.code == "length" => (name.to_owned(), view.t("fault-provider-name")),
        "name" => (name.to_owned(), text(view, fault)),
        _ => (WHOLE.to_owned(), text(view, fault)),
    }
}

/// A fault of settings in this person's words, else as faults are told elsewhere.
fn text(view: &View, fault: &Fault) -> String {
    let key = format!("fault-settings-{}", fault.code);
    match view.t(&key) {
        text if text == key => fault_text(view, &fault.code, &fault.detail),
        text => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::Timestamp;
    use crate::config::Language;
    use crate::domain::provider::ProviderKind;
    use crate::service::providers::settings;

    /// The fields of stored settings with some of them typed anew.
    fn typed(kind: ProviderKind, stored: &Value, changes: &[(&str, &str)]) -> Vec<Asked> {
        let mut fields = Asked::stored(&settings(kind), stored);
        for (pointer, text) in changes {
            let field = fields.iter_mut().find(|field| field.setting.pointer == *pointer).unwrap();
            (*text).clone_into(&mut field.value);
        }
        fields
    }

    fn patched(kind: ProviderKind, stored: &Value, changes: &[(&str, &str)]) -> Value {
        Value::Object(patch(stored, &typed(kind, stored, changes)))
    }

    #[test]
    fn a_form_left_alone_changes_nothing() {
        let relay = json!({
            "host": "relay", "tls": "none", "port": 25, "timeout_seconds": 0.5, "password": "…",
            "dkim": {"domain": "d", "selector": "s", "private_key": "…"},
        });
        assert_eq!(patched(ProviderKind::Smtp, &relay, &[]), json!({}));
        let gateway = json!({"request": {"url": "u", "body": {"a": [1, null]}}, "secrets": {"app": "…"}});
        assert_eq!(patched(ProviderKind::HttpSms, &gateway, &[]), json!({}));
    }

    #[test]
    fn what_is_typed_becomes_what_the_setting_holds() {
        let changes = [
            ("/host", "relay"),
            ("/port", "2525"),
            ("/connections", "many"),
            ("/timeout_seconds", "0.5"),
            ("/password", " two words "),
            ("/dkim/domain", "d"),
            ("/dkim/private_key", "a\r\nb"),
            ("/tls", ""),
        ];
        assert_eq!(
            patched(ProviderKind::Smtp, &json!({}), &changes),
            json!({
                "host": "relay", "port": 2525, "connections": "many", "timeout_seconds": 0.5,
                "password": " two words ", "dkim": {"domain": "d", "private_key": "a\nb"},
            })
        );
        let json = [("/request", "{\"url\": \"u\"}"), ("/answer", "{\"code\"")];
        assert_eq!(
            patched(ProviderKind::HttpSms, &json!({}), &json),
            json!({"request": {"url": "u"}, "answer": "{\"code\""})
        );
    }

    #[test]
    fn secrets_stay_unless_they_are_replaced_or_taken_away() {
        let stored = json!({"host": "h", "username": "u", "password": "…"});
        let emptied = patched(ProviderKind::Smtp, &stored, &[("/username", ""), ("/password", "")]);
        assert_eq!(emptied, json!({"username": null}));
        let replaced = patched(ProviderKind::Smtp, &stored, &[("/password", "new")]);
        assert_eq!(replaced, json!({"password": "new"}));
        let mut fields = typed(ProviderKind::Smtp, &stored, &[]);
        fields.iter_mut().find(|field| field.stored).unwrap().remove = true;
        assert_eq!(Value::Object(patch(&stored, &fields)), json!({"password": null}));

        let stored = json!({"request": {"url": "u", "method": "POST"}, "secrets": {"app": "…", "key": "…"}});
        let changes = [("/request", r#"{"url": "v"}"#), ("/secrets", r#"{"app": "…", "new": "n"}"#)];
        assert_eq!(
            patched(ProviderKind::HttpSms, &stored, &changes),
            json!({"request": {"url": "v", "method": null}, "secrets": {"key": null, "new": "n"}})
        );
    }

    #[test]
    fn a_group_that_is_emptied_goes_with_its_secret() {
        let stored = json!({"dkim": {"domain": "d", "selector": "s", "private_key": "…"}});
        let emptied = patched(ProviderKind::Smtp, &stored, &[("/dkim/domain", ""), ("/dkim/selector", "")]);
        assert_eq!(emptied, json!({"dkim": null}));
        let half = patched(ProviderKind::Smtp, &stored, &[("/dkim/selector", "")]);
        assert_eq!(half, json!({"dkim": {"selector": null}}));
    }

    #[test]
    fn every_fault_finds_its_field() {
        let view = View {
            language: Language::English,
            zone: jiff::tz::TimeZone::UTC,
            now: Timestamp(0),
            csrf: String::new(),
        };
        let fields =
            typed(ProviderKind::HttpSms, &json!({}), &[("/request", "{\"url\":"), ("/answer", "{}")]);
        let fault = |pointer: &str, code: &'static str| Fault::new(pointer, code, format!("the {code}"));
        let found = faults(
            &view,
            &fields,
            &[
                fault("/settings/request", "wrong_type"),
                fault("/settings/answer/cod", "of_tomorrow"),
                fault("/settings/answer/codes/1~10", "unheard_of"),
                fault("/settings/concurrency", "out_of_range"),
                fault("/settings/ca_files", "new_to_us"),
                fault("/kind", "wrong_kind"),
                fault("/name", "taken"),
            ],
        );
        let of = |name: &str| found.of(name).map(String::as_str).unwrap_or_default();
        assert!(of("settings-request").contains("line 1"), "{}", of("settings-request"));
        assert_eq!(of("settings-answer"), "/cod: the of_tomorrow · /codes/1~10: the unheard_of");
        assert!(of("settings-concurrency").contains("64"), "{}", of("settings-concurrency"));
        assert_eq!(of(WHOLE), "/ca_files: the new_to_us · the wrong_kind");
        assert!(!of("name").is_empty());
    }
}
