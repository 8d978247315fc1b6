//! What a kind of provider has to be told, so that a form can ask for it.
//!
//! Each adapter has a table of its settings beside it. The adapter alone judges what is entered; a test keeps the table
//! as complete as what the adapter reads.

use url::Url;

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Holds {
    Text,
    /// Entered, and never shown again.
    Secret,
    /// A secret of several lines.
    SecretText,
    Whole {
        least: u64,
        most: u64,
    },
    Decimal {
        least: f64,
        most: f64,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// An object or a list in JSON, such as this one. What it has under the name of a secret is never shown again.
    Json(&'static str),
}

/// One setting of a kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// Where it is: `/port`, `/dkim/domain`.
    pub pointer: &'static str,
    pub holds: Holds,
    pub required: bool,
    /// What counts where it is left out; empty: nothing, or what follows from others.
    pub usual: &'static str,
    /// Few need it.
    pub rare: bool,
}

impl Setting {
    pub const fn new(pointer: &'static str, holds: Holds) -> Self {
        Self { pointer, holds, required: false, usual: "", rare: false }
    }

    #[must_use]
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    #[must_use]
    pub const fn usual(self, usual: &'static str) -> Self {
        Self { usual, ..self }
    }

    #[must_use]
    pub const fn rare(self) -> Self {
        Self { rare: true, ..self }
    }

    /// As texts call it: `dkim-domain`.
    pub fn name(&self) -> String {
        self.pointer.trim_start_matches('/').replace('/', "-")
    }

    pub const fn is_secret(&self) -> bool {
        matches!(self.holds, Holds::Secret | Holds::SecretText)
    }
}

/// Scheme, host and port of an address, as far as no placeholder stands in it; of what is no address, all that is written.
pub(super) fn origin(address: &str) -> String {
    let bare = address.split(['{', '?', '#']).next().unwrap_or(address);
    match Url::parse(bare).map(|url| url.origin()) {
        Ok(origin) if origin.is_tuple() => origin.ascii_serialization(),
        _ => address.to_owned(),
    }
}

pub(super) const fn timeout(usual: &'static str) -> Setting {
    Setting::new("/timeout_seconds", Holds::Decimal { least: 0.1, most: 600.0 }).usual(usual).rare()
}

pub(super) const fn concurrency(most: u64, usual: &'static str) -> Setting {
    Setting::new("/concurrency", Holds::Whole { least: 1, most }).usual(usual).rare()
}

pub(super) const fn endpoint(usual: &'static str) -> Setting {
    Setting::new("/endpoint", Holds::Text).usual(usual).rare()
}

pub(super) const CA_FILE: Setting = Setting::new("/ca_file", Holds::Text).rare();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_to_scheme_host_and_port() {
        for same in
            ["https://GW.example/a", "https://gw.example:443?b={to}", "https://gw.example/{secret.x}/c#d"]
        {
            assert_eq!(origin(same), "https://gw.example", "{same}");
        }
        for other in
            ["http://gw.example", "https://gw.example:8443", "https://gw.example.evil.example", "gw.example"]
        {
            assert_ne!(origin(other), "https://gw.example", "{other}");
        }
        assert_ne!(origin("mailto:a"), origin("mailto:b"), "what is no address is itself");
    }
}
