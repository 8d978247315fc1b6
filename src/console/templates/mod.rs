//! Templates: the list, and one with how it arrives, its versions and what each changed.

pub mod edit;
pub mod mappings;
pub mod samples;

use std::collections::BTreeSet;

use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::access::Signed;
use super::messages::read;
use super::page::{self, Section, Shell, Theme};
use super::timeline::actor;
use super::view::View;
use super::wording_preview::WordingPreview;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::audience::Params;
use crate::domain::content::Content;
use crate::domain::operator::Permission;
use crate::service::Services;
use crate::service::messages::Draft;
use crate::service::providers::{self, Standing};
use crate::service::templates::{self, Template as Kept, Usage, Use};

pub(in crate::console) const HOME: &str = "/console/templates";
/// Read at once for the list.
const CHUNK: u32 = 200;
/// Shown of one template.
const VERSIONS: u32 = 50;

#[derive(Debug, Template)]
#[template(path = "console/templates/list.html")]
pub struct TemplatesPage {
    pub shell: Shell,
    pub q: String,
    /// Only what nobody named for long.
    pub idle: bool,
    pub may_edit: bool,
    pub list: TemplatesFragment,
}

#[derive(Debug, Template)]
#[template(path = "console/templates/rows.html")]
pub struct TemplatesFragment {
    pub view: View,
    pub filtered: bool,
    /// Only messages of whoever looks are counted.
    pub limited: bool,
    pub rows: Vec<TemplateLine>,
}

impl TemplatesFragment {
    /// That named it lately.
    fn messages(&self, row: &TemplateLine) -> String {
        let figure = self.view.number(row.usage.messages);
        if row.usage.more { self.view.t1("more-than", "figure", figure) } else { figure }
    }
}

#[derive(Clone, Debug)]
pub struct TemplateLine {
    pub slug: String,
    pub name: String,
    /// What it has texts of its own for: `sms`, `en`, `sms.en`.
    pub variants: Vec<String>,
    pub version: i64,
    pub usage: Usage,
    pub at: Timestamp,
    pub by: String,
}

#[derive(Debug, Template)]
#[template(path = "console/templates/show.html")]
pub struct TemplatePage {
    pub shell: Shell,
    pub slug: String,
    pub name: String,
    /// Shown, and in use.
    pub version: i64,
    pub latest: i64,
    pub may_edit: bool,
    pub variables: Vec<VariableRow>,
    pub preview: WordingPreview,
    /// Of providers that send approved templates only: of the version shown.
    pub standings: Vec<Standing>,
    pub may_map: bool,
    pub uses: Vec<Use>,
    pub versions: Vec<VersionLine>,
}

#[derive(Clone, Debug)]
pub struct VariableRow {
    pub name: String,
    pub required: bool,
    pub sample: String,
    /// `text`, `number`, `yes_no`, `list` or `object`, by its sample.
    pub kind: &'static str,
}

#[derive(Clone, Debug)]
pub struct VersionLine {
    pub number: i64,
    pub at: Timestamp,
    pub by: String,
    /// Against the version before: where, what stood there, what stands there.
    pub changes: Vec<TextChange>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextChange {
    pub place: String,
    pub before: String,
    pub after: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct Search {
    q: String,
    used: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct Which {
    version: String,
}

impl VariableRow {
    pub(super) fn all(template: &Kept) -> Vec<Self> {
        let all: BTreeSet<_> = template.required.iter().chain(&template.optional).collect();
        let row = |name: &&String| Self {
            required: template.required.contains(*name),
            sample: sample(&template.samples, name),
            kind: kind(&template.samples, name),
            name: (*name).clone(),
        };
        all.iter().map(row).collect()
    }

    const fn kind_key(&self) -> &'static str {
        match self.kind.as_bytes() {
            b"number" => "variable-number",
            b"yes_no" => "variable-yes-no",
            b"list" => "variable-list",
            b"object" => "variable-object",
            _ => "variable-text",
        }
    }
}

pub(super) fn sample(samples: &Params, name: &str) -> String {
    match samples.get(name) {
        None => String::new(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn kind(samples: &Params, name: &str) -> &'static str {
    use serde_json::Value;
    match samples.get(name) {
        Some(Value::Number(_)) => "number",
        Some(Value::Bool(_)) => "yes_no",
        Some(Value::Array(_)) => "list",
        Some(Value::Object(_)) => "object",
        _ => "text",
    }
}

/// Every text by its place, as the form names it.
fn texts(content: &Content) -> Vec<(String, String)> {
    let mut all =
        vec![("title".to_owned(), content.title.clone()), ("body".to_owned(), content.body.clone())];
    all.extend(content.link.iter().map(|link| ("link".to_owned(), link.clone())));
    for (key, variant) in &content.variants {
        let parts = [("title", &variant.title), ("body", &variant.body)];
        let parts = parts.into_iter().filter_map(|(part, text)| Some((part, text.as_ref()?)));
        all.extend(parts.map(|(part, text)| (format!("{key} {part}"), text.clone())));
    }
    all
}

/// What one version says otherwise than the one before.
pub(super) fn changes(before: &Content, after: &Content) -> Vec<TextChange> {
    let (before, after) = (texts(before), texts(after));
    let of = |all: &[(String, String)], place: &str| {
        all.iter().find(|(at, _)| at == place).map(|(_, text)| text.clone()).unwrap_or_default()
    };
    let places: BTreeSet<_> = before.iter().chain(&after).map(|(place, _)| place.clone()).collect();
    let change = |place: String| {
        let (before, after) = (of(&before, &place), of(&after, &place));
        (before != after).then_some(TextChange { place, before, after })
    };
    places.into_iter().filter_map(change).collect()
}

pub(super) async fn list(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    search: Query<Search>,
) -> Result<HttpResponse> {
    signed.caller.reach(Permission::TemplatesView)?;
    let q = search.q.trim().to_lowercase();
    let idle = search.used == "idle";
    let usages = templates::usages(&s, &signed.caller).await?;
    let mut rows = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let found = templates::list(&s, &signed.caller, after.as_deref(), CHUNK).await?;
        let more = found.len() == CHUNK as usize;
        after = found.last().map(|last| last.slug.clone());
        let is_it = |one: &Kept| one.slug.contains(&q) || one.name.to_lowercase().contains(&q);
        let usage = |one: &Kept| usages.all.get(&one.slug).copied().unwrap_or_default();
        let is_asked = |one: &Kept| is_it(one) && (!idle || usage(one).last_at.is_none());
        rows.extend(found.into_iter().filter(is_asked).map(|one| TemplateLine {
            usage: usage(&one),
            by: actor(&signed.view(), &one.created_by),
            variants: one.content.variants.into_keys().collect(),
            slug: one.slug,
            name: one.name,
            version: one.version,
            at: one.created_at,
        }));
        if !more {
            break;
        }
    }
    let list = TemplatesFragment {
        view: signed.view(),
        filtered: idle || !q.is_empty(),
        limited: usages.is_limited,
        rows,
    };
    if page::wants_fragment(&request) {
        return page::html(&list);
    }
    page::html(&TemplatesPage {
        shell: signed.shell(Section::Templates)?,
        q: search.into_inner().q,
        idle,
        may_edit: signed.may(Permission::TemplatesEdit),
        list,
    })
}

pub(super) async fn show(
    s: Data<Services>,
    signed: Signed,
    slug: Path<String>,
    which: Query<Which>,
) -> Result<HttpResponse> {
    let versions = templates::versions(&s, &signed.caller, &slug, VERSIONS).await?;
    let shown = templates::get(&s, &signed.caller, &slug, read(&which.version).flatten()).await?;
    let draft = Draft {
        content: shown.content.clone(),
        has_variables: true,
        params: shown.samples.clone(),
        template: Some(shown.slug.clone()),
        emergency: false,
    };
    let preview = WordingPreview::load(&s, &signed, &draft).await?;
    let standings = providers::mappings(&s, &signed.caller, &shown).await?;
    let shell = signed.shell(Section::Templates)?;
    let line = |(at, one): (usize, &Kept)| VersionLine {
        number: one.version,
        at: one.created_at,
        by: actor(&shell.view, &one.created_by),
        changes: versions
            .get(at + 1)
            .map(|before| changes(&before.content, &one.content))
            .unwrap_or_default(),
    };
    page::html(&TemplatePage {
        version: shown.version,
        latest: versions.first().map_or(shown.version, |latest| latest.version),
        may_edit: signed.may(Permission::TemplatesEdit),
        variables: VariableRow::all(&shown),
        preview,
        standings,
        may_map: signed.may(Permission::ProvidersEdit),
        uses: templates::uses(&s, &signed.caller, &slug).await?,
        versions: versions.iter().enumerate().map(line).collect(),
        slug: shown.slug,
        name: shown.name,
        shell,
    })
}
