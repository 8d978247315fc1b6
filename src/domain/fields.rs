//! Reads the fields of a JSON object one by one and collects everything that is wrong with them.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::error::{Error, Fault, NO_NUL, Result, has_nul};

/// One JSON object being read. Fields nobody asks for are faults in the end.
#[derive(Debug)]
pub struct Fields<'v> {
    object: &'v Map<String, Value>,
    asked: Vec<&'static str>,
    faults: Vec<Fault>,
}

impl<'v> Fields<'v> {
    pub fn of(body: &'v Value) -> Result<Self> {
        let object =
            body.as_object().ok_or_else(|| Error::fault("", "not_an_object", "send a JSON object"))?;
        Ok(Self { object, asked: Vec::new(), faults: Vec::new() })
    }

    /// The field's value; null is the same as leaving it out.
    pub fn value(&mut self, name: &'static str) -> Option<&'v Value> {
        if !self.asked.contains(&name) {
            self.asked.push(name);
        }
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// The trimmed text of a field of at most `longest` characters in one line. An empty text is the same as none.
    pub fn text(&mut self, name: &'static str, longest: usize) -> Option<String> {
        let value = self.value(name)?;
        let text = match value {
            Value::String(text) => text.trim(),
            _ => {
                self.fault(name, "not_a_string", "send a string");
                return None;
            }
        };
        if text.chars().count() > longest {
            self.fault(name, "too_long", format!("at most {longest} characters"));
        } else if text.chars().any(char::is_control) {
            self.fault(name, "control_character", "control characters and line breaks are not allowed");
        } else if !text.is_empty() {
            return Some(text.to_owned());
        }
        None
    }

    /// As [`Self::text`], for a field that must be there. Where it is not, what is answered does not matter.
    pub fn required(&mut self, name: &'static str, longest: usize) -> String {
        let before = self.faults.len();
        let text = self.text(name, longest);
        if text.is_none() && self.faults.len() == before {
            self.fault(name, "required", format!("`{name}` is needed and must not be empty"));
        }
        text.unwrap_or_default()
    }

    /// A list of strings, empty where it is left out.
    pub fn texts(&mut self, name: &'static str, most: usize) -> Vec<String> {
        let Some(value) = self.value(name) else { return Vec::new() };
        let Some(list) = value.as_array() else {
            self.fault(name, "not_a_list", "send a list of strings");
            return Vec::new();
        };
        if list.len() > most {
            self.fault(name, "too_many", format!("at most {most} entries"));
            return Vec::new();
        }
        let mut texts = Vec::with_capacity(list.len());
        for (i, entry) in list.iter().enumerate() {
            match entry {
                Value::String(text) if has_nul(text) => {
                    self.extend([Fault::new(format!("/{name}/{i}"), "control_character", NO_NUL)]);
                }
                Value::String(text) => texts.push(text.clone()),
                _ => self.extend([Fault::new(format!("/{name}/{i}"), "not_a_string", "send a string")]),
            }
        }
        texts
    }

    /// A list of texts that each mean something, empty where it is left out; those that mean nothing are faults.
    pub fn parsed<T: FromStr<Err: Display>>(
        &mut self,
        name: &'static str,
        most: usize,
        code: &'static str,
    ) -> Vec<T> {
        let mut read = Vec::new();
        for (i, text) in self.texts(name, most).iter().enumerate() {
            match text.parse::<T>() {
                Ok(value) => read.push(value),
                Err(why) => self.extend([Fault::new(format!("/{name}/{i}"), code, why.to_string())]),
            }
        }
        read
    }

    /// An object within the object, read by `read`; its faults keep their place.
    pub fn nested<T>(&mut self, name: &'static str, read: fn(&Value) -> Result<T>) -> Option<T> {
        let value = self.value(name)?;
        read(value).map_err(|error| self.extend(below(&pointer(name), faults_of(error)))).ok()
    }

    /// A whole number within bounds.
    pub fn number(&mut self, name: &'static str, bounds: RangeInclusive<u32>) -> Option<u32> {
        let value = self.value(name)?;
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        let number = number.filter(|number| bounds.contains(number));
        if number.is_none() {
            let (least, most) = bounds.into_inner();
            self.fault(name, "out_of_range", format!("send a whole number from {least} to {most}"));
        }
        number
    }

    /// The version a document was made from, where it names one.
    pub fn version(&mut self) -> Option<i64> {
        let number = self.value("version")?.as_i64().filter(|version| *version >= 0);
        if number.is_none() {
            self.fault("version", "not_a_number", "send the number of the version it was made from");
        }
        number
    }

    /// Something wrong with the field `name`.
    pub fn fault(&mut self, name: &str, code: &'static str, detail: impl Into<String>) {
        self.faults.push(Fault::new(pointer(name), code, detail));
    }

    pub fn extend(&mut self, faults: impl IntoIterator<Item = Fault>) {
        self.faults.extend(faults);
    }

    /// What was not asked for.
    pub fn rest(&self) -> impl Iterator<Item = (&'v String, &'v Value)> + use<'v> {
        let asked = self.asked.clone();
        self.object.iter().filter(move |(name, _)| !asked.contains(&name.as_str()))
    }

    /// `Ok` if every field was known and right, else all that was wrong.
    pub fn finish(mut self) -> Result<()> {
        let detail = match self.asked.join("`, `") {
            known if known.is_empty() => "no fields are wanted here".to_owned(),
            known => format!("there is no such field; use `{known}`"),
        };
        for (name, _) in self.rest() {
            self.fault(name, "unknown_field", detail.clone());
        }
        self.close()
    }

    /// As [`Self::finish`], where the rest was read otherwise.
    pub fn close(self) -> Result<()> {
        if self.faults.is_empty() { Ok(()) } else { Err(Error::Invalid(self.faults)) }
    }
}

/// The JSON pointer (RFC 6901) of an object's field.
pub fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Every fault an error tells of.
pub fn faults_of(error: Error) -> Vec<Fault> {
    match error {
        Error::Invalid(faults) => faults,
        other => vec![Fault::new("", "invalid", other.to_string())],
    }
}

/// Moves faults of a nested object to their place in the whole.
pub fn below(at: &str, faults: Vec<Fault>) -> impl Iterator<Item = Fault> {
    faults.into_iter().map(move |fault| Fault { pointer: format!("{at}{}", fault.pointer), ..fault })
}
