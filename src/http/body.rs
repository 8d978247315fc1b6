//! How much of a body is read.

/// What a body may hold where nothing else is said.
pub const SMALL: usize = 1024 * 1024;
/// What a batch, or a message with variables per recipient, may hold.
pub const LARGE: usize = 16 * SMALL;
