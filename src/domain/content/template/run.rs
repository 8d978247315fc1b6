//! The engine, as much of it as templates get.

use std::fmt::Write as _;
use std::io;

use minijinja::value::{Serde, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value, filters};
use serde_json::Value as Json;

use super::{Escape, FUEL, MAX_OUTPUT, MAX_PARAMS, TemplateError, check};
use crate::domain::audience::Params;
use crate::domain::content::escape;

const NAME: &str = "text";

/// An engine with the checked text in it.
pub(super) fn engine(text: &str, escape: Escape) -> Result<Environment<'static>, TemplateError> {
    let mut engine = Environment::empty();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_fuel(Some(FUEL));
    engine.set_formatter(match escape {
        Escape::None => write_as_is,
        Escape::Markdown => write_escaped,
    });
    engine.add_filter("default", filters::default);
    engine.add_filter("join", join);
    engine.add_filter("length", filters::length);
    engine.add_filter("lower", filters::lower);
    engine.add_filter("trim", |text: &str| text.trim().to_owned());
    engine.add_filter("upper", filters::upper);
    engine.add_filter("urlencode", urlencode);
    engine.add_test("defined", |value: &Value| !value.is_undefined());
    engine.add_test("undefined", Value::is_undefined);
    engine.add_template_owned(NAME, text.to_owned()).map_err(|error| check::syntax(&error))?;
    Ok(engine)
}

pub(super) fn render(engine: &Environment<'_>, params: &Params) -> Result<String, TemplateError> {
    check_size(params)?;
    let mut out = Capped::default();
    let rendered = engine
        .get_template(NAME)
        .and_then(|template| template.render_captured_to(Value::from(Serde(params)), &mut out).map(drop));
    if out.full {
        return Err(TemplateError::limit(
            None,
            format!("the text would become longer than {MAX_OUTPUT} bytes"),
        ));
    }
    rendered.map_err(|error| problem(&error))?;
    String::from_utf8(out.text).map_err(|_| TemplateError::syntax(None, "this is not text"))
}

/// Refuses variables with more text than [`MAX_PARAMS`] together, numbers and brackets counted as a few bytes each.
pub(super) fn check_size(params: &Params) -> Result<(), TemplateError> {
    let mut rest: Vec<&Json> = params.values().collect();
    let mut size: usize = params.keys().map(String::len).sum();
    while let Some(value) = rest.pop() {
        size += 8;
        match value {
            Json::String(text) => size += text.len(),
            Json::Array(items) => rest.extend(items),
            Json::Object(fields) => {
                size += fields.keys().map(String::len).sum::<usize>();
                rest.extend(fields.values());
            }
            _ => {}
        }
        if size > MAX_PARAMS {
            let detail = format!("all variables together have at most {MAX_PARAMS} bytes");
            return Err(TemplateError::limit(None, detail));
        }
    }
    Ok(())
}

fn problem(error: &Error) -> TemplateError {
    let (code, fallback) = match error.kind() {
        ErrorKind::UndefinedError => ("template_variable", "a variable of this text is missing"),
        ErrorKind::OutOfFuel => ("template_limit", "filling this text in takes too many steps"),
        _ => ("template_variable", "a value does not fit its place in the text"),
    };
    let detail = match error.kind() {
        ErrorKind::OutOfFuel => fallback,
        _ => error.detail().unwrap_or(fallback),
    };
    TemplateError { line: error.line(), code, detail: detail.to_owned() }
}

fn write_as_is(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    out.write_str(&shown(value)?).map_err(Error::from)
}

fn write_escaped(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    escape::markdown(&shown(value)?, out).map_err(Error::from)
}

/// A value as text. Lists and objects have none.
fn shown(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::Undefined => Err(ErrorKind::UndefinedError.into()),
        ValueKind::None => Ok(String::new()),
        // The library writes True and False.
        ValueKind::Bool => Ok(value.is_true().to_string()),
        ValueKind::String | ValueKind::Number => Ok(value.to_string()),
        _ => {
            let detail = "a list cannot be shown as it is; use `for` or the filter `join`";
            Err(Error::new(ErrorKind::InvalidOperation, detail))
        }
    }
}

/// The library's would make room for whatever a long separator asks for.
fn join(list: &Value, separator: Option<&str>) -> Result<String, Error> {
    let mut joined = String::new();
    for (n, item) in list.try_iter()?.enumerate() {
        if n > 0 {
            joined.push_str(separator.unwrap_or_default());
        }
        joined.push_str(&shown(&item)?);
        if joined.len() > MAX_OUTPUT {
            return Err(Error::new(ErrorKind::InvalidOperation, "the joined list is too long"));
        }
    }
    Ok(joined)
}

/// For a value inside an address: all but letters, digits and `- . _ ~` as UTF-8 in percent signs (RFC 3986 §2.1).
fn urlencode(value: &Value) -> Result<String, Error> {
    let mut encoded = String::new();
    for byte in shown(value)?.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    Ok(encoded)
}

/// Takes up to [`MAX_OUTPUT`] bytes.
#[derive(Default)]
struct Capped {
    text: Vec<u8>,
    full: bool,
}

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.text.len() + bytes.len() > MAX_OUTPUT {
            self.full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
