//! Topics and the patterns that match them.

/// A pattern over topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPattern(pub String);
