//! Calls for help that somebody on duty should know of.

use super::super::Services;
use super::LATE;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::emergency::{Run, Spoken};
use crate::domain::id::BroadcastId;
use crate::store::roll_call as store;

/// People of a roll call who need help.
#[derive(Clone, Debug)]
pub(in crate::service) struct Call {
    pub broadcast: BroadcastId,
    pub name: Spoken,
    /// People, at least one.
    pub n: i64,
    /// All of them were put down by somebody, who knows of them.
    pub known: bool,
    /// Since when the latest of them has needed it.
    pub newest: Timestamp,
}

/// Those who need help now, by roll call. None of drills, which reach nobody, and none that ended a day ago.
pub(in crate::service) async fn calls(s: &Services, now: Timestamp) -> Result<Vec<Call>> {
    let rows = store::boards(&s.db, now.minus(LATE)).await?;
    let call = |row: store::BoardRow| {
        let asks = row.run != Run::Drill && row.plan.0.scenario.roll_call;
        let newest = row.newest.filter(|_| asks)?;
        Some(Call {
            broadcast: row.id,
            name: row.plan.0.name(),
            n: row.help,
            known: row.unmarked == 0,
            newest,
        })
    };
    Ok(rows.into_iter().filter_map(call).collect())
}
