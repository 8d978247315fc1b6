//! The figures of boards. To count them takes a walk through everybody who was asked, and a board renews itself in many
//! windows at once: so it is done once for all who see the same, and kept for as long as nobody waits for it.

use std::sync::Arc;
use std::time::Duration;

use super::super::Services;
use super::super::lately::Shared;
use super::Looked;
use crate::Result;
use crate::domain::emergency::Unit;
use crate::domain::id::BroadcastId;
use crate::store::roll_call::{self as store, CountsRow, PersonRow, UnitRow};

/// Less than the time after which a board renews itself.
const FRESH: Duration = Duration::from_secs(2);
/// Boards kept at hand.
const MOST: usize = 64;
/// Colleges, classes or dormitories on a board.
const MOST_UNITS: u32 = 200;
/// Of those who need help: all of them, as far as anybody can look through them.
const MOST_IN_NEED: u32 = 500;

/// Whom of a roll somebody sees by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Names {
    Hidden,
    /// People of these departments; `None`: everybody.
    Of(Option<Vec<String>>),
}

/// What is seen by whoever sees it so.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    broadcast: BroadcastId,
    within: Option<Vec<String>>,
    names: Names,
    unit: Unit,
}

/// What stands on a board.
#[derive(Debug)]
pub(super) struct Figures {
    pub counts: CountsRow,
    pub units: Vec<UnitRow>,
    /// There are more than are shown.
    pub more_units: bool,
    /// With whole numbers; `None` where nobody is seen by name.
    pub in_need: Option<Vec<PersonRow>>,
}

/// What was counted lately.
#[derive(Debug)]
pub(in crate::service) struct Known(Shared<Key, Arc<Figures>>);

impl Default for Known {
    fn default() -> Self {
        Self(Shared::lasting(MOST, FRESH))
    }
}

impl Known {
    /// Somebody put down an answer, and looks whether it is there.
    pub(super) fn forget(&self) {
        self.0.forget();
    }
}

/// As of two seconds ago at most, but for what this process was told by those who look.
pub(super) async fn figures(s: &Services, looked: &Looked, names: Names, unit: Unit) -> Result<Arc<Figures>> {
    let key = Key { broadcast: looked.row.id, within: looked.within.clone(), names: names.clone(), unit };
    s.rolls.0.get(key, &s.clock, count(s, looked, names, unit)).await
}

async fn count(s: &Services, looked: &Looked, names: Names, unit: Unit) -> Result<Arc<Figures>> {
    let in_need = match names {
        Names::Hidden => None,
        Names::Of(within) => {
            let named = Looked { within, ..looked.clone() };
            Some(store::in_need(&s.db, &named.roll(), MOST_IN_NEED).await?)
        }
    };
    let counts = store::counts(&s.db, &looked.roll()).await?;
    let mut units = store::units(&s.db, &looked.roll(), unit, MOST_UNITS + 1).await?;
    let more_units = units.len() > MOST_UNITS as usize;
    units.truncate(MOST_UNITS as usize);
    Ok(Arc::new(Figures { counts, units, more_units, in_need }))
}
