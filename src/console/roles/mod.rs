//! Roles: what each may do side by side, and one of them with who holds it.

pub mod edit;

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

use super::access::Signed;
use super::again::Grave;
use super::label::Tone;
use super::operators::holders;
use super::page::{self, Flash, Section, Shell, Theme, see_other};
use super::powers::{AREAS, AreaPowers, by_area, permissions};
use super::view::View;
use crate::domain::grant::{AnyRole, Powers};
use crate::domain::id::{OperatorId, RoleId};
use crate::domain::operator::{Permission, Role};
use crate::service::Services;
use crate::service::operators::{self, MadeRole, Operator};
use crate::{Error, Result};

const HOME: &str = "/console/roles";

fn href(role: AnyRole) -> String {
    format!("{HOME}/{role}")
}

/// A role as it is shown.
#[derive(Clone, Debug)]
pub struct RoleRow {
    /// A built-in role's word, or a made one's id.
    pub key: String,
    pub name: String,
    /// Perhaps empty.
    pub description: String,
    pub is_made: bool,
    pub permissions: Vec<Permission>,
    pub holders: u64,
}

impl RoleRow {
    fn may(&self, permission: Permission) -> bool {
        self.permissions.iter().any(|held| *held == permission || held.includes() == Some(permission))
    }
}

/// A permission and which of the roles include it, in their order.
#[derive(Clone, Debug)]
pub struct MatrixRow {
    pub permission: Permission,
    pub held: Vec<bool>,
}

#[derive(Debug, Template)]
#[template(path = "console/roles/list.html")]
pub struct RolesPage {
    pub shell: Shell,
    pub may_edit: bool,
    /// Built-in ones first.
    pub roles: Vec<RoleRow>,
}

impl RolesPage {
    pub fn made(&self) -> Vec<&RoleRow> {
        self.roles.iter().filter(|role| role.is_made).collect()
    }

    /// By area.
    pub fn matrix(&self) -> Vec<(&'static str, Vec<MatrixRow>)> {
        let row = |permission: Permission| MatrixRow {
            permission,
            held: self.roles.iter().map(|role| role.may(permission)).collect(),
        };
        AREAS.into_iter().map(|area| (area, permissions(area).into_iter().map(row).collect())).collect()
    }
}

/// Every role, built-in ones first.
fn rows(view: &View, made: &[MadeRole], all: &[Operator]) -> Vec<RoleRow> {
    let count = |role| holders(view, all, role).len() as u64;
    let built_in = Role::ALL.iter().map(|role| RoleRow {
        key: role.to_string(),
        name: view.role_name(role.name()),
        description: view.t(&format!("role-{role}-hint")),
        is_made: false,
        permissions: role.permissions().collect(),
        holders: count(AnyRole::BuiltIn(*role)),
    });
    let made = made.iter().map(|role| RoleRow {
        key: role.id.to_string(),
        name: role.name.clone(),
        description: role.description.clone(),
        is_made: true,
        permissions: role.permissions.clone(),
        holders: count(AnyRole::Made(role.id)),
    });
    built_in.chain(made).collect()
}

/// The role with that key, and who the operators are.
async fn find(s: &Services, signed: &Signed, role: AnyRole) -> Result<(RoleRow, Vec<Operator>)> {
    let made = operators::roles(s, &signed.caller).await?;
    let all = operators::list(s, &signed.caller).await?;
    let key = role.to_string();
    let row = rows(&signed.view(), &made, &all).into_iter().find(|row| row.key == key);
    Ok((row.ok_or(Error::NotFound("role"))?, all))
}

/// What a role may do where it holds everywhere.
fn powers(permissions: &[Permission]) -> Powers {
    let mut powers = Powers::default();
    powers.add(permissions.iter().copied(), &BTreeSet::new());
    powers
}

pub(super) async fn list(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let made = operators::roles(&s, &signed.caller).await?;
    let all = operators::list(&s, &signed.caller).await?;
    let shell = signed.shell(Section::Roles)?;
    page::html(&RolesPage {
        may_edit: signed.may(Permission::OperatorsEdit),
        roles: rows(&shell.view, &made, &all),
        shell,
    })
}

#[derive(Debug, Template)]
#[template(path = "console/roles/one.html")]
pub struct RolePage {
    pub shell: Shell,
    pub role: RoleRow,
    pub may_edit: bool,
    /// Key of why it cannot be changed, where that is so.
    pub fixed: Option<&'static str>,
    pub powers: Vec<AreaPowers>,
    /// Who holds it, and where.
    pub holders: Vec<(OperatorId, String, String)>,
}

/// Key of why whoever is signed in cannot change a role.
fn fixed(signed: &Signed, role: &RoleRow, holders: &[(OperatorId, String, String)]) -> Option<&'static str> {
    if !role.is_made {
        Some("role-built-in")
    } else if holders.iter().any(|(id, ..)| *id == signed.operator.id) {
        Some("role-own")
    } else if !signed.operator.powers.contain(&powers(&role.permissions)) {
        Some("role-beyond")
    } else {
        None
    }
}

pub(super) async fn show(s: Data<Services>, signed: Signed, role: Path<AnyRole>) -> Result<HttpResponse> {
    let (row, all) = find(&s, &signed, *role).await?;
    let shell = signed.shell(Section::Roles)?;
    let holders = holders(&shell.view, &all, *role);
    page::html(&RolePage {
        may_edit: signed.may(Permission::OperatorsEdit),
        fixed: fixed(&signed, &row, &holders),
        powers: by_area(&shell.view, &powers(&row.permissions)),
        role: row,
        holders,
        shell,
    })
}

pub(super) async fn delete(
    s: Data<Services>,
    signed: Signed,
    role: Path<RoleId>,
    _: Grave,
) -> Result<HttpResponse> {
    operators::delete_role(&s, &signed.caller, *role).await?;
    signed.say(&Flash::good(signed.view().t("role-was-deleted")))?;
    Ok(see_other(HOME))
}
