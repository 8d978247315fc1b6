//! The directory from a file: handing it in, saying what its columns are for, mending what is wrong, and how far it is.

use std::collections::BTreeMap;

use actix_web::http::header;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::access::Signed;
use super::form::{FieldFaults, Form, fault_text};
use super::page::{self, Flash, Section, Shell, Theme, see_other};
use super::table_file;
use super::upload::Upload;
use super::view::{Given, View};
use crate::config::Language;
use crate::domain::id::ImportId;
use crate::domain::operator::Permission;
use crate::domain::recipient::{FIELDS, REASON};
use crate::error::Fault;
use crate::service::Services;
use crate::service::imports::{self, ImportView, KeptFault, KeptReport, Stage};
use crate::service::recipients::{Doubt, Format, is_workbook};
use crate::{Error, Result};

/// The beginning of a table.
pub const TABLE: &str =
    "学号,姓名,邮箱,手机,部门,身份\n2024010001,李伟,liwei@example.edu.cn,13812345678,农学院,student";

/// A line of a file of JSON.
pub const LINE: &str = r#"{"campus_id": "2024010001", "name": "李伟", "email": "liwei@example.edu.cn", "role": "student", "year": 2024}"#;

/// Faults that a page lists; the others are in the file of rejected rows.
const LISTED: usize = 300;
/// How often a pass is looked at.
pub const PACE: &str = "1s";

#[derive(Debug, Template)]
#[template(path = "console/people_import.html")]
pub struct ImportPage {
    pub shell: Shell,
    pub deactivate_missing: bool,
    pub faults: FieldFaults,
    /// The latest of whoever looks.
    pub latest: Vec<ImportView>,
}

#[derive(Debug, Template)]
#[template(path = "console/people_import_one.html")]
pub struct OneImportPage {
    pub shell: Shell,
    pub import: ImportView,
    /// What a form lacked.
    pub faults: Vec<String>,
    pub todo: Vec<Todo>,
    pub progress: ProgressFragment,
}

/// How far a pass is, or what it came to.
#[derive(Debug, Template)]
#[template(path = "console/people_import_progress.html")]
pub struct ProgressFragment {
    pub view: View,
    pub id: ImportId,
    pub stage: Stage,
    pub position: u64,
    pub size: u64,
    /// It was asked for by a page that still shows a pass in hand.
    pub reload: bool,
}

/// The same fault in a column, wherever it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Todo {
    pub column: String,
    pub reason: String,
    pub cells: Vec<KeptFault>,
    /// The cells can be mended here.
    pub in_place: bool,
}

impl Todo {
    /// What is to be done, the commonest first.
    pub fn of(view: &View, report: &KeptReport) -> Vec<Self> {
        let mut todo: BTreeMap<(String, String, bool), Vec<KeptFault>> = BTreeMap::new();
        for fault in report.rejected.iter().take(LISTED) {
            let reason = reason(view, fault);
            let column = fault.column.clone().unwrap_or_default();
            todo.entry((column, reason, fault.cell.is_some())).or_default().push(fault.clone());
        }
        let mut todo: Vec<Self> = todo
            .into_iter()
            .map(|((column, reason, in_place), cells)| Self { column, reason, cells, in_place })
            .collect();
        todo.sort_by_key(|todo| std::cmp::Reverse(todo.cells.len()));
        todo
    }

    fn len(&self) -> u64 {
        self.cells.len() as u64
    }
}

impl OneImportPage {
    fn is_asking(&self) -> bool {
        matches!(self.import.stage, Stage::Columns)
    }

    fn value_at(&self, column: impl Given<usize>) -> Vec<&str> {
        let column = column.given();
        let cells = self.import.sample.iter().filter_map(|row| row.get(column));
        cells.map(String::as_str).filter(|cell| !cell.is_empty()).take(3).collect()
    }

    /// What a column may be for: passed over, a field, an attribute of its own name.
    fn choices(&self, column: impl Given<usize>) -> Vec<(String, String)> {
        let column = column.given();
        let view = &self.shell.view;
        let header = self.import.header.get(column).map(String::as_str).unwrap_or_default();
        let field = self.import.fields.get(column).map(String::as_str).unwrap_or_default();
        let mut choices = vec![(String::new(), view.t("import-pass-over"))];
        choices.extend(
            FIELDS.iter().map(|field| ((*field).to_owned(), view.t(&format!("import-field-{field}")))),
        );
        let mut attributes = vec!["attributes.role".to_owned()];
        for own in [format!("attributes.{header}"), field.to_owned()] {
            if own.len() > "attributes.".len() && own.starts_with("attributes.") && !attributes.contains(&own)
            {
                attributes.push(own);
            }
        }
        choices.extend(attributes.into_iter().map(|field| {
            let name = field.trim_start_matches("attributes.").to_owned();
            let text = view.t1("import-field-attribute", "name", name);
            (field, text)
        }));
        choices
    }

    fn is_chosen(&self, column: impl Given<usize>, field: &str) -> bool {
        self.import.fields.get(column.given()).map(String::as_str).unwrap_or_default() == field
    }

    fn refusal(&self, fault: &KeptFault) -> String {
        reason(&self.shell.view, fault)
    }

    fn mended(&self) -> u64 {
        self.import.mended as u64
    }

    fn doubt(&self, doubt: &Doubt) -> String {
        let view = &self.shell.view;
        let cells = view.number(doubt.cells);
        view.t2(&format!("import-doubt-{}", doubt.code), "column", &doubt.column, "cells", cells)
    }

    /// People that running it would keep anew or change.
    fn takes(&self) -> u64 {
        self.import.report.as_ref().map_or(0, |report| report.created + report.updated + report.deactivated)
    }

    fn todo_title(&self, todo: &Todo) -> String {
        self.shell.view.t2("import-todo", "column", &todo.column, "cells", todo.len())
    }

    fn unlisted(&self) -> u64 {
        let listed: u64 = self.todo.iter().map(Todo::len).sum();
        let report = self.import.report.as_ref();
        report.map_or(0, |report| report.unlisted + report.rejected.len() as u64 - listed)
    }

    fn has_cells(&self) -> bool {
        self.todo.iter().any(|todo| todo.in_place)
    }

    fn key_of_lost(&self) -> &'static str {
        if self.import.was_running { "import-broken-run" } else { "import-broken-try" }
    }
}

/// A fault in this person's words.
fn reason(view: &View, fault: &KeptFault) -> String {
    fault_text(view, &fault.code, &fault.detail)
}

fn href(id: ImportId) -> String {
    format!("/console/people/imports/{id}")
}

async fn form_page(
    s: &Services,
    signed: &Signed,
    deactivate_missing: bool,
    faults: FieldFaults,
) -> Result<ImportPage> {
    let latest = imports::list(s, &signed.caller).await?;
    Ok(ImportPage { shell: signed.shell(Section::People)?, deactivate_missing, faults, latest })
}

pub(super) async fn show(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    page::html(&form_page(&s, &signed, false, FieldFaults::default()).await?)
}

pub(super) async fn create(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    payload: Payload,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    let upload = Upload::begin(&request, payload).await?;
    let deactivate = upload.form.text("deactivate_missing") == "true";
    let file_name = upload.file_name.clone();
    let done = match known(&file_name) {
        Err(fault) => Err(Error::Invalid(vec![fault])),
        Ok(()) => imports::create(&s, &signed.caller, &file_name, deactivate, upload.pieces()).await,
    };
    match done {
        Ok(id) => Ok(see_other(&href(id))),
        Err(Error::Invalid(faults)) => {
            let told = told(&s, &signed, &faults).await?;
            let faults = told.into_iter().take(1).map(|text| ("file".to_owned(), text)).collect();
            let page = form_page(&s, &signed, deactivate, faults).await?;
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
        Err(other) => Err(other),
    }
}

/// Whether such a file is read at all, by the ending of its name.
fn known(name: &str) -> std::result::Result<(), Fault> {
    if is_workbook(name) || Format::of_name(name).is_some() {
        return Ok(());
    }
    Err(if name.is_empty() {
        Fault::new("/file", "no_file", "choose a file")
    } else {
        Fault::new("/file", "file_kind", "send a file that ends in .xlsx, .csv or .ndjson")
    })
}

async fn one(s: &Services, signed: &Signed, id: ImportId, faults: Vec<String>) -> Result<OneImportPage> {
    let import = imports::find(s, &signed.caller, id).await?;
    let mut shell = signed.shell(Section::People)?;
    shell.here = href(id);
    let todo = import.report.as_ref().map(|report| Todo::of(&shell.view, report)).unwrap_or_default();
    let progress = ProgressFragment::new(signed, &import);
    Ok(OneImportPage { shell, import, faults, todo, progress })
}

impl ProgressFragment {
    fn new(signed: &Signed, import: &ImportView) -> Self {
        Self {
            view: signed.view(),
            id: import.id,
            stage: import.stage,
            position: import.position,
            size: import.size,
            reload: false,
        }
    }

    fn share(&self) -> u64 {
        (self.position.min(self.size) * 100).checked_div(self.size).unwrap_or_default()
    }
}

pub(super) async fn show_one(s: Data<Services>, signed: Signed, id: Path<ImportId>) -> Result<HttpResponse> {
    page::html(&one(&s, &signed, *id, Vec::new()).await?)
}

/// What the page of a pass in hand asks for; once the pass is over, it is to be loaded anew.
pub(super) async fn show_progress(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<ImportId>,
) -> Result<HttpResponse> {
    if !page::wants_fragment(&request) {
        return Ok(see_other(&href(*id)));
    }
    let import = imports::find(&s, &signed.caller, *id).await?;
    let over = !import.stage.is_busy();
    let fragment = ProgressFragment { reload: over, ..ProgressFragment::new(&signed, &import) };
    let mut answer = HttpResponse::Ok();
    if over {
        answer.insert_header(("HX-Refresh", "true"));
    }
    page::answer(answer, &fragment)
}

/// What is wrong, in this person's words. Where there is no room it says whose files wait.
async fn told(s: &Services, signed: &Signed, faults: &[Fault]) -> Result<Vec<String>> {
    let view = signed.view();
    let mut told = Vec::with_capacity(faults.len());
    for fault in faults {
        told.push(if fault.code == "no_room" {
            let holders = imports::holders(s, &signed.caller).await?;
            let each: Vec<_> = holders.iter().map(|(name, count)| format!("{name} ({count})")).collect();
            if each.is_empty() {
                view.t("fault-no_room_now")
            } else {
                view.t1("fault-no_room", "holders", each.join(", "))
            }
        } else {
            fault_text(&view, &fault.code, &fault.detail)
        });
    }
    Ok(told)
}

/// Where a step leads: to the import's page, or to the same page with what was wrong.
async fn led(s: &Services, signed: &Signed, id: ImportId, done: Result<()>) -> Result<HttpResponse> {
    match done {
        Ok(()) => Ok(see_other(&href(id))),
        Err(Error::Invalid(faults)) => {
            let told = told(s, signed, &faults).await?;
            page::answer(HttpResponse::UnprocessableEntity(), &one(s, signed, id, told).await?)
        }
        Err(other) => Err(other),
    }
}

pub(super) async fn choose_sheet(
    s: Data<Services>,
    signed: Signed,
    id: Path<ImportId>,
    form: Form,
) -> Result<HttpResponse> {
    let done = imports::choose_sheet(&s, &signed.caller, *id, form.exact("sheet")).await;
    led(&s, &signed, *id, done).await
}

pub(super) async fn choose_columns(
    s: Data<Services>,
    signed: Signed,
    id: Path<ImportId>,
    form: Form,
) -> Result<HttpResponse> {
    if form.text("act") == "reconsider" {
        let done = imports::reconsider(&s, &signed.caller, *id).await;
        return led(&s, &signed, *id, done).await;
    }
    let columns = imports::find(&s, &signed.caller, *id).await?.header.len();
    let fields: Vec<String> = (0..columns)
        .map(|i| match form.text(&format!("field_{i}")) {
            // An attribute of another name than the header's.
            "attributes." => format!("attributes.{}", form.text(&format!("name_{i}"))),
            field => field.to_owned(),
        })
        .collect();
    let deactivate = form.text("deactivate_missing") == "true";
    let done = imports::choose_columns(&s, &signed.caller, *id, fields.clone(), deactivate).await;
    if let Err(Error::Invalid(faults)) = &done {
        let mut page = one(&s, &signed, *id, Vec::new()).await?;
        let view = &page.shell.view;
        page.faults = faults.iter().map(|fault| fault_text(view, &fault.code, &fault.detail)).collect();
        page.import.fields = fields;
        page.import.deactivate_missing = deactivate;
        return page::answer(HttpResponse::UnprocessableEntity(), &page);
    }
    led(&s, &signed, *id, done).await
}

pub(super) async fn mend(
    s: Data<Services>,
    signed: Signed,
    id: Path<ImportId>,
    form: Form,
) -> Result<HttpResponse> {
    let import = imports::find(&s, &signed.caller, *id).await?;
    let faults = import.report.map(|report| report.rejected).unwrap_or_default();
    let typed = faults.iter().filter_map(|fault| {
        let cell = fault.cell?;
        let text = form.all(&format!("cell_{}_{cell}", fault.line)).next()?;
        // What was left as it is was not mended; long texts are shown by their beginning.
        (text != fault.value.as_deref().unwrap_or_default()).then(|| (fault.line, cell, text.to_owned()))
    });
    let done = imports::mend(&s, &signed.caller, *id, typed.collect()).await;
    led(&s, &signed, *id, done).await
}

pub(super) async fn run(
    s: Data<Services>,
    signed: Signed,
    id: Path<ImportId>,
    form: Form,
) -> Result<HttpResponse> {
    let done = match form.text("act") {
        "try" => imports::try_out(&s, &signed.caller, *id).await,
        _ => imports::run(&s, &signed.caller, *id).await,
    };
    led(&s, &signed, *id, done).await
}

pub(super) async fn discard(
    s: Data<Services>,
    signed: Signed,
    id: Path<ImportId>,
    _: Form,
) -> Result<HttpResponse> {
    imports::discard(&s, &signed.caller, *id).await?;
    signed.say(&Flash::good(signed.view().t("import-was-discarded")))?;
    Ok(see_other("/console/people/import"))
}

/// The rows that were not taken, with what to mend in each, as a file that can be handed in again.
pub(super) async fn rejected(s: Data<Services>, signed: Signed, id: Path<ImportId>) -> Result<HttpResponse> {
    let view = signed.view();
    let (header, rows) =
        imports::rejected(&s, &signed.caller, *id, |fault| reason_in_file(&view, fault)).await?;
    let heading = match view.language {
        Language::SimplifiedChinese => REASON[0],
        Language::English => REASON[1],
    };
    let width = header.len();
    let mut csv = table_file::MARK.to_owned();
    csv.push_str(&table_file::row(header.iter().map(String::as_str).chain([heading])));
    for (mut cells, why) in rows {
        cells.resize(width.max(cells.len()), String::new());
        csv.push_str(&table_file::row(cells.iter().map(String::as_str).chain([why.as_str()])));
    }
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"rejected.csv\""))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(csv))
}

fn reason_in_file(view: &View, fault: &KeptFault) -> String {
    match &fault.column {
        Some(column) => view.t2("import-reason-at", "column", column, "reason", reason(view, fault)),
        None => reason(view, fault),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn faults_are_a_list_of_what_to_do() {
        let view =
            View { language: Language::English, zone: TimeZone::UTC, now: Timestamp(0), csrf: String::new() };
        let fault = |line, column: &str, code: &str| KeptFault {
            line,
            column: Some(column.to_owned()),
            cell: Some(3),
            code: code.to_owned(),
            value: Some("x".to_owned()),
            detail: code.to_owned(),
        };
        let whole = KeptFault { column: None, cell: None, ..fault(9, "", "too_many_cells") };
        let rejected = vec![
            fault(2, "手机", "bad_address"),
            whole,
            fault(4, "手机", "bad_address"),
            fault(5, "学号", "formula"),
        ];
        let report = KeptReport { rejected, ..KeptReport::default() };
        let todo = Todo::of(&view, &report);
        let told: Vec<_> = todo.iter().map(|it| (it.column.as_str(), it.len(), it.in_place)).collect();
        assert_eq!(told, [("手机", 2, true), ("", 1, false), ("学号", 1, true)]);
    }

    #[test]
    fn files_are_known_by_their_ending() {
        for name in ["people.ndjson", "人员.CSV", "人员.XLSX"] {
            assert!(known(name).is_ok(), "{name}");
        }
        assert_eq!(&*known("").unwrap_err().code, "no_file");
        for name in ["people", "people.xls", "people.ndjson.exe"] {
            assert_eq!(&*known(name).unwrap_err().code, "file_kind", "{name}");
        }
    }
}
