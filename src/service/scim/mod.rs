//! The directory as identity systems keep it by SCIM: one more way to the people and groups of [`super::recipients`] and
//! [`super::groups`], with the same right.

pub mod groups;
pub mod users;

use super::Caller;
use super::recipients::require;
use crate::Result;
use crate::domain::operator::Permission;

/// Entries of a page.
pub const MOST_LISTED: u32 = 200;

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub start: i64,
    /// At most [`MOST_LISTED`]; 0 where only their number is wanted.
    pub count: u32,
}

/// A part of a list and how many there are in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    pub entries: Vec<T>,
    pub total: i64,
}

/// Whether somebody may ask at all.
pub fn admit(caller: &Caller) -> Result<()> {
    require(caller, Permission::DirectoryView)
}

/// Reckons the total from the part itself where its end is in it.
async fn listed<T>(
    part: Part,
    entries: Vec<T>,
    count: impl Future<Output = Result<i64>>,
) -> Result<Listed<T>> {
    let is_end = entries.len() < part.count as usize && (part.start == 1 || !entries.is_empty());
    let total = if is_end { part.start - 1 + entries.len() as i64 } else { count.await? };
    Ok(Listed { entries, total })
}
