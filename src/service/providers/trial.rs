//! Trying a provider out: it is shown what it would be sent, asked whether it would take it, or sent one text.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::{directory, get, open_settings, record_event, spend_one, write_audit};
use crate::channel::{Channel, Outcome, Parcel, Refusal, registry};
use crate::clock::Timestamp;
use crate::config::Language;
use crate::domain::address::normalise;
use crate::domain::audience::Params;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::content::Rendered;
use crate::domain::delivery::OutcomeClass;
use crate::domain::id::{DeliveryId, MessageId, ProviderId};
use crate::domain::operator::Permission;
use crate::domain::provider::{Advice, ProviderKind};
use crate::service::{Caller, Services, letterhead};
use crate::store::providers::{ProviderRow, TEST_FAILED, TEST_PASSED};
use crate::store::suppressions;
use crate::telemetry::mask;
use crate::{Error, Result};

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
    let tested = ask(s, &row, async |adapter| adapter.check().await).await;
    note(s, caller, "provider.test", id, &json!({ "name": row.name, "ok": tested.ok })).await?;
    if tested.ok {
        record_event(s, id, TEST_PASSED, &json!({})).await?;
    } else {
        record_event(s, id, TEST_FAILED, &json!({ "reason": said(&tested) })).await?;
    }
    Ok(tested)
}

/// The provider's code and words, of which the words often begin with the code.
fn said(tested: &ProviderTest) -> String {
    match &tested.code {
        Some(code) if !tested.detail.starts_with(code) => format!("{code} {}", tested.detail),
        _ => tested.detail.clone(),
    }
}

/// Sends one text that says what it is, to whoever tries the provider out. It goes straight there, in use or not, and is no
/// message; it has as long as the provider's time-out says.
///
/// # Errors
///
/// A fault at `/address` for what is none, for one we do not write to, and where the provider may be given no more today.
pub async fn send_one(s: &Services, caller: &Caller, id: ProviderId, address: &str) -> Result<ProviderTest> {
    caller.require(Permission::ProvidersEdit)?;
    let row = get(s, id).await?;
    let fault = |code, detail: &str| Err(Error::fault("/address", code, detail));
    let kind = writes_to(&row)?;
    let address = match normalise(kind, address) {
        Ok(address) => address,
        Err(bad) => return fault("bad_address", &bad.to_string()),
    };
    if suppressions::cause(&s.db, kind, &address, s.clock.now()).await?.is_some() {
        return fault("suppressed", "nothing is sent to this address: it is on the suppression list");
    }
    if !spend_one(s, &row).await? {
        return fault("quota_used", "the provider may be given no more today");
    }
    let (campus, name) = (letterhead::name(s, s.campus.language.as_str()), &row.name);
    let content = match s.campus.language {
        Language::SimplifiedChinese => Rendered::new(
            "试发",
            &format!("{campus}通知平台正在试发“{name}”。收到这条消息，说明它可以送达，无需回复。"),
            None,
        ),
        Language::English => Rendered::new(
            "Trial",
            &format!(
                "{campus} tries out “{name}”. That you read this means that it works; there is no need to answer."
            ),
            None,
        ),
    };
    let parcel = aside(s, row.channel, kind, address, content);
    let tested = ask(s, &row, async |adapter| told(adapter.send(std::slice::from_ref(&parcel)).await.pop()));
    let tested = tested.await;
    let to = mask::address_of(kind, &parcel.address);
    note(s, caller, "provider.try", id, &json!({ "name": row.name, "to": to, "ok": tested.ok })).await?;
    Ok(tested)
}

async fn note(s: &Services, caller: &Caller, act: &str, id: ProviderId, detail: &Value) -> Result<()> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    write_audit(&mut tx, now, caller, act, id, detail).await?;
    tx.commit().await
}

/// What it said to one parcel, as the answer to a question.
fn told(outcome: Option<Outcome>) -> Result<String, Refusal> {
    let outcome = outcome.unwrap_or_else(|| Outcome::new(OutcomeClass::Unknown));
    let Outcome { class, code, detail, .. } = outcome;
    let words = detail.or_else(|| code.clone()).unwrap_or_else(|| class.name().to_owned());
    match class {
        OutcomeClass::Accepted => Ok(words),
        _ => Err(Refusal { code, words, seen_address: None }),
    }
}

/// A conversation of many commands may keep to the time-out with each and still take long.
async fn ask(
    s: &Services,
    row: &ProviderRow,
    question: impl AsyncFnOnce(&dyn Channel) -> Result<String, Refusal>,
) -> ProviderTest {
    let began = s.clock.steady();
    let (answer, advice) = match directory::adapter(s, row) {
        Ok(adapter) => {
            let limit = time_out(s, row);
            let answer = tokio::time::timeout(limit, question(&*adapter)).await;
            let answer = answer.unwrap_or_else(|_| {
                Err(Refusal::from(format!("no answer within {} s", limit.as_secs_f64())))
            });
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
    ProviderTest { ok, detail: words, code, seen_address, advice, duration }
}

/// What is to be shown as it would be sent.
#[derive(Clone, Debug)]
pub struct Sample {
    pub address: String,
    pub title: String,
    /// Markdown.
    pub body: String,
    /// The slug of the template it names.
    pub template: Option<String>,
    pub params: Params,
}

/// The call a provider would get for a message, with names for secrets. Nobody is called.
pub async fn render(s: &Services, caller: &Caller, id: ProviderId, sample: Sample) -> Result<String> {
    caller.require(Permission::ProvidersEdit)?;
    let row = get(s, id).await?;
    let kind = writes_to(&row)?;
    let fault = |pointer: &str, detail: String| Error::fault(pointer, "not_shown", detail);
    let address = normalise(kind, &sample.address).map_err(|bad| fault("/address", bad.to_string()))?;
    let adapter = directory::adapter(s, &row).map_err(|reason| fault("/settings", reason))?;
    let content = Rendered::new(&sample.title, &sample.body, None);
    let parcel = Parcel {
        delivery: DeliveryId(0),
        message: MessageId(0),
        params: Arc::new(sample.params),
        template: sample.template.map(Into::into),
        ..aside(s, row.channel, kind, address, content)
    };
    match adapter.render(&parcel) {
        Some(Ok(text)) => Ok(text),
        Some(Err(outcome)) => Err(fault("/message", outcome.detail.unwrap_or_default())),
        None => Err(fault("/kind", "providers of this kind have no call to show".to_owned())),
    }
}

fn writes_to(row: &ProviderRow) -> Result<AddressKind> {
    let kind: ProviderKind = row.kind.parse().map_err(|_| {
        Error::fault("/kind", "unknown_value", "a newer version made this provider; this one cannot call it")
    })?;
    Ok(kind.writes_to(row.channel))
}

/// A text that goes to a provider beside all messages and deliveries.
pub(in crate::service) fn aside(
    s: &Services,
    channel: ChannelKind,
    address_kind: AddressKind,
    address: String,
    content: Rendered,
) -> Parcel {
    // Beyond all keys of deliveries, so that nothing a provider says of it is taken for one.
    let number = rand::random_range(1_i64 << 61..1 << 62);
    Parcel {
        delivery: DeliveryId(number),
        message: MessageId(number),
        attempt: 1,
        channel,
        address_kind,
        address,
        name: None,
        language: s.campus.language.as_str().to_owned(),
        content: Arc::new(content),
        params: Arc::default(),
        template: None,
        page: None,
        roll_call: None,
        unsubscribe: None,
        emergency: false,
        sent_before: None,
        expires_at: Timestamp::NEVER,
        head: Arc::clone(&letterhead::now(s).head),
    }
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
