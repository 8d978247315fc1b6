//! A message's deliveries as a file, as many as there are.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{self, Bytes, Data};
use futures_util::stream;

use super::access::Signed;
use super::form::Form;
use super::message::DeliveryFilter;
use super::table_file;
use super::view::View;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::{DeliveryId, MessageId};
use crate::http::params;
use crate::service::messages::{self, DeliveryQuery, Exported};
use crate::service::{Caller, Services};

/// Rows read at once.
const CHUNK: u32 = 1_000;
const HEADS: [&str; 10] = [
    "column-campus-id",
    "column-recipient",
    "column-channel",
    "column-to",
    "column-state",
    "column-reason",
    "fact-provider",
    "column-attempts",
    "column-last",
    "fact-delivered",
];

/// What the filters find; who may not learn addresses gets them masked, as well as names and numbers.
pub(super) async fn export(
    s: Data<Services>,
    signed: Signed,
    id: web::Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let id: MessageId = params::id(&id, "message")?;
    let text = |name| form.text(name).to_owned();
    let filter = DeliveryFilter {
        q: text("q"),
        state: text("state"),
        channel: text("channel"),
        answer: text("answer"),
        cursor: String::new(),
    };
    messages::note_export(&s, &signed.caller, id).await?;
    let view = signed.view();
    let heads = HEADS.map(|key| view.t(key));
    let head = format!("{}{}", table_file::MARK, table_file::row(heads.iter().map(String::as_str)));
    let from = match filter.query() {
        Some(query) => Rest { query: DeliveryQuery { limit: CHUNK, ..query }, after: None, head },
        None => return Ok(file(id).body(head)),
    };
    let rows = stream::try_unfold(Some(from), move |rest| {
        let (s, view, caller) = (s.clone(), view.clone(), signed.caller.clone());
        async move {
            match rest {
                Some(rest) => rest.read(&s, &view, &caller, id).await.map(Some),
                None => Ok::<_, crate::Error>(None),
            }
        }
    });
    Ok(file(id).streaming(rows))
}

fn file(id: MessageId) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{id}.csv\"")));
    response
}

/// What of a file is not written yet.
struct Rest {
    query: DeliveryQuery,
    after: Option<DeliveryId>,
    /// Its first row, until that is written.
    head: String,
}

impl Rest {
    async fn read(
        self,
        s: &Services,
        view: &View,
        caller: &Caller,
        id: MessageId,
    ) -> Result<(Bytes, Option<Self>)> {
        let Self { query, after, mut head } = self;
        let rows = messages::export(s, caller, id, &query, after).await?;
        let last = rows.last().filter(|_| rows.len() == CHUNK as usize).map(|row| row.facts.id);
        for row in rows {
            head.push_str(&line(view, row));
        }
        let rest = last.map(|last| Self { query, after: Some(last), head: String::new() });
        Ok((Bytes::from(head), rest))
    }
}

fn line(view: &View, row: Exported) -> String {
    let Exported { facts, attempts } = row;
    let moment =
        |at: Option<jiff::Timestamp>| at.map(|at| view.exact(Timestamp::from(at))).unwrap_or_default();
    let cells = [
        facts.recipient.campus_id.unwrap_or_default(),
        facts.recipient.name.unwrap_or_default(),
        view.channel_text(facts.channel),
        facts.address.unwrap_or_default(),
        view.state_text(facts.state),
        facts.reason.map(|reason| view.reason(&reason)).unwrap_or_default(),
        facts.provider.unwrap_or_default(),
        attempts.to_string(),
        moment(facts.last_attempt_at),
        moment(facts.delivered_at),
    ];
    table_file::row(cells.iter().map(String::as_str))
}
