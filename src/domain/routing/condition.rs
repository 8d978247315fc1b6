//! Which messages a rule is about.

use serde::{Deserialize, Serialize};

use crate::domain::audience::Params;
use crate::domain::filter::{Filter, Value};
use crate::domain::message::{Category, Lane};
use crate::domain::topic::{Topic, TopicPattern};

/// Questions to a message. All that are asked must be answered with yes, each list by any of its entries; where nothing
/// is asked, every message fits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Condition {
    /// Names of systems.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<TopicPattern>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<Category>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub priorities: Vec<Lane>,
    /// Over the message's attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Filter>,
    /// In a title or text, wherever it stands; A to Z equal a to z.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
}

/// A message as rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'m> {
    /// The name of the system it is from; none where an operator wrote it.
    pub source: Option<&'m str>,
    pub topic: &'m Topic,
    pub category: Category,
    pub lane: Lane,
    pub attributes: &'m Params,
    /// Titles and bodies, those of its variants too.
    pub texts: &'m [&'m str],
}

/// What a clause asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    Source,
    Topic,
    Category,
    Priority,
    Attributes,
    Words,
}

/// One question and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Clause {
    pub asked: Asked,
    /// Any of these would do.
    pub wanted: Vec<String>,
    /// What the message has instead; for words, those it has; for attributes, `level = urgent`.
    pub found: Vec<String>,
    /// Attributes that are asked for and that it does not have.
    pub lacks: Vec<String>,
    /// The one of `wanted` that did.
    pub by: Option<String>,
}

impl Clause {
    pub fn holds(&self) -> bool {
        self.by.is_some()
    }
}

impl Condition {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Every question with its answer.
    pub fn check(&self, message: &Subject<'_>) -> Vec<Clause> {
        let mut clauses = Vec::new();
        if !self.sources.is_empty() {
            clauses.push(one_of(Asked::Source, &self.sources, message.source));
        }
        if !self.topics.is_empty() {
            let by = self.topics.iter().find(|pattern| pattern.matches(message.topic));
            clauses.push(Clause {
                asked: Asked::Topic,
                wanted: self.topics.iter().map(|pattern| pattern.as_str().to_owned()).collect(),
                found: vec![message.topic.as_str().to_owned()],
                lacks: Vec::new(),
                by: by.map(|pattern| pattern.as_str().to_owned()),
            });
        }
        if !self.categories.is_empty() {
            let wanted: Vec<_> = self.categories.iter().map(|c| c.name().to_owned()).collect();
            clauses.push(one_of(Asked::Category, &wanted, Some(message.category.name())));
        }
        if !self.priorities.is_empty() {
            let wanted: Vec<_> = self.priorities.iter().map(|lane| lane.name().to_owned()).collect();
            clauses.push(one_of(Asked::Priority, &wanted, Some(message.lane.name())));
        }
        if let Some(filter) = &self.attributes {
            clauses.push(attributes(filter, message.attributes));
        }
        if !self.words.is_empty() {
            let has = |word: &&String| message.texts.iter().any(|text| contains(text, word));
            let found: Vec<_> = self.words.iter().filter(has).cloned().collect();
            let by = found.first().cloned();
            let wanted = self.words.clone();
            clauses.push(Clause { asked: Asked::Words, wanted, found, lacks: Vec::new(), by });
        }
        clauses
    }
}

fn one_of(asked: Asked, wanted: &[String], found: Option<&str>) -> Clause {
    let by = wanted.iter().find(|wanted| Some(wanted.as_str()) == found).cloned();
    let found = found.map(str::to_owned).into_iter().collect();
    Clause { asked, wanted: wanted.to_vec(), found, lacks: Vec::new(), by }
}

fn attributes(filter: &Filter, attributes: &Params) -> Clause {
    let holds = filter.matches(&|name| Value::from_json(attributes.get(name)?));
    let (mut found, mut lacks) = (Vec::new(), Vec::new());
    for name in filter.attributes() {
        match attributes.get(name) {
            Some(serde_json::Value::String(text)) => found.push(format!("{name} = {text}")),
            Some(value) => found.push(format!("{name} = {value}")),
            None => lacks.push(name.to_owned()),
        }
    }
    Clause {
        asked: Asked::Attributes,
        wanted: vec![filter.to_string()],
        found,
        lacks,
        by: holds.then(|| filter.to_string()),
    }
}

/// Bytes of UTF-8 characters never look like another's, so comparing bytes finds whole characters only.
fn contains(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    text.windows(word.len().max(1)).any(|window| window.eq_ignore_ascii_case(word))
}
