//! What a message says: Markdown with variants per channel and language, perhaps with variables, rendered for people.
//!
//! [`Content`] is chosen from (`select`), filled in ([`template`]) and rendered ([`Rendered`]), in this order.

mod escape;
mod markdown;
mod plain;
pub mod template;
mod text;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::audience::Params;
use crate::domain::channel::ChannelKind;
use crate::error::{Fault, Result};

pub use self::markdown::Rendered;
pub use self::template::{Escape, Template, TemplateError, Variables};
pub use self::text::{clean_text, clean_title};

/// Characters in a title.
pub const MAX_TITLE: usize = 200;
/// Characters in a body.
pub const MAX_BODY: usize = 20_000;
/// Characters in a link.
const MAX_LINK: usize = 2_048;
/// Variants of one content.
pub const MAX_VARIANTS: usize = 32;

/// A title and a body with all that replaces them for some channel or language. The form on the wire and in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// Plain text on one line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// By `sms`, `en` or `sms.en`: a channel, a language tag (BCP 47) or both.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variants: BTreeMap<String, Variant>,
    /// An https address that every channel's text ends with. It has no variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The language `title` and `body` are in, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// What one channel or language says instead. What it leaves out comes from the next that fits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// The texts for one channel and language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Selected<'c> {
    pub title: &'c str,
    pub body: &'c str,
    pub link: Option<&'c str>,
}

impl Content {
    /// The texts for a recipient's language by a channel. Title and body each come from the first that has one of:
    /// channel and language, channel, language, the content itself. `en-GB` is served by `en` where there is no
    /// variant of its own.
    ///
    /// An SMS has no subject line: a body written for SMS is all of it, so that its title is empty unless one was
    /// written for SMS too.
    pub fn select(&self, channel: ChannelKind, language: Option<&str>) -> Selected<'_> {
        let tags = || language.into_iter().flat_map(|tag| [tag, primary(tag)]);
        let mut order: Vec<&Variant> = Vec::new();
        order.extend(tags().filter_map(|tag| self.variant(&format!("{channel}.{tag}"))));
        order.extend(self.variant(channel.name()));
        let own = order.len();
        order.extend(tags().filter_map(|tag| self.variant(tag)));
        let is_whole = channel == ChannelKind::Sms && order[..own].iter().any(|v| v.body.is_some());
        let titles = if is_whole { &order[..own] } else { &order[..] };
        Selected {
            title: titles.iter().find_map(|v| v.title.as_deref()).unwrap_or(if is_whole {
                ""
            } else {
                &self.title
            }),
            body: order.iter().find_map(|v| v.body.as_deref()).unwrap_or(&self.body),
            link: self.link.as_deref(),
        }
    }

    fn variant(&self, key: &str) -> Option<&Variant> {
        self.variants.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, variant)| variant)
    }

    /// Makes every title one clean line and every body clean lines. To be done before it is checked and kept.
    pub fn clean(&mut self) {
        self.title = clean_title(&self.title);
        self.body = clean_text(&self.body);
        for variant in self.variants.values_mut() {
            variant.title = variant.title.as_deref().map(clean_title);
            variant.body = variant.body.as_deref().map(clean_text);
        }
    }

    /// Every rule it breaks, with pointers from the object that holds `title`.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        check_length(&mut faults, "/title", &self.title, MAX_TITLE);
        check_length(&mut faults, "/body", &self.body, MAX_BODY);
        if self.variants.len() > MAX_VARIANTS {
            faults.push(Fault::new("/variants", "too_many", format!("at most {MAX_VARIANTS} variants")));
        }
        for (key, variant) in self.variants.iter().take(MAX_VARIANTS) {
            let pointer = variant_pointer(key);
            if !is_variant_key(key) {
                let detail = "a variant is named by a channel (email, sms, wechat), by a language (zh or zh-CN, en or \
                              such as en-GB), or by both as in sms.en";
                faults.push(Fault::new(&*pointer, "unknown_variant", detail));
            }
            if variant.title.is_none() && variant.body.is_none() {
                faults.push(Fault::new(&*pointer, "required", "a variant has a title, a body or both"));
            }
            for (name, text, max) in [("title", &variant.title, MAX_TITLE), ("body", &variant.body, MAX_BODY)]
            {
                if let Some(text) = text {
                    check_length(&mut faults, &format!("{pointer}/{name}"), text, max);
                }
            }
        }
        if let Some(link) = &self.link
            && !is_https(link)
        {
            let detail =
                format!("a complete https:// address of at most {MAX_LINK} characters without spaces");
            faults.push(Fault::new("/link", "invalid_link", detail));
        }
        if let Some(language) = &self.language
            && !is_language(language)
        {
            faults.push(Fault::new("/language", "invalid_language", "a language tag such as zh-CN or en"));
        }
        faults
    }

    /// Every text with its pointer and how values are written into it.
    fn texts(&self) -> impl Iterator<Item = (String, &str, Escape)> {
        let base =
            [("/title", self.title.as_str(), Escape::None), ("/body", self.body.as_str(), Escape::Markdown)];
        let variants = self.variants.iter().flat_map(|(key, variant)| {
            [("title", &variant.title, Escape::None), ("body", &variant.body, Escape::Markdown)]
                .into_iter()
                .filter_map(move |(name, text, escape)| {
                    text.as_deref().map(|text| (format!("{}/{name}", variant_pointer(key)), text, escape))
                })
        });
        base.into_iter().map(|(pointer, text, escape)| (pointer.to_owned(), text, escape)).chain(variants)
    }

    /// Reads all texts as templates and says which variables they need together. Every text that is not a template
    /// is a fault.
    pub fn variables(&self) -> Result<Variables, Vec<Fault>> {
        let mut variables = Variables::default();
        let mut faults = Vec::new();
        for (pointer, text, escape) in self.texts() {
            match Template::parse(text, escape) {
                Ok(template) => variables.join(template.variables()),
                Err(_) => {
                    let all = template::faults(text, escape).into_iter();
                    faults.extend(all.map(|error| error.into_fault(&*pointer)));
                }
            }
        }
        if faults.is_empty() { Ok(variables) } else { Err(faults) }
    }

    /// Fills in all texts. For one person's texts, [`Content::select`] first and then
    /// [`Selected::prepare`].
    pub fn fill(&self, params: &Params) -> Result<Self, Vec<Fault>> {
        let mut filled = self.clone();
        let mut faults = Vec::new();
        for ((pointer, text, escape), into) in self.texts().zip(filled.texts_mut()) {
            match template::render(text, params, escape) {
                Ok(text) => *into = text,
                Err(error) => faults.push(error.into_fault(pointer)),
            }
        }
        filled.clean();
        if faults.is_empty() { Ok(filled) } else { Err(faults) }
    }

    /// All texts as they read before it is known whom they are for: what the variables in `own` decide is marked, the
    /// rest filled in. See [`template::outline`].
    #[must_use]
    pub fn outline(&self, params: &Params, own: &BTreeSet<String>) -> Self {
        let mut outline = self.clone();
        for ((_, text, escape), into) in self.texts().zip(outline.texts_mut()) {
            *into = template::outline(text, params, own, escape);
        }
        outline.clean();
        outline
    }

    /// In the order of [`Content::texts`].
    fn texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let variants = self.variants.values_mut().flat_map(|v| [v.title.as_mut(), v.body.as_mut()]).flatten();
        [&mut self.title, &mut self.body].into_iter().chain(variants)
    }
}

impl Selected<'_> {
    /// As it goes to people.
    pub fn render(&self) -> Rendered {
        Rendered::new(self.title, self.body, self.link)
    }

    /// Reads the texts as templates, to be filled in for many people.
    pub fn prepare(&self) -> Result<Prepared, TemplateError> {
        Ok(Prepared {
            title: Template::parse(self.title, Escape::None)?,
            body: Template::parse(self.body, Escape::Markdown)?,
            link: self.link.map(str::to_owned),
        })
    }
}

/// Texts for one channel and language that wait for each person's variables.
#[derive(Debug)]
pub struct Prepared {
    title: Template,
    body: Template,
    link: Option<String>,
}

impl Prepared {
    /// As it goes to the person these are the variables of.
    pub fn fill(&self, params: &Params) -> Result<Rendered, TemplateError> {
        let (title, body) = (self.title.render(params)?, self.body.render(params)?);
        Ok(Rendered::new(&title, &body, self.link.as_deref()))
    }
}

/// Plain text as Markdown that shows just this, each line by itself.
pub fn as_markdown(text: &str) -> String {
    let mut markdown = String::with_capacity(text.len());
    for (n, line) in clean_text(text).split('\n').enumerate() {
        if n > 0 {
            markdown.push('\n');
        }
        // Writing to a string cannot fail.
        escape::markdown_line(line, &mut markdown).unwrap_or_default();
    }
    markdown
}

fn check_length(faults: &mut Vec<Fault>, pointer: &str, text: &str, max: usize) {
    if !text.chars().any(text::is_visible) {
        faults.push(Fault::new(pointer, "required", format!("1 to {max} characters")));
    } else if text.chars().count() > max {
        let detail = format!("{} characters, but at most {max} are allowed", text.chars().count());
        faults.push(Fault::new(pointer, "too_long", detail));
    }
}

/// RFC 6901.
fn variant_pointer(key: &str) -> String {
    format!("/variants/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// The language of a tag: `zh` of `zh-CN`.
fn primary(tag: &str) -> &str {
    tag.split('-').next().unwrap_or(tag)
}

fn is_variant_key(key: &str) -> bool {
    let is_channel = |text: &str| text.parse::<ChannelKind>().is_ok();
    match key.split_once('.') {
        Some((channel, language)) => is_channel(channel) && is_spoken(language),
        None => is_channel(key) || is_spoken(key),
    }
}

/// A tag of a language people can choose; a text in another would never be taken.
fn is_spoken(tag: &str) -> bool {
    is_language(tag) && ["zh", "en"].iter().any(|language| primary(tag).eq_ignore_ascii_case(language))
}

/// The shape of a language tag (RFC 5646 §2.1) with a two- or three-letter language; not whether it is registered.
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or_default();
    tag.len() <= 35
        && matches!(language.len(), 2 | 3)
        && tag.parse::<ChannelKind>().is_err()
        && language.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|part| matches!(part.len(), 1..=8) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn is_https(link: &str) -> bool {
    link.chars().count() <= MAX_LINK
        && link.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"))
        && !link.chars().any(|c| c.is_whitespace() || c.is_control())
        && Url::parse(link).is_ok_and(|url| url.has_host())
}
