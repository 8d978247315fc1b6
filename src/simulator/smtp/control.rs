//! The relay steered over HTTP, on a port of its own: the one it relays on speaks SMTP.

use std::net::SocketAddr;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::{Faults, Plan};
use super::report::BouncePlan;
use super::server::Shared;
use crate::simulator::control::{self, Disobeyed, Steered, read};
use crate::simulator::http::{Answer, Request, Service};
use crate::simulator::mailbox::MailQuery;
use crate::simulator::shelf::Lookup;

/// Whoever answers there.
pub(super) struct Desk(pub(super) Arc<Shared>);

impl Service for Desk {
    async fn answer(&self, request: Request) -> Answer {
        let steered = control::answer(&*self.0, &request).await;
        steered
            .unwrap_or_else(|| Answer::Json { status: 404, body: r#"{"error":"see /control"}"#.to_owned() })
    }
}

/// Whoever takes reports; without it whoever the plan names.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Whom {
    to: Option<SocketAddr>,
}

impl Steered for Shared {
    type Faults = Faults;

    fn shown(&self) -> Value {
        json!({
            "stats": self.counters.read(), "mails": self.mailbox.total(), "faults": self.plan.borrow().faults,
            "bounces": *self.reports.plan(), "ca_pem": self.identity.as_ref().map(|identity| &identity.ca_pem),
        })
    }

    fn set_faults(&self, faults: Faults) {
        self.plan.send_replace(Arc::new(Plan::new(faults)));
    }

    fn reset(&self) {
        self.counters.reset();
        self.day.forget();
        self.reports.forget();
        self.mailbox.clear();
    }

    fn received(&self, lookup: &Lookup) -> Value {
        json!(self.mailbox.list(&MailQuery::from(lookup)))
    }

    fn found(&self, sequence: u64) -> Option<Value> {
        let mail = self.mailbox.find(sequence)?;
        let mut shown = json!(mail);
        shown["source"] = mail.source().into();
        Some(shown)
    }

    /// `bounces` (of which mails it reports, and how), `push` (the reports that wait).
    async fn obey(&self, what: &str, document: &[u8]) -> Result<Option<Value>, Disobeyed> {
        match what {
            "bounces" => self.reports.set_plan(read::<BouncePlan>(document)?),
            "push" => {
                let Whom { to } = read(document)?;
                let to = to.or(self.reports.plan().to);
                let to = to.ok_or_else(|| Disobeyed::Unreadable("to whom?".to_owned()))?;
                return Ok(Some(json!({ "answers": self.reports.send_all(to).await })));
            }
            _ => return Err(Disobeyed::Unknown),
        }
        Ok(None)
    }
}
