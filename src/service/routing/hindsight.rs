//! What would have changed: the messages of the last days, put to the rules in force and to others, by the routing that
//! every message goes through. Nothing is sent and nothing is written.
//!
//! Both lists are those that would be in force now; what became of a message in its own time may have been by yet another.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::route::{Arrived, Fate, Route, WhyUnrouted, route};
use super::{Caller, InForce, Services, propose};
use crate::clock::Timestamp;
use crate::domain::audience::Audience;
use crate::domain::id::{MessageId, RuleId};
use crate::domain::operator::Permission;
use crate::domain::routing::{ChannelPlan, QuietHours, Rule};
use crate::domain::topic::Topic;
use crate::store::hindsight::{self as store, SeenRow};
use crate::store::routing;
use crate::{Error, Result};

/// How far back messages are looked at.
pub const DAYS: u64 = 7;
/// Messages looked at where there were more.
const MOST: usize = 1_000;
/// Rules put to messages, of both lists together: what a long list costs, fewer messages save.
const MOST_CHECKS: usize = 60_000;
const FEWEST: usize = 100;
/// Messages in memory at a time; one may be a megabyte.
const CHUNK: usize = 50;
/// Kinds of change that are told apart.
const MOST_TURNS: usize = 12;
const MOST_EXAMPLES: usize = 3;
const MOST_TOPICS: usize = 12;

/// What the messages of the last days would have become.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hindsight {
    /// Messages there were.
    pub messages: u64,
    /// Those of them that were looked at, evenly over the time.
    pub looked_at: u64,
    /// Those of these that would have come to another end.
    pub otherwise: u64,
    /// Those to which other rules would have matched, to the same end.
    pub same_end: u64,
    /// How many of a topic would have come to another end, most first; no more than a few topics.
    pub topics: Vec<(String, u64)>,
    /// What they would have come to instead, the commonest first; no more than a few kinds.
    pub turns: Vec<Turn>,
    /// Messages of other kinds.
    pub more: u64,
}

/// Messages that would have gone one way instead of another.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    pub before: Way,
    pub after: Way,
    pub messages: u64,
    /// The latest of them with their titles, for who may see messages.
    pub examples: Vec<(MessageId, String)>,
}

/// What a list of rules makes of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// Those that match, with their names.
    pub rules: Vec<(RuleId, String)>,
    /// Nobody can be sent it, and nothing that follows counts.
    pub unrouted: Option<WhyUnrouted>,
    /// Why a reviewer is asked first.
    pub hold: Option<String>,
    pub plan: ChannelPlan,
    /// Whom the rules add, or send it to instead of whom its sender named.
    pub audiences: Vec<Audience>,
    pub replaced: bool,
    /// A slug.
    pub template: Option<String>,
    pub quiet_hours: Option<QuietHours>,
    /// Where it is not over before by its sender's word.
    pub expires_in_minutes: Option<u32>,
}

impl Way {
    fn of(route: Route<'_>, message: &Arrived<'_>) -> Self {
        let rules = route.routed.matched.iter().map(|rule| (rule.id, rule.name.clone())).collect();
        let (hold, unrouted) = match route.fate {
            Fate::Send => (None, None),
            Fate::Hold(why) => (Some(why), None),
            Fate::Unrouted(why) => (None, Some(why)),
        };
        let minutes = route.decision.expires_in_minutes.map(|chosen| chosen.value);
        let shortens = !message.own_expiry || route.expires_at < message.expires_at;
        Self {
            rules,
            hold,
            unrouted,
            plan: route.routed.plan(message.channels),
            audiences: route.routed.audiences,
            replaced: route.routed.replaced,
            template: route.wording.and_then(|wording| wording.template).map(|template| template.slug),
            quiet_hours: route.routed.quiet_hours,
            expires_in_minutes: shortens.then_some(minutes).flatten(),
        }
    }

    /// Whoever gets the message gets it in the same way.
    fn ends_as(&self, other: &Self) -> bool {
        if self.unrouted.is_some() || other.unrouted.is_some() {
            return self.unrouted.is_some() && other.unrouted.is_some();
        }
        let said = |way: &Self| Self { rules: Vec::new(), ..way.clone() };
        said(self) == said(other)
    }

    /// The same rules match, whatever they are called.
    fn matches_as(&self, other: &Self) -> bool {
        self.rules.iter().map(|(id, _)| id).eq(other.rules.iter().map(|(id, _)| id))
    }
}

/// What putting `document` in force would have changed.
///
/// # Errors
///
/// As of [`propose`].
pub async fn of_document(s: &Services, caller: &Caller, document: &Value) -> Result<Hindsight> {
    let proposal = propose(s, caller, document).await?;
    over(s, caller, proposal.before, proposal.list.rules).await
}

/// What having an earlier version back would have changed.
pub async fn of_version(s: &Services, caller: &Caller, version: i64) -> Result<Hindsight> {
    caller.require(Permission::RoutingView)?;
    let before = routing::find(&s.db, None).await?.map(|row| row.rules.0).unwrap_or_default();
    let after = routing::find(&s.db, Some(version)).await?.ok_or(Error::NotFound("version"))?.rules.0;
    over(s, caller, before, after).await
}

/// What the one list would have made of the messages of the last days instead of the other.
pub(super) async fn over(
    s: &Services,
    caller: &Caller,
    before: Vec<Rule>,
    after: Vec<Rule>,
) -> Result<Hindsight> {
    let checks = (before.len() + after.len()).max(1);
    let most = (MOST_CHECKS / checks).clamp(FEWEST, MOST);
    let before = InForce::load(s, 0, before).await?;
    let after = InForce::load(s, 0, after).await?;
    let first = MessageId::first_at(since(s));
    let messages = store::count(&s.db, first).await?;
    let every = messages.unsigned_abs().div_ceil(most as u64).max(1);
    let ids = store::sample(&s.db, first, every.cast_signed(), most as i64).await?;
    let names_messages = caller.require(Permission::MessagesView).is_ok();
    let mut tally = Tally { names_messages, ..Tally::default() };
    for chunk in ids.chunks(CHUNK) {
        for row in store::seen(&s.db, chunk).await? {
            tally.look_at(&row, &before, &after)?;
        }
    }
    Ok(tally.told(messages.unsigned_abs()))
}

/// From when on messages are looked at.
pub(super) fn since(s: &Services) -> Timestamp {
    s.clock.now().minus(Duration::from_hours(24 * DAYS))
}

#[derive(Debug, Default)]
struct Tally {
    names_messages: bool,
    told: Hindsight,
    topics: BTreeMap<String, u64>,
    turns: Vec<Turn>,
}

impl Tally {
    fn look_at(&mut self, row: &SeenRow, before: &InForce, after: &InForce) -> Result<()> {
        // Every topic was read when it was accepted.
        let topic: Topic = row.topic.parse().map_err(|why: String| Error::internal(why))?;
        let message = arrived(row, &topic);
        let before = Way::of(route(before, &message), &message);
        let after = Way::of(route(after, &message), &message);
        self.told.looked_at += 1;
        if before.ends_as(&after) {
            self.told.same_end += u64::from(!before.matches_as(&after));
            return Ok(());
        }
        self.told.otherwise += 1;
        *self.topics.entry(row.topic.clone()).or_default() += 1;
        let is_such = |turn: &&mut Turn| turn.before == before && turn.after == after;
        let turn = match self.turns.iter_mut().find(is_such) {
            Some(turn) => turn,
            None => self.turns.push_mut(Turn { before, after, messages: 0, examples: Vec::new() }),
        };
        turn.messages += 1;
        if self.names_messages && turn.examples.len() < MOST_EXAMPLES {
            turn.examples.push((row.id, row.content.0.title()));
        }
        Ok(())
    }

    fn told(mut self, messages: u64) -> Hindsight {
        let mut topics: Vec<_> = self.topics.into_iter().collect();
        topics.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        topics.truncate(MOST_TOPICS);
        self.turns.sort_by_key(|turn| std::cmp::Reverse(turn.messages));
        let more = self.turns.iter().skip(MOST_TURNS).map(|turn| turn.messages).sum();
        self.turns.truncate(MOST_TURNS);
        Hindsight { messages, topics, more, turns: self.turns, ..self.told }
    }
}

fn arrived<'m>(row: &'m SeenRow, topic: &'m Topic) -> Arrived<'m> {
    Arrived {
        source: row.source_name.as_deref(),
        topic,
        category: row.category,
        lane: row.lane,
        attributes: &row.attributes.0,
        wording: &row.content.0,
        channels: &row.channels.0,
        own_channels: row.own_channels,
        send_at: row.send_at,
        expires_at: row.expires_at,
        own_expiry: row.own_expiry,
        addressed: row.addressed,
        personal: row.personal,
    }
}
