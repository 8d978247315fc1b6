//! What a call asks for, whether it comes as JSON, a form, XML or in the address.

use encoding_rs::{Encoding, UTF_8};
use quick_xml::events::Event;
use serde_json::Value;

use super::SmsRequest;
use super::signature::Part;

/// The names of the fields that matter. Others are kept and not looked at.
const NUMBERS: [&str; 4] = ["mobile", "mobiles", "phone", "to"];
const TEXTS: [&str; 3] = ["content", "text", "msg"];

/// A call taken apart.
#[derive(Debug)]
pub(super) struct Call {
    encoding: &'static Encoding,
    /// By name, in the order they came; nested ones too.
    fields: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    pub(super) numbers: Vec<String>,
    pub(super) text: String,
}

impl Call {
    /// `None`: it cannot be read, or says not to whom.
    pub(super) fn read(request: &SmsRequest) -> Option<Self> {
        let media_type = request.header("content-type").unwrap_or_default().to_ascii_lowercase();
        let query = request.target.split_once('?').map_or("", |(_, query)| query);
        let named = media_type.split_once("charset=").map(|(_, name)| name.trim_matches('"'));
        let named = named.or_else(|| query.contains("charset=gbk").then_some("gbk"));
        let encoding = named.and_then(|name| Encoding::for_label(name.as_bytes())).unwrap_or(UTF_8);
        let mut fields = form(query.as_bytes(), encoding);
        if media_type.contains("json") {
            let text = encoding.decode(&request.body).0;
            flatten("", &serde_json::from_str(&text).ok()?, &mut fields);
        } else if media_type.contains("xml") {
            xml(&encoding.decode(&request.body).0, &mut fields)?;
        } else {
            fields.extend(form(&request.body, encoding));
        }
        let first = |names: &[&str]| {
            let found = fields.iter().find(|(name, _)| names.contains(&name.as_str()));
            found.map(|(_, value)| value.clone())
        };
        let numbers: Vec<_> = first(&NUMBERS)?
            .split([',', ';', '|', ' '])
            .filter(|number| !number.is_empty())
            .map(national)
            .collect();
        let text = first(&TEXTS).unwrap_or_default();
        let headers = request.headers.clone();
        (!numbers.is_empty()).then_some(Self { encoding, fields, headers, numbers, text })
    }

    /// What the call says there.
    pub(super) fn part(&self, part: &Part) -> Option<String> {
        let (among, name) = match part {
            Part::Text(text) => return Some(text.clone()),
            Part::Field(name) => (&self.fields, name),
            Part::Header(name) => (&self.headers, name),
        };
        among.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    }

    /// The same in the bytes it came in.
    pub(super) fn part_bytes(&self, part: &Part) -> Vec<u8> {
        self.encoding.encode(&self.part(part).unwrap_or_default()).0.into_owned()
    }

    /// The customer's own id of the call, if it has one.
    pub(super) fn client_id(&self) -> Option<String> {
        self.part(&Part::Field("id".to_owned()))
    }
}

/// A number as this gateway's receipts write it: of the mainland without its country, others with `00`.
fn national(number: &str) -> String {
    let abroad = number.strip_prefix('+').or_else(|| number.strip_prefix("00"));
    let digits = abroad.unwrap_or(number);
    match digits.strip_prefix("86") {
        Some(mainland) if mainland.len() == 11 => mainland.to_owned(),
        _ if abroad.is_none() => digits.to_owned(),
        _ => format!("00{digits}"),
    }
}

fn form(bytes: &[u8], encoding: &'static Encoding) -> Vec<(String, String)> {
    let decoded = |text: &[u8]| -> String {
        let text = String::from_utf8_lossy(text).replace('+', " ");
        encoding.decode(&unescape(text.as_bytes())).0.into_owned()
    };
    bytes
        .split(|byte| *byte == b'&')
        .filter(|field| !field.is_empty())
        .map(|field| {
            let mut halves = field.splitn(2, |byte| *byte == b'=');
            let mut half = || decoded(halves.next().unwrap_or_default());
            (half(), half())
        })
        .collect()
}

fn unescape(text: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut bytes = Vec::new();
    let mut at = 0;
    while at < text.len() {
        match (text[at], digit(text.get(at + 1)), digit(text.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                bytes.push(byte);
                at += 1;
            }
        }
    }
    bytes
}

/// Lists of plain values become one text.
fn flatten(name: &str, value: &Value, fields: &mut Vec<(String, String)>) {
    let plain = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| flatten(name, value, fields)),
        Value::Array(items) => match items.iter().map(plain).collect::<Option<Vec<_>>>() {
            Some(texts) => fields.push((name.to_owned(), texts.join(","))),
            None => items.iter().for_each(|item| flatten(name, item, fields)),
        },
        value => fields.extend(plain(value).map(|text| (name.to_owned(), text))),
    }
}

fn xml(text: &str, fields: &mut Vec<(String, String)>) -> Option<()> {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut open: Vec<(String, String)> = Vec::new();
    let push = |open: &mut Vec<(String, String)>, text: &str| {
        if let Some((_, content)) = open.last_mut() {
            content.push_str(text);
        }
    };
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => open.push((start.local_name().into_inner().to_owned(), String::new())),
            Event::End(_) => fields.extend(open.pop()),
            Event::Text(text) => push(&mut open, &text),
            Event::CData(text) => push(&mut open, &text),
            Event::GeneralRef(reference) => {
                let meant = quick_xml::escape::unescape(&format!("&{};", &*reference)).ok()?.into_owned();
                push(&mut open, &meant);
            }
            Event::Eof => return Some(()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: &str, target: &str, media_type: &str, body: &[u8]) -> Option<(Vec<String>, String)> {
        let request = SmsRequest {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: vec![("Content-Type".to_owned(), media_type.to_owned())],
            body: body.to_vec(),
            ..SmsRequest::default()
        };
        Call::read(&request).map(|call| (call.numbers, call.text))
    }

    #[test]
    fn a_call_says_the_same_in_every_form() {
        let expected =
            Some((vec!["13800000001".to_owned(), "0085261234567".to_owned()], "钟 <&>".to_owned()));
        let json = r#"{"account": "a", "data": {"mobile": ["+8613800000001", "0085261234567"], "content": "钟 <&>"}}"#;
        assert_eq!(read("POST", "/send", "application/json", json.as_bytes()), expected);
        let form = b"mobile=008613800000001;%2B85261234567&content=%D6%D3+%3C%26%3E";
        assert_eq!(read("POST", "/", "application/x-www-form-urlencoded; charset=gbk", form), expected);
        let xml =
            "<r><mobile>13800000001,+85261234567</mobile><content>钟 &lt;&#38;<![CDATA[>]]></content></r>";
        assert_eq!(read("POST", "/", "text/xml; charset=utf-8", xml.as_bytes()), expected);
        let query = "/send?mobile=13800000001,0085261234567&content=%E9%92%9F%20%3C%26%3E";
        assert_eq!(read("GET", query, "", b""), expected);
    }

    #[test]
    fn what_is_no_call_is_seen() {
        for (media_type, body) in [
            ("application/json", "{"),
            ("application/json", r#"{"content": "x"}"#),
            ("text/xml", "<a></b>"),
            ("application/x-www-form-urlencoded", "mobile=&content=x"),
        ] {
            assert_eq!(read("POST", "/", media_type, body.as_bytes()), None, "{body}");
        }
    }
}
