//! Lists of messages.

use super::read::{cursor, summaries};
use super::sight::Sight;
use super::views::MessageSummary;
use crate::clock::Timestamp;
use crate::domain::id::{MessageId, SourceId};
use crate::domain::message::{Category, Status};
use crate::domain::topic::TopicPattern;
use crate::error::Result;
use crate::service::{Caller, Services};
use crate::store::messages::{self, MessageFilter};

/// Messages read at a time while looking for those that a pattern with inner wildcards matches.
const CHUNK: u32 = 500;
/// Chunks read for one page; beyond, the page is short and the next goes on from there.
const CHUNKS: usize = 10;

/// A page of a list, and where the next one begins.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// Which messages to list; all the caller may see where nothing is set.
#[derive(Clone, Debug, Default)]
pub struct MessageQuery {
    pub topic: Option<TopicPattern>,
    pub category: Option<Category>,
    pub status: Option<Status>,
    pub source: Option<SourceId>,
    /// Created at or after.
    pub since: Option<Timestamp>,
    /// Created before.
    pub until: Option<Timestamp>,
    /// Part of a title or topic, or a message's id.
    pub q: Option<String>,
    /// Only those with deliveries that failed or of which nobody knows.
    pub troubled: bool,
    /// Only those that were to reach the person of this campus id.
    pub recipient: Option<String>,
    /// [`Page::next`] of the page before.
    pub cursor: Option<String>,
    pub limit: u32,
}

/// Messages, newest first.
///
/// # Errors
///
/// [`crate::Error::Invalid`] for a cursor that is none.
pub async fn list(s: &Services, caller: &Caller, query: &MessageQuery) -> Result<Page<MessageSummary>> {
    let sight = Sight::of(caller)?;
    let mut before = cursor::<MessageId>(query.cursor.as_deref())?;
    let mut filter = MessageFilter {
        category: query.category,
        status: query.status,
        since: query.since,
        until: query.until,
        troubled: query.troubled,
        recipient: query.recipient.clone(),
        ..sight.filter(query.source)
    };
    let q = query.q.as_deref().map(str::trim).filter(|q| !q.is_empty());
    if let Some(id) = q.and_then(|q| q.parse::<MessageId>().ok()) {
        filter.id = Some(id);
    } else {
        filter.text = q.map(str::to_owned);
    }
    let exact = narrow(&mut filter, query.topic.as_ref());
    let limit = query.limit.max(1) as usize;
    let mut found = Vec::new();
    let mut more = false;
    for _ in 0..CHUNKS {
        let wanted = if exact { query.limit.max(1) + 1 } else { CHUNK };
        let rows = messages::list(&s.db, &filter, before, wanted).await?;
        more = rows.len() == wanted as usize;
        before = rows.last().map(|row| row.id).or(before);
        found.extend(rows.into_iter().filter(|row| exact || matches(query.topic.as_ref(), &row.topic)));
        if !more || found.len() > limit {
            break;
        }
    }
    if found.len() > limit {
        found.truncate(limit);
        before = found.last().map(|row| row.id);
        more = true;
    }
    let next = more.then_some(before).flatten().map(|id| id.to_string());
    Ok(Page { items: summaries(s, found).await?, next })
}

/// Puts what the store can know of a pattern into the filter: all of it where this answers true, else what comes
/// before its first wildcard.
fn narrow(filter: &mut MessageFilter, pattern: Option<&TopicPattern>) -> bool {
    let Some(pattern) = pattern else { return true };
    if let Some(topic) = pattern.as_topic() {
        filter.topic = Some(topic.to_string());
        return true;
    }
    let words: Vec<_> = pattern.as_str().split('.').collect();
    let plain = words.iter().take_while(|word| !matches!(**word, "*" | "#")).count();
    if plain > 0 {
        filter.topic_prefix = Some(words[..plain].join("."));
    }
    words[plain..] == ["#"]
}

fn matches(pattern: Option<&TopicPattern>, topic: &str) -> bool {
    pattern.is_none_or(|pattern| topic.parse().is_ok_and(|topic| pattern.matches(&topic)))
}
