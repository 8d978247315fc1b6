//! What a message says.

use std::sync::Arc;

/// A text ready for a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub title: Arc<str>,
    /// An HTML fragment.
    pub html: Arc<str>,
    pub plain: Arc<str>,
}
