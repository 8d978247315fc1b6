//! What the installation itself tells those who run it: a message as any other, but for what may keep one back.

use serde_json::Value;

use super::draft::{Sender, draft};
use crate::config::Language;
use crate::domain::channel::ChannelKind;
use crate::domain::content::MAX_TITLE;
use crate::domain::id::{MessageId, OperatorId};
use crate::domain::message::{Lane, Status, Wording};
use crate::domain::routing::{QuietHours, Routed};
use crate::domain::source::Right;
use crate::queue::{Entry, Work};
use crate::service::{Services, deliveries};
use crate::store::messages::{self, NewMessage};
use crate::store::{Tx, routing};
use crate::{Error, Result};

/// A message of nobody's, ready to be kept.
pub(in crate::service) struct OwnWord(NewMessage);

impl OwnWord {
    /// Checks a message as it would be sent by a source that may send everything.
    pub async fn new(s: &Services, body: &Value) -> Result<Self> {
        let sender = Sender {
            source: None,
            operator: None,
            department: None,
            test: false,
            topics: None,
            channels: &ChannelKind::ALL,
            rights: &[Right::SendDirect],
            daily_messages: None,
        };
        let draft = draft(s, sender, body, "", false).await?;
        Ok(Self(draft.incoming.message))
    }

    /// Checks a message that an operator writes to themselves, to their own address or as the person they are.
    pub async fn of(s: &Services, operator: OperatorId, body: &Value, request_id: &str) -> Result<Self> {
        let sender = Sender {
            source: None,
            operator: Some(operator),
            // It goes to whoever writes, wherever they belong.
            department: None,
            test: false,
            topics: None,
            channels: &ChannelKind::ALL,
            rights: &[Right::SendDirect],
            daily_messages: None,
        };
        let draft = draft(s, sender, body, request_id, false).await?;
        Ok(Self(draft.incoming.message))
    }

    /// Says of itself that it is a trial, in the words that a rule gives it instead of its own, if one does.
    pub fn on_trial(mut self, s: &Services, instead: Option<&Wording>) -> Result<Self> {
        let mut wording: Wording = match instead {
            Some(wording) => wording.clone(),
            None => serde_json::from_str(&self.0.content).map_err(Error::internal)?,
        };
        let campus = s.campus.language;
        mark(&mut wording.content.title, campus);
        cut(&mut wording.content.title);
        for (key, variant) in &mut wording.content.variants {
            let spoken = key.rsplit('.').find_map(Language::from_tag).unwrap_or(campus);
            match (&mut variant.title, &mut variant.body) {
                (Some(title), _) => {
                    mark(title, spoken);
                    cut(title);
                }
                // A body written for SMS is all of it.
                (None, Some(body)) if key.starts_with(ChannelKind::Sms.name()) => mark(body, spoken),
                _ => {}
            }
        }
        self.0.title = wording.title();
        self.0.content = serde_json::to_string(&wording).map_err(Error::internal)?;
        self.0.template = wording.template.map(|template| template.slug);
        Ok(self)
    }

    pub const fn id(&self) -> MessageId {
        self.0.id
    }

    pub fn channels(&self) -> Result<Vec<ChannelKind>> {
        serde_json::from_str(&self.0.channels).map_err(Error::internal)
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

/// Puts the mark of a trial before a text.
fn mark(text: &mut String, language: Language) {
    let mark = match language {
        Language::SimplifiedChinese => "[试发] ",
        Language::English => "[Trial] ",
    };
    text.insert_str(0, mark);
}

/// As long as a title may be.
fn cut(title: &mut String) {
    if let Some((end, _)) = title.char_indices().nth(MAX_TITLE) {
        title.truncate(end);
    }
}
