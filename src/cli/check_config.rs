//! `belltower check-config`: every mistake with its place and the fix, else what is in force and where it comes from.

use serde::Serialize;

use super::context::Context;
use super::output::table;
use crate::config::check::{self, Finding, Severity};
use crate::config::{Config, Entry, Origin, Problem, Problems};
use crate::service::vault::Vault;

const KEY_FILE: &str = "secrets.key_file";

#[derive(Serialize)]
struct Report {
    ok: bool,
    problems: Vec<ProblemLine>,
    settings: Vec<SettingLine>,
}

#[derive(Serialize)]
struct ProblemLine {
    /// `error` or `warning`.
    severity: &'static str,
    setting: String,
    #[serde(flatten)]
    place: Place,
    problem: String,
    fix: String,
    #[serde(skip)]
    origin: Origin,
}

#[derive(Serialize)]
struct SettingLine {
    setting: &'static str,
    value: String,
    #[serde(flatten)]
    place: Place,
    #[serde(skip)]
    origin: Origin,
}

/// Where something stands; all of it absent for a default.
#[derive(Serialize)]
struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    option: Option<&'static str>,
}

pub(super) fn run(context: &Context) -> anyhow::Result<()> {
    let report = match context.load() {
        Err(Problems(problems)) => Report {
            ok: false,
            problems: problems.into_iter().map(ProblemLine::from).collect(),
            settings: Vec::new(),
        },
        Ok(config) => {
            let mut problems: Vec<_> = check::check(&config).into_iter().map(ProblemLine::from).collect();
            if problems.iter().all(|problem| problem.setting != KEY_FILE) {
                problems.extend(key_problem(&config));
            }
            Report {
                ok: problems.iter().all(|problem| problem.severity != "error"),
                problems,
                settings: config.report.into_iter().map(SettingLine::from).collect(),
            }
        }
    };
    context.output.print(&report, text)?;
    let errors = report.problems.iter().filter(|problem| problem.severity == "error").count();
    anyhow::ensure!(errors == 0, "{errors} mistake(s) in the settings");
    Ok(())
}

/// A key file that is there and private may still hold no key.
fn key_problem(config: &Config) -> Option<ProblemLine> {
    let file = &config.secrets.key_file;
    if !file.exists() {
        return None;
    }
    let error = Vault::open(file).err()?;
    let origin =
        config.report.iter().find(|entry| entry.setting == KEY_FILE).map(|entry| entry.origin.clone());
    let origin = origin.unwrap_or_default();
    Some(ProblemLine {
        severity: "error",
        setting: KEY_FILE.to_owned(),
        place: Place::from(&origin),
        problem: error.to_string(),
        fix: "put the original key file back".to_owned(),
        origin,
    })
}

fn text(report: &Report) -> String {
    let mut lines: Vec<String> = report.problems.iter().map(ProblemLine::text).collect();
    if !report.settings.is_empty() {
        let rows: Vec<_> = report
            .settings
            .iter()
            .map(|line| vec![line.setting.to_owned(), line.value.clone(), line.origin.to_string()])
            .collect();
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(table(&["setting", "value", "from"], &rows));
    }
    lines.join("\n")
}

impl ProblemLine {
    fn text(&self) -> String {
        let Self { severity, setting, problem, fix, origin, .. } = self;
        let setting = if setting.is_empty() { String::new() } else { format!("{setting}: ") };
        format!("{severity}: {origin}: {setting}{problem}; {fix}")
    }
}

impl From<&Origin> for Place {
    fn from(origin: &Origin) -> Self {
        let mut place = Self { file: None, line: None, variable: None, option: None };
        match origin {
            Origin::Default => {}
            Origin::File { file, line } => {
                place.file = Some(file.clone());
                place.line = *line;
            }
            Origin::Environment(name) => place.variable = Some(name.clone()),
            Origin::Option(name) => place.option = Some(name),
        }
        place
    }
}

impl From<Problem> for ProblemLine {
    fn from(Problem { setting, origin, what, fix }: Problem) -> Self {
        Self { severity: "error", setting, place: Place::from(&origin), problem: what, fix, origin }
    }
}

impl From<Finding> for ProblemLine {
    fn from(Finding { severity, setting, origin, what, fix }: Finding) -> Self {
        let severity = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let setting = setting.to_owned();
        Self { severity, setting, place: Place::from(&origin), problem: what, fix, origin }
    }
}

impl From<Entry> for SettingLine {
    fn from(Entry { setting, value, origin }: Entry) -> Self {
        Self { setting, value, place: Place::from(&origin), origin }
    }
}
