//! How a department's system asks for a key: without one, and an administrator decides.

use actix_web::http::{Method, header};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Result;
use crate::domain::channel::ChannelKind;
use crate::domain::registration::{Registration, RegistrationState};
use crate::http::body::{JsonBytes, parse};
use crate::http::errors::Problem;
use crate::http::{Bearer, Params, client};
use crate::service::Services;
use crate::service::sources::registrations::{self, Claimed};

/// Bytes of what a stranger sends.
const LIMIT: usize = 64 * 1024;
const PATH: &str = "/api/v1/source-registrations";

/// What a system asks for. Texts are one line each, of characters that are seen.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "name": "图书馆门户", "department": "图书馆", "contact_name": "李伟", "contact_email": "liwei@lib.example.edu.cn",
    "purpose": "借阅到期提醒，发给借书的师生", "topics": ["library.#"], "channels": ["email", "wechat"],
}))]
pub struct RegistrationBody {
    /// Of the system. It need not be free: whether another has it is seen by who decides.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    #[schema(min_length = 1, max_length = 100)]
    pub department: String,
    /// Who answers for the system.
    #[schema(min_length = 1, max_length = 100)]
    pub contact_name: String,
    #[schema(min_length = 3, max_length = 254)]
    pub contact_email: String,
    /// What it is to send, to whom and how often.
    #[schema(min_length = 1, max_length = 1000)]
    pub purpose: String,
    /// Patterns of the topics it would send on.
    #[schema(min_items = 1, max_items = 100)]
    pub topics: Vec<String>,
    #[schema(min_items = 1, max_items = 6)]
    pub channels: Vec<ChannelKind>,
}

/// One that waits.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegisteredBody {
    #[schema(example = "reg_0a1b2c3d4e5f6")]
    id: String,
    status: RegistrationState,
    /// Opens this registration and nothing else. Shown this once.
    #[schema(example = "bt_claim_…")]
    claim_token: String,
    created_at: jiff::Timestamp,
    /// Until when an administrator is waited for.
    expires_at: jiff::Timestamp,
    /// What happens next, in a sentence.
    detail: &'static str,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegistrationView {
    #[schema(example = "reg_0a1b2c3d4e5f6")]
    id: String,
    status: RegistrationState,
    /// As it was registered.
    name: String,
    department: String,
    created_at: jiff::Timestamp,
    /// Until when it waits, its key can be fetched, or this is told; null once the key was handed over.
    expires_at: Option<jiff::Timestamp>,
    decided_at: Option<jiff::Timestamp>,
    /// Why it was rejected.
    reason: Option<String>,
    /// Of the source, once it was approved.
    #[schema(example = "src_0a1b2c3d4e5f6")]
    source_id: Option<String>,
    /// In the first answer after the approval, and in no other. What it may do is told by `GET /api/v1/source`.
    #[schema(example = "bt_live_…")]
    key: Option<String>,
    key_handed_over_at: Option<jiff::Timestamp>,
    /// The same in a sentence.
    detail: String,
}

/// Asks for a key.
///
/// No key is needed. An administrator looks at the registration, may narrow what it asks for, and approves or rejects it within
/// 30 days; `claim_token` then opens `GET /api/v1/source-registrations/{id}`, and whoever holds it gets the key: keep it as one.
/// Rights beyond sending announcements are granted by an administrator and not asked for here. From one network 20 are taken
/// an hour, and 20 wait at once.
#[utoipa::path(
    post, path = "/api/v1/source-registrations", tag = "source",
    request_body = RegistrationBody,
    responses((status = 202, body = RegisteredBody, description = "It waits for an administrator",
        headers(("Location" = String, description = "Where it says what became of it")))),
    security(()),
)]
pub async fn create(request: HttpRequest, s: Data<Services>, body: JsonBytes<LIMIT>) -> Result<HttpResponse> {
    Params::none(&request)?;
    let asked = Registration::read(&parse(&body.0)?)?;
    let made = registrations::register(&s, &asked, client::proved(&request)).await?;
    let answer = RegisteredBody {
        id: made.id.to_string(),
        status: RegistrationState::Pending,
        claim_token: made.claim_token,
        created_at: made.created_at.to_jiff(),
        expires_at: made.expires_at.to_jiff(),
        detail: "An administrator looks at it. Ask again with the claim token, which is shown this once.",
    };
    Ok(HttpResponse::Accepted()
        .insert_header((header::LOCATION, format!("{PATH}/{}", made.id)))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(answer))
}

/// What became of a registration, and its key, once.
///
/// Opened by the claim token of the registration, which no key replaces. The first answer after the approval holds the key,
/// which is made for it; later ones say when that was. Where that answer was lost, or somebody else had it, ask an administrator
/// for another key. `HEAD` takes nothing.
#[utoipa::path(
    get, path = "/api/v1/source-registrations/{id}", tag = "source",
    params(("id" = String, Path, description = "The registration's id")),
    responses(
        (status = 200, body = RegistrationView),
        (status = 401, description = "No claim token of a registration of that id, whether there is one or not", body = Problem,
            content_type = "application/problem+json", headers(("WWW-Authenticate" = String, description = "`Bearer`"))),
        (status = 409, description = "`too_many_keys`: the source has as many keys in use as it may, so that none is made",
            body = Problem, content_type = "application/problem+json"),
    ),
    security(("claim" = [])),
)]
pub async fn show(
    request: HttpRequest,
    s: Data<Services>,
    bearer: Bearer,
    id: Path<String>,
) -> Result<HttpResponse> {
    Params::none(&request)?;
    let takes = request.method() == Method::GET;
    let claimed = registrations::claim(&s, &id, &bearer.0, client::proved(&request), takes).await?;
    let mut response = HttpResponse::Ok();
    Ok(response.insert_header((header::CACHE_CONTROL, "no-store")).json(RegistrationView::from(claimed)))
}

impl From<Claimed> for RegistrationView {
    fn from(claimed: Claimed) -> Self {
        let detail = detail(&claimed);
        let time = crate::clock::Timestamp::to_jiff;
        Self {
            id: claimed.id.to_string(),
            status: claimed.state,
            name: claimed.name,
            department: claimed.department,
            created_at: time(claimed.created_at),
            expires_at: claimed.expires_at.map(time),
            decided_at: claimed.decided_at.map(time),
            reason: Some(claimed.reason).filter(|reason| !reason.is_empty()),
            source_id: claimed.source.map(|source| source.to_string()),
            key: claimed.key,
            key_handed_over_at: claimed.handed_at.map(time),
            detail,
        }
    }
}

fn detail(claimed: &Claimed) -> String {
    match claimed.state {
        RegistrationState::Pending => "An administrator has not looked at it yet.".to_owned(),
        RegistrationState::Rejected => format!("It was rejected: {}", claimed.reason),
        RegistrationState::Expired => "Nobody looked at it in time. Register again.".to_owned(),
        RegistrationState::Approved => match (&claimed.key, claimed.handed_at) {
            (Some(_), _) => "This is the key. It is shown this once.".to_owned(),
            (None, Some(at)) => format!(
                "The key was handed over at {at}. If that was not to you, or the answer was lost, ask an administrator of the \
                 platform for another."
            ),
            (None, None) if claimed.disabled => {
                "It was approved and its source disabled since; ask an administrator of the platform."
                    .to_owned()
            }
            (None, None) => {
                "It was approved. The key is handed over by GET, until `expires_at`; after that ask an \
                             administrator of the platform."
                    .to_owned()
            }
        },
    }
}
