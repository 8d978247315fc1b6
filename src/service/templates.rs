//! Stored texts with variables, which sources name instead of writing their own.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Caller, Change, Services};
use crate::clock::Timestamp;
use crate::domain::content::Content;
use crate::domain::operator::Permission;
use crate::domain::template::TemplateInput;
use crate::store::templates::{self as store, TemplateRow};
use crate::store::{JsonText, audit};
use crate::{Error, Result};

/// One version of a template.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Template {
    pub slug: String,
    /// From 1; messages take the latest.
    pub version: i64,
    pub name: String,
    pub content: Content,
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
        _ => caller.require(Permission::MessagesView),
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
            Some(latest) if latest.name == input.name && latest.content.0 == input.content => {
                kept.push((Change::Unchanged, latest.into()));
                continue;
            }
            Some(latest) => (Change::Updated, "template.update", latest.version + 1),
            None => (Change::Created, "template.create", 1),
        };
        store::insert(&mut tx, &input, version, &by, now).await?;
        audit::append(&mut tx, now, &by, action, &input.slug, &json!({ "version": version })).await?;
        let TemplateInput { slug, name, content } = input;
        let created_by = by.clone();
        let row =
            TemplateRow { slug, version, name, content: JsonText(content), created_at: now, created_by };
        kept.push((change, row.into()));
    }
    tx.commit().await?;
    Ok(kept)
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
