//! A text as each channel brings it, beside the form that it is written in. It renews itself while somebody types, for any
//! form with these fields: `title`, `body`, `link`, and in rows `variant_key`, `variant_title`, `variant_body`, and where
//! `variables` is `true`, `sample_name`, `sample_kind` and `sample_value`; `template` is the slug of the template it is.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use serde_json::Value;

use super::access::Signed;
use super::form::Form;
use super::templates::samples::SampleRow;
use super::view::View;
use super::{page, sms_note};
use crate::Result;
use crate::domain::audience::Params;
use crate::domain::content::{Content, Variant};
use crate::service::Services;
use crate::service::letterhead;
use crate::service::messages::{self, Cut, Draft, Guess, ShownSms, ShownWording};

/// How it would arrive, by language and channel.
#[derive(Debug, Template)]
#[template(path = "console/wording_preview.html")]
pub struct WordingPreview {
    pub view: View,
    pub campus: String,
    pub shown: ShownWording,
}

impl WordingPreview {
    /// For a page to embed.
    pub async fn load(s: &Services, signed: &Signed, draft: &Draft) -> Result<Self> {
        let shown = messages::show_wording(s, &signed.caller, draft).await?;
        let view = signed.view();
        Ok(Self { campus: letterhead::name(s, view.language.as_str()), view, shown })
    }

    fn language(&self, tag: &str) -> String {
        match tag {
            "zh-CN" | "zh" => self.view.t("language-chinese"),
            "en" => self.view.t("language-english"),
            other => other.to_owned(),
        }
    }

    /// What is not known of an SMS, or why none would leave.
    fn doubt(&self, sms: &ShownSms) -> Option<String> {
        if let Some(note) = &sms.refused {
            return Some(sms_note::said(&self.view, note));
        }
        match &sms.guess {
            Some(Guess::Wording(Some(id))) => Some(self.view.t1("wording-unknown-template", "id", id)),
            Some(Guess::Wording(None)) => Some(self.view.t("wording-unknown")),
            Some(Guess::Sign) => Some(self.view.t("wording-unknown-sign")),
            None => None,
        }
    }

    fn cut(&self, cut: &Cut) -> Option<String> {
        (cut.left_out > 0).then(|| self.view.count("wording-left-out", cut.left_out as u64))
    }
}

/// The draft that a form holds.
pub fn draft(form: &Form) -> Draft {
    let template = Some(form.text("template").to_owned()).filter(|slug| !slug.is_empty());
    let has_variables = form.text("variables") == "true";
    let params = if has_variables { SampleRow::params(&SampleRow::typed(form)) } else { Params::new() };
    Draft { content: content(form), has_variables, params, template, emergency: false }
}

/// The texts of a form; a field that is empty is none.
pub fn content(form: &Form) -> Content {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.trim().is_empty());
    let texts = form.all("variant_title").zip(form.all("variant_body"));
    let rows = form.all("variant_key").map(str::trim).zip(texts).take(crate::domain::content::MAX_VARIANTS);
    let variants =
        rows.filter(|(key, (title, body))| !(key.is_empty() && title.is_empty() && body.is_empty()));
    let variants: BTreeMap<_, _> = variants
        .map(|(key, (title, body))| (key.to_owned(), Variant { title: some(title), body: some(body) }))
        .collect();
    Content {
        title: form.exact("title").to_owned(),
        body: form.exact("body").to_owned(),
        variants,
        link: some(form.text("link")),
        language: None,
    }
}

/// The values that stand for variables; one that is not filled in is left out.
pub fn samples<'f>(rows: impl Iterator<Item = (&'f str, &'f str)>) -> Params {
    let filled = rows.filter(|(name, value)| !name.is_empty() && !value.trim().is_empty());
    filled.map(|(name, value)| (name.to_owned(), sample(value))).collect()
}

/// Numbers, yes and no, lists and objects are written as in JSON; anything else is a text.
fn sample(value: &str) -> Value {
    let value = value.trim();
    match serde_json::from_str(value) {
        Ok(Value::String(_) | Value::Null) | Err(_) => value.into(),
        Ok(other) => other,
    }
}

pub(super) async fn show(s: Data<Services>, signed: Signed, form: Form) -> Result<HttpResponse> {
    page::html(&WordingPreview::load(&s, &signed, &draft(&form)).await?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn samples_are_what_they_look_like() {
        assert_eq!(sample(" 三体 "), json!("三体"));
        assert_eq!(sample("3"), json!(3));
        assert_eq!(sample("007"), json!("007"));
        assert_eq!(sample("[\"a\"]"), json!(["a"]));
        assert_eq!(sample("null"), json!("null"));
        assert_eq!(sample("\"q\""), json!("\"q\""));
    }
}
