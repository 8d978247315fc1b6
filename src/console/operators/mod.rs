//! Operators: the list, and one of them with their rights, what they did, and the acts of those who look after them.

pub mod form;
pub mod invite;
pub mod requests;
pub mod rights;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

use self::requests::RequestRow;
use super::access::Signed;
use super::again::Grave;
use super::audit::Act;
use super::label::Tone;
use super::page::{self, Fact, Flash, Section, Shell, Theme, see_other};
use super::powers::{AreaPowers, by_area};
use super::shown_once;
use super::view::{Given, Markup, View};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::grant::{AnyRole, Grant};
use crate::domain::id::OperatorId;
use crate::domain::operator::Permission;
use crate::service::Services;
use crate::service::audit::{self, AuditFilter};
use crate::service::operators::{self, Held, Operator, Settled};

const HOME: &str = "/console/operators";
/// The entry of a session that holds a link from the form that made it to the page that shows it.
const FRESH_LINK: &str = "fresh_link";
/// Acts on an operator's page.
const LATEST: u32 = 20;

fn href(id: OperatorId) -> String {
    format!("{HOME}/{id}")
}

#[derive(Debug, Template)]
#[template(path = "console/operators/list.html")]
pub struct OperatorsPage {
    pub shell: Shell,
    pub may_edit: bool,
    /// Changes that wait for a second administrator.
    pub waiting: Vec<RequestRow>,
    pub rows: Vec<OperatorRow>,
}

#[derive(Clone, Debug)]
pub struct OperatorRow {
    pub id: OperatorId,
    pub name: String,
    pub email: String,
    pub grants: Vec<GrantRow>,
    pub state: OperatorState,
    pub last_seen: Option<Timestamp>,
    /// Whoever looks at the list.
    pub is_self: bool,
}

/// A role somebody holds, and where.
#[derive(Clone, Debug)]
pub struct GrantRow {
    pub key: String,
    pub name: String,
    pub place: String,
}

impl GrantRow {
    pub(super) fn all(view: &View, grants: &[Held]) -> Vec<Self> {
        let row = |held: &Held| Self {
            key: held.grant.role.to_string(),
            name: view.role_name(&held.name()),
            place: view.where_text(&held.grant.departments),
        };
        grants.iter().map(row).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorState {
    Active,
    /// A link to choose a password waits to be followed.
    Invited,
    Disabled,
}

impl OperatorState {
    const fn of(operator: &Operator) -> Self {
        match operator {
            Operator { disabled_at: Some(_), .. } => Self::Disabled,
            Operator { has_password: false, .. } => Self::Invited,
            Operator { .. } => Self::Active,
        }
    }
}

impl View {
    pub fn operator_state(&self, state: impl Given<OperatorState>) -> Markup {
        match state.given() {
            OperatorState::Active => self.mark("check", Tone::Good, self.t("operator-active")),
            OperatorState::Invited => self.mark("hourglass", Tone::Amber, self.t("operator-invited")),
            OperatorState::Disabled => self.mark("ban", Tone::Quiet, self.t("operator-disabled")),
        }
    }
}

pub(super) async fn list(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let all = operators::list(&s, &signed.caller).await?;
    let waiting = requests::rows(&s, &signed).await?;
    let shell = signed.shell(Section::Operators)?;
    let row = |operator: Operator| OperatorRow {
        state: OperatorState::of(&operator),
        grants: GrantRow::all(&shell.view, &operator.grants),
        is_self: operator.id == signed.operator.id,
        id: operator.id,
        name: operator.name,
        email: operator.email,
        last_seen: operator.last_seen_at,
    };
    let rows = all.into_iter().map(row).collect();
    page::html(&OperatorsPage { may_edit: signed.may(Permission::OperatorsEdit), waiting, rows, shell })
}

#[derive(Debug, Template)]
#[template(path = "console/operators/one.html")]
pub struct OperatorPage {
    pub shell: Shell,
    pub id: OperatorId,
    pub name: String,
    pub email: String,
    pub state: OperatorState,
    pub grants: Vec<GrantRow>,
    pub powers: Vec<AreaPowers>,
    pub facts: Vec<Fact>,
    /// What whoever looks may do with them.
    pub hold: Hold,
    /// Whatever gives rights waits for a second administrator.
    pub needs_second: bool,
    /// A link to choose a password by, right after it was made and never again.
    pub fresh_link: Option<String>,
    /// What they did to come in, and what was done to them; nothing where it may not be seen.
    pub acts: Option<Vec<Act>>,
}

/// Whether an operator may be changed by whoever looks at them, and why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// All of it.
    Full,
    /// All but what would leave the platform without an owner.
    LastOwner,
    /// It is themselves.
    Own,
    /// They may do more.
    Beyond,
    /// Only looking is allowed.
    None,
}

impl Hold {
    fn new(signed: &Signed, operator: &Operator, all: &[Operator]) -> Self {
        let owns = |other: &Operator| {
            other.disabled_at.is_none() && other.grants.iter().any(|held| held.grant.owns())
        };
        if !signed.may(Permission::OperatorsEdit) {
            Self::None
        } else if operator.id == signed.operator.id {
            Self::Own
        } else if !signed.operator.powers.contain(&operator.powers) {
            Self::Beyond
        } else if owns(operator) && !all.iter().any(|other| other.id != operator.id && owns(other)) {
            Self::LastOwner
        } else {
            Self::Full
        }
    }

    pub const fn may_change(self) -> bool {
        matches!(self, Self::Full | Self::LastOwner)
    }

    /// Key of why something is not offered.
    pub const fn note(self) -> Option<&'static str> {
        match self {
            Self::Full | Self::None => None,
            Self::LastOwner => Some("operator-last-owner"),
            Self::Own => Some("operator-own"),
            Self::Beyond => Some("operator-beyond"),
        }
    }
}

pub(super) async fn show(s: Data<Services>, signed: Signed, id: Path<OperatorId>) -> Result<HttpResponse> {
    let operator = operators::get(&s, &signed.caller, *id).await?;
    let all = operators::list(&s, &signed.caller).await?;
    let fresh_link = shown_once::take(&s, &signed, FRESH_LINK, &href(operator.id))?;
    let acts = if signed.may(Permission::AuditView) { Some(acts(&s, &signed, *id).await?) } else { None };
    let shell = signed.shell(Section::Operators)?;
    page::html(&OperatorPage {
        id: operator.id,
        state: OperatorState::of(&operator),
        grants: GrantRow::all(&shell.view, &operator.grants),
        powers: by_area(&shell.view, &operator.powers),
        facts: facts(&shell.view, &operator),
        hold: Hold::new(&signed, &operator, &all),
        needs_second: operators::needs_second(&s).await?,
        fresh_link,
        acts,
        name: operator.name,
        email: operator.email,
        shell,
    })
}

async fn acts(s: &Services, signed: &Signed, id: OperatorId) -> Result<Vec<Act>> {
    let filter = AuditFilter {
        action: Some("operator.".to_owned()),
        object: Some(id.to_string()),
        ..AuditFilter::default()
    };
    let rows = audit::list(s, &signed.caller, &filter, None, LATEST).await?;
    let view = signed.view();
    Ok(rows.into_iter().map(|row| Act::new(&view, row)).collect())
}

fn facts(view: &View, operator: &Operator) -> Vec<Fact> {
    let last = match operator.last_seen_at {
        Some(at) => Fact::markup(view.t("operator-last-seen"), view.ago(at)),
        None => Fact::text(view.t("operator-last-seen"), &view.t("never")),
    };
    let mut facts = vec![last, Fact::markup(view.t("operator-since"), view.ago(operator.created_at))];
    if let Some(at) = operator.disabled_at {
        facts.push(Fact::markup(view.t("operator-disabled-at"), view.ago(at)));
    }
    facts
}

pub(super) async fn set_enabled(
    s: Data<Services>,
    signed: Signed,
    id: Path<OperatorId>,
    Grave(form): Grave,
) -> Result<HttpResponse> {
    let enabled = form.text("enabled") == "true";
    if let Settled::Waits(request) = operators::set_enabled(&s, &signed.caller, *id, enabled).await? {
        return requests::lead_to(&signed, request);
    }
    let said = if enabled { "operator-was-enabled" } else { "operator-was-disabled" };
    signed.say(&Flash::good(signed.view().t(said)))?;
    Ok(see_other(&href(*id)))
}

/// Takes the password away, and shows a link to choose another by.
pub(super) async fn make_link(
    s: Data<Services>,
    signed: Signed,
    id: Path<OperatorId>,
    _: Grave,
) -> Result<HttpResponse> {
    match operators::reset_password(&s, &signed.caller, *id).await? {
        Settled::Done(link) => {
            shown_once::keep(&s, &signed, FRESH_LINK, &href(*id), &link)?;
            Ok(see_other(&href(*id)))
        }
        Settled::Waits(request) => requests::lead_to(&signed, request),
    }
}

/// Who holds a role, with where.
pub(super) fn holders(view: &View, all: &[Operator], role: AnyRole) -> Vec<(OperatorId, String, String)> {
    let held = |operator: &Operator| {
        let held = operator.grants.iter().find(|held| held.grant.role == role)?;
        Some((operator.id, operator.name.clone(), view.where_text(&held.grant.departments)))
    };
    all.iter().filter_map(held).collect()
}

/// What somebody holds, as it is kept.
fn kept(operator: &Operator) -> Vec<Grant> {
    operator.grants.iter().map(|held| held.grant.clone()).collect()
}
