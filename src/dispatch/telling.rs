//! What administrators are told of a provider: it goes into its history.

use serde_json::{Value, json};

use super::breaker::Change;
use super::choice::{News, Providers};
use crate::domain::id::ProviderId;
use crate::service::Services;
use crate::service::providers;

/// A probe hangs for no longer than this: a process that is gone meanwhile says nothing of it.
const PROBE: std::time::Duration = std::time::Duration::from_mins(1);

/// Tells all there is to tell.
pub(super) async fn tell(s: &Services, known: &mut Providers) {
    for (provider, news) in known.news() {
        match news {
            News::Change(change) => tell_change(s, provider, &change).await,
            News::Unlisted { code, words } => {
                tracing::warn!(%provider, code, words, "a code that nobody knows");
                if let Err(error) = providers::record_unknown_code(s, provider, &code, &words).await {
                    tracing::warn!(%provider, %error, "provider event not stored");
                    known.untold(provider, &code);
                }
            }
        }
    }
}

async fn tell_change(s: &Services, provider: ProviderId, change: &Change) {
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
