//! Kinds, settings, health and advice, as people say them.

use crate::clock::Timestamp;
use crate::console::label::Tone;
use crate::console::view::{Markup, View};
use crate::domain::provider::{Advice, ProviderKind};
use crate::service::providers::{Listed, Setting, Trouble, TroubleKind};

/// How a provider is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    Working,
    Ailing(Trouble),
    /// Switched off.
    Off,
}

impl Health {
    pub(super) fn of(listed: &Listed) -> Self {
        match &listed.trouble {
            _ if !listed.provider.enabled => Self::Off,
            None => Self::Working,
            Some(trouble) => Self::Ailing(trouble.clone()),
        }
    }

    /// In the provider's words.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Ailing(trouble) => trouble.reason.as_deref(),
            Self::Working | Self::Off => None,
        }
    }

    /// When it is tried again by itself.
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Ailing(trouble) => trouble.until,
            Self::Working | Self::Off => None,
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
            (false, usual) => format!("{hint}{}", self.t1("setting-usual", "value", usual)),
        }
    }

    /// A word that a setting offers; any other as it is.
    pub fn choice_text(&self, setting: &Setting, word: &str) -> String {
        self.text_or(&format!("choice-{}-{word}", setting.name()), word)
    }

    /// What is likely to mend a provider.
    pub(super) fn advice(&self, advice: Option<Advice>) -> String {
        advice.map_or_else(|| self.t("advice-none"), |advice| self.t(advice_key(advice)))
    }

    pub fn health(&self, health: &Health) -> Markup {
        let (mark, tone, key) = match health {
            Health::Working => ("check", Tone::Good, "health-working"),
            Health::Off => ("ban", Tone::Quiet, "health-off"),
            Health::Ailing(trouble) => match trouble.kind {
                TroubleKind::Failed => ("warning", Tone::Amber, "health-failed"),
                TroubleKind::Paused => ("pause", Tone::Amber, "health-paused"),
                TroubleKind::Unusable => ("failed", Tone::Amber, "health-unusable"),
            },
        };
        self.mark(mark, tone, self.t(key))
    }

    /// The text of a key, or what stands for it where there is none.
    pub(super) fn text_or(&self, key: &str, otherwise: &str) -> String {
        match self.t(key) {
            text if text == key => otherwise.to_owned(),
            text => text,
        }
    }
}
