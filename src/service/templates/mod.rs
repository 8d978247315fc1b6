//! Stored texts with variables, which sources name instead of writing their own.

mod usage;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Caller, Change, Services, providers};
use crate::clock::Timestamp;
use crate::domain::audience::Params;
use crate::domain::content::Content;
use crate::domain::operator::Permission;
use crate::domain::template::{Breaking, TemplateInput};
use crate::store::templates::{self as store, TemplateRow, UseRow};
use crate::store::{JsonText, Tx, audit};
use crate::{Error, Result};

pub use self::usage::{Usage, Usages, usages};

/// How far back it is looked for those who name a template.
const LATELY: Duration = Duration::from_hours(30 * 24);

/// One version of a template.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Template {
    pub slug: String,
    /// From 1; messages take the latest.
    pub version: i64,
    pub name: String,
    pub content: Content,
    /// Values that stand for its variables where somebody looks at it.
    pub samples: Params,
    /// What a message must give.
    pub required: BTreeSet<String>,
    /// What a message may give besides.
    pub optional: BTreeSet<String>,
    pub created_at: Timestamp,
    pub created_by: String,
}

impl From<TemplateRow> for Template {
    fn from(row: TemplateRow) -> Self {
        // Checked when it was written.
        let variables = row.content.0.variables().unwrap_or_default();
        Self {
            slug: row.slug,
            version: row.version,
            name: row.name,
            content: row.content.0,
            samples: row.samples.0,
            required: variables.all.difference(&variables.optional).cloned().collect(),
            optional: variables.optional,
            created_at: row.created_at,
            created_by: row.created_by,
        }
    }
}

/// Every key may read templates: it is the sources that name them.
fn require_view(caller: &Caller) -> Result<()> {
    match caller {
        Caller::Key(_) => Ok(()),
        _ => caller.reach(Permission::MessagesView).map(drop),
    }
}

/// Creates the template `slug` or gives it a new version. The same text again makes none.
pub async fn put(s: &Services, caller: &Caller, slug: &str, body: &Value) -> Result<(Change, Template)> {
    caller.require(Permission::TemplatesEdit)?;
    let input = TemplateInput::read(slug, body)?;
    keep(s, caller, vec![input]).await?.pop().ok_or_else(unknown)
}

/// As [`put`], for a document of one template or many ([`TemplateInput::read_all`]), in its order: all of them or, where
/// one is wrong, none.
pub async fn apply(s: &Services, caller: &Caller, document: &Value) -> Result<Vec<(Change, Template)>> {
    caller.require(Permission::TemplatesEdit)?;
    keep(s, caller, TemplateInput::read_all(document)?).await
}

async fn keep(s: &Services, caller: &Caller, inputs: Vec<TemplateInput>) -> Result<Vec<(Change, Template)>> {
    let now = s.clock.now();
    let by = caller.label();
    let mut kept = Vec::with_capacity(inputs.len());
    let mut tx = s.db.begin().await?;
    for input in inputs {
        let latest = store::lock(&mut tx, &input.slug).await?;
        let (change, action, version) = match latest {
            Some(latest)
                if latest.name == input.name
                    && latest.content.0 == input.content
                    && latest.samples.0 == input.samples =>
            {
                kept.push((Change::Unchanged, latest.into()));
                continue;
            }
            Some(latest) => (Change::Updated, "template.update", latest.version + 1),
            None => (Change::Created, "template.create", 1),
        };
        let row = add(&mut tx, input, version, (&by, action), now).await?;
        kept.push((change, row.into()));
    }
    tx.commit().await?;
    Ok(kept)
}

async fn add(
    tx: &mut Tx,
    input: TemplateInput,
    version: i64,
    (by, action): (&str, &str),
    now: Timestamp,
) -> Result<TemplateRow> {
    store::insert(tx, &input, version, by, now).await?;
    audit::append(tx, now, by, action, &input.slug, &json!({ "version": version })).await?;
    let TemplateInput { slug, name, content, samples } = input;
    let (content, samples) = (JsonText(content), JsonText(samples));
    Ok(TemplateRow { slug, version, name, content, samples, created_at: now, created_by: by.to_owned() })
}

/// What became of a version that somebody wrote with another before their eyes.
#[derive(Clone, Debug, PartialEq)]
pub enum Revised {
    Kept(Template),
    /// Nothing is kept: this one came in between.
    Meanwhile(Template),
    /// Nothing is kept: systems that name it would have to change their calls, or vendors' templates would not be filled as
    /// they were meant, and that was not agreed to.
    Breaking(Breaking),
}

/// As [`put`] for whoever had version `seen` before them (0: none), unless it breaks something and nobody agreed to just that:
/// `agreed` is a [`Breaking::word`].
pub async fn revise(
    s: &Services,
    caller: &Caller,
    (slug, seen): (&str, i64),
    body: &Value,
    agreed: Option<&str>,
) -> Result<Revised> {
    caller.require(Permission::TemplatesEdit)?;
    let input = TemplateInput::read(slug, body)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let latest = store::lock(&mut tx, slug).await?;
    let version = latest.as_ref().map_or(0, |latest| latest.version);
    let action = if version == 0 { "template.create" } else { "template.update" };
    if let Some(latest) = latest {
        if seen == 0 {
            return Err(Error::fault("/slug", "taken", "another template has this slug"));
        }
        if version != seen {
            return Ok(Revised::Meanwhile(latest.into()));
        }
        let is_same = latest.name == input.name
            && latest.content.0 == input.content
            && latest.samples.0 == input.samples;
        if is_same {
            return Ok(Revised::Kept(latest.into()));
        }
        let before = latest.content.0.variables().unwrap_or_default();
        let mut breaking = Breaking::between(&before, &input.content.variables().unwrap_or_default());
        breaking.mappings = providers::broken(s, &mut tx, slug, (&latest.content.0, &input.content)).await?;
        if !breaking.is_empty() && agreed != Some(breaking.word().as_str()) {
            return Ok(Revised::Breaking(breaking));
        }
    }
    let row = add(&mut tx, input, version + 1, (&caller.label(), action), now).await?;
    tx.commit().await?;
    Ok(Revised::Kept(row.into()))
}

/// Its versions, the latest first; at most `limit`.
pub async fn versions(s: &Services, caller: &Caller, slug: &str, limit: u32) -> Result<Vec<Template>> {
    caller.reach(Permission::TemplatesView)?;
    Ok(store::versions(&s.db, slug, limit).await?.into_iter().map(Template::from).collect())
}

/// A source that named a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    pub source: String,
    pub messages: u64,
    pub last_at: Timestamp,
}

/// Which sources named it in the last thirty days, the latest first.
pub async fn uses(s: &Services, caller: &Caller, slug: &str) -> Result<Vec<Use>> {
    caller.reach(Permission::TemplatesView)?;
    let rows = store::uses(&s.db, slug, s.clock.now().minus(LATELY)).await?;
    let each =
        |row: UseRow| Use { source: row.source, messages: row.messages.unsigned_abs(), last_at: row.last_at };
    Ok(rows.into_iter().map(each).collect())
}

fn unknown() -> Error {
    Error::NotFound("template")
}

/// The version asked for, or the latest.
pub async fn get(s: &Services, caller: &Caller, slug: &str, version: Option<i64>) -> Result<Template> {
    require_view(caller)?;
    store::find(&s.db, slug, version).await?.map(Template::from).ok_or_else(unknown)
}

/// The latest version of each template by slug, after the slug `after`; at most `limit`.
pub async fn list(s: &Services, caller: &Caller, after: Option<&str>, limit: u32) -> Result<Vec<Template>> {
    require_view(caller)?;
    Ok(store::list(&s.db, after, limit).await?.into_iter().map(Template::from).collect())
}
