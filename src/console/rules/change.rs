//! Switching a rule off or on, and deleting it: what that would have changed is looked at first.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use serde::Deserialize;

use super::hindsight::{Ask, HindsightFragment};
use super::words::{Names, Said};
use super::{HOME, id};
use crate::console::access::Signed;
use crate::console::page::{self, Section, Shell, Theme};
use crate::domain::id::RuleId;
use crate::domain::operator::Permission;
use crate::http::params;
use crate::service::Services;
use crate::service::routing::{self, edit::Edit};
use crate::{Error, Result};

#[derive(Debug, Template)]
#[template(path = "console/rules/change.html")]
pub struct ChangePage {
    pub shell: Shell,
    /// In force.
    pub version: i64,
    pub id: RuleId,
    pub name: String,
    pub said: Said,
    pub change: Change,
    pub hindsight: HindsightFragment,
}

/// What is to become of the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Disable,
    Enable,
    Delete,
}

impl Change {
    const fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Delete => "delete",
        }
    }

    /// The keys of the question, of what follows, and of the button.
    const fn words(self) -> [&'static str; 3] {
        match self {
            Self::Disable => ["rule-disable-title", "rule-disable-lead", "rule-disable-act"],
            Self::Enable => ["rule-enable-title", "rule-enable-lead", "rule-enable-act"],
            Self::Delete => ["rule-delete-title", "rule-delete-lead", "rule-delete-act"],
        }
    }

    const fn edit(self, id: RuleId) -> Edit<'static> {
        match self {
            Self::Disable => Edit::Enable(id, false),
            Self::Enable => Edit::Enable(id, true),
            Self::Delete => Edit::Remove(id),
        }
    }
}

impl ChangePage {
    fn words(&self) -> [&'static str; 3] {
        self.change.words()
    }

    /// Where the form that does it goes.
    fn action(&self) -> String {
        let act = if self.change == Change::Delete { "delete" } else { "enabled" };
        format!("{HOME}/{}/{act}", self.id)
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::console) struct Wanted {
    to: Change,
    /// The list it was read from.
    #[serde(default)]
    version: Option<i64>,
    /// What would have changed is wanted with the page.
    #[serde(default)]
    look: bool,
}

fn path(id: RuleId, rest: &str, to: Change, more: &[(&str, &str)]) -> String {
    page::address(&format!("{HOME}/{id}/{rest}"), &[&[("to", to.name())], more].concat())
}

/// The question, with what would have changed.
pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    of: Path<String>,
    wanted: Query<Wanted>,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::RoutingEdit)?;
    let id = id(&of)?;
    let in_force = routing::export(&s, &signed.caller).await?;
    let rule = in_force.rules.iter().find(|rule| rule.id == id).ok_or(Error::NotFound("rule"))?;
    let (version, to) = (in_force.version, wanted.to);
    let names = Names::load(&s, &signed).await?;
    let shell = signed.shell(Section::Rules)?;
    let ask = Ask::Load {
        fragment: path(id, "hindsight", to, &[("version", &version.to_string())]),
        page: path(id, "change", to, &[("look", "true")]),
    };
    let hindsight = if wanted.look {
        let found = routing::edit::foresee(&s, &signed.caller, version, to.edit(id)).await;
        HindsightFragment::told(&s, &signed, ask, found).await?
    } else {
        HindsightFragment::waiting(shell.view.clone(), ask)
    };
    page::html(&ChangePage {
        version,
        id,
        name: rule.name.clone(),
        said: Said::of(&shell.view, &names, rule),
        change: to,
        hindsight,
        shell,
    })
}

/// What would have changed, alone.
pub(in crate::console) async fn look(
    s: Data<Services>,
    signed: Signed,
    of: Path<String>,
    wanted: Query<Wanted>,
) -> Result<HttpResponse> {
    let id: RuleId = params::id(&of, "rule")?;
    let (version, to) = (wanted.version.unwrap_or(0), wanted.to);
    let found = routing::edit::foresee(&s, &signed.caller, version, to.edit(id)).await;
    let ask = Ask::Load { fragment: String::new(), page: path(id, "change", to, &[("look", "true")]) };
    HindsightFragment::answer(&s, &signed, ask, found).await
}
