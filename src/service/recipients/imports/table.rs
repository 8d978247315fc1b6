//! People out of CSV.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::format::Charset;
use super::record::{LONGEST, Record};
use super::report::{ReadAs, ReadColumn, Rejected, shortened};
use super::rows::{Cells, MOST_CELLS, Rows};
use super::text::Text;
use crate::domain::fields::{below, faults_of};
use crate::domain::recipient::{CellFault, Columns};
use crate::{Error, Result};

/// Bytes decoded at a time.
const PART: usize = 16 * 1024;
/// What spreadsheets separate cells by; which of them depends on the country.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// Cells that were mended after the file was made, by line and column from 0.
pub type Mended = BTreeMap<(u64, usize), String>;

/// What the columns of a table are for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fields {
    /// What their headers say.
    #[default]
    Guessed,
    /// A field for each, or nothing where it is passed over.
    Chosen(Vec<String>),
    /// Only the cells are looked at.
    Plain,
}

pub(super) struct Table {
    fields: Fields,
    mended: Arc<Mended>,
    text: Text,
    /// Text that is not cut into rows yet, from `at` on.
    pending: String,
    at: usize,
    is_ended: bool,
    head: Option<Head>,
}

/// What the first row says.
struct Head {
    rows: Rows,
    columns: Columns,
}

impl Table {
    pub(super) fn new(charset: Option<Charset>, fields: Fields, mended: Arc<Mended>) -> Self {
        Self {
            fields,
            mended,
            text: Text::new(charset),
            pending: String::new(),
            at: 0,
            is_ended: false,
            head: None,
        }
    }

    /// The next person in a piece; `None` where it is used up.
    ///
    /// # Errors
    ///
    /// As of [`next_row`](Self::next_row).
    pub(super) fn next(&mut self, piece: &mut &[u8]) -> Result<Option<Record>> {
        while let Some((line, cells)) = self.next_row(piece)? {
            if let Some(record) = self.record(line, &cells) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// What a row says; `None` where it is empty.
    pub(super) fn record(&self, line: u64, cells: &Cells) -> Option<Record> {
        self.head.as_ref()?.read(line, cells)
    }

    /// The next row below the header, and the line it begins on; `None` where the piece is used up.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where nobody can tell what the columns mean: the file as a whole has to be mended.
    pub(super) fn next_row(&mut self, piece: &mut &[u8]) -> Result<Option<(u64, Cells)>> {
        loop {
            if self.head.is_none() {
                self.find_head()?;
            }
            if let Some(head) = &mut self.head {
                let mut text = &self.pending.as_bytes()[self.at..];
                if let Some((line, cells)) = head.rows.next(&mut text) {
                    self.at = self.pending.len() - text.len();
                    return Ok(Some((line, mend(&self.mended, line, cells))));
                }
                self.pending.clear();
                self.at = 0;
            }
            if piece.is_empty() {
                return Ok(None);
            }
            let (part, rest) = piece.split_at(piece.len().min(PART));
            *piece = rest;
            self.text.push(part, false, &mut self.pending)?;
        }
    }

    /// No more pieces come; [`Self::next`] still has what was held back.
    pub(super) fn end(&mut self) -> Result<()> {
        if self.is_ended {
            return Ok(());
        }
        self.is_ended = true;
        self.text.push(&[], true, &mut self.pending)
    }

    /// The last row, where no end of a line follows it.
    pub(super) fn rest(&mut self) -> Option<Record> {
        let (line, cells) = self.rest_row()?;
        self.record(line, &cells)
    }

    /// As [`rest`](Self::rest), its cells alone.
    pub(super) fn rest_row(&mut self) -> Option<(u64, Cells)> {
        let (line, cells) = self.head.as_mut()?.rows.rest()?;
        Some((line, mend(&self.mended, line, cells)))
    }

    pub(super) fn columns(&self) -> Option<&Columns> {
        self.head.as_ref().map(|head| &head.columns)
    }

    pub(super) fn read_as(&self) -> Option<ReadAs> {
        let head = self.head.as_ref()?;
        let columns = head.columns.meanings();
        Some(ReadAs {
            sheet: None,
            charset: self.text.charset(),
            separator: head.rows.separator(),
            columns: columns.map(|(header, field)| ReadColumn { header: header.to_owned(), field }).collect(),
        })
    }

    /// Looks for the first row with a letter in it, by each separator until enough has come, and keeps to the separator by
    /// which most of it makes sense.
    fn find_head(&mut self) -> Result<()> {
        let is_enough = self.is_ended || self.pending.len() >= LONGEST;
        if !is_enough && !self.pending.contains(['\r', '\n']) {
            return Ok(());
        }
        let (separators, from) = match separator_line(&self.pending) {
            Some((separator, end)) => (vec![separator], end),
            None => (SEPARATORS.to_vec(), 0),
        };
        let text = &self.pending.as_bytes()[from..];
        let mut best: Option<((bool, usize, usize), First)> = None;
        for separator in separators {
            match First::find(separator, text, self.is_ended) {
                Some(first) => {
                    let fitness = Columns::fitness(&first.cells());
                    if best.as_ref().is_none_or(|(other, _)| fitness > *other) {
                        best = Some((fitness, first));
                    }
                }
                None if is_enough => {}
                None => return Ok(()),
            }
        }
        let Some((_, first)) = best else {
            let detail =
                "the file has no first row that names its columns, `学号`, `工号` or `campus_id` among them";
            return Err(Error::fault("", "no_header", detail));
        };
        let header = first.cells();
        let columns = match &self.fields {
            Fields::Guessed => Columns::read(&header),
            Fields::Chosen(fields) => Columns::chosen(&header, fields),
            Fields::Plain => Ok(Columns::plain(&header)),
        };
        let columns = columns.map_err(|error| {
            Error::Invalid(below(&format!("/{}", first.line), faults_of(error)).collect())
        })?;
        self.at = self.pending.len() - first.left;
        self.head = Some(Head { rows: first.rows, columns });
        Ok(())
    }
}

impl Head {
    /// `None`: an empty row.
    fn read(&self, line: u64, cells: &Cells) -> Option<Record> {
        let whole = |code: &'static str, detail: String| Record {
            line,
            bytes: 0,
            campus_id: None,
            read: Err(vec![Rejected {
                line,
                column: None,
                code: code.into(),
                value: None,
                detail,
                cell: None,
            }]),
        };
        let cells = match cells {
            Cells::Whole(cells) => cells,
            Cells::TooLong => {
                let detail = format!(
                    "a row has at most {LONGEST} bytes and {MOST_CELLS} cells; is a quotation mark in it that is not closed?"
                );
                return Some(whole("too_long", detail));
            }
            Cells::Unclosed => {
                let detail = "a cell begins with a quotation mark that is not closed before the end of the file; all \
                              below is part of the cell";
                return Some(whole("unclosed_quote", detail.to_owned()));
            }
        };
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let row = self.columns.row(&cells)?;
        let rejected = |faults: Vec<CellFault>| {
            let each = faults.into_iter().map(|it| Rejected {
                line,
                column: it.column,
                code: it.fault.code,
                value: it.value.as_deref().map(shortened),
                detail: it.fault.detail,
                cell: it.cell,
            });
            each.collect()
        };
        Some(Record {
            line,
            bytes: cells.iter().map(|cell| cell.len()).sum(),
            campus_id: row.campus_id,
            read: row.said.map_err(rejected),
        })
    }
}

/// The row with what was mended in it.
fn mend(mended: &Mended, line: u64, mut cells: Cells) -> Cells {
    if let (Cells::Whole(cells), false) = (&mut cells, mended.is_empty()) {
        for ((_, i), text) in mended.range((line, 0)..=(line, MOST_CELLS)) {
            let i = *i;
            if cells.len() <= i {
                cells.resize(i + 1, String::new());
            }
            cells[i].clone_from(text);
        }
    }
    cells
}

/// The first row, as one separator cuts it.
struct First {
    rows: Rows,
    line: u64,
    row: Vec<String>,
    /// Bytes after it.
    left: usize,
}

impl First {
    fn find(separator: u8, text: &[u8], is_all: bool) -> Option<Self> {
        let mut rows = Rows::new(separator, LONGEST);
        let mut left = text;
        loop {
            let next = rows.next(&mut left);
            let (line, cells) = if is_all { next.or_else(|| rows.rest()) } else { next }?;
            if let Cells::Whole(row) = cells
                && row.iter().any(|cell| cell.contains(char::is_alphanumeric))
            {
                return Some(Self { rows, line, row, left: left.len() });
            }
        }
    }

    fn cells(&self) -> Vec<&str> {
        self.row.iter().map(String::as_str).collect()
    }
}

/// `sep=;`, by which Excel tells itself: the separator, and where that line ends.
fn separator_line(text: &str) -> Option<(u8, usize)> {
    let (line, _) = text.split_once(['\r', '\n'])?;
    let (name, sign) = line.trim_matches('"').split_once('=')?;
    let [separator] = sign.as_bytes() else { return None };
    let is_one = name.eq_ignore_ascii_case("sep") && separator.is_ascii() && !matches!(separator, b'"');
    is_one.then_some((*separator, line.len()))
}
