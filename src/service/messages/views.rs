//! Messages and deliveries as the API and the console show them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::body::{AddressBody, AudienceBody, VariantBody};
use crate::clock::Timestamp;
use crate::domain::audience::{Audience, Params};
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::content::Content;
use crate::domain::delivery::State;
use crate::domain::id::{DeliveryId, MessageId, SourceId};
use crate::domain::message::{Category, Lane, Status, TemplateVersion};
use crate::store::history::{AttemptRow, CountRow, DeliveryRow, ReceiptRow};
use crate::store::messages::{MessageRow, NewMessage};
use crate::telemetry::mask;

/// The answer to a message that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AcceptedView {
    #[schema(value_type = String, example = "msg_1a2b3c4d5e6f7")]
    pub id: MessageId,
    pub status: Status,
    pub topic: String,
    pub category: Category,
    /// The lane it waits in: its priority, or `emergency`.
    pub priority: Lane,
    /// Accepted from a test key: it goes to the sandbox.
    pub test: bool,
    pub created_at: jiff::Timestamp,
    pub send_at: jiff::Timestamp,
    pub expires_at: jiff::Timestamp,
    pub request_id: String,
    /// The message that had the same `dedup_key` before; the one shown is that one.
    #[schema(value_type = Option<String>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<MessageId>,
    /// With `?unknown=skip`: the names nobody knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Skipped>,
}

/// Names in a message that nobody knew and that were left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Skipped {
    pub groups: Vec<String>,
    pub recipients: Vec<String>,
}

impl AcceptedView {
    pub(super) fn of_new(message: &NewMessage, unknown: Option<Skipped>) -> Self {
        Self {
            id: message.id,
            status: message.status,
            topic: message.topic.clone(),
            category: message.category,
            priority: message.lane,
            test: message.test,
            created_at: message.created_at.to_jiff(),
            send_at: message.send_at.to_jiff(),
            expires_at: message.expires_at.to_jiff(),
            request_id: message.request_id.clone(),
            duplicate_of: None,
            unknown,
        }
    }

    /// The first message, for one that repeats its `dedup_key`.
    pub(super) fn of_first(row: MessageRow) -> Self {
        Self {
            id: row.id,
            status: row.status,
            topic: row.topic,
            category: row.category,
            priority: row.lane,
            test: row.test,
            created_at: row.created_at.to_jiff(),
            send_at: row.send_at.to_jiff(),
            expires_at: row.expires_at.to_jiff(),
            request_id: row.request_id,
            duplicate_of: Some(row.id),
            unknown: None,
        }
    }
}

/// Deliveries by state. `planned` is the sum of the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counts {
    pub planned: i64,
    pub pending: i64,
    pub sending: i64,
    pub sent: i64,
    pub delivered: i64,
    pub failed: i64,
    pub expired: i64,
    pub cancelled: i64,
    pub suppressed: i64,
    pub unknown: i64,
}

impl Counts {
    /// Counts of which `of` says how many stand in a state.
    pub fn new(of: impl Fn(State) -> i64) -> Self {
        let mut counts = Self {
            planned: 0,
            pending: of(State::Pending),
            sending: of(State::Sending),
            sent: of(State::Sent),
            delivered: of(State::Delivered),
            failed: of(State::Failed),
            expired: of(State::Expired),
            cancelled: of(State::Cancelled),
            suppressed: of(State::Suppressed),
            unknown: of(State::Unknown),
        };
        counts.planned = State::ALL.iter().map(|state| counts.of(*state)).sum();
        counts
    }

    /// How many stand in this state.
    pub const fn of(&self, state: State) -> i64 {
        match state {
            State::Pending => self.pending,
            State::Sending => self.sending,
            State::Sent => self.sent,
            State::Delivered => self.delivered,
            State::Failed => self.failed,
            State::Expired => self.expired,
            State::Cancelled => self.cancelled,
            State::Suppressed => self.suppressed,
            State::Unknown => self.unknown,
        }
    }

    /// How many are in a terminal state.
    pub const fn ended(&self) -> i64 {
        self.planned - self.pending - self.sending
    }

    fn add(&mut self, other: &Self) {
        self.planned += other.planned;
        self.pending += other.pending;
        self.sending += other.sending;
        self.sent += other.sent;
        self.delivered += other.delivered;
        self.failed += other.failed;
        self.expired += other.expired;
        self.cancelled += other.cancelled;
        self.suppressed += other.suppressed;
        self.unknown += other.unknown;
    }
}

impl From<&CountRow> for Counts {
    fn from(row: &CountRow) -> Self {
        Self::new(|state| match state {
            State::Pending => row.pending,
            State::Sending => row.sending,
            State::Sent => row.sent,
            State::Delivered => row.delivered,
            State::Failed => row.failed,
            State::Expired => row.expired,
            State::Cancelled => row.cancelled,
            State::Suppressed => row.suppressed,
            State::Unknown => row.unknown,
        })
    }
}

/// A message's counts: all together, and by each channel that was planned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct MessageCounts {
    pub all: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Counts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms: Option<Counts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wechat: Option<Counts>,
}

impl MessageCounts {
    pub const fn channel(&self, channel: ChannelKind) -> Option<&Counts> {
        match channel {
            ChannelKind::Email => self.email.as_ref(),
            ChannelKind::Sms => self.sms.as_ref(),
            ChannelKind::Wechat => self.wechat.as_ref(),
        }
    }

    pub(super) fn add(&mut self, row: &CountRow) {
        let counts = Counts::from(row);
        self.all.add(&counts);
        let channel = match row.channel {
            ChannelKind::Email => &mut self.email,
            ChannelKind::Sms => &mut self.sms,
            ChannelKind::Wechat => &mut self.wechat,
        };
        *channel = Some(counts);
    }
}

/// The system a message came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SourceRef {
    #[schema(value_type = String)]
    pub id: SourceId,
    pub name: String,
}

/// A message without its texts, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MessageSummary {
    #[schema(value_type = String)]
    pub id: MessageId,
    pub status: Status,
    /// Why it is held, unrouted or cancelled.
    pub reason: Option<String>,
    pub topic: String,
    pub category: Category,
    pub priority: Lane,
    /// Filled in as far as it is the same for everybody: a variable that people have values of their own for stands as
    /// `‹name›`.
    #[schema(example = "‹book› 到期提醒")]
    pub title: String,
    /// None where an operator wrote it.
    pub source: Option<SourceRef>,
    /// The name of the operator who wrote it.
    pub operator: Option<String>,
    pub test: bool,
    pub created_at: jiff::Timestamp,
    pub send_at: jiff::Timestamp,
    pub expires_at: jiff::Timestamp,
    pub planned_at: Option<jiff::Timestamp>,
    pub completed_at: Option<jiff::Timestamp>,
    pub request_id: String,
    pub counts: MessageCounts,
}

impl MessageSummary {
    pub(super) fn new(row: MessageRow, counts: MessageCounts) -> Self {
        Self {
            id: row.id,
            status: row.status,
            reason: row.reason,
            topic: row.topic,
            category: row.category,
            priority: row.lane,
            title: row.title,
            source: row.source_id.zip(row.source_name).map(|(id, name)| SourceRef { id, name }),
            operator: row.operator_name,
            test: row.test,
            created_at: row.created_at.to_jiff(),
            send_at: row.send_at.to_jiff(),
            expires_at: row.expires_at.to_jiff(),
            planned_at: row.planned_at.map(Timestamp::to_jiff),
            completed_at: row.completed_at.map(Timestamp::to_jiff),
            request_id: row.request_id,
            counts,
        }
    }
}

/// A message with everything that was said in it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct MessageView {
    #[serde(flatten)]
    pub summary: MessageSummary,
    /// The texts with `‹name›` for what differs from person to person, for pages.
    #[serde(skip)]
    #[schema(ignore)]
    pub outline: Content,
    /// As it goes out; with its variables where people have values of their own.
    pub body: String,
    /// As `body`.
    pub variants: BTreeMap<String, VariantBody>,
    pub template: Option<TemplateVersion>,
    /// Variables for everybody.
    #[schema(value_type = Object)]
    pub params: Params,
    /// People have variables of their own.
    pub personalised: bool,
    pub link: Option<String>,
    pub audience: Option<AudienceBody>,
    /// Direct addresses, masked.
    pub to: Vec<AddressBody>,
    pub channels: Vec<ChannelKind>,
    #[schema(value_type = Object)]
    pub attributes: Params,
    /// The routing rules that chose its audience.
    pub matched_rules: Vec<MatchedRule>,
}

/// A routing rule that matched a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MatchedRule {
    pub id: String,
    pub name: String,
    /// Which of its conditions held.
    pub because: String,
}

/// The audience as it is shown, and its direct addresses masked.
pub(super) fn audience_view(audience: Option<Audience>) -> (Option<AudienceBody>, Vec<AddressBody>) {
    let Some(mut audience) = audience else { return (None, Vec::new()) };
    let to = std::mem::take(&mut audience.to);
    if to.is_empty() {
        return (Some(audience.into()), Vec::new());
    }
    let masked = to.into_iter().map(|mut address| {
        address.value = masked(Some(address.kind), &address.value);
        address.into()
    });
    (None, masked.collect())
}

fn masked(kind: Option<AddressKind>, address: &str) -> String {
    match kind {
        Some(AddressKind::Email) => mask::email(address),
        Some(AddressKind::Mobile) => mask::mobile(address),
        Some(AddressKind::WecomUserid | AddressKind::WechatOpenid) => mask::id(address),
        None => mask::address(address),
    }
}

/// Who a delivery is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RecipientRef {
    /// None for a direct address, and after the person was erased.
    pub campus_id: Option<String>,
    pub name: Option<String>,
}

/// One message to one recipient by one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeliveryFacts {
    #[schema(value_type = String)]
    pub id: DeliveryId,
    #[schema(value_type = String)]
    pub message_id: MessageId,
    pub recipient: RecipientRef,
    pub channel: ChannelKind,
    /// Masked.
    pub address: Option<String>,
    pub state: State,
    /// Why it failed or was not sent: a word such as `no_address`, or the provider's code.
    pub reason: Option<String>,
    /// The name of the provider that had it last.
    pub provider: Option<String>,
    pub last_attempt_at: Option<jiff::Timestamp>,
    /// When it is tried next, while it is pending.
    pub next_attempt_at: Option<jiff::Timestamp>,
    pub sent_at: Option<jiff::Timestamp>,
    pub delivered_at: Option<jiff::Timestamp>,
    pub updated_at: jiff::Timestamp,
}

/// One delivery in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeliveryView {
    #[serde(flatten)]
    pub facts: DeliveryFacts,
    /// How often it was tried.
    pub attempts: i64,
}

impl From<DeliveryRow> for DeliveryView {
    fn from(row: DeliveryRow) -> Self {
        Self { attempts: row.attempts, facts: row.into() }
    }
}

impl From<DeliveryRow> for DeliveryFacts {
    fn from(row: DeliveryRow) -> Self {
        Self {
            id: row.id,
            message_id: row.message_id,
            recipient: RecipientRef { campus_id: row.campus_id, name: row.name },
            channel: row.channel,
            address: row.address.as_deref().map(|address| masked(row.address_kind, address)),
            state: row.state,
            reason: row.reason,
            provider: row.provider,
            last_attempt_at: row.last_attempt_at.map(Timestamp::to_jiff),
            next_attempt_at: (row.state == State::Pending).then(|| row.due_at.to_jiff()),
            sent_at: row.sent_at.map(Timestamp::to_jiff),
            delivered_at: row.delivered_at.map(Timestamp::to_jiff),
            updated_at: row.updated_at.to_jiff(),
        }
    }
}

/// A delivery with all that was tried and all that was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeliveryDetail {
    #[serde(flatten)]
    pub facts: DeliveryFacts,
    /// Every attempt, the first one first.
    pub attempts: Vec<AttemptView>,
    pub receipts: Vec<ReceiptView>,
}

/// One try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AttemptView {
    /// 1 for the first.
    pub number: i64,
    pub provider: Option<String>,
    pub started_at: jiff::Timestamp,
    pub duration_ms: i64,
    /// `accepted`, `transient`, `throttled`, `permanent_recipient`, `permanent_message`, `config` or `unknown`.
    pub outcome: String,
    /// The provider's own code.
    pub code: Option<String>,
    /// The provider's own words, addresses in them masked.
    pub detail: Option<String>,
    pub repeated_after_crash: bool,
}

impl From<AttemptRow> for AttemptView {
    fn from(row: AttemptRow) -> Self {
        Self {
            number: row.number,
            provider: row.provider,
            started_at: row.started_at.to_jiff(),
            duration_ms: row.duration_ms,
            outcome: row.outcome,
            code: row.code,
            detail: row.detail.as_deref().map(mask::text),
            repeated_after_crash: row.repeated,
        }
    }
}

/// What a provider said later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReceiptView {
    pub received_at: jiff::Timestamp,
    pub provider: Option<String>,
    pub state: State,
    pub code: Option<String>,
    pub detail: Option<String>,
}

impl From<ReceiptRow> for ReceiptView {
    fn from(row: ReceiptRow) -> Self {
        Self {
            received_at: row.received_at.to_jiff(),
            provider: row.provider,
            state: row.state,
            code: row.code,
            detail: row.detail.as_deref().map(mask::text),
        }
    }
}

/// Something that happened to a message.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EventView {
    pub at: jiff::Timestamp,
    /// `accepted`, `planned`, `completed`, …
    pub kind: String,
    #[schema(value_type = Object)]
    pub detail: Value,
}
