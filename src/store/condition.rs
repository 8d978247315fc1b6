//! The `WHERE` of a list with optional filters: only what was asked for is in the text, so that indexes are used.

/// A value to bind, in the order of its number.
#[derive(Clone, Debug)]
pub(super) enum Bind {
    Int(i64),
    Text(String),
}

impl From<i64> for Bind {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Bind {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

/// Conditions that all must hold.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    texts: Vec<String>,
    pub(super) binds: Vec<Bind>,
}

impl Conditions {
    /// Adds a condition in which every `?` stands for the one value.
    pub(super) fn and(&mut self, text: &str, value: impl Into<Bind>) {
        self.binds.push(value.into());
        self.texts.push(text.replace('?', &format!("${}", self.binds.len())));
    }

    /// A value's number, for texts of the caller's own.
    pub(super) fn bind(&mut self, value: impl Into<Bind>) -> usize {
        self.binds.push(value.into());
        self.binds.len()
    }

    /// Adds a condition in which `?` stands for the first value and `??` for the second.
    pub(super) fn and2(&mut self, text: &str, first: impl Into<Bind>, second: impl Into<Bind>) {
        self.binds.push(second.into());
        let text = text.replace("??", &format!("${}", self.binds.len()));
        self.and(&text, first);
    }

    /// Adds a condition on constants.
    pub(super) fn and_literal(&mut self, text: impl Into<String>) {
        self.texts.push(text.into());
    }

    /// `WHERE …`, or nothing.
    pub(super) fn clause(&self) -> String {
        if self.texts.is_empty() { String::new() } else { format!("WHERE {}", self.texts.join(" AND ")) }
    }

    /// As [`clause`](Self::clause), with one more condition on constants.
    pub(super) fn clause_and(&self, text: &str) -> String {
        let texts: Vec<_> = self.texts.iter().map(String::as_str).chain([text]).collect();
        format!("WHERE {}", texts.join(" AND "))
    }
}

/// Binds every value in order to a query of either database.
macro_rules! bind_all {
    ($query:expr, $binds:expr) => {{
        let mut query = $query;
        for bind in $binds {
            query = match bind {
                $crate::store::condition::Bind::Int(value) => query.bind(value),
                $crate::store::condition::Bind::Text(value) => query.bind(value),
            };
        }
        query
    }};
}
pub(super) use bind_all;
