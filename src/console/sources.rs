//! Systems that may send: the list, one source with its keys, and the form for its rights.

use askama::Template;

use super::first_call::{Reader, Sample};
use super::form::FieldFaults;
use super::label::Tone;
use super::messages::MessageRowsFragment;
use super::page::{Fact, Shell, Theme};
use super::source_calls::CallsFragment;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::id::{KeyId, SourceId};
use crate::domain::message::Category;
use crate::domain::source::Right;
use crate::service::sources::GroupChoice;

#[derive(Debug, Template)]
#[template(path = "console/sources.html")]
pub struct SourcesPage {
    pub shell: Shell,
    pub may_edit: bool,
    /// Registrations that wait for whoever looks.
    pub waiting: u64,
    pub rows: Vec<SourceRow>,
}

#[derive(Clone, Debug)]
pub struct SourceRow {
    pub id: SourceId,
    pub name: String,
    pub department: String,
    pub active: bool,
    /// Patterns.
    pub topics: Vec<String>,
    pub channels: Vec<ChannelKind>,
    /// Keys that work.
    pub keys: u64,
    /// Messages since midnight on the campus clock.
    pub today: u64,
    pub last_active: Option<Timestamp>,
    /// Of the last 24 hours, and how many of them were refused.
    pub calls: u64,
    pub refused: u64,
    /// Nothing came from it for longer than it may be silent.
    pub silent: bool,
    /// Keys that were replaced, end within a day and are still used.
    pub late_keys: u64,
}

impl SourceRow {
    /// Somebody should look why so much of it is refused.
    const fn is_troubled(&self) -> bool {
        self.refused * 100 >= self.calls * TROUBLED_PERCENT && self.refused > 0
    }
}

/// The share of calls refused from which on it is worth a look.
const TROUBLED_PERCENT: u64 = 5;

#[derive(Debug, Template)]
#[template(path = "console/source.html")]
pub struct SourcePage {
    pub shell: Shell,
    pub id: SourceId,
    pub name: String,
    pub department: String,
    pub active: bool,
    pub may_edit: bool,
    /// The whole of a key right after it was made, and never again.
    pub fresh_key: Option<String>,
    pub keys: Vec<KeyRow>,
    pub topics: Vec<String>,
    pub channels: Vec<ChannelKind>,
    pub rights: Vec<Right>,
    /// Groups it may write to, by name; none: to anybody.
    pub groups: Vec<GroupChoice>,
    pub facts: Vec<Fact>,
    /// Messages of today in percent of what it may send, where that is limited.
    pub quota: Option<Quota>,
    /// Where its calls may come from; none: from anywhere.
    pub networks: Vec<String>,
    /// As whom it publishes at the broker.
    pub broker_user: Option<String>,
    /// Calls of the last 24 hours from elsewhere.
    pub strangers: u64,
    /// When somebody is told that nothing comes from it.
    pub watch: String,
    /// Since when it is missed, and when something came from it last.
    pub silent: Option<(Timestamp, Option<Timestamp>)>,
    pub calls: CallsFragment,
    /// Whom the samples write to.
    pub reader: Reader,
    pub samples: Vec<Sample>,
    pub latest: MessageRowsFragment,
}

/// What a source used of what it may send today.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    pub used: u64,
    pub daily: u64,
}

impl SourcePage {
    /// The categories it may send.
    fn categories(&self) -> Vec<Category> {
        let may =
            |category: &Category| *category != Category::Emergency || self.rights.contains(&Right::Emergency);
        Category::ALL.iter().copied().filter(may).collect()
    }

    fn late_keys(&self) -> u64 {
        self.keys.iter().filter(|key| key.late).count() as u64
    }
}

#[derive(Clone, Debug)]
pub struct KeyRow {
    pub id: KeyId,
    /// Its beginning and end, to tell keys apart: `bt_live_…4c9c`.
    pub hint: String,
    pub test: bool,
    /// Revoked, or replaced and expired.
    pub ended: bool,
    /// When it stops working, for one that was replaced and still works.
    pub ends_at: Option<Timestamp>,
    /// It ends within a day and is still used.
    pub late: bool,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

#[derive(Debug, Template)]
#[template(path = "console/source_form.html")]
pub struct SourceFormPage {
    pub shell: Shell,
    /// Of the source being edited; `None` registers a new one.
    pub id: Option<SourceId>,
    pub form: SourceForm,
    /// Every group, and what the form names besides.
    pub groups: Vec<GroupChoice>,
    /// Whoever fills it in is let into some departments only.
    pub limited: bool,
    pub faults: FieldFaults,
}

impl SourceFormPage {
    const fn title(&self) -> &'static str {
        match self.id {
            Some(_) => "source-edit",
            None => "source-new",
        }
    }
}

/// As typed.
#[derive(Clone, Debug, Default)]
pub struct SourceForm {
    pub name: String,
    pub department: String,
    /// One pattern a line.
    pub topics: String,
    pub channels: Vec<ChannelKind>,
    pub rights: Vec<Right>,
    /// Slugs; none: it may write to anybody.
    pub groups: Vec<String>,
    /// Requests a second; empty: no limit.
    pub rate_per_second: String,
    /// Messages a campus day; empty: no limit.
    pub daily_messages: String,
    /// As whom it publishes at the broker; empty: it does not.
    pub broker_user: String,
    /// The first key is a test key.
    pub test: bool,
}
