//! What is prepared for emergencies: looked at, changed by one person and agreed to by another. Nothing here sends anything.

pub mod decide;
pub mod edit;
mod form;
pub mod show;

use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use serde_json::Value;

use crate::Result;
use crate::clock::Timestamp;
use crate::console::access::Signed;
use crate::console::page::{self, Shell, Theme};
use crate::console::view::View;
use crate::domain::emergency::{Level, Scenario};
use crate::domain::operator::Permission;
use crate::service::Services;
use crate::service::scenarios::{self, ChangeRow, ScenarioRow};

pub const SCENARIOS: &str = "/console/emergency/scenarios";

pub(super) fn href(slug: &str) -> String {
    format!("{SCENARIOS}/{slug}")
}

#[derive(Debug, Template)]
#[template(path = "console/emergency/scenarios/list.html")]
pub struct ScenariosPage {
    pub shell: Shell,
    pub waiting: Vec<Waiting>,
    pub rows: Vec<Line>,
    /// Out of use.
    pub retired: Vec<Line>,
    pub may_prepare: bool,
}

/// A scenario in the list.
#[derive(Clone, Debug)]
pub struct Line {
    pub slug: String,
    pub name: String,
    pub code: String,
    pub level: Level,
    pub tile: Option<u8>,
    pub owner: String,
    pub review_on: String,
    pub is_overdue: bool,
    /// A change of it waits.
    pub waits: bool,
}

/// A change in the list.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub slug: String,
    pub name: String,
    pub by: String,
    pub since: Timestamp,
    /// It was given back.
    pub is_returned: bool,
}

impl Line {
    fn new(view: &View, row: &ScenarioRow, waits: bool, today: jiff::civil::Date) -> Self {
        let scenario = &row.document.0;
        Self {
            slug: row.slug.clone(),
            name: view.spoken(&scenario.name),
            code: scenario.code.clone(),
            level: scenario.level,
            tile: scenario.tile,
            owner: scenario.owner.clone(),
            review_on: scenario.review_on.to_string(),
            is_overdue: scenario.review_is_due(today),
            waits,
        }
    }

    pub fn href(&self) -> String {
        href(&self.slug)
    }
}

impl Waiting {
    fn new(view: &View, change: &ChangeRow, rows: &[ScenarioRow]) -> Self {
        let there = rows.iter().find(|row| row.slug == change.slug).map(|row| &row.document.0);
        let scenario: Option<&Scenario> = change.document.as_ref().map(|document| &document.0).or(there);
        Self {
            slug: change.slug.clone(),
            name: scenario.map_or_else(|| change.slug.clone(), |scenario| view.spoken(&scenario.name)),
            by: super::line::by(view, &change.proposed_by),
            since: change.updated_at,
            is_returned: change.returned.is_some(),
        }
    }

    pub fn href(&self) -> String {
        href(&self.slug)
    }
}

pub(in crate::console) async fn show(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let rows = scenarios::list(&s, &signed.caller).await?;
    let retired = scenarios::retired(&s, &signed.caller).await?;
    let changes = scenarios::changes(&s, &signed.caller).await?;
    let shell = signed.shell(None)?;
    let view = &shell.view;
    let today = s.campus.zoned(s.clock.now()).date();
    let line =
        |row: &ScenarioRow| Line::new(view, row, changes.iter().any(|change| change.slug == row.slug), today);
    page::html(&ScenariosPage {
        waiting: changes.iter().map(|change| Waiting::new(view, change, &rows)).collect(),
        rows: rows.iter().map(line).collect(),
        retired: retired.iter().map(line).collect(),
        may_prepare: signed.may(Permission::EmergencyPrepare),
        shell,
    })
}

/// The text at a place of a document; a number as it is written.
fn text_at(document: &Value, pointer: &str) -> String {
    match document.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}
