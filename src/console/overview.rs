//! The first page: how today goes, and what waits for somebody.

use std::time::Duration;

use askama::Template;

use super::chart::Bar;
use super::counts::{Counts, Outcome};
use super::messages::MessageRowsFragment;
use super::page::{Shell, Theme};
use super::view::View;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::id::{MessageId, SourceId};

#[derive(Debug, Template)]
#[template(path = "console/overview.html")]
pub struct OverviewPage {
    pub shell: Shell,
    /// Today's date on the campus calendar, in words.
    pub today_text: String,
    pub today: TodayFragment,
}

/// The live part.
#[derive(Debug, Template)]
#[template(path = "console/overview_today.html")]
pub struct TodayFragment {
    pub view: View,
    /// Today as `2026-11-21`.
    pub date: String,
    /// Accepted since midnight on the campus clock.
    pub messages: u64,
    /// Their deliveries, over all channels.
    pub total: Counts,
    pub oldest: Option<OldestWaiting>,
    /// The last 24 hours, one bar each, the oldest first.
    pub trend: Vec<Bar>,
    /// Channels with deliveries today.
    pub channels: Vec<Lane>,
    pub todos: Vec<Todo>,
    pub providers: Vec<ProviderLine>,
    /// Sources that used to send and have gone quiet.
    pub silent: Vec<SilentSource>,
    pub recent: MessageRowsFragment,
}

/// The due delivery that has waited longest.
#[derive(Clone, Debug)]
pub struct OldestWaiting {
    pub message: MessageId,
    pub title: String,
    pub waiting: Duration,
}

/// One channel's deliveries.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    pub channel: ChannelKind,
    pub counts: Counts,
}

/// Something that waits for this operator.
#[derive(Clone, Debug)]
pub struct Todo {
    pub icon: &'static str,
    pub text: String,
    pub count: u64,
    pub href: String,
}

#[derive(Clone, Debug)]
pub struct ProviderLine {
    pub name: String,
    pub channel: ChannelKind,
    pub working: bool,
    /// Why it is paused, or what it last did; may be empty.
    pub note: String,
}

#[derive(Clone, Debug)]
pub struct SilentSource {
    pub id: SourceId,
    pub name: String,
    pub last_active: Option<Timestamp>,
}
