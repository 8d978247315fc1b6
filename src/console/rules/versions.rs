//! Versions of the rules: who changed what and when, and how to have an earlier one back.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use serde::Deserialize;

use super::hindsight::{Ask, HindsightFragment};
use super::words::{Names, quoted};
use super::{HOME, MEANWHILE, RuleListFragment, version};
use crate::clock::Timestamp;
use crate::console::access::Signed;
use crate::console::form::Form;
use crate::console::label::Tone;
use crate::console::messages::read;
use crate::console::page::{self, Flash, Section, Shell, Theme, see_other};
use crate::console::timeline::actor;
use crate::console::view::View;
use crate::domain::operator::Permission;
use crate::service::Services;
use crate::service::routing::{self, Changes, VersionSummary};
use crate::{Error, Result};

const ON_A_PAGE: u32 = 20;

#[derive(Debug, Template)]
#[template(path = "console/rules/versions.html")]
pub struct VersionsPage {
    pub shell: Shell,
    /// In force.
    pub latest: i64,
    pub rows: Vec<VersionRow>,
    pub newest: Option<String>,
    pub older: Option<String>,
}

#[derive(Debug)]
pub struct VersionRow {
    pub number: i64,
    pub at: Timestamp,
    pub by: String,
    /// Why, in its author's words; perhaps empty.
    pub note: String,
    pub rules: u64,
    pub changes: ChangesFragment,
}

/// Rules by what became of them.
#[derive(Debug, Template)]
#[template(path = "console/rules/changes.html")]
pub struct ChangesFragment {
    pub view: View,
    pub changes: Changes,
}

impl ChangesFragment {
    /// What happened, and the names of those it happened to.
    fn lines(&self) -> Vec<(String, String)> {
        let Changes { added, changed, moved, removed } = &self.changes;
        let named = [
            ("rules-added", added),
            ("rules-changed", changed),
            ("rules-moved", moved),
            ("rules-removed", removed),
        ];
        let line = |(key, names): (&str, &Vec<String>)| {
            (self.view.t(key), quoted(&self.view, names).join(&self.view.t("list-and")))
        };
        named.into_iter().filter(|(_, names)| !names.is_empty()).map(line).collect()
    }
}

#[derive(Debug, Template)]
#[template(path = "console/rules/version.html")]
pub struct VersionPage {
    pub shell: Shell,
    pub number: i64,
    /// In force.
    pub latest: i64,
    pub may_edit: bool,
    /// What having it back would change.
    pub changes: ChangesFragment,
    /// What having it back would have changed, for who may have it back.
    pub hindsight: Option<HindsightFragment>,
    pub list: RuleListFragment,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct Looked {
    /// What would have changed is wanted with the page.
    look: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct Older {
    /// Only versions before this one.
    before: String,
}

pub(in crate::console) async fn list(
    s: Data<Services>,
    signed: Signed,
    query: Query<Older>,
) -> Result<HttpResponse> {
    let before = read::<i64>(&query.before).flatten();
    let found = routing::versions(&s, &signed.caller, before, ON_A_PAGE).await?;
    let latest = routing::export(&s, &signed.caller).await?.version;
    let shell = signed.shell(Section::Rules)?;
    let last = found.last().map(|version| version.version).filter(|version| *version > 1);
    let older = last.filter(|_| found.len() >= ON_A_PAGE as usize);
    page::html(&VersionsPage {
        rows: found.into_iter().map(|version| row(&shell.view, version)).collect(),
        shell,
        latest,
        newest: before.map(|_| format!("{HOME}/versions")),
        older: older.map(|number| format!("{HOME}/versions?before={number}")),
    })
}

fn row(view: &View, version: VersionSummary) -> VersionRow {
    VersionRow {
        number: version.version,
        at: version.created_at,
        by: actor(view, &version.created_by),
        note: note(view, version.note),
        rules: version.rules as u64,
        changes: ChangesFragment { view: view.clone(), changes: version.changes },
    }
}

/// What a restored version says of itself, in the reader's words.
fn note(view: &View, note: String) -> String {
    let restored = note.strip_prefix("version ").and_then(|rest| rest.strip_suffix(" restored"));
    match restored.filter(|number| number.parse::<i64>().is_ok()) {
        Some(number) => view.t1("version-was-restored", "number", number),
        None => note,
    }
}

pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    number: Path<String>,
    looked: Query<Looked>,
) -> Result<HttpResponse> {
    let number: i64 = number.parse().map_err(|_| Error::NotFound("version"))?;
    let kept = routing::get(&s, &signed.caller, number).await?;
    let latest = routing::export(&s, &signed.caller).await?.version;
    let changes = routing::compare(&s, &signed.caller, latest, number).await?;
    let names = Names::load(&s, &signed).await?;
    let shell = signed.shell(Section::Rules)?;
    let may_edit = signed.may(Permission::RoutingEdit);
    let hindsight = match (may_edit && !changes.is_empty(), looked.look) {
        (false, _) => None,
        (true, false) => Some(HindsightFragment::waiting(shell.view.clone(), ask(number))),
        (true, true) => {
            let found = routing::hindsight::of_version(&s, &signed.caller, number).await;
            Some(HindsightFragment::told(&s, &signed, ask(number), found).await?)
        }
    };
    page::html(&VersionPage {
        number,
        latest,
        may_edit,
        hindsight,
        changes: ChangesFragment { view: shell.view.clone(), changes },
        list: RuleListFragment::new(shell.view.clone(), &names, &kept.rules, None),
        shell,
    })
}

fn ask(number: i64) -> Ask {
    let page = format!("{HOME}/versions/{number}");
    Ask::Load { fragment: format!("{page}/hindsight"), page: format!("{page}?look=true") }
}

/// What having it back would have changed, alone.
pub(in crate::console) async fn look(
    s: Data<Services>,
    signed: Signed,
    number: Path<String>,
) -> Result<HttpResponse> {
    let number: i64 = number.parse().map_err(|_| Error::NotFound("version"))?;
    let found = routing::hindsight::of_version(&s, &signed.caller, number).await;
    HindsightFragment::answer(&s, &signed, ask(number), found).await
}

pub(in crate::console) async fn restore(
    s: Data<Services>,
    signed: Signed,
    number: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let number: i64 = number.parse().map_err(|_| Error::NotFound("version"))?;
    match routing::restore(&s, &signed.caller, number, Some(version(&form))).await {
        Ok(_) => {
            signed.say(&Flash::good(signed.view().t1("version-restored", "number", number)))?;
            Ok(see_other(HOME))
        }
        Err(Error::Conflict { code: MEANWHILE, .. }) => {
            signed.say(&Flash::amber(signed.view().t("rules-changed-meanwhile")))?;
            Ok(see_other(&format!("{HOME}/versions/{number}")))
        }
        Err(other) => Err(other),
    }
}
