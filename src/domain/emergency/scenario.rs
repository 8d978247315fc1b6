//! An emergency as it is prepared before it happens: whom it concerns, what they are told, and what follows.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::cap_facts::CapFacts;
use crate::domain::audience::Audience;
use crate::domain::channel::ChannelKind;
use crate::domain::message::coded;

/// Lists people choose from, in one scenario: nobody fills in more than this while something burns.
pub const MOST_PLACEHOLDERS: usize = 3;
/// Choices of one list.
pub const MOST_CHOICES: usize = 60;
/// Large tiles on the emergency page.
pub const TILES: u32 = 6;
/// The variable that every text may name and nobody fills in.
pub const TIME: &str = "time";

coded! {
    /// How bad it is, the worst first. Ours are no government's.
    Level {
        Red = 1 "red",
        Orange = 2 "orange",
        Yellow = 3 "yellow",
        Blue = 4 "blue",
    }
}

coded! {
    /// Whether it is so.
    Run {
        Live = 1 "live",
        /// Reaches the sandbox and nobody else.
        Drill = 2 "drill",
        /// Announced, and to real people.
        Exercise = 3 "exercise",
    }
}

impl Run {
    /// Its texts say that it is one.
    pub const fn is_marked(self) -> bool {
        !matches!(self, Self::Live)
    }
}

coded! {
    /// One of the messages of a broadcast.
    Part {
        Alert = 1 "alert",
        Update = 2 "update",
        Correction = 3 "correction",
        AllClear = 4 "all_clear",
        /// The alert once more, for those who did not answer, or whom no channel has reached.
        Escalation = 5 "escalation",
    }
}

impl Part {
    /// Where there is a roll call, it asks for an answer: what says that it is over, or was not so, does not.
    pub const fn asks(self) -> bool {
        matches!(self, Self::Alert | Self::Update | Self::Escalation)
    }
}

/// A language that every text is there in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    Chinese,
    English,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::Chinese, Self::English];

    /// As scenarios name it, and as content names its variants.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chinese => "zh",
            Self::English => "en",
        }
    }

    /// As a BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }

    /// Of a tag such as `zh-CN`, `zh` or `en-GB`. Whoever reads neither reads English.
    pub fn of_tag(tag: &str) -> Self {
        let primary = tag.split('-').next().unwrap_or(tag);
        if primary.eq_ignore_ascii_case(Self::Chinese.name()) { Self::Chinese } else { Self::English }
    }

    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Chinese => Self::English,
            Self::English => Self::Chinese,
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The same in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Spoken {
    pub zh: String,
    pub en: String,
}

impl Spoken {
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }

    pub fn of(&self, language: Language) -> &str {
        match language {
            Language::Chinese => &self.zh,
            Language::English => &self.en,
        }
    }
}

/// A pre-approved emergency. [`super::reading`] reads one, [`super::lint()`] says whether it may be used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    pub name: Spoken,
    /// Two of `0-9`, `A-Z`: typed instead of holding a button.
    pub code: String,
    pub level: Level,
    /// One person may start it; others are told and may stop it.
    pub life_threatening: bool,
    pub cap: CapFacts,
    /// Without addresses outside the directory.
    pub audience: Audience,
    pub channels: Vec<ChannelKind>,
    /// At most [`MOST_PLACEHOLDERS`].
    pub placeholders: Vec<Placeholder>,
    pub alert: Texts,
    /// That it was not so.
    pub correction: Texts,
    /// That it is over.
    pub all_clear: Texts,
    /// From its start.
    pub expires_in_minutes: u32,
    /// People are asked whether they are safe.
    pub roll_call: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<Escalation>,
    /// Who answers for it: a unit or a person, in words.
    pub owner: String,
    pub review_on: jiff::civil::Date,
    /// Its place, from 1, among the large tiles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tile: Option<u8>,
}

impl Scenario {
    /// What is prepared for a part. An update is written when there is something to say.
    pub const fn texts(&self, part: Part) -> Option<&Texts> {
        match part {
            Part::Alert | Part::Escalation => Some(&self.alert),
            Part::Correction => Some(&self.correction),
            Part::AllClear => Some(&self.all_clear),
            Part::Update => None,
        }
    }

    /// A channel it uses, be it only later.
    pub fn uses(&self, channel: ChannelKind) -> bool {
        let later = self.escalation.as_ref().map_or(&[][..], |escalation| &escalation.channels);
        self.channels.contains(&channel) || later.contains(&channel)
    }

    /// The channels by which people are told: with those of the escalation where it `escalated`.
    pub fn channels_of_all(&self, escalated: bool) -> Vec<ChannelKind> {
        let mut channels = self.channels.clone();
        let later = self.escalation.iter().filter(|_| escalated).flat_map(|escalation| &escalation.channels);
        for channel in later {
            if !channels.contains(channel) {
                channels.push(*channel);
            }
        }
        channels
    }

    pub fn review_is_due(&self, today: jiff::civil::Date) -> bool {
        self.review_on < today
    }
}

/// What is chosen from a list when it happens, such as the place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placeholder {
    /// As texts name it: `{{ place }}`.
    pub name: String,
    pub label: Spoken,
    pub choices: Vec<Spoken>,
}

/// One message of a broadcast in both languages, which go out apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    pub zh: Said,
    pub en: Said,
}

impl Texts {
    pub const fn of(&self, language: Language) -> &Said {
        match language {
            Language::Chinese => &self.zh,
            Language::English => &self.en,
        }
    }
}

/// What one message says by each channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Of the mail, of the card, and the headline of the CAP document.
    pub title: String,
    /// Markdown, for mail.
    pub body: String,
    /// All of the SMS but its signature; plain text on one line. Empty where the scenario sends none.
    #[serde(default)]
    pub sms: String,
    /// A WeChat card's text below its title; plain text. Empty where the scenario sends none.
    #[serde(default)]
    pub wechat: String,
}

impl Said {
    /// Where nothing of their own is given, SMS say the title and WeChat says the body.
    #[must_use]
    pub fn for_every_channel(self) -> Self {
        let sms = if self.sms.is_empty() { self.title.clone() } else { self.sms };
        let wechat = if self.wechat.is_empty() { self.body.clone() } else { self.wechat };
        Self { sms, wechat, ..self }
    }

    pub fn is_blank(&self) -> bool {
        self.texts().iter().all(|(_, text)| text.trim().is_empty())
    }

    /// Each text with the name of its field.
    pub fn texts(&self) -> [(&'static str, &str); 4] {
        [("title", &self.title), ("body", &self.body), ("sms", &self.sms), ("wechat", &self.wechat)]
    }
}

/// The alert once more, by other channels: to those who did not answer the roll call, and without one to those whom none has
/// reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalation {
    pub after_minutes: u32,
    pub channels: Vec<ChannelKind>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn red_comes_first() {
        let mut levels = [Level::Blue, Level::Red, Level::Yellow, Level::Orange];
        levels.sort();
        assert_eq!(levels, [Level::Red, Level::Orange, Level::Yellow, Level::Blue]);
    }

    #[test]
    fn a_tag_names_one_of_the_languages() {
        let of = |tag| Language::of_tag(tag).name();
        assert_eq!(
            ["zh-CN", "zh", "ZH-Hant", "en", "en-GB", "fr"].map(of),
            ["zh", "zh", "zh", "en", "en", "en"]
        );
        for language in Language::ALL {
            assert_eq!(Language::of_tag(language.tag()), language);
            assert_eq!(language.other().other(), language);
        }
    }
}
