//! What gateways say, whatever they say it in, and where in it something is found.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::charset::{Charset, percent_decoded};
use crate::channel::xml;

/// How a text that is expected is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Form,
    Xml,
    /// Fields in the address.
    Query,
}

pub(super) const FORMATS: [(&str, Format); 4] =
    [("json", Format::Json), ("form", Format::Form), ("xml", Format::Xml), ("query", Format::Query)];

/// A way into a document, after RFC 6901: `/data/0/msgid`, or nothing for all of it. It goes on through texts: into the
/// JSON that a form's field holds, and to the parts of `0,20261121,8837` by their number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pointer(Vec<String>);

impl Pointer {
    /// `None` for what is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let steps = text.strip_prefix('/')?.split('/').map(|step| step.replace("~1", "/").replace("~0", "~"));
        Some(Self(steps.collect()))
    }

    pub(super) fn find<'d>(&self, document: &'d Value) -> Option<Cow<'d, Value>> {
        let mut at = Cow::Borrowed(document);
        for step in &self.0 {
            at = match at {
                Cow::Borrowed(Value::String(text)) => Cow::Owned(within(text, step)?),
                Cow::Borrowed(value) => Cow::Borrowed(member(value, step)?),
                Cow::Owned(Value::String(text)) => Cow::Owned(within(&text, step)?),
                Cow::Owned(value) => Cow::Owned(member(&value, step)?.clone()),
            };
        }
        Some(at)
    }

    /// What is found there as text, if it is a text, a number or a truth value.
    pub(super) fn text(&self, document: &Value) -> Option<String> {
        self.find(document).and_then(|value| scalar(&value)).map(|text| clean(&text))
    }
}

fn member<'v>(value: &'v Value, step: &str) -> Option<&'v Value> {
    match value {
        Value::Object(members) => members.get(step),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    }
}

fn within(text: &str, step: &str) -> Option<Value> {
    if let Some(document) = embedded(text) {
        return member(&document, step).cloned();
    }
    parts(text).nth(step.parse().ok()?).map(Value::from)
}

/// The JSON that a text holds.
pub(super) fn embedded(text: &str) -> Option<Value> {
    let text = text.trim();
    text.starts_with(['{', '[']).then(|| serde_json::from_str(text).ok()).flatten()
}

/// What a text lists.
pub(super) fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ';', '|', '\n', '\t', ' ', '\r']).filter(|part| !part.is_empty())
}

/// Characters of a code or an id; no gateway's are longer, and what is goes into no index.
const MAX_WORD: usize = 200;

/// A gateway's word as it is kept: without control characters, which not every database takes.
pub(super) fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_WORD).collect()
}

/// A value as it is compared and shown; lists and objects are none.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// What a gateway answered: gateways rarely say what in, and some that do are wrong. JSON and XML are known by their
/// looks, a form by its fields; the rest is text.
pub(super) fn guess(text: &str, content_type: Option<&str>) -> Value {
    let trimmed = text.trim();
    if let Ok(value) = serde_json::from_str(trimmed) {
        return value;
    }
    if trimmed.starts_with('<')
        && let Ok(value) = xml::read(trimmed)
    {
        return value;
    }
    let is_form = content_type.is_some_and(|kind| kind.contains("x-www-form-urlencoded"))
        || parse_fields(trimmed.as_bytes()).all(|(name, _)| is_word(&name)) && trimmed.contains('=');
    if is_form {
        return fields(trimmed.as_bytes(), Charset::Utf8);
    }
    Value::String(trimmed.to_owned())
}

fn is_word(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte))
}

/// A form's fields; one that comes several times is a list.
pub(super) fn fields(bytes: &[u8], charset: Charset) -> Value {
    let mut members = Map::new();
    for (name, value) in parse_fields(bytes) {
        let text = |bytes: &[u8]| charset.decode(bytes, None);
        let value = Value::String(text(&value));
        match members.get_mut(&text(&name)) {
            None => drop(members.insert(text(&name), value)),
            Some(Value::Array(same)) => same.push(value),
            Some(first) => {
                let before = first.take();
                *first = Value::Array(vec![before, value]);
            }
        }
    }
    Value::Object(members)
}

fn parse_fields(bytes: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    bytes.split(|byte| *byte == b'&').filter(|field| !field.is_empty()).map(|field| {
        let at = field.iter().position(|byte| *byte == b'=').unwrap_or(field.len());
        (percent_decoded(&field[..at]), percent_decoded(field.get(at + 1..).unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(pointer: &str, document: &Value) -> Option<String> {
        Pointer::parse(pointer).unwrap().text(document)
    }

    #[test]
    fn pointers_lead_into_every_kind_of_answer() {
        for (answer, pointer, value) in [
            (r#"{"code": 0, "data": [{"msgid": "a"}]}"#, "/code", "0"),
            (r#"{"code": 0, "data": [{"msgid": "a"}]}"#, "/data/0/msgid", "a"),
            (r#"{"a/b": {"~": true}}"#, "/a~1b/~0", "true"),
            ("<r><code>03</code></r>", "/r/code", "03"),
            ("code=0&msg=%E6%88%90", "/msg", "成"),
            ("20261121,0\n88370012", "/1", "0"),
            ("20261121,0\n88370012", "/2", "88370012"),
            ("success", "", "success"),
            ("0", "", "0"),
            (r#"{"body": "{\"code\": 7}"}"#, "/body/code", "7"),
            (r#"{"list": "1,2,3"}"#, "/list/2", "3"),
        ] {
            assert_eq!(found(pointer, &guess(answer, None)).as_deref(), Some(value), "{answer} {pointer}");
        }
        for (answer, pointer) in [
            (r#"{"code": null}"#, "/code"),
            (r#"{"data": []}"#, "/data/0"),
            ("{}", ""),
            ("a,b", "/7"),
            ("7", "/0"),
        ] {
            assert_eq!(found(pointer, &guess(answer, None)), None, "{answer} {pointer}");
        }
        assert_eq!(Pointer::parse("code"), None);
        let odd = json!({"id": format!("a\0\n{}", "b".repeat(500))});
        assert_eq!(found("/id", &odd), Some(format!("a{}", "b".repeat(199))), "fit to be kept");
    }

    #[test]
    fn an_answer_that_only_looks_like_a_form_is_text() {
        for text in ["错误：签名=无效", "<html>=</html", "a b=c"] {
            assert_eq!(guess(text, None), json!(text));
        }
    }

    #[test]
    fn a_forms_fields_are_read_in_its_encoding() {
        let form = fields(b"name=%D6%D3%C2%A5&id=1&id=2&empty=&flag", Charset::Gbk);
        assert_eq!(form, json!({"name": "钟楼", "id": ["1", "2"], "empty": "", "flag": ""}));
    }
}
