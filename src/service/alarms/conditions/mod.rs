//! What may be wrong, by subject. A new source of conditions is one more line in [`ask`].

mod backlog;
mod buttons;
mod failures;
mod help;
mod nodes;
mod providers;
mod quotas;
mod silence;
mod waiting;

use super::super::Services;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::alarm::{AlarmKind, Condition, Limits};

/// What was found, and the kinds that could be asked about.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub conditions: Vec<Condition>,
    pub kinds: Vec<AlarmKind>,
}

impl Asked {
    fn take(&mut self, kinds: &[AlarmKind], found: Result<Vec<Condition>>) {
        match found {
            Ok(found) => {
                self.conditions.extend(found);
                self.kinds.extend(kinds);
            }
            Err(error) => tracing::warn!(?kinds, %error, "a condition of alarms could not be asked"),
        }
    }
}

/// Asks every source of conditions. One that fails keeps no other from being asked.
pub(super) async fn ask(s: &Services, limits: &Limits, now: Timestamp) -> Asked {
    use AlarmKind as Kind;
    let mut asked = Asked::default();
    asked.take(&[Kind::Provider], providers::find(s).await);
    asked.take(&[Kind::Source], silence::find(s).await);
    asked.take(&[Kind::Backlog], backlog::find(s, limits, now).await);
    asked.take(&[Kind::Quota], quotas::find(s, limits, now).await);
    asked.take(&[Kind::Failures], failures::find(s, limits, now).await);
    asked.take(&[Kind::Clock, Kind::Disk, Kind::Queue, Kind::Audit], nodes::find(s, limits).await);
    asked.take(&[Kind::Waiting], waiting::find(s, limits, now).await);
    asked.take(&[Kind::Button], buttons::find(s, now).await);
    asked.take(&[Kind::Help], help::find(s, now).await);
    asked
}
