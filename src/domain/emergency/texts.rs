//! A scenario's texts, filled in for one broadcast.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::scenario::{Language, Placeholder, Run, Said, Scenario, Spoken, TIME, Texts};
use crate::domain::audience::Params;
use crate::domain::channel::ChannelKind;
use crate::domain::content::{Content, Escape, Variant, as_markdown, template};
use crate::domain::fields::pointer;
use crate::error::Fault;

/// What was chosen for each placeholder, in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Chosen(BTreeMap<String, Spoken>);

impl Chosen {
    pub fn get(&self, name: &str) -> Option<&Spoken> {
        self.0.get(name)
    }

    /// By the placeholders' names, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Spoken)> {
        self.0.iter().map(|(name, choice)| (name.as_str(), choice))
    }

    /// In words, in the order the scenario asks: `图书馆 · 操场`. Empty where there is nothing to choose.
    pub fn words(&self, scenario: &Scenario, language: Language) -> String {
        let chosen = scenario.placeholders.iter().filter_map(|asked| self.get(&asked.name));
        chosen.map(|choice| choice.of(language)).collect::<Vec<_>>().join(" · ")
    }
}

impl FromIterator<(String, Spoken)> for Chosen {
    fn from_iter<T: IntoIterator<Item = (String, Spoken)>>(chosen: T) -> Self {
        Self(chosen.into_iter().collect())
    }
}

/// Reads what was chosen. A choice is named by its text in either language.
///
/// # Errors
///
/// A fault for each placeholder that is not filled in, or not from its list, and for each that is none. Their pointers
/// begin with `/params`.
pub fn choose(scenario: &Scenario, params: &Params) -> Result<Chosen, Vec<Fault>> {
    let mut chosen = Chosen::default();
    let mut faults = Vec::new();
    for placeholder in &scenario.placeholders {
        let at = || format!("/params{}", pointer(&placeholder.name));
        let choices = || {
            let texts = placeholder.choices.iter().map(|choice| format!("`{}` (`{}`)", choice.zh, choice.en));
            texts.collect::<Vec<_>>().join(", ")
        };
        match params.get(&placeholder.name) {
            None | Some(Value::Null) => {
                let detail = format!("choose `{}` from {}", placeholder.name, choices());
                faults.push(Fault::new(at(), "missing_variable", detail));
            }
            Some(value) => match choice(placeholder, value) {
                Some(choice) => drop(chosen.0.insert(placeholder.name.clone(), choice.clone())),
                None => {
                    let detail = format!("not on the list; choose from {}", choices());
                    faults.push(Fault::new(at(), "not_a_choice", detail));
                }
            },
        }
    }
    for name in params.keys().filter(|name| !scenario.placeholders.iter().any(|asked| asked.name == **name)) {
        let detail = format!("this scenario has nothing to choose by the name `{name}`");
        faults.push(Fault::new(format!("/params{}", pointer(name)), "unknown_variable", detail));
    }
    if faults.is_empty() { Ok(chosen) } else { Err(faults) }
}

fn choice<'p>(placeholder: &'p Placeholder, value: &Value) -> Option<&'p Spoken> {
    let named = match value {
        Value::String(text) => text.trim().to_lowercase(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    placeholder.choices.iter().find(|choice| names_of(choice).contains(&named))
}

/// What a choice is called, whatever the case of its letters. No two choices of a list share one.
pub(super) fn names_of(choice: &Spoken) -> [String; 2] {
    [choice.zh.trim().to_lowercase(), choice.en.trim().to_lowercase()]
}

/// The time of day as texts say it. The day is left out: whoever reads of an emergency reads it at once or too late.
pub fn time_of_day(at: &jiff::Zoned) -> Spoken {
    let clock = format!("{:02}:{:02}", at.hour(), at.minute());
    Spoken::new(clock.clone(), clock)
}

/// All texts of one message, filled in, for every channel and both languages; what the campus speaks is the content's own.
/// Nothing in it is a variable any more, whatever it looks like.
pub fn content(texts: &Texts, chosen: &Chosen, time: &Spoken, run: Run, campus: Language) -> Content {
    assemble(campus, |language| said(texts, chosen, time, run, language))
}

/// One language's texts, filled in.
pub fn said(texts: &Texts, chosen: &Chosen, time: &Spoken, run: Run, language: Language) -> Said {
    let params = params(chosen, time, language);
    let Said { title, body, sms, wechat } = texts.of(language);
    let plain = |text: &str| fill(text, &params, Escape::None);
    let said = Said {
        title: plain(title),
        body: fill(body, &params, Escape::Markdown),
        sms: plain(sms),
        wechat: plain(wechat),
    };
    if run.is_marked() { drill(&said, language) } else { said }
}

/// Content that says by each channel and in each language what is said there, and not a word more.
pub fn assemble(campus: Language, said: impl Fn(Language) -> Said) -> Content {
    let (own, other) = (said(campus), said(campus.other()));
    let mut content = Content {
        title: own.title,
        body: own.body,
        language: Some(campus.tag().to_owned()),
        ..Content::default()
    };
    let elsewhere = Variant { title: Some(other.title), body: Some(other.body) };
    content.variants.insert(campus.other().name().to_owned(), elsewhere);
    for (channel, own, other) in
        [(ChannelKind::Sms, own.sms, other.sms), (ChannelKind::Wechat, own.wechat, other.wechat)]
    {
        for (key, text) in [(channel.to_string(), own), (format!("{channel}.{}", campus.other()), other)] {
            if !text.trim().is_empty() {
                content.variants.insert(key, Variant { title: None, body: Some(as_markdown(&text)) });
            }
        }
    }
    content.clean();
    content
}

/// The values by name, for vendors whose templates were approved with variables of their own.
pub fn params(chosen: &Chosen, time: &Spoken, language: Language) -> Params {
    let values = chosen.iter().chain([(TIME, time)]);
    values.map(|(name, value)| (name.to_owned(), value.of(language).into())).collect()
}

/// What stands before every text of a drill and of an exercise.
pub const fn drill_mark(language: Language) -> &'static str {
    match language {
        Language::Chinese => "【演练】",
        Language::English => "[DRILL]",
    }
}

/// What every text of a drill and of an exercise ends with.
pub const fn drill_end(language: Language) -> &'static str {
    match language {
        Language::Chinese => "以上为演练内容，无需采取任何行动。",
        Language::English => "This is a drill. No action is needed.",
    }
}

/// Texts that say at their beginning and at their end that they are a drill's. What is not said at all stays so.
pub fn drill(said: &Said, language: Language) -> Said {
    let (mark, end) = (drill_mark(language), drill_end(language));
    let space = if language == Language::English { " " } else { "" };
    let around = |text: &str, before: &str, after: &str| {
        if text.trim().is_empty() { String::new() } else { format!("{mark}{before}{text}{after}{end}") }
    };
    // On one line, a name that signs it would run into what follows.
    let is_closed = said.sms.trim_end().ends_with(['。', '！', '？', '”', '）', '.', '!', '?', ')', '"']);
    let between = match language {
        _ if is_closed => space,
        Language::Chinese => "。",
        Language::English => ". ",
    };
    Said {
        title: format!("{mark}{space}{}", said.title),
        // In paragraphs of their own, so that they change no mark-up.
        body: around(&said.body, "\n\n", "\n\n"),
        sms: around(&said.sms, space, between),
        wechat: around(&said.wechat, space, "\n"),
    }
}

/// What is not chosen, which only texts can lack that nobody checked, stands as `‹name›`.
fn fill(text: &str, params: &Params, escape: Escape) -> String {
    template::render(text, params, escape)
        .unwrap_or_else(|_| template::outline(text, params, &BTreeSet::new(), escape))
}
