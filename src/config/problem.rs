//! What is wrong with the settings, in words an administrator can act on.

use std::fmt;

use super::Origin;

/// One thing wrong. It names the setting, the place, what is wrong and how to put it right; it never repeats a value that
/// may hold a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Dotted name, such as `server.listen`, or what stands in its place; empty where the file as a whole is meant.
    pub setting: String,
    pub origin: Origin,
    pub what: String,
    pub fix: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.setting.is_empty() {
            write!(f, "{}: ", self.setting)?;
        }
        write!(f, "{}; {}", self.what, self.fix)
    }
}

/// At least one [`Problem`], those of the file first and in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
