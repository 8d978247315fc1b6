//! The list of messages, with filters kept in the address.

use askama::Template;
use serde::Deserialize;

use super::counts::Counts;
use super::page::{Shell, Theme};
use super::view::View;
use crate::clock::Timestamp;
use crate::domain::id::MessageId;
use crate::domain::message::{Category, Status};

/// The filters as they stand in the address; what is not set is empty. Dates are days on the campus calendar.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct MessageFilter {
    pub q: String,
    pub status: String,
    pub category: String,
    /// A source's id.
    pub source: String,
    /// A topic pattern.
    pub topic: String,
    pub since: String,
    pub until: String,
    pub cursor: String,
}

impl MessageFilter {
    /// One of the filters that are usually folded away is set.
    pub fn has_more(&self) -> bool {
        [&self.topic, &self.since, &self.until].iter().any(|value| !value.is_empty())
    }
}

#[derive(Debug, Template)]
#[template(path = "console/messages.html")]
pub struct MessagesPage {
    pub shell: Shell,
    pub filter: MessageFilter,
    pub sources: Vec<SourceChoice>,
    pub list: MessagesFragment,
}

#[derive(Clone, Debug)]
pub struct SourceChoice {
    pub id: String,
    pub name: String,
}

/// The list with its pages; renews itself while anything in it is under way.
#[derive(Debug, Template)]
#[template(path = "console/messages_list.html")]
pub struct MessagesFragment {
    pub view: View,
    /// Something listed may still change.
    pub live: bool,
    /// Path and query of this very list.
    pub here: String,
    pub table: MessageRowsFragment,
    /// Link to the first page, from later ones.
    pub newest: Option<String>,
    pub older: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "console/message_rows.html")]
pub struct MessageRowsFragment {
    pub view: View,
    pub rows: Vec<MessageRow>,
    /// Filters are set, so an empty list does not mean that there are no messages.
    pub filtered: bool,
    /// All are from one source, which the page has named already.
    pub one_source: bool,
}

#[derive(Clone, Debug)]
pub struct MessageRow {
    pub id: MessageId,
    pub title: String,
    pub topic: String,
    pub category: Category,
    pub status: Status,
    /// Its name.
    pub source: String,
    /// Sent with a test key.
    pub test: bool,
    pub counts: Counts,
    /// When it was accepted; for a scheduled one, when it will go out.
    pub at: Timestamp,
}
