//! People: the directory as departments' systems keep it.

#![expect(unused_qualifications, reason = "what utoipa's macro makes of parameters")]

use actix_web::http::header::HeaderMap;
use actix_web::web::{self, Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse, rt};
use futures_util::{Stream, StreamExt as _};
use serde::Serialize;
use tracing::Instrument as _;
use utoipa::{IntoParams, ToSchema};

use super::page::PageBody;
use super::put;
use crate::domain::id::RecipientId;
use crate::domain::recipient::Attributes;
use crate::http::body::{self, HUGE, Json};
use crate::http::params::{self, Params};
use crate::http::{Key, segment};
use crate::service::Services;
use crate::service::recipients::{self, Charset, Format, ImportOptions, ImportReport, ListFilter, Recipient};
use crate::{Error, Result};

/// All that is known of a person; a field left out is cleared.
#[derive(Debug, ToSchema)]
pub struct RecipientInputBody {
    /// The one in the path, if it is given at all.
    pub campus_id: Option<String>,
    #[schema(example = "李伟")]
    pub name: String,
    #[schema(example = "liwei@stu.example.edu.cn")]
    pub email: Option<String>,
    /// With or without country code; one without is Chinese.
    #[schema(example = "13812345678")]
    pub mobile: Option<String>,
    pub wecom_userid: Option<String>,
    pub wechat_openid: Option<String>,
    /// A language tag.
    #[schema(example = "zh-CN")]
    pub language: Option<String>,
    pub department: Option<String>,
    /// Strings, numbers and booleans that filters can ask for; `role` among them.
    #[schema(value_type = Object, required = false, example = json!({"role": "student", "college": "农学院", "year": 2024}))]
    pub attributes: Attributes,
}

/// What is to change of a person; a field left out is kept, null clears it.
#[derive(Debug, ToSchema)]
pub struct RecipientPatchBody {
    /// The one in the path, if it is given at all.
    pub campus_id: Option<String>,
    /// A person cannot be without.
    #[schema(value_type = String, required = false)]
    pub name: Option<String>,
    pub email: Option<String>,
    /// With or without country code; one without is Chinese.
    pub mobile: Option<String>,
    pub wecom_userid: Option<String>,
    pub wechat_openid: Option<String>,
    /// A language tag.
    pub language: Option<String>,
    pub department: Option<String>,
    /// Merged one by one; null takes one away.
    #[schema(value_type = Object, required = false, example = json!({"year": 2025, "dorm": null}))]
    pub attributes: Attributes,
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecipientBody {
    campus_id: String,
    name: String,
    email: Option<String>,
    mobile: Option<String>,
    wecom_userid: Option<String>,
    wechat_openid: Option<String>,
    language: Option<String>,
    department: Option<String>,
    #[schema(value_type = Object)]
    attributes: Attributes,
    /// False for whom the last import with `deactivate_missing` did not name: no audience selects them.
    active: bool,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListParams {
    /// The beginning of a campus id, email address or mobile number, or a part of a name.
    pub q: Option<String>,
    /// A group's slug: only those it reaches.
    pub group: Option<String>,
    /// 1–200, 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImportParams {
    /// Do everything but keep it.
    pub dry_run: Option<bool>,
    /// Whoever the file does not name becomes inactive, unless a record cannot be read for whom it names.
    pub deactivate_missing: Option<bool>,
    /// Of a workbook, the sheet to read; the first one without.
    pub sheet: Option<String>,
}

impl From<Recipient> for RecipientBody {
    fn from(it: Recipient) -> Self {
        let person = it.person;
        Self {
            campus_id: person.campus_id,
            name: person.name,
            email: person.email,
            mobile: person.mobile,
            wecom_userid: person.wecom_userid,
            wechat_openid: person.wechat_openid,
            language: person.language,
            department: person.department,
            attributes: person.attributes,
            active: it.active,
            created_at: it.created_at.to_jiff(),
            updated_at: it.updated_at.to_jiff(),
        }
    }
}

/// The people in the directory, the newest first.
#[utoipa::path(
    get, path = "/api/v1/recipients", tag = "directory", params(ListParams),
    responses(
        (status = 200, body = PageBody<RecipientBody>),
        (status = 404, description = "There is no such group"),
    ),
)]
pub async fn list(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
) -> Result<web::Json<PageBody<RecipientBody>>> {
    let mut params = Params::of(&request);
    let filter = ListFilter { q: params.text("q"), group: params.text("group"), ..ListFilter::default() };
    let (limit, before) = (params.limit(), params.cursor::<RecipientId>());
    params.finish()?;
    let people = recipients::list(&s, key.caller(), &filter, before, limit + 1).await?;
    Ok(web::Json(PageBody::of(people, limit, |person| person.id, RecipientBody::from)))
}

/// One person.
#[utoipa::path(
    get, path = "/api/v1/recipients/{campus_id}", tag = "directory",
    params(("campus_id" = String, Path, description = "学号 or 工号")),
    responses((status = 200, body = RecipientBody)),
)]
pub async fn show(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    campus_id: Path<String>,
) -> Result<web::Json<RecipientBody>> {
    Params::none(&request)?;
    Ok(web::Json(recipients::get(&s, key.caller(), name(&campus_id)?).await?.into()))
}

/// Creates a person, or replaces all that is known of them.
///
/// A WeChat identity that they bound, left or lost to its holder stays as it is, unless the record says another one than
/// records before; `PATCH` changes it at once.
#[utoipa::path(
    put, path = "/api/v1/recipients/{campus_id}", tag = "directory",
    params(("campus_id" = String, Path, description = "学号 or 工号")),
    request_body = RecipientInputBody,
    responses(
        (status = 200, body = RecipientBody, description = "Replaced"),
        (status = 201, body = RecipientBody, description = "Created",
            headers(("Location" = String, description = "Where the person is"))),
    ),
)]
pub async fn replace(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    campus_id: Path<String>,
    body: Json,
) -> Result<HttpResponse> {
    Params::none(&request)?;
    let (change, recipient) = recipients::put(&s, key.caller(), &campus_id, &body.0).await?;
    let path = format!("/recipients/{}", segment(&recipient.person.campus_id));
    Ok(put::answer(change, &path, &RecipientBody::from(recipient)))
}

/// Changes what is named and keeps the rest; null clears (RFC 7396).
#[utoipa::path(
    patch, path = "/api/v1/recipients/{campus_id}", tag = "directory",
    params(("campus_id" = String, Path, description = "学号 or 工号")),
    request_body = RecipientPatchBody,
    responses((status = 200, body = RecipientBody)),
)]
pub async fn update(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    campus_id: Path<String>,
    body: Json,
) -> Result<web::Json<RecipientBody>> {
    Params::none(&request)?;
    Ok(web::Json(recipients::patch(&s, key.caller(), name(&campus_id)?, &body.0).await?.into()))
}

/// Erases who a person is.
///
/// What was sent to them stays counted and what waits is cancelled. Messages no longer name them: not in lists,
/// exclusions and filters, not by the addresses that are theirs alone; one that was for them alone loses its texts.
/// The keys a source made up (`Idempotency-Key`, `dedup_key`) are kept for two days whatever they say.
#[utoipa::path(
    delete, path = "/api/v1/recipients/{campus_id}", tag = "directory",
    params(("campus_id" = String, Path, description = "学号 or 工号")),
    responses((status = 204, description = "Erased")),
)]
pub async fn delete(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    campus_id: Path<String>,
) -> Result<HttpResponse> {
    Params::none(&request)?;
    recipients::delete(&s, key.caller(), name(&campus_id)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Reads people from a file: JSON lines or CSV, while it arrives, or a workbook (.xlsx).
///
/// NDJSON: a line is a person, `campus_id`, the fields of a record, and whatever else becomes an attribute; the line
/// replaces all that is known. CSV: the first row names the columns in Chinese or English (学号, 姓名, 邮箱, 手机, 部门,
/// 企业微信, 微信, 语言; others become attributes), in UTF-8, GB 18030 or UTF-16, separated by comma, semicolon or tab; a
/// row changes only what the file has columns for, and an empty cell clears. A workbook's sheet is read as CSV is. Good records are kept, the others are listed
/// with what to mend. Sending the same file again changes nothing. `docs/IMPORTS.md` says all of it.
#[utoipa::path(
    post, path = "/api/v1/recipients/import", tag = "directory", params(ImportParams),
    request_body(
        content(
            (String = "application/x-ndjson"),
            (String = "text/csv"),
            (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ),
        description = "64 MiB at most. Without a charset in the media type, a CSV file's bytes tell it.",
    ),
    responses((status = 200, body = ImportReport)),
)]
pub async fn import(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    payload: web::Payload,
) -> Result<web::Json<ImportReport>> {
    let mut params = Params::of(&request);
    let options = ImportOptions {
        dry_run: params.flag("dry_run"),
        deactivate_missing: params.flag("deactivate_missing"),
        ..ImportOptions::default()
    };
    let sheet = params.text("sheet");
    params.finish()?;
    let kind = kind(request.headers())?;
    body::expect_at_most(request.headers(), HUGE)?;
    // Apart from the request, which is dropped where the connection breaks: what had come by then is kept.
    let caller = key.caller().clone();
    let reading = async move {
        let pieces = pieces(payload);
        match kind {
            Kind::Records(format) => recipients::import(&s, &caller, format, options, pieces).await,
            Kind::Workbook => {
                recipients::import_workbook(&s, &caller, sheet.as_deref(), options, pieces).await
            }
        }
    };
    Ok(web::Json(rt::spawn(reading.in_current_span()).await.map_err(Error::internal)??))
}

/// What a file is by its media type.
enum Kind {
    Records(Format),
    Workbook,
}

const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

fn kind(headers: &HeaderMap) -> Result<Kind> {
    let is_workbook = body::media(headers)?.essence.eq_ignore_ascii_case(WORKBOOK);
    if is_workbook { Ok(Kind::Workbook) } else { format(headers).map(Kind::Records) }
}

fn format(headers: &HeaderMap) -> Result<Format> {
    let media = body::media(headers)?;
    match media.essence.to_ascii_lowercase().as_str() {
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => {
            body::expect_media(headers, "application/x-ndjson in UTF-8", |_| true)?;
            Ok(Format::Ndjson)
        }
        "text/csv" | "application/csv" | "text/tab-separated-values" => {
            let charset = media.charset.map(|label| {
                let expected = "charset=utf-8, gb18030, gbk or utf-16, or leave it out";
                Charset::of(label).ok_or(Error::UnsupportedMedia { expected })
            });
            Ok(Format::Csv { charset: charset.transpose()? })
        }
        _ => {
            Err(Error::UnsupportedMedia { expected: "application/x-ndjson, text/csv or a workbook (.xlsx)" })
        }
    }
}

/// The body, as long as it is not too large.
fn pieces(payload: web::Payload) -> impl Stream<Item = Result<Bytes>> + Unpin {
    let mut length = 0;
    payload.map(move |piece| {
        let piece = piece.map_err(body::broken)?;
        length += piece.len();
        if length > HUGE { Err(Error::TooLarge { limit: HUGE }) } else { Ok(piece) }
    })
}

fn name(campus_id: &str) -> Result<&str> {
    params::name(campus_id, "recipient")
}
