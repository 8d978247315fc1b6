//! A stored text with variables, as it is written.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::content::{Content, Variant};
use super::fields::{Fields, pointer};
use super::group::is_slug;
use crate::error::{Fault, Result};

const LONGEST_NAME: usize = 200;

/// A template, checked: all its texts can be filled in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TemplateInput {
    pub slug: String,
    pub name: String,
    pub content: Content,
}

impl TemplateInput {
    /// Reads the body `{name, title, body, variants?}` about the template `slug`.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Invalid`] with every fault of the body, those of the templates' syntax included.
    pub fn read(slug: &str, body: &Value) -> Result<Self> {
        let mut fields = Fields::of(body)?;
        if !is_slug(slug) {
            let detail = "1 to 64 of `a-z`, `0-9`, `-` and `_`, a letter or digit first";
            fields.fault("slug", "bad_slug", detail);
        }
        let name = fields.required("name", LONGEST_NAME);
        let mut wrong = Vec::new();
        let mut content = Content {
            title: text(fields.value("title"), "/title", &mut wrong).unwrap_or_default(),
            body: text(fields.value("body"), "/body", &mut wrong).unwrap_or_default(),
            variants: variants(fields.value("variants"), &mut wrong),
            ..Content::default()
        };
        content.clean();
        let broken = content.variables().err().unwrap_or_default();
        for fault in content.faults().into_iter().chain(broken) {
            // What was left out because it was of the wrong kind is not missing as well.
            if !wrong.iter().any(|known| known.pointer == fault.pointer) {
                wrong.push(fault);
            }
        }
        fields.extend(wrong);
        fields.finish()?;
        Ok(Self { slug: slug.to_owned(), name, content })
    }
}

fn text(value: Option<&Value>, at: &str, faults: &mut Vec<Fault>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        _ => {
            faults.push(Fault::new(at, "not_a_string", "send a string"));
            None
        }
    }
}

fn variants(value: Option<&Value>, faults: &mut Vec<Fault>) -> BTreeMap<String, Variant> {
    let mut read = BTreeMap::new();
    let Some(value) = value else { return read };
    let Some(object) = value.as_object() else {
        faults.push(Fault::new("/variants", "not_an_object", "send an object of variants by name"));
        return read;
    };
    for (key, variant) in object {
        let at = format!("/variants{}", pointer(key));
        let Some(fields) = variant.as_object() else {
            faults.push(Fault::new(at, "not_an_object", "send an object with `title`, `body` or both"));
            continue;
        };
        for name in fields.keys().filter(|name| !matches!(name.as_str(), "title" | "body")) {
            let at = format!("{at}{}", pointer(name));
            faults.push(Fault::new(at, "unknown_field", "a variant has `title`, `body` or both"));
        }
        let mut part = |name: &str| text(fields.get(name), &format!("{at}/{name}"), faults);
        read.insert(key.clone(), Variant { title: part("title"), body: part("body") });
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use serde_json::json;

    #[test]
    fn a_template_is_read() {
        let body = json!({
            "name": "图书到期", "title": "{{ book }} 到期", "body": "请于 {{ due }} 前归还。\r\n谢谢",
            "variants": {"sms": {"body": "{{ book }} {{ due }}"}, "en": {"title": "{{ book }} is due", "body": null}},
        });
        let template = TemplateInput::read("due", &body).unwrap();
        assert_eq!(template.content.body, "请于 {{ due }} 前归还。\n谢谢");
        assert_eq!(template.content.variants["en"].title.as_deref(), Some("{{ book }} is due"));
        assert_eq!(template.content.variables().unwrap().all.len(), 2);
    }

    #[test]
    fn every_fault_is_told_once_at_its_place() {
        let body = json!({
            "title": 7, "body": "{{ broken", "colour": 1,
            "variants": {"f@x": {"body": "x"}, "sms": 3, "email": {"subject": "x", "title": []}},
        });
        let Err(Error::Invalid(faults)) = TemplateInput::read("No", &body) else { panic!("taken") };
        let mut found: Vec<_> = faults.iter().map(|f| (f.pointer.as_str(), &*f.code)).collect();
        found.sort_unstable();
        assert_eq!(
            found,
            [
                ("/body", "template_syntax"),
                ("/colour", "unknown_field"),
                ("/name", "required"),
                ("/slug", "bad_slug"),
                ("/title", "not_a_string"),
                ("/variants/email", "required"),
                ("/variants/email/subject", "unknown_field"),
                ("/variants/email/title", "not_a_string"),
                ("/variants/f@x", "unknown_variant"),
                ("/variants/sms", "not_an_object"),
            ]
        );
    }
}
