//! The list of messages, with filters kept in the address.

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use jiff::civil::Date;
use serde::Deserialize;

use super::access::Signed;
use super::counts::Counts;
use super::page::{self, Section, Shell, Theme, address};
use super::view::View;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::MessageId;
use crate::domain::message::{Category, Status};
use crate::domain::operator::Permission;
use crate::service::messages::{self, MessageQuery, MessageSummary};
use crate::service::{Campus, Services, sources};

const PATH: &str = "/console/messages";
const ON_A_PAGE: u32 = 30;

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
    /// `true`: only messages with deliveries that failed or of which nobody knows.
    pub trouble: String,
    /// A campus id.
    pub recipient: String,
    pub cursor: String,
}

impl MessageFilter {
    /// One of the filters that are usually folded away is set.
    pub fn has_more(&self) -> bool {
        [&self.topic, &self.since, &self.until, &self.trouble, &self.recipient]
            .iter()
            .any(|value| !value.is_empty())
    }

    fn is_set(&self) -> bool {
        let usual = [&self.q, &self.status, &self.category, &self.source];
        self.has_more() || usual.iter().any(|value| !value.is_empty())
    }

    /// It ends before it begins, so that nothing can match.
    fn is_backwards(&self) -> bool {
        let dates = (read::<Date>(&self.since).flatten(), read::<Date>(&self.until).flatten());
        matches!(dates, (Some(since), Some(until)) if until < since)
    }

    /// The address of the list from there on.
    fn address(&self, cursor: &str) -> String {
        let Self { q, status, category, source, topic, since, until, trouble, recipient, cursor: _ } = self;
        address(
            PATH,
            &[
                ("q", q),
                ("status", status),
                ("category", category),
                ("source", source),
                ("topic", topic),
                ("since", since),
                ("until", until),
                ("trouble", trouble),
                ("recipient", recipient),
                ("cursor", cursor),
            ],
        )
    }

    /// What to ask for; nothing where a filter has a value that nothing matches, such as half a topic.
    fn query(&self, campus: &Campus) -> Option<MessageQuery> {
        let begins = |date: Date| campus.day_begins(date);
        Some(MessageQuery {
            topic: read(&self.topic)?,
            category: read(&self.category)?,
            status: read(&self.status)?,
            source: read(&self.source)?,
            since: read(&self.since)?.map(begins),
            // The day named is shown too.
            until: read::<Date>(&self.until)?.and_then(|date| date.tomorrow().ok()).map(begins),
            troubled: read(&self.trouble)?.unwrap_or(false),
            recipient: Some(self.recipient.trim().to_owned()).filter(|campus_id| !campus_id.is_empty()),
            q: Some(self.q.clone()),
            cursor: Some(self.cursor.clone()).filter(|cursor| !cursor.is_empty()),
            limit: ON_A_PAGE,
        })
    }
}

/// A filter's value where it is set; `None` where it cannot be read.
#[expect(clippy::option_option, reason = "unreadable, not set, and set are three answers")]
pub(super) fn read<T: std::str::FromStr>(text: &str) -> Option<Option<T>> {
    match text.trim() {
        "" => Some(None),
        text => text.parse().ok().map(Some),
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
    /// The time they ask for ends before it begins.
    pub backwards: bool,
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

impl MessageRow {
    pub(super) fn new(view: &View, message: MessageSummary) -> Self {
        let is_ahead = message.status == Status::Scheduled;
        Self {
            id: message.id,
            title: super::message::title(view, &message),
            topic: message.topic,
            category: message.category,
            status: message.status,
            source: message.source.map(|source| source.name).or(message.operator).unwrap_or_default(),
            test: message.test,
            counts: Counts::from(&message.counts.all),
            at: if is_ahead { message.send_at } else { message.created_at }.into(),
        }
    }
}

/// The list with its filters, or the list alone.
pub(super) async fn show(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    filter: web::Query<MessageFilter>,
) -> Result<HttpResponse> {
    let filter = filter.into_inner();
    let list = list(&s, &signed, &filter).await?;
    if page::wants_fragment(&request) {
        return page::html(&list);
    }
    let sources = if signed.may_somewhere(Permission::SourcesView) {
        sources::list(&s, &signed.caller).await?
    } else {
        Vec::new()
    };
    let choice = |source: sources::Source| SourceChoice { id: source.id.to_string(), name: source.name };
    page::html(&MessagesPage {
        shell: signed.shell(Section::Messages)?,
        sources: sources.into_iter().map(choice).collect(),
        filter,
        list,
    })
}

async fn list(s: &Services, signed: &Signed, filter: &MessageFilter) -> Result<MessagesFragment> {
    let (items, next) = match filter.query(&s.campus) {
        Some(query) => {
            let found = messages::list(s, &signed.caller, &query).await?;
            (found.items, found.next)
        }
        None => {
            signed.caller.reach(Permission::MessagesView)?;
            (Vec::new(), None)
        }
    };
    let view = signed.view();
    Ok(MessagesFragment {
        live: items.iter().any(|m| !m.status.is_final() && m.status != Status::Held),
        here: filter.address(&filter.cursor),
        table: MessageRowsFragment {
            view: view.clone(),
            rows: items.into_iter().map(|message| MessageRow::new(&view, message)).collect(),
            filtered: filter.is_set(),
            backwards: filter.is_backwards(),
            one_source: false,
        },
        newest: (!filter.cursor.is_empty()).then(|| filter.address("")),
        older: next.map(|cursor| filter.address(&cursor)),
        view,
    })
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::config::Language;

    fn campus() -> Campus {
        Campus {
            name: "钟楼大学".to_owned(),
            time_zone: TimeZone::get("Asia/Shanghai").unwrap(),
            language: Language::SimplifiedChinese,
            public_url: "http://localhost".parse().unwrap(),
        }
    }

    #[test]
    fn days_are_the_campuss_and_the_last_is_included() {
        let filter = MessageFilter {
            since: "2026-11-21".to_owned(),
            until: "2026-11-21".to_owned(),
            ..MessageFilter::default()
        };
        let query = filter.query(&campus()).unwrap();
        let at = |text: &str| Some(text.parse::<jiff::Timestamp>().unwrap().into());
        assert_eq!(query.since, at("2026-11-20T16:00:00Z"));
        assert_eq!(query.until, at("2026-11-21T16:00:00Z"));
        assert_eq!((query.status, query.source, query.cursor), (None, None, None));
    }

    #[test]
    fn a_time_that_ends_before_it_begins_is_told() {
        for (since, until, backwards) in [
            ("2026-11-21", "2026-11-20", true),
            ("2026-11-21", "2026-11-21", false),
            ("2026-11-21", "", false),
            ("", "2026-11-20", false),
            ("soon", "2026-11-20", false),
        ] {
            let filter = MessageFilter {
                since: since.to_owned(),
                until: until.to_owned(),
                ..MessageFilter::default()
            };
            assert_eq!(filter.is_backwards(), backwards, "{since} to {until}");
        }
    }

    #[test]
    fn what_cannot_be_read_matches_nothing() {
        for (name, value) in
            [("status", "gone"), ("source", "7"), ("topic", "a..b"), ("since", "soon"), ("trouble", "some")]
        {
            let filter = web::Query::<MessageFilter>::from_query(&format!("{name}={value}")).unwrap();
            assert!(filter.query(&campus()).is_none(), "{name}");
            assert!(filter.is_set());
            assert_eq!(filter.address(""), format!("/console/messages?{name}={value}"));
        }
    }
}
