//! The directory from a file: a line is a person. The file comes in pieces and is never held as a whole; what was read
//! is kept batch by batch, so an import that breaks off keeps what came before.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::mem;

use serde::Serialize;
use serde_json::{Value, json};

use super::lines::{Line, Lines};
use super::{note, require};
use crate::domain::operator::Permission;
use crate::domain::recipient::RecipientInput;
use crate::error::{Fault, not_json};
use crate::service::{Caller, Services};
use crate::store::recipients as store;
use crate::{Error, Result};

/// Bytes in a line.
const LONGEST_LINE: usize = 64 * 1024;
/// People kept in one transaction; the embedded store has one writer, which messages wait for as well.
const BATCH: usize = 1_000;
/// Bytes of lines kept in one transaction.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Faults listed in the report.
const MOST_REJECTED: usize = 1_000;
/// Characters of a rejected value that the report repeats.
const LONGEST_VALUE: usize = 200;

#[derive(Clone, Copy, Debug, Default)]
pub struct ImportOptions {
    /// Do everything but keep it.
    pub dry_run: bool,
    /// Whoever is not in the file becomes inactive, once it has been read to its end.
    pub deactivate_missing: bool,
}

/// What became of a file's lines: those that are not empty are created, updated, unchanged or rejected.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ImportReport {
    pub dry_run: bool,
    /// The file was read to its end.
    pub complete: bool,
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub deactivated: u64,
    /// Lines with a fault; their faults are in `rejected`, up to a thousand of them.
    pub rejected_lines: u64,
    pub rejected: Vec<Rejected>,
}

/// One fault of one line.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Rejected {
    /// From 1.
    pub line: u64,
    /// The field, such as `email` or `attributes.year`; nothing where the line as a whole is wrong.
    pub column: Option<String>,
    pub code: Cow<'static, str>,
    /// The beginning of what stands there.
    pub value: Option<String>,
    pub detail: String,
}

/// An import that is being read. [`Import::feed`] it the file, then [`Import::finish`]; where the file breaks off,
/// [`Import::interrupt`].
pub struct Import {
    services: Services,
    caller: Caller,
    options: ImportOptions,
    lines: Lines,
    batch: Vec<RecipientInput>,
    batch_bytes: usize,
    hasher: RandomState,
    /// On which line a campus id was taken, by its hash.
    taken: HashMap<u64, u64>,
    /// Everyone the file names, where the others are to become inactive.
    present: Vec<String>,
    report: ImportReport,
}

impl Import {
    pub fn start(s: &Services, caller: &Caller, options: ImportOptions) -> Result<Self> {
        require(caller, Permission::DirectoryEdit)?;
        Ok(Self {
            services: s.clone(),
            caller: caller.clone(),
            options,
            lines: Lines::new(LONGEST_LINE),
            batch: Vec::new(),
            batch_bytes: 0,
            hasher: RandomState::new(),
            taken: HashMap::new(),
            present: Vec::new(),
            report: ImportReport { dry_run: options.dry_run, ..ImportReport::default() },
        })
    }

    /// Reads on. Returns once what could be read of the piece is kept, so the sender is held back where the store is
    /// slower.
    pub async fn feed(&mut self, mut piece: &[u8]) -> Result<()> {
        while let Some((number, line)) = self.lines.next(&mut piece) {
            self.read(number, line);
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
    /// [`Error::Invalid`] where the missing were to become inactive and no line was valid: that is a file of something
    /// else, or an export that failed, and would shut everyone out.
    pub async fn finish(mut self) -> Result<ImportReport> {
        if let Some((number, line)) = self.lines.rest() {
            self.read(number, line);
        }
        self.flush().await?;
        self.report.complete = true;
        let s = self.services.clone();
        let now = s.clock.now();
        let mut tx = s.db.begin().await?;
        if self.options.deactivate_missing {
            if self.taken.is_empty() {
                return Err(self.nothing_valid());
            }
            self.report.deactivated = store::deactivate_missing(&mut tx, &self.present, now).await?;
        }
        self.close(tx).await
    }

    /// Ends an import whose file broke off: the lines that were complete are kept, and nobody becomes inactive.
    pub async fn interrupt(mut self) -> Result<ImportReport> {
        self.flush().await?;
        let tx = self.services.db.begin().await?;
        self.close(tx).await
    }

    async fn close(self, mut tx: crate::store::Tx) -> Result<ImportReport> {
        if !self.options.dry_run {
            let report = &self.report;
            let detail = json!({
                "complete": report.complete,
                "created": report.created,
                "updated": report.updated,
                "unchanged": report.unchanged,
                "deactivated": report.deactivated,
                "rejected_lines": report.rejected_lines,
            });
            let now = self.services.clock.now();
            note(&mut tx, &self.caller, now, "recipient.import", "recipients", &detail).await?;
            tx.commit().await?;
        }
        Ok(self.report)
    }

    fn read(&mut self, number: u64, line: Line) {
        let mut line = match line {
            Line::Whole(line) => line,
            Line::TooLong => {
                let detail = format!("a line has at most {LONGEST_LINE} bytes");
                return self.reject(number, &Value::Null, vec![Fault::new("", "too_long", detail)]);
            }
        };
        // Spreadsheets begin a file with a byte order mark.
        if number == 1 && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        if line.trim_ascii().is_empty() {
            return;
        }
        let record: Value = match serde_json::from_slice(&line) {
            Ok(record) => record,
            Err(error) => {
                let fault = if str::from_utf8(&line).is_ok() {
                    Fault::new("", "malformed", format!("{} at column {}", not_json(&error), error.column()))
                } else {
                    Fault::new("", "encoding", "this is not UTF-8")
                };
                let line = String::from_utf8_lossy(&line).into_owned();
                return self.reject(number, &Value::String(line), vec![fault]);
            }
        };
        match RecipientInput::read_record(&record) {
            Ok(person) => self.take(number, person, line.len()),
            Err(Error::Invalid(faults)) => {
                // Whoever stands in the file is not missing, however wrong the rest of the line is.
                if self.options.deactivate_missing
                    && let Some(id) = record.get("campus_id")
                {
                    self.present.extend(scalar(id));
                }
                self.reject(number, &record, faults);
            }
            Err(other) => self.reject(number, &record, vec![Fault::new("", "malformed", other.to_string())]),
        }
    }

    fn take(&mut self, number: u64, person: RecipientInput, bytes: usize) {
        let first = *self.taken.entry(self.hasher.hash_one(&person.campus_id)).or_insert(number);
        if first != number {
            let detail = format!("line {first} has the same campus id and was taken");
            let record = json!({ "campus_id": person.campus_id });
            return self.reject(number, &record, vec![Fault::new("/campus_id", "duplicate", detail)]);
        }
        if self.options.deactivate_missing {
            self.present.push(person.campus_id.clone());
        }
        self.batch_bytes += bytes;
        self.batch.push(person);
    }

    fn reject(&mut self, line: u64, record: &Value, faults: Vec<Fault>) {
        self.report.rejected_lines += 1;
        let room = MOST_REJECTED.saturating_sub(self.report.rejected.len());
        self.report.rejected.extend(faults.into_iter().take(room).map(|fault| Rejected {
            line,
            column: column(&fault.pointer),
            code: fault.code,
            value: record.pointer(&fault.pointer).and_then(shown),
            detail: fault.detail,
        }));
    }

    async fn flush(&mut self) -> Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = mem::take(&mut self.batch);
        self.batch_bytes = 0;
        let mut tx = self.services.db.begin().await?;
        let done = store::upsert(&mut tx, &batch, self.services.clock.now()).await?;
        if !self.options.dry_run {
            tx.commit().await?;
        }
        self.report.created += done.created;
        self.report.updated += done.updated;
        self.report.unchanged += done.unchanged;
        Ok(())
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

/// `/attributes/a~1b` → `attributes.a/b`.
fn column(pointer: &str) -> Option<String> {
    let path = pointer.strip_prefix('/')?;
    Some(path.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect::<Vec<_>>().join("."))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn shown(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => Cow::Borrowed(text.as_str()),
        other => Cow::Owned(other.to_string()),
    };
    Some(text.chars().take(LONGEST_VALUE).collect())
}
