//! Texts to bytes and back, in the two encodings that gateways of the mainland speak.

use std::borrow::Cow;

use encoding_rs::{Encoding, GBK, UTF_8};

/// How a gateway wants its texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    Utf8,
    Gbk,
}

impl Charset {
    /// As media types and XML name it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Gbk => "gbk",
        }
    }

    /// The text's bytes; what the encoding does not have, such as an emoji, is written as `instead` says, in ASCII.
    pub(super) fn encode(self, text: &str, instead: impl Fn(char) -> String) -> Vec<u8> {
        let encoding = match self {
            Self::Utf8 => return text.as_bytes().to_vec(),
            Self::Gbk => GBK,
        };
        let (bytes, _, has_others) = encoding.encode(text);
        if !has_others {
            return bytes.into_owned();
        }
        let mut all = Vec::with_capacity(bytes.len());
        for c in text.chars() {
            let mut room = [0; 4];
            let (bytes, _, is_other) = encoding.encode(c.encode_utf8(&mut room));
            if is_other {
                all.extend(instead(c).bytes());
            } else {
                all.extend_from_slice(&bytes);
            }
        }
        all
    }

    /// A text that came with this media type: in the encoding it names, else in the one an XML declaration names, else
    /// UTF-8 if it is that, else this one. What cannot be read is replaced.
    pub(super) fn decode(self, bytes: &[u8], content_type: Option<&str>) -> String {
        let named = content_type.and_then(|text| parameter(text, "charset")).or_else(|| declared(bytes));
        let encoding = match (named.as_deref().and_then(|name| Encoding::for_label(name.as_bytes())), self) {
            (Some(encoding), _) => encoding,
            (None, Self::Gbk) if std::str::from_utf8(bytes).is_err() => GBK,
            (None, _) => UTF_8,
        };
        let (text, _, _) = encoding.decode(bytes);
        text.into_owned()
    }
}

/// What takes the place of a character where no other spelling of it is understood.
pub(super) fn question_mark(_: char) -> String {
    "?".to_owned()
}

/// RFC 8259 §7.
pub(super) fn json_escape(c: char) -> String {
    let mut room = [0; 2];
    c.encode_utf16(&mut room).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

pub(super) fn xml_reference(c: char) -> String {
    format!("&#{};", u32::from(c))
}

/// The reverse of [`percent`](crate::channel::sms::encode::percent), with `+` for a space as forms have it.
pub(super) fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let hex = || std::str::from_utf8(text.get(at + 1..at + 3)?).ok().filter(|h| !h.starts_with('+'));
        match (text[at], hex().and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                at += 2;
            }
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(byte),
        }
        at += 1;
    }
    bytes
}

/// A parameter of a media type.
fn parameter<'t>(content_type: &'t str, name: &str) -> Option<Cow<'t, str>> {
    content_type.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').into())
    })
}

/// The encoding of `<?xml version="1.0" encoding="GBK"?>`.
fn declared(bytes: &[u8]) -> Option<Cow<'static, str>> {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    let declaration = start.trim_start().strip_prefix("<?xml")?.split_once("?>")?.0.to_owned();
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start().to_owned();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some(value[1..].split(quote).next()?.to_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::sms::encode::percent;

    #[test]
    fn gbk_is_two_bytes_a_character_and_others_are_spelt_out() {
        // 钟 is D6D3 in GBK.
        assert_eq!(Charset::Gbk.encode("钟a", question_mark), [0xd6, 0xd3, b'a']);
        assert_eq!(Charset::Gbk.encode("钟😀", question_mark), [0xd6, 0xd3, b'?']);
        assert_eq!(Charset::Gbk.encode("😀", json_escape), b"\\ud83d\\ude00");
        assert_eq!(Charset::Gbk.encode("😀", xml_reference), b"&#128512;");
        assert_eq!(Charset::Utf8.encode("钟😀", question_mark), "钟😀".as_bytes());
    }

    #[test]
    fn an_answer_is_read_in_the_encoding_it_names_or_has() {
        let gbk = Charset::Gbk.encode("成功", question_mark);
        let read = |charset: Charset, bytes: &[u8], named| charset.decode(bytes, named);
        assert_eq!(read(Charset::Utf8, &gbk, Some("text/plain; Charset=\"GBK\"")), "成功");
        assert_eq!(read(Charset::Gbk, &gbk, Some("application/json")), "成功");
        assert_eq!(
            read(Charset::Gbk, "成功".as_bytes(), None),
            "成功",
            "it is UTF-8, whatever was asked for"
        );
        assert_eq!(read(Charset::Utf8, b"\xef\xbb\xbfok", None), "ok", "without its mark");
        let mut xml = b"<?xml version='1.0' encoding='gb2312'?><a>".to_vec();
        xml.extend_from_slice(&gbk);
        assert!(read(Charset::Utf8, &xml, Some("text/xml")).ends_with("<a>成功"));
        assert_eq!(read(Charset::Utf8, b"\xff", None), "\u{fffd}");
    }

    #[test]
    fn percent_codes_go_both_ways() {
        let text = "a b&钟+~%".as_bytes();
        assert_eq!(percent_decoded(percent(text).as_bytes()), text);
        assert_eq!(percent_decoded(b"a+b%2"), b"a b%2");
        assert_eq!(percent_decoded(b"%zz%+1%"), b"%zz% 1%");
    }
}
