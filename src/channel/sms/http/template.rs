//! Texts with placeholders: what changes from call to call in a gateway's request.

use std::borrow::Cow;
use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::domain::audience::Params;

/// The gateway's credentials by the names its settings give them.
pub(super) type Secrets = BTreeMap<String, SecretString>;

/// What stands between braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Placeholder {
    /// The numbers, with the separator between them.
    To,
    /// What the SMS says.
    Text,
    /// The sender's name.
    Sign,
    /// Ours of the call.
    Id,
    /// Seconds since 1970.
    Timestamp,
    Nonce,
    /// The call's signature.
    Signature,
    /// A variable of the message.
    Param(String),
    Secret(String),
}

const NAMES: &str =
    "{to}, {text}, {sign}, {params.x}, {id}, {timestamp}, {nonce}, {signature} and {secret.x}";

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(Placeholder),
}

/// A text with placeholders. Braces around anything that cannot be a name, such as `{"a": 1}`, are text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Template {
    pieces: Vec<Piece>,
}

/// What a call has for the placeholders.
pub(super) struct Values<'v> {
    pub(super) to: String,
    pub(super) text: &'v str,
    pub(super) sign: &'v str,
    pub(super) id: &'v str,
    pub(super) timestamp: String,
    pub(super) nonce: String,
    pub(super) signature: String,
    pub(super) params: &'v Params,
    pub(super) secrets: &'v Secrets,
}

/// The message does not have this variable.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Missing(pub(super) String);

impl Values<'_> {
    fn get(&self, placeholder: &Placeholder) -> Result<Cow<'_, str>, Missing> {
        Ok(match placeholder {
            Placeholder::To => self.to.as_str().into(),
            Placeholder::Text => self.text.into(),
            Placeholder::Sign => self.sign.into(),
            Placeholder::Id => self.id.into(),
            Placeholder::Timestamp => self.timestamp.as_str().into(),
            Placeholder::Nonce => self.nonce.as_str().into(),
            Placeholder::Signature => self.signature.as_str().into(),
            Placeholder::Param(name) => match self.params.get(name) {
                Some(Value::String(text)) => text.as_str().into(),
                Some(value) => value.to_string().into(),
                None => return Err(Missing(name.clone())),
            },
            // Names were checked when the settings were read.
            Placeholder::Secret(name) => {
                self.secrets.get(name).map_or("", |secret| secret.expose_secret()).into()
            }
        })
    }
}

impl Template {
    /// Fails with a sentence on a name that is no placeholder's, or a secret that is not there.
    pub(super) fn parse(text: &str, secrets: &Secrets) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            plain.push_str(&rest[..at]);
            rest = &rest[at..];
            match rest[1..].find('}').map(|end| &rest[1..=end]).filter(|name| is_name(name)) {
                Some(name) => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(Piece::Value(placeholder(name, secrets)?));
                    rest = &rest[name.len() + 2..];
                }
                None => {
                    plain.push('{');
                    rest = &rest[1..];
                }
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self { pieces })
    }

    pub(super) fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Value(placeholder) => Some(placeholder),
            Piece::Text(_) => None,
        })
    }

    pub(super) fn uses(&self, placeholder: &Placeholder) -> bool {
        self.placeholders().any(|used| used == placeholder)
    }

    pub(super) fn uses_params(&self) -> bool {
        self.placeholders().any(|used| matches!(used, Placeholder::Param(_)))
    }

    /// With variables of the message alone.
    pub(super) fn fill_params(&self, params: &Params) -> Result<String, Missing> {
        let secrets = Secrets::new();
        let none = String::new;
        self.fill_plain(&Values {
            to: none(),
            text: "",
            sign: "",
            id: "",
            timestamp: none(),
            nonce: none(),
            signature: none(),
            params,
            secrets: &secrets,
        })
    }

    /// With each value put through `escape`, which knows the text around it that was written so far.
    pub(super) fn fill(
        &self,
        values: &Values<'_>,
        escape: impl Fn(&str, &str) -> String,
    ) -> Result<String, Missing> {
        let mut filled = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Value(placeholder) => {
                    let value = escape(&values.get(placeholder)?, &filled);
                    filled.push_str(&value);
                }
            }
        }
        Ok(filled)
    }

    /// With the values as they are.
    pub(super) fn fill_plain(&self, values: &Values<'_>) -> Result<String, Missing> {
        self.fill(values, |value, _| value.to_owned())
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "{\"':,;()<>[]".contains(c))
}

fn placeholder(name: &str, secrets: &Secrets) -> Result<Placeholder, String> {
    Ok(match name {
        "to" => Placeholder::To,
        "text" => Placeholder::Text,
        "sign" => Placeholder::Sign,
        "id" => Placeholder::Id,
        "timestamp" => Placeholder::Timestamp,
        "nonce" => Placeholder::Nonce,
        "signature" => Placeholder::Signature,
        _ => match name.split_once('.') {
            Some(("params", name)) if !name.is_empty() => Placeholder::Param(name.to_owned()),
            Some(("secret", name)) if secrets.contains_key(name) => Placeholder::Secret(name.to_owned()),
            Some(("secret", name)) => return Err(format!("there is no `{name}` under `secrets`")),
            _ => return Err(format!("there is no placeholder {{{name}}}; there are {NAMES}")),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        BTreeMap::from([("key".to_owned(), "hunter2".into())])
    }

    fn filled(text: &str) -> Result<String, Missing> {
        let params = Params::from([("room".to_owned(), "教三".into()), ("seats".to_owned(), 40.into())]);
        let secrets = secrets();
        let values = Values {
            to: "1,2".to_owned(),
            text: "{sign} 考试",
            sign: "钟楼",
            id: "dlv_1",
            timestamp: "1790000000".to_owned(),
            nonce: "ab".to_owned(),
            signature: "cd".to_owned(),
            params: &params,
            secrets: &secrets,
        };
        Template::parse(text, &secrets).unwrap().fill(&values, |value, _| format!("<{value}>"))
    }

    #[test]
    fn every_placeholder_is_filled_in_and_what_it_says_is_not_read_again() {
        let all = "{to}{text}{sign}{params.room}{params.seats}{id}{timestamp}{nonce}{signature}{secret.key}";
        assert_eq!(
            filled(all).unwrap(),
            "<1,2><{sign} 考试><钟楼><教三><40><dlv_1><1790000000><ab><cd><hunter2>"
        );
        assert_eq!(filled("a{to}b{to}").unwrap(), "a<1,2>b<1,2>");
        assert_eq!(filled("{params.teacher}"), Err(Missing("teacher".to_owned())));
    }

    #[test]
    fn braces_that_hold_no_name_are_text() {
        for text in ["{}", "{", "}", "{ to }", r#"{"to": "x"}"#, "{0}", "{a:b}", "{to", "{{", "x{\n}"] {
            assert_eq!(filled(text).unwrap(), text);
        }
        assert_eq!(filled("{{to}}").unwrap(), "{<1,2>}");
    }

    #[test]
    fn names_that_mean_nothing_are_refused() {
        for (text, reason) in [
            ("{mobile}", "there is no placeholder {mobile}"),
            ("{params.}", "there is no placeholder {params.}"),
            ("{secret.other}", "there is no `other` under `secrets`"),
        ] {
            let said = Template::parse(text, &secrets()).unwrap_err();
            assert!(said.starts_with(reason), "{said}");
        }
    }
}
