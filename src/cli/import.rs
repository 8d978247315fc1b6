//! `belltower import`: the directory from a file.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bytes::Bytes;
use clap::{Args, Subcommand};
use futures_util::stream::{self, Stream};

use super::context::Context;
use super::output::table;
use crate::service::recipients::{Format, Import, ImportOptions, ImportReport, import_workbook, is_workbook};
use crate::service::{Caller, Services};

const AFTER_HELP: &str = r#"CSV (.csv, .tsv, .txt): the first row names the columns, in Chinese or English:
  学号,姓名,邮箱,手机,部门,身份,年级
  2026010101,王敏,wangmin@stu.example.edu.cn,13812345678,农学院,student,2026
The campus id (学号, 工号, campus_id) is needed; columns of other names become attributes. UTF-8, GBK and UTF-16 are told by
the bytes; cells are separated by commas, semicolons or tabs. A row changes what the file has columns for and leaves the
rest; an empty cell clears.

NDJSON (.ndjson, .jsonl): each line is one person, the same JSON that PUT /api/v1/recipients/{campus_id} takes with
`campus_id` beside it, and replaces all that is known of them:
  {"campus_id": "2026010101", "name": "王敏", "email": "…", "mobile": "…", "department": "农学院",
   "attributes": {"role": "student", "grade": 2026}}

Workbooks (.xlsx): a sheet is read as a table, the first one unless --sheet names another.

Other endings, and standard input, are told by how the file begins. Good records are kept even where others are not;
importing a file again changes nothing."#;

/// Who imports, in the audit log.
const COMMAND: &str = "import recipients";
/// Bytes read at a time.
const PIECE: usize = 256 * 1024;

#[derive(Subcommand)]
pub(super) enum What {
    /// People, from CSV, a workbook (.xlsx) or one JSON object a line (NDJSON); - is standard input
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
    /// Deactivate whoever is not in the file, unless a record cannot be read for whom it names
    #[arg(long)]
    deactivate_missing: bool,
    /// Of a workbook (.xlsx), the sheet to read; the first one without
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
}

pub(super) fn run(context: &Context, what: What) -> anyhow::Result<()> {
    match what {
        What::Recipients(recipients) => recipients.run(context),
    }
}

impl Recipients {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let options = ImportOptions {
            dry_run: self.dry_run,
            deactivate_missing: self.deactivate_missing,
            ..ImportOptions::default()
        };
        let (format, file): (_, Box<dyn Read>) = if self.file == Path::new("-") {
            (None, Box::new(std::io::stdin()))
        } else {
            let file = File::open(&self.file).with_context(|| format!("opening {}", self.file.display()))?;
            (Format::of_name(&self.file.to_string_lossy()), Box::new(file))
        };
        let is_workbook = is_workbook(&self.file.to_string_lossy());
        let report = context.with_services(async |s| {
            if is_workbook {
                let caller = Caller::Command(COMMAND);
                Ok(import_workbook(s, &caller, self.sheet.as_deref(), options, pieces(file)).await?)
            } else {
                feed(s, file, format, options).await
            }
        })?;
        context.output.print(&report, text)?;
        anyhow::ensure!(report.taken() > 0 || report.rejected_lines == 0, "no line could be taken");
        anyhow::ensure!(report.not_deactivated.is_none(), "nobody was deactivated");
        Ok(())
    }
}

/// The file as it is read.
fn pieces(mut file: Box<dyn Read>) -> impl Stream<Item = crate::Result<Bytes>> + Unpin {
    stream::iter(std::iter::from_fn(move || {
        let mut piece = vec![0; PIECE];
        match read(&mut file, &mut piece) {
            Ok(0) => None,
            Ok(length) => Some(Ok(Bytes::copy_from_slice(&piece[..length]))),
            Err(error) => Some(Err(crate::Error::internal(error))),
        }
    }))
}

async fn feed(
    s: &Services,
    mut file: Box<dyn Read>,
    format: Option<Format>,
    options: ImportOptions,
) -> anyhow::Result<ImportReport> {
    let mut piece = vec![0; PIECE];
    let mut length = read(&mut file, &mut piece).context("reading the file")?;
    let format = format.unwrap_or_else(|| Format::of_beginning(&piece[..length]));
    let mut import = Import::start(s, &Caller::Command(COMMAND), format, options)?;
    while length > 0 {
        import.feed(&piece[..length]).await?;
        length = match read(&mut file, &mut piece) {
            Ok(length) => length,
            Err(error) => {
                let kept = import.interrupt().await?.taken();
                return Err(error).context(format!("reading broke off; the {kept} people before are kept"));
            }
        };
    }
    Ok(import.finish().await?)
}

fn read(file: &mut dyn Read, piece: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match file.read(piece) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            done => return done,
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
    if let Some(why) = &report.not_deactivated {
        text.push_str(&format!("\n{why}"));
    }
    if let Some(read_as) = &report.read_as {
        let separator =
            if read_as.separator == '\t' { "tab".to_owned() } else { format!("`{}`", read_as.separator) };
        let columns: Vec<_> =
            read_as.columns.iter().map(|column| format!("{} → {}", column.header, column.field)).collect();
        text.push_str(&format!(
            "\nread as {}, separated by {separator}: {}",
            read_as.charset,
            columns.join(", ")
        ));
    }
    for doubt in &report.doubts {
        text.push_str(&format!("\n{}: {} cells: {}", doubt.column, doubt.cells, doubt.detail));
    }
    if !report.rejected.is_empty() {
        let rows: Vec<_> = report
            .rejected
            .iter()
            .map(|fault| {
                vec![
                    fault.line.to_string(),
                    fault.column.clone().unwrap_or_default(),
                    fault.value.as_deref().unwrap_or_default().replace(char::is_control, " "),
                    fault.detail.clone(),
                ]
            })
            .collect();
        text.push_str("\n\n");
        text.push_str(&table(&["line", "column", "value", "what to change"], &rows));
    }
    if report.rejected_unlisted > 0 {
        text.push_str(&format!("and {} more\n", report.rejected_unlisted));
    }
    text
}
