//! A TOML or JSON file of which each value's line is known, so that a fault can be told at its place.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;
use toml::de::{DeTable, DeValue};

use super::fields::pointer;
use crate::error::{Error, Fault, Result};

/// A file that was read.
#[derive(Debug)]
pub struct Document {
    pub value: Value,
    text: String,
    /// Where each value begins in the text, by its JSON pointer.
    offsets: BTreeMap<String, usize>,
}

impl Document {
    /// Reads JSON where the text begins with a brace, as no TOML does, and TOML where it does not.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where the text is neither, with the line of each mistake.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let text = str::from_utf8(bytes).map_err(|error| {
            let line = line_of(bytes, error.valid_up_to());
            Error::fault(
                "",
                "encoding",
                format!("this is not UTF-8; save it as UTF-8, not GBK (line {line})"),
            )
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = Reader { text, offsets: BTreeMap::new(), too_large: Vec::new() };
        let value = if text.trim_start().starts_with('{') { reader.json()? } else { reader.toml()? };
        Ok(Self { value, text: text.to_owned(), offsets: reader.offsets })
    }

    /// What came of the document, with the line of each fault where it was refused.
    pub fn placed<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| match error {
            Error::Invalid(faults) => Error::Invalid(self.place(faults)),
            other => other,
        })
    }

    /// The same faults with the line each is on; for what is missing, the line of what should hold it.
    fn place(&self, faults: Vec<Fault>) -> Vec<Fault> {
        let place = |fault: Fault| match self.line(&fault.pointer) {
            Some(line) => Fault { detail: format!("{} (line {line})", fault.detail), ..fault },
            None => fault,
        };
        faults.into_iter().map(place).collect()
    }

    /// From 1; of what is missing, the line of what should hold it.
    pub fn line(&self, pointer: &str) -> Option<usize> {
        let mut pointer = pointer;
        loop {
            if let Some(offset) = self.offsets.get(pointer) {
                return Some(line_of(self.text.as_bytes(), *offset));
            }
            pointer = pointer.rsplit_once('/')?.0;
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    offsets: BTreeMap<String, usize>,
    /// Pointers of numbers that no 64 bits hold.
    too_large: Vec<String>,
}

impl<'t> Reader<'t> {
    fn toml(&mut self) -> Result<Value> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        if errors.is_empty() {
            let table = self.table(table.get_ref(), "");
            return if self.too_large.is_empty() { Ok(table) } else { Err(self.too_large()) };
        }
        let offset = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
        let mut mistakes: Vec<_> = errors
            .iter()
            .map(|error| (line_of(self.text.as_bytes(), offset(error)), error.message()))
            .collect();
        mistakes.sort_by_key(|(line, _)| *line);
        // The first mistake of a line confuses the parser about the rest of it.
        mistakes.dedup_by_key(|(line, _)| *line);
        let fault = |(line, what): (usize, &str)| {
            Fault::new("", "malformed", format!("this is not TOML: {what} (line {line})"))
        };
        Err(Error::Invalid(mistakes.into_iter().map(fault).collect()))
    }

    fn table(&mut self, table: &DeTable<'_>, at: &str) -> Value {
        let mut object = serde_json::Map::new();
        for (key, value) in table {
            let at = format!("{at}{}", pointer(key.get_ref()));
            self.offsets.insert(at.clone(), key.span().start);
            object.insert(key.get_ref().to_string(), self.toml_value(value.get_ref(), &at));
        }
        Value::Object(object)
    }

    fn toml_value(&mut self, value: &DeValue<'_>, at: &str) -> Value {
        match value {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Boolean(yes) => Value::Bool(*yes),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => number.into(),
                Err(_) => self.refused(at),
            },
            // JSON knows neither infinity nor what is no number.
            DeValue::Float(number) => match number.as_str().parse::<f64>() {
                Ok(number) if number.is_finite() => number.into(),
                _ => self.refused(at),
            },
            DeValue::Datetime(moment) => Value::String(moment.to_string()),
            DeValue::Table(table) => self.table(table, at),
            DeValue::Array(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (i, item) in items.iter().enumerate() {
                    let at = format!("{at}/{i}");
                    self.offsets.insert(at.clone(), item.span().start);
                    list.push(self.toml_value(item.get_ref(), &at));
                }
                Value::Array(list)
            }
        }
    }

    fn refused(&mut self, at: &str) -> Value {
        self.too_large.push(at.to_owned());
        Value::Null
    }

    fn too_large(&self) -> Error {
        let fault = |at: &String| {
            let line = self.offsets.get(at).map_or(1, |offset| line_of(self.text.as_bytes(), *offset));
            Fault::new(
                at.clone(),
                "out_of_range",
                format!("this number is too large to be kept (line {line})"),
            )
        };
        Error::Invalid(self.too_large.iter().map(fault).collect())
    }

    fn json(&mut self) -> Result<Value> {
        let malformed =
            |error: serde_json::Error| Error::fault("", "malformed", format!("this is not JSON: {error}"));
        // As a whole first: that bounds how deep it is.
        let value = serde_json::from_str(self.text).map_err(malformed)?;
        self.find(serde_json::from_str(self.text).map_err(malformed)?, "");
        Ok(value)
    }

    /// Notes where a value and all that is in it begin. A raw value is a part of the text itself, which tells.
    fn find(&mut self, raw: &'t RawValue, at: &str) {
        let inner = raw.get();
        self.offsets.insert(at.to_owned(), inner.as_ptr().addr() - self.text.as_ptr().addr());
        let fields: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(inner).unwrap_or_default();
        for (name, value) in fields {
            self.find(value, &format!("{at}{}", pointer(&name)));
        }
        let items: Vec<&RawValue> = serde_json::from_str(inner).unwrap_or_default();
        for (i, item) in items.into_iter().enumerate() {
            self.find(item, &format!("{at}/{i}"));
        }
    }
}

/// From 1.
fn line_of(text: &[u8], offset: usize) -> usize {
    1 + text.iter().take(offset).filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn details(result: Result<Document>) -> Vec<String> {
        let Err(Error::Invalid(faults)) = result else { panic!("read") };
        faults.into_iter().map(|fault| fault.detail).collect()
    }

    #[test]
    fn both_languages_say_the_same_on_their_own_lines() {
        let toml = "# texts\n\n[[list]]\nname = \"一\"\n\n[[list]]\nname = \"\"\"\n二\n\"\"\"\nn = 0x10\n[list.in.\"a/b\"]\nyes = true\n";
        let json = "\u{feff}\n{\"list\": [\n{\"name\": \"一\"},\n{\"name\": \"二\\n\",\n \"n\": 16, \"in\": {\n\"a/b\": {\"yes\": true}}}\n]}";
        let value =
            json!({"list": [{"name": "一"}, {"name": "二\n", "n": 16, "in": {"a/b": {"yes": true}}}]});
        for (text, lines) in [(toml, [4, 6, 7, 6, 11, 12]), (json, [3, 4, 4, 4, 6, 6])] {
            let document = Document::read(text.as_bytes()).unwrap();
            assert_eq!(document.value, value);
            let at = [
                "/list/0/name",
                "/list/1",
                "/list/1/name",
                "/list/1/gone",
                "/list/1/in/a~1b",
                "/list/1/in/a~1b/yes",
            ];
            assert_eq!(at.map(|at| document.line(at).unwrap()), lines, "{text}");
            let placed = document.place(vec![Fault::new("/list/0/name", "x", "too long")]);
            assert_eq!(placed[0].detail, format!("too long (line {})", lines[0]));
        }
    }

    #[test]
    fn what_is_neither_is_told_with_its_line() {
        assert_eq!(
            details(Document::read(b"a = 1\nb = \xff\n")),
            ["this is not UTF-8; save it as UTF-8, not GBK (line 2)"]
        );
        let told = details(Document::read(b"a = 1\n\nb = \"x\nc = ]\n"));
        assert!(told[0].starts_with("this is not TOML: ") && told[0].ends_with("(line 3)"), "{told:?}");
        assert_eq!(
            details(Document::read(b"a = 1\n[b]\nc = [1, 99999999999999999999, inf]\n")),
            ["this number is too large to be kept (line 3)", "this number is too large to be kept (line 3)"]
        );
        let told = details(Document::read(b"{\"a\": 1,\n}"));
        assert!(told[0].starts_with("this is not JSON: ") && told[0].contains("line 2"), "{told:?}");
        let deep = format!("{}{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
        assert!(details(Document::read(deep.as_bytes()))[0].contains("recursion limit"));
    }
}
