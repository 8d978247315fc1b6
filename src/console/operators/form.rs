//! Which roles somebody is given, as a form: for each whether, and where.

use std::collections::BTreeSet;

use super::super::access::Signed;
use super::super::form::{FieldFaults, Form, fault_text};
use super::super::view::View;
use crate::Result;
use crate::domain::grant::{AnyRole, Grant, Powers};
use crate::domain::operator::{Permission, Role};
use crate::service::operators::{self, MadeRole};
use crate::service::{Services, groups, sources};

/// What stands between departments that are typed.
const BETWEEN: [char; 7] = [',', '，', '、', ';', '；', '\n', '\t'];
pub const EVERYWHERE: &str = "everywhere";
pub const DEPARTMENTS: &str = "departments";

/// A role to choose.
#[derive(Clone, Debug)]
pub struct Choice {
    /// A built-in role's word, or a made one's id.
    pub key: String,
    pub name: String,
    /// What it is for; perhaps empty.
    pub hint: String,
    /// Whether whoever fills the form in holds as much everywhere.
    pub may_everywhere: bool,
    /// Whether they hold as much in some department at least.
    pub may_somewhere: bool,
    /// Empty: not given; [`EVERYWHERE`] or [`DEPARTMENTS`].
    pub place: String,
    pub departments: BTreeSet<String>,
    /// Departments nobody knows yet, as typed.
    pub others: String,
}

impl Choice {
    pub fn is_in(&self, department: &str) -> bool {
        self.departments.contains(department)
    }
}

/// The roles with where they are given, and the departments to choose from.
#[derive(Clone, Debug)]
pub struct GrantsForm {
    pub choices: Vec<Choice>,
    pub departments: Vec<String>,
}

/// The roles there are, and what each may do everywhere.
pub(super) fn all_roles(made: &[MadeRole]) -> Vec<(AnyRole, Powers)> {
    let built_in = Role::ALL.iter().map(|role| (AnyRole::BuiltIn(*role), Powers::from(*role)));
    let made = made.iter().map(|role| {
        let mut powers = Powers::default();
        powers.add(role.permissions.iter().copied(), &BTreeSet::new());
        (AnyRole::Made(role.id), powers)
    });
    built_in.chain(made).collect()
}

impl GrantsForm {
    /// With those grants chosen.
    pub(super) async fn new(s: &Services, signed: &Signed, grants: &[Grant]) -> Result<Self> {
        let made = operators::roles(s, &signed.caller).await?;
        let mut departments = known_departments(s, signed).await?;
        departments.extend(grants.iter().flat_map(|grant| grant.departments.iter().cloned()));
        let mine = &signed.operator.powers;
        let view = signed.view();
        let choice = |(role, powers): (AnyRole, Powers)| {
            let given = grants.iter().find(|grant| grant.role == role);
            let held = |permission: &Permission| {
                powers.reach(*permission).is_none() || mine.reach(*permission).is_some()
            };
            let (name, hint) = words(&view, role, &made);
            Choice {
                key: role.to_string(),
                name,
                hint,
                may_everywhere: mine.contain(&powers),
                may_somewhere: Permission::ALL.iter().all(held),
                place: match given {
                    None => "",
                    Some(grant) if grant.departments.is_empty() => EVERYWHERE,
                    Some(_) => DEPARTMENTS,
                }
                .to_owned(),
                departments: given.map(|grant| grant.departments.clone()).unwrap_or_default(),
                others: String::new(),
            }
        };
        Ok(Self {
            choices: all_roles(&made).into_iter().map(choice).collect(),
            departments: departments.into_iter().collect(),
        })
    }

    /// As it was filled in.
    pub(super) async fn filled(s: &Services, signed: &Signed, form: &Form) -> Result<Self> {
        let mut this = Self::new(s, signed, &[]).await?;
        for choice in &mut this.choices {
            form.text(&format!("where_{}", choice.key)).clone_into(&mut choice.place);
            choice.departments =
                form.all(&format!("departments_{}", choice.key)).map(str::to_owned).collect();
            form.text(&format!("others_{}", choice.key)).clone_into(&mut choice.others);
        }
        let unknown: BTreeSet<_> = this.choices.iter().flat_map(|c| c.departments.iter().cloned()).collect();
        this.departments =
            unknown.into_iter().chain(this.departments).collect::<BTreeSet<_>>().into_iter().collect();
        Ok(this)
    }

    /// What was chosen. A role in departments of which none is named is a fault, and never everywhere.
    pub(super) fn grants(&self, view: &View) -> std::result::Result<Vec<Grant>, FieldFaults> {
        let mut grants = Vec::new();
        let mut faults = Vec::new();
        for choice in self.choices.iter().filter(|choice| !choice.place.is_empty()) {
            let typed = choice.others.split(BETWEEN).map(str::trim).filter(|name| !name.is_empty());
            let departments: BTreeSet<_> =
                choice.departments.iter().cloned().chain(typed.map(str::to_owned)).collect();
            let at = format!("where_{}", choice.key);
            match (choice.place.as_str(), choice.key.parse()) {
                (EVERYWHERE, Ok(role)) => grants.push(Grant { role, departments: BTreeSet::new() }),
                (DEPARTMENTS, Ok(role)) if !departments.is_empty() => {
                    grants.push(Grant { role, departments });
                }
                (DEPARTMENTS, Ok(_)) => faults.push((at, view.t("grant-no-department"))),
                _ => faults.push((at, fault_text(view, "invalid", ""))),
            }
        }
        if faults.is_empty() { Ok(grants) } else { Err(faults.into_iter().collect()) }
    }
}

/// The same choice as fields of another form.
pub(super) fn fields(grants: &[Grant]) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for grant in grants {
        let key = grant.role.to_string();
        let place = if grant.departments.is_empty() { EVERYWHERE } else { DEPARTMENTS };
        fields.push((format!("where_{key}"), place.to_owned()));
        fields.extend(grant.departments.iter().map(|name| (format!("departments_{key}"), name.clone())));
    }
    fields
}

/// A role's name and what it is for.
fn words(view: &View, role: AnyRole, made: &[MadeRole]) -> (String, String) {
    match role {
        AnyRole::BuiltIn(role) => (view.role_name(role.name()), view.t(&format!("role-{role}-hint"))),
        AnyRole::Made(id) => {
            let role = made.iter().find(|role| role.id == id);
            role.map(|role| (role.name.clone(), role.description.clone())).unwrap_or_default()
        }
    }
}

/// Departments that somebody has named already: of systems, of people, of operators.
async fn known_departments(s: &Services, signed: &Signed) -> Result<BTreeSet<String>> {
    let mut known = BTreeSet::new();
    if signed.may(Permission::SourcesView) {
        known.extend(sources::list(s, &signed.caller).await?.into_iter().map(|source| source.department));
    }
    if signed.may(Permission::DirectoryView) {
        let attributes = groups::attributes(s, &signed.caller).await?;
        let of_people = attributes.all.iter().filter(|attribute| attribute.name == "department");
        known.extend(of_people.flat_map(|attribute| attribute.values.iter().map(|(name, _)| name.clone())));
    }
    for operator in operators::list(s, &signed.caller).await? {
        known.extend(operator.grants.into_iter().flat_map(|held| held.grant.departments));
    }
    known.remove("");
    Ok(known)
}
