//! Rights under their lock: everybody's rows, the roles that were made, and whoever asks as they are at that moment. A
//! request that was held open is judged by what its sender may do now, not by what they might when it came in.

use std::collections::BTreeSet;

use super::super::caller::OperatorCaller;
use super::super::{Caller, Services};
use super::roles::{self, MadeRole};
use super::{acting_as, grants};
use crate::domain::grant::{AnyRole, Grant, Powers};
use crate::domain::id::{OperatorId, RoleId};
use crate::domain::operator::Permission;
use crate::domain::rights_change::{Effect, RightsChange};
use crate::store::operators::OperatorRow;
use crate::store::{self, Tx};
use crate::{Error, Result};

pub(super) struct Rights {
    pub(super) tx: Tx,
    pub(super) operators: Vec<OperatorRow>,
    pub(super) made: Vec<MadeRole>,
    /// Whoever asks.
    pub(super) by: Caller,
}

impl Rights {
    /// Nobody else changes rights until the transaction ends.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`] where whoever asks was shut out meanwhile.
    pub(super) async fn lock(s: &Services, caller: &Caller) -> Result<Self> {
        let mut tx = s.db.begin().await?;
        let operators = store::operators::lock_all(&mut tx).await?;
        let made = roles::all_in(&mut tx).await?;
        let mut rights = Self { tx, operators, made, by: caller.clone() };
        if let Caller::Operator(who) = caller {
            let now = rights.let_in(who.id).ok_or(Error::Unauthenticated("sign in first"))?;
            rights.by = Caller::Operator(now);
        }
        Ok(rights)
    }

    /// As [`lock`](Self::lock), for what only who may change operators does.
    pub(super) async fn to_change(s: &Services, caller: &Caller) -> Result<Self> {
        let rights = Self::lock(s, caller).await?;
        rights.by.require(Permission::OperatorsEdit)?;
        Ok(rights)
    }

    /// An operator as they are now, unless they are shut out.
    pub(super) fn let_in(&self, id: OperatorId) -> Option<OperatorCaller> {
        let row = self.operators.iter().find(|row| row.id == id && row.disabled_at.is_none())?;
        Some(acting_as(row.clone(), &self.made))
    }

    pub(super) fn operator(&self, id: OperatorId) -> Result<&OperatorRow> {
        self.operators.iter().find(|row| row.id == id).ok_or(Error::NotFound("operator"))
    }

    pub(super) fn role(&self, id: RoleId) -> Result<&MadeRole> {
        self.made.iter().find(|role| role.id == id).ok_or(Error::NotFound("role"))
    }

    pub(super) fn is_held(&self, id: RoleId) -> bool {
        self.operators.iter().any(|row| holds(row, id))
    }

    /// The operator with that id, of whom somebody may decide: whoever lets them choose a password could come in as them.
    pub(super) fn in_charge_of(&self, by: &Caller, id: OperatorId) -> Result<&OperatorRow> {
        let row = self.operator(id)?;
        grants::within(by, &self.powers_of(row))?;
        Ok(row)
    }

    fn powers_of(&self, row: &OperatorRow) -> Powers {
        grants::powers(&row.grants.0, &self.made)
    }

    /// Whether somebody may make a change, and what comes of it.
    pub(super) fn judge(&self, by: &Caller, change: &RightsChange) -> Result<Effect> {
        if *change == RightsChange::TurnOff {
            by.require(Permission::SettingsEdit)?;
            return Ok(Effect::default());
        }
        by.require(Permission::OperatorsEdit)?;
        match change {
            RightsChange::Invite { email, grants, .. } => {
                grants::may_give(by, grants, &self.made)?;
                if self.operators.iter().any(|row| row.email == *email) {
                    return Err(super::taken(email));
                }
                Ok(Effect { before: Powers::default(), after: grants::powers(grants, &self.made) })
            }
            RightsChange::Grant { operator, grants } => self.judge_grants(by, *operator, grants),
            RightsChange::Role { role, name, permissions, .. } => {
                self.judge_role(by, *role, name, permissions)
            }
            RightsChange::Enable { operator } => {
                let row = self.in_charge_of(by, *operator)?;
                let powers = self.powers_of(row);
                let before = if row.disabled_at.is_some() { Powers::default() } else { powers.clone() };
                Ok(Effect { before, after: powers })
            }
            RightsChange::Link { operator }
            | RightsChange::ResetFactor { operator }
            | RightsChange::CampusId { operator, .. } => self.judge_way_in(by, *operator, change),
            RightsChange::TurnOff => Ok(Effect::default()),
        }
    }

    fn judge_grants(&self, by: &Caller, id: OperatorId, grants: &[Grant]) -> Result<Effect> {
        let before = self.powers_of(self.in_charge_of(by, id)?);
        if by.operator() == Some(id) {
            return Err(Error::conflict(
                "own_rights",
                "nobody changes their own rights; ask another operator",
            ));
        }
        grants::may_give(by, grants, &self.made)?;
        if !grants.iter().any(Grant::owns) {
            grants::leave_an_owner(&self.operators, id)?;
        }
        Ok(Effect { before, after: grants::powers(grants, &self.made) })
    }

    /// Nobody changes a role that they hold themselves, or one that may do more than they. One that nobody holds gives
    /// nobody anything.
    fn judge_role(&self, by: &Caller, id: RoleId, name: &str, permissions: &[Permission]) -> Result<Effect> {
        let (before, after) = (everywhere(&self.role(id)?.permissions), everywhere(permissions));
        grants::within(by, &after)?;
        grants::within(by, &before)?;
        let own = by.operator();
        if self.operators.iter().any(|row| Some(row.id) == own && holds(row, id)) {
            return Err(Error::conflict(
                "own_rights",
                "nobody changes a role they hold; ask another operator",
            ));
        }
        if self.made.iter().any(|role| role.id != id && role.name == name) {
            return Err(roles::taken(name));
        }
        Ok(if self.is_held(id) { Effect { before, after } } else { Effect::default() })
    }

    /// Nobody chooses by what they come in themselves where it is another's to say.
    fn judge_way_in(&self, by: &Caller, id: OperatorId, change: &RightsChange) -> Result<Effect> {
        if by.operator() == Some(id) {
            return Err(Error::conflict(
                "own_account",
                match change {
                    RightsChange::Link { .. } => "you change your own password on your account page",
                    RightsChange::ResetFactor { .. } => {
                        "your own second factor is turned off on your account page"
                    }
                    _ => "another operator says with which campus id you sign in",
                },
            ));
        }
        let powers = self.powers_of(self.in_charge_of(by, id)?);
        Ok(Effect { before: powers.clone(), after: powers })
    }

    /// Whether one hand may be behind both of two operators: the one was handed the link by which the other came in, or both
    /// links were handed to the same.
    pub(super) fn in_one_hand(&self, one: OperatorId, other: OperatorId) -> bool {
        let behind = |id: OperatorId| {
            let mut hands = BTreeSet::new();
            let mut next = Some(id);
            while let Some(id) = next.filter(|id| hands.insert(*id)) {
                next = self.operators.iter().find(|row| row.id == id).and_then(|row| row.handed_to);
            }
            hands
        };
        !behind(one).is_disjoint(&behind(other))
    }

    /// Whether, beside whoever asks, somebody can come in who could approve changes, and the end of asking. `by_campus`:
    /// operators come in by the university's own sign-in.
    pub(super) fn others_could_approve(&self, by_campus: bool) -> bool {
        let both = [Permission::OperatorsEdit, Permission::SettingsEdit];
        let could = |row: &&OperatorRow| {
            let powers = self.powers_of(row);
            let comes_in = row.password_hash.is_some() || (by_campus && row.campus_id.is_some());
            row.disabled_at.is_none()
                && comes_in
                && both.iter().all(|permission| powers.everywhere(*permission))
        };
        self.operators.iter().filter(could).count() >= 2
    }
}

fn holds(row: &OperatorRow, id: RoleId) -> bool {
    row.grants.0.iter().any(|grant| grant.role == AnyRole::Made(id))
}

/// What a role may do where it holds everywhere.
pub(super) fn everywhere(permissions: &[Permission]) -> Powers {
    let mut powers = Powers::default();
    powers.add(permissions.iter().copied(), &BTreeSet::new());
    powers
}
