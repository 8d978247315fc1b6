//! The directory as identity systems keep it by SCIM: one more way to the people and groups of [`super::recipients`] and
//! [`super::groups`], with the same right.

pub mod groups;
pub mod users;

use super::Caller;
use super::recipients::require;
use crate::Result;
use crate::domain::operator::Permission;
use crate::domain::scim::order::Order;
use crate::domain::scim::question::Condition;

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

/// What is asked of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked<F> {
    /// True of all that are wanted.
    pub condition: Condition<F>,
    /// None: as they came.
    pub order: Option<Order<F>>,
    pub part: Part,
}

/// A part of a list and how many there are in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    pub entries: Vec<T>,
    pub total: i64,
}

impl<T> Listed<T> {
    /// The same with something made of each entry.
    pub fn map<U>(self, each: impl FnMut(T) -> Result<U>) -> Result<Listed<U>> {
        let entries = self.entries.into_iter().map(each).collect::<Result<_>>()?;
        Ok(Listed { entries, total: self.total })
    }
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
