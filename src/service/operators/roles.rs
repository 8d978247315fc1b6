//! Roles that administrators make for themselves, beside the built-in ones.

use serde_json::json;

use super::super::{Caller, Services};
use super::grants;
use crate::clock::Timestamp;
use crate::domain::grant::{AnyRole, Powers};
use crate::domain::id::RoleId;
use crate::domain::operator::{Permission, Role};
use crate::error::Faults;
use crate::store::operators::OperatorRow;
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
#[derive(Clone, Debug, Default)]
pub struct RoleForm {
    pub name: String,
    pub description: String,
    pub permissions: Vec<Permission>,
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

    fn powers(&self) -> Powers {
        powers(&self.permissions)
    }
}

fn powers(permissions: &[Permission]) -> Powers {
    let mut powers = Powers::default();
    powers.add(permissions.iter().copied(), &std::collections::BTreeSet::new());
    powers
}

fn taken(name: &str) -> Error {
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

pub async fn create_role(s: &Services, caller: &Caller, form: RoleForm) -> Result<RoleId> {
    caller.require(Permission::OperatorsEdit)?;
    let mut faults = Faults::default();
    let form = form.check(&mut faults);
    faults.into_result()?;
    grants::within(caller, &form.powers())?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let inserted =
        store::roles::insert(&mut tx, &form.name, &form.description, &form.permissions, now).await?;
    let id = inserted.ok_or_else(|| taken(&form.name))?;
    let detail = json!({ "name": form.name, "permissions": words(&form.permissions) });
    audit::append(&mut tx, now, &caller.label(), "role.create", &id.to_string(), &detail).await?;
    tx.commit().await?;
    Ok(id)
}

/// Replaces all of a role, which counts from the next request of everybody who holds it. Nobody changes a role that they
/// hold themselves, or one that may do more than they.
pub async fn update_role(s: &Services, caller: &Caller, id: RoleId, form: RoleForm) -> Result<()> {
    caller.require(Permission::OperatorsEdit)?;
    let mut faults = Faults::default();
    let form = form.check(&mut faults);
    faults.into_result()?;
    grants::within(caller, &form.powers())?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let operators = store::operators::lock_all(&mut tx).await?;
    let before = find(&mut tx, id).await?;
    grants::within(caller, &powers(&before.permissions))?;
    if let Caller::Operator(who) = caller
        && operators.iter().any(|row| row.id == who.id && holds(row, id))
    {
        return Err(Error::conflict("own_rights", "nobody changes a role they hold; ask another operator"));
    }
    if !store::roles::update(&mut tx, id, &form.name, &form.description, &form.permissions).await? {
        return Err(taken(&form.name));
    }
    let detail = json!({
        "name": form.name,
        "before": words(&before.permissions),
        "after": words(&form.permissions),
    });
    audit::append(&mut tx, now, &caller.label(), "role.update", &id.to_string(), &detail).await?;
    tx.commit().await
}

/// Takes a role away that nobody holds.
pub async fn delete_role(s: &Services, caller: &Caller, id: RoleId) -> Result<()> {
    caller.require(Permission::OperatorsEdit)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let operators = store::operators::lock_all(&mut tx).await?;
    let role = find(&mut tx, id).await?;
    grants::within(caller, &powers(&role.permissions))?;
    if operators.iter().any(|row| holds(row, id)) {
        return Err(Error::conflict("role_held", "somebody holds this role; give them another first"));
    }
    store::roles::delete(&mut tx, id).await?;
    let detail = json!({ "name": role.name });
    audit::append(&mut tx, now, &caller.label(), "role.delete", &id.to_string(), &detail).await?;
    tx.commit().await
}

async fn find(tx: &mut Tx, id: RoleId) -> Result<MadeRole> {
    all_in(tx).await?.into_iter().find(|role| role.id == id).ok_or(Error::NotFound("role"))
}

fn holds(row: &OperatorRow, id: RoleId) -> bool {
    row.grants.0.iter().any(|grant| grant.role == AnyRole::Made(id))
}

fn words(permissions: &[Permission]) -> Vec<&'static str> {
    permissions.iter().map(|permission| permission.name()).collect()
}
