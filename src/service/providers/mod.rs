//! Providers: the accounts behind the channels.
//!
//! Settings are validated whole before they are kept, sealed at rest, and their secrets are never shown again. Nothing
//! is called when a provider is made or changed; [`test()`] does, when asked to.

mod carriers;
mod directory;
mod health;
mod history;
mod kinds;
mod lineup;
mod mapping;
mod metered;
mod pace;
mod places;
mod quotas;
mod trial;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Caller, Services, receipts};
use crate::channel::Channel;
use crate::channel::registry::{self, Site};
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::id::ProviderId;
use crate::domain::operator::Permission;
use crate::domain::provider::ProviderKind;
use crate::error::Faults;
use crate::store::Tx;
use crate::store::audit::{self, AuditFilter};
use crate::store::providers::{self, ProviderData, ProviderRow};
use crate::{Error, Result};

pub use crate::channel::Filling;
pub use crate::channel::registry::{By, FieldType, Form, SOURCES, field_type, field_types};
pub use crate::channel::setting::{Holds, Setting};
pub(super) use carriers::{Carrier, carriers, of_channel};
pub use directory::{Directory, LiveProvider};
pub use health::{Doubt, ProviderHealth, Trouble, TroubleKind, UnknownCode, list_health};
pub(super) use health::{health, unserved};
pub(super) use history::tell;
pub use history::{ProviderEventRow, Told, list_events, record_event};
pub(super) use kinds::{preferred, stranded};
pub use lineup::{Lineup, Listed, lineup};
pub(super) use mapping::broken;
pub use mapping::{
    Arrival, Kept, Linted, Mapping, MappingDoubt, Sheet, Slot, Standing, keep_mapping, lint_mapping, mapping,
    mappings, remove_mapping, word,
};
pub use pace::{Drawn, draw};
pub(super) use quotas::{Exceeding, Room, room, spend_one};
pub use quotas::{QuotaState, prune, used_today};
pub(super) use trial::aside;
pub use trial::{ProviderTest, Sample, render, send_one, test};

/// A provider to be made.
#[derive(Clone, Debug)]
pub struct NewProvider {
    pub name: String,
    pub channel: ChannelKind,
    pub kind: ProviderKind,
    /// A JSON object; its fields are the kind's own.
    pub settings: Value,
    /// The lowest is tried first; equal ones share by weight.
    pub priority: i64,
    pub weight: i64,
    /// Hand-overs per second, where they are to be limited.
    pub rate: Option<u32>,
}

/// What to change; the rest stays.
#[derive(Clone, Debug, Default)]
pub struct ProviderChanges {
    pub name: Option<String>,
    /// A JSON merge patch (RFC 7396) on the settings: what it leaves out stays, secrets too unless their address leads
    /// elsewhere (`secret_again`), and `null` removes.
    pub settings: Option<Value>,
    pub priority: Option<i64>,
    pub weight: Option<i64>,
    /// `Some(None)` lifts the limit.
    pub rate: Option<Option<u32>>,
    pub enabled: Option<bool>,
    /// When it had been changed last as far as whoever changes it knows; refused where that is not so.
    pub seen: Option<Timestamp>,
}

/// A provider as it may be shown.
#[derive(Clone, Debug, Serialize)]
pub struct ProviderView {
    pub id: ProviderId,
    pub name: String,
    pub channel: ChannelKind,
    /// A word of [`ProviderKind`], or one of a newer version.
    pub kind: String,
    pub priority: i64,
    pub weight: i64,
    pub rate: Option<i64>,
    pub enabled: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// The address to give to the vendor for its receipts; none where it has none to tell. Whoever knows it can tell us
    /// what became of this provider's deliveries, and nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
}

/// All of them, in the order they are tried.
pub async fn list(s: &Services, caller: &Caller) -> Result<Vec<ProviderView>> {
    caller.require(Permission::ProvidersView)?;
    Ok(providers::list(&s.db).await?.into_iter().map(|row| view(s, caller, row)).collect())
}

/// One of them with its settings, secrets replaced by `"…"`. Settings that cannot be opened are `null`.
pub async fn show(s: &Services, caller: &Caller, id: ProviderId) -> Result<(ProviderView, Value)> {
    caller.require(Permission::ProvidersView)?;
    let row = get(s, id).await?;
    let settings = match (row.kind.parse(), open_settings(s, &row)) {
        (Ok(kind), Ok(settings)) => without_secrets(kind, settings),
        _ => Value::Null,
    };
    Ok((view(s, caller, row), settings))
}

/// The provider of that name.
pub async fn find_by_name(s: &Services, caller: &Caller, name: &str) -> Result<ProviderView> {
    caller.require(Permission::ProvidersView)?;
    let row = providers::find_by_name(&s.db, name).await?.ok_or(Error::NotFound("provider"))?;
    Ok(view(s, caller, row))
}

/// Keeps a new provider, enabled. Every fault of the settings comes at once, below `/settings`.
pub async fn create(s: &Services, caller: &Caller, new: NewProvider) -> Result<ProviderView> {
    caller.require(Permission::ProvidersEdit)?;
    let name = new.name.trim().to_owned();
    let mut faults = Faults::default();
    check(&mut faults, &name, new.priority, new.weight, new.rate);
    if !new.kind.serves(new.channel) {
        faults.add("/kind", "wrong_channel", format!("`{}` does not serve {}", new.kind, new.channel));
    }
    check_settings(s, &mut faults, new.kind, &new.settings);
    mapping::check(s, &mut faults, &new.settings).await?;
    faults.into_result()?;

    let sealed = s.vault.seal(new.settings.to_string().as_bytes());
    let data = ProviderData {
        name: &name,
        channel: new.channel,
        kind: new.kind.name(),
        settings: &sealed,
        priority: new.priority,
        weight: new.weight,
        rate: new.rate.map(i64::from),
        enabled: true,
    };
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let id = providers::insert(&mut tx, now, data).await?.ok_or_else(name_is_taken)?;
    let detail = json!({ "name": name, "channel": new.channel, "kind": new.kind });
    write_audit(&mut tx, now, caller, "provider.create", id, &detail).await?;
    tx.commit().await?;
    Ok(view(s, caller, get(s, id).await?))
}

/// Changes what is given, all of it or, with every fault at once, nothing. A dispatcher takes it up within a second.
pub async fn update(
    s: &Services,
    caller: &Caller,
    id: ProviderId,
    changes: ProviderChanges,
) -> Result<ProviderView> {
    caller.require(Permission::ProvidersEdit)?;
    let row = get(s, id).await?;
    if changes.seen.is_some_and(|seen| seen != row.updated_at) {
        return Err(changed_meanwhile());
    }
    let mut changed = Vec::new();
    let mut note = |differs: bool, what: &'static str| {
        if differs {
            changed.push(what);
        }
    };
    let name = changes.name.map_or_else(|| row.name.clone(), |name| name.trim().to_owned());
    note(name != row.name, "name");
    let priority = changes.priority.unwrap_or(row.priority);
    note(priority != row.priority, "priority");
    let weight = changes.weight.unwrap_or(row.weight);
    note(weight != row.weight, "weight");
    let rate = changes.rate.map_or(row.rate, |rate| rate.map(i64::from));
    note(rate != row.rate, "rate");
    let enabled = changes.enabled.unwrap_or(row.enabled);
    note(enabled != row.enabled, if enabled { "enabled" } else { "disabled" });
    note(changes.settings.is_some(), "settings");

    let mut faults = Faults::default();
    check(&mut faults, &name, priority, weight, changes.rate.flatten());
    let settings = match changes.settings {
        None => row.settings.clone(),
        Some(patch) => {
            // Where the old ones do not open any more, the patch is all there is.
            let before = open_settings(s, &row).unwrap_or_else(|_| json!({}));
            let mut settings = before.clone();
            merge(&mut settings, patch.clone());
            match row.kind.parse() {
                Ok(kind) => {
                    places::check(&mut faults, kind, (&before, &patch, &settings));
                    check_settings(s, &mut faults, kind, &settings);
                    mapping::check(s, &mut faults, &settings).await?;
                }
                Err(reason) => faults.add("/kind", "unsupported", reason),
            }
            s.vault.seal(settings.to_string().as_bytes())
        }
    };
    faults.into_result()?;
    if changed.is_empty() {
        return Ok(view(s, caller, row));
    }

    let data = ProviderData {
        name: &name,
        channel: row.channel,
        kind: &row.kind,
        settings: &settings,
        priority,
        weight,
        rate,
        enabled,
    };
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    if !providers::update(&mut tx, now, id, row.updated_at, data).await? {
        drop(tx);
        return Err(match providers::find_by_name(&s.db, &name).await? {
            Some(other) if other.id != id => name_is_taken(),
            _ => changed_meanwhile(),
        });
    }
    write_audit(&mut tx, now, caller, "provider.update", id, &json!({ "name": name, "changed": changed }))
        .await?;
    tx.commit().await?;
    Ok(view(s, caller, get(s, id).await?))
}

/// Who changed it last, as the audit log names them.
pub async fn last_changed_by(s: &Services, caller: &Caller, id: ProviderId) -> Result<Option<String>> {
    caller.require(Permission::ProvidersEdit)?;
    let (action, object) = (Some("provider.update".to_owned()), Some(id.to_string()));
    let filter = AuditFilter { action, object, ..AuditFilter::default() };
    Ok(audit::list(&s.db, &filter, None, 1).await?.pop().map(|row| row.actor))
}

/// Providers, in use or not, that can call back what they took, each with its channel and for how long.
pub(super) async fn recalling(s: &Services) -> Result<Vec<(ProviderId, ChannelKind, Duration)>> {
    let rows = providers::list(&s.db).await?;
    let limit = |row: &ProviderRow| row.kind.parse().ok().and_then(ProviderKind::recallable);
    Ok(rows.into_iter().filter_map(|row| Some((row.id, row.channel, limit(&row)?))).collect())
}

/// An adapter of its own for a provider, in use or not; `None` if it is gone or does not open.
pub(super) async fn find_adapter(s: &Services, id: ProviderId) -> Result<Option<Arc<dyn Channel>>> {
    let row = providers::find(&s.db, id).await?;
    Ok(row.and_then(|row| directory::adapter(s, &row).ok()))
}

/// The adapter of a provider, in use or not, or why there is none.
pub(super) fn open(s: &Services, row: &ProviderRow) -> Result<Arc<dyn Channel>, String> {
    directory::adapter(s, row)
}

/// The address for receipts is for whoever may change providers: with it receipts could be forged.
fn view(s: &Services, caller: &Caller, row: ProviderRow) -> ProviderView {
    let calls_back = row.kind.parse().is_ok_and(ProviderKind::calls_back);
    let may_know = calls_back && caller.require(Permission::ProvidersEdit).is_ok();
    ProviderView {
        id: row.id,
        name: row.name,
        channel: row.channel,
        kind: row.kind,
        priority: row.priority,
        weight: row.weight,
        rate: row.rate,
        enabled: row.enabled,
        created_at: row.created_at,
        updated_at: row.updated_at,
        callback_url: may_know.then(|| receipts::url(s, row.id)),
    }
}

async fn get(s: &Services, id: ProviderId) -> Result<ProviderRow> {
    providers::find(&s.db, id).await?.ok_or(Error::NotFound("provider"))
}

fn changed_meanwhile() -> Error {
    Error::conflict("changed_meanwhile", "someone else changed this provider; look at it and try again")
}

fn name_is_taken() -> Error {
    Error::fault("/name", "taken", "another provider has this name")
}

fn check(faults: &mut Faults, name: &str, priority: i64, weight: i64, rate: Option<u32>) {
    if name.is_empty() || name.chars().count() > 80 || name.contains(char::is_control) {
        faults.add("/name", "length", "a name has 1 to 80 characters");
    }
    if !(0..=65_535).contains(&priority) {
        faults.add("/priority", "out_of_range", "a priority is between 0 and 65535");
    }
    if !(0..=65_535).contains(&weight) {
        faults.add("/weight", "out_of_range", "a weight is between 0 and 65535");
    }
    if rate == Some(0) {
        faults.add("/rate", "out_of_range", "a rate is at least 1 per second; leave it out for no limit");
    }
}

fn check_settings(s: &Services, faults: &mut Faults, kind: ProviderKind, settings: &Value) {
    if let Err(found) = registry::build(kind, settings, &site(s)) {
        faults.extend(found.into_iter().map(|mut fault| {
            fault.pointer.insert_str(0, "/settings");
            fault
        }));
    }
}

/// What a form asks for, of a provider of this kind.
pub fn settings(kind: ProviderKind) -> Vec<&'static Setting> {
    registry::settings(kind).collect()
}

fn open_settings(s: &Services, row: &ProviderRow) -> Result<Value> {
    let opened = s.vault.open_sealed(&row.settings)?;
    serde_json::from_slice(&opened).map_err(Error::internal)
}

fn site(s: &Services) -> Site {
    Site {
        campus: s.campus.name.as_str().into(),
        public_url: s.campus.public_url.clone(),
        clock: s.clock.clone(),
        bounce_key: s.vault.fingerprint("bounce address", b""),
        peers: s.node.peers.clone(),
    }
}

/// RFC 7396 §2.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Some(target) = target.as_object_mut() else { return };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(&key);
        } else {
            merge(target.entry(key).or_insert(Value::Null), value);
        }
    }
}

fn without_secrets(kind: ProviderKind, mut settings: Value) -> Value {
    for pointer in registry::secrets(kind) {
        match settings.pointer_mut(pointer) {
            Some(Value::Object(secrets)) => secrets.values_mut().for_each(|secret| *secret = "…".into()),
            Some(secret) => *secret = "…".into(),
            None => {}
        }
    }
    settings
}

async fn write_audit(
    tx: &mut Tx,
    now: Timestamp,
    caller: &Caller,
    action: &str,
    id: ProviderId,
    detail: &Value,
) -> Result<()> {
    audit::append(tx, now, &caller.label(), action, &id.to_string(), detail).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_what_it_names() {
        // The example of RFC 7396 §3.
        let mut target = json!({"a": "b", "c": {"d": "e", "f": "g"}});
        merge(&mut target, json!({"a": "z", "c": {"f": null}}));
        assert_eq!(target, json!({"a": "z", "c": {"d": "e"}}));
        merge(&mut target, json!({"c": {"x": {"y": null, "z": 1}}, "n": [null]}));
        assert_eq!(target, json!({"a": "z", "c": {"d": "e", "x": {"z": 1}}, "n": [null]}));
    }

    #[test]
    fn secrets_are_not_shown() {
        let settings =
            json!({"host": "h", "password": "hunter2", "dkim": {"selector": "s", "private_key": "k"}});
        let shown = without_secrets(ProviderKind::Smtp, settings);
        assert_eq!(
            shown,
            json!({"host": "h", "password": "…", "dkim": {"selector": "s", "private_key": "…"}})
        );
        let settings =
            json!({"corp_id": "ww1", "secret": "s", "callback_token": "t", "callback_aes_key": "k"});
        let shown = without_secrets(ProviderKind::Wecom, settings);
        assert_eq!(
            shown,
            json!({"corp_id": "ww1", "secret": "…", "callback_token": "…", "callback_aes_key": "…"})
        );
        let settings = json!({"request": {"url": "u"}, "secrets": {"app": "a", "key": "hunter2"}});
        let shown = without_secrets(ProviderKind::HttpSms, settings);
        assert_eq!(shown, json!({"request": {"url": "u"}, "secrets": {"app": "…", "key": "…"}}));
    }
}
