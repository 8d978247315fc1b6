//! The account steered while it runs.

use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::TencentFaults;
use super::server::Shared;
use crate::simulator::control::{Disobeyed, Steered, read};
use crate::simulator::shelf::Lookup;
use crate::simulator::shell::Vendor as _;

/// What somebody writes back.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Reply {
    url: Option<String>,
    /// E.164
    number: String,
    text: String,
}

impl Steered for Shared {
    type Faults = TencentFaults;

    fn shown(&self) -> Value {
        self.desk.shown(&self.stats())
    }

    fn set_faults(&self, faults: TencentFaults) {
        self.desk.set_faults(faults);
        self.settle();
    }

    fn reset(&self) {
        self.forget();
    }

    fn received(&self, lookup: &Lookup) -> Value {
        self.desk.received(lookup)
    }

    fn found(&self, sequence: u64) -> Option<Value> {
        self.desk.found(sequence)
    }

    async fn obey(&self, what: &str, document: &[u8]) -> Result<Option<Value>, Disobeyed> {
        if what != "reply" {
            return self.desk.obey(what, document).await;
        }
        let Reply { url, number, text } = read(document)?;
        Ok(Some(json!(self.reply(&self.desk.whom(url)?, &number, &text).await)))
    }
}
