//! Stored sets of people.

use actix_web::web::{self, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::page::{PageBody, PageParams};
use super::put;
use super::recipients::RecipientBody;
use crate::Result;
use crate::domain::group::GroupKind;
use crate::domain::id::{GroupId, RecipientId};
use crate::http::Key;
use crate::http::body::Json;
use crate::http::params::{self, Params};
use crate::service::Services;
use crate::service::groups::{self, Group, MembersChanged};

/// What a group is made of.
#[derive(Debug, ToSchema)]
pub struct GroupInputBody {
    #[schema(example = "农学院2024级")]
    pub name: String,
    pub kind: GroupKind,
    /// The filter of a dynamic group; a static one has members instead.
    #[schema(example = "college = '农学院' and year = 2024")]
    pub r#where: Option<String>,
}

/// A group.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupBody {
    #[schema(example = "grp_0a1b2c3d4e5f6")]
    id: String,
    slug: String,
    name: String,
    kind: GroupKind,
    r#where: Option<String>,
    /// Active people it reaches now; null for dynamic groups in a list.
    members: Option<i64>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

/// Who comes in and who goes out.
#[derive(Debug, ToSchema)]
pub struct MembersBody {
    /// Campus ids, up to 10,000.
    #[schema(required = false)]
    pub add: Vec<String>,
    /// Campus ids, up to 10,000.
    #[schema(required = false)]
    pub remove: Vec<String>,
}

/// A filter to try out.
#[derive(Debug, ToSchema)]
pub struct PreviewInputBody {
    #[schema(example = "role = 'student' and college = '农学院'")]
    pub r#where: String,
}

/// Whom a filter finds now.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewBody {
    count: i64,
    /// Some of them, addresses masked.
    sample: Vec<RecipientBody>,
}

impl From<Group> for GroupBody {
    fn from(it: Group) -> Self {
        Self {
            id: it.id.to_string(),
            slug: it.slug,
            name: it.name,
            kind: it.kind,
            r#where: it.filter,
            members: it.members,
            created_at: it.created_at.to_jiff(),
            updated_at: it.updated_at.to_jiff(),
        }
    }
}

/// The groups, the newest first.
#[utoipa::path(
    get, path = "/api/v1/groups", tag = "directory", params(PageParams),
    responses((status = 200, body = PageBody<GroupBody>)),
)]
pub async fn list(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
) -> Result<web::Json<PageBody<GroupBody>>> {
    let mut params = Params::of(&request);
    let (limit, before) = (params.limit(), params.cursor::<GroupId>());
    params.finish()?;
    let groups = groups::list(&s, key.caller(), "", before, limit + 1).await?;
    Ok(web::Json(PageBody::of(groups, limit, |group| group.id, GroupBody::from)))
}

/// A group and how many people it reaches.
#[utoipa::path(
    get, path = "/api/v1/groups/{slug}", tag = "directory",
    params(("slug" = String, Path, description = "The group's slug")),
    responses((status = 200, body = GroupBody)),
)]
pub async fn show(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    slug: Path<String>,
) -> Result<web::Json<GroupBody>> {
    Params::none(&request)?;
    Ok(web::Json(groups::get(&s, key.caller(), name(&slug)?).await?.into()))
}

/// Creates a group, or replaces it; a static one keeps its members.
#[utoipa::path(
    put, path = "/api/v1/groups/{slug}", tag = "directory",
    params(("slug" = String, Path, description = "1–64 of `a-z 0-9 - _`")),
    request_body = GroupInputBody,
    responses(
        (status = 200, body = GroupBody, description = "Replaced"),
        (status = 201, body = GroupBody, description = "Created",
            headers(("Location" = String, description = "Where the group is"))),
    ),
)]
pub async fn replace(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    slug: Path<String>,
    body: Json,
) -> Result<HttpResponse> {
    Params::none(&request)?;
    let (change, group) = groups::put(&s, key.caller(), &slug, &body.0).await?;
    let path = format!("/groups/{}", group.slug);
    Ok(put::answer(change, &path, &GroupBody::from(group)))
}

/// Removes a group; its people stay in the directory.
#[utoipa::path(
    delete, path = "/api/v1/groups/{slug}", tag = "directory",
    params(("slug" = String, Path, description = "The group's slug")),
    responses(
        (status = 204, description = "Removed"),
        (status = 409, description = "`group_in_use`: a routing rule, a source that is limited to groups, a scenario, a broadcast that is not over, an alarm button or a message that still waits names it"),
    ),
)]
pub async fn delete(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    slug: Path<String>,
) -> Result<HttpResponse> {
    Params::none(&request)?;
    groups::delete(&s, key.caller(), name(&slug)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The people a group reaches, the newest first.
#[utoipa::path(
    get, path = "/api/v1/groups/{slug}/members", tag = "directory",
    params(("slug" = String, Path, description = "The group's slug"), PageParams),
    responses((status = 200, body = PageBody<RecipientBody>)),
)]
pub async fn list_members(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    slug: Path<String>,
) -> Result<web::Json<PageBody<RecipientBody>>> {
    let mut params = Params::of(&request);
    let (limit, before) = (params.limit(), params.cursor::<RecipientId>());
    params.finish()?;
    let people = groups::members(&s, key.caller(), name(&slug)?, before, limit + 1).await?;
    Ok(web::Json(PageBody::of(people, limit, |person| person.id, RecipientBody::from)))
}

/// Puts people into a static group and takes others out, all or nothing.
#[utoipa::path(
    post, path = "/api/v1/groups/{slug}/members", tag = "directory",
    params(("slug" = String, Path, description = "The group's slug")),
    request_body = MembersBody,
    responses(
        (status = 200, body = MembersChanged),
        (status = 409, description = "`dynamic_group`: its filter finds its members"),
    ),
)]
pub async fn change_members(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    slug: Path<String>,
    body: Json,
) -> Result<web::Json<MembersChanged>> {
    Params::none(&request)?;
    Ok(web::Json(groups::change_members(&s, key.caller(), name(&slug)?, &body.0).await?))
}

/// Whom a filter finds, before it is kept.
#[utoipa::path(
    post, path = "/api/v1/groups/preview", tag = "directory",
    request_body = PreviewInputBody,
    responses((status = 200, body = PreviewBody)),
)]
pub async fn preview(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    body: Json,
) -> Result<web::Json<PreviewBody>> {
    Params::none(&request)?;
    let preview = groups::preview(&s, key.caller(), &body.0).await?;
    let sample = preview.sample.into_iter().map(RecipientBody::from).collect();
    Ok(web::Json(PreviewBody { count: preview.count, sample }))
}

fn name(slug: &str) -> Result<&str> {
    params::name(slug, "group")
}
