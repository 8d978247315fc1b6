//! `belltower rule`: the routing rules as a file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::context::Context;
use super::input;
use crate::domain::document::Document;
use crate::service::Caller;
use crate::service::routing::{self, Applied, Changes};

const AFTER_HELP: &str = "\
The file is TOML or JSON and holds the whole ordered list; what is not in it is removed:
  [[rules]]
  name = \"Course changes\"
  when = { topics = [\"academic.course-change.#\"] }
  then = { channels = { fallback = [{ channel = \"wechat\", wait_minutes = 10 }, { channel = \"sms\" }] } }
docs/ROUTING.md explains every field. A file that `rule export` made names its version and is refused where somebody
changed the rules meanwhile.";

#[derive(Subcommand)]
pub(super) enum Act {
    /// Put a list of rules in force; a running server takes it up within a second
    #[command(after_help = AFTER_HELP)]
    Apply {
        /// TOML or JSON; - is standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Print the rules in force as TOML, or with --json as JSON
    Export,
}

pub(super) fn run(context: &Context, act: Act) -> anyhow::Result<()> {
    match act {
        Act::Apply { file } => apply(context, &file),
        Act::Export => export(context),
    }
}

fn apply(context: &Context, file: &Path) -> anyhow::Result<()> {
    let document = Document::read(&input::read(file, "the rules")?)?;
    let caller = Caller::Command("rule apply");
    let applied = context
        .with_services(async |s| Ok(document.placed(routing::apply(s, &caller, &document.value).await)?))?;
    context.output.print(&applied, text)
}

fn export(context: &Context) -> anyhow::Result<()> {
    let caller = Caller::Command("rule export");
    let version = context.with_services(async |s| Ok(routing::export(s, &caller).await?))?;
    let toml = toml::to_string_pretty(&version)?;
    context.output.print(&version, |_| toml)
}

fn text(applied: &Applied) -> String {
    let Applied { version, changes } = applied;
    if changes.is_empty() {
        return format!("version {version} is in force already; nothing changed");
    }
    let Changes { added, changed, moved, removed } = changes;
    let mut text = format!("version {version} is in force\n");
    for (what, names) in [("added", added), ("changed", changed), ("moved", moved), ("removed", removed)] {
        for name in names {
            let _ = writeln!(text, "{what:<8} {name}");
        }
    }
    text
}
