//! What the installation itself tells those who run it: a message as any other, but for what may keep one back.

use serde_json::Value;

use super::draft::{Sender, draft};
use crate::Result;
use crate::domain::channel::ChannelKind;
use crate::domain::message::{Lane, Status};
use crate::domain::routing::{QuietHours, Routed};
use crate::domain::source::Right;
use crate::queue::{Entry, Work};
use crate::service::{Services, deliveries};
use crate::store::messages::{self, NewMessage};
use crate::store::{Tx, routing};

/// A message of nobody's, ready to be kept.
pub(in crate::service) struct OwnWord(NewMessage);

impl OwnWord {
    /// Checks a message as it would be sent by a source that may send everything.
    pub async fn new(s: &Services, body: &Value) -> Result<Self> {
        let sender = Sender {
            source: None,
            operator: None,
            test: false,
            topics: None,
            channels: &ChannelKind::ALL,
            rights: &[Right::SendDirect],
            daily_messages: None,
        };
        let draft = draft(s, sender, body, "", false).await?;
        Ok(Self(draft.incoming.message))
    }

    /// Keeps it with what else the transaction does. The rules are not asked: one that holds everything would hold word of
    /// what is wrong with it.
    pub async fn keep(&self, tx: &mut Tx) -> Result<()> {
        messages::insert(tx, &[&self.0]).await?;
        let routed = Routed { quiet_hours: Some(QuietHours::Ignore), own_word: true, ..Routed::default() };
        routing::set_routed(tx, self.0.id, &routed).await
    }

    /// After the commit: it is counted, and the planner told.
    pub async fn announce(&self, s: &Services) {
        s.metrics.accepted(self.0.category, false);
        if self.0.status == Status::Accepted {
            deliveries::publish(s, Entry { lane: self.lane(), work: Work::Plan }).await;
        }
    }

    const fn lane(&self) -> Lane {
        self.0.lane
    }
}
