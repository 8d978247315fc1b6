//! One message: what it said, to whom it went, what became of it.

use askama::Template;
use serde::Deserialize;

use super::counts::Counts;
use super::overview::Lane;
use super::page::{Fact, Shell, Theme};
use super::view::{Markup, View};
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::State;
use crate::domain::id::{DeliveryId, MessageId};
use crate::domain::message::{Category, Status};

#[derive(Debug, Template)]
#[template(path = "console/message.html")]
pub struct MessagePage {
    pub shell: Shell,
    pub id: MessageId,
    pub title: String,
    pub topic: String,
    pub category: Category,
    /// Sent with a test key.
    pub test: bool,
    /// Deliveries a resend could reopen; 0 hides the act.
    pub retryable: u64,
    /// How many stand in each state that can be resent; those with none are left out.
    pub resend_states: Vec<(State, u64)>,
    pub may_cancel: bool,
    pub progress: ProgressFragment,
    /// As sent, the general text first, then what differs by channel and language.
    pub contents: Vec<Content>,
    pub facts: Vec<Fact>,
    pub filter: DeliveryFilter,
    pub deliveries: DeliveriesFragment,
}

/// One text of a message.
#[derive(Clone, Debug)]
pub struct Content {
    /// Such as `邮件 · English`.
    pub label: String,
    pub title: String,
    /// Rendered from Markdown without raw HTML.
    pub html: Markup,
}

/// Counts per channel, live until the message is final.
#[derive(Debug, Template)]
#[template(path = "console/message_progress.html")]
pub struct ProgressFragment {
    pub view: View,
    pub id: MessageId,
    pub status: Status,
    pub live: bool,
    pub total: Counts,
    pub channels: Vec<Lane>,
    pub timeline: TimelineFragment,
    /// Answering a renewal, it brings the status and the timeline along to where they stand.
    pub update: bool,
}

#[derive(Debug, Template)]
#[template(path = "console/message_timeline.html")]
pub struct TimelineFragment {
    pub view: View,
    /// In the order they happened.
    pub events: Vec<TimelineEvent>,
}

#[derive(Clone, Debug)]
pub struct TimelineEvent {
    pub at: Timestamp,
    pub icon: &'static str,
    /// Somebody should look.
    pub amber: bool,
    pub text: String,
    /// May be empty.
    pub detail: String,
}

/// As in the address; what is not set is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct DeliveryFilter {
    /// A campus id or part of a name.
    pub q: String,
    pub state: String,
    pub channel: String,
    pub cursor: String,
}

#[derive(Debug, Template)]
#[template(path = "console/deliveries_list.html")]
pub struct DeliveriesFragment {
    pub view: View,
    pub message: MessageId,
    pub rows: Vec<DeliveryRow>,
    pub newest: Option<String>,
    pub older: Option<String>,
}

#[derive(Clone, Debug)]
pub struct DeliveryRow {
    pub id: DeliveryId,
    /// The person's name; the masked address for somebody outside the directory.
    pub name: String,
    /// Empty for somebody outside the directory.
    pub campus_id: String,
    /// Masked.
    pub address: String,
    pub channel: ChannelKind,
    pub state: State,
    /// A reason code.
    pub reason: Option<String>,
    pub attempts: u64,
    pub last_attempt_at: Option<Timestamp>,
}

/// One delivery with all its attempts and receipts.
#[derive(Debug, Template)]
#[template(path = "console/delivery.html")]
pub struct DeliveryPage {
    pub shell: Shell,
    pub id: DeliveryId,
    pub message: MessageId,
    pub message_title: String,
    /// The person's name.
    pub recipient: String,
    pub channel: ChannelKind,
    pub state: State,
    pub reason: Option<String>,
    /// Attempts and receipts together, in the order they happened.
    pub attempts: Vec<AttemptLine>,
    pub facts: Vec<Fact>,
}

#[derive(Clone, Debug)]
pub struct AttemptLine {
    pub at: Timestamp,
    /// It did not get through.
    pub amber: bool,
    /// Such as `第 1 次尝试 · 校园邮件中继`.
    pub title: String,
    /// Such as `暂时失败，12 秒后重试 · 用时 38 毫秒`.
    pub detail: String,
    /// The provider's own words; may be empty.
    pub answer: String,
}
