//! What people would read, and how many of them: before a press, before somebody else's word, and afterwards.

use askama::Template;

use super::tongue;
use crate::console::rules::simulator::plain_warning;
use crate::console::view::View;
use crate::domain::channel::ChannelKind;
use crate::domain::content::Rendered;
use crate::domain::emergency::{Chosen, Language, Plan, Run, Said, Spoken, Texts, texts};
use crate::http::locale;
use crate::service::broadcasts::Foreseen;

/// The texts of one language, each as its channel brings it.
#[derive(Clone, Debug)]
pub struct Reading {
    /// As a `lang` attribute.
    pub tag: &'static str,
    pub language: String,
    pub texts: Vec<ChannelText>,
}

#[derive(Clone, Debug)]
pub struct ChannelText {
    pub channel: ChannelKind,
    /// Perhaps empty.
    pub title: String,
    pub body: String,
    /// Of an SMS: how many are billed.
    pub segments: Option<u64>,
}

fn language_name(language: Language) -> String {
    use crate::config::Language as Own;
    let own = match language {
        Language::Chinese => Own::SimplifiedChinese,
        Language::English => Own::English,
    };
    locale::own_name(own).to_owned()
}

/// This person's language first.
fn languages(view: &View) -> [Language; 2] {
    let own = tongue(view);
    [own, own.other()]
}

/// What comes soonest and is shortest is read first.
const ORDER: [ChannelKind; 3] = [ChannelKind::Sms, ChannelKind::Wechat, ChannelKind::Email];

/// As they were foreseen, with signs and segments.
fn foreseen_texts(view: &View, foreseen: &Foreseen) -> Vec<Reading> {
    let reading = |language: Language| {
        let of = |channel: &ChannelKind| {
            foreseen
                .preview
                .rendered
                .iter()
                .find(|text| text.channel == *channel && Language::of_tag(&text.language) == language)
        };
        let texts = ORDER.iter().filter_map(of).map(|text| ChannelText {
            channel: text.channel,
            title: text.title.clone(),
            body: text.sms_text.as_ref().unwrap_or(&text.body).clone(),
            segments: text.sms_segments.map(|n| n as u64),
        });
        Reading { tag: language.tag(), language: language_name(language), texts: texts.collect() }
    };
    languages(view).map(reading).to_vec()
}

/// One message's texts, filled in.
#[derive(Clone, Copy, Debug)]
pub struct Filled<'a> {
    pub texts: &'a Texts,
    pub chosen: &'a Chosen,
    pub time: &'a Spoken,
    pub run: Run,
    pub channels: &'a [ChannelKind],
}

impl<'a> Filled<'a> {
    pub const fn of_plan(plan: &'a Plan, texts: &'a Texts, time: &'a Spoken, run: Run) -> Self {
        Self { texts, chosen: &plan.chosen, time, run, channels: plan.scenario.channels.as_slice() }
    }

    pub fn readings(&self, view: &View) -> Vec<Reading> {
        let reading = |language: Language| {
            let Said { title, body, sms, wechat } =
                texts::said(self.texts, self.chosen, self.time, self.run, language);
            let text = |channel: &ChannelKind| {
                let (title, body) = match channel {
                    ChannelKind::Sms => (String::new(), sms.clone()),
                    ChannelKind::Wechat => (title.clone(), wechat.clone()),
                    ChannelKind::Email => (title.clone(), Rendered::new("", &body, None).plain.to_string()),
                };
                ChannelText { channel: *channel, title, body, segments: None }
            };
            let texts = ORDER.iter().filter(|channel| self.channels.contains(channel)).map(text).collect();
            Reading { tag: language.tag(), language: language_name(language), texts }
        };
        languages(view).map(reading).to_vec()
    }
}

/// Texts side by side.
#[derive(Debug, Template)]
#[template(path = "console/emergency/texts.html")]
pub struct TextsFragment {
    pub view: View,
    /// Where there are several on a page.
    pub id: &'static str,
    pub readings: Vec<Reading>,
}

impl TextsFragment {
    pub fn of_foreseen(view: &View, foreseen: &Foreseen) -> Self {
        Self { view: view.clone(), id: "said", readings: foreseen_texts(view, foreseen) }
    }

    pub fn filled(view: &View, id: &'static str, filled: &Filled<'_>) -> Self {
        Self { view: view.clone(), id, readings: filled.readings(view) }
    }
}

/// How many people, by each channel and by none, and what would keep it from them.
#[derive(Debug, Template)]
#[template(path = "console/emergency/people.html")]
pub struct PeopleFragment {
    pub view: View,
    pub total: u64,
    pub channels: Vec<(ChannelKind, u64, u64)>,
    /// People whom none of its channels reaches.
    pub unreachable: u64,
    pub warnings: Vec<String>,
}

impl PeopleFragment {
    pub fn new(view: &View, foreseen: &Foreseen) -> Self {
        let audience = &foreseen.preview.audience;
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        let by = |channel: &ChannelKind| {
            let of = audience.by_channel.get(channel)?;
            let missed = of.no_address + of.opted_out + of.suppressed;
            Some((*channel, count(of.reachable), count(missed)))
        };
        Self {
            total: count(audience.total),
            channels: ORDER.iter().filter_map(by).collect(),
            unreachable: foreseen.unreachable,
            warnings: foreseen.preview.warnings.iter().filter_map(|w| plain_warning(view, w)).collect(),
            view: view.clone(),
        }
    }
}
