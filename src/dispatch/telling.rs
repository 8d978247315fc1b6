//! What administrators are told of a provider: it goes into its history.

use serde_json::{Value, json};

use super::breaker::Change;
use super::choice::Providers;
use crate::channel::Outcome;
use crate::domain::id::ProviderId;
use crate::service::Services;
use crate::service::providers;

/// A probe hangs for no longer than this: a process that is gone meanwhile says nothing of it.
const PROBE: std::time::Duration = std::time::Duration::from_mins(1);

pub(super) async fn tell(s: &Services, provider: ProviderId, change: &Change) {
    let (kind, detail): (_, Value) = match change {
        Change::Opened { until, reason } => {
            tracing::warn!(%provider, reason, %until, "provider left alone after failures");
            ("opened", json!({"until": until.to_string(), "reason": reason}))
        }
        Change::HalfOpen { reason } => {
            tracing::info!(%provider, reason, "provider tried with one delivery");
            let until = s.clock.now().plus(PROBE);
            ("half_open", json!({"until": until.to_string(), "reason": reason}))
        }
        Change::Paused { until, reason } => {
            tracing::warn!(%provider, reason, %until, "provider paused");
            ("paused", json!({"until": until.to_string(), "reason": reason}))
        }
        Change::Closed => {
            tracing::info!(%provider, "provider works again");
            ("closed", json!({}))
        }
    };
    if let Err(error) = providers::record_event(s, provider, kind, &detail).await {
        tracing::warn!(%provider, %error, "provider event not stored");
    }
}

/// Tells of codes that are in no table of ours, each once until the provider is changed.
pub(super) async fn tell_unlisted(
    s: &Services,
    known: &mut Providers,
    provider: ProviderId,
    outcomes: impl Iterator<Item = &Outcome>,
) {
    for outcome in outcomes.filter(|outcome| outcome.unlisted) {
        let code = outcome.code.as_deref().unwrap_or("-");
        if !known.is_news(provider, code) {
            continue;
        }
        let words = outcome.detail.as_deref().unwrap_or_default();
        tracing::warn!(%provider, code, words, "a code that nobody knows");
        match providers::record_unknown_code(s, provider, code, words).await {
            Ok(()) => known.was_told(provider, code),
            Err(error) => tracing::warn!(%provider, %error, "provider event not stored"),
        }
    }
}
