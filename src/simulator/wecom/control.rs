//! What the corp is told over its own port to do.

use serde_json::{Value, json};

use super::faults::WecomFaults;
use super::happening::WecomHappening;
use super::mailbox::WecomQuery;
use super::server::Shared;
use crate::simulator::control::{Disobeyed, Steered};
use crate::simulator::shelf::Lookup;
use crate::simulator::shell::Vendor as _;
use crate::simulator::wechat::faults::Plan;

impl Steered for Shared {
    type Faults = WecomFaults;

    fn shown(&self) -> Value {
        let messages = self.mailbox.list(&WecomQuery::default());
        json!({
            "stats": self.stats(), "faults": self.plan.get().faults, "events": *self.courier.plan(),
            "received": self.mailbox.total(), "latest": messages.messages,
        })
    }

    fn set_faults(&self, faults: WecomFaults) {
        self.plan.set(Plan::new(faults));
    }

    fn reset(&self) {
        self.forget();
    }

    fn received(&self, lookup: &Lookup) -> Value {
        json!(self.mailbox.list(lookup))
    }

    fn found(&self, sequence: u64) -> Option<Value> {
        self.mailbox.find(sequence).map(|message| json!(message))
    }

    /// Besides what every courier knows: `expire_token`, and `happen` (what a member does).
    async fn obey(&self, what: &str, document: &[u8]) -> Result<Option<Value>, Disobeyed> {
        match what {
            "expire_token" => self.corp().invalidate(),
            "happen" => {
                let happening: WecomHappening = serde_json::from_slice(document)
                    .map_err(|error| Disobeyed::Unreadable(error.to_string()))?;
                self.happen(happening).map_err(Disobeyed::Unreadable)?;
            }
            _ => return self.courier.obey(what, document).await,
        }
        Ok(None)
    }
}
