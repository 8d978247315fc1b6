//! A stored text with variables, as it is written.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::audience::Params;
use super::content::{Content, Variables, Variant};
use super::fields::{Fields, pointer};
use super::group::is_slug;
use super::id::ProviderId;
use crate::error::{Error, Fault, Result};

use super::content::template::MAX_PARAMS;
const LONGEST_NAME: usize = 200;

/// A template, checked: all its texts can be filled in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TemplateInput {
    pub slug: String,
    pub name: String,
    pub content: Content,
    /// Values that stand for its variables where somebody looks at it; no message gets them.
    pub samples: Params,
}

/// What a new version would do to those who name the template with their variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breaking {
    /// They have to give these from then on.
    pub asked: Vec<String>,
    /// They may not give these any more.
    pub dropped: Vec<String>,
    /// Vendors' templates that are filled from it and would not be any more as they were meant.
    pub mappings: Vec<BrokenMapping>,
}

/// What a new version would do to the vendor's template that a provider fills from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenMapping {
    pub provider: ProviderId,
    /// The provider's.
    pub name: String,
    /// The vendor's id of its template.
    pub template: String,
    /// It is filled with these, which are gone: no message is sent by it any more.
    pub gone: Vec<String>,
    /// It is filled with these, which messages may leave out from then on: those that do are not sent by it.
    pub unsure: Vec<String>,
    /// These are new, and it does not say them.
    pub unsaid: Vec<String>,
}

impl BrokenMapping {
    /// Of which nothing is broken so far.
    pub const fn of(provider: ProviderId, name: String, template: String) -> Self {
        Self { provider, name, template, gone: Vec::new(), unsure: Vec::new(), unsaid: Vec::new() }
    }

    pub fn is_whole(&self) -> bool {
        self.gone.is_empty() && self.unsure.is_empty() && self.unsaid.is_empty()
    }

    fn word(&self) -> String {
        let Self { provider, template, gone, unsure, unsaid, .. } = self;
        json!([provider.0, template, gone, unsure, unsaid]).to_string()
    }
}

impl Breaking {
    pub fn between(before: &Variables, after: &Variables) -> Self {
        let needed =
            |variables: &Variables| -> Vec<String> { variables.needed().map(str::to_owned).collect() };
        let before_needed = needed(before);
        Self {
            asked: needed(after).into_iter().filter(|name| !before_needed.contains(name)).collect(),
            dropped: before.all.difference(&after.all).cloned().collect(),
            mappings: Vec::new(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.breaks_no_call() && self.mappings.is_empty()
    }

    /// Whoever names it today may go on as before.
    pub fn breaks_no_call(&self) -> bool {
        self.asked.is_empty() && self.dropped.is_empty()
    }

    /// As a word: whoever agreed to this has not agreed to anything else.
    pub fn word(&self) -> String {
        let mappings = self.mappings.iter().map(|mapping| format!("/{}", mapping.word()));
        format!("{}/{}{}", self.asked.join(","), self.dropped.join(","), mappings.collect::<String>())
    }
}

impl TemplateInput {
    /// Reads the body `{name, title, body, link?, variants?}` about the template `slug`.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Invalid`] with every fault of the body, those of the templates' syntax included.
    pub fn read(slug: &str, body: &Value) -> Result<Self> {
        let mut fields = Fields::of(body)?;
        let input = Self::known(&mut fields, slug.to_owned());
        fields.finish()?;
        Ok(input)
    }

    /// Reads a document of several, `{templates: [{slug, name, …}]}`, or of one, `{slug, name, …}`.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] with every fault of all of them, at its place in the document.
    pub fn read_all(document: &Value) -> Result<Vec<Self>> {
        if document.get("templates").is_none() {
            return Self::read_named(document).map(|one| vec![one]);
        }
        let mut fields = Fields::of(document)?;
        let entries = match fields.value("templates") {
            Some(Value::Array(entries)) if !entries.is_empty() => entries.as_slice(),
            _ => {
                fields.fault("templates", "required", "a list of at least one template");
                &[]
            }
        };
        let mut read: Vec<Self> = Vec::with_capacity(entries.len());
        for (i, entry) in entries.iter().enumerate() {
            let at = format!("/templates/{i}");
            match Self::read_named(entry) {
                Ok(one) if read.iter().any(|before| before.slug == one.slug) => {
                    let detail = format!("`{}` stands in the document twice", one.slug);
                    fields.extend([Fault::new(format!("{at}/slug"), "duplicate", detail)]);
                }
                Ok(one) => read.push(one),
                Err(Error::Invalid(faults)) => fields.extend(
                    faults
                        .into_iter()
                        .map(|fault| Fault { pointer: format!("{at}{}", fault.pointer), ..fault }),
                ),
                Err(other) => return Err(other),
            }
        }
        fields.finish()?;
        Ok(read)
    }

    fn read_named(entry: &Value) -> Result<Self> {
        let mut fields = Fields::of(entry)?;
        let slug = fields.required("slug", LONGEST_NAME);
        let input = Self::known(&mut fields, slug);
        fields.finish()?;
        Ok(input)
    }

    fn known(fields: &mut Fields<'_>, slug: String) -> Self {
        // Where it is missing, that is told already.
        if !slug.is_empty() && !is_slug(&slug) {
            let detail = "1 to 64 of `a-z`, `0-9`, `-` and `_`, a letter or digit first";
            fields.fault("slug", "bad_slug", detail);
        }
        let name = fields.required("name", LONGEST_NAME);
        let mut wrong = Vec::new();
        let mut content = Content {
            title: text(fields.value("title"), "/title", &mut wrong).unwrap_or_default(),
            body: text(fields.value("body"), "/body", &mut wrong).unwrap_or_default(),
            variants: variants(fields.value("variants"), &mut wrong),
            link: text(fields.value("link"), "/link", &mut wrong),
            ..Content::default()
        };
        content.clean();
        let samples = samples(fields.value("samples"), &mut wrong);
        let broken = content.variables().err().unwrap_or_default();
        let missing: Vec<_> = wrong.iter().map(|fault| fault.pointer.clone()).collect();
        for fault in content.faults().into_iter().chain(broken) {
            // What was left out because it was of the wrong kind is not missing as well.
            if !missing.contains(&fault.pointer) {
                wrong.push(fault);
            }
        }
        fields.extend(wrong);
        Self { slug, name, content, samples }
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

fn samples(value: Option<&Value>, faults: &mut Vec<Fault>) -> Params {
    match value {
        None | Some(Value::Null) => Params::new(),
        Some(Value::Object(values)) => {
            let values: Params = values.clone().into_iter().collect();
            if serde_json::to_string(&values).map_or(0, |text| text.len()) > MAX_PARAMS {
                faults.push(Fault::new("/samples", "too_long", format!("at most {MAX_PARAMS} bytes")));
            }
            values
        }
        Some(_) => {
            faults.push(Fault::new("/samples", "not_an_object", "send an object of values by variable"));
            Params::new()
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

    #[test]
    fn a_template_is_read() {
        let body = json!({
            "name": "图书到期", "title": "{{ book }} 到期", "body": "请于 {{ due }} 前归还。\r\n谢谢",
            "variants": {"sms": {"body": "{{ book }} {{ due }}"}, "en": {"title": "{{ book }} is due", "body": null}},
            "link": "https://lib.example.edu/loans",
        });
        let template = TemplateInput::read("due", &body).unwrap();
        assert_eq!(template.content.body, "请于 {{ due }} 前归还。\n谢谢");
        assert_eq!(template.content.variants["en"].title.as_deref(), Some("{{ book }} is due"));
        assert_eq!(template.content.variables().unwrap().all.len(), 2);
        assert_eq!(template.content.link.as_deref(), Some("https://lib.example.edu/loans"));
    }

    #[test]
    fn every_fault_is_told_once_at_its_place() {
        let body = json!({
            "title": 7, "body": "{{ broken", "colour": 1, "link": "http://x",
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
                ("/link", "invalid_link"),
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

    #[test]
    fn what_breaks_callers_is_known() {
        let of = |body: &str| {
            let body = json!({"name": "x", "title": "t", "body": body});
            TemplateInput::read("due", &body).unwrap().content.variables().unwrap()
        };
        let broken =
            Breaking::between(&of("{{ a }}{{ b | default('') }}{{ c }}"), &of("{{ a }}{{ b }}{{ d }}"));
        assert_eq!((broken.asked, broken.dropped), (vec!["b".into(), "d".into()], vec!["c".to_owned()]));
        assert!(
            Breaking::between(&of("{{ a }}"), &of("{{ a | default('') }}{{ n | default('') }}")).is_empty()
        );
    }

    #[test]
    fn samples_are_values_by_name() {
        let body = json!({"name": "x", "title": "t", "body": "{{ n }}", "samples": {"n": [1]}});
        assert_eq!(TemplateInput::read("due", &body).unwrap().samples["n"], json!([1]));
        let body = json!({"name": "x", "title": "t", "body": "b", "samples": 3});
        let Err(Error::Invalid(faults)) = TemplateInput::read("due", &body) else { panic!("taken") };
        assert_eq!(faults[0].pointer, "/samples");
    }

    #[test]
    fn a_text_may_break_several_rules() {
        let body = json!({"name": "x", "title": format!("{}{{{{", "x".repeat(300)), "body": "b"});
        let Err(Error::Invalid(faults)) = TemplateInput::read("due", &body) else { panic!("taken") };
        let found: Vec<_> = faults.iter().map(|f| (f.pointer.as_str(), &*f.code)).collect();
        assert_eq!(found, [("/title", "too_long"), ("/title", "template_syntax")]);
    }

    fn faults(document: &Value) -> Vec<(String, String)> {
        let Err(Error::Invalid(faults)) = TemplateInput::read_all(document) else { panic!("taken") };
        faults.into_iter().map(|f| (f.pointer, f.code.into_owned())).collect()
    }

    fn pair(pointer: &str, code: &str) -> (String, String) {
        (pointer.to_owned(), code.to_owned())
    }

    #[test]
    fn a_document_holds_one_or_many() {
        let due = json!({"slug": "due", "name": "到期", "title": "t", "body": "b"});
        let slugs = |document: &Value| {
            let read = TemplateInput::read_all(document).unwrap();
            read.into_iter().map(|one| one.slug).collect::<Vec<_>>()
        };
        assert_eq!(slugs(&due), ["due"]);
        let exam = json!({"slug": "exam", "name": "考试", "title": "t", "body": "b"});
        assert_eq!(slugs(&json!({"templates": [due, exam]})), ["due", "exam"]);
    }

    #[test]
    fn who_agreed_to_a_broken_mapping_agreed_to_no_other() {
        let broken = |gone: &[&str], unsaid: &[&str]| {
            let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect();
            let whole = BrokenMapping::of(ProviderId(7), "短信".to_owned(), "SMS_1".to_owned());
            assert!(whole.is_whole());
            let mapping = BrokenMapping { gone: names(gone), unsaid: names(unsaid), ..whole };
            Breaking { mappings: vec![mapping], ..Breaking::default() }
        };
        assert!(!broken(&["a"], &[]).is_empty() && broken(&["a"], &[]).breaks_no_call());
        assert_ne!(broken(&["a"], &[]).word(), broken(&[], &["a"]).word());
        assert_ne!(broken(&["a"], &[]).word(), broken(&["a", "b"], &[]).word());
        assert_ne!(broken(&["a"], &[]).word(), Breaking::default().word());
    }

    #[test]
    fn every_fault_of_a_document_is_told_at_its_place() {
        let due = json!({"slug": "due", "name": "到期", "title": "t", "body": "b"});
        let broken =
            json!({"slug": "A", "name": "x", "title": "{{", "body": "b", "variants": {"fax": {"body": "x"}}});
        let mut found = faults(&json!({"templates": [due, broken, due, 7, {}], "colour": 1}));
        found.sort();
        assert_eq!(
            found,
            [
                pair("/colour", "unknown_field"),
                pair("/templates/1/slug", "bad_slug"),
                pair("/templates/1/title", "template_syntax"),
                pair("/templates/1/variants/fax", "unknown_variant"),
                pair("/templates/2/slug", "duplicate"),
                pair("/templates/3", "not_an_object"),
                pair("/templates/4/body", "required"),
                pair("/templates/4/name", "required"),
                pair("/templates/4/slug", "required"),
                pair("/templates/4/title", "required"),
            ]
        );
        assert_eq!(faults(&json!({"templates": []})), [pair("/templates", "required")]);
        assert_eq!(faults(&json!({"templates": "x"})), [pair("/templates", "required")]);
        assert_eq!(faults(&json!([])), [pair("", "not_an_object")]);
    }
}
