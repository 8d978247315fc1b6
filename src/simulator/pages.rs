//! Pages of what a simulator keeps.

/// Rows on a page whose reader names no number.
const USUAL: usize = 50;

/// Newest first.
pub(super) struct Page<'k, T> {
    pub(super) rows: Vec<&'k T>,
    /// How many of what is kept match, on this page or any other.
    pub(super) matching: usize,
    /// The sequence that the next page begins before; none on the last.
    pub(super) older: Option<u64>,
}

/// Those of `kept`, the oldest first, that are wanted and older than `before`; at most `limit`, where 0 means 50.
pub(super) fn page<'k, T>(
    kept: impl DoubleEndedIterator<Item = &'k T>,
    before: Option<u64>,
    limit: usize,
    sequence: impl Fn(&T) -> u64,
    is_wanted: impl Fn(&T) -> bool,
) -> Page<'k, T> {
    let limit = if limit == 0 { USUAL } else { limit };
    let mut page = Page { rows: Vec::new(), matching: 0, older: None };
    for row in kept.rev().filter(|row| is_wanted(row)) {
        page.matching += 1;
        if before.is_some_and(|before| sequence(row) >= before) {
            continue;
        }
        if page.rows.len() < limit {
            page.rows.push(row);
        } else if page.older.is_none() {
            page.older = page.rows.last().map(|row| sequence(row));
        }
    }
    page
}
