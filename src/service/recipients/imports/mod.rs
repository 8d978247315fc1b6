//! The directory from a file: a record is a person. The file comes in pieces and is never held as a whole; what was read
//! is kept batch by batch, so an import that breaks off keeps what came before. What a file means to an administrator is
//! in `docs/IMPORTS.md`.

mod archive;
mod format;
mod inflate;
mod lines;
mod ndjson;
mod record;
mod report;
mod rows;
mod styles;
mod table;
mod text;
mod whole;
mod workbook;

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use serde_json::json;

use self::ndjson::Ndjson;
use self::record::Record;
use self::table::Table;
use super::{note, require};
use crate::domain::operator::Permission;
use crate::domain::recipient::{Columns, RecipientInput};
use crate::error::Fault;
use crate::service::{Caller, Services};
use crate::store::Tx;
use crate::store::recipients as store;
use crate::{Error, Result};

pub use self::format::{Charset, Format};
pub use self::report::{Doubt, ImportReport, ReadAs, ReadColumn, Rejected};
pub use self::table::{Fields, Mended};
pub(in crate::service) use self::whole::write;
pub use self::whole::{Watch, import_file, import_workbook, peek, rejected_rows, sheets, write_sheet};
pub use self::workbook::{Sheet, is_workbook};

/// People kept in one transaction; the embedded store has one writer, which messages wait for as well.
const BATCH: usize = 1_000;
/// Bytes of records kept in one transaction.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Do everything but keep it.
    pub dry_run: bool,
    /// Whoever is not in the file becomes inactive, once it has been read to its end.
    pub deactivate_missing: bool,
    /// Of a table: what its columns are for.
    pub fields: Fields,
    /// Of a table: cells that are to be read as if they said this.
    pub mended: Arc<Mended>,
    /// Of a table that was a workbook's sheet.
    pub sheet: Option<Sheet>,
    /// Who is to be told how far it is.
    pub watch: Option<Watch>,
}

/// An import that is being read. [`Import::feed`] it the file, then [`Import::finish`]; where the file breaks off,
/// [`Import::interrupt`]. [`import`] does all of it for a stream.
pub struct Import {
    services: Services,
    caller: Caller,
    options: ImportOptions,
    reader: Reader,
    batch: Vec<(u64, RecipientInput)>,
    batch_bytes: usize,
    hasher: RandomState,
    /// On which line a campus id was taken, by its hash.
    taken: HashMap<u64, u64>,
    /// Everyone the file names, where the others are to become inactive.
    present: Vec<String>,
    /// The first record of which nobody can say whom it is about, and how many there are.
    nameless: Option<u64>,
    nameless_count: u64,
    /// Who was erased since the file was handed in, by campus id.
    erased: HashSet<String>,
    report: ImportReport,
    /// Bytes of the file so far.
    fed: u64,
}

enum Reader {
    Ndjson(Ndjson),
    Csv(Box<Table>),
}

/// Imports a file that comes in pieces. Where the stream breaks off, what came before is kept and nobody becomes
/// inactive; where the file as a whole is wrong, it is read to its end all the same, so that its sender hears of it.
pub async fn import(
    s: &Services,
    caller: &Caller,
    format: Format,
    options: ImportOptions,
    mut pieces: impl Stream<Item = Result<Bytes>> + Unpin,
) -> Result<ImportReport> {
    let mut import = Import::start(s, caller, format, options)?;
    while let Some(piece) = pieces.next().await {
        let fed = match piece {
            Ok(piece) => import.feed(&piece).await,
            Err(broken) => Err(broken),
        };
        if let Err(error) = fed {
            // Nobody is missing from a file that was not read to its end.
            import.interrupt().await?;
            if matches!(error, Error::Invalid(_)) {
                while let Some(Ok(_)) = pieces.next().await {}
            }
            return Err(error);
        }
    }
    import.finish().await
}

impl Import {
    pub fn start(s: &Services, caller: &Caller, format: Format, options: ImportOptions) -> Result<Self> {
        require(caller, Permission::DirectoryEdit)?;
        let (fields, mended) = (options.fields.clone(), Arc::clone(&options.mended));
        Ok(Self {
            services: s.clone(),
            caller: caller.clone(),
            reader: match format {
                Format::Ndjson => Reader::Ndjson(Ndjson::new()),
                Format::Csv { charset } => Reader::Csv(Box::new(Table::new(charset, fields, mended))),
            },
            batch: Vec::new(),
            batch_bytes: 0,
            hasher: RandomState::new(),
            taken: HashMap::new(),
            present: Vec::new(),
            nameless: None,
            nameless_count: 0,
            erased: HashSet::new(),
            report: ImportReport { dry_run: options.dry_run, ..ImportReport::default() },
            options,
            fed: 0,
        })
    }

    /// Reads on. Returns once what could be read of the piece is kept, so the sender is held back where the store is
    /// slower.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where the file as a whole is wrong.
    pub async fn feed(&mut self, mut piece: &[u8]) -> Result<()> {
        self.fed += piece.len() as u64;
        while let Some(record) = self.reader.next(&mut piece)? {
            self.read(record);
            if self.batch.len() >= BATCH || self.batch_bytes >= BATCH_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Ends the import of a whole file.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where the file as a whole is wrong, and where the missing were to become inactive and no record
    /// was valid: that is a file of something else, or an export that failed, and would shut everyone out.
    pub async fn finish(mut self) -> Result<ImportReport> {
        self.reader.end()?;
        self.feed(&[]).await?;
        if let Some(record) = self.reader.rest() {
            self.read(record);
        }
        self.flush().await?;
        self.report.complete = true;
        let s = self.services.clone();
        let now = s.clock.now();
        let mut tx = s.db.begin().await?;
        if self.options.deactivate_missing {
            if self.report.taken() == 0 {
                return Err(self.nothing_valid());
            }
            match self.nameless {
                Some(line) => {
                    self.report.not_deactivated = Some(format!(
                        "nobody was deactivated, for anybody may stand in a record whose campus id cannot be read: {} \
                         in all, the first on line {line}; mend them and import the file again",
                        self.nameless_count
                    ));
                }
                None => {
                    if let (Some(watch), false) = (self.options.watch, self.options.dry_run) {
                        watch.tell(&mut tx, self.fed, now).await?;
                    }
                    self.report.deactivated = store::deactivate_missing(&mut tx, &self.present, now).await?;
                }
            }
        }
        self.close(tx).await
    }

    /// Ends an import whose file broke off: the records that were complete are kept, and nobody becomes inactive.
    pub async fn interrupt(mut self) -> Result<ImportReport> {
        // What is wrong with a file that is not whole does not matter.
        if self.reader.end().is_ok() {
            while let Ok(Some(record)) = self.reader.next(&mut [].as_slice()) {
                self.read(record);
            }
        }
        self.flush().await?;
        let tx = self.services.db.begin().await?;
        self.close(tx).await
    }

    async fn close(mut self, mut tx: Tx) -> Result<ImportReport> {
        self.report.rejected.sort_by_key(|rejected| rejected.line);
        self.report.read_as = self.reader.table().and_then(Table::read_as);
        self.doubt();
        if !self.options.dry_run {
            let report = &self.report;
            let detail = json!({
                "complete": report.complete,
                "created": report.created,
                "updated": report.updated,
                "unchanged": report.unchanged,
                "deactivated": report.deactivated,
                "rejected_lines": report.rejected_lines,
                "erased": report.erased,
            });
            let now = self.services.clock.now();
            note(&mut tx, &self.caller, now, "recipient.import", "recipients", &detail).await?;
            tx.commit().await?;
        }
        Ok(self.report)
    }

    fn read(&mut self, record: Record) {
        if self.options.deactivate_missing {
            if record.campus_id.is_none() {
                self.nameless.get_or_insert(record.line);
                self.nameless_count += 1;
            }
            self.present.extend(record.campus_id.clone());
        }
        // Before anything of it could be said, such as what is wrong with it.
        if record.campus_id.as_ref().is_some_and(|id| self.erased.contains(id)) {
            self.report.erased += 1;
            return;
        }
        let person = match record.read {
            Ok(person) => person,
            Err(faults) => return self.report.reject(record.campus_id, faults),
        };
        let first = *self.taken.entry(self.hasher.hash_one(&person.campus_id)).or_insert(record.line);
        if first != record.line {
            let rejected = Rejected {
                line: record.line,
                column: Some(self.reader.campus_id_column()),
                code: "duplicate".into(),
                detail: format!("line {first} has the same campus id and was taken"),
                value: Some(person.campus_id.clone()),
                cell: self.reader.table().and_then(Table::columns).and_then(Columns::campus_ids),
            };
            return self.report.reject(Some(person.campus_id), vec![rejected]);
        }
        self.batch_bytes += record.bytes;
        self.batch.push((record.line, person));
    }

    async fn flush(&mut self) -> Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let mut batch = mem::take(&mut self.batch);
        self.batch_bytes = 0;
        let mut tx = self.services.db.begin().await?;
        let watch = self.options.watch;
        if let Some(watch) = watch {
            // How far it is stands with what is kept: after a crash both are true. First, because whoever is erased from here on
            // waits for this batch, and whoever was erased before is to be seen.
            if !self.options.dry_run {
                watch.tell(&mut tx, self.fed, self.services.clock.now()).await?;
            }
            self.erased.extend(watch.erased(&mut tx).await?);
            let before = batch.len();
            batch.retain(|(_, person)| !self.erased.contains(&person.campus_id));
            self.report.erased += (before - batch.len()) as u64;
        }
        let people = self.completed(&mut tx, batch).await?;
        let done = store::upsert(&mut tx, &people, self.services.clock.now()).await?;
        if !self.options.dry_run {
            tx.commit().await?;
        } else if let Some(watch) = watch {
            drop(tx);
            let mut tx = self.services.db.begin().await?;
            watch.tell(&mut tx, self.fed, self.services.clock.now()).await?;
            tx.commit().await?;
        }
        self.report.created += done.created;
        self.report.updated += done.updated;
        self.report.unchanged += done.unchanged;
        Ok(())
    }

    /// The people of a batch with all that is to be known of them: lines of JSON say all of it, a table what it has columns
    /// for.
    async fn completed(
        &mut self,
        tx: &mut Tx,
        batch: Vec<(u64, RecipientInput)>,
    ) -> Result<Vec<RecipientInput>> {
        let Some(columns) = self.reader.table().and_then(Table::columns) else {
            return Ok(batch.into_iter().map(|(_, person)| person).collect());
        };
        let ids: Vec<_> = batch.iter().map(|(_, person)| person.campus_id.as_str()).collect();
        let known = store::lock_all(tx, &ids).await?;
        let mut known: HashMap<_, _> =
            known.into_iter().map(|row| (row.person.campus_id.clone(), row.person)).collect();
        let mut people = Vec::with_capacity(batch.len());
        for (line, said) in batch {
            let before = known.remove(&said.campus_id);
            let whom = said.campus_id.clone();
            match columns.merged(said, before) {
                Ok(person) => people.push(person),
                Err(Fault { code, detail, .. }) => {
                    let rejected = Rejected { line, column: None, code, value: None, detail, cell: None };
                    self.report.reject(Some(whom), vec![rejected]);
                }
            }
        }
        Ok(people)
    }

    /// What a workbook's numbers no longer show.
    fn doubt(&mut self) {
        let Some(sheet) = &self.options.sheet else { return };
        if let Some(read_as) = &mut self.report.read_as {
            read_as.sheet = Some(sheet.name.clone());
        }
        let Some(column) = self.reader.table().and_then(Table::columns).and_then(Columns::campus_ids) else {
            return;
        };
        let (shorter, rounded) = sheet.doubts(column);
        let header = self.reader.campus_id_column();
        for (cells, code, detail) in [
            (
                shorter,
                "zeros_lost",
                "these ids are kept as numbers and are shorter than the others: zeros at their front may be lost; format the \
                 column as text and enter them again, or leave them if they are so",
            ),
            (
                rounded,
                "digits_lost",
                "these ids are kept as numbers and end in many zeros: their last digits may be lost; compare them with \
                 where they come from",
            ),
        ] {
            if cells > 0 {
                let detail = detail.to_owned();
                self.report.doubts.push(Doubt { column: header.clone(), code: code.into(), cells, detail });
            }
        }
    }

    fn nothing_valid(&self) -> Error {
        let detail = "no line is valid, so nobody was made inactive; is this the right file?";
        let mut faults = vec![Fault::new("", "nothing_valid", detail)];
        faults.extend(self.report.rejected.iter().take(20).map(|rejected| {
            let column = rejected.column.as_deref().map(|column| format!("/{column}")).unwrap_or_default();
            let pointer = format!("/{}{column}", rejected.line);
            Fault::new(pointer, rejected.code.clone(), rejected.detail.clone())
        }));
        Error::Invalid(faults)
    }
}

impl Reader {
    fn next(&mut self, piece: &mut &[u8]) -> Result<Option<Record>> {
        match self {
            Self::Ndjson(lines) => Ok(lines.next(piece)),
            Self::Csv(table) => table.next(piece),
        }
    }

    fn end(&mut self) -> Result<()> {
        match self {
            Self::Ndjson(_) => Ok(()),
            Self::Csv(table) => table.end(),
        }
    }

    fn rest(&mut self) -> Option<Record> {
        match self {
            Self::Ndjson(lines) => lines.rest(),
            Self::Csv(table) => table.rest(),
        }
    }

    fn table(&self) -> Option<&Table> {
        match self {
            Self::Ndjson(_) => None,
            Self::Csv(table) => Some(table),
        }
    }

    fn campus_id_column(&self) -> String {
        let header = self.table().and_then(Table::columns).and_then(|columns| {
            columns.meanings().find(|(_, field)| field == "campus_id").map(|(header, _)| header.to_owned())
        });
        header.unwrap_or_else(|| "campus_id".to_owned())
    }
}
