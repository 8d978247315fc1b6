//! Ending a broadcast, and telling its people more.

use std::collections::BTreeMap;

use actix_web::http::header;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{LONGEST_NOTE, accepted, broadcast, location, text};
use crate::domain::channel::ChannelKind;
use crate::domain::emergency::{Said, State, Texts, reading};
use crate::domain::fields::{Fields, below, faults_of};
use crate::domain::id::{BroadcastId, MessageId};
use crate::error::Fault;
use crate::http::body::{self, OptionalJson};
use crate::http::errors::Problem;
use crate::http::params::Params;
use crate::http::{Key, RequestId, client};
use crate::service::Services;
use crate::service::broadcasts::{self, PressedView, Stopped};
use crate::service::deliveries::Recall;
use crate::{Error, Result};

/// Why it is stopped.
#[derive(Debug, ToSchema)]
pub struct StopBody {
    /// For those who look at it later; at most 500 characters.
    #[schema(required = false, example = "误触报警按钮")]
    pub reason: String,
}

/// What stopping came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct StoppedBody {
    #[schema(value_type = String)]
    pub id: BroadcastId,
    #[schema(inline)]
    pub status: State,
    /// Deliveries that will not be sent.
    pub stopped: i64,
    /// Deliveries handed over before the stop.
    pub already_sent: i64,
    /// What could be called back, by channel.
    pub recall: Vec<Recall>,
}

/// Nothing more is to be said: the words were prepared.
#[derive(Debug, ToSchema)]
pub struct EndBody {}

/// What was sent afterwards.
#[derive(Debug, Serialize, ToSchema)]
pub struct SaidBody {
    #[schema(value_type = String)]
    pub id: BroadcastId,
    #[schema(inline)]
    pub status: State,
    /// The message that says it.
    #[schema(value_type = String, example = "msg_0a1b2c3d4e5f6")]
    pub message: MessageId,
}

/// What more there is to say, in one language or both; one stands for both where the other is left out.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "zh": {"title": "图书馆火情：东门已封闭", "body": "请改走西门，到操场集合。"},
    "en": {"title": "Library fire: east gate closed", "body": "Use the west gate and meet at the sports field."},
}))]
pub struct UpdateBody {
    #[schema(required = false)]
    pub zh: SaidWords,
    #[schema(required = false)]
    pub en: SaidWords,
    /// For those who look at it later; at most 500 characters. Nobody is sent it.
    #[schema(required = false)]
    pub note: String,
}

/// What is said in one language by each channel.
#[derive(Debug, ToSchema)]
pub struct SaidWords {
    /// Of the mail, of the card, and the headline of the CAP alert; at most 200 characters.
    pub title: String,
    /// Markdown, for mail; at most 20,000 characters.
    pub body: String,
    /// All of the SMS but its signature, on one line; left out: the title.
    #[schema(required = false)]
    pub sms: String,
    /// A WeChat card's text below its title; left out: the body.
    #[schema(required = false)]
    pub wechat: String,
}

/// Stops a broadcast: nothing more of it is handed over, and what providers can call back is called back.
///
/// Whoever has it already still has it: say by `correction` that it was false, or by `all-clear` that it is over.
#[utoipa::path(
    post, path = "/api/v1/broadcasts/{id}/stop", tag = "emergency",
    params(("id" = String, Path, description = "The broadcast's id")),
    request_body(content = Option<StopBody>, description = "None, or why"),
    responses(
        (status = 200, body = StoppedBody),
        (status = 409, description = "`broadcast_state`: it is not being sent. `broadcast_lapsed`: nobody let it go in time",
            body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn stop(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    id: Path<String>,
    body: OptionalJson,
) -> Result<Json<StoppedBody>> {
    Params::none(&request)?;
    let mut fields = Fields::of(&body.0)?;
    let reason = text(&mut fields, "reason", LONGEST_NOTE);
    fields.finish()?;
    let id = broadcast(&id)?;
    let stopped = broadcasts::stop(&s, key.caller(), Some(client::address(&request)), id, &reason).await?;
    let row = broadcasts::look(&s, key.caller(), id).await?;
    Ok(Json(StoppedBody::of(id, row.state, stopped)))
}

impl StoppedBody {
    fn of(id: BroadcastId, status: State, ended: Stopped) -> Self {
        let (mut stopped, mut already_sent) = (0, 0);
        let mut recall: BTreeMap<ChannelKind, Recall> = BTreeMap::new();
        for (_, one) in ended.messages {
            stopped += one.stopped;
            already_sent += one.already_sent;
            for Recall { channel, recalled, impossible } in one.recall {
                let all = recall.entry(channel).or_insert(Recall { channel, recalled: 0, impossible: 0 });
                all.recalled += recalled;
                all.impossible += impossible;
            }
        }
        Self { id, status, stopped, already_sent, recall: recall.into_values().collect() }
    }
}

/// Tells the people of a broadcast more, in words that nobody prepared.
///
/// That is a broadcast of its own, which waits for a second person in the console; of a drill it goes out at once.
#[utoipa::path(
    post, path = "/api/v1/broadcasts/{id}/update", tag = "emergency",
    params(("id" = String, Path, description = "The broadcast's id")),
    request_body = UpdateBody,
    responses(
        (status = 202, body = PressedView, description = "Kept; `id` is that of the update",
            headers(("Location" = String, description = "Where the update is"))),
        (status = 409, description = "`broadcast_state`: it is not being sent. `broadcast_lapsed`: nobody let it go in time",
            body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn update(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    request_id: RequestId,
    id: Path<String>,
    body: body::Json,
) -> Result<HttpResponse> {
    Params::none(&request)?;
    let (texts, note) = update_body(&body.0)?;
    let id = broadcast(&id)?;
    let from = Some(client::address(&request));
    let request_id = request_id.as_str();
    let answered = broadcasts::update_as(&s, key.caller(), from, id, &texts, &note, request_id).await;
    Ok(accepted(answered.map_err(|error| in_body(&body.0, error))?))
}

/// Faults of the words at what was said in the body: of a text that stands for another, at that one.
fn in_body(body: &Value, error: Error) -> Error {
    let Error::Invalid(faults) = error else { return error };
    let mut told: Vec<Fault> = Vec::new();
    for mut fault in faults {
        if let Some(place) = fault.pointer.strip_prefix("/alert") {
            let place = place.to_owned();
            let (language, text) = place.rsplit_once('/').unwrap_or((place.as_str(), ""));
            if body.pointer(language).is_none() {
                continue;
            }
            fault.pointer = match text {
                "sms" if body.pointer(&place).is_none() => format!("{language}/title"),
                "wechat" if body.pointer(&place).is_none() => format!("{language}/body"),
                _ => place,
            };
        }
        if !told.iter().any(|other| other.pointer == fault.pointer && other.code == fault.code) {
            told.push(fault);
        }
    }
    Error::Invalid(told)
}

fn update_body(body: &Value) -> Result<(Texts, String)> {
    let mut fields = Fields::of(body)?;
    let said = |fields: &mut Fields<'_>, name: &'static str| {
        let value = fields.value(name)?;
        match reading::said(value) {
            Ok(said) => Some(said.for_every_channel()),
            Err(error) => {
                fields.extend(below(&format!("/{name}"), faults_of(error)));
                Some(Said::default())
            }
        }
    };
    let (zh, en) = (said(&mut fields, "zh"), said(&mut fields, "en"));
    let note = text(&mut fields, "note", LONGEST_NOTE);
    let texts = match (zh, en) {
        (Some(zh), Some(en)) => Texts { zh, en },
        (Some(one), None) | (None, Some(one)) => Texts { zh: one.clone(), en: one },
        (None, None) => {
            fields.fault("zh", "required", "say something in Chinese (`zh`), English (`en`) or both");
            Texts::default()
        }
    };
    fields.finish()?;
    Ok((texts, note))
}

/// Says that a broadcast is over, in the words prepared for it, to exactly those who have it or may have it.
///
/// What has not gone out of it never will.
#[utoipa::path(
    post, path = "/api/v1/broadcasts/{id}/all-clear", tag = "emergency",
    params(("id" = String, Path, description = "The broadcast's id")),
    request_body(content = Option<EndBody>, description = "None, or an empty object"),
    responses(
        (status = 202, body = SaidBody,
            headers(("Location" = String, description = "Where the broadcast is"))),
        (status = 409, description = "`broadcast_state`: it never went out. `broadcast_lapsed`: nobody let it go in time. `broadcast_said`: it was said before, or that it was false",
            body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn all_clear(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    request_id: RequestId,
    id: Path<String>,
    body: OptionalJson,
) -> Result<HttpResponse> {
    let id = ending(&request, &id, &body)?;
    let from = Some(client::address(&request));
    let said = broadcasts::all_clear(&s, key.caller(), from, id, request_id.as_str()).await?;
    told(&s, &key, id, said.message).await
}

/// Says that a broadcast was false, in the words prepared for it, to exactly those who have it or may have it.
///
/// What has not gone out of it never will.
#[utoipa::path(
    post, path = "/api/v1/broadcasts/{id}/correction", tag = "emergency",
    params(("id" = String, Path, description = "The broadcast's id")),
    request_body(content = Option<EndBody>, description = "None, or an empty object"),
    responses(
        (status = 202, body = SaidBody,
            headers(("Location" = String, description = "Where the broadcast is"))),
        (status = 409, description = "`broadcast_state`: it never went out. `broadcast_lapsed`: nobody let it go in time. `broadcast_said`: it was said before",
            body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn correct(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    request_id: RequestId,
    id: Path<String>,
    body: OptionalJson,
) -> Result<HttpResponse> {
    let id = ending(&request, &id, &body)?;
    let from = Some(client::address(&request));
    let said = broadcasts::correct(&s, key.caller(), from, id, request_id.as_str()).await?;
    told(&s, &key, id, said.message).await
}

fn ending(request: &HttpRequest, id: &str, body: &OptionalJson) -> Result<BroadcastId> {
    Params::none(request)?;
    Fields::of(&body.0)?.finish()?;
    broadcast(id)
}

async fn told(s: &Services, key: &Key, id: BroadcastId, message: MessageId) -> Result<HttpResponse> {
    let row = broadcasts::look(s, key.caller(), id).await?;
    let mut response = HttpResponse::Accepted();
    response.insert_header((header::LOCATION, location(id)));
    Ok(response.json(SaidBody { id, status: row.state, message }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_language_stands_for_both_and_one_text_for_every_channel() {
        let (texts, note) = update_body(&json!({"zh": {"title": "t", "body": "b"}, "note": " n "})).unwrap();
        assert_eq!((&texts.zh, note.as_str()), (&texts.en, "n"));
        assert_eq!((texts.zh.sms.as_str(), texts.zh.wechat.as_str()), ("t", "b"));
        let both = json!({"zh": {"title": "t", "body": "b", "sms": "s"}, "en": {"title": "e", "body": "f"}});
        let (texts, _) = update_body(&both).unwrap();
        assert_eq!((texts.zh.sms.as_str(), texts.en.title.as_str()), ("s", "e"));
    }

    #[test]
    fn every_fault_of_an_update_is_told_where_it_is() {
        let body = json!({"zh": {"title": "", "colour": 1}, "en": 7, "note": 1, "x": 1});
        let Err(Error::Invalid(faults)) = update_body(&body) else { panic!("taken") };
        let mut at: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        at.sort_unstable();
        assert_eq!(at, ["/en", "/note", "/x", "/zh/body", "/zh/colour", "/zh/title"]);
        let Err(Error::Invalid(faults)) = update_body(&json!({})) else { panic!("taken") };
        assert_eq!(faults[0].pointer, "/zh");
    }
}
