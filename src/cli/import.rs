//! `belltower import`: the directory from a file.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::context::Context;
use super::output::table;
use crate::service::recipients::{Import, ImportOptions, ImportReport};
use crate::service::{Caller, Services};

const AFTER_HELP: &str = r#"Each line is one person, the same JSON that PUT /api/v1/recipients/{campus_id} takes with `campus_id` beside it:
  {"campus_id": "2026010101", "name": "王敏", "email": "…", "mobile": "…", "department": "农学院",
   "attributes": {"role": "student", "grade": 2026}}
Good lines are kept even where others are not; importing a file again changes nothing."#;

/// Bytes read at a time.
const PIECE: usize = 256 * 1024;

#[derive(Subcommand)]
pub(super) enum What {
    /// People, one JSON object a line (NDJSON); - is standard input
    #[command(after_help = AFTER_HELP)]
    Recipients(Recipients),
}

#[derive(Args)]
pub(super) struct Recipients {
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Report what would happen and keep nothing
    #[arg(long)]
    dry_run: bool,
    /// Deactivate whoever is not in the file
    #[arg(long)]
    deactivate_missing: bool,
}

pub(super) fn run(context: &Context, what: What) -> anyhow::Result<()> {
    match what {
        What::Recipients(recipients) => recipients.run(context),
    }
}

impl Recipients {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let options = ImportOptions { dry_run: self.dry_run, deactivate_missing: self.deactivate_missing };
        let file: Box<dyn Read> = if self.file == Path::new("-") {
            Box::new(std::io::stdin())
        } else {
            Box::new(File::open(&self.file).with_context(|| format!("opening {}", self.file.display()))?)
        };
        let report = context.with_services(async |s| feed(s, file, options).await)?;
        context.output.print(&report, text)?;
        let taken = report.created + report.updated + report.unchanged;
        anyhow::ensure!(taken > 0 || report.rejected_lines == 0, "no line could be taken");
        Ok(())
    }
}

async fn feed(s: &Services, mut file: Box<dyn Read>, options: ImportOptions) -> anyhow::Result<ImportReport> {
    let mut import = Import::start(s, &Caller::Command("import recipients"), options)?;
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(import.finish().await?),
            Ok(read) => import.feed(&piece[..read]).await?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                let report = import.interrupt().await?;
                let kept = report.created + report.updated + report.unchanged;
                return Err(error).context(format!("reading broke off; the {kept} people before are kept"));
            }
        }
    }
}

fn text(report: &ImportReport) -> String {
    let mut text = format!(
        "{}created {}, updated {}, unchanged {}, deactivated {}, rejected {}",
        if report.dry_run { "dry run, nothing kept: " } else { "" },
        report.created,
        report.updated,
        report.unchanged,
        report.deactivated,
        report.rejected_lines
    );
    if !report.rejected.is_empty() {
        let rows: Vec<_> = report
            .rejected
            .iter()
            .map(|fault| {
                vec![
                    fault.line.to_string(),
                    fault.column.clone().unwrap_or_default(),
                    fault.value.clone().unwrap_or_default(),
                    fault.detail.clone(),
                ]
            })
            .collect();
        text.push_str("\n\n");
        text.push_str(&table(&["line", "column", "value", "what to change"], &rows));
    }
    text
}
