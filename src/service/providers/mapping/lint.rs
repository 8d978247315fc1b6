//! What comes of a mapping: each fault at its field, what may be meant and may not, and what arrives with the samples.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::written::{Mapping, Slot};
use crate::Result;
use crate::channel::registry::{self, By, Form, SOURCES};
use crate::channel::{Channel, Cut, Filling, Parcel};
use crate::domain::channel::ChannelKind;
use crate::domain::id::ProviderId;
use crate::domain::operator::Permission;
use crate::domain::provider::ProviderKind;
use crate::error::{Error, Fault, Faults};
use crate::service::messages::sampled;
use crate::service::providers::{check_settings, get, open_settings, site};
use crate::service::templates::{self, Template};
use crate::service::{Caller, Services};
use crate::store::providers::ProviderRow;

/// What whoever keeps a mapping has to have seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MappingDoubt {
    /// So many characters of the sample have no room in this variable of the vendor's.
    Cut { slot: String, left_out: usize },
    /// It is filled with a variable that messages may leave out: those that do are not sent.
    Optional { slot: String, variable: String },
    /// A variable of the template that nothing of the vendor's says.
    Unsaid { variable: String },
}

/// What arrives in one language, with the template's samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// A tag such as `zh-CN`.
    pub language: String,
    /// Each variable of the vendor's.
    pub slots: Filling,
    /// The whole text, where the vendor sends one and its wording is known.
    pub text: Option<String>,
    /// Why nothing arrives.
    pub refused: Option<String>,
}

/// What comes of a mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Linted {
    /// Below `/id`, `/slots/0/name`, `/slots/0/source`, `/text`; at `/form` what is about none of them.
    pub faults: Vec<Fault>,
    pub doubts: Vec<MappingDoubt>,
    pub arrivals: Vec<Arrival>,
}

/// Doubts as a word: whoever agreed to this has not agreed to anything else.
pub fn word(doubts: &[MappingDoubt]) -> String {
    let one = |doubt: &MappingDoubt| match doubt {
        MappingDoubt::Cut { slot, left_out } => json!(["cut", slot, left_out]).to_string(),
        MappingDoubt::Optional { slot, variable } => json!(["optional", slot, variable]).to_string(),
        MappingDoubt::Unsaid { variable } => json!(["unsaid", variable]).to_string(),
    };
    doubts.iter().map(one).collect::<Vec<_>>().join(",")
}

/// What would come of this mapping for the template's latest version; keeps nothing.
pub async fn lint_mapping(
    s: &Services,
    caller: &Caller,
    (slug, id): (&str, ProviderId),
    mut written: Mapping,
) -> Result<Linted> {
    caller.reach(Permission::TemplatesView)?;
    caller.require(Permission::ProvidersEdit)?;
    written.clean();
    let template = templates::get(s, caller, slug, None).await?;
    let row = get(s, id).await?;
    let Some((kind, form)) = form_of(&row) else { return Err(super::edit::fills_none()) };
    let settings = with(&open_settings(s, &row)?, slug, Some(written.value(form)));
    lint(s, (kind, form), &settings, &template, &written).await
}

/// The kind of a provider that fills templates of its vendor's, and how its settings say so.
pub(super) fn form_of(row: &ProviderRow) -> Option<(ProviderKind, Form)> {
    let kind = row.kind.parse().ok()?;
    Some((kind, registry::form(kind)?))
}

/// Settings with another mapping of a template, or without one.
pub(super) fn with(settings: &Value, slug: &str, mapping: Option<Value>) -> Value {
    let mut settings = settings.clone();
    let Some(all) = settings.as_object_mut() else { return settings };
    let templates = all.entry("templates").or_insert_with(|| json!({}));
    if !templates.is_object() {
        *templates = json!({});
    }
    let Some(templates) = templates.as_object_mut() else { return settings };
    match mapping {
        Some(mapping) => drop(templates.insert(slug.to_owned(), mapping)),
        None => drop(templates.remove(slug)),
    }
    if templates.is_empty() {
        all.remove("templates");
    }
    settings
}

/// As [`lint_mapping`] for `settings` that have it already.
pub(super) async fn lint(
    s: &Services,
    (kind, form): (ProviderKind, Form),
    settings: &Value,
    template: &Template,
    written: &Mapping,
) -> Result<Linted> {
    let mut linted = Linted { faults: written.faults(form), ..Linted::default() };
    linted.faults.extend(settled(s, (kind, form), settings, template, written).await?);
    linted.doubts = doubts(template, written);
    if !linted.faults.is_empty() {
        return Ok(linted);
    }
    // What is in order builds.
    let Ok(adapter) = registry::build(kind, settings, &site(s)) else { return Ok(linted) };
    linted.arrivals = arrivals(s, kind, &adapter, template).await?;
    let sampled = |source: &str| SOURCES.contains(&source) || template.samples.contains_key(source);
    let mut cut: BTreeMap<usize, usize> = BTreeMap::new();
    let mut blamed = BTreeSet::new();
    for arrival in &linted.arrivals {
        for (at, ((_, value), slot)) in
            arrival.slots.iter().zip(in_order(written, form, &arrival.slots)).enumerate()
        {
            let Some((place, slot)) = slot else { continue };
            match value {
                Ok(Cut { left_out, .. }) if *left_out > 0 && sampled(&slot.source) => {
                    let most = cut.entry(place).or_default();
                    *most = (*most).max(*left_out);
                }
                Err(reason) if sampled(&slot.source) && blamed.insert(at) => {
                    let code = if form.by == By::Type { "unfit" } else { "link_too_long" };
                    linted.faults.push(Fault::new(format!("/slots/{place}/source"), code, reason));
                }
                _ => {}
            }
        }
        if let Some(reason) = &arrival.refused
            && blamed.is_empty()
        {
            linted.faults.push(Fault::new("/form", "refused", reason));
            break;
        }
    }
    let name = |place: usize| label(written, place);
    let cut = cut.into_iter().map(|(place, left_out)| MappingDoubt::Cut { slot: name(place), left_out });
    linted.doubts.extend(cut);
    Ok(linted)
}

/// A variable of the vendor's, by its name or by its place.
fn label(written: &Mapping, at: usize) -> String {
    match &*written.slots[at].name {
        "" => format!("{{{}}}", at + 1),
        name => name.to_owned(),
    }
}

/// For each variable as the adapter has it the row that it comes from, which settings may have put in another order.
fn in_order<'w>(written: &'w Mapping, form: Form, shown: &Filling) -> Vec<Option<(usize, &'w Slot)>> {
    let row = |(at, (name, _)): (usize, &(String, Result<Cut, String>))| match form.by {
        By::Place => written.slots.get(at).map(|slot| (at, slot)),
        By::Name | By::Type => written.slots.iter().enumerate().find(|(_, slot)| slot.name == *name),
    };
    shown.iter().enumerate().map(row).collect()
}

/// What is wrong with the settings, at the fields of the mapping.
async fn settled(
    s: &Services,
    (kind, form): (ProviderKind, Form),
    settings: &Value,
    template: &Template,
    written: &Mapping,
) -> Result<Vec<Fault>> {
    let mut found = Faults::default();
    check_settings(s, &mut found, kind, settings);
    super::check(s, &mut found, settings).await?;
    let Err(Error::Invalid(found)) = found.into_result() else { return Ok(Vec::new()) };
    let own = format!("/settings/templates/{}", template.slug);
    let told: Vec<String> = written.faults(form).into_iter().map(|fault| fault.pointer).collect();
    let place = |fault: Fault| {
        let below =
            fault.pointer.strip_prefix(&own).filter(|below| below.is_empty() || below.starts_with('/'));
        let Some(below) = below else {
            let detail = format!("{}: {}", fault.pointer, fault.detail);
            return Fault::new("/form", "elsewhere", detail);
        };
        let pointer = written.place(form, below).unwrap_or_else(|| "/form".to_owned());
        // What a field is called decides what it takes.
        let pointer = match &*fault.code {
            "unknown_type" | "not_shown" => pointer.replace("/source", "/name"),
            _ => pointer,
        };
        Fault { pointer, ..fault }
    };
    Ok(found.into_iter().map(place).filter(|fault| !told.contains(&fault.pointer)).collect())
}

/// What can be doubted without looking at what arrives.
fn doubts(template: &Template, written: &Mapping) -> Vec<MappingDoubt> {
    let mut doubts = Vec::new();
    for (at, slot) in written.slots.iter().enumerate() {
        if template.optional.contains(&slot.source) && !SOURCES.contains(&&*slot.source) {
            doubts.push(MappingDoubt::Optional { slot: label(written, at), variable: slot.source.clone() });
        }
    }
    let sources: Vec<&str> = written.slots.iter().map(|slot| &*slot.source).collect();
    let said = super::broken::said(&template.content, &sources);
    let unsaid = template.required.iter().filter(|name| !said.contains(*name));
    doubts.extend(unsaid.map(|name| MappingDoubt::Unsaid { variable: name.clone() }));
    doubts
}

/// What the adapter makes of the template in each of its languages.
pub(super) async fn arrivals(
    s: &Services,
    kind: ProviderKind,
    adapter: &Arc<dyn Channel>,
    template: &Template,
) -> Result<Vec<Arrival>> {
    let of_vendors = [ChannelKind::Sms, ChannelKind::Wechat];
    let Some(channel) = of_vendors.into_iter().find(|channel| kind.serves(*channel)) else {
        return Ok(Vec::new());
    };
    let parcels = sampled(s, template, kind.writes_to(channel)).await?;
    let arrive = |(language, parcel): (String, Result<Parcel, String>)| match parcel {
        Err(reason) => Arrival { language, slots: Vec::new(), text: None, refused: Some(reason) },
        Ok(parcel) => {
            let slots = adapter.filling(&parcel).unwrap_or_default();
            let (text, refused) = match adapter.arriving(&parcel) {
                Some(Ok(arriving)) if arriving.guess.is_none() => (Some(arriving.text), None),
                Some(Err(outcome)) => (None, outcome.detail),
                Some(Ok(_)) | None => (None, None),
            };
            Arrival { language, slots, text, refused }
        }
    };
    Ok(parcels.into_iter().map(arrive).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_put_in_and_taken_out_and_nothing_else_changes() {
        let bare = json!({"sign_name": "x"});
        let mapped = with(&bare, "due", Some(json!({"code": "1"})));
        assert_eq!(mapped, json!({"sign_name": "x", "templates": {"due": {"code": "1"}}}));
        let two = with(&mapped, "exam", Some(json!({"code": "2"})));
        assert_eq!(with(&two, "due", None), json!({"sign_name": "x", "templates": {"exam": {"code": "2"}}}));
        assert_eq!(with(&mapped, "due", None), bare, "an empty list is none");
        let other = with(&mapped, "due", Some(json!({"code": "3"})));
        assert_eq!(other["templates"]["due"], json!({"code": "3"}), "nothing of the old one stays");
    }

    #[test]
    fn a_word_says_just_these_doubts() {
        let cut = |left_out| MappingDoubt::Cut { slot: "thing1".to_owned(), left_out };
        let optional = MappingDoubt::Optional { slot: "thing1".to_owned(), variable: "note".to_owned() };
        assert_ne!(word(&[cut(1)]), word(&[cut(2)]));
        assert_ne!(word(&[cut(1)]), word(&[cut(1), optional]));
        assert_eq!(word(&[]), "");
    }
}
