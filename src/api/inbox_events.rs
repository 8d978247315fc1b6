//! What comes into somebody's inbox, as a stream of server-sent events.

use std::time::Duration;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::events::EventsHeaders;
use super::inbox::InboxEntry;
use crate::http::Key;
use crate::http::params::{self, Params};
use crate::http::server::State;
use crate::http::sse::{self, Feed, Look};
use crate::service::Services;
use crate::service::inbox::{self, Following, News, Told};
use crate::{Error, Result};

struct Inbox {
    s: Data<Services>,
    following: Following,
}

impl Feed for Inbox {
    const EVERY: Duration = Duration::from_secs(1);

    async fn look(&mut self) -> Result<Look> {
        let told = inbox::look(&self.s, &mut self.following).await?;
        let texts: Vec<_> = told.into_iter().map(text).collect::<Result<_>>()?;
        Ok(if texts.is_empty() { Look::Nothing } else { Look::Told(texts.concat()) })
    }

    async fn beat(&mut self) -> Result<bool> {
        inbox::goes_on(&self.s, &mut self.following).await
    }
}

fn text(told: Told) -> Result<String> {
    let (kind, body): (_, Value) = match told.news {
        News::Message(entry) => {
            let entry = serde_json::to_value(InboxEntry::from(*entry)).map_err(Error::internal)?;
            ("inbox.message", entry)
        }
        News::Unread(unread) => ("inbox.unread", json!({ "unread": unread })),
    };
    Ok(sse::event(told.place, kind, &body))
}

/// What comes into a person's inbox, as it comes.
///
/// Needs the right `read_inbox`. `inbox.message` has an entry of the inbox as `data`, `inbox.unread` an object whose `unread` is
/// the number of messages that can be read and were not: at the beginning, and whenever it is another. A reader that comes back
/// and says by `Last-Event-ID` what it has seen misses nothing. A key may read 200 streams of inboxes at a time at each node, all
/// keys together 500. A comment is sent every 15 seconds.
#[utoipa::path(
    get, path = "/api/v1/recipients/{campus_id}/inbox/events", tag = "directory",
    params(("campus_id" = String, Path, description = "学号 or 工号"), EventsHeaders),
    responses((status = 200, body = String, content_type = "text/event-stream",
        description = "`id`, `event` and `data` of each event; it ends when the node stops, the person is erased or the key may \
            not read any more")),
)]
pub async fn follow_inbox(
    request: HttpRequest,
    s: Data<Services>,
    state: Data<State>,
    key: Key,
    campus_id: Path<String>,
) -> Result<HttpResponse> {
    Params::none(&request)?;
    let last = sse::last_seen(&request)?;
    let campus_id = params::name(&campus_id, "recipient")?;
    let following = inbox::open_stream(&s, &key, Key::pass(&request, &s)?, campus_id, last).await?;
    Ok(sse::answer(&request, Inbox { s, following }, &state))
}
