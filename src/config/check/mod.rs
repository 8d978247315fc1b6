//! What is wrong around the settings rather than in them: directories, files, ports, and choices that do not go together.
//! Changes nothing; files it makes to try a directory are removed again.

mod addresses;
mod choices;
mod files;
#[cfg(test)]
mod tests;

use super::{Config, Origin};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// `serve` would not start, or would not do its work.
    Error,
    /// It works, and somebody should know.
    Warning,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    pub setting: &'static str,
    /// Where the setting's value stands.
    pub origin: Origin,
    pub what: String,
    pub fix: String,
}

/// Everything found, errors first.
pub fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Findings { config, found: Vec::new() };
    findings.listen("server.listen", config.server.listen);
    findings.metrics();
    findings.bounces();
    findings.intake();
    findings.public_url();
    findings.trusted_proxies();
    findings.collector();
    findings.roles();
    findings.data_directory();
    findings.key_file();
    findings.database();
    findings.queue();
    findings.campus_sign_in();
    let mut found = findings.found;
    found.sort_by_key(|finding| finding.severity == Severity::Warning);
    found
}

/// Why what is said to the database may be read, or answered by somebody else, on the way.
pub fn database_doubt(config: &Config) -> Option<String> {
    config.store.database.tls_doubt(std::env::var("PGSSLMODE").ok().as_deref())
}

struct Findings<'a> {
    config: &'a Config,
    found: Vec<Finding>,
}

impl Findings<'_> {
    fn add(
        &mut self,
        severity: Severity,
        setting: &'static str,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let origin = self.origin(setting);
        self.found.push(Finding { severity, setting, origin, what: what.into(), fix: fix.into() });
    }

    fn error(&mut self, setting: &'static str, what: impl Into<String>, fix: impl Into<String>) {
        self.add(Severity::Error, setting, what, fix);
    }

    fn warn(&mut self, setting: &'static str, what: impl Into<String>, fix: impl Into<String>) {
        self.add(Severity::Warning, setting, what, fix);
    }

    fn origin(&self, setting: &str) -> Origin {
        let entry = self.config.report.iter().find(|entry| entry.setting == setting);
        entry.map(|entry| entry.origin.clone()).unwrap_or_default()
    }
}
