//! Messages that were sent, among which the simulator takes one.

use askama::Template;

use crate::Result;
use crate::clock::Timestamp;
use crate::console::access::Signed;
use crate::console::message::title;
use crate::console::view::View;
use crate::domain::id::MessageId;
use crate::service::Services;
use crate::service::messages::{self, MessageQuery, MessageSummary};

/// Messages that a search shows.
const MOST_FOUND: u32 = 8;

/// Messages that a search finds, the latest first.
#[derive(Debug, Template)]
#[template(path = "console/rules/found.html")]
pub struct FoundFragment {
    pub view: View,
    pub q: String,
    /// The one that is tried out.
    pub chosen: String,
    pub rows: Vec<FoundRow>,
}

#[derive(Clone, Debug)]
pub struct FoundRow {
    pub id: MessageId,
    pub title: String,
    pub topic: String,
    pub source: Option<String>,
    pub created_at: Timestamp,
}

impl FoundFragment {
    /// What is found by a title, a topic or an id; without any of these the latest.
    pub(super) async fn search(s: &Services, signed: &Signed, q: &str, chosen: &str) -> Result<Self> {
        let query = MessageQuery { q: Some(q.to_owned()), limit: MOST_FOUND, ..MessageQuery::default() };
        let view = signed.view();
        let row = |message: MessageSummary| FoundRow {
            id: message.id,
            title: title(&view, &message),
            topic: message.topic,
            source: message.source.map(|source| source.name),
            created_at: message.created_at.into(),
        };
        let rows = messages::list(s, &signed.caller, &query).await?.items.into_iter().map(row).collect();
        Ok(Self { view: signed.view(), q: q.to_owned(), chosen: chosen.to_owned(), rows })
    }
}
