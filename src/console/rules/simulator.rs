//! The simulator: a message that is typed in or was sent once, and what the rules of today would make of it.

use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::form::{self, PeopleForm};
use super::found::FoundFragment;
use super::strangers::{self, StrangersFragment};
use super::words::{self, Answer, Names};
use crate::clock::Timestamp;
use crate::console::access::Signed;
use crate::console::filter_builder::{FilterFragment, Place};
use crate::console::form::{FieldFaults, Form};
use crate::console::label::Tone;
use crate::console::page::{self, Section, Shell, Theme};
use crate::console::sms_note;
use crate::console::timeline::why_held;
use crate::console::view::{Markup, View};
use crate::domain::channel::ChannelKind;
use crate::domain::id::{MessageId, RuleId, SourceId};
use crate::domain::message::{Category, Lane};
use crate::domain::operator::Permission;
use crate::domain::sensitive::{Sighting, TOO_LARGE, Treatment, words_held_for};
use crate::error::Fault;
use crate::http::locale;
use crate::service::messages::{self, ByRule, ExplainedRule, PreviewWarning, Simulation, Verdict};
use crate::service::policies::Alike;
use crate::service::{Services, sources};
use crate::{Error, Result};

#[derive(Debug, Template)]
#[template(path = "console/rules/simulator.html")]
pub struct SimulatorPage {
    pub shell: Shell,
    /// Systems that a message can be tried out for; none for who may not see them.
    pub sources: Vec<(SourceId, String)>,
    pub may_type: bool,
    pub form: SimulatorForm,
    pub faults: FieldFaults,
    pub names: Names,
    /// What the condition of its audience asks for and nobody has.
    pub strange: StrangersFragment,
    /// None for whoever may not see the directory, who types it.
    pub filter: Option<FilterFragment>,
    /// Messages that were sent, among which to choose; none for who may not see them.
    pub found: Option<FoundFragment>,
    pub outcome: Option<Outcome>,
}

/// As typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SimulatorForm {
    /// The id of a message that was sent, instead of all that follows.
    pub message: String,
    /// What such a message was searched for by.
    pub q: String,
    pub source: String,
    pub topic: String,
    pub category: String,
    pub priority: String,
    /// `name = value`, one a line.
    pub attributes: String,
    pub title: String,
    pub body: String,
    /// Whom its sender names; nobody leaves it to the rules.
    pub audience: PeopleForm,
}

/// What would become of it.
#[derive(Debug)]
pub struct Outcome {
    /// Of a message that was sent.
    pub message: Option<(MessageId, String)>,
    pub fate: Fate,
    pub warnings: Vec<String>,
    pub total: u64,
    pub channels: Vec<Reach>,
    /// What the rules decide, each with the name of the rule.
    pub decided: Vec<(String, String)>,
    pub expires_at: Timestamp,
    pub rules: Vec<RuleOutcome>,
    pub texts: Vec<Text>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Sent,
    /// Why, and the rule that holds it, if one does.
    Held(String, Option<String>),
    /// Why.
    Unrouted(String),
}

#[derive(Clone, Copy, Debug)]
pub struct Reach {
    pub channel: ChannelKind,
    pub reachable: u64,
    pub no_address: u64,
    pub opted_out: u64,
    pub suppressed: u64,
}

#[derive(Clone, Debug)]
pub struct RuleOutcome {
    pub id: RuleId,
    pub name: String,
    /// How it came out, with its mark.
    pub verdict: Markup,
    pub answers: Vec<Answer>,
    /// Of its exception.
    pub exceptions: Vec<Answer>,
}

#[derive(Clone, Debug)]
pub struct Text {
    /// Such as `短信 · English`.
    pub label: String,
    pub title: String,
    pub body: String,
    pub segments: Option<u64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct Asked {
    message: String,
    /// What messages are searched for.
    q: String,
}

/// The empty form, or what the rules make of the message that the address names; or the messages that are searched for.
pub(in crate::console) async fn show(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    asked: Query<Asked>,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::RoutingView)?;
    let (message, q) = (asked.message.trim(), asked.q.trim());
    if page::wants_fragment(&request) {
        return page::html(&FoundFragment::search(&s, &signed, q, message).await?);
    }
    let form = SimulatorForm { message: message.to_owned(), q: q.to_owned(), ..SimulatorForm::default() };
    if form.message.is_empty() {
        return page::html(&SimulatorPage::open(&s, &signed, form).await?);
    }
    let kept = match form.message.parse::<MessageId>() {
        Ok(id) => kept(&s, &signed, id).await,
        Err(_) => Err(Error::NotFound("message")),
    };
    let mut page = SimulatorPage::open(&s, &signed, form).await?;
    match kept {
        Ok((message, simulation)) => {
            page.outcome = Some(Outcome::new(&page.shell.view, &page.names, Some(message), &simulation));
            page::html(&page)
        }
        Err(Error::NotFound(_)) => {
            let said = page.shell.view.t("simulator-no-message");
            page.faults = [("message".to_owned(), said)].into_iter().collect();
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
        Err(other) => Err(other),
    }
}

async fn kept(s: &Services, signed: &Signed, id: MessageId) -> Result<((MessageId, String), Simulation)> {
    let message = messages::get_many(s, &signed.caller, &[id]).await?.pop();
    let message = message.ok_or(Error::NotFound("message"))?;
    let title = super::super::message::title(&signed.view(), &message);
    Ok(((id, title), messages::simulate_kept(s, &signed.caller, id).await?))
}

/// What the rules make of what is typed in. Nothing is kept, so the answer is the page itself.
pub(in crate::console) async fn simulate(
    s: Data<Services>,
    signed: Signed,
    form: Form,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::RoutingView)?;
    let sent = form;
    let mut form = SimulatorForm::typed(&sent);
    // Without script a filter's own buttons come here too.
    if !Place::Audience.pressed(&sent).is_empty() {
        let built = FilterFragment::of_form(&s, &signed, &sent, Place::Audience).await?;
        form.audience.filter = built.typed.clone();
        let page = SimulatorPage::open(&s, &signed, form).await?;
        return page::html(&SimulatorPage { filter: Some(built), ..page });
    }
    let document = form.document();
    let simulated = match form.source.parse() {
        Ok(source) => messages::simulate(&s, &signed.caller, source, &document).await,
        Err(_) => Err(Error::fault("/source", "required", "choose a source")),
    };
    let mut page = SimulatorPage::open(&s, &signed, form).await?;
    match simulated {
        Ok(simulation) => {
            page.outcome = Some(Outcome::new(&page.shell.view, &page.names, None, &simulation));
            page::html(&page)
        }
        Err(Error::Invalid(faults)) => {
            let view = &page.shell.view;
            let at_field = |fault: &Fault| {
                (field(&fault.pointer), told(view, &document, &form::as_typed(&document, fault)))
            };
            page.faults = faults.iter().map(at_field).collect();
            if let Some(filter) = &mut page.filter {
                filter.refused(page.faults.at("audience", "where").cloned());
            }
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
        Err(other) => Err(other),
    }
}

fn field(pointer: &str) -> String {
    let parts: Vec<_> = pointer.split('/').skip(1).collect();
    match parts.as_slice() {
        ["audience"] => "audience_groups".to_owned(),
        ["audience", name, ..] => format!("audience_{name}"),
        [name, ..] => (*name).to_owned(),
        [] => "form".to_owned(),
    }
}

fn told(view: &View, document: &Value, fault: &Fault) -> String {
    let value = document.pointer(&fault.pointer).and_then(Value::as_str).unwrap_or_default();
    match (fault.code.as_ref(), fault.pointer.as_str()) {
        ("source_may_not", "/topic") => view.t("fault-source-topic"),
        ("source_may_not", _) => view.t("fault-source-emergency"),
        ("invalid_topic", _) => view.t1("fault-topic-alone", "value", value),
        ("bad_campus_id", _) => view.t1("fault-wrong-id", "value", value),
        ("unknown_group" | "unknown_recipient", _) => {
            view.t1(&format!("fault-{}", fault.code), "value", value)
        }
        _ => form::of_people(view, value, fault),
    }
}

impl SimulatorForm {
    fn typed(form: &Form) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        Self {
            message: String::new(),
            q: String::new(),
            source: text("source"),
            topic: text("topic"),
            category: text("category"),
            priority: text("priority"),
            attributes: text("attributes"),
            title: text("title"),
            body: text("body"),
            audience: PeopleForm::typed(Place::Audience, form),
        }
    }

    /// Its sender says whom it is for.
    fn names_somebody(&self) -> bool {
        !self.audience.is_empty()
    }

    /// The message as its source would send it.
    fn document(&self) -> Value {
        let mut message = Map::new();
        for (name, text) in [
            ("topic", &self.topic),
            ("category", &self.category),
            ("title", &self.title),
            ("body", &self.body),
        ] {
            message.insert(name.to_owned(), json!(text));
        }
        // An emergency has no priority but its own.
        if !self.priority.is_empty() && self.category != Category::Emergency.name() {
            message.insert("priority".to_owned(), json!(self.priority));
        }
        let attributes: Map<_, _> = self.attributes.lines().filter_map(attribute).collect();
        if !attributes.is_empty() {
            message.insert("attributes".to_owned(), Value::Object(attributes));
        }
        let audience = self.audience.document();
        if !audience.is_empty() {
            message.insert("audience".to_owned(), Value::Object(audience));
        }
        Value::Object(message)
    }
}

/// `week = 3` is a number, `urgent = true` a boolean, anything else a text.
fn attribute(line: &str) -> Option<(String, Value)> {
    let (name, value) = line.split_once('=').unwrap_or((line, ""));
    let (name, value) = (name.trim(), value.trim());
    let read = serde_json::from_str::<Value>(value).ok().filter(|read| read.is_number() || read.is_boolean());
    (!line.trim().is_empty()).then(|| (name.to_owned(), read.unwrap_or_else(|| json!(value))))
}

impl SimulatorPage {
    async fn open(s: &Services, signed: &Signed, form: SimulatorForm) -> Result<Self> {
        let may_type = signed.may(Permission::SourcesView);
        let sources = if may_type { sources::list(s, &signed.caller).await? } else { Vec::new() };
        let found = if signed.may(Permission::MessagesView) {
            Some(FoundFragment::search(s, signed, &form.q, &form.message).await?)
        } else {
            None
        };
        Ok(Self {
            shell: signed.shell(Section::Rules)?,
            strange: strangers::of_people(s, signed, "audience_where", &form.audience.filter_text()).await?,
            filter: if signed.may(Permission::DirectoryView) {
                let typed = form.audience.filter.clone();
                Some(FilterFragment::new(s, signed, typed, Place::Audience).await?)
            } else {
                None
            },
            found,
            sources: sources.into_iter().map(|source| (source.id, source.name)).collect(),
            may_type,
            names: Names::load(s, signed).await?,
            form,
            faults: FieldFaults::default(),
            outcome: None,
        })
    }
}

impl Outcome {
    pub(in crate::console) fn new(
        view: &View,
        names: &Names,
        message: Option<(MessageId, String)>,
        simulation: &Simulation,
    ) -> Self {
        let fate = match (&simulation.unrouted, &simulation.hold) {
            (Some(why), _) => Fate::Unrouted(words::why_unrouted(view, names, why)),
            (None, Some(hold)) => Fate::Held(hold.value.clone(), Some(hold.rule.clone())),
            (None, None) => simulation.why_held.as_ref().map_or(Fate::Sent, |why| {
                let is_alike =
                    simulation.similar.is_some() && words_held_for(why).is_none() && why != TOO_LARGE;
                Fate::Held(if is_alike { alike(view, simulation) } else { why_held(view, why) }, None)
            }),
        };
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        let reach = |channel: &ChannelKind| {
            let counts = simulation.preview.audience.by_channel.get(channel)?;
            Some(Reach {
                channel: *channel,
                reachable: count(counts.reachable),
                no_address: count(counts.no_address),
                opted_out: count(counts.opted_out),
                suppressed: count(counts.suppressed),
            })
        };
        Self {
            message,
            fate,
            warnings: simulation
                .preview
                .warnings
                .iter()
                .filter_map(|w| warning(view, simulation, w))
                .collect(),
            total: count(simulation.preview.audience.total),
            channels: ChannelKind::ALL.iter().filter_map(reach).collect(),
            decided: decided(view, names, simulation),
            expires_at: simulation.expires_at,
            rules: simulation.rules.iter().map(|rule| rule_outcome(view, rule)).collect(),
            texts: simulation.preview.rendered.iter().map(|text| rendered(view, text)).collect(),
        }
    }
}

/// That nobody can be sent it is its fate, and said there.
fn warning(view: &View, simulation: &Simulation, warning: &PreviewWarning) -> Option<String> {
    match warning.code {
        "similar" => Some(alike(view, simulation)),
        "sensitive_words" => Some(sensitive_words(view, simulation)),
        _ => plain_warning(view, warning),
    }
}

/// A warning that says all by itself.
pub(in crate::console) fn plain_warning(view: &View, warning: &PreviewWarning) -> Option<String> {
    let channel = || warning.channel.map(|channel| view.channel_text(channel)).unwrap_or_default();
    match (warning.code, warning.until) {
        ("unrouted", _) => None,
        ("nobody_reachable", _) => Some(view.t("warning-nobody-reachable")),
        ("no_provider", _) => Some(match warning.address {
            Some((kind, n)) => {
                let n = view.number(n.unsigned_abs());
                view.t2("warning-stranded", "n", n, "address", view.address_text(kind))
            }
            None => view.t1("warning-no-provider", "channel", channel()),
        }),
        ("over_quota", _) => {
            let n = view.number(warning.exceeding.unwrap_or(0).unsigned_abs());
            Some(match warning.address {
                Some((kind, _)) => {
                    view.t2("warning-over-quota-kind", "n", n, "address", view.address_text(kind))
                }
                None => view.t2("warning-over-quota", "channel", channel(), "n", n),
            })
        }
        ("quiet_hours", Some(until)) => {
            Some(view.t2("warning-quiet", "channel", channel(), "until", view.exact(until)))
        }
        ("quiet_expired", _) => Some(view.t1("warning-quiet-expired", "channel", channel())),
        _ => Some(match &warning.sms {
            Some(note) => sms_note::said(view, note),
            None => view.t1("warning-text", "why", &warning.detail),
        }),
    }
}

/// Of which message it says almost the same; of one that whoever looks may not see, no more than that.
fn alike(view: &View, simulation: &Simulation) -> String {
    let told = |alike: &Alike| {
        let other = alike.source.clone().unwrap_or_else(|| alike.id.to_string());
        view.t2("event-alike", "percent", alike.percent, "other", other)
    };
    simulation.similar.as_ref().map_or_else(|| view.t("event-alike-elsewhere"), told)
}

/// Which words of the administrators' list it says.
fn sensitive_words(view: &View, simulation: &Simulation) -> String {
    let words = Treatment::ALL.map(|treatment| Sighting::words(&simulation.words, treatment)).concat();
    view.t1("warning-words", "words", words.join(&view.t("word-separator")))
}

fn decided(view: &View, names: &Names, simulation: &Simulation) -> Vec<(String, String)> {
    fn by<T>(said: impl FnOnce(&T) -> String, chosen: Option<&ByRule<T>>) -> Option<(String, String)> {
        chosen.map(|chosen| (said(&chosen.value), chosen.rule.clone()))
    }
    let template = |slug: &String| view.t1("rule-template", "name", names.template(slug));
    [
        by(|plan| words::channels(view, plan), simulation.channels.as_ref()),
        by(template, simulation.template.as_ref()),
        by(|quiet| words::quiet(view, *quiet), simulation.quiet_hours.as_ref()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn rule_outcome(view: &View, rule: &ExplainedRule) -> RuleOutcome {
    let (mark, tone, verdict) = match &rule.verdict {
        Verdict::Matched => ("check", Tone::Good, view.t("verdict-matched")),
        Verdict::Differs => ("skipped", Tone::Quiet, view.t("verdict-differs")),
        Verdict::Excepted => ("skipped", Tone::Quiet, view.t("verdict-excepted")),
        Verdict::Disabled => ("pause", Tone::Quiet, view.t("verdict-disabled")),
        Verdict::NotReached(by) => ("ban", Tone::Quiet, view.t1("verdict-not-reached", "rule", by)),
    };
    let answers = |clauses: &[_]| clauses.iter().map(|clause| Answer::of(view, clause)).collect();
    RuleOutcome {
        id: rule.id,
        name: rule.name.clone(),
        verdict: view.mark(mark, tone, verdict),
        answers: answers(&rule.clauses),
        exceptions: answers(&rule.exceptions),
    }
}

fn rendered(view: &View, text: &messages::RenderedText) -> Text {
    let language = crate::config::Language::from_tag(&text.language);
    let language = language.map_or_else(|| text.language.clone(), |l| locale::own_name(l).to_owned());
    Text {
        label: format!("{} · {language}", view.channel_text(text.channel)),
        title: text.title.clone(),
        // As it arrives.
        body: text.sms_text.as_ref().unwrap_or(&text.body).clone(),
        segments: text.sms_segments.map(|n| n as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_line_by_line() {
        let form = SimulatorForm {
            attributes: "level = urgent\r\n\r\nweek=3\nopen = true\nalone\nformula = a=b".to_owned(),
            ..SimulatorForm::default()
        };
        let expected = json!({"level": "urgent", "week": 3, "open": true, "alone": "", "formula": "a=b"});
        assert_eq!(form.document()["attributes"], expected);
    }
}
