//! How much may wait: files of each operator, and of all of them together, so that nobody fills the disk or the database.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use tokio::runtime::Handle;

use super::super::{Caller, Services};
use super::kept::Detail;
use super::{ARRIVING, ending, operator};
use crate::domain::id::{ImportId, OperatorId};
use crate::store::imports::{self as store, ImportRow};
use crate::store::operators;
use crate::{Error, Result};

/// Files of one operator that wait, with those on their way.
const MOST_WAITING: usize = 10;
/// Files of one operator that are on their way at once.
const MOST_ARRIVING: usize = 3;
/// Files that wait, whoever handed them in, with those on their way.
const MOST_IN_ALL: usize = 100;
/// Bytes of them. A table that a sheet was written into may have 512 MiB.
const MOST_BYTES: u64 = 2 << 30;
/// Bytes that one on its way is taken for: what a request may bring.
const LARGEST: u64 = 64 << 20;

/// That a file is on its way to this process. It has an import already, which nobody sees yet: it takes its room, and whoever is
/// erased from now on is noted beside it. Unless it [stays](Arrival::stays) it goes with this.
pub(super) struct Arrival {
    services: Services,
    pub(super) id: ImportId,
    is_over: bool,
}

impl Arrival {
    /// The file is here, and its import has a stage that people see.
    pub(super) fn stays(mut self) {
        self.is_over = true;
    }

    /// Gives its room back. Whether that is done; it is tried once more otherwise, and again by [`super::prune`].
    pub(super) async fn goes(mut self) -> bool {
        match ending::take_back(&self.services, self.id).await {
            Ok(()) => self.is_over = true,
            Err(error) => {
                let import = self.id;
                tracing::warn!(%error, %import, "an import stays, of which nobody was told, until its time is over");
            }
        }
        self.is_over
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let id = self.id;
        self.services.imports.with(|running| running.remove(&id));
        // Whoever sent it went away in its midst, in whichever part of the program.
        if let (false, Ok(runtime)) = (self.is_over, Handle::try_current()) {
            let s = self.services.clone();
            let gone = async move {
                if let Err(error) = ending::take_back(&s, id).await {
                    tracing::warn!(%error, import = %id, "a file that did not come keeps its room for an hour");
                }
            };
            self.services.background.spawn_on(gone, &runtime);
        }
    }
}

/// Takes room for a file that is about to come.
///
/// # Errors
///
/// [`Error::Invalid`] where as many wait as may: `too_many_waiting` or `too_many_arriving` of whoever asks, `no_room` of all.
pub(super) async fn take(s: &Services, operator: OperatorId, file_name: &str) -> Result<Arrival> {
    let detail = Detail { size: Some(LARGEST), ..Detail::default() }.to_value()?;
    let mut tx = s.db.begin().await?;
    let id = store::insert(&mut tx, operator, file_name, ARRIVING, &detail, s.clock.now()).await?;
    tx.commit().await?;
    let arrival = Arrival { services: s.clone(), id, is_over: false };
    s.imports.with(|running| running.insert(id));
    // Once it is there itself: of two that come at once, at whichever nodes, each is counted by one of them.
    if let Err(full) = has_room(s, operator).await {
        arrival.goes().await;
        return Err(full);
    }
    Ok(arrival)
}

async fn has_room(s: &Services, operator: OperatorId) -> Result<()> {
    let coming = s.imports.coming.load(Ordering::Relaxed);
    let waiting = store::waiting(&s.db).await?;
    let own: Vec<_> = waiting.iter().filter(|row| row.operator_id == operator).collect();
    if own.len() > MOST_WAITING {
        let why = format!("{MOST_WAITING} files of yours wait here: run one of them, or discard it");
        return Err(Error::fault("/file", "too_many_waiting", why));
    }
    if own.iter().filter(|row| row.stage == ARRIVING).count() > MOST_ARRIVING {
        let why = format!("{MOST_ARRIVING} files of yours are on their way: wait until one of them is here");
        return Err(Error::fault("/file", "too_many_arriving", why));
    }
    if waiting.len() > MOST_IN_ALL || bytes(&waiting, None) + coming > MOST_BYTES {
        return Err(none_left());
    }
    Ok(())
}

/// Room for a table that was written from a sheet at this process, until its import says how large it is.
pub(super) struct Reserved {
    services: Services,
    size: u64,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.services.imports.coming.fetch_sub(self.size, Ordering::Relaxed);
    }
}

/// Takes room for a table beside all that waits, and in the place of the workbook of its import.
///
/// # Errors
///
/// [`Error::Invalid`] where there is none: `no_room`.
pub(super) async fn reserve(s: &Services, import: ImportId, size: u64) -> Result<Reserved> {
    // Before those that wait are looked at: of two at once each is counted by one of them.
    let coming = s.imports.coming.fetch_add(size, Ordering::Relaxed) + size;
    let reserved = Reserved { services: s.clone(), size };
    let waiting = store::waiting(&s.db).await?;
    if bytes(&waiting, Some(import)) + coming > MOST_BYTES { Err(none_left()) } else { Ok(reserved) }
}

fn none_left() -> Error {
    let why = format!(
        "{MOST_IN_ALL} files, or {} GiB of them, wait here for all administrators together: run or discard some that wait",
        MOST_BYTES >> 30
    );
    Error::fault("/file", "no_room", why)
}

/// Bytes of files that wait, but for those of one import. Earlier versions did not note them before the first pass.
fn bytes(waiting: &[ImportRow], except: Option<ImportId>) -> u64 {
    let size = |row: &ImportRow| {
        let noted = Detail::of(row).ok().and_then(|detail| detail.size);
        noted.unwrap_or_else(|| row.size.unsigned_abs())
    };
    waiting.iter().filter(|row| Some(row.id) != except).map(size).sum()
}

/// Whose files wait, and how many, those with the most first: whoever finds no room asks them. What is on its way is nobody's to
/// run or discard.
pub async fn holders(s: &Services, caller: &Caller) -> Result<Vec<(String, usize)>> {
    operator(caller)?;
    let mut counts: BTreeMap<OperatorId, usize> = BTreeMap::new();
    for row in store::waiting(&s.db).await?.into_iter().filter(|row| row.stage != ARRIVING) {
        *counts.entry(row.operator_id).or_default() += 1;
    }
    let operators = operators::list(&s.db).await?;
    let mut holders: Vec<_> =
        operators.into_iter().filter_map(|row| Some((row.name, counts.remove(&row.id)?))).collect();
    holders.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    Ok(holders)
}
