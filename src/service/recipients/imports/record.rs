//! One record of a file, whatever it is written in.

use super::report::Rejected;
use crate::domain::recipient::RecipientInput;

/// Bytes of a record.
pub(super) const LONGEST: usize = 64 * 1024;

pub(super) struct Record {
    /// The line of the file it begins on.
    pub(super) line: u64,
    pub(super) bytes: usize,
    /// Whom it is about, as far as that can be read: whoever stands in the file is not missing, however wrong the rest of
    /// the record is.
    pub(super) campus_id: Option<String>,
    pub(super) read: Result<RecipientInput, Vec<Rejected>>,
}
