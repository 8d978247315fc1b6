//! How much may wait: files of each operator, and of all of them together, so that nobody fills the disk or the database.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::super::{Caller, Services};
use super::kept::Detail;
use super::operator;
use crate::domain::id::OperatorId;
use crate::store::imports::{self as store, ImportRow};
use crate::store::operators;
use crate::{Error, Result};

/// Files of one operator that wait.
const MOST_WAITING: usize = 10;
/// Files that wait, whoever handed them in, with those on their way to this process.
const MOST_IN_ALL: usize = 100;
/// Bytes of them. A table that a sheet was written into may have 512 MiB.
const MOST_BYTES: u64 = 2 << 30;
/// Bytes that one on its way is taken for: what a request may bring.
const LARGEST: u64 = 64 << 20;

/// That a file is on its way to this process. However that ends, its room is free again.
pub(super) struct Arrival {
    services: Services,
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.services.imports.arriving.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Takes room for a file that is about to come, until its import has a row.
///
/// # Errors
///
/// [`Error::Invalid`] where as many wait as may: `too_many_waiting` of whoever asks, `no_room` of all.
pub(super) async fn take(s: &Services, operator: OperatorId) -> Result<Arrival> {
    // Before those that wait are counted: of two that come at once each is counted by one of them.
    let others = s.imports.arriving.fetch_add(1, Ordering::Relaxed);
    let arrival = Arrival { services: s.clone() };
    let waiting = store::waiting(&s.db).await?;
    if waiting.iter().filter(|row| row.operator_id == operator).count() >= MOST_WAITING {
        let why = format!("{MOST_WAITING} files of yours wait here: run one of them, or discard it");
        return Err(Error::fault("/file", "too_many_waiting", why));
    }
    let coming = LARGEST * (others as u64 + 1);
    if others + waiting.len() >= MOST_IN_ALL || bytes(&waiting) + coming > MOST_BYTES {
        return Err(none_left());
    }
    Ok(arrival)
}

/// Whether a table that was written from a sheet may wait beside all that does.
///
/// # Errors
///
/// [`Error::Invalid`] where it may not: `no_room`.
pub(super) async fn fits(s: &Services, size: u64) -> Result<()> {
    let waiting = store::waiting(&s.db).await?;
    if bytes(&waiting) + size > MOST_BYTES { Err(none_left()) } else { Ok(()) }
}

fn none_left() -> Error {
    let why = format!(
        "{MOST_IN_ALL} files, or {} GiB of them, wait here for all administrators together: run or discard some that wait",
        MOST_BYTES >> 30
    );
    Error::fault("/file", "no_room", why)
}

/// Bytes of files that wait. Earlier versions did not note them before the first pass.
fn bytes(waiting: &[ImportRow]) -> u64 {
    let size = |row: &ImportRow| {
        let noted = Detail::of(row).ok().and_then(|detail| detail.size);
        noted.unwrap_or_else(|| row.size.unsigned_abs())
    };
    waiting.iter().map(size).sum()
}

/// Whose files wait, and how many, those with the most first: whoever finds no room asks them.
pub async fn holders(s: &Services, caller: &Caller) -> Result<Vec<(String, usize)>> {
    operator(caller)?;
    let mut counts: BTreeMap<OperatorId, usize> = BTreeMap::new();
    for row in store::waiting(&s.db).await? {
        *counts.entry(row.operator_id).or_default() += 1;
    }
    let operators = operators::list(&s.db).await?;
    let mut holders: Vec<_> =
        operators.into_iter().filter_map(|row| Some((row.name, counts.remove(&row.id)?))).collect();
    holders.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    Ok(holders)
}
