//! Routing rules: the ordered list with its acts, the form of one, the list as a file, what changing any of it would have
//! changed, earlier versions, and the simulator.

pub mod change;
pub mod edit;
pub mod file;
pub mod form;
pub mod found;
pub mod hindsight;
pub mod order;
pub mod simulator;
pub mod strangers;
pub mod versions;
pub mod words;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

use self::hindsight::HindsightFragment;
use self::words::{Names, Said};
use super::access::Signed;
use super::form::Form;
use super::label::Tone;
use super::page::{self, Flash, Section, Shell, Theme, see_other};
use super::view::View;
use crate::domain::id::RuleId;
use crate::domain::operator::Permission;
use crate::domain::routing::Rule;
use crate::http::params;
use crate::service::Services;
use crate::service::routing::edit::Direction;
use crate::service::routing::{self, Applied};
use crate::{Error, Result};

pub(super) const HOME: &str = "/console/rules";
/// What a change that came too late is refused with.
const MEANWHILE: &str = "changed_meanwhile";

#[derive(Debug, Template)]
#[template(path = "console/rules/list.html")]
pub struct RulesPage {
    pub shell: Shell,
    pub may_edit: bool,
    /// In force; every act says that it was made from this one.
    pub version: i64,
    pub list: RuleListFragment,
    /// Of an order that is not kept yet.
    pub hindsight: HindsightFragment,
}

/// The rules in their order.
#[derive(Debug, Template)]
#[template(path = "console/rules/rows.html")]
pub struct RuleListFragment {
    pub view: View,
    /// Where they can be changed: the version in force, of which they are.
    pub editable: Option<i64>,
    pub rows: Vec<RuleRow>,
}

#[derive(Clone, Debug)]
pub struct RuleRow {
    pub id: RuleId,
    pub name: String,
    pub enabled: bool,
    pub said: Said,
}

impl RuleListFragment {
    pub(super) fn new(view: View, names: &Names, rules: &[Rule], editable: Option<i64>) -> Self {
        let row = |rule: &Rule| RuleRow {
            id: rule.id,
            name: rule.name.clone(),
            enabled: rule.enabled,
            said: Said::of(&view, names, rule),
        };
        Self { rows: rules.iter().map(row).collect(), view, editable }
    }
}

pub(super) async fn list(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let in_force = routing::export(&s, &signed.caller).await?;
    let names = Names::load(&s, &signed).await?;
    let may_edit = signed.may(Permission::RoutingEdit);
    let shell = signed.shell(Section::Rules)?;
    let editable = may_edit.then_some(in_force.version);
    page::html(&RulesPage {
        list: RuleListFragment::new(shell.view.clone(), &names, &in_force.rules, editable),
        hindsight: HindsightFragment::waiting(shell.view.clone(), order::ASK),
        shell,
        may_edit,
        version: in_force.version,
    })
}

fn id(path: &str) -> Result<RuleId> {
    params::id(path, "rule")
}

fn version(form: &Form) -> i64 {
    form.text("version").parse().unwrap_or(0)
}

/// Up or down by one.
pub(super) async fn shift(
    s: Data<Services>,
    signed: Signed,
    path: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let id = id(&path)?;
    let direction = if form.text("to") == "up" { Direction::Up } else { Direction::Down };
    let done = routing::edit::shift(&s, &signed.caller, version(&form), id, direction).await;
    back(&signed, done, None, &format!("{HOME}#{id}"))
}

pub(super) async fn set_enabled(
    s: Data<Services>,
    signed: Signed,
    path: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let id = id(&path)?;
    let enabled = form.text("enabled") == "true";
    let done = routing::edit::set_enabled(&s, &signed.caller, version(&form), id, enabled).await;
    let said = if enabled { "rule-was-enabled" } else { "rule-was-disabled" };
    back(&signed, done, Some(said), &format!("{HOME}#{id}"))
}

pub(super) async fn delete(
    s: Data<Services>,
    signed: Signed,
    path: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let done = routing::edit::remove(&s, &signed.caller, version(&form), id(&path)?).await;
    back(&signed, done, Some("rule-was-deleted"), HOME)
}

/// To the list, with what the act did. Where somebody else was faster the rules stay as they are and are looked at again.
fn back(signed: &Signed, done: Result<Applied>, said: Option<&str>, to: &str) -> Result<HttpResponse> {
    match done {
        Ok(_) => {
            if let Some(said) = said {
                signed.say(&Flash::good(signed.view().t(said)))?;
            }
            Ok(see_other(to))
        }
        Err(Error::Conflict { code: MEANWHILE, .. }) => {
            signed.say(&Flash::amber(signed.view().t("rules-changed-meanwhile")))?;
            Ok(see_other(HOME))
        }
        Err(other) => Err(other),
    }
}
