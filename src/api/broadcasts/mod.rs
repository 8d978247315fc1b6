//! Emergency broadcasts: starting one, seeing how far it is, and ending it ([`act`]). What needs a second person waits for
//! one in the console.

#![expect(unused_qualifications, reason = "what utoipa's macro makes of parameters")]

pub mod act;
mod views;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

pub use self::views::{BroadcastBody, BroadcastSummary};
use super::idempotency;
use super::page::{PageBody, PageParams};
use crate::Result;
use crate::domain::audience;
use crate::domain::emergency::Run;
use crate::domain::fields::Fields;
use crate::domain::id::BroadcastId;
use crate::error::{NO_NUL, has_nul};
use crate::http::errors::Problem;
use crate::http::params::{self, Params};
use crate::http::{Key, RequestId, body, client};
use crate::service::broadcasts::{self, Answered, PressedView, Pressing};
use crate::service::{Services, roll_call};

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const LONGEST_SLUG: usize = 100;
/// Characters of a note.
const LONGEST_NOTE: usize = 500;

/// What to start.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "scenario": "fire",
    "params": {"place": "图书馆", "meeting_point": "操场"},
    "drill": true,
    "note": "第一教学楼烟感报警联动测试",
}))]
pub struct PressBody {
    /// The scenario's slug.
    pub scenario: String,
    /// A choice for each of its placeholders, by their names: as listed, in either language.
    #[schema(required = false, value_type = std::collections::BTreeMap<String, String>)]
    pub params: Map<String, Value>,
    /// It is handed to the sandbox only, starts at once, and every text says that it is a drill.
    #[schema(required = false, default = false)]
    pub drill: bool,
    /// With `drill`: an announced exercise, which reaches real people. Needs the right `exercise` and a second person.
    #[schema(required = false, default = false)]
    pub announced: bool,
    /// For those who look at it later; at most 500 characters. Nobody is sent it.
    #[schema(required = false)]
    pub note: String,
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct PressHeaders {
    /// 1–255 printable characters. The same key and the same body again: the first answer again, even where the broadcast
    /// has ended meanwhile. Kept at least a day.
    #[param(rename = "Idempotency-Key", schema_with = idempotency::schema)]
    pub idempotency_key: Option<String>,
}

struct Press {
    scenario: String,
    params: audience::Params,
    run: Run,
    note: String,
}

/// Starts a broadcast, or attaches to the same where it is open already.
///
/// Needs the right `broadcast`. It goes out at once, or waits for a second person in the console, as the scenario and the
/// campus's rules say; a drill goes out at once, and a test key only drills. There is one open broadcast for a scenario and
/// place: a second press sends nothing more and is answered with that one, and `attached_to` says who began it.
#[utoipa::path(
    post, path = "/api/v1/broadcasts", tag = "emergency",
    params(PressHeaders),
    request_body = PressBody,
    responses(
        (status = 202, body = PressedView, description = "Kept; `status` says whether it goes out or waits",
            headers(
                ("Location" = String, description = "Where the broadcast is"),
                ("Idempotent-Replayed" = String, description = "`true`: this is the first answer again"),
            )),
        (status = 404, description = "There is no such scenario", body = Problem,
            content_type = "application/problem+json"),
    ),
)]
pub async fn create(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    request_id: RequestId,
    body: body::Json,
) -> Result<HttpResponse> {
    Params::none(&request)?;
    let idempotency_key = idempotency::key(&request)?;
    let press = press(&body.0)?;
    let pressing = Pressing {
        scenario: &press.scenario,
        params: &press.params,
        run: press.run,
        note: &press.note,
        from: Some(client::address(&request)),
        request_id: request_id.as_str(),
    };
    let idempotency_key = idempotency_key.as_deref();
    let answered = broadcasts::press_once(&s, key.caller(), &pressing, idempotency_key, &body.0).await?;
    Ok(accepted(answered))
}

/// That it is kept, and where.
pub(super) fn accepted(Answered { id, body, replayed }: Answered) -> HttpResponse {
    let mut response = HttpResponse::Accepted();
    response.insert_header((header::LOCATION, location(id)));
    if replayed {
        response.insert_header((REPLAYED, HeaderValue::from_static("true")));
    }
    response.json(body)
}

fn location(id: BroadcastId) -> String {
    format!("/api/v1/broadcasts/{id}")
}

fn press(body: &Value) -> Result<Press> {
    let mut fields = Fields::of(body)?;
    let scenario = fields.required("scenario", LONGEST_SLUG);
    let params = match fields.value("params") {
        None => Map::new(),
        Some(Value::Object(params)) => params.clone(),
        Some(_) => {
            fields.fault("params", "not_an_object", "send an object of names and choices");
            Map::new()
        }
    };
    let drill = flag(&mut fields, "drill");
    let announced = flag(&mut fields, "announced");
    if announced && !drill {
        fields.fault("announced", "drill_only", "only a drill is announced: send `drill: true` with it");
    }
    let note = text(&mut fields, "note", LONGEST_NOTE);
    fields.finish()?;
    let run = match (drill, announced) {
        (false, _) => Run::Live,
        (true, false) => Run::Drill,
        (true, true) => Run::Exercise,
    };
    Ok(Press { scenario, params: params.into_iter().collect(), run, note })
}

fn flag(fields: &mut Fields<'_>, name: &'static str) -> bool {
    match fields.value(name) {
        None | Some(Value::Bool(false)) => false,
        Some(Value::Bool(true)) => true,
        Some(_) => {
            fields.fault(name, "not_a_boolean", "send true or false");
            false
        }
    }
}

/// A text of one line or several.
fn text(fields: &mut Fields<'_>, name: &'static str, longest: usize) -> String {
    match fields.value(name) {
        None => String::new(),
        Some(Value::String(text)) if text.trim().chars().count() > longest => {
            fields.fault(name, "too_long", format!("at most {longest} characters"));
            String::new()
        }
        Some(Value::String(text)) if has_nul(text) => {
            fields.fault(name, "control_character", NO_NUL);
            String::new()
        }
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(_) => {
            fields.fault(name, "not_a_string", "send a string");
            String::new()
        }
    }
}

/// The broadcasts that this source began.
#[utoipa::path(
    get, path = "/api/v1/broadcasts", tag = "emergency", params(PageParams),
    responses((status = 200, body = PageBody<BroadcastSummary>)),
)]
pub async fn list(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
) -> Result<Json<PageBody<BroadcastSummary>>> {
    let mut params = Params::of(&request);
    let (limit, before) = (params.limit(), params.cursor::<BroadcastId>());
    params.finish()?;
    let rows = broadcasts::list_own(&s, key.caller(), before, limit + 1).await?;
    Ok(Json(PageBody::of(rows, limit, |row| row.id, |row| BroadcastSummary::of(&row, &s.campus))))
}

/// How far a broadcast is, and what it sent. What is counted is at most a second old; people and the times of channels, where the store takes long for
/// them, a second and a half.
#[utoipa::path(
    get, path = "/api/v1/broadcasts/{id}", tag = "emergency",
    params(("id" = String, Path, description = "The broadcast's id")),
    responses((status = 200, body = BroadcastBody)),
)]
pub async fn show(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    id: Path<String>,
) -> Result<Json<BroadcastBody>> {
    Params::none(&request)?;
    let id = broadcast(&id)?;
    let row = broadcasts::look(&s, key.caller(), id).await?;
    let progress = broadcasts::progress(&s, key.caller(), id).await?;
    let roll = roll_call::of_broadcast(&s, key.caller(), id).await?;
    let cap = broadcasts::published(&s, key.caller(), id).await?;
    Ok(Json(BroadcastBody::of(&row, progress, roll, cap, &s.campus)))
}

fn broadcast(text: &str) -> Result<BroadcastId> {
    params::id(text, "broadcast")
}
