//! Changes of rights are made here, by whoever may make them alone and by whoever approves what another proposed.

use serde_json::{Value, json};

use super::super::{Caller, Services};
use super::rights::Rights;
use super::roles::RoleForm;
use super::second;
use super::{LINK_LIVES, account, grants, links, oust, roles, rules};
use crate::domain::grant::Grant;
use crate::domain::id::{OperatorId, RightsRequestId};
use crate::domain::rights_change::RightsChange;
use crate::store::{self, audit};
use crate::{Error, Result};

/// What a change came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Whom it was about.
    pub operator: Option<OperatorId>,
    /// Where they choose a password, once, within seven days.
    pub link: Option<String>,
    /// False where there was nothing to take away.
    pub changed: bool,
}

/// What became of a change that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled<T> {
    Done(T),
    /// A second administrator decides.
    Waits(RightsRequestId),
}

impl<T> Settled<T> {
    /// What was done, for callers with whose changes nobody waits: commands.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] `waits_for_second`.
    pub fn done(self) -> Result<T> {
        match self {
            Self::Done(done) => Ok(done),
            Self::Waits(_) => Err(Error::conflict("waits_for_second", "a second administrator decides this")),
        }
    }

    pub(super) fn map<U>(self, make: impl FnOnce(T) -> U) -> Settled<U> {
        match self {
            Self::Done(done) => Settled::Done(make(done)),
            Self::Waits(id) => Settled::Waits(id),
        }
    }
}

/// What was there when a change was thought of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Was<'a> {
    Grants(&'a [Grant]),
    Role(&'a RoleForm),
}

/// Who answers for a change.
pub(super) struct Signed {
    pub(super) by: String,
    /// Where somebody else approved it.
    pub(super) proposal: Option<Proposal>,
}

/// What became of a proposal by being approved.
pub(super) struct Proposal {
    /// Who proposed it.
    pub(super) by: String,
    /// Why; perhaps empty.
    pub(super) reason: String,
    /// Who approves it, and is handed the link where it makes one.
    pub(super) handed_to: Option<OperatorId>,
}

impl Signed {
    fn detail(&self, mut detail: Value) -> Value {
        if let (Some(proposal), Some(fields)) = (&self.proposal, detail.as_object_mut()) {
            fields.insert("proposed_by".to_owned(), proposal.by.clone().into());
            if !proposal.reason.is_empty() {
                fields.insert("proposal_reason".to_owned(), proposal.reason.clone().into());
            }
        }
        detail
    }

    fn handed_to(&self) -> Option<OperatorId> {
        self.proposal.as_ref().and_then(|proposal| proposal.handed_to)
    }
}

/// Makes a change, or has it wait where it gives something and that needs a second administrator. `password` is the hash
/// of one that a new operator begins with; who is invited while somebody else has to agree chooses one by a link.
pub(super) async fn settle(
    s: &Services,
    caller: &Caller,
    change: RightsChange,
    was: Option<Was<'_>>,
    password: Option<String>,
) -> Result<Settled<Made>> {
    let mut rights = Rights::to_change(s, caller).await?;
    rights.still(&change, was)?;
    let effect = rights.judge(&rights.by, &change)?;
    if let Caller::Operator(who) = &rights.by
        && change.gives(&effect)
        && rules::under_lock(&mut rights.tx).await?.second_administrator
    {
        let who = who.clone();
        let id = second::propose(s, &mut rights, &who, &change, &effect).await?;
        rights.tx.commit().await?;
        return Ok(Settled::Waits(id));
    }
    let signed = Signed { by: rights.by.label(), proposal: None };
    let made = rights.make(s, change.clone(), password, &signed).await?;
    if made.changed {
        second::drop_matter(s, &mut rights, &change, &signed.by).await?;
    }
    rights.tx.commit().await?;
    Ok(Settled::Done(made))
}

impl Rights {
    /// Refuses a change that was thought of over something else: it would undo what another did meanwhile.
    fn still(&self, change: &RightsChange, was: Option<Was<'_>>) -> Result<()> {
        let is_so = match (change, was) {
            (RightsChange::Grant { operator, .. }, Some(Was::Grants(grants))) => {
                self.operator(*operator)?.grants.0 == grants
            }
            (RightsChange::Role { role, .. }, Some(Was::Role(form))) => self.role(*role)?.form() == *form,
            _ => true,
        };
        if is_so { Ok(()) } else { Err(second::changed_meanwhile()) }
    }

    /// Makes a change that was judged.
    pub(super) async fn make(
        &mut self,
        s: &Services,
        change: RightsChange,
        password: Option<String>,
        signed: &Signed,
    ) -> Result<Made> {
        let about = change.operator();
        let made = match change {
            RightsChange::Invite { email, name, grants } => {
                return self.invite(s, (&email, &name), &grants, password, signed).await;
            }
            RightsChange::Grant { operator, grants } => {
                let before = grants::described(&self.operator(operator)?.grants.0, &self.made);
                let detail = json!({ "before": before, "after": grants::described(&grants, &self.made) });
                store::operators::set_grants(&mut self.tx, operator, &grants).await?;
                self.note(s, signed, "operator.grant", &operator.to_string(), detail).await?;
                Made::default()
            }
            RightsChange::Enable { operator } => {
                store::operators::set_disabled(&mut self.tx, operator, None).await?;
                self.note(s, signed, "operator.enable", &operator.to_string(), json!({})).await?;
                Made::default()
            }
            RightsChange::Link { operator } => {
                store::operators::set_password(&mut self.tx, operator, None).await?;
                oust(&mut self.tx, operator).await?;
                let link = links::make(s, &mut self.tx, Some(operator), LINK_LIVES).await?;
                store::operators::set_handed_to(&mut self.tx, operator, signed.handed_to()).await?;
                self.note(s, signed, "operator.reset_password", &operator.to_string(), json!({})).await?;
                Made { link: Some(link), ..Made::default() }
            }
            RightsChange::ResetFactor { operator } => {
                if !store::second_factors::remove(&mut self.tx, operator).await? {
                    return Ok(Made { operator: about, ..Made::default() });
                }
                oust(&mut self.tx, operator).await?;
                self.note(s, signed, "operator.remove_factor", &operator.to_string(), json!({})).await?;
                Made::default()
            }
            RightsChange::CampusId { operator, sealed } => {
                let campus_id = account::opened(s, &sealed)?;
                if self.operator(operator)?.campus_id.as_deref() == Some(campus_id.as_str()) {
                    return Ok(Made { operator: about, ..Made::default() });
                }
                account::set_campus_id(&mut self.tx, operator, Some(&campus_id)).await?;
                // The audit log, which forgets nothing, holds no campus id.
                self.note(s, signed, "operator.link_campus_id", &operator.to_string(), json!({})).await?;
                Made::default()
            }
            RightsChange::Role { role, name, description, permissions } => {
                let before = roles::words(&self.role(role)?.permissions);
                let detail = json!({ "name": name, "before": before, "after": roles::words(&permissions) });
                if !store::roles::update(&mut self.tx, role, &name, &description, &permissions).await? {
                    return Err(roles::taken(&name));
                }
                self.note(s, signed, "role.update", &role.to_string(), detail).await?;
                Made::default()
            }
            RightsChange::TurnOff => {
                let Some(changed) = rules::turn_second_off(&mut self.tx).await? else {
                    return Ok(Made::default());
                };
                self.note(s, signed, "settings.change", rules::NAME, changed).await?;
                Made::default()
            }
        };
        Ok(Made { operator: about, changed: true, ..made })
    }

    async fn invite(
        &mut self,
        s: &Services,
        (email, name): (&str, &str),
        granted: &[Grant],
        password: Option<String>,
        signed: &Signed,
    ) -> Result<Made> {
        let (now, hash) = (s.clock.now(), password.as_deref());
        let inserted = store::operators::insert(&mut self.tx, email, name, granted, hash, now).await?;
        let id = inserted.ok_or_else(|| super::taken(email))?;
        // Whoever finds the first set-up link later must not become an owner by it.
        store::links::withdraw(&mut self.tx, None).await?;
        let link = match password {
            Some(_) => None,
            None => Some(links::make(s, &mut self.tx, Some(id), LINK_LIVES).await?),
        };
        store::operators::set_handed_to(&mut self.tx, id, signed.handed_to()).await?;
        let granted = grants::described(granted, &self.made);
        let detail = json!({ "email": email, "name": name, "grants": granted });
        self.note(s, signed, "operator.create", &id.to_string(), detail).await?;
        Ok(Made { operator: Some(id), link, changed: true })
    }

    pub(super) async fn note(
        &mut self,
        s: &Services,
        signed: &Signed,
        action: &str,
        object: &str,
        detail: Value,
    ) -> Result<()> {
        let detail = signed.detail(detail);
        audit::append(&mut self.tx, s.clock.now(), &signed.by, action, object, &detail).await
    }
}
