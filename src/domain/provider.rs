//! The kinds of provider an administrator can configure.

use super::channel::ChannelKind;
use super::message::coded;
use serde::{Deserialize, Serialize};
use std::fmt;

coded! {
    /// What software answers behind a provider, and so which adapter speaks to it.
    ProviderKind {
        Smtp = 1 "smtp",
        Sandbox = 2 "sandbox",
    }
}

impl ProviderKind {
    /// Whether this kind can serve the channel.
    pub const fn serves(self, channel: ChannelKind) -> bool {
        match self {
            Self::Smtp => matches!(channel, ChannelKind::Email),
            Self::Sandbox => true,
        }
    }
}
