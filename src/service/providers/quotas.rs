//! What of providers' daily quotas is used, and what is left for a message.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::open_settings;
use crate::Result;
use crate::channel::registry;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::id::ProviderId;
use crate::domain::message::Lane;
use crate::domain::quota::{Quota, day_ends, vendor_day};
use crate::service::Services;
use crate::store::providers::{self, ProviderRow};
use crate::store::quotas;

/// A provider's day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct QuotaState {
    #[serde(flatten)]
    pub quota: Quota,
    /// What it took, or may have.
    pub used: i64,
    /// When the vendor's day is over.
    pub until: Timestamp,
}

impl QuotaState {
    /// What may still be handed over today.
    pub fn left(self, lane: Lane) -> i64 {
        match lane {
            Lane::Emergency => self.quota.left_for_emergencies(self.used),
            _ => self.quota.left(self.used),
        }
    }
}

/// What providers took today as their vendors count it.
pub async fn used_today(s: &Services) -> Result<HashMap<ProviderId, i64>> {
    used(s, s.clock.now()).await
}

async fn used(s: &Services, at: Timestamp) -> Result<HashMap<ProviderId, i64>> {
    quotas::used(&s.db, &vendor_day(at)).await
}

/// What a provider takes in a day; `None` where there is no limit, or its settings do not open.
pub(super) fn quota(s: &Services, row: &ProviderRow) -> Option<Quota> {
    registry::quota(&open_settings(s, row).ok()?)
}

/// The day that `at` is in, of every provider that has a quota.
pub(super) async fn states(
    s: &Services,
    rows: &[ProviderRow],
    at: Timestamp,
) -> Result<HashMap<ProviderId, QuotaState>> {
    let limited: Vec<_> = rows.iter().filter_map(|row| Some((row.id, quota(s, row)?))).collect();
    if limited.is_empty() {
        return Ok(HashMap::new());
    }
    let (used, until) = (used(s, at).await?, day_ends(at));
    let state = |(id, quota)| (id, QuotaState { quota, used: used.get(&id).copied().unwrap_or(0), until });
    Ok(limited.into_iter().map(state).collect())
}

/// Counts one text that goes to a provider beside all deliveries. False where it may be given no more today.
pub(in crate::service) async fn spend_one(s: &Services, row: &ProviderRow) -> Result<bool> {
    let Some(quota) = quota(s, row) else { return Ok(true) };
    let now = s.clock.now();
    let used = used(s, now).await?.get(&row.id).copied().unwrap_or(0);
    if quota.left(used) == 0 {
        return Ok(false);
    }
    let mut tx = s.db.begin().await?;
    quotas::add(&mut tx, &BTreeMap::from([((row.id.0, vendor_day(now)), 1)])).await?;
    tx.commit().await?;
    Ok(true)
}

/// How many deliveries of a lane the channels' providers may still be given on the day that `at` is in. A channel with a
/// provider that has no quota is not listed, nor is one without any provider. What waits already is not counted.
pub(in crate::service) async fn left(
    s: &Services,
    lane: Lane,
    at: Timestamp,
) -> Result<BTreeMap<ChannelKind, i64>> {
    let rows: Vec<_> = providers::list(&s.db).await?.into_iter().filter(|row| row.enabled).collect();
    let states = states(s, &rows, at).await?;
    let mut left = BTreeMap::new();
    for channel in ChannelKind::ALL {
        let of: Option<Vec<_>> =
            rows.iter().filter(|row| row.channel == channel).map(|row| states.get(&row.id)).collect();
        if let Some(of) = of.filter(|of| !of.is_empty()) {
            left.insert(channel, of.iter().map(|state| state.left(lane)).sum());
        }
    }
    Ok(left)
}

/// Forgets days that are over, and what happened to providers a quarter ago.
pub async fn prune(s: &Services) -> Result<u64> {
    const DAYS: std::time::Duration = std::time::Duration::from_hours(24 * 30);
    const EVENTS: std::time::Duration = std::time::Duration::from_hours(24 * 90);
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let removed = quotas::prune(&mut tx, &vendor_day(now.minus(DAYS))).await?
        + providers::prune_events(&mut tx, now.minus(EVENTS)).await?;
    tx.commit().await?;
    Ok(removed)
}
