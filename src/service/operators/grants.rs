//! What operators hold: who may give it, and what must never be lost.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use serde_json::{Value, json};

use super::super::{Caller, Services};
use super::making::{self, Settled, Was};
use super::roles::{self, MadeRole};
use crate::domain::grant::{AnyRole, Grant, Powers};
use crate::domain::id::OperatorId;
use crate::domain::operator::{Permission, Role};
use crate::domain::rights_change::RightsChange;
use crate::error::Faults;
use crate::store::Tx;
use crate::store::operators::{self, OperatorRow};
use crate::{Error, Result};

const LONGEST_DEPARTMENT: usize = 100;

/// A grant as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    #[serde(flatten)]
    pub grant: Grant,
    /// Of a role that was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
}

impl Held {
    pub(super) fn all(grants: Vec<Grant>, made: &[MadeRole]) -> Vec<Self> {
        grants.into_iter().map(|grant| Self { made: made_name(grant.role, made), grant }).collect()
    }

    /// A built-in role's word, or a made one's name.
    pub fn name(&self) -> String {
        self.made.clone().unwrap_or_else(|| self.grant.role.to_string())
    }
}

fn made_name(role: AnyRole, made: &[MadeRole]) -> Option<String> {
    match role {
        AnyRole::Made(id) => made.iter().find(|role| role.id == id).map(|role| role.name.clone()),
        AnyRole::BuiltIn(_) => None,
    }
}

pub(super) fn any_made(grants: &[Grant]) -> bool {
    grants.iter().any(|grant| matches!(grant.role, AnyRole::Made(_)))
}

/// What follows from grants. A made role that is gone gives nothing.
pub(super) fn powers(grants: &[Grant], made: &[MadeRole]) -> Powers {
    let mut powers = Powers::default();
    for grant in grants {
        match grant.role {
            AnyRole::BuiltIn(role) => powers.add(role.permissions(), &grant.departments),
            AnyRole::Made(id) => {
                let role = made.iter().find(|role| role.id == id);
                let permissions = role.into_iter().flat_map(|role| role.permissions.iter().copied());
                powers.add(permissions, &grant.departments);
            }
        }
    }
    powers
}

/// Whether somebody is on duty for the whole campus. Who is for a department is not.
pub(super) fn on_duty(grants: &[Grant]) -> bool {
    let officer = AnyRole::BuiltIn(Role::DutyOfficer);
    grants.iter().any(|grant| grant.role == officer && grant.departments.is_empty())
}

/// What these operators may do now; whoever is not let in is missing.
pub(in crate::service) async fn powers_of(
    tx: &mut Tx,
    ids: &BTreeSet<OperatorId>,
) -> Result<HashMap<OperatorId, Powers>> {
    let ids: Vec<_> = ids.iter().copied().collect();
    let rows = operators::find_all(tx, &ids).await?;
    let any_made = rows.iter().any(|row| any_made(&row.grants.0));
    let made = if any_made { roles::all_in(tx).await? } else { Vec::new() };
    let let_in = rows.into_iter().filter(|row| row.disabled_at.is_none());
    Ok(let_in.map(|row| (row.id, powers(&row.grants.0, &made))).collect())
}

/// What grants would let their holder do.
pub async fn weigh(s: &Services, caller: &Caller, grants: &[Grant]) -> Result<Powers> {
    caller.require(Permission::OperatorsView)?;
    Ok(powers(grants, &roles::all(s).await?))
}

/// Grants as they are kept: each role once, departments without spaces around them.
pub(super) fn checked(grants: Vec<Grant>, faults: &mut Faults) -> Vec<Grant> {
    let mut kept: Vec<Grant> = Vec::new();
    for (i, grant) in grants.into_iter().enumerate() {
        let pointer = format!("/grants/{i}");
        let mut departments = BTreeSet::new();
        for department in &grant.departments {
            let department = department.trim();
            if department.is_empty() {
                faults.add(&pointer, "required", "a department must have a name");
            } else if department.chars().count() > LONGEST_DEPARTMENT {
                faults.add(&pointer, "too_long", format!("at most {LONGEST_DEPARTMENT} characters"));
            } else if department.chars().any(char::is_control) {
                faults.add(&pointer, "control_character", "control characters are not allowed");
            }
            departments.insert(department.to_owned());
        }
        match kept.iter_mut().find(|known| known.role == grant.role) {
            // Everywhere and in a department is everywhere.
            Some(known) if known.departments.is_empty() || departments.is_empty() => {
                known.departments.clear();
            }
            Some(known) => known.departments.extend(departments),
            None => kept.push(Grant { role: grant.role, departments }),
        }
    }
    if kept.is_empty() {
        faults.add("/grants", "required", "choose at least one role");
    }
    kept
}

/// Nobody gives what they do not hold themselves, nor what is not there.
pub(super) fn may_give(caller: &Caller, grants: &[Grant], made: &[MadeRole]) -> Result<()> {
    for grant in grants {
        if let AnyRole::Made(id) = grant.role
            && !made.iter().any(|role| role.id == id)
        {
            return Err(Error::NotFound("role"));
        }
    }
    within(caller, &powers(grants, made))
}

/// Refuses an operator who would decide over rights beyond their own.
pub(super) fn within(caller: &Caller, powers: &Powers) -> Result<()> {
    match caller {
        Caller::Operator(operator) if !operator.powers.contain(powers) => Err(Error::forbidden(
            Permission::OperatorsEdit.name(),
            "these rights go beyond your own; ask somebody who holds them",
        )),
        _ => Ok(()),
    }
}

/// Refuses to go on without this operator if nobody else who is let in owns the platform.
pub(super) fn leave_an_owner(operators: &[OperatorRow], without: OperatorId) -> Result<()> {
    let owns = |row: &OperatorRow| row.disabled_at.is_none() && row.grants.0.iter().any(Grant::owns);
    let is_owner = operators.iter().any(|row| row.id == without && owns(row));
    if is_owner && !operators.iter().any(|row| row.id != without && owns(row)) {
        return Err(Error::conflict("last_owner", "this is the last owner; make another owner first"));
    }
    Ok(())
}

/// Grants for the audit log.
pub(super) fn described(grants: &[Grant], made: &[MadeRole]) -> Value {
    let one = |grant: &Grant| {
        let name = made_name(grant.role, made).unwrap_or_else(|| grant.role.to_string());
        if grant.departments.is_empty() {
            json!({ "role": name })
        } else {
            json!({ "role": name, "departments": grant.departments })
        }
    };
    grants.iter().map(one).collect()
}

/// Replaces what an operator holds, which counts from their next request. Nobody does it to themselves, gives or takes
/// what they do not hold, or leaves the platform without an owner. `was` is what they held when the change was thought of;
/// none: whatever they hold.
///
/// # Errors
///
/// [`Error::Conflict`] `rights_changed` where they hold something else by now.
pub async fn set_grants(
    s: &Services,
    caller: &Caller,
    id: OperatorId,
    was: Option<&[Grant]>,
    grants: Vec<Grant>,
) -> Result<Settled<()>> {
    caller.require(Permission::OperatorsEdit)?;
    let mut faults = Faults::default();
    let grants = checked(grants, &mut faults);
    faults.into_result()?;
    let change = RightsChange::Grant { operator: id, grants };
    let settled = making::settle(s, caller, change, was.map(Was::Grants), None).await?;
    Ok(settled.map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duty_officer_of_one_department_is_on_duty_there_and_not_for_the_campus() {
        let limited =
            Grant { departments: ["图书馆".to_owned()].into(), ..Grant::from(Role::DutyOfficer) };
        assert!(!on_duty(&[Grant::from(Role::Owner), limited.clone()]));
        assert!(!on_duty(&[Grant::from(Role::Owner)]));
        assert!(on_duty(&[limited, Grant::from(Role::DutyOfficer)]));
    }
}
