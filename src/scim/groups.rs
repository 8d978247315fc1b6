//! `/Groups`: groups that list their members.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::answer::{self, Resource, expected};
use super::listing::Kind;
use super::query::Query;
use crate::Result;
use crate::domain::id::GroupId;
use crate::domain::scim::filter::Filter;
use crate::domain::scim::question::{self, Condition, GroupField};
use crate::domain::scim::{GROUP, order};
use crate::http::body::{JsonBytes, LARGE, parse};
use crate::http::{Key, params};
use crate::service::scim::groups::{self, GroupView, Wanted};
use crate::service::scim::{Asked, Listed, admit};
use crate::service::{Caller, Services};

/// A body that may name a hundred thousand members.
type LargeJson = JsonBytes<LARGE>;

/// A group as the standard writes it.
fn resource(s: &Services, view: GroupView) -> Result<Resource> {
    let location = answer::location(s, &format!("Groups/{}", view.id))?;
    let mut body = json!({
        "schemas": [GROUP],
        "id": view.id,
        "displayName": view.name,
        "meta": {
            "resourceType": "Group",
            "created": view.created_at.to_jiff(),
            "lastModified": view.updated_at.to_jiff(),
            "version": view.version,
            "location": location,
        },
    });
    if let Some(external_id) = view.external_id {
        body["externalId"] = external_id.into();
    }
    if let Some(members) = view.members {
        let people = answer::location(s, "Users/")?;
        let members = members.into_iter().map(|member| {
            let place = format!("{people}{}", member.id);
            json!({ "value": member.id, "$ref": place, "display": member.name, "type": "User" })
        });
        body["members"] = Value::Array(members.collect());
    }
    Ok(Resource { body, version: view.version, location })
}

fn id(text: &str) -> Result<GroupId> {
    params::id(text, "group")
}

/// Members of one group are shown while they are few, or where they are asked for.
fn wanted(query: &Query) -> Wanted {
    match query {
        _ if query.leaves_out("members") => Wanted::No,
        _ if query.wants("members") => Wanted::All,
        _ => Wanted::Few,
    }
}

/// Groups are listed, with members only where they are asked for.
pub(super) struct Groups;

impl Kind for Groups {
    type Field = GroupField;
    const ORDERS: &'static [(&'static str, GroupField)] = order::OF_GROUPS;

    fn condition(filter: &Filter) -> Result<Condition<GroupField>> {
        question::of_groups(filter)
    }

    async fn find(
        s: &Services,
        caller: &Caller,
        asked: &Asked<GroupField>,
        query: &Query,
    ) -> Result<Listed<Resource>> {
        let wanted = if query.wants("members") { Wanted::All } else { Wanted::No };
        groups::list(s, caller, asked, wanted).await?.map(|view| resource(s, view))
    }
}

pub(super) async fn show(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    path: Path<String>,
) -> Result<HttpResponse> {
    admit(key.caller())?;
    let query = Query::of(&request)?;
    let view = groups::get(&s, key.caller(), id(&path)?, wanted(&query)).await?;
    Ok(resource(&s, view)?.show(&request, &query))
}

pub(super) async fn create(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    body: LargeJson,
) -> Result<HttpResponse> {
    admit(key.caller())?;
    let query = Query::of(&request)?;
    let view = groups::create(&s, key.caller(), &parse(&body.0)?).await?;
    Ok(resource(&s, view)?.answer(StatusCode::CREATED, &query))
}

pub(super) async fn replace(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    path: Path<String>,
    body: LargeJson,
) -> Result<HttpResponse> {
    admit(key.caller())?;
    let query = Query::of(&request)?;
    let expected = expected(&request);
    let view = groups::replace(&s, key.caller(), id(&path)?, &parse(&body.0)?, expected.as_ref()).await?;
    Ok(resource(&s, view)?.answer(StatusCode::OK, &query))
}

/// Answers 204, as a group may be large; the group where attributes of it are asked for.
pub(super) async fn update(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    path: Path<String>,
    body: LargeJson,
) -> Result<HttpResponse> {
    admit(key.caller())?;
    let query = Query::of(&request)?;
    let expected = expected(&request);
    let view = groups::patch(&s, key.caller(), id(&path)?, &parse(&body.0)?, expected.as_ref()).await?;
    let resource = resource(&s, view)?;
    if query.is_choosy() {
        return Ok(resource.answer(StatusCode::OK, &query));
    }
    Ok(HttpResponse::NoContent().insert_header((actix_web::http::header::ETAG, resource.version)).finish())
}

pub(super) async fn delete(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    path: Path<String>,
) -> Result<HttpResponse> {
    admit(key.caller())?;
    groups::delete(&s, key.caller(), id(&path)?, expected(&request).as_ref()).await?;
    Ok(HttpResponse::NoContent().finish())
}
