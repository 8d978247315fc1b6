//! What a gateway is sent: the settings' body with its placeholders, as JSON, a form, XML or fields of the address.

use serde_json::{Map, Value, json};

use super::charset::{Charset, json_escape, question_mark, xml_reference};
use super::document::{Format, scalar};
use super::template::{Missing, Secrets, Template, Values};
use crate::channel::sms::encode::percent;
use crate::channel::xml;

/// The body of every call, apart from what changes.
#[derive(Debug)]
pub(super) enum Body {
    Json(Node),
    /// Fields of a form, or of the address.
    Fields {
        fields: Vec<(String, Template)>,
        in_address: bool,
    },
    /// The same, written out.
    Written {
        text: Template,
        in_address: bool,
    },
    Xml(Template),
}

/// A JSON value with placeholders in its texts.
#[derive(Debug)]
pub(super) enum Node {
    Text(Template),
    /// `["{to}"]`: a list of the numbers. Holds what is between the quotation marks.
    Numbers(Template),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
    Other(Value),
}

/// What a call sends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// Media type and bytes.
    Body(String, Vec<u8>),
    /// Fields to be added to the address.
    Query(String),
}

/// Where below the body, a stable word, and a sentence.
pub(super) type BodyFault = (String, &'static str, String);

/// The element around fields of XML that name none.
const ROOT: &str = "request";
const MAX_DEPTH: usize = 16;

impl Body {
    pub(super) fn read(
        body: Option<&Value>,
        format: Format,
        charset: Charset,
        secrets: &Secrets,
    ) -> Result<Self, Vec<BodyFault>> {
        let usual = json!({"mobile": "{to}", "content": "{text}"});
        let body = body.unwrap_or(&usual);
        let mut faults = Vec::new();
        let read = match (format, body) {
            (Format::Json, Value::String(text)) => {
                let parsed = serde_json::from_str(text).unwrap_or_else(|error| {
                    faults.push((String::new(), "not_json", format!("the body is not JSON: {error}")));
                    Value::Null
                });
                Self::Json(node(&parsed, String::new(), secrets, &mut faults))
            }
            (Format::Json, body) => Self::Json(node(body, String::new(), secrets, &mut faults)),
            (Format::Form | Format::Query, Value::String(text)) => {
                let text = template(text, String::new(), secrets, &mut faults);
                Self::Written { text, in_address: format == Format::Query }
            }
            (Format::Form | Format::Query, Value::Object(members)) => {
                let fields = members
                    .iter()
                    .map(|(name, value)| {
                        let path = format!("/{}", crate::channel::fields::segment(name));
                        let text = scalar(value).unwrap_or_else(|| {
                            faults.push((path.clone(), "wrong_type", "a field is a text".to_owned()));
                            String::new()
                        });
                        (name.clone(), template(&text, path, secrets, &mut faults))
                    })
                    .collect();
                Self::Fields { fields, in_address: format == Format::Query }
            }
            (Format::Xml, body) => Self::Xml(xml_template(body, charset, secrets, &mut faults)),
            _ => {
                let detail = "the body is a JSON object, or the text itself";
                faults.push((String::new(), "wrong_type", detail.to_owned()));
                Self::Json(Node::Other(Value::Null))
            }
        };
        if faults.is_empty() { Ok(read) } else { Err(faults) }
    }

    /// Every text with placeholders.
    pub(super) fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Json(node) => node.templates(),
            Self::Fields { fields, .. } => fields.iter().map(|(_, value)| value).collect(),
            Self::Written { text, .. } | Self::Xml(text) => vec![text],
        }
    }

    /// `numbers`: those that `{to}` lists.
    pub(super) fn write(
        &self,
        values: &Values<'_>,
        numbers: &[String],
        charset: Charset,
    ) -> Result<Written, Missing> {
        let coded = |text: &str| percent(&charset.encode(text, question_mark));
        let (fields, in_address) = match self {
            Self::Json(node) => {
                let text = node.fill(values, numbers)?.to_string();
                return Ok(body("application/json", charset, charset.encode(&text, json_escape)));
            }
            Self::Xml(text) => {
                let text = text.fill(values, xml_escape)?;
                return Ok(body("application/xml", charset, charset.encode(&text, xml_reference)));
            }
            Self::Written { text, in_address } => (text.fill(values, |value, _| coded(value))?, in_address),
            Self::Fields { fields, in_address } => {
                let pairs: Result<Vec<_>, Missing> = fields
                    .iter()
                    .map(|(name, value)| Ok(format!("{}={}", coded(name), coded(&value.fill_plain(values)?))))
                    .collect();
                (pairs?.join("&"), in_address)
            }
        };
        Ok(if *in_address {
            Written::Query(fields)
        } else {
            body("application/x-www-form-urlencoded", charset, fields.into_bytes())
        })
    }
}

fn body(media_type: &str, charset: Charset, bytes: Vec<u8>) -> Written {
    Written::Body(format!("{media_type}; charset={}", charset.name()), bytes)
}

fn template(text: &str, path: String, secrets: &Secrets, faults: &mut Vec<BodyFault>) -> Template {
    Template::parse(text, secrets).unwrap_or_else(|reason| {
        faults.push((path, "unknown_placeholder", reason));
        Template::default()
    })
}

fn is_numbers(items: &[Value]) -> bool {
    matches!(items, [Value::String(text)] if text == "{to}")
}

fn node(value: &Value, path: String, secrets: &Secrets, faults: &mut Vec<BodyFault>) -> Node {
    match value {
        Value::String(text) => Node::Text(template(text, path, secrets, faults)),
        Value::Array(items) if is_numbers(items) => Node::Numbers(template("{to}", path, secrets, faults)),
        Value::Array(items) => Node::List(
            items
                .iter()
                .enumerate()
                .map(|(at, item)| node(item, format!("{path}/{at}"), secrets, faults))
                .collect(),
        ),
        Value::Object(members) => Node::Object(
            members
                .iter()
                .map(|(name, value)| {
                    let below = format!("{path}/{}", crate::channel::fields::segment(name));
                    (name.clone(), node(value, below, secrets, faults))
                })
                .collect(),
        ),
        other => Node::Other(other.clone()),
    }
}

impl Node {
    fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Text(text) | Self::Numbers(text) => vec![text],
            Self::List(items) => items.iter().flat_map(Self::templates).collect(),
            Self::Object(members) => members.iter().flat_map(|(_, node)| node.templates()).collect(),
            Self::Other(_) => Vec::new(),
        }
    }

    fn fill(&self, values: &Values<'_>, numbers: &[String]) -> Result<Value, Missing> {
        Ok(match self {
            // Escaped when the value is written out.
            Self::Text(text) => text.fill_plain(values)?.into(),
            Self::Numbers(_) => numbers.into(),
            Self::List(items) => {
                items.iter().map(|item| item.fill(values, numbers)).collect::<Result<Vec<_>, _>>()?.into()
            }
            Self::Object(members) => {
                let mut filled = Map::new();
                for (name, node) in members {
                    filled.insert(name.clone(), node.fill(values, numbers)?);
                }
                filled.into()
            }
            Self::Other(value) => value.clone(),
        })
    }
}

/// XML as written, or an object's members as elements; a declaration is put before it where it has none.
fn xml_template(body: &Value, charset: Charset, secrets: &Secrets, faults: &mut Vec<BodyFault>) -> Template {
    let mut text = String::new();
    match body {
        Value::String(written) => text.push_str(written.trim()),
        Value::Object(members) => {
            let root = members.iter().next().filter(|(_, value)| members.len() == 1 && value.is_object());
            let result = match root {
                Some((name, value)) => write_element(name, value, 0, &mut text),
                None => write_element(ROOT, body, 0, &mut text),
            };
            if let Err(detail) = result {
                faults.push((String::new(), "not_xml", detail));
                return Template::default();
            }
        }
        _ => {
            faults.push((
                String::new(),
                "wrong_type",
                "the body is a JSON object, or the XML itself".to_owned(),
            ));
            return Template::default();
        }
    }
    if let Err(reason) = xml::read(&without_placeholders(&text)) {
        faults.push((String::new(), "not_xml", format!("the body is not XML: {reason}")));
        return Template::default();
    }
    if !text.starts_with("<?xml") {
        text.insert_str(
            0,
            &format!("<?xml version=\"1.0\" encoding=\"{}\"?>", charset.name().to_uppercase()),
        );
    }
    template(&text, String::new(), secrets, faults)
}

/// Placeholders are as good as text: their braces mean nothing to XML, save in the names of elements.
fn without_placeholders(text: &str) -> String {
    text.replace(['{', '}'], "")
}

fn write_element(name: &str, value: &Value, depth: usize, text: &mut String) -> Result<(), String> {
    let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || "_-.:".contains(c));
    if !is_name {
        return Err(format!("`{name}` cannot name an element"));
    }
    if depth > MAX_DEPTH {
        return Err("elements are nested too deeply".to_owned());
    }
    if let Value::Array(items) = value {
        return items.iter().try_for_each(|item| write_element(name, item, depth + 1, text));
    }
    text.push_str(&format!("<{name}>"));
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                write_element(name, value, depth + 1, text)?;
            }
        }
        value => text.push_str(&xml_escape(&scalar(value).unwrap_or_default(), "")),
    }
    text.push_str(&format!("</{name}>"));
    Ok(())
}

/// A value's text where it stands: as character data, or within CDATA that `before` has opened.
fn xml_escape(value: &str, before: &str) -> String {
    // XML 1.0 §2.2 has no way to write other control characters.
    let allowed: String =
        value.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r')).collect();
    let is_cdata = match (before.rfind("<![CDATA["), before.rfind("]]>")) {
        (Some(opened), Some(closed)) => opened > closed,
        (opened, None) => opened.is_some(),
        (None, _) => false,
    };
    if is_cdata {
        return allowed.replace("]]>", "]]]]><![CDATA[>");
    }
    let mut escaped = String::with_capacity(allowed.len());
    for c in allowed.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audience::Params;

    /// Everything that could end a string, a field or an element.
    const TEXT: &str = "a\"b\\c\n<d>&e=f+g%'钟😀]]>";

    fn written(format: Format, charset: Charset, body: &Value) -> Written {
        let (params, secrets) = (Params::new(), Secrets::new());
        let values = Values {
            to: "1,2".to_owned(),
            text: TEXT,
            sign: "",
            id: "",
            timestamp: String::new(),
            nonce: String::new(),
            signature: String::new(),
            params: &params,
            secrets: &secrets,
        };
        let numbers = ["1".to_owned(), "2".to_owned()];
        let body = Body::read(Some(body), format, charset, &secrets).unwrap();
        body.write(&values, &numbers, charset).unwrap()
    }

    fn bytes(format: Format, charset: Charset, body: &Value) -> (String, Vec<u8>) {
        match written(format, charset, body) {
            Written::Body(media_type, bytes) => (media_type, bytes),
            Written::Query(query) => panic!("{query}"),
        }
    }

    #[test]
    fn json_comes_back_as_it_was_in_both_encodings() {
        let body = json!({"to": "{to}", "all": ["{to}"], "some": ["{to}", 1], "text": "[{text}]", "n": 5, "no": null});
        let expected = json!({
            "to": "1,2", "all": ["1", "2"], "some": ["1,2", 1], "text": format!("[{TEXT}]"), "n": 5, "no": null,
        });
        let (media_type, utf8) = bytes(Format::Json, Charset::Utf8, &body);
        assert_eq!(media_type, "application/json; charset=utf-8");
        assert_eq!(serde_json::from_slice::<Value>(&utf8).unwrap(), expected);
        let (media_type, gbk) = bytes(Format::Json, Charset::Gbk, &body);
        let (text, _, lost) = encoding_rs::GBK.decode(&gbk);
        assert!(!lost && media_type.ends_with("charset=gbk"));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
        let as_text = json!("{\"to\": \"{to}\"}");
        assert_eq!(bytes(Format::Json, Charset::Utf8, &as_text).1, b"{\"to\":\"1,2\"}");
    }

    #[test]
    fn forms_and_addresses_come_back_as_they_were() {
        let body = json!({"mobile": "{to}", "内容": "{text}", "ext": 7});
        let (media_type, form) = bytes(Format::Form, Charset::Utf8, &body);
        assert_eq!(media_type, "application/x-www-form-urlencoded; charset=utf-8");
        let fields: Vec<_> = url::form_urlencoded::parse(&form).into_owned().collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(fields, [pair("ext", "7"), pair("mobile", "1,2"), pair("内容", TEXT)]);
        let Written::Query(query) = written(Format::Query, Charset::Gbk, &json!("m={to}&c={text}")) else {
            panic!("no query");
        };
        assert!(query.starts_with("m=1%2C2&c=a%22b%5Cc%0A") && query.contains("%D6%D3%3F"), "{query}");
    }

    #[test]
    fn xml_comes_back_as_it_was() {
        let read = |body: &Value, charset: Charset| {
            let (media_type, bytes) = bytes(Format::Xml, charset, body);
            assert!(media_type.starts_with("application/xml"));
            xml::read(&charset.decode(&bytes, Some(&media_type))).unwrap()
        };
        for charset in [Charset::Utf8, Charset::Gbk] {
            let fields = read(&json!({"mobile": "{to}", "content": "{text}", "n": [1, 2]}), charset);
            assert_eq!(fields, json!({"request": {"mobile": "1,2", "content": TEXT, "n": ["1", "2"]}}));
            let rooted = read(&json!({"sms": {"to": {"number": "{to}"}}}), charset);
            assert_eq!(rooted, json!({"sms": {"to": {"number": "1,2"}}}));
            let plain = read(&json!("<sms n=\"{text}\"><to>{to}</to><c>{text}</c></sms>"), charset);
            // XML 1.0 §3.3.3 makes a line break in an attribute a space.
            assert_eq!(plain["sms"]["@n"].as_str().unwrap().replace(' ', "\n"), TEXT.replace(' ', "\n"));
            assert_eq!(plain["sms"]["c"], TEXT);
        }
        let data = read(&json!("<sms><to>{to}</to><c><![CDATA[{text}]]></c></sms>"), Charset::Utf8);
        assert_eq!(data["sms"]["c"], TEXT);
    }
}
