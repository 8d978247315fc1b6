//! What the account is told over its own port to do.

use serde_json::{Value, json};

use super::faults::OfficialAccountFaults;
use super::happening::Happening;
use super::mailbox::OfficialAccountQuery;
use super::server::Shared;
use crate::simulator::control::{Disobeyed, FAULTS, RESET, Steered, read};
use crate::simulator::wechat::courier::PushPlan;

impl Steered for Shared {
    fn shown(&self) -> Value {
        let messages = self.mailbox.list(&OfficialAccountQuery::default());
        json!({
            "stats": self.stats(), "faults": self.plan().faults, "events": *self.courier.plan(),
            "followers": self.account().followers, "received": self.mailbox.total(), "latest": messages.messages,
        })
    }

    /// Besides what all simulators know: `events` (where and how they are told), `verify` (whether that address is the
    /// owner's), `push` (at once what is due), `expire_token`, and `happen` (what a follower does).
    async fn obey(&self, what: &str, document: &[u8]) -> Result<Value, Disobeyed> {
        match what {
            FAULTS => self.set_faults(read::<OfficialAccountFaults>(document)?),
            RESET => self.reset(),
            "events" => self.courier.set_plan(read::<PushPlan>(document)?),
            "expire_token" => self.account().tokens.kill(),
            "push" => return Ok(json!({ "answers": self.courier.deliver().await })),
            "verify" => {
                let said = self.courier.verify().await;
                return Ok(json!({ "verified": said.is_ok(), "error": said.err() }));
            }
            "happen" => {
                let happening: Happening = serde_json::from_slice(document)
                    .map_err(|error| Disobeyed::Unreadable(error.to_string()))?;
                self.happen(happening).map_err(Disobeyed::Unreadable)?;
            }
            _ => return Err(Disobeyed::Unknown),
        }
        Ok(self.shown())
    }
}
