//! What the installation itself tells those who run it: a message as any other, but for what may keep one back.

use std::collections::BTreeSet;

use serde_json::Value;

use super::draft::{Sender, draft};
use super::preview::{Parts, look};
use super::views::{AudienceCounts, Preview};
use crate::clock::Timestamp;
use crate::config::Language;
use crate::domain::audience::Audience;
use crate::domain::channel::ChannelKind;
use crate::domain::content::{Content, MAX_TITLE, Rendered, Variant};
use crate::domain::id::{MessageId, OperatorId};
use crate::domain::message::{Category, Lane, Rank, Status, Wording};
use crate::domain::routing::{QuietHours, Routed};
use crate::domain::source::Right;
use crate::domain::subscription::{EventKind, Interests};
use crate::queue::{Entry, Work};
use crate::service::routing::InForce;
use crate::service::subscriptions::{self, Happening};
use crate::service::{Services, deliveries};
use crate::store::messages::{self, NewMessage};
use crate::store::{Tx, routing};
use crate::{Error, Result};

/// A message of nobody's, ready to be kept.
pub(in crate::service) struct OwnWord(NewMessage);

/// What a broadcast sends in one message.
pub(in crate::service) struct Outgoing<'a> {
    pub topic: String,
    pub wording: Wording,
    pub audience: &'a Audience,
    pub channels: &'a [ChannelKind],
    pub attributes: &'a Value,
    pub rank: Rank,
    /// It goes to the sandbox.
    pub test: bool,
    pub now: Timestamp,
    pub expires_at: Timestamp,
    pub request_id: &'a str,
}

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
            groups: &[],
            daily_messages: None,
        };
        let draft = draft(s, sender, body, "", false).await?;
        Ok(Self(draft.incoming.message))
    }

    /// Checks a message that an operator writes to themselves, to their own address or as the person they are. It is of the
    /// department that the draft is for, where whoever sees that one's messages sees it.
    pub async fn of(
        s: &Services,
        operator: OperatorId,
        department: Option<String>,
        body: &Value,
        request_id: &str,
    ) -> Result<Self> {
        let sender = Sender {
            source: None,
            operator: Some(operator),
            // It goes to whoever writes, wherever they belong.
            department: None,
            test: false,
            topics: None,
            channels: &ChannelKind::ALL,
            rights: &[Right::SendDirect],
            groups: &[],
            daily_messages: None,
        };
        let draft = draft(s, sender, body, request_id, false).await?;
        Ok(Self(NewMessage { department, ..draft.incoming.message }))
    }

    /// Has numbers for messages at hand. The first message of a process takes some from the store, for which it would wait in vain
    /// within a transaction of the only writer.
    pub async fn prepare(s: &Services) -> Result<()> {
        s.intake.mint(&s.db).await.map(drop)
    }

    /// For the few who may stop an alert, or look for those who need help: before the alert's own messages.
    #[must_use]
    pub const fn for_duty(mut self) -> Self {
        self.0.rank = Rank::Duty;
        self
    }

    /// One message of a broadcast: an emergency, to people of the directory.
    pub async fn of_broadcast(s: &Services, outgoing: Outgoing<'_>) -> Result<Self> {
        let json = |value: serde_json::Result<String>| value.map_err(Error::internal);
        let id = s.intake.mint(&s.db).await?.message(outgoing.now);
        Ok(Self(NewMessage {
            id,
            source: None,
            operator: None,
            department: None,
            test: outgoing.test,
            topic: outgoing.topic,
            category: Category::Emergency,
            rank: outgoing.rank,
            status: Status::Accepted,
            title: outgoing.wording.title(),
            content: json(serde_json::to_string(&outgoing.wording))?,
            template: outgoing.wording.template.map(|template| template.slug),
            audience: Some(json(serde_json::to_string(outgoing.audience))?),
            personalise: None,
            channels: json(serde_json::to_string(outgoing.channels))?,
            own_channels: true,
            attributes: outgoing.attributes.to_string(),
            send_at: outgoing.now,
            expires_at: outgoing.expires_at,
            own_expiry: true,
            created_at: outgoing.now,
            request_id: outgoing.request_id.to_owned(),
        }))
    }

    /// Whom it would reach now, by which channel, and whom not.
    pub async fn count(&self, s: &Services) -> Result<AudienceCounts> {
        Ok(self.foresee(s).await?.audience)
    }

    /// What would become of it, were no rule asked.
    pub async fn foresee(&self, s: &Services) -> Result<Preview> {
        let parts = Parts::of(&self.0, None)?;
        Ok(look(s, &InForce::default(), &parts).await?.preview)
    }

    /// Says of itself that it is a trial, in the words that a rule gives it instead of its own, if one does.
    pub fn on_trial(mut self, s: &Services, instead: Option<&Wording>) -> Result<Self> {
        let mut wording: Wording = match instead {
            Some(wording) => wording.clone(),
            None => serde_json::from_str(&self.0.content).map_err(Error::internal)?,
        };
        mark_all(&mut wording.content, s.campus.language);
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
        self.keep_routed(tx, true).await
    }

    /// As [`keep`](Self::keep), for one message of a broadcast, which goes to others than those who run the installation.
    /// Whoever may read everything is told that it is accepted.
    pub async fn keep_broadcast(&self, tx: &mut Tx, interests: &Interests) -> Result<()> {
        self.keep_routed(tx, false).await?;
        let accepted = Happening::of_message(EventKind::Accepted, self.0.id);
        subscriptions::note(tx, interests, &[accepted], self.0.created_at).await
    }

    async fn keep_routed(&self, tx: &mut Tx, own_word: bool) -> Result<()> {
        messages::insert(tx, &[&self.0]).await?;
        let routed = Routed { quiet_hours: Some(QuietHours::Ignore), own_word, ..Routed::default() };
        routing::set_routed(tx, self.0.id, &routed).await
    }

    /// After the commit: it is counted, and the planner told.
    pub fn announce(&self, s: &Services) {
        s.metrics.accepted(self.0.category, false);
        s.traces.accepted(self.0.id, self.0.category.name());
        if self.0.status == Status::Accepted {
            deliveries::publish(s, Entry { lane: self.lane(), work: Work::Plan });
        }
    }

    const fn lane(&self) -> Lane {
        self.0.rank.lane()
    }
}

/// Says of each text that it is a trial.
fn mark_all(content: &mut Content, campus: Language) {
    keep_sms(content);
    mark(&mut content.title, campus);
    cut(&mut content.title);
    for (key, variant) in &mut content.variants {
        let spoken = key.rsplit('.').find_map(Language::from_tag).unwrap_or(campus);
        match (&mut variant.title, &mut variant.body) {
            (Some(title), _) if !title.is_empty() => {
                mark(title, spoken);
                cut(title);
            }
            // A body written for SMS is all of it.
            (_, Some(body)) if key.starts_with(ChannelKind::Sms.name()) => mark(body, spoken),
            _ => {}
        }
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

/// Writes out what its SMS say where they are put together from title and body: with the mark before its title a body that
/// begins with it would say it twice.
fn keep_sms(content: &mut Content) {
    let sms = ChannelKind::Sms.name();
    let is_language = |tag: &&str| !tag.contains('.') && tag.parse::<ChannelKind>().is_err();
    let tags = content.variants.keys().filter_map(|key| key.strip_prefix("sms.").or(Some(key.as_str())));
    let languages: BTreeSet<_> = tags.filter(is_language).map(Some).chain([None]).collect();
    let says = |language: Option<&str>| {
        let said = content.select(ChannelKind::Sms, language);
        let plain = Rendered::new(said.title, said.body, None);
        let is_twice = !plain.title.is_empty() && plain.plain.starts_with(&*plain.title);
        // None would be that of another.
        let title = if is_twice { "" } else { said.title };
        let variant = Variant { title: Some(title.to_owned()), body: Some(said.body.to_owned()) };
        let key = language.map_or_else(|| sms.to_owned(), |language| format!("{sms}.{language}"));
        (is_twice, key, variant)
    };
    let texts: Vec<_> = languages.into_iter().map(says).collect();
    // What is written for SMS comes before what is written in a language: all of them, or none.
    if texts.iter().any(|(is_twice, ..)| *is_twice) {
        content.variants.extend(texts.into_iter().map(|(_, key, variant)| (key, variant)));
    }
}

/// As long as a title may be.
fn cut(title: &mut String) {
    if let Some((end, _)) = title.char_indices().nth(MAX_TITLE) {
        title.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::sms_text;

    fn sms(content: &Content, language: Option<&str>) -> String {
        sms_text::words(&content.select(ChannelKind::Sms, language).render())
    }

    #[test]
    fn the_sms_of_a_trial_is_the_one_that_will_be_sent_with_a_mark_before_it() {
        for content in [
            json!({"title": "停水通知", "body": "停水通知：周日停水。"}),
            json!({"title": "停水通知", "body": "**停水**通知：周日停水。", "variants": {"en": {"title": "Water", "body": "None."}}}),
            json!({"title": "停水通知", "body": "周日停水。", "variants": {"en": {"title": "Water", "body": "Water: none."}}}),
            json!({"title": "停水", "body": "b", "variants": {"sms": {"title": "停水", "body": "停水了"}}}),
            json!({"title": "停水", "body": "b", "variants": {"sms": {"body": "周日停水。"}, "sms.en": {"body": "No water."}}}),
        ] {
            let before: Content = serde_json::from_value(content).unwrap();
            let mut after = before.clone();
            mark_all(&mut after, Language::SimplifiedChinese);
            for language in [None, Some("zh-CN"), Some("en")] {
                let own = language == Some("en") && before.variants.keys().any(|key| key.ends_with("en"));
                let mark = if own { "[Trial] " } else { "[试发] " };
                assert_eq!(sms(&after, language), format!("{mark}{}", sms(&before, language)), "{before:?}");
            }
        }
    }
}
