//! Rules in plain words: which messages one is about, what it does, and why it matched a message or did not.

use std::collections::HashMap;
use std::time::Duration;

use crate::Result;
use crate::console::access::Signed;
use crate::console::view::View;
use crate::domain::audience::Audience;
use crate::domain::message::Lane;
use crate::domain::operator::Permission;
use crate::domain::routing::{Asked, AudienceMode, ChannelPlan, Clause, Condition, QuietHours, Rule, Step};
use crate::service::routing::WhyUnrouted;
use crate::service::{Services, groups, templates};

/// Groups and templates that a page may name or offer.
const MOST: u32 = 1_000;

/// What groups and templates are called. Rules know them by their slugs.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Slug and name, by name.
    pub groups: Vec<(String, String)>,
    pub templates: Vec<(String, String)>,
    of_group: HashMap<String, String>,
}

impl Names {
    pub fn new(mut groups: Vec<(String, String)>, templates: Vec<(String, String)>) -> Self {
        groups.sort_by(|a, b| a.1.cmp(&b.1));
        let of_group = groups.iter().cloned().collect();
        Self { groups, templates, of_group }
    }

    /// As far as whoever looks may see the directory.
    pub(in crate::console) async fn load(s: &Services, signed: &Signed) -> Result<Self> {
        let groups = if signed.may_somewhere(Permission::DirectoryView) {
            groups::list(s, &signed.caller, "", None, MOST).await?
        } else {
            Vec::new()
        };
        let templates = if signed.may_somewhere(Permission::MessagesView) {
            templates::list(s, &signed.caller, None, MOST).await?
        } else {
            Vec::new()
        };
        Ok(Self::new(
            groups.into_iter().map(|group| (group.slug, group.name)).collect(),
            templates.into_iter().map(|template| (template.slug, template.name)).collect(),
        ))
    }

    pub fn group<'n>(&'n self, slug: &'n str) -> &'n str {
        self.of_group.get(slug).map_or(slug, String::as_str)
    }

    pub fn template<'n>(&'n self, slug: &'n str) -> &'n str {
        self.templates.iter().find(|(known, _)| known == slug).map_or(slug, |(_, name)| name)
    }
}

/// A rule in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub when: String,
    pub unless: Option<String>,
    pub then: String,
}

impl Said {
    pub fn of(view: &View, names: &Names, rule: &Rule) -> Self {
        Self {
            when: condition(view, &rule.when),
            unless: rule.unless.as_ref().map(|unless| condition(view, unless)),
            then: acts(view, names, rule).join(&view.t("rule-then-and")),
        }
    }
}

fn condition(view: &View, condition: &Condition) -> String {
    let mut parts = Vec::new();
    let any = |key: &str, names: Vec<String>| view.t1(key, "names", or(view, &names));
    if !condition.sources.is_empty() {
        parts.push(any("rule-sources", condition.sources.clone()));
    }
    if !condition.topics.is_empty() {
        let topics = condition.topics.iter().map(|topic| topic.as_str().to_owned());
        parts.push(any("rule-topics", topics.collect()));
    }
    if !condition.categories.is_empty() {
        let categories = condition.categories.iter().map(|category| view.category_text(category));
        parts.push(any("rule-categories", categories.collect()));
    }
    if !condition.priorities.is_empty() {
        let priorities = condition.priorities.iter().map(|lane| view.priority_text(*lane));
        parts.push(any("rule-priorities", priorities.collect()));
    }
    if let Some(filter) = &condition.attributes {
        parts.push(view.t1("rule-attributes", "filter", filter));
    }
    if !condition.words.is_empty() {
        parts.push(any("rule-words", quoted(view, &condition.words)));
    }
    if parts.is_empty() { view.t("rule-every-message") } else { parts.join(&view.t("rule-and")) }
}

fn acts(view: &View, names: &Names, rule: &Rule) -> Vec<String> {
    let mut acts = Vec::new();
    let then = &rule.then;
    if let Some(audience) = &then.audience {
        let key = match audience.mode {
            AudienceMode::Add => "rule-audience-add",
            AudienceMode::Replace => "rule-audience-replace",
        };
        acts.push(view.t1(key, "people", people(view, names, &audience.people)));
    }
    if let Some(plan) = &then.channels {
        acts.push(channels(view, plan));
    }
    if let Some(slug) = &then.template {
        acts.push(view.t1("rule-template", "name", names.template(slug)));
    }
    if let Some(why) = &then.hold {
        acts.push(view.t1("rule-hold", "reason", why));
    }
    if let Some(minutes) = then.expires_in_minutes {
        acts.push(view.t1("rule-expires", "time", minutes_text(view, minutes)));
    }
    if let Some(quiet_hours) = then.quiet_hours {
        acts.push(quiet(view, quiet_hours));
    }
    if rule.stop {
        acts.push(view.t("rule-stop"));
    }
    acts
}

pub(super) fn quiet(view: &View, quiet_hours: QuietHours) -> String {
    match quiet_hours {
        QuietHours::Respect => view.t("rule-quiet-respect"),
        QuietHours::Ignore => view.t("rule-quiet-ignore"),
    }
}

/// The channels in their order and how long each is waited for.
pub(super) fn channels(view: &View, plan: &ChannelPlan) -> String {
    match plan {
        // Of what a source may use, one step may be all that is left.
        ChannelPlan::Fallback(steps) if steps.len() > 1 => fallback(view, steps),
        plan => {
            let names: Vec<_> = plan.channels().iter().map(|channel| view.channel_text(channel)).collect();
            view.t1("rule-together", "channels", names.join(&view.t("list-and")))
        }
    }
}

fn fallback(view: &View, steps: &[Step]) -> String {
    let mut parts = Vec::new();
    let mut wait = None;
    for step in steps {
        let channel = view.channel_text(step.channel);
        parts.push(match wait {
            None => view.t1("rule-fallback-first", "channel", channel),
            Some(minutes) => {
                view.t2("rule-fallback-next", "wait", minutes_text(view, minutes), "channel", channel)
            }
        });
        wait = Some(step.wait_minutes.unwrap_or(0));
    }
    parts.join(&view.t("list-separator"))
}

/// In days and hours where they come out even.
pub(super) fn minutes_text(view: &View, minutes: u32) -> String {
    let minutes = u64::from(minutes);
    match (minutes % 1_440, minutes % 60) {
        (0, _) => view.count("lasting-days", minutes / 1_440),
        (_, 0) => view.lasting(Duration::from_mins(minutes)),
        _ => view.count("lasting-minutes", minutes),
    }
}

pub(super) fn people(view: &View, names: &Names, audience: &Audience) -> String {
    let all = union(view, names, audience);
    match audience.exclude.as_deref().filter(|exclude| !exclude.is_empty()) {
        Some(exclude) => view.t2("rule-except", "people", all, "others", union(view, names, exclude)),
        None => all,
    }
}

fn union(view: &View, names: &Names, audience: &Audience) -> String {
    let mut parts = Vec::new();
    if audience.everyone {
        parts.push(view.t("audience-everyone"));
    }
    if !audience.groups.is_empty() {
        let groups: Vec<_> = audience.groups.iter().map(|slug| names.group(slug)).collect();
        parts.push(view.t1("audience-groups", "names", groups.join(&view.t("list-and"))));
    }
    if !audience.recipients.is_empty() {
        parts.push(view.count("audience-people", audience.recipients.len() as u64));
    }
    parts.extend(audience.filter.as_ref().map(|filter| view.t1("audience-filter", "filter", filter)));
    parts.join(&view.t("list-separator"))
}

/// `a`, `a or b`, `a, b or c`.
fn or(view: &View, names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => {
            format!("{}{}{last}", first.join(&view.t("list-and")), view.t("list-or"))
        }
    }
}

pub(super) fn quoted(view: &View, words: &[String]) -> Vec<String> {
    words.iter().map(|word| view.t1("rule-quoted", "text", word)).collect()
}

/// One question a rule asked, and the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub holds: bool,
    pub text: String,
}

impl Answer {
    pub(super) fn of(view: &View, clause: &Clause) -> Self {
        Self { holds: clause.holds(), text: answer(view, clause) }
    }
}

fn answer(view: &View, clause: &Clause) -> String {
    let translate = |text: &String| match clause.asked {
        Asked::Category => text
            .parse()
            .map_or_else(|_| text.clone(), |c: crate::domain::message::Category| view.category_text(c)),
        Asked::Priority => text.parse().map_or_else(|_| text.clone(), |lane: Lane| view.priority_text(lane)),
        _ => text.clone(),
    };
    let texts = |list: &[String]| list.iter().map(translate).collect::<Vec<_>>();
    let (found, wanted) =
        (texts(&clause.found).join(&view.t("list-separator")), or(view, &texts(&clause.wanted)));
    let holds = clause.holds();
    match clause.asked {
        Asked::Source if holds => view.t1("clause-source", "found", found),
        Asked::Source if found.is_empty() => view.t1("clause-source-none", "wanted", wanted),
        Asked::Source => view.t2("clause-source-not", "found", found, "wanted", wanted),
        Asked::Topic => match &clause.by {
            Some(by) if *by == found => view.t1("clause-topic", "found", found),
            Some(by) => view.t2("clause-topic-matches", "found", found, "by", by),
            None => view.t2("clause-topic-not", "found", found, "wanted", wanted),
        },
        Asked::Category if holds => view.t1("clause-category", "found", found),
        Asked::Category => view.t2("clause-category-not", "found", found, "wanted", wanted),
        Asked::Priority if holds => view.t1("clause-priority", "found", found),
        Asked::Priority => view.t2("clause-priority-not", "found", found, "wanted", wanted),
        Asked::Attributes => {
            let lacks = clause.lacks.iter().map(|name| view.t1("clause-attribute-lacks", "name", name));
            let found: Vec<_> = clause.found.iter().cloned().chain(lacks).collect();
            let found = found.join(&view.t("list-separator"));
            let key = if holds { "clause-attributes" } else { "clause-attributes-not" };
            view.t2(key, "filter", clause.wanted.concat(), "found", found)
        }
        Asked::Words if holds => {
            let found = quoted(view, &clause.found).join(&view.t("list-and"));
            view.t1("clause-words", "found", found)
        }
        Asked::Words => view.t1("clause-words-not", "wanted", or(view, &quoted(view, &clause.wanted))),
    }
}

/// Why nobody can be sent a message.
pub(in crate::console) fn why_unrouted(view: &View, names: &Names, why: &WhyUnrouted) -> String {
    match why {
        WhyUnrouted::NoAudience => view.t("unrouted-no-audience"),
        WhyUnrouted::Nobody => view.t("unrouted-nobody"),
        WhyUnrouted::NoChannel { rule } => view.t1("unrouted-no-channel", "rule", rule),
        WhyUnrouted::TemplateGone { rule, template } => {
            view.t2("unrouted-template-gone", "rule", rule, "template", template)
        }
        WhyUnrouted::Lacks { template, variables, .. } => {
            let lacks = variables.join(&view.t("list-separator"));
            view.t2("unrouted-lacks", "template", names.template(template), "lacks", lacks)
        }
        WhyUnrouted::Unfit { template, why, .. } => {
            view.t2("unrouted-unfit", "template", names.template(template), "why", why)
        }
    }
}
