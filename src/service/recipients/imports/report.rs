//! What an import tells of a file.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Faults listed in the report.
const MOST_REJECTED: usize = 1_000;
/// Characters of a rejected value that the report repeats.
const LONGEST_VALUE: usize = 200;

/// What became of a file's records: those that are not empty are created, updated, unchanged or rejected.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ImportReport {
    pub dry_run: bool,
    /// The file was read to its end.
    pub complete: bool,
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub deactivated: u64,
    /// Why nobody was deactivated, where that was asked for and would have been wrong.
    pub not_deactivated: Option<String>,
    /// Lines of NDJSON and rows of CSV with a fault; their faults are in `rejected`, up to a thousand of them.
    pub rejected_lines: u64,
    /// Records passed over because whoever they are about was erased while the file waited; none of a file that is read as it
    /// comes.
    #[serde(skip)]
    pub erased: u64,
    pub rejected: Vec<Rejected>,
    /// Campus ids of the records in `rejected`, by line, as far as they can be read.
    #[serde(skip)]
    pub whose: BTreeMap<u64, String>,
    /// Faults beyond those listed.
    pub rejected_unlisted: u64,
    /// What a spreadsheet may have lost of a workbook's numbers before; look at these columns.
    pub doubts: Vec<Doubt>,
    /// How a table was read; nothing for NDJSON.
    pub read_as: Option<ReadAs>,
}

/// One fault of one record.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Rejected {
    /// The line of the file it begins on, from 1.
    pub line: u64,
    /// The column's header in the file, or the field, such as `email` or `attributes.year`; nothing where the record as a
    /// whole is wrong.
    pub column: Option<String>,
    pub code: Cow<'static, str>,
    /// The beginning of what stands there.
    pub value: Option<String>,
    pub detail: String,
    /// The cell of a table, from 0.
    #[serde(skip)]
    pub cell: Option<usize>,
}

/// What may have been lost before the file was made, and nobody can see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Doubt {
    /// The column's header in the file.
    #[schema(example = "学号")]
    pub column: String,
    /// `zeros_lost` or `digits_lost`.
    pub code: Cow<'static, str>,
    /// Cells it may be true of.
    pub cells: u64,
    pub detail: String,
}

/// What a CSV file was taken for. A header that means no field became an attribute: see here whether that was meant.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ReadAs {
    /// Of a workbook, which then stands for a table in UTF-8 with commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    #[schema(example = "gb18030")]
    pub charset: &'static str,
    #[schema(value_type = String, example = ",")]
    pub separator: char,
    pub columns: Vec<ReadColumn>,
}

#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ReadColumn {
    #[schema(example = "手机号")]
    pub header: String,
    #[schema(example = "mobile")]
    pub field: String,
}

impl ImportReport {
    /// Records that were taken.
    pub const fn taken(&self) -> u64 {
        self.created + self.updated + self.unchanged
    }

    /// Of one record, about `whom` as far as that can be read.
    pub(super) fn reject(&mut self, whom: Option<String>, faults: Vec<Rejected>) {
        self.rejected_lines += 1;
        let room = MOST_REJECTED.saturating_sub(self.rejected.len());
        if let (Some(whom), Some(fault), true) = (whom, faults.first(), room > 0) {
            self.whose.insert(fault.line, whom);
        }
        self.rejected_unlisted += faults.len().saturating_sub(room) as u64;
        self.rejected.extend(faults.into_iter().take(room));
    }
}

/// The beginning of a value.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(LONGEST_VALUE).collect()
}
