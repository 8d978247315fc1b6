//! People: created, replaced, patched and deleted by an identity system. Whoever it deletes becomes inactive and is not shown
//! to it any more; what the directory knows of them stays until they are erased.

use serde_json::{Value, json};

use super::{Asked, Listed, listed};
use crate::clock::Timestamp;
use crate::domain::id::RecipientId;
use crate::domain::operator::Permission;
use crate::domain::recipient::check_campus_id;
use crate::domain::scim::question::UserField;
use crate::domain::scim::user::{Said, User};
use crate::domain::scim::version::{self, Named};
use crate::service::recipients::{note, require};
use crate::service::{Caller, Services};
use crate::store::scim_users::{self as store, UserRow};
use crate::store::{Tx, groups, recipients};
use crate::{Error, Result};

/// A person as they are shown.
#[derive(Clone, Debug, PartialEq)]
pub struct UserView {
    pub id: RecipientId,
    pub user: User,
    pub version: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl UserView {
    fn of(row: &UserRow) -> Result<Self> {
        let user = row.user();
        Ok(Self {
            id: row.id,
            version: user.version(row.id)?,
            user,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

fn unknown() -> Error {
    Error::NotFound("user")
}

/// The people who are asked for, active or not.
pub async fn list(s: &Services, caller: &Caller, asked: &Asked<UserField>) -> Result<Listed<UserView>> {
    require(caller, Permission::DirectoryView)?;
    let Asked { condition, order, part } = asked;
    let rows = store::list(&s.db, condition, *order, part.start - 1, part.count).await?;
    listed(*part, rows, store::count(&s.db, condition)).await?.map(|row| UserView::of(&row))
}

pub async fn get(s: &Services, caller: &Caller, id: RecipientId) -> Result<UserView> {
    require(caller, Permission::DirectoryView)?;
    UserView::of(&store::find(&s.db, id).await?.ok_or_else(unknown)?)
}

/// Creates the person whom the body is about. Somebody whom an identity system deleted comes back as who they were.
///
/// # Errors
///
/// [`Error::Conflict`] `uniqueness` where somebody has that `userName`, in any case.
pub async fn create(s: &Services, caller: &Caller, body: &Value) -> Result<UserView> {
    require(caller, Permission::DirectoryEdit)?;
    let said = Said::of_resource(body)?;
    let Some(campus_id) = &said.user_name else {
        return Err(Error::fault("/userName", "invalid_value", "send the campus id as `userName`"));
    };
    if let Some(why) = check_campus_id(campus_id) {
        return Err(Error::fault("/userName", "invalid_value", format!("`userName`: {why}")));
    }
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let (id, user) = match store::lock_named(&mut tx, campus_id).await? {
        Some(row) if row.left_at.is_none() => return Err(taken()),
        Some(row) => {
            let back = User { active: true, ..row.user() };
            (row.id, said.applied(&back, true)?)
        }
        None => {
            let user = said.applied(&User::unknown(campus_id), true)?;
            let made = recipients::upsert(&mut tx, std::slice::from_ref(&user.person), now).await?;
            let row = store::lock_named(&mut tx, campus_id).await?.ok_or_else(unknown)?;
            if made.created == 0 {
                return Err(taken());
            }
            (row.id, user)
        }
    };
    store::sync(&mut tx, id, &user, now).await?;
    note(&mut tx, caller, now, "recipient.create", &id.to_string(), &json!({})).await?;
    finish(tx, id).await
}

fn taken() -> Error {
    Error::conflict("uniqueness", "somebody in the directory has this `userName`: look for it with a filter")
}

/// What is said of a person who is there.
#[derive(Clone, Copy, Debug)]
pub enum Change<'b> {
    /// Everything (`PUT`).
    Whole(&'b Value),
    /// What a patch names.
    Patch(&'b Value),
}

/// Changes a person. What is the same already is not written.
///
/// # Errors
///
/// [`Error::Conflict`] `changed_meanwhile` where the person is none of the versions expected.
pub async fn change(
    s: &Services,
    caller: &Caller,
    id: RecipientId,
    change: Change<'_>,
    expected: Option<&Named>,
) -> Result<UserView> {
    require(caller, Permission::DirectoryEdit)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let row = store::lock(&mut tx, id).await?.ok_or_else(unknown)?;
    let before = row.user();
    version::expect(expected, &before.version(id)?)?;
    let after = match change {
        Change::Whole(body) => Said::of_resource(body)?.applied(&before, true)?,
        Change::Patch(body) => Said::of_patch(body, &before)?.applied(&before, false)?,
    };
    if after == before || !store::sync(&mut tx, id, &after, now).await? {
        tx.commit().await?;
        return UserView::of(&row);
    }
    let action = match (before.active, after.active) {
        (true, false) => "recipient.deactivate",
        (false, true) => "recipient.activate",
        _ => "recipient.update",
    };
    note(&mut tx, caller, now, action, &id.to_string(), &json!({})).await?;
    finish(tx, id).await
}

/// Makes a person inactive, takes them out of the groups that list them and shows them to identity systems no more.
///
/// # Errors
///
/// As [`change`].
pub async fn delete(s: &Services, caller: &Caller, id: RecipientId, expected: Option<&Named>) -> Result<()> {
    require(caller, Permission::DirectoryEdit)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let row = store::lock(&mut tx, id).await?.ok_or_else(unknown)?;
    version::expect(expected, &row.user().version(id)?)?;
    groups::leave_all(&mut tx, id).await?;
    store::leave(&mut tx, id, now).await?;
    note(&mut tx, caller, now, "recipient.deactivate", &id.to_string(), &json!({})).await?;
    tx.commit().await
}

async fn finish(mut tx: Tx, id: RecipientId) -> Result<UserView> {
    let row = store::lock(&mut tx, id).await?.ok_or_else(unknown)?;
    tx.commit().await?;
    UserView::of(&row)
}
