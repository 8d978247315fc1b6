//! What people were sent, for portals and apps that show it to them.

#![expect(unused_qualifications, reason = "what utoipa's macro makes of parameters")]

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::page::PageBody;
use crate::Result;
use crate::domain::id::DeliveryId;
use crate::domain::message::Category;
use crate::http::Key;
use crate::http::params::{self, Params};
use crate::service::Services;
use crate::service::inbox::{self, Entry, Inbox, InboxQuery};

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InboxParams {
    /// `true`: those that can be read and were not.
    pub unread: Option<bool>,
    pub category: Option<Category>,
    /// Sent at or after this time.
    pub since: Option<jiff::Timestamp>,
    /// 1–200, 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A part of what a person was sent, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxBody {
    /// Messages that can be read and were not, whatever was asked for.
    unread: u64,
    data: Vec<InboxEntry>,
    /// Pass it as `?cursor=` to go on; null at the end.
    next_cursor: Option<String>,
}

/// A message as the person reads it.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxEntry {
    #[schema(example = "msg_0a1b2c3d4e5f6")]
    message_id: String,
    #[schema(example = "library.loan")]
    topic: String,
    category: Category,
    /// The source that sent it; null where no source did.
    source: Option<String>,
    department: Option<String>,
    /// When it went to this person first.
    sent_at: jiff::Timestamp,
    /// When they read it first, by whatever channel.
    read_at: Option<jiff::Timestamp>,
    /// It was called off or called back: its texts are null.
    withdrawn: bool,
    /// When its texts were removed, as they are after some time.
    removed_at: Option<jiff::Timestamp>,
    /// One line of plain text, in the person's language, with their variables filled in, as all that follows.
    title: Option<String>,
    text: Option<String>,
    /// The same as an HTML fragment: block elements without class, style, image or script.
    html: Option<String>,
    link: Option<String>,
    /// The person's own page, where they say what they want to be sent: for them alone, as whoever opens it decides for them.
    /// Null of an emergency.
    preferences_url: Option<String>,
}

/// That a message was read.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadBody {
    #[schema(example = "msg_0a1b2c3d4e5f6")]
    message_id: String,
    /// When it was read first.
    read_at: jiff::Timestamp,
}

/// What a person was sent.
///
/// Needs the right `read_inbox`. Each message once, whatever channels carried it, from when a provider took it until 90 days after
/// it expired; a test key sees what test keys sent.
#[utoipa::path(
    get, path = "/api/v1/recipients/{campus_id}/inbox", tag = "directory",
    params(("campus_id" = String, Path, description = "学号 or 工号"), InboxParams),
    responses((status = 200, body = InboxBody)),
)]
pub async fn list_inbox(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    campus_id: Path<String>,
) -> Result<Json<InboxBody>> {
    let mut params = Params::of(&request);
    let (unread, category, since) = (params.flag("unread"), params.value("category"), params.time("since"));
    let (limit, before) = (params.limit(), params.cursor::<DeliveryId>());
    params.finish()?;
    let query = InboxQuery { unread, category, since, before, limit: limit + 1 };
    let campus_id = params::name(&campus_id, "recipient")?;
    let Inbox { unread, entries } = inbox::list(&s, &key, campus_id, &query).await?;
    let PageBody { data, next_cursor } =
        PageBody::of(entries, limit, |entry: &Entry| entry.place, InboxEntry::from);
    Ok(Json(InboxBody { unread, data, next_cursor }))
}

/// Notes that a person read a message.
///
/// Needs the right `read_inbox`. Said again, it is answered as before; so is what they had read by another channel.
#[utoipa::path(
    post, path = "/api/v1/recipients/{campus_id}/inbox/{message_id}/read", tag = "directory",
    params(
        ("campus_id" = String, Path, description = "学号 or 工号"),
        ("message_id" = String, Path, description = "The message's id"),
    ),
    responses((status = 200, body = ReadBody)),
)]
pub async fn mark_read(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    path: Path<(String, String)>,
) -> Result<Json<ReadBody>> {
    Params::none(&request)?;
    let (campus_id, message) = path.into_inner();
    let campus_id = params::name(&campus_id, "recipient")?;
    let read_at = inbox::mark_read(&s, &key, campus_id, &message).await?;
    Ok(Json(ReadBody { message_id: message, read_at: read_at.to_jiff() }))
}

impl From<Entry> for InboxEntry {
    fn from(entry: Entry) -> Self {
        let text = entry.text;
        Self {
            message_id: entry.message.to_string(),
            topic: entry.topic,
            category: entry.category,
            source: entry.source,
            department: entry.department,
            sent_at: entry.sent_at.to_jiff(),
            read_at: entry.read_at.map(crate::clock::Timestamp::to_jiff),
            withdrawn: entry.withdrawn,
            removed_at: entry.removed_at.map(crate::clock::Timestamp::to_jiff),
            title: text.as_ref().map(|text| text.title.to_string()),
            text: text.as_ref().map(|text| text.plain.to_string()),
            html: text.as_ref().map(|text| text.html.to_string()),
            link: text.and_then(|text| text.link).map(|link| link.to_string()),
            preferences_url: entry.preferences,
        }
    }
}
