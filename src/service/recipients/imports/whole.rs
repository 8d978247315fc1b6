//! Imports of files that are there already: from the beginning to the end, with a look at them before and at what was
//! rejected afterwards.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;

use super::archive::broken;
use super::rows::Cells;
use super::table::{Fields, Mended, Table};
use super::workbook::{Sheet, Workbook};
use super::{Format, Import, ImportOptions, ImportReport};
use crate::clock::Timestamp;
use crate::domain::id::ImportId;
use crate::service::{Caller, Services, imports};
use crate::store::{Tx, import_erasures, imports as store};
use crate::{Error, Result};

/// Bytes read at a time.
const PIECE: usize = 64 * 1024;
/// Rows that show what a table holds.
const SAMPLE: usize = 5;
/// Characters of a cell that is shown.
const LONGEST_CELL: usize = 60;

/// Where a pass says how far it is, and learns whether it is still the one that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    pub import: ImportId,
    /// Of the import while this pass is in hand.
    pub edition: i64,
}

impl Watch {
    /// # Errors
    ///
    /// [`Error::Conflict`] where the import has gone on without this pass: nothing more of it is to be kept.
    pub(super) async fn tell(self, tx: &mut Tx, position: u64, now: Timestamp) -> Result<()> {
        if store::advance(tx, self.import, self.edition, position as i64, now).await? {
            Ok(())
        } else {
            Err(imports::busy())
        }
    }

    /// Who was erased since the file was handed in, by campus id. After [`tell`](Self::tell) in the same transaction nobody
    /// is added before it ends.
    pub(super) async fn erased(self, tx: &mut Tx) -> Result<Vec<String>> {
        import_erasures::marked_now(tx, self.import).await
    }
}

/// What a table begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peek {
    pub header: Vec<String>,
    pub sample: Vec<Vec<String>>,
}

/// Imports the file `path` from its beginning to its end.
pub async fn import_file(
    s: &Services,
    caller: &Caller,
    path: &Path,
    format: Format,
    options: ImportOptions,
) -> Result<ImportReport> {
    let watch = options.watch;
    let mut import = Import::start(s, caller, format, options)?;
    if let Some(watch) = watch {
        import.erased.extend(import_erasures::marked(&s.db, watch.import).await?);
    }
    let mut file = Pieces::open(path).await?;
    while let Some(piece) = file.next().await? {
        if let Err(error) = import.feed(piece).await {
            import.interrupt().await?;
            return Err(error);
        }
    }
    import.finish().await
}

/// Imports a sheet of the workbook that comes in pieces; the first one where none is named.
pub async fn import_workbook(
    s: &Services,
    caller: &Caller,
    sheet: Option<&str>,
    options: ImportOptions,
    pieces: impl Stream<Item = Result<Bytes>> + Unpin,
) -> Result<ImportReport> {
    super::require(caller, crate::domain::operator::Permission::DirectoryEdit)?;
    let workbook = imports::files::new(s).await?;
    let table = imports::files::new(s).await?;
    let done = async {
        write(&workbook, pieces).await?;
        let sheet = match sheet {
            Some(name) => name.to_owned(),
            None => sheets(&workbook).await?.into_iter().next().ok_or_else(broken)?,
        };
        let written = write_sheet(&workbook, sheet, &table).await?;
        let options = ImportOptions { sheet: Some(written), ..options };
        import_file(s, caller, &table, Format::CSV, options).await
    };
    let done = done.await;
    imports::files::remove(&workbook).await;
    imports::files::remove(&table).await;
    done
}

/// Writes what comes in pieces into a file that is there.
pub(in crate::service) async fn write(
    path: &Path,
    mut pieces: impl Stream<Item = Result<Bytes>> + Unpin,
) -> Result<u64> {
    let mut file = File::create(path).await.map_err(Error::internal)?;
    let mut length = 0;
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        length += piece.len() as u64;
        file.write_all(&piece).await.map_err(Error::internal)?;
    }
    file.flush().await.map_err(Error::internal)?;
    Ok(length)
}

/// The sheets of a workbook that people see.
pub async fn sheets(workbook: &Path) -> Result<Vec<String>> {
    with(workbook, |workbook| Ok(workbook.sheets())).await
}

/// Writes a sheet down as a table.
pub async fn write_sheet(workbook: &Path, sheet: String, into: &Path) -> Result<Sheet> {
    let into = into.to_owned();
    with(workbook, move |workbook| {
        if !workbook.sheets().contains(&sheet) {
            let detail = format!("the workbook has no sheet `{sheet}`");
            return Err(Error::fault("/sheet", "unknown_sheet", detail));
        }
        workbook.write(&sheet, &into)
    })
    .await
}

/// Workbooks that are read at a time: each may take the memory that is granted to one.
static TURNS: Semaphore = Semaphore::const_new(2);

/// Does something with a workbook, apart from everything else: it may take its time, and whatever its reader does with a
/// damaged one stays there.
async fn with<T: Send + 'static>(
    path: &Path,
    run: impl FnOnce(&mut Workbook) -> Result<T> + Send + 'static,
) -> Result<T> {
    let _turn = TURNS.acquire().await.map_err(Error::internal)?;
    let (path, scratch): (_, PathBuf) = (path.to_owned(), path.with_extension("unpacked"));
    let done = tokio::task::spawn_blocking(move || run(&mut Workbook::open(&path, &scratch)?)).await;
    done.unwrap_or_else(|error| if error.is_panic() { Err(broken()) } else { Err(Error::internal(error)) })
}

/// What a table begins with, whatever its columns are for.
pub async fn peek(path: &Path) -> Result<Peek> {
    let mut rows = RowsOf::open(path, Fields::Plain, Arc::default()).await?;
    let mut sample = Vec::new();
    let mut header = Vec::new();
    while sample.len() < SAMPLE
        && let Some((_, cells)) = rows.next().await?
    {
        if let Cells::Whole(cells) = cells {
            sample.push(cells.iter().map(|cell| cell.chars().take(LONGEST_CELL).collect()).collect());
        }
    }
    if let Some(columns) = rows.table.columns() {
        header = columns.headers().map(str::to_owned).collect();
    }
    Ok(Peek { header, sample })
}

/// The rows of a table that were not taken, as they stand in it, with what to write beside each: `reason` of the codes and
/// sentences of its faults. `others` are the lines that only the directory could refuse. Rows of whoever is `erased` are not
/// among them.
pub async fn rejected_rows(
    path: &Path,
    fields: Fields,
    mended: Arc<Mended>,
    others: &BTreeMap<u64, String>,
    erased: &[String],
    reason: impl Fn(&[super::Rejected]) -> String,
) -> Result<(Vec<String>, Vec<(Vec<String>, String)>)> {
    let mut rows = RowsOf::open(path, fields, mended).await?;
    let mut taken: HashSet<String> = HashSet::new();
    let mut first: HashMap<String, u64> = HashMap::new();
    let mut rejected = Vec::new();
    while let Some((line, cells)) = rows.next().await? {
        let Some(record) = rows.table.record(line, &cells) else { continue };
        if record.campus_id.as_ref().is_some_and(|id| erased.contains(id)) {
            continue;
        }
        let why = match record.read {
            Err(faults) => Some(reason(&faults)),
            Ok(person) if !taken.insert(person.campus_id.clone()) => {
                Some(others.get(&line).cloned().unwrap_or_else(|| {
                    let first = first.get(&person.campus_id).copied().unwrap_or_default();
                    format!("line {first} has the same campus id")
                }))
            }
            Ok(person) => {
                first.insert(person.campus_id, line);
                others.get(&line).cloned()
            }
        };
        if let Some(why) = why {
            let cells = match cells {
                Cells::Whole(cells) => cells,
                Cells::TooLong | Cells::Unclosed => Vec::new(),
            };
            rejected.push((cells, why));
        }
    }
    let header = rows.table.columns().map(|columns| columns.headers().map(str::to_owned).collect());
    Ok((header.unwrap_or_default(), rejected))
}

struct Pieces {
    file: File,
    piece: Vec<u8>,
}

impl Pieces {
    async fn open(path: &Path) -> Result<Self> {
        let gone = |_| Error::fault("", "file_gone", "the file is no longer here: send it again");
        Ok(Self { file: File::open(path).await.map_err(gone)?, piece: vec![0; PIECE] })
    }

    async fn next(&mut self) -> Result<Option<&[u8]>> {
        let length = self.file.read(&mut self.piece).await.map_err(Error::internal)?;
        Ok((length > 0).then_some(&self.piece[..length]))
    }
}

/// The rows of a table, one by one.
struct RowsOf {
    pieces: Pieces,
    table: Table,
    /// What of the last piece is not read yet.
    left: Vec<u8>,
    is_ended: bool,
}

impl RowsOf {
    async fn open(path: &Path, fields: Fields, mended: Arc<Mended>) -> Result<Self> {
        let pieces = Pieces::open(path).await?;
        Ok(Self { pieces, table: Table::new(None, fields, mended), left: Vec::new(), is_ended: false })
    }

    async fn next(&mut self) -> Result<Option<(u64, Cells)>> {
        loop {
            let mut left = self.left.as_slice();
            let row = self.table.next_row(&mut left)?;
            let used = self.left.len() - left.len();
            self.left.drain(..used);
            if row.is_some() {
                return Ok(row);
            }
            if self.is_ended {
                return Ok(self.table.rest_row());
            }
            match self.pieces.next().await? {
                Some(piece) => self.left = piece.to_vec(),
                None => {
                    self.is_ended = true;
                    self.table.end()?;
                }
            }
        }
    }
}
