//! One-time links: the first one sets the installation up, others let an operator choose a password.

use std::time::Duration;

use serde_json::json;

use super::super::Services;
use super::super::caller::{Caller, OperatorCaller};
use super::sign_in::Entry;
use super::{acting, form, oust, passwords, rules};
use crate::clock::Timestamp;
use crate::domain::grant::{Grant, Powers};
use crate::domain::id::OperatorId;
use crate::domain::operator::Role;
use crate::error::Faults;
use crate::store::links::LinkRow;
use crate::store::operators::OperatorRow;
use crate::store::{self, Tx, audit};
use crate::{Error, Result};

const SET_UP_LIVES: Duration = Duration::from_hours(24);
const TOKEN_BYTES: usize = 32;

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkPurpose {
    /// Whoever follows it becomes the first owner and says who they are.
    SetUp,
    /// The operator chooses a password.
    Password { email: String, name: String },
}

/// What is written behind a link. The address and the name count at the first set-up only.
#[derive(Clone, Debug, Default)]
pub struct LinkForm {
    pub email: String,
    pub name: String,
    pub password: String,
    /// The password typed once more.
    pub password_again: String,
}

fn hash(s: &Services, token: &str) -> [u8; 32] {
    s.vault.fingerprint("operator-link", token.as_bytes())
}

/// Makes a link; those made before for the same purpose stop working.
pub(super) async fn make(
    s: &Services,
    tx: &mut Tx,
    operator: Option<OperatorId>,
    lives: Duration,
) -> Result<String> {
    let token = s.vault.token(TOKEN_BYTES);
    let now = s.clock.now();
    store::links::withdraw(tx, operator).await?;
    store::links::insert(tx, &hash(s, &token), operator, now, now.plus(lives)).await?;
    Ok(format!("{}/set-up?token={token}", s.campus.public_url.as_str().trim_end_matches('/')))
}

/// The link that sets up an installation nobody has signed in to yet, good for a day; nothing where there is an
/// operator. Links made before stop working.
pub async fn first_link(s: &Services) -> Result<Option<String>> {
    let mut tx = s.db.begin().await?;
    if store::operators::any(&mut tx).await? {
        return Ok(None);
    }
    let link = make(s, &mut tx, None, SET_UP_LIVES).await?;
    tx.commit().await?;
    Ok(Some(link))
}

/// Whether there is no operator at all, so that only the first link leads in.
pub async fn nobody_yet(s: &Services) -> Result<bool> {
    Ok(store::operators::list(&s.db).await?.is_empty())
}

/// What the link with that token is for; [`Error::NotFound`] or [`Error::Conflict`] where it is no good.
pub async fn link(s: &Services, token: &str) -> Result<LinkPurpose> {
    let (_, operator) = open(s, token).await?;
    Ok(match operator {
        None => LinkPurpose::SetUp,
        Some(row) => LinkPurpose::Password { email: row.email, name: row.name },
    })
}

/// The link, and the operator it is for unless it is the first.
async fn open(s: &Services, token: &str) -> Result<(LinkRow, Option<OperatorRow>)> {
    let row = store::links::find(&s.db, &hash(s, token)).await?.ok_or(Error::NotFound("link"))?;
    if row.used_at.is_some() {
        return Err(used());
    }
    if row.expires_at <= s.clock.now() {
        return Err(Error::conflict("link_expired", "this link has expired; ask for a new one"));
    }
    let operator = match row.operator_id {
        Some(id) => {
            let operator = store::operators::find(&s.db, id).await?;
            Some(operator.filter(|row| row.disabled_at.is_none()).ok_or(Error::NotFound("link"))?)
        }
        None => None,
    };
    Ok((row, operator))
}

fn used() -> Error {
    Error::conflict("link_used", "this link was used already; sign in, or ask for a new one")
}

/// Does what a link is for, once, and says who the operator is, who may be signed in right away unless they owe a code.
pub async fn use_link(s: &Services, token: &str, form: LinkForm) -> Result<Entry> {
    let (_, operator) = open(s, token).await?;
    let mut faults = Faults::default();
    let (email, name) = match &operator {
        Some(row) => (row.email.clone(), row.name.clone()),
        None => (form::email(&form.email, &mut faults), form::name(&form.name, &mut faults)),
    };
    let shortest = rules::shortest_password(s).await?;
    faults.extend(passwords::fault(&form.password, shortest, form::known(s, &email, &name)).await?);
    if form.password != form.password_again {
        faults.add("/password_again", "mismatch", "the two do not match");
    }
    faults.into_result()?;
    let password = s.passwords.hash(form.password).await?;
    let invited = match operator {
        Some(row) => Some(acting(s, row).await?),
        None => None,
    };

    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    if let Some(caller) = &invited {
        let row = store::operators::lock(&mut tx, caller.id).await?;
        row.filter(|row| row.disabled_at.is_none()).ok_or(Error::NotFound("link"))?;
    }
    if !store::links::use_up(&mut tx, &hash(s, token), now).await? {
        return Err(used());
    }
    let (caller, ousted, action) = match invited {
        Some(caller) => {
            store::operators::set_password(&mut tx, caller.id, Some(&password)).await?;
            let ousted = oust(&mut tx, caller.id).await?;
            (caller, ousted, "operator.choose_password")
        }
        None => (first_owner(&mut tx, email, name, &password, now).await?, 0, "operator.set_up"),
    };
    store::operators::touch(&mut tx, caller.id, now).await?;
    let actor = Caller::Operator(caller.clone()).label();
    audit::append(&mut tx, now, &actor, action, &caller.id.to_string(), &json!({})).await?;
    let owes_code = store::second_factors::find(&s.db, caller.id).await?.is_some();
    tx.commit().await?;
    Ok(Entry { operator: caller, owes_code, ousted })
}

async fn first_owner(
    tx: &mut Tx,
    email: String,
    name: String,
    password: &str,
    now: Timestamp,
) -> Result<OperatorCaller> {
    let taken = || Error::conflict("set_up_already", "this installation is set up already; sign in");
    if store::operators::any(tx).await? {
        return Err(taken());
    }
    let owner = [Grant::from(Role::Owner)];
    let id =
        store::operators::insert(tx, &email, &name, &owner, Some(password), now).await?.ok_or_else(taken)?;
    let (roles, powers) = (vec![Role::Owner.name().to_owned()], Powers::from(Role::Owner));
    Ok(OperatorCaller { id, name, email, roles, powers, on_duty: false, language: None })
}
