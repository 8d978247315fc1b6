//! People out of lines of JSON.

use std::borrow::Cow;

use serde_json::Value;

use super::lines::{Line, Lines};
use super::record::{LONGEST, Record};
use super::report::{Rejected, shortened};
use crate::Error;
use crate::domain::recipient::{RecipientInput, check_campus_id};
use crate::error::{Fault, not_json};

pub(super) struct Ndjson(Lines);

impl Ndjson {
    pub(super) fn new() -> Self {
        Self(Lines::new(LONGEST))
    }

    /// The next person in a piece; `None` where it is used up.
    pub(super) fn next(&mut self, piece: &mut &[u8]) -> Option<Record> {
        while let Some((number, line)) = self.0.next(piece) {
            if let Some(record) = read(number, line) {
                return Some(record);
            }
        }
        None
    }

    /// What comes after the last line's end.
    pub(super) fn rest(&mut self) -> Option<Record> {
        let (number, line) = self.0.rest()?;
        read(number, line)
    }
}

/// `None`: an empty line.
fn read(number: u64, line: Line) -> Option<Record> {
    let mut line = match line {
        Line::Whole(line) => line,
        Line::TooLong => {
            let detail = format!("a line has at most {LONGEST} bytes");
            let fault = Fault::new("", "too_long", detail);
            return Some(rejected(number, &Value::Null, vec![fault]));
        }
    };
    // Spreadsheets begin a file with a byte order mark.
    if number == 1 && line.starts_with(b"\xef\xbb\xbf") {
        line.drain(..3);
    }
    if line.trim_ascii().is_empty() {
        return None;
    }
    let record: Value = match serde_json::from_slice(&line) {
        Ok(record) => record,
        Err(error) => {
            let fault = if str::from_utf8(&line).is_ok() {
                Fault::new("", "malformed", format!("{} at column {}", not_json(&error), error.column()))
            } else {
                Fault::new("", "encoding", "this is not UTF-8")
            };
            let line = String::from_utf8_lossy(&line).into_owned();
            return Some(rejected(number, &Value::String(line), vec![fault]));
        }
    };
    Some(match RecipientInput::read_record(&record) {
        Ok(person) => Record {
            line: number,
            bytes: line.len(),
            campus_id: Some(person.campus_id.clone()),
            read: Ok(person),
        },
        Err(Error::Invalid(faults)) => rejected(number, &record, faults),
        Err(other) => rejected(number, &record, vec![Fault::new("", "malformed", other.to_string())]),
    })
}

fn rejected(line: u64, record: &Value, faults: Vec<Fault>) -> Record {
    let faults = faults.into_iter().map(|fault| Rejected {
        line,
        column: column(&fault.pointer),
        code: fault.code,
        value: record.pointer(&fault.pointer).and_then(shown),
        detail: fault.detail,
        cell: None,
    });
    let campus_id = record.get("campus_id").and_then(scalar).filter(|id| check_campus_id(id).is_none());
    Record { line, bytes: 0, campus_id, read: Err(faults.collect()) }
}

/// `/attributes/a~1b` → `attributes.a/b`.
fn column(pointer: &str) -> Option<String> {
    let path = pointer.strip_prefix('/')?;
    Some(path.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect::<Vec<_>>().join("."))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn shown(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => Cow::Borrowed(text.as_str()),
        other => Cow::Owned(other.to_string()),
    };
    Some(shortened(&text))
}
