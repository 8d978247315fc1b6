//! A role is made, from nothing or as a copy of another, or changed: where somebody holds it, what that means for them is
//! read before it is done.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use serde::Deserialize;

use super::super::access::{STALE_FORM, Signed};
use super::super::again::Grave;
use super::super::form::{FieldFaults, Form};
use super::super::label::Tone;
use super::super::operators::rights::changed_meanwhile;
use super::super::operators::{holders, requests};
use super::super::page::{self, Flash, Section, Shell, Theme, see_other};
use super::super::powers::{AREAS, Difference, permissions};
use super::{RoleRow, find, fixed, href, powers};
use crate::domain::grant::AnyRole;
use crate::domain::id::{OperatorId, RoleId};
use crate::domain::operator::Permission;
use crate::error::Fault;
use crate::service::Services;
use crate::service::operators::{self, RoleForm, Settled};
use crate::{Error, Result};

#[derive(Debug, Template)]
#[template(path = "console/roles/form.html")]
pub struct RoleFormPage {
    pub shell: Shell,
    /// Of the role that is changed; `None` makes one.
    pub id: Option<RoleId>,
    pub name: String,
    pub description: String,
    /// Those chosen.
    pub permissions: Vec<Permission>,
    /// Those whoever fills it in holds everywhere, and so may give.
    pub mine: Vec<Permission>,
    /// Who holds it, and where.
    pub holders: Vec<(OperatorId, String, String)>,
    /// What it was when the form was made, as it comes back with it; empty for a new one.
    pub was: String,
    /// What another changed since.
    pub changed: Option<String>,
    pub faults: FieldFaults,
}

impl RoleFormPage {
    fn title(&self) -> &'static str {
        if self.id.is_some() { "role-edit" } else { "role-new" }
    }

    fn home(&self) -> String {
        self.id.map_or_else(|| super::HOME.to_owned(), |id| href(AnyRole::Made(id)))
    }

    /// The areas with what there is to choose in each.
    fn areas() -> Vec<(&'static str, Vec<Permission>)> {
        AREAS.into_iter().map(|area| (area, permissions(area))).collect()
    }
}

/// What a change means for those who hold the role, before it is made.
#[derive(Debug, Template)]
#[template(path = "console/roles/confirm.html")]
pub struct ConfirmPage {
    pub shell: Shell,
    pub id: RoleId,
    pub name: String,
    pub description: String,
    pub permissions: Vec<Permission>,
    pub difference: Difference,
    pub holders: Vec<(OperatorId, String, String)>,
    pub was: String,
    /// It gives something, which a second administrator has to agree to.
    pub waits: bool,
}

/// Which role to begin from.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct From {
    from: String,
}

fn mine(signed: &Signed) -> Vec<Permission> {
    Permission::ALL.iter().copied().filter(|permission| signed.may(*permission)).collect()
}

pub(in crate::console) async fn show_new(
    s: Data<Services>,
    signed: Signed,
    query: Query<From>,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::OperatorsEdit)?;
    let mine = mine(&signed);
    let (mut permissions, mut description) = (Vec::new(), String::new());
    // What is no role is taken for none.
    if let Ok(role) = query.from.parse() {
        let (row, _) = find(&s, &signed, role).await?;
        permissions = row.permissions.into_iter().filter(|permission| mine.contains(permission)).collect();
        description = row.description;
    }
    page::html(&RoleFormPage {
        shell: signed.shell(Section::Roles)?,
        id: None,
        name: String::new(),
        description,
        permissions,
        mine,
        holders: Vec::new(),
        was: String::new(),
        changed: None,
        faults: FieldFaults::default(),
    })
}

/// A role as a form brings it back.
fn written(row: &RoleRow) -> Result<String> {
    serde_json::to_string(&form_of(row)).map_err(Error::internal)
}

fn form_of(row: &RoleRow) -> RoleForm {
    let RoleRow { name, description, permissions, .. } = row.clone();
    RoleForm { name, description, permissions }
}

fn typed(form: &Form) -> RoleForm {
    RoleForm {
        name: form.text("name").to_owned(),
        description: form.text("description").to_owned(),
        permissions: form.all("permissions").filter_map(|text| text.parse().ok()).collect(),
    }
}

pub(in crate::console) async fn create(
    s: Data<Services>,
    signed: Signed,
    Grave(form): Grave,
) -> Result<HttpResponse> {
    match operators::create_role(&s, &signed.caller, typed(&form)).await {
        Ok(id) => {
            signed.say(&Flash::good(signed.view().t("role-was-made")))?;
            Ok(see_other(&href(AnyRole::Made(id))))
        }
        Err(Error::Invalid(faults)) => {
            refuse(&signed, None, &form, (Vec::new(), String::new(), None), &faults)
        }
        Err(other) => Err(other),
    }
}

pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    id: Path<RoleId>,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::OperatorsEdit)?;
    let role = AnyRole::Made(*id);
    let (row, all) = find(&s, &signed, role).await?;
    let shell = signed.shell(Section::Roles)?;
    let holders = holders(&shell.view, &all, role);
    match fixed(&signed, &row, &holders) {
        Some("role-own") => {
            return Err(Error::conflict(
                "own_rights",
                "nobody changes a role they hold; ask another operator",
            ));
        }
        Some(_) => {
            return Err(Error::forbidden(
                Permission::OperatorsEdit.name(),
                "these rights go beyond your own; ask somebody who holds them",
            ));
        }
        None => {}
    }
    page::html(&RoleFormPage {
        id: Some(*id),
        was: written(&row)?,
        changed: None,
        name: row.name,
        description: row.description,
        permissions: row.permissions,
        mine: mine(&signed),
        holders,
        faults: FieldFaults::default(),
        shell,
    })
}

pub(in crate::console) async fn update(
    s: Data<Services>,
    signed: Signed,
    id: Path<RoleId>,
    Grave(form): Grave,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::OperatorsEdit)?;
    let role = AnyRole::Made(*id);
    let (row, all) = find(&s, &signed, role).await?;
    let view = signed.view();
    let holders = holders(&view, &all, role);
    let wanted = typed(&form);
    let now = written(&row)?;
    if !form.text("was").is_empty() && form.text("was") != now {
        let stale = |_| Error::forbidden(STALE_FORM, "the form is not one that was shown");
        let was: RoleForm = serde_json::from_str(form.text("was")).map_err(stale)?;
        let since = Difference::new(&view, &powers(&was.permissions), &powers(&row.permissions));
        let changed = changed_meanwhile(&view, &since);
        return refuse(&signed, Some(*id), &form, (holders, now, Some(changed)), &[]);
    }
    let difference = Difference::new(&view, &powers(&row.permissions), &powers(&wanted.permissions));
    let is_agreed = form.text("step") == "confirm" || holders.is_empty() || difference.is_empty();
    if !is_agreed && !wanted.permissions.is_empty() {
        return page::html(&ConfirmPage {
            shell: signed.shell(Section::Roles)?,
            id: *id,
            name: wanted.name,
            description: wanted.description,
            permissions: wanted.permissions,
            waits: !difference.gained.is_empty() && operators::needs_second(&s).await?,
            difference,
            holders,
            was: now,
        });
    }
    match operators::update_role(&s, &signed.caller, *id, Some(&form_of(&row)), wanted).await {
        Ok(Settled::Waits(request)) => requests::lead_to(&signed, request),
        Ok(Settled::Done(())) => {
            signed.say(&Flash::good(view.t("role-was-changed")))?;
            Ok(see_other(&href(role)))
        }
        Err(Error::Invalid(faults)) => refuse(&signed, Some(*id), &form, (holders, now, None), &faults),
        Err(other) => Err(other),
    }
}

/// The form again, as it was filled in, with what is wrong with it.
fn refuse(
    signed: &Signed,
    id: Option<RoleId>,
    form: &Form,
    (holders, was, changed): (Vec<(OperatorId, String, String)>, String, Option<String>),
    faults: &[Fault],
) -> Result<HttpResponse> {
    let shell = signed.shell(Section::Roles)?;
    let typed = typed(form);
    let page = RoleFormPage {
        faults: FieldFaults::new(&shell.view, faults),
        shell,
        id,
        name: typed.name,
        description: typed.description,
        permissions: typed.permissions,
        mine: mine(signed),
        holders,
        was,
        changed,
    };
    page::answer(HttpResponse::UnprocessableEntity(), &page)
}
