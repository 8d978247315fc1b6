//! Roles that administrators make for themselves, beside the built-in ones.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::{Caller, Services};
use super::grants;
use super::making::{self, Settled, Was};
use super::rights::{Rights, everywhere};
use super::second;
use crate::clock::Timestamp;
use crate::domain::grant::AnyRole;
use crate::domain::id::RoleId;
use crate::domain::operator::{Permission, Role};
use crate::domain::rights_change::RightsChange;
use crate::error::Faults;
use crate::store::roles::RoleRow;
use crate::store::{self, Tx, audit};
use crate::{Error, Result};

const LONGEST_NAME: usize = 40;
const LONGEST_DESCRIPTION: usize = 200;

/// A role that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeRole {
    pub id: RoleId,
    pub name: String,
    /// Perhaps empty.
    pub description: String,
    pub permissions: Vec<Permission>,
    pub created_at: Timestamp,
}

/// What is written about a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleForm {
    pub name: String,
    pub description: String,
    pub permissions: Vec<Permission>,
}

impl MadeRole {
    /// As it would be written anew.
    pub fn form(&self) -> RoleForm {
        let Self { name, description, permissions, .. } = self.clone();
        RoleForm { name, description, permissions }
    }
}

impl From<RoleRow> for MadeRole {
    fn from(row: RoleRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            description: row.description,
            permissions: row.permissions.0.iter().filter_map(|word| word.parse().ok()).collect(),
            created_at: row.created_at,
        }
    }
}

impl RoleForm {
    fn check(mut self, faults: &mut Faults) -> Self {
        self.name = self.name.trim().to_owned();
        self.description = self.description.trim().to_owned();
        if self.name.is_empty() {
            faults.add("/name", "required", "this must not be empty");
        } else if self.name.chars().count() > LONGEST_NAME {
            faults.add("/name", "too_long", format!("at most {LONGEST_NAME} characters"));
        } else if self.name.parse::<Role>().is_ok() {
            faults.add("/name", "taken", "a built-in role is called so");
        }
        if self.description.chars().count() > LONGEST_DESCRIPTION {
            faults.add("/description", "too_long", format!("at most {LONGEST_DESCRIPTION} characters"));
        }
        for (pointer, text) in [("/name", &self.name), ("/description", &self.description)] {
            if text.chars().any(char::is_control) {
                faults.add(
                    pointer,
                    "control_character",
                    "control characters and line breaks are not allowed",
                );
            }
        }
        self.permissions.sort_unstable();
        self.permissions.dedup();
        if self.permissions.is_empty() {
            faults.add("/permissions", "required", "choose at least one permission");
        }
        self
    }
}

pub(super) fn taken(name: &str) -> Error {
    Error::fault("/name", "taken", format!("there is a role named {name} already"))
}

pub(super) async fn all(s: &Services) -> Result<Vec<MadeRole>> {
    Ok(store::roles::list(&s.db).await?.into_iter().map(MadeRole::from).collect())
}

pub(super) async fn all_in(tx: &mut Tx) -> Result<Vec<MadeRole>> {
    Ok(store::roles::list_in(tx).await?.into_iter().map(MadeRole::from).collect())
}

/// Every role that was made, by name.
pub async fn roles(s: &Services, caller: &Caller) -> Result<Vec<MadeRole>> {
    caller.require(Permission::OperatorsView)?;
    all(s).await
}

/// The role that a person at a terminal means: a built-in one by its word, a made one by its name or id.
pub async fn role_named(s: &Services, caller: &Caller, text: &str) -> Result<AnyRole> {
    let made = roles(s, caller).await?;
    if let Some(role) = made.iter().find(|role| role.name == text) {
        return Ok(AnyRole::Made(role.id));
    }
    let role = text.parse::<AnyRole>().map_err(|why| Error::fault("/role", "unknown_role", why))?;
    match role {
        AnyRole::Made(id) if !made.iter().any(|role| role.id == id) => Err(Error::NotFound("role")),
        role => Ok(role),
    }
}

/// A role gives nobody anything before it is given, so nobody waits with making one.
pub async fn create_role(s: &Services, caller: &Caller, form: RoleForm) -> Result<RoleId> {
    caller.require(Permission::OperatorsEdit)?;
    let mut faults = Faults::default();
    let form = form.check(&mut faults);
    faults.into_result()?;
    let now = s.clock.now();
    let mut rights = Rights::to_change(s, caller).await?;
    grants::within(&rights.by, &everywhere(&form.permissions))?;
    let (actor, tx) = (rights.by.label(), &mut rights.tx);
    let inserted = store::roles::insert(tx, &form.name, &form.description, &form.permissions, now).await?;
    let id = inserted.ok_or_else(|| taken(&form.name))?;
    let detail = json!({ "name": form.name, "permissions": words(&form.permissions) });
    audit::append(tx, now, &actor, "role.create", &id.to_string(), &detail).await?;
    rights.tx.commit().await?;
    Ok(id)
}

/// Replaces all of a role, which counts from the next request of everybody who holds it. Nobody changes a role that they
/// hold themselves, or one that may do more than they. `was` is what it was when the change was thought of; none:
/// whatever it is.
///
/// # Errors
///
/// [`Error::Conflict`] `rights_changed` where it is another by now.
pub async fn update_role(
    s: &Services,
    caller: &Caller,
    id: RoleId,
    was: Option<&RoleForm>,
    form: RoleForm,
) -> Result<Settled<()>> {
    caller.require(Permission::OperatorsEdit)?;
    let mut faults = Faults::default();
    let RoleForm { name, description, permissions } = form.check(&mut faults);
    faults.into_result()?;
    let change = RightsChange::Role { role: id, name, description, permissions };
    let settled = making::settle(s, caller, change, was.map(Was::Role), None).await?;
    Ok(settled.map(drop))
}

/// Takes a role away that nobody holds.
pub async fn delete_role(s: &Services, caller: &Caller, id: RoleId) -> Result<()> {
    caller.require(Permission::OperatorsEdit)?;
    let mut rights = Rights::to_change(s, caller).await?;
    let role = rights.role(id)?.clone();
    grants::within(&rights.by, &everywhere(&role.permissions))?;
    if rights.is_held(id) {
        return Err(Error::conflict("role_held", "somebody holds this role; give them another first"));
    }
    let (actor, tx) = (rights.by.label(), &mut rights.tx);
    store::roles::delete(tx, id).await?;
    let detail = json!({ "name": role.name });
    audit::append(tx, s.clock.now(), &actor, "role.delete", &id.to_string(), &detail).await?;
    let RoleForm { name, description, permissions } = role.form();
    let change = RightsChange::Role { role: id, name, description, permissions };
    second::drop_matter(s, &mut rights, &change, &actor).await?;
    rights.tx.commit().await
}

pub(super) fn words(permissions: &[Permission]) -> Vec<&'static str> {
    permissions.iter().map(|permission| permission.name()).collect()
}
