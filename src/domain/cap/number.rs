//! Numbers that keep the digits they were written with.

use std::fmt;

/// A decimal number without exponent (`xs:decimal`), as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal(Box<str>);

impl Decimal {
    /// White space around it is not read: XML schema takes it off before.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let sound = digits.bytes().any(|b| b.is_ascii_digit())
            && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && digits.bytes().filter(|b| *b == b'.').count() <= 1;
        sound.then(|| Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest number that a machine reckons with.
    pub fn to_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// Whether both are the same number: `12.50` is `12.5`.
    pub fn is_same(&self, other: &Self) -> bool {
        self.plain() == other.plain()
    }

    /// Whether it is below zero, and the digits that count before and after the point.
    fn plain(&self) -> (bool, &str, &str) {
        let digits = self.0.trim_start_matches(['+', '-']);
        let (before, after) = digits.split_once('.').unwrap_or((digits, ""));
        let (before, after) = (before.trim_start_matches('0'), after.trim_end_matches('0'));
        let is_zero = before.is_empty() && after.is_empty();
        (self.0.starts_with('-') && !is_zero, before, after)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
