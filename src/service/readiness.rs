//! What this node needs to do its work, part by part.

use std::time::Duration;

use serde::Serialize;

use super::Services;
use super::providers::{self, ProviderHealth, TroubleKind};
use crate::clock::Timestamp;

/// A store that takes longer than this to answer is as good as gone for whoever waits at the balancer.
const PATIENCE: Duration = Duration::from_secs(2);

/// A process writes four times as often.
const SILENT: Duration = Duration::from_mins(1);

/// One thing this node depends on.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Part {
    /// `store`, `queue`, `intake`, `events`, `providers` or `process`.
    pub name: &'static str,
    /// `ok`, `degraded` or `unavailable`.
    pub status: &'static str,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Part {
    fn ok(name: &'static str) -> Self {
        Self { name, status: "ok", detail: None }
    }

    fn degraded(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, status: "degraded", detail: Some(detail.into()) }
    }

    fn unavailable(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, status: "unavailable", detail: Some(detail.into()) }
    }

    /// This process finishes what it has and takes nothing new.
    pub fn stopping() -> Self {
        Self::unavailable("process", "stopping")
    }

    pub fn is_ok(&self) -> bool {
        self.status == "ok"
    }

    /// Requests must go to another node.
    pub fn is_unavailable(&self) -> bool {
        self.status == "unavailable"
    }
}

/// Asks every part. The schema needs no asking: a store is opened only after its migrations.
pub async fn check(s: &Services) -> Vec<Part> {
    let store = match tokio::time::timeout(PATIENCE, s.db.ping()).await {
        Ok(Ok(())) => writable(s),
        Ok(Err(error)) => Part::unavailable("store", error.to_string()),
        Err(_) => Part::unavailable("store", "no answer in time"),
    };
    // Without it each process looks into the store: later by less than a second, and nothing is lost.
    let queue = match s.queue.trouble() {
        None => Part::ok("queue"),
        Some(why) => Part::degraded(
            "queue",
            format!("the broker is away, each process looks into the store instead: {why}"),
        ),
    };
    // What is published waits at the broker.
    let door = s.broker_door.trouble().map(|why| Part::degraded("intake", why));
    // These wait in the store, and count against no endpoint.
    let events = s.source_queues.as_ref().and_then(|queues| queues.trouble());
    let events = events.map(|why| {
        Part::degraded("events", format!("what sources are told by queues does not reach the broker: {why}"))
    });
    let mut parts: Vec<_> = [store, queue].into_iter().chain(door).chain(events).collect();
    if parts[0].is_unavailable() {
        return parts;
    }
    let providers = match tokio::time::timeout(PATIENCE, shortcomings(s)).await {
        Ok(Ok(found)) if found.is_empty() => Part::ok("providers"),
        Ok(Ok(found)) => Part::degraded("providers", found.join("; ")),
        Ok(Err(_)) | Err(_) => Part::degraded("providers", "not known: the store did not tell"),
    };
    parts.push(providers);
    parts
}

/// A store that answers and takes nothing. Every node has the same one: off the balancer it would help nobody, and what is there can
/// still be read.
fn writable(s: &Services) -> Part {
    match s.node.silent_for(s.clock.steady()).filter(|silent| *silent >= SILENT) {
        None => Part::ok("store"),
        Some(silent) => Part::degraded(
            "store",
            format!(
                "nothing could be written to it for {} seconds, so nothing is accepted: is its disk full or read-only, or does \
                 somebody hold it locked?",
                silent.as_secs()
            ),
        ),
    }
}

/// What keeps deliveries from leaving, in words for whoever looks after this.
async fn shortcomings(s: &Services) -> crate::Result<Vec<String>> {
    let providers = providers::health(s).await?;
    if providers.is_empty() {
        return Ok(vec![
            "no provider is set up, so only what test keys send goes anywhere; see `belltower provider create --help`"
                .to_owned(),
        ]);
    }
    let mut found: Vec<String> = providers.iter().filter_map(trouble).collect();
    found.extend(providers.iter().filter_map(unknown_codes));
    found.extend(providers::unserved(s, &providers).await?.iter().map(|channel| {
        format!(
            "sources may use {channel}, which no provider serves: set one up with `belltower provider create \
             --channel {channel}`, or take it from them"
        )
    }));
    found.extend(providers::stranded(s).await?.iter().map(|kind| {
        format!(
            "deliveries by {kind} wait, which no provider takes: set one up with `belltower provider create --channel \
             {channel}`",
            kind = kind.name(),
            channel = kind.channel(),
        )
    }));
    Ok(found)
}

/// What is taken for a fault of the settings until somebody says otherwise. The codes are the provider's own words.
fn unknown_codes(provider: &ProviderHealth) -> Option<String> {
    let ProviderHealth { name, channel, unknown_codes, .. } = provider;
    let n = unknown_codes.len();
    (n > 0).then(|| {
        format!(
            "the {channel} provider `{name}` answered with codes that nobody knows ({n}): see `belltower provider \
             health`, and say in its `overrides` what they mean"
        )
    })
}

/// Without the provider's own words: who asks may be anybody.
fn trouble(provider: &ProviderHealth) -> Option<String> {
    let ProviderHealth { name, channel, trouble, .. } = provider;
    let trouble = trouble.as_ref()?;
    let again = trouble.until.map(|at: Timestamp| format!(" and is tried again at {at}")).unwrap_or_default();
    let what = match trouble.kind {
        TroubleKind::Failed => "failed",
        TroubleKind::Paused => "asked for less",
        TroubleKind::Unusable => "has settings that cannot be used",
    };
    Some(format!("the {channel} provider `{name}` {what}{again}"))
}
