//! What is done about people of a roll: somebody spoke with them, wants their numbers, or takes the list along.

use serde_json::json;

use super::super::{Caller, Services};
use super::board::PersonView;
use super::{Looked, within};
use crate::domain::answer::Via;
use crate::domain::emergency::Condition;
use crate::domain::grant::Reach;
use crate::domain::id::{BroadcastId, RecipientId};
use crate::domain::operator::Permission;
use crate::store::audit;
use crate::store::roll_answers::{self as answers, NewAnswer};
use crate::store::roll_call::{self as store, Wanted};
use crate::{Error, Result};

/// Of those whose numbers are shown at once.
const MOST_REVEALED: u32 = 500;

/// Puts down what somebody said to an operator, who spoke with them. Whoever may see them may put it down.
///
/// # Errors
///
/// As [`list`](super::list()); [`Error::NotFound`] for who was not asked, or whom the caller does not see.
pub async fn mark(
    s: &Services,
    caller: &Caller,
    id: BroadcastId,
    person: RecipientId,
    condition: Condition,
) -> Result<String> {
    let looked = Looked::at(s, id, within(s, caller, id).await?).await?;
    let found = store::find(&s.db, &looked.roll(), person).await?.ok_or(Error::NotFound("recipient"))?;
    let (now, label) = (s.clock.now(), caller.label());
    let mut tx = s.db.begin().await?;
    let new = NewAnswer {
        broadcast: id,
        person,
        condition,
        place: "",
        words: "",
        via: Via::Operator,
        at: now,
        marked_by: Some(&label),
    };
    answers::answer(&mut tx, &new).await?;
    let detail = json!({ "person": person, "condition": condition });
    audit::append(&mut tx, now, &label, "broadcast.mark", &id.to_string(), &detail).await?;
    tx.commit().await?;
    s.rolls.forget();
    Ok(found.name)
}

/// Those who need help, with their numbers whole. That somebody looked is in the audit log.
///
/// # Errors
///
/// As [`list`](super::list()); [`Error::Forbidden`] without the permission `directory.reveal`.
pub async fn reveal(s: &Services, caller: &Caller, id: BroadcastId) -> Result<Vec<PersonView>> {
    let limits = revealing(s, caller, id).await?;
    let looked = Looked::at(s, id, limits).await?;
    let rows = store::in_need(&s.db, &looked.roll(), MOST_REVEALED).await?;
    let mut tx = s.db.begin().await?;
    let detail = json!({ "people": rows.len() });
    audit::append(&mut tx, s.clock.now(), &caller.label(), "broadcast.reveal", &id.to_string(), &detail)
        .await?;
    tx.commit().await?;
    Ok(rows.into_iter().map(|row| PersonView::new(row, looked.row.ended_at)).collect())
}

/// Of whom somebody may see whole numbers on a board.
async fn revealing(s: &Services, caller: &Caller, id: BroadcastId) -> Result<Option<Vec<String>>> {
    let seen = within(s, caller, id).await?;
    Ok(match (seen, caller.reach(Permission::DirectoryReveal)?) {
        (seen, Reach::Everywhere) => seen,
        (None, Reach::Departments(own)) => Some(own.into_iter().collect()),
        (Some(seen), Reach::Departments(own)) => {
            Some(seen.into_iter().filter(|one| own.contains(one)).collect())
        }
    })
}

/// Writes down that somebody takes a list of a roll along, and which.
///
/// # Errors
///
/// As [`list`](super::list()).
pub async fn note_export(s: &Services, caller: &Caller, id: BroadcastId, wanted: &Wanted) -> Result<()> {
    let looked = Looked::at(s, id, within(s, caller, id).await?).await?;
    let counts = store::counts(&s.db, &looked.roll()).await?;
    let said = wanted.condition.map_or("silent", Condition::name);
    let mut detail = json!({
        "list": said, "asked": counts.asked, "safe": counts.safe, "help": counts.help,
        "whole": caller.require(Permission::DirectoryReveal).is_ok(),
    });
    if let Some((unit, name)) = &wanted.unit {
        detail["unit"] = json!(unit);
        detail["name"] = json!(name);
    }
    let mut tx = s.db.begin().await?;
    audit::append(&mut tx, s.clock.now(), &caller.label(), "broadcast.export", &id.to_string(), &detail)
        .await?;
    tx.commit().await
}

/// The next people of a list for a file; numbers are masked for whoever may not learn them.
///
/// # Errors
///
/// As [`list`](super::list()).
pub async fn export(
    s: &Services,
    caller: &Caller,
    id: BroadcastId,
    wanted: &Wanted,
    after: Option<RecipientId>,
    limit: u32,
) -> Result<Vec<PersonView>> {
    let whole = caller.require(Permission::DirectoryReveal).is_ok();
    let looked = Looked::at(s, id, within(s, caller, id).await?).await?;
    let rows = store::list(&s.db, &looked.roll(), wanted, after, limit).await?;
    let shown = rows.into_iter().map(|row| PersonView::new(row, looked.row.ended_at));
    Ok(shown.map(|row| if whole { row } else { row.masked() }).collect())
}
