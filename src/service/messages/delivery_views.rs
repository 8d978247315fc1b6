//! Deliveries as the API and the console show them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::answer::Via;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::{OutcomeClass, State};
use crate::domain::id::{DeliveryId, MessageId};
use crate::store::history::{AttemptRow, DeliveryRow, ReceiptRow};
use crate::telemetry::mask;

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
    /// When the page behind its signed link was first opened.
    pub read_at: Option<jiff::Timestamp>,
    pub updated_at: jiff::Timestamp,
    /// Its recipient was asked for an answer, such as by the buttons of a card.
    pub asked: bool,
    /// What they answered; their latest answer where there were several.
    pub answer: Option<AnswerView>,
}

/// What somebody answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AnswerView {
    /// By which programs know it.
    #[schema(example = "received")]
    pub key: String,
    /// Its words, as they were shown.
    #[schema(example = "收到")]
    pub text: String,
    pub via: Via,
    pub at: jiff::Timestamp,
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
        let answer = match (row.choice, row.shown, row.via, row.answered_at) {
            (Some(key), Some(text), Some(via), Some(at)) => {
                Some(AnswerView { key, text, via, at: at.to_jiff() })
            }
            _ => None,
        };
        Self {
            asked: row.asked,
            answer,
            id: row.id,
            message_id: row.message_id,
            recipient: RecipientRef { campus_id: row.campus_id, name: row.name },
            channel: row.channel,
            address: row.address.as_deref().map(|address| match row.address_kind {
                Some(kind) => mask::address_of(kind, address),
                None => mask::address(address),
            }),
            state: row.state,
            reason: row.reason,
            provider: row.provider,
            last_attempt_at: row.last_attempt_at.map(Timestamp::to_jiff),
            next_attempt_at: (row.state == State::Pending).then(|| row.due_at.to_jiff()),
            sent_at: row.sent_at.map(Timestamp::to_jiff),
            delivered_at: row.delivered_at.map(Timestamp::to_jiff),
            read_at: row.read_at.map(Timestamp::to_jiff),
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
    /// No answer came to the one before, so that the message may arrive twice.
    pub repeated_unanswered: bool,
}

impl AttemptView {
    /// A delivery's, the first one first.
    pub(super) fn all(rows: Vec<AttemptRow>) -> Vec<Self> {
        let mut views: Vec<_> = rows.into_iter().map(Self::from).collect();
        for at in 1..views.len() {
            views[at].repeated_unanswered = views[at - 1].outcome == OutcomeClass::Unknown.name();
        }
        views
    }
}

impl From<AttemptRow> for AttemptView {
    fn from(row: AttemptRow) -> Self {
        Self {
            repeated_unanswered: false,
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
