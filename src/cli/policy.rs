//! `belltower policy`: quiet hours, caps and the rest of what spares people, as a file.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::context::Context;
use super::input;
use crate::domain::document::Document;
use crate::service::Caller;
use crate::service::policies::{self, Applied};

const AFTER_HELP: &str = "\
The file is TOML or JSON and holds the whole policy; what is not in it is no longer asked for:
  [[calendar]]
  name = \"国庆节\"
  kind = \"holiday\"                # or workday, exams, vacation
  first = \"2026-10-01\"
  last = \"2026-10-07\"
  [[quiet_hours]]                 # of several the first about a day counts
  days = [\"weekend\", \"holiday\"]
  times = [\"22:00-09:00\"]
  [frequency_cap]                 # a person and campus day
  sms = 3
docs/POLICIES.md explains every field. A file that `policy export` made names its version and is refused where somebody
changed the policy meanwhile.";

#[derive(Subcommand)]
pub(super) enum Act {
    /// Put a policy in force; a running server takes it up within a second
    #[command(after_help = AFTER_HELP)]
    Apply {
        /// TOML or JSON; - is standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Print the policy in force as TOML, or with --json as JSON
    Export,
}

pub(super) fn run(context: &Context, act: Act) -> anyhow::Result<()> {
    match act {
        Act::Apply { file } => apply(context, &file),
        Act::Export => export(context),
    }
}

fn apply(context: &Context, file: &Path) -> anyhow::Result<()> {
    let document = Document::read(&input::read(file, "the policy")?)?;
    let caller = Caller::Command("policy apply");
    let applied = context
        .with_services(async |s| Ok(document.placed(policies::apply(s, &caller, &document.value).await)?))?;
    context.output.print(&applied, |Applied { version, changed, changes }| {
        let what = if *changed { "" } else { " already; nothing changed" };
        let mut text = format!("version {version} is in force{what}");
        for change in changes {
            let lines = change.removed.iter().map(|line| ('-', line));
            text.push_str(&format!("\n{}", change.part));
            for (sign, line) in lines.chain(change.added.iter().map(|line| ('+', line))) {
                text.push_str(&format!("\n  {sign} {line}"));
            }
        }
        text
    })
}

fn export(context: &Context) -> anyhow::Result<()> {
    let caller = Caller::Command("policy export");
    let version = context.with_services(async |s| Ok(policies::export(s, &caller).await?))?;
    let toml = toml::to_string_pretty(&version)?;
    context.output.print(&version, |_| toml)
}
