//! The providers in use, each with its adapter, as the dispatcher holds them.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::metered::metered;
use super::quotas::quota;
use super::{open_settings, record_event, site};
use crate::channel::sandbox::Sandbox;
use crate::channel::{Channel, registry};
use crate::clock::Timestamp;
use crate::domain::channel::{ChannelKind, Outlet};
use crate::domain::id::ProviderId;
use crate::domain::provider::ProviderKind;
use crate::domain::quota::Quota;
use crate::error::Fault;
use crate::service::Services;
use crate::store::providers::{self, ProviderRow};
use crate::{Error, Result};

/// The name of the built-in one in logs and figures.
const SANDBOX: &str = "sandbox";

/// A provider that can be handed to.
pub struct LiveProvider {
    /// `None`: the built-in sandbox.
    pub id: Option<ProviderId>,
    pub name: String,
    /// What it serves; the built-in sandbox serves all.
    pub channel: ChannelKind,
    kind: ProviderKind,
    /// The lowest is tried first; equal ones share by weight.
    pub priority: i64,
    pub weight: i64,
    /// Hand-overs per second, where they are limited.
    pub rate: Option<u32>,
    pub quota: Option<Quota>,
    pub updated_at: Timestamp,
    pub adapter: Arc<dyn Channel>,
}

/// Enabled providers. Belongs to one dispatcher, which refreshes it.
pub struct Directory {
    sandbox: Arc<LiveProvider>,
    /// In the order they are tried.
    live: Vec<Arc<LiveProvider>>,
    /// Those that could not be made, by the change that broke them: each raises one alarm.
    broken: HashMap<ProviderId, Timestamp>,
}

impl Directory {
    /// With the built-in sandbox alone.
    pub fn new(s: &Services) -> Self {
        let sandbox = LiveProvider {
            id: None,
            name: SANDBOX.to_owned(),
            channel: ChannelKind::Email,
            kind: ProviderKind::Sandbox,
            priority: 0,
            weight: 1,
            rate: None,
            quota: None,
            updated_at: Timestamp(0),
            adapter: metered(s, SANDBOX, &ChannelKind::ALL, Arc::new(Sandbox::default())),
        };
        Self { sandbox: Arc::new(sandbox), live: Vec::new(), broken: HashMap::new() }
    }

    /// Takes up what administrators changed. An adapter whose provider was not touched stays, with its connections;
    /// one that was replaced or switched off is closed. A provider that cannot be used is left out, with an alarm.
    /// After an error everything is as before.
    pub async fn refresh(&mut self, s: &Services) -> Result<()> {
        let rows = providers::list(&s.db).await?;
        let mut before: HashMap<_, _> = self.live.iter().map(|live| (live.id, Arc::clone(live))).collect();
        let mut live = Vec::with_capacity(rows.len());
        let mut broken = HashMap::new();
        for row in rows.into_iter().filter(|row| row.enabled) {
            if let Some(same) = before.get(&Some(row.id)).filter(|old| old.updated_at == row.updated_at) {
                live.push(Arc::clone(same));
                before.remove(&Some(row.id));
                continue;
            }
            let quota = quota(s, &row);
            match made(s, &row) {
                Ok((kind, adapter)) => live.push(Arc::new(LiveProvider {
                    id: Some(row.id),
                    adapter: metered(s, &row.name, &[row.channel], adapter),
                    name: row.name,
                    channel: row.channel,
                    kind,
                    priority: row.priority,
                    weight: row.weight,
                    rate: row.rate.and_then(|rate| u32::try_from(rate).ok()),
                    quota,
                    updated_at: row.updated_at,
                })),
                Err(reason) => {
                    if self.broken.get(&row.id) != Some(&row.updated_at) {
                        tracing::error!(provider = row.name, %reason, "provider left out");
                        record_event(s, row.id, "alarm", &json!({ "reason": reason })).await?;
                    }
                    broken.insert(row.id, row.updated_at);
                }
            }
        }
        self.live = live;
        self.broken = broken;
        for gone in before.into_values() {
            s.background.spawn(async move { gone.adapter.close().await });
        }
        Ok(())
    }

    /// Whoever serves the outlet, in the order they are tried. The sandbox's is the built-in one.
    pub fn of(&self, outlet: Outlet) -> Vec<Arc<LiveProvider>> {
        match outlet {
            Outlet::Sandbox => vec![Arc::clone(&self.sandbox)],
            Outlet::Live(kind) => {
                let takes =
                    |live: &&Arc<LiveProvider>| live.channel == kind.channel() && live.kind.takes(kind);
                self.live.iter().filter(takes).cloned().collect()
            }
        }
    }

    /// Closes every idle connection, at a soft stop.
    pub async fn close(&self) {
        for live in &self.live {
            live.adapter.close().await;
        }
    }
}

pub(super) fn adapter(s: &Services, row: &ProviderRow) -> Result<Arc<dyn Channel>, String> {
    made(s, row).map(|(_, adapter)| adapter)
}

fn made(s: &Services, row: &ProviderRow) -> Result<(ProviderKind, Arc<dyn Channel>), String> {
    let kind: ProviderKind = row.kind.parse()?;
    let settings: Value = open_settings(s, row).map_err(|error| match error {
        Error::Internal(source) => source.to_string(),
        other => other.to_string(),
    })?;
    let adapter = registry::build(kind, &settings, &site(s)).map_err(|faults| in_words(&faults))?;
    Ok((kind, adapter))
}

fn in_words(faults: &[Fault]) -> String {
    let words: Vec<_> = faults.iter().map(|fault| format!("{}: {}", fault.pointer, fault.detail)).collect();
    words.join("; ")
}
