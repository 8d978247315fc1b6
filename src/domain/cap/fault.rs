//! What is wrong with an alert.

use std::fmt;

/// Whether a fault keeps an alert out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It can be acted on as it is; whoever looks at it should know.
    Warning,
    /// What it means, of which others it speaks or whom it is for is not certain: it is refused.
    Error,
}

/// One thing wrong with an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it stands, as an `XPath` without prefixes, such as `/alert/info[1]/area[2]/polygon[1]`. Elements that may stand
    /// there several times are counted from 1. Empty for the whole document.
    pub at: String,
    /// A stable word to program against, such as `order`.
    pub code: &'static str,
    /// What to change, in a sentence.
    pub detail: String,
    pub severity: Severity,
}

impl Fault {
    pub(super) fn error(at: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { at: at.into(), code, detail: detail.into(), severity: Severity::Error }
    }

    pub(super) fn warning(at: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { at: at.into(), code, detail: detail.into(), severity: Severity::Warning }
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.at, self.detail, self.code)
    }
}

impl From<Fault> for crate::error::Fault {
    fn from(fault: Fault) -> Self {
        Self::new(fault.at, fault.code, fault.detail)
    }
}

/// As much of a foreign text as a sentence has room for, without what would break its line.
pub(super) fn quoted(text: &str) -> String {
    const MOST: usize = 40;
    let mut short: String = text.chars().take(MOST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MOST).is_some() {
        short.push('…');
    }
    format!("`{short}`")
}
