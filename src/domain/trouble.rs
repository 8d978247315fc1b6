//! What deliveries that failed, or of which nobody knows, have in common: it is looked at, and acted on, once for all.

use std::fmt;
use std::str::FromStr;

use super::channel::ChannelKind;
use super::delivery::{RESTORED, State};
use super::id::ProviderId;

/// Why deliveries end `failed` or `unknown`, each with a text that says what it means and what to do.
pub const REASONS: [&str; 8] = [
    "permanent_recipient",
    "permanent_message",
    "retries_exhausted",
    "unknown_code",
    "text_not_rendered",
    "no_answer",
    RESTORED,
    REPORTED,
];
/// A receipt said so, later.
pub const REPORTED: &str = "reported";

/// As a delivery keeps it: `4:2:17:permanent_recipient:550`, written by the store with the state itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub state: State,
    pub channel: ChannelKind,
    /// `None`: it never got as far as to a provider.
    pub provider: Option<ProviderId>,
    /// Usually one of [`REASONS`].
    pub reason: String,
    /// The vendor's; may be empty.
    pub code: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { state, channel, provider, reason, code } = self;
        let provider = provider.map_or(0, |provider| provider.0);
        write!(f, "{}:{}:{provider}:{reason}:{code}", state.code(), channel.code())
    }
}

/// A text that is no trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not what deliveries have in common")]
pub struct NotATrouble;

impl FromStr for Trouble {
    type Err = NotATrouble;

    fn from_str(text: &str) -> Result<Self, NotATrouble> {
        let mut parts = text.splitn(5, ':');
        let mut number = || parts.next().and_then(|part| part.parse::<i64>().ok()).ok_or(NotATrouble);
        let (state, channel, provider) = (number()?, number()?, number()?);
        let mut rest = || parts.next().map(str::to_owned).ok_or(NotATrouble);
        Ok(Self {
            state: State::from_code(state)
                .filter(|state| matches!(state, State::Failed | State::Unknown))
                .ok_or(NotATrouble)?,
            channel: ChannelKind::from_code(channel).ok_or(NotATrouble)?,
            provider: (provider != 0).then_some(ProviderId(provider)),
            reason: rest()?,
            code: rest()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written() {
        for text in ["4:1:17:permanent_recipient:550 5.1.1", "8:2:3:no_answer:", "4:3:0:reported:a:b"] {
            assert_eq!(text.parse::<Trouble>().unwrap().to_string(), text);
        }
        let coded: Trouble = "4:3:0:reported:a:b".parse().unwrap();
        assert_eq!((coded.provider, &*coded.code), (None, "a:b"));
    }

    #[test]
    fn what_nobody_wrote_is_none() {
        for text in ["", "4:1:17", "4:1:17:x", "3:1:17:x:y", "4:9:17:x:y", "four:1:1:x:y"] {
            assert_eq!(text.parse::<Trouble>(), Err(NotATrouble), "{text}");
        }
    }
}
