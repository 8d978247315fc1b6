//! Which of the providers in use are given nothing at the moment, and why: what the dispatchers found out, whichever
//! process they run in.

use std::collections::HashMap;

use super::quotas::{self, QuotaState};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::id::ProviderId;
use crate::domain::message::Lane;
use crate::domain::operator::Permission;
use crate::service::{Caller, Services};
use crate::store::providers::{self, TEST_FAILED};
use crate::store::reports::{self as store, ProviderHealthRow};
use crate::store::sources;
use crate::telemetry::mask;

#[derive(Clone, Debug)]
pub struct ProviderHealth {
    pub id: ProviderId,
    pub name: String,
    pub channel: ChannelKind,
    pub trouble: Option<Trouble>,
    /// Where nothing ails it as far as is known.
    pub doubt: Option<Doubt>,
    /// Where there is one.
    pub quota: Option<QuotaState>,
    /// What it answered since it was last changed and nobody knows.
    pub unknown_codes: Vec<UnknownCode>,
}

/// A code that is in no table of ours: what it is taken for is a guess until an administrator says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCode {
    pub code: String,
    /// In the provider's words, addresses masked; for those who may see providers.
    pub words: Option<String>,
}

/// Why a provider is given nothing at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub kind: TroubleKind,
    /// In the provider's words, addresses masked; for those who may see providers.
    pub reason: Option<String>,
    /// When it is tried again by itself; none where somebody must act first.
    pub until: Option<Timestamp>,
}

/// Why it is not known to work, although it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It failed, its rest is over, and nothing went through it since.
    Untried,
    /// The last self-test since it was changed did not pass.
    TestFailed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// It failed and is left alone for a while.
    Failed,
    /// It asked for less.
    Paused,
    /// Its settings cannot be used.
    Unusable,
}

/// The enabled providers in the order they are tried.
pub(in crate::service) async fn health(s: &Services) -> Result<Vec<ProviderHealth>> {
    let now = s.clock.now();
    let rows: Vec<_> = providers::list(&s.db).await?.into_iter().filter(|row| row.enabled).collect();
    let quotas = quotas::states(s, &rows, now).await?;
    let mut unknown: HashMap<ProviderId, Vec<UnknownCode>> = HashMap::new();
    for row in providers::unknown_codes(&s.db).await? {
        let words = row.detail.0.get("reason").and_then(|words| words.as_str()).map(mask::text);
        unknown.entry(row.provider_id).or_default().push(UnknownCode { code: row.code, words });
    }
    let rows = store::provider_health(&s.db).await?.into_iter();
    Ok(rows
        .map(|row| {
            let (id, quota) = (row.id, quotas.get(&row.id).copied());
            let unknown_codes = unknown.remove(&id).unwrap_or_default();
            ProviderHealth { quota, unknown_codes, ..judge(row, now) }
        })
        .map(with_quota)
        .collect())
}

/// As [`health`], for whoever may see providers.
pub async fn list_health(s: &Services, caller: &Caller) -> Result<Vec<ProviderHealth>> {
    caller.require(Permission::ProvidersView)?;
    health(s).await
}

/// A provider whose quota is used up is given nothing but emergencies, whatever else happened to it since.
fn with_quota(health: ProviderHealth) -> ProviderHealth {
    let used_up = health.quota.filter(|state| health.trouble.is_none() && state.left(Lane::Normal) == 0);
    let trouble = used_up.map(|state| Trouble {
        kind: TroubleKind::Paused,
        reason: Some(state.quota.used_up(state.used)),
        until: Some(state.until),
    });
    ProviderHealth { trouble: trouble.or(health.trouble), ..health }
}

/// The channels that sources may use and no provider serves.
pub(in crate::service) async fn unserved(
    s: &Services,
    providers: &[ProviderHealth],
) -> Result<Vec<ChannelKind>> {
    let served = |channel: &ChannelKind| providers.iter().any(|provider| provider.channel == *channel);
    let mut used = sources::channels_in_use(&s.db).await?;
    used.retain(|channel| !served(channel));
    Ok(used)
}

fn judge(row: ProviderHealthRow, now: Timestamp) -> ProviderHealth {
    let text = |name: &str| row.detail.as_ref().and_then(|detail| detail.0.get(name)?.as_str());
    let until = text("until").and_then(|at| at.parse::<jiff::Timestamp>().ok()).map(Timestamp::from);
    let kind = match row.kind.as_deref() {
        Some("opened" | "half_open") => Some(TroubleKind::Failed),
        Some("paused") => Some(TroubleKind::Paused),
        Some("alarm") => Some(TroubleKind::Unusable),
        _ => None,
    };
    // A provider that was changed since starts afresh.
    let unchanged = row.at.is_some_and(|at| at >= row.updated_at);
    let lasts = |kind: &TroubleKind| *kind == TroubleKind::Unusable || until.is_some_and(|until| until > now);
    let trouble = kind.filter(lasts).filter(|_| unchanged).map(|kind| Trouble {
        kind,
        reason: text("reason").map(mask::text),
        until,
    });
    let doubt = doubt(&row, unchanged).filter(|_| trouble.is_none());
    ProviderHealth {
        id: row.id,
        name: row.name,
        channel: row.channel,
        trouble,
        doubt,
        quota: None,
        unknown_codes: Vec::new(),
    }
}

/// Of a provider that is used.
fn doubt(row: &ProviderHealthRow, unchanged: bool) -> Option<Doubt> {
    // What went well afterwards counts more than a test.
    let works = row.kind.as_deref() == Some("closed") && row.at > row.tested_at;
    let tested = row.tested_at.is_some_and(|at| at >= row.updated_at);
    if tested && !works && row.tested.as_deref() == Some(TEST_FAILED) {
        return Some(Doubt::TestFailed);
    }
    let failed = matches!(row.kind.as_deref(), Some("opened" | "half_open"));
    (failed && unchanged).then_some(Doubt::Untried)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::id::ProviderId;
    use crate::store::JsonText;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);
    /// When the provider was last changed.
    const CHANGED: i64 = -60_000;

    fn row(kind: &str, at: i64, detail: Value) -> ProviderHealthRow {
        ProviderHealthRow {
            id: ProviderId(1),
            name: "relay".to_owned(),
            channel: ChannelKind::Email,
            updated_at: Timestamp(NOW.0 + CHANGED),
            at: Some(Timestamp(NOW.0 + at)),
            kind: Some(kind.to_owned()),
            detail: Some(JsonText(detail)),
            tested: None,
            tested_at: None,
        }
    }

    fn trouble(kind: &str, at: i64, detail: Value) -> Option<Trouble> {
        judge(row(kind, at, detail), NOW).trouble
    }

    #[test]
    fn what_failed_and_was_not_used_since_is_in_doubt() {
        let until = |seconds: i64| json!({ "until": Timestamp(NOW.0 + seconds * 1000).to_string() });
        let tested = |kind: &str, at: i64, test: &str, tested_at: i64| {
            let tested_at = Some(Timestamp(NOW.0 + tested_at));
            judge(
                ProviderHealthRow { tested: Some(test.to_owned()), tested_at, ..row(kind, at, until(-1)) },
                NOW,
            )
            .doubt
        };
        assert_eq!(judge(row("opened", -9, until(-1)), NOW).doubt, Some(Doubt::Untried));
        assert_eq!(judge(row("opened", -9, until(1)), NOW).doubt, None, "it is left alone");
        assert_eq!(judge(row("opened", CHANGED - 1, until(-1)), NOW).doubt, None, "it was changed since");
        assert_eq!(judge(row("closed", -9, until(-1)), NOW).doubt, None);
        assert_eq!(tested("closed", -9, TEST_FAILED, -5), Some(Doubt::TestFailed));
        assert_eq!(tested("closed", -5, TEST_FAILED, -9), None, "it has worked since");
        assert_eq!(tested("closed", -9, TEST_FAILED, CHANGED - 1), None, "it was changed since");
        assert_eq!(tested("closed", -9, "test_passed", -5), None);
    }

    #[test]
    fn a_provider_is_in_trouble_until_its_pause_is_over() {
        let until = |millis| Timestamp(NOW.0 + millis);
        let detail = |millis| json!({ "until": until(millis).to_string(), "reason": "421 busy" });
        let open = Trouble {
            kind: TroubleKind::Failed,
            reason: Some("421 busy".to_owned()),
            until: Some(until(5_000)),
        };
        assert_eq!(trouble("opened", -1, detail(5_000)), Some(open.clone()));
        assert_eq!(trouble("paused", -1, detail(5_000)), Some(Trouble { kind: TroubleKind::Paused, ..open }));
        assert_eq!(trouble("opened", -1, detail(-5_000)), None);
        assert_eq!(trouble("closed", -1, json!({})), None);
    }

    #[test]
    fn a_change_ends_any_trouble() {
        let unusable = json!({ "reason": "sealed with another key" });
        assert_eq!(
            trouble("alarm", 1, unusable.clone()).map(|t| (t.kind, t.until)),
            Some((TroubleKind::Unusable, None))
        );
        assert_eq!(trouble("alarm", CHANGED - 1, unusable), None);
        let open = json!({ "until": NOW.plus(std::time::Duration::from_secs(5)).to_string() });
        assert!(trouble("opened", CHANGED, open.clone()).is_some());
        assert_eq!(trouble("opened", CHANGED - 1, open), None);
    }
}
