//! What those see who look for people: how many are safe, need help or are silent, where, and who.

use super::super::{Caller, Services};
use super::figures::{Names, figures};
use super::{LATE, Looked, sees, within};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::AddressKind;
use crate::domain::emergency::{Run, Spoken, State, Unit};
use crate::domain::grant::Reach;
use crate::domain::id::{BroadcastId, RecipientId};
use crate::domain::operator::Permission;
use crate::store::roll_call::{self as store, CountsRow, PersonRow, UnitRow, ViaRow, Wanted};
use crate::telemetry::mask;

/// Somebody of a roll.
pub type Person = PersonRow;

/// A roll call as its board begins.
#[derive(Clone, Debug)]
pub struct Board {
    pub id: BroadcastId,
    pub name: Spoken,
    pub run: Run,
    pub state: State,
    pub ended_at: Option<Timestamp>,
    pub counts: CountsRow,
    /// Colleges, classes or dormitories, those in need first and then the silent.
    pub units: Vec<UnitRow>,
    /// There are more than are shown.
    pub more_units: bool,
    /// Those who need help, with numbers masked; `None` where whoever looks sees nobody by name.
    pub in_need: Option<Vec<PersonView>>,
    /// Only some departments are in it.
    pub limited: bool,
}

/// Somebody of a roll, as they are shown.
#[derive(Clone, Debug)]
pub struct PersonView {
    pub person: Person,
    /// They answered after the broadcast had ended.
    pub late: bool,
}

impl PersonView {
    pub(super) fn new(person: Person, ended_at: Option<Timestamp>) -> Self {
        let late = person.answered_at.zip(ended_at).is_some_and(|(at, ended)| at > ended);
        Self { person, late }
    }

    pub(super) fn masked(mut self) -> Self {
        let number = &mut self.person.mobile;
        *number = number.as_deref().map(|number| mask::address_of(AddressKind::Mobile, number));
        self
    }
}

/// Whom somebody sees who may see no names: everybody's figures, where they see broadcasts everywhere.
async fn figures_within(s: &Services, caller: &Caller, id: BroadcastId) -> Result<Option<Vec<String>>> {
    Ok(match sees(s, caller, id).await? {
        Reach::Everywhere => match caller.reach(Permission::DirectoryView) {
            Ok(Reach::Departments(own)) => Some(own.into_iter().collect()),
            Ok(Reach::Everywhere) | Err(_) => None,
        },
        Reach::Departments(own) => Some(own.into_iter().collect()),
    })
}

/// How a roll call stands, in all and by colleges, classes or dormitories, with those in need first; as of two seconds ago.
///
/// # Errors
///
/// [`Error::Forbidden`](crate::Error::Forbidden) without the permission `emergency.view` (of a drill: `emergency.drill`),
/// [`Error::NotFound`](crate::Error::NotFound) where nobody is asked.
pub async fn board(s: &Services, caller: &Caller, id: BroadcastId, unit: Unit) -> Result<Board> {
    let limits = figures_within(s, caller, id).await?;
    let looked = Looked::at(s, id, limits).await?;
    let names = within(s, caller, id).await.map_or(Names::Hidden, Names::Of);
    let figures = figures(s, &looked, names, unit).await?;
    let row = &looked.row;
    let masked = |person: &PersonRow| PersonView::new(person.clone(), row.ended_at).masked();
    Ok(Board {
        id,
        name: row.plan.0.name(),
        run: row.run,
        state: row.state,
        ended_at: row.ended_at,
        counts: figures.counts,
        units: figures.units.clone(),
        more_units: figures.more_units,
        in_need: figures.in_need.as_ref().map(|people| people.iter().map(masked).collect()),
        limited: looked.within.is_some(),
    })
}

/// A roll call that goes on, or whose late answers come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRoll {
    pub id: BroadcastId,
    pub run: Run,
    pub name: Spoken,
}

/// Where whoever sees broadcasts of some departments only finds their people: they see no broadcast's page, which would lead
/// there. Nothing for everybody else.
pub async fn open_to(s: &Services, caller: &Caller) -> Result<Vec<OpenRoll>> {
    if !matches!(caller.reach(Permission::EmergencyView), Ok(Reach::Departments(_))) {
        return Ok(Vec::new());
    }
    let rows = store::boards(&s.db, s.clock.now().minus(LATE)).await?.into_iter();
    let asks = rows.filter(|row| row.plan.0.scenario.roll_call);
    Ok(asks.map(|row| OpenRoll { id: row.id, run: row.run, name: row.plan.0.name() }).collect())
}

/// Those who said something, or are silent, behind the person with the id `after`; at most `limit`, with numbers masked.
///
/// # Errors
///
/// As [`board`]; [`Error::Forbidden`](crate::Error::Forbidden) without the permission `directory.view`.
pub async fn list(
    s: &Services,
    caller: &Caller,
    id: BroadcastId,
    wanted: &Wanted,
    after: Option<RecipientId>,
    limit: u32,
) -> Result<Vec<PersonView>> {
    let looked = Looked::at(s, id, within(s, caller, id).await?).await?;
    let rows = store::list(&s.db, &looked.roll(), wanted, after, limit).await?;
    Ok(rows.into_iter().map(|row| PersonView::new(row, looked.row.ended_at).masked()).collect())
}

/// By which ways people of a broadcast answered; nothing where nobody was asked.
///
/// # Errors
///
/// As [`look`](super::super::broadcasts::look()).
pub async fn replies(s: &Services, caller: &Caller, id: BroadcastId) -> Result<Vec<ViaRow>> {
    super::broadcasts::look(s, caller, id).await?;
    store::ways(&s.db, id).await
}
