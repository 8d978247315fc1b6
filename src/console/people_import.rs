//! The directory from a file: the form, and what became of each line.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, rt};
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tracing::Instrument as _;

use super::access::Signed;
use super::form::{FieldFaults, fault_text};
use super::label::Tone;
use super::page::{self, Section, Shell, Theme};
use super::table_file;
use super::upload::Upload;
use super::view::View;
use crate::domain::operator::Permission;
use crate::error::Fault;
use crate::service::Services;
use crate::service::recipients::{self, Format, ImportOptions, ImportReport, ReadAs, Rejected};
use crate::{Error, Result};

/// The beginning of a table.
pub const TABLE: &str =
    "学号,姓名,邮箱,手机,部门,身份\n2024010001,李伟,liwei@example.edu.cn,13812345678,农学院,student";

/// A line of a file of JSON.
pub const LINE: &str = r#"{"campus_id": "2024010001", "name": "李伟", "email": "liwei@example.edu.cn", "role": "student", "year": 2024}"#;

#[derive(Debug, Template)]
#[template(path = "console/people_import.html")]
pub struct ImportPage {
    pub shell: Shell,
    pub dry_run: bool,
    pub deactivate_missing: bool,
    pub faults: FieldFaults,
    pub report: Option<Report>,
}

/// What became of a file.
#[derive(Clone, Debug)]
pub struct Report {
    pub file_name: String,
    pub dry_run: bool,
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub deactivated: u64,
    /// Lines with a fault.
    pub rejected_lines: u64,
    /// Their faults, up to a limit.
    pub rejected: Vec<RejectedRow>,
    /// Faults beyond those.
    pub unlisted: u64,
    /// Nobody was deactivated though it was asked for, as some lines do not say whom they are about.
    pub nobody_deactivated: bool,
    /// What a table was taken for.
    pub read_as: Option<ReadAs>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRow {
    pub line: u64,
    pub column: String,
    pub value: String,
    pub reason: String,
}

impl Report {
    pub fn new(view: &View, file_name: &str, report: ImportReport) -> Self {
        let row = |fault: Rejected| RejectedRow {
            line: fault.line,
            column: fault.column.unwrap_or_default(),
            value: fault.value.unwrap_or_default(),
            reason: fault_text(view, &fault.code, &fault.detail),
        };
        Self {
            file_name: file_name.to_owned(),
            dry_run: report.dry_run,
            created: report.created,
            updated: report.updated,
            unchanged: report.unchanged,
            deactivated: report.deactivated,
            rejected_lines: report.rejected_lines,
            rejected: report.rejected.into_iter().map(row).collect(),
            unlisted: report.rejected_unlisted,
            nobody_deactivated: report.not_deactivated.is_some(),
            read_as: report.read_as,
        }
    }

    /// The faults as a file to take along. It is part of the page: the server keeps nothing of what it refused.
    fn download(&self, view: &View) -> String {
        let heads = ["import-line", "import-column", "import-value", "import-reason"].map(|key| view.t(key));
        let rows = self
            .rejected
            .iter()
            .map(|row| [row.line.to_string(), row.column.clone(), row.value.clone(), row.reason.clone()]);
        let mut csv = table_file::MARK.to_owned();
        for cells in std::iter::once(heads).chain(rows) {
            csv.push_str(&table_file::row(cells.iter().map(String::as_str)));
        }
        format!("data:text/csv;charset=utf-8;base64,{}", STANDARD.encode(csv))
    }
}

pub(super) async fn show(signed: Signed) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    page::html(&ImportPage {
        shell: signed.shell(Section::People)?,
        dry_run: true,
        deactivate_missing: false,
        faults: FieldFaults::default(),
        report: None,
    })
}

pub(super) async fn run(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    payload: Payload,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    let upload = Upload::begin(&request, payload).await?;
    let options = ImportOptions {
        dry_run: upload.form.text("dry_run") == "true",
        deactivate_missing: upload.form.text("deactivate_missing") == "true",
    };
    let file_name = upload.file_name.clone();
    let done = match format(&file_name) {
        Err(fault) => Err(Error::Invalid(vec![fault])),
        Ok(format) => {
            // Apart from the request, which is dropped where the connection breaks: what had come by then is kept.
            let caller = signed.caller.clone();
            let reading =
                async move { recipients::import(&s, &caller, format, options, upload.pieces()).await };
            rt::spawn(reading.in_current_span()).await.map_err(Error::internal)?
        }
    };
    let shell = signed.shell(Section::People)?;
    let page = ImportPage {
        dry_run: options.dry_run,
        deactivate_missing: options.deactivate_missing,
        faults: FieldFaults::default(),
        report: None,
        shell,
    };
    match done {
        Ok(report) => {
            let report = Some(Report::new(&page.shell.view, &file_name, report));
            page::html(&ImportPage { report, ..page })
        }
        Err(Error::Invalid(faults)) => {
            let at_file =
                faults.into_iter().take(1).map(|fault| Fault { pointer: "/file".to_owned(), ..fault });
            let faults = FieldFaults::new(&page.shell.view, &at_file.collect::<Vec<_>>());
            page::answer(HttpResponse::UnprocessableEntity(), &ImportPage { faults, ..page })
        }
        Err(other) => Err(other),
    }
}

/// What kind of file it is, by the ending of its name, or why it is not read at all.
fn format(name: &str) -> std::result::Result<Format, Fault> {
    match Format::of_name(name) {
        Some(format) => Ok(format),
        None if name.is_empty() => Err(Fault::new("/file", "no_file", "choose a file")),
        None => Err(Fault::new("/file", "file_kind", "send a file that ends in .csv or .ndjson")),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::clock::Timestamp;
    use crate::config::Language;

    #[test]
    fn rejected_rows_are_taken_along_and_start_no_formula() {
        let view =
            View { language: Language::English, zone: TimeZone::UTC, now: Timestamp(0), csrf: String::new() };
        let rejected = Rejected {
            line: 7,
            column: Some("email".to_owned()),
            code: "no_such_code".into(),
            value: Some("=cmd \"x\"".to_owned()),
            detail: "not one".to_owned(),
        };
        let report = ImportReport { rejected: vec![rejected], ..ImportReport::default() };
        let link = Report::new(&view, "a.ndjson", report).download(&view);
        let csv = STANDARD.decode(link.rsplit_once(',').unwrap().1).unwrap();
        let csv = String::from_utf8(csv).unwrap();
        assert_eq!(
            csv,
            "\u{feff}\"Line\",\"Column\",\"Value\",\"Reason\"\r\n\"7\",\"email\",\"'=cmd \"\"x\"\"\",\"not one\"\r\n"
        );
    }

    #[test]
    fn files_are_known_by_their_ending() {
        assert_eq!(format("people.ndjson"), Ok(Format::Ndjson));
        assert_eq!(format("人员.CSV"), Ok(Format::CSV));
        assert_eq!(&*format("").unwrap_err().code, "no_file");
        for name in ["people", "people.xlsx", "people.ndjson.exe"] {
            assert_eq!(&*format(name).unwrap_err().code, "file_kind", "{name}");
        }
    }
}
