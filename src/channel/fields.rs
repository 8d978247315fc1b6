//! Reading a provider's settings: every mistake at once, each at its place, misspelt names with what was meant.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::common;
use crate::error::Fault;

/// The fields of one JSON object. Each getter notes what is wrong with its field and goes on with something harmless,
/// so that [`Fields::finish`] has all of it.
pub(super) struct Fields<'a> {
    map: Option<&'a Map<String, Value>>,
    pointer: String,
    asked: Vec<&'static str>,
    faults: Vec<Fault>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(value: &'a Value) -> Self {
        Self::below(value, String::new())
    }

    fn below(value: &'a Value, pointer: String) -> Self {
        let map = value.as_object();
        let faults = if map.is_some() {
            Vec::new()
        } else {
            vec![Fault::new(pointer.clone(), "wrong_type", "settings are a JSON object")]
        };
        Self { map, pointer, asked: Vec::new(), faults }
    }

    /// `key` may lead further down: `headers/X-App`, each name written by [`segment`].
    pub(super) fn fault(&mut self, key: &str, code: &'static str, detail: impl Into<String>) {
        self.faults.push(Fault::new(format!("{}/{key}", self.pointer), code, detail));
    }

    /// A field's value as it is; `null` counts as left out.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'a Value> {
        self.asked.push(key);
        self.map?.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => Some(text.clone()),
            _ => {
                self.fault(key, "wrong_type", format!("`{key}` is a text"));
                None
            }
        }
    }

    /// Empty where it is missing, which is noted.
    pub(super) fn required(&mut self, key: &'static str) -> String {
        let before = self.faults.len();
        let text = self.text(key);
        if text.is_none() && self.map.is_some() && self.faults.len() == before {
            self.fault(key, "required", format!("`{key}` is required"));
        }
        text.unwrap_or_default()
    }

    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&'static str, T)],
        default: Option<T>,
    ) -> Option<T> {
        let before = self.faults.len();
        let given = self.text(key);
        if self.faults.len() > before {
            return None;
        }
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        let Some(given) = given else {
            if default.is_none() && self.map.is_some() {
                self.fault(key, "required", format!("`{key}` is required: one of {}", words.join(", ")));
            }
            return default;
        };
        let found = choices.iter().find(|(word, _)| *word == given).map(|(_, choice)| *choice);
        if found.is_none() {
            let meant = nearest(&given, &words).map(|word| format!("; did you mean `{word}`?"));
            let detail = format!("`{key}` is one of {}{}", words.join(", "), meant.unwrap_or_default());
            self.fault(key, "unknown_value", detail);
        }
        found
    }

    pub(super) fn integer(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.take(key)?;
        let number = value.as_u64().filter(|number| range.contains(number));
        if number.is_none() {
            let (least, most) = (range.start(), range.end());
            self.fault(key, "out_of_range", format!("`{key}` is a whole number between {least} and {most}"));
        }
        number
    }

    /// `None` where it is missing, which is noted.
    pub(super) fn required_integer(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        if self.map.is_some_and(|map| map.get(key).is_none_or(Value::is_null)) {
            self.fault(key, "required", format!("`{key}` is required"));
        }
        self.integer(key, range)
    }

    pub(super) fn number(&mut self, key: &'static str, range: RangeInclusive<f64>) -> Option<f64> {
        let value = self.take(key)?;
        let number = value.as_f64().filter(|number| range.contains(number));
        if number.is_none() {
            let (least, most) = (range.start(), range.end());
            self.fault(key, "out_of_range", format!("`{key}` is a number between {least} and {most}"));
        }
        number
    }

    pub(super) fn is_object(&self) -> bool {
        self.map.is_some()
    }

    /// Whether anything was wrong so far; unknown names are found at the end only.
    pub(super) fn has_faults(&self) -> bool {
        !self.faults.is_empty()
    }

    /// What a nested object has under names that are its writer's own.
    pub(super) fn entries(&mut self, key: &'static str) -> Vec<(&'a str, &'a Value)> {
        match self.take(key) {
            None => Vec::new(),
            Some(Value::Object(map)) => map.iter().map(|(name, value)| (name.as_str(), value)).collect(),
            Some(_) => {
                self.fault(key, "wrong_type", format!("`{key}` is a JSON object"));
                Vec::new()
            }
        }
    }

    /// A nested object, read by `read`, with its own faults among these.
    pub(super) fn object<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let value = self.take(key)?;
        let mut inner = Self::below(value, format!("{}/{key}", self.pointer));
        let result = read(&mut inner);
        self.faults.append(&mut inner.finish());
        Some(result)
    }

    /// The same for each of the objects that `key` holds under names of its writer's own.
    pub(super) fn objects<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&mut Self) -> T,
    ) -> Vec<(&'a str, T)> {
        let entries = self.entries(key);
        let mut results = Vec::with_capacity(entries.len());
        for (name, value) in entries {
            let mut inner = Self::below(value, format!("{}/{key}/{}", self.pointer, segment(name)));
            results.push((name, read(&mut inner)));
            self.faults.append(&mut inner.finish());
        }
        results
    }

    /// The same for each of a list of objects.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        most: usize,
        mut read: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        let list = match self.take(key) {
            None => return Vec::new(),
            Some(Value::Array(list)) if list.len() <= most => list,
            Some(Value::Array(_)) => {
                self.fault(key, "too_many", format!("`{key}` has at most {most} entries"));
                return Vec::new();
            }
            Some(_) => {
                self.fault(key, "wrong_type", format!("`{key}` is a list of JSON objects"));
                return Vec::new();
            }
        };
        let mut entries = Vec::with_capacity(list.len());
        for (i, value) in list.iter().enumerate() {
            let mut inner = Self::below(value, format!("{}/{key}/{i}", self.pointer));
            entries.push(read(&mut inner));
            self.faults.append(&mut inner.finish());
        }
        entries
    }

    /// All that is wrong, fields nobody asked for included.
    pub(super) fn finish(mut self) -> Vec<Fault> {
        let mut known = self.asked.clone();
        if self.pointer.is_empty() {
            known.extend(common::NAMES.iter().filter(|name| !self.asked.contains(name)));
        }
        for key in self.map.into_iter().flat_map(Map::keys) {
            if !self.asked.contains(&key.as_str()) {
                let meant = nearest(key, &known);
                let detail = match meant {
                    Some(meant) => format!("there is no setting `{key}`; did you mean `{meant}`?"),
                    None => format!("there is no setting `{key}`; there are {}", self.asked.join(", ")),
                };
                self.faults.push(Fault::new(
                    format!("{}/{}", self.pointer, segment(key)),
                    "unknown_field",
                    detail,
                ));
            }
        }
        self.faults
    }
}

/// A name as a part of a pointer (RFC 6901 §3).
pub(super) fn segment(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    known
        .iter()
        .map(|name| (strsim::jaro_winkler(key, name), *name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers(faults: &[Fault]) -> Vec<(&str, &str)> {
        faults.iter().map(|fault| (fault.pointer.as_str(), fault.code.as_ref())).collect()
    }

    #[test]
    fn all_mistakes_come_at_once_each_at_its_place() {
        let value =
            json!({"host": 5, "prot": 25, "size": 99, "inner": {"a/b": 1}, "mode": "c", "note": null});
        let mut fields = Fields::of(&value);
        assert_eq!(fields.required("host"), "");
        assert_eq!(fields.required("name"), "");
        assert_eq!(fields.integer("port", 1..=65_535), None);
        assert_eq!(fields.integer("size", 1..=64), None);
        assert_eq!(fields.choice("mode", &[("a", 1), ("b", 2)], None), None);
        assert_eq!(fields.text("note"), None);
        fields.object("inner", |inner| inner.required("key"));
        let faults = fields.finish();
        assert_eq!(
            pointers(&faults),
            [
                ("/host", "wrong_type"),
                ("/name", "required"),
                ("/size", "out_of_range"),
                ("/mode", "unknown_value"),
                ("/inner/key", "required"),
                ("/inner/a~1b", "unknown_field"),
                ("/prot", "unknown_field"),
            ]
        );
        assert!(faults[6].detail.contains("`port`"), "{}", faults[6].detail);
    }

    #[test]
    fn what_is_no_object_is_one_fault() {
        let value = json!(["host"]);
        let mut fields = Fields::of(&value);
        fields.required("host");
        assert_eq!(pointers(&fields.finish()), [("", "wrong_type")]);
    }
}
