//! From where a source may call, and when somebody is to be told that nothing comes from it.

use serde_json::json;

use super::super::policies;
use super::super::{Caller, Services};
use crate::clock::Timestamp;
use crate::domain::calendar::{DayKind, Window};
use crate::domain::id::SourceId;
use crate::domain::network::Network;
use crate::domain::operator::Permission;
use crate::domain::silence::{Silence, Watch};
use crate::error::Faults;
use crate::store::{self, audit};
use crate::{Error, Result};

const MOST_NETWORKS: usize = 100;
/// Four weeks: whoever is awaited more rarely is not missed.
pub const LONGEST_SILENCE: u32 = 672;

/// As written in a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardForm {
    /// Networks and addresses; none: from anywhere.
    pub networks: Vec<String>,
    pub watch: WatchForm,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WatchForm {
    #[default]
    Usual,
    Never,
    After {
        /// Hours without a message.
        hours: Option<u32>,
        /// In which it is awaited; none: every day.
        days: Vec<DayKind>,
        /// Such as `08:00-18:00`; empty: all day.
        times: String,
    },
}

/// A source from which nothing came for too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent {
    pub id: SourceId,
    pub name: String,
    /// By a live key; none: there never was one.
    pub last_message_at: Option<Timestamp>,
    /// When it had been silent for too long.
    pub since: Timestamp,
}

impl GuardForm {
    fn check(&self) -> Result<(Vec<Network>, Watch)> {
        let mut faults = Faults::default();
        let mut networks = Vec::with_capacity(self.networks.len());
        if self.networks.len() > MOST_NETWORKS {
            faults.add("/networks", "too_many", format!("at most {MOST_NETWORKS} networks"));
        }
        for (at, text) in self.networks.iter().enumerate() {
            match text.parse::<Network>() {
                Ok(network) if networks.contains(&network) => {}
                Ok(network) => networks.push(network),
                Err(why) => faults.add(format!("/networks/{at}"), "bad_network", why),
            }
        }
        let watch = self.watch.check(&mut faults);
        faults.into_result()?;
        Ok((networks, watch))
    }
}

impl WatchForm {
    fn check(&self, faults: &mut Faults) -> Watch {
        let (hours, days, times) = match self {
            Self::Usual => return Watch::Usual,
            Self::Never => return Watch::Never,
            Self::After { hours, days, times } => (*hours, days, times.trim()),
        };
        let hours = hours.filter(|hours| (1..=LONGEST_SILENCE).contains(hours));
        if hours.is_none() {
            faults.add("/hours", "out_of_range", format!("a number of hours from 1 to {LONGEST_SILENCE}"));
        }
        let times = (!times.is_empty()).then(|| times.parse::<Window>()).transpose();
        let times = times.unwrap_or_else(|why| {
            faults.add("/times", "bad_times", why);
            None
        });
        Watch::After(Silence { hours: hours.unwrap_or_default(), days: days.clone(), times })
    }
}

/// Says from where a source may call, and how long it may be silent, reckoned from now.
pub async fn guard(s: &Services, caller: &Caller, id: SourceId, form: &GuardForm) -> Result<()> {
    let reach = caller.reach(Permission::SourcesEdit)?;
    let (networks, watch) = form.check()?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    super::may_edit(&mut tx, &reach, id).await?;
    if !store::sources::guard(&mut tx, id, &networks, &watch, now).await? {
        return Err(Error::NotFound("source"));
    }
    let detail = json!({ "networks": networks, "silence": watch });
    audit::append(&mut tx, now, &caller.label(), "source.guard", &id.to_string(), &detail).await?;
    tx.commit().await?;
    s.keys.forget();
    Ok(())
}

/// Sources from which nothing came for longer than they may be silent, those of the longest silence first.
pub async fn silent(s: &Services) -> Result<Vec<Silent>> {
    let now = s.clock.now();
    let policy = policies::in_force(s).await?;
    let judge = |row: store::sources::WatchedRow| {
        let store::sources::WatchedRow { id, name, silence, watched_from, last_message_at } = row;
        let (calendar, zone) = (&policy.calendar, &s.campus.time_zone);
        let since = silence.0.missed(calendar, zone, last_message_at, watched_from, now)?;
        Some(Silent { id, name, last_message_at, since })
    };
    let mut silent: Vec<_> = store::sources::watched(&s.db).await?.into_iter().filter_map(judge).collect();
    silent.sort_by_key(|source| source.last_message_at);
    Ok(silent)
}
