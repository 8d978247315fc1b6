//! The form of one rule: as typed, as a rule's document, and back.

use serde_json::{Map, Value, json};

use super::words::Names;
use crate::console::filter_builder::{Place, Typed};
use crate::console::form::{FieldFaults, Form};
use crate::console::view::{View, grouped};
use crate::domain::audience::Audience;
use crate::domain::channel::ChannelKind;
use crate::domain::filter::Filter;
use crate::domain::id::RuleId;
use crate::domain::message::{Category, Lane};
use crate::domain::routing::{ChannelPlan, Condition, Rule};
use crate::error::Fault;

/// Channels in a row, each used where those before it did not reach a person.
pub const STEPS: usize = ChannelKind::ALL.len();

/// What stands for rows of a filter that are not finished, in a document made of a form.
const UNFINISHED: &str = "";

/// As typed. Lists are one entry a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleForm {
    /// Of the list that it was made from.
    pub version: i64,
    pub id: Option<RuleId>,
    pub name: String,
    pub enabled: bool,
    pub stop: bool,
    /// What the change is about.
    pub note: String,
    pub when: ConditionForm,
    pub unless: ConditionForm,
    /// `add`, `replace`, or nothing.
    pub mode: String,
    pub audience: PeopleForm,
    pub exclude: PeopleForm,
    /// `together`, `fallback`, or nothing.
    pub plan: String,
    pub together: Vec<ChannelKind>,
    pub steps: Vec<StepForm>,
    /// A slug.
    pub template: String,
    pub hold: String,
    pub expires_in_minutes: String,
    pub quiet_hours: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConditionForm {
    pub sources: Vec<String>,
    pub topics: String,
    pub categories: Vec<Category>,
    pub priorities: Vec<Lane>,
    pub attributes: String,
    pub words: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeopleForm {
    pub everyone: bool,
    /// Slugs.
    pub groups: Vec<String>,
    pub recipients: String,
    pub filter: Typed,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepForm {
    pub channel: String,
    /// Minutes.
    pub wait: String,
}

impl RuleForm {
    pub(super) fn new(version: i64) -> Self {
        Self { version, enabled: true, steps: vec![StepForm::default(); STEPS], ..Self::default() }
    }

    pub(super) fn of(version: i64, rule: &Rule) -> Self {
        let mut form = Self {
            id: Some(rule.id),
            name: rule.name.clone(),
            enabled: rule.enabled,
            stop: rule.stop,
            when: ConditionForm::of(&rule.when),
            unless: rule.unless.as_ref().map(ConditionForm::of).unwrap_or_default(),
            template: rule.then.template.clone().unwrap_or_default(),
            hold: rule.then.hold.clone().unwrap_or_default(),
            expires_in_minutes: rule.then.expires_in_minutes.map(|n| n.to_string()).unwrap_or_default(),
            quiet_hours: rule.then.quiet_hours.map(|q| q.to_string()).unwrap_or_default(),
            ..Self::new(version)
        };
        if let Some(audience) = &rule.then.audience {
            form.mode = audience.mode.to_string();
            form.audience = PeopleForm::of(&audience.people);
            form.exclude = audience.people.exclude.as_deref().map(PeopleForm::of).unwrap_or_default();
        }
        match &rule.then.channels {
            None => {}
            Some(ChannelPlan::Together(channels)) => {
                "together".clone_into(&mut form.plan);
                form.together.clone_from(channels);
            }
            Some(ChannelPlan::Fallback(steps)) => {
                "fallback".clone_into(&mut form.plan);
                for (row, step) in form.steps.iter_mut().zip(steps) {
                    row.channel = step.channel.to_string();
                    row.wait = step.wait_minutes.map(|n| n.to_string()).unwrap_or_default();
                }
            }
        }
        form
    }

    pub(super) fn typed(id: Option<RuleId>, form: &Form) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        // Rows that say nothing are passed over, so that a fault's place is a row's.
        let waits: Vec<_> = form.all("step_wait").map(str::trim).collect();
        let mut steps: Vec<_> = form
            .all("step_channel")
            .enumerate()
            .map(|(i, channel)| StepForm {
                channel: channel.to_owned(),
                wait: waits.get(i).copied().unwrap_or_default().to_owned(),
            })
            .filter(|step| !step.channel.is_empty() || !step.wait.is_empty())
            .take(STEPS)
            .collect();
        steps.resize(STEPS, StepForm::default());
        Self {
            version: form.text("version").parse().unwrap_or(0),
            id,
            name: text("name"),
            enabled: form.text("enabled") == "true",
            stop: form.text("stop") == "true",
            note: text("note"),
            when: ConditionForm::typed("when", form),
            unless: ConditionForm::typed("unless", form),
            mode: text("mode"),
            audience: PeopleForm::typed(Place::Audience, form),
            exclude: PeopleForm::typed(Place::Exclude, form),
            plan: text("plan"),
            together: form.all("together").filter_map(|text| text.parse().ok()).collect(),
            steps,
            template: text("template"),
            hold: text("hold"),
            expires_in_minutes: text("expires_in_minutes"),
            quiet_hours: text("quiet_hours"),
        }
    }

    /// What the change is about, if that is said.
    pub(super) fn noted(&self) -> Option<&str> {
        Some(self.note.as_str()).filter(|note| !note.is_empty())
    }

    /// The rule as it is written, what is empty left out.
    pub(super) fn document(&self) -> Value {
        let mut rule = Map::new();
        rule.insert("name".to_owned(), json!(self.name));
        rule.insert("enabled".to_owned(), json!(self.enabled));
        rule.insert("stop".to_owned(), json!(self.stop));
        for (part, condition) in [("when", &self.when), ("unless", &self.unless)] {
            let condition = condition.document();
            if !condition.is_empty() {
                rule.insert(part.to_owned(), Value::Object(condition));
            }
        }
        let then = self.then();
        if !then.is_empty() {
            rule.insert("then".to_owned(), Value::Object(then));
        }
        Value::Object(rule)
    }

    fn then(&self) -> Map<String, Value> {
        let mut then = Map::new();
        if !self.mode.is_empty() {
            let mut audience = self.audience.document();
            audience.insert("mode".to_owned(), json!(self.mode));
            let exclude = self.exclude.document();
            if !exclude.is_empty() {
                audience.insert("exclude".to_owned(), Value::Object(exclude));
            }
            then.insert("audience".to_owned(), Value::Object(audience));
        }
        match self.plan.as_str() {
            "together" => drop(then.insert("channels".to_owned(), json!({ "together": self.together }))),
            "fallback" => drop(then.insert("channels".to_owned(), json!({ "fallback": self.fallback() }))),
            _ => {}
        }
        for (name, text) in
            [("template", &self.template), ("hold", &self.hold), ("quiet_hours", &self.quiet_hours)]
        {
            put_text(&mut then, name, text);
        }
        if !self.expires_in_minutes.is_empty() {
            then.insert("expires_in_minutes".to_owned(), number(&self.expires_in_minutes));
        }
        then
    }

    /// Nobody waits after the last.
    fn fallback(&self) -> Vec<Value> {
        let is_used = |step: &&StepForm| !step.channel.is_empty() || !step.wait.is_empty();
        let used: Vec<_> = self.steps.iter().filter(is_used).collect();
        let step = |(i, step): (usize, &&StepForm)| {
            let mut written = Map::new();
            put_text(&mut written, "channel", &step.channel);
            if i + 1 < used.len() && !step.wait.is_empty() {
                written.insert("wait_minutes".to_owned(), number(&step.wait));
            }
            Value::Object(written)
        };
        used.iter().enumerate().map(step).collect()
    }

    /// Something is excepted.
    pub(super) fn has_exception(&self) -> bool {
        self.unless != ConditionForm::default()
    }

    /// Somebody is left out.
    pub(super) fn has_exclusion(&self) -> bool {
        !self.exclude.is_empty()
    }
}

impl ConditionForm {
    fn of(condition: &Condition) -> Self {
        let names = |list: &[String]| list.join("\n");
        let topics: Vec<_> = condition.topics.iter().map(|topic| topic.as_str().to_owned()).collect();
        Self {
            sources: condition.sources.clone(),
            topics: names(&topics),
            categories: condition.categories.clone(),
            priorities: condition.priorities.clone(),
            attributes: condition.attributes.as_ref().map(ToString::to_string).unwrap_or_default(),
            words: names(&condition.words),
        }
    }

    fn typed(part: &str, form: &Form) -> Self {
        let all = |name: &str| form.all(&format!("{part}_{name}")).map(str::to_owned).collect::<Vec<_>>();
        let text = |name: &str| form.text(&format!("{part}_{name}")).to_owned();
        Self {
            sources: all("sources"),
            topics: text("topics"),
            categories: all("categories").iter().filter_map(|text| text.parse().ok()).collect(),
            priorities: all("priorities").iter().filter_map(|text| text.parse().ok()).collect(),
            attributes: text("attributes"),
            words: text("words"),
        }
    }

    fn document(&self) -> Map<String, Value> {
        let mut written = Map::new();
        put_list(&mut written, "sources", &self.sources);
        put_list(&mut written, "topics", &lines(&self.topics));
        put_list(&mut written, "categories", &texts(&self.categories));
        put_list(&mut written, "priorities", &texts(&self.priorities));
        put_text(&mut written, "attributes", &self.attributes);
        put_list(&mut written, "words", &lines(&self.words));
        written
    }
}

impl PeopleForm {
    fn of(audience: &Audience) -> Self {
        Self {
            everyone: audience.everyone,
            groups: audience.groups.clone(),
            recipients: audience.recipients.join("\n"),
            filter: Typed::of(audience.filter.as_deref().unwrap_or_default()),
        }
    }

    pub(super) fn typed(place: Place, form: &Form) -> Self {
        Self {
            everyone: form.text(&place.field("everyone")) == "true",
            groups: form.all(&place.field("groups")).map(str::to_owned).collect(),
            recipients: form.text(&place.field("recipients")).to_owned(),
            filter: Typed::read(form, place),
        }
    }

    /// For the field that it is typed in where it is not put together.
    pub(super) fn filter_text(&self) -> String {
        self.filter.text().unwrap_or_default()
    }

    /// It names nobody.
    pub(super) fn is_empty(&self) -> bool {
        !self.everyone
            && self.groups.is_empty()
            && self.recipients.is_empty()
            && self.filter.text().is_ok_and(|text| text.is_empty())
    }

    pub(super) fn document(&self) -> Map<String, Value> {
        let mut written = Map::new();
        if self.everyone {
            written.insert("everyone".to_owned(), json!(true));
        }
        put_list(&mut written, "groups", &self.groups);
        put_list(&mut written, "recipients", &lines(&self.recipients));
        match self.filter.text() {
            Ok(text) => put_text(&mut written, "where", &text),
            // Refused with everything else that is wrong, and told for what it is (`as_typed`).
            Err(_) => drop(written.insert("where".to_owned(), json!(UNFINISHED))),
        }
        written
    }
}

fn texts(list: &[impl ToString]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn put_list(into: &mut Map<String, Value>, name: &str, list: &[String]) {
    if !list.is_empty() {
        into.insert(name.to_owned(), json!(list));
    }
}

fn put_text(into: &mut Map<String, Value>, name: &str, text: &str) {
    if !text.is_empty() {
        into.insert(name.to_owned(), json!(text));
    }
}

/// What is no number stays a text, which is told as a fault.
fn number(text: &str) -> Value {
    text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number))
}

/// Groups to choose from: those there are, and those chosen that are gone.
pub fn group_choices(names: &Names, chosen: &[String]) -> Vec<(String, String)> {
    let is_known = |slug: &&String| !names.groups.iter().any(|(known, _)| known == *slug);
    let gone = chosen.iter().filter(is_known).map(|slug| (slug.clone(), slug.clone()));
    names.groups.iter().cloned().chain(gone).collect()
}

/// The faults of a document at the fields of its form.
pub(super) fn faults(view: &View, document: &Value, faults: &[Fault]) -> FieldFaults {
    faults
        .iter()
        .map(|fault| (field(&fault.pointer), told(view, document, &as_typed(document, fault))))
        .collect()
}

/// A fault of a form's document; where rows of a filter are not finished, that is what is wrong.
pub(super) fn as_typed(document: &Value, fault: &Fault) -> Fault {
    let is_unfinished = fault.pointer.ends_with("/where")
        && document.pointer(&fault.pointer).and_then(Value::as_str) == Some(UNFINISHED);
    if !is_unfinished {
        return fault.clone();
    }
    Fault::new(fault.pointer.clone(), "unfinished_rows", "a row of the filter is not finished")
}

/// The field of the form that a place in the document is typed into.
fn field(pointer: &str) -> String {
    let parts: Vec<_> = pointer.split('/').skip(1).collect();
    match parts.as_slice() {
        [part @ ("when" | "unless"), name, ..] => format!("{part}_{name}"),
        ["then", "audience", "exclude", name, ..] => format!("exclude_{name}"),
        ["then", "audience"] => "mode".to_owned(),
        ["then", "audience", name, ..] => format!("audience_{name}"),
        ["then", "channels", "fallback", row, ..] => format!("step_{row}"),
        ["then", "channels", ..] => "plan".to_owned(),
        ["then", name, ..] => (*name).to_owned(),
        [name, ..] => (*name).to_owned(),
        [] => "form".to_owned(),
    }
}

/// A fault in words, which name what is wrong where that helps.
pub(super) fn told(view: &View, document: &Value, fault: &Fault) -> String {
    let value = document.pointer(&fault.pointer).and_then(Value::as_str).unwrap_or_default();
    let place = fault.pointer.as_str();
    let code = fault.code.as_ref();
    match code {
        "invalid_topic" => view.t1("fault-topics-invalid", "value", value),
        "bad_campus_id" => view.t1("fault-wrong-id", "value", value),
        "unknown_source" | "unknown_group" | "unknown_template" | "unknown_recipient" => {
            view.t1(&format!("fault-{code}"), "value", value)
        }
        "duplicate" if place == "/name" => view.t("fault-taken"),
        "length" => view.t1("fault-length", "value", value),
        "out_of_range" if place.ends_with("wait_minutes") => view.t1("fault-minutes", "most", grouped(1_440)),
        "out_of_range" => view.t1("fault-minutes", "most", grouped(43_200)),
        "required" if place == "/then" => view.t("fault-does-nothing"),
        _ if place.starts_with("/then/channels") => match code {
            "duplicate" => view.t("fault-channel-twice"),
            "required" if place.ends_with("wait_minutes") => view.t("fault-wait"),
            "required" if place.ends_with("channel") => view.t("fault-channel"),
            _ if place.ends_with("fallback") => view.t("fault-fallback"),
            _ => view.t("fault-together"),
        },
        _ => of_people(view, value, fault),
    }
}

/// A fault of an audience, or one that needs no words of its own.
pub(in crate::console) fn of_people(view: &View, value: &str, fault: &Fault) -> String {
    match fault.code.as_ref() {
        "empty_audience" => view.t("fault-nobody"),
        "exclusive" => view.t("fault-everyone"),
        code if code.starts_with("filter_") => {
            let position = Filter::parse(value).err().map_or(0, |error| error.position + 1);
            view.t1("fault-filter", "position", position)
        }
        code => match view.t(&format!("fault-{code}")) {
            text if text == format!("fault-{code}") => fault.detail.clone(),
            text => text,
        },
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::clock::Timestamp;
    use crate::config::Language;
    use crate::domain::routing::read;

    fn rules(document: &Value) -> crate::Result<Vec<Rule>> {
        read(&json!({ "rules": [document] }), |_, _| RuleId(7)).map(|list| list.rules)
    }

    #[test]
    fn a_rule_comes_out_of_its_form_as_it_went_in() {
        for document in [
            json!({"name": "a", "stop": true}),
            json!({"name": "b", "enabled": false, "when": {
                "sources": ["教务处"], "topics": ["academic.#", "library.*"], "categories": ["announcement"],
                "priorities": ["high", "emergency"], "attributes": "level = 'urgent'", "words": ["缴费", "转账"],
            }, "unless": {"words": ["测试"]}, "then": {
                "audience": {"mode": "replace", "groups": ["a", "b"], "recipients": ["1"], "where": "role = 'staff'",
                    "exclude": {"everyone": true}},
                "channels": {"fallback": [{"channel": "wechat", "wait_minutes": 15}, {"channel": "sms"}]},
                "template": "t", "hold": "钱", "expires_in_minutes": 2880, "quiet_hours": "ignore",
            }}),
            json!({"name": "c", "then": {"channels": {"together": ["email", "sms"]}, "audience": {"mode": "add", "everyone": true}}}),
        ] {
            let rule = rules(&document).unwrap().remove(0);
            let again = RuleForm::of(3, &rule).document();
            assert_eq!(rules(&again).unwrap()[0], rule, "{again}");
        }
    }

    #[test]
    fn faults_stand_at_the_field_and_name_what_is_wrong() {
        let view =
            View { language: Language::English, zone: TimeZone::UTC, now: Timestamp(0), csrf: String::new() };
        let form = RuleForm {
            when: ConditionForm {
                topics: "ok\nNot OK".to_owned(),
                attributes: "level =".to_owned(),
                ..ConditionForm::default()
            },
            mode: "add".to_owned(),
            plan: "fallback".to_owned(),
            steps: vec![
                StepForm { channel: "sms".to_owned(), wait: String::new() },
                StepForm { channel: "email".to_owned(), wait: "9".to_owned() },
            ],
            expires_in_minutes: "soon".to_owned(),
            ..RuleForm::new(1)
        };
        let document = form.document();
        let Err(crate::Error::Invalid(found)) = rules(&document) else { panic!("taken") };
        let found: Vec<_> = found
            .into_iter()
            .map(|fault| Fault { pointer: fault.pointer.replacen("/rules/0", "", 1), ..fault })
            .collect();
        let told = faults(&view, &document, &found);
        for (field, text) in [
            ("name", "This is needed."),
            ("when_topics", "“Not OK” is not a topic"),
            ("when_attributes", "character 8"),
            ("mode", "names nobody"),
            ("step_0", "how long to wait"),
            ("expires_in_minutes", "1 to 43,200"),
        ] {
            assert!(told.of(field).is_some_and(|told| told.contains(text)), "{field}: {told:?}");
        }
        assert!(told.of("step_1").is_none(), "nobody waits after the last");
    }
}
