//! The account steered over its own port.

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::server::{Shared, check};
use crate::simulator::control::{self, Disobeyed, FAULTS, RESET, Steered};

/// A customer's address; without one that of the plan.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Whom {
    url: Option<String>,
}

impl Steered for Shared {
    fn shown(&self) -> Value {
        json!({
            "stats": self.stats(), "texts": self.texts(), "faults": self.terms().faults,
            "receipts": &*self.reports(),
        })
    }

    async fn obey(&self, what: &str, document: &[u8]) -> Result<Value, Disobeyed> {
        match what {
            FAULTS => self.set_faults(control::read(document)?),
            "receipts" => self.set_reports(control::read(document)?),
            "push" => return Ok(json!(self.push(&self.whom(document)?).await)),
            "check" => {
                let said = check(&self.whom(document)?).await;
                return Ok(json!({"ok": said.is_ok(), "words": said.err()}));
            }
            RESET => self.reset(),
            _ => return Err(Disobeyed::Unknown),
        }
        Ok(self.shown())
    }
}

impl Shared {
    fn whom(&self, document: &[u8]) -> Result<Url, Disobeyed> {
        let Whom { url } = control::read(document)?;
        let url = url.map_or_else(|| self.reports().to(), |url| url.parse().ok());
        url.ok_or_else(|| Disobeyed::Unreadable("at which url?".to_owned()))
    }
}
