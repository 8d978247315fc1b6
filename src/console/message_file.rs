//! A message's deliveries as a file, as many as there are.

use actix_web::HttpResponse;
use actix_web::web::{self, Data};

use super::access::Signed;
use super::form::Form;
use super::message::DeliveryFilter;
use super::page::{Flash, see_other};
use super::table_file::{self, CHUNK, last_of};
use super::view::View;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::MessageId;
use crate::http::params;
use crate::service::Services;
use crate::service::messages::{self, DeliveryQuery, Exported};

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
    if super::message::summary(&s, &signed, id).await?.deliveries_removed_at.is_some() {
        // A file of nothing but heads would say that there were none.
        signed.say(&Flash::amber(signed.view().t("deliveries-removed")))?;
        return Ok(see_other(&format!("/console/messages/{id}")));
    }
    messages::note_export(&s, &signed.caller, id).await?;
    let view = signed.view();
    let heads = HEADS.map(|key| view.t(key));
    let first = filter.query().map(|query| (DeliveryQuery { limit: CHUNK, ..query }, None));
    Ok(table_file::streamed(&format!("{id}.csv"), &heads, first, move |(query, after)| {
        let (s, view, caller) = (s.clone(), view.clone(), signed.caller.clone());
        async move {
            let rows = messages::export(&s, &caller, id, &query, after).await?;
            let last = last_of(&rows).map(|row| row.facts.id);
            let text = rows.into_iter().map(|row| line(&view, row)).collect();
            Ok((text, last.map(|last| (query, Some(last)))))
        }
    }))
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
