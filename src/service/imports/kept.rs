//! What is remembered of an import between its steps.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::recipients::{Doubt, Fields, Format, ImportOptions, ImportReport, Mended, Rejected, Sheet};
use crate::domain::recipient::campus_id_in;
use crate::store::imports::ImportRow;
use crate::{Error, Result};

/// Everything but where it stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Detail {
    /// The name of the file that is read: a table, or lines of JSON.
    pub(super) file: Option<String>,
    /// Of the workbook while its sheet is not chosen.
    pub(super) workbook: Option<String>,
    /// Bytes of whichever of the two there is.
    pub(super) size: Option<u64>,
    pub(super) is_json: bool,
    pub(super) sheets: Vec<String>,
    pub(super) sheet: Option<Sheet>,
    pub(super) header: Vec<String>,
    pub(super) sample: Vec<Vec<String>>,
    pub(super) fields: Vec<String>,
    /// Somebody said what the columns are for, and the next file like it is read so.
    pub(super) was_chosen: bool,
    pub(super) deactivate_missing: bool,
    #[serde(with = "cells")]
    pub(super) mended: BTreeMap<(u64, usize), String>,
    pub(super) report: Option<KeptReport>,
    pub(super) refused: Vec<KeptFault>,
}

/// What became of the file's records, or would.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeptReport {
    pub dry_run: bool,
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub deactivated: u64,
    /// Nobody was deactivated though that was asked for: some rows do not say whom they are about.
    pub nobody_deactivated: bool,
    pub rejected_lines: u64,
    /// Rows passed over: whoever they are about was erased while the file waited.
    #[serde(default)]
    pub erased: u64,
    pub rejected: Vec<KeptFault>,
    /// Campus ids of the rows in `rejected`, by line, as far as they can be read.
    #[serde(default)]
    pub whose: BTreeMap<u64, String>,
    pub unlisted: u64,
    pub doubts: Vec<Doubt>,
}

/// One fault of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFault {
    pub line: u64,
    pub column: Option<String>,
    /// The cell of a table, from 0.
    pub cell: Option<usize>,
    pub code: String,
    pub value: Option<String>,
    pub detail: String,
}

impl From<Rejected> for KeptFault {
    fn from(fault: Rejected) -> Self {
        Self {
            line: fault.line,
            column: fault.column,
            cell: fault.cell,
            code: fault.code.into_owned(),
            value: fault.value,
            detail: fault.detail,
        }
    }
}

impl From<ImportReport> for KeptReport {
    fn from(report: ImportReport) -> Self {
        Self {
            dry_run: report.dry_run,
            created: report.created,
            updated: report.updated,
            unchanged: report.unchanged,
            deactivated: report.deactivated,
            nobody_deactivated: report.not_deactivated.is_some(),
            rejected_lines: report.rejected_lines,
            erased: report.erased,
            rejected: report.rejected.into_iter().map(KeptFault::from).collect(),
            whose: report.whose,
            unlisted: report.rejected_unlisted,
            doubts: report.doubts,
        }
    }
}

impl Detail {
    pub(super) fn of(row: &ImportRow) -> Result<Self> {
        serde_json::from_value(row.detail.0.clone()).map_err(Error::internal)
    }

    pub(super) fn to_value(&self) -> Result<Value> {
        serde_json::to_value(self).map_err(Error::internal)
    }

    pub(super) fn mended(&self) -> Arc<Mended> {
        Arc::new(self.mended.clone())
    }

    pub(super) fn format(&self) -> Format {
        if self.is_json { Format::Ndjson } else { Format::CSV }
    }

    pub(super) fn options(&self, dry_run: bool) -> ImportOptions {
        ImportOptions {
            dry_run,
            deactivate_missing: self.deactivate_missing,
            fields: if self.is_json { Fields::Guessed } else { Fields::Chosen(self.fields.clone()) },
            mended: self.mended(),
            sheet: self.sheet.clone(),
            watch: None,
        }
    }

    /// Leaves out what is shown of whoever was erased since: rows at the beginning, and what a trial of before found wrong.
    pub(super) fn leave_out(&mut self, erased: &[String]) {
        let is_theirs = |cell: &String| campus_id_in(cell).is_some_and(|id| erased.contains(&id));
        self.sample.retain(|cells| !cells.iter().any(is_theirs));
        let Some(report) = &mut self.report else { return };
        let is_theirs = |line: &u64| report.whose.get(line).is_some_and(|id| erased.contains(id));
        report.rejected.retain(|fault| !is_theirs(&fault.line));
        let before = report.whose.len();
        report.whose.retain(|_, id| !erased.contains(id));
        report.rejected_lines = report.rejected_lines.saturating_sub((before - report.whose.len()) as u64);
    }

    /// What may be remembered once the file is gone.
    pub(super) fn without_people(&self) -> Self {
        let report = self.report.clone().map(|report| KeptReport {
            rejected: Vec::new(),
            whose: BTreeMap::new(),
            ..report
        });
        Self {
            header: self.header.clone(),
            fields: self.fields.clone(),
            was_chosen: self.was_chosen,
            is_json: self.is_json,
            deactivate_missing: self.deactivate_missing,
            report,
            ..Self::default()
        }
    }
}

/// JSON has no keys that are pairs.
mod cells {
    use std::collections::BTreeMap;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(
        cells: &BTreeMap<(u64, usize), String>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        cells.iter().map(|((line, cell), text)| (line, cell, text)).collect::<Vec<_>>().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeMap<(u64, usize), String>, D::Error> {
        let cells = Vec::<(u64, usize, String)>::deserialize(from)?;
        Ok(cells.into_iter().map(|(line, cell, text)| ((line, cell), text)).collect())
    }
}
