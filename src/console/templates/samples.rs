//! Sample values of variables as fields: what kind of value each is, and how it is typed.
//!
//! A list stands one a line, an object as `field: value` a line, a list of objects with an empty line between them. What is
//! nested deeper is written as JSON. However a value is written, it is read back as the very same.

use serde_json::{Map, Value};

use crate::console::form::Form;
use crate::console::view::View;
use crate::domain::audience::Params;

/// What kind of value a variable has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SampleKind {
    #[default]
    Text,
    Number,
    YesNo,
    List,
    Record,
    Records,
    Json,
}

/// Why a value is none of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoSample {
    NotANumber,
    NotYesNo,
    /// This line, from 1, has no colon or no name before it.
    NoField(usize),
    /// This line, from 1, names a field a second time.
    Twice(usize),
    NotJson,
}

/// One variable with its value as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleRow {
    pub name: String,
    pub kind: SampleKind,
    pub value: String,
    /// Messages must give it.
    pub required: bool,
}

impl SampleKind {
    pub const ALL: [Self; 7] =
        [Self::Text, Self::Number, Self::YesNo, Self::List, Self::Record, Self::Records, Self::Json];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::YesNo => "yes_no",
            Self::List => "list",
            Self::Record => "record",
            Self::Records => "records",
            Self::Json => "json",
        }
    }

    /// Key of its name.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Text => "variable-text",
            Self::Number => "variable-number",
            Self::YesNo => "variable-yes-no",
            Self::List => "variable-list",
            Self::Record => "variable-object",
            Self::Records => "variable-records",
            Self::Json => "variable-json",
        }
    }

    /// Key of how it is typed, where that is on several lines.
    pub(super) const fn hint_key(self) -> &'static str {
        match self {
            Self::Record => "sample-record-hint",
            Self::Records => "sample-records-hint",
            Self::Json => "sample-json-hint",
            _ => "sample-list-hint",
        }
    }

    fn of(name: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.name() == name).unwrap_or_default()
    }

    /// The value that was typed; `None`: none was.
    pub fn read(self, typed: &str) -> Result<Option<Value>, NoSample> {
        // Browsers send line breaks as two characters.
        let typed = typed.replace('\r', "");
        if typed.trim().is_empty() {
            return Ok(None);
        }
        Ok(Some(match self {
            Self::Text => typed.trim().into(),
            Self::Number => {
                let number = serde_json::from_str(typed.trim()).ok().filter(Value::is_number);
                number.ok_or(NoSample::NotANumber)?
            }
            Self::YesNo => Value::Bool(typed.trim().parse().map_err(|_| NoSample::NotYesNo)?),
            Self::List => typed.lines().filter(|line| !line.trim().is_empty()).map(scalar).collect(),
            Self::Record => Value::Object(record(typed.lines().enumerate())?),
            Self::Records => Value::Array(records(&typed)?),
            Self::Json => serde_json::from_str(&typed).map_err(|_| NoSample::NotJson)?,
        }))
    }

    /// How a value is typed.
    pub fn write(value: &Value) -> (Self, String) {
        let written = match value {
            Value::Null => None,
            Value::String(text) => Some((Self::Text, text.clone())),
            Value::Number(number) => Some((Self::Number, number.to_string())),
            Value::Bool(yes) => Some((Self::YesNo, yes.to_string())),
            Value::Object(fields) => fields_of(fields).map(|text| (Self::Record, text)),
            Value::Array(items) if items.iter().all(Value::is_object) => {
                let blocks: Option<Vec<_>> =
                    items.iter().filter_map(Value::as_object).map(fields_of).collect();
                blocks.map(|blocks| (Self::Records, blocks.join("\n\n")))
            }
            Value::Array(items) => {
                let lines: Option<Vec<_>> = items.iter().map(line).collect();
                lines.map(|lines| (Self::List, lines.join("\n")))
            }
        };
        let same =
            |(kind, text): &(Self, String)| kind.read(text).is_ok_and(|read| read.as_ref() == Some(value));
        written.filter(same).unwrap_or_else(|| {
            (Self::Json, serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string()))
        })
    }

    /// What is typed on several lines.
    pub const fn is_long(self) -> bool {
        matches!(self, Self::List | Self::Record | Self::Records | Self::Json)
    }
}

/// Numbers, yes and no are written as in JSON, and a text that looks like one in quotation marks.
fn scalar(written: &str) -> Value {
    let written = written.trim();
    match serde_json::from_str(written) {
        Ok(value @ (Value::Number(_) | Value::Bool(_) | Value::String(_))) => value,
        _ => written.into(),
    }
}

/// A value on one line; `None`: it has no room there.
fn line(value: &Value) -> Option<String> {
    match value {
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::String(text) if !text.is_empty() && scalar(text) == *value && !text.contains('\n') => {
            Some(text.clone())
        }
        Value::String(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn fields_of(fields: &Map<String, Value>) -> Option<String> {
    let lines: Option<Vec<_>> =
        fields.iter().map(|(name, value)| Some(format!("{name}: {}", line(value)?))).collect();
    lines.map(|lines| lines.join("\n"))
}

fn record<'l>(lines: impl Iterator<Item = (usize, &'l str)>) -> Result<Map<String, Value>, NoSample> {
    let mut fields = Map::new();
    for (at, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let parts = line.split_once([':', '：']).map(|(name, value)| (name.trim(), value));
        let Some((name, value)) = parts.filter(|(name, _)| !name.is_empty()) else {
            return Err(NoSample::NoField(at + 1));
        };
        if fields.insert(name.to_owned(), scalar(value)).is_some() {
            return Err(NoSample::Twice(at + 1));
        }
    }
    Ok(fields)
}

fn records(typed: &str) -> Result<Vec<Value>, NoSample> {
    let lines: Vec<_> = typed.lines().enumerate().collect();
    let blocks = lines.split(|(_, line)| line.trim().is_empty()).filter(|block| !block.is_empty());
    blocks.map(|block| record(block.iter().copied()).map(Value::Object)).collect()
}

impl NoSample {
    pub fn text(&self, view: &View) -> String {
        match self {
            Self::NotANumber => view.t("sample-not-a-number"),
            Self::NotYesNo => view.t("sample-not-yes-no"),
            Self::NoField(line) => view.t1("sample-no-field", "line", line),
            Self::Twice(line) => view.t1("sample-twice", "line", line),
            Self::NotJson => view.t("sample-not-json"),
        }
    }
}

impl SampleRow {
    pub(super) fn stored(samples: &Params, name: &str, required: bool) -> Self {
        let (kind, value) = samples.get(name).map(SampleKind::write).unwrap_or_default();
        Self { name: name.to_owned(), kind, value, required }
    }

    /// As a form has them.
    pub(in crate::console) fn typed(form: &Form) -> Vec<Self> {
        let values = form.all("sample_kind").zip(form.all("sample_value"));
        let rows = form.all("sample_name").zip(values).filter(|(name, _)| !name.is_empty());
        rows.map(|(name, (kind, value))| Self {
            name: name.to_owned(),
            kind: SampleKind::of(kind),
            value: value.to_owned(),
            required: false,
        })
        .collect()
    }

    pub(super) fn read(&self) -> Result<Option<Value>, NoSample> {
        self.kind.read(&self.value)
    }

    /// What all of them say; what is none of its kind is left out.
    pub(in crate::console) fn params(rows: &[Self]) -> Params {
        let read = |row: &Self| Some((row.name.clone(), row.read().ok()??));
        rows.iter().filter_map(read).collect()
    }

    /// How many lines its value takes.
    pub(super) fn lines(&self) -> usize {
        self.value.lines().count().clamp(3, 12)
    }

    pub(super) fn is_long(&self) -> bool {
        self.kind.is_long() || self.value.contains('\n')
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(kind: SampleKind, typed: &str) -> Value {
        kind.read(typed).unwrap().unwrap()
    }

    #[test]
    fn each_kind_is_read_as_it_is_typed() {
        assert_eq!(read(SampleKind::Text, " 007 "), json!("007"));
        assert_eq!(read(SampleKind::Text, "13800000000"), json!("13800000000"), "a number is not a text");
        assert_eq!(read(SampleKind::Number, " -2.5"), json!(-2.5));
        assert_eq!(read(SampleKind::YesNo, "true"), json!(true));
        assert_eq!(read(SampleKind::List, "三体\r\n\r\n3\r\n\"3\""), json!(["三体", 3, "3"]));
        assert_eq!(read(SampleKind::Record, "title: 三体\n册数：3"), json!({"title": "三体", "册数": 3}));
        let books = json!([{"title": "三体", "url": "https://lib.example"}, {"title": "活着"}]);
        assert_eq!(
            read(SampleKind::Records, "title: 三体\nurl: https://lib.example\n \ntitle: 活着\n"),
            books
        );
        assert_eq!(read(SampleKind::Json, "{\"a\": [[1]]}"), json!({"a": [[1]]}));
        for kind in SampleKind::ALL {
            assert_eq!(kind.read(" \r\n "), Ok(None));
        }
    }

    #[test]
    fn what_is_none_of_its_kind_is_told() {
        assert_eq!(SampleKind::Number.read("三"), Err(NoSample::NotANumber));
        assert_eq!(SampleKind::Number.read("007"), Err(NoSample::NotANumber));
        assert_eq!(SampleKind::YesNo.read("ja"), Err(NoSample::NotYesNo));
        assert_eq!(SampleKind::Record.read("a: 1\nb"), Err(NoSample::NoField(2)));
        assert_eq!(SampleKind::Records.read("a: 1\n\n: 2"), Err(NoSample::NoField(3)));
        assert_eq!(SampleKind::Record.read("a: 1\na: 2"), Err(NoSample::Twice(2)));
        assert_eq!(SampleKind::Json.read("{"), Err(NoSample::NotJson));
    }

    #[test]
    fn values_are_shown_by_the_simplest_kind_that_says_them() {
        let kind = |value: Value| SampleKind::write(&value).0;
        assert_eq!(kind(json!("三体")), SampleKind::Text);
        assert_eq!(kind(json!(" 三体 ")), SampleKind::Json, "its spaces would be lost");
        assert_eq!(kind(json!(["三体", "3", 3])), SampleKind::List);
        assert_eq!(kind(json!([{"title": "三体"}])), SampleKind::Records);
        assert_eq!(kind(json!({"title": "三体"})), SampleKind::Record);
        assert_eq!(kind(json!({"a:b": 1})), SampleKind::Json);
        assert_eq!(kind(json!([["a"]])), SampleKind::Json);
        assert_eq!(kind(json!(null)), SampleKind::Json);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i32>().prop_map(Value::from),
            "[ -~三体：:\"\n]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
                prop::collection::btree_map("[a-c： ]{0,2}", inner, 0..3)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in values()) {
            let (kind, text) = SampleKind::write(&value);
            prop_assert_eq!(kind.read(&text), Ok(Some(value)));
        }
    }
}
