//! Stored texts with variables, which sources name instead of writing their own.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use super::recipients::Change;
use super::{Caller, Services};
use crate::clock::Timestamp;
use crate::domain::content::Content;
use crate::domain::operator::Permission;
use crate::domain::template::TemplateInput;
use crate::store::audit;
use crate::store::templates::{self as store, TemplateRow};
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
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let latest = store::lock(&mut tx, slug).await?;
    let (change, version) = match &latest {
        Some(latest) if latest.name == input.name && latest.content.0 == input.content => {
            return Ok((Change::Unchanged, latest.clone().into()));
        }
        Some(latest) => (Change::Updated, latest.version + 1),
        None => (Change::Created, 1),
    };
    let by = caller.label();
    store::insert(&mut tx, &input, version, &by, now).await?;
    let action = if change == Change::Created { "template.create" } else { "template.update" };
    audit::append(&mut tx, now, &by, action, slug, &json!({ "version": version })).await?;
    tx.commit().await?;
    Ok((change, get(s, caller, slug, Some(version)).await?))
}

/// The version asked for, or the latest.
pub async fn get(s: &Services, caller: &Caller, slug: &str, version: Option<i64>) -> Result<Template> {
    require_view(caller)?;
    let row = store::find(&s.db, slug, version).await?;
    row.map(Template::from).ok_or(Error::NotFound("template"))
}

/// The latest version of each template by slug, after the slug `after`; at most `limit`.
pub async fn list(s: &Services, caller: &Caller, after: Option<&str>, limit: u32) -> Result<Vec<Template>> {
    require_view(caller)?;
    Ok(store::list(&s.db, after, limit).await?.into_iter().map(Template::from).collect())
}
