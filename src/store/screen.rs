//! What keeps a message from people besides their having no address, as SQL. The fan-out and previews ask the same, so
//! they cannot disagree.

use std::collections::BTreeMap;

use super::fan_out::{coalesce, kind_of};
use super::{Dialect, suppressions};
use crate::clock::Timestamp;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::delivery::{State, suppressed};
use crate::domain::id::MessageId;

/// What a message has to heed. An emergency heeds nothing but the kind of address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Screen {
    /// Opt-out patterns that match its topic.
    pub opt_outs: Vec<String>,
    /// There are addresses on the suppression list.
    pub suppression: bool,
    /// Messages that said the same a short time ago.
    pub repeats: Vec<MessageId>,
    /// Where it is quiet now.
    pub quiet: BTreeMap<ChannelKind, Quiet>,
    /// Which address of a person's is used where a channel can use several.
    pub prefers: Option<AddressKind>,
}

/// What quiet hours do to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quiet {
    Until(Timestamp),
    /// The message will have expired when they end.
    TooLong,
}

impl Quiet {
    /// Until when it waits; none where waiting is no use.
    pub const fn end(self) -> Option<Timestamp> {
        match self {
            Self::Until(end) => Some(end),
            Self::TooLong => None,
        }
    }
}

/// States of a delivery whose person has, or may have, the text. What only waits may never get there, and is looked at
/// again when the other is handed over.
pub(super) fn had_it() -> String {
    let has = |state: &&State| !state.has_missed() && **state != State::Pending;
    State::ALL.iter().filter(has).map(|state| state.code().to_string()).collect::<Vec<_>>().join(", ")
}

impl Screen {
    /// Why a message is not sent to a person by a channel, as SQL over `recipient r`: a delivery's reason, or NULL.
    /// `opt_outs` and `now`: the parameters of the patterns, as JSON, and of the moment. `whichever`: a repeat counts
    /// whatever channel it went by.
    pub(super) fn why(
        &self,
        dialect: Dialect,
        channel: ChannelKind,
        opt_outs: &str,
        now: &str,
        whichever: bool,
    ) -> String {
        let (address, code) = (coalesce(channel, self.prefers), channel.code());
        let opted_out = if self.opt_outs.is_empty() {
            String::new()
        } else {
            format!(
                "WHEN EXISTS (SELECT 1 FROM opt_out o WHERE o.recipient_id = r.id AND o.channel IN (0, {code})
                 AND o.topic IN {list}) THEN '{reason}'",
                list = dialect.text_list(opt_outs),
                reason = suppressed::OPTED_OUT,
            )
        };
        let no_address = suppressed::NO_ADDRESS;
        let mut reasons = vec![format!("CASE {opted_out} WHEN {address} IS NULL THEN '{no_address}' END")];
        if self.suppression {
            reasons.push(suppressions::reason(&kind_of(channel, self.prefers), &address, now));
        }
        if !self.repeats.is_empty() {
            let ids: Vec<_> = self.repeats.iter().map(|id| id.0.to_string()).collect();
            let channels = if whichever { every_channel() } else { code.to_string() };
            reasons.push(format!(
                "CASE WHEN EXISTS (SELECT 1 FROM delivery e WHERE e.message_id IN ({ids}) AND e.channel IN ({channels})
                 AND e.target = r.id AND e.state IN ({had_it})) THEN '{reason}' END",
                ids = ids.join(", "),
                had_it = had_it(),
                reason = suppressed::DUPLICATE,
            ));
        }
        if self.quiet.get(&channel) == Some(&Quiet::TooLong) {
            reasons.push(format!("'{}'", suppressed::QUIET_EXPIRED));
        }
        match <[String; 1]>::try_from(reasons) {
            Ok([only]) => only,
            Err(reasons) => format!("COALESCE({})", reasons.join(", ")),
        }
    }

    /// Until when a channel's deliveries wait for the morning.
    pub(super) fn end(&self, channel: ChannelKind) -> Option<Timestamp> {
        self.quiet.get(&channel).and_then(|quiet| quiet.end())
    }
}

/// The codes of all channels, for indexes that have the channel before what is looked for.
pub(super) fn every_channel() -> String {
    ChannelKind::ALL.map(|channel| channel.code().to_string()).join(", ")
}
