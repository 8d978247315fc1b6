//! Daily quotas of which little is left: providers' on their vendors' days, sources' on the campus's.

use crate::Result;
use crate::clock::Timestamp;
use crate::domain::alarm::{Condition, Limits, Matter};
use crate::service::{Services, providers};
use crate::store::usage;

pub(super) async fn find(s: &Services, limits: &Limits, now: Timestamp) -> Result<Vec<Condition>> {
    let of_provider = |one: providers::ProviderHealth| {
        let (used, daily) = one.quota.map(|state| (state.used, state.quota.daily))?;
        let (severity, opens) = limits.quota(used, daily)?;
        let matter = Matter::ProviderQuota { id: one.id, name: one.name, used, daily };
        Some(Condition::new(matter, severity, opens))
    };
    let mut found: Vec<_> = providers::health(s).await?.into_iter().filter_map(of_provider).collect();
    let of_source = |row: usage::NearRow| {
        let (severity, opens) = limits.quota(row.messages, row.daily)?;
        let matter = Matter::SourceQuota { id: row.id, name: row.name, used: row.messages, daily: row.daily };
        Some(Condition::new(matter, severity, opens))
    };
    let near = usage::near(&s.db, &s.campus.day(now), limits.quota_percent).await?;
    found.extend(near.into_iter().filter_map(of_source));
    Ok(found)
}
