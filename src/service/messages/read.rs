//! Reading messages, their deliveries and what became of each, within the caller's [`Sight`].

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::answers::AnswerCounts;
use super::counts::MessageCounts;
use super::delivery_views::{AttemptView, DeliveryDetail, DeliveryFacts, DeliveryView, ReceiptView};
use super::list::Page;
use super::sight::Sight;
use super::views::{EventView, MatchedRule, MessageSummary, MessageView, audience_view};
use crate::domain::answer::Answered;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::State;
use crate::domain::id::{DeliveryId, MessageId, RecipientId};
use crate::domain::operator::Permission;
use crate::error::{Error, Result};
use crate::service::{Caller, Services, recipients};
use crate::store::history::{self, DeliveryFilter, DeliveryRow};
use crate::store::messages::{self, MessageRow};
use crate::store::{answers, audit};
use crate::telemetry::mask;

/// Between two looks while a caller waits for a message to be completed.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Which deliveries of a message to list.
#[derive(Clone, Debug, Default)]
pub struct DeliveryQuery {
    pub state: Option<State>,
    pub channel: Option<ChannelKind>,
    pub campus_id: Option<String>,
    /// A campus id, or part of a name.
    pub person: Option<String>,
    /// Of those who were asked for an answer.
    pub answer: Option<Answered>,
    /// [`Page::next`] of the page before.
    pub cursor: Option<String>,
    pub limit: u32,
}

pub(super) async fn visible(s: &Services, caller: &Caller, id: MessageId) -> Result<MessageRow> {
    let sight = Sight::of(caller)?;
    let row = messages::find(&s.db, id).await?;
    row.filter(|row| sight.holds(row.source_id, row.department.as_deref())).ok_or(Error::NotFound("message"))
}

pub(super) async fn summaries(s: &Services, rows: Vec<MessageRow>) -> Result<Vec<MessageSummary>> {
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let mut counts: HashMap<MessageId, MessageCounts> = HashMap::new();
    if !ids.is_empty() {
        for row in history::counts(&s.db, &ids).await? {
            counts.entry(row.message_id).or_default().add(&row);
        }
    }
    let summary = |row: MessageRow| {
        let counts = counts.remove(&row.id).unwrap_or_default();
        MessageSummary::new(row, counts)
    };
    Ok(rows.into_iter().map(summary).collect())
}

pub(super) fn cursor<T: std::str::FromStr>(text: Option<&str>) -> Result<Option<T>> {
    let read = |text: &str| {
        text.parse()
            .map_err(|_| Error::fault("/cursor", "invalid_cursor", "send the `next_cursor` of a page"))
    };
    text.map(read).transpose()
}

/// What was planned for one person, the latest first, before the delivery `before`; at most `limit`.
pub async fn deliveries_to(
    s: &Services,
    caller: &Caller,
    person: RecipientId,
    before: Option<DeliveryId>,
    limit: u32,
) -> Result<Vec<DeliveryView>> {
    let sight = Sight::of(caller)?;
    // No key, whatever it may do with the directory.
    caller.reach(Permission::DirectoryView)?;
    recipients::find(s, caller, person).await?;
    let (mut found, mut before) = (Vec::new(), before);
    loop {
        let rows = history::deliveries_to(&s.db, person, before, limit).await?;
        let more = rows.len() == limit as usize;
        before = rows.last().map(|row| row.id).or(before);
        found.extend(
            rows.into_iter()
                .filter(|row| sight.holds(row.source_id, row.department.as_deref()))
                .map(DeliveryView::from),
        );
        if !more || found.len() >= limit as usize {
            break;
        }
    }
    found.truncate(limit as usize);
    Ok(found)
}

/// Several messages by id, in the order asked for, as lists show them; those the caller may not see are left out.
pub async fn get_many(s: &Services, caller: &Caller, ids: &[MessageId]) -> Result<Vec<MessageSummary>> {
    let sight = Sight::of(caller)?;
    let mut rows = messages::get_many(&s.db, ids).await?;
    rows.retain(|row| sight.holds(row.source_id, row.department.as_deref()));
    rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
    summaries(s, rows).await
}

/// Whether the caller may look at it.
pub(in crate::service) async fn is_seen(s: &Services, caller: &Caller, id: MessageId) -> Result<bool> {
    let Ok(sight) = Sight::of(caller) else { return Ok(false) };
    let row = messages::find(&s.db, id).await?;
    Ok(row.is_some_and(|row| sight.holds(row.source_id, row.department.as_deref())))
}

/// A message with its texts and counts.
pub async fn get(s: &Services, caller: &Caller, id: MessageId) -> Result<MessageView> {
    let row = visible(s, caller, id).await?;
    let body = messages::find_body(&s.db, id).await?.ok_or(Error::NotFound("message"))?;
    let summary = summaries(s, vec![row]).await?.pop().ok_or(Error::NotFound("message"))?;
    let wording = body.content.0;
    let outline = wording.outline();
    let answers = AnswerCounts::of(answers::counts(&s.db, id).await?);
    let matched_rules = body.routing.map(|routing| routing.0.matched).unwrap_or_default();
    let matched_rules = matched_rules.into_iter().map(MatchedRule::from).collect();
    let (audience, to) = audience_view(body.audience.map(|audience| audience.0));
    Ok(MessageView {
        summary,
        answers,
        outline,
        body: wording.content.body,
        variants: wording.content.variants.into_iter().map(|(key, variant)| (key, variant.into())).collect(),
        template: wording.template,
        params: wording.params,
        personalised: body.personalised,
        link: wording.content.link,
        audience,
        to,
        channels: body.channels.0,
        attributes: body.attributes.0,
        matched_rules,
    })
}

/// What those answered whom a message asked; `None` where it asked nobody.
pub async fn answers(s: &Services, caller: &Caller, id: MessageId) -> Result<Option<AnswerCounts>> {
    visible(s, caller, id).await?;
    Ok(AnswerCounts::of(answers::counts(&s.db, id).await?))
}

/// A message's deliveries, channel by channel.
pub async fn deliveries(
    s: &Services,
    caller: &Caller,
    id: MessageId,
    query: &DeliveryQuery,
) -> Result<Page<DeliveryView>> {
    visible(s, caller, id).await?;
    let after = cursor::<DeliveryId>(query.cursor.as_deref())?;
    let limit = query.limit.max(1);
    let mut rows = history::deliveries(&s.db, id, &filter(query), after, limit + 1).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|row| row.id.to_string());
    Ok(Page { items: rows.into_iter().map(DeliveryView::from).collect(), next })
}

fn filter(query: &DeliveryQuery) -> DeliveryFilter {
    DeliveryFilter {
        state: query.state,
        channel: query.channel,
        campus_id: query.campus_id.clone(),
        person: query.person.clone(),
        answer: query.answer.clone(),
    }
}

/// A delivery as a file says it.
#[derive(Clone, Debug)]
pub struct Exported {
    pub facts: DeliveryFacts,
    pub attempts: i64,
}

/// Writes down that somebody takes a message's deliveries along, and whether people stand in them whole.
pub async fn note_export(s: &Services, caller: &Caller, id: MessageId) -> Result<()> {
    visible(s, caller, id).await?;
    let whole = caller.require(Permission::DirectoryReveal).is_ok();
    let mut tx = s.db.begin().await?;
    let (now, object) = (s.clock.now(), id.to_string());
    audit::append(&mut tx, now, &caller.label(), "message.export", &object, &json!({ "whole": whole }))
        .await?;
    tx.commit().await
}

/// The next of a message's deliveries for a file. Who may not learn addresses is not told whose they are either.
pub async fn export(
    s: &Services,
    caller: &Caller,
    id: MessageId,
    query: &DeliveryQuery,
    after: Option<DeliveryId>,
) -> Result<Vec<Exported>> {
    visible(s, caller, id).await?;
    let whole = caller.require(Permission::DirectoryReveal).is_ok();
    let rows = history::deliveries(&s.db, id, &filter(query), after, query.limit.max(1)).await?;
    let exported = |row: DeliveryRow| {
        let (address, attempts) = (row.address.clone(), row.attempts);
        let mut facts = DeliveryFacts::from(row);
        if whole {
            facts.address = address;
        } else {
            facts.recipient.campus_id = facts.recipient.campus_id.as_deref().map(mask::id);
            facts.recipient.name = facts.recipient.name.as_deref().map(mask::name);
        }
        Exported { facts, attempts }
    };
    Ok(rows.into_iter().map(exported).collect())
}

pub(in crate::service) async fn visible_delivery(
    s: &Services,
    caller: &Caller,
    id: DeliveryId,
) -> Result<DeliveryRow> {
    let sight = Sight::of(caller)?;
    let row = history::find_delivery(&s.db, id).await?;
    row.filter(|row| sight.holds(row.source_id, row.department.as_deref())).ok_or(Error::NotFound("delivery"))
}

/// One delivery with all attempts and receipts.
pub async fn delivery(s: &Services, caller: &Caller, id: DeliveryId) -> Result<DeliveryDetail> {
    let row = visible_delivery(s, caller, id).await?;
    let attempts = history::attempts(&s.db, id).await?;
    let receipts = history::receipts(&s.db, id).await?;
    Ok(DeliveryDetail {
        facts: row.into(),
        attempts: AttemptView::all(attempts),
        receipts: receipts.into_iter().map(ReceiptView::from).collect(),
    })
}

/// Leaves out which message it says almost the same as, and who sent that, for those who may not see it.
async fn narrow(s: &Services, caller: &Caller, detail: &mut Value) -> Result<()> {
    let other = detail.get("message").and_then(Value::as_str).and_then(|id| id.parse().ok());
    let is_seen = match other {
        Some(other) => is_seen(s, caller, other).await?,
        None => false,
    };
    if let Some(detail) = detail.as_object_mut().filter(|_| !is_seen) {
        detail.remove("message");
        detail.remove("source");
    }
    Ok(())
}

/// What happened to a message, in order. It begins with its acceptance.
pub async fn timeline(s: &Services, caller: &Caller, id: MessageId) -> Result<Vec<EventView>> {
    let row = visible(s, caller, id).await?;
    let by = row.source_name.clone().or(row.operator_name.clone());
    let mut events = vec![EventView {
        at: row.created_at.to_jiff(),
        kind: "accepted".to_owned(),
        detail: json!({ "by": by, "request_id": row.request_id }),
    }];
    if row.send_at > row.created_at {
        let detail = json!({ "send_at": row.send_at.to_string() });
        events.push(EventView { at: row.created_at.to_jiff(), kind: "scheduled".to_owned(), detail });
    }
    for event in history::events(&s.db, id).await? {
        let mut detail = event.detail.0;
        if event.kind == "similar" {
            narrow(s, caller, &mut detail).await?;
        }
        events.push(EventView { at: event.at.to_jiff(), kind: event.kind, detail });
    }
    // What nobody was to be sent was looked at and not planned.
    let planned = row.planned_at.filter(|_| events.iter().all(|event| event.kind != "unrouted"));
    for (kind, at) in [("planned", planned), ("completed", row.completed_at)] {
        if let Some(at) = at
            && !events.iter().any(|event| event.kind == kind)
        {
            events.push(EventView { at: at.to_jiff(), kind: kind.to_owned(), detail: json!({}) });
        }
    }
    // Stable: what happened in the same millisecond stays in the order it was written.
    events.sort_by_key(|event| event.at);
    Ok(events)
}

/// The message once nothing more will happen to it by itself, or as it is after `up_to`.
pub async fn wait(s: &Services, caller: &Caller, id: MessageId, up_to: Duration) -> Result<MessageView> {
    visible(s, caller, id).await?;
    let ended = async {
        while messages::find_status(&s.db, id).await?.is_some_and(|status| !status.is_final()) {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok::<(), Error>(())
    };
    if let Ok(result) = tokio::time::timeout(up_to, ended).await {
        result?;
    }
    get(s, caller, id).await
}
