//! What the rules make of one message.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::InForce;
use crate::clock::Timestamp;
use crate::domain::audience::Params;
use crate::domain::channel::ChannelKind;
use crate::domain::content::Content;
use crate::domain::message::{Category, Lane, TemplateVersion, Wording};
use crate::domain::routing::{Chosen, Decision, MatchedRule, Routed, Subject, decide};
use crate::domain::topic::Topic;

/// A message whose routing is to be decided.
#[derive(Clone, Copy, Debug)]
pub(in crate::service) struct Arrived<'m> {
    pub source: Option<&'m str>,
    pub topic: &'m Topic,
    pub category: Category,
    pub lane: Lane,
    pub attributes: &'m Params,
    pub wording: &'m Wording,
    /// Those its sender chose, or all its source may use.
    pub channels: &'m [ChannelKind],
    pub own_channels: bool,
    pub send_at: Timestamp,
    pub expires_at: Timestamp,
    pub own_expiry: bool,
    /// Its sender said whom it is for.
    pub addressed: bool,
    /// Each person has variables of their own, so that it is for nobody else and in no other words.
    pub personal: bool,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::service) enum Fate {
    Send,
    /// For a reviewer, who is told why.
    Hold(String),
    /// Nobody can be sent it, and why.
    Unrouted(WhyUnrouted),
}

/// Why nobody can be sent a message; as a text, the sentence that is kept with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum WhyUnrouted {
    NoAudience,
    /// There is an audience and nobody in it.
    Nobody,
    /// The rule's channels are none of its source's.
    NoChannel {
        rule: String,
    },
    TemplateGone {
        rule: String,
        template: String,
    },
    /// The message has not all that the template's text needs.
    Lacks {
        rule: String,
        template: String,
        variables: Vec<String>,
    },
    /// The template with the message's values is no text that could be sent.
    Unfit {
        rule: String,
        template: String,
        why: String,
    },
}

impl fmt::Display for WhyUnrouted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAudience => f.write_str(NO_AUDIENCE),
            Self::Nobody => f.write_str(NOBODY),
            Self::NoChannel { rule } => {
                write!(f, "the rule `{rule}` sends by channels that this message's source may not use")
            }
            Self::TemplateGone { rule, template } => {
                write!(f, "the rule `{rule}` wants the template `{template}`, which is not there")
            }
            Self::Lacks { rule, template, variables } => {
                let lacks = variables.join(", ");
                write!(
                    f,
                    "the rule `{rule}` wants the template `{template}`, for which the message lacks {lacks}"
                )
            }
            Self::Unfit { rule, template, why } => {
                write!(f, "the template `{template}` of the rule `{rule}` cannot be filled in: {why}")
            }
        }
    }
}

impl WhyUnrouted {
    /// What the event `unrouted` says: the sentence, and what faces make their own of.
    pub(in crate::service) fn told(&self, reason: &str) -> Value {
        json!({ "reason": reason, "why": self })
    }
}

/// The rules' answer.
#[derive(Debug)]
pub(in crate::service) struct Route<'r> {
    pub decision: Decision<'r>,
    pub routed: Routed,
    pub fate: Fate,
    pub expires_at: Timestamp,
    /// The texts of a template instead of the message's own.
    pub wording: Option<Wording>,
}

const NO_AUDIENCE: &str = "no audience was given and no routing rule matched";
const NOBODY: &str = "nobody is in its audience";

pub(in crate::service) fn route<'r>(in_force: &'r InForce, message: &Arrived<'_>) -> Route<'r> {
    let texts = texts(&message.wording.content);
    let subject = Subject {
        source: message.source,
        topic: message.topic,
        category: message.category,
        lane: message.lane,
        attributes: message.attributes,
        texts: &texts,
    };
    let decision = decide(&in_force.rules, &subject);
    let mut routed = Routed { version: in_force.version, ..Routed::default() };
    routed.matched = decision
        .matched()
        .map(|checked| MatchedRule {
            id: checked.rule.id,
            name: checked.rule.name.clone(),
            because: checked.because(),
        })
        .collect();
    routed.quiet_hours = decision.quiet_hours.map(|chosen| chosen.value);
    if !message.personal {
        routed.audiences = decision.audiences.iter().map(|&audience| audience.clone()).collect();
        routed.replaced = decision.replaced;
    }
    let mut fate = decision.hold.map_or(Fate::Send, |hold| Fate::Hold(hold.value.to_owned()));
    let mut wording = None;
    if let Some(template) = decision.template.filter(|_| !message.personal) {
        match filled(in_force, template, message) {
            Ok(texts) => wording = Some(texts),
            Err(why) => fate = Fate::Unrouted(why),
        }
    }
    if let Some(plan) = decision.channels.filter(|_| !message.own_channels) {
        let within = plan.value.within(message.channels);
        if within.is_empty() {
            fate = Fate::Unrouted(WhyUnrouted::NoChannel { rule: plan.rule.to_owned() });
        }
        routed.channels = Some(within);
    }
    if !message.addressed && !message.personal && routed.audiences.is_empty() {
        fate = Fate::Unrouted(WhyUnrouted::NoAudience);
    }
    let expires_at = expiry(message, decision.expires_in_minutes.map(|chosen| chosen.value));
    Route { decision, routed, fate, expires_at, wording }
}

fn texts(content: &Content) -> Vec<&str> {
    let variants = content.variants.values().flat_map(|v| [v.title.as_deref(), v.body.as_deref()]);
    [Some(content.title.as_str()), Some(content.body.as_str())]
        .into_iter()
        .chain(variants)
        .flatten()
        .collect()
}

/// A rule shortens what the sender chose, and replaces what nobody did.
fn expiry(message: &Arrived<'_>, minutes: Option<u32>) -> Timestamp {
    let Some(minutes) = minutes else { return message.expires_at };
    let ruled = message.send_at.plus(Duration::from_mins(u64::from(minutes)));
    if message.own_expiry { message.expires_at.min(ruled) } else { ruled }
}

/// The template's texts with the message's attributes and variables.
fn filled(
    in_force: &InForce,
    template: Chosen<'_, &str>,
    message: &Arrived<'_>,
) -> Result<Wording, WhyUnrouted> {
    let (rule, slug) = (template.rule.to_owned(), template.value.to_owned());
    let Some(row) = in_force.templates.get(&slug) else {
        return Err(WhyUnrouted::TemplateGone { rule, template: slug });
    };
    let mut params = message.attributes.clone();
    params.extend(message.wording.params.clone());
    let variables = row.content.0.variables().unwrap_or_default();
    let missing: Vec<_> =
        variables.needed().filter(|name| !params.contains_key(*name)).map(ToString::to_string).collect();
    if !missing.is_empty() {
        return Err(WhyUnrouted::Lacks { rule, template: slug, variables: missing });
    }
    let unfit = |fault: Option<&crate::error::Fault>| WhyUnrouted::Unfit {
        rule: rule.clone(),
        template: slug.clone(),
        why: fault.map_or_else(String::new, |fault| fault.detail.clone()),
    };
    let mut content = row.content.0.fill(&params).map_err(|faults| unfit(faults.first()))?;
    content.link = message.wording.content.link.clone().or(content.link);
    let faults = content.faults();
    if !faults.is_empty() {
        return Err(unfit(faults.first()));
    }
    let template = Some(TemplateVersion { slug: row.slug.clone(), version: row.version });
    Ok(Wording { content, template, params: message.wording.params.clone(), ..Wording::default() })
}
