//! What happened to providers, and what administrators are told of it.

use serde_json::{Value, json};

use super::{Caller, Services};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::ProviderId;
use crate::domain::operator::Permission;
use crate::store::{Tx, providers};
use crate::telemetry::mask;

pub use crate::store::providers::ProviderEventRow;

/// Characters that are kept of a code, and of the words that came with it.
const LONGEST: usize = 200;

/// Something that happened to a provider. Providers repeat addresses in what they answer, and what happened to one is kept
/// whoever is forgotten: addresses are masked.
#[derive(Clone, Debug)]
pub struct Told {
    provider: ProviderId,
    at: Timestamp,
    kind: &'static str,
    /// Of a code that nobody knows.
    code: Option<String>,
    detail: Value,
}

impl Told {
    /// `kind`: `opened`, `half_open`, `closed`, `paused`, `alarm`, `test_passed` or `test_failed`. `detail` is a JSON object.
    pub fn event(provider: ProviderId, at: Timestamp, kind: &'static str, mut detail: Value) -> Self {
        if let Some(reason) = detail.get("reason").and_then(Value::as_str).map(mask::text) {
            detail["reason"] = reason.into();
        }
        Self { provider, at, kind, code: None, detail }
    }

    /// It answered with a code that is in no table of ours. Told once until the provider is changed.
    pub fn unknown_code(provider: ProviderId, at: Timestamp, code: &str, words: &str) -> Self {
        let cut = |text: &str| -> String {
            mask::text(text).chars().filter(|c| !c.is_control()).take(LONGEST).collect()
        };
        let (code, reason) = (cut(code), cut(words));
        let detail = json!({ "code": code, "reason": reason });
        Self { provider, at, kind: "unknown_code", code: Some(code), detail }
    }
}

/// Adds to providers' histories. Codes come first and in one order: two who tell the same ones wait for each other.
pub(in crate::service) async fn tell(tx: &mut Tx, told: &[Told]) -> Result<()> {
    let mut codes: Vec<_> =
        told.iter().filter_map(|told| Some((told.provider, told.code.as_deref()?, told))).collect();
    codes.sort_by_key(|(provider, code, _)| (*provider, *code));
    for (provider, code, told) in codes {
        providers::insert_unknown_code(tx, told.at, provider, code, &told.detail).await?;
    }
    for told in told.iter().filter(|told| told.code.is_none()) {
        providers::insert_event(tx, told.at, told.provider, told.kind, &told.detail).await?;
    }
    Ok(())
}

/// Adds one event to a provider's history.
pub async fn record_event(
    s: &Services,
    provider: ProviderId,
    kind: &'static str,
    detail: &Value,
) -> Result<()> {
    let mut tx = s.db.begin().await?;
    tell(&mut tx, &[Told::event(provider, s.clock.now(), kind, detail.clone())]).await?;
    tx.commit().await
}

/// A provider's history, newest first, older than the event `before`.
pub async fn list_events(
    s: &Services,
    caller: &Caller,
    id: ProviderId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<ProviderEventRow>> {
    caller.require(Permission::ProvidersView)?;
    providers::list_events(&s.db, id, before, limit).await
}
