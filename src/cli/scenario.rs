//! `belltower scenario`: what is prepared for emergencies.

use clap::Subcommand;
use serde::Serialize;

use super::context::Context;
use super::output::{List, table};
use crate::domain::emergency::{Language, Level, Spoken};
use crate::service::scenarios::{self, ScenarioRow};
use crate::service::{Caller, Services};

#[derive(Subcommand)]
pub(super) enum Act {
    /// List what can be started, with what there is to choose
    List,
}

pub(super) fn run(context: &Context, act: &Act) -> anyhow::Result<()> {
    match act {
        Act::List => list(context),
    }
}

/// In the API's shape.
#[derive(Serialize)]
struct Line {
    slug: String,
    code: String,
    name: String,
    names: Spoken,
    level: Level,
    placeholders: Vec<Asked>,
    review_due: bool,
    review_on: jiff::civil::Date,
}

#[derive(Serialize)]
struct Asked {
    name: String,
    choices: Vec<String>,
    names: Vec<Spoken>,
}

impl Line {
    fn of(row: ScenarioRow, s: &Services) -> Self {
        let campus = Language::of_tag(s.campus.language.as_str());
        let scenario = row.document.0;
        let placeholders = scenario.placeholders.iter().map(|asked| Asked {
            name: asked.name.clone(),
            choices: asked.choices.iter().map(|choice| choice.of(campus).to_owned()).collect(),
            names: asked.choices.clone(),
        });
        Self {
            slug: row.slug,
            name: scenario.name.of(campus).to_owned(),
            placeholders: placeholders.collect(),
            review_due: scenario.review_is_due(s.campus.zoned(s.clock.now()).date()),
            review_on: scenario.review_on,
            code: scenario.code,
            level: scenario.level,
            names: scenario.name,
        }
    }

    fn row(&self) -> Vec<String> {
        let asked = self.placeholders.iter().map(|one| format!("{}={}", one.name, one.choices.join("|")));
        vec![
            self.slug.clone(),
            self.code.clone(),
            self.level.to_string(),
            self.name.clone(),
            if self.review_due { "overdue" } else { "" }.to_owned(),
            asked.collect::<Vec<_>>().join("  "),
        ]
    }
}

fn list(context: &Context) -> anyhow::Result<()> {
    let caller = Caller::Command("scenario list");
    let act = async |s: &Services| {
        let rows = scenarios::list(s, &caller).await?;
        Ok(rows.into_iter().map(|row| Line::of(row, s)).collect())
    };
    let data = context.with_services(act)?;
    context.output.print(&List { data }, |List { data }| {
        let rows: Vec<_> = data.iter().map(Line::row).collect();
        table(&["scenario", "code", "level", "name", "review", "choose"], &rows)
    })
}
