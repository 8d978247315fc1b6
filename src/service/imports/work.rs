//! The passes through a file: trying it, and running it. A pass goes on whoever looks.

use std::path::Path;

use tracing::Instrument as _;

use super::super::recipients::{Watch, import_file};
use super::super::{Caller, Services};
use super::kept::{Detail, KeptFault, KeptReport};
use super::{Stage, busy, expect, files, own, shared};
use crate::domain::id::ImportId;
use crate::store::import_pieces;
use crate::store::imports::{self as store, ImportRow};
use crate::{Error, Result};

/// Tries the file anew.
pub async fn try_out(s: &Services, caller: &Caller, id: ImportId) -> Result<()> {
    let (row, detail) = own(s, caller, id).await?;
    expect(s, &row, &[Stage::Tried, Stage::BrokenOff])?;
    start(s, caller, row, detail, Stage::Trying).await
}

/// Keeps what the file says. After a pass that broke off it begins at the beginning: what was kept is found unchanged.
pub async fn run(s: &Services, caller: &Caller, id: ImportId) -> Result<()> {
    let (row, detail) = own(s, caller, id).await?;
    expect(s, &row, &[Stage::Tried, Stage::BrokenOff])?;
    start(s, caller, row, detail, Stage::Running).await
}

/// That a pass is at an import here. However it ends, also when whoever asked for it went away before it began or it
/// panicked, the import is free again.
struct Mark {
    services: Services,
    id: ImportId,
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.services.imports.with(|running| running.remove(&self.id));
    }
}

/// Begins a pass.
pub(super) async fn start(
    s: &Services,
    caller: &Caller,
    mut row: ImportRow,
    detail: Detail,
    stage: Stage,
) -> Result<()> {
    let path = shared::here(s, row.id, detail.file.as_deref(), detail.size).await?;
    let size = files::size(&path).await?;
    (row.position, row.size) = (0, size as i64);
    let id = row.id;
    // Before it is kept that something runs: nobody is to find a pass that nobody is at.
    if !s.imports.with(|running| running.insert(id)) {
        return Err(busy());
    }
    let mark = Mark { services: s.clone(), id };
    let mut tx = s.db.begin().await?;
    if !store::update(&mut tx, &row, stage.name(), &detail.to_value()?, s.clock.now()).await? {
        return Err(busy());
    }
    tx.commit().await?;
    stage.name().clone_into(&mut row.stage);
    row.edition += 1;
    let caller = caller.clone();
    let pass = async move {
        let done = pass(&mark.services, &caller, row, detail, &path).await;
        mark.services.attributes.forget();
        if let Err(error) = done {
            tracing::error!(%error, "what became of an import was not kept");
        }
    };
    s.background.spawn(pass.in_current_span());
    Ok(())
}

async fn pass(
    s: &Services,
    caller: &Caller,
    mut row: ImportRow,
    mut detail: Detail,
    path: &Path,
) -> Result<()> {
    let is_dry = row.stage == Stage::Trying.name();
    let mut options = detail.options(is_dry);
    options.watch = Some(Watch { import: row.id, edition: row.edition });
    let stage = match import_file(s, caller, path, detail.format(), options).await {
        Ok(report) => {
            detail.refused.clear();
            detail.report = Some(KeptReport::from(report));
            if is_dry { Stage::Tried } else { Stage::Done }
        }
        Err(error) => {
            detail.report = None;
            detail.refused = refused(error);
            Stage::Failed
        }
    };
    let is_finished =
        stage == Stage::Done && detail.report.as_ref().is_some_and(|report| report.rejected_lines == 0);
    if is_finished {
        detail = detail.without_people();
        row.forgotten = true;
    }
    row.position = row.size;
    let mut tx = s.db.begin().await?;
    let is_kept = store::update(&mut tx, &row, stage.name(), &detail.to_value()?, s.clock.now()).await?;
    if is_kept && is_finished {
        import_pieces::delete_all(&mut tx, row.id).await?;
    }
    tx.commit().await?;
    if !is_kept {
        tracing::warn!(import = %row.id, "an import went on without this pass, which had been silent for long");
    } else if is_finished {
        files::remove(path).await;
    }
    Ok(())
}

/// Why nothing came of it, in the form of a fault.
fn refused(error: Error) -> Vec<KeptFault> {
    let fault = |code: String, detail: String| KeptFault {
        line: 0,
        column: None,
        cell: None,
        code,
        value: None,
        detail,
    };
    match error {
        Error::Invalid(faults) => {
            faults.into_iter().map(|it| fault(it.code.into_owned(), it.detail)).collect()
        }
        other => {
            tracing::error!(error = %other, "an import broke off");
            vec![fault(
                "import_failed".to_owned(),
                "something went wrong here; what was kept is kept".to_owned(),
            )]
        }
    }
}
