//! The account steered while it runs.

use serde_json::{Value, json};

use super::faults::AliyunFaults;
use super::server::{Shared, check};
use crate::simulator::control::{Disobeyed, Steered, read};
use crate::simulator::shelf::Lookup;
use crate::simulator::shell::Vendor as _;
use crate::simulator::sms_cloud::Whom;

impl Steered for Shared {
    type Faults = AliyunFaults;

    fn shown(&self) -> Value {
        self.desk.shown(&self.stats())
    }

    fn set_faults(&self, faults: AliyunFaults) {
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
        if what != "check" {
            return self.desk.obey(what, document).await;
        }
        let Whom { url } = read(document)?;
        let said = check(&self.desk.whom(url)?).await;
        Ok(Some(json!({"ok": said.is_ok(), "words": said.err()})))
    }
}
