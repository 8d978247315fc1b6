//! Trying a provider out: it is called as when something is sent, and nothing is.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::{directory, get, open_settings, write_audit};
use crate::Result;
use crate::channel::{Channel, Refusal, registry};
use crate::domain::id::ProviderId;
use crate::domain::operator::Permission;
use crate::domain::provider::Advice;
use crate::service::{Caller, Services};
use crate::store::providers::ProviderRow;

/// Where neither the settings nor the kind say how long a provider may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a provider answered to a test.
#[derive(Clone, Debug, Serialize)]
pub struct ProviderTest {
    pub ok: bool,
    /// Who answered, or what went wrong.
    pub detail: String,
    /// The provider's own code for what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Our address as the provider saw it, where it told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_address: Option<String>,
    /// What is likely to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<Advice>,
    #[serde(serialize_with = "as_millis", rename = "duration_ms")]
    pub duration: Duration,
}

fn as_millis<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_millis() as u64)
}

/// Connects and signs in at the provider without sending anything. It has as long as its time-out says.
pub async fn test(s: &Services, caller: &Caller, id: ProviderId) -> Result<ProviderTest> {
    caller.require(Permission::ProvidersEdit)?;
    let row = get(s, id).await?;
    let began = s.clock.steady();
    let (answer, advice) = match directory::adapter(s, &row) {
        Ok(adapter) => {
            let answer = ask(&*adapter, time_out(s, &row)).await;
            let code = answer.as_ref().err().and_then(|refusal| refusal.code.as_deref());
            let advice = code.and_then(|code| adapter.advice(code));
            adapter.close().await;
            (answer, advice)
        }
        Err(reason) => (Err(Refusal::from(reason)), None),
    };
    let duration = s.clock.steady().saturating_sub(began);
    let ok = answer.is_ok();
    let Refusal { code, words, seen_address } = match answer {
        Ok(words) => Refusal::from(words),
        Err(refusal) => refusal,
    };

    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    write_audit(&mut tx, now, caller, "provider.test", id, &json!({ "name": row.name, "ok": ok })).await?;
    tx.commit().await?;
    Ok(ProviderTest { ok, detail: words, code, seen_address, advice, duration })
}

/// A conversation of many commands may keep to the time-out with each and still take long.
async fn ask(adapter: &dyn Channel, limit: Duration) -> Result<String, Refusal> {
    let answer = tokio::time::timeout(limit, adapter.check()).await;
    answer.unwrap_or_else(|_| Err(Refusal::from(format!("no answer within {} s", limit.as_secs_f64()))))
}

fn time_out(s: &Services, row: &ProviderRow) -> Duration {
    const NAME: &str = "timeout_seconds";
    let chosen = open_settings(s, row).ok().and_then(|settings| settings.get(NAME).and_then(Value::as_f64));
    let usual = || {
        let kind = row.kind.parse().ok()?;
        registry::settings(kind).find(|setting| setting.name() == NAME)?.usual.parse().ok()
    };
    chosen.or_else(usual).map_or(PATIENCE, |seconds: f64| Duration::from_secs_f64(seconds.clamp(0.1, 600.0)))
}
