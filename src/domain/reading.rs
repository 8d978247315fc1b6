//! What a person may be asked about their own preferences, by which of their messages they opened. They agreed to it before
//! (adr 67); it is reckoned while they look, and kept nowhere.
//!
//! Only what was opened on its page, or in a portal, is known to have been read. Somebody who reads their mails in their mailbox
//! opens none of them, so that a message that was not opened says something only where the person opens others that came the
//! same way.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::channel::ChannelKind;
use super::delivery::{State, suppressed};
use super::id::MessageId;
use super::message::Category;
use super::recipient::OptOut;
use super::topic::{Topic, TopicPattern};
use crate::clock::Timestamp;

/// How many days back messages are looked at.
pub const DAYS: u16 = 180;
/// Suggestions at a time: each is a question, and who is asked much answers nothing.
pub const MOST: usize = 3;
/// What was not opened by then is taken for not opened.
const SETTLES: Duration = Duration::from_hours(3 * 24);
/// Messages of a topic, none of them opened, before anybody is asked whether to go without.
const FEWEST_UNOPENED: usize = 10;
/// Messages that an opt-out kept from a channel before anybody is asked whether to take it back.
const FEWEST_KEPT: usize = 5;
/// Messages opened that came by a channel before those that were not opened say anything.
const FEWEST_OPENED: usize = 5;

/// What became of one message to the person by one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub message: MessageId,
    pub topic: Topic,
    pub category: Category,
    /// Whose it was.
    pub department: Option<String>,
    pub channel: ChannelKind,
    /// When it went to them.
    pub at: Timestamp,
    pub fate: Fate,
}

/// As far as it says something about reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Opened,
    /// It came, and nobody opened it.
    Unopened,
    /// An opt-out of theirs kept it from this channel.
    KeptBack,
}

impl Fate {
    /// Nothing of what may never have come: it was not there to be opened.
    pub fn of(state: State, reason: Option<&str>, opened: bool) -> Option<Self> {
        match state {
            _ if opened => Some(Self::Opened),
            State::Sent | State::Delivered => Some(Self::Unopened),
            State::Suppressed if reason == Some(suppressed::OPTED_OUT) => Some(Self::KeptBack),
            _ => None,
        }
    }
}

/// One press that changes what the person is sent, and why it is suggested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    pub opt_out: OptOut,
    /// The opt-out is to be made, or else taken back.
    pub out: bool,
    /// Whose messages they are, by the latest.
    pub department: Option<String>,
    /// How many of how many they opened.
    pub opened: usize,
    pub of: usize,
    /// When the first of them went to them.
    pub since: Timestamp,
}

/// What to suggest to somebody who was told all that, and does not want what they `keep` off since those moments. What says most
/// comes first.
pub fn suggest(told: &[Told], kept: &[(OptOut, Timestamp)], now: Timestamp) -> Vec<Suggestion> {
    let all = by_message(told);
    let settled: Vec<_> = all.values().filter(|message| message.is_settled(now)).collect();
    let urgent: BTreeSet<_> =
        all.values().filter(|message| message.is_emergency()).map(|message| message.topic).collect();
    let mut found = unopened(&settled, kept, &urgent);
    found.extend(missed(&settled, kept));
    let place = |one: &Suggestion| (one.opt_out.topic.clone(), one.opt_out.channel, one.out);
    found.sort_by(|a, b| b.of.cmp(&a.of).then_with(|| place(a).cmp(&place(b))));
    found.truncate(MOST);
    found
}

/// A message, whatever channels it was for.
#[derive(Debug)]
struct Message<'t> {
    topic: &'t Topic,
    category: Category,
    department: Option<&'t str>,
    at: Timestamp,
    came_by: BTreeSet<ChannelKind>,
    opened_by: BTreeSet<ChannelKind>,
    kept_from: BTreeSet<ChannelKind>,
}

impl Message<'_> {
    fn is_opened(&self) -> bool {
        !self.opened_by.is_empty()
    }

    fn is_emergency(&self) -> bool {
        self.category == Category::Emergency
    }

    /// It came some way, and whether it is read is known by now. Nobody refuses an emergency.
    fn is_settled(&self, now: Timestamp) -> bool {
        let is_over = self.is_opened() || self.at.plus(SETTLES) <= now;
        !self.is_emergency() && !self.came_by.is_empty() && is_over
    }
}

fn by_message(told: &[Told]) -> BTreeMap<MessageId, Message<'_>> {
    let mut all = BTreeMap::new();
    for one in told {
        let message = all.entry(one.message).or_insert_with(|| Message {
            topic: &one.topic,
            category: one.category,
            department: one.department.as_deref(),
            at: one.at,
            came_by: BTreeSet::new(),
            opened_by: BTreeSet::new(),
            kept_from: BTreeSet::new(),
        });
        message.at = message.at.min(one.at);
        match one.fate {
            Fate::KeptBack => {
                message.kept_from.insert(one.channel);
            }
            Fate::Unopened => {
                message.came_by.insert(one.channel);
            }
            Fate::Opened => {
                message.came_by.insert(one.channel);
                message.opened_by.insert(one.channel);
            }
        }
    }
    all
}

/// Whether an opt-out keeps messages of a topic from a channel.
fn covers(one: &OptOut, topic: &Topic, channel: ChannelKind) -> bool {
    one.channel.is_none_or(|own| own == channel) && one.topic.matches(topic)
}

/// Topics of which the person opens nothing, though they open others that come the same way.
fn unopened(
    settled: &[&Message<'_>],
    kept: &[(OptOut, Timestamp)],
    urgent: &BTreeSet<&Topic>,
) -> Vec<Suggestion> {
    let mut opened = BTreeMap::<ChannelKind, usize>::new();
    let mut topics = BTreeMap::<&Topic, Vec<&Message<'_>>>::new();
    for message in settled {
        for channel in &message.opened_by {
            *opened.entry(*channel).or_default() += 1;
        }
        topics.entry(message.topic).or_default().push(message);
    }
    let opens = |channel: &ChannelKind| opened.get(channel).is_some_and(|n| *n >= FEWEST_OPENED);
    let mut found = Vec::new();
    for (topic, of) in topics {
        if urgent.contains(topic) || of.iter().any(|message| message.is_opened()) {
            continue;
        }
        // What comes no more by the way it came is switched off already.
        let comes = |channel: &ChannelKind| {
            opens(channel) && !kept.iter().any(|(one, _)| covers(one, topic, *channel))
        };
        let of: Vec<_> = of.into_iter().filter(|message| message.came_by.iter().any(comes)).collect();
        let opt_out = OptOut { channel: None, topic: TopicPattern::from(topic.clone()) };
        found.extend(suggestion(opt_out, true, &of, FEWEST_UNOPENED));
    }
    found
}

/// Opt-outs from one channel that keep from it what the person opens elsewhere: at least four of five.
fn missed(settled: &[&Message<'_>], kept: &[(OptOut, Timestamp)]) -> Vec<Suggestion> {
    let of_one = |(one, since): &(OptOut, Timestamp)| {
        let channel = one.channel?;
        // Another opt-out would keep it back all the same.
        let alone = |topic: &Topic| kept.iter().filter(|(one, _)| covers(one, topic, channel)).count() == 1;
        let is_missed = |message: &&&Message<'_>| {
            let is_kept = message.at >= *since && message.kept_from.contains(&channel);
            is_kept && one.topic.matches(message.topic) && alone(message.topic)
        };
        let of: Vec<_> = settled.iter().filter(is_missed).copied().collect();
        suggestion(one.clone(), false, &of, FEWEST_KEPT).filter(|found| found.opened * 5 >= found.of * 4)
    };
    kept.iter().filter_map(of_one).collect()
}

/// Nothing where the messages are fewer than that.
fn suggestion(opt_out: OptOut, out: bool, of: &[&Message<'_>], fewest: usize) -> Option<Suggestion> {
    let since = of.iter().map(|message| message.at).min()?;
    (of.len() >= fewest).then(|| Suggestion {
        opt_out,
        out,
        department: of.last().and_then(|message| message.department).map(str::to_owned),
        opened: of.iter().filter(|message| message.is_opened()).count(),
        of: of.len(),
        since,
    })
}

#[cfg(test)]
mod tests;
