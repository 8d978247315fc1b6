//! What administrators are told of a provider: it goes into its history.

use serde_json::json;

use super::breaker::Change;
use super::choice::News;
use crate::clock::Timestamp;
use crate::domain::id::ProviderId;
use crate::service::providers::Told;

/// A probe hangs for no longer than this: a process that is gone meanwhile says nothing of it.
const PROBE: std::time::Duration = std::time::Duration::from_mins(1);

/// Logs what is new, and says it as it is kept.
pub(super) fn tell(provider: ProviderId, news: News, now: Timestamp) -> Told {
    match news {
        News::Change(Change::Opened { until, reason }) => {
            tracing::warn!(%provider, reason, %until, "provider left alone after failures");
            Told::event(provider, now, "opened", json!({"until": until.to_string(), "reason": reason}))
        }
        News::Change(Change::HalfOpen { reason }) => {
            tracing::info!(%provider, reason, "provider tried with one delivery");
            let until = now.plus(PROBE);
            Told::event(provider, now, "half_open", json!({"until": until.to_string(), "reason": reason}))
        }
        News::Change(Change::Paused { until, reason }) => {
            tracing::warn!(%provider, reason, %until, "provider paused");
            Told::event(provider, now, "paused", json!({"until": until.to_string(), "reason": reason}))
        }
        News::Change(Change::Closed) => {
            tracing::info!(%provider, "provider works again");
            Told::event(provider, now, "closed", json!({}))
        }
        News::Unlisted { code, words } => {
            tracing::warn!(%provider, code, words, "a code that nobody knows");
            Told::unknown_code(provider, now, &code, &words)
        }
    }
}
