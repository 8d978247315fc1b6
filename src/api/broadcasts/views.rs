//! Broadcasts as sources see them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::scenarios::{SpokenBody, own};
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery;
use crate::domain::emergency::{Level, Part, Run, State};
use crate::domain::id::{BroadcastId, MessageId};
use crate::service::Campus;
use crate::service::broadcasts::{BroadcastRow, ChannelProgress, PartProgress, Progress, Reason};
use crate::service::messages::{Counts, MessageCounts};
use crate::service::roll_call::CountsRow;

/// A broadcast without its counts.
#[derive(Debug, Serialize, ToSchema)]
pub struct BroadcastSummary {
    #[schema(value_type = String, example = "brd_0a1b2c3d4e5f6")]
    pub id: BroadcastId,
    /// Its scenario's slug; null where the words are its author's own.
    pub scenario: Option<String>,
    /// What it is called, with its place, in the campus's language.
    #[schema(example = "火灾 · 图书馆")]
    pub name: String,
    pub names: SpokenBody,
    #[schema(inline)]
    pub level: Level,
    #[schema(inline)]
    pub status: State,
    /// Every text says that it is a drill.
    pub drill: bool,
    /// A drill that reaches real people.
    pub announced: bool,
    /// The broadcast whose people it tells more.
    #[schema(value_type = Option<String>)]
    pub follows: Option<BroadcastId>,
    pub note: String,
    /// Why it was turned down or given back.
    pub reason: Option<String>,
    pub created_at: jiff::Timestamp,
    /// When it went out.
    pub live_at: Option<jiff::Timestamp>,
    pub ended_at: Option<jiff::Timestamp>,
    pub expires_at: jiff::Timestamp,
}

/// A broadcast, and how far it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct BroadcastBody {
    #[serde(flatten)]
    pub summary: BroadcastSummary,
    /// Deliveries of what tells people of it: the alert, what follows where nobody answered. `planned` is the sum of the
    /// rest.
    pub counts: MessageCounts,
    pub people: PeopleBody,
    /// What people answered who were asked whether they are safe; left out where nobody was, and of what follows another,
    /// whose answers stand with that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub roll_call: Option<RollCallBody>,
    pub channels: Vec<ChannelBody>,
    /// Why deliveries did not arrive, the most frequent first.
    pub reasons: Vec<ReasonBody>,
    /// Everything it sent, in its order.
    pub parts: Vec<PartBody>,
    /// Where the CAP alerts are that were published of it, in their order.
    #[schema(example = json!(["/feeds/cap/brd_0a1b2c3d4e5f6-1.xml"]))]
    pub cap: Vec<String>,
}

/// People, each counted once.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeopleBody {
    pub planned: i64,
    /// On at least one channel.
    pub reached: i64,
    /// More are still being planned.
    pub is_planning: bool,
}

/// A roll call in figures: together those who were asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct RollCallBody {
    pub safe: i64,
    pub help: i64,
    /// Have not answered.
    pub silent: i64,
}

impl From<CountsRow> for RollCallBody {
    fn from(it: CountsRow) -> Self {
        Self { safe: it.safe, help: it.help, silent: (it.asked - it.safe - it.help).max(0) }
    }
}

/// How far one channel is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChannelBody {
    pub channel: ChannelKind,
    pub no_address: i64,
    /// When the first and the last of it were handed over.
    pub first_at: Option<jiff::Timestamp>,
    pub last_at: Option<jiff::Timestamp>,
    /// Handed over in each second, on the average.
    pub per_second: Option<f64>,
    /// When all will be handed over at this pace.
    pub done_at: Option<jiff::Timestamp>,
    /// It has something to hand over, and does not. What waits for another try is not to be handed over before its time, unless
    /// several wait, and more than were ever handed over.
    pub is_stuck: bool,
}

/// Deliveries that did not arrive for one reason.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReasonBody {
    pub channel: ChannelKind,
    pub state: delivery::State,
    pub reason: Option<String>,
    pub n: i64,
}

/// One message of a broadcast.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartBody {
    #[schema(inline)]
    pub part: Part,
    #[schema(value_type = String, example = "msg_0a1b2c3d4e5f6")]
    pub message: MessageId,
    pub counts: MessageCounts,
}

impl BroadcastSummary {
    pub(super) fn of(row: &BroadcastRow, campus: &Campus) -> Self {
        let name = row.plan.0.name();
        Self {
            id: row.id,
            scenario: row.scenario.clone(),
            name: own(&name, campus),
            names: name.into(),
            level: row.level,
            status: row.state,
            drill: row.run.is_marked(),
            announced: row.run == Run::Exercise,
            follows: row.follows,
            note: row.note.clone(),
            reason: row.reason.clone(),
            created_at: row.created_at.to_jiff(),
            live_at: at(row.live_at),
            ended_at: at(row.ended_at),
            expires_at: row.expires_at.to_jiff(),
        }
    }
}

impl BroadcastBody {
    pub(super) fn of(
        row: &BroadcastRow,
        progress: Progress,
        roll_call: Option<CountsRow>,
        cap: Vec<String>,
        campus: &Campus,
    ) -> Self {
        let counts = sum(&progress.channels);
        Self {
            summary: BroadcastSummary::of(row, campus),
            counts,
            people: PeopleBody {
                planned: progress.people,
                reached: progress.reached,
                is_planning: progress.is_planning,
            },
            roll_call: roll_call.map(RollCallBody::from),
            channels: progress.channels.iter().map(ChannelBody::from).collect(),
            reasons: progress.reasons.into_iter().map(ReasonBody::from).collect(),
            parts: progress.parts.into_iter().map(PartBody::from).collect(),
            cap,
        }
    }
}

fn at(at: Option<Timestamp>) -> Option<jiff::Timestamp> {
    at.map(Timestamp::to_jiff)
}

/// All channels together, and each.
fn sum(channels: &[ChannelProgress]) -> MessageCounts {
    let of = |channel| channels.iter().find(|one| one.channel == channel).map(|one| one.counts);
    MessageCounts {
        all: Counts::new(|state| channels.iter().map(|one| one.counts.of(state)).sum()),
        email: of(ChannelKind::Email),
        sms: of(ChannelKind::Sms),
        wechat: of(ChannelKind::Wechat),
    }
}

impl From<&ChannelProgress> for ChannelBody {
    fn from(it: &ChannelProgress) -> Self {
        Self {
            channel: it.channel,
            no_address: it.no_address,
            first_at: at(it.first_at),
            last_at: at(it.last_at),
            per_second: it.per_second,
            done_at: at(it.done_at),
            is_stuck: it.is_stuck,
        }
    }
}

impl From<Reason> for ReasonBody {
    fn from(it: Reason) -> Self {
        Self { channel: it.channel, state: it.state, reason: it.reason, n: it.n }
    }
}

impl From<PartProgress> for PartBody {
    fn from(it: PartProgress) -> Self {
        Self { part: it.part, message: it.message, counts: it.counts }
    }
}
