//! Seeing which vendors' templates stand for one of ours, and keeping or removing one.
//!
//! What is kept is a part of the provider's settings, so that it takes the right to change providers; whoever sees templates
//! sees what stands for them.

use serde_json::{Value, json};

use super::lint::{self, Arrival, MappingDoubt, form_of, with, word};
use super::written::Mapping;
use crate::channel::registry::{self, Form};
use crate::domain::channel::ChannelKind;
use crate::domain::id::ProviderId;
use crate::domain::operator::Permission;
use crate::domain::provider::ProviderKind;
use crate::error::{Fault, Faults};
use crate::service::providers::{changed_meanwhile, directory, get, open_settings, site, write_audit};
use crate::service::templates::{self, Template};
use crate::service::{Caller, Services};
use crate::store::providers::{self, ProviderData, ProviderRow};
use crate::store::templates as template_store;
use crate::{Error, Result};

/// Somebody changes the provider, or the template, just then: it is looked at again so often.
const TRIES: usize = 3;

/// A provider that fills templates of its vendor's, and what stands there for one of ours.
#[derive(Clone, Debug)]
pub struct Standing {
    pub provider: ProviderId,
    pub name: String,
    pub channel: ChannelKind,
    pub kind: ProviderKind,
    pub enabled: bool,
    /// `None`: it has none of its own.
    pub mapping: Option<Mapping>,
    /// The vendor's id of the one that carries what has none of its own.
    pub for_all: Option<String>,
    /// What arrives in each language.
    pub arrivals: Vec<Arrival>,
    /// Its settings do not open, so that nobody knows what stands there.
    pub is_lost: bool,
    /// They are not in order: it sends nothing.
    pub is_faulty: bool,
}

/// What somebody has before them who changes a mapping.
#[derive(Clone, Debug)]
pub struct Sheet {
    pub provider: ProviderId,
    pub name: String,
    pub kind: ProviderKind,
    pub form: Form,
    /// As it is kept; `None`: there is none.
    pub mapping: Option<Mapping>,
    /// What it is kept as, for [`keep_mapping`]; empty: there is none.
    pub seen: String,
    /// The vendor's id of the one that carries what has none of its own.
    pub for_all: Option<String>,
}

/// What became of a mapping that somebody wrote.
#[derive(Clone, Debug, PartialEq)]
pub enum Kept {
    Kept,
    /// Nothing is kept: somebody else changed it meanwhile. What it is now, and as what it is kept.
    Meanwhile(Option<Mapping>, String),
    /// Nothing is kept: these have to be agreed to.
    Doubted(Vec<MappingDoubt>),
}

fn stored<'v>(settings: &'v Value, slug: &str) -> Option<&'v Value> {
    settings.get("templates")?.get(slug)
}

fn for_all(settings: &Value, form: Form) -> Option<String> {
    settings.get("default_template")?.get(form.id)?.as_str().map(str::to_owned)
}

/// What a mapping is kept as, in one word.
fn seen(settings: &Value, slug: &str) -> String {
    stored(settings, slug).map(Value::to_string).unwrap_or_default()
}

pub(super) fn fills_none() -> Error {
    Error::NotFound("mapping")
}

/// Every provider that fills templates of its vendor's, with what stands there for this one.
pub async fn mappings(s: &Services, caller: &Caller, template: &Template) -> Result<Vec<Standing>> {
    caller.reach(Permission::TemplatesView)?;
    let mut standings = Vec::new();
    for row in providers::list(&s.db).await? {
        let Some((kind, form)) = form_of(&row) else { continue };
        standings.push(standing(s, (kind, form), row, template).await?);
    }
    Ok(standings)
}

async fn standing(
    s: &Services,
    (kind, form): (ProviderKind, Form),
    row: ProviderRow,
    template: &Template,
) -> Result<Standing> {
    let opened = open_settings(s, &row).ok();
    let is_lost = opened.is_none();
    let settings = opened.unwrap_or(Value::Null);
    let adapter = directory::adapter(s, &row).ok();
    let arrivals = match &adapter {
        Some(adapter) => lint::arrivals(s, kind, adapter, template).await?,
        None => Vec::new(),
    };
    Ok(Standing {
        provider: row.id,
        name: row.name,
        channel: row.channel,
        kind,
        enabled: row.enabled,
        mapping: stored(&settings, &template.slug).map(|stored| Mapping::read(form, stored)),
        for_all: for_all(&settings, form),
        arrivals,
        is_lost,
        is_faulty: adapter.is_none(),
    })
}

/// One mapping, to be changed. There is none where the provider fills no templates, or its settings do not open.
pub async fn mapping(s: &Services, caller: &Caller, (slug, id): (&str, ProviderId)) -> Result<Sheet> {
    caller.reach(Permission::TemplatesView)?;
    caller.require(Permission::ProvidersEdit)?;
    templates::get(s, caller, slug, None).await?;
    let row = get(s, id).await?;
    let (kind, form) = form_of(&row).ok_or_else(fills_none)?;
    let settings = open_settings(s, &row).map_err(|_| fills_none())?;
    Ok(Sheet {
        provider: row.id,
        name: row.name,
        kind,
        form,
        mapping: stored(&settings, slug).map(|stored| Mapping::read(form, stored)),
        seen: seen(&settings, slug),
        for_all: for_all(&settings, form),
    })
}

/// Keeps a mapping for whoever had it before them as `seen`. Every fault is told at its field; what can be doubted has to be
/// agreed to, just that ([`word`]).
pub async fn keep_mapping(
    s: &Services,
    caller: &Caller,
    place: (&str, ProviderId),
    (seen, agreed): (&str, Option<&str>),
    mut written: Mapping,
) -> Result<Kept> {
    written.clean();
    change(s, caller, place, (seen, agreed), Some(&written)).await
}

/// Removes a mapping for whoever had it before them as `seen`: messages by the template go as all others do, or not at all.
pub async fn remove_mapping(
    s: &Services,
    caller: &Caller,
    place: (&str, ProviderId),
    seen: &str,
) -> Result<Kept> {
    change(s, caller, place, (seen, None), None).await
}

async fn change(
    s: &Services,
    caller: &Caller,
    (slug, id): (&str, ProviderId),
    (before, agreed): (&str, Option<&str>),
    written: Option<&Mapping>,
) -> Result<Kept> {
    caller.reach(Permission::TemplatesView)?;
    caller.require(Permission::ProvidersEdit)?;
    for _ in 0..TRIES {
        let template = templates::get(s, caller, slug, None).await?;
        let row = get(s, id).await?;
        let (kind, form) = form_of(&row).ok_or_else(fills_none)?;
        let settings = open_settings(s, &row).map_err(|_| fills_none())?;
        if seen(&settings, slug) != before {
            let now = stored(&settings, slug).map(|stored| Mapping::read(form, stored));
            return Ok(Kept::Meanwhile(now, seen(&settings, slug)));
        }
        let value = written.map(|written| written.value(form));
        if value.as_ref().map(Value::to_string).unwrap_or_default() == before {
            return Ok(Kept::Kept);
        }
        let settings = with(&settings, slug, value);
        match written {
            Some(written) => {
                let linted = lint::lint(s, (kind, form), &settings, &template, written).await?;
                if !linted.faults.is_empty() {
                    return Err(Error::Invalid(linted.faults));
                }
                if !linted.doubts.is_empty() && agreed != Some(word(&linted.doubts).as_str()) {
                    return Ok(Kept::Doubted(linted.doubts));
                }
            }
            None => left(s, kind, &settings)?,
        }
        if store(s, caller, row, &template, (&settings, written)).await? {
            return Ok(Kept::Kept);
        }
    }
    Err(changed_meanwhile())
}

/// What is left without a mapping may be nothing that sends. What else is wrong with the settings is no reason to keep it.
fn left(s: &Services, kind: ProviderKind, settings: &Value) -> Result<()> {
    let found = registry::build(kind, settings, &site(s)).err().unwrap_or_default();
    let is_last = |fault: &Fault| fault.pointer == "/default_template" && fault.code == "required";
    let mut faults = Faults::default();
    faults.extend(found.into_iter().filter(is_last).map(|fault| Fault {
        pointer: "/form".to_owned(),
        code: "last_mapping".into(),
        ..fault
    }));
    faults.into_result()
}

/// `false`: provider or template changed since they were looked at.
async fn store(
    s: &Services,
    caller: &Caller,
    row: ProviderRow,
    template: &Template,
    (settings, written): (&Value, Option<&Mapping>),
) -> Result<bool> {
    let sealed = s.vault.seal(settings.to_string().as_bytes());
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    // No new version comes in between that would not know of this mapping.
    let latest = template_store::lock(&mut tx, &template.slug).await?;
    if latest.is_none_or(|latest| latest.version != template.version) {
        return Ok(false);
    }
    let data = ProviderData {
        name: &row.name,
        channel: row.channel,
        kind: &row.kind,
        settings: &sealed,
        priority: row.priority,
        weight: row.weight,
        rate: row.rate,
        enabled: row.enabled,
    };
    if !providers::update(&mut tx, now, row.id, row.updated_at, data).await? {
        return Ok(false);
    }
    let by = written.map(|written| written.id.as_str());
    let detail = json!({
        "name": row.name, "changed": ["template_mapping"], "template": template.slug, "vendor_template": by,
    });
    write_audit(&mut tx, now, caller, "provider.update", row.id, &detail).await?;
    tx.commit().await?;
    Ok(true)
}
