//! People out of a workbook: one of its sheets is written down as a table, row by row on the same lines, and read as any
//! other. What a spreadsheet keeps as a number, a date or a formula becomes the text that tells it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use calamine::{DataRef, ExcelDateTime, Reader as _, SheetType, SheetVisible, Xlsx};
use serde::{Deserialize, Serialize};

use super::archive::{broken, too_large, unpack};
use super::rows::MOST_CELLS;
use crate::{Error, Result};

/// Rows of a sheet, as Excel has them.
const MOST_ROWS: u32 = 1_048_576;
/// Cells that say something.
const MOST_FILLED: u64 = 30_000_000;
/// Bytes of a sheet as a table.
const LONGEST: u64 = 512 * 1024 * 1024;
/// Digits that a number keeps for certain.
const WHOLE: f64 = 1e15;

/// What a workbook's sheet was written down as.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    pub name: String,
    /// By column, from 0.
    numbers: BTreeMap<usize, Numbers>,
}

/// The whole numbers of a column that a spreadsheet keeps as numbers and not as texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Numbers {
    /// How many there are by their digits.
    by_digits: BTreeMap<usize, u64>,
    /// The longest text of digits beside them.
    longest_text: usize,
    /// Long ones that end in many zeros.
    rounded: u64,
}

impl Sheet {
    /// How many numbers of a column have fewer digits than others, so that zeros at their front may be lost; and how many
    /// end in so many zeros that their last digits may be.
    pub(super) fn doubts(&self, column: usize) -> (u64, u64) {
        let Some(numbers) = self.numbers.get(&column) else { return (0, 0) };
        let longest = numbers.by_digits.keys().next_back().copied().unwrap_or_default();
        let longest = longest.max(numbers.longest_text);
        let shorter = numbers.by_digits.range(longest.saturating_sub(3)..longest).map(|(_, n)| n).sum();
        (shorter, numbers.rounded)
    }
}

/// Whether a file's name says that it is a workbook.
pub fn is_workbook(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("xlsx"))
}

/// A workbook whose archive was checked and unpacked beside it.
pub(super) struct Workbook(Xlsx<File>);

impl Workbook {
    /// Opens the workbook `path`. What is unpacked of it stands at `scratch` as long as it is read.
    pub(super) fn open(path: &Path, scratch: &Path) -> Result<Self> {
        let mut from = File::open(path).map_err(Error::internal)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(0o600);
        let mut into = options.open(scratch).map_err(Error::internal)?;
        // It stays readable until it is closed, and leaves nothing behind.
        std::fs::remove_file(scratch).map_err(Error::internal)?;
        unpack(&mut from, &mut into)?;
        Xlsx::new(into).map(Self).map_err(|_| broken())
    }

    /// The sheets that people see, in their order.
    pub(super) fn sheets(&self) -> Vec<String> {
        let seen = self.0.sheets_metadata().iter();
        seen.filter(|sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible)
            .map(|sheet| sheet.name.clone())
            .collect()
    }

    /// Writes a sheet down as a table at `into`.
    pub(super) fn write(&mut self, sheet: &str, into: &Path) -> Result<Sheet> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(into);
        let mut table = TableWriter::new(file.map_err(Error::internal)?);
        let mut cells = self.0.worksheet_cells_reader(sheet).map_err(|_| broken())?;
        while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(|_| broken())? {
            let text = match &cell.formula {
                Some(_) => Cell::Text(formula(&cell)),
                None => shown(&cell.value),
            };
            table.put(cell.pos, text)?;
        }
        Ok(Sheet { name: sheet.to_owned(), numbers: table.finish()? })
    }
}

enum Cell {
    Nothing,
    Text(String),
    /// A whole number of which every digit is certain.
    Whole(String),
}

fn formula(cell: &calamine::XlsxCellFormulaMetadataRecord<'_>) -> String {
    let text = match &cell.formula {
        Some(
            calamine::XlsxFormulaMetadata::Normal { formula }
            | calamine::XlsxFormulaMetadata::Shared { formula, .. },
        ) => formula.as_str(),
        _ => "…",
    };
    format!("={text}")
}

fn shown(value: &DataRef<'_>) -> Cell {
    match value {
        DataRef::Empty => Cell::Nothing,
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            Cell::Text(text.clone())
        }
        DataRef::SharedString(text) => Cell::Text((*text).to_owned()),
        DataRef::Int(number) => Cell::Whole(number.to_string()),
        DataRef::Float(number) if number.fract() == 0.0 && number.abs() < WHOLE => {
            Cell::Whole((*number as i64).to_string())
        }
        // Beyond what a number keeps; it is told as the spreadsheet would show it.
        DataRef::Float(number) if number.fract() == 0.0 && number.is_finite() => {
            let text = format!("{number:.5e}");
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            Cell::Text(format!("{mantissa}E+{exponent:0>2}"))
        }
        DataRef::Float(number) => Cell::Text(number.to_string()),
        DataRef::Bool(is) => Cell::Text(is.to_string()),
        DataRef::DateTime(moment) => Cell::Text(date(moment)),
        DataRef::Error(error) => Cell::Text(error.to_string()),
    }
}

/// `2026-09-01`, with the time of day where there is one; a time alone as it is.
fn date(moment: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let time = if second == 0 {
        format!("{hour:02}:{minute:02}")
    } else {
        format!("{hour:02}:{minute:02}:{second:02}")
    };
    let date = format!("{year:04}-{month:02}-{day:02}");
    match (moment.is_duration() || moment.as_f64() < 1.0, moment.as_f64().fract() == 0.0) {
        (true, _) => time,
        (false, true) => date,
        (false, false) => format!("{date} {time}"),
    }
}

struct TableWriter {
    into: BufWriter<File>,
    row: Vec<String>,
    /// The row being put together, from 0.
    number: u32,
    filled: u64,
    written: u64,
    numbers: BTreeMap<usize, Numbers>,
}

impl TableWriter {
    fn new(file: File) -> Self {
        Self {
            into: BufWriter::new(file),
            row: Vec::new(),
            number: 0,
            filled: 0,
            written: 0,
            numbers: BTreeMap::new(),
        }
    }

    fn put(&mut self, (row, column): (u32, u32), cell: Cell) -> Result<()> {
        let column = column as usize;
        let text = match cell {
            Cell::Nothing => return Ok(()),
            Cell::Text(text) => {
                if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && column < MOST_CELLS {
                    let numbers = self.numbers.entry(column).or_default();
                    numbers.longest_text = numbers.longest_text.max(text.len());
                }
                text
            }
            Cell::Whole(text) => {
                if column < MOST_CELLS {
                    let numbers = self.numbers.entry(column).or_default();
                    *numbers.by_digits.entry(text.len()).or_default() += 1;
                    numbers.rounded += u64::from(text.len() >= 9 && text.ends_with("00000"));
                }
                text
            }
        };
        self.filled += 1;
        if column >= MOST_CELLS {
            let detail = format!("a sheet has at most {MOST_CELLS} columns that are filled in");
            return Err(Error::fault("", "too_many_columns", detail));
        }
        if row < self.number || row >= MOST_ROWS {
            return Err(broken());
        }
        if self.filled > MOST_FILLED {
            return Err(too_large());
        }
        while self.number < row {
            self.end_row()?;
        }
        if self.row.len() <= column {
            self.row.resize(column + 1, String::new());
        }
        self.row[column] = text;
        Ok(())
    }

    /// Rows stay on their lines: line breaks within a cell become spaces, and empty rows empty lines.
    fn end_row(&mut self) -> Result<()> {
        let cells: Vec<_> = self
            .row
            .drain(..)
            .map(|cell| {
                let line: String =
                    cell.chars().map(|c| if matches!(c, '\r' | '\n') { ' ' } else { c }).collect();
                format!("\"{}\"", line.replace('"', "\"\""))
            })
            .collect();
        let line = cells.join(",") + "\n";
        self.written += line.len() as u64;
        if self.written > LONGEST {
            return Err(too_large());
        }
        self.number += 1;
        self.into.write_all(line.as_bytes()).map_err(Error::internal)
    }

    fn finish(mut self) -> Result<BTreeMap<usize, Numbers>> {
        self.end_row()?;
        self.into.flush().map_err(Error::internal)?;
        Ok(self.numbers)
    }
}
