//! Which topic a text is likely about, by what the campus has sent. Each process learns for itself, off the path of requests,
//! and anew every day; what it learned is never used but shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::caller::KeyCaller;
use super::{Caller, Services};
use crate::clock::Timestamp;
use crate::domain::grant::Reach;
use crate::domain::id::MessageId;
use crate::domain::operator::Permission;
use crate::domain::suggest::{Example, MOST_OF_A_TOPIC, Model, Segmenter, Suggestion};
use crate::domain::topic::Topic;
use crate::store::labelled::{self, LabelledRow};
use crate::{Error, Result};

/// What is older says little of today's topics.
const SINCE: Duration = Duration::from_hours(24 * 365);
const ANEW: Duration = Duration::from_hours(24);
/// The latest messages that are looked through.
const LOOKED_AT: u32 = 50_000;
/// Messages that are learned from.
const LEARNED: u32 = 3_000;
/// Fewer are not worth a dictionary.
const LEAST: usize = 6;

/// What a process has learned.
#[derive(Debug, Default)]
pub struct Learned {
    segmenter: OnceLock<Arc<Segmenter>>,
    held: RwLock<Option<Arc<Held>>>,
}

#[derive(Debug)]
struct Held {
    model: Option<Model>,
    /// The departments whose messages are of a topic; empty for the whole campus.
    whose: BTreeMap<Topic, BTreeSet<String>>,
    at: Timestamp,
}

impl Learned {
    fn now(&self) -> Option<Arc<Held>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, held: Held) {
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(held));
    }
}

/// Learns where nothing was learned for a day; whether it did.
pub async fn refresh(s: &Services) -> Result<bool> {
    let now = s.clock.now();
    if s.suggestions.now().is_some_and(|held| (held.at..held.at.plus(ANEW)).contains(&now)) {
        return Ok(false);
    }
    learn(s).await?;
    Ok(true)
}

/// Learns from what was sent within a year.
pub async fn learn(s: &Services) -> Result<()> {
    let now = s.clock.now();
    let first = MessageId::first_at(now.minus(SINCE));
    let rows = labelled::latest(&s.db, first, LOOKED_AT, MOST_OF_A_TOPIC as u32, LEARNED).await?;
    let learned = Arc::clone(&s.suggestions);
    spawn_blocking(move || {
        let whose = whose(&rows);
        let examples = rows.iter().filter_map(example);
        let model = if whose.len() < 2 { None } else { learned.model(examples.collect()) };
        learned.set(Held { model, whose, at: now });
    })
    .await
    .map_err(Error::internal)
}

impl Learned {
    fn model(&self, examples: Vec<Example>) -> Option<Model> {
        if examples.len() < LEAST {
            return None;
        }
        let segmenter = self.segmenter.get_or_init(|| Arc::new(Segmenter::load()));
        Model::learn(Arc::clone(segmenter), examples)
    }
}

fn whose(rows: &[LabelledRow]) -> BTreeMap<Topic, BTreeSet<String>> {
    let mut whose: BTreeMap<Topic, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        if let Ok(topic) = row.topic.parse() {
            whose.entry(topic).or_default().insert(row.department.clone().unwrap_or_default());
        }
    }
    whose
}

/// `None` for a topic of another form than today's.
fn example(row: &LabelledRow) -> Option<Example> {
    let texts = row.content.0.outline();
    let topic = row.topic.parse().ok()?;
    Some(Example { topic, category: row.category, title: texts.title, body: texts.body })
}

/// For an operator who writes it: topics of the whole campus, and those of departments they write for.
///
/// # Errors
///
/// [`Error::Forbidden`] for whoever may not write messages.
pub fn for_author(s: &Services, caller: &Caller, title: &str, body: &str) -> Result<Vec<Suggestion>> {
    let reach = caller.reach(Permission::MessagesCompose)?;
    Ok(among(s, title, body, |_, whose| match &reach {
        Reach::Everywhere => true,
        Reach::Departments(own) => whose.iter().any(|one| one.is_empty() || own.contains(one)),
    }))
}

/// For a source: topics that it may send.
pub(super) fn for_source(s: &Services, key: &KeyCaller, title: &str, body: &str) -> Vec<Suggestion> {
    among(s, title, body, |topic, _| key.topics.iter().any(|pattern| pattern.matches(topic)))
}

fn among(
    s: &Services,
    title: &str,
    body: &str,
    may: impl Fn(&Topic, &BTreeSet<String>) -> bool,
) -> Vec<Suggestion> {
    let Some(held) = s.suggestions.now() else { return Vec::new() };
    let Some(model) = &held.model else { return Vec::new() };
    model.suggest(title, body, |topic| held.whose.get(topic).is_some_and(|whose| may(topic, whose)))
}
