//! What of providers' daily quotas is used, and what is left for a message.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::open_settings;
use crate::Result;
use crate::channel::registry;
use crate::clock::Timestamp;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::id::ProviderId;
use crate::domain::message::Lane;
use crate::domain::provider::ProviderKind;
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

/// Which kinds of address the providers in use take, and how many more of their deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::service) struct Room {
    pub taken: Vec<AddressKind>,
    left: Vec<Left>,
}

/// What some kinds of address, together, have left of daily quotas. Kinds that a provider without a quota takes are in none.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Left {
    kinds: Vec<AddressKind>,
    n: i64,
}

/// What daily quotas cannot carry of a channel's deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::service) struct Exceeding {
    pub channel: ChannelKind,
    /// The kind of address it is about, where the channel has another that it is not about.
    pub kind: Option<AddressKind>,
    pub planned: i64,
    pub left: i64,
}

impl Exceeding {
    pub const fn n(&self) -> i64 {
        self.planned - self.left
    }
}

impl Room {
    /// Whoever goes by one of these kinds cannot go by another's providers, but two kinds may share some: what is too much is
    /// what is too much for the kinds that are worst off, alone or together.
    pub fn exceeding(&self, channel: ChannelKind, planned: impl Fn(AddressKind) -> i64) -> Option<Exceeding> {
        let of = self.left.iter().filter(|left| left.kinds.iter().all(|kind| kind.channel() == channel));
        let exceeding = of.map(|left| {
            let kind = (left.kinds.len() < channel.address_kinds(None).len()).then(|| left.kinds[0]);
            let planned = left.kinds.iter().map(|kind| planned(*kind)).sum();
            Exceeding { channel, kind, planned, left: left.n }
        });
        exceeding.filter(|over| over.n() > 0).max_by_key(Exceeding::n)
    }
}

/// What there is room for on the day that `at` is in, in a lane. What waits already is not counted.
pub(in crate::service) async fn room(s: &Services, lane: Lane, at: Timestamp) -> Result<Room> {
    let rows: Vec<_> = providers::list(&s.db).await?.into_iter().filter(|row| row.enabled).collect();
    let states = states(s, &rows, at).await?;
    let takes = |row: &ProviderRow, kind: AddressKind| {
        let of_kind = row.kind.parse().is_ok_and(|provider: ProviderKind| provider.takes(kind));
        row.channel == kind.channel() && of_kind
    };
    // Nothing where there is nobody, or somebody without a quota.
    let left = |kinds: &[AddressKind]| {
        let of = |row: &&ProviderRow| kinds.iter().any(|kind| takes(row, *kind));
        let states: Option<Vec<_>> = rows.iter().filter(of).map(|row| states.get(&row.id)).collect();
        let n = states.filter(|of| !of.is_empty())?.iter().map(|state| state.left(lane)).sum();
        Some(Left { kinds: kinds.to_vec(), n })
    };
    let taken = |kind: &AddressKind| rows.iter().any(|row| takes(row, *kind));
    let taken: Vec<_> = AddressKind::ALL.into_iter().filter(taken).collect();
    let of_channel = |channel: ChannelKind| {
        let kinds: Vec<_> = taken.iter().copied().filter(|kind| kind.channel() == channel).collect();
        let mut sets: Vec<Vec<AddressKind>> = kinds.iter().map(|kind| vec![*kind]).collect();
        if kinds.len() > 1 {
            sets.push(kinds);
        }
        sets
    };
    let left = ChannelKind::ALL.into_iter().flat_map(of_channel).filter_map(|kinds| left(&kinds)).collect();
    Ok(Room { taken, left })
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
