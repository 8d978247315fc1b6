//! The people who run the platform: how they come in, sign in and go.

mod account;
mod campus;
mod factor;
mod form;
mod gate;
mod grants;
mod links;
mod making;
mod passwords;
mod rights;
mod roles;
mod rules;
mod second;
mod sign_in;

use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::caller::OperatorCaller;
use super::{Caller, Services};
use crate::clock::Timestamp;
use crate::config::Language;
use crate::domain::grant::{Grant, Powers};
use crate::domain::id::OperatorId;
use crate::domain::operator::Permission;
use crate::domain::rights_change::RightsChange;
use crate::error::Faults;
use crate::store::operators::OperatorRow;
use crate::store::{self, Tx, audit};
use crate::{Error, Result};

use self::rights::Rights;

pub use self::account::{campus_id, end_sessions, link_campus_id, open_sessions, rename};
pub(super) use self::campus::Doors;
pub use self::campus::{BACK, Leaving, campus_sign_in, come_back_from_campus, leave_for_campus};
pub use self::factor::{
    Factor, Offer, enrol, factor, must_enrol, needs_factor, new_secret, offer, renew_codes,
    reset as reset_factor, turn_off,
};
pub(super) use self::grants::powers_of;
pub use self::grants::{Held, set_grants, weigh};
pub use self::links::{LinkForm, LinkPurpose, first_link, link, nobody_yet, use_link};
pub use self::making::{Made, Settled};
pub(super) use self::passwords::Passwords;
pub use self::roles::{MadeRole, RoleForm, create_role, delete_role, role_named, roles, update_role};
pub(super) use self::rules::in_force;
pub use self::rules::{RulesChanged, change as change_rules, needs_second, shortest_password, show as rules};
pub use self::second::{Waiting, approve, explain, reject, waiting, waiting_one, waits_for, withdraw};
pub use self::sign_in::{Entry, Proofs, change_password, enter_code, note_sign_out, proofs, prove, sign_in};

/// How long a link to choose a password by is good for.
const LINK_LIVES: Duration = Duration::from_hours(7 * 24);
/// How long ended links are kept, so that whoever follows one is told that it ended.
const LINKS_KEPT: Duration = Duration::from_hours(30 * 24);

/// An operator as other operators see them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Operator {
    pub id: OperatorId,
    pub email: String,
    pub name: String,
    pub grants: Vec<Held>,
    /// What follows from them.
    #[serde(skip)]
    pub powers: Powers,
    /// False while a one-time link waits to be followed.
    pub has_password: bool,
    pub created_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
    pub last_seen_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct NewOperator {
    pub email: String,
    pub name: String,
    pub grants: Vec<Grant>,
    /// Without one a one-time link is made to choose it by.
    pub password: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct OperatorCreated {
    pub operator_id: OperatorId,
    /// Where the operator chooses a password, once, within seven days.
    pub link: Option<String>,
}

impl Operator {
    fn new(row: OperatorRow, made: &[MadeRole]) -> Self {
        Self {
            id: row.id,
            email: row.email,
            name: row.name,
            powers: grants::powers(&row.grants.0, made),
            grants: Held::all(row.grants.0, made),
            has_password: row.password_hash.is_some(),
            created_at: row.created_at,
            disabled_at: row.disabled_at,
            last_seen_at: row.last_seen_at,
        }
    }
}

/// The operator as a caller. Looked up anew for every request, so that a change of rights holds from the next one.
async fn acting(s: &Services, row: OperatorRow) -> Result<OperatorCaller> {
    let made = if grants::any_made(&row.grants.0) { roles::all(s).await? } else { Vec::new() };
    Ok(acting_as(row, &made))
}

fn acting_as(row: OperatorRow, made: &[MadeRole]) -> OperatorCaller {
    OperatorCaller {
        id: row.id,
        name: row.name,
        email: row.email,
        powers: grants::powers(&row.grants.0, made),
        on_duty: grants::on_duty(&row.grants.0),
        roles: Held::all(row.grants.0, made).into_iter().map(|held| held.name()).collect(),
        language: row.language.as_deref().and_then(Language::from_tag),
    }
}

/// Ends every session of an operator and whatever they were just coming in by; says how often that was done by now.
async fn oust(tx: &mut Tx, id: OperatorId) -> Result<i64> {
    store::sessions::delete_all_of(tx, id).await?;
    store::operators::oust(tx, id).await
}

fn taken(email: &str) -> Error {
    Error::fault("/email", "taken", format!("there is an operator with {email} already"))
}

/// Lets somebody in. A password that is given counts where nobody else has to agree.
pub async fn create(s: &Services, caller: &Caller, new: NewOperator) -> Result<Settled<OperatorCreated>> {
    caller.require(Permission::OperatorsEdit)?;
    let mut faults = Faults::default();
    let email = form::email(&new.email, &mut faults);
    let name = form::name(&new.name, &mut faults);
    if let Some(password) = &new.password {
        let shortest = shortest_password(s).await?;
        faults.extend(passwords::fault(password, shortest, form::known(s, &email, &name)).await?);
    }
    let grants = grants::checked(new.grants, &mut faults);
    faults.into_result()?;
    let hash = match new.password {
        Some(password) => Some(s.passwords.hash(password).await?),
        None => None,
    };
    let settled = making::settle(s, caller, RightsChange::Invite { email, name, grants }, None, hash).await?;
    match settled {
        Settled::Waits(id) => Ok(Settled::Waits(id)),
        Settled::Done(Made { operator, link, .. }) => {
            let operator_id = operator.ok_or_else(|| Error::internal("nobody was let in"))?;
            Ok(Settled::Done(OperatorCreated { operator_id, link }))
        }
    }
}

/// Every operator by name.
pub async fn list(s: &Services, caller: &Caller) -> Result<Vec<Operator>> {
    caller.require(Permission::OperatorsView)?;
    let made = roles::all(s).await?;
    Ok(store::operators::list(&s.db).await?.into_iter().map(|row| Operator::new(row, &made)).collect())
}

pub async fn get(s: &Services, caller: &Caller, id: OperatorId) -> Result<Operator> {
    caller.require(Permission::OperatorsView)?;
    let row = store::operators::find(&s.db, id).await?.ok_or(Error::NotFound("operator"))?;
    Ok(Operator::new(row, &roles::all(s).await?))
}

/// The operator that a person at a terminal means: by id or email address.
pub async fn get_named(s: &Services, caller: &Caller, id_or_email: &str) -> Result<Operator> {
    caller.require(Permission::OperatorsView)?;
    let row = match id_or_email.parse() {
        Ok(id) => store::operators::find(&s.db, id).await?,
        Err(_) => store::operators::find_by_email(&s.db, &form::login(id_or_email)).await?,
    };
    let row = row.ok_or(Error::NotFound("operator"))?;
    Ok(Operator::new(row, &roles::all(s).await?))
}

/// Takes an operator's password away, ends their sessions and makes a one-time link to choose a new password by, good
/// for seven days. Links made before stop working.
pub async fn reset_password(s: &Services, caller: &Caller, id: OperatorId) -> Result<Settled<String>> {
    caller.require(Permission::OperatorsEdit)?;
    let settled = making::settle(s, caller, RightsChange::Link { operator: id }, None, None).await?;
    Ok(settled.map(|made| made.link.unwrap_or_default()))
}

/// Shuts an operator out at once, or lets them in again. One owner always stays. Nobody waits with shutting somebody out.
pub async fn set_enabled(
    s: &Services,
    caller: &Caller,
    id: OperatorId,
    enabled: bool,
) -> Result<Settled<()>> {
    caller.require(Permission::OperatorsEdit)?;
    if enabled {
        let settled = making::settle(s, caller, RightsChange::Enable { operator: id }, None, None).await?;
        return Ok(settled.map(drop));
    }
    let mut rights = Rights::to_change(s, caller).await?;
    rights.in_charge_of(&rights.by, id)?;
    grants::leave_an_owner(&rights.operators, id)?;
    let (now, actor, tx) = (s.clock.now(), rights.by.label(), &mut rights.tx);
    store::operators::set_disabled(tx, id, Some(now)).await?;
    oust(tx, id).await?;
    store::links::withdraw(tx, Some(id)).await?;
    audit::append(tx, now, &actor, "operator.disable", &id.to_string(), &json!({})).await?;
    // What was proposed while they were let in would let them in anew.
    second::drop_matter(s, &mut rights, &RightsChange::Enable { operator: id }, &actor).await?;
    rights.tx.commit().await?;
    Ok(Settled::Done(()))
}

/// The operator of a session, as they are now; nothing where they were disabled meanwhile.
pub async fn operator_of(s: &Services, id: OperatorId) -> Result<Option<OperatorCaller>> {
    match store::operators::find(&s.db, id).await?.filter(|row| row.disabled_at.is_none()) {
        Some(row) => acting(s, row).await.map(Some),
        None => Ok(None),
    }
}

/// Operators who hold a permission everywhere and may sign in.
pub(super) async fn who_may(s: &Services, permission: Permission) -> Result<Vec<OperatorCaller>> {
    let mut found = Vec::new();
    for row in store::operators::list(&s.db).await?.into_iter().filter(|row| row.disabled_at.is_none()) {
        let operator = acting(s, row).await?;
        if operator.powers.everywhere(permission) {
            found.push(operator);
        }
    }
    Ok(found)
}

/// An operator chooses the language of their pages; nothing: the campus's.
pub async fn change_language(s: &Services, who: &OperatorCaller, language: Option<Language>) -> Result<()> {
    let mut tx = s.db.begin().await?;
    store::operators::set_language(&mut tx, who.id, language.map(Language::as_str)).await?;
    tx.commit().await
}

/// Nobody comes in as that person any more.
pub(super) async fn leave(s: &Services, caller: &Caller, campus_id: &str) -> Result<()> {
    let mut tx = s.db.begin().await?;
    let operators = store::operators::lock_all(&mut tx).await?;
    if let Some(row) = operators.iter().find(|row| row.campus_id.as_deref() == Some(campus_id)) {
        store::operators::oust(&mut tx, row.id).await?;
    }
    store::campus_accounts::forget(&mut tx, campus_id).await?;
    second::forget(s, &mut tx, &operators, &caller.label(), campus_id).await?;
    tx.commit().await
}

/// Removes what no longer matters: expired sessions, links that ended long ago, forgotten failures to sign in.
pub async fn purge(s: &Services) -> Result<()> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    store::sessions::purge(&mut tx, now).await?;
    store::links::purge(&mut tx, now.minus(LINKS_KEPT)).await?;
    store::sign_in_failures::purge(&mut tx, now.minus(gate::REMEMBERED)).await?;
    tx.commit().await?;
    second::purge(s).await
}
