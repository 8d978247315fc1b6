//! Kinds, settings, health and advice, as people say them.

use crate::clock::Timestamp;
use crate::console::label::Tone;
use crate::console::view::{Markup, View};
use crate::domain::provider::{Advice, ProviderKind};
use crate::service::providers::{Doubt, Holds, Setting, Trouble, TroubleKind};

/// How a provider is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    Working,
    Ailing(Trouble),
    Doubtful(Doubt),
    /// Switched off.
    Off,
}

impl Health {
    /// Of a provider that is used.
    pub fn of(trouble: Option<&Trouble>, doubt: Option<Doubt>) -> Self {
        match (trouble, doubt) {
            (Some(trouble), _) => Self::Ailing(trouble.clone()),
            (None, Some(doubt)) => Self::Doubtful(doubt),
            (None, None) => Self::Working,
        }
    }

    const fn key(&self) -> &'static str {
        match self {
            Self::Working => "health-working",
            Self::Off => "health-off",
            Self::Doubtful(Doubt::Untried) => "health-untried",
            Self::Doubtful(Doubt::TestFailed) => "health-test_failed",
            Self::Ailing(trouble) => match trouble.kind {
                TroubleKind::Failed => "health-failed",
                TroubleKind::Paused => "health-paused",
                TroubleKind::Unusable => "health-unusable",
            },
        }
    }

    /// In the provider's words.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Ailing(trouble) => trouble.reason.as_deref(),
            Self::Working | Self::Doubtful(_) | Self::Off => None,
        }
    }

    /// When it is tried again by itself.
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Ailing(trouble) => trouble.until,
            Self::Working | Self::Doubtful(_) | Self::Off => None,
        }
    }
}

/// Key of what an administrator can do.
const fn advice_key(advice: Advice) -> &'static str {
    match advice {
        Advice::AllowAddress => "advice-allow_address",
        Advice::Credentials => "advice-credentials",
        Advice::Sign => "advice-sign",
        Advice::Template => "advice-template",
        Advice::Balance => "advice-balance",
        Advice::Quota => "advice-quota",
        Advice::Clock => "advice-clock",
        Advice::Rights => "advice-rights",
        Advice::Sender => "advice-sender",
    }
}

impl View {
    /// A provider's kind; one of a newer version by its own word.
    pub fn kind_text(&self, kind: &str) -> String {
        self.text_or(&format!("kind-{kind}"), kind)
    }

    /// When a kind is the one to choose.
    pub fn kind_hint(&self, kind: &ProviderKind) -> String {
        self.t(&format!("kind-{kind}-hint"))
    }

    /// What to do with the callback address at this kind's vendor.
    pub(super) fn callback_advice(&self, kind: &str) -> String {
        self.t(&format!("kind-{kind}-callback"))
    }

    pub fn setting_text(&self, setting: &Setting) -> String {
        self.t(&format!("setting-{}", setting.name()))
    }

    /// What to enter, and what counts where nothing is.
    pub fn setting_hint(&self, setting: &Setting) -> String {
        let hint = self.t(&format!("setting-{}-hint", setting.name()));
        match (setting.required, setting.usual) {
            (true, _) => hint,
            (false, "") => format!("{}{hint}", self.t("setting-optional")),
            (false, usual) => {
                let usual = match setting.holds {
                    Holds::Choice(_) => self.choice_text(setting, usual),
                    _ => usual.to_owned(),
                };
                format!("{hint}{}", self.t1("setting-usual", "value", usual))
            }
        }
    }

    /// A word that a setting offers; any other as it is.
    pub fn choice_text(&self, setting: &Setting, word: &str) -> String {
        self.text_or(&format!("choice-{}-{word}", setting.name()), word)
    }

    /// What is likely to mend a provider, where it said something.
    pub(in crate::console) fn advice(&self, advice: Option<Advice>, answered: bool) -> String {
        match advice {
            Some(advice) => self.t(advice_key(advice)),
            None if answered => self.t("advice-none"),
            None => self.t("advice-unreached"),
        }
    }

    /// What a test that a kind passed has shown, and what only sending shows.
    pub(super) fn tested_text(&self, kind: &str) -> String {
        self.text_or(&format!("kind-{kind}-tested"), "")
    }

    pub fn health_text(&self, health: &Health) -> String {
        self.t(health.key())
    }

    /// What follows from how a provider is doing, and what can be done about it.
    pub fn health_advice(&self, health: &Health) -> String {
        self.text_or(&format!("{}-advice", health.key()), "")
    }

    pub fn health(&self, health: &Health) -> Markup {
        let (mark, tone) = match health {
            Health::Working => ("check", Tone::Good),
            Health::Off => ("ban", Tone::Quiet),
            Health::Doubtful(Doubt::Untried) => ("clock", Tone::Amber),
            Health::Doubtful(Doubt::TestFailed) => ("warning", Tone::Amber),
            Health::Ailing(trouble) => match trouble.kind {
                TroubleKind::Failed => ("warning", Tone::Amber),
                TroubleKind::Paused => ("pause", Tone::Amber),
                TroubleKind::Unusable => ("failed", Tone::Amber),
            },
        };
        self.mark(mark, tone, self.health_text(health))
    }

    /// The text of a key, or what stands for it where there is none.
    pub(super) fn text_or(&self, key: &str, otherwise: &str) -> String {
        match self.t(key) {
            text if text == key => otherwise.to_owned(),
            text => text,
        }
    }
}
