//! Imports of people as work that takes a while: a file is handed in and waits, its columns are given a meaning, it is tried,
//! mended and run. Each step is kept, so that whoever leaves the page finds it again, also after the process was
//! started anew.

mod ending;
pub(super) mod files;
mod kept;
mod room;
mod shared;
mod work;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;

use self::kept::Detail;
use self::room::Reserved;
use super::recipients::{Fields, Format, is_workbook, peek, rejected_rows, sheets, write, write_sheet};
use super::{Caller, Services};
use crate::clock::Timestamp;
use crate::domain::id::{ImportId, OperatorId};
use crate::domain::operator::Permission;
use crate::domain::recipient::guessed;
use crate::store::import_erasures;
use crate::store::imports::{self as store, ImportRow};
use crate::{Error, Result};

pub use self::ending::{discard, prune};
pub use self::kept::{KeptFault, KeptReport};
pub use self::room::holders;
pub use self::work::{run, try_out};

/// Imports that a page lists.
const LISTED: u32 = 10;
/// Rows looked through for what columns were said to be for.
const REMEMBERED: u32 = 20;
/// How long a file waits for whoever handed it in.
const WAITS: Duration = Duration::from_hours(24);
/// How long it waits at most, however often it is mended: somebody in it may have left meanwhile.
const WAITS_IN_ALL: Duration = Duration::from_hours(72);
/// How old a file is at least that is removed because no import knows of it: a younger one may be on its way in.
const ARRIVES: Duration = Duration::from_hours(1);
/// How long a pass of another process may say nothing before it is taken for broken off.
const SILENCE: Duration = Duration::from_mins(1);
/// Cells that may be mended in place.
const MOST_MENDED: usize = 5_000;
const LONGEST_CELL: usize = 1_000;

/// The stage of an import whose file is on its way. Nobody sees it, and nothing but its upload takes it any further.
const ARRIVING: &str = "arriving";

/// Imports that this process has in hand: passes, and files on their way to it.
#[derive(Debug, Default)]
pub(super) struct Running {
    in_hand: Mutex<HashSet<ImportId>>,
    /// Bytes of tables whose imports do not say yet how large they are.
    coming: AtomicU64,
}

impl Running {
    fn with<T>(&self, run: impl FnOnce(&mut HashSet<ImportId>) -> T) -> T {
        run(&mut self.in_hand.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What an import waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The workbook has several sheets.
    Sheet,
    /// Somebody has to say what its columns are for.
    Columns,
    Trying,
    Tried,
    Running,
    Done,
    /// The file as a whole was refused.
    Failed,
    /// The process ended in the middle of a pass. What it had kept is kept.
    BrokenOff,
}

impl Stage {
    pub const ALL: [Self; 8] = [
        Self::Sheet,
        Self::Columns,
        Self::Trying,
        Self::Tried,
        Self::Running,
        Self::Done,
        Self::Failed,
        Self::BrokenOff,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Sheet => "sheet",
            Self::Columns => "columns",
            Self::Trying => "trying",
            Self::Tried => "tried",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::BrokenOff => "broken-off",
        }
    }

    fn of(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|stage| stage.name() == name);
        found.ok_or_else(|| Error::internal(format!("an import of the stage {name}")))
    }

    /// Something is reading the file now.
    pub const fn is_busy(self) -> bool {
        matches!(self, Self::Trying | Self::Running)
    }
}

/// An import as its page shows it.
#[derive(Clone, Debug)]
pub struct ImportView {
    pub id: ImportId,
    pub file_name: String,
    pub stage: Stage,
    /// The pass that broke off was to keep what it read.
    pub was_running: bool,
    /// Bytes read of all.
    pub position: u64,
    pub size: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Of a workbook.
    pub sheets: Vec<String>,
    pub sheet: Option<String>,
    /// Of a table; empty where each line is an object of JSON.
    pub header: Vec<String>,
    pub sample: Vec<Vec<String>>,
    /// What each column is for, nothing where it is passed over.
    pub fields: Vec<String>,
    pub deactivate_missing: bool,
    pub mended: usize,
    pub report: Option<KeptReport>,
    /// Why the file as a whole was refused.
    pub refused: Vec<KeptFault>,
    /// The file is still here.
    pub has_file: bool,
}

fn unknown() -> Error {
    Error::NotFound("import")
}

fn operator(caller: &Caller) -> Result<OperatorId> {
    caller.require(Permission::DirectoryEdit)?;
    match caller {
        Caller::Operator(operator) => Ok(operator.id),
        _ => {
            Err(Error::forbidden(Permission::DirectoryEdit.name(), "only administrators hand files in here"))
        }
    }
}

/// One of whoever asks, whatever can be read of it.
async fn own_row(s: &Services, caller: &Caller, id: ImportId) -> Result<ImportRow> {
    let operator = operator(caller)?;
    let is_theirs = |row: &ImportRow| row.operator_id == operator && row.stage != ARRIVING;
    store::find(&s.db, id).await?.filter(is_theirs).ok_or_else(unknown)
}

async fn own(s: &Services, caller: &Caller, id: ImportId) -> Result<(ImportRow, Detail)> {
    let row = own_row(s, caller, id).await?;
    let (row, _) = latest(s, row).await?;
    let detail = Detail::of(&row)?;
    Ok((row, detail))
}

/// The row and its stage, read again where its pass may have ended just after it was read, which must not look as if it had
/// broken off.
async fn latest(s: &Services, mut row: ImportRow) -> Result<(ImportRow, Stage)> {
    loop {
        let stage = stage(s, &row)?;
        if stage != Stage::BrokenOff {
            return Ok((row, stage));
        }
        let again = store::find(&s.db, row.id).await?.ok_or_else(unknown)?;
        if again.edition == row.edition {
            return Ok((row, stage));
        }
        row = again;
    }
}

/// The stage as it is now: a pass that nobody is at any more has broken off.
fn stage(s: &Services, row: &ImportRow) -> Result<Stage> {
    let stage = Stage::of(&row.stage)?;
    let is_here = s.imports.with(|running| running.contains(&row.id));
    let is_elsewhere = !s.db.has_one_process() && row.updated_at.plus(SILENCE) > s.clock.now();
    let is_lost = stage.is_busy() && !is_here && !is_elsewhere;
    Ok(if is_lost { Stage::BrokenOff } else { stage })
}

/// `stage` as of when the row was [looked at](latest): a pass may have ended since.
fn view(row: ImportRow, stage: Stage, detail: Detail) -> ImportView {
    ImportView {
        id: row.id,
        stage,
        was_running: row.stage == Stage::Running.name(),
        position: row.position.unsigned_abs(),
        size: row.size.unsigned_abs(),
        created_at: row.created_at,
        updated_at: row.updated_at,
        file_name: row.file_name,
        sheets: detail.sheets,
        sheet: detail.sheet.map(|sheet| sheet.name),
        header: detail.header,
        sample: detail.sample,
        fields: detail.fields,
        deactivate_missing: detail.deactivate_missing,
        mended: detail.mended.len(),
        report: detail.report,
        refused: detail.refused,
        has_file: detail.file.is_some() || detail.workbook.is_some(),
    }
}

/// The latest imports of whoever asks. One that cannot be read keeps none of the others from being seen.
pub async fn list(s: &Services, caller: &Caller) -> Result<Vec<ImportView>> {
    let mut views = Vec::new();
    for row in store::list(&s.db, operator(caller)?, LISTED).await? {
        // Of a later version, or on its way.
        if Stage::of(&row.stage).is_err() {
            continue;
        }
        let (row, stage) = latest(s, row).await?;
        if let Ok(detail) = Detail::of(&row) {
            views.push(view(row, stage, detail));
        }
    }
    Ok(views)
}

/// One import of whoever asks.
pub async fn find(s: &Services, caller: &Caller, id: ImportId) -> Result<ImportView> {
    let row = own_row(s, caller, id).await?;
    let erased = import_erasures::marked(&s.db, id).await?;
    let (row, stage) = latest(s, row).await?;
    let mut detail = Detail::of(&row)?;
    detail.leave_out(&erased);
    Ok(view(row, stage, detail))
}

/// Takes a file in and looks what it is. Nothing of it is kept in the directory yet.
///
/// # Errors
///
/// [`Error::Invalid`] where it cannot be a file of people, and where as many wait as may: [`holders`] has them.
pub async fn create(
    s: &Services,
    caller: &Caller,
    file_name: &str,
    deactivate_missing: bool,
    pieces: impl Stream<Item = Result<Bytes>> + Unpin,
) -> Result<ImportId> {
    let operator = operator(caller)?;
    let name: String = file_name.chars().take(200).collect();
    let arrival = room::take(s, operator, &name).await?;
    let id = arrival.id;
    let file = files::new(s).await?;
    let looked = async {
        let size = write(&file, pieces).await?;
        let mut detail = Detail { deactivate_missing, size: Some(size), ..Detail::default() };
        let mut reserved = None;
        if is_workbook(file_name) {
            detail.workbook = Some(files::name(&file));
            detail.sheets = sheets(&file).await?;
            match detail.sheets.as_slice() {
                [] => return Err(Error::fault("/file", "no_sheet", "the workbook has no sheet to read")),
                [only] => {
                    let only = only.clone();
                    let read = read_sheet(s, (id, operator), &mut detail, &file, only).await?;
                    reserved = Some(read.1);
                    files::remove(&file).await;
                }
                _ => return Ok((Stage::Sheet, detail, None)),
            }
        } else {
            detail.file = Some(files::name(&file));
            detail.is_json = Format::of_name(file_name) == Some(Format::Ndjson);
            if !detail.is_json {
                look_at_table(s, operator, &mut detail).await?;
            }
        }
        Ok((Stage::Columns, detail, reserved))
    };
    let (stage, detail, _reserved) = match looked.await {
        Ok(looked) => looked,
        Err(error) => {
            files::remove(&file).await;
            arrival.goes().await;
            return Err(error);
        }
    };
    let file = files::path(s, detail.file.as_deref().or(detail.workbook.as_deref()).unwrap_or_default())?;
    let kept = async {
        shared::keep(s, id, &file).await?;
        let row = store::find(&s.db, id).await?.ok_or_else(busy)?;
        keep(s, &row, stage, &detail).await
    };
    if let Err(error) = kept.await {
        // Nobody was told of it, and nowhere else could anybody go on with it. First the row: a file without one is swept, and
        // while there is one its file is wanted.
        if arrival.goes().await {
            files::remove(&file).await;
        }
        return Err(error);
    }
    arrival.stays();
    Ok(id)
}

/// Takes one sheet of a workbook.
pub async fn choose_sheet(s: &Services, caller: &Caller, id: ImportId, sheet: &str) -> Result<()> {
    let (row, before) = own(s, caller, id).await?;
    expect(s, &row, &[Stage::Sheet])?;
    let workbook = shared::here(s, id, before.workbook.as_deref(), before.size).await?;
    let mut detail = before;
    let whose = (id, row.operator_id);
    let (table, _reserved) = read_sheet(s, whose, &mut detail, &workbook, sheet.to_owned()).await?;
    let kept = async {
        shared::keep(s, id, &table).await?;
        keep(s, &row, Stage::Columns, &detail).await
    };
    let kept = kept.await;
    match &kept {
        Ok(()) => shared::remove(s, id, &workbook).await,
        Err(Error::Conflict { .. }) => shared::remove(s, id, &table).await,
        // It may have been kept all the same.
        Err(_) => {}
    }
    kept
}

/// Writes a sheet of the workbook into a file of its own and says which, with its room; the workbook's stays.
async fn read_sheet(
    s: &Services,
    (import, operator): (ImportId, OperatorId),
    detail: &mut Detail,
    workbook: &Path,
    sheet: String,
) -> Result<(PathBuf, Reserved)> {
    let table = files::new(s).await?;
    match write_sheet(workbook, sheet, &table).await {
        Ok(written) => {
            detail.sheet = Some(written);
            detail.file = Some(files::name(&table));
            detail.workbook = None;
        }
        Err(error) => {
            files::remove(&table).await;
            return Err(error);
        }
    }
    let looked = async {
        look_at_table(s, operator, detail).await?;
        room::reserve(s, import, detail.size.unwrap_or_default()).await
    };
    match looked.await {
        Ok(reserved) => Ok((table, reserved)),
        Err(error) => {
            files::remove(&table).await;
            Err(error)
        }
    }
}

/// Reads the first rows, and guesses what the columns are for: as this operator said last time, else by their headers.
async fn look_at_table(s: &Services, operator: OperatorId, detail: &mut Detail) -> Result<()> {
    let path = files::path(s, detail.file.as_deref().unwrap_or_default())?;
    detail.size = Some(files::size(&path).await?);
    let peek = peek(&path).await?;
    let before = store::list(&s.db, operator, REMEMBERED).await?;
    let before: Vec<Detail> = before.iter().filter_map(|row| Detail::of(row).ok()).collect();
    let said = |header: &str| {
        let at = |detail: &Detail| detail.header.iter().position(|other| other == header);
        let mut chosen = before.iter().filter(|detail| detail.was_chosen);
        chosen.find_map(|detail| detail.fields.get(at(detail)?).cloned())
    };
    let mut fields: Vec<String> = Vec::new();
    for header in &peek.header {
        let field = said(header).unwrap_or_else(|| guessed(header));
        // A second column of the same meaning is for somebody to decide.
        let is_taken = fields.contains(&field);
        fields.push(if is_taken { String::new() } else { field });
    }
    (detail.header, detail.sample, detail.fields) = (peek.header, peek.sample, fields);
    Ok(())
}

/// Says what the columns are for, and has the file tried.
///
/// # Errors
///
/// [`Error::Invalid`] where the columns do not make a table of people.
pub async fn choose_columns(
    s: &Services,
    caller: &Caller,
    id: ImportId,
    fields: Vec<String>,
    deactivate_missing: bool,
) -> Result<()> {
    let (row, mut detail) = own(s, caller, id).await?;
    expect(s, &row, &[Stage::Columns, Stage::Failed])?;
    if !detail.is_json {
        let header: Vec<&str> = detail.header.iter().map(String::as_str).collect();
        crate::domain::recipient::Columns::chosen(&header, &fields)?;
        detail.fields = fields;
        detail.fields.resize(detail.header.len(), String::new());
        detail.was_chosen = true;
    }
    detail.deactivate_missing = deactivate_missing;
    work::start(s, caller, row, detail, Stage::Trying).await
}

/// Goes back to what the columns are for.
pub async fn reconsider(s: &Services, caller: &Caller, id: ImportId) -> Result<()> {
    let (row, detail) = own(s, caller, id).await?;
    expect(s, &row, &[Stage::Tried, Stage::Failed, Stage::BrokenOff])?;
    keep(s, &row, Stage::Columns, &Detail { report: None, refused: Vec::new(), ..detail }).await
}

/// Puts other texts into cells, by line and column from 0, and has the file tried again. The file itself stays as it is.
pub async fn mend(
    s: &Services,
    caller: &Caller,
    id: ImportId,
    cells: Vec<(u64, usize, String)>,
) -> Result<()> {
    let (row, mut detail) = own(s, caller, id).await?;
    expect(s, &row, &[Stage::Tried, Stage::Done, Stage::BrokenOff])?;
    for (line, column, text) in cells {
        if text.chars().count() > LONGEST_CELL {
            return Err(Error::fault("", "too_long", format!("at most {LONGEST_CELL} characters in a cell")));
        }
        detail.mended.insert((line, column), text);
    }
    if detail.mended.len() > MOST_MENDED {
        let why = format!("at most {MOST_MENDED} cells are mended here: mend the others in the file");
        return Err(Error::fault("", "too_many", why));
    }
    work::start(s, caller, row, detail, Stage::Trying).await
}

/// The rows that were not taken, each with its reason, below the headers of the file.
pub async fn rejected(
    s: &Services,
    caller: &Caller,
    id: ImportId,
    reason: impl Fn(&KeptFault) -> String,
) -> Result<(Vec<String>, Vec<(Vec<String>, String)>)> {
    let (row, detail) = own(s, caller, id).await?;
    expect(s, &row, &[Stage::Tried, Stage::Done])?;
    if detail.is_json {
        return Err(unknown());
    }
    let path = shared::here(s, id, detail.file.as_deref(), detail.size).await?;
    let report = detail.report.as_ref().ok_or_else(files::gone)?;
    let others = report.rejected.iter().map(|fault| (fault.line, reason(fault))).collect();
    let fields = Fields::Chosen(detail.fields.clone());
    let erased = import_erasures::marked(&s.db, id).await?;
    rejected_rows(&path, fields, detail.mended(), &others, &erased, |faults| {
        let all: Vec<_> = faults.iter().cloned().map(|fault| reason(&fault.into())).collect();
        all.join(" / ")
    })
    .await
}

pub(super) fn busy() -> Error {
    Error::conflict("import_busy", "this import is at another step by now; look at it again")
}

fn expect(s: &Services, row: &ImportRow, stages: &[Stage]) -> Result<()> {
    if stages.contains(&stage(s, row)?) { Ok(()) } else { Err(busy()) }
}

async fn keep(s: &Services, row: &ImportRow, stage: Stage, detail: &Detail) -> Result<()> {
    let mut tx = s.db.begin().await?;
    if !store::update(&mut tx, row, stage.name(), &detail.to_value()?, s.clock.now()).await? {
        return Err(busy());
    }
    tx.commit().await
}
